"""The Chinese calendar (``minewatch.schema.calendar``) as arrays over a simulated period."""

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from minewatch.schema.calendar import NEW_YEARS, is_workday

_NEW_YEARS = np.array([day.toordinal() for day in NEW_YEARS])


def workdays(start_on: date, days: int) -> npt.NDArray[np.bool_]:
    """Return for each of ``days`` days whether it is a workday; shape (days,)."""
    return np.array([is_workday(start_on + timedelta(days=n)) for n in range(days)], dtype=bool)


def days_to_new_year(start_on: date, days: int) -> npt.NDArray[np.float64]:
    """Return the signed distance of each day to the nearest lunar new year, in days; shape (days,)."""
    ordinals = start_on.toordinal() + np.arange(days)
    distance = ordinals[:, None] - _NEW_YEARS[None, :]
    nearest = np.abs(distance).argmin(axis=1)
    signed: npt.NDArray[np.float64] = distance[np.arange(days), nearest].astype(np.float64)
    return signed
