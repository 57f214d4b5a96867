"""Features of load curves: level, spread, daily floor, rhythm, flatness. One pass a customer, no sorting.

All ratios are to the customer's mean, so the features but ``mean_kw`` do not depend on the unit of the file.
Quantiles come from a histogram over the upper bits of the floats (bins of 1.6 % at most, linear inside a
bin), because sorting would cost more than all the rest.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.power.hours import HOURS, Floats, Ints, fold_hours, known_days, longest_span, span_days


class Feature(IntEnum):
    """Place of each feature. All but days, shares, correlations and mean_kw are ratios to the mean."""

    days = 0  # from the first to the last
    missing_share = 1  # of the hours
    mean_kw = 2
    q02_ratio = 3  # quantiles of hourly means, to the mean
    q10_ratio = 4
    q25_ratio = 5
    q50_ratio = 6
    q75_ratio = 7
    q90_ratio = 8
    q98_ratio = 9
    load_factor = 10  # mean to largest hourly mean
    spread_ratio = 11  # standard deviation of hourly means
    night_ratio = 12  # mean of hours 0-5
    midday_ratio = 13  # hours 10-14
    evening_ratio = 14  # hours 18-21
    weekend_ratio = 15  # Saturday and Sunday to Monday to Friday
    floor_ratio = 16  # median of the daily floors (lowest quarter of a day's hours)
    floor_spread_ratio = 17  # median distance of daily floors from their median, to the mean
    day_spread_ratio = 18  # standard deviation of daily means
    day_change_ratio = 19  # mean change from one day's mean to the next
    autocorrelation_1h = 20
    autocorrelation_24h = 21
    autocorrelation_168h = 22
    profile_spread_ratio = 23  # standard deviation of the mean day's 24 hours
    profile_share = 24  # of the variance that the mean day explains
    change_ratio = 25  # mean change from one hour to the next
    calm_ratio = 26  # median change from one hour to the next
    step_share = 27  # hours that change by more than a fifth of the mean
    flat_share = 28  # hours within 5 % of the median
    flat_run_share = 29  # longest run of hours within 10 % of the median
    mode_share = 30  # hours within one band of 6 % that holds the most
    mode_ratio = 31  # where that band lies
    off_share = 32  # hours below a tenth of the mean
    trend = 33  # correlation of daily means with time
    wobble_ratio = 34  # mean deviation of readings from their hour's mean; NaN for hourly readings


FEATURES = tuple(feature.name for feature in Feature)
"""Names in the order of the features."""

_QUANTILES = np.array([0.02, 0.10, 0.25, 0.50, 0.75, 0.90, 0.98])
_SHIFT = 17
_BINS = 1 << (31 - _SHIFT)
_MODE_BINS = 4
FLOOR_SHARE = 0.25
"""The floor of a day is the quarter quantile of its hours: up to six hours may fall below it."""


@njit(nogil=True, cache=True, error_model="numpy")
def load_features(
    values: Floats, row_offsets: Ints, days: npt.NDArray[np.int32], point_rows: Ints
) -> npt.NDArray[np.float64]:
    """Return the ``FEATURES`` of each customer, shape (customers, features), NaN where undefined.

    Customer p has rows ``point_rows[p]`` to ``point_rows[p + 1]``, one a day in rising order; row r holds
    ``values[row_offsets[r]:row_offsets[r + 1]]``, mean kW at equal intervals of local day ``days[r]`` (days
    since 1970-01-01), NaN where missing.
    """
    points = point_rows.size - 1
    features = np.full((points, len(FEATURES)), np.nan)
    longest = longest_span(days, point_rows)
    hourly = np.empty(longest * HOURS, np.float32)
    wobble = np.empty(longest * HOURS, np.float32)
    counts = np.zeros(_BINS, np.int32)
    for point in range(points):
        rows = (point_rows[point], point_rows[point + 1])
        if rows[0] == rows[1]:
            continue
        span = span_days(days, rows[0], rows[1])
        curve = hourly[: span * HOURS]
        fold_hours(values, row_offsets, days, rows, curve, wobble[: span * HOURS])
        first, last = known_days(curve)
        curve_features(
            curve[first * HOURS : last * HOURS],
            wobble[first * HOURS : last * HOURS],
            days[rows[0]] + first,
            counts,
            features[point],
        )
    return features


@njit(nogil=True, cache=True, error_model="numpy")
def curve_features(
    hourly: Floats,
    wobble: Floats,
    first_day: int,
    counts: npt.NDArray[np.int32],
    features: npt.NDArray[np.float64],
) -> None:
    """Write the ``FEATURES`` of one curve of hourly means (days * 24), kW, into ``features``.

    ``wobble`` (days * 24): each hour's mean deviation of readings, kW. ``first_day`` counts from 1970-01-01.
    ``counts`` is scratch of ``histogram_bins()`` zeros, left as zeros. A curve without power leaves all but
    days, missing_share and mean_kw at NaN.
    """
    level, largest, spread, present = _level(hourly)
    features[Feature.days] = hourly.size // HOURS
    if hourly.size:
        features[Feature.missing_share] = 1.0 - present / hourly.size
    features[Feature.mean_kw] = level
    if present == 0 or not level > 0.0:
        return
    features[Feature.load_factor] = level / largest
    features[Feature.spread_ratio] = spread / level
    _distribution(hourly, level, counts, features)
    _day_statistics(hourly, level, first_day, features)
    _rhythm(hourly, level, spread, features)
    _autocorrelations(hourly, level, spread, features)
    _changes(hourly, level, counts, features)
    _flatness(hourly, level, features)
    features[Feature.wobble_ratio] = mean_known(wobble) / level


@njit(nogil=True, cache=True, error_model="numpy")
def histogram_bins() -> int:
    """Return the length of the scratch array ``counts``."""
    return _BINS


@njit(nogil=True, cache=True, error_model="numpy")
def _level(hourly: Floats) -> tuple[float, float, float, int]:
    total, present, largest = 0.0, 0, -np.inf
    for value in hourly:
        if not np.isnan(value):
            total += value
            present += 1
            largest = max(largest, value)
    if present == 0:
        return np.nan, np.nan, np.nan, 0
    mean, squares = total / present, 0.0
    for value in hourly:
        if not np.isnan(value):
            squares += (value - mean) ** 2
    return mean, largest, np.sqrt(squares / present), present


@njit(nogil=True, cache=True, error_model="numpy")
def mean_known(values: Floats) -> float:
    """Return the mean of the values that are not NaN, NaN without any."""
    total, present = 0.0, 0
    for value in values:
        if not np.isnan(value):
            total += value
            present += 1
    return total / present if present else np.nan


@njit(nogil=True, cache=True, error_model="numpy")
def _count(values: Floats, counts: npt.NDArray[np.int32]) -> tuple[int, int, int]:
    """Fill the histogram of values from 0 up; returns (number, lowest bin, highest bin)."""
    number, low, high = 0, _BINS - 1, 0
    bits = values.view(np.int32)
    for k in range(values.size):
        if not np.isnan(values[k]):
            place = max(bits[k], 0) >> _SHIFT  # -0.0 has the sign bit
            counts[place] += 1
            low, high = min(low, place), max(high, place)
            number += 1
    return number, low, high


@njit(nogil=True, cache=True, error_model="numpy")
def _edge(place: int, edges: Floats) -> float:
    edges.view(np.int32)[0] = place << _SHIFT
    return float(edges[0])


@njit(nogil=True, cache=True, error_model="numpy")
def _quantile(
    counts: npt.NDArray[np.int32], span: tuple[int, int, int], share: float, edges: Floats
) -> float:
    number, low, high = span
    wanted, before = share * (number - 1), 0
    for place in range(low, high + 1):
        inside = counts[place]
        if inside and before + inside > wanted:
            lower, upper = _edge(place, edges), _edge(place + 1, edges)
            return lower + (upper - lower) * (wanted - before + 0.5) / inside
        before += inside
    return np.nan


@njit(nogil=True, cache=True, error_model="numpy")
def quantile(values: Floats, share: float, counts: npt.NDArray[np.int32]) -> float:
    """Return a quantile of values from 0 up, to 1.6 %, NaN of none; ``counts`` as in ``curve_features``."""
    span = _count(values, counts)
    found = _quantile(counts, span, share, np.empty(1, np.float32))
    counts[span[1] : span[2] + 1] = 0
    return found


@njit(nogil=True, cache=True, error_model="numpy")
def _distribution(
    hourly: Floats, level: float, counts: npt.NDArray[np.int32], features: npt.NDArray[np.float64]
) -> None:
    edges = np.empty(1, np.float32)
    span = _count(hourly, counts)
    for k in range(_QUANTILES.size):
        features[Feature.q02_ratio + k] = _quantile(counts, span, _QUANTILES[k], edges) / level
    most, mode, inside = 0, span[1], 0
    for place in range(span[1], span[2] + 1):
        inside += counts[place]
        if place - _MODE_BINS >= span[1]:
            inside -= counts[place - _MODE_BINS]
        if inside > most:
            most, mode = inside, place
    features[Feature.mode_share] = most / span[0]
    features[Feature.mode_ratio] = _edge(max(mode - _MODE_BINS // 2 + 1, 0), edges) / level
    counts[span[1] : span[2] + 1] = 0


@njit(nogil=True, cache=True, error_model="numpy")
def daily_floor(day: Floats, share: float, lowest: Floats) -> float:
    """Return the ``share`` quantile (lower) of a day's hourly means, kW; NaN where half are missing.

    ``lowest`` is scratch as long as the rank of that quantile at least.
    """
    present = 0
    for value in day:
        present += not np.isnan(value)
    if 2 * present < day.size:
        return np.nan
    rank, kept = int(share * present), 0
    for value in day:
        if np.isnan(value) or (kept > rank and value >= lowest[rank]):
            continue
        place = min(kept, rank)
        while place > 0 and lowest[place - 1] > value:
            lowest[place] = lowest[place - 1]
            place -= 1
        lowest[place] = value
        kept = min(kept + 1, rank + 1)
    return float(lowest[rank])


@njit(nogil=True, cache=True, error_model="numpy")
def _day_statistics(hourly: Floats, level: float, first_day: int, features: npt.NDArray[np.float64]) -> None:
    span = hourly.size // HOURS
    means, floors = np.full(span, np.nan), np.full(span, np.nan)
    lowest = np.empty(HOURS, np.float32)
    sums, numbers = np.zeros(2), np.zeros(2)
    for day in range(span):
        curve = hourly[day * HOURS : (day + 1) * HOURS]
        floors[day] = daily_floor(curve, FLOOR_SHARE, lowest)
        means[day] = mean_known(curve)
        if not np.isnan(means[day]):
            free = int((first_day + day + 3) % 7 >= 5)  # 1970-01-01 was a Thursday
            sums[free] += means[day]
            numbers[free] += 1
    if numbers[0] and numbers[1] and sums[0] > 0:
        features[Feature.weekend_ratio] = sums[1] / numbers[1] / (sums[0] / numbers[0])
    floor = np.nanmedian(floors)
    features[Feature.floor_ratio] = floor / level
    features[Feature.floor_spread_ratio] = np.nanmedian(np.abs(floors - floor)) / level
    spread = np.nanstd(means)
    features[Feature.day_spread_ratio] = spread / level
    features[Feature.trend] = _trend(means, spread)
    change = np.abs(means[1:] - means[:-1])
    if np.isfinite(change).any():
        features[Feature.day_change_ratio] = np.nanmean(change) / level


@njit(nogil=True, cache=True, error_model="numpy")
def _trend(means: npt.NDArray[np.float64], spread: float) -> float:
    number, place, square, product, level = 0, 0.0, 0.0, 0.0, np.nanmean(means)
    for day in range(means.size):
        if not np.isnan(means[day]):
            number += 1
            place += day
            square += day * day
            product += day * (means[day] - level)
    variance = square / number - (place / number) ** 2
    if variance <= 0 or not spread > 0:
        return np.nan
    return product / number / (spread * np.sqrt(variance))


@njit(nogil=True, cache=True, error_model="numpy")
def mean_day(hourly: Floats, profile: npt.NDArray[np.float64]) -> None:
    """Write the mean of each hour of the day, kW, into ``profile`` (24); NaN where an hour never occurs."""
    numbers = np.zeros(HOURS)
    profile[:] = 0.0
    for day in range(hourly.size // HOURS):
        for hour in range(HOURS):
            value = hourly[day * HOURS + hour]
            if not np.isnan(value):
                profile[hour] += value
                numbers[hour] += 1
    for hour in range(HOURS):
        profile[hour] = profile[hour] / numbers[hour] if numbers[hour] else np.nan


@njit(nogil=True, cache=True, error_model="numpy")
def _rhythm(hourly: Floats, level: float, spread: float, features: npt.NDArray[np.float64]) -> None:
    profile = np.empty(HOURS)
    mean_day(hourly, profile)
    spread_of_profile = np.nanstd(profile)
    features[Feature.profile_spread_ratio] = spread_of_profile / level
    if spread > 0:
        features[Feature.profile_share] = min(1.0, float((spread_of_profile / spread) ** 2))
    features[Feature.night_ratio] = np.nanmean(profile[0:6]) / level
    features[Feature.midday_ratio] = np.nanmean(profile[10:15]) / level
    features[Feature.evening_ratio] = np.nanmean(profile[18:22]) / level


@njit(nogil=True, cache=True, error_model="numpy")
def _autocorrelations(hourly: Floats, level: float, spread: float, features: npt.NDArray[np.float64]) -> None:
    if not spread > 0:
        return
    centred = np.zeros(hourly.size, np.float32)
    known = np.zeros(hourly.size, np.float32)
    for k in range(hourly.size):
        if not np.isnan(hourly[k]):
            centred[k] = (hourly[k] - level) / spread
            known[k] = 1.0
    first = Feature.autocorrelation_1h
    for place, lag in enumerate((1, HOURS, 7 * HOURS)):
        if hourly.size > lag:
            number = float(np.dot(known[lag:], known[:-lag]))
            if number > 0:
                features[first + place] = float(np.dot(centred[lag:], centred[:-lag])) / number


@njit(nogil=True, cache=True, error_model="numpy")
def _changes(
    hourly: Floats, level: float, counts: npt.NDArray[np.int32], features: npt.NDArray[np.float64]
) -> None:
    change = np.empty(hourly.size - 1, np.float32)
    total, number, steps = 0.0, 0, 0
    for k in range(change.size):
        change[k] = abs(hourly[k + 1] - hourly[k])
        if not np.isnan(change[k]):
            total += change[k]
            number += 1
            steps += change[k] > 0.2 * level
    if number == 0:
        return
    features[Feature.change_ratio] = total / number / level
    features[Feature.step_share] = steps / number
    features[Feature.calm_ratio] = quantile(change, 0.5, counts) / level


@njit(nogil=True, cache=True, error_model="numpy")
def _flatness(hourly: Floats, level: float, features: npt.NDArray[np.float64]) -> None:
    median = features[Feature.q50_ratio] * level
    near, low, number, run, longest = 0, 0, 0, 0, 0
    for value in hourly:
        if np.isnan(value):
            continue
        distance = abs(value - median)
        number += 1
        near += distance <= 0.05 * median
        low += value < 0.1 * level
        run = run + 1 if distance <= 0.1 * median else 0
        longest = max(longest, run)
    features[Feature.flat_share] = near / number
    features[Feature.flat_run_share] = longest / hourly.size
    features[Feature.off_share] = low / number
