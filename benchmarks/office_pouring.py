"""Rows of a model into its table by the million: COPY on PostgreSQL, ``executemany`` on SQLite.

Columns come by the field's name, as sequences or as one value for all rows; fields that are not given get the
model's default. Indexes that no constraint needs are made after the rows are in, as in a restore.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice, repeat
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, models

_CHUNK = 20_000
_POSTGRESQL_INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM pg_index JOIN pg_class t ON t.oid = indrelid
    WHERE t.relnamespace = 'public'::regnamespace AND NOT indisunique
"""
_SQLITE_INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOT LIKE 'CREATE UNIQUE%'"


def pour(model: type[models.Model], columns: Mapping[str, Any], first_id: int = 1) -> range:
    """Add rows to a model's table and return their ids, from ``first_id`` on."""
    number = next(len(given) for given in columns.values() if _is_many(given))
    ids = range(first_id, first_id + number)
    given = {"id": ids, **columns}
    fields = model._meta.local_concrete_fields
    rows = zip(*(_column(field, given, number) for field in fields), strict=True)
    names = [field.column for field in fields]
    if connection.vendor == "postgresql":
        _copy(model._meta.db_table, names, rows)
    else:
        _insert(model._meta.db_table, names, rows)
    return ids


def _is_many(given: Any) -> bool:
    return isinstance(given, Sequence) and not isinstance(given, str)


def _column(field: Any, given: Mapping[str, Any], number: int) -> Iterator[Any]:
    default = given.get(field.attname, given.get(field.name, _MISSING))
    values = repeat(field.get_default(), number) if default is _MISSING else default
    values = values if _is_many(values) or isinstance(values, repeat) else repeat(values, number)
    if isinstance(field, models.JSONField):
        return (json.dumps(value, ensure_ascii=False) for value in values)
    if connection.vendor == "sqlite":
        return (field.get_db_prep_value(value, connection) for value in values)
    return iter(values)


_MISSING = object()


def _copy(table: str, names: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
    columns = ", ".join(f'"{name}"' for name in names)
    connection.ensure_connection()
    with (
        connection.connection.cursor() as cursor,
        cursor.copy(f'COPY "{table}" ({columns}) FROM STDIN') as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _insert(table: str, names: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
    columns = ", ".join(f'"{name}"' for name in names)
    statement = f'INSERT INTO "{table}" ({columns}) VALUES ({", ".join(["?"] * len(names))})'  # noqa: S608
    connection.ensure_connection()
    while chunk := list(islice(rows, _CHUNK)):
        connection.connection.cursor().executemany(statement, chunk)


@contextmanager
def filling() -> Iterator[None]:
    """Let rows be poured without triggers and indexes; then make indexes, set the ids on, take statistics."""
    postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute(_POSTGRESQL_INDEXES if postgresql else _SQLITE_INDEXES)
        indexes = [(name, said) for name, said in cursor.fetchall() if said]
        cursor.execute(
            "SET session_replication_role = replica" if postgresql else "PRAGMA foreign_keys = OFF"
        )
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name if postgresql else chr(34) + name + chr(34)}")
        yield
        for _, said in indexes:
            cursor.execute(said)
        cursor.execute("SET session_replication_role = DEFAULT" if postgresql else "PRAGMA foreign_keys = ON")
        for said in connection.ops.sequence_reset_sql(no_style(), apps.get_models()):
            cursor.execute(said)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if postgresql else "ANALYZE")
