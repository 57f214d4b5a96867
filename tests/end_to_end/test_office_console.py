"""The console in a real Chromium: both languages, light and dark, desktop and phone; no rule of WCAG broken,
nothing asked of outside, the keyboard goes everywhere.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

import scan_lake

MINEWATCH = str(Path(sys.executable).with_name("minewatch"))
AXE = Path(__file__).parents[2] / "src/minewatch/office/web/static/vendor/axe.min.js"
PASSWORD = "gobi-lantern-42-river"  # noqa: S105 - of the office that this test makes
CHROMIUM = "/usr/bin/chromium"
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}"
PAGES = ("/", "/sites/", "/map/", "/compare/", "/search/?q=5", "/works/", "/enterprises/", "/no/such/page/")

pytestmark = [
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="needs Chromium (Debian: chromium)"),
    pytest.mark.skipif(not AXE.is_file(), reason="needs the office's assets (tools/assets.sh)"),
]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An office with a demonstration's accounts and the findings of a small lake; yields its address."""
    home = tmp_path_factory.mktemp("office")
    (home / "office.toml").write_text('second_factor = "optional"\nsessions = 20\n', "utf-8")
    lake = scan_lake.make_lake(tmp_path_factory.mktemp("lake") / "lake")
    scan_lake.scanned(lake)
    for words in (["setup", "--demo-password", PASSWORD], ["intake", str(lake.path)]):
        subprocess.run([MINEWATCH, "office", *words, "--home", str(home)], check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    log = (home / "serve.log").open("wb")
    command = [MINEWATCH, "office", "serve", "--bind", bind, "--processes", "1", "--home", str(home)]
    server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(f"http://{bind}/healthz")
        yield f"http://{bind}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
        log.close()


def _wait(address: str) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(address, timeout=2)  # noqa: S310 - our own server
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise AssertionError(address)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    flags = [
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-sync",
    ]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chromium
        chromium.close()


def log_in(page: Page, office: str, name: str) -> None:
    page.goto(f"{office}/account/login/")
    page.fill("input[name=login]", name)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"{office}/")


def first_site(page: Page, office: str) -> str:
    page.goto(f"{office}/sites/?sort=-power_kw")
    return page.locator("tbody tr a").first.get_attribute("href") or ""


@pytest.fixture(
    params=[("zh-CN", "light", 1280), ("en-US", "dark", 390)], ids=["chinese-desktop", "english-phone"]
)
def view(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    language, scheme, width = request.param
    context = browser.new_context(
        locale=language, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True
    )
    yield context
    context.close()


def test_pages_break_no_rule_and_ask_nothing_of_outside(view: BrowserContext, office: str) -> None:
    page = view.new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    log_in(page, office, "province")
    broken = []
    for path in (*PAGES, first_site(page, office)):
        page.goto(f"{office}{path}")
        page.wait_for_load_state("networkidle")
        page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate(f"axe.run({RULES})")["violations"]
        broken += [(path, rule["id"], rule["nodes"][0]["html"][:120]) for rule in found]
        too_wide = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        broken += [(path, "wider than the screen", too_wide)] if too_wide > 0 else []
    assert broken == []
    assert errors == []
    assert [url for url in asked if not url.startswith((office, "data:", "blob:"))] == []


def test_a_site_draws_its_load_curve_and_opens_for_a_purpose(browser: Browser, office: str) -> None:
    page = browser.new_context(locale="en-US").new_page()
    log_in(page, office, "province")
    address = first_site(page, office)
    page.goto(f"{office}{address}")
    page.wait_for_selector("[data-curve][data-drawn] canvas")
    assert "****" in page.inner_text("main")
    page.click("text=Show protected fields")
    page.fill("input[name=purpose]", "visit on site")
    page.press("input[name=purpose]", "Enter")
    page.wait_for_url(f"{office}{address}")
    assert "Protected fields are shown" in page.inner_text("main")


def test_filters_work_without_a_reload_and_by_keyboard_alone(browser: Browser, office: str) -> None:
    page = browser.new_context(locale="en-US").new_page()
    log_in(page, office, "province")
    page.goto(f"{office}/sites/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.evaluate("window.kept = true")
    page.select_option("#filter_state", "closed")
    page.wait_for_selector("text=Nothing here.")
    assert page.evaluate("window.kept")
    assert "state=closed" in page.url


def test_the_theme_that_was_chosen_stays(browser: Browser, office: str) -> None:
    page = browser.new_context(locale="en-US", color_scheme="light").new_page()
    log_in(page, office, "county")
    page.click("[data-theme-switch]")
    page.goto(f"{office}/map/")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_the_map_shows_the_sites(browser: Browser, office: str) -> None:
    page = browser.new_context(locale="en-US").new_page()
    log_in(page, office, "province")
    page.goto(f"{office}/map/")
    page.wait_for_selector("#map-list li")
    assert page.locator("#map canvas").count() == 1
    assert page.inner_text("#map-status").endswith("sites")
