"""Block and features of every customer: the block first, then the features of its run."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.blocks import Block, Series, find_block
from minewatch.kernels.hours import HOURS, Floats, Ints, fold_hours, known_days, longest_span, span_days
from minewatch.kernels.load_features import Feature, curve_features, histogram_bins


class Coverage(IntEnum):
    """Place of each number that tells what data a customer has."""

    first_day = 0  # first day with a reading, days since 1970-01-01; NaN without any
    span_days = 1  # to the last day with a reading
    known_hours = 2  # hours with a mean
    period_hours = 3  # those of them that lie in the period
    total_kw = 4  # sum of hourly means: above 0 where anything was used


_COVERAGE_WIDTH, _BLOCK_WIDTH, _FEATURE_WIDTH = len(Coverage), len(Block), len(Feature)


class Judged(NamedTuple):
    """Arrays (customers, …) in the order of ``Coverage``, ``Block`` and ``Feature`` (of the run)."""

    coverage: Series
    block: Series
    features: Series


@njit(nogil=True, cache=True, error_model="numpy")
def load_blocks(
    values: Floats,
    row_offsets: Ints,
    days: npt.NDArray[np.int32],
    point_rows: Ints,
    period_days: tuple[int, int],
) -> Judged:
    """Find each customer's block and the features of its run; layout of the input as in ``load_features``.

    ``period_days`` (first, last + 1) count from 1970-01-01. ``Block`` days and hours count from
    ``Coverage.first_day``. A customer without readings in the period gets NaN beyond its coverage.
    """
    points = point_rows.size - 1
    judged = Judged(
        np.full((points, _COVERAGE_WIDTH), np.nan),
        np.full((points, _BLOCK_WIDTH), np.nan),
        np.full((points, _FEATURE_WIDTH), np.nan),
    )
    longest = longest_span(days, point_rows)
    hourly = np.empty(longest * HOURS, np.float32)
    wobble = np.empty(longest, np.float32)
    counts = np.zeros(histogram_bins(), np.int32)
    for point in range(points):
        rows = (point_rows[point], point_rows[point + 1])
        if rows[0] == rows[1]:
            continue
        span = span_days(days, rows[0], rows[1])
        fold_hours(values, row_offsets, days, rows, hourly[: span * HOURS], wobble[:span])
        first, last = known_days(hourly[: span * HOURS])
        curve = hourly[first * HOURS : last * HOURS]
        begin_day = days[rows[0]] + first
        period = (period_days[0] - begin_day, period_days[1] - begin_day)
        _cover(curve, begin_day, period, judged.coverage[point])
        if not judged.coverage[point, Coverage.period_hours] > 0:
            continue
        find_block(curve, period, judged.block[point])
        begin, end = int(judged.block[point, Block.begin_day]), int(judged.block[point, Block.end_day])
        run = curve[begin * HOURS : end * HOURS]
        curve_features(
            run, wobble[first + begin : first + end], begin_day + begin, counts, judged.features[point]
        )
    return judged


@njit(nogil=True, cache=True, error_model="numpy")
def _cover(curve: Floats, begin_day: int, period: tuple[int, int], coverage: Series) -> None:
    known, within, total = 0, 0, 0.0
    for hour in range(curve.size):
        if not np.isnan(curve[hour]):
            known += 1
            within += period[0] * HOURS <= hour < period[1] * HOURS
            total += curve[hour]
    coverage[Coverage.span_days], coverage[Coverage.known_hours] = curve.size // HOURS, known
    coverage[Coverage.period_hours], coverage[Coverage.total_kw] = within, total
    if known:
        coverage[Coverage.first_day] = begin_day
