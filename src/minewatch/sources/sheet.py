"""A table as a file has it: its header and chunks of cells, before anything is understood."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.schema.reasons import Reason
from minewatch.sources.batch import Reject

NULLS = (
    "",
    "-",
    "--",
    "—",
    "——",
    "/",
    "null",
    "NULL",
    "Null",
    "None",
    "nan",
    "NaN",
    "NA",
    "N/A",
    "#N/A",
    "\\N",
    "空",
)
"""What stands for an empty cell in text files."""


@dataclass(frozen=True)
class Chunk:
    """Some rows of a sheet. ``columns``: position → cells (text, or typed in Parquet), nulls for empty ones.

    ``lines`` are line or row numbers in the file, from 1. ``row_of(i)`` gives row ``i`` as the file has it.
    ``rejected`` are rows that could not be cut into cells. ``numeric``: position → which cells a workbook
    stores as numbers.
    """

    columns: Mapping[int, pa.Array]
    lines: npt.NDArray[np.int64]
    row_of: Callable[[int], Mapping[str, str | None]]
    bytes_done: int
    rejected: Sequence[Reject] = ()
    numeric: Mapping[int, npt.NDArray[np.bool_]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)

    def take(self, rows: npt.NDArray[np.int64]) -> "Chunk":
        """Return some rows, without ``rejected``."""
        taken = pa.array(rows)
        columns = {position: cells.take(taken) for position, cells in self.columns.items()}
        numeric = {position: marks[rows] for position, marks in self.numeric.items()}
        numbers = rows.tolist()
        return Chunk(
            columns, self.lines[rows], lambda i: self.row_of(numbers[i]), self.bytes_done, (), numeric
        )


@dataclass(frozen=True)
class Sheet:
    """One table of a file. ``chunks(positions)`` yields its rows with the columns at ``positions``.

    ``types`` are the columns' Arrow types (text for CSV and XLSX). ``bytes_total``: size in the measure of
    ``Chunk.bytes_done``.
    """

    path: Path
    names: tuple[str, ...]
    types: tuple[pa.DataType, ...]
    chunks: Callable[[Sequence[int]], Iterator[Chunk]]
    bytes_total: int
    notes: Sequence[Reason] = ()
