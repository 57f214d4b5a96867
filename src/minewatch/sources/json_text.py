"""JSON values and lines out of text that comes in pieces."""

import json
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Any, NamedTuple

_DECODER = JSONDecoder()

MOST_KEPT = 1 << 15
"""Bytes kept of an unfinished value or line."""

_ENDS = frozenset(b"}]\n")


class Piece(NamedTuple):
    """A JSON value (``value``, with its ``text``) or a line that is none (``value`` is None).

    Of a binary dialect ``value`` is a frame, without text. ``whole`` is False for a line whose beginning is
    missing.
    """

    text: str
    value: Any
    whole: bool = True


class Text:
    """Cuts bytes into JSON values, whatever separates them, and lines; keeps at most ``MOST_KEPT`` bytes.

    Bytes stand as Latin-1 until a value or line is whole, so that what was not taken can be given back.
    """

    def __init__(self) -> None:
        self._kept = ""
        self._at = 0
        self._in_the_middle = False

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Yield the values and lines that are complete with ``data``."""
        self._kept = self._kept[self._at :] + data.decode("latin-1")
        self._at = 0
        if not _ENDS.isdisjoint(data):
            yield from self._pieces()
        if len(self._kept) - self._at > MOST_KEPT:
            self.gap()

    def gap(self) -> None:
        """Forget what is unfinished: bytes are missing behind it."""
        self._kept, self._at, self._in_the_middle = "", 0, True

    def rest(self) -> bytes:
        """Return the bytes behind the piece that ``feed`` gave last."""
        return self._kept[self._at :].encode("latin-1")

    def _pieces(self) -> Iterator[Piece]:
        while (at := _skip_space(self._kept, self._at)) < len(self._kept):
            piece, self._at = self._next_piece(at)
            if piece is None:
                return
            if piece.text:
                yield piece
        self._at = at

    def _next_piece(self, at: int) -> tuple[Piece | None, int]:
        text = self._kept
        if text[at] in "{[" and not (self._in_the_middle and text[at] == "["):
            self._in_the_middle = False
            value, end = _decode(text, at)
            if end < 0:
                return None, at
            if value is not None:
                return _valued(text[at:end], value), end
        end = text.find("\n", at)
        if end < 0:
            return None, at
        was_cut, self._in_the_middle = self._in_the_middle, False
        return Piece(_as_utf8(text[at:end]).strip(), None, not was_cut), end + 1


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n\0":
        at += 1
    return at


def _decode(text: str, at: int) -> tuple[Any, int]:
    """Return (value, its end), (None, at) for what is no JSON, (None, -1) for what is not complete yet."""
    try:
        return _DECODER.raw_decode(text, at)
    except JSONDecodeError as error:
        unfinished = error.msg.startswith("Unterminated") or error.pos >= len(text) - 6
        return None, -1 if unfinished else at
    except (ValueError, RecursionError):
        return None, at


def _valued(text: str, value: Any) -> Piece:
    if text.isascii():
        return Piece(text, value)
    text = _as_utf8(text)
    return Piece(text, json.loads(text))


def _as_utf8(text: str) -> str:
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "replace")
