"""Rows of a CSV or XLSX file that a person brought, read a row at a time and with limits.

Nothing of the file is trusted: not its name, not its ending, not what a workbook says of its own size. Of a
workbook the first sheet is read. A row is numbered as a spreadsheet shows it, from 1.
"""

import codecs
import csv
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path, PurePath
from typing import IO, Any

import openpyxl

from minewatch.office.platform.refusals import Refused

MOST_ROWS = 500_000
MOST_COLUMNS = 200
MOST_UNPACKED_MB, MOST_SHARED_MB, MOST_PARTS = 600, 150, 2_000
_BLOCK = 1 << 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_SEPARATORS = ",\t;"
_HEAD_CHARACTERS = 16_384

Row = tuple[int, Sequence[Any]]


def form_of(path: Path, name: str) -> str:
    """Return ``csv`` or ``xlsx``; raises Refused where the content is neither or a danger."""
    ending = PurePath(name).suffix.lower()
    with path.open("rb") as file:
        head = file.read(len(_OLE))
    if head.startswith(_OLE):
        raise Refused("table_is_old_excel", name=name)
    if head.startswith(_ZIP):
        _look_into(path, name)
        if ending != ".xlsx":
            raise Refused("table_ending", name=name)
        return "xlsx"
    if ending not in (".csv", ".txt", ".tsv"):
        raise Refused("table_ending", name=name)
    encoding_of(path)
    return "csv"


def rows_of(path: Path, form: str) -> Iterator[Row]:
    """Yield the rows of a file; raises Refused where it breaks off, or is larger than what is taken."""
    reader = _sheet_rows(path) if form == "xlsx" else _csv_rows(path)
    for number, row in enumerate(reader, 1):
        if number > MOST_ROWS:
            raise Refused("table_too_long", most=MOST_ROWS)
        if len(row) > MOST_COLUMNS and any(_is_filled(cell) for cell in row[MOST_COLUMNS:]):
            raise Refused("table_too_wide", most=MOST_COLUMNS)
        yield number, row[:MOST_COLUMNS]


def encoding_of(path: Path) -> str:
    """Return the encoding in which all of a text file can be read: UTF-8, UTF-16 with its mark, GB 18030."""
    with path.open("rb") as file:
        head = file.read(3)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding in ("utf-8-sig", "gb18030"):
        if _decodes(path, encoding):
            return encoding
    raise Refused("table_encoding")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                if "\0" in decoder.decode(block):
                    return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _csv_rows(path: Path) -> Iterator[Sequence[Any]]:
    with path.open(encoding=encoding_of(path), newline="") as file:
        first_lines = file.read(_HEAD_CHARACTERS).splitlines()[:10]
        file.seek(0)
        separator = max(
            _SEPARATORS, key=lambda sign: max((line.count(sign) for line in first_lines), default=0)
        )
        reader = csv.reader(file, delimiter=separator)
        try:
            yield from reader
        except (csv.Error, UnicodeError) as error:
            raise Refused("table_broken", line=reader.line_num) from error


def _sheet_rows(path: Path) -> Iterator[Sequence[Any]]:
    try:
        with path.open("rb") as file, warnings.catch_warnings(), closing(_book(file)) as book:
            warnings.simplefilter("ignore")  # of styles that openpyxl does not know
            sheet = next((one for one in book.worksheets if one.sheet_state == "visible"), None)
            if sheet is None:
                raise Refused("table_empty")
            sheet.reset_dimensions()
            yield from sheet.iter_rows(max_col=MOST_COLUMNS + 1, values_only=True)
    except Refused:
        raise
    except Exception as error:  # whatever a crafted workbook makes the library raise
        raise Refused("table_is_no_workbook") from error


def _book(file: IO[bytes]) -> openpyxl.Workbook:
    return openpyxl.load_workbook(file, read_only=True, keep_links=False)


def _look_into(path: Path, name: str) -> None:
    """Refuse a workbook with macros, or one that would unpack to more than any office's table holds."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise Refused("table_is_no_workbook") from error
    names = {part.filename.lower() for part in parts}
    if any(part.endswith(("vbaproject.bin", "vbadata.xml")) for part in names):
        raise Refused("table_with_macros", name=name)
    shared = sum(part.file_size for part in parts if part.filename.lower().endswith("sharedstrings.xml"))
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED_MB << 20 or shared > MOST_SHARED_MB << 20:
        raise Refused("table_unpacks_too_large", most_mb=MOST_UNPACKED_MB)
    if "xl/workbook.xml" not in names:
        raise Refused("table_is_no_workbook")


def _is_filled(cell: Any) -> bool:
    return cell is not None and cell != ""
