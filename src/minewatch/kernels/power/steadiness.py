"""How steady the lowest hours of a curve are, and by what steps they change: machines against habits.

A mine of power M lifts the floor of an ordinary load by M and adds noise of its own of less than a hundredth
of M. So the *fluctuation of the floor relative to the floor* falls by the factor base / (base + M), from one
hour to the next as from one month to the next, whereas refrigerators, pumps and compressors at the floor go
on and off and habits drift. A stopped mine leaves a dip that comes back to the same level; a broken machine
leaves a step of one machine's size.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.power.hours import HOURS, Floats
from minewatch.kernels.power.load_features import FLOOR_SHARE, daily_floor, mean_known, quantile

Series = npt.NDArray[np.float64]


class Steadiness(IntEnum):
    """Place of each number of ``steadiness``; ratios are to the floor, the median of the daily floors."""

    floor_change_1d = 0  # median change of the daily floor from one day to the next
    floor_change_7d = 1  # to the same day of the next week
    floor_change_28d = 2
    floor_change_91d = 3
    floor_low_ratio = 4  # tenth of the daily floors
    floor_high_ratio = 5  # nine tenths
    low_change_1d = 6  # median change of the day's second lowest hour
    low_change_28d = 7
    low_ratio = 8  # median of the second lowest hours
    calm_wobble = 9  # tenth of the deviations of readings from their hour's mean
    low_wobble = 10  # median of them in the hours at the floor
    calm_hour_change = 11  # tenth of the changes from one hour to the next
    low_hour_change = 12  # median of them between hours at the floor
    dip_rate = 13  # falls from the floor by a quarter at least that come back within a day, per 30 days
    dip_depth = 14  # median depth of them
    dip_spread = 15  # median distance of depths from their median
    step_rate = 16  # lasting changes between calm hours, per 30 days
    step_size_kw = 17  # commonest size of them
    step_size_ratio = 18
    step_equal_share = 19  # share of the changes that have it


NIGHT_HOURS = 6
NIGHT_SHARE = 0.5
"""At night the floor is the fourth lowest of the hours 0 to 5: three hours on are enough."""
_SECOND = 1.2
"""Over the number of hours: the share whose rank is the second lowest hour."""
DIP = 0.25
CALM_HOURS = 3
CALM = 0.2
"""Before and after a step the hours differ by a fifth of it at most."""
LEAST_STEP = 0.02
"""Steps count from a fiftieth of the mean."""
EQUAL = 1.08
"""Steps within 8 % of each other have one size: 3 % (1 sigma) from machine to machine, and cooling."""


@njit(nogil=True, cache=True, error_model="numpy")
def floors(hourly: Floats, hours: int, share: float, floor: Series) -> None:
    """Write the lower ``share`` quantile of each day's first ``hours`` hours, kW, into ``floor`` (days)."""
    lowest = np.empty(HOURS, np.float32)
    for day in range(floor.size):
        floor[day] = daily_floor(hourly[day * HOURS : day * HOURS + hours], share, lowest)


@njit(nogil=True, cache=True, error_model="numpy")
def floor_of(hourly: Floats, night: bool) -> Series:
    """Return the daily floors, kW, (days,): of whole days, or with ``night`` of the hours 0 to 5."""
    floor = np.empty(hourly.size // HOURS)
    hours, share = (NIGHT_HOURS, NIGHT_SHARE) if night else (HOURS, FLOOR_SHARE)
    floors(hourly, hours, share, floor)
    return floor


@njit(nogil=True, cache=True, error_model="numpy")
def steadiness(
    curve: tuple[Floats, Floats, Series], night: bool, counts: npt.NDArray[np.int32], steady: Series
) -> None:
    """Write the numbers of ``Steadiness`` of a run into ``steady``.

    ``curve``: hourly means, kW, and wobble (days * 24,) as from ``fold_hours``, and the daily floors (days,)
    as from ``floor_of`` with ``night``. ``counts`` as in ``curve_features``. All but those of steps stay NaN
    where the floor is no power.
    """
    hourly, wobble, floor = curve
    low = np.empty(floor.size)
    hours = NIGHT_HOURS if night else HOURS
    floors(hourly, hours, _SECOND / hours, low)
    level = np.nanmedian(floor)
    if level > 0:
        _over_days(floor, low, level, steady)
        _over_hours(hourly, wobble, floor, counts, steady)
        _dips(hourly, floor, steady)
    _steps(hourly, level, steady)


@njit(nogil=True, cache=True, error_model="numpy")
def change_over(series: Series, lag: int) -> float:
    """Return the median change over ``lag`` places, NaN where none is known."""
    if series.size <= lag:
        return np.nan
    return float(np.nanmedian(np.abs(series[lag:] - series[:-lag])))


@njit(nogil=True, cache=True, error_model="numpy")
def _over_days(floor: Series, low: Series, level: float, steady: Series) -> None:
    for place, lag in enumerate((1, 7, 28, 91)):
        steady[Steadiness.floor_change_1d + place] = change_over(floor, lag) / level
    steady[Steadiness.floor_low_ratio] = np.nanquantile(floor, 0.1) / level
    steady[Steadiness.floor_high_ratio] = np.nanquantile(floor, 0.9) / level
    steady[Steadiness.low_change_1d] = change_over(low, 1) / level
    steady[Steadiness.low_change_28d] = change_over(low, 28) / level
    steady[Steadiness.low_ratio] = np.nanmedian(low) / level


@njit(nogil=True, cache=True, error_model="numpy")
def _over_hours(
    hourly: Floats, wobble: Floats, floor: Series, counts: npt.NDArray[np.int32], steady: Series
) -> None:
    level = np.nanmedian(floor)
    change = np.abs(hourly[1:] - hourly[:-1])
    at_floor, low_wobble = np.full(change.size, np.nan, np.float32), np.full(hourly.size, np.nan, np.float32)
    for day in range(floor.size):
        reach = 1.1 * floor[day]
        for k in range(day * HOURS, (day + 1) * HOURS):
            if hourly[k] <= reach:
                low_wobble[k] = wobble[k]
                if k < change.size and hourly[k + 1] <= reach:
                    at_floor[k] = change[k]
    steady[Steadiness.calm_wobble] = quantile(wobble, 0.1, counts) / level
    steady[Steadiness.low_wobble] = quantile(low_wobble, 0.5, counts) / level
    steady[Steadiness.calm_hour_change] = quantile(change, 0.1, counts) / level
    steady[Steadiness.low_hour_change] = quantile(at_floor, 0.5, counts) / level


@njit(nogil=True, cache=True, error_model="numpy")
def _dips(hourly: Floats, floor: Series, steady: Series) -> None:
    """Stretches of a day at most below three quarters of the day's floor, between hours near it."""
    depths, number, known = np.empty(hourly.size // 2 + 1), 0, 0
    since, lowest, above = 0, 0.0, False
    for k in range(hourly.size):
        level = floor[k // HOURS]
        if np.isnan(hourly[k]) or not level > 0:
            above = False
            continue
        known += 1
        share = hourly[k] / level
        if share < 1 - DIP:
            since += 1
            lowest = min(lowest, share) if since > 1 else share
            continue
        if since and above and since <= HOURS and share >= 1 - DIP / 2:
            depths[number] = 1 - lowest
            number += 1
        since, above = 0, share >= 1 - DIP / 2
    if known:
        steady[Steadiness.dip_rate] = number / (known / (30 * HOURS))
    if number:
        depth = np.median(depths[:number])
        steady[Steadiness.dip_depth] = depth
        steady[Steadiness.dip_spread] = np.median(np.abs(depths[:number] - depth))


@njit(nogil=True, cache=True, error_model="numpy")
def calm_steps(hourly: Floats, least_kw: float) -> Series:
    """Return the sizes, kW, of changes of ``least_kw`` at least between three calm hours each side.

    Calm: they differ by a fifth of the change at most. The hour in which it changes lies between them.
    """
    sizes, number, k = np.empty(hourly.size // CALM_HOURS + 1), 0, CALM_HOURS
    while k < hourly.size - CALM_HOURS:
        if abs(hourly[k + 1] - hourly[k - 1]) >= least_kw:
            before, after = _calm(hourly, k - CALM_HOURS), _calm(hourly, k + 1)
            size = abs(after[0] - before[0])
            # A missing hour makes the size NaN, and comparisons with it false.
            if size >= least_kw and max(before[1], after[1]) <= CALM * size:
                sizes[number] = size
                number += 1
                k += CALM_HOURS
        k += 1
    return sizes[:number]


@njit(nogil=True, cache=True, error_model="numpy")
def _calm(hourly: Floats, first: int) -> tuple[float, float]:
    """Return mean and range of three hours."""
    one, two, three = hourly[first], hourly[first + 1], hourly[first + 2]
    mean = (one + two + three) / CALM_HOURS
    return mean, max(one, two, three) - min(one, two, three)


@njit(nogil=True, cache=True, error_model="numpy")
def commonest(sizes: Series) -> tuple[float, int]:
    """Return the median of the most sizes that lie within 8 % of each other, and how many they are."""
    ordered = np.sort(sizes)
    first, begin, most = 0, 0, 0
    for last in range(ordered.size):
        while ordered[last] > EQUAL * ordered[first]:
            first += 1
        if last + 1 - first > most:
            begin, most = first, last + 1 - first
    return (float(np.median(ordered[begin : begin + most])), most) if most else (np.nan, 0)


@njit(nogil=True, cache=True, error_model="numpy")
def _steps(hourly: Floats, level: float, steady: Series) -> None:
    mean = mean_known(hourly)
    if not mean > 0:
        return
    sizes = calm_steps(hourly, LEAST_STEP * mean)
    steady[Steadiness.step_rate] = sizes.size / (hourly.size / (30 * HOURS))
    if sizes.size:
        size_kw, most = commonest(sizes)
        steady[Steadiness.step_size_kw] = size_kw
        steady[Steadiness.step_size_ratio] = size_kw / level
        steady[Steadiness.step_equal_share] = most / sizes.size
