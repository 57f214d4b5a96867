"""Readings as ragged arrays for the kernels."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.kernels.power.electrical import PHASES, Meters, Quantity
from minewatch.kernels.power.hours import Floats, Ints

_NONE = Quantity(np.zeros(0, np.float32), np.zeros(1, np.int64))


class Curves(NamedTuple):
    """Customers' curves: see ``minewatch.kernels.power.load_features.load_features`` for the layout.

    ``usage_point_ids`` (customers,) in the order of the table; ``values`` kW; ``days`` since 1970-01-01.
    """

    usage_point_ids: list[str]
    values: Floats
    row_offsets: Ints
    days: npt.NDArray[np.int32]
    point_rows: Ints


def curves_of(readings: pa.Table) -> Curves:
    """Return the curves in rows of ``interval_readings``, which have to be ordered by customer, then day.

    The values are not copied where the column ``kw`` is one chunk without nulls.
    """
    values, row_offsets = _flat(readings["kw"])
    ids, point_rows = _runs(readings["usage_point_id"])
    return Curves(ids, values, row_offsets, readings["day"].cast(pa.int32()).to_numpy(), point_rows)


def meters_of(readings: pa.Table) -> Meters:
    """Return the other quantities in rows of ``interval_readings``; a column may lack or be null.

    Rows with another number of phases than three count as rows without.
    """
    kvar = _NONE
    if _has_values(readings, "kvar"):
        kvar = Quantity(*_flat(readings["kvar"]))
    return Meters(kvar, _by_phase(readings, "current_a"), _by_phase(readings, "voltage_v"))


def with_daily(curves: Curves, meters: Meters, daily: pa.Table | None) -> tuple[Curves, Meters]:
    """Return curves with customers of ``daily`` (rows of ``daily_readings`` in key order) after the others.

    Each of their days is one value, the mean kW. Customers that ``curves`` has already keep those alone.
    """
    if daily is None or daily.num_rows == 0:
        return curves, meters
    known = pc.is_in(daily["usage_point_id"], value_set=pa.array(curves.usage_point_ids, pa.string()))
    rows = daily.filter(pc.invert(known))
    ids, point_rows = _runs(rows["usage_point_id"])
    mean_kw = pc.divide(rows["energy_kwh"], 24.0).cast(pa.float32()).to_numpy()
    number = np.arange(1, rows.num_rows + 1)
    joined = Curves(
        [*curves.usage_point_ids, *ids],
        np.concatenate((curves.values, mean_kw)),
        np.concatenate((curves.row_offsets, curves.row_offsets[-1] + number)),
        np.concatenate((curves.days, rows["day"].cast(pa.int32()).to_numpy())),
        np.concatenate((curves.point_rows, curves.point_rows[-1] + point_rows[1:])),
    )
    return joined, Meters(*(_lengthened(quantity, rows.num_rows) for quantity in meters))


def _lengthened(quantity: Quantity, rows: int) -> Quantity:
    end = np.full(rows, quantity.row_offsets[-1])
    return Quantity(quantity.values, np.concatenate((quantity.row_offsets, end)))


def _has_values(readings: pa.Table, name: str) -> bool:
    return name in readings.column_names and readings[name].null_count < readings.num_rows


def _by_phase(readings: pa.Table, name: str) -> Quantity:
    if not _has_values(readings, name):
        return _NONE
    phases = _whole(readings[name])
    three = pc.fill_null(pc.equal(pc.list_value_length(phases), PHASES), False)
    kept = phases.filter(three)
    values, inner = _flat(pa.chunked_array([kept.flatten()]))
    lengths = np.zeros(len(phases), np.int64)
    lengths[three.to_numpy(zero_copy_only=False)] = np.diff(inner[::PHASES])
    return Quantity(values, np.concatenate(([0], np.cumsum(lengths))))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole


def _flat(column: pa.ChunkedArray) -> tuple[Floats, Ints]:
    """Values of all lists and their offsets; ``flatten()`` leaves out what null lists and slices hide."""
    lists = _whole(column)
    values = lists.flatten()
    if values.null_count:
        values = pc.fill_null(values, float("nan"))
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
    return values.to_numpy(zero_copy_only=False), offsets


def _runs(ids: pa.ChunkedArray) -> tuple[list[str], Ints]:
    if len(ids) == 0:
        return [], np.zeros(1, np.int64)
    runs = pc.run_end_encode(ids.combine_chunks(), run_end_type=pa.int64())
    return runs.values.to_pylist(), np.concatenate(([0], runs.run_ends.to_numpy())).astype(np.int64)
