"""One plant's hours weighed: how much output was missing when, and whether a flat load explains it best."""

from typing import NamedTuple

import numpy as np

from minewatch.detect.plant_curve import Curve, able_mw, learn
from minewatch.detect.plant_drivers import (
    Columns,
    Flags,
    Floats,
    Kind,
    Nameplate,
    Physics,
    hindered,
    met_output,
    scaled_by,
)
from minewatch.kernels.missing_output import Chains, Grid, Hours, backward, forward

FACTORS = np.array(
    [
        *(0.0, 0.25, 0.5, 0.7, 0.8, 0.86, 0.9, 0.93, 0.95, 0.965, 0.975, 0.985, 0.9925),
        *(1.0, 1.0075, 1.015, 1.025, 1.035, 1.05, 1.07),
    ]
)
USUAL, DEEP = 13, 4
LEVELS = 12
SMALLEST, LARGEST = 0.035, 1.5
"""Diversions looked for, as a share of the plant's mean output."""
WHOLE = 0.035
"""Output counts as whole within this of what is expected."""
DRIFT_H, JUMP_H, MEND_H = 400.0, 1000.0, 48.0
"""Mean hours between steps of the factor to a neighbour, between jumps, and of losses beyond a quarter."""
ONSET_H, END_H, SHIFT_H = 8760.0, 1440.0, 4000.0
"""Mean hours until a flat load comes, until it ends, and between changes of it."""
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
    known = ~np.isnan(met) & ~np.isnan(usual.expected_mw)
    free = known & ~hindered(columns, kind, usual.expected_mw)
    curve = learn(kind, usual, met, np.where(free, 1.0, 0.0))
    for last in (False, True):
        able = plant.able(curve)
        free = known & ~hindered(columns, kind, able[:, USUAL])
        hours, chains = _prepared(curve, able, np.where(free, met, np.nan), in_period)
        kept, mixed = _posterior(hours._replace(barred=np.zeros(met.size, np.bool_)), chains)
        if not last:
            whole = kept[:, np.abs(FACTORS - 1) <= WHOLE, 0].sum(axis=1).astype(np.float64)
            curve = learn(kind, usual, met, np.where(free, whole, 0.0))
    factors = kept.sum(axis=2).astype(np.float64)
    return Analysis(
        curve=curve,
        met_mw=met,
        able_mw=able[:, USUAL],
        free=free,
        log10_lr=_ratio(mixed, forward(hours, chains, kept[:0]), in_period, chains),
        on=kept[:, :, 1:].sum(axis=(1, 2)).astype(np.float64),
        factor=np.einsum("hf,f->h", factors, FACTORS),
        made_mw=np.einsum("hf,hf->h", factors, able),
    )


class _Plant(NamedTuple):
    """A plant's physics for each factor of its driver."""

    kind: Kind
    physics: list[Physics]

    def able(self, curve: Curve) -> Floats:
        """Return what it could make, (hours, factors), MW."""
        by_factor = [able_mw(self.kind, physics, curve) for physics in self.physics]
        scale = FACTORS if self.kind.scaled is None else np.ones(FACTORS.size)
        return np.stack(by_factor, axis=1) * scale


def _prepared(curve: Curve, able: Floats, met_mw: Floats, in_period: Flags) -> tuple[Hours, Chains]:
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
    rates = (1 / mean_h for mean_h in (DRIFT_H, JUMP_H, MEND_H, ONSET_H, END_H, SHIFT_H))
    return hours, Chains(FACTORS, levels, USUAL, DEEP, *rates, EVER_BEFORE)


def _posterior(hours: Hours, chains: Chains) -> tuple[Grid, float]:
    kept = np.empty((hours.met_mw.size, chains.factors.size, chains.levels_mw.size), np.float32)
    log_total = forward(hours, chains, kept)
    backward(hours, chains, kept)
    return kept, log_total


def _ratio(mixed: float, barred: float, in_period: Flags, chains: Chains) -> float:
    """Return log10 of p(data | a load in the period) / p(data | none in the period)."""
    off = 1 - chains.first
    for _ in range(int(np.argmax(in_period))):
        off += (1 - off) * chains.end - off * chains.onset
    never = np.log(off) + in_period.sum() * np.log1p(-chains.onset)
    with_load = np.log(max(-np.expm1(barred - mixed), 1e-12)) + mixed - np.log(-np.expm1(never))
    return float((with_load - (barred - never)) / np.log(10))
