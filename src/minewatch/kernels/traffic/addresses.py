"""Whether an address lies in one of many ranges; numba."""

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]

FIRST_HIGH, FIRST_LOW, LAST_HIGH, LAST_LOW = range(4)
"""Columns of ``ranges``: halves of the first and of the last address, as unsigned numbers."""


@njit(cache=True, nogil=True)
def in_ranges(ranges: Ints, high: int, low: int) -> bool:
    """Tell whether the address of two halves lies in ``ranges``, (n, 4), apart and in rising order.

    IPv4 addresses are held as ::ffff:a.b.c.d.
    """
    first, end = 0, len(ranges)
    while first < end:
        middle = (first + end) >> 1
        if _before(high, low, ranges[middle, FIRST_HIGH], ranges[middle, FIRST_LOW]):
            end = middle
        else:
            first = middle + 1
    if first == 0:
        return False
    return not _before(ranges[first - 1, LAST_HIGH], ranges[first - 1, LAST_LOW], high, low)


@njit(cache=True, nogil=True)
def _before(high: int, low: int, other_high: int, other_low: int) -> bool:
    if high != other_high:
        return bool(np.uint64(high) < np.uint64(other_high))
    return bool(np.uint64(low) < np.uint64(other_low))
