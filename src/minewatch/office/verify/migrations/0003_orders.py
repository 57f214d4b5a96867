"""The order in which cases are listed, read from an index: the one that moved last first, ties by id."""

from typing import ClassVar

from django.db import migrations

INDEX = "verify_case_moved_at_order"


class Migration(migrations.Migration):
    """Runs on SQLite and PostgreSQL."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("verify", "0002_append_only")]
    operations: ClassVar[list[migrations.RunSQL]] = [
        migrations.RunSQL(f"CREATE INDEX {INDEX} ON verify_case (moved_at, id)", f"DROP INDEX {INDEX}")
    ]
