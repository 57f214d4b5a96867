"""Pictures of one usage point: every reading as a raster, the days with the block, the typical day."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from minewatch.runs.report.data import Curve, Floats, Row, local_day
from minewatch.runs.report.raster import raster_uri
from minewatch.runs.report.scales import Tick, Vertical, area_path, day_ticks, line_path
from minewatch.schema.periods import Period

RASTER_PX, DAYS_PX, TYPICAL_PX = 216, 260, 220
"""Heights of the drawings, pixels; their width is that of the page."""

_FEWEST_DAYS = 3
"""A typical day is drawn from at least so many days."""


class Setting(NamedTuple):
    """Period of the run and the zone in which days are counted."""

    period: Period
    zone: ZoneInfo


class Span(NamedTuple):
    """A stretch of the horizontal axis, percent; ``starts`` and ``ends``: inside the drawing."""

    left: float
    width: float
    starts: bool
    ends: bool


class Block(NamedTuple):
    """The mining load as drawn: its stretch of time, and its top with the interval, pixels from above."""

    span: Span
    top: float
    low: float
    high: float


@dataclass(frozen=True)
class Facts:
    """Numbers of the pictures: days, share of missing readings; kW before and while mining.

    ``floor``: 5th percentile of a day, median over the days; ``mean``: over the days. None without days.
    """

    first: date
    last: date
    days: int
    missing_share: float
    floor_before: float | None
    floor_while: float | None
    mean_before: float | None
    mean_while: float | None


@dataclass(frozen=True)
class DaysDrawing:
    """Days side by side: 5th to 95th percentile as an area, mean and floor as lines, block and period."""

    marks: list[Tick]
    kw_marks: list[Tick]
    area: str
    mean: str
    floor: str
    block: Block | None
    period: Span | None


@dataclass(frozen=True)
class TypicalDrawing:
    """Mean day before and while mining; a path is empty where too few days are there."""

    kw_marks: list[Tick]
    before: str
    during: str


@dataclass(frozen=True)
class PointFigures:
    """Everything drawn of one usage point; ``table`` rows: day, floor, mean, 95th percentile, kW."""

    usage_point_id: str
    evidence: Row | None
    facts: Facts
    raster_uri: str
    raster_top_kw: float
    days: DaysDrawing
    typical: TypicalDrawing
    table: list[tuple[date, float, float, float]]


def point_figures(
    usage_point_id: str, curve: Curve, evidence: Row | None, setting: Setting
) -> PointFigures | None:
    """Draw a curve with the block that ``evidence`` (row, may be None) tells of; None without any reading."""
    if not np.isfinite(curve.kw).any():
        return None
    view = View(curve, evidence, setting)
    top_kw = float(np.nanpercentile(view.grid, 99.5))
    top_kw = top_kw if top_kw > 0 else 1.0
    return PointFigures(
        usage_point_id=usage_point_id,
        evidence=evidence,
        facts=_facts(view),
        raster_uri=raster_uri(view.grid.T, top_kw),
        raster_top_kw=top_kw,
        days=_days_drawing(view),
        typical=_typical_drawing(view),
        table=_table(view),
    )


class View:
    """A curve by days with the days of mining: from ``onset`` to ``end``, counted in days from the start."""

    def __init__(self, curve: Curve, evidence: Row | None, setting: Setting) -> None:
        self.curve, self.setting = curve, setting
        self.grid = curve.days
        self.floor, self.high = (_daily_percentile(self.grid, percent) for percent in (5, 95))
        self.mean = _mean(self.grid, axis=1)
        self.power_kw = [(evidence or {}).get(name) for name in ("power_kw", "power_kw_low", "power_kw_high")]
        self.mines = self.power_kw[0] is not None
        self.onset = (
            self.place((evidence or {}).get("onset_at"), 0.0) if self.mines else float(len(self.grid))
        )
        self.end = self.place((evidence or {}).get("ended_at"), float(len(self.grid)))

    def place(self, instant: datetime | None, default: float) -> float:
        """Return an instant as days from the start, kept inside the curve."""
        if instant is None:
            return default
        local = instant.astimezone(self.setting.zone)
        hours = local.hour + local.minute / 60
        days = (local.date() - local_day(self.curve, self.setting.zone, 0)).days + hours / 24
        return min(max(days, 0.0), float(len(self.grid)))

    def axis(self, values: Floats, height: float) -> Vertical:
        """Return an axis that holds ``values`` and the block."""
        tallest = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
        return Vertical(1.12 * max(tallest, self.power_kw[2] or self.power_kw[0] or 0.0) or 1.0, height)

    @property
    def before(self) -> slice:
        """Whole days before the onset."""
        return slice(0, int(self.onset))

    @property
    def during(self) -> slice:
        """Whole days while mining."""
        return slice(int(np.ceil(self.onset)), max(int(self.end), int(np.ceil(self.onset))))


def _daily_percentile(grid: Floats, percent: float) -> Floats:
    result = np.full(len(grid), np.nan)
    read = np.isfinite(grid).any(axis=1)
    result[read] = np.nanpercentile(grid[read], percent, axis=1)
    return result


def _mean(grid: Floats, axis: int) -> Floats:
    count = np.isfinite(grid).sum(axis=axis)
    return np.where(count > 0, np.nansum(grid, axis=axis) / np.maximum(count, 1), np.nan)


def _days_drawing(view: View) -> DaysDrawing:
    axis = view.axis(view.high, DAYS_PX)
    return DaysDrawing(
        marks=marks(view),
        kw_marks=axis.ticks("kW"),
        area=area_path(view.floor, view.high, axis),
        mean=line_path(view.mean, axis),
        floor=line_path(view.floor, axis),
        block=_block(view, axis),
        period=period_span(view),
    )


def marks(view: View) -> list[Tick]:
    """Return the marks of the days, the same under the raster and under the days."""
    return day_ticks(local_day(view.curve, view.setting.zone, 0), len(view.grid))


def _block(view: View, axis: Vertical) -> Block | None:
    power, low, high = view.power_kw
    if power is None:
        return None
    top, bottom = axis.y(power if high is None else high), axis.y(power if low is None else low)
    return Block(span(view, view.onset, view.end), axis.y(power), bottom, top)


def period_span(view: View) -> Span | None:
    """Return the period of the list as a stretch of the axis; None where it is all of it."""
    start, end = (view.place(at, 0.0) for at in (view.setting.period.start_at, view.setting.period.end_at))
    return span(view, start, end) if end > start and end - start < len(view.grid) else None


def span(view: View, start: float, end: float) -> Span:
    """Return the stretch between two places, in days from the start of the curve."""
    days = len(view.grid)
    return Span(round(100 * start / days, 2), round(100 * (end - start) / days, 2), start > 0, end < days)


def _typical_drawing(view: View) -> TypicalDrawing:
    before, during = (_typical_day(view.grid[days]) for days in (view.before, view.during))
    axis = view.axis(np.concatenate([before, during]), TYPICAL_PX)
    return TypicalDrawing(axis.ticks("kW"), line_path(before, axis), line_path(during, axis))


def _typical_day(grid: Floats) -> Floats:
    enough = np.isfinite(grid).any(axis=1).sum() >= _FEWEST_DAYS
    return _mean(grid, axis=0) if enough else np.full(grid.shape[1], np.nan)


def _facts(view: View) -> Facts:
    days = len(view.grid)
    first, last = (local_day(view.curve, view.setting.zone, number) for number in (0, days - 1))
    floors = [_middle(view.floor[part]) for part in (view.before, view.during)]
    means = [_average(view.mean[part]) for part in (view.before, view.during)]
    missing = float(np.isnan(view.grid).mean())
    return Facts(first, last, days, missing, floors[0], floors[1], means[0], means[1])


def _middle(values: Floats) -> float | None:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else None


def _average(values: Floats) -> float | None:
    return float(np.nanmean(values)) if np.isfinite(values).any() else None


def _table(view: View) -> list[tuple[date, float, float, float]]:
    read = np.flatnonzero(np.isfinite(view.mean)).tolist()
    return [
        (
            local_day(view.curve, view.setting.zone, number),
            float(view.floor[number]),
            float(view.mean[number]),
            float(view.high[number]),
        )
        for number in read
    ]
