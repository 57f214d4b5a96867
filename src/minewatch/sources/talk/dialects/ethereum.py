"""Ethereum's work by ``eth_*`` (and Nervos' by ``ckb_*``): over one TCP line (eth-proxy), or over HTTP.

Sources: the JSON-RPC of Ethereum nodes (eth_getWork, eth_submitWork, eth_submitHashrate), the eth-proxy
messages of ethminer, Nervos' docs/stratum_v1.md.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from minewatch.sources.talk.dialects.messages import (
    Message,
    hashes_of_target,
    is_hash,
    lowered,
    rate_of,
    split_user,
    text_of,
)
from minewatch.sources.talk.dialects.talk import Handler, Talk

MERGE_US = 1_663_224_162_000_000
"""Ethereum left proof of work on 2022-09-15 06:42:42 UTC; its dialect since means Ethereum Classic."""

_LEAST_HASHES = 2.0**24
"""Boundaries are of 2^28 hashes and more; of three hashes the last is below this once in 16 million."""

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
    work = _ethereum_work(result, message.at) or _nervos_work(result)
    if work is None or (talk.facts.dialect not in _DIALECTS and not _tells_itself(talk, work)):
        return False
    _set_dialect(talk)
    talk.facts.note_coin(work.coin, work.algorithm)
    talk.facts.note_difficulty(message.at, work.hashes_each)
    talk.facts.note_job(message.at, work.header, work.header)
    return True


class _Work(NamedTuple):
    header: str
    hashes_each: float
    coin: str
    algorithm: str


def _ethereum_work(result: Any, at: int) -> _Work | None:
    if not isinstance(result, list) or len(result) < 3 or not all(is_hash(part) for part in result[:3]):
        return None
    return _Work(result[0].lower(), hashes_of_target(result[2]), "ETH" if at < MERGE_US else "ETC", "Ethash")


def _nervos_work(result: Any) -> _Work | None:
    named = lowered(result) if isinstance(result, dict) else {}
    if not (is_hash(named.get("pow_hash")) and is_hash(named.get("target"))):
        return None
    return _Work(named["pow_hash"].lower(), hashes_of_target(named["target"]), "CKB", "Eaglesong")


def _tells_itself(talk: Talk, work: _Work) -> bool:
    """Tell whether work shows mining though nobody was heard to ask: its boundary is small, as no hash is."""
    return talk.facts.dialect is None and work.hashes_each > _LEAST_HASHES


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
