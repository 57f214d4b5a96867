"""Beam and Grin, whose pools speak JSON lines of their own: ``login``, ``job``, ``solution``, ``submit``.

Sources: Beam's wiki "Beam mining protocol API (Stratum)", Grin's doc/stratum.md.
"""

from collections.abc import Mapping
from typing import Any

from minewatch.sources.talk.dialects.messages import (
    Message,
    is_hash,
    is_hex,
    is_stale,
    lowered,
    number_of,
    split_user,
    text_of,
)
from minewatch.sources.talk.dialects.monero import DIALECT as MONERO
from minewatch.sources.talk.dialects.talk import Handler, ResultHandler, Talk

_BEAM_ACCEPTED = 1
_BEAM_STALE = 4
_LEAST_PRE_POW = 100
_CYCLE = 42
"""Edges of the cycle that a Grin share shows."""


def _beam_login(talk: Talk, message: Message) -> bool:
    key = text_of(message.value.get("api_key"))
    if key is None:
        return False
    talk.set_dialect("beam")
    talk.facts.note_coin("BEAM", "BeamHash")
    talk.facts.note_user(*split_user(key))
    return True


def _beam_job(talk: Talk, message: Message) -> bool:
    value = message.value
    packed = number_of(value.get("difficulty"))
    if not is_hash(value.get("input")) or packed is None or packed >= 1 << 32:
        return False
    talk.set_dialect("beam")
    talk.facts.note_coin("BEAM", "BeamHash")
    talk.facts.note_difficulty(message.at, beam_difficulty(int(packed)))
    talk.facts.note_job(message.at, repr(value.get("id")))
    return True


def beam_difficulty(packed: int) -> float:
    """Return the solutions a share takes on average: exponent in the high byte, 24 bits of fraction."""
    return (1 + (packed & 0xFFFFFF) / 2.0**24) * 2.0 ** (packed >> 24)


def _beam_solution(talk: Talk, message: Message) -> bool:
    value = message.value
    if not (is_hex(value.get("nonce"), 1) and is_hex(value.get("output"), 64)):
        return False
    talk.set_dialect("beam")
    talk.facts.note_coin("BEAM", "BeamHash")
    talk.ask(message, "share", talk.facts.note_share(None, repr(value.get("id"))))
    return True


def _beam_result(talk: Talk, message: Message) -> bool:
    """Answer to a login or to a share; a share has the number of its job."""
    if talk.facts.dialect != "beam":
        return False
    asked, code = talk.take_asked(message), message.value.get("code")
    accepted = code == _BEAM_ACCEPTED
    if asked is not None and asked.share is not None:
        stale = code == _BEAM_STALE or is_stale(message.value.get("description"))
        talk.facts.note_answer(asked.share, accepted, stale)
    elif message.value.get("id") == "login":
        # code 0: no error
        talk.facts.identified = code in (0, _BEAM_ACCEPTED)
        talk.facts.refused = not talk.facts.identified
    return True


def _is_grin(talk: Talk) -> None:
    if talk.facts.dialect == MONERO and not talk.facts.job_times:
        talk.facts.dialect = None  # the login alone looks like Monero's
        talk.facts.coin = talk.facts.algorithm = None
    talk.set_dialect("grin")
    talk.facts.note_coin("GRIN", "Cuckatoo32")


def _grin_ask(talk: Talk, message: Message) -> bool:
    talk.ask(message, "grin job")
    return talk.facts.dialect == "grin"


def _job(talk: Talk, message: Message) -> bool:
    return _beam_job(talk, message) or _grin_job(talk, message.named, message)


def _grin_job(talk: Talk, job: Any, message: Message) -> bool:
    named = lowered(job) if isinstance(job, Mapping) else {}
    if not is_hex(named.get("pre_pow"), _LEAST_PRE_POW) or "job_id" not in named:
        return False
    _is_grin(talk)
    talk.facts.note_job(message.at, str(named["job_id"]), str(named["pre_pow"]))
    return True


def _grin_submit(talk: Talk, message: Message) -> bool:
    named = message.named
    edges = named.get("pow")
    if not isinstance(edges, list) or len(edges) != _CYCLE or "edge_bits" not in named:
        return False
    _is_grin(talk)
    talk.ask(message, "share", talk.facts.note_share(None, str(named.get("job_id"))))
    return True


CLIENT: Mapping[str, Handler] = {
    "login": _beam_login,
    "solution": _beam_solution,
    "getjobtemplate": _grin_ask,
    "submit": _grin_submit,
}

POOL: Mapping[str, Handler] = {"job": _job, "result": _beam_result}

RESULTS: Mapping[str, ResultHandler] = {"grin job": _grin_job}
