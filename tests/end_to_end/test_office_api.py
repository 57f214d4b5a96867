"""The programming interface as other systems meet it: several processes, a dying worker, odd requests."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import urllib3
from schemathesis import GenerationMode

from minewatch.office.conftest import OpenAccount, account, country  # noqa: F401 - fixtures
from minewatch.office.platform.roles import Role
from minewatch.office.web.tests.conftest import sites  # noqa: F401 - a fixture
from minewatch.office.web.tests.programs import program_of
from minewatch.office.web.tests.test_api_schema import try_all

MINEWATCH = [str(Path(sys.executable).with_name("minewatch")), "office"]
PASSWORD = "gobi-lantern-42-river"  # noqa: S105 - of a test
PER_MINUTE = 30
EVENTS = 8
WAIT_S = 90.0
NEW_KEY = """
import django; django.setup()
from django.utils import timezone
from minewatch.office.platform import tokens
from minewatch.office.platform.models import User
from minewatch.office.platform.services import By
user = User.objects.get(username="province")
given = tokens.TokenGiven("test", frozenset({"register.see_things"}), user.region, 1)
print(tokens.make(given, By(user, timezone.now()))[1])
"""
SUBSCRIBE = """
import sys, django; django.setup()
from django.utils import timezone
from minewatch.office.platform import webhooks
from minewatch.office.platform.models import User
from minewatch.office.platform.services import By
user = User.objects.get(username="province")
given = webhooks.HookGiven("ledger", sys.argv[1], frozenset({"register.site_registered"}), user.region)
print(webhooks.subscribe(given, By(user, timezone.now()))[1])
"""
REGISTER = """
import sys, django; django.setup()
from django.utils import timezone
from minewatch.office.platform.models import Region
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.platform.services import By
from minewatch.office.register import facts
from minewatch.office.register.models import Site, Source
by = By(None, timezone.now())
with scoped(whole("test")):
    said = facts.Said(facts.source(Source.Kind.FINDING, "test", by), by)
    region = Region.objects.get(code="511823")
    for number in range(int(sys.argv[1])):
        code = f"511823-{number:06d}"
        facts.register(Site(region=region, code=code, name=code, created_at=by.at), said)
"""
COUNT = """
import django; django.setup()
from minewatch.office.platform.models import Event, HookDelivery
events = Event.objects.filter(kind="register.site_registered")
done = HookDelivery.objects.filter(state="done").values_list("event", flat=True)
waiting = HookDelivery.objects.filter(state="waiting")
print(events.count(), HookDelivery.objects.count(), len(set(done)), waiting.count())
"""


class Office:
    """An office of its own, with the accounts of the demonstration."""

    def __init__(self, folder: Path, settings: str) -> None:
        folder.mkdir()
        (folder / "office.toml").write_text('second_factor = "optional"\n' + settings, "utf-8")
        self.environment = os.environ | {
            "MINEWATCH_OFFICE_HOME": str(folder),
            "DJANGO_SETTINGS_MODULE": "minewatch.office.settings",
        }
        subprocess.run([*MINEWATCH, "setup", "--demo-password", PASSWORD], env=self.environment, check=True)

    def told(self, script: str, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, *words],
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def started(self, *words: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([*MINEWATCH, *words], env=self.environment)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(done: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def test_a_rate_holds_across_processes(tmp_path: Path) -> None:
    office = Office(tmp_path / "office", f"api_per_minute = {PER_MINUTE}\n")
    key, port = office.told(NEW_KEY), free_port()
    server = office.started("serve", "--bind", f"127.0.0.1:{port}", "--processes", "2")
    pool = urllib3.PoolManager(maxsize=8, retries=False)
    base = f"http://127.0.0.1:{port}"

    def answer(_number: int) -> tuple[int, str]:
        told = pool.request(
            "GET", f"{base}/api/v1/me", headers={"Authorization": f"Bearer {key}", "Connection": "close"}
        )
        return told.status, told.headers.get("Retry-After", "")

    try:
        wait_for(lambda: _lives(pool, f"{base}/healthz"))
        began = time.monotonic()
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(answer, range(3 * PER_MINUTE)))
        came_back = (time.monotonic() - began) * PER_MINUTE / 60
    finally:
        server.terminate()
        server.wait(timeout=30)
    counted = Counter(status for status, _wait in answers)
    assert set(counted) == {200, 429}
    assert PER_MINUTE <= counted[200] <= PER_MINUTE + came_back + 1
    assert all(1 <= int(wait) <= 60 for status, wait in answers if status == 429)


def _lives(pool: urllib3.PoolManager, url: str) -> bool:
    try:
        return bool(pool.request("GET", url).status == 200)
    except urllib3.exceptions.HTTPError:
        return False


class Receiver:
    """Another system: fails at first, then hangs on one event until told to go on, then answers."""

    def __init__(self, failures: int) -> None:
        self.failures, self.hanging, self.go_on = failures, Event(), Event()
        self.taken: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(receiver.status(self.headers["webhook-id"]))
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    def status(self, message_id: str) -> int:
        if self.failures:
            self.failures -= 1
            return 500
        self.taken.append(message_id)
        if len(self.taken) == EVENTS // 2:
            self.hanging.set()
            self.go_on.wait(WAIT_S)
        return 200


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver(failures=3)
    yield one
    one.go_on.set()
    one.server.shutdown()
    one.server.server_close()


def test_webhooks_survive_failures_and_kill_9(tmp_path: Path, receiver: Receiver) -> None:
    host = f"127.0.0.1:{receiver.server.server_port}"
    office = Office(tmp_path / "office", f'webhook_hosts = ["{host}"]\nwebhook_retry_s = 0.3\n')
    office.told(SUBSCRIBE, f"http://{host}/in")
    office.told(REGISTER, str(EVENTS))
    first = office.started("worker")
    assert receiver.hanging.wait(WAIT_S)
    first.send_signal(signal.SIGKILL)  # the other system has the event, the office does not know it yet
    first.wait()
    receiver.go_on.set()
    second = office.started("worker")
    try:
        wait_for(lambda: office.told(COUNT) == f"{EVENTS} {EVENTS} {EVENTS} 0")
    finally:
        second.terminate()
        assert second.wait(timeout=30) == 0
    counted = Counter(receiver.taken)
    assert len(counted) == EVENTS
    assert sorted(counted.values()) == [1] * (EVENTS - 1) + [2], "only what was in flight came twice"


@pytest.mark.django_db
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
def test_no_request_brings_the_interface_to_fall(
    sites: Any,  # noqa: ARG001, F811
    account: OpenAccount,  # noqa: F811
    settings: Any,
    mode: GenerationMode,
) -> None:
    settings.API_PER_MINUTE = settings.API_PER_MINUTE_WITHOUT_TOKEN = 10_000_000
    user = account("li.na", "energy-510000", Role.OFFICER, Role.ANALYST, Role.INSPECTOR)
    caller = program_of(user)
    counted = Counter(try_all(caller.key, mode, 25))
    is_odd = mode is GenerationMode.NEGATIVE  # an odd request may also come with an odd token
    assert not {403, 500} & set(counted)
    assert counted[200] > (50 if is_odd else 200)
    assert is_odd or 401 not in counted
    user.roles.all().delete()
    counted = Counter(try_all(caller.key, mode, 5))
    assert set(counted) <= {200, 400, 401, 403, 404, 422}
    assert counted[403] > 50
    assert set(try_all("mwt_0_x", mode, 5)) == {401}
