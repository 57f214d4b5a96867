"""On PostgreSQL: pairs of neighbouring characters of names and addresses, indexed for ``__holds``."""

from typing import Any, ClassVar

from django.db import migrations

FUNCTION = """
CREATE FUNCTION minewatch_bigrams(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT substr(lower($1), at, 2)), '{}')
    FROM generate_series(1, length($1) - 1) AS at
$$
"""
FIELDS = [
    ("register_enterprise", "name"),
    ("register_premises", "address"),
    ("register_usagepoint", "customer_name"),
    ("register_line", "holder_name"),
    ("register_plant", "name"),
    ("register_site", "name"),
]


def install(_apps: Any, editor: Any) -> None:
    """Make the function and an index a field."""
    if editor.connection.vendor == "postgresql":
        editor.execute(FUNCTION)
        for table, field in FIELDS:
            editor.execute(
                f"CREATE INDEX {table}_{field}_pairs ON {table} USING gin (minewatch_bigrams({field}::text))"
            )


def remove(_apps: Any, editor: Any) -> None:
    """Drop the indexes and the function."""
    if editor.connection.vendor == "postgresql":
        for table, field in FIELDS:
            editor.execute(f"DROP INDEX {table}_{field}_pairs")
        editor.execute("DROP FUNCTION minewatch_bigrams(text)")


class Migration(migrations.Migration):
    """Does nothing on SQLite, where ``__holds`` reads the rows."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("register", "0001_initial")]
    operations: ClassVar[list[Any]] = [migrations.RunPython(install, remove)]
