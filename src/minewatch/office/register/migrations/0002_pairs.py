"""On PostgreSQL: indexes over pairs of characters for ``__holds``, and for the order of lists."""

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

ORDERED = {"": "power", "phase, ": "phase_power", "state, ": "state_power"}
"""Sites are read largest first, those without a size last, which an index of SQLite cannot say."""


def install(_apps: Any, editor: Any) -> None:
    """Make the function and an index a field."""
    if editor.connection.vendor == "postgresql":
        editor.execute(FUNCTION)
        for table, field in FIELDS:
            editor.execute(
                f"CREATE INDEX {table}_{field}_pairs ON {table} USING gin (minewatch_bigrams({field}::text))"
            )
        for first, name in ORDERED.items():
            columns = f"{first}power_kw DESC NULLS LAST, id DESC"
            editor.execute(f"CREATE INDEX register_site_{name} ON register_site ({columns})")


def remove(_apps: Any, editor: Any) -> None:
    """Drop the indexes and the function."""
    if editor.connection.vendor == "postgresql":
        for name in ORDERED.values():
            editor.execute(f"DROP INDEX register_site_{name}")
        for table, field in FIELDS:
            editor.execute(f"DROP INDEX {table}_{field}_pairs")
        editor.execute("DROP FUNCTION minewatch_bigrams(text)")


class Migration(migrations.Migration):
    """Does nothing on SQLite, where ``__holds`` reads the rows."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("register", "0001_initial")]
    operations: ClassVar[list[Any]] = [migrations.RunPython(install, remove)]
