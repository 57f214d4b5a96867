"""Slow, obvious twins of the load kernels."""

import warnings
from itertools import groupby

import numpy as np

HOURS = 24


def fold_hours(days: list[int], curves: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Hourly means (span * 24,) and each hour's mean deviation of readings from them."""
    span = days[-1] - days[0] + 1
    hourly, wobble = np.full((span, HOURS), np.nan), np.full((span, HOURS), np.nan)
    for day, curve in zip(days, curves, strict=True):
        if len(curve) == 1:
            hourly[day - days[0]] = max(curve[0], 0)
        if len(curve) == 0 or len(curve) % HOURS:
            continue
        for hour, readings in enumerate(np.split(np.clip(np.asarray(curve, float), 0, None), HOURS)):
            present = readings[~np.isnan(readings)]
            if len(present) and 2 * len(present) >= len(readings):
                hourly[day - days[0], hour] = present.mean()
                if len(curve) > HOURS:
                    wobble[day - days[0], hour] = np.abs(present - present.mean()).mean()
    return hourly.ravel(), wobble.ravel()


def trimmed(hourly: np.ndarray, wobble: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    """The curve from its first to its last day with a value, and how many days went before."""
    known = np.flatnonzero(~np.isnan(hourly.reshape(-1, HOURS)).all(axis=1))
    if not len(known):
        return 0, hourly[:0], wobble[:0]
    first, last = known[0], known[-1] + 1
    return int(first), hourly[first * HOURS : last * HOURS], wobble[first * HOURS : last * HOURS]


def daily_floor(day: np.ndarray, share: float) -> float:
    present = np.sort(day[~np.isnan(day)])
    return float(present[int(share * len(present))]) if 2 * len(present) >= len(day) else np.nan


def floors(hourly: np.ndarray, hours: int, share: float) -> np.ndarray:
    return np.array([daily_floor(day[:hours], share) for day in hourly.reshape(-1, HOURS)])


def correlation(hourly: np.ndarray, lag: int) -> float:
    """About the mean and spread of the whole curve."""
    centred = (hourly - np.nanmean(hourly)) / np.nanstd(hourly)
    products = centred[lag:] * centred[:-lag]
    return float(np.nanmean(products)) if np.isfinite(products).any() else np.nan


def longest_run(flags: np.ndarray) -> int:
    return max((len(list(run)) for flag, run in groupby(flags) if flag), default=0)


def curve_features(hourly: np.ndarray, wobble: np.ndarray, first_day: int) -> dict[str, float]:
    """The features by their definitions, without those that depend on the histogram's bins."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return _curve_features(hourly, wobble, first_day)


def _curve_features(hourly: np.ndarray, wobble: np.ndarray, first_day: int) -> dict[str, float]:
    by_day = hourly.reshape(-1, HOURS)
    known = hourly[~np.isnan(hourly)]
    mean = known.mean()
    median = np.median(known)
    day_means, profile = np.nanmean(by_day, axis=1), np.nanmean(by_day, axis=0)
    weekend = (first_day + np.arange(len(by_day)) + 3) % 7 >= 5
    floor = floors(hourly, HOURS, 0.25)
    change = np.abs(np.diff(hourly))
    change = change[~np.isnan(change)]
    seen = ~np.isnan(day_means)
    return {
        "days": len(by_day),
        "missing_share": np.isnan(hourly).mean(),
        "mean_kw": mean,
        "load_factor": mean / known.max(),
        "spread_ratio": known.std() / mean,
        "night_ratio": np.nanmean(profile[:6]) / mean,
        "midday_ratio": np.nanmean(profile[10:15]) / mean,
        "evening_ratio": np.nanmean(profile[18:22]) / mean,
        "weekend_ratio": np.nanmean(day_means[weekend]) / np.nanmean(day_means[~weekend]),
        "floor_ratio": np.nanmedian(floor) / mean,
        "floor_spread_ratio": np.nanmedian(np.abs(floor - np.nanmedian(floor))) / mean,
        "day_spread_ratio": np.nanstd(day_means) / mean,
        "day_change_ratio": np.nanmean(np.abs(np.diff(day_means))) / mean,
        "autocorrelation_1h": correlation(hourly, 1),
        "autocorrelation_24h": correlation(hourly, 24),
        "autocorrelation_168h": correlation(hourly, 168),
        "profile_spread_ratio": np.nanstd(profile) / mean,
        "profile_share": min(1.0, np.nanvar(profile) / known.var()),
        "change_ratio": change.mean() / mean,
        "step_share": np.mean(change > 0.2 * mean),
        "flat_share": np.mean(np.abs(known - median) <= 0.05 * median),
        "flat_run_share": longest_run(np.abs(known - median) <= 0.1 * median) / len(hourly),
        "off_share": np.mean(known < 0.1 * mean),
        "trend": np.corrcoef(np.flatnonzero(seen), day_means[seen])[0, 1],
        "wobble_ratio": np.nanmean(wobble) / mean,
    }


def quantile_bounds(hourly: np.ndarray) -> dict[str, tuple[float, float]]:
    """Between which values the histogram quantiles lie."""
    known = hourly[~np.isnan(hourly)]
    change = np.abs(np.diff(hourly))
    wanted = {f"q{q:02d}_ratio": (known, q / 100) for q in (2, 10, 25, 50, 75, 90, 98)}
    wanted["calm_ratio"] = (change[~np.isnan(change)], 0.5)
    mean = np.nanmean(hourly)
    return {
        name: tuple(np.quantile(values, share, method=method) / mean for method in ("lower", "higher"))
        for name, (values, share) in wanted.items()
    }


def best_pulse(series: np.ndarray, period_days: tuple[int, int], shortest: int) -> tuple[float, float]:
    """Gain in the sum of squares of the best pulse, and the total sum of squares, by trying all of them."""
    days, best = len(series), 0.0
    for begin in range(days):
        for end in range(begin + 1, days + 1):
            if end <= period_days[0] or begin >= period_days[1]:
                continue
            mask = (np.arange(days) >= begin) & (np.arange(days) < end)
            inside, outside = (part[~np.isnan(part)] for part in (series[mask], series[~mask]))
            if min(len(inside), len(outside)) < shortest or inside.mean() <= outside.mean():
                continue
            known = series[~np.isnan(series)]
            rest = ((inside - inside.mean()) ** 2).sum() + ((outside - outside.mean()) ** 2).sum()
            best = max(best, ((known - known.mean()) ** 2).sum() - rest)
    known = series[~np.isnan(series)]
    return best, float(((known - known.mean()) ** 2).sum()) if len(known) else 0.0
