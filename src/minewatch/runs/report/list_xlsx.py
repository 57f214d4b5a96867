"""The list as a workbook: list, summary, meaning of the columns, versions.

Names come from strangers: every text is written as text, marked so that editing the cell does not turn it
into a formula either, and links only lead to pages in the same folder.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple

import xlsxwriter
from xlsxwriter.url import Url

from minewatch import __version__
from minewatch.runs.report.data import ReportData
from minewatch.runs.report.dossier import Dossier
from minewatch.runs.report.list_columns import ListColumn, cell, columns
from minewatch.runs.report.provenance import provenance
from minewatch.runs.report.wording import Words, clock, number, percent, refusal

_MOST_CHARACTERS = 32_000
"""A cell holds 32,767 characters; a longer text is cut with a mark."""

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
_FONT = {"font_name": "Microsoft YaHei", "font_size": 10, "valign": "top"}
_EDGE = {"border": 1, "border_color": "#D5DAE1"}
_FORMS: dict[str, dict[str, Any]] = {
    "text": {"text_wrap": True},
    "bold": {"text_wrap": True, "bold": True},
    "code": {"font_name": "Consolas", "font_size": 9},
    "centre": {"align": "center"},
    "whole": {"num_format": "0", "align": "center"},
    "kw": {"num_format": '#,##0.0" kW"'},
    "kwh": {"num_format": '#,##0" kWh"'},
    "day": {"num_format": "yyyy-mm-dd", "align": "left"},
    "degrees": {"num_format": "0.00000"},
    "time": {"num_format": "yyyy-mm-dd hh:mm", "align": "left"},
    "share": {"num_format": "0.0%"},
    "q": {"num_format": "0.00%"},
    "warning": {"text_wrap": True, "bg_color": "#FDE9D9", "font_color": "#7A2E0B"},
    "link": {"font_color": "#1F4E9E", "underline": 1},
    "heading": {"bold": True, "font_color": "#FFFFFF", "bg_color": "#1F3A5F", "text_wrap": True},
    "notice": {"bold": True, "font_color": "#FFFFFF", "bg_color": "#8A3210", "text_wrap": True},
    "large": {"bold": True, "font_size": 14, "border": 0},
    "free": {"text_wrap": True, "border": 0},
}
_SCALES = ((1e18, 6, "E"), (1e15, 5, "P"), (1e12, 4, "T"), (1e9, 3, "G"), (1e6, 2, "M"), (1e3, 1, "k"))
"""Value from which a prefix is used, how many thousands it hides, its letter."""


class _Book(NamedTuple):
    book: Any
    data: ReportData
    forms: dict[tuple[str, bool], Any]

    def form(self, name: str, quoted: bool = False) -> Any:
        """Return the cell format of a name; ``quoted`` keeps a text a text when somebody edits it."""
        key = (name, quoted)
        if key not in self.forms:
            shape = _hash_rate_form(name) if name not in _FORMS else _FORMS[name]
            self.forms[key] = self.book.add_format({**_FONT, **_EDGE, **shape, "quote_prefix": quoted})
        return self.forms[key]


class _Sheet(NamedTuple):
    sheet: Any
    styles: _Book

    def text(self, row: int, column: int, value: object, form: str = "text") -> None:
        """Write a text that can never be taken for a formula, number or link."""
        text = str(value)
        if len(text) > _MOST_CHARACTERS:
            text = text[:_MOST_CHARACTERS] + "…"
        style = self.styles.form(form, text.startswith(_FORMULA_SIGNS))
        if text:
            self.sheet.write_string(row, column, text, style)
        else:
            self.sheet.write_blank(row, column, None, style)

    def pair(self, row: int, words: Words, value: object) -> None:
        """Write a name in both languages and its value."""
        self.text(row, 0, f"{words.zh} {words.en}")
        self.text(row, 1, value)


def list_workbook(
    dossiers: Sequence[Dossier], pages: Sequence[str], data: ReportData, mask: bool = False
) -> bytes:
    """Return the workbook as bytes, the same for the same data.

    ``pages``: address of each finding's evidence page relative to the workbook. ``mask`` only changes the
    words on the protection of what it holds; the dossiers are masked already.
    """
    buffer = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(buffer, options)
    book.set_properties(
        {
            "title": "虚拟货币“挖矿”线索清单 List of suspected mining sites",
            "comments": "内部资料 internal",
            "created": data.period.end_at.replace(tzinfo=None),
        }
    )
    styles = _Book(book, data, {})
    _write_list(_sheet(styles, "清单 List"), dossiers, pages)
    _write_summary(_sheet(styles, "概要 Summary"), dossiers, mask)
    _write_notes(_sheet(styles, "说明 Notes"))
    _write_versions(_sheet(styles, "版本 Versions"))
    book.close()
    return buffer.getvalue()


def _sheet(styles: _Book, name: str) -> _Sheet:
    sheet = styles.book.add_worksheet(name)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L内部资料 Internal&C&A&R&P / &N")
    return _Sheet(sheet, styles)


def _write_list(target: _Sheet, dossiers: Sequence[Dossier], pages: Sequence[str]) -> None:
    sheet, shown = target.sheet, columns()
    sheet.set_row(0, 46)
    sheet.freeze_panes(1, 2)
    sheet.repeat_rows(0)
    for number_, column in enumerate(shown):
        sheet.set_column(number_, number_, column.width)
        target.text(0, number_, _heading(column), "notice" if column.notice else "heading")
    for row, (dossier, page) in enumerate(zip(dossiers, pages, strict=True), start=1):
        for number_, column in enumerate(shown):
            value = {"place": row, "page": page}.get(column.key, cell(column, dossier))
            _write_cell(target, (row, number_), column, value)
    sheet.autofilter(0, 0, max(1, len(dossiers)), len(shown) - 1)
    if not dossiers:
        target.text(1, 1, "本期无达到清单标准的场所 No site reached the list in this period", "free")


def _heading(column: ListColumn) -> str:
    unit = f" [{column.unit}]" if column.unit else ""
    return f"{column.heading.zh}{unit}\n{column.heading.en}"


def _write_cell(target: _Sheet, place: tuple[int, int], column: ListColumn, value: Any) -> None:
    sheet, form = target.sheet, target.styles.form
    if column.form == "link":
        sheet.write_url(*place, _page_link(value), form("link"))
    elif value is None or value == "":
        sheet.write_blank(*place, None, form("text"))
    elif isinstance(value, datetime):
        local = value.astimezone(target.styles.data.zone).replace(tzinfo=None)
        sheet.write_datetime(*place, local, form("time"))
    elif isinstance(value, date):
        sheet.write_datetime(*place, value, form("day"))
    elif isinstance(value, int | float):
        sheet.write_number(*place, value, form(_number_form(column.form, value)))
    else:
        target.text(*place, value, column.form)


def _page_link(address: str) -> Url:
    """Return a link with the slash of a URI: the backslash that XlsxWriter puts opens on Windows alone."""
    link = Url(f"external:{address}")
    link.text = "打开 Open"
    link._relationship_link = address
    return link


def _number_form(form: str, value: float) -> str:
    if form != "hash_rate":
        return form
    return next((f"hash_rate {letter}" for least, _, letter in _SCALES if value >= least), "hash_rate")


def _hash_rate_form(name: str) -> dict[str, str]:
    letter = name.removeprefix("hash_rate").strip()
    hidden = {letter: "," * thousands for _, thousands, letter in _SCALES}.get(letter, "")
    return {"num_format": f'#,##0.0{hidden}" {letter}H/s"'}


def _write_summary(target: _Sheet, dossiers: Sequence[Dossier], mask: bool) -> None:
    data = target.styles.data
    target.sheet.set_column(0, 0, 62)
    target.sheet.set_column(1, 1, 62)
    target.text(0, 0, "虚拟货币“挖矿”线索清单 List of suspected mining sites", "large")
    pairs = [*_outcome(data, dossiers), *_refusals(data), *_handling(mask)]
    for row, (words, value) in enumerate(pairs, start=2):
        target.pair(row, words, value)


def _outcome(data: ReportData, dossiers: Sequence[Dossier]) -> list[tuple[Words, str]]:
    at = partial(clock, zone=data.zone)
    counts, findings = data.counts, [item.finding for item in dossiers]
    period = f"{at(data.period.start_at)} – {at(data.period.end_at)} ({data.zone.key})"
    return [
        (Words("Period (end excluded)", "期间（不含末时刻）"), period),
        (Words("Sites looked at", "排查场所数"), f"{counts.looked_at:,}"),
        (Words("Of these refused (data insufficient)", "其中数据不足、未作判断"), f"{counts.refused:,}"),
        (Words("Network flows examined", "排查网络流量数"), f"{counts.flows:,}"),
        (Words("Sites listed", "列入清单"), f"{counts.listed:,}"),
        (Words("Stated false-discovery rate of the list", "清单误报率控制值"), percent(data.rate)),
        (Words("Lowest q-value reached", "本期最低q值"), percent(counts.best_q)),
        (
            Words("Listed with contradictions", "其中存在矛盾"),
            f"{sum(bool(f['contradictions']) for f in findings):,}",
        ),
        (Words("Power of all listed sites, kW", "清单功率合计（kW）"), number(_sum(findings, "power_kw"))),
        (Words("Energy in the period, kWh", "本期耗电量合计（kWh）"), number(_sum(findings, "energy_kwh"))),
    ]


def _sum(findings: Sequence[dict[str, Any]], name: str) -> float:
    return float(sum(finding[name] or 0 for finding in findings))


def _refusals(data: ReportData) -> list[tuple[Words, str]]:
    return [
        (Words(f"Refused: {refusal(code).en}", f"未作判断：{refusal(code).zh}"), f"{count:,}")
        for code, count in data.counts.by_frequency
    ]


def _handling(mask: bool) -> list[tuple[Words, str]]:
    held = (
        "姓名、户号、地址、IP已遮蔽 names, numbers and addresses are masked"
        if mask
        else "含个人信息，未遮蔽 holds personal data, unmasked"
    )
    return [
        (Words("Protection", "密级与保护"), f"内部资料 Internal; {held}"),
        (
            Words("Standing", "性质"),
            "线索，须经现场核查确认后方可采取措施。"
            "Leads: a site counts as a mine only when a person has confirmed it on the spot.",
        ),
    ]


def _write_notes(target: _Sheet) -> None:
    for column, width in enumerate((30, 12, 60, 60)):
        target.sheet.set_column(column, column, width)
    target.sheet.freeze_panes(1, 0)
    for column, text in enumerate(("栏目 Column", "单位 Unit", "含义", "Meaning")):
        target.text(0, column, text, "heading")
    for row, item in enumerate(columns(), start=1):
        mark = " ★" if item.notice else ""
        target.text(row, 0, f"{item.heading.zh} {item.heading.en}{mark}", "bold")
        target.text(row, 1, item.unit)
        target.text(row, 2, item.meaning.zh)
        target.text(row, 3, item.meaning.en)
    last = len(columns()) + 2
    target.text(last, 0, "★ 发改运行〔2021〕1283号（三）（四）要求的字段 asked for by the notice", "free")


def _write_versions(target: _Sheet) -> None:
    for column, width in enumerate((28, 44, 16, 16)):
        target.sheet.set_column(column, column, width)
    origin = provenance(target.styles.data.manifest)
    rows: list[tuple[str, ...]] = [("运行 Run", origin.run_id), ("引擎 Engine", origin.engine)]
    rows += [("步骤 Step", step) for step in origin.steps]
    rows += [("软件 Software", name, version) for name, version in origin.software]
    rows += [("模型 Model", name, digest) for name, digest in origin.models]
    rows += [("参数 Parameter", name, value) for name, value in origin.parameters]
    rows += [("表 Table", name, f"v{version}", f"{count:,}") for name, version, count in origin.inputs]
    rows += [("报告 Report", "minewatch", __version__)]
    for column, text in enumerate(("种类 Kind", "名称 Name", "版本 Version", "行数 Rows")):
        target.text(0, column, text, "heading")
    for row, values in enumerate(rows, start=1):
        for column, value in enumerate(values):
            target.text(row, column, value)
