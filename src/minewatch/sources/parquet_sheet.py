"""Parquet files as sheets: columns keep their types."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from minewatch.schema.reasons import reason
from minewatch.sources.layout import Layout, find_layout
from minewatch.sources.options import ReadOptions
from minewatch.sources.sheet import Chunk, Sheet
from minewatch.sources.unreadable import UnreadableFile
from minewatch.sources.value_columns import DAY_MINUTES

_ROWS = 65_536


def open_parquet(path: Path, options: ReadOptions) -> tuple[Sheet, Layout] | list[str]:
    """Return the table of a Parquet file and what its columns mean, else its column names.

    Raises UnreadableFile for a damaged file.
    """
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise UnreadableFile(path, reason("parquet_damaged", error=str(error)[:200])) from error
    layout = find_layout(schema.names, options.mapping, options.table, schema.types)
    if not layout:
        return list(schema.names)

    def chunks(positions: Sequence[int]) -> Iterator[Chunk]:
        return _chunks(path, schema, sorted(positions), _rows_at_once(schema, options))

    return Sheet(path, tuple(schema.names), tuple(schema.types), chunks, path.stat().st_size), layout


def _rows_at_once(schema: pa.Schema, options: ReadOptions) -> int:
    """Curves are long rows: fewer at once, for the same memory."""
    is_long = not any(pa.types.is_nested(each) for each in schema.types) and len(schema) < 40
    return _ROWS if is_long else min(options.batch_rows, _ROWS // 4)


def _chunks(path: Path, schema: pa.Schema, positions: Sequence[int], rows: int) -> Iterator[Chunk]:
    names = [schema.names[position] for position in positions]
    size = path.stat().st_size
    done = 0
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            total = max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(rows, columns=names, use_threads=False):
                lines = np.arange(done + 1, done + 1 + batch.num_rows, dtype=np.int64)
                done += batch.num_rows
                columns = dict(zip(positions, (_plain(batch.column(name)) for name in names), strict=True))
                yield Chunk(columns, lines, partial(_row, batch), size * done // total)
    except (pa.ArrowInvalid, OSError) as error:
        raise UnreadableFile(path, reason("parquet_damaged", error=str(error)[:200])) from error


def _plain(array: pa.Array) -> pa.Array:
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _row(batch: pa.RecordBatch, number: int) -> Mapping[str, str | None]:
    """Return a row as a CSV file would have it: a day curve as kw_0000, kw_0015 and so on."""
    cells: dict[str, str | None] = {}
    for name, value in batch.slice(number, 1).to_pylist()[0].items():
        if isinstance(value, list) and value and DAY_MINUTES % len(value) == 0:
            minutes = DAY_MINUTES // len(value)
            clock = (f"{slot * minutes // 60:02d}{slot * minutes % 60:02d}" for slot in range(len(value)))
            cells |= {f"{name}_{at}": str(each) for at, each in zip(clock, value, strict=True)}
        else:
            cells[name] = None if value is None else str(value)
    return cells
