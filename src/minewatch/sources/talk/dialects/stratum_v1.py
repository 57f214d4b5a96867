"""Stratum v1 and its relatives: ``mining.*`` and ``client.*`` between a miner and a pool.

Bitcoin and its forks, ZCash (ZIP 301), Ravencoin, Kaspa, Ergo, Alephium, Nervos, Conflux and others share the
methods; the form of ``mining.notify`` tells them apart (see ``work_forms``).

Sources: https://en.bitcoin.it/wiki/Stratum_mining_protocol, BIP 310 (configure), ZIP 301, NiceHash
EthereumStratum/1.0.0, EIP-1571 (EthereumStratum/2.0.0).
"""

from collections.abc import Mapping
from typing import Any

from minewatch.sources.talk.dialects.messages import (
    Message,
    hashes_of_target,
    is_hash,
    is_stale,
    lowered,
    number_of,
    rate_of,
    split_user,
    text_of,
)
from minewatch.sources.talk.dialects.talk import Handler, ResultHandler, Talk
from minewatch.sources.talk.dialects.work_forms import work_of

_EQUIHASH_SOLUTION = 100
"""Hex digits: solutions of Equihash are 100 to 2,700 long, nonces and times of other work at most 64."""

_BY_WORK = frozenset({"stratum_v1", "ethereum_nicehash"})


def _subscribe(talk: Talk, message: Message) -> bool:
    protocol = message.string(1).lower()
    talk.set_dialect("ethereum_nicehash" if protocol.startswith("ethereumstratum/1") else "stratum_v1")
    talk.facts.subscriptions += 1
    talk.facts.note_agent(message.string(0) or text_of(message.named.get("agent")))
    account = text_of(message.named.get("publicaddress"))
    if account:
        talk.facts.note_user(account, text_of(message.named.get("name")))
    host = message.string(2)
    if "." in host:
        talk.facts.note_pool(host.rpartition("/")[2].partition(":")[0])
    talk.ask(message, "subscribe")
    return True


def _hello(talk: Talk, message: Message) -> bool:
    talk.set_dialect("stratum_v1")
    agent = text_of(message.named.get("agent")) or message.string(0)
    talk.facts.note_agent(agent)
    talk.facts.note_pool(text_of(message.named.get("host")))
    return True


def _authorize(talk: Talk, message: Message) -> bool:
    if not message.string(0):
        return False
    talk.set_dialect("stratum_v1")
    account, worker = split_user(message.string(0))
    named = message.string(1) if len(message.params) > 2 else ""  # Xelis: wallet, worker, password
    talk.facts.note_user(account, worker or named or None)
    if talk.facts.dialect == "ethereum_nicehash" and talk.facts.algorithm not in (None, "Ethash"):
        talk.facts.dialect = "stratum_v1"  # the wallet is of a coin whose miners only ask as NiceHash's do
    talk.ask(message, "authorize")
    return True


def _submit(talk: Talk, message: Message) -> bool:
    share = _share_in_object(talk, message) or _share_in_list(talk, message)
    if share is None:
        return False
    talk.set_dialect("stratum_v1")
    worker, job = share
    talk.ask(message, "share", talk.facts.note_share(worker, job))
    return True


def _share_in_list(talk: Talk, message: Message) -> tuple[str | None, str] | None:
    params = message.params
    if len(params) < 3 or not message.string(0) or isinstance(params[1], dict | list):
        return None
    if len(message.string(4)) > _EQUIHASH_SOLUTION:
        talk.facts.note_coin(None, "Equihash")
    return _worker_of(talk, message.string(0)), str(params[1])


def _share_in_object(talk: Talk, message: Message) -> tuple[str | None, str] | None:
    """Return (worker, job) of Alephium's and Iron Fish's shares, whose parameters have names."""
    params = message.params
    named = lowered(params[0]) if params and isinstance(params[0], dict) else message.named
    job = named.get("jobid", named.get("miningrequestid"))
    if job is None or not ("nonce" in named or "randomness" in named):
        return None
    worker = text_of(named.get("worker"))
    return _worker_of(talk, worker) if worker else None, str(job)


def _worker_of(talk: Talk, user: str) -> str:
    """Return the worker that ``user`` names: ``account.worker``, or a worker's name or account alone."""
    facts = talk.facts
    if user in facts.workers:
        return user
    account, worker = split_user(user)
    if worker is None and facts.accounts and account not in facts.accounts:
        return user
    facts.note_user(account, None)
    return worker or account


def _setting(talk: Talk, message: Message) -> bool:
    _ = message
    talk.set_dialect("stratum_v1")
    return True


def _configure(talk: Talk, message: Message) -> bool:
    """BIP 310: the extension ``info`` carries where the miner connects, its hardware and software."""
    talk.set_dialect("stratum_v1")
    options = message.params[1] if len(message.params) > 1 else None
    told = lowered(options) if isinstance(options, dict) else {}
    parts = (text_of(told.get(f"info.{key}")) for key in ("hw-version", "sw-version"))
    talk.facts.note_agent(" ".join(part for part in parts if part))
    url = text_of(told.get("info.connection-url")) or ""
    talk.facts.note_pool(url.rpartition("/")[2].partition(":")[0])
    return True


def _hash_rate(talk: Talk, message: Message) -> bool:
    rate = rate_of(message.string(0))
    if not rate:
        return False
    talk.set_dialect("stratum_v1")
    talk.facts.note_hash_rate(message.string(1)[:80], rate)
    return True


def _notify(talk: Talk, message: Message) -> bool:
    work = work_of(message)
    if work is None:
        return False
    facts = talk.facts
    talk.set_dialect(work.dialect)
    if work.algorithm and facts.dialect in _BY_WORK and not facts.job_times:
        # the work tells more than a share or a subscription: Kaspa's miners too ask for EthereumStratum
        facts.dialect = work.dialect
    facts.note_coin(work.coin, work.algorithm)
    if work.hashes_each:
        facts.by_target = True
        facts.note_difficulty(message.at, work.hashes_each)
    facts.note_job(message.at, work.job)
    return True


def _set_difficulty(talk: Talk, message: Message) -> bool:
    value = number_of(message.params[0]) if message.params else None
    if value is None:
        return False
    talk.set_dialect("stratum_v1")
    if not talk.facts.by_target:
        talk.facts.note_coming_difficulty(message.at, value)
    return True


def _set_target(talk: Talk, message: Message) -> bool:
    target = message.named.get("target") or message.string(0)
    return _take_target(talk, target, message.at)


def _take_target(talk: Talk, target: Any, at: int) -> bool:
    if not is_hash(target):
        return False
    talk.set_dialect("stratum_v1")
    talk.facts.by_target = True
    talk.facts.note_coming_difficulty(at, hashes_of_target(target))
    return True


def _set(talk: Talk, message: Message) -> bool:
    """EIP-1571: one message for target, algorithm and the other settings."""
    if message.named.get("algo") == "ethash":
        talk.facts.note_coin(None, "Ethash")
    return _take_target(talk, message.named.get("target"), message.at) or bool(message.named)


def _reconnect(talk: Talk, message: Message) -> bool:
    """Another server of the same pool: its name is the pool's where no other was told."""
    if "." in message.string(0):
        talk.facts.note_pool(message.string(0))
    return talk.facts.dialect is not None


def _get_version(talk: Talk, message: Message) -> bool:
    """Note that the pool asks for the miner's software."""
    talk.ask(message, "version")
    return talk.facts.dialect is not None


def _aside(talk: Talk, message: Message) -> bool:
    """Pings and words for the person at the screen: kept as lines where the connection mines."""
    _ = message
    return talk.facts.dialect is not None


def _subscribed(talk: Talk, result: Any, message: Message) -> bool:
    """Take the answer, which may name the protocol: ``["mining.notify", id, "EthereumStratum/1.0.0"]``."""
    facts = talk.facts
    if facts.dialect == "stratum_v1" and "EthereumStratum/1" in message.text and not facts.job_times:
        facts.dialect = "ethereum_nicehash"
    return isinstance(result, list)


def _version_told(talk: Talk, result: Any, message: Message) -> bool:
    _ = message
    talk.facts.note_agent(text_of(result))
    return True


def _shares_told(talk: Talk, message: Message) -> bool:
    """Iron Fish answers shares by a method of its own."""
    asked = talk.take_asked(message)
    named = message.named
    if asked is None or asked.share is None:
        return False
    talk.facts.note_answer(asked.share, bool(named.get("result")), is_stale(named.get("message")))
    return True


CLIENT: Mapping[str, Handler] = {
    "mining.hello": _hello,
    "mining.subscribe": _subscribe,
    "mining.authorize": _authorize,
    "mining.submit": _submit,
    "mining.configure": _configure,
    "mining.capabilities": _setting,
    "mining.extranonce.subscribe": _setting,
    "mining.suggest_difficulty": _setting,
    "mining.suggest_target": _setting,
    "mining.multi_version": _setting,
    "mining.get_transactions": _aside,
    "mining.hashrate": _hash_rate,
    "mining.noop": _aside,
    "mining.pong": _aside,
    "mining.bye": _aside,
}

POOL: Mapping[str, Handler] = {
    "mining.notify": _notify,
    "mining.set_difficulty": _set_difficulty,
    "mining.set_target": _set_target,
    "mining.set": _set,
    "mining.set_extranonce": _setting,
    "set_extranonce": _aside,
    "mining.set_version_mask": _setting,
    "mining.set_cleanjobs": _aside,
    "mining.submitted": _shares_told,
    "mining.ping": _aside,
    "mining.print": _aside,
    "client.reconnect": _reconnect,
    "client.show_message": _aside,
    "client.get_version": _get_version,
}

RESULTS: Mapping[str, ResultHandler] = {"subscribe": _subscribed, "version": _version_told}
