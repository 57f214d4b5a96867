"""A list as a file: CSV that Excel reads as UTF-8, or XLSX. No text in it can act as a formula."""

import csv
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import IO, Any

import xlsxwriter
from django.utils import timezone

from minewatch.office.web.listing.columns import Column

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BYTE_ORDER_MARK = "\ufeff"
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class _Echo:
    """Gives back what is written, for ``csv.writer``."""

    def write(self, text: str) -> str:
        return text


def csv_lines(columns: Sequence[Column], rows: Iterable[Any]) -> Iterator[str]:
    """Give the lines of a CSV file."""
    writer = csv.writer(_Echo())
    yield _BYTE_ORDER_MARK + writer.writerow([str(column.title) for column in columns])
    for row in rows:
        yield writer.writerow([_harmless(column.of(row)) for column in columns])


def xlsx_file(columns: Sequence[Column], rows: Iterable[Any]) -> IO[bytes]:
    """Return a workbook with one sheet, written row by row into a temporary file."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the answer closes it
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(file, options)
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, [str(column.title) for column in columns], book.add_format({"bold": True}))
    for number, row in enumerate(rows, 1):
        for place, column in enumerate(columns):
            _write(sheet, (number, place), column.of(row))
    book.close()
    file.seek(0)
    return file


def _write(sheet: Any, place: tuple[int, int], value: Any) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        sheet.write_number(*place, value)
    elif value is not None:
        sheet.write_string(*place, _plain(value))


def _harmless(value: Any) -> Any:
    if isinstance(value, int | float) or value is None:
        return value
    text = _plain(value)
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(sep=" ", timespec="seconds")
    return str(value)
