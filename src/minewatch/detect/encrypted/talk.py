"""A quiet connection without its content: messages, what each is, and the numbers that describe them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.kernels.traffic.quiet_messages import (
    ANSWER,
    ASKED,
    PUSH,
    covered_us,
    join_segments,
    near_any,
    size_classes,
    tell_roles,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

FEATURES = (
    "client_rate",
    "push_rate",
    "client_sizes",
    "push_sizes",
    "event_rate",
    "event_gaps",
    "event_crowding",
    "answered",
    "answer_sizes",
    "event_size",
    "answer_size",
    "push_size",
    "push_gaps",
    "after_push",
    "together",
)
"""Names of the features, in this order in every vector.

*Events* are the client's most common messages that do not come regularly: a miner's shares. ``…_rate``
log10 of messages an hour; ``…_sizes`` share of messages in the three most common classes of sizes (of answers
to events: in the most common one); ``…_gaps`` standard deviation of the natural logarithm of the time between
messages (0 for a clock, 1.28 for a Poisson process, more for bursts); ``event_crowding`` log10 of the
variance of counts to their mean (0 for a Poisson process); ``answered`` share of events with an answer;
``…_size`` log10 of the median, bytes; ``after_push`` log10 of how often events follow a push within a second
to how often they would by chance; ``together`` log10 of how often pushes come with pushes on other
connections to the same server to how often they would by chance, NaN where there is none.
"""

_OPENING_US = 10_000_000
_FEWEST = 4
_CLOCK = 0.45
"""Below this spread of the logarithm of gaps messages come by a clock."""

_WITHIN_US, _SAME_US, _SOON_US = 2_000_000, 150_000, 1_000_000
_SHIFTS_US = (-31_000_000, -17_000_000, -7_000_000, 7_000_000, 17_000_000, 31_000_000)
_CLASS_BYTES = 8


class Talk(NamedTuple):
    """Messages after the opening: instants, µs, sizes, roles (see the kernel), which message is answered.

    ``span_us``: first and last instant.
    """

    at_us: Ints
    size: Ints
    role: npt.NDArray[np.int8]
    asked: Ints
    span_us: tuple[int, int]

    @property
    def hours(self) -> float:
        """Length of the talk."""
        return max(self.span_us[1] - self.span_us[0], 1) / 3.6e9

    @property
    def push_us(self) -> Ints:
        """Instants of the server's own messages."""
        return self.at_us[self.role == PUSH]


class Sizes(NamedTuple):
    """The three most common classes of sizes: where each begins, share of all messages in each."""

    begins: Ints
    shares: Floats

    def holds(self, size: Ints, place: int) -> Flags:
        """Tell which sizes are of one class."""
        return (size >= self.begins[place]) & (size <= self.begins[place] + _CLASS_BYTES)


def talk_of(at_us: Ints, size: Ints, from_server: Flags) -> Talk:
    """Return packets as a talk; the first ten seconds, in which two sides greet, are left out."""
    at, sizes, server = at_us.copy(), size.astype(np.int64), from_server.copy()
    number = join_segments(at, sizes, server)
    later = np.flatnonzero(at[:number] >= at_us[0] + _OPENING_US)
    at, sizes, server = at[later], sizes[later], server[later]
    span_us = (int(at_us[0]) + _OPENING_US, int(max(at_us[-1], at_us[0] + _OPENING_US)))
    role, asked = np.empty(at.size, np.int8), np.empty(at.size, np.int64)
    tell_roles(at, server, _reach_us(at, server), role, asked)
    _set_right(sizes, role, asked)
    return Talk(at, sizes, role, asked, span_us)


def _reach_us(at_us: Ints, from_server: Flags) -> int:
    """Return how long an answer may take: three times what a quick one takes, and a fifth of a second."""
    turns = np.flatnonzero(from_server[1:] & ~from_server[:-1])
    if not turns.size:
        return _WITHIN_US
    quick = np.quantile(at_us[turns + 1] - at_us[turns], 0.25)
    return int(min(3 * quick + 200_000, _WITHIN_US))


def _set_right(size: Ints, role: npt.NDArray[np.int8], asked: Ints) -> None:
    """Take for pushes what came in time for an answer but is not as large as answers are."""
    is_answer = role == ANSWER
    usual = classes_of(size[is_answer])
    if usual.shares.sum() >= 0.6:
        other = is_answer & ~np.any([usual.holds(size, place) for place in range(3)], axis=0)
        role[other], asked[other] = PUSH, -1


def classes_of(size: Ints) -> Sizes:
    """Return the three most common classes of sizes."""
    begins, counts = np.zeros(3, np.int64), np.zeros(3, np.int64)
    size_classes(size, begins, counts)
    return Sizes(begins, counts / max(size.size, 1))


class Events(NamedTuple):
    """The client's events: which messages, spread of the logarithm of their gaps."""

    places: Ints
    gaps: float


def events_of(talk: Talk) -> Events:
    """Return the client's most common messages of one size that no clock sends; else the most common."""
    own = np.flatnonzero(talk.role == ASKED)
    usual = classes_of(talk.size[own])
    found = []
    for place in range(3):
        members = own[usual.holds(talk.size[own], place)]
        found.append(Events(members, gap_spread(talk.at_us[members])))
    irregular = [events for events in found if events.gaps >= _CLOCK and events.places.size >= _FEWEST]
    return irregular[0] if irregular else found[0]


def gap_spread(at_us: Ints) -> float:
    """Return the standard deviation of the natural logarithm of gaps, 0 for fewer than four instants."""
    if at_us.size < _FEWEST:
        return 0.0
    return float(np.log(np.maximum(np.diff(at_us), 1000)).std())


def features_of(talk: Talk, others_us: Ints | None = None) -> Floats:
    """Return the vector ``FEATURES``; ``others_us``: pushes on other connections to the same server."""
    events, push_us = events_of(talk), talk.push_us
    pushes, clients = talk.size[talk.role == PUSH], talk.size[talk.role == ASKED]
    answered = np.isin(events.places, talk.asked)
    answers = talk.size[np.isin(talk.asked, events.places)]
    return np.array(
        [
            _rate(clients.size, talk),
            _rate(pushes.size, talk),
            classes_of(clients).shares.sum(),
            classes_of(pushes).shares.sum(),
            _rate(events.places.size, talk),
            events.gaps,
            _crowding(talk.at_us[events.places], talk.span_us),
            answered.mean() if answered.size else 0.0,
            classes_of(answers).shares[0],
            *(_size(sizes) for sizes in (talk.size[events.places], answers, pushes)),
            gap_spread(push_us),
            _after(talk.at_us[events.places], push_us, talk.span_us),
            float("nan") if others_us is None else _beside(push_us, others_us),
        ]
    )


def _rate(number: int, talk: Talk) -> float:
    return float(np.log10((number + 0.5) / talk.hours))


def _size(sizes: Ints) -> float:
    return float(np.log10(np.median(sizes))) if sizes.size else 0.0


def _crowding(at_us: Ints, span_us: tuple[int, int]) -> float:
    bins = max(at_us.size // 5, 1)
    if bins < _FEWEST:
        return 0.0
    counts = np.histogram(at_us, bins, span_us)[0]
    return float(np.log10(counts.var() / counts.mean() + 0.05))


def _after(event_us: Ints, push_us: Ints, span_us: tuple[int, int]) -> float:
    """Compare how many events follow a push within a second with chance; one of each counts along."""
    if not (event_us.size and push_us.size):
        return 0.0
    half = _SOON_US // 2
    share = covered_us(push_us + half, half, *span_us) / max(span_us[1] - span_us[0], 1)
    return float(np.log10((near_any(event_us, push_us + half, half) + 1) / (event_us.size * share + 1)))


def _beside(push_us: Ints, others_us: Ints) -> float:
    """Compare how many pushes come with others' with how many do when one side is shifted."""
    if not push_us.size:
        return 0.0
    chance = np.mean([near_any(push_us + shift, others_us, _SAME_US) for shift in _SHIFTS_US])
    return float(np.log10((near_any(push_us, others_us, _SAME_US) + 1) / (chance + 1)))


def joined(series: Sequence[Ints]) -> Ints:
    """Return the instants of all series, rising."""
    return np.sort(np.concatenate(series))
