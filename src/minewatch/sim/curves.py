"""Curves to Arrow: one row per subject and local day, values as lists, without copying value by value."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.schema.tables import TABLES
from minewatch.sim.county import CountyPlan


def as_stored(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return ``values`` as tables hold them: 32-bit floats, or small integers as they are."""
    return values if values.dtype == np.uint8 else values.astype(np.float32, copy=False)


class DayRows:
    """Collects curves of whole periods and gives them as a table, once, one row per subject and day."""

    def __init__(self, plan: CountyPlan, id_name: str) -> None:
        self._plan, self._id_name = plan, id_name
        self._per_day = 1440 // plan.interval_minutes
        self._ids: list[str] = []
        self._columns: dict[str, list[npt.NDArray[Any] | None]] = {}

    def add(self, subject_id: str, columns: dict[str, npt.NDArray[Any]]) -> None:
        """Add curves of shape (intervals,), or (1 or 3, intervals) by phase, where a phase left out is NaN.

        A column left out is null.
        """
        for name in columns.keys() - self._columns.keys():
            self._columns[name] = [None] * len(self._ids)
        self._ids.append(subject_id)
        for name, values in self._columns.items():
            given = columns.get(name)
            values.append(None if given is None else as_stored(given))

    def table(self) -> pa.Table:
        """Return id, day and one list column per curve, ordered as added, then by day."""
        days = self._plan.days
        first = np.datetime64(self._plan.start_on)
        day = np.tile(first + np.arange(days), len(self._ids)).astype("datetime64[D]")
        columns: dict[str, pa.Array] = {
            self._id_name: pa.array(np.repeat(np.array(self._ids, dtype=object), days), pa.string()),
            "day": pa.array(day, pa.date32()),
        }
        for name, values in self._columns.items():
            columns[name] = self._lists(values)
        return pa.table(columns)

    def as_table(self, name: str) -> pa.Table:
        """Return the rows in the schema of the canonical table ``name``; curves never added are null."""
        if not self._ids:
            return TABLES[name].schema.empty_table()
        rows = self.table()
        minutes = pa.array(np.full(rows.num_rows, self._plan.interval_minutes), pa.int16())
        rows = rows.append_column("interval_minutes", minutes)
        schema = TABLES[name].schema
        return pa.table(
            [
                rows[field.name].chunk(0).cast(field.type)
                if field.name in rows.column_names
                else pa.nulls(rows.num_rows, field.type)
                for field in schema
            ],
            schema=schema,
        )

    def cast_to(self, schema: pa.Schema) -> pa.Table:
        """Return the rows in ``schema``; empty where nothing was added."""
        return self.table().select(schema.names).cast(schema) if self._ids else schema.empty_table()

    def _lists(self, values: list[npt.NDArray[Any] | None]) -> pa.Array:
        """Return one list per subject and day, letting go of each curve when it is copied."""
        first = next(array for array in values if array is not None)
        missing = np.array([array is None for array in values])
        by_phase, days = first.ndim > 1, self._plan.days
        shape = (missing.size - missing.sum(), days, 3 if by_phase else 1, self._per_day)
        flat = np.full(shape, np.nan, np.float32) if by_phase else np.empty(shape, first.dtype)
        row = 0
        for number, array in enumerate(values):
            if array is not None:
                phases = array.reshape(-1, days, self._per_day)
                flat[row, :, : len(phases)] = phases.swapaxes(0, 1)
                values[number] = None
                row += 1
        lists = pa.array(flat.ravel())
        if by_phase:
            inner_offsets = np.arange(0, flat.size + 1, self._per_day, dtype=np.int32)
            lists = pa.ListArray.from_arrays(pa.array(inner_offsets), lists)
        missing = np.repeat(missing, days)
        length = 3 if by_phase else self._per_day
        return pa.ListArray.from_arrays(_offsets(missing, length), lists, mask=pa.array(missing))


def _offsets(missing: npt.NDArray[np.bool_], length: int) -> pa.Array:
    steps = np.where(missing, 0, length)
    return pa.array(np.concatenate(([0], np.cumsum(steps))).astype(np.int32))
