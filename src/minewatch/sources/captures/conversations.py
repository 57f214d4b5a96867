"""The text conversations of a capture: which flows are listened to, for how long, and what they told."""

import numpy as np

from minewatch.kernels.traffic import flow_table as table
from minewatch.kernels.traffic.desks import SEGMENTS, TEXT_BYTES, Spoken
from minewatch.sources.talk.dialogue import Dialogue
from minewatch.sources.talk.mining_facts import MiningFacts

MOST_FOLLOWED = 2048
"""Conversations listened to before they have shown that they mine; beyond it the oldest is let go."""


class Conversations:
    """Gets what the flow table hands out and keeps the dialogues it belongs to, by row of the table."""

    def __init__(self) -> None:
        self._undecided: dict[int, Dialogue] = {}
        self._mining: dict[int, Dialogue] = {}

    def take(self, spoken: Spoken, flows: np.ndarray) -> None:
        """Take all that was handed out, and empty it."""
        segments = spoken.segments[: spoken.counts[SEGMENTS]].tolist()
        text = spoken.text[: spoken.counts[TEXT_BYTES]].tobytes()
        spoken.counts[SEGMENTS] = spoken.counts[TEXT_BYTES] = 0
        for flow, reverse, seq, at, size, wire_size, instant_ns in segments:
            if flows["follow"][flow] == table.HEARD:
                dialogue = self._dialogue(flow, flows, instant_ns // 1000)
                dialogue.take(reverse, seq, text[at : at + size], wire_size, instant_ns // 1000)
                self._sort(flow, dialogue, flows)

    def finish(self, numbers: np.ndarray, flows: np.ndarray) -> None:
        """Take what still waits in the flows ``numbers``, which are over."""
        for flow in self._heard(numbers).tolist():
            dialogue = self._mining.get(flow) or self._undecided[flow]
            dialogue.finish()
            self._sort(flow, dialogue, flows)

    def begin_anew(self, numbers: np.ndarray, at_us: int) -> None:
        """Count what the flows ``numbers`` mine from ``at_us`` on."""
        for flow in self._heard(numbers).tolist():
            if dialogue := self._mining.get(flow):
                dialogue.talk.facts.begin_anew(at_us)
                dialogue.first_us = at_us

    def forget(self, numbers: np.ndarray) -> None:
        """Forget the flows ``numbers``; their rows may become others'."""
        for flow in self._heard(numbers).tolist():
            self._mining.pop(flow, None)
            self._undecided.pop(flow, None)

    def facts_of(self, flow: int) -> MiningFacts | None:
        """Return the mining facts of a flow, None where it does not mine."""
        dialogue = self._mining.get(flow)
        return dialogue.talk.facts if dialogue and dialogue.talk.facts.is_mining else None

    def first_us(self, flow: int) -> int:
        """Return when the first payload of a mining flow was heard, microseconds since 1970."""
        return self._mining[flow].first_us

    def is_mining(self, numbers: np.ndarray) -> np.ndarray:
        """Tell which of the flows ``numbers`` mine."""
        return np.isin(numbers, [flow for flow in self._mining if self.facts_of(flow) is not None])

    def _heard(self, numbers: np.ndarray) -> np.ndarray:
        return numbers[np.isin(numbers, [*self._mining, *self._undecided])]

    def _dialogue(self, flow: int, flows: np.ndarray, first_us: int) -> Dialogue:
        dialogue = self._mining.get(flow) or self._undecided.get(flow)
        if dialogue is None:
            if len(self._undecided) >= MOST_FOLLOWED:
                self._let_go(next(iter(self._undecided)), flows)
            dialogue = self._undecided[flow] = Dialogue(*_isns(flows[flow]), first_us)
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
        flows["follow"][flow] = table.IGNORED


def _isns(flow: np.void) -> tuple[int, int]:
    """Return the initial sequence numbers; -1 where not seen, or where payload went by unheard."""
    seen = int(flow["seen"]) if flow["seen"] & table.FROM_START else 0
    src = int(flow["src_isn"]) if seen & table.SRC_ISN else -1
    return src, int(flow["dst_isn"]) if seen & table.DST_ISN else -1
