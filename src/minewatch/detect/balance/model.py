"""What explains the difference between supply and meters: losses, light, sun, clock, strays, and a block.

The target is supply less metered power, kW by the hour. Its columns, with what is known of each beforehand,
are those of ``Term``; ``block`` is a pulse of constant power or a constant one.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.detect.balance.known import DUSK, Known
from minewatch.detect.balance.series import Series
from minewatch.kernels.power.balance import robust_fit
from minewatch.kernels.power.blocks import best_pulse, running_median
from minewatch.kernels.power.hours import HOURS

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Term(IntEnum):
    """Place of each explanation among the coefficients."""

    iron = 0  # kW, constant
    load_loss = 1  # times the losses that grow with the square of the current, see Known.load_kw
    clock = 2  # h that the supply's clock is fast
    share = 3  # kW unmetered per kW metered: customers like the others, or a meter's error
    sun = 4  # kW fed in under a sun in the zenith, negative
    dark = 5  # kW at night: street lights
    offset = 6  # kW, constant, besides a block that came or went
    block = 7  # kW while the block runs


WIDE, OFFSET_SHARE = 2.0, 0.1
"""Standard deviation over the mean supply of a block, as good as free, and of what is constant besides."""
NOTHING = 1e-9
"""Standard deviation, kW, of what is not there."""
MOST_DOUBT = 0.05
"""Hours in which more than this share of the mean supply is guessed are left out."""
CLOCK_SPREAD_H = 0.1
STEP_SHARE, STEP_KW = 1e-4, 1e-3
"""Least standard deviation of an hour's books, over the mean supply and in kW: steps of meters."""
LOW_SUN, RARE_DARK_SHARE = 0.1, 0.01
"""Sine of the sun's height up to which nothing to speak of is fed in; see ``Known.dark_share``."""
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
    known: Known
    target_kw: Doubles
    columns: Doubles
    doubt_kw: Doubles


class Balance(NamedTuple):
    """A transformer's books: without a block, with one since before the data, and with a pulse.

    ``sun_kw``: what customers feed in, negative, under a sun in the zenith; then only hours without sun were
    used; 0 where none was seen. ``pulse`` and ``with_pulse`` are None where no pulse rises in the period.
    """

    books: Books
    sun_kw: float
    without: Fit
    constant: Fit
    pulse: Pulse | None
    with_pulse: Fit | None

    @property
    def sunny(self) -> bool:
        """Tell whether hours of sun were left out."""
        return self.sun_kw < 0


def balance_of(series: Series, known: Known, period_days: tuple[int, int]) -> Balance:
    """Return the books of ``series``, of which ``known`` is known beforehand.

    A pulse has to touch the days ``period_days`` (first, last + 1), counted from the start of the series.
    """
    never, always = np.zeros(series.supply_kw.size), np.ones(series.supply_kw.size)
    books = _books(series, known)
    without = _fit(books, never)
    sun_kw = _fed_in_kw(without, series.mean_kw)
    if sun_kw:
        books = _without_sun(books)
        without = _fit(books, never)
    constant = _fit(books, always)
    pulse, with_pulse = _with_pulse(books, constant, period_days)
    return Balance(books, sun_kw, without, constant, pulse, with_pulse)


def leftovers_of(series: Series, known: Known) -> tuple[Doubles, Doubles]:
    """Return what the books leave, kW (hours,): beside a free constant, and with losses as known beforehand.

    The first tells ups and downs, the second levels, which terms of a fit would take.
    """
    books = _books(series, known)
    before = _prior(books, offset=False)[: len(books.columns), 0] @ books.columns
    level = np.where(np.isnan(books.doubt_kw), np.nan, books.target_kw - before)
    return _fit(books, np.ones(series.supply_kw.size)).residual, level


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


def _without_sun(books: Books) -> Books:
    """Leave out the hours of sun but the first and last, in which street lights are off and panels idle.

    These few hours would hardly tell street lights from a block, so that lights have to be the exception.
    """
    doubt_kw = np.where(books.known.sun_height > LOW_SUN, np.nan, books.doubt_kw)
    return books._replace(doubt_kw=doubt_kw, known=books.known._replace(dark_share=RARE_DARK_SHARE))


def _fed_in_kw(fit: Fit, mean: float) -> float:
    sun = float(fit.coefficients[Term.sun])
    return sun if sun < -SUN_ERRORS * fit.error(Term.sun) and sun < -SUN_LEAST * mean else 0.0


def _books(series: Series, known: Known) -> Books:
    least = max(STEP_SHARE * abs(series.mean_kw), STEP_KW)
    most = max(MOST_DOUBT * abs(series.mean_kw), STEP_KW)
    unknown = np.isnan(series.supply_kw) | (series.doubt_kw > most)
    doubt = np.where(unknown, np.nan, np.hypot(series.doubt_kw, least))
    target = np.nan_to_num(series.supply_kw) - series.metered_kw
    return Books(series, known, target, _columns(known, series.metered_kw), doubt)


def during(pulse: Pulse, hours: int) -> Doubles:
    """Return 1 in the hours of ``pulse``, 0 elsewhere; (hours,)."""
    run = np.zeros(hours)
    run[pulse.begin * HOURS : pulse.end * HOURS] = 1.0
    return run


def _prior(books: Books, offset: bool) -> Doubles:
    """Return mean and standard deviation of each coefficient, shape (terms, 2)."""
    known, mean = books.known, max(books.series.mean_kw, 1e-3)
    prior = {
        Term.iron: known.iron_kw,
        Term.load_loss: known.load_loss,
        Term.clock: (0.0, CLOCK_SPREAD_H),
        Term.share: (0.0, known.share_error),
        Term.sun: (0.0, max(known.sun_share * mean, NOTHING)),
        Term.dark: (0.0, max(known.dark_share * mean, NOTHING)),
        Term.offset: (0.0, OFFSET_SHARE * mean if offset else NOTHING),
        Term.block: (0.0, WIDE * mean),
    }
    return np.array([prior[term] for term in Term])


def _columns(known: Known, metered_kw: Doubles) -> Doubles:
    after = np.append(metered_kw[1:], metered_kw[-1])
    before = np.append(metered_kw[0], metered_kw[:-1])
    constant = np.ones(metered_kw.size)
    sun, dark = np.clip(known.sun_height, 0, None), (known.sun_height < DUSK).astype(np.float64)
    return np.stack((constant, known.load_kw, (after - before) / 2, metered_kw, sun, dark, constant))


def _fit(books: Books, run: Doubles) -> Fit:
    """Fit with a block that runs in the hours where ``run`` is 1; elsewhere something constant may be too."""
    residual, weights = np.empty(run.size), np.empty(run.size)
    prior = _prior(books, offset=0 < run.sum() < run.size)
    columns = np.vstack((books.columns, run))
    coefficients, covariance, factor = robust_fit(
        books.target_kw, columns, books.doubt_kw, prior, residual, weights
    )
    return Fit(coefficients, covariance, factor, residual, weights)


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
