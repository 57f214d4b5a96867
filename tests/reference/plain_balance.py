"""Slow, obvious twins of the balance kernels."""

import numpy as np

HOURS = 24


def hourly(days: list[int], curves: list[np.ndarray], first: int, last: int) -> np.ndarray:
    """Signed hourly means of the days ``first`` to ``last`` (excluded)."""
    result = np.full((last - first, HOURS), np.nan)
    for day, curve in zip(days, curves, strict=True):
        if not first <= day < last or len(curve) == 0 or len(curve) % HOURS:
            continue
        for hour, readings in enumerate(np.split(np.asarray(curve, float), HOURS)):
            present = readings[~np.isnan(readings)]
            if len(present) and 2 * len(present) >= len(readings):
                result[day - first, hour] = present.mean()
    return result.ravel()


def mean_day(curve: np.ndarray) -> np.ndarray:
    by_day = curve.reshape(-1, HOURS)
    return np.array(
        [column[~np.isnan(column)].mean() if not np.isnan(column).all() else np.nan for column in by_day.T]
    )


def filled(curve: np.ndarray, begin: int, end: int, memory: float) -> tuple[np.ndarray, np.ndarray]:
    """A curve whose gaps within [begin, end) take the running day, 0 outside; and what was guessed."""
    latest = mean_day(curve)
    latest = np.where(np.isnan(latest), np.nanmin(latest), latest)
    values, guessed = np.zeros(curve.size), np.zeros(curve.size)
    for hour in range(begin, end):
        at = hour % HOURS
        if np.isnan(curve[hour]):
            values[hour] = guessed[hour] = latest[at]
        else:
            values[hour] = curve[hour]
            latest[at] = (1 - memory) * latest[at] + memory * curve[hour]
    return values, guessed


def presence(curve: np.ndarray, residual: np.ndarray) -> tuple[float, float]:
    """Least squares of the residual's ups and downs on the curve's, without a constant."""
    x, e = (values[1:-1] - (values[:-2] + values[2:]) / 2 for values in (curve, residual))
    known = ~np.isnan(x) & ~np.isnan(e)
    x, e = x[known], e[known]
    if len(x) < 3 or not (x**2).sum() > 0:
        return np.nan, np.nan
    share = float(np.linalg.lstsq(x[:, None], e, rcond=None)[0][0])
    return share, float(np.sqrt(((e - share * x) ** 2).sum() / (len(x) - 1) / (x**2).sum()))


def clumping(residual: np.ndarray, weights: np.ndarray, spans: tuple[int, ...]) -> float:
    found = [1.0]
    weighted = np.where(weights > 0, weights * np.nan_to_num(residual), 0.0)
    for days in spans:
        length = days * HOURS
        parts = [weighted[begin : begin + length] for begin in range(0, residual.size - length + 1, length)]
        ratios = [part.sum() ** 2 / (part**2).sum() for part in parts if (part**2).sum() > 0]
        if 4 * length <= residual.size and ratios:
            found.append(float(np.mean(ratios)))
    return max(found)


def robust_fit(
    target: np.ndarray, columns: np.ndarray, doubt: np.ndarray, prior: np.ndarray, knobs: tuple[float, int]
) -> tuple[np.ndarray, np.ndarray, float]:
    """Coefficients, covariance and clumping by stacking the prior under the weighted data."""
    huber, rounds = knobs
    spans = (1, 7, 28)
    known = ~np.isnan(doubt)
    coefficients, factor = prior[:, 0].copy(), 1.0
    covariance = np.diag(prior[:, 1] ** 2)
    for turn in range(rounds):
        residual = np.where(known, target - coefficients @ columns, np.nan)
        scale = np.array(
            [
                1.4826 * np.nanmedian(np.abs(residual[at::HOURS])) if known[at::HOURS].any() else 0.0
                for at in range(HOURS)
            ]
        )
        sigma = np.hypot(np.tile(scale, target.size // HOURS), doubt)
        weights = np.where(known, np.minimum(1, huber * sigma / np.abs(residual)) / sigma**2, 0.0)
        if turn > 1:
            factor = clumping(residual, weights, spans)
        root = np.sqrt(weights[known] / factor)
        rows = np.vstack(((columns[:, known] * root).T, np.diag(1 / prior[:, 1])))
        values = np.concatenate((target[known] * root, prior[:, 0] / prior[:, 1]))
        coefficients = np.linalg.lstsq(rows, values, rcond=None)[0]
        covariance = np.linalg.inv(rows.T @ rows)
    return coefficients, covariance, factor
