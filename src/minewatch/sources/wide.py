"""Readings with one row per customer (or transformer) and day, and one column per interval."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.schema.quality import Quality
from minewatch.schema.reasons import Reason, reason
from minewatch.schema.tables import INGESTED
from minewatch.sources.batch import Batch, Reject, batch_schema
from minewatch.sources.cells import is_formula, numbers
from minewatch.sources.curves import Curves, Matrix, absurd, curve_table, negative
from minewatch.sources.headers import Unit
from minewatch.sources.identifiers import text_at
from minewatch.sources.layout import Layout, reading_unit
from minewatch.sources.local_days import ClockChange, changed_days
from minewatch.sources.noticed import Noticed, unknown_columns
from minewatch.sources.options import ReadOptions
from minewatch.sources.quantities import parts_by_quantity
from minewatch.sources.reading_keys import ReadingKeys, reading_keys
from minewatch.sources.sheet import Chunk, Sheet
from minewatch.sources.unreadable import UnreadableFile
from minewatch.sources.value_columns import DAY_MINUTES, ValueColumns

_CELLS_APART = 4
"""A row with more faulty values of one kind than this gets one entry in the quarantine for all of them."""


def read_wide(sheet: Sheet, layout: Layout, options: ReadOptions) -> Iterator[Batch]:
    """Yield the rows of a wide file as day curves.

    Columns are in the order of time whether they name the start (00:00 …) or the end (… 24:00) of their
    interval. Energy per interval becomes mean power.
    """
    if "register" in (layout.curves[0].quantity, layout.mapping.unit):
        raise UnreadableFile(sheet.path, reason("register_wide"))
    wide = _Wide(layout, options, Noticed())
    for note in (*sheet.notes, *unknown_columns(layout.unknown), *wide.notes_of_units()):
        wide.noticed.add(note)
    positions = {use.position for use in layout.columns.values()}
    positions |= {position for curve in layout.curves for position in curve.positions}
    for chunk in sheet.chunks(sorted(positions)):
        yield from wide.batches(chunk)


class _Fault(NamedTuple):
    row: int  # in the chunk
    position: int  # of the column
    code: str


@dataclass(frozen=True)
class _Wide:
    layout: Layout
    options: ReadOptions
    noticed: Noticed

    def notes_of_units(self) -> list[Reason]:
        main = self.layout.curves[0]
        told = self.layout.mapping.unit or main.unit or main.quantity != "value"
        told = told or "quantity" in self.layout.columns
        notes = [] if told else [reason("unit_taken_as_kw")]
        if "multiplier" in self.layout.columns:
            notes.append(reason("multiplier_not_applied", column=self.layout.columns["multiplier"].header))
        return notes

    def batches(self, chunk: Chunk) -> Iterator[Batch]:
        use, main = self.layout.columns.get("quantity"), self.layout.curves[0]
        if use is None:
            yield self._batch(chunk, main.quantity)
            return
        rejected = [*chunk.rejected]
        for quantity, part in parts_by_quantity(chunk, use):
            if quantity in ("kw", "kwh"):
                yield self._batch(part, quantity)
            else:
                why = reason("quantity_not_read", count=len(part), quantity=quantity)
                rejected.append(Reject(int(part.lines[0]), why, use.header, quantity, source_rows=len(part)))
        nothing = batch_schema(INGESTED[self.layout.table].schema).empty_table()
        yield Batch(self.layout.table, nothing, rejected, chunk.bytes_done, self.noticed.take())

    def _batch(self, chunk: Chunk, quantity: str) -> Batch:
        keys = reading_keys(chunk, self.layout, self.noticed)
        faults: list[_Fault] = []
        curves = self._curves(chunk, keys, quantity, faults)
        rejected = [*chunk.rejected, *keys.rejected, *self._rejects(chunk, faults)]
        table = curve_table(self.layout.table, curves)
        return Batch(self.layout.table, table, rejected, chunk.bytes_done, self.noticed.take())

    def _curves(self, chunk: Chunk, keys: ReadingKeys, quantity: str, faults: list[_Fault]) -> Curves:
        main, *others = self.layout.curves
        kw = self._matrix(chunk, main, keys.rows, faults) * self._to_kw(main, quantity)
        quality = np.where(np.isnan(kw), Quality.MISSING, Quality.MEASURED).astype(np.uint8)
        self._put_aside(kw, quality, keys.rows, faults)
        changes = changed_days(keys.epoch_days, self.options.zone)
        kw, quality = _on_the_clock(main, kw, quality, (keys, changes, faults))
        extras = {each.quantity: self._matrix(chunk, each, keys.rows, faults) for each in others}
        if main.counted:
            blank = np.zeros_like(quality)
            extras = {
                name: _on_the_clock(main, matrix, blank, (keys, changes, []))[0]
                for name, matrix in extras.items()
            }
        ones = np.ones(len(keys.rows), np.int64)
        lines = chunk.lines[keys.rows]
        return Curves(keys.ids, keys.epoch_days, main.minutes, kw, quality, lines, ones, extras)

    def _matrix(
        self, chunk: Chunk, curve: ValueColumns, rows: npt.NDArray[np.int64], faults: list[_Fault]
    ) -> Matrix:
        """Return the values of a curve as [rows, columns]; cells that are no numbers are noted as faults."""
        by_column = np.empty((len(curve.positions), len(rows)))
        every = len(rows) == len(chunk)
        for number, position in enumerate(curve.positions):
            parsed = numbers(chunk.columns[position])
            values = parsed.values.to_numpy(zero_copy_only=False)
            by_column[number] = values if every else values[rows]
            if parsed.bad.any():
                for row in np.flatnonzero(parsed.bad[rows]).tolist():
                    text = text_at(chunk, position, int(rows[row]))
                    code = "formula_cell" if is_formula(text) else "not_a_number"
                    faults.append(_Fault(int(rows[row]), position, code))
        return np.ascontiguousarray(by_column.T)

    def _to_kw(self, main: ValueColumns, quantity: str) -> float:
        unit = reading_unit(self.layout, main.unit) or Unit("kWh" if quantity == "kwh" else "kW", 1.0)
        return unit.factor * (60 / main.minutes if unit.name == "kWh" else 1.0)

    def _put_aside(
        self, kw: Matrix, quality: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64], faults: list[_Fault]
    ) -> None:
        """Take implausible powers out of ``kw`` and ``quality``, in place."""
        main = self.layout.curves[0]
        column = {position: number for number, position in enumerate(main.positions)}
        row_number = {int(row): number for number, row in enumerate(rows)} if faults else {}
        for fault in faults:
            quality[row_number[fault.row], column[fault.position]] = Quality.IMPLAUSIBLE
        is_negative = negative(kw, export=self.layout.may_feed_back)
        for code, wrong in (("power_absurd", absurd(kw)), ("power_negative", is_negative)):
            for row, number in zip(*np.nonzero(wrong), strict=True) if wrong.any() else ():
                faults.append(_Fault(int(rows[row]), main.positions[number], code))
            kw[wrong], quality[wrong] = np.nan, Quality.IMPLAUSIBLE

    def _rejects(self, chunk: Chunk, faults: list[_Fault]) -> Iterator[Reject]:
        by_row: dict[tuple[int, str], list[int]] = {}
        for fault in faults:
            by_row.setdefault((fault.row, fault.code), []).append(fault.position)
        for (row, code), positions in by_row.items():
            groups = [[position] for position in positions] if len(positions) <= _CELLS_APART else [positions]
            yield from (self._reject(chunk, row, code, group) for group in groups)

    def _reject(self, chunk: Chunk, row: int, code: str, positions: list[int]) -> Reject:
        raw = chunk.row_of(row)
        names = list(raw)
        values = [text_at(chunk, position, row) or "" for position in positions]
        column = (
            names[positions[0]] if len(positions) == 1 else f"{names[positions[0]]} … {names[positions[-1]]}"
        )
        why = reason(code) if code == "formula_cell" else reason(code, cells=len(values), value=values[0])
        return Reject(int(chunk.lines[row]), why, column, "; ".join(values), raw, True, 0)


_Context = tuple[ReadingKeys, dict[int, ClockChange], list[_Fault]]


def _on_the_clock(
    main: ValueColumns, kw: Matrix, quality: npt.NDArray[np.uint8], context: _Context
) -> tuple[Matrix, npt.NDArray[np.uint8]]:
    """Bring the columns to the intervals of the wall clock, on days on which the clock changes too."""
    keys, changes, faults = context
    if main.counted:
        return _counted(main, kw, quality, context)
    for row in np.flatnonzero(np.isin(keys.epoch_days, list(changes))).tolist() if changes else ():
        change = changes[int(keys.epoch_days[row])]
        odd = slice(change.start // main.minutes, -(-change.end // main.minutes))
        there = np.flatnonzero(~np.isnan(kw[row, odd])) + odd.start
        if change.skipped:
            real = [n for n in there.tolist() if kw[row, n] != 0]
            faults += [_Fault(int(keys.rows[row]), main.positions[n], "hour_does_not_exist") for n in real]
            kw[row, odd], quality[row, odd] = np.nan, Quality.SKIPPED
        else:
            quality[row, there] = Quality.MERGED
    return kw, quality


def _counted(
    main: ValueColumns, kw: Matrix, quality: npt.NDArray[np.uint8], context: _Context
) -> tuple[Matrix, npt.NDArray[np.uint8]]:
    """Bring intervals counted as they pass (up to 25 hours) to the intervals of the wall clock."""
    keys, changes, faults = context
    width = DAY_MINUTES // main.minutes
    clock, clock_quality = kw[:, :width].copy(), quality[:, :width].copy()
    beyond = ~np.isnan(kw[:, width:])
    for row in np.flatnonzero(np.isin(keys.epoch_days, list(changes))).tolist() if changes else ():
        change = changes[int(keys.epoch_days[row])]
        clock[row], clock_quality[row] = _passed(kw[row], quality[row], change, main.minutes)
        beyond[row] = False
    for row, number in zip(*np.nonzero(beyond), strict=True):
        faults.append(_Fault(int(keys.rows[row]), main.positions[width + number], "beyond_the_day"))
    return clock, clock_quality


def _passed(
    kw: npt.NDArray[np.float64], quality: npt.NDArray[np.uint8], change: ClockChange, minutes: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
    width, start, end = DAY_MINUTES // minutes, change.start // minutes, change.end // minutes
    length = end - start
    if change.skipped:
        gap = np.full(length, np.nan)
        clock = np.concatenate([kw[:start], gap, kw[start : width - length]])
        marks = np.concatenate([quality[:start], gap * 0 + Quality.SKIPPED, quality[start : width - length]])
        marks[start:end] = Quality.SKIPPED
        return clock, marks.astype(np.uint8)
    clock = np.concatenate([kw[:end], kw[end + length : width + length]])
    marks = np.concatenate([quality[:end], quality[end + length : width + length]])
    both = np.stack([kw[start:end], kw[end : end + length]])
    count = (~np.isnan(both)).sum(axis=0)
    clock[start:end] = np.nansum(both, axis=0) / np.maximum(count, 1)
    clock[start:end][count == 0] = np.nan
    marks[start:end] = np.where(count > 0, Quality.MERGED, Quality.MISSING)
    return clock, marks
