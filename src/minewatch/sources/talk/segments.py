"""The segments of one direction of a TCP connection, put back in order."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

_SEQ_SPACE = 1 << 32

MOST_WAITING = 1 << 15
"""Bytes kept of a direction for a missing segment."""

_MOST_SEGMENTS = 64
_PATIENCE_US = 10_000_000
"""What is lost on the way is sent again within seconds; what the capture missed never comes."""


class Part(NamedTuple):
    """Bytes in order that were first seen at ``at`` (µs); ``lost``: so many are missing before them."""

    data: bytes
    at: int
    lost: int = 0


class _Segment(NamedTuple):
    payload: bytes
    wire_size: int
    at: int


class Direction:
    """Bytes of one direction in the order of their sequence numbers.

    Segments that come early wait until the gap is filled; what came twice is left out. When more than
    ``MOST_WAITING`` bytes wait, or for ten seconds, the gap is given up and ``lost`` counts one more. What
    the capture's snap length cut off a segment is a gap too.
    """

    def __init__(self, isn: int) -> None:
        self._next: int | None = (isn + 1) % _SEQ_SPACE if isn >= 0 else None
        self._early: dict[int, _Segment] = {}
        self.lost = 0

    @property
    def waits(self) -> bool:
        """Tell whether segments wait for one before them."""
        return bool(self._early)

    def push(self, seq: int, payload: bytes, wire_size: int, at: int) -> Iterable[Part]:
        """Take a segment seen at ``at`` (µs) and return what is now in order."""
        if self._next is None:
            self._next = seq
        if seq == self._next and not self._early and wire_size == len(payload):  # as nearly all come
            self._next = (seq + wire_size) % _SEQ_SPACE
            return (Part(payload, at),)
        return self._push(seq, _Segment(payload, wire_size, at))

    def finish(self) -> Iterator[Part]:
        """Give up all gaps; yield what waited behind them."""
        while self._early:
            yield from self._give_up()

    def _push(self, seq: int, segment: _Segment) -> Iterator[Part]:
        if self._early and segment.at - min(each.at for each in self._early.values()) > _PATIENCE_US:
            yield from self.finish()
        if self._ahead(seq) <= 0:
            yield from self._in_order(seq, segment)
            yield from self._release()
        else:
            yield from self._wait(seq, segment)

    def _wait(self, seq: int, segment: _Segment) -> Iterator[Part]:
        if seq not in self._early or len(segment.payload) > len(self._early[seq].payload):
            self._early[seq] = segment
            waiting = sum(len(each.payload) for each in self._early.values())
            if len(self._early) > _MOST_SEGMENTS or waiting > MOST_WAITING:
                yield from self._give_up()

    def _in_order(self, seq: int, segment: _Segment) -> Iterator[Part]:
        fresh = segment.payload[-self._ahead(seq) :]  # without what came before
        if fresh:
            self._next = (seq + len(segment.payload)) % _SEQ_SPACE
            yield Part(fresh, segment.at)
        yield from self._miss((seq + segment.wire_size) % _SEQ_SPACE, segment.at)

    def _release(self) -> Iterator[Part]:
        while self._early and self._ahead(seq := self._earliest()) <= 0:
            yield from self._in_order(seq, self._early.pop(seq))

    def _give_up(self) -> Iterator[Part]:
        seq = self._earliest()
        yield from self._miss(seq, self._early[seq].at)
        yield from self._release()

    def _miss(self, until: int, at: int) -> Iterator[Part]:
        missing = self._ahead(until)
        if missing > 0:
            self.lost += 1
            self._next = until
            yield Part(b"", at, missing)

    def _earliest(self) -> int:
        return min(self._early, key=self._ahead)

    def _ahead(self, seq: int) -> int:
        """Return how far ``seq`` is ahead of what came in order, with wrap-around (RFC 9293 §3.4)."""
        return (seq - (self._next or 0) + (1 << 31)) % _SEQ_SPACE - (1 << 31)
