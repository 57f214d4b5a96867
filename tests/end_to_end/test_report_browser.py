"""The evidence pages in a real browser: languages, phone, keyboard, print, contrast, requests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from minewatch.runs.report import Counts, ReportPaths, write_report
from report_samples import empty_report, sample_report

CONTRAST = """() => {
  const luminance = ([r, g, b]) => {
    const part = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const box = element.getBoundingClientRect();
    const silent = ["SCRIPT", "STYLE"].includes(element.tagName);
    if (silent || !box.width || !walker.currentNode.textContent.trim()) continue;
    const style = getComputedStyle(element);
    const ink = parse(element.ownerSVGElement ? style.fill : style.color);
    const [a, b] = [luminance(ink), luminance(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push([element.textContent.trim().slice(0, 40), ratio.toFixed(2)]);
  }
  return bad;
}"""


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> ReportPaths:
    return write_report(sample_report(), tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def files(paths: ReportPaths, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    counts = Counts(1987, 52, 0, 400, {"series_too_short": 52}, 0.21)
    empty = write_report(empty_report(counts), tmp_path_factory.mktemp("empty")).index_html
    return [paths.index_html, empty, *paths.pages]


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(locale="en-GB")
    yield opened
    opened.close()


def watched(context: BrowserContext) -> tuple[Page, list[str]]:
    """A page and what went wrong on it: console messages, errors, requests other than for files."""
    page, wrong = context.new_page(), []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    page.on(
        "request",
        lambda request: None if request.url.startswith(("file:", "data:")) else wrong.append(request.url),
    )
    return page, wrong


def shown(page: Page, text: str) -> bool:
    return page.get_by_text(text, exact=False).locator("visible=true").count() > 0


def test_pages_load_without_errors_and_without_any_request(
    context: BrowserContext, files: list[Path]
) -> None:
    page, wrong = watched(context)
    for file in files:
        page.goto(file.as_uri())
        page.wait_for_load_state("networkidle")
        for item in page.locator("summary").all():
            item.click()
    assert wrong == []


@pytest.mark.parametrize("javascript", [True, False], ids=["with_script", "without_script"])
def test_the_language_can_be_switched(browser: Browser, paths: ReportPaths, javascript: bool) -> None:
    context = browser.new_context(locale="zh-CN", java_script_enabled=javascript)
    page = context.new_page()
    page.goto(paths.pages[0].as_uri())
    assert shown(page, "负荷曲线")
    assert not shown(page, "The load curve")
    page.get_by_text("English", exact=True).click()
    assert shown(page, "The load curve")
    assert not shown(page, "负荷曲线")
    context.close()


def test_the_chosen_language_goes_along_to_the_next_page(context: BrowserContext, paths: ReportPaths) -> None:
    page, _ = watched(context)
    page.goto(paths.index_html.as_uri())
    assert page.evaluate("document.documentElement.lang") == "en"
    page.get_by_text("中文", exact=True).click()
    page.get_by_role("link", name="云杉云算科技有限公司").click()
    page.wait_for_url("**/evidence/*")
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    assert shown(page, "多源印证")
    page.get_by_role("link", name="全部线索").click()
    page.wait_for_url("**/index.html*")
    assert shown(page, "排查场所")


def test_the_keyboard_reaches_the_language_and_the_tables(
    context: BrowserContext, paths: ReportPaths
) -> None:
    page, _ = watched(context)
    page.goto(paths.pages[0].as_uri() + "?lang=en")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    assert shown(page, "负荷曲线")
    page.keyboard.press("ArrowRight")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.className || document.activeElement.tagName"))
    assert {"skip", "A", "SUMMARY", "scroll"} <= reached


@pytest.mark.parametrize("width", [320, 390, 820])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_page_is_wider_than_the_screen(
    browser: Browser, files: list[Path], width: int, language: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    for file in files:
        page.goto(f"{file.as_uri()}?lang={language}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, file.name
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(browser: Browser, files: list[Path], scheme: Any) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    for file in files:
        page.goto(f"{file.as_uri()}?lang=en")
        page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        assert page.evaluate(CONTRAST) == [], file.name
    context.close()


def test_targets_are_large_enough_to_touch(browser: Browser, paths: ReportPaths) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(paths.pages[0].as_uri())
    for item in page.locator("nav a, .languages label, summary").locator("visible=true").all():
        box = item.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 24
    context.close()


def test_the_pointer_reads_a_day_off_the_curve(context: BrowserContext, paths: ReportPaths) -> None:
    page, wrong = watched(context)
    page.goto(paths.pages[0].as_uri() + "?lang=en")
    page.locator(".plot[data-days] > svg").first.hover(position={"x": 1, "y": 60})
    assert page.locator(".readout").first.inner_text().startswith("2026-01-26 · ")
    assert wrong == []


def test_the_block_is_drawn_between_its_readings(context: BrowserContext, paths: ReportPaths) -> None:
    page, _ = watched(context)
    page.goto(paths.pages[0].as_uri())
    plot = page.locator(".plot[data-days] > svg").first.bounding_box()
    block = page.locator(".plot .block").first.bounding_box()
    assert plot
    assert block
    assert (block["x"] - plot["x"]) / plot["width"] == pytest.approx(47.26 / 112, abs=0.005)
    assert block["x"] + block["width"] == pytest.approx(plot["x"] + plot["width"], abs=1)


def test_the_printed_page_is_light_and_leaves_out_the_controls(browser: Browser, paths: ReportPaths) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(paths.pages[0].as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(20, 26, 34)"
    assert not page.locator(".languages").is_visible()
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    context.close()
