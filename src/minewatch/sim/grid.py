"""Transformers and the low-voltage network: losses, outages, what the supply-side meter shows.

No-load and load losses are those of S13 class oil transformers (GB 20052, rounded).
"""

from typing import NamedTuple

import numpy as np

from minewatch.sim.loads.shapes import DAY_MINUTES, Rng, blocks, log_uniform
from minewatch.sim.scene import Floats

_RATINGS = (
    (30, 0.08, 0.63), (50, 0.10, 0.91), (80, 0.13, 1.31), (100, 0.15, 1.58), (125, 0.17, 1.89),
    (160, 0.20, 2.31), (200, 0.24, 2.73), (250, 0.29, 3.20), (315, 0.34, 3.83), (400, 0.41, 4.52),
    (500, 0.48, 5.41), (630, 0.57, 6.20), (800, 0.70, 7.50), (1000, 0.83, 10.3), (1250, 0.97, 12.0),
    (1600, 1.17, 14.5), (2000, 1.36, 17.4), (2500, 1.60, 20.2), (4000, 2.30, 28.5), (6300, 3.30, 38.0),
    (10000, 4.90, 53.0),
)  # fmt: skip


class Rating(NamedTuple):
    """Rated power (kVA), iron loss and copper loss at rated current (kW)."""

    rated_kva: float
    no_load_loss_kw: float
    load_loss_kw: float


class Supply(NamedTuple):
    """What goes into a transformer: kW and kvar per phase, shape (3, periods), and what of it is lost, kW."""

    kw: Floats
    kvar: Floats
    loss_kw: Floats


def rating_for(peak_kva: float) -> Rating:
    """Return the smallest standard transformer that carries ``peak_kva``; the largest where none does."""
    for rated, no_load, load in _RATINGS:
        if rated >= peak_kva:
            return Rating(float(rated), no_load, load)
    return Rating(*map(float, _RATINGS[-1]))


def supply_of(load: tuple[Floats, Floats], rating: Rating, line_loss_kw: Floats, dark: Floats) -> Supply:
    """Add losses to the load per phase: kW and kvar, each (3, periods).

    ``line_loss_kw`` (3, periods) is lost in the lines; ``dark`` (periods,) the share of each interval without
    supply.
    """
    kw, kvar = load
    loading = np.hypot(kw.sum(axis=0), kvar.sum(axis=0)) / rating.rated_kva
    inside = rating.no_load_loss_kw * (1 - dark) + loading**2 * rating.load_loss_kw
    magnetising = 0.012 * rating.rated_kva * (1 - dark)
    return Supply(
        kw + line_loss_kw + inside / 3,
        kvar + magnetising / 3 + 0.04 * rating.rated_kva * loading**2 / 3,
        inside + line_loss_kw.sum(axis=0),
    )


def outages(rng: Rng, days: int, periods: int) -> Floats:
    """Return the share of each interval without supply: about two outages a year of a median 90 minutes."""
    number = rng.poisson(days * 2 / 365)
    start = rng.uniform(0, days * DAY_MINUTES, number)
    return np.clip(blocks(start, rng.lognormal(4.5, 0.8, number), 1.0, periods), 0, 1)


def clock_error(rng: Rng, fast_min: float, days: int) -> Floats:
    """Return by how many minutes a clock is fast on each day, shape (days,).

    ``fast_min`` on all days. One clock in 50 also gains or loses 1 to 9 seconds a day, and is set
    right when that makes 12 minutes. Assumed; a sound one may be off by half a second (DL/T 645).
    """
    error = np.full(days, fast_min)
    if rng.random() < 0.02:
        drift = (rng.uniform(0, 12) + log_uniform(rng, 1, 9) / 60 * np.arange(days)) % 12
        error += drift * rng.choice((-1, 1))
    return np.clip(np.round(error, 2), -14, 14)


def shifted(values: Floats, fast_min: Floats, step: float) -> Floats:
    """Return interval means as a clock that is ``fast_min`` fast would record them (along the last axis).

    ``fast_min`` (intervals,) is less than the length ``step`` of an interval.
    """
    share = np.abs(fast_min) / step
    later = np.concatenate((values[..., 1:], values[..., -1:]), axis=-1)
    earlier = np.concatenate((values[..., :1], values[..., :-1]), axis=-1)
    mixed: Floats = (1 - share) * values + share * np.where(fast_min > 0, later, earlier)
    return mixed
