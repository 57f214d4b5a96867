"""The database refuses to change or delete moves and judgements."""

from typing import Any, ClassVar

from django.db import migrations

from minewatch.office.platform.append_only import append_only


class Migration(migrations.Migration):
    """Runs on SQLite and PostgreSQL."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("verify", "0001_initial")]
    operations: ClassVar[list[Any]] = [append_only("verify_move", "verify_judgement")]
