"""Building blocks of load curves: slow wandering, blocks in time, thermostats, opening hours, events.

All curves are means over 15-minute intervals, shape (days * 96,), so short events are averaged as a meter
averages them.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from minewatch.sim.scene import PER_DAY, STEP_MINUTES, Floats, Scene

Rng = np.random.Generator
DAY_MINUTES = 1440.0


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """Draw from ``low`` to ``high``, evenly in the logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def wander(rng: Rng, periods: int, scale: float, sigma: float) -> Floats:
    """Return smooth noise with about 0.8 ``sigma`` deep that turns every ``scale`` intervals."""
    knots = rng.normal(0, sigma, int(periods / scale) + 3)
    return np.interp(np.arange(periods) / scale + rng.random(), np.arange(knots.size), knots)


def rough(rng: Rng, periods: int, sigma: float) -> Floats:
    """Return noise over all scales from one interval to days, standard deviation about ``sigma``."""
    weights = rng.dirichlet((1.0, 1.5, 1.5, 1.0))
    scales = (3, 14, 60, 3 * PER_DAY)
    total = rng.normal(0, sigma * np.sqrt(rng.uniform(0.1, 0.6)), periods)
    for weight, scale in zip(weights, scales, strict=True):
        total += wander(rng, periods, scale, 1.2 * sigma * np.sqrt(weight))
    return total


def blocks(
    start_min: npt.ArrayLike,
    minutes: npt.ArrayLike,
    kw: npt.ArrayLike,
    periods: int,
    step: int = STEP_MINUTES,
) -> Floats:
    """Return the mean power of rectangles that begin at ``start_min``, last ``minutes`` and draw ``kw``.

    Exact to the minute fraction: each edge is split over the interval it falls in. Parts outside the
    period are cut off.
    """
    start = np.clip(np.asarray(start_min, dtype=np.float64), 0, periods * step)
    stop = np.asarray(start_min, dtype=np.float64) + np.asarray(minutes, dtype=np.float64)
    end = np.clip(stop, 0, periods * step)
    power = np.broadcast_to(np.asarray(kw, dtype=np.float64), start.shape)
    return _edge(start, power, periods, step) - _edge(end, power, periods, step)


def _edge(at_min: Floats, kw: Floats, periods: int, step: int) -> Floats:
    position = at_min / step
    cell = position.astype(np.int64)
    inside = np.bincount(cell, kw * (cell + 1 - position), periods + 2)
    after = np.cumsum(np.bincount(cell + 1, kw, periods + 3))
    total: Floats = (inside[:periods] + after[:periods]).astype(np.float64)
    return total


def cycling(rng: Rng, duty: Floats, cycle_min: float, wobble: float = 0.25) -> Floats:
    """Return the share of each interval that a thermostat keeps its load on, for a wanted ``duty`` (0 to 1).

    Cycles shorter than an interval average out, longer ones show: what makes refrigerators and
    compressors beat against the meter's clock.
    """
    pace = np.exp(wander(rng, duty.size, 20, wobble)) * STEP_MINUTES / cycle_min
    edges = np.concatenate(([0.0], np.cumsum(pace))) + rng.random()
    whole = np.floor(edges)
    duty = np.clip(duty, 0, 1)
    late = np.minimum(edges[1:] - whole[1:], duty)
    early = np.minimum(edges[:-1] - whole[:-1], duty)
    share: Floats = ((whole[1:] - whole[:-1]) * duty + late - early) / pace
    return np.clip(share, 0, 1)


def at_hours(values: Sequence[float], hour: Floats, shift_h: float = 0.0) -> Floats:
    """Interpolate 24 hourly values (value k at k:30) at ``hour``, later by ``shift_h``, around the clock."""
    knots = np.asarray(values, dtype=np.float64)
    days = hour.size // PER_DAY if hour.size % PER_DAY == 0 else 1
    one_day = hour[: hour.size // days]  # the clock repeats
    return np.tile(np.interp((one_day - 0.5 - shift_h) % 24, np.arange(25), np.append(knots, knots[0])), days)


def open_between(
    rng: Rng, scene: Scene, hours: tuple[float, float], jitter_min: float, on_day: npt.NDArray[np.bool_]
) -> Floats:
    """Return the share of each interval between opening and closing on the days ``on_day``.

    ``hours`` are opening and closing; closing past 24 runs into the next day. Each day's times vary by
    ``jitter_min`` minutes.
    """
    days = np.flatnonzero(on_day)
    start = days * DAY_MINUTES + hours[0] * 60 + rng.normal(0, jitter_min, days.size)
    minutes = np.maximum((hours[1] - hours[0]) * 60 + rng.normal(0, jitter_min, days.size), 5)
    return np.clip(blocks(start, minutes, 1.0, scene.periods), 0, 1)


def events(
    rng: Rng, daily: Floats, by_hour: Sequence[float], minutes: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Draw events: ``daily`` gives the mean number on each day (shape (days,)), ``by_hour`` when they start.

    Returns (start in minutes of the period, duration in minutes); durations are log-normal with median
    ``minutes[0]`` and log-spread ``minutes[1]``.
    """
    counts = rng.poisson(daily)
    day = np.repeat(np.arange(daily.size), counts)
    weights = np.asarray(by_hour, dtype=np.float64)
    hour = np.searchsorted(np.cumsum(weights / weights.sum()), rng.random(day.size)).clip(0, 23)
    start = day * DAY_MINUTES + (hour + rng.random(day.size)) * 60
    return start, minutes[0] * np.exp(rng.normal(0, minutes[1], day.size))


def sessions(
    rng: Rng, scene: Scene, daily: Floats, by_hour: Sequence[float], use: tuple[float, float, float]
) -> Floats:
    """Return the power of ``events`` of length ``use[1]`` min, spread ``use[2]``, ``use[0]`` kW."""
    kw, median_min, spread = use
    start, minutes = events(rng, daily, by_hour, (median_min, spread))
    return blocks(start, minutes, kw * rng.uniform(0.9, 1.05, start.size), scene.periods)


def absences(rng: Rng, days: int, per_year: float, length_days: float) -> npt.NDArray[np.bool_]:
    """Return for each day whether nobody is there (holidays away, standing empty)."""
    away = np.zeros(days, dtype=bool)
    for first in rng.integers(-14, days, rng.poisson(per_year * (days + 14) / 365)):
        away[max(first, 0) : max(first + 1 + int(rng.exponential(length_days)), 0)] = True
    return away


def cooling_need(scene: Scene, threshold_c: float, span_c: float) -> Floats:
    """Return the wish to cool: 0 below ``threshold_c``, 1 from ``threshold_c + span_c`` up."""
    return np.clip((scene.temperature_c - threshold_c) / span_c, 0, 1)


def heating_need(scene: Scene, threshold_c: float, span_c: float) -> Floats:
    """Return the wish to heat: 0 above ``threshold_c``, 1 from ``threshold_c - span_c`` down."""
    return np.clip((threshold_c - scene.temperature_c) / span_c, 0, 1)
