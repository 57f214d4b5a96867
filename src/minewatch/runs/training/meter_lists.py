"""Curves of one customer between rows of ``interval_readings`` and arrays."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.schema.tables import TABLES

Floats = npt.NDArray[np.float64]

READ = TABLES["interval_readings"].schema.names
"""Columns of readings, in order."""


class Curve(NamedTuple):
    """Readings of one customer: ``kw`` (n,); ``kvar`` (n,) and ``current_a`` (3, n) where the meter has them.

    Missing ones are NaN.
    """

    kw: Floats
    kvar: Floats | None = None
    current_a: Floats | None = None

    @classmethod
    def of(cls, rows: pa.Table) -> "Curve":
        """Return the readings in ``rows`` of one customer, all of them equally long."""
        return cls(_values(rows["kw"]), _optional(rows["kvar"]), _phases(rows))

    def rows_like(self, rows: pa.Table) -> pa.Table:
        """Return ``rows`` with these readings instead; columns that this curve lacks become null."""
        days = rows.num_rows
        columns = {
            "kw": _lists(self.kw, days),
            "kvar": None if self.kvar is None else _lists(self.kvar, days),
            "current_a": None if self.current_a is None else _phase_lists(self.current_a, days),
        }
        for name, lists in columns.items():
            field = rows.field(name)
            made = pa.nulls(days, field.type) if lists is None else lists.cast(field.type)
            rows = rows.set_column(rows.schema.get_field_index(name), field, made)
        return rows


def curves_by_customer(readings: pa.Table) -> dict[str, pa.Table]:
    """Return the rows of each customer, columns ``READ``; they have to stand together."""
    readings = readings.select(READ).combine_chunks()
    if not readings.num_rows:
        return {}
    runs = pc.run_end_encode(readings["usage_point_id"].combine_chunks(), run_end_type=pa.int64())
    ends = runs.run_ends.to_pylist()
    starts = [0, *ends[:-1]]
    names = runs.values.to_pylist()
    return {n: readings.slice(a, b - a) for n, a, b in zip(names, starts, ends, strict=True)}


def _values(column: pa.ChunkedArray) -> Floats:
    flat = column.combine_chunks().flatten()
    while pa.types.is_list(flat.type) or pa.types.is_large_list(flat.type):
        flat = flat.flatten()
    values: Floats = flat.to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _optional(column: pa.ChunkedArray) -> Floats | None:
    return None if column.null_count else _values(column)


def _phases(rows: pa.Table) -> Floats | None:
    values = _optional(rows["current_a"])
    if values is None:
        return None
    return values.reshape(rows.num_rows, 3, -1).swapaxes(0, 1).reshape(3, -1)


def _lists(values: Floats, days: int) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(values.astype(np.float32)), values.size // days)


def _phase_lists(values: Floats, days: int) -> pa.Array:
    by_day = values.reshape(3, days, -1).swapaxes(0, 1).ravel()
    return pa.FixedSizeListArray.from_arrays(_lists(by_day, 3 * days), 3)
