"""The constant block inside a curve: one rectangular pulse in the daily floors, its size and its dates.

Whatever the occupants do, a mine that runs lifts the *lowest* hours of the day by its power. Floors are
therefore the series to look at: the quarter quantile of a day's 24 hours (up to six hours may be switched off
for price or peak), and the fourth lowest of the hours 0 to 5 for machines that run at night only. Where
neither shows a step, what lies above the quieter days of each week is taken off the daily floors (a
morphological opening): occupants who vary a lot have quiet days, machines have none.

After a running median of five days a pulse is fitted: inside [begin, end) one level, outside another. All
pulses are tried, so the fit is the best in the sense of least squares. Days without any load between days of
the same level, as in an outage, count for neither side: to come back is no onset.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.power.hours import HOURS, Floats
from minewatch.kernels.power.load_features import FLOOR_SHARE, mean_day
from minewatch.kernels.power.steadiness import NIGHT_HOURS, NIGHT_SHARE, floors

Series = npt.NDArray[np.float64]


class Block(IntEnum):
    """Place of each number that ``find_block`` gives; NaN where it does not apply."""

    begin_day = 0  # of the run, in days from the start of the curve; 0 where it began before
    end_day = 1  # day after the run; the number of days where it goes on
    onset_hour = 2  # first hour of the run; NaN where it began before
    end_hour = 3  # hour after the run; NaN where it goes on
    level_kw = 4  # median floor in the run
    base_kw = 5  # median floor outside; NaN without a step
    step_kw = 6  # level above base; NaN without a step
    gain_share = 7  # of the variance of floors that the best pulse explains, step or not
    sharp_share = 8  # of the step that is reached within three days
    level_spread_kw = 9  # median distance of floors from their median in the run
    on_share = 10  # hours of the run above half the step (without a step: half the level)
    night = 11  # 1 where only the night is lifted
    day_level_kw = 12  # median floor of whole days in the run
    night_level_kw = 13  # median floor of nights in the run
    uplift_kw = 14  # mean of the 24 hours in the run less the mean outside
    uplift_spread_kw = 15  # standard deviation of the uplift over the 24 hours
    uplift_low_kw = 16  # smallest uplift of the 24 hours
    half_kw = 17  # above it the block is taken to be on
    period_on_hours = 18  # hours of the period in the run above it
    pause_days = 19  # longest stretch of days inside the run whose floor lies below it
    other_begin_day = 20  # of the next largest pulse in the floors; NaN without one
    other_end_day = 21
    other_step_kw = 22


SHORTEST_DAYS = 3
LEAST_STEP = 0.25
"""A step is told of from a quarter of the level: modes of firmware and seasons stay below."""
LEAST_GAIN = 0.55
"""A step is told of when the pulse explains more than half of the variance of the floors."""
MOST_SPREAD = 0.35
"""And when half of the floors inside lie within a third of the step of their median: machines are steady."""
LEAST_NIGHT = 1.0
"""A step at night alone counts from the level of the whole day, a step of both from twice that by day."""
LEAST_QUIET_GAIN = 0.8
"""Quiet days alone show a step where hardly anything else varies in them."""
QUIET_REACH = 3
"""A week has quiet days: at least two within three days each side."""
DARK = 0.02
"""A day is dark whose largest hour is below a fiftieth of the curve's mean."""
LONGEST_OUTAGE_DAYS = 45
SAME_LEVEL = 1.3
"""Levels before and after an outage are the same within this factor."""


@njit(nogil=True, cache=True, error_model="numpy")
def find_block(hourly: Floats, period_days: tuple[int, int], block: Series) -> None:
    """Write the numbers of ``Block`` for a curve of hourly means, kW, shape (days * 24,), into ``block``.

    The run has to touch the days ``period_days`` (first, last + 1), counted from the start of the curve.
    """
    block[:] = np.nan
    days = hourly.size // HOURS
    by_day, by_night = np.empty(days), np.empty(days)
    floors(hourly, HOURS, FLOOR_SHARE, by_day)
    floors(hourly, NIGHT_HOURS, NIGHT_SHARE, by_night)
    dark = dark_days(hourly)
    hide_outages(by_day, dark)
    hide_outages(by_night, dark)
    chosen, night = _pulse_of(by_day, period_days), 0
    other = _pulse_of(by_night, period_days)
    by_day_step, by_night_step = _is_step(chosen, days), _is_step(other, days)
    needed = LEAST_NIGHT if by_night_step and not by_day_step else 2.0
    only_by_day = by_day_step and not by_night_step
    if not only_by_day and _height(other, by_night) > needed * _height(chosen, by_day):
        chosen, night = other, 1
    series = by_night if night else by_day
    if not (by_day_step or by_night_step):
        quiet = opened(by_day)
        third = _pulse_of(quiet, period_days)
        if _is_step(third, days) and third[2] > LEAST_QUIET_GAIN:
            chosen, series, night = third, quiet, 0
    begin, end, base, level = _run_of(series, chosen)
    has_step = _is_step((begin, end, base), days)
    block[Block.begin_day], block[Block.end_day] = begin, end
    block[Block.gain_share], block[Block.night], block[Block.level_kw] = chosen[2], night, level
    block[Block.level_spread_kw] = np.nanmedian(np.abs(series[begin:end] - level))
    block[Block.day_level_kw], block[Block.night_level_kw] = (
        np.nanmedian(by_day[begin:end]),
        np.nanmedian(by_night[begin:end]),
    )
    half = base + 0.5 * (level - base)
    block[Block.on_share] = _share_above(hourly[begin * HOURS : end * HOURS], half)
    block[Block.half_kw], block[Block.pause_days] = half, _longest_below(series[begin:end], half)
    inside = hourly[max(begin, period_days[0], 0) * HOURS : max(min(end, period_days[1]), 0) * HOURS]
    block[Block.period_on_hours] = (inside >= half).sum()
    if has_step:
        _other(series, (begin, end), level - base, block)
        block[Block.base_kw], block[Block.step_kw] = base, level - base
        block[Block.sharp_share] = _sharpness(series, (begin, end), level - base)
        block[Block.onset_hour], block[Block.end_hour] = _edges(hourly, (begin, end), half)
        _uplift(hourly, (begin, end), block)


@njit(nogil=True, cache=True, error_model="numpy")
def dark_days(hourly: Floats) -> npt.NDArray[np.bool_]:
    """Return which days (days,) have no hour above a fiftieth of the curve's mean; unknown days are not."""
    dark = np.zeros(hourly.size // HOURS, np.bool_)
    least = DARK * np.nanmean(hourly)
    for day in range(dark.size):
        dark[day] = np.nanmax(hourly[day * HOURS : (day + 1) * HOURS]) < least
    return dark


@njit(nogil=True, cache=True, error_model="numpy")
def hide_outages(series: Series, dark: npt.NDArray[np.bool_]) -> None:
    """Set days to NaN that are dark for 45 days at most, between weeks of the same level."""
    day = 0
    while day < series.size:
        begin = day
        while day < series.size and dark[day]:
            day += 1
        if 0 < begin < day < series.size and day - begin <= LONGEST_OUTAGE_DAYS:
            before, after = (
                np.nanmedian(series[max(begin - 7, 0) : begin]),
                np.nanmedian(series[day : day + 7]),
            )
            if max(before, after) <= SAME_LEVEL * min(before, after):
                series[begin:day] = np.nan
        day += 1


@njit(nogil=True, cache=True, error_model="numpy")
def running_median(series: Series) -> Series:
    """Return the median of the five days around each day without NaN; NaN where all five are."""
    result = np.empty_like(series)
    for day in range(series.size):
        result[day] = np.nanmedian(series[max(day - 2, 0) : day + 3])
    return result


@njit(nogil=True, cache=True, error_model="numpy")
def opened(series: Series) -> Series:
    """Return the second lowest of the week around each day, then the highest of five: edges stay in place.

    NaN days count not; a week with less than four known days is NaN.
    """
    low, result = np.full(series.size, np.nan), np.full(series.size, np.nan)
    for day in range(series.size):
        week = series[max(day - QUIET_REACH, 0) : day + QUIET_REACH + 1]
        known = np.sort(week[~np.isnan(week)])
        if known.size > QUIET_REACH:
            low[day] = known[1]
    for day in range(series.size):
        result[day] = np.nanmax(low[max(day - 2, 0) : day + 3])
    return result


@njit(nogil=True, cache=True, error_model="numpy")
def best_pulse(series: Series, period_days: tuple[int, int]) -> tuple[int, int, float]:
    """Return (begin, end, share of variance explained) of the best upward pulse that touches the period.

    A pulse and the rest have at least ``SHORTEST_DAYS`` days with a value; NaN days count for neither. The
    share is the between-group sum of squares n_in n_out / n (mean_in - mean_out)^2 over the total one.
    Without any pulse that rises: (0, days, 0).
    """
    days = series.size
    number, total, square = np.zeros(days + 1), np.zeros(days + 1), 0.0
    for day in range(days):
        known = not np.isnan(series[day])
        number[day + 1] = number[day] + known
        total[day + 1] = total[day] + (series[day] if known else 0.0)
        square += series[day] ** 2 if known else 0.0
    best, begin, end = 0.0, 0, days
    for last in range(max(period_days[0] + 1, SHORTEST_DAYS), days + 1):
        for first in range(min(period_days[1], last - SHORTEST_DAYS + 1)):
            inside = number[last] - number[first]
            outside = number[days] - inside
            if inside < SHORTEST_DAYS or outside < SHORTEST_DAYS:
                continue
            within = total[last] - total[first]
            rise = within / inside - (total[days] - within) / outside
            gain = inside * outside / number[days] * rise * rise
            if rise > 0 and gain > best:
                best, begin, end = gain, first, last
    spread = square - total[days] ** 2 / number[days] if number[days] else 0.0
    return begin, end, best / spread if spread > 0 else 0.0


@njit(nogil=True, cache=True, error_model="numpy")
def _pulse_of(series: Series, period_days: tuple[int, int]) -> tuple[int, int, float]:
    """Return the best pulse, or the whole curve where the pulse is too low or explains too little."""
    days = series.size
    begin, end, gain = best_pulse(running_median(series), period_days)
    if begin == 0 and end == days:
        return 0, days, gain
    level, base = np.nanmedian(series[begin:end]), np.nanmedian(_outside(series, begin, end))
    step, spread = level - base, np.nanmedian(np.abs(series[begin:end] - level))
    if gain < LEAST_GAIN or not step > LEAST_STEP * level or spread > MOST_SPREAD * step:
        return 0, days, gain
    return begin, end, gain


@njit(nogil=True, cache=True, error_model="numpy")
def _run_of(series: Series, pulse: tuple[int, int, float]) -> tuple[int, int, float, float]:
    """Return (begin, end, base, level) of the run: the pulse with its slopes; base 0 without a step."""
    days = series.size
    begin, end, _ = pulse
    if begin > 0 or end < days:
        base = np.nanmedian(_outside(series, begin, end))
        step = np.nanmedian(series[begin:end]) - base
        begin, end = _widen(running_median(series), begin, end, base, step)
        level = np.nanmedian(series[begin:end])
        if (begin > 0 or end < days) and level > base:
            return begin, end, base, level
    return 0, days, 0.0, np.nanmedian(series)


@njit(nogil=True, cache=True, error_model="numpy")
def _is_step(pulse: tuple[int, int, float], days: int) -> bool:
    return pulse[0] > 0 or pulse[1] < days


@njit(nogil=True, cache=True, error_model="numpy")
def _height(pulse: tuple[int, int, float], series: Series) -> float:
    begin, end, _ = pulse
    height = np.nanmedian(series[begin:end])
    if _is_step(pulse, series.size):
        height -= np.nanmedian(_outside(series, begin, end))
    return height if not np.isnan(height) else 0.0


@njit(nogil=True, cache=True, error_model="numpy")
def _outside(series: Series, begin: int, end: int) -> Series:
    return np.concatenate((series[:begin], series[end:]))


@njit(nogil=True, cache=True, error_model="numpy")
def _widen(smooth: Series, begin: int, end: int, base: float, step: float) -> tuple[int, int]:
    """Take in the days beside the pulse that are raised by a fifth of it: machines come in lorry loads."""
    raised = base + 0.2 * step
    while begin > 0 and smooth[begin - 1] > raised:
        begin -= 1
    while end < smooth.size and smooth[end] > raised:
        end += 1
    return begin, end


@njit(nogil=True, cache=True, error_model="numpy")
def _share_above(values: Floats, threshold: float) -> float:
    above, number = 0, 0
    for value in values:
        if not np.isnan(value):
            number += 1
            above += value >= threshold
    return above / number if number else np.nan


@njit(nogil=True, cache=True, error_model="numpy")
def _longest_below(series: Series, threshold: float) -> int:
    run, longest = 0, 0
    for value in series:
        run = run + 1 if value < threshold else 0
        longest = max(longest, run)
    return longest


@njit(nogil=True, cache=True, error_model="numpy")
def _other(series: Series, run: tuple[int, int], step: float, block: Series) -> None:
    """Find the next pulse once the first is taken away: a quarter of the level and half of what varies."""
    left = series.copy()
    left[run[0] : run[1]] -= step
    begin, end, gain = best_pulse(running_median(left), (0, left.size))
    if gain < LEAST_GAIN or (begin == 0 and end == left.size):
        return
    height = np.nanmedian(left[begin:end]) - np.nanmedian(_outside(left, begin, end))
    if height > LEAST_STEP * block[Block.level_kw]:
        block[Block.other_begin_day], block[Block.other_end_day] = begin, end
        block[Block.other_step_kw] = height


@njit(nogil=True, cache=True, error_model="numpy")
def _sharpness(series: Series, run: tuple[int, int], step: float) -> float:
    """Share of the step between three days before and three days after its nearer edge (onset, else end)."""
    at = run[0] if run[0] > 0 else run[1]
    before, after = series[max(at - 3, 0) : at], series[at : at + 3]
    return abs(np.nanmedian(after) - np.nanmedian(before)) / step


@njit(nogil=True, cache=True, error_model="numpy")
def _edges(hourly: Floats, run: tuple[int, int], half: float) -> tuple[float, float]:
    """Hours at which the load rises above half the step and falls below it, within a day of the run."""
    onset, end = np.nan, np.nan
    if run[0] > 0:
        hour = run[0] * HOURS
        while hour > (run[0] - 1) * HOURS and hourly[hour - 1] >= half:
            hour -= 1
        onset = float(hour)
    if run[1] * HOURS < hourly.size:
        hour = run[1] * HOURS
        while hour < (run[1] + 1) * HOURS and hourly[hour] >= half:
            hour += 1
        end = float(hour)
    return onset, end


@njit(nogil=True, cache=True, error_model="numpy")
def _uplift(hourly: Floats, run: tuple[int, int], block: Series) -> None:
    """How much more each hour of the day draws in the run: the same at every hour for a constant block.

    The day beside each edge belongs to neither side.
    """
    inside, outside = np.empty(HOURS), np.empty(HOURS)
    before, after = max(run[0] - 1, 0) * HOURS, (run[1] + 1) * HOURS
    mean_day(hourly[run[0] * HOURS : run[1] * HOURS], inside)
    mean_day(np.concatenate((hourly[:before], hourly[after:])), outside)
    uplift = inside - outside
    block[Block.uplift_kw], block[Block.uplift_spread_kw] = np.nanmean(uplift), np.nanstd(uplift)
    block[Block.uplift_low_kw] = np.nanmin(uplift)
