"""The main journeys through the console in a real Chromium, each page held to WCAG 2.2 AA on the way."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

import scan_lake
from office_console import AXE, ROOT, Office, faults, kept, one_time_code, served

CASE_OF = """
    from minewatch.office.platform.scope import scoped, whole
    from minewatch.office.verify.models import Case
    with scoped(whole("test")):
        found = Case.objects.filter(state="suspected", holder__code="reform-511823").order_by("pk")
        print([case.number for case in found][{place}])
"""
VISIT = """
    from datetime import UTC, datetime
    from uuid import uuid4
    from minewatch.office.platform.models import User
    from minewatch.office.platform.scope import scoped, whole
    from minewatch.office.platform.services import By
    from minewatch.office.verify.inspections.checklist import checklist
    from minewatch.office.verify.inspections.models import Inspection
    from minewatch.office.verify.inspections.sheet_forms import SheetGiven
    from minewatch.office.verify.inspections.sheets import keep_sheet
    with scoped(whole("test")):
        row, at = Inspection.objects.get(case__number="{case}"), datetime.now(UTC)
        machines = [{{"model": "Antminer S19", "maker": "Bitmain", "number": 60}}]
        said = {{"client_id": uuid4(), "checklist": checklist()["edition"], "machines": machines,
                "verdict": "active", "words": "清点", "arrived_at": at, "written_at": at}}
        keep_sheet(row, SheetGiven.model_validate(said), By(User.objects.get(username="inspector"), at))
        print(row.number)
"""
SIGHTED = """
    from datetime import UTC, datetime, timedelta
    from minewatch.office.platform.scope import scoped, whole
    from minewatch.office.platform.services import By
    from minewatch.office.register import facts
    from minewatch.office.register.models import Sighting, Source
    from minewatch.office.verify.models import Case
    at = datetime.now(UTC)
    with scoped(whole("test")):
        source = facts.source(Source.Kind.FINDING, "test", By(None, at))
        case = Case.objects.select_related("site").get(number="{case}")
        for port in (40001, 40002):
            Sighting.objects.create(site=case.site, source=source, address="203.0.113.9", port=port,
                first_at=at - timedelta(days=2), last_at=at - timedelta(days=1), pool="pool.example")
"""
DESKTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}

pytestmark = pytest.mark.skipif(not AXE.is_file(), reason="needs the office's assets (tools/assets.sh)")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A demonstration's county with cases on their way, and one site with a load curve."""
    home = tmp_path_factory.mktemp("office")
    lake = scan_lake.make_lake(tmp_path_factory.mktemp("lake") / "lake")
    scan_lake.scanned(lake)
    with served(home, ["intake", str(lake.path)]) as found:
        fill = [sys.executable, "-m", "tests.office_life", "fill", str(home)]
        subprocess.run(fill, check=True, capture_output=True, cwd=ROOT)
        yield found


VIEWS = {
    "zh-desktop": {"locale": "zh-CN", "color_scheme": "light", "viewport": DESKTOP},
    "en-phone": {"locale": "en-US", "color_scheme": "dark", "viewport": PHONE, "has_touch": True},
}


class Person:
    """Somebody at a browser of a kind, in an account: looks at each page with the eyes of axe."""

    def __init__(self, browser: Browser, office: Office, name: str, view: str) -> None:
        self.office, self.name, self.view = office, name, view
        self.context: BrowserContext = browser.new_context(**VIEWS[view])
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.faults.append((self.page.url, "error", str(error))))
        self.page.on("request", self._leave)
        self.faults: list[tuple[str, str, str]] = []
        office.log_in(self.page, name)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.faults.append((self.page.url, message.type, message.text[:200]))

    def _leave(self, request: object) -> None:
        url = str(getattr(request, "url", ""))
        if not url.startswith((self.office.address, "data:", "blob:")):
            self.faults.append((self.page.url, "asks outside", url))

    def look(self, path: str = "", shot: str = "") -> Page:
        """Open a page (or stay), check it, and keep its picture."""
        if path:
            self.office.open(self.page, path)
        self.faults += faults(self.page, self.page.url.removeprefix(self.office.address))
        if shot:
            kept(self.page, f"{shot}-{self.name}-{self.view}")
        return self.page

    def follow(self, selector: str) -> Page:
        """Click the first of what a selector finds, and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self.page.locator(selector).first.click()
        self.page.wait_for_load_state("networkidle")
        return self.page

    def fill(self, path: str, **values: str) -> Page:
        """Fill the form of a page and send it."""
        page = self.look(path)
        for name, value in values.items():
            field = page.locator(f"main form [name={name}]").first
            field.select_option(value) if field.evaluate("e => e.tagName") == "SELECT" else field.fill(value)
        with page.expect_navigation():
            page.locator("main form button.btn-primary").last.click()
        page.wait_for_load_state("networkidle")
        return page


Come = Callable[..., Person]


@pytest.fixture
def people() -> Iterator[dict[tuple[str, str], Person]]:
    """People that came in; at the end none of their pages had a fault."""
    there: dict[tuple[str, str], Person] = {}
    yield there
    found = [fault for person in there.values() for fault in person.faults]
    for person in there.values():
        person.context.close()
    assert not found, "\n".join(map(str, found))


@pytest.fixture
def come(people: dict[tuple[str, str], Person], browser: Browser, office: Office) -> Come:
    """Return a function that lets an account come in once, in a kind of browser."""

    def somebody(name: str, view: str = "zh-desktop") -> Person:
        if (name, view) not in people:
            people[name, view] = Person(browser, office, name, view)
        return people[name, view]

    return somebody


def option(page: Page, field: str, text: str) -> str:
    """Return the value of the option of a choice that holds a text."""
    values = page.eval_on_selector_all(
        f"[name={field}] option",
        "(all, text) => all.filter(o => o.textContent.includes(text)).map(o => o.value)",
        text,
    )
    return str(values[0])


@pytest.mark.parametrize(("view", "place"), [("zh-desktop", 0), ("en-phone", 1)])
def test_a_case_from_its_handing_over_to_its_end(office: Office, come: Come, view: str, place: int) -> None:
    case = office.run(CASE_OF.format(place=place))
    page_of = f"/cases/{case}/"
    county, city = come("county", view), come("city", view)
    page = county.look(f"{page_of}handover/")
    county.fill("", agency=option(page, "agency", "雅安市发展"), words="请市级统筹")
    page = city.look("/queue/", "queue")
    city.follow(f"tr:has-text('{case}') a.btn-primary")
    city.fill("")
    page = city.look(f"{page_of}handover/")
    city.fill("", agency=option(page, "agency", "汉源县发展"), words="由县级办理")
    county.look("/queue/")
    county.follow(f"tr:has-text('{case}') a.btn-primary")
    county.fill("")
    # the inspection: given, received, two named, signed by both, completed
    page = county.look(f"{page_of}assign/")
    county.fill("", agency=option(page, "agency", "汉源县市场"), words="现场核查")
    inspector, second = come("inspector", view), come("inspector-2", view)
    inspector.look("/queue/", "queue")
    inspector.follow(f"tr:has-text('{case}') a.btn-primary")
    inspector.fill("")
    inspector.look("/queue/")
    inspector.follow(f"tr:has-text('{case}') a[href*=appoint]")
    page = inspector.look()
    crew = {"lead": option(page, "lead", "甲"), "second": option(page, "second", "乙")}
    inspector.fill("", **crew, day=time.strftime("%Y-%m-%d"))
    inspection = office.run(VISIT.format(case=case))
    for person in (inspector, second):
        person.look(f"/inspections/{inspection}/", "inspection")
        person.fill(f"/inspections/{inspection}/sign/")
    inspector.fill(f"/inspections/{inspection}/complete/", verdict="active", machines="60", words="清点60台")
    # four eyes, measures, exit; nothing ends with an open obligation
    county.fill(f"{page_of}approval/", kind="listing", words="核查属实")
    chief = come("county-chief", view)
    chief.look("/queue/", "queue")
    chief.follow(f"tr:has-text('{case}') a.btn-primary")
    chief.fill("", granted="yes", words="同意")
    chief.fill(f"/inspections/{inspection}/publish/")
    county.fill(f"{page_of}measures/", words="下达整改通知书")
    county.fill(f"{page_of}exit/", exit_on="2030-01-31", words="书面承诺")
    refused = county.fill(f"{page_of}clear/", words="已拆除")
    expect(refused.locator("main [role=alert]")).to_be_visible()
    county.look("", "refused")
    owed = county.look(page_of).locator("a[href*=settle]").count()
    assert owed == 2
    for _each in range(owed):
        county.look(page_of)
        county.follow("a[href*=settle]")
        county.fill("", words="账单 2026-11-778")
    county.fill(f"{page_of}clear/", words="已拆除")
    county.look(page_of, "case")
    assert county.page.locator("a[href$='/reopen/']").count() == 1


def test_a_carrier_is_asked_and_its_answer_is_looked_at_before_it_counts(
    office: Office, come: Come, tmp_path: Path
) -> None:
    case = office.run(CASE_OF.format(place=-1))
    office.run(SIGHTED.format(case=case))
    county = come("county")
    page = county.look("/questions/new/")
    county.fill("", carrier=option(page, "carrier", "甲"), numbers=case)
    question = county.page.url
    county.look("", "question")
    with county.page.expect_download() as download:
        county.page.goto(f"{question}file/")
        county.page.fill("[name=purpose]", "查询装机地址")
        county.page.locator("main form button.btn-primary").click()
    text = Path(str(download.value.path())).read_text("utf-8-sig")
    lines = text.splitlines()
    answered = [re.sub(r",,,,$", ",汉源某公司,,工业路1号,", line) for line in lines[1:]]
    answer = tmp_path / "answer.csv"
    answer.write_text("\n".join([lines[0], *answered, "999999,1.2.3.4,1,,,某,,,"]), "utf-8")
    county.look(f"{question.removeprefix(office.address)}answer/")
    county.page.set_input_files("[name=file]", str(answer))
    county.page.locator("main form button.btn-primary").click()
    county.page.wait_for_load_state("networkidle")
    county.look("", "answer")
    assert county.page.locator("main tbody tr").count() == 3
    county.page.locator("main form button.btn-primary").last.click()
    county.page.wait_for_load_state("networkidle")
    expect(county.look().locator("main")).to_contain_text("2")
    assert county.page.locator("a[href$='/answer/']").count() == 0


@pytest.mark.parametrize("view", VIEWS)
def test_protected_fields_and_lists_leave_for_a_purpose_only(come: Come, view: str) -> None:
    county = come("county", view)
    site = county.look("/sites/?sort=-power_kw", "sites").locator("tbody tr a").first.get_attribute("href")
    county.look(site, "site")
    county.fill(f"{site}unmask/", purpose="现场核查")
    assert county.page.locator(".badge.bg-red-lt").count() > 0
    page = county.look("/sites/")
    page.locator("details:has([name=purpose]) > summary").click()
    page.locator("[name=purpose]").fill("每周清单上报")
    page.locator("form:has([name=purpose]) button.btn-primary").click()
    page.wait_for_load_state("networkidle")
    county.look("/works/", "works")


def test_an_account_is_opened_and_takes_a_second_factor(office: Office, come: Come, browser: Browser) -> None:
    security = come("security")
    page = security.look("/administration/accounts/new/")
    given = {"username": "clerk-2", "full_name": "录入员乙", "agency": option(page, "agency", "汉源县发展")}
    page.locator("[name=roles][value=clerk]").check()
    page = security.fill("", **given)
    security.look("", "account")
    password = page.locator("[data-password]").inner_text()
    context = browser.new_context(**VIEWS["zh-desktop"])
    page = context.new_page()
    office.log_in(page, "clerk-2", password)
    page.fill("[name=oldpassword]", password)
    for field in ("password1", "password2"):
        page.fill(f"[name={field}]", "lantern-River-77-gobi")
    page.locator("main form button").first.click()
    page.wait_for_load_state("networkidle")
    office.log_in(page, "clerk-2", "lantern-River-77-gobi")
    office.open(page, "/account/2fa/totp/activate/")
    if page.locator("[name=password]").count():
        page.fill("[name=password]", "lantern-River-77-gobi")
        page.locator("main form button").first.click()
        page.wait_for_load_state("networkidle")
    assert faults(page, "second factor") == []
    secret = page.locator("#authenticator_secret").input_value()
    page.fill("[name=code]", one_time_code(secret, time.time()))
    page.locator("main form button").first.click()
    page.wait_for_load_state("networkidle")
    context.clear_cookies()
    office.log_in(page, "clerk-2", "lantern-River-77-gobi")
    time.sleep(30 - time.time() % 30)  # a code counts once
    page.fill("[name=code]", one_time_code(secret, time.time()))
    kept(page, "second-factor")
    page.locator("main form button").first.click()
    page.wait_for_url(f"{office.address}/")
    context.close()


def test_the_audit_administrator_reads_words_and_checks_the_chain(come: Come) -> None:
    audit = come("audit")
    assert audit.look("/audit/", "audit").locator("td:text('登录')").count() > 0
    assert audit.page.locator("td:text('logged_in')").count() == 0
    page = audit.look("/audit/check/")
    page.locator("main form button.btn-primary").click()
    expect(audit.look("", "chain").locator("main .alert-success")).to_be_visible()


WALK = {
    "province": (
        "/",
        "/sites/",
        "/map/",
        "/compare/",
        "/search/?q=5",
        "/works/",
        "/enterprises/",
        "/usage-points/",
        "/plants/",
        "/lines/",
        "/inventory/operating/",
        "/inventory/construction/",
        "/deliveries/",
        "/deliveries/new/",
        "/duplicates/",
        "/merges/",
        "/cases/",
        "/cases/new/",
        "/batches/",
        "/batches/new/",
        "/questions/",
        "/questions/new/",
        "/imports/",
        "/inspections/",
        "/inspectors/",
        "/plans/",
        "/plans/new/",
        "/draws/",
        "/draws/new/",
        "/complaints/",
        "/public/",
        "/field/",
        "/tokens/",
        "/account/2fa/",
        "/account/password/change/",
        "/account/sessions/",
        "/no/such/page/",
    ),
    "security": ("/", "/administration/accounts/", "/administration/roles/"),
    "system": (
        "/",
        "/administration/agencies/",
        "/administration/agencies/new/",
        "/administration/regions/",
        "/administration/regions/park/",
        "/administration/state/",
    ),
    "grid": ("/", "/queue/"),
    "carrier": ("/", "/queue/"),
}
"""By account, the pages that stand on their own; the journeys see the others."""


@pytest.mark.parametrize("view", VIEWS)
def test_every_kind_of_page_breaks_no_rule(come: Come, view: str) -> None:
    for name, paths in WALK.items():
        person = come(name, view)
        for path in paths:
            person.look(path, re.sub(r"\W+", "-", path).strip("-") or "overview")


def test_an_ended_session_sends_the_whole_page_to_the_login(come: Come) -> None:
    county = come("county")
    page = county.look("/sites/")
    county.context.clear_cookies(name="sessionid")
    page.select_option("#filter_state", "closed")
    page.wait_for_url(re.compile("/account/login/"))
    assert "next=/sites/" in page.url


def test_a_site_is_found_and_read_by_keyboard_alone(come: Come) -> None:
    page = come("county").look("/sites/?sort=-power_kw")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#listing tbody a')"):
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/sites/\d"))


def test_a_site_prints_on_paper(come: Come) -> None:
    page = come("county").look("/sites/?sort=-power_kw")
    page.locator("tbody tr a").first.click()
    page.wait_for_load_state("networkidle")
    assert len(page.pdf(format="A4")) > 20_000
