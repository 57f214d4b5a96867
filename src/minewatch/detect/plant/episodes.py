"""The diversion that an analysis shows in a period: since when, until when, how large, how flat, how much."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.detect.plant.analysis import Analysis
from minewatch.detect.plant.drivers import Flags, Floats
from minewatch.schema.evidence import Duty

Hours = npt.NDArray[np.int64]

PAUSE_H = 72
"""Shorter pauses do not end a diversion."""
BESIDE_H = 336
TO_90 = 1.645
FACTOR_SPREAD = 0.012
"""How far losses that scale with the output may move within an episode (1 sigma)."""
SCATTER = 0.03
"""A mine's own scatter about its mean power (1 sigma)."""


class Part(NamedTuple):
    """A part of an episode: mean output that could be made and that is missing, MW."""

    able_mw: float
    missing_mw: float


class Episode(NamedTuple):
    """Hours [begin, end) of the grid; ``level_mw`` and its standard deviation.

    ``low`` and ``high``: at the hours of the lowest and highest third of output; ``energy_mwh``: missing in
    the period.
    """

    begin: int
    end: int
    level_mw: float
    level_sigma_mw: float
    able_mw: float
    on_share: float
    low: Part
    high: Part
    energy_mwh: float
    duty: Duty


def find_episode(found: Analysis, in_period: Flags, hour_of_day: Floats) -> Episode | None:
    """Return the episode with most energy missing in the period, or None without one."""
    best, most = None, 0.0
    missing = np.clip(found.made_mw - found.met_mw, 0, None)
    for begin, end in _runs(found.on > 0.5):
        inside = in_period[begin:end] & found.free[begin:end]
        energy = float(np.nansum(missing[begin:end][inside]))
        if energy > most:
            best, most = (begin, end), energy
    return None if best is None else _episode(found, best, in_period, hour_of_day)


def _runs(on: Flags) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], on.astype(np.int8), [0]))))
    runs: list[tuple[int, int]] = []
    for begin, end in edges.reshape(-1, 2).tolist():
        if runs and begin - runs[-1][1] < PAUSE_H:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((begin, end))
    return runs


def _episode(found: Analysis, run: tuple[int, int], in_period: Flags, hour_of_day: Floats) -> Episode:
    place = np.arange(*run, dtype=np.int64)
    on = place[(found.on[place] > 0.5) & found.free[place]]
    level, sigma = _level(found, on)
    able, missing = found.able_mw[on], found.made_mw[on] - found.met_mw[on]
    thirds = np.quantile(able, (1 / 3, 2 / 3))
    low, high = able <= thirds[0], able >= thirds[1]
    counted = place[in_period[place] & (found.on[place] > 0.5)]
    taken = np.minimum(level, np.nan_to_num(found.able_mw[counted]))
    share = float(np.mean(found.on[place] > 0.5))
    return Episode(
        *run,
        level,
        sigma,
        float(able.mean()),
        share,
        Part(float(able[low].mean()), float(missing[low].mean())),
        Part(float(able[high].mean()), float(missing[high].mean())),
        float(taken.sum()),
        _duty(found.on[place] > 0.5, hour_of_day[place]),
    )


def _level(found: Analysis, on: Hours) -> tuple[float, float]:
    """Return what is missing at the hours ``on`` of what the losses of the weeks beside them would leave.

    Hours at which the load would take all there is are left out. A slope beside the level is not fitted: the
    gauge's noise would flatten it, and the level would come out too small.
    """
    beside = np.arange(max(int(on[0]) - BESIDE_H, 0), min(int(on[-1]) + BESIDE_H, found.on.size))
    beside = beside[(found.on[beside] < 0.1) & found.free[beside] & (found.able_mw[beside] > 0)]
    ratio = found.made_mw[beside] / found.able_mw[beside]
    able = found.able_mw[on] * (float(np.median(ratio)) if beside.size > 24 else 1.0)
    missing = able - found.met_mw[on]
    full = able > 1.3 * max(float(np.median(missing[able >= np.median(able)])), 0.0)
    full = full if full.sum() > 5 else np.ones(on.size, np.bool_)
    slow = FACTOR_SPREAD * able[full]
    weight = 1 / (found.curve.sigma_mw[on][full] ** 2 + slow**2)
    level = max(float(np.average(missing[full], weights=weight)), 1e-6)
    fast = 1 / np.sqrt(found.curve.counts * float(weight.sum()))
    shifted = float(np.average(slow, weights=weight))
    return level, float(np.sqrt(fast**2 + shifted**2 + (SCATTER * level) ** 2))


def _duty(on: Flags, hour_of_day: Floats) -> Duty:
    """Flat if on at nine of ten hours, night-only if nearly all of it lies in the night."""
    if on.mean() > 0.9:
        return Duty.FLAT
    night = (hour_of_day >= 22) | (hour_of_day < 8)
    return Duty.NIGHT_ONLY if on[~night].mean() < 0.1 * on[night].mean() else Duty.INTERMITTENT
