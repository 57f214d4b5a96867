"""Building blocks of quiet connections that nobody can read: when who sends how much.

Only instants, sizes and directions are made, no bytes: an hour of a connection costs a fraction of a
millisecond, so that a million of them can be made for a detector that has to be right in all but a few.
Times are seconds from the start of the time that is looked at.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.sim.loads.shapes import Rng, log_uniform

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

RECORDS = (22, 29, 21, 37)
"""Bytes that encryption adds to a message: TLS 1.3, TLS 1.2 with GCM and with ChaCha20, both padded to 16."""


class Talk(NamedTuple):
    """Messages of a connection, all of shape (messages,): rising instants, s; sizes, bytes; who sent them."""

    at_s: Floats
    size: Ints
    from_server: Flags


class Link(NamedTuple):
    """The way to the server: round trip, s, how much it wavers, and bytes added to each message."""

    rtt_s: float
    waver: float
    added: int


def draw_link(rng: Rng) -> Link:
    """Draw a link: 4 to 400 ms; answers of real pools in captures waver by 1 to 30 % of the round trip."""
    return Link(log_uniform(rng, 0.004, 0.4), log_uniform(rng, 0.01, 0.3), int(rng.choice(RECORDS)))


def said(at_s: Floats, size: Ints | int, from_server: bool) -> Talk:
    """Return messages of one side; ``size`` for each or for all."""
    sizes = np.broadcast_to(np.asarray(size, np.int64), at_s.shape)
    return Talk(at_s, sizes, np.full(at_s.size, from_server))


def together(parts: Sequence[Talk]) -> Talk:
    """Return the messages of ``parts`` in the order of their times."""
    at_s, size, from_server = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(at_s, kind="stable")
    return Talk(at_s[order], size[order], from_server[order])


def answers(rng: Rng, asked: Floats, link: Link, size: Ints | int, think_s: float = 0.003) -> Talk:
    """Return the server's answers to messages sent at ``asked``."""
    delay = link.rtt_s * (1 + link.waver * rng.exponential(1.0, asked.size))
    return said(asked + delay + rng.exponential(think_s, asked.size), size, True)


def receipts(rng: Rng, told: Floats, size: Ints | int, think_s: float = 0.02) -> Talk:
    """Return what the client answers to pushes; seen beside the client, so without the round trip."""
    return said(told + rng.exponential(think_s, told.size), size, False)


def every(rng: Rng, span_s: float, period_s: float, waver_s: float) -> Floats:
    """Return regular instants with independent deviations."""
    at_s = np.arange(rng.uniform(0, period_s), span_s, period_s)
    return np.sort(np.clip(at_s + waver_s * rng.standard_normal(at_s.size), 0, span_s))


def by_chance(rng: Rng, span_s: float, period_s: float) -> Floats:
    """Return the instants of a Poisson process with one event in ``period_s``."""
    return np.sort(rng.uniform(0, span_s, rng.poisson(span_s / period_s)))


def in_bursts(rng: Rng, span_s: float, period_s: float, number: float, gap_s: float) -> Floats:
    """Return bursts that begin by chance, one in ``period_s``, of ``number`` events about ``gap_s`` apart."""
    begins = by_chance(rng, span_s, period_s)
    counts = rng.geometric(1 / max(number, 1.0), begins.size)
    gaps = gap_s * rng.lognormal(0, 1, counts.sum())
    first = np.repeat(np.cumsum(counts) - counts, counts)
    along = np.cumsum(gaps) - np.concatenate([[0.0], np.cumsum(gaps)])[first]
    at_s = np.repeat(begins, counts) + along
    return np.sort(at_s[at_s < span_s])


def wide(rng: Rng, number: int, median: float, spread: float, least: int = 8) -> Ints:
    """Return log-normal sizes."""
    return np.asarray(np.clip(median * rng.lognormal(0, spread, number), least, 60_000), np.int64)


def nearly(rng: Rng, number: int, size: int, digits: int) -> Ints:
    """Return sizes that differ by as much as numbers in them have digits more or fewer."""
    return size + rng.integers(0, digits + 1, number)


def on_wire(rng: Rng, talk: Talk, link: Link) -> Talk:
    """Return a talk as packets that a sensor notes: encrypted, cut to segments, some not noted, some twice.

    What is lost behind the sensor is noted again when it is sent again, what is lost before it comes late.
    """
    lost = rng.random(talk.at_s.size) < rng.choice((0.0, 0.003, 0.01))
    again_s = lost * rng.uniform(0.2, 1.2, lost.size)
    twice = lost & (rng.random(lost.size) < 0.5)
    kept = rng.random(lost.size) >= rng.choice((0.0, 0.0, 0.002, 0.01))
    segment = int(rng.choice((1448, 1460, 1412, 1380)))
    late = _segments(Talk(talk.at_s + again_s, talk.size + link.added, talk.from_server), kept, segment)
    first = _segments(Talk(talk.at_s, talk.size + link.added, talk.from_server), twice, segment)
    return together([late, first])


def _segments(talk: Talk, kept: Flags, segment: int) -> Talk:
    pieces = np.maximum(-(-talk.size // segment), 1) * kept
    place = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    left = np.repeat(talk.size, pieces) - segment * place
    at_s = np.repeat(talk.at_s, pieces) + 2e-5 * place
    return Talk(at_s, np.minimum(left, segment), np.repeat(talk.from_server, pieces))
