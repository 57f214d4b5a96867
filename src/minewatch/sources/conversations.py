"""The text conversations of a capture: which flows are listened to, for how long, and what they told."""

from collections.abc import Iterator
from operator import itemgetter

import numpy as np

from minewatch.kernels import flow_table as table
from minewatch.kernels.names import find_sni
from minewatch.sources.dialogue import Direction, Part, Piece, Text
from minewatch.sources.mining_facts import MiningFacts
from minewatch.sources.names import Names
from minewatch.sources.stratum import Conversation

MOST_FOLLOWED = 2048
"""Conversations listened to before they have shown that they mine; beyond it the oldest is let go."""

_PATIENCE_MESSAGES = 24
_PATIENCE_BYTES = 1 << 17
_HELLO_BYTES = 1 << 14
_MOST_HELD = 256


class Dialogue:
    """One TCP connection: both directions in order, and the conversation they make.

    While one direction waits for a lost segment, what the other says is held back, so that no answer is
    heard before its question.
    """

    def __init__(self, src_isn: int, dst_isn: int, first_us: int) -> None:
        self._directions = (Direction(src_isn), Direction(dst_isn))
        self._texts = (Text(), Text())
        self._held: list[tuple[int, int, Piece]] = []
        self._bytes = 0
        self.talk = Conversation()
        self.first_us = first_us

    def take(self, reverse: int, seq: int, payload: bytes, wire_size: int, at: int) -> None:
        """Take a segment seen at ``at`` (microseconds)."""
        self._bytes += len(payload)
        self._hold(reverse, self._directions[reverse].push(seq, payload, wire_size, at))
        waits = any(direction.waits for direction in self._directions)
        if not waits or len(self._held) > _MOST_HELD:
            self._hear()

    def finish(self) -> None:
        """Take what still waits for segments that the capture does not hold."""
        for reverse, direction in enumerate(self._directions):
            self._hold(reverse, direction.finish())
        self._hear()

    def _hold(self, reverse: int, parts: Iterator[Part]) -> None:
        for part in parts:
            for piece in self._texts[reverse].feed(part.data, part.lost):
                self._held.append((part.at, reverse, piece))

    def _hear(self) -> None:
        held, self._held = sorted(self._held, key=itemgetter(0)), []
        for at, reverse, piece in held:
            if piece.value is None:
                self.talk.hear_line(piece.text, bool(reverse))
            else:
                self.talk.hear(piece.value, piece.text, bool(reverse), at)

    @property
    def is_hopeless(self) -> bool:
        """Tell whether enough was heard without a word of mining."""
        heard_enough = self.talk.messages > _PATIENCE_MESSAGES or self._bytes > _PATIENCE_BYTES
        return heard_enough and self.talk.facts.dialect is None


class Conversations:
    """Gets the segments that the flow table hands out and keeps the dialogues they belong to."""

    def __init__(self) -> None:
        self._undecided: dict[int, Dialogue] = {}
        self._mining: dict[int, Dialogue] = {}
        self._hellos: dict[int, bytes] = {}

    def take(self, store: bytearray, segments: np.ndarray, flows: np.ndarray, names: Names) -> None:
        """Take ``segments`` (columns of ``kernels.flow_table``) whose payload lies in ``store``."""
        for flow, reverse, seq, at, size, wire_size, instant_ns in segments.tolist():
            state = flows[flow, table.FOLLOW]
            payload = bytes(store[at : at + size])
            if state == table.TLS or flow in self._hellos:
                self._take_hello(flow, payload, flows, names)
            elif state == table.TEXT:
                dialogue = self._dialogue(flow, flows, instant_ns // 1000)
                dialogue.take(reverse, seq, payload, wire_size, instant_ns // 1000)
                self._sort(flow, dialogue, flows)

    def finish(self, flows: np.ndarray) -> None:
        """Take what still waits, at the end of the capture."""
        for flow, dialogue in [*self._mining.items(), *self._undecided.items()]:
            dialogue.finish()
            self._sort(flow, dialogue, flows)

    def facts_of(self, flow: int) -> MiningFacts | None:
        """Return the mining facts of a flow, None where it does not mine."""
        dialogue = self._mining.get(flow)
        return dialogue.talk.facts if dialogue and dialogue.talk.facts.is_mining else None

    def first_us(self, flow: int) -> int:
        """Return when the first payload of a mining flow was heard, microseconds since 1970."""
        return self._mining[flow].first_us

    def _dialogue(self, flow: int, flows: np.ndarray, first_us: int) -> Dialogue:
        dialogue = self._mining.get(flow) or self._undecided.get(flow)
        if dialogue is None:
            if len(self._undecided) >= MOST_FOLLOWED:
                self._let_go(next(iter(self._undecided)), flows)
            # payload that was looked at before and not handed out is no gap
            begins_here = flows[flow, table.LOOKED_AT] == 1
            isns = [int(flows[flow, n]) if begins_here else -1 for n in (table.SRC_ISN, table.DST_ISN)]
            dialogue = self._undecided[flow] = Dialogue(isns[0], isns[1], first_us)
        return dialogue

    def _sort(self, flow: int, dialogue: Dialogue, flows: np.ndarray) -> None:
        if flow in self._mining:
            return
        if dialogue.talk.facts.dialect is not None:
            self._mining[flow] = self._undecided.pop(flow)
        elif dialogue.is_hopeless:
            self._let_go(flow, flows)

    def _let_go(self, flow: int, flows: np.ndarray) -> None:
        del self._undecided[flow]
        flows[flow, table.FOLLOW] = table.IGNORED

    def _take_hello(self, flow: int, payload: bytes, flows: np.ndarray, names: Names) -> None:
        hello = self._hellos.pop(flow, b"") + payload
        if len(self._hellos) >= MOST_FOLLOWED:
            self._hellos.pop(next(iter(self._hellos)))
        self._hellos[flow] = hello
        at, size = find_sni(np.frombuffer(hello, np.uint8), 0, len(hello))
        if size:
            names.add(flow, "sni", hello[at : at + size].decode("ascii", "replace").lower())
        if size or len(hello) > _HELLO_BYTES or flows[flow, table.FOLLOW] == table.IGNORED:
            self._hellos.pop(flow)
            flows[flow, table.FOLLOW] = table.IGNORED
