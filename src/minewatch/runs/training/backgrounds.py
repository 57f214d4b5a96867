"""Real load series to put simulated mines behind: read from files or a lake, grouped, split into halves.

Series that tell the same story must stand on one side of every split. Two series are linked where what is
left of their hourly means, once the mean week is taken out, shares half of its variance (squared correlation
at least 0.5); a group is what such links join. The group's name is its first series; the hash of that name
puts the whole group into the training or the evaluation half, once and for all.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.lake.lake import Lake
from minewatch.schema.tables import TABLES
from minewatch.sim.classes import CLASSES
from minewatch.sim.county import ZONE
from minewatch.sources.files import files_of
from minewatch.sources.mapping import ColumnMapping
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise
from minewatch.sources.unreadable import UnreadableFile

Floats = npt.NDArray[np.float64]

TRAINING, EVALUATION = "training", "evaluation"
NO_CLASS = "other"
SHARED_VARIANCE = 0.5
LEAST_COMMON_HOURS = 8 * 7 * 24
"""Fewer hours in common tell nothing: such series count as unlike."""
_WEEK = 168
_READINGS = ("usage_point_id", "day", "kw")
_ARCHIVE = ("usage_point_id", "tariff_class", "industry_code", "voltage_kv", "contract_kva")


class BackgroundsError(ValueError):
    """What was given holds no readings to learn from; ``text(language)`` says so in "en" or "zh"."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"no interval readings in {path}")
        self._path = path

    def text(self, language: str) -> str:
        """Return the sentence in ``language``."""
        return f"{self._path}中没有区间读数" if language == "zh" else str(self)


@dataclass(frozen=True)
class Background:
    """One real series without a mine.

    ``kw`` (days, readings a day), float32, NaN where missing; ``first_day`` counts from 1970-01-01. ``group``
    is its group's name, ``kind`` the class of customers that it resembles, "other" where nobody knows.
    ``archive`` is what a customer archive says of it, empty where there is none.
    """

    name: str
    first_day: int
    kw: npt.NDArray[np.float32] = field(repr=False)
    kind: str = NO_CLASS
    group: str = ""
    archive: Mapping[str, Any] = field(default_factory=dict)

    @property
    def interval_minutes(self) -> int:
        """Minutes of one reading."""
        return 1440 // self.kw.shape[1]

    @property
    def half(self) -> str:
        """The half that it belongs to: ``TRAINING`` or ``EVALUATION``."""
        return EVALUATION if hashlib.sha256(self.group.encode()).digest()[0] % 2 else TRAINING


def read_backgrounds(path: Path) -> tuple[Background, ...]:
    """Return the series in a lake, a file or a folder of files, ordered by name, with their groups.

    Raises BackgroundsError, LakeError, OSError, UnreadableFile.
    """
    tables = _lake_tables(path) if (path / "lake.json").is_file() else _file_tables(path)
    readings = tables["interval_readings"]
    if not readings.num_rows:
        raise BackgroundsError(path)
    return grouped(_series(readings, tables["usage_points"]))


def _lake_tables(path: Path) -> dict[str, pa.Table]:
    lake = Lake.open(path)
    shot = lake.snapshot()
    wanted = {"interval_readings": _READINGS, "usage_points": _ARCHIVE}
    return {name: lake.read(shot, name, columns=columns) for name, columns in wanted.items()}


def _file_tables(path: Path) -> dict[str, pa.Table]:
    options = ReadOptions(ZONE, ColumnMapping(export=True))
    found: dict[str, list[pa.Table]] = {"interval_readings": [], "usage_points": []}
    for file in files_of([path]):
        for batch in recognise(file, options).reader(file, options):
            if batch.table in found:
                found[batch.table].append(batch.rows.select(TABLES[batch.table].schema.names))
    return {
        name: pa.concat_tables(parts) if parts else TABLES[name].schema.empty_table()
        for name, parts in found.items()
    }


def _series(readings: pa.Table, usage_points: pa.Table) -> list[Background]:
    known = {row["usage_point_id"]: row for row in usage_points.select(_ARCHIVE).to_pylist()}
    order = [("usage_point_id", "ascending"), ("day", "ascending")]
    rows = readings.select(_READINGS).sort_by(order).combine_chunks()
    names = np.asarray(rows["usage_point_id"].to_pylist())
    starts = np.flatnonzero(np.append(True, names[1:] != names[:-1]))
    found = []
    for start, end in zip(starts, np.append(starts[1:], len(names)), strict=True):
        name, own = str(names[start]), rows.slice(start, end - start)
        archive = known.get(name, {})
        found.append(Background(name, *_days_of(own), _kind(name, archive), archive=archive))
    return found


def _days_of(rows: pa.Table) -> tuple[int, npt.NDArray[np.float32]]:
    """First day and (days, readings a day); a day with another number of readings than most is missing."""
    days = rows["day"].cast(pa.int32()).to_numpy()
    curves = [np.array(values or (), np.float32) for values in rows["kw"].to_pylist()]
    per_day = int(np.bincount([curve.size for curve in curves]).argmax())
    kw = np.full((int(days[-1] - days[0]) + 1, per_day), np.nan, np.float32)
    for day, curve in zip(days - days[0], curves, strict=True):
        if curve.size == per_day:
            kw[day] = curve
    return int(days[0]), kw


def grouped(series: Iterable[Background]) -> tuple[Background, ...]:
    """Return the series ordered by name, each with its group; see the module's docstring."""
    from scipy.sparse.csgraph import connected_components

    ordered = sorted(series, key=lambda each: each.name)
    rests = [_beyond_the_week(each) for each in ordered]
    linked = np.eye(len(ordered), dtype=bool)
    for a in range(len(ordered)):
        for b in range(a):
            linked[a, b] = _shared_variance(rests[a], rests[b]) >= SHARED_VARIANCE
    _, labels = connected_components(linked, directed=False)
    first = {label: ordered[int(np.argmax(labels == label))].name for label in np.unique(labels)}
    return tuple(
        Background(each.name, each.first_day, each.kw, each.kind, first[label], each.archive)
        for each, label in zip(ordered, labels, strict=True)
    )


def _beyond_the_week(series: Background) -> tuple[int, Floats]:
    """First hour since 1970-01-01, and hourly means less the mean of their hour of the week."""
    hourly = hourly_means(series.kw).ravel()
    first = 24 * series.first_day
    place = (first + np.arange(hourly.size)) % _WEEK
    known = np.isfinite(hourly)
    total = np.bincount(place[known], hourly[known], _WEEK)
    number = np.maximum(np.bincount(place[known], minlength=_WEEK), 1)
    return first, hourly - (total / number)[place]


def hourly_means(kw: npt.NDArray[np.float32]) -> Floats:
    """Fold (days, readings a day) to (days, 24); an hour without all of its readings is NaN."""
    means: Floats = kw.astype(np.float64).reshape(len(kw), 24, -1).mean(axis=2)
    return means


def _shared_variance(one: tuple[int, Floats], other: tuple[int, Floats]) -> float:
    begin, end = max(one[0], other[0]), min(one[0] + one[1].size, other[0] + other[1].size)
    if end - begin < LEAST_COMMON_HOURS:
        return 0.0
    a, b = one[1][begin - one[0] : end - one[0]], other[1][begin - other[0] : end - other[0]]
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < LEAST_COMMON_HOURS or not (a[known].std() > 0 and b[known].std() > 0):
        return 0.0
    return float(np.corrcoef(a[known], b[known])[0, 1] ** 2)


def of_half(backgrounds: Sequence[Background], half: str) -> tuple[Background, ...]:
    """Return the series of ``TRAINING`` or of ``EVALUATION``."""
    return tuple(each for each in backgrounds if each.half == half)


def _kind(name: str, archive: Mapping[str, Any]) -> str:
    """Class of a series of a known public set, by its name, else by the archive's industry and tariff."""
    for pattern, kind in _known_series().items():
        if fnmatchcase(name, pattern):
            return kind
    return _kind_of_archive(archive) if archive else NO_CLASS


def _kind_of_archive(archive: Mapping[str, Any]) -> str:
    division, tariff = str(archive["industry_code"] or "")[:2], archive["tariff_class"]
    for kind, spec in CLASSES.items():
        if tariff in spec.tariffs and division in {industry[:2] for industry in spec.industries}:
            return kind
    return NO_CLASS


@cache
def _known_series() -> Mapping[str, str]:
    text = resources.files(__package__).joinpath("background_classes.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


FAILURES = (BackgroundsError, UnreadableFile)
"""What ends reading for reasons that the user can act on, lakes and the disk apart."""
