"""Browser miners, JSON over WebSocket: Coinhive's words and their many copies, and webminerpool's.

Coinhive: ``{"type": kind, "params": …}`` with auth, authed, job, submit, hash_accepted, error or banned.
webminerpool: ``{"identifier": kind, …}`` with handshake, job, solved or hashsolved and the fields beside it.
Shares are answered in their order, without a number. Sources: the relays coin-hive-stratum and webminerpool,
which translate to a pool's ``login`` and ``submit``.
"""

from collections.abc import Mapping
from typing import Any

from minewatch.sources.talk.dialects.messages import Message, is_stale, lowered, split_user, text_of
from minewatch.sources.talk.dialects.monero import take_job
from minewatch.sources.talk.dialects.talk import Talk

DIALECT = "browser_miner"

_CLIENT = frozenset({"auth", "handshake", "submit", "solved"})


def hear(talk: Talk, message: Message) -> str | None:
    """Take a message and return its kind, None where it is not a browser miner's."""
    value = message.value
    kind = text_of(value.get("type")) or text_of(value.get("identifier")) or ""
    handler = _KINDS.get(kind)
    params = value.get("params") if "type" in value else value
    if handler is None or not isinstance(params, dict) or not handler(talk, lowered(params), message):
        return None
    return kind


def is_client(kind: str) -> bool:
    """Tell whether the miner says messages of this kind."""
    return kind in _CLIENT


def _auth(talk: Talk, params: Mapping[str, Any], message: Message) -> bool:
    _ = message
    key = text_of(params.get("site_key")) or text_of(params.get("login"))
    if key is None:
        return False
    talk.set_dialect(DIALECT)
    account, worker = split_user(key)
    talk.facts.note_user(account, worker or text_of(params.get("user")) or text_of(params.get("userid")))
    pool = text_of(params.get("pool")) or ""
    talk.facts.note_pool(pool.partition(":")[0] if "." in pool else None)
    return True


def _authed(talk: Talk, params: Mapping[str, Any], message: Message) -> bool:
    _ = message
    if talk.facts.dialect != DIALECT or "hashes" not in params:
        return False
    talk.facts.identified = True
    return True


def _job(talk: Talk, params: Mapping[str, Any], message: Message) -> bool:
    return take_job(talk, {**params, "id": None}, message, DIALECT)


def _submit(talk: Talk, params: Mapping[str, Any], message: Message) -> bool:
    if not {"job_id", "nonce", "result"} <= params.keys():
        return False
    talk.set_dialect(DIALECT)
    talk.ask(_in_turn(message), "share", talk.facts.note_share(None, str(params["job_id"])))
    return True


def _accepted(talk: Talk, params: Mapping[str, Any], message: Message) -> bool:
    _ = params
    return _answer(talk, message, True)


def _refused(talk: Talk, params: Mapping[str, Any], message: Message) -> bool:
    return _answer(talk, message, False, is_stale(params.get("error")))


def _answer(talk: Talk, message: Message, accepted: bool, stale: bool = False) -> bool:
    if talk.facts.dialect != DIALECT:
        return False
    asked = talk.take_asked(_in_turn(message))
    if asked is not None and asked.share is not None:
        talk.facts.note_answer(asked.share, accepted, stale)
    elif not accepted:
        talk.facts.refused = not talk.facts.identified
    return True


def _in_turn(message: Message) -> Message:
    """Return the message without a number: answers come in the order of the shares."""
    return message._replace(value={})


_KINDS = {
    "auth": _auth,
    "handshake": _auth,
    "authed": _authed,
    "job": _job,
    "submit": _submit,
    "solved": _submit,
    "hash_accepted": _accepted,
    "hashsolved": _accepted,
    "error": _refused,
    "banned": _refused,
}
