"""What explains the difference between supply and meters: losses, light, sun, clock, strays, and a block.

The target is supply less metered power, kW by the hour. Its columns, with what is known of each beforehand,
are those of ``Term``; ``block`` is a pulse of constant power or a constant one.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.detect.balance_series import Series
from minewatch.kernels.balance import presence, robust_fit
from minewatch.kernels.blocks import best_pulse, running_median
from minewatch.kernels.hours import HOURS

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Term(IntEnum):
    """Place of each explanation among the coefficients."""

    iron = 0  # kW, constant
    load_loss = 1  # % of rated power lost at rated current, copper and lines
    clock = 2  # h that the supply's clock is fast
    share = 3  # kW unmetered per kW metered: customers like the others, or a meter's error
    sun = 4  # kW fed in under a sun in the zenith, negative
    dark = 5  # kW at night: street lights
    offset = 6  # kW, constant, besides a block that came or went
    block = 7  # kW while the block runs


IRON_TOLERANCE = 0.07
"""Standard deviation of iron losses about the nameplate: +15 % at most is allowed (IEC 60076-1, 10)."""
TYPICAL_IRON, TYPICAL_IRON_SPREAD = 0.0016, 0.0008
"""Iron loss over rated power where the nameplate is unknown (GB 20052, S9 to S20, 30 to 2500 kVA)."""
TYPICAL_COPPER = 1.3
"""Load loss, % of rated power, where the nameplate is unknown (GB 20052)."""
LINE_LOSS, LINE_LOSS_SPREAD = 1.6, 1.2
"""Loss of low-voltage lines at rated load, % (assumed; 0.2 to 3)."""
CLOCK_SPREAD_H = 0.1
SHARE_SPREAD = 0.05
WIDE = 2.0
"""Standard deviation of a block's power over the mean supply: as good as free."""
DARK_SHARE, SUN_SHARE, OFFSET_SHARE = 0.05, 0.5, 0.1
NOTHING = 1e-9
"""Standard deviation, kW, of what is not there."""
FILL_DOUBT = 0.5
"""Standard deviation of a guess for a gap, as a share of it."""
STRAY_ERRORS, STRAY_SHARE = 6.0, -0.6
"""A customer strays if its share lies below ``STRAY_SHARE`` and so many standard errors below 0."""
SUN_ERRORS, SUN_LEAST = 5.0, 0.01
"""Customers feed in where the sun takes so many standard errors, and this share of the mean supply."""
SHORTEST_DAYS = 3


class Fit(NamedTuple):
    """Coefficients by ``Term`` with their covariance, and the hours they leave: see ``robust_fit``."""

    coefficients: Doubles
    covariance: Doubles
    clumping: float
    residual: Doubles
    weights: Doubles

    def error(self, term: Term) -> float:
        """Return the standard error of a coefficient."""
        return float(np.sqrt(self.covariance[term, term]))


class Pulse(NamedTuple):
    """Days on which a block runs, [begin, end) counted from the first day of the series."""

    begin: int
    end: int


class Books(NamedTuple):
    """What the fits of one transformer share.

    ``target_kw`` (hours,) is supply less what its customers used; ``columns`` (terms but the block, hours);
    ``doubt_kw`` (hours,) the standard deviation known beforehand, NaN for hours that are left out.
    """

    series: Series
    target_kw: Doubles
    columns: Doubles
    doubt_kw: Doubles


class Balance(NamedTuple):
    """A transformer's books: without a block, with one since before the data, and with a pulse.

    ``strays`` are customers of the archive that this transformer does not feed, with their share and its
    error. ``sunny``: customers feed in ``sun_kw`` (negative, under a sun in the zenith), so that only hours
    without sun were used; 0 where none was seen. ``pulse`` and
    ``with_pulse`` are None where no pulse rises in the period.
    """

    books: Books
    strays: dict[str, tuple[float, float]]
    sun_kw: float
    without: Fit
    constant: Fit
    pulse: Pulse | None
    with_pulse: Fit | None

    @property
    def sunny(self) -> bool:
        """Tell whether hours of sun were left out."""
        return self.sun_kw < 0


def balance_of(series: Series, period_days: tuple[int, int], utc_offset_h: float) -> Balance:
    """Return the books of ``series``.

    A pulse has to touch the days ``period_days`` (first, last + 1), counted from the start of the series.
    ``utc_offset_h`` tells where the sun stands.
    """
    height = sun_height(series, utc_offset_h)
    never = np.zeros(height.size)
    books = _books(series, series.metered_kw, height)
    without = _fit(books, never)
    strays = _strays(series, without.residual)
    if strays:
        books = _books(series, series.metered_kw - _used_by(series, strays), height)
        without = _fit(books, never)
    sun_kw = _fed_in_kw(without, mean_kw(series))
    if sun_kw:
        books = _without_sun(books, height)
        without = _fit(books, never)
    constant = _fit(books, np.ones(height.size))
    pulse, with_pulse = _with_pulse(books, constant, period_days)
    return Balance(books, strays, sun_kw, without, constant, pulse, with_pulse)


def _with_pulse(books: Books, constant: Fit, period_days: tuple[int, int]) -> tuple[Pulse | None, Fit | None]:
    days, hours = books.series.days, books.target_kw.size
    pulse = _pulse(constant, period_days, days)
    if pulse is None:
        return None, None
    fit = _fit(books, during(pulse, hours))
    again = _pulse(fit, period_days, days, pulse)
    if again is None or again == pulse:
        return pulse, fit
    return again, _fit(books, during(again, hours))


def _without_sun(books: Books, height: Doubles) -> Books:
    """Leave out the hours of sun; then what burns at night is no different from what always does."""
    columns = books.columns.copy()
    columns[[Term.sun, Term.dark]] = 0.0
    return books._replace(columns=columns, doubt_kw=np.where(height > DUSK, np.nan, books.doubt_kw))


def _fed_in_kw(fit: Fit, mean: float) -> float:
    sun = float(fit.coefficients[Term.sun])
    return sun if sun < -SUN_ERRORS * fit.error(Term.sun) and sun < -SUN_LEAST * mean else 0.0


def _books(series: Series, metered_kw: Doubles, height: Doubles) -> Books:
    doubt = np.where(np.isnan(series.supply_kw), np.nan, FILL_DOUBT * series.filled_kw)
    target = np.nan_to_num(series.supply_kw) - metered_kw
    return Books(series, target, _columns(series, metered_kw, height), doubt)


def during(pulse: Pulse, hours: int) -> Doubles:
    """Return 1 in the hours of ``pulse``, 0 elsewhere; (hours,)."""
    run = np.zeros(hours)
    run[pulse.begin * HOURS : pulse.end * HOURS] = 1.0
    return run


def mean_kw(series: Series) -> float:
    """Return the mean power that goes in."""
    return float(np.nanmean(series.supply_kw))


def rated_kva(series: Series) -> float:
    """Return the rated power, or what the largest load needs where the archive does not say."""
    rated = series.archive.rated_kva
    return rated if rated > 0 else 1.3 * float(np.nanquantile(np.abs(series.supply_kw), 0.999))


def _prior(series: Series, offset: bool) -> Doubles:
    """Return mean and standard deviation of each coefficient, shape (terms, 2)."""
    rated, mean = rated_kva(series), max(mean_kw(series), 1e-3)
    archive = series.archive
    known = archive.no_load_loss_kw > 0
    iron = archive.no_load_loss_kw if known else TYPICAL_IRON * rated
    iron_error = IRON_TOLERANCE * iron if known else TYPICAL_IRON_SPREAD * rated
    copper = 100 * archive.load_loss_kw / rated if archive.load_loss_kw > 0 else TYPICAL_COPPER
    prior = {
        Term.iron: (iron, iron_error),
        Term.load_loss: (copper + LINE_LOSS, LINE_LOSS_SPREAD),
        Term.clock: (0.0, CLOCK_SPREAD_H),
        Term.share: (0.0, SHARE_SPREAD),
        Term.sun: (0.0, SUN_SHARE * mean),
        Term.dark: (0.0, DARK_SHARE * mean),
        Term.offset: (0.0, OFFSET_SHARE * mean if offset else NOTHING),
        Term.block: (0.0, WIDE * mean),
    }
    return np.array([prior[term] for term in Term])


def _columns(series: Series, metered_kw: Doubles, height: Doubles) -> Doubles:
    rated = rated_kva(series)
    kvar = np.where(np.isnan(series.supply_kvar), 0.3 * series.supply_kw, series.supply_kvar)
    loading = np.nan_to_num(np.hypot(series.supply_kw, kvar) / rated)
    after = np.append(metered_kw[1:], metered_kw[-1])
    before = np.append(metered_kw[0], metered_kw[:-1])
    constant = np.ones(metered_kw.size)
    return np.stack(
        (
            constant,
            loading**2 * rated / 100,
            (after - before) / 2,
            metered_kw,
            np.clip(height, 0, None),
            (height < DUSK).astype(np.float64),
            constant,
        )
    )


DUSK = -0.05
"""Sine of the sun's height at which street lights go on (3 degrees below the horizon)."""


def sun_height(series: Series, utc_offset_h: float) -> Doubles:
    """Return the sine of the sun's height in the middle of each hour; without a place that of 33 deg N."""
    latitude = np.radians(33.0 if np.isnan(series.archive.lat) else series.archive.lat)
    east_h = utc_offset_h if np.isnan(series.archive.lon) else series.archive.lon / 15
    day = np.repeat(np.arange(series.days) + series.first_day, HOURS)
    hour = np.tile(np.arange(HOURS) + 0.5, series.days) + east_h - utc_offset_h
    # 1970-01-01 began a year; leap days move the sun by less than a quarter degree.
    declination = np.radians(-23.44) * np.cos(2 * np.pi * (day % 365.2425 + 10) / 365.2425)
    angle = np.radians(15 * (hour - 12))
    across: Doubles = np.cos(latitude) * np.cos(declination) * np.cos(angle)
    return np.sin(latitude) * np.sin(declination) + across


def _fit(books: Books, run: Doubles) -> Fit:
    """Fit with a block that runs in the hours where ``run`` is 1; elsewhere something constant may be too."""
    residual, weights = np.empty(run.size), np.empty(run.size)
    prior = _prior(books.series, offset=0 < run.sum() < run.size)
    columns = np.vstack((books.columns, run))
    coefficients, covariance, factor = robust_fit(
        books.target_kw, columns, books.doubt_kw, prior, residual, weights
    )
    return Fit(coefficients, covariance, factor, residual, weights)


def _strays(series: Series, residual: Doubles) -> dict[str, tuple[float, float]]:
    hourly = series.meters.hourly
    share, error = np.empty(len(hourly)), np.empty(len(hourly))
    groups = np.zeros(len(hourly), np.int64)
    presence(hourly, groups, residual.reshape(1, -1), share, error)
    lost = (share < STRAY_SHARE) & (share < -STRAY_ERRORS * error)
    names = series.meters.usage_point_ids
    return {names[at]: (float(share[at]), float(error[at])) for at in np.flatnonzero(lost)}


def _used_by(series: Series, names: dict[str, tuple[float, float]]) -> Doubles:
    at = [place for place, name in enumerate(series.meters.usage_point_ids) if name in names]
    return np.nansum(series.meters.hourly[at].astype(np.float64), axis=0)


def _pulse(fit: Fit, period_days: tuple[int, int], days: int, known: Pulse | None = None) -> Pulse | None:
    """Return the pulse that explains most of what ``fit`` leaves, its own block put back."""
    left = fit.residual.copy()
    if known is not None:
        left += fit.coefficients[Term.block] * during(known, left.size)
    daily = day_means(left, fit.weights)
    first, last = max(period_days[0], 0), min(period_days[1], days)
    if last <= first or np.isfinite(daily).sum() < 2 * SHORTEST_DAYS:
        return None
    begin, end, gain = best_pulse(running_median(daily), (first, last))
    return Pulse(begin, end) if gain > 0 and (begin > 0 or end < days) else None


def day_means(values: Doubles, weights: Doubles) -> Doubles:
    """Return the weighted mean of each day, NaN where its hours weigh nothing; (hours,) → (days,)."""
    total = np.where(weights > 0, values * weights, 0.0).reshape(-1, HOURS).sum(axis=1)
    weight = weights.reshape(-1, HOURS).sum(axis=1)
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), np.nan)
