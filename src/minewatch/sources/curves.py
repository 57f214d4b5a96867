"""Day curves as rows of a readings table, and what a plausible power is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.schema.quality import Quality
from minewatch.schema.tables import INGESTED
from minewatch.sources.batch import batch_schema
from minewatch.sources.layout import READINGS

MOST_KW = 3_000_000.0
"""No customer and no distribution transformer draws more (a large aluminium smelter: 1 to 2 GW)."""

NOISE_KW = 0.01
"""Negative power down to this is rounding of a meter at rest, and stays as it is."""

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """Rows of a readings table: ``kw`` [rows, intervals of a day] with NaN where missing.

    ``quality`` [rows, intervals] holds Quality numbers; ``extras``: quantity (kvar, current_l1_a, …) →
    matrix of the same shape; ``epoch_days`` are days since 1970-01-01.
    """

    ids: pa.Array
    epoch_days: npt.NDArray[np.int32]
    minutes: int
    kw: Matrix
    quality: npt.NDArray[np.uint8]
    lines: npt.NDArray[np.int64]
    source_rows: npt.NDArray[np.int64]
    extras: Mapping[str, Matrix] = field(default_factory=dict)


def negative(kw: Matrix, *, export: bool) -> npt.NDArray[np.bool_]:
    """Tell which powers are negative where the customer does not feed in."""
    return np.zeros(kw.shape, bool) if export else kw < -NOISE_KW


def absurd(kw: Matrix) -> npt.NDArray[np.bool_]:
    """Tell which powers are infinite or beyond ``MOST_KW``; a missing one (NaN) is not."""
    return np.abs(kw) > MOST_KW


def curve_table(table: str, curves: Curves) -> pa.Table:
    """Return the curves as rows of ``table`` (one of ``READINGS``) of a Batch."""
    schema = batch_schema(INGESTED[table].schema)
    count = len(curves.lines)
    extras = curves.extras
    columns = {
        READINGS[table]: curves.ids,
        "day": pa.array(curves.epoch_days, pa.int32()).cast(pa.date32()),
        "interval_minutes": pa.array(np.full(count, curves.minutes, np.int16)),
        "kw": _lists(curves.kw),
        "kvar": _lists(extras["kvar"]) if "kvar" in extras else pa.nulls(count),
        "current_a": _phases([extras.get(f"current_l{phase}_a") for phase in (1, 2, 3)], curves.kw.shape),
        "voltage_v": _phases([extras.get(f"voltage_l{phase}_v") for phase in (1, 2, 3)], curves.kw.shape),
        "quality": _quality_lists(curves.quality),
        "source_line": pa.array(curves.lines),
        "source_rows": pa.array(curves.source_rows),
    }
    return pa.table([columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema)


def _lists(matrix: Matrix) -> pa.Array:
    rows, width = matrix.shape
    values = pa.array(np.ascontiguousarray(matrix, np.float32).ravel())
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * width), values)


def _phases(matrices: list[Matrix | None], shape: tuple[int, ...]) -> pa.Array:
    """Return three curves per row; null without any phase, NaN for a phase that is not there."""
    if all(matrix is None for matrix in matrices):
        return pa.nulls(shape[0])
    filled = [np.full(shape, np.nan) if matrix is None else matrix for matrix in matrices]
    together = np.stack(filled, axis=1).reshape(shape[0] * 3, shape[1])
    return pa.ListArray.from_arrays(pa.array(np.arange(shape[0] + 1, dtype=np.int32) * 3), _lists(together))


def _quality_lists(quality: npt.NDArray[np.uint8]) -> pa.Array:
    """Return quality lists; null for a day on which every interval is measured."""
    told = (quality != Quality.MEASURED).any(axis=1)
    lengths = np.where(told, quality.shape[1], 0)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = pa.array(quality[told].ravel(), pa.uint8())
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(~told))
