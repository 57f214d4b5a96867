"""The list as a workbook: the notice's fields in both languages, and no formula from a stranger's name."""

import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from minewatch.runs.report import Counts, write_report
from report_samples import FORMULA, HOSTILE_NAME, RUN, empty_report, sample_report


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(sample_report(), tmp_path_factory.mktemp("list")).list_xlsx


@pytest.fixture(scope="module")
def book(path: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(path)


def column_of(sheet: Worksheet, chinese: str) -> int:
    headings = [str(cell.value) for cell in sheet[1]]
    return next(
        n for n, text in enumerate(headings, start=1) if text.split("\n")[0].split(" [")[0] == chinese
    )


def value(sheet: Worksheet, row: int, chinese: str) -> Any:
    return sheet.cell(row, column_of(sheet, chinese)).value


def test_the_fields_of_the_notice_are_there_in_both_languages(book: openpyxl.Workbook) -> None:
    headings = {str(cell.value) for cell in book.worksheets[0][1]}
    assert {
        "企业\nEnterprise",
        "规模 [kW]\nScale",
        "算力 [H/s]\nHash rate",
        "耗电量 [kWh]\nEnergy",
        "投产/起始时间\nIn operation since",
    } <= headings
    assert all("\n" in heading for heading in headings)


def test_a_row_holds_numbers_with_units_and_local_times(book: openpyxl.Workbook) -> None:
    sheet = book.worksheets[0]
    assert value(sheet, 2, "企业") == "云杉云算科技有限公司"
    assert value(sheet, 2, "规模") == pytest.approx(312)
    assert sheet.cell(2, column_of(sheet, "规模")).number_format == '#,##0.0" kW"'
    assert value(sheet, 2, "算力") == pytest.approx(10.3e15)
    assert sheet.cell(2, column_of(sheet, "算力")).number_format == '#,##0.0,,,,," PH/s"'
    assert value(sheet, 2, "投产/起始时间").isoformat() == "2026-03-14T06:15:00"
    assert value(sheet, 2, "概率") == pytest.approx(0.9996)
    assert "3301880041275 (93%)" in str(value(sheet, 2, "户号"))


def test_what_is_of_the_grid_has_columns(book: openpyxl.Workbook) -> None:
    sheet = book.worksheets[0]
    assert str(value(sheet, 8, "台区、线路或电厂")).startswith("F511823012 (100%)\nT511823000207")
    assert value(sheet, 8, "运行方式") == "昼夜恒定\nDay and night alike"
    assert value(sheet, 8, "经度") == pytest.approx(102.68241)
    assert value(sheet, 9, "计划投产时间").isoformat().startswith("2026-04-26")
    assert value(sheet, 2, "运行方式") is None


def test_a_customer_number_keeps_its_leading_zeros(book: openpyxl.Workbook) -> None:
    assert str(value(book.worksheets[0], 4, "户号")).startswith("0000731900250018")


def test_contradictions_stand_in_both_languages(book: openpyxl.Workbook) -> None:
    text = str(value(book.worksheets[0], 4, "矛盾"))
    assert "one farm cannot be both" in text
    assert "不可能为同一矿场" in text


def test_no_cell_is_a_formula_and_hostile_text_stays_as_it_is(path: Path, book: openpyxl.Workbook) -> None:
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []
    sheet = book.worksheets[0]
    address = sheet.cell(6, column_of(sheet, "用电地址"))
    assert address.value == FORMULA
    assert address.quotePrefix
    assert str(value(sheet, 6, "企业")).startswith(HOSTILE_NAME.replace("\u202e", "⟨U+202E⟩"))
    with zipfile.ZipFile(path) as parts:
        assert all(b"<f>" not in parts.read(name) for name in parts.namelist())


def test_links_lead_only_to_pages_beside_the_workbook(path: Path) -> None:
    with zipfile.ZipFile(path) as parts:
        text = b"".join(parts.read(name) for name in parts.namelist() if name.endswith(".rels")).decode()
    targets = re.findall(r'Target="([^"]+)" TargetMode="External"', text)
    assert len(targets) == 9
    assert all(re.fullmatch(r"evidence/F-\d{20}\.html", target) for target in targets)
    assert all((path.parent / target).is_file() for target in targets)


def test_headings_stay_in_view_and_can_be_filtered(book: openpyxl.Workbook) -> None:
    sheet = book.worksheets[0]
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref == sheet.dimensions


def test_summary_notes_and_versions(book: openpyxl.Workbook) -> None:
    texts = [
        "\n".join(str(cell.value) for row in sheet.iter_rows() for cell in row) for sheet in book.worksheets
    ]
    assert [sheet.title for sheet in book] == ["清单 List", "概要 Summary", "说明 Notes", "版本 Versions"]
    for wanted in ("1,987", "52", "48,213", "5%", "Stated false-discovery rate", "误报率", "personal data"):
        assert wanted in texts[1]
    assert "Lower end of the 90% interval" in texts[2]
    for wanted in (RUN, "customer_load@1", "interval_readings", "v3", "222,544"):
        assert wanted in texts[3]


def test_every_column_is_explained(book: openpyxl.Workbook) -> None:
    notes = book["说明 Notes"]
    assert notes.max_row >= book.worksheets[0].max_column + 1
    for row in range(2, book.worksheets[0].max_column + 2):
        assert notes.cell(row, 3).value
        assert notes.cell(row, 4).value


def test_an_empty_list_says_so(tmp_path: Path) -> None:
    report = empty_report(Counts(looked_at=10, refused=10, listed=0, refusals={"series_too_short": 10}))
    sheet = openpyxl.load_workbook(write_report(report, tmp_path).list_xlsx).worksheets[0]
    assert sheet.cell(2, 2).value == "本期无达到清单标准的场所 No site reached the list in this period"


def test_a_very_long_text_is_cut_with_a_mark(tmp_path: Path) -> None:
    report = sample_report()
    rows = report.findings.to_pylist()
    rows[0]["enterprise_name"] = "甲" * 40_000
    findings = report.findings.from_pylist(rows, schema=report.findings.schema)
    changed = type(report)(**{**vars(report), "findings": findings})
    sheet = openpyxl.load_workbook(write_report(changed, tmp_path).list_xlsx).worksheets[0]
    assert str(value(sheet, 2, "企业")).endswith("甲…")


def test_the_workbook_is_dated_by_its_period(book: openpyxl.Workbook) -> None:
    assert book.properties.created.isoformat() == "2026-05-17T16:00:00"


def test_the_reference_page_names_every_column(book: openpyxl.Workbook) -> None:
    page = Path(__file__).parents[2] / "docs/reference/list-and-evidence-page.md"
    text = page.read_text(encoding="utf-8")
    names = [re.sub(r" \[.*?\]", "", str(cell.value)).replace("\n", " ") for cell in book.worksheets[0][1]]
    assert [name for name in names if f"| {name}" not in text] == []
