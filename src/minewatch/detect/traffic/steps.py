"""When a site began, or ceased, to draw power that its traffic does not follow."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.detect.traffic.features import SiteHours

Floats = npt.NDArray[np.float64]

_SIDE_DAYS, _HALF_DAY = 7, 12
_LEAST_PART, _LEAST_SPREADS = 0.08, 3.0
_FOLLOWED = 0.5


class Step(NamedTuple):
    """A lasting change of the level of power: ``rise_kw`` (negative: a fall) at place ``hour`` of the hours.

    ``spread_kw`` is the standard deviation of daily means on either side. ``traffic`` is the factor by which
    the traffic changed at the same time.
    """

    hour: int
    rise_kw: float
    spread_kw: float
    traffic: float


class _Days(NamedTuple):
    """Means of the days with at least half their hours: number of the day, kW, bytes an hour."""

    day: npt.NDArray[np.int64]
    kw: Floats
    traffic: Floats


def unfollowed_step(site: SiteHours) -> Step | None:
    """Return the largest change of level that the traffic did not follow, or None.

    The split of the days, at least a week on each side, that leaves the least variance; it counts where the
    levels differ by three standard deviations of the days around them and 8 % of the higher level. Traffic
    follows where its logarithm changes by half as much as that of the power, in the same direction.
    """
    days = _days(site)
    if len(days.day) < 2 * _SIDE_DAYS:
        return None
    split = _SIDE_DAYS + int(np.argmin(_costs(days.kw)))
    before, after = days.kw[:split].mean(), days.kw[split:].mean()
    spread = float(np.sqrt(_costs(days.kw)[split - _SIDE_DAYS] / len(days.day)))
    rise = float(after - before)
    if abs(rise) < max(_LEAST_SPREADS * spread, _LEAST_PART * max(before, after)):
        return None
    factor = float((days.traffic[split:].mean() + 1) / (days.traffic[:split].mean() + 1))
    moved, wanted = np.log(factor), np.log(max(after, 1e-9) / max(before, 1e-9))
    if moved * np.sign(wanted) >= _FOLLOWED * abs(wanted):
        return None
    return Step(_hour(site, days, split), rise, spread, factor)


def _days(site: SiteHours) -> _Days:
    places = np.flatnonzero(site.both)
    day, place, number = np.unique(site.day[places], return_inverse=True, return_counts=True)
    kw, traffic = (
        np.bincount(place, values[places]) / number for values in (site.kw, site.inbound + site.outbound)
    )
    whole = number >= _HALF_DAY
    return _Days(day[whole], kw[whole], traffic[whole])


def _costs(kw: Floats) -> Floats:
    """Return the squared deviations from both means for each split that leaves a week on each side."""
    total, squares, number = np.cumsum(kw), np.cumsum(kw**2), np.arange(1, kw.size + 1)
    left = squares - total**2 / number
    rest = number[-1] - number[:-1]
    right = (squares[-1] - squares[:-1]) - (total[-1] - total[:-1]) ** 2 / rest
    return (left[:-1] + right)[_SIDE_DAYS - 1 : kw.size - _SIDE_DAYS]


def _hour(site: SiteHours, days: _Days, split: int) -> int:
    """Return the first hour of the new level: where the hours around the split part best."""
    near = np.flatnonzero(
        (site.day >= days.day[split - 1] - 1) & (site.day <= days.day[split] + 1) & np.isfinite(site.kw)
    )
    kw, number = site.kw[near], np.arange(1, near.size)
    total, squares = np.cumsum(kw), np.cumsum(kw**2)
    left = squares[:-1] - total[:-1] ** 2 / number
    right = (squares[-1] - squares[:-1]) - (total[-1] - total[:-1]) ** 2 / (near.size - number)
    return int(near[1 + np.argmin(left + right)])
