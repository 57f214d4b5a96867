"""What meters make of a load: register steps, missing and estimated readings, exchanged meters, feed-in."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.schema.quality import Quality
from minewatch.sim.loads.shapes import Rng, log_uniform
from minewatch.sim.scene import Floats


class MeterKind(NamedTuple):
    """How a meter shows power.

    ``step_kwh`` above 0: differences of an energy register with that step. Otherwise mean power rounded to
    ``step_kw``. Both already times the ratio of the current transformers.
    """

    step_kwh: float
    step_kw: float


class Reading(NamedTuple):
    """Delivered values, shape (intervals,), NaN where missing, and the ``Quality`` of each."""

    kw: Floats
    quality: npt.NDArray[np.uint8]


def meter_for(rng: Rng, contract_kva: float) -> MeterKind:
    """Draw a meter: energy register or power with four decimals, times the ratio of large customers.

    Meters behind current transformers keep more decimals, as a step of 0.01 kWh would be worth 10 kWh.
    """
    if contract_kva < DIRECT_LV_KVA:
        if rng.random() < 0.35:
            return MeterKind(float(rng.choice((0.01, 0.01, 0.001))), 0.0)
        return MeterKind(0.0, float(rng.choice((1e-4, 1e-4, 1e-3, 1e-2))))
    ratio = 5 * max(round(contract_kva / 0.66 / 25), 1)
    if contract_kva >= DIRECT_HV_KVA:
        ratio = 100 * max(round(contract_kva / 17.3 / 5), 1)
    step = float(rng.choice((1e-4, 1e-4, 1e-4, 1e-3))) * ratio
    return MeterKind(step, 0.0) if rng.random() < 0.35 else MeterKind(0.0, step)


DIRECT_LV_KVA = 45.0
"""Below this size the current runs through the meter itself (60 A per phase)."""

DIRECT_HV_KVA = 315.0
"""From this size the customer is metered at 10 kV through voltage transformers too."""


def measured(kw: Floats, meter: MeterKind, interval_h: float) -> Floats:
    """Return what the meter delivers for a true mean power, kW; export counts on another register."""
    taken = np.clip(kw, 0, None)
    if meter.step_kwh > 0:
        register = np.floor(np.cumsum(taken * interval_h) / meter.step_kwh + 0.5)
        return np.diff(register, prepend=0.0) * meter.step_kwh / interval_h
    return np.round(taken / meter.step_kw) * meter.step_kw


def delivered(rng: Rng, kw: Floats, per_day: int, loss_rate: float) -> Reading:
    """Drop and estimate readings as collection networks do: single ones, hours, whole days, weeks.

    ``loss_rate`` is about the share of intervals that go missing; a third of the longer gaps is filled by
    the utility with the same hours of the day before and marked ``ESTIMATED``.
    """
    values, quality = kw.copy(), np.zeros(kw.size, dtype=np.uint8)
    single = rng.random(kw.size) < 0.2 * loss_rate
    for start, length in _gaps(rng, kw.size, per_day, loss_rate):
        gap = slice(start, start + length)
        if rng.random() < 0.33 and start >= per_day and length <= per_day:
            values[gap] = values[start - per_day : start - per_day + values[gap].size]
            quality[gap] = Quality.ESTIMATED
        else:
            single[gap] = True
    values[single] = np.nan
    quality[single] = Quality.MISSING
    quality[np.isnan(values)] = Quality.MISSING
    return Reading(values, quality)


def with_dead_link(rng: Rng, reading: Reading, per_day: int) -> Reading:
    """Return ``reading`` without the time in which the meter's link is broken.

    Assumed: one link in 40 breaks in a year, and is mended after three weeks on average.
    """
    days = reading.kw.size // per_day
    if rng.random() >= days / 365 / 40:
        return reading
    start = int(rng.integers(reading.kw.size))
    gap = slice(start, start + int((1 + rng.exponential(20)) * per_day))
    reading.kw[gap], reading.quality[gap] = np.nan, Quality.MISSING
    return reading


def _gaps(rng: Rng, size: int, per_day: int, loss_rate: float) -> list[tuple[int, int]]:
    mean_length = per_day * 0.6
    number = rng.poisson(0.8 * loss_rate * size / mean_length)
    starts = rng.integers(0, size, number)
    lengths = np.ceil(np.exp(rng.normal(np.log(per_day / 6), 1.3, number))).astype(np.int64)
    whole = rng.random(number) < 0.3
    starts = np.where(whole, starts // per_day * per_day, starts)
    lengths = np.where(whole, per_day * rng.integers(1, 4, number), np.minimum(lengths, 10 * per_day))
    return [(int(start), int(length)) for start, length in zip(starts, lengths, strict=True)]


def draw_loss_rate(rng: Rng) -> float:
    """Return the share of readings that one meter loses: mostly 1 in 1,000, on a bad link up to a tenth."""
    return log_uniform(rng, 0.02, 0.12) if rng.random() < 0.05 else log_uniform(rng, 0.0002, 0.006)


def voltage_shown(rng: Rng, volts: Floats, kw: Floats) -> npt.NDArray[np.float32]:
    """Return phase voltages (1 or 3, intervals) as a meter shows them, to 0.1 V, NaN where ``kw`` is.

    Assumed: a constant error of 0.2 %, and 0.25 V of flicker within each interval.
    """
    flicker = 0.25 * rng.standard_normal(volts.shape, dtype=np.float32)
    shown = np.round(volts * np.float32(1 + rng.normal(0, 0.002)) + flicker, 1).astype(np.float32)
    shown[:, np.isnan(kw)] = np.nan
    return shown
