"""Webhooks: an agency's own system is told of events, once each, signed, and again until it answers.

``spread`` writes one delivery an event and subscription, in the transaction in which the event is taken.
``attempt`` sends one; what failed waits longer each time and is given up in the end, to be replayed by hand.
Sent twice is possible (a worker that died after the answer); the ``webhook-id`` is then the same.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from random import uniform
from typing import Any, NamedTuple

import urllib3
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django_tasks import task

from minewatch.office.platform import audit, sending
from minewatch.office.platform.models import Agency, Hook, HookAttempt, HookDelivery, Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By

MOST_TRIES = 9
"""Tries after which a delivery is given up; about a day and a half with the default pauses."""
_LONGEST_PAUSE_S, _FACTOR = 12 * 3600.0, 4
_IN_FLIGHT = timedelta(seconds=30)
_BOTH_SIGN = timedelta(hours=24)
_GONE = 410
_MARK = "whsec_"


class HookGiven(NamedTuple):
    """A subscription as it comes from a form."""

    name: str
    url: str
    kinds: frozenset[str]
    region: Region


class Happening(NamedTuple):
    """An event as subscribers are told of it: ids and links, nothing of a person; where it was."""

    kind: str
    event: int
    payload: Mapping[str, Any]
    region_path: str
    at: datetime


def subscribe(given: HookGiven, by: By) -> tuple[Hook, str]:
    """Subscribe the own agency; return the subscription and its secret, which is shown once.

    Raises Refused where the address is not allowed, or the region is not the account's.
    """
    sending.target_of(given.url)
    _within(given.region, by)
    return _subscribed(given, by)


@transaction.atomic
def _subscribed(given: HookGiven, by: By) -> tuple[Hook, str]:
    assert by.user is not None  # noqa: S101 - it has an agency
    secret = _new_secret()
    hook = Hook.objects.create(
        agency=_agency(by),
        region=given.region,
        name=given.name,
        url=given.url,
        kinds=sorted(given.kinds),
        secret=_hidden(secret),
        made_by=by.user,
        made_at=by.at,
    )
    details = {"url": given.url, "kinds": hook.kinds, "region": given.region.code}
    audit.record(by.act("hook_made", ("hook", hook.pk)), details)
    return hook, secret


@transaction.atomic
def rotate(hook: Hook, by: By) -> str:
    """Return a new secret; for a day the former one signs too, so that nothing is lost in between."""
    locked = _own(hook, by)
    secret = _new_secret()
    locked.former_secret, locked.former_until = locked.secret, by.at + _BOTH_SIGN
    locked.secret = _hidden(secret)
    locked.save(update_fields=["secret", "former_secret", "former_until"])
    audit.record(by.act("hook_secret_changed", ("hook", hook.pk)))
    return secret


@transaction.atomic
def switch(hook: Hook, active: bool, by: By) -> None:
    """Stop a subscription, or let it go on; what waits is tried again then."""
    locked = _own(hook, by)
    _switch(locked, active, by)
    if active:
        _rest(locked, 0, None)
        _enqueue(HookDelivery.objects.filter(hook=locked, state=HookDelivery.State.WAITING), by.at)


@transaction.atomic
def stop(hook: Hook, by: By) -> None:
    """Stop a subscription of any agency: what the system administrator may do."""
    _switch(Hook.objects.select_for_update().get(pk=hook.pk), False, by)


@transaction.atomic
def replay(hook: Hook, deliveries: Iterable[int], by: By) -> int:
    """Try again what was given up; return how many."""
    locked = _own(hook, by)
    dead = HookDelivery.objects.filter(hook=locked, pk__in=list(deliveries), state=HookDelivery.State.DEAD)
    ids = list(dead.select_for_update().values_list("pk", flat=True))
    again = HookDelivery.objects.filter(pk__in=ids)
    again.update(state=HookDelivery.State.WAITING, tries=0, ended_at=None)
    _rest(locked, 0, None)
    _enqueue(again, by.at)
    if ids:
        audit.record(by.act("hook_replayed", ("hook", hook.pk)), {"deliveries": ids[:100]})
    return len(ids)


def spread(told: Happening) -> int:
    """Write a delivery for each subscription that asked for such an event there; return how many."""
    ends = range(Region.steplen, len(told.region_path) + 1, Region.steplen)
    above = [told.region_path[:end] for end in ends]
    near = Hook.objects.filter(active=True, agency__active=True, region__path__in=above)
    hooks = [hook for hook in near.select_related("agency__region", "region") if _is_asked(hook, told.kind)]
    made = HookDelivery.objects.bulk_create(
        HookDelivery(
            hook=hook,
            event_id=told.event,
            kind=told.kind,
            payload=dict(told.payload),
            made_at=told.at,
            next_at=told.at,
        )
        for hook in hooks
    )
    _enqueue(HookDelivery.objects.filter(pk__in=[row.pk for row in made]), told.at)
    return len(made)


def attempt(number: int, now: datetime) -> datetime | None:
    """Try a delivery that is due; return when to try again, None where there is nothing more to do."""
    row = HookDelivery.objects.select_related("hook", "event").filter(pk=number).first()
    if row is None or row.state != HookDelivery.State.WAITING or not row.hook.active:
        return None
    due_at = max(row.next_at, row.hook.rests_until or row.next_at)
    if due_at > now:
        return due_at
    if not _claimed(row, now):
        return now + _IN_FLIGHT
    status, error, took_ms = _send(row, now)
    with transaction.atomic():
        HookAttempt.objects.create(delivery=row, at=now, status=status, error=error, took_ms=took_ms)
        return _settled(row, status, now)


def waiting(now: datetime) -> list[int]:
    """Return the deliveries whose job is lost: due for so long that none can be under way."""
    lost = HookDelivery.objects.filter(state=HookDelivery.State.WAITING, hook__active=True)
    return list(lost.filter(next_at__lt=now - 20 * _IN_FLIGHT).values_list("pk", flat=True)[:1000])


def signature(secret: str, message_id: str, timestamp: int, content: bytes) -> str:
    """Return the signature of a message (Standard Webhooks: HMAC-SHA256 over id, time and content)."""
    key = base64.b64decode(secret.removeprefix(_MARK))
    signed = f"{message_id}.{timestamp}.".encode() + content
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _claimed(row: HookDelivery, now: datetime) -> bool:
    """Take a due delivery in hand, so that for a while nobody else does; tell whether it worked."""
    due = HookDelivery.objects.filter(pk=row.pk, state=HookDelivery.State.WAITING, next_at__lte=now)
    row.tries += 1
    return bool(due.update(next_at=now + _IN_FLIGHT, tries=F("tries") + 1))


def _send(row: HookDelivery, now: datetime) -> tuple[int | None, str, int]:
    """Return the status of the answer, else what went wrong, and the milliseconds it took."""
    message_id, timestamp = f"evt_{row.event_id}_{row.hook_id}", int(now.timestamp())
    told = {"type": row.kind, "timestamp": row.event.at.isoformat(), "data": row.payload}
    content = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    signatures = [signature(secret, message_id, timestamp, content) for secret in _secrets(row.hook, now)]
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
    began = time.monotonic()
    try:
        status, error = sending.post(row.hook.url, content, headers), ""
    except Refused as refusal:
        status, error = None, refusal.code
    except (urllib3.exceptions.HTTPError, OSError) as failure:
        status, error = None, type(failure).__name__
    return status, error, int(1000 * (time.monotonic() - began))


def _settled(row: HookDelivery, status: int | None, now: datetime) -> datetime | None:
    failures = row.hook.failures + 1
    if status is not None and 200 <= status < 300:
        row.state, row.ended_at = HookDelivery.State.DONE, now
        _rest(row.hook, 0, None)
    else:
        row.next_at = now + timedelta(seconds=pause_s(max(row.tries, failures)))
        _rest(row.hook, failures, row.next_at)
        if max(row.tries, failures) >= MOST_TRIES or status == _GONE:
            row.state, row.ended_at = HookDelivery.State.DEAD, now
    row.save(update_fields=["state", "ended_at", "next_at"])
    if status == _GONE:
        _switch(row.hook, False, By(None, now))
    return row.next_at if row.state == HookDelivery.State.WAITING else None


@task()
def send(delivery: int) -> None:
    """Try a delivery, and come again when it says so; after a crash it goes on where its row stands."""
    again_at = attempt(delivery, datetime.now(UTC))
    if again_at is not None:
        send.using(run_after=again_at).enqueue(delivery)


def _rest(hook: Hook, failures: int, until: datetime | None) -> None:
    """Keep how often an address failed in a row: until a time none of its deliveries is tried."""
    if (hook.failures, hook.rests_until) != (failures, until):
        Hook.objects.filter(pk=hook.pk).update(failures=failures, rests_until=until)


def pause_s(tries: int) -> float:
    """Return the seconds until the next try: growing, with chance, so that not all come at once."""
    base_s = min(settings.WEBHOOK_RETRY_S * _FACTOR ** (tries - 1), _LONGEST_PAUSE_S)
    return base_s * uniform(0.75, 1.25)  # noqa: S311 - nothing secret


def _secrets(hook: Hook, now: datetime) -> list[str]:
    former = hook.former_secret if hook.former_until and hook.former_until > now else ""
    return [_fernet().decrypt(kept.encode()).decode() for kept in (hook.secret, former) if kept]


def _new_secret() -> str:
    return _MARK + base64.b64encode(secrets.token_bytes(32)).decode()


def _hidden(secret: str) -> str:
    return _fernet().encrypt(secret.encode()).decode()


def _fernet() -> Fernet:
    """Return what hides secrets in the database, by a key that follows from the office's own."""
    key = HKDF(hashes.SHA256(), 32, salt=None, info=b"webhook secrets").derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(key))


def _is_asked(hook: Hook, kind: str) -> bool:
    return kind in hook.kinds and hook.region.path.startswith(hook.agency.region.path)


def _enqueue(deliveries: Any, now: datetime) -> None:
    deliveries.update(next_at=now)
    for number in deliveries.values_list("pk", flat=True):
        send.enqueue(number)


def _agency(by: By) -> Agency:
    if by.user is None or by.user.agency is None:
        raise Refused("agency_unknown", code="")
    return by.user.agency


def _within(region: Region, by: By) -> None:
    agency, user = _agency(by), by.user
    own = user.region.path if user and user.region else "-"
    if not (region.path.startswith(own) and region.path.startswith(agency.region.path)):
        raise Refused("region_outside", region=region.name_zh, agency=agency.name_zh)


def _own(hook: Hook, by: By) -> Hook:
    """Return the locked subscription. Raises Refused where it is another agency's."""
    locked = Hook.objects.select_for_update(of=("self",)).select_related("agency").get(pk=hook.pk)
    if locked.agency_id != _agency(by).pk:
        raise Refused("hook_of_others", agency=str(locked.agency))
    return locked


def _switch(hook: Hook, active: bool, by: By) -> None:
    if hook.active != active:
        hook.active = active
        hook.save(update_fields=["active"])
        audit.record(by.act("hook_started" if active else "hook_stopped", ("hook", hook.pk)))
