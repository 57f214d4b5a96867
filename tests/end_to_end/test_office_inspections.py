"""Draws in a real Chromium: drawn by another, sent out, read by everybody, checked from their file."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.office_console import wait_for

MINEWATCH = str(Path(sys.executable).with_name("minewatch"))
AXE = Path(__file__).parents[2] / "src/minewatch/office/web/static/vendor/axe.min.js"
PASSWORD = "gobi-lantern-42-river"  # noqa: S105 - of the office that this test makes
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PAGES = (
    "/inspections/",
    "/inspections/mine/",
    "/inspectors/",
    "/inspectors/new/",
    "/inspectors/1/",
    "/inspectors/1/recuse/",
    "/complaints/",
    "/complaints/new/",
    "/plans/",
    "/plans/new/",
    "/plans/JH-511823-{year}-0001/",
    "/draws/",
    "/draws/new/",
    "/draws/SJ-511823-{year}-0001/",
    "/inspections/JC-511823-{year}-0001/",
    "/inspections/JC-511823-{year}-0001/postpone/",
    "/inspections/JC-511823-{year}-0001/replace/",
    "/public/",
    "/public/draws/SJ-511823-{year}-0001/",
)
ENGLISH = os.environ | {"MINEWATCH_LANG": "en"}
SHOTS = os.environ.get("INSPECTION_SHOTS")

pytestmark = pytest.mark.skipif(not AXE.is_file(), reason="needs the office's assets (tools/assets.sh)")

FURNISH = """
    from datetime import UTC, date, datetime, timedelta
    from pathlib import Path
    from minewatch.office import running
    running.open_office(Path(HOME))
    from minewatch.office.platform.models import Agency, Region, User
    from minewatch.office.platform.scope import scoped, whole
    from minewatch.office.platform.services import By
    from minewatch.office.register import facts
    from minewatch.office.register.models import Premises, Site, Source
    from minewatch.office.verify.inspections import draws, plans
    from minewatch.office.verify.inspections.inspectors import InspectorGiven, enter
    from minewatch.office.verify.inspections.routing import Place, Terms
    from minewatch.office.verify.services import open_case

    now = datetime.now(UTC)
    region, agency = Region.objects.get(code="511823"), Agency.objects.get(code="reform-511823")

    def of(name, days=0.0):
        return By(User.objects.get(username=name), now - timedelta(days=days))

    with scoped(whole("test")):
        said = facts.Said(facts.source(Source.Kind.FINDING, "f", By(None, now)), By(None, now))
        people = [
            enter(InspectorGiven(of(name).user, f"川-{name}", ("network",), date(2020, 1, 1)), of(name, 5))
            for name in ("county", "inspector", "inspector-2")
        ]
        for number in range(1, 7):
            named = {"address": f"汉源县工业路{number}号", "lon": 102.6 + number / 50, "lat": 29.35}
            place = facts.register(Premises(region=region, **named), said)
            values = {"code": f"511823-{number:06d}", "name": f"工业路{number}号", "power_kw": 90.0 * number}
            site = facts.register(Site(region=region, premises=place, posterior=0.9, **values), said)
            open_case(site, agency, "重点名单", of("county", 4))
        terms = Terms(Place(102.65, 29.35), inspector_hours=16)
        plan = plans.PlanGiven("本周", people[:2], (now + timedelta(days=1)).date(), 2, terms, 2.0)
        plans.make(plan, of("county"))
        given = draws.DrawGiven("季度抽查", 1, people, ["suspected"], "某期彩票", now - timedelta(days=2))
        row = draws.carry_out(draws.announce(given, of("county", 3)), "03 11 17", of("county-chief", 1))
        draws.send_out(row, (now + timedelta(days=1)).date(), "抽查", of("county"))
        due = given._replace(title="待抽取", wanted=2, public_at=now + timedelta(seconds=2))
        print(draws.announce(due, of("county")).number)
"""


class Office(NamedTuple):
    address: str
    waiting: str  # number of the draw whose public number comes out at once


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    home = tmp_path_factory.mktemp("office")
    (home / "office.toml").write_text('second_factor = "optional"\nsessions = 20\n', "utf-8")
    command = [MINEWATCH, "office", "setup", "--demo-password", PASSWORD, "--home", str(home)]
    subprocess.run(command, check=True, capture_output=True)
    code = textwrap.dedent(FURNISH).replace("HOME", repr(str(home)))
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    log = (home / "serve.log").open("wb")
    command = [MINEWATCH, "office", "serve", "--bind", bind, "--processes", "1", "--home", str(home)]
    server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(f"http://{bind}/healthz")
        yield Office(f"http://{bind}", made.stdout.strip())
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
        log.close()


def opened(browser: Browser, office: Office, name: str, size: dict[str, int], locale: str = "en-US") -> Page:
    page = browser.new_context(locale=locale, viewport=size).new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(f"{office.address}/account/login/")
    page.fill("input[name=login]", name)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{office.address}/")
    wanted = "简体中文" if locale.startswith("zh") else "English"
    switch = page.get_by_role("button", name=wanted, exact=True)
    if switch.count():
        switch.click()
    return page


@pytest.mark.parametrize(
    ("locale", "size"), [("zh-CN", DESKTOP), ("en-US", DESKTOP), ("zh-CN", PHONE)], ids=["zh", "en", "phone"]
)
def test_pages_break_no_rule_and_fit(
    browser: Browser, office: Office, locale: str, size: dict[str, int]
) -> None:
    page, faults = opened(browser, office, "county", size, locale), []
    for path in PAGES:
        address = path.format(year=datetime.now(UTC).astimezone().year)
        answer = page.goto(office.address + address)
        assert answer is not None
        assert answer.status == 200, address
        page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate(f"axe.run(document, {RULES}).then(r => r.violations.map(v => v.id))")
        too_wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        if found or too_wide:
            faults.append((address, found, too_wide))
        if SHOTS:
            name = f"{locale}-{size['width']}{address.replace('/', '-')}.png"
            page.screenshot(path=Path(SHOTS) / name, full_page=True)
    page.context.close()
    assert faults == []


def test_a_draw_is_drawn_by_another_sent_out_and_checked_by_anybody(
    browser: Browser, office: Office, tmp_path: Path
) -> None:
    address = f"{office.address}/draws/{office.waiting}/"
    file = f"{office.address}/public/draws/{office.waiting}.json"
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_bytes(urllib.request.urlopen(file, timeout=10).read())  # noqa: S310 - our own server
    county = opened(browser, office, "county", DESKTOP)
    county.goto(address)
    expect(county.get_by_role("link", name="Draw", exact=True)).to_have_count(0)
    chief = opened(browser, office, "county-chief", DESKTOP)
    chief.goto(address)
    chief.get_by_role("link", name="Draw", exact=True).click()
    chief.get_by_label("Public number as it came out").fill("01 02 03 + 04")
    chief.get_by_role("button", name="Draw").click()
    expect(chief.get_by_role("heading", name="Drawn", exact=True)).to_be_visible()
    county.goto(address)
    county.get_by_role("link", name="Send out").click()
    day = datetime.now(UTC) + timedelta(days=1)
    county.get_by_label("First day").fill(f"{day:%Y-%m-%d}")
    county.get_by_label("What the orders say").fill("抽查")
    county.get_by_role("button", name="Send out").click()
    expect(county.locator("td a[href^='/inspections/']")).to_have_count(2)
    after.write_bytes(urllib.request.urlopen(file, timeout=10).read())  # noqa: S310 - our own server
    command = [MINEWATCH, "office", "draw-check", str(after), "--announced", str(before)]
    done = subprocess.run(command, capture_output=True, text=True, env=ENGLISH, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\t") == 6
    touched = json.loads(after.read_text("utf-8"))
    touched["drawn"].reverse()
    after.write_text(json.dumps(touched), "utf-8")
    done = subprocess.run(command, capture_output=True, text=True, env=ENGLISH, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the seed draws something else" in done.stderr
