"""One partition put together: true loads, transformers, meters, tables and truth."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.schema.tables import TABLES
from minewatch.sim.applications import applications
from minewatch.sim.county import CountyPlan, Customer, SimulatedPartition
from minewatch.sim.curves import DayRows
from minewatch.sim.grid import Rating, outages, rating_for, shifted, supply_of
from minewatch.sim.history import History, history
from minewatch.sim.loads.shapes import Rng, log_uniform
from minewatch.sim.metering import delivered, draw_loss_rate, measured, meter_for
from minewatch.sim.roster import feeder_of, roster
from minewatch.sim.scene import STEP_MINUTES, Floats, Scene, scene_of
from minewatch.sim.streams import stream
from minewatch.sim.truth import TRUTH

PHASE_KV = 0.22


def partition(plan: CountyPlan, number: int) -> SimulatedPartition:
    """Simulate partition ``number`` of ``plan`` alone.

    Tables: usage_points, transformers, interval_readings, transformer_readings, applications; truth:
    truth_usage_points, truth_mining, truth_transformers. Raises IndexError for a number outside the plan.
    """
    customers = roster(plan, number)
    by_transformer: dict[str, list[Customer]] = defaultdict(list)
    for customer in customers:
        by_transformer[customer.transformer_id].append(customer)
    build = _Build(plan, number, scene_of(plan, plan.region_of(number)))
    for transformer_id, supplied in by_transformer.items():
        build.transformer(transformer_id, supplied)
    return SimulatedPartition(number, customers, build.tables(customers), build.truth())


class _Build:
    """Collects the rows of a partition, transformer by transformer."""

    def __init__(self, plan: CountyPlan, number: int, scene: Scene) -> None:
        self._plan, self._number, self._scene = plan, number, scene
        self._fold = plan.interval_minutes // STEP_MINUTES
        self._readings = DayRows(plan, "usage_point_id")
        self._supplies = DayRows(plan, "transformer_id")
        self._mining = DayRows(plan, "usage_point_id")
        self._truths: list[pa.Table] = []
        self._points: list[dict[str, Any]] = []
        self._transformers: list[dict[str, Any]] = []

    def transformer(self, transformer_id: str, supplied: list[Customer]) -> None:
        """Add a transformer with its customers."""
        rng = stream(self._plan.seed, self._number, transformer_id, "transformer")
        dark = outages(rng, self._plan.days, self._scene.periods)
        kw, kvar, legal = (np.zeros((3, self._scene.periods)) for _ in range(3))
        export, bypass = np.zeros(self._scene.periods), np.zeros(self._scene.periods)
        for customer in supplied:
            past = history(self._plan, self._number, self._scene, customer)
            lit = 1 - dark
            rest = (past.net_kw + past.bypass_kw - past.mine_kw) * lit
            mine, unmetered = past.mine_kw * lit, past.bypass_kw * lit
            kw += np.outer(past.rest_share, rest) + np.outer(past.mine_share, mine)
            kvar += np.outer(past.rest_share, (past.kvar + past.bypass_kvar) * lit)
            legal += np.outer(past.rest_share, past.net_kw * lit)
            export += np.clip(-past.net_kw * lit, 0, None)
            bypass += unmetered
            self._customer(customer, past, lit)
        rating = rating_for(_peak_kva(legal.sum(axis=0), kvar.sum(axis=0)) / rng.uniform(0.55, 0.95))
        self._supply(rng, (transformer_id, supplied[0]), (kw, kvar, dark), (export, bypass), rating)

    def _customer(self, customer: Customer, past: History, lit: Floats) -> None:
        rng = stream(self._plan.seed, self._number, customer.number, "meter")
        mine = past.mine_kw * lit
        self._points.append(_point_truth(self._plan, customer, past, mine))
        if customer.mine is not None:
            self._mining.add(customer.usage_point_id, {"kw": self._folded(mine)})
        net, kvar = self._folded(past.net_kw * lit), self._folded(past.kvar * lit)
        values, quality = self._metered(rng, customer, net)
        columns: dict[str, npt.NDArray[Any]] = {"kw": values, "quality": quality}
        missing = np.isnan(values)
        if customer.contract_kva >= 45:
            meter = meter_for(rng, customer.contract_kva)
            step = max(meter.step_kw, 1e-3)
            columns["kvar"] = np.where(missing, np.nan, np.round(kvar / step) * step)
        if customer.phase is None:
            metered_mine = self._folded(mine - past.bypass_kw * lit)
            phases = np.outer(past.rest_share, net - metered_mine) + np.outer(past.mine_share, metered_mine)
            apparent = np.hypot(phases, np.outer(past.rest_share, kvar))
            columns["current_a"] = np.where(missing, np.nan, np.round(apparent / PHASE_KV, 2))
        self._readings.add(customer.usage_point_id, columns)

    def _metered(self, rng: Rng, customer: Customer, net: Floats) -> tuple[Floats, npt.NDArray[np.uint8]]:
        hours = self._plan.interval_minutes / 60
        values = measured(net, meter_for(rng, customer.contract_kva), hours)
        if rng.random() < 0.02 * self._plan.days / 365:  # the meter is exchanged
            at = int(rng.integers(0, net.size))
            later = measured(net, meter_for(rng, customer.contract_kva), hours)
            values = np.where(np.arange(net.size) < at, values, later)
            values[at : at + int(rng.integers(1, 12))] = np.nan
        if customer.opened_on > self._plan.start_on:
            first = (customer.opened_on - self._plan.start_on).days * (1440 // self._plan.interval_minutes)
            values[:first] = np.nan
        return delivered(rng, values, 1440 // self._plan.interval_minutes, draw_loss_rate(rng))

    def _supply(
        self,
        rng: Rng,
        identity: tuple[str, Customer],
        loads: tuple[Floats, Floats, Floats],
        beside: tuple[Floats, Floats],
        rating: Rating,
    ) -> None:
        transformer_id, first = identity
        supply = supply_of(loads[0], loads[1], rating, rng.uniform(0.002, 0.03), loads[2])
        fast = float(np.round(rng.uniform(-12, 12), 1)) if rng.random() < 0.03 else 0.0
        kw, kvar = self._folded(supply.kw), self._folded(supply.kvar)
        if fast:
            step = float(self._plan.interval_minutes)
            kw, kvar = shifted(kw, fast, step), shifted(kvar, fast, step)
        total = np.round(kw.sum(axis=0), 3)
        values, quality = delivered(
            rng, total, 1440 // self._plan.interval_minutes, log_uniform(rng, 0.0001, 0.004)
        )
        missing = np.isnan(values)
        current = np.where(missing, np.nan, np.round(np.hypot(kw, kvar) / PHASE_KV, 2))
        reactive = np.where(missing, np.nan, np.round(kvar.sum(axis=0), 3))
        self._supplies.add(
            transformer_id, {"kw": values, "kvar": reactive, "current_a": current, "quality": quality}
        )
        self._transformers.append(_transformer_row(transformer_id, first, rating))
        truth = DayRows(self._plan, "transformer_id")
        lists = {"unmetered_kw": beside[1], "loss_kw": supply.loss_kw, "export_kw": beside[0]}
        truth.add(transformer_id, {name: self._folded(values) for name, values in lists.items()})
        clock = pa.array(np.full(self._plan.days, fast))
        self._truths.append(truth.table().append_column("clock_fast_min", clock))

    def _folded(self, values: Floats) -> Floats:
        if self._fold == 1:
            return values
        mean: Floats = values.reshape(*values.shape[:-1], -1, self._fold).mean(axis=-1)
        return mean

    def tables(self, customers: tuple[Customer, ...]) -> dict[str, pa.Table]:
        """Return the canonical tables."""
        return {
            "usage_points": _rows("usage_points", map(_usage_point_row, customers)),
            "transformers": _rows("transformers", self._transformers),
            "interval_readings": self._readings.as_table("interval_readings"),
            "transformer_readings": self._supplies.as_table("transformer_readings"),
            "applications": _rows("applications", applications(self._plan, self._number, customers)),
        }

    def truth(self) -> dict[str, pa.Table]:
        """Return the truth tables."""
        curves = pa.concat_tables(self._truths).select(TRUTH["truth_transformers"].names)
        return {
            "truth_usage_points": pa.Table.from_pylist(self._points, schema=TRUTH["truth_usage_points"]),
            "truth_mining": self._mining.cast_to(TRUTH["truth_mining"]),
            "truth_transformers": curves.cast(TRUTH["truth_transformers"]),
        }


def _peak_kva(kw: Floats, kvar: Floats) -> float:
    return float(np.quantile(np.hypot(kw, kvar), 0.999))


def _rows(table: str, rows: Iterable[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=TABLES[table].schema)


def _usage_point_row(customer: Customer) -> dict[str, Any]:
    return {
        "usage_point_id": customer.usage_point_id,
        "region_code": customer.region_code,
        "lon": customer.lon,
        "lat": customer.lat,
        "transformer_id": customer.claimed_transformer_id,
        "feeder_id": feeder_of(customer.claimed_transformer_id),
        "tariff_class": customer.tariff_class,
        "voltage_kv": customer.voltage_kv,
        "contract_kva": customer.contract_kva,
        "industry_code": customer.industry_code or None,
        "opened_on": customer.opened_on,
        "closed_on": customer.closed_on,
    }


def _transformer_row(transformer_id: str, first: Customer, rating: Rating) -> dict[str, Any]:
    return {
        "transformer_id": transformer_id,
        "feeder_id": first.feeder_id,
        "region_code": first.region_code,
        "lon": first.lon,
        "lat": first.lat,
        **rating._asdict(),
    }


def _point_truth(plan: CountyPlan, customer: Customer, past: History, mine_kw: Floats) -> dict[str, Any]:
    mine = customer.mine
    row: dict[str, Any] = {
        "usage_point_id": customer.usage_point_id,
        "kind": customer.kind,
        "mining_kwh": float(np.round(mine_kw.sum() * STEP_MINUTES / 60, 3)),
        "infected": customer.infected,
        "true_transformer_id": customer.transformer_id,
        "changes": list(past.changes),
    }
    if mine is None:
        return row
    start = datetime.combine(plan.start_on, datetime.min.time(), plan.zone).astimezone(UTC)
    on = np.flatnonzero(mine_kw > 0.02 * mine.power_kw)
    step = timedelta(minutes=STEP_MINUTES)
    ended = bool(on.size) and mine.end_on is not None and mine.end_on <= plan.end_on
    return row | {
        "mine_kind": mine.kind,
        "site": mine.site,
        "machines": [{"model": model, "count": count} for model, count in mine.machines],
        "algorithm": mine.algorithm,
        "power_kw": mine.power_kw,
        "metered": mine.metered,
        "onset_at": start + step * int(on[0]) if on.size else None,
        "ended_at": start + step * int(on[-1] + 1) if ended else None,
    }
