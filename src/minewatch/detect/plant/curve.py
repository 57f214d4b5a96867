"""The expected output of one plant: physics bent to its own history, and the error of what it says.

expected = physics x (1 + s) + sum of hats at places on the curve, a Gaussian linear model with what is known
beforehand as its prior (ridge regression), fitted with the weights of Student's t to leave outages, spill and
diversions aside (Lange, Little, Taylor, *JASA* 84, 1989), and again where later analysis says that output was
whole.
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import median_filter

from minewatch.detect.plant.drivers import Floats, Kind, Physics

WEEK_H = 169
ROUNDS = 8
LITTLE, CLEARLY = 0.15, 1.5


class Curve(NamedTuple):
    """``coefficients`` of the linear model, its error ``sigma_mw`` by the hour, ``counts``: see the kernel.

    ``log_prior``: of the coefficients, but for a constant. ``standing_mw``: a flat load there from the start
    that would fit best together with the curve, and its standard deviation ``standing_sigma_mw``: what the
    curve cannot tell.
    """

    coefficients: Floats
    sigma_mw: Floats
    counts: float
    log_prior: float
    standing_mw: float
    standing_sigma_mw: float


def learn(kind: Kind, physics: Physics, met_mw: Floats, weight: Floats) -> Curve:
    """Fit the curve to hours of ``weight`` above 0 (shape (hours,), 0 to 1)."""
    used = np.flatnonzero((weight > 0) & ~np.isnan(physics.expected_mw) & ~np.isnan(met_mw))
    terms, spread = _terms(kind, physics)
    rows, met = terms[used], met_mw[used]
    scale = max(float(np.nanmax(physics.expected_mw)), 1e-6)
    sigma = np.full(used.size, 0.05 * scale)
    fitted = Fit(np.eye(1, spread.size)[0], np.eye(spread.size))
    counts = 0.1
    for _ in range(ROUNDS):
        off = (met - np.einsum("hi,i->h", rows, fitted.coefficients)) / sigma
        trust = weight[used] * 5 / (4 + off * off)
        fitted = _ridge(rows, met, counts * trust / sigma**2, spread)
        residual = met - np.einsum("hi,i->h", rows, fitted.coefficients)
        sigma, counts = _error(kind, physics.place[used], residual, scale)
    errors = np.hypot(_error_at(physics.place, physics.place[used], sigma), physics.unsure_mw)
    flat = _standing(rows, met, counts * trust / sigma**2, spread)
    standing = float(flat.coefficients[-1]), float(np.sqrt(flat.covariance[-1, -1]))
    return Curve(fitted.coefficients, errors, counts, _log_prior(fitted.coefficients, spread), *standing)


def beside_standing(
    kind: Kind, physics: Physics, met_mw: Floats, weight: Floats, curve: Curve, level_mw: float
) -> Curve:
    """Return the curve of a plant that has fed a flat load of ``level_mw`` from the start.

    Learnt where the plant could make clearly more than that; errors are those of ``curve``, so that both can
    be held against each other.
    """
    clear = np.nan_to_num(physics.expected_mw) > CLEARLY * level_mw
    other = learn(kind, physics, met_mw + level_mw, np.where(clear, weight, 0.0))
    return curve._replace(coefficients=other.coefficients, log_prior=other.log_prior)


def _log_prior(coefficients: Floats, spread: Floats) -> float:
    off = (coefficients - np.eye(1, spread.size)[0]) / spread
    return -0.5 * float(np.sum(off * off))


def able_mw(kind: Kind, physics: Physics, curve: Curve) -> Floats:
    """Return what the plant could make by its learnt curve, (hours,), NaN where a driver is missing."""
    terms, _ = _terms(kind, physics)
    return np.minimum(np.clip(np.einsum("hi,i->h", terms, curve.coefficients), 0, None), physics.cap_mw)


class Fit(NamedTuple):
    """Coefficients and their covariance."""

    coefficients: Floats
    covariance: Floats


def _terms(kind: Kind, physics: Physics) -> tuple[Floats, Floats]:
    """Columns of the linear model (hours, terms), the first one physics itself, and each prior spread."""
    hats = _hats(np.asarray(kind.knots), np.nan_to_num(physics.place))
    columns = [physics.expected_mw[:, None], hats * physics.unit_mw[:, None]]
    columns += [values[:, None] for values, _ in physics.extras]
    spread = np.array([kind.scale_spread, *kind.spread, *(spread for _, spread in physics.extras)])
    return np.hstack(columns), spread


def _hats(knots: Floats, place: Floats) -> Floats:
    place = np.clip(place, knots[0], knots[-1])
    return np.stack([np.interp(place, knots, row) for row in np.eye(knots.size)], axis=1)


def _ridge(rows: Floats, met: Floats, precision: Floats, spread: Floats) -> Fit:
    usual = np.eye(1, spread.size)[0]
    weighted = rows * precision[:, None]
    # einsum, not @: whatever the number of threads, the sums have one order.
    normal = np.einsum("hi,hj->ij", weighted, rows) + np.diag(spread**-2)
    covariance = np.asarray(np.linalg.inv(normal), np.float64)
    right = np.einsum("hi,h->i", weighted, met - rows[:, 0])
    return Fit(usual + covariance @ right, covariance)


def _standing(rows: Floats, met: Floats, precision: Floats, spread: Floats) -> Fit:
    """Fit a flat load as one more term, of which nothing is known beforehand.

    Hours at which the plant makes little are left out: there the load would take all there is.
    """
    much = rows[:, 0] > LITTLE * rows[:, 0].max()
    flat = np.hstack([rows, np.full((met.size, 1), -1.0)])
    return _ridge(flat, met, np.where(much, precision, 0.0), np.append(spread, 1e3))


def _error(kind: Kind, place: Floats, residual: Floats, scale: float) -> tuple[Floats, float]:
    """Error of each hour (1 sigma, by place on the curve) beyond slow drift, and what an hour counts."""
    fast = residual - median_filter(residual, size=WEEK_H, mode="nearest")
    knots = np.asarray(kind.knots)
    nearest = np.abs(place[:, None] - knots).argmin(axis=1)
    floor = 0.004 * scale
    spreads = [
        1.48 * np.median(np.abs(fast[nearest == at])) if (nearest == at).sum() > 20 else np.nan
        for at in range(knots.size)
    ]
    known = ~np.isnan(spreads)
    whole = 1.48 * float(np.median(np.abs(fast)))
    at_knots = (
        np.interp(knots, knots[known], np.asarray(spreads)[known])
        if known.any()
        else np.full(knots.size, whole)
    )
    sigma = np.maximum(np.interp(place, knots, at_knots), floor)
    return sigma, _independent_share(np.clip(fast / sigma, -4, 4))


def _error_at(place: Floats, known_place: Floats, known_sigma: Floats) -> Floats:
    order = np.argsort(known_place, kind="stable")
    sigma: Floats = np.interp(np.nan_to_num(place), known_place[order], known_sigma[order])
    return sigma


def _independent_share(errors: Floats) -> float:
    """Return 1 / (1 + 2 x sum of the autocorrelations up to the first below 0.05), two days at most."""
    errors = errors - errors.mean()
    power = float(np.sum(errors * errors))
    total = 0.0
    for lag in range(1, 49):
        alike = float(np.sum(errors[lag:] * errors[:-lag])) / max(power, 1e-12)
        if alike < 0.05:
            break
        total += alike
    return 1 / (1 + 2 * total)
