"""What a visit brought, who signed it, what was published: only ever added, and the database refuses more."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django.db import migrations

TABLES = tuple(
    f"inspections_{name}" for name in ("sheet", "machinecount", "photo", "signature", "step", "publication")
)
_SAYS = "inspections: this is only ever added"


def _sqlite(table: str) -> Iterator[tuple[str, str]]:
    for verb in ("UPDATE", "DELETE"):
        name = f"{table}_no_{verb.lower()}"
        make = f"CREATE TRIGGER {name} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END"
        yield make, f"DROP TRIGGER {name}"


def _postgresql(table: str) -> Iterator[tuple[str, str]]:
    for name, event in (("change", "UPDATE OR DELETE"), ("truncate", "TRUNCATE")):
        each = "STATEMENT" if name == "truncate" else "ROW"
        make = f"CREATE TRIGGER {table}_no_{name} BEFORE {event} ON {table} FOR EACH {each}"
        yield f"{make} EXECUTE FUNCTION inspections_refuse()", f"DROP TRIGGER {table}_no_{name} ON {table}"


def _statements(vendor: str) -> list[tuple[str, str]]:
    triggers = _postgresql if vendor == "postgresql" else _sqlite
    statements = [pair for table in TABLES for pair in triggers(table)]
    if vendor == "postgresql":
        body = f"$$BEGIN RAISE EXCEPTION '{_SAYS}'; END$$"
        make = f"CREATE FUNCTION inspections_refuse() RETURNS trigger LANGUAGE plpgsql AS {body}"
        statements.insert(0, (make, "DROP FUNCTION inspections_refuse()"))
    return statements


def install(_apps: Any, editor: Any) -> None:
    """Make the triggers."""
    with editor.connection.cursor() as cursor:
        for make, _ in _statements(editor.connection.vendor):
            cursor.execute(make)


def remove(_apps: Any, editor: Any) -> None:
    """Take the triggers away."""
    with editor.connection.cursor() as cursor:
        for _, drop in reversed(_statements(editor.connection.vendor)):
            cursor.execute(drop)


class Migration(migrations.Migration):
    """Runs on SQLite and PostgreSQL."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("inspections", "0001_initial")]
    operations: ClassVar[list[Any]] = [migrations.RunPython(install, remove)]
