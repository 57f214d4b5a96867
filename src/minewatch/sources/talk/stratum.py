"""The conversation of a miner with a pool: each message goes to the dialect that knows its method.

A message is told by its method and the form of its parameters, whatever the spacing, the order or the case of
keys; a connection joined in the middle by the work and the shares that follow. What each dialect says stands
in ``minewatch.sources.talk.dialects``, a file for each family.
"""

from collections.abc import Mapping
from typing import Any

from minewatch.sources.talk.dialects import (
    browser,
    ethereum,
    getwork,
    http_heads,
    mimblewimble,
    monero,
    stratum_v1,
    stratum_v2,
)
from minewatch.sources.talk.dialects.messages import Message, is_stale, is_yes, lowered
from minewatch.sources.talk.dialects.stratum_v2 import Frame
from minewatch.sources.talk.dialects.talk import Asked, Handler, Handlers, ResultHandler, Talk
from minewatch.sources.talk.mining_facts import MiningFacts

_MOST_IN_A_BATCH = 64


def _together(*families: Handlers) -> Mapping[str, tuple[Handler, ...]]:
    """Return by method all that read it, in the order of the families."""
    methods = {method for family in families for method in family}
    return {method: tuple(each[method] for each in families if method in each) for method in methods}


_CLIENT = _together(stratum_v1.CLIENT, ethereum.CLIENT, mimblewimble.CLIENT, monero.CLIENT, getwork.CLIENT)
_POOL = _together(stratum_v1.POOL, mimblewimble.POOL, monero.POOL)
_RESULTS: Mapping[str, ResultHandler] = {
    **stratum_v1.RESULTS,
    **getwork.RESULTS,
    **mimblewimble.RESULTS,
}
_UNASKED: tuple[ResultHandler, ...] = (ethereum.take_work, getwork.take_work)
"""Readers of results that tell by themselves what they are, pushed or asked for before the capture began."""


class Conversation:
    """Reads the messages of one connection; ``facts`` holds what they told so far."""

    def __init__(self) -> None:
        self._talk = Talk()
        self._channels = stratum_v2.Channels(self._talk)
        self.messages = 0

    @property
    def facts(self) -> MiningFacts:
        """What the messages told so far."""
        return self._talk.facts

    def hear(self, value: Any, text: str, reverse: bool, at: int) -> None:
        """Take a JSON value or frame sent at ``at`` by the source (``reverse`` False) or the destination."""
        self.facts.heard.add(reverse)
        if isinstance(value, Frame):
            self._take_frame(value, reverse, at)
        elif isinstance(value, list):
            for item in value[:_MOST_IN_A_BATCH]:
                if isinstance(item, dict):
                    self.hear(item, text, reverse, at)
        elif isinstance(value, dict):
            self.messages += 1
            self._take(Message(lowered(value), text, reverse, at))

    def hear_line(self, line: str, reverse: bool) -> None:
        """Take a line that is no JSON: of HTTP, the head names host, agent and who works."""
        self.facts.heard.add(reverse)
        http_heads.take_line(self._talk, line, not reverse)

    def _take_frame(self, frame: Frame, reverse: bool, at: int) -> None:
        self.messages += 1
        said = self._channels.take(frame, at)
        if said is not None:
            self._note_side(reverse == said.by_client, said.name, said.text)

    def _take(self, message: Message) -> None:
        if (kind := browser.hear(self._talk, message)) is not None:
            self._note_side(message.reverse == browser.is_client(kind), kind, message.text)
        elif message.is_answer:
            self._take_answer(message)
        elif method := message.method:
            self._take_method(message, method)

    def _take_method(self, message: Message, method: str) -> None:
        for handlers, by_client in ((_CLIENT, True), (_POOL, False)):
            if any(read(self._talk, message) for read in handlers.get(method, ())):
                self._note_side(message.reverse == by_client, method, message.text)
                return

    def _note_side(self, client_is_reverse: bool, kind: str, text: str) -> None:
        if self.facts.client_is_reverse is None:
            self.facts.client_is_reverse = client_is_reverse
        self.facts.note_line(kind, text)

    def _take_answer(self, message: Message) -> None:
        asked = self._talk.take_asked(message) or Asked("")
        result = message.value.get("result")
        if asked.kind in _ANSWERS:
            _ANSWERS[asked.kind](self._talk, asked, message)
        known = _RESULTS.get(asked.kind)
        if known is not None and known(self._talk, result, message):
            self.facts.note_line(f"{asked.kind} result", message.text)
        elif isinstance(result, list | dict):
            self._take_result(result, asked, message)

    def _take_result(self, result: Any, asked: Asked, message: Message) -> None:
        if monero.take_login(self._talk, result, message, asked):
            self._note_side(not message.reverse, "login result", message.text)
        elif any(take(self._talk, result, message) for take in _UNASKED):
            self._note_side(not message.reverse, "work", message.text)


def _take_verdict(talk: Talk, asked: Asked, message: Message) -> None:
    accepted = is_yes(message.value)
    if asked.share is not None:
        talk.facts.note_answer(asked.share, accepted, is_stale(message.value.get("error")))
    talk.facts.note_line("accepted" if accepted else "rejected", message.text)


def _take_block_verdict(talk: Talk, asked: Asked, message: Message) -> None:
    """BIP 22: a block that is accepted is answered by null."""
    accepted = message.value.get("result") is None and not message.value.get("error")
    if asked.share is not None:
        talk.facts.note_answer(asked.share, accepted, is_stale(message.value.get("result")))
    talk.facts.note_line("accepted" if accepted else "rejected", message.text)


def _take_admission(talk: Talk, asked: Asked, message: Message) -> None:
    _ = asked
    if is_yes(message.value):
        talk.facts.identified = True
    else:
        talk.facts.refused = not talk.facts.identified
    if not isinstance(message.value.get("result"), dict):
        talk.facts.note_line("admission", message.text)


_ANSWERS = {
    "share": _take_verdict,
    "block": _take_block_verdict,
    "authorize": _take_admission,
    "login": _take_admission,
}
