"""Whose reading a row is and of which day; rows that do not tell are put aside."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.schema.reasons import reason
from minewatch.sources.batch import Reject
from minewatch.sources.cells import days
from minewatch.sources.identifiers import Faults, identifiers
from minewatch.sources.layout import Layout
from minewatch.sources.noticed import Noticed
from minewatch.sources.sheet import Chunk


class ReadingKeys(NamedTuple):
    """Keys of the good rows of a chunk; ``rows`` are their numbers in the chunk."""

    ids: pa.Array
    epoch_days: npt.NDArray[np.int32]
    rows: npt.NDArray[np.int64]
    rejected: list[Reject]


def reading_keys(chunk: Chunk, layout: Layout, noticed: Noticed) -> ReadingKeys:
    """Return customer (or transformer) and day of each row of a chunk."""
    faults = Faults()
    ids = identifiers(chunk, layout.columns[layout.key_column], faults, noticed)
    use = layout.columns["day"]
    parsed = days(chunk.columns[use.position], layout.mapping.date_format)
    missing = pc.is_null(parsed.values).to_numpy(zero_copy_only=False)
    faults.add(parsed.bad, reason("date_not_read"), chunk, use)
    faults.add(missing & ~parsed.bad, reason("date_missing"), chunk, use)
    rows = np.delete(np.arange(len(chunk), dtype=np.int64), sorted(faults.by_row))
    epoch_days = pc.fill_null(parsed.values.cast(pa.int32()), 0).to_numpy(zero_copy_only=False)[rows]
    return ReadingKeys(ids.take(pa.array(rows)), epoch_days, rows, rejects(chunk, faults))


def rejects(chunk: Chunk, faults: Faults) -> list[Reject]:
    """Return the faulty rows of a chunk as whole rows put aside."""
    return [
        Reject(int(chunk.lines[row]), why, column, value, chunk.row_of(row))
        for row, (why, column, value) in sorted(faults.by_row.items())
    ]
