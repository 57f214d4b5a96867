"""Simulated mines put behind the meters of innocent customers, so that every background has had one."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.schema.tables import TABLES
from minewatch.sim.county import CountyPlan, MinePlan, SimulatedPartition
from minewatch.sim.loads.mining import mining_load
from minewatch.sim.mines import draw_mine
from minewatch.sim.scene import STEP_MINUTES, scene_of
from minewatch.sim.truth import TRUTH

Floats = npt.NDArray[np.float64]

READ = ["usage_point_id", "day", "interval_minutes", "kw"]
"""Columns of readings that a curve is made of."""

_KINDS = ("home", "factory", "whole_farm", "institution", "data_centre", "night_only", "price_following")
_LEAST_KW = 0.4
"""The smallest machine there is."""


def injected(county: SimulatedPartition, plan: CountyPlan, share: float, seed: int) -> SimulatedPartition:
    """Return ``share`` of the innocent customers of ``county``, each with a mine of 0.3 to 10 times its load.

    The mine's shape is that of a drawn mine, its size is scaled; contracts grow to what is then needed.
    """
    rng = np.random.default_rng([seed, 3])
    told = county.truth["truth_usage_points"].to_pylist()
    chosen = [row for row in told if row["mine_kind"] is None and rng.random() < share]
    customers = curves_by_customer(county.tables["interval_readings"])
    parts = [_Injected(rng, plan, row, customers[row["usage_point_id"]]) for row in chosen]
    parts = [part for part in parts if part.mine_kw.max() > 0]
    return replace(
        county,
        tables={
            "interval_readings": pa.concat_tables(
                [part.readings() for part in parts]
                or [TABLES["interval_readings"].schema.empty_table().select(READ)]
            ),
            "usage_points": _points(county.tables["usage_points"], parts, rng),
        },
        truth={
            "truth_usage_points": pa.Table.from_pylist(
                [part.truth() for part in parts], schema=TRUTH["truth_usage_points"]
            ),
            "truth_mining": pa.concat_tables(
                [part.mining() for part in parts] or [TRUTH["truth_mining"].empty_table()]
            ),
        },
    )


def curves_by_customer(readings: pa.Table) -> dict[str, pa.Table]:
    """Return the rows of each customer, columns ``READ``; they have to stand together."""
    readings = readings.select(READ).combine_chunks()
    runs = pc.run_end_encode(readings["usage_point_id"].combine_chunks(), run_end_type=pa.int64())
    ends = runs.run_ends.to_pylist()
    starts = [0, *ends[:-1]]
    names = runs.values.to_pylist()
    return {n: readings.slice(a, b - a) for n, a, b in zip(names, starts, ends, strict=True)}


class _Injected:
    """One customer with its mine."""

    def __init__(
        self, rng: np.random.Generator, plan: CountyPlan, told: dict[str, Any], rows: pa.Table
    ) -> None:
        self._plan, self._told, self._rows = plan, told, rows
        self.usage_point_id: str = told["usage_point_id"]
        self.kind = str(rng.choice(_KINDS))
        mine = draw_mine(rng, plan, self.kind, "injected")
        rest = rows["kw"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        mean_kw = float(np.nanmean(rest)) if np.isfinite(rest).any() else 0.0
        wanted_kw = max(mean_kw * 10 ** rng.uniform(-0.5, 1), _LEAST_KW)
        self.mine_kw = _scaled(rng, plan, mine, wanted_kw)
        self.kw = (rest + self.mine_kw).astype(np.float32)

    def readings(self) -> pa.Table:
        """Rows of ``interval_readings``."""
        offsets = self._rows["kw"].combine_chunks().offsets.to_numpy()
        lists = pa.ListArray.from_arrays(pa.array(offsets - offsets[0]), pa.array(self.kw))
        return self._rows.set_column(3, self._rows.field(3), lists.cast(self._rows.field(3).type))

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


def _points(points: pa.Table, parts: list[_Injected], rng: np.random.Generator) -> pa.Table:
    largest = {part.usage_point_id: float(np.nanmax(part.kw)) for part in parts}
    rows = [row for row in points.to_pylist() if row["usage_point_id"] in largest]
    for row in rows:
        needed = largest[row["usage_point_id"]] * rng.uniform(1.05, 1.5)
        row["contract_kva"] = round(max(row["contract_kva"], needed), 1)
    return pa.Table.from_pylist(rows, schema=points.schema)
