"""Axes: round numbers and days to write at them, and lines through points with gaps."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

STEPS = 1000.0
"""Width of a drawing in its own units; it is stretched to the page."""


class Tick(NamedTuple):
    """A mark: ``at`` in percent from the left or pixels from the top, ``minor``: not on phones."""

    at: float
    en: str
    zh: str
    minor: bool = False


class Vertical(NamedTuple):
    """A vertical axis from 0 at the bottom to ``top`` at the upper edge of ``height`` pixels."""

    top: float
    height: float

    def y(self, value: float) -> float:
        """Return the pixel row of ``value``, kept inside the drawing."""
        return round(self.height * (1 - min(max(value / self.top, 0.0), 1.0)), 1)

    def ticks(self, unit: str) -> list[Tick]:
        """Return about four round marks with their unit."""
        return [Tick(self.y(v), f"{v:,.10g} {unit}", f"{v:,.10g} {unit}") for v in round_steps(self.top)]


def round_steps(top: float, wanted: int = 4) -> list[float]:
    """Return 0 and the multiples of a round step (1, 2, 2.5 or 5 × 10ⁿ) up to ``top``."""
    rough = top / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough * 0.999), default=10 * power)
    return [round(i * step, 12) for i in range(int(top / step + 1e-9) + 1)]


_ENGLISH_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def english_date(day: date) -> str:
    """Return ``3 Mar 2026``."""
    return f"{day.day} {_ENGLISH_MONTHS[day.month - 1]} {day.year}"


def chinese_date(day: date) -> str:
    """Return ``2026年3月3日``."""
    return f"{day.year}年{day.month}月{day.day}日"


def day_ticks(first: date, days: int, wanted: int = 6) -> list[Tick]:
    """Return marks under ``days`` days: months where there are many, else every n-th day."""
    if days > 31 * wanted // 2:
        return _month_ticks(first, days, wanted)
    step = max(1, math.ceil(days / wanted))
    return [
        Tick(
            100 * i / days,
            f"{day.day} {_ENGLISH_MONTHS[day.month - 1]}",
            f"{day.month}/{day.day}",
            n % 2 == 1,
        )
        for n, i in enumerate(range(0, days, step))
        for day in [first + timedelta(days=i)]
    ]


_STEPS_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)


def instant_ticks(first: datetime, last: datetime, zone: ZoneInfo, wanted: int = 6) -> list[Tick]:
    """Return marks at round local times between two instants; from three days on at midnights."""
    lasts = last - first
    midnight = datetime.combine(first.astimezone(zone).date(), time(), zone)
    if lasts >= timedelta(days=3):
        days = math.ceil((last - midnight) / timedelta(days=1))
        moved = 100 * ((midnight - first) / lasts)
        share = 100 * timedelta(days=days) / lasts
        ticks = [tick._replace(at=moved + tick.at * share / 100) for tick in day_ticks(midnight.date(), days)]
        return [tick for tick in ticks if 0 <= tick.at <= 100]
    minutes = lasts / timedelta(minutes=1)
    step = timedelta(minutes=next((s for s in _STEPS_MINUTES if minutes / s <= wanted), _STEPS_MINUTES[-1]))
    count = math.ceil((last - midnight) / step)
    times = [midnight.astimezone(UTC) + n * step for n in range(count + 1)]
    return [_clock_tick(at, first, lasts, zone) for at in times if first <= at <= last]


def _clock_tick(at: datetime, first: datetime, lasts: timedelta, zone: ZoneInfo) -> Tick:
    local = at.astimezone(zone)
    text = f"{local:%H:%M}"
    if local.hour == 0 and local.minute == 0:
        text = f"{local.month}/{local.day}"
    return Tick(round(100 * ((at - first) / lasts), 2), text, text)


def _month_ticks(first: date, days: int, wanted: int) -> list[Tick]:
    starts = [i for i in range(days) if (first + timedelta(days=i)).day == 1]
    step = max(1, math.ceil(len(starts) / wanted))
    return [
        Tick(100 * i / days, _english_month(day), _chinese_month(day), n % 2 == 1)
        for n, i in enumerate(starts[::step])
        for day in [first + timedelta(days=i)]
    ]


def _english_month(day: date) -> str:
    return (
        f"{_ENGLISH_MONTHS[day.month - 1]} {day.year}" if day.month == 1 else _ENGLISH_MONTHS[day.month - 1]
    )


def _chinese_month(day: date) -> str:
    return f"{day.year}年1月" if day.month == 1 else f"{day.month}月"


def hour_ticks() -> list[Tick]:
    """Return the marks of a day, percent."""
    return [Tick(100 * hour / 24, f"{hour}:00", f"{hour}时", hour % 12 == 6) for hour in (0, 6, 12, 18, 24)]


def line_path(values: Floats, axis: Vertical) -> str:
    """Return the SVG path through ``values`` at the middles of equal steps, broken at NaN.

    Horizontal unit: ``STEPS`` for the whole drawing; vertical: pixels.
    """
    parts = []
    for run in _runs(values):
        points = [f"{_x(i, len(values))} {axis.y(float(values[i]))}" for i in run]
        parts.append("M" + "L".join(points if len(points) > 1 else [points[0], points[0]]))
    return "".join(parts)


def area_path(low: Floats, high: Floats, axis: Vertical) -> str:
    """Return the SVG path of the area between two lines, broken where either is NaN."""
    parts = []
    for run in _runs(low + high):
        there = [f"{_x(i, len(low))} {axis.y(float(high[i]))}" for i in run]
        back = [f"{_x(i, len(low))} {axis.y(float(low[i]))}" for i in reversed(run)]
        parts.append("M" + "L".join(there + back) + "Z")
    return "".join(parts)


def _x(index: int, count: int) -> float:
    return round(STEPS * (index + 0.5) / count, 1)


def _runs(values: Floats) -> list[Sequence[int]]:
    present = np.flatnonzero(np.isfinite(values)).tolist()
    groups = groupby(enumerate(present), key=lambda pair: pair[1] - pair[0])
    return [[index for _, index in group] for _, group in groups]
