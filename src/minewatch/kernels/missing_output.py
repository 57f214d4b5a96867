"""Output that is missing: the likelihood of every history of losses and diversions, hour by hour.

A plant whose driver counts by ``factor`` is able to make ``able``; the grid's meter sees ``able - level``.
The factor stands for all that scales with the driver (gauge drift, dirt, ice, leaking gates, units out): it
wanders or jumps. The level is a load that does not (a private line): off most of the time, on for days to
years. Both are Markov chains over grids, independent of each other. The forward algorithm sums over all their
histories, the backward one gives the probability of each state at each hour (Rabiner, *Proc. IEEE* 77, 1989;
factorial chains: Ghahramani and Jordan, *Machine Learning* 29, 1997). Errors have Student's t distribution
with four degrees of freedom.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Grid = npt.NDArray[np.float32]

DEGREES = 4.0
LEVEL_SPREAD = 0.08
"""A level on the grid stands for loads within 8 % of it (1 sigma): scatter of the mine, step of the grid."""


class Hours(NamedTuple):
    """Met output and its error (1 sigma), MW, shape (hours,); able output by factor, (hours, factors).

    ``counts`` is 0 where nothing is known; below 1 where errors of neighbouring hours are alike, so that
    the likelihood of an hour is taken to this power. ``barred``: hours at which no level may be on.
    """

    met_mw: Floats
    able_mw: Floats
    sigma_mw: Floats
    counts: Floats
    barred: Flags


class Chains(NamedTuple):
    """Grids, shape (factors,) and (levels,), and probabilities for an hour; ``levels_mw[0]`` is 0.

    ``drift`` to each neighbouring factor; ``jump`` to any factor; ``onset`` from off to any level; ``end``
    from any level to off; ``shift`` to each neighbouring level. ``first``: probability of being on before
    the first hour. ``usual`` is the place of the factor 1.
    """

    factors: Floats
    levels_mw: Floats
    usual: int
    drift: float
    jump: float
    onset: float
    end: float
    shift: float
    first: float


@njit(nogil=True, cache=True, error_model="numpy")
def error_log(met_mw: float, expected_mw: float, sigma_mw: float) -> float:
    """Return the log density of Student's t, but for a constant."""
    off = (met_mw - expected_mw) / sigma_mw
    return -0.5 * (DEGREES + 1) * np.log(1 + off * off / DEGREES) - np.log(sigma_mw)


@njit(nogil=True, cache=True, error_model="numpy")
def see(hours: Hours, hour: int, chains: Chains, likelihood: Floats) -> float:
    """Fill ``likelihood`` (factors, levels), largest 1, with that of one hour; return the divisor's log."""
    highest = -np.inf
    for m in range(chains.factors.size):
        made = hours.able_mw[hour, m]
        for c in range(chains.levels_mw.size):
            level = min(chains.levels_mw[c], made)
            sigma = np.hypot(hours.sigma_mw[hour], LEVEL_SPREAD * level)
            value = hours.counts[hour] * error_log(hours.met_mw[hour], made - level, sigma)
            likelihood[m, c] = value
            highest = max(highest, value)
    for m in range(chains.factors.size):
        for c in range(chains.levels_mw.size):
            likelihood[m, c] = np.exp(likelihood[m, c] - highest)
    return highest


@njit(nogil=True, cache=True, error_model="numpy")
def step(chains: Chains, state: Floats, moved: Floats, backward: bool) -> None:
    """Move probabilities (factors, levels) by one hour: the factors' chain, then the levels'.

    ``backward``: expectations instead, which is the transposed move in the opposite order. ``state`` is
    overwritten.
    """
    if backward:
        _step_levels(chains, state, moved, True)
        state[:] = moved
        _step_factors(chains, state, moved)
    else:
        _step_factors(chains, state, moved)
        state[:] = moved
        _step_levels(chains, state, moved, False)


@njit(nogil=True, cache=True, error_model="numpy")
def _step_factors(chains: Chains, state: Floats, moved: Floats) -> None:
    """Move the factors; the chain is symmetric, so that backward is the same."""
    count = chains.factors.size
    for c in range(chains.levels_mw.size):
        total = 0.0
        for m in range(count):
            total += state[m, c]
        for m in range(count):
            value = state[m, c] * (1 - chains.jump)
            if m > 0:
                value += chains.drift * (state[m - 1, c] - state[m, c])
            if m < count - 1:
                value += chains.drift * (state[m + 1, c] - state[m, c])
            moved[m, c] = value + chains.jump * total / count


@njit(nogil=True, cache=True, error_model="numpy")
def _step_levels(chains: Chains, state: Floats, moved: Floats, backward: bool) -> None:
    count = chains.levels_mw.size
    if count == 1:
        moved[:] = state
        return
    for m in range(chains.factors.size):
        on = 0.0
        for c in range(1, count):
            on += state[m, c]
        for c in range(1, count):
            value = state[m, c] * (1 - chains.end)
            if c > 1:
                value += chains.shift * (state[m, c - 1] - state[m, c])
            if c < count - 1:
                value += chains.shift * (state[m, c + 1] - state[m, c])
            entry = chains.end if backward else chains.onset / (count - 1)
            moved[m, c] = value + entry * state[m, 0]
        leave = chains.onset / (count - 1) if backward else chains.end
        moved[m, 0] = state[m, 0] * (1 - chains.onset) + leave * on


@njit(nogil=True, cache=True, error_model="numpy")
def start(chains: Chains, state: Floats) -> None:
    """Fill the probabilities before the first hour: the usual factor likely, any level alike if on."""
    count, levels = chains.factors.size, chains.levels_mw.size
    for m in range(count):
        share = 0.5 / count + (0.5 if m == chains.usual else 0.0)
        for c in range(levels):
            if levels == 1:
                state[m, c] = share
            else:
                state[m, c] = share * ((1 - chains.first) if c == 0 else chains.first / (levels - 1))


@njit(nogil=True, cache=True, error_model="numpy")
def forward(hours: Hours, chains: Chains, kept: Grid) -> float:
    """Return the log likelihood of all hours, of paths without a level at barred hours.

    ``kept`` (hours, factors, levels) gets the probabilities of the states given the hours so far; with no
    hours in it (shape (0, ...)) nothing is kept. Not normalised for the barred: the mass of the paths counts.
    """
    shape = (chains.factors.size, chains.levels_mw.size)
    state, moved, likelihood = np.empty(shape), np.empty(shape), np.empty(shape)
    start(chains, state)
    log_total = 0.0
    for hour in range(hours.met_mw.size):
        step(chains, state, moved, False)
        if hours.barred[hour]:
            moved[:, 1:] = 0.0
        if hours.counts[hour] > 0:
            log_total += see(hours, hour, chains, likelihood)
            moved *= likelihood
        total = moved.sum()
        log_total += np.log(total)
        state[:] = moved / total
        if kept.shape[0] > 0:
            kept[hour] = state
    return log_total


@njit(nogil=True, cache=True, error_model="numpy")
def backward(hours: Hours, chains: Chains, kept: Grid) -> None:
    """Turn ``kept`` of ``forward`` into the probabilities of the states given all hours."""
    shape = (chains.factors.size, chains.levels_mw.size)
    later, moved, likelihood = np.ones(shape), np.empty(shape), np.empty(shape)
    for hour in range(hours.met_mw.size - 1, -1, -1):
        total = 0.0
        for m in range(shape[0]):
            for c in range(shape[1]):
                value = kept[hour, m, c] * later[m, c]
                kept[hour, m, c] = value
                total += value
        kept[hour] /= total
        if hours.counts[hour] > 0:
            see(hours, hour, chains, likelihood)
            later *= likelihood
        if hours.barred[hour]:
            later[:, 1:] = 0.0
        later /= later.max()
        step(chains, later, moved, True)
        later[:] = moved
