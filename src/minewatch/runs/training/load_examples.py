"""Examples for the load model: simulated customers seen through windows of many lengths."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.detect.load.curves import curves_of
from minewatch.detect.load.vectors import CONTEXT_VECTOR, VECTOR, LoadTables, load_vectors
from minewatch.kernels.power.blocks import Block
from minewatch.kernels.power.load_blocks import Coverage
from minewatch.kernels.power.load_features import Feature
from minewatch.runs.training.load_injection import injected
from minewatch.runs.training.master_meters import with_master_meters
from minewatch.runs.training.real_counties import RealCounty, real_county
from minewatch.schema.tables import TABLES
from minewatch.sim.assembly import partition
from minewatch.sim.county import ZONE, CountyPlan, SimulatedPartition
from minewatch.sim.delivery import scene_tables

Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.str_]

MINING = "mining"
LEAST_SHARE = 0.05
"""Mines below a twentieth of what the customer draws are no examples: no curve shows them."""
_EPOCH = date(1970, 1, 1)
_INTERVALS = (15, 15, 15, 30, 60)
_REGIONS = ("511823", "330106", "152801", "440305")


class Views(NamedTuple):
    """Through how many random ``windows`` customers are seen, and how many of them have mines put in.

    ``injection`` is the share of innocents that comes once more in each window, with a mine; half as many
    master meters come beside the customers. ``daily`` is the share of windows in which all meters are read
    once a day only.
    """

    windows: int
    injection: float = 0.0
    daily: float = 0.0


TWICE = Views(2)
"""Two windows and nothing else."""


@dataclass(frozen=True)
class Sample:
    """How many customers to simulate, of which mix, with what share of mines and series lengths (days).

    ``views`` tells how they are seen.
    """

    seed: int
    customers: int
    mix: str
    share_of_mines: float
    lengths: tuple[int, ...] = (28, 28, 60, 60, 60, 60, 120, 120, 240, 365)
    views: Views = TWICE
    partition_customers: int = 250

    def plans(self) -> Iterator[CountyPlan]:
        """Yield small counties of all climates that begin on all days of a year, each with its own seed."""
        rng = np.random.default_rng([self.seed])
        for number in range(-(-self.customers // self.partition_customers)):
            size = min(self.partition_customers, self.customers - number * self.partition_customers)
            yield CountyPlan(
                seed=self.seed * 100_000 + number,
                customers=size,
                days=int(rng.choice(self.lengths)),
                start_on=date(2025, 1, 1) + timedelta(days=int(rng.integers(0, 365))),
                region_codes=(str(rng.choice(_REGIONS)),),
                interval_minutes=int(rng.choice(_INTERVALS)),
                share_of_mines=self.share_of_mines,
                mix=self.mix,
                partition_customers=size,
                voltages=False,  # an injected mine would not show in them
            )


class Window(NamedTuple):
    """Days since 1970-01-01 that a detector gets (first, last + 1) and of which it speaks."""

    history: tuple[int, int]
    period: tuple[int, int]


@dataclass(frozen=True)
class Examples:
    """Customers seen through a window, arrays of the same length.

    ``matrix`` (n, ``VECTOR``); ``kind`` innocent class or "mining"; ``host`` the class of customer, of mines
    too; ``group`` the customer; ``series`` the group of real series that it was made of, "" where it was
    simulated or made of several; ``changes`` what changed in its life, by commas. For mines:
    ``mine_kind``, ``mine_kw`` while on in the period, ``rest_kw`` mean of what else the customer draws,
    ``block_kw`` the size of the block found (of all), and hours since 1970-01-01 of onset: true and found,
    NaN before the window.
    """

    matrix: Floats
    kind: Texts
    host: Texts
    group: npt.NDArray[np.int64]
    series: Texts
    changes: Texts
    mine_kind: Texts
    mine_kw: Floats
    rest_kw: Floats
    block_kw: Floats
    true_onset_hour: Floats
    found_onset_hour: Floats

    def take(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Examples":
        """Return the examples that ``chosen`` (mask or places) selects."""
        return Examples(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    @property
    def is_mine(self) -> npt.NDArray[np.bool_]:
        """Whether each is a mine."""
        return np.asarray(self.kind == MINING)

    def without_context(self) -> "Examples":
        """Return the same customers as a file of readings alone shows them."""
        matrix = self.matrix.copy()
        matrix[:, -len(CONTEXT_VECTOR) :] = np.nan
        return self.with_matrix(matrix)

    def with_matrix(self, matrix: Floats) -> "Examples":
        """Return the same customers with another ``matrix``."""
        return replace(self, matrix=matrix)


def gather(parts: list[Examples]) -> Examples:
    """Return all examples of ``parts`` in one."""
    return Examples(*(np.concatenate([getattr(p, n) for p in parts]) for n in Examples.__dataclass_fields__))


def simulated_examples(plan: CountyPlan, views: Views) -> Examples:
    """Simulate a county of one partition and return its customers as ``views`` show them."""
    county = partition(plan, 0)
    tables = {**county.tables, **scene_tables(plan, plan.region_of(0))}
    return _seen(replace(county, tables=tables), plan, views, {})


def real_examples(county: RealCounty, views: Views) -> Examples:
    """Return the customers of a county of real series as ``views`` show them; nobody knows their weather."""
    plan = county.plan
    made, series = real_county(county)
    prices = scene_tables(plan, plan.region_of(0))["prices"]
    return _seen(replace(made, tables={**made.tables, "prices": prices}), plan, views, series)


def _seen(county: SimulatedPartition, plan: CountyPlan, views: Views, series: Mapping[str, str]) -> Examples:
    counties = [county]
    if views.injection:
        county = with_master_meters(county, views.injection / 2, plan.seed)
        counties = [county, injected(county, plan, views.injection, plan.seed)]
    rng = np.random.default_rng([plan.seed, 1])
    parts = []
    for _ in range(views.windows):
        window, daily = draw_window(rng, plan), rng.random() < views.daily
        for each in counties:
            shown = read_once_a_day(each) if daily else each
            parts.append(window_examples(shown, window, plan.seed, series))
    return gather(parts)


def read_once_a_day(county: SimulatedPartition) -> SimulatedPartition:
    """Return the same customers, whose meters give one reading a day: the energy, where it is all known."""
    readings = county.tables["interval_readings"]
    hours = np.asarray(readings["interval_minutes"].to_numpy()) / 60
    energy_kwh = np.array([np.sum(kw) for kw in _rows_of(readings["kw"])]) * hours
    names = TABLES["daily_readings"].schema.names
    daily = pa.table(
        [readings["usage_point_id"], readings["day"], energy_kwh, pa.nulls(len(readings), pa.float64())],
        names,
    )
    known = [daily.filter(pc.is_finite(daily["energy_kwh"]))]
    if (others := county.tables.get("daily_readings")) is not None:
        known.append(others.select(names).cast(known[0].schema))
    tables = {"interval_readings": readings.slice(0, 0), "daily_readings": pa.concat_tables(known)}
    return replace(county, tables={**county.tables, **tables})


def _rows_of(lists: pa.ChunkedArray) -> list[npt.NDArray[np.float32]]:
    column = lists.combine_chunks()
    offsets = column.offsets.to_numpy()
    values = column.values.to_numpy(zero_copy_only=False)
    return [values[a:b] for a, b in pairwise(offsets)]


def draw_window(rng: np.random.Generator, plan: CountyPlan) -> Window:
    """Draw a window of 14 days at least, mostly to the end, and a period of a week, a month or all of it."""
    start = (plan.start_on - _EPOCH).days
    last = plan.days if rng.random() < 0.5 else int(rng.integers(14, plan.days + 1))
    first = 0 if rng.random() < 0.5 else int(rng.integers(0, last - 13))
    length = int(rng.choice((7, 7, 30, last - first)))
    period = (max(first, last - length), last)
    return Window((start + first, start + last), (start + period[0], start + period[1]))


def window_examples(
    county: SimulatedPartition, window: Window, seed: int, series: Mapping[str, str]
) -> Examples:
    """Return the customers of ``county`` whose class the window shows; mines that it cannot show are out.

    Customers of whom the truth says nothing are neighbours only. ``series`` gives the group of real series of
    a customer.
    """
    vectors = load_vectors(_load_tables(county, window), window.period)
    told = {row["usage_point_id"]: row for row in county.truth["truth_usage_points"].to_pylist()}
    places = [place for place, name in enumerate(vectors.usage_point_ids) if name in told]
    names = [vectors.usage_point_ids[place] for place in places]
    truth = _truths(county, [told[name] for name in names], window)
    coverage, block, features = (part[places] for part in vectors.judged[:3])
    mean_kw, step_kw = features[:, Feature.mean_kw], block[:, Block.step_kw]
    examples = Examples(
        matrix=vectors.matrix[places],
        kind=truth.kind,
        host=np.array([told[name]["kind"] for name in names], np.str_),
        group=seed * 1000 + np.array(places, np.int64),
        series=np.array([series.get(name, "") for name in names], np.str_),
        changes=np.array([",".join(told[name]["changes"] or ()) for name in names], np.str_),
        mine_kind=truth.mine_kind,
        mine_kw=truth.mine_kw,
        rest_kw=mean_kw - truth.mean_mine_kw,
        block_kw=np.where(np.isnan(step_kw), block[:, Block.level_kw], step_kw),
        true_onset_hour=truth.onset_hour,
        found_onset_hour=24 * coverage[:, Coverage.first_day] + block[:, Block.onset_hour],
    )
    share = truth.mean_mine_kw / np.maximum(mean_kw, 1e-9)
    usable = coverage[:, Coverage.known_hours] >= 24 * 14
    usable &= (coverage[:, Coverage.total_kw] > 0) & (coverage[:, Coverage.period_hours] > 0)
    return examples.take(usable & ~truth.hidden & ((truth.kind != MINING) | (share >= LEAST_SHARE)))


def _load_tables(county: SimulatedPartition, window: Window) -> LoadTables:
    tables = county.tables
    daily = tables.get("daily_readings")
    return LoadTables(
        readings=_within(tables["interval_readings"], window.history),
        daily_readings=None if daily is None else _within(daily, window.history),
        usage_points=tables["usage_points"],
        weather=tables.get("weather"),
        prices=tables.get("prices"),
        zone=ZONE,
    )


class _Truth(NamedTuple):
    """What the simulator knows of each customer in a window; ``hidden``: a mine outside meter or period."""

    kind: Texts
    mine_kind: Texts
    hidden: npt.NDArray[np.bool_]
    mine_kw: Floats
    mean_mine_kw: Floats
    onset_hour: Floats


def _truths(county: SimulatedPartition, told: Sequence[Mapping[str, object]], window: Window) -> _Truth:
    mines = curves_of(_within(county.truth["truth_mining"], window.period))
    powers = {
        point: _powers(mines.values[mines.row_offsets[a] : mines.row_offsets[b]])
        for point, a, b in zip(mines.usage_point_ids, mines.point_rows, mines.point_rows[1:], strict=False)
    }
    rows = [_truth_of(row, powers, window) for row in told]
    kind, mine_kind, hidden, mine_kw, mean_mine_kw, onset_hour = (
        zip(*rows, strict=True) if rows else ((),) * 6
    )
    return _Truth(
        np.array(kind, np.str_),
        np.array(mine_kind, np.str_),
        np.array(hidden, bool),
        np.array(mine_kw, float),
        np.array(mean_mine_kw, float),
        np.array(onset_hour, float),
    )


def _truth_of(
    told: Mapping[str, object], powers: Mapping[str, tuple[float, float]], window: Window
) -> tuple[object, ...]:
    mine_kind = told["mine_kind"]
    if mine_kind is None:
        return told["kind"], "", False, np.nan, 0.0, np.nan
    while_on_kw, mean_kw = powers.get(str(told["usage_point_id"]), (np.nan, 0.0))
    onset_hour = _hour(told["onset_at"])
    before = not onset_hour >= 24 * window.history[0] + 1
    hidden = not told["metered"] or not mean_kw > 0
    return MINING, mine_kind, hidden, while_on_kw, mean_kw, np.nan if before else onset_hour


def _hour(instant: object) -> float:
    """Local hours since 1970-01-01 of an instant, NaN for None (the simulated counties lie in one zone)."""
    return np.nan if instant is None else pa.scalar(instant).cast(pa.int64()).as_py() / 3.6e9 + 8


def _powers(kw: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Median power while on (above 30 % of the 95 % quantile) and mean power, kW."""
    on = kw[kw > 0.3 * np.quantile(kw, 0.95)] if kw.size else kw
    return (float(np.median(on)) if on.size else np.nan), (float(kw.mean()) if kw.size else 0.0)


def _within(rows: pa.Table, days: tuple[int, int]) -> pa.Table:
    day = rows["day"].cast(pa.int32())
    return rows.filter(pc.and_(pc.greater_equal(day, days[0]), pc.less(day, days[1])))


__all__ = [
    "MINING",
    "VECTOR",
    "Examples",
    "Sample",
    "Views",
    "Window",
    "draw_window",
    "gather",
    "read_once_a_day",
    "real_examples",
    "simulated_examples",
    "window_examples",
]
