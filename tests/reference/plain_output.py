"""The slow twin of the kernel of missing output: every move written as a matrix, every hour in logarithms."""

import numpy as np

from minewatch.kernels.power.missing_output import DEGREES, LEVEL_SPREAD, Chains, Hours


def factor_moves(chains: Chains) -> np.ndarray:
    """Return P(factor at the next hour | factor), shape (factors, factors)."""
    count = len(chains.factors)
    moves = np.eye(count) * (1 - chains.jump) + chains.jump / count
    for at in range(count):
        for near in (at - 1, at + 1):
            if 0 <= near < count:
                moves[at, near] += chains.drift
                moves[at, at] -= chains.drift
        if at < chains.deep:
            moves[at, at] -= chains.mend
            moves[at, chains.deep :] += chains.mend / (count - chains.deep)
    return moves


def level_moves(chains: Chains) -> np.ndarray:
    """Return P(level at the next hour | level), shape (levels, levels)."""
    count = len(chains.levels_mw)
    moves = np.eye(count)
    if count == 1:
        return moves
    moves[0, 0] -= chains.onset
    moves[0, 1:] += chains.onset / (count - 1)
    for at in range(1, count):
        moves[at, at] -= chains.end
        moves[at, 0] += chains.end
        for near in (at - 1, at + 1):
            if 1 <= near < count:
                moves[at, near] += chains.shift
                moves[at, at] -= chains.shift
    return moves


def likelihoods(hours: Hours, chains: Chains) -> np.ndarray:
    """Return the log likelihood of each state at each hour, (hours, factors, levels), -inf where barred."""
    found = np.zeros((len(hours.met_mw), len(chains.factors), len(chains.levels_mw)))
    for hour, met in enumerate(hours.met_mw):
        for m in range(len(chains.factors)):
            for c, wanted in enumerate(chains.levels_mw):
                made = hours.able_mw[hour, m]
                level = min(wanted, made)
                sigma = np.sqrt(hours.sigma_mw[hour] ** 2 + (LEVEL_SPREAD * level) ** 2)
                error = (met - made + level) / sigma
                density = -(DEGREES + 1) / 2 * np.log1p(error**2 / DEGREES) - np.log(sigma)
                found[hour, m, c] = hours.counts[hour] * density
        if hours.barred[hour]:
            found[hour, :, 1:] = -np.inf
    return found


def start(chains: Chains) -> np.ndarray:
    """Return the probabilities before the first hour, (factors, levels)."""
    count, levels = len(chains.factors), len(chains.levels_mw)
    factor = np.full(count, 0.5 / count)
    factor[chains.usual] += 0.5
    if levels == 1:
        return factor[:, None]
    level = np.array([1 - chains.first, *[chains.first / (levels - 1)] * (levels - 1)])
    return np.outer(factor, level)


def weigh(hours: Hours, chains: Chains) -> tuple[float, np.ndarray]:
    """Return the log likelihood of all hours and P(state | all hours), (hours, factors, levels)."""
    shape = (len(chains.factors), len(chains.levels_mw))
    moves = np.kron(factor_moves(chains), level_moves(chains))
    logs = likelihoods(hours, chains).reshape(len(hours.met_mw), -1)
    with np.errstate(divide="ignore"):
        log_moves = np.log(moves)
        ahead = [np.log(start(chains).ravel())]
        for seen in logs:
            ahead.append(np.logaddexp.reduce(ahead[-1][:, None] + log_moves, axis=0) + seen)
    behind = [np.zeros(logs.shape[1])]
    for seen in logs[:0:-1]:
        behind.append(np.logaddexp.reduce(log_moves + (seen + behind[-1])[None, :], axis=1))
    total = float(np.logaddexp.reduce(ahead[-1]))
    states = np.exp(np.array(ahead[1:]) + np.array(behind[::-1]) - total)
    return total, states.reshape(-1, *shape)
