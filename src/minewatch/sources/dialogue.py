"""The two directions of a TCP connection as text: put back in order, cut into JSON values and lines."""

from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Any, NamedTuple

_DECODER = JSONDecoder()
_SEQ_SPACE = 1 << 32

MOST_WAITING = 1 << 15
"""Bytes kept of a direction for a missing segment or an unfinished line."""

_MOST_SEGMENTS = 64
_PATIENCE_US = 10_000_000
"""What is lost on the way is sent again within seconds; what the capture missed never comes."""


class Piece(NamedTuple):
    """A JSON value (``value``, with its ``text``) or a line that is none (``value`` is None)."""

    text: str
    value: Any


class Part(NamedTuple):
    """Bytes in order that were first seen at ``at`` (µs); ``lost``: bytes before them are missing."""

    data: bytes
    at: int
    lost: bool = False


class Direction:
    """Bytes of one direction in the order of their sequence numbers.

    Segments that come early wait until the gap is filled; what came twice is left out. When more than
    ``MOST_WAITING`` bytes wait, or for ten seconds, the gap is given up and ``lost`` counts one more.
    """

    def __init__(self, isn: int) -> None:
        self._next: int | None = (isn + 1) % _SEQ_SPACE if isn >= 0 else None
        self._early: dict[int, tuple[bytes, int]] = {}
        self.lost = 0

    @property
    def waits(self) -> bool:
        """Tell whether segments wait for one before them."""
        return bool(self._early)

    def push(self, seq: int, payload: bytes, wire_size: int, at: int) -> Iterator[Part]:
        """Take a segment seen at ``at`` (µs) and yield what is now in order."""
        if self._next is None:
            self._next = seq
        if self._early and at - min(since for _, since in self._early.values()) > _PATIENCE_US:
            yield from self.finish()
        yield from self._place(seq, payload, at)
        if wire_size > len(payload):  # cut by the capture's snap length: the rest of the segment is a gap
            yield from self._give_up((seq + wire_size) % _SEQ_SPACE, at)

    def finish(self) -> Iterator[Part]:
        """Give up all gaps; yield what waited behind them."""
        while self._early:
            seq = self._earliest()
            yield from self._give_up(seq, self._early[seq][1])

    def _earliest(self) -> int:
        return min(self._early, key=lambda seq: _distance(seq, self._next or 0))

    def _place(self, seq: int, payload: bytes, at: int) -> Iterator[Part]:
        if _distance(seq, self._next or 0) <= 0:
            yield from self._in_order(seq, payload, at)
            yield from self._release()
        elif len(payload) > len(self._early.get(seq, (b"", 0))[0]):
            self._early[seq] = payload, at
            waiting = sum(len(each) for each, _ in self._early.values())
            if len(self._early) > _MOST_SEGMENTS or waiting > MOST_WAITING:
                yield from self._give_up(self._earliest(), at)

    def _in_order(self, seq: int, payload: bytes, at: int) -> Iterator[Part]:
        fresh = payload[-_distance(seq, self._next or 0) :]  # without what came before
        if fresh:
            self._next = ((self._next or 0) + len(fresh)) % _SEQ_SPACE
            yield Part(fresh, at)

    def _release(self) -> Iterator[Part]:
        while self._early and _distance(seq := self._earliest(), self._next or 0) <= 0:
            yield from self._in_order(seq, *self._early.pop(seq))

    def _give_up(self, seq: int, at: int) -> Iterator[Part]:
        self.lost += 1
        if _distance(seq, self._next or 0) > 0:
            self._next = seq
        yield Part(b"", at, lost=True)
        yield from self._release()


def _distance(seq: int, other: int) -> int:
    """Return how far ``seq`` is ahead of ``other``, with wrap-around (RFC 9293 §3.4)."""
    return (seq - other + (1 << 31)) % _SEQ_SPACE - (1 << 31)


class Text:
    """Cuts a direction's bytes into JSON values and lines; keeps at most ``MOST_WAITING`` bytes."""

    def __init__(self) -> None:
        self._kept = ""
        self._in_the_middle = False

    def feed(self, payload: bytes, after_gap: bool) -> Iterator[Piece]:
        """Yield the values and lines that are complete with ``payload``."""
        if after_gap:
            self._kept, self._in_the_middle = "", True
        text = self._kept + payload.decode("utf-8", "replace")
        at = 0
        while (at := _skip_space(text, at)) < len(text):
            piece, at = self._next_piece(text, at)
            if piece is None:
                break
            if piece.text:
                yield piece
        self._kept = text[at:]
        if len(self._kept) > MOST_WAITING:
            self._kept, self._in_the_middle = "", True

    def _next_piece(self, text: str, at: int) -> tuple[Piece | None, int]:
        if text[at] in "{[" and not (self._in_the_middle and text[at] == "["):
            self._in_the_middle = False
            value, end = _decode(text, at)
            if end < 0:
                return None, at
            if value is not None:
                return Piece(text[at:end], value), end
        end = text.find("\n", at)
        if end < 0:
            return None, at
        was_cut, self._in_the_middle = self._in_the_middle, False
        return Piece("" if was_cut else text[at:end].strip(), None), end + 1


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
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
