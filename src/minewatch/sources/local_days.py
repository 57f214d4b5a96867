"""Days on which the clock is put forward or back."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

_EPOCH = date(1970, 1, 1)


class ClockChange(NamedTuple):
    """A change of the clock on one local day, in minutes of the day.

    ``start`` to ``end`` (excluded) are the wall-clock minutes that do not exist (``skipped``) or come twice.
    """

    start: int
    end: int
    skipped: bool


@lru_cache(maxsize=100_000)
def clock_change(epoch_day: int, zone: ZoneInfo) -> ClockChange | None:
    """Return the change of the clock on the day ``epoch_day`` (days since 1970-01-01), or None."""
    try:
        day = _EPOCH + timedelta(days=epoch_day)
    except OverflowError:
        return None
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    shift = _offset(midnight + timedelta(days=1)) - _offset(midnight)
    if not shift:
        return None
    wall = (midnight + timedelta(minutes=minute) for minute in range(1440))
    odd = [minute for minute, at in enumerate(wall) if _offset(at) != _offset(at.replace(fold=1))]
    return ClockChange(odd[0], odd[-1] + 1, shift > 0) if odd else None


def changed_days(epoch_days: npt.NDArray[np.integer[Any]], zone: ZoneInfo) -> dict[int, ClockChange]:
    """Return day → change of the clock, of the days that have one."""
    changes = ((day, clock_change(day, zone)) for day in np.unique(epoch_days).tolist())
    return {day: change for day, change in changes if change}


def _offset(at: datetime) -> float:
    offset = at.utcoffset()
    return offset.total_seconds() if offset else 0.0
