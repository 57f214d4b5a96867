"""What happens at the edge of a block: a constant added to each hour, or another life behind the meter.

A machine that runs adds the same to the lowest and the highest hours of the day, and what the occupants do
goes on as before. A new tenant, a heat pump or a meter's new ratio multiplies, moves the day or widens it.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.power.electrical import Edge
from minewatch.kernels.power.hours import HOURS, Floats
from minewatch.kernels.power.load_features import mean_day

Series = npt.NDArray[np.float64]


class Change(IntEnum):
    """Place of each number of ``change``; NaN for a block without an edge. Ratios are to the step."""

    envelope_uplift = 0  # median over 24 hours of the rise of the hour's lower quantile
    envelope_spread = 1  # standard deviation over the 24 hours
    envelope_low = 2  # smallest of the 24
    upper_uplift = 3  # median rise of the hour's upper quantile
    additive_share = 4  # 1: the mean day is shifted by a constant; 0: multiplied
    profile_correlation = 5  # of the mean day outside with that inside
    spread_change = 6  # ln of what hours vary within their day, inside to outside
    vacant_share = 7  # days of the month outside the edge with next to no load
    gap_days = 8  # days without readings beside the edge
    other_step = 9  # the next largest step in the floors


REACH_DAYS = 60
LEAST_DAYS = 5
LOWER, UPPER = 0.2, 0.8
VACANT_DAYS = 30
VACANT = 0.05
"""A day is vacant whose largest hour is below a twentieth of the step."""
_GAP_REACH = 3


@njit(nogil=True, cache=True, error_model="numpy")
def edge_of(run: tuple[int, int], days: int) -> Edge:
    """Return up to 60 days each side of the run's begin, else of its end; the days beside it are left out."""
    begin, end = run
    if begin > 0:
        outside = (max(begin - 1 - REACH_DAYS, 0), max(begin - 1, 0))
        inside = (min(begin + 1, end), min(begin + 1 + REACH_DAYS, end))
    elif end < days:
        outside = (min(end + 1, days), min(end + 1 + REACH_DAYS, days))
        inside = (max(end - 1 - REACH_DAYS, begin), max(end - 1, begin))
    else:
        return Edge((0, 0), (0, 0))
    if min(outside[1] - outside[0], inside[1] - inside[0]) < LEAST_DAYS:
        return Edge((0, 0), (0, 0))
    return Edge(outside, inside)


@njit(nogil=True, cache=True, error_model="numpy")
def change(hourly: Floats, edge: Edge, step_kw: float, changed: Series) -> None:
    """Write the numbers of ``Change`` but ``other_step`` of a step of ``step_kw`` at ``edge``.

    ``hourly`` are the whole curve's means, kW, (days * 24,).
    """
    if edge.inside[1] == 0 or not step_kw > 0:
        return
    outside = hourly[edge.outside[0] * HOURS : edge.outside[1] * HOURS]
    inside = hourly[edge.inside[0] * HOURS : edge.inside[1] * HOURS]
    _envelopes(outside, inside, step_kw, changed)
    _profiles(outside, inside, changed)
    before, after = within_day(outside), within_day(inside)
    if before > 0 and after > 0:
        changed[Change.spread_change] = np.log(after / before)
    starts = edge.inside[0] > edge.outside[0]
    near = (edge.outside[1] - VACANT_DAYS, edge.outside[1])
    if not starts:
        near = (edge.outside[0], edge.outside[0] + VACANT_DAYS)
    first, last = max(near[0], edge.outside[0]), min(near[1], edge.outside[1])
    changed[Change.vacant_share] = vacant(hourly[first * HOURS : last * HOURS], VACANT * step_kw)
    middle = edge.inside[0] - 1 if starts else edge.inside[1] + 1
    gap = hourly[max(middle - _GAP_REACH, 0) * HOURS : (middle + _GAP_REACH) * HOURS]
    changed[Change.gap_days] = np.isnan(gap).mean() * gap.size / HOURS


@njit(nogil=True, cache=True, error_model="numpy")
def _envelopes(outside: Floats, inside: Floats, step_kw: float, changed: Series) -> None:
    lower, upper = np.empty(HOURS), np.empty(HOURS)
    for hour in range(HOURS):
        before, after = _known_sorted(outside[hour::HOURS]), _known_sorted(inside[hour::HOURS])
        lower[hour] = _at(after, LOWER) - _at(before, LOWER)
        upper[hour] = _at(after, UPPER) - _at(before, UPPER)
    changed[Change.envelope_uplift] = np.nanmedian(lower) / step_kw
    changed[Change.envelope_spread] = np.nanstd(lower) / step_kw
    changed[Change.envelope_low] = np.nanmin(lower) / step_kw
    changed[Change.upper_uplift] = np.nanmedian(upper) / step_kw


@njit(nogil=True, cache=True, error_model="numpy")
def _known_sorted(values: Floats) -> Floats:
    return np.sort(values[~np.isnan(values)])


@njit(nogil=True, cache=True, error_model="numpy")
def _at(ordered: Floats, share: float) -> float:
    return float(ordered[int(share * (ordered.size - 1) + 0.5)]) if ordered.size else np.nan


@njit(nogil=True, cache=True, error_model="numpy")
def _profiles(outside: Floats, inside: Floats, changed: Series) -> None:
    """Tell whether the mean day inside is the one outside plus a constant, or times one."""
    before, after = np.empty(HOURS), np.empty(HOURS)
    mean_day(outside, before)
    mean_day(inside, after)
    added = after - before
    add_error = ((added - added.mean()) ** 2).sum()
    square = (before * before).sum()
    factor = (after * before).sum() / square if square > 0 else 0.0
    multiply_error = ((after - factor * before) ** 2).sum()
    if add_error + multiply_error > 0:
        changed[Change.additive_share] = multiply_error / (add_error + multiply_error)
    both = before.std() * after.std()
    if both > 0:
        changed[Change.profile_correlation] = (
            (before - before.mean()) * (after - after.mean())
        ).mean() / both


@njit(nogil=True, cache=True, error_model="numpy")
def within_day(hourly: Floats) -> float:
    """Return the mean distance of hours from their day's mean, kW; days with missing hours are left out."""
    total, number = 0.0, 0
    for day in range(hourly.size // HOURS):
        curve = hourly[day * HOURS : (day + 1) * HOURS]
        distance = np.abs(curve - curve.mean()).mean()
        if not np.isnan(distance):
            total += distance
            number += 1
    return total / number if number else np.nan


@njit(nogil=True, cache=True, error_model="numpy")
def vacant(hourly: Floats, least_kw: float) -> float:
    """Return the share of days whose largest hour is below ``least_kw``; days without readings count not."""
    number, empty = 0, 0.0
    for day in range(hourly.size // HOURS):
        largest = np.nanmax(hourly[day * HOURS : (day + 1) * HOURS])
        if not np.isnan(largest):
            number += 1
            empty += largest < least_kw
    return empty / number if number else np.nan
