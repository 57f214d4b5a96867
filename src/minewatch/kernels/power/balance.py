"""Energy that went in against energy that was metered, hour by hour, and a robust fit of what is left."""

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.power.hours import HOURS, Floats, Ints

Doubles = npt.NDArray[np.float64]

HUBER = 2.0
"""Residuals beyond this many scales count less (Huber 1964)."""

ROUNDS = 4
SPANS = (1, 7, 28)
"""Days over which residuals are summed to see how far they hang together."""

MEMORY = 0.3
"""Weight of a new day in the running day that fills gaps."""


@njit(nogil=True, cache=True, error_model="numpy")
def hourly_curves(
    values: Floats,
    row_offsets: Ints,
    days: npt.NDArray[np.int32],
    point_rows: Ints,
    spans: Ints,
    hourly: Floats,
) -> None:
    """Write hourly means, kW, of all curves on one axis into ``hourly`` (points, hours).

    Row r holds ``values[row_offsets[r]:row_offsets[r + 1]]`` at equal intervals of day ``days[r]``; rows of
    point p are ``point_rows[p]`` to ``point_rows[p + 1]``. NaN where more than half of an hour's readings are
    missing, and where a day's length is no multiple of 24. Signs are kept. ``spans`` (points, 3) are the day
    on which the axis begins, and the first day and the day after the last that count for the point.
    """
    hourly[:] = np.nan
    for point in range(point_rows.size - 1):
        for row in range(point_rows[point], point_rows[point + 1]):
            begin, end = row_offsets[row], row_offsets[row + 1]
            inside = spans[point, 1] <= days[row] < spans[point, 2]
            if not inside or end == begin or (end - begin) % HOURS:
                continue
            place = (days[row] - spans[point, 0]) * HOURS
            each = (end - begin) // HOURS
            for hour in range(HOURS):
                total, present = np.float32(0.0), 0
                for k in range(begin + hour * each, begin + (hour + 1) * each):
                    if not np.isnan(values[k]):
                        total += values[k]
                        present += 1
                if 2 * present >= each and present > 0:
                    hourly[point, place + hour] = total / np.float32(present)


@njit(nogil=True, cache=True, error_model="numpy")
def metered_sums(
    hourly: Floats, supplied: Ints, groups: Ints, sums: tuple[Doubles, Doubles, Doubles], floors: Doubles
) -> None:
    """Add the curves ``hourly`` (points, hours) of each group into ``sums``, each (groups, hours).

    ``groups`` (points,) is the row of each point, below 0 for none; ``supplied`` (points, 2) the hours from
    and until which it is connected. A gap while connected is filled with the same hour of the days before,
    later ones counting more. The first of ``sums`` gets the power, kW, the second what of it was guessed, the
    third the variance of the guess, kW2: that of all the point's hours. ``floors`` (points,) gets the least
    hour of the mean day, kW, NaN for a point without a reading.
    """
    metered, filled, variance = sums
    profile, latest = np.empty(HOURS), np.empty(HOURS)
    for point in range(groups.size):
        if day_profile(hourly[point], profile) == 0:
            floors[point] = np.nan
            continue
        floors[point] = np.nanmin(profile)
        group = groups[point]
        if group < 0:
            continue
        spread = np.nanvar(hourly[point])
        latest[:] = profile
        for hour in range(supplied[point, 0], supplied[point, 1]):
            value, at = hourly[point, hour], hour % HOURS
            if np.isnan(value):
                guess = floors[point] if np.isnan(latest[at]) else latest[at]
                metered[group, hour] += guess
                filled[group, hour] += guess
                variance[group, hour] += spread
            else:
                metered[group, hour] += value
                latest[at] += MEMORY * (value - latest[at])


@njit(nogil=True, cache=True, error_model="numpy")
def day_profile(hourly: Floats, profile: Doubles) -> int:
    """Write the mean of each hour of the day, kW, NaN without one, into ``profile`` (24,); count values."""
    number = np.zeros(HOURS, np.int64)
    profile[:] = 0.0
    for hour in range(hourly.size):
        if not np.isnan(hourly[hour]):
            profile[hour % HOURS] += hourly[hour]
            number[hour % HOURS] += 1
    profile /= number
    return number.sum()


@njit(nogil=True, cache=True, error_model="numpy")
def presence(hourly: Floats, groups: Ints, residual: Doubles, share: Doubles, error: Doubles) -> None:
    """Write how much of each point's own fluctuation its group's ``residual`` (groups, hours) holds.

    Both are compared by what an hour differs from the mean of its two neighbours, which no other load shares:
    ``share`` (points,) is the least-squares factor, 0 for a point that is metered and supplied alike, -1 for
    one that the group's supply does not feed; ``error`` its standard error. NaN where the curve never moves.
    """
    for point in range(groups.size):
        product, square, rest, number = 0.0, 0.0, 0.0, 0
        group = groups[point]
        if group >= 0:
            for hour in range(1, hourly.shape[1] - 1):
                x = hourly[point, hour] - 0.5 * (hourly[point, hour - 1] + hourly[point, hour + 1])
                e = residual[group, hour] - 0.5 * (residual[group, hour - 1] + residual[group, hour + 1])
                if not np.isnan(x) and not np.isnan(e):
                    product += x * e
                    square += x * x
                    rest += e * e
                    number += 1
        if square > 0 and number > 2:
            share[point] = product / square
            error[point] = np.sqrt(max(rest - product * product / square, 0.0) / (number - 1) / square)
        else:
            share[point], error[point] = np.nan, np.nan


@njit(nogil=True, cache=True, error_model="numpy")
def robust_fit(
    target: Doubles, columns: Doubles, doubt: Doubles, prior: Doubles, residual: Doubles, weights: Doubles
) -> tuple[Doubles, Doubles, float]:
    """Fit ``target`` (hours,) by ``columns`` (k, hours) with a normal prior and Huber weights.

    ``prior`` (k, 2) holds mean and standard deviation of each coefficient; ``doubt`` (hours,) a standard
    deviation known beforehand, above 0, NaN where the target is left out. The scale of residuals is the
    median of their sizes at the same hour of the day (times 1.4826), so that hours of sun may be noisier than
    night. Residuals of neighbouring hours hang together: information is divided by the factor ``clumping``.
    Returns (coefficients, covariance, clumping); writes ``residual`` (NaN where left out) and ``weights``
    (1 / variance, 0 where left out).
    """
    number = columns.shape[0]
    information, covariance = np.zeros((number, number)), np.zeros((number, number))
    moment = np.zeros(number)
    coefficients = prior[:, 0].copy()
    start = np.ascontiguousarray(prior[:, 0]) @ columns
    factor = 1.0
    _residuals(target, columns, coefficients, doubt, residual)
    for turn in range(ROUNDS):
        _weigh(residual, doubt, weights)
        if turn > 1:
            factor = clumping(residual, weights)
        # In units of the prior's deviations, so that the sum with its precision, 1, is well conditioned.
        for row in range(number):
            total = 0.0
            for hour in range(target.size):
                if weights[hour] > 0:
                    left = target[hour] - start[hour]
                    total += weights[hour] * columns[row, hour] * left
            moment[row] = total * prior[row, 1] / factor
            for column in range(row + 1):
                total = 0.0
                for hour in range(target.size):
                    total += weights[hour] * columns[row, hour] * columns[column, hour]
                scaled = total * prior[row, 1] * prior[column, 1] / factor
                information[row, column] = information[column, row] = scaled
            information[row, row] += 1.0
        inverse = np.linalg.inv(information)
        for row in range(number):
            coefficients[row] = prior[row, 0]
            for column in range(number):
                coefficients[row] += prior[row, 1] * inverse[row, column] * moment[column]
                covariance[row, column] = prior[row, 1] * inverse[row, column] * prior[column, 1]
        _residuals(target, columns, coefficients, doubt, residual)
    return coefficients, covariance, factor


@njit(nogil=True, cache=True, error_model="numpy")
def _residuals(
    target: Doubles, columns: Doubles, coefficients: Doubles, doubt: Doubles, residual: Doubles
) -> None:
    for hour in range(target.size):
        fitted = 0.0
        for row in range(coefficients.size):
            fitted += coefficients[row] * columns[row, hour]
        residual[hour] = np.nan if np.isnan(doubt[hour]) else target[hour] - fitted


@njit(nogil=True, cache=True, error_model="numpy")
def _weigh(residual: Doubles, doubt: Doubles, weights: Doubles) -> None:
    for at in range(HOURS):
        sizes = np.abs(residual[at::HOURS])
        known = sizes[~np.isnan(sizes)]
        scale = 1.4826 * np.median(known) if known.size else 0.0
        for hour in range(at, residual.size, HOURS):
            if np.isnan(residual[hour]):
                weights[hour] = 0.0
                continue
            sigma = np.sqrt(scale * scale + doubt[hour] * doubt[hour])
            weights[hour] = min(1.0, HUBER * sigma / max(abs(residual[hour]), 1e-12)) / (sigma * sigma)


@njit(nogil=True, cache=True, error_model="numpy")
def clumping(residual: Doubles, weights: Doubles) -> float:
    """Return how much wider sums of residuals spread than independent ones would, at least 1.

    Over spans of ``SPANS`` days (those that fit at least four times), the largest mean of
    (sum of weight * residual)^2 / (sum of weight^2 * residual^2).
    """
    largest = 1.0
    for days in SPANS:
        length = days * HOURS
        if 4 * length > residual.size:
            continue
        ratio, number = 0.0, 0
        for begin in range(0, residual.size - length + 1, length):
            total, squares = 0.0, 0.0
            for hour in range(begin, begin + length):
                if weights[hour] > 0:
                    total += weights[hour] * residual[hour]
                    squares += (weights[hour] * residual[hour]) ** 2
            if squares > 0:
                ratio += total * total / squares
                number += 1
        if number:
            largest = max(largest, ratio / number)
    return largest
