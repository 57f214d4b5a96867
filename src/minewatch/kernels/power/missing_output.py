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
LEVEL_SPREAD = 0.04
"""A level on the grid stands for loads within 4 % of it (1 sigma): scatter of the mine, step of the grid."""


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

    ``drift`` to each neighbouring factor; ``jump`` to any factor; ``mend`` from each of the first ``deep``
    factors (outages, which do not last) to any of the others; ``onset`` from off to any level; ``end`` from
    any level to off; ``shift`` to each neighbouring level. ``first``: probability of being on before the
    first hour. ``usual`` is the place of the factor 1.
    """

    factors: Floats
    levels_mw: Floats
    usual: int
    deep: int
    drift: float
    jump: float
    mend: float
    onset: float
    end: float
    shift: float
    first: float


@njit(nogil=True, cache=True, error_model="numpy")
def see(hours: Hours, hour: int, chains: Chains, likelihood: Floats) -> float:
    """Fill ``likelihood`` (factors, levels), largest 1, with that of one hour; return the divisor's log.

    The log density of Student's t is -(d + 1) / 2 log(1 + e2 / (d v)) - log(v) / 2 for an error e, e2 its
    square, and variance v, but for a constant. The logarithms of v depend on the level
    alone unless it is cut off.
    """
    highest, count = -np.inf, hours.counts[hour]
    noise, power = hours.sigma_mw[hour] ** 2, 0.5 * (DEGREES + 1)
    for c in range(chains.levels_mw.size):
        wanted = chains.levels_mw[c]
        scaled = DEGREES * (noise + (LEVEL_SPREAD * wanted) ** 2)
        width = power * np.log(scaled) - 0.5 * np.log(scaled / DEGREES)
        for m in range(chains.factors.size):
            made = hours.able_mw[hour, m]
            off, variance, known = hours.met_mw[hour] - made + wanted, scaled, width
            if wanted > made:
                off = hours.met_mw[hour]
                variance = DEGREES * (noise + (LEVEL_SPREAD * made) ** 2)
                known = power * np.log(variance) - 0.5 * np.log(variance / DEGREES)
            value = count * (known - power * np.log(variance + off * off))
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
        _step_factors(chains, state, moved, True)
    else:
        _step_factors(chains, state, moved, False)
        state[:] = moved
        _step_levels(chains, state, moved, False)


@njit(nogil=True, cache=True, error_model="numpy")
def _step_factors(chains: Chains, state: Floats, moved: Floats, backward: bool) -> None:
    count, deep = chains.factors.size, chains.deep
    for c in range(chains.levels_mw.size):
        total, mended = 0.0, 0.0
        for m in range(count):
            total += state[m, c]
            if (m >= deep) == backward:
                mended += state[m, c]
        mended *= chains.mend / (count - deep)
        for m in range(count):
            value = state[m, c] * (1 - chains.jump)
            if m > 0:
                value += chains.drift * (state[m - 1, c] - state[m, c])
            if m < count - 1:
                value += chains.drift * (state[m + 1, c] - state[m, c])
            if m < deep:
                value -= chains.mend * state[m, c]
            if (m < deep) == backward:
                value += mended
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
