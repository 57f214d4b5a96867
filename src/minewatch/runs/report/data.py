"""What the list and the evidence pages are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.schema.periods import Period

Floats = npt.NDArray[np.float64]
Row = dict[str, Any]

_MINUTES_A_DAY = 1440


class Curve(NamedTuple):
    """Mean power of one usage point in equal intervals of whole local days.

    ``start_at`` is local midnight of the first day as an instant; ``kw`` holds 1440 / ``interval_minutes``
    values a day, kW, NaN where no reading is.
    """

    start_at: datetime
    interval_minutes: int
    kw: Floats

    @property
    def days(self) -> Floats:
        """The same values, shape (days, intervals a day)."""
        return np.asarray(self.kw, dtype=np.float64).reshape(-1, _MINUTES_A_DAY // self.interval_minutes)


class Subject(NamedTuple):
    """What an evidence speaks of: ``kind`` as in ``SubjectKind``, and its id."""

    kind: str
    name: str


class Pair(NamedTuple):
    """Two things measured of one subject, hour by hour of whole local days; NaN where unknown.

    Of a plant: output expected of its drivers and output met, MW. Of a site: power, kW, and traffic, Mbit/s.
    ``start_at`` is local midnight of the first day as an instant.
    """

    start_at: datetime
    first: Floats
    second: Floats


class Timing(NamedTuple):
    """Messages that a server sent of its own around the blocks of a chain, on one connection.

    Message i came ``after_s[i]`` seconds after block number ``block[i]`` of ``blocks``, within ``around_s``;
    ``clock`` tells whose time that of the blocks is ("seen" or "header"). ``hits`` blocks have a message near
    ``offset_s`` after them, where ``by_chance`` would.
    """

    coin: str
    clock: str
    around_s: tuple[float, float]
    blocks: int
    block: npt.NDArray[np.int64]
    after_s: Floats
    hits: int
    by_chance: float
    offset_s: float


@dataclass(frozen=True)
class Counts:
    """How much was looked at: sites tested, of those refused by every detector, and listed.

    ``flows``: network flows examined. ``refusals``: reason code → number of refusals. ``best_q``: lowest
    q-value that any site reached, None where no site could be tested.
    """

    looked_at: int
    refused: int
    listed: int
    flows: int = 0
    refusals: Mapping[str, int] = field(default_factory=dict)
    best_q: float | None = None

    @property
    def by_frequency(self) -> list[tuple[str, int]]:
        """Reason codes of refusals with their number, most frequent first."""
        return sorted(self.refusals.items(), key=lambda item: (-item[1], item[0]))


@dataclass(frozen=True)
class ReportData:
    """Everything a report shows.

    ``findings``, ``evidence``, ``flows``: rows of these tables (schema ``FINDINGS``, ``EVIDENCE``,
    ``FLOWS``), at least those of the listed sites.
    ``curves``: usage_point_id → curve, for the usage points of listed sites. ``residuals``: what the balance
    of a transformer or feeder leaves unexplained, kW. ``pairs``: see ``Pair``. ``timings``: endpoint and
    onset of evidence → see ``Timing``. ``manifest``: row of
    ``manifests`` of the run. ``zone``: times are shown in it. ``rate``: stated false-discovery rate.
    """

    findings: pa.Table
    evidence: pa.Table
    curves: Mapping[str, Curve]
    flows: pa.Table
    manifest: Mapping[str, Any]
    period: Period
    zone: ZoneInfo
    rate: float
    counts: Counts
    residuals: Mapping[Subject, Curve] = field(default_factory=dict)
    pairs: Mapping[Subject, Pair] = field(default_factory=dict)
    timings: Mapping[tuple[str, datetime], Timing] = field(default_factory=dict)


def curves_from_readings(readings: pa.Table, zone: ZoneInfo) -> dict[str, Curve]:
    """Return usage_point_id → curve of rows of ``interval_readings`` (any order, days may be missing).

    Days between the first and last that have no row are NaN. Where the interval length changes, the finest
    is used and coarser days are repeated into it.
    """
    rows: dict[str, dict[date, tuple[int, Floats]]] = {}
    columns = (readings[name] for name in ("usage_point_id", "day", "interval_minutes", "kw"))
    for usage_point, day, minutes, kw in zip(*(column.to_pylist() for column in columns), strict=True):
        values = np.array([np.nan if value is None else value for value in kw], dtype=np.float64)
        rows.setdefault(usage_point, {})[day] = (minutes, values)
    return {usage_point: _curve(days, zone) for usage_point, days in sorted(rows.items())}


def _curve(days: Mapping[date, tuple[int, Floats]], zone: ZoneInfo) -> Curve:
    first, last = min(days), max(days)
    minutes = min(length for length, _ in days.values())
    per_day = _MINUTES_A_DAY // minutes
    grid = np.full(((last - first).days + 1, per_day), np.nan)
    for day, (length, values) in days.items():
        spread = np.repeat(values, length // minutes)[:per_day]
        grid[(day - first).days, : len(spread)] = spread
    return Curve(datetime.combine(first, time(), zone).astimezone(UTC), minutes, grid.ravel())


def local_day(curve: Curve, zone: ZoneInfo, number: int) -> date:
    """Return the local date of day ``number`` of a curve, from 0."""
    return curve.start_at.astimezone(zone).date() + timedelta(days=number)
