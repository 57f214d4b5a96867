"""The console in a real Chromium: curves, filters, theme and map; the journeys see the other pages."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

import scan_lake
from office_console import AXE, Office, served

pytestmark = pytest.mark.skipif(not AXE.is_file(), reason="needs the office's assets (tools/assets.sh)")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office with a demonstration's accounts and the findings of a small lake."""
    lake = scan_lake.make_lake(tmp_path_factory.mktemp("lake") / "lake")
    scan_lake.scanned(lake)
    with served(tmp_path_factory.mktemp("office"), ["intake", str(lake.path)]) as found:
        yield found


def first_site(page: Page, office: Office) -> str:
    office.open(page, "/sites/?sort=-power_kw")
    return page.locator("tbody tr a").first.get_attribute("href") or ""


def test_a_site_draws_its_load_curve_and_opens_for_a_purpose(browser: Browser, office: Office) -> None:
    page = browser.new_context(locale="en-US").new_page()
    office.log_in(page, "province")
    address = first_site(page, office)
    page.goto(f"{office.address}{address}")
    page.wait_for_selector("[data-curve][data-drawn] canvas")
    shown = "echarts.getInstanceByDom(document.querySelector('[data-curve]')).getOption().dataZoom[0].end"
    page.locator("[data-zoom=in]").press("Enter")
    assert page.evaluate(shown) == 75
    page.locator("[data-zoom=all]").press("Enter")
    assert page.evaluate(shown) == 100
    assert "****" in page.inner_text("main")
    page.click("text=Show protected fields")
    page.fill("input[name=purpose]", "visit on site")
    page.press("input[name=purpose]", "Enter")
    page.wait_for_url(f"{office.address}{address}")
    assert "Protected fields are shown" in page.inner_text("main")


def test_filters_work_without_a_reload_and_by_keyboard_alone(browser: Browser, office: Office) -> None:
    page = browser.new_context(locale="en-US").new_page()
    office.log_in(page, "province")
    page.goto(f"{office.address}/sites/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.evaluate("window.kept = true")
    page.select_option("#filter_state", "closed")
    page.wait_for_selector("text=Nothing here.")
    assert page.evaluate("window.kept")
    assert "state=closed" in page.url


def test_the_theme_that_was_chosen_stays(browser: Browser, office: Office) -> None:
    page = browser.new_context(locale="en-US", color_scheme="light").new_page()
    office.log_in(page, "county")
    page.click("[data-theme-switch]")
    page.goto(f"{office.address}/map/")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_the_map_shows_the_sites(browser: Browser, office: Office) -> None:
    page = browser.new_context(locale="en-US").new_page()
    office.log_in(page, "province")
    page.goto(f"{office.address}/map/")
    page.wait_for_selector("#map-list li")
    assert page.locator("#map canvas").count() == 1
    assert page.inner_text("#map-status").endswith("sites")
