"""Slow, obvious twins of the kernels that tell what surrounds a block."""

import warnings
from functools import wraps
from itertools import product

import numpy as np
import plain_load

HOURS = 24


def quietly(function):
    """Run without warnings of means of nothing, which are NaN."""

    @wraps(function)
    def quiet(*arguments):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return function(*arguments)

    return quiet


@quietly
def steadiness(hourly: np.ndarray, night: bool) -> dict[str, float]:
    """The numbers of ``Steadiness`` by their definitions, without those of dips, steps and histograms."""
    hours, share = (6, 0.5) if night else (HOURS, 0.25)
    floor = plain_load.floors(hourly, hours, share)
    low = np.array([second_lowest(day[:hours]) for day in hourly.reshape(-1, HOURS)])
    level = np.nanmedian(floor)
    lags = {"1d": 1, "7d": 7, "28d": 28, "91d": 91}
    return {
        **{f"floor_change_{name}": change_over(floor, lag) / level for name, lag in lags.items()},
        "floor_low_ratio": np.nanquantile(floor, 0.1) / level,
        "floor_high_ratio": np.nanquantile(floor, 0.9) / level,
        "low_change_1d": change_over(low, 1) / level,
        "low_change_28d": change_over(low, 28) / level,
        "low_ratio": np.nanmedian(low) / level,
    }


def second_lowest(hours: np.ndarray) -> float:
    known = np.sort(hours[~np.isnan(hours)])
    place = int(1.2 / len(hours) * len(known))
    return known[place] if 2 * len(known) >= len(hours) else np.nan


def change_over(series: np.ndarray, lag: int) -> float:
    changes = [abs(after - before) for before, after in zip(series, series[lag:], strict=False)]
    return float(np.nanmedian(changes)) if changes else np.nan


def dips(hourly: np.ndarray, floor: np.ndarray) -> list[float]:
    """Depths of stretches below three quarters of the day's floor that begin and end near it."""
    share = hourly / np.repeat(floor, HOURS)
    share[np.repeat(~(floor > 0), HOURS)] = np.nan
    depths, k = [], 0
    while k < len(share):
        begin = k
        while k < len(share) and share[k] < 0.75:
            k += 1
        ends = [share[end] for end in (begin - 1, k) if 0 <= end < len(share)]
        # A missing hour is near nothing.
        if 0 < k - begin <= HOURS and len(ends) == 2 and all(end >= 0.875 for end in ends):
            depths.append(1 - share[begin:k].min())
        k += 1
    return depths


def calm_steps(hourly: np.ndarray, least_kw: float) -> list[float]:
    sizes, k = [], 3
    while k < len(hourly) - 3:
        before, after = hourly[k - 3 : k].astype(float), hourly[k + 1 : k + 4].astype(float)
        size = abs(after.mean() - before.mean())
        near = abs(after[0] - before[-1]) >= least_kw and size >= least_kw
        if near and max(np.ptp(before), np.ptp(after)) <= 0.2 * size:
            sizes.append(size)
            k += 3
        k += 1
    return sizes


def most_alike(sizes: list[float]) -> int:
    return max((sum(one <= other <= 1.08 * one for other in sizes) for one in sizes), default=0)


@quietly
def ratio(series: np.ndarray, wanted: np.ndarray, others: np.ndarray) -> float:
    return float(np.nanmean(series[wanted]) / np.nanmean(series[others]))


def temperature_fit(series: np.ndarray, temperature: np.ndarray) -> tuple[np.ndarray, float]:
    """Slopes over degrees above 18 and below 12, and the share of variance, by numpy's least squares."""
    known = np.isfinite(series) & np.isfinite(temperature)
    value = series[known] / series[known].mean()
    degrees = np.column_stack(
        (np.ones(known.sum()), np.maximum(temperature[known] - 18, 0), np.maximum(12 - temperature[known], 0))
    )
    slopes = np.linalg.lstsq(degrees, value, rcond=None)[0]
    return slopes[1:], 1 - np.var(value - degrees @ slopes) / np.var(value)


def off_rank(hourly: np.ndarray, price: np.ndarray, half_kw: float) -> float:
    """Probability that an hour off is dearer than one of the same day on."""
    pairs = []
    for kw, paid in zip(hourly.reshape(-1, HOURS), price.reshape(-1, HOURS), strict=True):
        for off, on in product(paid[kw < half_kw], paid[kw >= half_kw]):
            if np.isfinite(off - on):
                pairs.append(float(off > on) + 0.5 * (off == on))
    return float(np.mean(pairs)) if pairs else np.nan


@quietly
def within_day_correlation(hourly: np.ndarray, price: np.ndarray) -> float:
    kw, paid = hourly.reshape(-1, HOURS).copy(), price.reshape(-1, HOURS).copy()
    gone = np.isnan(kw + paid)
    kw[gone] = paid[gone] = np.nan
    kw, paid = kw - np.nanmean(kw, axis=1)[:, None], paid - np.nanmean(paid, axis=1)[:, None]
    return float(np.nansum(kw * paid) / np.sqrt(np.nansum(kw**2) * np.nansum(paid**2)))


@quietly
def change(outside: np.ndarray, inside: np.ndarray, step_kw: float) -> dict[str, float]:
    """The numbers of ``Change`` that need no edge, from the days outside and inside it."""
    sides = [side.reshape(-1, HOURS) for side in (outside, inside)]
    lower, upper = (
        nearest_quantile(sides[1], share) - nearest_quantile(sides[0], share) for share in (0.2, 0.8)
    )
    before, after = (np.nanmean(side, axis=0) for side in sides)
    shift_error = np.sum((after - before - np.mean(after - before)) ** 2)
    factor = np.linalg.lstsq(before[:, None], after, rcond=None)[0][0]
    factor_error = np.sum((after - factor * before) ** 2)
    spreads = [np.nanmean(np.abs(side - side.mean(axis=1, keepdims=True)).mean(axis=1)) for side in sides]
    return {
        "envelope_uplift": np.nanmedian(lower) / step_kw,
        "envelope_spread": np.nanstd(lower) / step_kw,
        "envelope_low": np.nanmin(lower) / step_kw,
        "upper_uplift": np.nanmedian(upper) / step_kw,
        "additive_share": factor_error / (factor_error + shift_error),
        "profile_correlation": np.corrcoef(before, after)[0, 1],
        "spread_change": np.log(spreads[1] / spreads[0]),
    }


def nearest_quantile(side: np.ndarray, share: float) -> np.ndarray:
    found = []
    for values in side.T:
        known = np.sort(values[np.isfinite(values)])
        found.append(known[int(share * (len(known) - 1) + 0.5)] if len(known) else np.nan)
    return np.array(found)


@quietly
def opened(series: np.ndarray) -> np.ndarray:
    """Second lowest of the week around each day, then the highest of five days."""
    low = []
    for day in range(len(series)):
        known = sorted(value for value in series[max(day - 3, 0) : day + 4] if np.isfinite(value))
        low.append(known[1] if len(known) > 3 else np.nan)
    return np.array([np.nanmax(low[max(day - 2, 0) : day + 3]) for day in range(len(series))])


def fold_phase(rows: list[np.ndarray], phase: int, of: int) -> np.ndarray:
    """Hourly means of one phase; each row holds the days of all phases, one after the other."""
    nothing = np.full((HOURS, 1), np.nan)
    folded = [np.split(row, of)[phase].reshape(HOURS, -1) if len(row) else nothing for row in rows]
    return np.concatenate([mean_of_known(hours) for hours in folded])


@quietly
def mean_of_known(hours: np.ndarray) -> np.ndarray:
    return np.nanmean(hours, axis=1)


def voltage_slope(load: np.ndarray, volts: np.ndarray) -> float:
    known = np.isfinite(load) & np.isfinite(volts)
    slope = np.polyfit(load[known], volts[known], 1)[0]
    return float(slope * load[known].mean() / np.median(volts[known]))


def medians_of_others(values: np.ndarray) -> np.ndarray:
    return np.array([np.median(np.delete(values, row, axis=0), axis=0) for row in range(len(values))])
