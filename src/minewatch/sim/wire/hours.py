"""Flows of sampled hours, without packets: what a flow log tells of everybody on a carrier's lines.

Rates by class of customer, sizes and durations are assumed, log-normal and wide. A data centre or server
room answers requests from outside and moves data; a mine moves almost nothing: under 1 Mbit/s per
thousand machines.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from minewatch.schema.calendar import is_workday
from minewatch.sim.addresses import web_server
from minewatch.sim.loads.shapes import Rng
from minewatch.sim.streams import stream
from minewatch.sim.wire.capture import Site, drawn_at, moment, share_on_at, speakers, week_of_captures
from minewatch.sim.wire.innocents import site_name
from minewatch.sim.wire.miners import Contact, Speaker, Window, infected_contacts, mine_contacts, ports_of
from minewatch.sim.wire.packets import TCP, UDP, Side

HOURS = (3, 11, 21)
"""Local hours that are logged, on one day of the week of captures."""


class FlowRecord(NamedTuple):
    """One flow; ``name`` is the server's where the client's greeting tells it."""

    start_us: int
    end_us: int
    client: Side
    server: Side
    protocol: int
    up_bytes: int
    down_bytes: int
    up_packets: int
    down_packets: int
    name: str


class _Use(NamedTuple):
    """A kind of use: share of flows, port, protocol, named; medians of s, bytes up, down; log spread."""

    share: float
    port: int
    protocol: int
    named: bool
    seconds: float
    up: float
    down: float
    spread: float


_USES = (
    _Use(0.55, 443, TCP, True, 4, 1500, 12_000, 1.3),
    _Use(0.17, 443, UDP, False, 12, 2500, 60_000, 1.4),
    _Use(0.07, 443, TCP, True, 240, 90_000, 9e6, 1.2),
    _Use(0.06, 80, TCP, False, 2, 700, 4000, 1.4),
    _Use(0.05, 8883, TCP, True, 900, 4000, 3000, 0.8),
    _Use(0.05, 123, UDP, False, 1, 76, 76, 0.1),
    _Use(0.03, 27015, UDP, False, 700, 400_000, 1.2e6, 0.8),
    _Use(0.02, 22, TCP, False, 300, 2e6, 40_000, 1.6),
)
_PER_HOUR = {
    "household": 14, "empty_home": 2, "shop": 10, "restaurant": 8, "office": 90, "school": 120, "hotel": 120,
    "hospital": 150, "server_room": 200, "gpu_server": 60, "data_centre": 400, "ev_charger": 6,
}  # fmt: skip
"""Flows in a busy hour; 8 for all other classes."""

_SERVING = ("data_centre", "server_room")


def log_window(site: Site, hour: int) -> Window:
    """Return the local hour that is logged."""
    first, end = week_of_captures(site.plan)
    day = first + timedelta(days=int(stream(site.plan.seed, site.name, "log").integers((end - first).days)))
    start = site.midnight_us(day) + hour * 3_600_000_000
    return Window(start, start + 3_600_000_000)


def records(site: Site, window: Window) -> list[FlowRecord]:
    """Return the flows of one hour, ordered by their start."""
    seed, at = site.plan.seed, moment(window.start_us)
    found: list[FlowRecord] = []
    for speaker in speakers(site, at):
        subject = speaker.customer.usage_point_id
        rng = stream(seed, "hour", subject, window.start_us)
        found += _ordinary(rng, speaker, window, site)
        contacts = mine_contacts(seed, speaker, drawn_at(site, subject, at), window)
        if speaker.customer.infected:
            contacts += infected_contacts(seed, speaker, share_on_at(site, at), window)
        found += [_mining(rng, contact, window) for contact in contacts]
    return sorted(found)


def _ordinary(rng: Rng, speaker: Speaker, window: Window, site: Site) -> Iterator[FlowRecord]:
    kind, mine = speaker.customer.kind, speaker.customer.mine
    busy = _PER_HOUR.get(kind, 8) * _activity(site, kind, window)
    if mine is not None and mine.kind not in ("home", "institution", "factory", "data_centre", "night_only"):
        busy, kind = 2.0, ""
    number = int(rng.poisson(busy))
    ports, uses = ports_of(rng, speaker), rng.choice(len(_USES), number, p=[use.share for use in _USES])
    wide = rng.standard_normal((number, 3))
    starts = rng.integers(window.start_us, window.end_us, number)
    for use, (a, b, c), start in zip((_USES[int(n)] for n in uses), wide, starts, strict=True):
        up, down = use.up * np.exp(use.spread * b), use.down * np.exp(use.spread * c)
        lasts = min(use.seconds * np.exp(0.8 * a) * 1e6, 3.5e9)
        index = int(rng.integers(506))
        inner, outer = Side(speaker.ip, next(ports)), Side(web_server(index), use.port)
        name = site_name(index) if use.named else ""
        if kind in _SERVING and use.port == 443:  # asked from outside
            inner, outer = Side(web_server(index), int(rng.integers(1024, 65536))), Side(speaker.ip, 443)
            down, name = 30 * down, f"www.s{speaker.customer.number}.example" if use.named else ""
        yield _record(int(start), int(start + lasts), (inner, outer, use.protocol), (up, down), name)


def _activity(site: Site, kind: str, window: Window) -> float:
    local = moment(window.start_us).astimezone(site.plan.zone)
    if kind in _SERVING:
        return 0.5 if local.hour < 6 else 1.0
    if kind in ("household", "empty_home", "hotel"):
        return 0.12 if local.hour < 6 else 1.0 if local.hour >= 18 else 0.45
    open_now = is_workday(local.date()) and 8 <= local.hour < 18
    return 1.0 if open_now else 0.08


def _mining(rng: Rng, contact: Contact, window: Window) -> FlowRecord:
    start = window.start_us + int(rng.uniform(0, 6e7))
    end = window.end_us - int(rng.uniform(0, 6e7))
    jobs, shares = (end - start) / 1e6 / contact.job_s, (end - start) / 1e6 / contact.share_s
    up = 220 * shares * rng.uniform(0.9, 1.1) + 600
    down = (90 * shares + contact.job_bytes * jobs) * rng.uniform(0.9, 1.1) + 900
    sides = (contact.client, contact.server, contact.protocol)
    record = _record(start, end, sides, (up, down), contact.name)
    packets = int(1.6 * shares + jobs) + 8
    return record._replace(up_packets=packets, down_packets=packets + int(jobs))


def _record(
    start_us: int, end_us: int, sides: tuple[Side, Side, int], sizes: tuple[float, float], name: str
) -> FlowRecord:
    up, down = (int(size) + 60 for size in sizes)
    packets = (up // 700 + down // 2800 + 3, down // 1400 + up // 1400 + 2)
    return FlowRecord(start_us, end_us, *sides, up, down, *packets, name)
