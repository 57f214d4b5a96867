"""JSON values and lines out of text that comes in pieces."""

import json
import re
from collections.abc import Generator, Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Any, NamedTuple

_DECODER = JSONDecoder()

MOST_KEPT = 1 << 15
"""Bytes kept of an unfinished value or line."""

_ENDS = frozenset(b"}]\n")
_KEPT_DEPTH = 3
_MARK, _IN_STRING = re.compile(r'["{}\[\],\n]'), re.compile(r'"|\n|\\(?:.|$)', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_OPENING, _CLOSING = "{[", "}]"


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

    Of a longer value, as a block template is, what lies deep inside it is left out. Bytes stand as Latin-1
    until a value or line is whole, so that what was not taken can be given back.
    """

    def __init__(self) -> None:
        self._kept = ""
        self._at = 0
        self._in_the_middle = False
        self._thinner: _Thinner | None = None

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Yield the values and lines that are complete with ``data``."""
        text = data.decode("latin-1")
        if self._thinner is not None:
            text = yield from self._feed_thinned(self._thinner, text)
        self._kept, self._at = self._kept[self._at :] + text, 0
        if self._thinner is None and not _ENDS.isdisjoint(data):
            yield from self._pieces()
        if len(self._kept) - self._at > MOST_KEPT:
            self._shorten()

    def cut(self) -> Iterator[Piece]:
        """Yield what is known of an unfinished value, and forget it: bytes are missing behind it."""
        text = _completed(self._kept[self._at :].lstrip())
        self.forget()
        if text:
            value, end = _decode(text, 0)
            if end == len(text) and value:
                yield _valued(text, value)

    def forget(self) -> None:
        """Forget what is unfinished: bytes are missing behind it."""
        self._kept, self._at, self._in_the_middle, self._thinner = "", 0, True, None

    def rest(self) -> bytes:
        """Return the bytes behind the piece that ``feed`` gave last."""
        return self._kept[self._at :].encode("latin-1")

    def _shorten(self) -> None:
        text = self._kept[self._at :].lstrip()
        self.forget()
        if text.startswith(("{", "[")):
            self._thinner = _Thinner()
            self._kept, _ = self._thinner.take(text)

    def _feed_thinned(self, thinner: "_Thinner", text: str) -> Generator[Piece, None, str]:
        """Return what follows behind the long value, nothing while it goes on."""
        kept, rest = thinner.take(text)
        self._kept += kept
        if thinner.ended:
            text = self._kept
            self.forget()
            value, end = _decode(text, 0)
            if end > 0:
                self._in_the_middle = False
                yield _valued(text[:end], value)
        elif len(self._kept) > MOST_KEPT:
            self.forget()
        return rest

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
    """Return the piece with its characters beyond ASCII; half a surrogate pair becomes a question mark."""
    text = _as_utf8(text)
    try:
        if not text.isascii():
            value = json.loads(text)
        if _SURROGATE.search(text):
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return Piece(text, None)
    return Piece(text, value)


def _as_utf8(text: str) -> str:
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "replace")


class _Thinner:
    """Leaves out of a JSON value what lies inside more than ``_KEPT_DEPTH`` brackets."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = self._is_escaped = self._is_broken = False

    @property
    def ended(self) -> bool:
        """Tell whether the value is whole, or was none: a long one is not taken on over the end of a line."""
        return self._depth == 0 or self._is_broken

    def take(self, text: str) -> tuple[str, str]:
        """Return what stays of ``text``, and what follows behind the value."""
        kept, at = [], 0
        if self._is_escaped:
            kept, at = [text[:1] if self._depth <= _KEPT_DEPTH else ""], 1
        self._is_escaped = False
        while at < len(text):
            depth = self._depth
            found = (_IN_STRING if self._in_string else _MARK).search(text, at)
            start, end = found.span() if found else (len(text), len(text))
            if found:
                self._turn(found[0])
            kept.append(text[at:start] if depth <= _KEPT_DEPTH else "")
            kept.append(text[start:end] if min(depth, self._depth) <= _KEPT_DEPTH else "")
            at = start if self._is_broken else end
            if self.ended:
                break
        return "".join(kept), text[at:]

    def _turn(self, mark: str) -> None:
        if mark == '"':
            self._in_string = not self._in_string
        elif mark == "\n":
            self._is_broken = True
        elif self._in_string:
            self._is_escaped = len(mark) == 1  # the character it escapes is yet to come
        elif mark != ",":
            self._depth += 1 if mark in _OPENING else -1


def _completed(text: str) -> str:
    """Return the beginning of a JSON object up to its last whole member, closed; empty where it is none."""
    if not text.startswith("{"):
        return ""
    open_, kept, at, in_string = "", "", 0, False
    while found := (_IN_STRING if in_string else _MARK).search(text, at):
        mark, at = found[0], found.end()
        if mark == '"':
            in_string = not in_string
        elif not in_string and mark != "\n":
            if mark in _OPENING:
                open_ += mark
            elif mark in _CLOSING:
                open_ = open_[:-1]
            kept = text[: at - (mark == ",")] + open_[::-1].translate(_CLOSED)
    return kept


_CLOSED = str.maketrans(_OPENING, _CLOSING)
