"""Simulated mines put behind the meters of innocent customers, so that every background has had one."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.runs.training.meter_lists import Curve, curves_by_customer
from minewatch.sim.county import CountyPlan, MinePlan, SimulatedPartition
from minewatch.sim.loads.mining import mining_load
from minewatch.sim.mines import draw_mine
from minewatch.sim.scene import STEP_MINUTES, scene_of
from minewatch.sim.truth import TRUTH

Floats = npt.NDArray[np.float64]

_KINDS = ("home", "factory", "whole_farm", "institution", "data_centre", "night_only", "price_following")
_LEAST_KW = 0.4
"""The smallest machine there is."""
_POWER_FACTOR = (0.965, 0.998)
"""Of mines; as in ``minewatch.sim.history``."""
_PHASE_KV = 0.22
_USUAL_ANGLE = float(np.arccos(0.95))
"""Between voltage and current of a customer without reactive readings."""


def injected(county: SimulatedPartition, plan: CountyPlan, share: float, seed: int) -> SimulatedPartition:
    """Return ``county`` with a mine of 0.3 to 10 times its load behind ``share`` of its innocent customers.

    The mine's shape is that of a drawn mine, its size is scaled; it adds to active and reactive power and to
    the currents, where the customer has them, and contracts grow to what is then needed. The truth tells of
    those customers alone, so that the others are neighbours and no examples.
    """
    rng = np.random.default_rng([seed, 3])
    customers = curves_by_customer(county.tables["interval_readings"])
    told = [row for row in innocents_of(county) if row["usage_point_id"] in customers]
    chosen = [row for row in told if rng.random() < share]
    parts = [_Injected(rng, plan, row, customers[row["usage_point_id"]]) for row in chosen]
    mined = {part.usage_point_id: part for part in parts if part.mine_kw.max() > 0}
    readings = [mined[name].readings() if name in mined else rows for name, rows in customers.items()]
    mining = [part.mining() for part in mined.values()] or [TRUTH["truth_mining"].empty_table()]
    truths = [part.truth() for part in mined.values()]
    return replace(
        county,
        tables={
            **county.tables,
            "interval_readings": pa.concat_tables(readings)
            if readings
            else county.tables["interval_readings"],
            "usage_points": _points(county.tables["usage_points"], mined, rng),
        },
        truth={
            "truth_usage_points": pa.Table.from_pylist(truths, schema=TRUTH["truth_usage_points"]),
            "truth_mining": pa.concat_tables(mining),
        },
    )


def innocents_of(county: SimulatedPartition) -> list[dict[str, Any]]:
    """Return the rows of ``truth_usage_points`` of accounts without a mine."""
    return [row for row in county.truth["truth_usage_points"].to_pylist() if row["mine_kind"] is None]


class _Injected:
    """One customer with its mine."""

    def __init__(
        self, rng: np.random.Generator, plan: CountyPlan, told: dict[str, Any], rows: pa.Table
    ) -> None:
        self._plan, self._told, self._rows = plan, told, rows
        self.usage_point_id: str = told["usage_point_id"]
        self.kind = str(rng.choice(_KINDS))
        mine = draw_mine(rng, plan, self.kind, "injected")
        curve = Curve.of(rows)
        mean_kw = float(np.nanmean(curve.kw)) if np.isfinite(curve.kw).any() else 0.0
        wanted_kw = max(mean_kw * 10 ** rng.uniform(-0.5, 1), _LEAST_KW)
        self.mine_kw = _scaled(rng, plan, mine, wanted_kw)
        self.curve = _with_mine(rng, curve, self.mine_kw, _phase_shares(rng, mine))

    def readings(self) -> pa.Table:
        """Rows of ``interval_readings``."""
        return self.curve.rows_like(self._rows)

    def mining(self) -> pa.Table:
        """Rows of ``truth_mining``."""
        columns = {
            "usage_point_id": self._rows["usage_point_id"],
            "day": self._rows["day"],
            "kw": pa.FixedSizeListArray.from_arrays(
                pa.array(self.mine_kw.astype(np.float32)), self.mine_kw.size // self._plan.days
            ).cast(TRUTH["truth_mining"].field("kw").type),
        }
        return pa.table(columns).cast(TRUTH["truth_mining"])

    def truth(self) -> dict[str, Any]:
        """Row of ``truth_usage_points``."""
        on = np.flatnonzero(self.mine_kw > 0)
        midnight = datetime.combine(self._plan.start_on, time(), self._plan.zone)
        onset_at = midnight + timedelta(minutes=self._plan.interval_minutes) * int(on[0])
        return {**self._told, "mine_kind": self.kind, "metered": True, "onset_at": onset_at}


def _scaled(rng: np.random.Generator, plan: CountyPlan, mine: MinePlan, wanted_kw: float) -> Floats:
    kw = mining_load(rng, scene_of(plan, plan.region_of(0)), mine)
    kw = kw.reshape(-1, plan.interval_minutes // STEP_MINUTES).mean(axis=1)
    on = kw[kw > 0.3 * kw.max()]
    return kw * (wanted_kw / np.median(on)) if on.size else kw


def _phase_shares(rng: np.random.Generator, mine: MinePlan) -> Floats:
    """Shares of the phases: whole machines, one after the other or as it came."""
    number = sum(count for _, count in mine.machines)
    careful = rng.random() < 0.7
    phases = np.arange(number) % 3 + rng.integers(0, 3) if careful else rng.integers(0, 3, number)
    counts = np.bincount(phases % 3, minlength=3)
    return np.asarray(counts / counts.sum(), np.float64)


def _with_mine(rng: np.random.Generator, curve: Curve, mine_kw: Floats, shares: Floats) -> Curve:
    """Add a mine's active and reactive power to a customer's, on each phase by its share."""
    mine_kvar = mine_kw * np.tan(np.arccos(rng.uniform(*_POWER_FACTOR)))
    kvar = None if curve.kvar is None else curve.kvar + mine_kvar
    current_a = None
    if curve.current_a is not None:
        angle = _USUAL_ANGLE if curve.kvar is None else np.arctan2(curve.kvar, curve.kw)
        apparent = curve.current_a * _PHASE_KV * np.exp(1j * np.asarray(angle))
        current_a = np.abs(apparent + np.outer(shares, mine_kw + 1j * mine_kvar)) / _PHASE_KV
    return Curve(curve.kw + mine_kw, kvar, current_a)


def _points(points: pa.Table, mined: dict[str, _Injected], rng: np.random.Generator) -> pa.Table:
    rows = points.to_pylist()
    for row in rows:
        if part := mined.get(row["usage_point_id"]):
            needed = float(np.nanmax(part.curve.kw)) * rng.uniform(1.05, 1.5)
            row["contract_kva"] = round(max(row["contract_kva"], needed), 1)
    return pa.Table.from_pylist(rows, schema=points.schema)
