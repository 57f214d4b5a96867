"""What miners and pools say to each other, by dialect; the shares are a Poisson process of the hash rate.

The words of each dialect stand in ``minewatch.sim.wire.voices``, a file for each family, with their sources.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minewatch.schema.shares import hashes_of_unit
from minewatch.sim.loads.shapes import Rng
from minewatch.sim.wire.packets import Message
from minewatch.sim.wire.voices import browser, ethereum, getwork, mimblewimble, monero, stratum_v1, stratum_v2
from minewatch.sim.wire.voices.voice import Session, Verdict, Voice, Worker

__all__ = ["TONGUES", "Session", "Spoken", "Tongue", "Worker", "difficulty_of", "speak"]

_VOICES: Mapping[str, type[Voice]] = dict(
    (
        *stratum_v1.VOICES,
        *ethereum.VOICES,
        *monero.VOICES,
        *getwork.VOICES,
        *mimblewimble.VOICES,
        *browser.VOICES,
        *stratum_v2.VOICES,
    )
)

_STALE, _LOW = 0.004, 0.002
"""Shares refused for work that was over, and others sent besides that are below the difficulty; assumed."""


class Tongue(NamedTuple):
    """How a coin is mined on the wire: name of the voice, algorithm, dialect and coin that are read off.

    ``coin`` is None where neither the words nor every wallet tells it. ``hash_rate`` is a machine's, H/s.
    ``carrier``: lines, http (in the voice), websocket (one message each) or frames. ``tells_rate`` is False
    where pools do not agree what a difficulty counts.
    """

    name: str
    algorithm: str
    read_as: str
    coin: str | None
    hash_rate: float
    carrier: str = "lines"
    tells_rate: bool = True


TONGUES: tuple[Tongue, ...] = (
    Tongue("stratum_v1", "SHA-256", "stratum_v1", "BTC", 100e12),
    Tongue("stratum_v1", "scrypt", "stratum_v1", None, 9500e6),
    Tongue("stratum_v1", "kHeavyHash", "stratum_v1", "KAS", 20e12),
    Tongue("kaspa_header", "kHeavyHash", "stratum_v1", "KAS", 20e12),
    Tongue("equihash", "Equihash", "stratum_v1", "ZEC", 840e3),
    Tongue("kawpow", "KawPow", "stratum_v1", "RVN", 8 * 30e6),
    Tongue("nervos", "Eaglesong", "stratum_v1", "CKB", 1e12),
    Tongue("conflux", "Octopus", "stratum_v1", "CFX", 8 * 50e6),
    Tongue("ergo", "Autolykos2", "stratum_v1", "ERG", 8 * 150e6),
    Tongue("alephium", "Blake3", "stratum_v1", "ALPH", 16e12),
    Tongue("iron_fish", "FishHash", "stratum_v1", "IRON", 8 * 20e6),
    Tongue("ethereum_nicehash", "Ethash", "ethereum_nicehash", None, 3680e6),
    Tongue("ethereum_stratum", "Ethash", "ethereum_stratum", "ETC", 256e6),
    Tongue("nervos_login", "Eaglesong", "ethereum_stratum", "CKB", 1e12),
    Tongue("monero_login", "RandomX", "monero_login", "XMR", 19e3),
    Tongue("monero_plain", "RandomX", "monero_login", "XMR", 19e3),
    Tongue("monero_proxy", "RandomX", "monero_login", "XMR", 19e3),
    Tongue("xmrig_proxy", "RandomX", "monero_login", "XMR", 19e3),
    Tongue("http_getwork", "SHA-256", "http_getwork", "BTC", 95e12, "http"),
    Tongue("http_getwork", "Ethash", "ethereum_getwork", "ETC", 3680e6, "http"),
    Tongue("http_getblocktemplate", "SHA-256", "http_getblocktemplate", "BTC", 95e12, "http"),
    Tongue("beam", "BeamHash", "beam", "BEAM", 8 * 50.0),
    Tongue("grin", "Cuckatoo32", "grin", "GRIN", 8 * 2.0, tells_rate=False),
    Tongue("coinhive", "RandomX", "browser_miner", "XMR", 300.0, "websocket"),
    Tongue("webminer", "RandomX", "browser_miner", "XMR", 300.0, "websocket"),
    Tongue("stratum_v2_clear", "SHA-256", "stratum_v2", "BTC", 200e12, "frames"),
)
"""All that can be heard. ``stratum_v2``, encrypted, can not."""


class Spoken(NamedTuple):
    """Messages in order of time, and how many shares were submitted."""

    messages: list[Message]
    shares: int


class _Share(NamedTuple):
    at_us: int
    worker: Worker
    verdict: Verdict


class _Level(NamedTuple):
    """From ``at_us`` on the pool wants this difficulty of each worker (by name)."""

    at_us: int
    difficulty: Mapping[str, float]


def speak(rng: Rng, session: Session) -> Spoken:
    """Return what both sides say; shares are Poisson with the workers' hash rate over the difficulty."""
    kind = _VOICES[session.dialect]
    levels = _levels(rng, session, kind)
    shares = _shares(rng, session, levels)
    voice = kind(rng, session, levels[0].difficulty)
    messages = list(voice.opening()) if session.login else []
    free_from = max((message.at_us for message in messages), default=session.start_us) + 1000
    for happening in _in_order(session, levels, shares, free_from):
        messages += _voiced(voice, happening)
    return Spoken(sorted(messages, key=lambda message: message.at_us), len(shares))


def _in_order(
    session: Session, levels: Sequence[_Level], shares: Sequence[_Share], free_from: int
) -> list[tuple[int, bool | _Level | _Share]]:
    """Return jobs (True: a block made the old ones stale), new levels and shares in order of time."""
    jobs = [(job.at_us, job.clean) for job in session.jobs if job.at_us > free_from or not session.login]
    changes = [(level.at_us, level) for level in levels[1:]]
    found = [(share.at_us + 1, share) for share in shares]
    return sorted([*jobs, *changes, *found], key=lambda each: each[0])


def _voiced(voice: Voice, happening: tuple[int, bool | _Level | _Share]) -> list[Message]:
    at_us, what = happening
    if isinstance(what, _Share):
        return voice.share(at_us, what.worker, what.verdict)
    if isinstance(what, _Level):
        return voice.retarget(at_us, next(iter(what.difficulty.values())))
    return voice.job(at_us, what)


def difficulty_of(session: Session) -> float:
    """Return the difficulty that the pool sets: a power of two near one share in ``share_s``."""
    return _near(session.hash_rate * session.share_s / _unit(session))


def _near(difficulty: float) -> float:
    return float(2.0 ** np.round(np.log2(max(difficulty, 2.0**-10))))


def _first_level(session: Session, kind: type[Voice]) -> dict[str, float]:
    """One difficulty for all, or for each worker one by its own hash rate."""
    if not kind.each_worker:
        return {worker.name: difficulty_of(session) for worker in session.workers}
    each_s = session.share_s * len(session.workers)
    return {worker.name: _near(worker.hash_rate * each_s / _unit(session)) for worker in session.workers}


def _levels(rng: Rng, session: Session, kind: type[Voice]) -> list[_Level]:
    """Half of the pools that can change the difficulty do once, a quarter of these begin far too low."""
    begin = session.start_us + (20 * session.rtt_us if session.login else 0)
    levels = [_Level(begin, _first_level(session, kind))]
    if kind.retargets and rng.random() < 0.5:
        at = begin + int(rng.uniform(0.2, 0.6) * (session.end_us - begin))
        levels.append(_Level(at, _scaled(levels[0], float(rng.choice((0.5, 2.0))))))
    if kind.retargets and session.login and rng.random() < 0.25:
        at = begin + int(rng.uniform(0.05, 0.15) * (session.end_us - begin))
        levels[0:1] = [_Level(begin, _scaled(levels[0], 0.125)), levels[0]._replace(at_us=at)]
    return levels


def _scaled(level: _Level, factor: float) -> dict[str, float]:
    return {name: difficulty * factor for name, difficulty in level.difficulty.items()}


def _shares(rng: Rng, session: Session, levels: Sequence[_Level]) -> list[_Share]:
    ends = [*(later.at_us for later in levels[1:]), session.end_us]
    drawn = [
        share
        for level, end_us in zip(levels, ends, strict=True)
        for share in _at(rng, session, level, end_us)
    ]
    return sorted(drawn, key=lambda share: share.at_us)


def _at(rng: Rng, session: Session, level: _Level, end_us: int) -> Iterator[_Share]:
    span_us = max(end_us - level.at_us, 0)
    for worker in session.workers:
        expected = worker.hash_rate * span_us / 1e6 / (level.difficulty[worker.name] * _unit(session))
        for at in level.at_us + rng.random(rng.poisson(expected)) * span_us:
            yield _Share(int(at), worker, "stale" if rng.random() < _STALE else "accepted")
        for at in level.at_us + rng.random(rng.poisson(_LOW * expected)) * span_us:
            yield _Share(int(at), worker, "low")


_READ_AS = {tongue.name: tongue.read_as for tongue in TONGUES}


def _unit(session: Session) -> float:
    if session.dialect == "stratum_v2":
        return 2.0**32
    return hashes_of_unit(_READ_AS[session.dialect], session.algorithm)
