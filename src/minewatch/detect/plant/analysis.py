"""One plant's hours weighed: how much output was missing when, and whether a flat load explains it best."""

from typing import NamedTuple

import numpy as np

from minewatch.detect.plant.curve import Curve, able_mw, beside_standing, learn
from minewatch.detect.plant.drivers import (
    Columns,
    Flags,
    Floats,
    Kind,
    Nameplate,
    Physics,
    hindered,
    idle,
    met_output,
    scaled_by,
)
from minewatch.kernels.power.missing_output import Chains, Grid, Hours, backward, forward

FACTORS = np.array(
    [
        *(0.0, 0.25, 0.5, 0.7, 0.8, 0.86, 0.9, 0.93, 0.95, 0.965, 0.975, 0.985, 0.9925),
        *(1.0, 1.0075, 1.015, 1.025, 1.035, 1.05, 1.07, 1.1, 1.14),
    ]
)
USUAL, DEEP = 13, 4
LEVELS = 16
SMALLEST, LARGEST = 0.035, 1.5
"""Diversions looked for, as a share of the plant's mean output."""
WHOLE = 0.035
"""Output counts as whole within this of what is expected."""
DRIFT_H, MEND_H = 400.0, 48.0
"""Mean hours between steps of the factor to a neighbour, and of losses beyond a quarter."""
ONSET_H, END_H, SHIFT_H = 8760.0, 1440.0, 4000.0
"""Mean hours until a flat load comes, until it ends, and between changes of it."""
SURE = 3.0
"""A flat load beside the curve counts as a second reading of the plant from this many sigma."""
STANDING_SHARES = (0.7, 0.85, 1.0)
"""Sizes tried of it: the curve's fit makes it rather too large."""
LEAST_ERROR = 0.006
"""Error of each hour that no history of factors on the grid can take away, as a share of the output."""
EVER_BEFORE = 0.3
"""Of plants with a private line, those where it is older than the readings."""


class Analysis(NamedTuple):
    """What was found; arrays of shape (hours,).

    ``free``: known hours at which dispatch did not hold the plant back; ``log10_lr``: of a flat load in the
    period against none; ``on``: probability that one was on; ``factor``: mean; ``made_mw``: what that made.
    """

    curve: Curve
    met_mw: Floats
    able_mw: Floats
    free: Flags
    log10_lr: float
    on: Floats
    factor: Floats
    made_mw: Floats


def analyse(kind: Kind, columns: Columns, plate: Nameplate, in_period: Flags) -> Analysis:
    """Weigh the hours of one plant; ``in_period`` marks those of the period in question."""
    plant = _Plant(kind, [kind.physics(scaled_by(kind, columns, factor), plate) for factor in FACTORS])
    met, usual = met_output(columns), plant.physics[USUAL]
    known = ~np.isnan(met) & ~np.isnan(usual.expected_mw) & ~idle(kind, usual, met)
    free = known & ~hindered(columns, kind, usual.expected_mw)
    curve = learn(kind, usual, met, np.where(free, 1.0, 0.0))
    first = plant.weighed(curve, met, free, in_period)
    curve = learn(kind, usual, met, np.where(free, first.whole, 0.0))
    best = plant.weighed(curve, met, known & ~hindered(columns, kind, first.able[:, USUAL]), in_period)
    barred = best.barred
    if kind.line and curve.standing_mw > SURE * curve.standing_sigma_mw:
        for share in STANDING_SHARES:
            level = share * curve.standing_mw
            other = beside_standing(kind, usual, met, np.where(best.free, 1.0, 0.0), curve, level)
            standing = plant.weighed(other, met, best.free, in_period, level)
            barred = max(barred, standing.barred)
            best = max(best, standing, key=lambda weighed: weighed.mixed)
    factors = best.kept.sum(axis=2).astype(np.float64)
    return Analysis(
        curve=curve,
        met_mw=met,
        able_mw=best.able[:, USUAL],
        free=best.free,
        log10_lr=_ratio(best.mixed, barred, in_period),
        on=best.kept[:, :, 1:].sum(axis=(1, 2)).astype(np.float64),
        factor=np.einsum("hf,f->h", factors, FACTORS),
        made_mw=np.einsum("hf,hf->h", factors, best.able),
    )


class _Weighed(NamedTuple):
    """What one curve says: probabilities ``kept`` of all states; log p(hours, curve) with a load or not."""

    able: Floats
    free: Flags
    kept: Grid
    mixed: float
    barred: float

    @property
    def whole(self) -> Floats:
        """Probability that output was whole, (hours,)."""
        return self.kept[:, np.abs(FACTORS - 1) <= WHOLE, 0].sum(axis=1).astype(np.float64)


class _Plant(NamedTuple):
    """A plant's physics for each factor of its driver."""

    kind: Kind
    physics: list[Physics]

    def able(self, curve: Curve) -> Floats:
        """Return what it could make, (hours, factors), MW."""
        by_factor = [able_mw(self.kind, physics, curve) for physics in self.physics]
        scale = FACTORS if self.kind.scaled is None else np.ones(FACTORS.size)
        return np.stack(by_factor, axis=1) * scale

    def weighed(
        self, curve: Curve, met_mw: Floats, free: Flags, in_period: Flags, standing_mw: float | None = None
    ) -> _Weighed:
        """Weigh all histories of factor and level with one curve; a ``standing_mw`` is among the levels."""
        able = self.able(curve)
        hours, chains = _prepared(curve, able, np.where(free, met_mw, np.nan), in_period, self.kind.jump_h)
        if standing_mw:
            levels = chains.levels_mw
            nearest = levels[1:][np.abs(np.log(levels[1:] / standing_mw)).argmin()]
            chains = chains._replace(levels_mw=levels * standing_mw / nearest)
        kept = np.empty((met_mw.size, chains.factors.size, chains.levels_mw.size), np.float32)
        open_hours = hours._replace(barred=np.zeros(met_mw.size, np.bool_))
        mixed = forward(open_hours, chains, kept)
        backward(open_hours, chains, kept)
        barred = forward(hours, chains, kept[:0])
        return _Weighed(able, free, kept, mixed + curve.log_prior, barred + curve.log_prior)


def _prepared(
    curve: Curve, able: Floats, met_mw: Floats, in_period: Flags, jump_h: float
) -> tuple[Hours, Chains]:
    used = ~np.isnan(met_mw)
    mean = max(float(np.mean(able[used, USUAL])), 1e-6)
    levels = np.concatenate([[0.0], mean * np.geomspace(SMALLEST, LARGEST, LEVELS)])
    hours = Hours(
        met_mw=np.where(used, met_mw, 0.0),
        able_mw=np.where(used[:, None], able, 0.0),
        sigma_mw=np.where(used, np.hypot(curve.sigma_mw, LEAST_ERROR * (able[:, USUAL] + mean)), 1.0),
        counts=np.where(used, curve.counts, 0.0),
        barred=in_period,
    )
    return hours, Chains(
        factors=FACTORS,
        levels_mw=levels,
        usual=USUAL,
        deep=DEEP,
        drift=1 / DRIFT_H,
        jump=1 / jump_h,
        mend=1 / MEND_H,
        onset=1 / ONSET_H,
        end=1 / END_H,
        shift=1 / SHIFT_H,
        first=EVER_BEFORE,
    )


def _ratio(mixed: float, barred: float, in_period: Flags) -> float:
    """Return log10 of p(data | a load in the period) / p(data | none in the period)."""
    off = 1 - EVER_BEFORE
    for _ in range(int(np.argmax(in_period))):
        off += (1 - off) / END_H - off / ONSET_H
    never = np.log(off) + in_period.sum() * np.log1p(-1 / ONSET_H)
    with_load = np.log(max(-np.expm1(min(barred - mixed, 0.0)), 1e-12)) + mixed - np.log(-np.expm1(never))
    return float((with_load - (barred - never)) / np.log(10))
