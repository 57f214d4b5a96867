"""Sorted readings of whole series to day curves: intervals found, differences taken, repeats merged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.schema.quality import Quality
from minewatch.schema.reasons import Reason, reason
from minewatch.schema.tables import INGESTED
from minewatch.sources.batch import Reject, batch_schema
from minewatch.sources.curves import MOST_KW, Curves, curve_table
from minewatch.sources.layout import READINGS
from minewatch.sources.local_days import ClockChange, changed_days
from minewatch.sources.mapping import INTERVALS
from minewatch.sources.registers import differences, glitches

DAY_MINUTES = 1440
Mask = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]


class Kind(Enum):
    """What the values of a file are; the value is their column as a file names it."""

    POWER = "kw"
    ENERGY = "kwh"
    REGISTER = "register_kwh"


@dataclass(frozen=True)
class SeriesTerms:
    """How readings are to be understood.

    ``ends``: a time names the end of its interval. ``minutes``: the interval where it is known for the whole
    file. ``digits``: whole digits of a register. ``times_known``: times came with their offset.
    """

    table: str
    zone: ZoneInfo
    kind: Kind
    ends: bool
    minutes: int | None
    digits: int | None
    extras: tuple[str, ...]
    times_known: bool = False


class _Readings(NamedTuple):
    """Sorted readings as arrays of one length."""

    series: Whole  # number of the series, in order
    minute: Whole
    fold: Whole
    value: npt.NDArray[np.float64]
    line: Whole
    weight: Whole
    interval: Whole
    quality: Whole
    extras: Mapping[str, npt.NDArray[np.float64]]

    def take(self, kept: Mask | Whole) -> "_Readings":
        arrays = {name: getattr(self, name)[kept] for name in self._fields[:-1]}
        return _Readings(**arrays, extras={name: values[kept] for name, values in self.extras.items()})


def day_batch(block: pa.Table, terms: SeriesTerms) -> tuple[pa.Table, list[Reject]]:
    """Return the rows of the table for ``block`` (see ``Spill.series``) and the readings put aside."""
    return _Days(block, terms).rows()


class _Days:
    """The steps from sorted readings to rows, in the order of ``rows``."""

    def __init__(self, block: pa.Table, terms: SeriesTerms) -> None:
        self._terms = terms
        self._rejected: list[Reject] = []
        self._readings = _as_arrays(block, terms.extras)
        starts = np.flatnonzero(np.diff(self._readings.series, prepend=-1))
        self._ids = block["id"].combine_chunks().take(pa.array(starts))

    def rows(self) -> tuple[pa.Table, list[Reject]]:
        readings = self._with_interval(self._readings)
        if self._terms.minutes == DAY_MINUTES:
            return self._daily(readings), self._rejected
        off = readings.minute % readings.interval != 0
        readings = self._without(readings, off, reason("time_off_grid"))
        if self._terms.kind is Kind.REGISTER:
            readings = self._differenced(readings)
        elif self._terms.ends:
            readings = readings._replace(minute=readings.minute - readings.interval)
        parts = [
            self._curves(readings.take(readings.interval == minutes), minutes)
            for minutes in np.unique(readings.interval).tolist()
        ]
        schema = batch_schema(INGESTED[self._terms.table].schema)
        return pa.concat_tables([schema.empty_table(), *parts]), self._rejected

    def _with_interval(self, readings: _Readings) -> _Readings:
        """Find the most frequent step of each series that does not say its interval."""
        if readings.interval.all():
            return readings
        step = np.diff(readings.minute)
        counts = (np.diff(readings.series) == 0) & (step > 0)
        found = _most_frequent(readings.series[1:][counts], step[counts], len(self._ids))
        found[~np.isin(found, INTERVALS)] = 0
        interval = np.where(readings.interval > 0, readings.interval, found[readings.series])
        readings = readings._replace(interval=interval)
        return self._without(readings, interval == 0, reason("interval_not_known"))

    def _differenced(self, readings: _Readings) -> _Readings:
        """Replace registers by the mean power (as kWh per interval) of the interval that each one begins.

        The last reading of a series only ends an interval: its row of the file counts with the one before.
        """
        readings = self._one_per_time(readings)
        wrong = glitches(readings.value, readings.series)
        readings = self._without(readings, wrong, reason("register_dipped"))
        last = np.diff(readings.series, append=-1) != 0
        alone = last & (np.diff(readings.series, prepend=-1) != 0)
        readings = self._without(readings, alone, reason("register_alone"))
        last = last[~alone]
        used = self._used(readings)
        weight = readings.weight.copy()
        weight[np.flatnonzero(last) - 1] += weight[last]
        return readings._replace(weight=weight, value=used).take(~last)

    def _used(self, readings: _Readings) -> npt.NDArray[np.float64]:
        """Return kWh from each register reading to the next one an interval later, else NaN."""
        found = differences(readings.value, readings.series, self._terms.digits)
        for row in np.flatnonzero(found.fell).tolist():
            self._put_aside(readings, row + 1, reason("register_fell"), cell_only=True)
        is_next = np.diff(readings.minute, append=0) == readings.interval
        used = np.where(is_next, found.used, np.nan)
        too_much = used * 60 / readings.interval > MOST_KW
        for row in np.flatnonzero(too_much).tolist():
            self._put_aside(readings, row + 1, reason("register_leapt"), cell_only=True)
        return np.where(too_much, np.nan, used)

    def _one_per_time(self, readings: _Readings) -> _Readings:
        """Keep the first reading of each time, so that a line given twice makes no difference of its own."""
        again = np.zeros(len(readings.line), bool)
        again[1:] = (np.diff(readings.series) == 0) & (np.diff(readings.minute) == 0)
        if not again.any():
            return readings
        first = np.maximum.accumulate(np.where(again, 0, np.arange(len(again))))
        clash = again & (readings.value != readings.value[first])
        for row in np.flatnonzero(clash).tolist():
            self._put_aside(readings, row, _contradiction(readings, row, int(first[row])))
        weight = readings.weight.copy()
        np.add.at(weight, first[again & ~clash], weight[again & ~clash])
        return readings._replace(weight=weight).take(~again)

    def _daily(self, readings: _Readings) -> pa.Table:
        """Return daily energies from registers at the end of each day."""
        readings = self._one_per_time(readings)
        register = np.append(readings.value[1:], np.nan)
        used = self._used(readings)
        known = ~np.isnan(used)
        ends = ~known & np.concatenate([[False], known[:-1]])
        weight = readings.weight.copy()
        weight[np.flatnonzero(ends) - 1] += weight[ends]
        self._without(readings, ~known & ~ends, reason("register_without_next_day"))
        kept = readings._replace(weight=weight).take(known)
        schema = batch_schema(INGESTED[self._terms.table].schema)
        columns = {
            "usage_point_id": self._ids.take(pa.array(kept.series)),
            "day": pa.array((kept.minute // DAY_MINUTES + 1).astype(np.int32)).cast(pa.date32()),
            "energy_kwh": pa.array(used[known]),
            "register_kwh": pa.array(register[known]),
            "source_line": pa.array(kept.line),
            "source_rows": pa.array(kept.weight),
        }
        return pa.table([columns[name] for name in schema.names], schema=schema)

    def _curves(self, readings: _Readings, minutes: int) -> pa.Table:
        """Return the rows of readings of one interval."""
        day = readings.minute // DAY_MINUTES
        begins = (np.diff(readings.series, prepend=-1) != 0) | (np.diff(day, prepend=-1) != 0)
        first = np.flatnonzero(begins)
        grid = _Grid(
            row=np.cumsum(begins) - 1,
            slot=readings.minute % DAY_MINUTES // minutes,
            shape=(len(first), DAY_MINUTES // minutes),
        )
        factor = 1.0 if self._terms.kind is Kind.POWER else 60 / minutes
        readings = readings._replace(weight=readings.weight.copy(), value=readings.value * factor)
        kw, quality = self._filled(readings, grid)
        for row, change in _changed(day[first], self._terms.zone):
            if change.skipped:
                quality[row, change.start // minutes : -(-change.end // minutes)] = Quality.SKIPPED
        return curve_table(
            self._terms.table,
            Curves(
                ids=self._ids.take(pa.array(readings.series[first])),
                epoch_days=day[first].astype(np.int32),
                minutes=minutes,
                kw=kw,
                quality=quality,
                lines=np.minimum.reduceat(readings.line, first),
                source_rows=np.bincount(grid.row, readings.weight, len(first)).astype(np.int64),
                extras={name: grid.spread(values) for name, values in readings.extras.items()},
            ),
        )

    def _filled(
        self, readings: _Readings, grid: "_Grid"
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
        """Return power and quality by row and interval; weights of contradicting readings become 0."""
        kw = grid.spread(readings.value)
        quality = np.full(grid.shape, Quality.MISSING, np.uint8)
        put_aside = np.isnan(readings.value) & (readings.weight == 0)
        quality[grid.row[put_aside], grid.slot[put_aside]] = Quality.IMPLAUSIBLE
        there = ~np.isnan(readings.value)
        quality[grid.row[there], grid.slot[there]] = readings.quality[there]
        same = np.flatnonzero((np.diff(grid.row) == 0) & (np.diff(grid.slot) == 0))
        if len(same):
            begins = same[np.diff(same, prepend=-2) > 1]
            ends = same[np.diff(same, append=same[-1] + 2) > 1] + 2
            repeats = _repeated_hours(readings.minute[begins], self._terms.zone)
            for begin, end, in_repeat in zip(begins.tolist(), ends.tolist(), repeats, strict=True):
                at = grid.row[begin], grid.slot[begin]
                chosen = self._choose(readings, range(begin, end), in_repeat=in_repeat)
                if chosen:
                    kw[at] = np.mean(readings.value[chosen])
                    quality[at] = Quality.MERGED if len(chosen) > 1 else readings.quality[chosen[0]]
        return kw, quality

    def _choose(self, readings: _Readings, rows: range, *, in_repeat: bool) -> list[int]:
        """Return which of several readings of one time count; those that contradict are put aside.

        In the hour that comes twice two readings count: one of each fold where the file tells them apart,
        else the first two.
        """
        chosen: dict[int, int] = {}
        for row in rows:
            if np.isnan(readings.value[row]):
                continue
            fold = int(readings.fold[row]) if self._terms.times_known else min(len(chosen), 1)
            fold = fold if in_repeat else 0
            if fold not in chosen:
                chosen[fold] = row
            elif readings.value[row] != readings.value[chosen[fold]]:
                self._put_aside(readings, row, _contradiction(readings, row, chosen[fold]))
                readings.weight[row] = 0
        return list(chosen.values())

    def _without(self, readings: _Readings, wrong: Mask, why: Reason) -> _Readings:
        """Put aside the readings that ``wrong`` marks."""
        if not wrong.any():
            return readings
        for row in np.flatnonzero(wrong).tolist():
            self._put_aside(readings, row, why)
        return readings.take(~wrong)

    def _put_aside(self, readings: _Readings, row: int, why: Reason, *, cell_only: bool = False) -> None:
        weight = int(readings.weight[row])
        if weight == 0:
            return  # was put aside before, for its value
        value = f"{readings.value[row]:.15g}"
        at = datetime(1970, 1, 1) + timedelta(minutes=int(readings.minute[row]))  # noqa: DTZ001
        as_file = {
            READINGS.get(self._terms.table, "usage_point_id"): self._ids[int(readings.series[row])].as_py(),
            "time": at.isoformat(" ", "minutes"),
            self._terms.kind.value: value,
            "interval_minutes": str(readings.interval[row]),
        }
        line = int(readings.line[row])
        count = 0 if cell_only else weight
        self._rejected.append(Reject(line, why, self._terms.kind.value, value, as_file, cell_only, count))


class _Grid(NamedTuple):
    """Where each reading goes: ``row`` and ``slot`` in a matrix of ``shape`` [days, intervals]."""

    row: Whole
    slot: Whole
    shape: tuple[int, int]

    def spread(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return ``values`` as a matrix, NaN where there is none; of several the last number stands."""
        matrix = np.full(self.shape, np.nan)
        there = ~np.isnan(values)
        matrix[self.row[there], self.slot[there]] = values[there]
        return matrix


def _as_arrays(block: pa.Table, extras: tuple[str, ...]) -> _Readings:
    def column(name: str, kind: type[np.generic] = np.int64) -> npt.NDArray[Any]:
        return block[name].to_numpy().astype(kind, copy=False)

    ids = block["id"].combine_chunks()
    changes = pc.not_equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
    series = np.concatenate([[0], np.cumsum(changes)]) if len(ids) else np.zeros(0, np.int64)
    whole = {name: column(name) for name in ("minute", "fold", "line", "weight", "interval", "quality")}
    more = {name: column(name, np.float64) for name in extras}
    return _Readings(series=series, value=column("value", np.float64), extras=more, **whole)


def usual_step(ids: pa.Array, minute: Whole) -> int:
    """Return the most frequent step in minutes from one reading to the next of the same id, 0 for none."""
    step = np.diff(minute)
    forward = step[(step > 0) & pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)]
    return int(_most_frequent(np.zeros(len(forward), np.int64), forward, 1)[0])


def _most_frequent(series: Whole, step: Whole, count: int) -> Whole:
    """Return the most frequent step of each of ``count`` series (0: it has none)."""
    found = np.zeros(count, np.int64)
    pairs, times = np.unique(series * DAY_MINUTES + np.minimum(step, DAY_MINUTES - 1), return_counts=True)
    often = pairs[np.argsort(times, kind="stable")]  # of one series the most frequent comes last
    found[often // DAY_MINUTES] = often % DAY_MINUTES
    return found


def _changed(days: Whole, zone: ZoneInfo) -> list[tuple[int, ClockChange]]:
    """Return (row, change) of the rows whose day has a change of the clock."""
    changes = changed_days(days, zone)
    return [(row, changes[int(days[row])]) for row in np.flatnonzero(np.isin(days, list(changes))).tolist()]


def _repeated_hours(minutes: Whole, zone: ZoneInfo) -> list[bool]:
    """Tell which minutes (since 1970, on the wall clock) come twice."""
    repeated = [False] * len(minutes)
    for number, change in _changed(minutes // DAY_MINUTES, zone):
        inside = change.start <= int(minutes[number]) % DAY_MINUTES < change.end
        repeated[number] = inside and not change.skipped
    return repeated


def _contradiction(readings: _Readings, row: int, first: int) -> Reason:
    line, first_line = int(readings.line[row]), int(readings.line[first])
    return reason("reading_contradicts_line", line=line, first_line=first_line)
