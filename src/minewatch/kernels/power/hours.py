"""Days of readings at any interval folded to hours: the one resolution that all meters share."""

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

HOURS = 24


@njit(nogil=True, cache=True, error_model="numpy")
def span_days(days: npt.NDArray[np.int32], first_row: int, last_row: int) -> int:
    """Return the number of days from the first to the last row of a customer, both included.

    ``days`` counts days from any epoch and rises within a customer's rows ``first_row`` to ``last_row``.
    """
    return int(days[last_row - 1]) - int(days[first_row]) + 1


@njit(nogil=True, cache=True, error_model="numpy")
def longest_span(days: npt.NDArray[np.int32], point_rows: Ints) -> int:
    """Return the largest ``span_days`` of the customers whose rows ``point_rows`` separates."""
    longest = 0
    for point in range(point_rows.size - 1):
        if point_rows[point] < point_rows[point + 1]:
            longest = max(longest, span_days(days, point_rows[point], point_rows[point + 1]))
    return longest


@njit(nogil=True, cache=True, error_model="numpy")
def fold_hours(
    values: Floats,
    row_offsets: Ints,
    days: npt.NDArray[np.int32],
    rows: tuple[int, int],
    hourly: Floats,
    wobble: Floats,
) -> None:
    """Fold one customer's rows into hourly means.

    Row r of ``rows`` (first, last + 1) holds ``values[row_offsets[r]:row_offsets[r + 1]]``, kW at equal
    intervals of day ``days[r]``. ``hourly`` (span * 24) gets kW means of the readings present, NaN where
    more than half of an hour's readings or the day are missing, and where a day's length is no multiple of
    24; a single value stands for all hours of its day. Power fed into the grid (below 0) counts as 0.
    ``wobble`` (span * 24) gets the mean absolute deviation of an hour's readings from their mean, kW, NaN
    for hourly and daily readings.
    """
    hourly[:] = np.nan
    wobble[:] = np.nan
    for row in range(rows[0], rows[1]):
        begin = row_offsets[row]
        length = row_offsets[row + 1] - begin
        first = (days[row] - days[rows[0]]) * HOURS
        day = hourly[first : first + HOURS]
        if length == 1:
            day[:] = max(values[begin], np.float32(0.0))
        elif length > 0 and length % HOURS == 0:
            _fold_day(values[begin : begin + length], day, wobble[first : first + HOURS])


@njit(nogil=True, cache=True, error_model="numpy")
def _fold_day(values: Floats, hourly: Floats, wobble: Floats) -> None:
    each = values.size // HOURS
    for hour in range(HOURS):
        begin = hour * each
        total, present = np.float32(0.0), 0
        for k in range(begin, begin + each):
            if not np.isnan(values[k]):
                total += max(values[k], np.float32(0.0))
                present += 1
        if 2 * present < each or present == 0:
            continue
        mean = total / np.float32(present)
        hourly[hour] = mean
        if each == 1:
            continue
        deviation = np.float32(0.0)
        for k in range(begin, begin + each):
            if not np.isnan(values[k]):
                deviation += abs(max(values[k], np.float32(0.0)) - mean)
        wobble[hour] = deviation / np.float32(present)


@njit(nogil=True, cache=True, error_model="numpy")
def known_days(hourly: Floats) -> tuple[int, int]:
    """Return (first, last + 1) of the days with a value; (0, 0) where there is none."""
    first, last = -1, 0
    for hour in range(hourly.size):
        if not np.isnan(hourly[hour]):
            first = hour // HOURS if first < 0 else first
            last = hour // HOURS + 1
    return max(first, 0), last
