"""A list as a file: CSV that Excel reads as UTF-8, or XLSX. No text in it can act as a formula."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from django.utils import timezone

from minewatch.office.web.listing.columns import Column

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(path: Path, columns: Sequence[Column], rows: Iterable[Any]) -> int:
    """Write a CSV file; return how many rows."""
    number = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([str(column.title) for column in columns])
        for row in rows:
            writer.writerow([harmless(column.of(row)) for column in columns])
            number += 1
    return number


def write_xlsx(path: Path, columns: Sequence[Column], rows: Iterable[Any]) -> int:
    """Write a workbook with one sheet, row by row; return how many rows."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    number = 0
    with xlsxwriter.Workbook(path, options) as book:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, [str(column.title) for column in columns], book.add_format({"bold": True}))
        for number, row in enumerate(rows, 1):
            for place, column in enumerate(columns):
                _write(sheet, (number, place), column.of(row))
    return number


def _write(sheet: Any, place: tuple[int, int], value: Any) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        sheet.write_number(*place, value)
    elif value is not None:
        sheet.write_string(*place, _plain(value))


def harmless(value: Any) -> Any:
    """Return a value that no spreadsheet takes for a formula."""
    if isinstance(value, int | float) or value is None:
        return value
    text = _plain(value)
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(sep=" ", timespec="seconds")
    return str(value)
