"""Examples for the load model: simulated customers seen through windows of many lengths."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.detect.curves import Curves, curves_of
from minewatch.detect.load_vectors import CONTEXT_VECTOR, VECTOR, vectors_of
from minewatch.kernels.blocks import Block
from minewatch.kernels.load_blocks import Coverage
from minewatch.kernels.load_features import Feature
from minewatch.runs.load_injection import injected
from minewatch.runs.master_meters import with_master_meters
from minewatch.sim.assembly import partition
from minewatch.sim.county import CountyPlan, SimulatedPartition

Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.str_]

MINING = "mining"
LEAST_SHARE = 0.05
"""Mines below a twentieth of what the customer draws are no examples: no curve shows them."""
_EPOCH = date(1970, 1, 1)
_INTERVALS = (15, 15, 15, 30, 60)
_REGIONS = ("511823", "330106", "152801", "440305")


@dataclass(frozen=True)
class Sample:
    """How many customers to simulate, of which mix, with what share of mines and series lengths (days).

    ``injection`` is the share of innocents that comes a second time with a mine behind the meter.
    """

    seed: int
    customers: int
    mix: str
    share_of_mines: float
    lengths: tuple[int, ...] = (28, 28, 60, 60, 60, 60, 120, 120, 240, 365)
    windows: int = 2
    injection: float = 0.0
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
            )


class Window(NamedTuple):
    """Days since 1970-01-01 that a detector gets (first, last + 1) and of which it speaks."""

    history: tuple[int, int]
    period: tuple[int, int]


@dataclass(frozen=True)
class Examples:
    """Customers seen through a window, arrays of the same length.

    ``matrix`` (n, ``VECTOR``); ``kind`` innocent class or "mining"; ``group`` the customer. For mines:
    ``mine_kind``, ``mine_kw`` while on in the period, ``rest_kw`` mean of what else the customer draws,
    ``block_kw`` the size of the block found (of all), and hours since 1970-01-01 of onset: true and found,
    NaN before the window.
    """

    matrix: Floats
    kind: Texts
    group: npt.NDArray[np.int64]
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


def simulated_examples(plan: CountyPlan, windows: int, injection: float) -> Examples:
    """Simulate a county of one partition and return its customers through ``windows`` random windows.

    With ``injection`` above 0, that share of the innocents comes once more in each window, with a mine;
    and half as many master meters come beside the customers.
    """
    county = partition(plan, 0)
    counties = [county]
    if injection:
        county = with_master_meters(county, injection / 2, plan.seed)
        counties = [county, injected(county, plan, injection, plan.seed)]
    rng = np.random.default_rng([plan.seed, 1])
    drawn = [draw_window(rng, plan) for _ in range(windows)]
    return gather([window_examples(each, window, plan.seed) for window in drawn for each in counties])


def draw_window(rng: np.random.Generator, plan: CountyPlan) -> Window:
    """Draw a window of 14 days at least, mostly to the end, and a period of a week, a month or all of it."""
    start = (plan.start_on - _EPOCH).days
    last = plan.days if rng.random() < 0.5 else int(rng.integers(14, plan.days + 1))
    first = 0 if rng.random() < 0.5 else int(rng.integers(0, last - 13))
    length = int(rng.choice((7, 7, 30, last - first)))
    period = (max(first, last - length), last)
    return Window((start + first, start + last), (start + period[0], start + period[1]))


def window_examples(county: SimulatedPartition, window: Window, seed: int) -> Examples:
    """Return the customers of ``county`` whose class the window shows; mines that it cannot show are out."""
    curves = curves_of(_within(county.tables["interval_readings"], window.history))
    vectors = vectors_of(curves, window.period, county.tables["usage_points"])
    truth = _truths(county, curves, window)
    block, coverage = vectors.judged.block, vectors.judged.coverage
    examples = Examples(
        matrix=vectors.matrix,
        kind=truth.kind,
        group=seed * 1000 + np.arange(len(curves.usage_point_ids)),
        mine_kind=truth.mine_kind,
        mine_kw=truth.mine_kw,
        rest_kw=vectors.judged.features[:, Feature.mean_kw] - truth.mean_mine_kw,
        block_kw=np.where(
            np.isnan(block[:, Block.step_kw]), block[:, Block.level_kw], block[:, Block.step_kw]
        ),
        true_onset_hour=truth.onset_hour,
        found_onset_hour=24 * coverage[:, Coverage.first_day] + block[:, Block.onset_hour],
    )
    share = truth.mean_mine_kw / np.maximum(vectors.judged.features[:, Feature.mean_kw], 1e-9)
    usable = coverage[:, Coverage.known_hours] >= 24 * 14
    usable &= (coverage[:, Coverage.total_kw] > 0) & (coverage[:, Coverage.period_hours] > 0)
    return examples.take(usable & ~truth.hidden & ((truth.kind != MINING) | (share >= LEAST_SHARE)))


class _Truth(NamedTuple):
    """What the simulator knows of each customer in a window; ``hidden``: a mine outside meter or period."""

    kind: Texts
    mine_kind: Texts
    hidden: npt.NDArray[np.bool_]
    mine_kw: Floats
    mean_mine_kw: Floats
    onset_hour: Floats


def _truths(county: SimulatedPartition, curves: Curves, window: Window) -> _Truth:
    told = {row["usage_point_id"]: row for row in county.truth["truth_usage_points"].to_pylist()}
    mines = curves_of(_within(county.truth["truth_mining"], window.period))
    powers = {
        point: _powers(mines.values[mines.row_offsets[a] : mines.row_offsets[b]])
        for point, a, b in zip(mines.usage_point_ids, mines.point_rows, mines.point_rows[1:], strict=False)
    }
    rows = [_truth_of(told[point], powers, window) for point in curves.usage_point_ids]
    kind, mine_kind, hidden, mine_kw, mean_mine_kw, onset_hour = zip(*rows, strict=True)
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
    "Window",
    "draw_window",
    "gather",
    "simulated_examples",
    "window_examples",
]
