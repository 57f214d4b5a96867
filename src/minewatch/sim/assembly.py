"""One partition put together: true loads, transformers, feeders, meters, tables and truth."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.schema.tables import TABLES
from minewatch.sim.applications import applications
from minewatch.sim.archives import mine_truth, place_rows, point_truth, transformer_row, usage_point_row
from minewatch.sim.area import NO_LOAD_V, Area
from minewatch.sim.county import CountyPlan, Customer, SimulatedPartition
from minewatch.sim.curves import DayRows, as_stored
from minewatch.sim.daily import daily_rows
from minewatch.sim.grid import clock_error, outages, rating_for, shifted
from minewatch.sim.history import History, history
from minewatch.sim.loads.lookalikes import street_light
from minewatch.sim.loads.shapes import Rng, log_uniform
from minewatch.sim.low_voltage import PHASE_KV, draw_layout
from minewatch.sim.medium_voltage import LINE_KV, Head, Tap, bus_voltage, feeder_row, head_of, tap_kw, taps
from minewatch.sim.metering import (
    DIRECT_LV_KVA,
    Reading,
    delivered,
    draw_loss_rate,
    measured,
    meter_for,
    voltage_shown,
    with_dead_link,
)
from minewatch.sim.roster import feeder_of, roster
from minewatch.sim.scene import STEP_MINUTES, Floats, Scene, scene_of
from minewatch.sim.streams import stream
from minewatch.sim.truth import TRUTH

__all__ = ["PHASE_KV", "partition"]

CLASS_ERROR = 0.002
"""Spread of a supply meter's constant error, as a share: class 0.5 S with its transformers, assumed."""

Columns = dict[str, npt.NDArray[Any]]

MOST_LOST = 0.06
"""Largest share of the rated power that lines of a shared transformer lose at rated load, assumed: areas are
reported with 1 to 5 % of loss in all (台区线损率) at a third of that load."""

LIT_AREAS = 0.12
"""Share of shared transformers with street lights that no meter counts, of 0.3 to 3 kW; assumed."""


def partition(plan: CountyPlan, number: int) -> SimulatedPartition:
    """Simulate partition ``number`` of ``plan`` alone.

    Tables: usage_points, transformers, feeders, the readings of each, daily_readings, applications; truth:
    truth_usage_points, truth_places, truth_mining, truth_transformers, truth_feeders, truth_feeder_mines.
    Raises IndexError for a number outside the plan.
    """
    customers = roster(plan, number)
    by_transformer: dict[str, list[Customer]] = defaultdict(list)
    for customer in customers:
        by_transformer[customer.transformer_id].append(customer)
    build = _Build(plan, number, scene_of(plan, plan.region_of(number)))
    tapped = {tap.feeder_id: tap for tap in taps(plan, number, customers)}
    for feeder_id, transformers in groupby(by_transformer, feeder_of):
        fed = (build.transformer(each, by_transformer[each]) for each in transformers)
        build.feeder(feeder_id, list(fed), tapped.get(feeder_id))
    return SimulatedPartition(number, customers, build.tables(customers), build.truth())


class _Metered(NamedTuple):
    """What comes of one account's meter, and what its own current takes off its voltage, V."""

    customer: Customer
    columns: Columns
    sag_v: Floats


class _Fed(NamedTuple):
    """A transformer before its feeder's voltage is known.

    ``kw`` and ``kvar`` (periods,) are what it takes; ``inside_v`` (3, intervals) and ``fallen_v``
    (boxes, 3, intervals) the voltage that falls in it and on its lines, ``lit`` (intervals,) what is
    supplied of each interval.
    """

    transformer_id: str
    kw: Floats
    kvar: Floats
    columns: Columns
    inside_v: Floats
    fallen_v: Floats
    lit: Floats
    accounts: list[_Metered]


class _Build:
    """Collects the rows of a partition, feeder by feeder."""

    def __init__(self, plan: CountyPlan, number: int, scene: Scene) -> None:
        self._plan, self._number, self._scene = plan, number, scene
        self._per_day = 1440 // plan.interval_minutes
        self._bus = bus_voltage(self._stream("bus"), scene)
        self._rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._daily: list[pa.Table] = []
        self._clocks: dict[str, list[Floats]] = defaultdict(list)
        self._curves = {
            "interval_readings": DayRows(plan, "usage_point_id"),
            "transformer_readings": DayRows(plan, "transformer_id"),
            "feeder_readings": DayRows(plan, "feeder_id"),
            "truth_mining": DayRows(plan, "usage_point_id"),
            "truth_transformers": DayRows(plan, "transformer_id"),
            "truth_feeders": DayRows(plan, "feeder_id"),
        }

    def _stream(self, *names: object) -> Rng:
        return stream(self._plan.seed, self._number, *names)

    def transformer(self, transformer_id: str, supplied: list[Customer]) -> _Fed:
        """Add a transformer with its customers, all but their voltages."""
        rng, lines = self._stream(transformer_id, "transformer"), self._stream(transformer_id, "lines")
        area = Area(draw_layout(lines, supplied), outages(rng, self._plan.days, self._scene.periods))
        accounts = []
        for place, customer in enumerate(supplied):
            past = history(self._plan, self._number, self._scene, customer)
            sag_v = area.add(place, customer, past)
            accounts.append(_Metered(customer, self._customer(customer, past, area.lit), self._small(sag_v)))
        rating = rating_for(_peak_kva(area.legal_kw, area.kvar.sum(axis=0)) / rng.uniform(0.55, 0.95))
        self._rows["transformers"].append(transformer_row(transformer_id, supplied[0], rating))
        shared = len(supplied) > 1
        lights_kw = self._lights(lines, area, shared)
        supply, scale = area.supply(rating, rng.uniform(0.002, MOST_LOST if shared else MOST_LOST / 2))
        self._rows["truth_places"] += place_rows(supplied, area.layout, scale)
        fast_min = self._clock(rng, transformer_id)
        gain = 1 + self._stream(transformer_id, "accuracy").normal(0, CLASS_ERROR)
        link, power = self._stream(transformer_id, "link"), (supply.kw * gain, supply.kvar * gain)
        columns = self._supply_meter(rng, link, power, fast_min)
        self._clocks["truth_transformers"].append(fast_min)
        told = (area.unmetered_kw, lights_kw, supply.loss_kw, area.export_kw)
        names = ("unmetered_kw", "lights_kw", "loss_kw", "export_kw")
        truth = {name: self._folded(values) for name, values in zip(names, told, strict=True)}
        self._curves["truth_transformers"].add(transformer_id, truth)
        return _Fed(
            transformer_id,
            supply.kw.sum(axis=0),
            supply.kvar.sum(axis=0),
            columns,
            inside_v=self._small(area.fallen_inside(rating)),
            fallen_v=self._small(area.fallen_v),
            lit=self._small(area.lit),
            accounts=accounts,
        )

    def feeder(self, feeder_id: str, fed: Sequence[_Fed], tap: Tap | None) -> None:
        """Add a feeder with its transformers, and give every meter below it its voltage."""
        rng = self._stream(feeder_id, "feeder")
        tapped_kw = np.zeros(self._scene.periods) if tap is None else tap_kw(self._plan, self._scene, tap)
        load = (np.sum([each.kw for each in fed], axis=0), np.sum([each.kvar for each in fed], axis=0))
        head = head_of(rng, self._bus, load, tapped_kw)
        for each in fed:
            if self._plan.voltages:
                self._voltages(each, head)
            self._curves["transformer_readings"].add(each.transformer_id, each.columns)
            for account in each.accounts:
                if account.columns:
                    self._curves["interval_readings"].add(account.customer.usage_point_id, account.columns)
        region = self._plan.region_of(self._number)
        self._rows["feeders"].append(feeder_row(feeder_id, self._number, region, head))
        fast_min = self._clock(rng, feeder_id)
        self._clocks["truth_feeders"].append(fast_min)
        self._curves["feeder_readings"].add(
            feeder_id, self._head_meter(rng, self._stream(feeder_id, "link"), head, fast_min)
        )
        truth = {"unmetered_kw": self._folded(tapped_kw), "loss_kw": self._folded(head.loss_kw)}
        self._curves["truth_feeders"].add(feeder_id, truth)
        if tap is not None:
            energy = {"mining_kwh": round(float(tapped_kw.sum()) * STEP_MINUTES / 60, 3)}
            mine = mine_truth(self._plan, tap.mine, tapped_kw)
            self._rows["truth_feeder_mines"].append({"feeder_id": feeder_id, **mine, **energy})

    def _customer(self, customer: Customer, past: History, lit: Floats) -> Columns:
        rng = self._stream(customer.number, "meter")
        mine = past.mine_kw * lit
        self._rows["truth_usage_points"].append(point_truth(self._plan, customer, past, lit))
        if customer.mine is not None:
            self._curves["truth_mining"].add(customer.usage_point_id, {"kw": self._folded(mine)})
        if customer.reading == "daily":
            reads = self._stream(customer.number, "daily")
            self._daily.append(daily_rows(reads, self._plan, customer, past.net_kw * lit))
        if customer.reading != "interval":
            return {}
        net, kvar = self._folded(past.net_kw * lit), self._folded(past.kvar * lit)
        values, quality = self._metered(rng, customer, net)
        columns: Columns = {"kw": values, "quality": quality}
        missing = np.isnan(values)
        if customer.contract_kva >= DIRECT_LV_KVA:
            meter = meter_for(rng, customer.contract_kva)
            step = max(meter.step_kw, 1e-3)
            columns["kvar"] = np.where(missing, np.nan, np.round(kvar / step) * step)
        if customer.phase is None:
            metered_mine = self._folded(mine - past.bypass_kw * lit)
            phases = np.outer(past.rest_share, net - metered_mine) + np.outer(past.mine_share, metered_mine)
            apparent = np.hypot(phases, np.outer(past.rest_share, kvar))
            columns["current_a"] = np.where(missing, np.nan, np.round(apparent / PHASE_KV, 2))
        return {name: as_stored(curve) for name, curve in columns.items()}

    def _metered(self, rng: Rng, customer: Customer, net: Floats) -> Reading:
        hours = self._plan.interval_minutes / 60
        values = measured(net, meter_for(rng, customer.contract_kva), hours)
        if rng.random() < 0.02 * self._plan.days / 365:  # the meter is exchanged
            at = int(rng.integers(0, net.size))
            later = measured(net, meter_for(rng, customer.contract_kva), hours)
            values = np.where(np.arange(net.size) < at, values, later)
            values[at : at + int(rng.integers(1, 12))] = np.nan
        if customer.opened_on > self._plan.start_on:
            first = (customer.opened_on - self._plan.start_on).days * self._per_day
            values[:first] = np.nan
        reading = delivered(rng, values, self._per_day, draw_loss_rate(rng))
        return with_dead_link(self._stream(customer.number, "link"), reading, self._per_day)

    def _lights(self, rng: Rng, area: Area, shared: bool) -> Floats:
        """Light some streets from a box of the lines, past every meter; returns their power, kW."""
        if not shared or rng.random() > LIT_AREAS:
            return np.zeros(self._scene.periods)
        kw = street_light(rng, self._scene, log_uniform(rng, 0.8, 6))
        phases = range(3) if kw.max() > 1.5 else (int(rng.integers(3)),)
        area.light(int(rng.integers(area.layout.boxes)), phases, kw)
        return kw * area.lit

    def _supply_meter(self, rng: Rng, link: Rng, power: tuple[Floats, Floats], fast_min: Floats) -> Columns:
        """Return what the supply-side meter shows of (kW, kvar), each (3, periods), but for voltages."""
        kw, kvar = (self._by_clock(self._folded(values), fast_min) for values in power)
        columns = self._totals(rng, link, (kw.sum(axis=0), kvar.sum(axis=0)), 3)
        current = np.round(np.hypot(kw, kvar) / PHASE_KV, 2)
        return columns | {"current_a": as_stored(np.where(np.isnan(columns["kw"]), np.nan, current))}

    def _head_meter(self, rng: Rng, link: Rng, head: Head, fast_min: Floats) -> Columns:
        """Return what the meter at a feeder's head shows; steps of 1 kW and 10 V by its ratios."""
        gain = 1 + rng.normal(0, CLASS_ERROR)
        kw, kvar = (self._by_clock(self._folded(values) * gain, fast_min) for values in (head.kw, head.kvar))
        columns = self._totals(rng, link, (kw, kvar), 0)
        spread = 1 + rng.normal(0, (0.012, 0.002), (3, 2))
        amps = np.outer(spread[:, 0], np.hypot(kw, kvar) / (3**0.5 * LINE_KV))
        volts = np.outer(
            spread[:, 1], self._by_clock(self._folded(head.bus), fast_min) * 1000 * LINE_KV / 3**0.5
        )
        missing = np.isnan(columns["kw"])
        columns["current_a"] = as_stored(np.where(missing, np.nan, np.round(amps, 1)))
        if self._plan.voltages:
            columns["voltage_v"] = as_stored(np.where(missing, np.nan, np.round(volts, -1)))
        return columns

    def _totals(self, rng: Rng, link: Rng, power: tuple[Floats, Floats], decimals: int) -> Columns:
        lost = log_uniform(rng, 0.0001, 0.004)
        reading = delivered(rng, np.round(power[0], decimals), self._per_day, lost)
        values, quality = with_dead_link(link, reading, self._per_day)
        reactive = np.where(np.isnan(values), np.nan, np.round(power[1], decimals))
        return {"kw": as_stored(values), "kvar": as_stored(reactive), "quality": quality}

    def _voltages(self, fed: _Fed, head: Head) -> None:
        """Add to the columns of a transformer and its accounts the voltage at their meters.

        A single-phase meter does not know its phase and shows it as the first.
        """
        rng = self._stream(fed.transformer_id, "voltage")
        primary = self._small(head.bus - rng.uniform(0.4, 1.6) * head.fallen)
        ratio = NO_LOAD_V * rng.choice((0.975, 1.0, 1.025), p=(0.2, 0.5, 0.3))
        source = (np.outer(ratio * (1 + rng.normal(0, 0.002, 3)), primary) - fed.inside_v) * fed.lit
        fed.columns["voltage_v"] = voltage_shown(rng, source, fed.columns["kw"])
        for customer, columns, sag_v in fed.accounts:
            if columns:
                phases = slice(None) if customer.phase is None else slice(customer.phase, customer.phase + 1)
                volts = source[phases] - fed.fallen_v[customer.box, phases] - sag_v
                meter = self._stream(customer.number, "voltage")
                columns["voltage_v"] = voltage_shown(meter, volts, columns["kw"])

    def _folded(self, values: Floats) -> Floats:
        fold = self._plan.interval_minutes // STEP_MINUTES
        if fold == 1:
            return values
        mean: Floats = values.reshape(*values.shape[:-1], -1, fold).mean(axis=-1)
        return mean

    def _small(self, values: Floats) -> Floats:
        """Return what voltages are made of, in half the memory; nothing where no meter tells its voltage."""
        return as_stored(self._folded(values)) if self._plan.voltages else np.zeros(0, np.float32)

    def _clock(self, rng: Rng, subject_id: str) -> Floats:
        """Return by how many minutes a supply meter's clock is fast on each day: mostly by none."""
        wrong = float(np.round(rng.uniform(-12, 12), 1)) if rng.random() < 0.03 else 0.0
        return clock_error(self._stream(subject_id, "clock"), wrong, self._plan.days)

    def _by_clock(self, values: Floats, fast_min: Floats) -> Floats:
        if not fast_min.any():
            return values
        return shifted(values, np.repeat(fast_min, self._per_day), float(self._plan.interval_minutes))

    def tables(self, customers: tuple[Customer, ...]) -> dict[str, pa.Table]:
        """Return the canonical tables."""
        return {
            "usage_points": _table("usage_points", map(usage_point_row, customers)),
            "transformers": _table("transformers", self._rows["transformers"]),
            "feeders": _table("feeders", self._rows["feeders"]),
            **{
                name: self._curves[name].as_table(name)
                for name in ("interval_readings", "transformer_readings", "feeder_readings")
            },
            "daily_readings": pa.concat_tables([TABLES["daily_readings"].schema.empty_table(), *self._daily]),
            "applications": _table("applications", applications(self._plan, self._number, customers)),
        }

    def truth(self) -> dict[str, pa.Table]:
        """Return the truth tables."""
        by_row = ("truth_usage_points", "truth_places", "truth_feeder_mines")
        return {
            **{name: pa.Table.from_pylist(self._rows[name], schema=TRUTH[name]) for name in by_row},
            "truth_mining": self._curves["truth_mining"].cast_to(TRUTH["truth_mining"]),
            **{name: self._clocked(name) for name in ("truth_transformers", "truth_feeders")},
        }

    def _clocked(self, name: str) -> pa.Table:
        clocks = pa.array(np.concatenate(self._clocks[name]))
        rows = self._curves[name].table().append_column("clock_fast_min", clocks)
        return rows.select(TRUTH[name].names).cast(TRUTH[name])


def _peak_kva(kw: Floats, kvar: Floats) -> float:
    return float(np.quantile(np.hypot(kw, kvar), 0.999))


def _table(name: str, rows: Iterable[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=TABLES[name].schema)
