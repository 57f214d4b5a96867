"""Several simulated customers behind one meter (总表, 转供电): smoother curves than one customer draws."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.runs.load_injection import READ, curves_by_customer
from minewatch.sim.county import SimulatedPartition
from minewatch.sim.truth import TRUTH

Floats = npt.NDArray[np.float32]

_MOST = 8


def with_master_meters(county: SimulatedPartition, share: float, seed: int) -> SimulatedPartition:
    """Return ``county`` with master meters beside its customers, ``share`` times as many.

    Each sums two to eight innocent customers; it has the class, tariff and industry of the largest, and the
    contracts together. In half of them the others are brought to a tenth to three times the first one's load,
    and in half of them two in five of the others move in on some day: steps that are no mines. Tables without
    the columns that no detector of curves reads.
    """
    rng = np.random.default_rng([seed, 4])
    told = [row for row in county.truth["truth_usage_points"].to_pylist() if row["mine_kind"] is None]
    curves = curves_by_customer(county.tables["interval_readings"])
    points = {row["usage_point_id"]: row for row in county.tables["usage_points"].to_pylist()}
    new_truth, new_points, new_rows = [], [], []
    for number in range(round(share * len(told))):
        chosen = rng.choice(len(told), int(rng.integers(2, _MOST + 1)), replace=False)
        name, parts = f"M{number:06d}", [told[place] for place in chosen]
        total, largest = _summed(rng, [curves[part["usage_point_id"]] for part in parts])
        leader = parts[largest]
        new_rows.append(_renamed(curves[leader["usage_point_id"]], name, total))
        new_truth.append({**leader, "usage_point_id": name, "infected": 0, "changes": []})
        members = [points[part["usage_point_id"]] for part in parts]
        new_points.append(_point(name, points[leader["usage_point_id"]], members))
    if not new_rows:
        return county
    readings = [county.tables["interval_readings"].select(READ), *new_rows]
    schema = county.tables["usage_points"].schema
    truth = pa.Table.from_pylist(new_truth, schema=TRUTH["truth_usage_points"])
    return replace(
        county,
        tables={
            "interval_readings": pa.concat_tables(readings),
            "usage_points": pa.concat_tables(
                [county.tables["usage_points"], pa.Table.from_pylist(new_points, schema=schema)]
            ),
        },
        truth={
            **county.truth,
            "truth_usage_points": pa.concat_tables([county.truth["truth_usage_points"], truth]),
        },
    )


def _summed(rng: np.random.Generator, curves: list[pa.Table]) -> tuple[Floats, int]:
    """Sum of the curves, kW, NaN where one lacks a reading, and the place of the largest curve."""
    days = curves[0].num_rows
    values = [np.asarray(curve["kw"].combine_chunks().flatten()).reshape(days, -1) for curve in curves]
    means = [float(np.nanmean(value)) if np.isfinite(value).any() else 0.0 for value in values]
    if rng.random() < 0.5:
        wanted = [means[0], *means[0] * 10 ** rng.uniform(-1, 0.5, len(means) - 1)]
        scales = [want / mean if mean > 0 else 1.0 for want, mean in zip(wanted, means, strict=True)]
        values = [value * scale for value, scale in zip(values, scales, strict=True)]
        means = wanted
    if rng.random() < 0.5:
        since = np.where(rng.random(len(values)) < 0.4, rng.integers(0, days, len(values)), 0)
        since[0] = 0
        there = np.arange(days)[:, None]
        values = [np.where(there >= day, value, 0.0) for day, value in zip(since, values, strict=True)]
    return np.sum(values, axis=0).ravel().astype(np.float32), int(np.argmax(means))


def _renamed(rows: pa.Table, name: str, kw: Floats) -> pa.Table:
    lists = pa.FixedSizeListArray.from_arrays(pa.array(kw), kw.size // rows.num_rows)
    renamed = rows.set_column(0, rows.field(0), pa.array([name] * rows.num_rows))
    return renamed.set_column(3, rows.field(3), lists.cast(rows.field(3).type))


def _point(name: str, leader: dict[str, Any], members: list[dict[str, Any]]) -> dict[str, Any]:
    contract = sum(member["contract_kva"] for member in members)
    return {**leader, "usage_point_id": name, "contract_kva": contract}
