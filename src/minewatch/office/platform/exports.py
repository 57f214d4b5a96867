"""The audit chain taken out of the house: as a file, and as an anchor to be kept by somebody else."""

import json
from typing import IO

from django.db import transaction

from minewatch.office.platform import audit
from minewatch.office.platform.services import By


def export_audit(file: IO[str], after: int, by: By) -> int:
    """Write the entries after a number as JSON, one a line; return how many. The export itself is noted."""
    audit.seal()
    number = 0
    for entry in audit.lines(after):
        file.write(json.dumps(entry, ensure_ascii=False, sort_keys=True) + "\n")
        number += 1
    with transaction.atomic():
        audit.record(by.act("audit_exported", ("audit", "")), {"after": after, "number": number})
    return number


def anchor_text(by: By) -> str:
    """Return the end of the chain as a line of JSON; who has it can say later that the past was changed."""
    with transaction.atomic():
        audit.record(by.act("audit_anchored", ("audit", "")))
    end = audit.anchor(by.at)
    return json.dumps({"seq": end.seq, "hash": end.hash, "at": end.at.isoformat()}) + "\n"
