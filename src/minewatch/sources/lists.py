"""Readings that already are day curves in list columns (canonical Parquet)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.schema.quality import Quality
from minewatch.schema.reasons import reason
from minewatch.schema.tables import INGESTED
from minewatch.schema.types import DAY_CURVE
from minewatch.sources.batch import Batch, Reject, batch_schema
from minewatch.sources.cells import Mask
from minewatch.sources.curves import absurd, negative
from minewatch.sources.identifiers import Faults
from minewatch.sources.layout import Layout
from minewatch.sources.noticed import Noticed, unknown_columns
from minewatch.sources.reading_keys import reading_keys, rejects
from minewatch.sources.sheet import Chunk, Sheet
from minewatch.sources.value_columns import DAY_MINUTES


def read_lists(sheet: Sheet, layout: Layout) -> Iterator[Batch]:
    """Yield the rows; curves of the wrong length and implausible powers are put aside."""
    noticed = Noticed()
    for note in (*sheet.notes, *unknown_columns(layout.unknown)):
        noticed.add(note)
    for chunk in sheet.chunks(sorted({use.position for use in layout.columns.values()})):
        yield _Lists(layout, noticed, chunk).batch()


@dataclass(frozen=True)
class _Lists:
    layout: Layout
    noticed: Noticed
    chunk: Chunk

    def batch(self) -> Batch:
        keys = reading_keys(self.chunk, self.layout, self.noticed)
        taken = pa.array(keys.rows)
        columns = {
            name: self.chunk.columns[use.position].take(taken) for name, use in self.layout.columns.items()
        }
        columns |= {self.layout.key_column: keys.ids, "day": pa.array(keys.epoch_days).cast(pa.date32())}
        lines = self.chunk.lines[keys.rows]
        columns |= {"source_line": pa.array(lines), "source_rows": pa.array(np.ones(len(lines), np.int64))}
        wrong, rejected = self._wrong_lengths(columns, keys.rows)
        kept = pa.array(~wrong)
        columns = {name: column.filter(kept) for name, column in columns.items()}
        rejected += self._implausible(columns, keys.rows[~wrong])
        rows = _as_table(self.layout.table, columns)
        rejected = [*self.chunk.rejected, *keys.rejected, *rejected]
        return Batch(self.layout.table, rows, rejected, self.chunk.bytes_done, self.noticed.take())

    def _wrong_lengths(
        self, columns: dict[str, pa.Array], rows: npt.NDArray[np.int64]
    ) -> tuple[Mask, list[Reject]]:
        """Find rows whose lists do not cover the day, and fill in the interval where the file has none."""
        lengths = pc.fill_null(pc.list_value_length(columns["kw"]), 0).to_numpy().astype(np.int64)
        minutes = DAY_MINUTES // np.maximum(lengths, 1)
        if "interval_minutes" in columns:
            given = pc.fill_null(columns["interval_minutes"].cast(pa.int64()), 0)
            minutes = given.to_numpy(zero_copy_only=False)
        columns["interval_minutes"] = pa.array(minutes, pa.int64())
        wrong = (lengths * minutes != DAY_MINUTES) | (lengths == 0)
        for name in ("kvar", "quality"):
            if name in columns:
                others = pc.list_value_length(columns[name]).fill_null(-1).to_numpy(zero_copy_only=False)
                wrong |= (others >= 0) & (others != lengths)
        faults = Faults()
        at = np.zeros(len(self.chunk), bool)
        at[rows[wrong]] = True
        faults.add(at, reason("curve_does_not_cover_the_day"), self.chunk, self.layout.columns["kw"])
        return wrong, rejects(self.chunk, faults)

    def _implausible(self, columns: dict[str, pa.Array], rows: npt.NDArray[np.int64]) -> list[Reject]:
        """Take implausible powers out of the curves, in place of ``columns``."""
        kw = columns["kw"].cast(DAY_CURVE)
        values = pc.fill_null(kw.flatten(), np.nan).to_numpy(zero_copy_only=False).astype(np.float32)
        lengths = pc.list_value_length(kw).to_numpy()
        columns["kw"] = _lists(lengths, values, pa.float32())
        marks = {
            "power_absurd": absurd(values),
            "power_negative": negative(values, export=self.layout.may_feed_back),
        }
        wrong = marks["power_absurd"] | marks["power_negative"]
        missing = np.isnan(values)
        if "quality" not in columns and (wrong.any() or missing.any()):
            columns["quality"] = pa.nulls(len(lengths), pa.list_(pa.uint8()))
        if not wrong.any() and ("quality" not in columns or not missing.any()):
            return []
        row_of_value = np.repeat(np.arange(len(lengths)), lengths)
        columns["quality"] = self._quality(columns["quality"], (lengths, row_of_value), wrong, missing)
        ends = np.cumsum(lengths)
        spans = [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
        found = [
            self._reject(code, row, values[spans[row]][mark[spans[row]]], rows)
            for code, mark in marks.items()
            for row in np.unique(row_of_value[mark]).tolist()
        ]
        columns["kw"] = _lists(lengths, np.where(wrong, np.float32(np.nan), values), pa.float32())
        return found

    def _quality(
        self,
        quality: pa.Array,
        shape: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
        wrong: Mask,
        missing: Mask,
    ) -> pa.Array:
        """Mark implausible values, and missing ones where the file does not say why."""
        lengths, row_of_value = shape
        given = ~pc.is_null(quality).to_numpy(zero_copy_only=False)
        values = np.where(missing, Quality.MISSING, Quality.MEASURED).astype(np.uint8)
        values[given[row_of_value]] = pc.fill_null(quality.flatten(), 0).to_numpy(zero_copy_only=False)
        values[wrong] = Quality.IMPLAUSIBLE
        told = given.copy()
        np.logical_or.at(told, row_of_value, values != Quality.MEASURED)
        return _lists(np.where(told, lengths, 0), values[told[row_of_value]], pa.uint8(), ~told)

    def _reject(
        self, code: str, row: int, values: npt.NDArray[np.float32], rows: npt.NDArray[np.int64]
    ) -> Reject:
        line = int(self.chunk.lines[rows[row]])
        shown = [f"{value:g}" for value in values.tolist()]
        header = self.layout.columns["kw"].header
        why = reason(code, cells=len(shown), value=shown[0])
        return Reject(line, why, header, "; ".join(shown), self.chunk.row_of(int(rows[row])), True, 0)


def _lists(
    lengths: npt.NDArray[np.int64],
    values: npt.NDArray[np.generic],
    type_: pa.DataType,
    null: Mask | None = None,
) -> pa.Array:
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    nulls = None if null is None or not null.any() else pa.array(null)
    return pa.ListArray.from_arrays(offsets, pa.array(values, type_), mask=nulls)


def _as_table(table: str, columns: dict[str, pa.Array]) -> pa.Table:
    schema = batch_schema(INGESTED[table].schema)
    count = len(columns["day"])
    return pa.table(
        [columns[f.name].cast(f.type) if f.name in columns else pa.nulls(count, f.type) for f in schema],
        schema=schema,
    )
