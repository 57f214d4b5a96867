"""Webhooks: one delivery an event and subscription, signed, tried again, given up, replayed; never inside."""

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django_tasks_db.models import DBTaskResult

from minewatch.office.conftest import AT, OpenAccount
from minewatch.office.platform import events, sending, webhooks
from minewatch.office.platform.models import (
    Agency,
    AuditEntry,
    Event,
    Hook,
    HookDelivery,
    Region,
    User,
)
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.roles import Role
from minewatch.office.platform.services import By

pytestmark = pytest.mark.django_db
KIND = "verify.case_moved"


class Receiver:
    """Another system on this machine: answers as told, and keeps what it was sent."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.sent: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.sent.append(({name.lower(): value for name, value in self.headers.items()}, content))
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    one = Receiver()
    settings.WEBHOOK_HOSTS = frozenset({one.host})
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def li_na(account: OpenAccount) -> User:
    return account("li.na", "energy-510000", Role.OFFICER)


def hook_of(user: User, receiver: Receiver, region: str = "510000") -> tuple[Hook, str]:
    place = Region.objects.get(code=region)
    url = f"http://{receiver.host}/minewatch?from=office"
    return webhooks.subscribe(webhooks.HookGiven("ledger", url, frozenset({KIND}), place), By(user, AT))


def happen(region: str = "510703", kind: str = KIND) -> int:
    event = Event.objects.create(kind=kind, payload={}, at=AT)
    path = Region.objects.get(code=region).path
    return webhooks.spread(webhooks.Happening(kind, event.pk, {"case": "510703-000001"}, path, AT))


def test_an_event_goes_out_once_and_signed(li_na: User, receiver: Receiver) -> None:
    hook, secret = hook_of(li_na, receiver)
    assert secret.startswith("whsec_")
    assert secret.removeprefix("whsec_") not in Hook.objects.get().secret
    assert happen() == 1
    row = HookDelivery.objects.get()
    assert webhooks.attempt(row.pk, AT) is None
    [(headers, content)] = receiver.sent
    told = json.loads(content)
    assert told == {"type": KIND, "timestamp": AT.isoformat(), "data": {"case": "510703-000001"}}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + content
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == f"evt_{row.event_id}_{hook.pk}"
    row.refresh_from_db()
    assert (row.state, row.tries, row.attempts.get().status) == ("done", 1, 200)
    assert webhooks.attempt(row.pk, AT) is None
    assert len(receiver.sent) == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        HookDelivery.objects.create(
            hook=hook, event_id=row.event_id, kind=KIND, payload={}, made_at=AT, next_at=AT
        )


def test_only_who_asked_is_told(li_na: User, receiver: Receiver, account: OpenAccount) -> None:
    hook, _secret = hook_of(li_na, receiver)
    gansu = account("ma.jun", "energy-620000", Role.OFFICER)
    hook_of(gansu, receiver, "620000")
    assert happen(kind="verify.order_done") == 0
    assert happen("620000") == 1
    webhooks.switch(hook, False, By(li_na, AT))
    assert happen() == 0
    webhooks.switch(hook, True, By(li_na, AT))
    Agency.objects.filter(code="energy-510000").update(region=Region.objects.get(code="510703"))
    assert happen() == 0, "a subscription never reaches beyond its agency's region"


def test_a_failure_is_tried_again_later_and_later_and_given_up(li_na: User, receiver: Receiver) -> None:
    hook_of(li_na, receiver)
    happen()
    row, now, pauses = HookDelivery.objects.get(), AT, []
    receiver.statuses = [500] * webhooks.MOST_TRIES
    for _ in range(webhooks.MOST_TRIES):
        again_at = webhooks.attempt(row.pk, now)
        if again_at is None:
            break
        pauses.append((again_at - now).total_seconds())
        assert webhooks.attempt(row.pk, now) == again_at, "nothing is sent before its time"
        now = again_at
    assert len(receiver.sent) == webhooks.MOST_TRIES
    assert all(7 <= pause / 4**number <= 13 for number, pause in enumerate(pauses[:6]))
    assert max(pauses) <= 1.25 * 12 * 3600
    row.refresh_from_db()
    assert (row.state, row.tries) == ("dead", webhooks.MOST_TRIES)
    assert {headers["webhook-id"] for headers, _content in receiver.sent} == {
        f"evt_{row.event_id}_{row.hook_id}"
    }
    assert webhooks.replay(Hook.objects.get(), [row.pk], By(li_na, now)) == 1
    assert webhooks.attempt(row.pk, now) is None
    row.refresh_from_db()
    assert (row.state, row.tries) == ("done", 1)


def test_an_address_that_fails_rests_with_all_its_events(li_na: User, receiver: Receiver) -> None:
    hook_of(li_na, receiver)
    for _ in range(3):
        happen()
    receiver.statuses = [503]
    rows = list(HookDelivery.objects.order_by("pk"))
    again_at = webhooks.attempt(rows[0].pk, AT)
    assert [webhooks.attempt(row.pk, AT) for row in rows[1:]] == [again_at, again_at]
    assert len(receiver.sent) == 1
    assert again_at is not None
    assert [webhooks.attempt(row.pk, again_at) for row in rows] == [None, None, None]
    assert Hook.objects.get().failures == 0


def test_redirects_lead_nowhere_and_gone_stops(li_na: User, receiver: Receiver) -> None:
    hook_of(li_na, receiver)
    happen()
    row = HookDelivery.objects.get()
    receiver.statuses = [302, 410]
    again_at = webhooks.attempt(row.pk, AT)
    assert again_at is not None
    assert webhooks.attempt(row.pk, again_at) is None
    assert [attempt.status for attempt in row.attempts.order_by("pk")] == [302, 410]
    row.refresh_from_db()
    assert (row.state, Hook.objects.get().active) == ("dead", False)
    assert AuditEntry.objects.filter(action="hook_stopped", actor="office").exists()


def test_a_delivery_in_hand_is_not_taken_twice(li_na: User, receiver: Receiver) -> None:
    hook_of(li_na, receiver)
    happen()
    row = HookDelivery.objects.select_related("hook", "event").get()
    assert webhooks._claimed(row, AT)  # the worker dies here
    later = webhooks.attempt(row.pk, AT + timedelta(seconds=1))
    assert later is not None
    assert later > AT + timedelta(seconds=1)
    assert receiver.sent == []
    assert webhooks.attempt(row.pk, later) is None
    assert len(receiver.sent) == 1


def test_both_secrets_sign_for_a_day(li_na: User, receiver: Receiver) -> None:
    hook, former = hook_of(li_na, receiver)
    new = webhooks.rotate(hook, By(li_na, AT))
    happen()
    happen()
    first, second = HookDelivery.objects.order_by("pk")
    webhooks.attempt(first.pk, AT)
    webhooks.attempt(second.pk, AT + timedelta(days=2))
    signatures = [headers["webhook-signature"].split() for headers, _content in receiver.sent]
    headers, content = receiver.sent[0]
    stamp = int(headers["webhook-timestamp"])
    assert signatures[0] == [
        webhooks.signature(secret, headers["webhook-id"], stamp, content) for secret in (new, former)
    ]
    assert len(signatures[1]) == 1


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.1.2.3",
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_nothing_goes_into_the_own_network(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not sending.is_outside(address)
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (one, 443)) for one in ("93.184.216.34", address)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: found)
    with pytest.raises(Refused) as caught:
        sending.target_of("https://ledger.example/")
    assert caught.value.code == "hook_host_inside"


def test_outside_addresses_pass_and_the_connection_goes_to_what_was_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("93.184.216.34", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: found)
    target = sending.target_of("https://ledger.example/in")
    pool = sending._pool(target)
    assert (pool.host, pool.port) == ("93.184.216.34", 443)
    assert pool.conn_kw["server_hostname"] == "ledger.example"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "url",
    ["http://ledger.example/", "ftp://x/", "https://user:word@ledger.example/", "https://", "https://[x"],
)
def test_only_https_and_no_passwords(url: str) -> None:
    with pytest.raises(Refused) as caught:
        sending.target_of(url)
    assert caught.value.code == "hook_url"


def test_another_agency_cannot_touch_it(li_na: User, receiver: Receiver, account: OpenAccount) -> None:
    hook, _secret = hook_of(li_na, receiver)
    other = By(account("ma.jun", "energy-620000", Role.OFFICER), AT)
    for act in (
        lambda: webhooks.rotate(hook, other),
        lambda: webhooks.switch(hook, False, other),
        lambda: webhooks.replay(hook, [1], other),
    ):
        with pytest.raises(Refused):
            act()
    with pytest.raises(Refused):
        hook_of(li_na, receiver, "620000")


def test_jobs_carry_it_and_lost_ones_are_taken_up(li_na: User, receiver: Receiver) -> None:
    from minewatch.office.platform.hourly import hour_began

    hook_of(li_na, receiver)
    happen()
    jobs = DBTaskResult.objects.filter(task_path__endswith="webhooks.send")
    assert jobs.count() == 1
    receiver.statuses = [500]
    row = HookDelivery.objects.get()
    webhooks.send.call(row.pk)
    later = jobs.order_by("enqueued_at").last()
    assert jobs.count() == 2
    assert later is not None
    assert later.run_after is not None
    jobs.delete()
    hour_began({}, AT + timedelta(days=10_000))
    assert jobs.count() == 1


def test_a_subscriber_is_told_the_number_of_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setitem(events._SUBSCRIBERS, "test.told", {"one": lambda payload, _at: seen.append(payload)})
    with transaction.atomic():
        events.publish("test.told", {"case": 1}, AT)
    events.deliver(AT)
    assert seen == [{"case": 1, "event": Event.objects.get(kind="test.told").pk}]
