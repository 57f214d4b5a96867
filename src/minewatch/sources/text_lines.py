"""Lines of a text log with their number and offset, in bounded memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MOST_LINE = 4 << 20
"""Longest line believed, bytes; a longer one is cut and will not be read as a record."""


class Line(NamedTuple):
    """A line without its end; ``number`` counts from 1, ``end_at`` is the offset after it."""

    number: int
    text: str
    end_at: int
    is_whole: bool


def lines_of(path: Path) -> Iterator[Line]:
    """Yield the lines of a file in UTF-8; bytes that are none are replaced."""
    end_at = number = 0
    with path.open("rb") as file:
        while raw := file.readline(MOST_LINE):
            number += 1
            end_at += len(raw)
            yield Line(number, raw.decode("utf-8", "replace").rstrip("\r\n"), end_at, raw.endswith(b"\n"))
