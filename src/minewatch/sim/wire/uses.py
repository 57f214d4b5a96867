"""What a site's line moves hour by hour, by what the site is used for.

All figures are assumed, as medians with wide log-normal spreads, from what operators and papers tell: a
hosting centre moves megabits per second for each kilowatt, mostly outward and more by day; a private or
government centre a fiftieth of that, in office hours; a cluster that trains models next to nothing between
bursts of data; a backup site takes in at night; people download by day; a pump or cold store reports little.
A mine moves tens of bytes per second and machine, as much in as out, with a handful of peers, at all hours
alike. What makes it hard: guards' telephones and cameras at a mine, uploads meant to hide it, clusters cut
off from the internet, cameras at a cold store.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.sim.loads.shapes import Rng, at_hours, log_uniform

Floats = npt.NDArray[np.float64]

MBITS_HOUR = 1e6 / 8 * 3600
"""Bytes that one Mbit/s moves in an hour."""

_CROWD = (
    0.45, 0.3, 0.2, 0.15, 0.13, 0.15, 0.25, 0.45, 0.65, 0.75, 0.8, 0.85,
    0.9, 0.85, 0.8, 0.8, 0.82, 0.88, 0.92, 0.97, 1, 1, 0.9, 0.7,
)  # fmt: skip
_OFFICE = (
    0.04, 0.03, 0.03, 0.03, 0.03, 0.04, 0.06, 0.2, 0.7, 1, 1, 0.9,
    0.6, 0.8, 1, 1, 0.95, 0.8, 0.4, 0.25, 0.2, 0.15, 0.1, 0.06,
)  # fmt: skip
_EVENING = (
    0.3, 0.15, 0.1, 0.07, 0.06, 0.08, 0.15, 0.25, 0.3, 0.3, 0.35, 0.45,
    0.5, 0.45, 0.4, 0.4, 0.45, 0.55, 0.7, 0.9, 1, 1, 0.8, 0.5,
)  # fmt: skip


class Clock(NamedTuple):
    """Local time of each hour, shape (hours,): hour of the day, whether it is a workday."""

    hour: npt.NDArray[np.int64]
    workday: npt.NDArray[np.bool_]


class Moved(NamedTuple):
    """Bytes each way, distinct remote and own addresses in each hour, all of shape (hours,)."""

    inbound: Floats
    outbound: Floats
    peers: Floats
    addresses: Floats


class Machines(NamedTuple):
    """A mine: number of machines, and the share of them that runs in each hour."""

    number: int
    running: Floats


Use = Callable[[Rng, Clock, Floats], Moved]
"""(random stream, clock, kW of the site without its mine) → what its line moves."""


def together(parts: Sequence[Moved]) -> Moved:
    """Return what several users of one line move."""
    return Moved(*(np.sum(column, axis=0) for column in zip(*parts, strict=True)))


def hosting(rng: Rng, clock: Clock, kw: Floats) -> Moved:
    """Return the traffic of a public data centre: in proportion to its work, tenants answer the world."""
    shape = _shaped(rng, clock, _CROWD, rng.uniform(0.4, 1.3))
    mbits = _decades(rng, 0.6, 0.55) * kw * shape
    outward = rng.uniform(0.6, 0.96) if rng.random() < 0.75 else rng.uniform(0.35, 0.6)
    peers = _decades(rng, 3.8, 0.6) * (kw.mean() / 100) ** 0.4
    return _moved(rng, mbits, outward, peers * shape**0.6, _decades(rng, 1.8, 0.6))


def private(rng: Rng, clock: Clock, kw: Floats) -> Moved:
    """Return the traffic of a company's or office's own centre: most of its work stays inside."""
    floor = rng.uniform(0.1, 0.6)
    shape = floor + (1 - floor) * _shaped(rng, clock, _OFFICE, 1.0, rest=rng.uniform(0.1, 0.7))
    mbits = _decades(rng, -1.0, 0.6) * kw * shape
    return _moved(rng, mbits, rng.uniform(0.25, 0.75), _decades(rng, 1.9, 0.5) * shape, _decades(rng, 1, 0.5))


def compute(rng: Rng, clock: Clock, kw: Floats) -> Moved:
    """Return the traffic of a cluster that trains, computes or renders: little, with bursts of data."""
    shut = rng.random() < 0.15  # cut off from the internet but for its keepers
    base = _decades(rng, -2.7, 0.7) * (0.05 if shut else 1.0)
    depth = rng.uniform(0, 0.4) if shut else rng.uniform(0.2, 0.9)
    shape = _shaped(rng, clock, _OFFICE, depth, rest=rng.uniform(0.5, 1))
    mbits = base * kw.mean() * shape
    outward, peers = rng.uniform(0.25, 0.75), _decades(rng, 0.6 if shut else 1.5, 0.4) * shape**0.5
    quiet = _moved(rng, mbits, outward, peers, _decades(rng, 0.7, 0.4))
    if shut:
        return quiet
    bursts = _bursts(rng, kw.size, 10 ** rng.uniform(-1.7, -0.2), rng.uniform(1, 10))
    bursts *= _decades(rng, -0.5, 0.6) * kw.mean()
    return together([quiet, _moved(rng, bursts, rng.beta(2, 5), 2.0 * (bursts > 0), 0.0)])


def backup(rng: Rng, clock: Clock, kw: Floats) -> Moved:
    """Return the traffic of a backup or archive site: it takes in at night, every day or once a week."""
    start, length = int(rng.integers(20, 26)), int(rng.integers(3, 10))
    night = ((clock.hour - start) % 24) < length
    evening = np.cumsum(clock.hour == start % 24)
    on_night = rng.random(int(evening[-1]) + 1) < (0.95 if rng.random() < 0.75 else 1 / 7)
    mbits = _decades(rng, -0.3, 0.6) * kw.mean() * night * on_night[evening]
    taken = _moved(rng, mbits, rng.uniform(0.01, 0.06), 2.0 * night, 0.0)
    idle = np.full(kw.size, _decades(rng, -3, 0.5) * kw.mean())
    kept = _moved(
        rng, idle, rng.uniform(0.3, 0.7), _decades(rng, 1.2, 0.4) * np.ones(kw.size), _decades(rng, 0.5, 0.3)
    )
    return together([taken, kept])


def people(rng: Rng, clock: Clock, kw: Floats) -> Moved:
    """Return the traffic of an office, works, school or shop: people download while they are there."""
    shape = _shaped(rng, clock, _OFFICE, rng.uniform(0.6, 1.2), rest=rng.uniform(0.1, 0.9))
    return _of_people(rng, kw, shape)


def guests(rng: Rng, clock: Clock, kw: Floats) -> Moved:
    """Return the traffic of a hotel, restaurant or home: most of it in the evening."""
    return _of_people(rng, kw, _shaped(rng, clock, _EVENING, rng.uniform(0.7, 1.1)))


def unattended(rng: Rng, _: Clock, kw: Floats) -> Moved:
    """Return the traffic of a pump, cold store or charger: reports of its state, sometimes cameras."""
    reports = np.full(kw.size, _decades(rng, 2.3, 0.6) * 8 / 1e6)
    peers = np.full(kw.size, _decades(rng, 0.6, 0.3))
    parts = [_moved(rng, reports, rng.uniform(0.35, 0.8), peers, _few(rng))]
    if rng.random() < 0.45:
        parts.append(_cameras(rng, kw.size))
    return together(parts)


def mine(rng: Rng, clock: Clock, fleet: Machines) -> Moved:
    """Return the traffic of mining machines and of those who guard them."""
    hours = clock.hour.size
    work = rng.uniform(15, 80) * fleet.number * (0.08 + 0.92 * fleet.running)
    watched = _decades(rng, 1.5, 0.4)
    peers = np.full(hours, 1.0 + rng.poisson(rng.uniform(1, 6)))
    inward = rng.uniform(0.3, 0.65)
    parts = [_moved(rng, (work + watched) * 8 / 1e6, 1 - inward, peers, _few(rng))]
    if rng.random() < 0.5:  # somebody lives there
        kw = np.full(hours, 2.0)
        shape = _shaped(rng, clock, _EVENING, 1.0)
        parts.append(_of_people(rng, kw, shape, median=-0.7)._replace(addresses=np.zeros(hours)))
    if rng.random() < 0.4:
        parts.append(_cameras(rng, hours))
    if rng.random() < 0.04:  # moves data in order to look like a data centre, or sells its line
        upload = _decades(rng, 1.5, 0.5) * _shaped(rng, clock, _EVENING, 1.0)
        parts.append(_moved(rng, upload, rng.uniform(0.7, 0.97), _decades(rng, 2.5, 0.4) * upload**0.2, 0.0))
    return together(parts)


USES: Mapping[str, Use] = MappingProxyType(
    {
        "hosting": hosting,
        "private": private,
        "compute": compute,
        "backup": backup,
        "people": people,
        "guests": guests,
        "unattended": unattended,
    }
)
"""Every use by its name."""

_IT: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "data_centre": {"hosting": 0.62, "private": 0.18, "backup": 0.08, "compute": 0.12},
        "server_room": {"hosting": 0.3, "private": 0.5, "backup": 0.2},
        "gpu_server": {"compute": 0.9, "hosting": 0.1},
    }
)
UNATTENDED = (
    "irrigation", "street_light", "ev_charger", "aquaculture", "cold_store", "pumping_station",
    "electric_heating", "grow_house", "telecom_base_station", "construction_site",
)  # fmt: skip
"""Classes of customers at whose place nobody uses the line."""

_GUESTS = ("hotel", "restaurant", "household", "empty_home")


def use_of(rng: Rng, kind: str) -> str:
    """Draw what a customer of class ``kind`` uses its line for."""
    if kind in _IT:
        odds = _IT[kind]
        return str(rng.choice(list(odds), p=list(odds.values())))
    if kind in UNATTENDED:
        return "unattended"
    return "guests" if kind in _GUESTS else "people"


def _decades(rng: Rng, median: float, spread: float) -> float:
    """Draw a log-normal value: 10^``median`` in the middle, ``spread`` decades as standard deviation."""
    return float(10 ** rng.normal(median, spread))


def _few(rng: Rng) -> float:
    """Draw the addresses of a line that serves no others: mostly one, a block of eight or so at most."""
    return float(min(rng.geometric(0.5), 8))


def _shaped(rng: Rng, clock: Clock, template: Sequence[float], depth: float, rest: float = 1.0) -> Floats:
    """Return the day's shape around 1: ``depth`` bends the template, days of rest have a share ``rest``."""
    hour = clock.hour + 0.5
    shape = at_hours(template, hour.astype(np.float64), rng.normal(0, 0.6)) ** depth
    return np.asarray(shape * np.where(clock.workday, 1.0, rest) / np.mean(np.asarray(template) ** depth))


def _of_people(rng: Rng, kw: Floats, shape: Floats, median: float = 0.2) -> Moved:
    size = (max(float(kw.mean()), 0.5) / 20) ** 0.5
    mbits = _decades(rng, median, 0.6) * size * shape
    peers = _decades(rng, 2.3, 0.4) * size * shape**0.8
    return _moved(rng, mbits, rng.uniform(0.05, 0.25), peers, _few(rng))


def _cameras(rng: Rng, hours: int) -> Moved:
    """Cameras that stream all day, or are looked at now and then."""
    mbits = rng.integers(1, 9) * rng.uniform(0.3, 3.0) * (1.0 if rng.random() < 0.5 else 0.05)
    return _moved(rng, np.full(hours, mbits), rng.uniform(0.93, 0.985), np.full(hours, 1.0), 0.0)


def _bursts(rng: Rng, hours: int, each_hour: float, length_h: float) -> Floats:
    """Return how many transfers run in each hour; they begin at random and last ``length_h`` on average."""
    number = int(rng.poisson(each_hour * hours))
    start = rng.integers(0, hours, number)
    end = np.minimum(start + 1 + rng.exponential(length_h, number).astype(np.int64), hours)
    size = rng.lognormal(0, 0.8, number)
    change = np.zeros(hours + 1)
    np.add.at(change, start, size)
    np.add.at(change, end, -size)
    running = np.cumsum(change)[:-1]
    return np.where(running > 1e-9, running, 0.0)


def _moved(rng: Rng, mbits: Floats, outward: float, peers: Any, addresses: float) -> Moved:
    """Return traffic of mean ``mbits`` (hours,), of which the share ``outward`` leaves, with hourly noise."""
    noise = np.exp(rng.normal(0, log_uniform(rng, 0.02, 0.4), (2, mbits.size)))
    volume = mbits * MBITS_HOUR
    many: Floats = np.round(peers * np.exp(rng.normal(0, 0.1, mbits.size)))
    return Moved(
        np.round(volume * (1 - outward) * noise[0]),
        np.round(volume * outward * noise[1]),
        many,
        np.full(mbits.size, np.ceil(addresses)),
    )
