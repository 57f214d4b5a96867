"""Pictures of two things side by side: expected and met output of a plant, power and traffic of a site."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from minewatch.runs.report.data import Curve, Floats, Pair, Row, Subject, local_day
from minewatch.runs.report.figures import Setting, Span, View, marks, span
from minewatch.runs.report.scales import Tick, Vertical, area_path, line_path
from minewatch.schema.evidence import SubjectKind

PAIR_PX = 200
"""Height of one panel, pixels."""

_HOURS = 24
_UNITS = {SubjectKind.PLANT: ("MW", "MW"), SubjectKind.SITE: ("kW", "Mbit/s")}


@dataclass(frozen=True)
class Panel:
    """One line, or two, over the days; ``area`` lies between two."""

    ticks: list[Tick]
    lines: list[str]
    area: str


@dataclass(frozen=True)
class PairFigures:
    """Everything drawn of one pair; ``table`` rows: day and both daily means, in ``units``."""

    subject: Subject
    evidence: Row | None
    units: tuple[str, str]
    first: date
    days: int
    marks: list[Tick]
    panels: list[Panel]
    block: Span | None
    table: list[tuple[date, float, float]]


def pair_figures(subject: Subject, pair: Pair, evidence: Row | None, setting: Setting) -> PairFigures:
    """Draw a pair by days, with the time that ``evidence`` (row, may be None) speaks of."""
    view = View(Curve(pair.start_at, 60, pair.first), evidence, setting)
    daily = [_daily(values) for values in (pair.first, pair.second)]
    units = _UNITS[SubjectKind(subject.kind)]
    first = local_day(view.curve, setting.zone, 0)
    return PairFigures(
        subject=subject,
        evidence=evidence,
        units=units,
        first=first,
        days=len(view.grid),
        marks=marks(view),
        panels=_panels(daily, units, view),
        block=span(view, view.onset, view.end) if view.mines else None,
        table=_table(daily, view, setting),
    )


def _panels(daily: list[Floats], units: tuple[str, str], view: View) -> list[Panel]:
    """Return one panel for things in one unit, with what is missing as an area; else one for each."""
    if units[0] != units[1]:
        return [_panel([values], unit) for values, unit in zip(daily, units, strict=True)]
    day = np.arange(len(view.grid))
    missing = (day >= np.floor(view.onset)) & (day < np.ceil(view.end)) & view.mines
    return [_panel(daily, units[0], np.where(missing, daily[1], np.nan))]


def _panel(daily: list[Floats], unit: str, below: Floats | None = None) -> Panel:
    known = np.concatenate(daily)
    top = float(np.nanmax(known)) if np.isfinite(known).any() else 0.0
    axis = Vertical(1.12 * top or 1.0, PAIR_PX)
    area = "" if below is None else area_path(below, daily[0], axis)
    return Panel(axis.ticks(unit), [line_path(values, axis) for values in daily], area)


def _daily(hourly: Floats) -> Floats:
    grid = hourly.reshape(-1, _HOURS)
    known = np.isfinite(grid).sum(axis=1)
    return np.where(known > 0, np.nansum(grid, axis=1) / np.maximum(known, 1), np.nan)


def _table(daily: list[Floats], view: View, setting: Setting) -> list[tuple[date, float, float]]:
    known = np.flatnonzero(np.isfinite(daily[0]) | np.isfinite(daily[1])).tolist()
    return [
        (local_day(view.curve, setting.zone, day), float(daily[0][day]), float(daily[1][day]))
        for day in known
    ]
