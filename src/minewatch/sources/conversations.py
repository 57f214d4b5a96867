"""The text conversations of a capture: which flows are listened to, for how long, and what they told."""

import numpy as np

from minewatch.kernels import flow_table as table
from minewatch.kernels.names import find_sni
from minewatch.sources.dialogue import Dialogue
from minewatch.sources.mining_facts import MiningFacts
from minewatch.sources.names import Names

MOST_FOLLOWED = 2048
"""Conversations listened to before they have shown that they mine; beyond it the oldest is let go."""

_HELLO_BYTES = 1 << 14
_MOST_HELD = 256


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
