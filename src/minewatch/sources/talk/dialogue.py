"""One TCP connection: both directions in order, taken out of what carries them, and the talk they make."""

from collections.abc import Iterable
from operator import itemgetter

from minewatch.sources.talk.carriage import Stream
from minewatch.sources.talk.json_text import Piece
from minewatch.sources.talk.openings import choose
from minewatch.sources.talk.segments import Direction, Part
from minewatch.sources.talk.stratum import Conversation

_PATIENCE_MESSAGES = 24
_PATIENCE_BYTES = 1 << 17
_MOST_HELD = 256


class Dialogue:
    """One TCP connection and the conversation on it.

    While one direction waits for a lost segment, what the other says is held back, so that no answer is
    heard before its question. Isns are initial sequence numbers, -1 where the handshake was not seen.
    """

    def __init__(self, src_isn: int, dst_isn: int, first_us: int) -> None:
        self._directions = (Direction(src_isn), Direction(dst_isn))
        self._streams = (Stream(True, choose), Stream(False, choose))
        self._held: list[tuple[int, int, Piece]] = []
        self._latest = [first_us, first_us]
        self.talk = Conversation()
        self.first_us = first_us

    def take(self, reverse: int, seq: int, payload: bytes, wire_size: int, at: int) -> None:
        """Take a segment seen at ``at`` (microseconds)."""
        self._hold(reverse, self._directions[reverse].push(seq, payload, wire_size, at))
        waits = self._directions[0].waits or self._directions[1].waits
        if not waits or len(self._held) > _MOST_HELD:
            self._hear()

    def finish(self) -> None:
        """Take what still waits for segments that the capture does not hold."""
        for reverse, direction in enumerate(self._directions):
            self._hold(reverse, direction.finish())
        self._hear()

    @property
    def is_hopeless(self) -> bool:
        """Tell whether enough was heard without a word of mining; bytes count as they are inflated."""
        size = sum(stream.size for stream in self._streams)
        heard_enough = self.talk.messages > _PATIENCE_MESSAGES or size > _PATIENCE_BYTES
        return heard_enough and self.talk.facts.dialect is None

    def _hold(self, reverse: int, parts: Iterable[Part]) -> None:
        for part in parts:
            # what waited for a segment is heard with it, not before
            at = self._latest[reverse] = max(self._latest[reverse], part.at)
            for piece in self._streams[reverse].feed(part.data, part.lost):
                self._held.append((at, reverse, piece))

    def _hear(self) -> None:
        held, self._held = sorted(self._held, key=itemgetter(0)), []
        for at, reverse, piece in held:
            if piece.value is None:
                self.talk.hear_line(piece.text, bool(reverse))
            else:
                self.talk.hear(piece.value, piece.text, bool(reverse), at)
