"""Monero and RandomX (and every coin of CryptoNote): ``login``, ``job``, ``submit``, ``keepalived``.

The same words without ``jsonrpc`` are heard too. A ``login`` alone may be anybody's: it counts where the form
is a miner's, or where work comes with the answer. Behind a proxy (XMRig-proxy, xmr-node-proxy) several
logins may share a connection; each has an id of its own that its shares carry. Bytom's pools use the same
words for other work.

Sources: https://github.com/xmrig/xmrig-proxy/blob/master/doc/STRATUM.md and STRATUM_EXT.md (algorithms),
btcpool's docs/bytom/STRATUM-BTM.md.
"""

import re
from collections.abc import Mapping
from typing import Any

from minewatch.sources.talk.coins import algorithm_of_blob, coin_and_algorithm
from minewatch.sources.talk.dialects.messages import (
    Message,
    hashes_of_target,
    is_hash,
    is_hex,
    lowered,
    split_user,
    text_of,
)
from minewatch.sources.talk.dialects.talk import Asked, Handler, Talk
from minewatch.sources.talk.mining_facts import Share

DIALECT = "monero_login"

_WALLET = re.compile(r"[1-9A-HJ-NP-Za-km-z]{90,110}")
_MINER = re.compile(r"(?i)xmr|cpuminer|miner")
_LEAST_BLOB = 80
_XMRIG_PROXY = re.compile(r"(?i)xmrig-proxy")
_NONCE_DIGITS = 8
_FIXED_BYTE = slice(6, 8)
"""xmrig-proxy gives each miner behind it a last byte of the nonce of its own."""


def _login(talk: Talk, message: Message) -> bool:
    named = message.named
    login, agent = text_of(named.get("login")), text_of(named.get("agent"))
    if login is None or not ("pass" in named or agent):
        return False
    account, worker = split_user(login)
    if not _is_miner(account, agent, named):
        # a login like any other; only work in the answer makes it mining
        talk.ask(message, "login?", Share(login, None))
        return False
    talk.set_dialect(DIALECT)
    talk.facts.note_agent(agent)
    worker = worker or text_of(named.get("rigid")) or text_of(named.get("worker"))
    talk.facts.note_user(account, worker)
    talk.ask(message, "login", Share(worker, None))
    return True


def _is_miner(account: str, agent: str | None, named: Mapping[str, Any]) -> bool:
    if _WALLET.fullmatch(account) or "rigid" in named or isinstance(named.get("algo"), list):
        return True
    return agent is not None and _MINER.search(agent) is not None


def _submit(talk: Talk, message: Message) -> bool:
    named = message.named
    if not {"job_id", "nonce", "result"} <= named.keys():
        return False
    talk.set_dialect(DIALECT)
    session = talk.facts.session(text_of(named.get("id")) or "")
    talk.ask(message, "share", talk.facts.note_share(None, str(named["job_id"]), session))
    nonce = text_of(named["nonce"]) or ""
    if talk.facts.agent and _XMRIG_PROXY.match(talk.facts.agent) and len(nonce) == _NONCE_DIGITS:
        talk.facts.note_mark(nonce[_FIXED_BYTE])
    return True


def _keep_alive(talk: Talk, message: Message) -> bool:
    talk.ask(message, "keepalive")
    return talk.facts.dialect == DIALECT


def _get_job(talk: Talk, message: Message) -> bool:
    talk.ask(message, "getjob")
    return talk.facts.dialect == DIALECT


def _job(talk: Talk, message: Message) -> bool:
    return take_job(talk, message.named, message, DIALECT)


def take_job(
    talk: Talk, job: Mapping[str, Any], message: Message, dialect: str, login: str | None = None
) -> bool:
    """Take a job (keys in lower case) of the session ``login``, or of the one it names; False: it is none."""
    target, number = job.get("target"), job.get("job_id")
    work = _coin_of_work(job)
    if work is None or not isinstance(target, str) or number is None:
        return False
    facts = talk.facts
    talk.set_dialect(dialect)
    facts.note_coin(*work)
    session = facts.session(login) if login else facts.session_of_job(text_of(job.get("id")))
    facts.note_difficulty(message.at, hashes_of_target(target, little=True), session)
    facts.note_job(message.at, str(number), session=session)
    return True


def _coin_of_work(job: Mapping[str, Any]) -> tuple[str | None, str | None] | None:
    """Return (coin, algorithm) of the work, as far as it tells; None where it is no work."""
    if is_hash(job.get("seed")) and is_hash(job.get("previous_block_hash")):
        return "BTM", "Tensority"
    blob, algo = job.get("blob"), text_of(job.get("algo"))
    if not is_hex(blob, _LEAST_BLOB):
        return None
    return coin_and_algorithm(algo) if algo else ("XMR", algorithm_of_blob(str(blob)))


def take_login(talk: Talk, result: Any, message: Message, asked: Asked) -> bool:
    """Take the answer to a login (or to getjob): its id and first job; False where it holds none."""
    if not isinstance(result, dict):
        return False
    named = lowered(result)
    job = named.get("job", result)
    login = text_of(named.get("id"))
    if not isinstance(job, dict) or not take_job(talk, lowered(job), message, DIALECT, login):
        return False
    worker = asked.share.worker if asked.share else None
    if worker and asked.kind == "login?":  # the work shows that the login was a miner's
        account, worker = split_user(worker)
        talk.facts.note_user(account, worker)
    if login and worker:
        talk.facts.session(login).worker = worker
    talk.facts.identified = True
    return True


CLIENT: Mapping[str, Handler] = {
    "login": _login,
    "submit": _submit,
    "keepalived": _keep_alive,
    "getjob": _get_job,
}

POOL: Mapping[str, Handler] = {"job": _job}
