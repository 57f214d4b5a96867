"""Evidence pages: self-contained, in both languages, safe against what strangers write, always the same."""

import re
from collections import Counter
from collections.abc import Mapping
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest

from minewatch.runs.report import Counts, ReportPaths, write_report
from report_samples import empty_report, reason, sample_report

VOID = {"meta", "input", "img", "br", "link", "hr"}


class Page(HTMLParser):
    """Elements with their attributes and text; asserts that tags are balanced."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    @property
    def text(self) -> str:
        return " ".join(text for tag, text in self.texts if tag not in {"style", "script"})


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> ReportPaths:
    return write_report(sample_report(), tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def html(paths: ReportPaths) -> Mapping[str, str]:
    files = (paths.index_html, *paths.pages)
    return {file.name: file.read_text(encoding="utf-8") for file in files}


@pytest.fixture(scope="module")
def pages(html: Mapping[str, str]) -> Mapping[str, Page]:
    return {name: Page(text) for name, text in html.items()}


def one(pages: Mapping[str, Page], number: int) -> Page:
    return pages[f"F-{number:020d}.html"]


def test_nothing_is_asked_of_any_other_address(pages: Mapping[str, Page]) -> None:
    for name, page in pages.items():
        for tag, attrs in page.elements:
            for key in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
                address = attrs.get(key)
                if address is not None:
                    allowed = r"#[\w-]+|data:image/png;base64,[\w+/=]+|(\.\./|evidence/)?[\w-]+\.(html|xlsx)"
                    assert re.fullmatch(allowed, address), (name, tag, address)
        assert not {"link", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in page.elements}


def test_the_policy_forbids_what_the_page_does_not_bring(html: Mapping[str, str]) -> None:
    for text in html.values():
        policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
        assert policy
        assert policy[1].startswith("default-src &#39;none&#39;; img-src data:; style-src &#39;sha256-")
        assert "unsafe" not in policy[1]


def test_no_markup_comes_from_a_name(pages: Mapping[str, Page]) -> None:
    for page in pages.values():
        assert Counter(tag for tag, _ in page.elements)["script"] == 1
        for tag, attrs in page.elements:
            assert [key for key in attrs if key.startswith("on") or key == "style"] == [], tag
            assert tag not in {"u", "i"}
    text = one(pages, 5).text
    for wanted in (
        '<script>alert("x")</script>',
        "<img src=x onerror=alert(5)>",
        "{{ 7*7 }}",
        "<b>3</b> days",
    ):
        assert wanted in text


def test_marks_that_turn_the_writing_direction_are_spelled_out(html: Mapping[str, str]) -> None:
    for text in html.values():
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\x00-\x08\x1b]", text)
    assert "⟨U+202E⟩" in html["F-00000000000000000005.html"]


def test_every_sentence_has_its_other_language(pages: Mapping[str, Page]) -> None:
    for name, page in pages.items():
        for tag in ("span", "text", "label"):
            languages = Counter(attrs["lang"] for t, attrs in page.elements if t == tag and "lang" in attrs)
            assert languages["zh-Hans"] == languages["en"], (name, tag)
            assert set(languages) <= {"zh-Hans", "en"}


def test_ids_are_unique_and_labels_find_their_element(pages: Mapping[str, Page]) -> None:
    for name, page in pages.items():
        ids = Counter(attrs["id"] for _, attrs in page.elements if "id" in attrs)
        assert [key for key, count in ids.items() if count > 1] == [], name
        for _, attrs in page.elements:
            named = (attrs.get("aria-labelledby") or "").split() + [attrs[k] for k in ("for",) if k in attrs]
            assert [key for key in named if key not in ids] == [], name
            if (attrs.get("href") or "").startswith("#"):
                assert (attrs["href"] or "")[1:] in ids, name


def test_headings_descend_one_at_a_time(pages: Mapping[str, Page]) -> None:
    for name, page in pages.items():
        levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1, name
        assert levels.count(1) == 1, name
        assert all(after - before <= 1 for before, after in pairwise(levels)), name


def test_tables_have_captions_and_pictures_have_words(pages: Mapping[str, Page]) -> None:
    for page in pages.values():
        tags = Counter(tag for tag, _ in page.elements)
        assert tags["table"] == tags["caption"]
        for tag, attrs in page.elements:
            if tag == "svg" and "viewbox" not in attrs:
                assert attrs.get("aria-hidden") == "true" or attrs.get("aria-labelledby")
            if tag == "img":
                assert "alt" in attrs


@pytest.mark.parametrize(
    "wanted",
    [
        "This site has probably mined cryptocurrency since 14 Mar 2026, with about 312 kW (90% interval 301–",
        "该场所疑似自2026年3月14日起从事虚拟货币“挖矿”，功率约312 kW（90%区间301–323 kW）。",
        "Among the listed sites down to this one, <0.1% are expected to be innocent",
        "10.3 PH/s",
        "bmminer/2.0.0/Antminer S19 Pro",
        "30.3 J/TH",
        '"method": "mining.authorize"',
        "minewatch replay LAKE F-00000000000000000001",
        "customer_load@1",
        "Translated to the inner address at that time",
        "about 42–250 machines",
    ],
)
def test_the_page_of_the_farm_tells(pages: Mapping[str, Page], wanted: str) -> None:
    assert re.sub(r"\s+", " ", wanted) in re.sub(r"\s+", " ", one(pages, 1).text)


def test_two_pictures_of_the_curve_with_block_and_onset(html: Mapping[str, str]) -> None:
    farm, victim = html["F-00000000000000000001.html"], html["F-00000000000000000002.html"]
    for wanted in ('class="block"', 'class="band"', 'class="moment"', 'class="raster"', "data:image/png"):
        assert wanted in farm
    assert 'class="block"' not in victim
    assert "no curve to show" in victim


def test_what_the_balance_leaves_is_drawn_with_its_block(
    html: Mapping[str, str], pages: Mapping[str, Page]
) -> None:
    page, text = html["F-00000000000000000007.html"], one(pages, 7).text
    assert page.count('class="block"') == 2  # transformer and feeder
    for wanted in (
        "What the balance leaves",
        "T511823000207",
        "May sit at",
        "0500000071",
        "Day and night alike",
    ):
        assert wanted in text
    assert "no curve to show" not in text


def test_expected_and_met_output_are_drawn_with_what_is_missing(
    html: Mapping[str, str], pages: Mapping[str, Page]
) -> None:
    page, text = html["F-00000000000000000008.html"], one(pages, 8).text
    assert page.count('class="lacking"') == 1
    assert page.count('class="expected"') == 1
    for wanted in ("Output expected and output met", "清白河二级水电站", "off the grid"):
        assert wanted in text


def test_power_and_traffic_stand_under_each_other(html: Mapping[str, str], pages: Mapping[str, Page]) -> None:
    page, text = html["F-00000000000000000009.html"], one(pages, 9).text
    assert "Power and traffic, day by day" in text
    assert "[Mbit/s]" in text
    assert page.count('aria-labelledby="pair-1-text"') == 2
    assert "Traffic against power" in text


@pytest.mark.parametrize(
    "wanted",
    [
        "Owner or victim",
        "has the probability 97%",
        "The server's own messages around each block of XMR",
        "of 30 blocks a message comes +0.5 s after it; 2.10 would by chance",
        "A-1c0ffee0d15ea5e0aaaa",
        "One beneficiary, not one place",
    ],
)
def test_the_page_of_the_victim_tells(pages: Mapping[str, Page], wanted: str) -> None:
    assert re.sub(r"\s+", " ", wanted) in re.sub(r"\s+", " ", one(pages, 2).text)


def test_workers_have_their_shares_and_rates_and_the_lines_theirs_over_time(
    html: Mapping[str, str], pages: Mapping[str, Page]
) -> None:
    page, text = html["F-00000000000000000001.html"], re.sub(r"\s+", " ", one(pages, 1).text)
    assert "hzyunsuan.rackA.001 hzyunsuan 1 4,020 4,017 3 10.5 TH/s" in text
    assert "Hash rate over time" in text
    assert 'aria-labelledby="rates-text"' in page
    assert 'class="dots"' not in page  # what was said there can be read
    assert 'class="dots"' in html["F-00000000000000000002.html"]
    assert "Owner or victim" not in one(pages, 6).text


def test_contradictions_come_before_the_numbers(html: Mapping[str, str]) -> None:
    page = html["F-00000000000000000003.html"]
    assert 0 < page.index("do not act before these are cleared up") < page.index('<dl class="tiles">')
    assert "the larger, since they disagree" in page
    assert "do not act" not in html["F-00000000000000000001.html"]


def test_a_finding_without_anything_still_has_a_page(pages: Mapping[str, Page]) -> None:
    text = one(pages, 6).text
    for wanted in (
        "No source gives a power",
        "No captured traffic",
        "not estimated",
        "Nothing ties this site",
    ):
        assert wanted in text


def test_masked_reports_name_nobody(tmp_path: Path) -> None:
    paths = write_report(sample_report(), tmp_path, mask=True)
    book = openpyxl.load_workbook(paths.list_xlsx)
    cells = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row]
    texts = [file.read_text(encoding="utf-8") for file in (paths.index_html, *paths.pages)] + cells
    secrets = [
        "云杉云算科技有限公司",
        "3301880041275",
        "198.51.100.24",
        "10.12.3.41",
        "hzyunsuan",
        "兴业路18号",
        "青岭县第二人民医院",
        "王建国",
        "48edfHu7V9Z84YzzMa6fUueoELZ9ZRXq9VetWzYGzKt52XU5xvqgzYnDK9URnRoJMk1j8nLwEVsaSWJ4fhdUyZijBGUicoD",
        "0000731900250018",
        "102.68241",
        "0500000071",
    ]
    for text in texts:
        assert [secret for secret in secrets if secret in text] == []
    assert "names, numbers and addresses masked" in texts[0]
    assert "312 kW" in texts[1]


def test_the_same_data_give_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        write_report(sample_report(), folder)
    first, second = (
        {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        for folder in folders
    )
    assert first == second
    assert len(first) == 11


def test_writing_again_leaves_no_drafts_and_no_page_of_a_site_off_the_list(tmp_path: Path) -> None:
    report = sample_report()
    write_report(report, tmp_path)
    (tmp_path / "evidence" / "notes.txt").write_text("of the user")
    shorter = type(report)(**{**vars(report), "findings": report.findings.slice(0, 2)})
    pages = write_report(shorter, tmp_path).pages
    assert {file.name for file in (tmp_path / "evidence").iterdir()} == {
        "notes.txt",
        *(page.name for page in pages),
    }


def test_an_id_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    report = sample_report()
    rows = report.findings.slice(0, 1).to_pylist()
    rows[0]["finding_id"] = "../../etc/x"
    findings = pa.Table.from_pylist(rows, schema=report.findings.schema)
    with pytest.raises(ValueError, match="finding_id"):
        write_report(type(report)(**{**vars(report), "findings": findings}), tmp_path / "in")
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize(
    ("counts", "wanted"),
    [
        (Counts(1987, 52, 0, 400, {"series_too_short": 52}, 0.21), "1,935 sites were judged"),
        (Counts(40, 40, 0, 0, {"series_too_gappy": 40}), "Every site was refused"),
        (Counts(0, 0, 0), "No site could be looked at"),
    ],
)
def test_an_empty_list_explains_itself(tmp_path: Path, counts: Counts, wanted: str) -> None:
    text = Page(write_report(empty_report(counts), tmp_path).index_html.read_text(encoding="utf-8")).text
    assert wanted in text
    assert "No site reached the list in this period." in text
    assert "本期没有场所达到列入清单的标准。" in text


def test_hidden_numbers_are_told(tmp_path: Path) -> None:
    report = sample_report()
    flows = report.flows.to_pylist()
    copies = [{**flows[0], "flow_id": f"W-copy{n}"} for n in range(50)]
    changed = type(report)(
        **{**vars(report), "flows": pa.Table.from_pylist(flows + copies, schema=report.flows.schema)}
    )
    page = write_report(changed, tmp_path).pages[0].read_text(encoding="utf-8")
    assert "28 further flows are in the table flows of the lake" in page


def test_reasons_of_one_kind_are_told_once_and_the_others_folded(tmp_path: Path) -> None:
    report = sample_report()
    rows = report.findings.to_pylist()
    rows[0]["reasons"] = [reason("wire_shares", f"{n} shares", f"{n}个份额", accepted=n) for n in range(7)]
    findings = pa.Table.from_pylist(rows, schema=report.findings.schema)
    changed = type(report)(**{**vars(report), "findings": findings})
    page = write_report(changed, tmp_path).pages[0].read_text(encoding="utf-8")
    assert "6 more of this kind" in page
    assert page.count('<p><span lang="zh-Hans">6个份额</span>') == 1
