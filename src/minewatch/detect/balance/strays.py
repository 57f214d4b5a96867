"""Meters that hang elsewhere than the archive says: told by ups and downs that only they have."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.detect.balance.series import Meters, Series
from minewatch.kernels.power.balance import presence
from minewatch.kernels.power.hours import HOURS, Floats

Doubles = npt.NDArray[np.float64]

STRAY_ERRORS, NEWCOMER_ERRORS, STRAY_RANGE = 7.0, 4.0, (0.6, 1.4)
"""Ups and downs are there, or missing, so many standard errors from none, with a share in this range."""


MORE = 1.02
"""Share to which the usual size of what is left may grow when a meter is taken off."""


Leftovers = tuple[Doubles, Doubles]
"""See ``minewatch.detect.balance.model.leftovers_of``."""


class Stray(NamedTuple):
    """A meter and how much of its ups and downs a supply holds besides what is metered, with standard error.

    ``share`` is about -1 for a meter of the archive that the supply does not feed, 1 for one that it feeds
    without the archive's knowing. ``kw`` (hours,) from day ``first_day`` on, NaN where not read.
    """

    meter_id: str
    share: float
    error: float
    first_day: int
    kw: Floats


def strays_of(series: Series, meters: Meters, left: Leftovers) -> list[Stray]:
    """Return the ``meters`` of the archive that ``series`` does not feed, by what its books leave."""
    return [
        Stray(meters.ids[at], share, error, series.first_day, meters.hourly[at])
        for at, share, error in _matches(meters.hourly, left, -1.0, STRAY_ERRORS)
    ]


def newcomers_of(series: Series, others: Sequence[Stray], left: Leftovers) -> list[Stray]:
    """Return those of ``others``, strays of other transformers, that ``series`` feeds."""
    if not others:
        return []
    hourly = np.stack([_shifted(other, series) for other in others])
    return [
        Stray(others[at].meter_id, share, error, series.first_day, hourly[at])
        for at, share, error in _matches(hourly, left, 1.0, NEWCOMER_ERRORS)
    ]


def _matches(
    hourly: Floats, left: Leftovers, sign: float, errors: float
) -> Iterator[tuple[int, float, float]]:
    """Yield (meter, share, error) of those that ``left`` holds ``sign`` times, the surest first.

    Each is taken off before the next is looked for, as the ups and downs of neighbours are alike
    (matching pursuit: Mallat and Zhang 1993). One that leaves more than there was is none: a flat load has
    few ups and downs, but its level cannot be mistaken.
    """
    moving, level = left[0].reshape(1, -1).copy(), left[1].copy()
    share, error = np.empty(len(hourly)), np.empty(len(hourly))
    groups = np.zeros(len(hourly), np.int64)
    while True:
        presence(hourly, groups, moving, share, error)
        size = np.where(groups < 0, np.nan, sign * share)
        fits = (size > STRAY_RANGE[0]) & (size < STRAY_RANGE[1]) & (size > errors * error)
        if not fits.any():
            return
        at = int(np.argmax(np.where(fits, size / error, 0.0)))
        groups[at] = -1
        used = sign * np.nan_to_num(hourly[at])
        if np.nanmedian(np.abs(level - used)) <= MORE * np.nanmedian(np.abs(level)):
            moving, level = moving - used, level - used
            yield at, float(share[at]), float(error[at])


def _shifted(stray: Stray, series: Series) -> Floats:
    """Return the curve of a stray on the days of ``series``."""
    hourly = np.full(series.supply_kw.size, np.nan, np.float32)
    ahead = (stray.first_day - series.first_day) * HOURS
    first, last = max(ahead, 0), min(ahead + stray.kw.size, hourly.size)
    if first < last:
        hourly[first:last] = stray.kw[first - ahead : last - ahead]
    return hourly


def with_newcomers(series: Series, newcomers: Sequence[Stray]) -> Series:
    """Return ``series`` with ``newcomers`` among its meters; hours without a reading take their mean."""
    metered, filled, variance = series.metered_kw.copy(), series.filled_kw.copy(), series.doubt_kw**2
    floors = [series.below.floors_kw]
    for newcomer in newcomers:
        guess = np.isnan(newcomer.kw)
        kw = np.where(guess, np.nanmean(newcomer.kw), newcomer.kw).astype(np.float64)
        metered += kw
        filled += np.where(guess, kw, 0.0)
        variance += np.where(guess, np.nanvar(newcomer.kw), 0.0)
        floors.append(np.nanmin(np.nanmean(newcomer.kw.reshape(-1, HOURS), axis=0), keepdims=True))
    below = series.below._replace(floors_kw=np.concatenate(floors))
    doubt = np.sqrt(variance)
    return series._replace(metered_kw=metered, filled_kw=filled, doubt_kw=doubt, below=below)


def without_strays(series: Series, strays: Sequence[Stray]) -> Series:
    """Return ``series`` without what ``strays`` use."""
    used = np.sum([np.nan_to_num(stray.kw) for stray in strays], axis=0, dtype=np.float64)
    return series._replace(metered_kw=series.metered_kw - used) if strays else series
