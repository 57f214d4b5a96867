"""What leaves the office as a file: for a purpose, and noted before the first row goes out."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from minewatch.office.platform import audit
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By

SHORTEST_PURPOSE = 4


@transaction.atomic
def note_export(page: str, purpose: str, details: Mapping[str, Any], by: By) -> None:
    """Note that ``page`` is exported for a purpose; ``details`` say which rows, and whether in the clear.

    Raises Refused without a purpose.
    """
    if len(purpose.strip()) < SHORTEST_PURPOSE:
        raise Refused("purpose_missing", field=page)
    audit.record(by.act("exported", ("page", page)), {"purpose": purpose.strip(), **details})
