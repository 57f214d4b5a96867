"""Indexes for the orders of lists, so that a page of a million rows is read and not sorted.

Every list breaks ties by id. One index serves both directions of a column that is always set; where it may be
empty, rows without a value come last in both, for which PostgreSQL takes a second index (SQLite reads the
first one in two pieces). Entries that were merged into another are few; their index leaves the others out.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from django.db import migrations

ORDERS: dict[str, dict[str, bool]] = {
    "register_enterprise": {"name": False, "uscc": True, "industry_code": False, "credit_class": False},
    "register_usagepoint": {"contract_kva": True, "transformer_id": False},
    "register_site": {
        "name": False,
        "kind": False,
        "recurrences": False,
        "energy_week_kwh": True,
        "posterior": True,
        "first_seen_at": True,
        "last_seen_at": True,
        "planned_start_on": True,
    },
}
"""By table: the columns that its lists are ordered or filtered by, and whether one may be empty."""


BEGINNINGS = ("uscc",)
"""Columns that are found by their beginning, for which PostgreSQL takes an index of its own."""

MERGED = ("enterprise", "premises", "usagepoint", "plant", "line", "site")


def _indexes(vendor: str) -> Iterator[tuple[str, str]]:
    for kind in MERGED:
        said = f"register_{kind} (merged_into_id) WHERE merged_into_id IS NOT NULL"
        yield f"register_{kind}_merged", said
    for table, columns in ORDERS.items():
        for column, may_be_empty in columns.items():
            yield f"{table}_{column}_order", f"{table} ({column}, id)"
            if vendor == "postgresql" and column in BEGINNINGS:
                yield f"{table}_{column}_begins", f"{table} ({column} varchar_pattern_ops)"
            if may_be_empty and vendor == "postgresql":
                yield f"{table}_{column}_falling", f"{table} ({column} DESC NULLS LAST, id DESC)"


def install(_apps: Any, editor: Any) -> None:
    """Make the indexes."""
    for name, said in _indexes(editor.connection.vendor):
        editor.execute(f"CREATE INDEX {name} ON {said}")


def remove(_apps: Any, editor: Any) -> None:
    """Drop the indexes."""
    for name, _said in _indexes(editor.connection.vendor):
        editor.execute(f"DROP INDEX {name}")


class Migration(migrations.Migration):
    """Runs on SQLite and PostgreSQL."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("register", "0002_pairs")]
    operations: ClassVar[list[Any]] = [migrations.RunPython(install, remove)]
