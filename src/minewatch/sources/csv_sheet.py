"""CSV files as sheets: encoding and delimiter found out, header found, rows parsed by Arrow in blocks."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv as arrow_csv

from minewatch.schema.reasons import Reason, reason
from minewatch.sources.batch import Reject
from minewatch.sources.csv_records import Records, records_of
from minewatch.sources.encodings import BOM_UTF8, CHINESE, UTF8, decode_lines, detect, is_clean, readable
from minewatch.sources.layout import Layout, find_layout
from minewatch.sources.options import ReadOptions
from minewatch.sources.sheet import NULLS, Chunk, Sheet

_HEADER_WITHIN = 20
"""The header is looked for in this many first lines: exports often have a title above it."""

_DELIMITERS = (",", "\t", ";", "|")


@dataclass(frozen=True)
class _Dialect:
    path: Path
    encoding: str | None  # None: plain ASCII so far
    delimiter: str
    names: tuple[str, ...]
    offset: int  # of the first byte after the header
    line: int  # number of the line there


def open_csv(path: Path, head: bytes, options: ReadOptions) -> tuple[Sheet, Layout] | list[str]:
    """Return the table in a CSV file and what its header means.

    Where no line of the file's ``head`` is a header that is understood, return the cells of its first line.
    """
    lines = head.split(b"\n")[:_HEADER_WITHIN]
    encodings = _encodings(head, options)
    for encoding in encodings:
        found = [_find(lines, encoding or UTF8, delimiter, options) for delimiter in _delimiters(options)]
        best = max((each for each in found if each), key=lambda each: _understood(each[1]), default=None)
        if best:
            return _sheet(replace(best[0], path=path, encoding=encoding)), best[1]
    return _cells(lines[0], encodings[0] or UTF8, ",") or []


def _encodings(head: bytes, options: ReadOptions) -> Sequence[str | None]:
    """Return the encodings to try, the likeliest first; a header that is understood decides."""
    if options.mapping and options.mapping.encoding:
        return (options.mapping.encoding,)
    likely = detect(head)
    return (likely, UTF8, CHINESE) if likely else (None,)


def _understood(layout: Layout) -> int:
    return len(layout.columns) + sum(len(curve.positions) for curve in layout.curves)


def _delimiters(options: ReadOptions) -> Sequence[str]:
    given = options.mapping.delimiter if options.mapping else None
    return (given,) if given else _DELIMITERS


def _find(
    lines: list[bytes], encoding: str, delimiter: str, options: ReadOptions
) -> tuple[_Dialect, Layout] | None:
    offset = 0
    for number, line in enumerate(lines, start=1):
        offset += len(line) + 1
        names = _cells(line, encoding, delimiter)
        layout = find_layout(names, options.mapping, options.table) if names and len(names) > 1 else None
        if names and layout:
            return _Dialect(Path(), encoding, delimiter, tuple(names), offset, number + 1), layout
    return None


def _cells(line: bytes, encoding: str, delimiter: str) -> list[str] | None:
    try:
        text = line.removeprefix(BOM_UTF8).decode(encoding)
    except UnicodeDecodeError:
        return None
    return _fields(text.rstrip("\r"), delimiter)


def _fields(text: str, delimiter: str) -> list[str]:
    """Return the cells of one record; a record that is none comes back as one cell."""
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except csv.Error:
        return [text]


def _sheet(dialect: _Dialect) -> Sheet:
    def chunks(positions: Sequence[int]) -> Iterator[Chunk]:
        return _chunks(dialect, sorted(positions))

    notes: list[Reason] = []
    if dialect.line > 2:
        notes.append(reason("lines_before_header", lines=dialect.line - 2))
    types = (pa.string(),) * len(dialect.names)
    return Sheet(dialect.path, dialect.names, types, chunks, dialect.path.stat().st_size, notes)


def _chunks(dialect: _Dialect, positions: Sequence[int]) -> Iterator[Chunk]:
    encoding = dialect.encoding
    for records in records_of(dialect.path, dialect.offset, dialect.line, dialect.delimiter.encode()):
        encoding = encoding or detect(records.data)
        yield _Block(dialect, encoding or UTF8, records).chunk(positions)


@dataclass(frozen=True)
class _Block:
    dialect: _Dialect
    encoding: str
    records: Records

    def chunk(self, positions: Sequence[int]) -> Chunk:
        """Parse the block; rows of wrong encoding, quoting or width are put aside."""
        numbers, text, rejected = self._text()
        table, bad = self._parse_whole(numbers, text, positions) or self._parse_one_by_one(numbers, positions)
        for number, width in bad.items():
            why = reason("wrong_number_of_cells", found=width, expected=len(self.dialect.names))
            rejected.append(self._reject(int(numbers[number]), why))
        numbers = np.delete(numbers, list(bad))
        columns = {position: table.column(i).combine_chunks() for i, position in enumerate(positions)}
        lines = self.records.lines[numbers]
        return Chunk(columns, lines, lambda i: self._row(int(numbers[i])), self.records.offset, rejected)

    def _text(self) -> tuple[npt.NDArray[np.int64], bytes, list[Reject]]:
        """Return record numbers, their text in UTF-8 and the records that are not text."""
        records = self.records
        numbers = self._filled()
        whole = records.data[: records.ends[-1]]
        if not records.unclosed and is_clean(whole, self.encoding):
            return numbers, whole if self.encoding == UTF8 else whole.decode(self.encoding).encode(), []
        unclosed = set(records.unclosed)
        rejected = [self._reject(number, reason("quote_not_closed")) for number in records.unclosed]
        numbers = np.array([n for n in numbers.tolist() if n not in unclosed], np.int64)
        decoded = decode_lines([records.record(number) for number in numbers.tolist()], self.encoding)
        for bad in decoded.bad:
            why = reason("wrong_encoding", encoding=self.encoding.upper())
            rejected.append(self._reject(int(numbers[bad]), why))
        return np.delete(numbers, list(decoded.bad)), decoded.utf8, rejected

    def _filled(self) -> npt.NDArray[np.int64]:
        """Return the numbers of the records that are not blank lines, which Arrow skips."""
        lengths = self.records.ends - self.records.starts
        numbers = np.arange(len(lengths), dtype=np.int64)
        short = numbers[lengths <= 2]
        blank = [number for number in short.tolist() if not self.records.record(number)]
        return np.delete(numbers, blank) if blank else numbers

    def _parse_whole(
        self, numbers: npt.NDArray[np.int64], text: bytes, positions: Sequence[int]
    ) -> tuple[pa.Table, dict[int, int]] | None:
        """Parse the block at once; None where Arrow does not see the same records.

        It ends a record at a lone carriage return, reads on past a quote inside a cell, and skips a byte
        order mark in the middle of a file.
        """
        if text.count(b"\r") != text.count(b"\r\n"):
            return None
        try:
            table, bad = self._parse(text, positions)
        except pa.ArrowInvalid:
            return None
        return (table, bad) if table.num_rows + len(bad) == len(numbers) else None

    def _parse(self, text: bytes, positions: Sequence[int]) -> tuple[pa.Table, dict[int, int]]:
        """Return the cells, and the rows of wrong width as {row number among those of text: width}."""
        bad: dict[int, int] = {}

        def skip(row: arrow_csv.InvalidRow) -> str:
            bad[row.number - 1] = row.actual_columns
            return "skip"

        names = [str(position) for position in range(len(self.dialect.names))]
        table = arrow_csv.read_csv(
            pa.BufferReader(text or b"\n"),
            arrow_csv.ReadOptions(use_threads=False, column_names=names, block_size=len(text) + 1),
            arrow_csv.ParseOptions(
                delimiter=self.dialect.delimiter, newlines_in_values=True, invalid_row_handler=skip
            ),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=[str(position) for position in positions],
                null_values=list(NULLS),
                strings_can_be_null=True,
            ),
        )
        return table, bad

    def _parse_one_by_one(
        self, numbers: npt.NDArray[np.int64], positions: Sequence[int]
    ) -> tuple[pa.Table, dict[int, int]]:
        """Parse record by record, for the rare block in which quotes stand where none may."""
        rows = [self._split(int(number)) for number in numbers]
        width = len(self.dialect.names)
        bad = {i: len(row) for i, row in enumerate(rows) if len(row) != width}
        good = [row for i, row in enumerate(rows) if i not in bad]
        cells = [[None if row[p] in NULLS else row[p] for row in good] for p in positions]
        return pa.table([pa.array(each, pa.string()) for each in cells], list(map(str, positions))), bad

    def _split(self, number: int) -> list[str]:
        text = readable(self.records.record(number), self.encoding)
        return _fields(text, self.dialect.delimiter)

    def _row(self, number: int) -> Mapping[str, str | None]:
        cells: Sequence[str | None] = self._split(number)
        cells = [*cells, *[None] * (len(self.dialect.names) - len(cells))]
        return dict(zip(self.dialect.names, cells, strict=False))

    def _reject(self, number: int, why: Reason) -> Reject:
        return Reject(int(self.records.lines[number]), why, row=self._row(number))
