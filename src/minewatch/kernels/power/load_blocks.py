"""Block and features of every customer: the block first, then all that is told of its run."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.power.blocks import Block, Series, find_block
from minewatch.kernels.power.changes import Change, change, edge_of
from minewatch.kernels.power.electrical import (
    PHASES,
    Edge,
    Electric,
    Meters,
    fold_phase,
    near_floor,
    phases,
    reactive,
    rise,
    voltage,
)
from minewatch.kernels.power.hours import HOURS, Floats, Ints, fold_hours, known_days, longest_span, span_days
from minewatch.kernels.power.load_features import Feature, curve_features, histogram_bins
from minewatch.kernels.power.responses import (
    Response,
    World,
    calendar_responses,
    daily_means,
    price_responses,
    weather_responses,
)
from minewatch.kernels.power.steadiness import Steadiness, floor_of, steadiness


class Coverage(IntEnum):
    """Place of each number that tells what data a customer has."""

    first_day = 0  # first day with a reading, days since 1970-01-01; NaN without any
    span_days = 1  # to the last day with a reading
    known_hours = 2  # hours with a mean
    period_hours = 3  # those of them that lie in the period
    total_kw = 4  # sum of hourly means: above 0 where anything was used
    interval_hours = 5  # of the last reading


_COVERAGE_WIDTH, _BLOCK_WIDTH, _FEATURE_WIDTH = len(Coverage), len(Block), len(Feature)
_STEADINESS_WIDTH, _CHANGE_WIDTH = len(Steadiness), len(Change)
_RESPONSE_WIDTH, _ELECTRIC_WIDTH = len(Response), len(Electric)


class Ragged(NamedTuple):
    """Readings of customers; layout as in ``minewatch.kernels.power.load_features.load_features``."""

    values: Floats
    row_offsets: Ints
    days: npt.NDArray[np.int32]
    point_rows: Ints


class Judged(NamedTuple):
    """Arrays (customers, …), each in the order of its enumeration; from ``features`` on, of the run."""

    coverage: Series
    block: Series
    features: Series
    steadiness: Series
    changes: Series
    responses: Series
    electrics: Series


class _Scratch(NamedTuple):
    """Space for the longest curve: hourly means, wobble, three phases; and the histogram."""

    hourly: Floats
    wobble: Floats
    phases: Floats
    counts: npt.NDArray[np.int32]


@njit(nogil=True, cache=True, error_model="numpy")
def load_blocks(readings: Ragged, meters: Meters, world: World, period_days: tuple[int, int]) -> Judged:
    """Find each customer's block and what there is to tell of its run.

    ``period_days`` (first, last + 1) count from 1970-01-01. ``Block`` days and hours count from
    ``Coverage.first_day``. A customer without readings in the period gets NaN beyond its coverage.
    """
    points = readings.point_rows.size - 1
    judged = Judged(
        np.full((points, _COVERAGE_WIDTH), np.nan),
        np.full((points, _BLOCK_WIDTH), np.nan),
        np.full((points, _FEATURE_WIDTH), np.nan),
        np.full((points, _STEADINESS_WIDTH), np.nan),
        np.full((points, _CHANGE_WIDTH), np.nan),
        np.full((points, _RESPONSE_WIDTH), np.nan),
        np.full((points, _ELECTRIC_WIDTH), np.nan),
    )
    longest = longest_span(readings.days, readings.point_rows) * HOURS
    scratch = _Scratch(
        np.empty(longest, np.float32),
        np.empty(longest, np.float32),
        np.empty((PHASES, longest), np.float32),
        np.zeros(histogram_bins(), np.int32),
    )
    for point in range(points):
        if readings.point_rows[point] < readings.point_rows[point + 1]:
            _judge(point, (readings, meters, world), period_days, scratch, judged)
    return judged


@njit(nogil=True, cache=True, error_model="numpy")
def _judge(
    point: int,
    given: tuple[Ragged, Meters, World],
    period_days: tuple[int, int],
    scratch: _Scratch,
    judged: Judged,
) -> None:
    readings, meters, world = given
    rows = (readings.point_rows[point], readings.point_rows[point + 1])
    span = span_days(readings.days, rows[0], rows[1]) * HOURS
    hourly, wobbles = scratch.hourly[:span], scratch.wobble[:span]
    fold_hours(readings.values, readings.row_offsets, readings.days, rows, hourly, wobbles)
    first, last = known_days(hourly)
    curve, begin_day = hourly[first * HOURS : last * HOURS], readings.days[rows[0]] + first
    period = (period_days[0] - begin_day, period_days[1] - begin_day)
    coverage, block = judged.coverage[point], judged.block[point]
    _cover(curve, begin_day, period, coverage)
    coverage[Coverage.interval_hours] = _interval_hours(readings.row_offsets, rows)
    if not coverage[Coverage.period_hours] > 0:
        return
    find_block(curve, period, block)
    begin, end = int(block[Block.begin_day]), int(block[Block.end_day])
    run, wobble = curve[begin * HOURS : end * HOURS], wobbles[(first + begin) * HOURS : (first + end) * HOURS]
    night, edge = block[Block.night] == 1, edge_of((begin, end), curve.size // HOURS)
    curve_features(run, wobble, begin_day + begin, scratch.counts, judged.features[point])
    floor = floor_of(run, night)
    steadiness((run, wobble, floor), night, scratch.counts, judged.steadiness[point])
    change(curve, edge, block[Block.step_kw], judged.changes[point])
    if block[Block.step_kw] > 0:
        judged.changes[point, Change.other_step] = block[Block.other_step_kw] / block[Block.step_kw]
    outside = (world, begin_day + begin - world.first_day, block[Block.half_kw], scratch.counts)
    _respond(point, run, floor, outside, judged.responses[point])
    if meters.kvar.values.size or meters.current_a.values.size or meters.voltage_v.values.size:
        near, where = near_floor(curve, floor_of(curve, night)), (rows, first, (begin, end))
        _measure(curve, near, (readings, meters, edge), where, scratch, judged.electrics[point])


@njit(nogil=True, cache=True, error_model="numpy")
def _interval_hours(row_offsets: Ints, rows: tuple[int, int]) -> float:
    for row in range(rows[1] - 1, rows[0] - 1, -1):
        length = row_offsets[row + 1] - row_offsets[row]
        if length:
            return HOURS / length
    return np.nan


@njit(nogil=True, cache=True, error_model="numpy")
def _respond(
    point: int,
    run: Floats,
    floor: Series,
    outside: tuple[World, int, float, npt.NDArray[np.int32]],
    response: Series,
) -> None:
    """Write the responses of a run that begins on day ``outside[1]`` of the world."""
    world, first, half_kw, counts = outside
    last = first + floor.size
    means = daily_means(run)
    calendar_responses(means, floor, world.day_kinds[first:last], response)
    weather, market = world.regions[point]
    if weather >= 0:
        weather_responses(means, floor, world.temperature_c[weather, first:last], response)
    if market >= 0:
        price_responses(run, world.price[market, first * HOURS : last * HOURS], half_kw, counts, response)


@njit(nogil=True, cache=True, error_model="numpy")
def _measure(
    curve: Floats,
    near: npt.NDArray[np.bool_],
    given: tuple[Ragged, Meters, Edge],
    where: tuple[tuple[int, int], int, tuple[int, int]],
    scratch: _Scratch,
    electric: Series,
) -> None:
    """Write what else the meter measured; ``where``: the customer's rows, the curve's first day, the run."""
    readings, meters, edge = given
    rows, first, run = where
    hours = slice(first * HOURS, first * HOURS + curve.size)
    folded = scratch.phases[:, : (span_days(readings.days, rows[0], rows[1])) * HOURS]
    if meters.kvar.values.size and fold_phase(meters.kvar, readings.days, rows, (0, 1), folded[0]):
        kvar = folded[0, hours]
        reactive(curve, kvar, near, run, electric)
        more_kw = rise(curve, edge)
        if more_kw > 0:
            electric[Electric.block_tangent] = rise(kvar, edge) / more_kw
    if meters.current_a.values.size:
        found = False
        for phase in range(PHASES):
            found |= fold_phase(meters.current_a, readings.days, rows, (phase, PHASES), folded[phase])
        if found:
            phases(folded[:, hours], near, run, edge, electric)
    if meters.voltage_v.values.size:
        number, total = 0, np.zeros(curve.size, np.float32)
        for phase in range(PHASES):
            if fold_phase(meters.voltage_v, readings.days, rows, (phase, PHASES), folded[0]):
                total += folded[0, hours]
                number += 1
        if number:
            inside = slice(run[0] * HOURS, run[1] * HOURS)
            voltage(curve[inside], total[inside] / np.float32(number), electric)


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
