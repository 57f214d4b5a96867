"""Small counties of real series: cut, scaled to a customer's size and metered, for mines to be put behind.

A county lives in one time of one plan, so each series is moved by whole weeks to the plan's days; weekdays
stay, seasons need not. What no series says (weather, reactive power, phases, neighbours) is missing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.runs.training.backgrounds import Background
from minewatch.schema.tables import TABLES
from minewatch.sim.classes import CLASSES
from minewatch.sim.county import CountyPlan, SimulatedPartition
from minewatch.sim.curves import DayRows
from minewatch.sim.loads.shapes import log_uniform
from minewatch.sim.metering import measured, meter_for
from minewatch.sim.truth import TRUTH

_EPOCH = date(1970, 1, 1)
_LEAST_KNOWN = 0.6


@dataclass(frozen=True)
class RealSample:
    """How many customers to make of real series, how many in a county, and of which lengths (days)."""

    seed: int
    customers: int
    lengths: tuple[int, ...]
    county_customers: int = 40
    intervals: tuple[int, ...] = (15, 30, 60, 60, 60)

    def counties(self, backgrounds: Sequence[Background]) -> Iterator["RealCounty"]:
        """Yield counties of all series that are fine enough; each group of series is as likely as another."""
        rng = np.random.default_rng([self.seed, 5])
        for number in range(-(-self.customers // self.county_customers)):
            plan = CountyPlan(
                seed=self.seed * 100_000 + number,
                customers=self.county_customers,
                days=int(rng.choice(self.lengths)),
                start_on=date(2025, 1, 1) + timedelta(days=int(rng.integers(0, 365))),
                interval_minutes=int(rng.choice(self.intervals)),
                mix="training",
            )
            fit = [each for each in backgrounds if _fits(each, plan)]
            if fit:
                yield RealCounty(plan, tuple(_cut(rng, plan, fit) for _ in range(plan.customers)))


class Cut(NamedTuple):
    """The part of a background that a county's days show, in the plan's intervals."""

    background: Background
    kw: npt.NDArray[np.float32]


class RealCounty(NamedTuple):
    """A plan and the series of its customers: what a worker needs to make it."""

    plan: CountyPlan
    cuts: tuple[Cut, ...]


def _fits(background: Background, plan: CountyPlan) -> bool:
    return background.interval_minutes <= plan.interval_minutes and len(background.kw) >= plan.days + 7


def _cut(rng: np.random.Generator, plan: CountyPlan, backgrounds: Sequence[Background]) -> Cut:
    """Draw a group, a series of it and a place in it, on the plan's weekday."""
    groups = sorted({each.group for each in backgrounds})
    group = groups[int(rng.integers(len(groups)))]
    of_group = [each for each in backgrounds if each.group == group]
    chosen = of_group[int(rng.integers(len(of_group)))]
    first = ((plan.start_on - _EPOCH).days - chosen.first_day) % 7
    weeks = (len(chosen.kw) - first - plan.days) // 7
    begin = first + 7 * int(rng.integers(weeks + 1))
    kw = chosen.kw[begin : begin + plan.days]
    fold = plan.interval_minutes // chosen.interval_minutes
    bare = Background(chosen.name, chosen.first_day, chosen.kw[:0], chosen.kind, group, chosen.archive)
    return Cut(bare, kw.reshape(plan.days, -1, fold).mean(axis=2))


def real_county(county: RealCounty) -> tuple[SimulatedPartition, dict[str, str]]:
    """Return the county as the simulator gives one, and the group of series of each customer.

    A series without an archive is scaled to a customer of its class and gets an archive as such customers
    have; a series that is known less than 60 % of the time, or is always zero there, is left out.
    """
    plan = county.plan
    rng = np.random.default_rng([plan.seed, 6])
    readings = DayRows(plan, "usage_point_id")
    points, truths, groups = [], [], {}
    for number, cut in enumerate(county.cuts):
        if np.isfinite(cut.kw).mean() < _LEAST_KNOWN or not np.nanmax(cut.kw) > 0:
            continue
        name = f"R{number:06d}"
        point, scale = _archived(rng, name, cut)
        point["region_code"] = plan.region_of(0)
        hours = plan.interval_minutes / 60
        kw = np.clip(cut.kw.ravel() * scale, 0, None)
        values = measured(np.nan_to_num(kw), meter_for(rng, point["contract_kva"]), hours)
        readings.add(name, {"kw": np.where(np.isnan(kw), np.nan, values)})
        points.append(point)
        truths.append(_truth(name, cut.background.kind))
        groups[name] = cut.background.group
    tables = {"interval_readings": readings, "usage_points": points}
    if not points:
        return _partition({name: TABLES[name].schema.empty_table() for name in tables}, []), {}
    return (
        _partition(
            {
                "interval_readings": readings.as_table("interval_readings"),
                "usage_points": pa.Table.from_pylist(points, schema=TABLES["usage_points"].schema),
            },
            truths,
        ),
        groups,
    )


def _partition(tables: dict[str, pa.Table], truths: list[dict[str, Any]]) -> SimulatedPartition:
    truth = {
        "truth_usage_points": pa.Table.from_pylist(truths, schema=TRUTH["truth_usage_points"]),
        "truth_mining": TRUTH["truth_mining"].empty_table(),
    }
    return SimulatedPartition(0, (), tables, truth)


def _archived(rng: np.random.Generator, name: str, cut: Cut) -> tuple[dict[str, Any], float]:
    """Row of ``usage_points`` and what the series has to be multiplied by."""
    if cut.background.archive.get("contract_kva"):
        return {**cut.background.archive, "usage_point_id": name}, 1.0
    spec = CLASSES[cut.background.kind]
    kva = round(log_uniform(rng, *spec.kva), 1)
    largest = float(np.nanquantile(cut.kw, 0.999)) or float(np.nanmax(cut.kw))
    row = {
        "usage_point_id": name,
        "contract_kva": kva,
        "voltage_kv": 10.0 if kva >= 100 else (0.22 if kva < 12 else 0.38),
        "tariff_class": str(rng.choice(spec.tariffs)),
        "industry_code": str(rng.choice(spec.industries)) or None,
    }
    return row, kva * rng.uniform(0.25, 0.95) / largest


def _truth(name: str, kind: str) -> dict[str, Any]:
    return {
        "usage_point_id": name,
        "kind": kind,
        "mining_kwh": 0.0,
        "infected": 0,
        "true_transformer_id": "",
        "changes": [],
    }
