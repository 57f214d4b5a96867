"""Cutting a CSV file into whole records with their line numbers, block by block.

Arrow's CSV parser is fast but knows no line numbers, stops at the first wrong byte and reads past a quote
that nobody closed. So the file is cut into blocks of whole records first (vectorised; only lines with an
odd number of quotes are looked at one by one), and each block is parsed by Arrow.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.schema.reasons import reason
from minewatch.sources.unreadable import UnreadableFile

BLOCK_BYTES = 8 << 20
MOST_LINES = 100
"""A quoted value over more lines than this is a quote that nobody closed."""

MOST_BYTES = 64 << 20
"""A record longer than this is no record of a table."""

_NEWLINE, _QUOTE = 10, 34


class Records(NamedTuple):
    """Whole records: ``data`` bytes, ``starts`` and ``ends`` of each record in it, ``lines`` from 1.

    ``unclosed`` numbers the records whose quote is never closed (one line each). ``offset`` is how far in
    the file the block reaches.
    """

    data: bytes
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    lines: npt.NDArray[np.int64]
    unclosed: tuple[int, ...]
    offset: int

    def record(self, number: int) -> bytes:
        """Return one record without its line end."""
        return self.data[self.starts[number] : self.ends[number]].rstrip(b"\r\n")


def records_of(path: Path, offset: int, line: int, delimiter: bytes) -> Iterator[Records]:
    """Yield the records of ``path`` from byte ``offset``, which is the start of line ``line``.

    Raises UnreadableFile for a line of more than ``MOST_BYTES``.
    """
    rest = b""
    with path.open("rb") as file:
        file.seek(offset)
        while True:
            chunk = file.read(BLOCK_BYTES)
            data = rest + chunk
            if not data:
                return
            cut = _cut(data, at_end=not chunk, line=line, delimiter=delimiter)
            used = int(cut.ends[-1]) if len(cut.ends) else 0
            rest, line = data[used:], line + data.count(b"\n", 0, used)
            if len(rest) > MOST_BYTES:
                raise UnreadableFile(path, reason("line_too_long", line=line, mib=MOST_BYTES >> 20))
            if len(cut.ends):
                yield cut._replace(offset=file.tell() - len(rest))
            if not chunk:
                return


def _cut(data: bytes, *, at_end: bool, line: int, delimiter: bytes) -> Records:
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == _NEWLINE).astype(np.int64) + 1
    if at_end and (not len(ends) or ends[-1] < len(data)):
        ends = np.append(ends, len(data))
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]]) if len(ends) else ends
    lines = line + np.arange(len(ends), dtype=np.int64)
    cut = Records(data, starts, ends, lines, (), 0)
    if b'"' in data:
        cut = _join_quoted(cut, array, delimiter, at_end=at_end)
    return cut


def _join_quoted(cut: Records, array: npt.NDArray[np.uint8], delimiter: bytes, *, at_end: bool) -> Records:
    """Join the lines of records whose quoted values hold line ends."""
    quotes = np.searchsorted(cut.ends, np.flatnonzero(array == _QUOTE), side="right")
    odd = np.flatnonzero(np.bincount(quotes, minlength=len(cut.ends))[: len(cut.ends)] % 2)
    keep = np.ones(len(cut.ends), bool)
    ends, unclosed, after = cut.ends.copy(), list[int](), -1
    for first in odd.tolist():
        if first <= after or not _is_open(cut.record(first), False, delimiter):
            continue
        last = _closing_line(cut, first, delimiter)
        if last is None and not at_end and len(cut.ends) - first <= MOST_LINES:
            return _head(cut, first, keep, ends, unclosed)
        if last is None:
            unclosed.append(first)
            continue
        keep[first + 1 : last + 1], ends[first], after = False, cut.ends[last], last
    return _head(cut, len(keep), keep, ends, unclosed)


def _head(
    cut: Records, count: int, keep: npt.NDArray[np.bool_], ends: npt.NDArray[np.int64], unclosed: list[int]
) -> Records:
    keep = keep[:count]
    number = np.cumsum(keep) - 1
    marked = tuple(int(number[each]) for each in unclosed)
    return Records(cut.data, cut.starts[:count][keep], ends[:count][keep], cut.lines[:count][keep], marked, 0)


def _closing_line(cut: Records, first: int, delimiter: bytes) -> int | None:
    is_open = True
    for line in range(first + 1, min(first + 1 + MOST_LINES, len(cut.ends))):
        is_open = _is_open(cut.record(line), is_open, delimiter)
        if not is_open:
            return line
    return None


def _is_open(line: bytes, is_open: bool, delimiter: bytes) -> bool:
    """Tell whether a quoted value is open at the end of ``line`` (RFC 4180: only at a field's start)."""
    position = line.find(b'"')
    while position >= 0:
        if is_open and line[position + 1 : position + 2] == b'"':
            position += 1
        elif is_open:
            is_open = False
        else:
            is_open = position == 0 or line[position - 1 : position] == delimiter
        position = line.find(b'"', position + 1)
    return is_open
