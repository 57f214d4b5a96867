"""Bitcoin's work by HTTP: ``getwork``, and ``getblocktemplate`` with ``submitblock``.

Sources: https://en.bitcoin.it/wiki/Getwork, BIP 22, BIP 23.
"""

from collections.abc import Mapping
from typing import Any

from minewatch.sources.talk.coins import coin_of_bits
from minewatch.sources.talk.dialects.messages import Message, hashes_of_target, is_hash, is_hex, lowered
from minewatch.sources.talk.dialects.talk import Handler, ResultHandler, Talk

_HEADER_DIGITS = 128
_BLOCK_DIGITS = 160
_BITS_OF_HEADER = slice(144, 152)
"""Compact target in a getwork header, whose 32-bit words have their bytes swapped."""


def _getwork(talk: Talk, message: Message) -> bool:
    talk.set_dialect("http_getwork")
    worker, data = talk.note_requester(), message.string(0)
    if is_hex(data, _HEADER_DIGITS):
        talk.facts.note_coin(*coin_of_bits(data[_BITS_OF_HEADER]))
        talk.ask(message, "share", talk.facts.note_share(worker, "getwork"))
    else:
        talk.ask(message, "getwork")
    return True


def _getblocktemplate(talk: Talk, message: Message) -> bool:
    talk.set_dialect("http_getblocktemplate")
    talk.note_requester()
    talk.ask(message, "getblocktemplate")
    return True


def _submitblock(talk: Talk, message: Message) -> bool:
    if not is_hex(message.string(0), _BLOCK_DIGITS):
        return False
    talk.set_dialect("http_getblocktemplate")
    talk.ask(message, "block", talk.facts.note_share(talk.note_requester(), "getblocktemplate"))
    return True


def take_work(talk: Talk, result: Any, message: Message) -> bool:
    """Take work that nobody was heard to ask for: a header with its target, or a template with its reward."""
    if talk.facts.dialect is not None or not isinstance(result, dict):
        return False
    named = lowered(result)
    if "midstate" in named and is_hash(named.get("target")):
        return _work(talk, result, message)
    return "coinbasevalue" in named and is_hash(named.get("target")) and _template(talk, result, message)


def _work(talk: Talk, result: Any, message: Message) -> bool:
    named = lowered(result) if isinstance(result, dict) else {}
    data = named.get("data")
    if not is_hex(data, _HEADER_DIGITS):
        return False
    facts = talk.facts
    talk.set_dialect("http_getwork")
    facts.note_difficulty(message.at, hashes_of_target(named.get("target"), little=True))
    facts.note_coin(*coin_of_bits(str(data)[_BITS_OF_HEADER]))
    facts.note_job(message.at, "getwork", str(data))
    return True


def _template(talk: Talk, result: Any, message: Message) -> bool:
    named = lowered(result) if isinstance(result, dict) else {}
    if "previousblockhash" not in named:
        return False
    facts = talk.facts
    talk.set_dialect("http_getblocktemplate")
    facts.note_coin(*coin_of_bits(str(named.get("bits", ""))))
    facts.note_difficulty(message.at, hashes_of_target(named.get("target")))
    facts.note_job(message.at, "getblocktemplate", str(named["previousblockhash"]))
    return True


CLIENT: Mapping[str, Handler] = {
    "getwork": _getwork,
    "getblocktemplate": _getblocktemplate,
    "submitblock": _submitblock,
}

RESULTS: Mapping[str, ResultHandler] = {"getwork": _work, "getblocktemplate": _template}
