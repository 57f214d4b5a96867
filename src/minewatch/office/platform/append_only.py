"""Tables to which rows are only ever added: the database itself refuses to change or delete one."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.migrations import RunPython

_WORDS = "rows of {table} are only ever added"


def append_only(*tables: str) -> RunPython:
    """Return the migration's operation that has the database refuse changes of rows, on either engine."""

    def install(_apps: Any, editor: Any) -> None:
        _run(editor, _INSTALL, tables)

    def remove(_apps: Any, editor: Any) -> None:
        _run(editor, _REMOVE, tables)

    return RunPython(install, remove)


_ABORT = f"BEGIN SELECT RAISE(ABORT, '{_WORDS}'); END"
_INSTALL = {
    "sqlite": (
        "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} " + _ABORT,
        "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} " + _ABORT,
    ),
    "postgresql": (
        "CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
        f"RAISE EXCEPTION '{_WORDS}'; END$$",
        "CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()",
    ),
}
_REMOVE = {
    "sqlite": ("DROP TRIGGER {table}_no_update", "DROP TRIGGER {table}_no_delete"),
    "postgresql": ("DROP TRIGGER {table}_no_change ON {table}", "DROP FUNCTION {table}_refuse()"),
}


def _run(editor: Any, statements: Mapping[str, Iterable[str]], tables: Iterable[str]) -> None:
    with editor.connection.cursor() as cursor:
        for table in tables:
            for statement in statements[editor.connection.vendor]:
                cursor.execute(statement.format(table=table))
