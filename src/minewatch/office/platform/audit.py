"""The audit chain: who did what to which thing, each entry bound to the one before by SHA-256.

``record`` belongs into the transaction of the act itself: both stand or neither does. Who wants to change
the past has to change every later entry, and the anchors that were carried out of the house say so.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from minewatch.office.platform.models import AuditEntry, AuditHead

GENESIS = "0" * 64

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the request or job in work; entries of one act share it."""


class Act(NamedTuple):
    """An act: ``actor`` (account or ``office``) of ``agency`` did ``action`` to a thing at a time."""

    actor: str
    agency: str
    action: str
    subject: tuple[str, str]
    at: datetime


class Break(NamedTuple):
    """Where the chain does not hold, and why: ``missing``, ``altered`` or ``unlinked``."""

    seq: int
    why: str


def record(act: Act, details: Mapping[str, Any] | None = None) -> AuditEntry:
    """Append an act; raises where no transaction is open."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("an act and its audit entry stand in one transaction")
    head = AuditHead.objects.select_for_update().get(pk=1)
    entry = AuditEntry(
        seq=head.seq + 1,
        at=act.at,
        actor=act.actor,
        agency=act.agency,
        action=act.action,
        subject_kind=act.subject[0],
        subject_id=act.subject[1],
        details=json.loads(json.dumps(details or {}, default=str)),
        request_id=REQUEST_ID.get(),
        previous=head.hash,
    )
    entry.hash = link(entry)
    entry.save(force_insert=True)
    head.seq, head.hash = entry.seq, entry.hash
    head.save()
    return entry


def link(entry: AuditEntry) -> str:
    """Return the hash of an entry: over its fields in a canonical JSON, the hash before among them."""
    fields = {
        "seq": entry.seq,
        "at": entry.at.astimezone(tz=None).timestamp(),
        "actor": entry.actor,
        "agency": entry.agency,
        "action": entry.action,
        "subject": [entry.subject_kind, entry.subject_id],
        "details": entry.details,
        "request_id": entry.request_id,
        "previous": entry.previous,
    }
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def verify(anchors: Mapping[int, str] | None = None) -> Iterator[Break]:
    """Yield where the chain is broken; ``anchors`` (seq → hash) were carried out of the house before."""
    expected, previous = 1, GENESIS
    wanted = dict(anchors or {})
    for entry in AuditEntry.objects.order_by("seq").iterator(chunk_size=2000):
        if entry.seq != expected:
            yield Break(expected, "missing")
        elif entry.previous != previous:
            yield Break(entry.seq, "unlinked")
        if link(entry) != entry.hash or wanted.pop(entry.seq, entry.hash) != entry.hash:
            yield Break(entry.seq, "altered")
        expected, previous = entry.seq + 1, entry.hash
    head = AuditHead.objects.get(pk=1)
    if (head.seq, head.hash) != (expected - 1, previous):
        yield Break(expected, "missing")
    for seq in sorted(wanted):
        yield Break(seq, "missing")
