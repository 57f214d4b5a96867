"""The audit chain: who did what to which thing, each entry bound to the one before by SHA-256.

``record`` belongs into the transaction of the act itself: both stand or neither does. It only adds a row,
so that a long transaction holds nobody up; ``seal`` gives committed entries their place in the chain, right
after the commit and again by the worker, for those whose process died in between. Who wants to change the
past has to change every later entry, and the anchors that were carried out of the house say so.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from minewatch.office.platform.models import AuditEntry, AuditHead

GENESIS = "0" * 64
_SEALED_AT_ONCE = 500
_SEAL = f"UPDATE {AuditEntry._meta.db_table} SET seq = %s, previous = %s, hash = %s WHERE id = %s"  # noqa: S608

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


class Anchor(NamedTuple):
    """The end of the chain at a time, to be kept outside of the house."""

    seq: int
    hash: str
    at: datetime


def record(act: Act, details: Mapping[str, Any] | None = None) -> AuditEntry:
    """Add the entry of an act; raises where no transaction is open. It is sealed after the commit."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("an act and its audit entry stand in one transaction")
    entry = AuditEntry.objects.create(
        at=act.at,
        actor=act.actor,
        agency=act.agency,
        action=act.action,
        subject_kind=act.subject[0],
        subject_id=act.subject[1],
        details=json.loads(json.dumps(details or {}, default=str)),
        request_id=REQUEST_ID.get(),
    )
    transaction.on_commit(seal, robust=True)
    return entry


def seal() -> int:
    """Give the entries that wait for it their place in the chain; return how many got one."""
    sealed = 0
    while AuditEntry.objects.filter(seq=None).exists():
        with transaction.atomic():
            sealed += _seal_some(AuditHead.objects.select_for_update().get(pk=1))
    return sealed


def _seal_some(head: AuditHead) -> int:
    waiting = list(AuditEntry.objects.filter(seq=None).order_by("id")[:_SEALED_AT_ONCE])
    for entry in waiting:
        entry.seq, entry.previous = head.seq + 1, head.hash
        entry.hash = link(line(entry))
        head.seq, head.hash = entry.seq, entry.hash
    values = [(entry.seq, entry.previous, entry.hash, entry.pk) for entry in waiting]
    with connection.cursor() as cursor:  # twenty times as fast as bulk_update
        cursor.executemany(_SEAL, values)
    head.save()
    return len(waiting)


def line(entry: AuditEntry, *, with_details: bool = True) -> dict[str, Any]:
    """Return an entry as it is exported: all its fields, the time in UTC.

    The details can be left out, for those who may not read cases: the chain binds their hash.
    """
    said = {
        "seq": entry.seq,
        "at": entry.at.astimezone(UTC).isoformat(),
        "actor": entry.actor,
        "agency": entry.agency,
        "action": entry.action,
        "subject": [entry.subject_kind, entry.subject_id],
        "details_hash": _digest(entry.details),
        "request_id": entry.request_id,
        "previous": entry.previous,
        "hash": entry.hash,
    }
    return said | {"details": entry.details} if with_details else said


def link(fields: Mapping[str, Any]) -> str:
    """Return the hash of an entry as exported: over all fields but the hash itself and the details."""
    return _digest({name: value for name, value in fields.items() if name not in ("hash", "details")})


def _digest(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def lines(after: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the sealed entries after a number, as they are exported."""
    for entry in AuditEntry.objects.filter(seq__gt=after).order_by("seq").iterator(chunk_size=2000):
        yield line(entry)


def verify(anchors: Mapping[int, str] | None = None) -> Iterator[Break]:
    """Yield where the chain is broken; ``anchors`` (seq → hash) were carried out of the house before."""
    seal()
    head = AuditHead.objects.get(pk=1)
    yield from verify_lines(lines(), {head.seq: head.hash} | dict(anchors or {}) if head.seq else anchors)


def verify_lines(
    entries: Iterable[Mapping[str, Any]], anchors: Mapping[int, str] | None = None
) -> Iterator[Break]:
    """Yield where a chain of exported entries is broken; it begins with the first entry of all."""
    expected, previous = 1, GENESIS
    wanted = dict(anchors or {})
    for entry in entries:
        seq, said = entry["seq"], entry["hash"]
        if seq != expected:
            yield Break(expected, "missing")
        elif entry["previous"] != previous:
            yield Break(seq, "unlinked")
        is_whole = "details" not in entry or _digest(entry["details"]) == entry["details_hash"]
        if not is_whole or link(entry) != said or wanted.pop(seq, said) != said:
            yield Break(seq, "altered")
        expected, previous = seq + 1, said
    for seq in sorted(wanted):
        yield Break(seq, "missing")


def anchor(at: datetime) -> Anchor:
    """Return the end of the chain, to be carried out of the house."""
    seal()
    head = AuditHead.objects.get(pk=1)
    return Anchor(head.seq, head.hash, at)
