"""Ethereum's work by ``eth_*`` (and Nervos' by ``ckb_*``): over one TCP line (eth-proxy), or over HTTP.

Sources: the JSON-RPC of Ethereum nodes (eth_getWork, eth_submitWork, eth_submitHashrate), the eth-proxy
messages of ethminer, Nervos' docs/stratum_v1.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from minewatch.sources.dialects.messages import (
    Message,
    hashes_of_target,
    is_hash,
    lowered,
    rate_of,
    split_user,
    text_of,
)
from minewatch.sources.dialects.talk import Handler, Talk
from minewatch.sources.mining_facts import MiningFacts

MERGE_US = 1_663_224_162_000_000
"""Ethereum left proof of work on 2022-09-15 06:42:42 UTC; its dialect since means Ethereum Classic."""

_DIALECTS = ("ethereum_stratum", "ethereum_getwork")


def _set_dialect(talk: Talk) -> None:
    talk.set_dialect("ethereum_getwork" if talk.over_http else "ethereum_stratum")


def _worker(message: Message) -> str | None:
    return text_of(message.value.get("worker")) or text_of(message.named.get("worker"))


def _who(talk: Talk, message: Message) -> str | None:
    return _worker(message) or talk.note_requester()


def _login(talk: Talk, message: Message) -> bool:
    user = message.string(0) or text_of(message.named.get("login"))
    if not user:
        return False
    talk.set_dialect("ethereum_stratum")
    account, worker = split_user(user)
    talk.facts.note_user(account, _worker(message) or worker)
    talk.facts.note_agent(text_of(message.named.get("agent")))
    talk.ask(message, "login")
    return True


def _get_work(talk: Talk, message: Message) -> bool:
    _set_dialect(talk)
    talk.facts.note_user("", _who(talk, message))
    talk.ask(message, "eth_getwork")
    return True


def _submit_work(talk: Talk, message: Message) -> bool:
    work = message.string(1) or message.named.get("pow_hash")
    if not is_hash(work):
        return False
    _set_dialect(talk)
    talk.ask(message, "share", talk.facts.note_share(_who(talk, message), str(work).lower()))
    return True


def _hash_rate(talk: Talk, message: Message) -> bool:
    rate = rate_of(message.string(0))
    if not rate:
        return False
    _set_dialect(talk)
    talk.facts.note_hash_rate(_who(talk, message) or message.string(1)[:80], rate)
    return True


def _nervos(handler: Handler) -> Handler:
    """Return ``handler`` for Nervos' messages, which have Ethereum's form and names of their own."""

    def take(talk: Talk, message: Message) -> bool:
        talk.facts.note_coin("CKB", "Eaglesong")
        return handler(talk, message)

    return take


def take_work(talk: Talk, result: Any, message: Message) -> bool:
    """Take work from a result, asked for or pushed: header hash, seed hash, boundary; False: none."""
    facts = talk.facts
    if facts.dialect not in _DIALECTS:
        return False
    if isinstance(result, list) and len(result) >= 3 and all(is_hash(part) for part in result[:3]):
        _note_work(facts, message.at, (result[0], result[2]))
        facts.note_coin("ETH" if message.at < MERGE_US else "ETC", "Ethash")
    elif isinstance(result, dict) and is_hash(lowered(result).get("pow_hash")):
        named = lowered(result)
        _note_work(facts, message.at, (named["pow_hash"], named.get("target")))
    else:
        return False
    facts.note_line("work", message.text)
    return True


def _note_work(facts: MiningFacts, at: int, work: Sequence[Any]) -> None:
    header, target = str(work[0]).lower(), work[1]
    facts.note_difficulty(at, hashes_of_target(target))
    facts.note_job(at, header, header)


CLIENT: Mapping[str, Handler] = {
    "eth_submitlogin": _login,
    "eth_login": _login,
    "eth_getwork": _get_work,
    "eth_submitwork": _submit_work,
    "eth_submithashrate": _hash_rate,
    "ckb_submitlogin": _nervos(_login),
    "ckb_getwork": _nervos(_get_work),
    "ckb_submitwork": _nervos(_submit_work),
    "ckb_submithashrate": _nervos(_hash_rate),
}
