"""Readings as ragged arrays for the kernels."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.kernels.hours import Floats, Ints


class Curves(NamedTuple):
    """Customers' curves: see ``minewatch.kernels.load_features.load_features`` for the layout.

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
    kw = readings["kw"].combine_chunks()
    kw = kw.combine_chunks() if isinstance(kw, pa.ChunkedArray) else kw
    values = kw.flatten()
    if values.null_count:
        values = pc.fill_null(values, float("nan"))
    ids, point_rows = _runs(readings["usage_point_id"])
    return Curves(
        ids,
        values.to_numpy(zero_copy_only=False),
        _offsets(kw),
        readings["day"].cast(pa.int32()).to_numpy(),
        point_rows,
    )


def _offsets(lists: pa.ListArray) -> Ints:
    """Offsets into ``flatten()``, which leaves out what null lists and slices hide."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    return np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))


def _runs(ids: pa.ChunkedArray) -> tuple[list[str], Ints]:
    if len(ids) == 0:
        return [], np.zeros(1, np.int64)
    runs = pc.run_end_encode(ids.combine_chunks(), run_end_type=pa.int64())
    return runs.values.to_pylist(), np.concatenate(([0], runs.run_ends.to_numpy())).astype(np.int64)
