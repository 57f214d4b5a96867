"""The phone's page of a visit in a real Chromium of a phone's size: written without a network, sent once."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from tests.office_console import wait_for

from minewatch.office.verify.inspections.lan_scan import FORMAT, sealed

MINEWATCH = str(Path(sys.executable).with_name("minewatch"))
VENDOR = Path(__file__).parents[2] / "src/minewatch/office/web/static/vendor"
PASSWORD = "gobi-lantern-42-river"  # noqa: S105 - of the office that this test makes
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}"
SIZE = {"width": 390, "height": 844}
PHONE = {"viewport": SIZE, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
PLACE = {"longitude": 102.65, "latitude": 29.35, "accuracy": 9}
SHOTS = os.environ.get("FIELD_SHOTS")

pytestmark = pytest.mark.skipif(not (VENDOR / "idb.js").is_file(), reason="needs tools/assets.sh")

FURNISH = """
    from datetime import UTC, date, datetime, timedelta
    from minewatch.office.platform.models import Agency, Region, User
    from minewatch.office.platform.roles import Role
    from minewatch.office.platform.scope import scoped, whole
    from minewatch.office.platform.services import AccountGiven, By, open_account
    from minewatch.office.register import facts
    from minewatch.office.register.models import Premises, Site, Source
    from minewatch.office.verify.inspections.inspectors import InspectorGiven, enter
    from minewatch.office.verify.inspections.services import Visit, send
    from minewatch.office.verify.services import open_case

    now = datetime.now(UTC)
    region = Region.objects.get(code="511823")
    agency = Agency.objects.get(code="reform-511823")
    officer = By(User.objects.filter(agency=agency).order_by("pk").first(), now)
    with scoped(whole("test")):
        said = facts.Said(facts.source(Source.Kind.FINDING, "f", By(None, now)), By(None, now))
        people = []
        for number, name in enumerate(("陈检", "李查")):
            user = open_account(
                AccountGiven(f"inspector{number}", "PASSWORD", agency.code, (Role.INSPECTOR,), None, name),
                By(None, now),
            )
            given = InspectorGiven(user, f"川-{number:04d}", ("machines",), date(2020, 1, 1))
            people.append(enter(given, officer))
        for number in (1, 2, 3):
            place = Premises(region=region, address=f"汉源县工业路{number}号", lon=102.65, lat=29.35)
            place = facts.register(place, said)
            names = {"code": f"511823-{number:06d}", "name": f"工业路{number}号仓库"}
            site = facts.register(Site(region=region, premises=place, **names), said)
            case = open_case(site, agency, "重点名单", officer)
            day = (now + timedelta(days=number)).date()
            print(send(case, Visit(day, *people), "现场核查", officer).number)
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Office"]:
    home = tmp_path_factory.mktemp("office")
    (home / "office.toml").write_text('second_factor = "optional"\nsessions = 20\n', "utf-8")
    command = [MINEWATCH, "office", "setup", "--demo-password", PASSWORD, "--home", str(home)]
    subprocess.run(command, check=True, capture_output=True)
    numbers = run(home, FURNISH.replace("PASSWORD", PASSWORD)).split()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    log = (home / "serve.log").open("wb")
    command = [MINEWATCH, "office", "serve", "--bind", bind, "--processes", "1", "--home", str(home)]
    server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(f"http://{bind}/healthz")
        yield Office(f"http://{bind}", home, numbers)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
        log.close()


class Office:
    def __init__(self, address: str, home: Path, numbers: list[str]) -> None:
        self.address, self.home, self.numbers = address, home, numbers

    def ask(self, code: str) -> object:
        """Return what ``code`` (an expression over the office's models) gives, whatever the scope."""
        return json.loads(run(self.home, f"print(json.dumps({code}))"))


def run(home: Path, code: str) -> str:
    head = """
    import json
    from pathlib import Path
    from minewatch.office import running
    running.open_office(Path(HOME))
    from minewatch.office.verify.inspections.models import *
    from minewatch.office.register.models import EvidenceFile
    from django.utils.timezone import now
    """.replace("HOME", repr(str(home)))
    text = textwrap.dedent(head) + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def phone(browser: Browser, locale: str = "en-US") -> BrowserContext:
    return browser.new_context(locale=locale, geolocation=PLACE, permissions=["geolocation"], **PHONE)


def opened(context: BrowserContext, office: Office, name: str = "inspector0") -> Page:
    """Log in, open the page once, and wait until the phone could do without a network."""
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    log_in(page, office, name, "/field/")
    page.wait_for_selector("#net[data-ready=true][data-state=done]")
    return page


def log_in(page: Page, office: Office, name: str, then: str) -> None:
    page.goto(f"{office.address}/account/login/?next={then}")
    page.fill("input[name=login]", name)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{office.address}{then}")


def picture(colour: str) -> dict[str, object]:
    file = io.BytesIO()
    Image.new("RGB", (640, 480), colour).save(file, "JPEG")
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def open_form(page: Page, name: str) -> None:
    page.click(f"article a:has-text('{name}')")
    page.wait_for_selector("#finish")


def fill(page: Page, words: str) -> None:
    page.click("#arrive")
    page.wait_for_selector("#visit-told >> text=±9 m")
    for name, value in (
        ("cards_shown", "yes"),
        ("access", "all"),
        ("machines_found", "running"),
        ("record_read", "signed"),
    ):
        page.check(f"input[name={name}][value={value}]")
    page.fill("#new-model", "Antminer S19")
    page.fill("#new-number", "120")
    page.click("#add-machine")
    page.fill("#new-what", "电表")
    page.fill("#new-value", "10543.2")
    page.click("#add-reading")
    page.set_input_files("#camera", files=[picture("navy")])
    page.wait_for_selector("#photos li >> text=±9 m")
    page.fill("textarea[name=words]", words)
    page.select_option("select[name=verdict]", "active")
    expect(page.locator("#saved")).not_to_be_empty()


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def axe(page: Page) -> list[tuple[str, str]]:
    page.evaluate((VENDOR / "axe.min.js").read_text("utf-8"))
    found = page.evaluate(f"axe.run({RULES})")["violations"]
    return [(rule["id"], rule["nodes"][0]["html"][:120]) for rule in found]


def test_a_visit_is_written_without_a_network_and_sent_once(browser: Browser, office: Office) -> None:
    context = phone(browser)
    page = opened(context, office)
    context.set_offline(True)
    page.reload()
    expect(page.locator("#net")).to_contain_text("No network")
    open_form(page, "工业路1号仓库")
    fill(page, "机房一层,风冷")
    page.reload()  # as if the tab had been killed
    page.wait_for_selector("#photos li >> text=±9 m")
    assert page.input_value("textarea[name=words]") == "机房一层,风冷"
    assert page.is_checked("input[name=machines_found][value=running]")
    page.click("#finish")
    expect(page.locator("article").first).to_contain_text("Waiting to be sent")

    lost: list[str] = []

    def lose(route: Route) -> None:
        """Let a photo and then the sheet come through once, and lose both answers."""
        kind = route.request.url.split("/")[5]
        if kind in lost:
            return route.continue_()
        assert route.fetch().status == 200
        lost.append(kind)
        return route.abort("connectionreset")

    context.route("**/photos/**", lose)
    context.route("**/sheets/", lose)
    page.close()  # the tab is killed between the steps, too
    for step in (["photos"], ["photos", "sheets"]):
        page = context.new_page()
        page.goto(f"{office.address}/field/")
        context.set_offline(False)
        expect(page.locator("#net")).to_have_attribute("data-state", "offline")
        expect(page.locator("article").first).to_contain_text("Waiting to be sent")
        assert lost == step
        page.close()
        context.set_offline(True)
    context.set_offline(False)
    page = context.new_page()
    page.goto(f"{office.address}/field/")
    expect(page.locator("article").first).to_contain_text("Sheet 1")
    assert office.ask(
        "[[s.revision, s.is_conflict, s.words, s.verdict, s.lon, s.accuracy_m]"
        " for s in Sheet._base_manager.all()]"
    ) == [[1, False, "机房一层,风冷", "active", 102.65, 9.0]]
    assert office.ask("[[m.model, m.number, m.how] for m in MachineCount._base_manager.all()]") == [
        ["Antminer S19", 120, "seen"]
    ]
    photos = office.ask(
        "[[p.lon, p.file.sha256, p.file.media_type] for p in Photo._base_manager.select_related('file')]"
    )
    assert len(photos) == 1
    assert photos[0][2] == "image/jpeg"
    assert page.evaluate(
        "async () => { const { openStore, userKey } = await import('/static/web/field/store.js');"
        " const s = await openStore(userKey()); return [await s.unsent(), await s.db.count('photos')]; }"
    ) == [0, 0]
    context.close()


def test_an_ended_session_keeps_what_was_written(browser: Browser, office: Office) -> None:
    context = phone(browser)
    page = opened(context, office)
    open_form(page, "工业路2号仓库")
    fill(page, "会话过期前")
    kept = [cookie for cookie in context.cookies() if cookie["name"] != "sessionid"]
    context.clear_cookies()
    context.add_cookies(kept)
    page.click("#finish")
    expect(page.locator("#login-again")).to_contain_text("stays on the phone")
    page.reload()  # the page itself needs no session
    page.click("#login-again a")
    page.fill("input[name=login]", "inspector0")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{office.address}/field/")
    expect(page.locator("article").nth(1)).to_contain_text("Sheet 1")
    context.close()


def test_two_phones_write_at_a_time_and_both_are_kept(browser: Browser, office: Office) -> None:
    one, other = phone(browser), phone(browser, "zh-CN")
    first, second = opened(one, office), opened(other, office, "inspector1")
    for context, page in ((one, first), (other, second)):
        context.set_offline(True)
        open_form(page, "工业路3号仓库")
    first.fill("textarea[name=words]", "一号手机")
    second.fill("textarea[name=words]", "二号手机")
    for context, page in ((one, first), (other, second)):
        expect(page.locator("#saved")).not_to_be_empty()
        page.click("#finish")
        page.click("#finish-anyway")
        context.set_offline(False)
        page.click("#sync")
        expect(page.locator("article").nth(2)).to_contain_text("Sheet" if page is first else "记录")
    expect(second.locator("article").nth(2)).to_contain_text("合并")
    assert office.ask(
        "[[s.revision, s.is_conflict]"
        " for s in Sheet._base_manager.filter(words__contains='手机').order_by('revision')]"
    ) == [[1, False], [2, True]]
    one.close()
    other.close()


def test_sheets_and_a_scan_come_together_on_the_desktop(browser: Browser, office: Office) -> None:
    """The two sheets of the phones are joined, and the record of a scan is looked at and added."""
    scanned = sealed(
        {
            "format": FORMAT,
            "network": "192.168.1.0/24",
            "authority": "检字〔2026〕12号",
            "operator": "王工",
            "began_at": "2026-11-24T10:00:00+00:00",
            "complete": True,
            "machines": [
                {"ip": f"192.168.1.{number}", "mac": f"c8110500000{number}", "make": "WhatsMiner"}
                | {"model": "M30S+", "algorithm": "SHA256", "hash_rate_h_s": 1e14, "power_w": 3400}
                for number in range(1, 6)
            ]
            + [{"ip": "192.168.1.9", "mac": "", "model": ""}],
        }
    )
    record = {"name": "lan-scan.json", "mimeType": "application/json", "buffer": json.dumps(scanned).encode()}
    for locale, size in (("zh-CN", {"width": 1280, "height": 900}), ("en-US", SIZE)):
        context = browser.new_context(locale=locale, viewport=size, bypass_csp=True)
        page = context.new_page()
        log_in(page, office, "inspector0", f"/inspections/{office.numbers[2]}/")
        if locale == "zh-CN":
            page.click("text=合并记录")
            shot(page, "join-zh")
            found = axe(page)
            page.check("input[value='1'] >> nth=0")
            page.click("form.card button")
            page.wait_for_url(f"**/inspections/{office.numbers[2]}/")
        page.goto(f"{office.address}/inspections/{office.numbers[2]}/machines/")
        page.set_input_files("input[name=file]", files=[record])
        page.click("form.card button")
        page.wait_for_selector("#counted")
        assert "检字〔2026〕12号" in page.inner_text("main")
        assert "500 TH/s" in page.inner_text("main")
        shot(page, f"machines-{locale}")
        found += axe(page)
        page.click("form.card button")
        page.wait_for_url(f"**/inspections/{office.numbers[2]}/")
        shot(page, f"inspection-{locale}")
        found += axe(page)
        assert found == []
        context.close()
    assert (
        office.ask(
            "[[m.model, m.number, m.running, m.how] for m in MachineCount._base_manager.filter(how='scan')]"
        )
        == [["M30S+", 5, 5, "scan"]] * 2
    )


def test_a_sheet_that_is_not_taken_says_why_and_opens_again(browser: Browser, office: Office) -> None:
    context = phone(browser)
    page = opened(context, office)
    open_form(page, "工业路2号仓库")
    page.fill("textarea[name=words]", "补充")
    expect(page.locator("#saved")).not_to_be_empty()
    row = f"Inspection._base_manager.filter(number='{office.numbers[1]}')"
    office.ask(f"{row}.update(state='cancelled', ended_at=now())")
    page.click("#finish")
    expect(page.locator("article [role=alert]")).to_contain_text("The inspection has ended")
    page.click("article [role=alert] >> text=Open again")
    open_form(page, "工业路2号仓库")
    assert page.input_value("textarea[name=words]") == "补充"
    context.close()


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_the_page_breaks_no_rule(browser: Browser, office: Office, locale: str) -> None:
    context = browser.new_context(
        locale=locale, geolocation=PLACE, permissions=["geolocation"], bypass_csp=True, **PHONE
    )
    page = opened(context, office)
    shot(page, f"list-{locale}")
    found = [*axe(page)]
    open_form(page, "工业路1号仓库")
    page.set_input_files("#camera", files=[picture("teal")])
    page.wait_for_selector("#photos li >> text=±9 m")
    page.fill("#new-model", "Antminer S21")
    page.fill("#new-number", "3")
    page.click("#add-machine")
    page.click(".field-count + details summary")
    page.wait_for_timeout(300)
    shot(page, f"form-{locale}")
    found += axe(page)
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert (found, too_wide) == ([], 0)
    context.close()


def test_logging_out_leaves_nothing_on_the_phone(browser: Browser, office: Office) -> None:
    context = phone(browser)
    page = opened(context, office)
    open_form(page, "工业路1号仓库")
    page.fill("textarea[name=words]", "未发送")
    expect(page.locator("#saved")).not_to_be_empty()
    page.click("#back")
    answers: list[str] = []
    page.once("dialog", lambda dialog: (answers.append(dialog.message), dialog.dismiss()))
    with page.expect_event("dialog"):
        page.click("#logout")
    assert "not been sent" in answers[0]
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("#logout")
    page.wait_for_url("**/account/login/**")
    left = "[(await indexedDB.databases()).length, (await caches.keys()).length]"
    assert page.evaluate(f"async () => {left}") == [0, 0]
    assert page.evaluate("localStorage.getItem('field-user')") is None
    context.close()
