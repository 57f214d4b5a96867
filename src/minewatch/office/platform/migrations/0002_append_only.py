"""The audit chain begins; the database refuses to change or delete entries, but for sealing one once."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import migrations

TABLE = "platform_auditentry"

SEALED_LATER = ("seq", "previous", "hash")
KEPT = (
    "id", "at", "actor", "agency", "action", "subject_kind", "subject_id", "details", "request_id"
)  # fmt: skip
_CHANGED = " OR ".join(["OLD.seq IS NOT NULL", *(f"NEW.{name} IS NOT OLD.{name}" for name in KEPT)])
_ABORT = "BEGIN SELECT RAISE(ABORT, 'the audit chain is append-only'); END"

SQLITE = {
    "install": [
        f"CREATE TRIGGER {TABLE}_no_update BEFORE UPDATE ON {TABLE} WHEN {_CHANGED} {_ABORT}",
        f"CREATE TRIGGER {TABLE}_no_delete BEFORE DELETE ON {TABLE} {_ABORT}",
    ],
    "remove": [f"DROP TRIGGER {TABLE}_no_{verb}" for verb in ("update", "delete")],
}
POSTGRESQL = {
    "install": [
        f"CREATE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
        "IF TG_OP = 'UPDATE' AND OLD.seq IS NULL "
        f"AND to_jsonb(NEW) - '{{{','.join(SEALED_LATER)}}}'::text[] "
        f"= to_jsonb(OLD) - '{{{','.join(SEALED_LATER)}}}'::text[] THEN RETURN NEW; END IF; "
        "RAISE EXCEPTION 'the audit chain is append-only'; END$$",
        f"CREATE TRIGGER {TABLE}_no_change BEFORE UPDATE OR DELETE ON {TABLE} "
        f"FOR EACH ROW EXECUTE FUNCTION {TABLE}_refuse()",
        f"CREATE TRIGGER {TABLE}_no_truncate BEFORE TRUNCATE ON {TABLE} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_refuse()",
    ],
    "remove": [
        f"DROP TRIGGER {TABLE}_no_truncate ON {TABLE}",
        f"DROP TRIGGER {TABLE}_no_change ON {TABLE}",
        f"DROP FUNCTION {TABLE}_refuse()",
    ],
}
BY_VENDOR = {"sqlite": SQLITE, "postgresql": POSTGRESQL}


def _run(editor: Any, statements: Sequence[str]) -> None:
    with editor.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def install(apps: Any, editor: Any) -> None:
    """Make the head of the empty chain and the triggers."""
    apps.get_model("platform", "AuditHead").objects.create(pk=1, seq=0, hash="0" * 64)
    _run(editor, BY_VENDOR[editor.connection.vendor]["install"])


def remove(apps: Any, editor: Any) -> None:
    """Take the triggers away again, and the head."""
    _run(editor, BY_VENDOR[editor.connection.vendor]["remove"])
    apps.get_model("platform", "AuditHead").objects.all().delete()


class Migration(migrations.Migration):
    """Runs on SQLite and PostgreSQL."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("platform", "0001_initial")]
    operations: ClassVar[list[Any]] = [migrations.RunPython(install, remove)]
