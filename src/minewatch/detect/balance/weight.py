"""How much better a block that no meter shows explains a transformer's books than the best innocent cause."""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.detect.balance.model import Balance, Fit, Pulse, Term, during
from minewatch.kernels.power.hours import HOURS

Doubles = npt.NDArray[np.float64]


class Cause(StrEnum):
    """Innocent causes of power that goes in and is not metered."""

    LOSS_PARAMETERS = "loss_parameters"
    CLOCK_DRIFT = "clock_drift"
    SOLAR_EXPORT = "solar_export"
    STREET_LIGHT = "street_light"
    WRONG_ASSIGNMENT = "wrong_assignment"
    MISSING_METERS = "missing_meters"


METER_CLASS = 0.002
"""Standard error of metered energy that stays whatever the load, over the mean supply (class 0.5 S)."""
PULSE_CLASS = 0.0005
"""The same of a change: errors that stay cancel."""
MISFIT = 2.2
"""Factor on the own standard errors of a fit, for what its terms do not say exactly (losses of branching
lines are not the square of one current). Measured on simulated transformers that are in no figure: it makes
intervals of 90 % hold 90 %."""
STRANGE_SHAPE = 0.5
"""Strangers and errors of meters take the shape of the metered load, but for this share of what they take."""
SMALLEST_KW, SMALLEST_SHARE, LARGEST_SHARE = 0.3, 0.015, 0.9
"""Blocks lie between this power, or share of the mean supply, and this share of the rated power, every order
of magnitude alike: smaller ones are not told from errors of meters and archives."""
ANSWERS = 0.5
"""Probability that what one transformer lacks is what another of its feeder has too much."""
MISSING, CONNECTED = 0.002, 0.0005
"""Probability of a steady innocent load without a meter since before the data, and of one that was put on
within the data (assumed)."""
USE_OF_CONTRACT = 0.06
"""Mean constant load over contract size of customers that are not read (households and shops, assumed)."""
UNREAD_CONTRACT_KVA = 8.0
"""Contract of a customer whose contract is not known."""
ALIKE = 0.5
"""Strengths this near are alike: then the larger block is told, of which a pulse may be the growth."""
TOLD, SEEN, CERTAIN = 3.0, 5.0, 6.0


class Constant(NamedTuple):
    """A constant power that is in the books of one subject, below 0 where it lacks, with standard error."""

    power_kw: float
    error_kw: float


class Block(NamedTuple):
    """The block and how well it is known.

    ``power_kw`` with standard error, as the mean over its run; ``run`` (hours,) where it runs, 1 or 0;
    ``uplift_kw`` (24,) its mean day, NaN for hours that were left out, with standard errors.
    """

    fit: Fit
    pulse: Pulse | None
    run: Doubles
    power_kw: float
    error_kw: float
    uplift_kw: Doubles
    uplift_error_kw: Doubles

    @property
    def seen(self) -> bool:
        """Tell whether the power stands out from its error, so that its edges and its day mean something."""
        return self.power_kw > TOLD * self.error_kw


class Weighed(NamedTuple):
    """Strength for a block, the best innocent cause, and the probability of each cause if there is none."""

    block: Block
    log10_lr: float
    best: Cause
    causes: dict[Cause, float]


def weigh(balance: Balance, missing: Sequence[Constant] = ()) -> Weighed:
    """Return the block that is best supported: since before the data, or a pulse.

    ``missing`` are constant powers that neighbours' books lack: a customer fed here and archived there.
    """
    candidates = [_weighed(balance, _block(balance, balance.constant, None), missing)]
    if balance.with_pulse is not None:
        block = _block(balance, balance.with_pulse, balance.pulse)
        candidates.append(_weighed(balance, block, [*missing, *_lacking_outside(block)]))
    best = max(found.log10_lr for found in candidates)
    alike = [found for found in candidates if found.log10_lr >= best - ALIKE]
    return max(alike, key=lambda found: found.block.power_kw)


def lacking(balance: Balance) -> Constant | None:
    """Return the constant power that the books lack, None where they do not."""
    block = _block(balance, balance.constant, None)
    found = Constant(block.power_kw, block.error_kw)
    return found if found.power_kw < -TOLD * found.error_kw else None


def _lacking_outside(block: Block) -> list[Constant]:
    """Return what books lack outside the run: a customer archived here who grew then is no block before."""
    outside = Constant(float(block.fit.coefficients[Term.offset]), MISFIT * block.fit.error(Term.offset))
    return [outside] if outside.power_kw < -TOLD * outside.error_kw else []


def _block(balance: Balance, fit: Fit, pulse: Pulse | None) -> Block:
    hours = balance.books.target_kw.size
    run = np.ones(hours) if pulse is None else during(pulse, hours)
    series = balance.books.series
    remains = (METER_CLASS if pulse is None else PULSE_CLASS) * series.mean_kw
    strange = STRANGE_SHAPE * float(fit.coefficients[Term.share] * series.metered_kw.mean())
    error = math.hypot(MISFIT * fit.error(Term.block), remains, strange if pulse is None else 0.0)
    power = float(fit.coefficients[Term.block])
    return Block(fit, pulse, run, power, error, *_uplift(fit, run, power))


def _uplift(fit: Fit, run: Doubles, power_kw: float) -> tuple[Doubles, Doubles]:
    """Return the mean day of what the other terms leave in the run, less what they leave outside."""
    inside, inside_error = _mean_day(fit, run > 0)
    if run.all():
        return inside + power_kw, inside_error
    outside, outside_error = _mean_day(fit, run == 0)
    return inside + power_kw - outside, np.hypot(inside_error, outside_error)


def _mean_day(fit: Fit, chosen: npt.NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
    weight = np.where(chosen, fit.weights, 0.0).reshape(-1, HOURS)
    total = (weight * np.nan_to_num(fit.residual).reshape(-1, HOURS)).sum(axis=0)
    known = weight.sum(axis=0)
    scale = np.where(known > 0, known, np.nan)
    return total / scale, np.sqrt(fit.clumping / scale)


def unevenness(block: Block) -> float:
    """Return how much the hours of the block's mean day differ over its mean, without what noise explains."""
    uplift = block.uplift_kw
    if np.isnan(uplift).all():
        return 0.0
    noise = float(np.nanmean(block.uplift_error_kw**2))
    excess = max(float(np.nanvar(uplift)) - noise, 0.0)
    return math.sqrt(excess) / max(abs(float(np.nanmean(uplift))), 1e-9)


def _weighed(balance: Balance, block: Block, missing: Sequence[Constant]) -> Weighed:
    power, error, books = block.power_kw, block.error_kw, balance.books
    smallest = max(SMALLEST_KW, SMALLEST_SHARE * books.series.mean_kw)
    span = math.log(max(LARGEST_SHARE * books.known.rated_kva / smallest, 2.0))
    broad = _above(power - smallest, error) / (max(power, smallest) * span)
    causes = _causes(balance, block, broad)
    causes[Cause.WRONG_ASSIGNMENT] += ANSWERS * sum(
        _student(power + lacking.power_kw, math.hypot(error, lacking.error_kw)) for lacking in missing
    )
    innocent = sum(causes.values())
    ratio = math.log10(broad + 1e-300) - math.log10(innocent + 1e-300) + _shape(block)
    best = max(causes, key=lambda cause: causes[cause])
    shares = {cause: value / innocent for cause, value in causes.items()} if innocent > 0 else {best: 1.0}
    return Weighed(block, min(max(ratio, -CERTAIN), CERTAIN), best, shares)


def _causes(balance: Balance, block: Block, broad: float) -> dict[Cause, float]:
    """Return the density of the block's power under each innocent cause, with its probability."""
    power, error, below = block.power_kw, block.error_kw, balance.books.series.below
    strangers = balance.books.known.strangers
    missing, moved = (MISSING, strangers.moved) if block.pulse is None else (CONNECTED, strangers.moves)
    noise = _student(power, error)
    causes = _noises(balance, block, noise * (1 - moved - missing))
    floors = below.floors_kw[~np.isnan(below.floors_kw)]
    box = math.sqrt(strangers.box * float(np.mean(floors**2))) if floors.size else 0.0
    causes[Cause.WRONG_ASSIGNMENT] = moved * _laplace(power, math.hypot(box, error))
    causes[Cause.MISSING_METERS] = missing * broad
    if below.unread_kva.size:
        kva = float(np.where(np.isnan(below.unread_kva), UNREAD_CONTRACT_KVA, below.unread_kva).sum())
        causes[Cause.MISSING_METERS] += _laplace(power, math.hypot(USE_OF_CONTRACT * kva, error))
    return causes


def _noises(balance: Balance, block: Block, noise: float) -> dict[Cause, float]:
    """Divide the density of noise among the terms by what they take of the books."""
    fit = block.fit
    known = {
        Cause.LOSS_PARAMETERS: 1.0,
        Cause.CLOCK_DRIFT: _takes(fit, Term.clock),
        Cause.STREET_LIGHT: _takes(fit, Term.dark),
        Cause.SOLAR_EXPORT: 10.0 if balance.sunny else 0.0,
    }
    total = sum(known.values())
    return {cause: noise * value / total for cause, value in known.items()}


def _takes(fit: Fit, term: Term) -> float:
    """Return how far a coefficient lies from nothing, 0 to 5, from 3 standard errors on."""
    return min(max(abs(float(fit.coefficients[term])) / fit.error(term) / 3 - 1, 0.0), 5.0)


def _shape(block: Block) -> float:
    """Return the strength of an even day: machines run alike at all hours, what strangers use hardly ever.

    It counts in full from ``SEEN`` standard errors of the power on, half way to there not at all.
    """
    uneven = unevenness(block)
    mine = 0.8 * _half(uneven, 0.08) + 0.2 * _half(uneven, 0.7)
    stranger = 0.15 * _half(uneven, 0.08) + 0.85 * _half(uneven, 0.7)
    seen = min(max(2 * block.power_kw / block.error_kw / SEEN - 1, 0.0), 1.0)
    return seen * (math.log10(mine + 1e-30) - math.log10(stranger + 1e-30))


def _student(value: float, spread: float) -> float:
    # Tails of t with four degrees of freedom: standard errors are themselves estimates.
    ratio = value / spread
    return 0.375 / spread * (1 + ratio * ratio / 4) ** -2.5


def _laplace(value: float, spread: float) -> float:
    return math.exp(-abs(value) / spread) / (2 * spread)


def _above(value: float, spread: float) -> float:
    return 0.5 * math.erfc(-value / spread / math.sqrt(2))


def _half(value: float, spread: float) -> float:
    """Return the density of the size of a normal variable."""
    return math.sqrt(2 / math.pi) / spread * math.exp(-0.5 * (value / spread) ** 2)
