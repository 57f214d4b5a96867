"""XLSX workbooks as sheets, through openpyxl in its streaming mode."""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
from openpyxl.utils.exceptions import InvalidFileException

from minewatch.schema.reasons import Reason, reason
from minewatch.sources.layout import Layout, find_layout
from minewatch.sources.options import ReadOptions
from minewatch.sources.sheet import NULLS, Chunk, Sheet
from minewatch.sources.unreadable import UnreadableFile
from minewatch.sources.zipped import WORKBOOK, check_zip

_HEADER_WITHIN = 20
_ROWS = 2_000
_BROKEN = (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, SyntaxError, OSError)


@dataclass(frozen=True)
class _Place:
    path: Path
    title: str
    names: tuple[str, ...]
    row: int  # of the header
    rows: int


def open_xlsx(path: Path, options: ReadOptions) -> tuple[Sheet, Layout] | list[str]:
    """Return the first worksheet with a header that is understood, else the first row of the workbook.

    Raises UnreadableFile for a damaged or encrypted workbook and one with entity tricks in its XML.
    """
    first: list[str] = []
    others: list[str] = []
    found: tuple[_Place, Layout] | None = None
    with closing(_open(path)) as book:
        for worksheet in book.worksheets:
            if found:
                others.append(worksheet.title)
                continue
            worksheet.reset_dimensions()
            rows = list(islice(_rows(path, worksheet), _HEADER_WITHIN))
            first = first or (_names(rows[0]) if rows else [])
            found = _find(path, worksheet, rows, options)
    if not found:
        return first
    place, layout = found
    notes = [reason("sheets_not_read", sheets=", ".join(others))] if others else []
    return _sheet(place, notes), layout


def _open(path: Path) -> Any:
    check_zip(path, WORKBOOK)
    try:
        return openpyxl.load_workbook(path, read_only=True, data_only=False, keep_links=False)
    except _BROKEN as error:
        raise UnreadableFile(path, reason("workbook_damaged", error=str(error)[:200])) from error


def _rows(path: Path, worksheet: Any) -> Iterator[Sequence[Any]]:
    try:
        yield from worksheet.iter_rows(values_only=True)
    except _BROKEN as error:
        raise UnreadableFile(path, reason("workbook_damaged", error=str(error)[:200])) from error


def _find(
    path: Path, worksheet: Any, rows: list[Sequence[Any]], options: ReadOptions
) -> tuple[_Place, Layout] | None:
    for number, row in enumerate(rows, start=1):
        names = _names(row)
        layout = find_layout(names, options.mapping, options.table) if len(names) > 1 else None
        if layout:
            return _Place(path, worksheet.title, tuple(names), number, 0), layout
    return None


def _names(row: Sequence[Any]) -> list[str]:
    names = [_header(value) for value in row]
    while names and not names[-1]:
        names.pop()
    return names


def _header(value: Any) -> str:
    if isinstance(value, datetime) and value.year <= 1900:
        return "24:00"  # a whole day as Excel's clock shows it
    if isinstance(value, timedelta):
        minutes = round(value.total_seconds() / 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    return (_text(value) or "").strip()


def _sheet(place: _Place, notes: list[Reason]) -> Sheet:
    def chunks(positions: Sequence[int]) -> Iterator[Chunk]:
        return _chunks(place, sorted(positions))

    if place.row > 1:
        notes.append(reason("lines_before_header", lines=place.row - 1))
    size = place.path.stat().st_size
    return Sheet(place.path, place.names, (pa.string(),) * len(place.names), chunks, size, notes)


def _chunks(place: _Place, positions: Sequence[int]) -> Iterator[Chunk]:
    size = place.path.stat().st_size
    with closing(_open(place.path)) as book:
        worksheet = book[place.title]
        # A workbook is inflated while it is read: the place in it is estimated from the rows declared.
        total = max(worksheet.max_row or 0, place.row + 1)
        worksheet.reset_dimensions()
        rows = enumerate(_rows(place.path, worksheet), start=1)
        numbered = ((number, row) for number, row in rows if number > place.row and _filled(row))
        while some := list(islice(numbered, _ROWS)):
            yield _chunk(place, some, positions, size * min(some[-1][0], total) // total)


def _filled(row: Sequence[Any]) -> bool:
    return any(value is not None and value != "" for value in row)


def _chunk(
    place: _Place, rows: list[tuple[int, Sequence[Any]]], positions: Sequence[int], bytes_done: int
) -> Chunk:
    def row_of(number: int) -> Mapping[str, str | None]:
        cells = (_text(value) for value in rows[number][1])
        return dict(zip(place.names, [*cells, *[None] * len(place.names)], strict=False))

    columns, numeric = {}, {}
    for position in positions:
        cells = [row[position] if position < len(row) else None for _, row in rows]
        texts = [_text(value) for value in cells]
        columns[position] = pa.array([None if text in NULLS else text for text in texts], pa.string())
        numeric[position] = np.array([type(value) in (int, float) for value in cells])
    lines = np.array([number for number, _ in rows], np.int64)
    return Chunk(columns, lines, row_of, bytes_done, (), numeric)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e18 else repr(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d" if value.time() == time() else "%Y-%m-%d %H:%M:%S")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
