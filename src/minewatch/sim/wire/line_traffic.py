"""Counts of leased lines by the hour, as carriers read them off their ports.

Assumed: carriers count the lines of businesses from 45 kVA on; a line whose subscriber sits behind a
landlord's router cannot be told from the others there and is not counted; one carrier reads bytes alone
(IF-MIB), the others know peers from IPFIX; a hundredth of all hours is lost.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.schema.network_tables import LINE_TRAFFIC
from minewatch.sim.county import CountyPlan, Customer
from minewatch.sim.leases import CARRIERS, Line, Stay
from minewatch.sim.loads.shapes import Rng
from minewatch.sim.mines import nothing_else
from minewatch.sim.scene import Floats, scene_of
from minewatch.sim.streams import stream
from minewatch.sim.wire.drawn import Drawn
from minewatch.sim.wire.uses import USES, Clock, Machines, Moved, mine, together, use_of

COUNTED_KVA = 45.0
"""Contract size from which a line is counted."""

_BYTES_ONLY = CARRIERS[2]
_LOST, _MOST_LAYERS = 0.01, 2
_TYPICAL_LOAD = 0.25
"""Mean load of an account without curves, as a share of its contract."""


class Sites(NamedTuple):
    """Customers of a partition with their lines, curves (kW by usage point) and what their mines draw."""

    customers: tuple[Customer, ...]
    lines: Mapping[int, Line]
    curves: Mapping[str, Floats]
    drawn: Mapping[str, Drawn]


def curves_by_account(readings: pa.Table) -> dict[str, Floats]:
    """Return usage point → its curve, kW, from rows of ``interval_readings`` ordered by account and day."""
    days: dict[str, list[Floats]] = {}
    for name, kw in zip(readings["usage_point_id"].to_pylist(), readings["kw"], strict=True):
        days.setdefault(name, []).append(kw.values.to_numpy(zero_copy_only=False).astype(np.float64))
    return {name: np.concatenate(each) for name, each in days.items()}


def line_traffic(plan: CountyPlan, sites: Sites) -> pa.Table:
    """Return the rows of ``line_traffic`` of one partition, ordered by line and hour."""
    rows = [
        table
        for customer in sites.customers
        if customer.number in sites.lines and customer.contract_kva >= COUNTED_KVA
        for table in _counts(plan, customer, sites)
    ]
    every = pa.concat_tables([LINE_TRAFFIC.empty_table(), *rows])
    return every.sort_by([(name, "ascending") for name in ("prefix", "port_low", "hour")])


def _counts(plan: CountyPlan, customer: Customer, sites: Sites) -> Iterator[pa.Table]:
    line = sites.lines[customer.number]
    stays = [stay for stay in line.stays if len(stay.hops) <= _MOST_LAYERS]
    if not stays:
        return
    rng = stream(plan.seed, customer.usage_point_id, "line traffic")
    moved = _moved(rng, plan, customer, sites)
    kept = rng.random(24 * plan.days) >= _LOST
    for stay in stays:
        yield _rows(plan, line, stay, moved, kept)


def _moved(rng: Rng, plan: CountyPlan, customer: Customer, sites: Sites) -> Moved:
    clock = _clock(plan, customer)
    drawn = sites.drawn.get(customer.usage_point_id)
    running = np.zeros(24 * plan.days) if drawn is None else _hourly(drawn.share, plan)
    parts = []
    if customer.mine is None or not nothing_else(customer.mine.kind):
        metered_kw = running * customer.mine.power_kw if customer.mine and customer.mine.metered else 0.0
        kw = np.maximum(_kw(plan, customer, sites) - metered_kw, 0.0)
        parts.append(USES[use_of(rng, customer.kind)](rng, clock, kw))
    if customer.mine is not None:
        machines = sum(count for _, count in customer.mine.machines)
        parts.append(mine(rng, clock, Machines(machines, np.clip(running, 0, 1.1))))
    return together(parts)


def _clock(plan: CountyPlan, customer: Customer) -> Clock:
    workday = scene_of(plan, customer.region_code).workday
    return Clock(np.tile(np.arange(24), plan.days), np.repeat(workday, 24))


def _kw(plan: CountyPlan, customer: Customer, sites: Sites) -> Floats:
    typical = np.full(24 * plan.days, _TYPICAL_LOAD * customer.contract_kva)
    curve = sites.curves.get(customer.usage_point_id)
    if curve is None:
        return typical
    kw = _hourly(curve, plan)
    known = np.isfinite(kw)
    return np.where(known, kw, np.nanmean(kw)) if known.any() else typical


def _hourly(values: Floats, plan: CountyPlan) -> Floats:
    """Return the first reading there is in each hour: enough to say how busy a site is."""
    each = values.reshape(24 * plan.days, -1)
    first = np.argmax(np.isfinite(each), axis=1)
    return np.asarray(each[np.arange(len(each)), first])


def _rows(plan: CountyPlan, line: Line, stay: Stay, moved: Moved, kept: npt.NDArray[np.bool_]) -> pa.Table:
    hop = stay.hops[-1]
    start = datetime.combine(plan.start_on, time(), plan.zone).astimezone(UTC)
    first, last = _hours(start, stay, kept.size)
    places = first + np.flatnonzero(kept[first:last])
    hour = np.datetime64(start.replace(tzinfo=None), "us") + places * np.timedelta64(timedelta(hours=1))
    told = line.carrier != _BYTES_ONLY
    numbers = [moved.peers[places].astype(np.int64), moved.addresses[places].astype(np.int64)]
    columns = [
        _repeated(hop.ip, places.size, pa.string()),
        _repeated(hop.port_low, places.size, pa.int32()),
        _repeated(hop.port_high, places.size, pa.int32()),
        pa.array(hour).cast(LINE_TRAFFIC.field("hour").type),
        pa.array(moved.inbound[places]),
        pa.array(moved.outbound[places]),
        *(pa.array(values) if told else pa.nulls(places.size, pa.int64()) for values in numbers),
        _repeated(line.carrier, places.size, pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=LINE_TRAFFIC)


def _repeated(value: str | int, number: int, kind: pa.DataType) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), number)


def _hours(start: datetime, stay: Stay, hours: int) -> tuple[int, int]:
    """Return the hours (first, last + 1) of the period that begin within a stay."""

    def place(instant: datetime) -> int:
        return min(max(-((start - instant) // timedelta(hours=1)), 0), hours)

    return place(stay.valid_from), hours if stay.valid_to is None else place(stay.valid_to)
