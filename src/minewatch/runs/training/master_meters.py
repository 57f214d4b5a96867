"""Several simulated customers behind one meter (总表, 转供电): smoother curves than one customer draws."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.runs.training.load_injection import innocents_of
from minewatch.runs.training.meter_lists import READ, Curve, curves_by_customer
from minewatch.sim.county import SimulatedPartition
from minewatch.sim.truth import TRUTH

Floats = npt.NDArray[np.float64]

_MOST = 8


def with_master_meters(county: SimulatedPartition, share: float, seed: int) -> SimulatedPartition:
    """Return ``county`` with master meters beside its customers, ``share`` times as many.

    Each sums two to eight innocent customers; it has the class, tariff and industry of the largest, the
    contracts together, and reactive power and currents where all have them. In half of them the others are
    brought to a tenth to three times the first one's load, and in half of them two in five of the others move
    in on some day: steps that are no mines.
    """
    rng = np.random.default_rng([seed, 4])
    curves = curves_by_customer(county.tables["interval_readings"])
    told = [row for row in innocents_of(county) if row["usage_point_id"] in curves]
    points = {row["usage_point_id"]: row for row in county.tables["usage_points"].to_pylist()}
    new_truth, new_points, new_rows = [], [], []
    for number in range(round(share * len(told))):
        chosen = rng.choice(len(told), int(rng.integers(2, min(_MOST, len(told)) + 1)), replace=False)
        name, parts = f"M{number:06d}", [told[place] for place in chosen]
        rows = [curves[part["usage_point_id"]] for part in parts]
        total, largest = _summed(rng, [Curve.of(each) for each in rows], rows[0].num_rows)
        leader = parts[largest]
        names = pa.array([name] * rows[largest].num_rows)
        new_rows.append(total.rows_like(rows[largest].set_column(0, rows[largest].field(0), names)))
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
            **county.tables,
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


def _summed(rng: np.random.Generator, curves: list[Curve], days: int) -> tuple[Curve, int]:
    """Sum of the curves, NaN where one lacks a reading, and the place of the largest curve."""
    means = [float(np.nanmean(curve.kw)) if np.isfinite(curve.kw).any() else 0.0 for curve in curves]
    weights = np.ones((len(curves), days))
    if rng.random() < 0.5:
        wanted = [means[0], *means[0] * 10 ** rng.uniform(-1, 0.5, len(means) - 1)]
        scales = [want / mean if mean > 0 else 1.0 for want, mean in zip(wanted, means, strict=True)]
        weights *= np.array(scales)[:, None]
        means = wanted
    if rng.random() < 0.5:
        since = np.where(rng.random(len(curves)) < 0.4, rng.integers(0, days, len(curves)), 0)
        since[0] = 0
        weights *= np.arange(days) >= since[:, None]
    by_reading = np.repeat(weights, curves[0].kw.size // days, axis=1)
    kw = np.asarray(sum(curve.kw * weight for curve, weight in zip(curves, by_reading, strict=True)))
    kvar = _sum([curve.kvar for curve in curves], by_reading)
    current_a = _sum([curve.current_a for curve in curves], by_reading)
    return Curve(kw, kvar, current_a), int(np.argmax(means))


def _sum(values: list[Floats | None], weights: Floats) -> Floats | None:
    """Weighted sum; None where one of the curves is."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    return np.asarray(sum(value * weight for value, weight in zip(known, weights, strict=True)))


def _point(name: str, leader: dict[str, Any], members: list[dict[str, Any]]) -> dict[str, Any]:
    contract = sum(member["contract_kva"] for member in members)
    return {**leader, "usage_point_id": name, "contract_kva": contract}
