"""Readings with one row per reading: identifier, time and a power, an energy or a register."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.schema.quality import Quality
from minewatch.schema.reasons import reason
from minewatch.schema.tables import INGESTED
from minewatch.sources.batch import Batch, Reject, batch_schema
from minewatch.sources.cells import Mask, Moments, clock_minutes, days, is_formula, mask, moments, numbers
from minewatch.sources.curves import absurd, negative
from minewatch.sources.identifiers import Faults, identifiers, text_at
from minewatch.sources.layout import EXTRAS, Layout, Shape, Use, reading_unit
from minewatch.sources.mapping import INTERVALS
from minewatch.sources.noticed import Noticed, unknown_columns
from minewatch.sources.options import ReadOptions
from minewatch.sources.reading_keys import rejects
from minewatch.sources.series import DAY_MINUTES, Kind, SeriesTerms, day_batch, usual_step
from minewatch.sources.sheet import Chunk, Sheet
from minewatch.sources.spill import Spill, readings_schema

_MINUTE_US = 60_000_000
_KINDS = {"kw": Kind.POWER, "kwh": Kind.ENERGY, "register_kwh": Kind.REGISTER}


def read_long(sheet: Sheet, layout: Layout, options: ReadOptions) -> Iterator[Batch]:
    """Yield day curves (or daily energies) from single readings in any order, in bounded memory.

    The first half of ``bytes_done`` is reading, the second putting in order.
    """
    terms = _terms(layout, options)
    collector = _Collector(layout, options, terms)
    for note in (*sheet.notes, *unknown_columns(layout.unknown)):
        collector.noticed.add(note)
    nothing = batch_schema(INGESTED[layout.table].schema).empty_table()
    with Spill(terms.extras) as spill:
        rows = done = 0
        for chunk in sheet.chunks(sorted({use.position for use in layout.columns.values()})):
            readings, rejected = collector.readings(chunk)
            spill.add(readings)
            rows, done = rows + readings.num_rows, chunk.bytes_done // 2
            yield Batch(layout.table, nothing, rejected, done, collector.noticed.take())
        left, total = sheet.bytes_total - done, max(rows, 1)
        terms = replace(terms, times_known=collector.times_known)
        for block in spill.series():
            rows -= block.num_rows
            table, rejected = day_batch(block, terms)
            yield Batch(layout.table, table, rejected, done + left * (total - rows) // total)


def _terms(layout: Layout, options: ReadOptions) -> SeriesTerms:
    """Return on what terms the readings of a file are to be understood."""
    mapping, columns = layout.mapping, layout.columns
    main = _main(layout)
    unit = reading_unit(layout, columns[main].unit)
    kind = _KINDS[main]
    if mapping.unit == "register":
        kind = Kind.REGISTER
    elif unit and kind is not Kind.REGISTER:
        kind = Kind.ENERGY if unit.name == "kWh" else Kind.POWER
    named_by_end = "end_time" in columns and "time" not in columns
    return SeriesTerms(
        table=layout.table,
        zone=options.zone,
        kind=kind,
        ends=mapping.interval == "end" or (mapping.interval is None and named_by_end),
        minutes=DAY_MINUTES if layout.shape is Shape.REGISTERS else mapping.interval_minutes,
        digits=mapping.register_digits,
        extras=tuple(name for name in EXTRAS if name in columns),
    )


def _main(layout: Layout) -> str:
    return next(name for name in _KINDS if name in layout.columns)


class _Values(NamedTuple):
    values: npt.NDArray[np.float64]  # kW or kWh, NaN where empty
    wrong: Mask  # put aside


@dataclass
class _Collector:
    """Turns chunks of a long file into spilled readings, putting aside the rows that are none."""

    layout: Layout
    options: ReadOptions
    terms: SeriesTerms
    noticed: Noticed = field(default_factory=Noticed)
    times_known: bool = True

    def readings(self, chunk: Chunk) -> tuple[pa.Table, list[Reject]]:
        """Return the readings of a chunk and the rows put aside.

        A row whose value is at fault leaves a reading without value, so that the day shows it.
        """
        columns = self.layout.columns
        faults = Faults()
        ids = identifiers(chunk, columns[self.layout.key_column], faults, self.noticed)
        at = self._times(chunk, faults)
        interval = self._interval(chunk, faults)
        lost = _marked(faults, len(chunk))
        values = self._values(chunk, faults)
        put_aside = _marked(faults, len(chunk))
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "minute": at.wall // _MINUTE_US,
            "fold": at.fold,
            "value": np.where(values.wrong, np.nan, values.values),
            "line": chunk.lines,
            "weight": np.where(put_aside, 0, 1),
            "interval": interval,
            "quality": np.full(len(chunk), Quality.MEASURED),
            **{name: self._extra(chunk, columns[name]) for name in self.terms.extras},
        }
        schema = readings_schema(self.terms.extras)
        made = [pa.array(arrays[f.name]).cast(f.type) for f in schema if f.name != "id"]
        readings = pa.table([ids, *made], schema=schema).filter(pa.array(~lost))
        again = self._with_interval(readings, rejects(chunk, faults))
        return readings, [*chunk.rejected, *again]

    def _with_interval(self, readings: pa.Table, rejected: list[Reject]) -> list[Reject]:
        """Add the interval to rows put aside: submitted again they may stand alone, and could not tell it."""
        columns = self.layout.columns
        if not rejected or self.terms.minutes or "interval_minutes" in columns:
            return rejected
        step = usual_step(readings["id"].combine_chunks(), readings["minute"].to_numpy())
        if step not in INTERVALS:
            return rejected
        return [replace(each, row={**(each.row or {}), "interval_minutes": str(step)}) for each in rejected]

    def _times(self, chunk: Chunk, faults: Faults) -> Moments:
        columns, mapping = self.layout.columns, self.layout.mapping
        written_in = ZoneInfo(mapping.zone) if mapping.zone else self.options.zone
        if "time_of_day" in columns or self.layout.shape is Shape.REGISTERS:
            use, at = columns["day"], self._day_and_clock(chunk)
        else:
            use = columns["time"] if "time" in columns else columns["end_time"]
            cells = chunk.columns[use.position]
            at = moments(cells, self.options.zone, written_in, mapping.date_format)
        self.times_known = self.times_known and at.known
        faults.add(at.bad, reason("time_not_read"), chunk, use)
        faults.add(at.skipped, reason("time_does_not_exist"), chunk, use)
        faults.add(~at.bad & (at.wall % _MINUTE_US != 0), reason("time_off_grid"), chunk, use)
        return at

    def _day_and_clock(self, chunk: Chunk) -> Moments:
        """Return times of files with the day and the clock in two columns (the day alone: its midnight)."""
        day = days(chunk.columns[self.layout.columns["day"].position], self.layout.mapping.date_format)
        minutes = np.zeros(len(chunk), np.int64)
        bad = mask(pc.is_null(day.values))
        if use := self.layout.columns.get("time_of_day"):
            clock = clock_minutes(chunk.columns[use.position])
            minutes = pc.fill_null(clock.values, 0).to_numpy(zero_copy_only=False).astype(np.int64)
            bad |= clock.bad
        epoch_days = pc.fill_null(day.values.cast(pa.int32()), 0).to_numpy(zero_copy_only=False)
        wall = (epoch_days.astype(np.int64) * DAY_MINUTES + minutes) * _MINUTE_US
        walls = pa.array(wall).cast(pa.timestamp("us"))
        at = moments(walls, self.options.zone, self.options.zone)
        return at._replace(bad=bad, skipped=at.skipped & ~bad)

    def _interval(self, chunk: Chunk, faults: Faults) -> npt.NDArray[np.int16]:
        """Return the interval of each row in minutes, 0 where the file has none."""
        use = self.layout.columns.get("interval_minutes")
        if use is None:
            return np.full(len(chunk), self.terms.minutes or 0, np.int16)
        factor = use.unit.factor if use.unit and use.unit.name == "min" else 1.0
        given = numbers(chunk.columns[use.position], factor).values
        minutes = pc.fill_null(given, 0).to_numpy(zero_copy_only=False)
        faults.add(~np.isin(minutes, INTERVALS), reason("interval_not_known"), chunk, use)
        return np.where(np.isin(minutes, INTERVALS), minutes, 0).astype(np.int16)

    def _values(self, chunk: Chunk, faults: Faults) -> _Values:
        """Return the main values in kW or kWh; what is no number or implausible is noted and marked."""
        use = self.layout.columns[_main(self.layout)]
        unit = reading_unit(self.layout, use.unit)
        parsed = numbers(chunk.columns[use.position], unit.factor if unit else 1.0)
        values = parsed.values.to_numpy(zero_copy_only=False).astype(np.float64)
        if self.terms.kind is Kind.REGISTER:
            values = values * self._multiplier(chunk)
        export = self.layout.may_feed_back and self.terms.kind is not Kind.REGISTER
        limits = {
            "power_absurd": np.isinf(values) if self.terms.kind is Kind.REGISTER else absurd(values),
            "power_negative": negative(values, export=export),
            "not_a_number": parsed.bad,
        }
        for code, wrong in limits.items():
            for row in np.flatnonzero(wrong).tolist():
                _add_value_fault(faults, chunk, use, row, code)
        return _Values(values, np.logical_or.reduce(list(limits.values())))

    def _multiplier(self, chunk: Chunk) -> npt.NDArray[np.float64]:
        use = self.layout.columns.get("multiplier")
        if use is None:
            return np.ones(len(chunk))
        values = numbers(chunk.columns[use.position]).values
        return pc.fill_null(values, 1.0).to_numpy(zero_copy_only=False).astype(np.float64)

    def _extra(self, chunk: Chunk, use: Use) -> npt.NDArray[np.float64]:
        values = numbers(chunk.columns[use.position], use.unit.factor if use.unit else 1.0).values
        return values.to_numpy(zero_copy_only=False).astype(np.float64)


def _add_value_fault(faults: Faults, chunk: Chunk, use: Use, row: int, code: str) -> None:
    text = text_at(chunk, use.position, row)
    is_text = code == "not_a_number" and is_formula(text)
    why = reason("formula_cell") if is_text else reason(code, cells=1, value=text)
    faults.add_row(row, why, chunk, use)


def _marked(faults: Faults, count: int) -> Mask:
    marked = np.zeros(count, bool)
    marked[list(faults.by_row)] = True
    return marked
