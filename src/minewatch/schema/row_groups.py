"""Row groups of Parquet files: those that bounds allow, read column by column and only the rows wanted."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "FLOAT": 4, "DOUBLE": 8}
_TEXT_BYTES = 24
_BATCH_ROWS = 16_384

Bounds = Mapping[str, tuple[pa.Scalar, pa.Scalar]]
"""Column → (low included, high excluded)."""


class _Group(NamedTuple):
    """One row group; its rows stand at ``rows`` of all."""

    number: int
    rows: slice


class _File(NamedTuple):
    """A Parquet file and those of its row groups that are read."""

    file: pq.ParquetFile
    groups: tuple[_Group, ...]


class RowGroups:
    """The row groups of ``paths`` in order, without those that ``bounds`` rule out by their statistics.

    ``schema`` gives the types that columns are brought to, and those of columns that a file lacks.
    """

    def __init__(self, paths: Sequence[str], schema: pa.Schema, bounds: Bounds) -> None:
        self._schema = schema
        self._files: list[_File] = []
        self._rows = 0
        for file in map(pq.ParquetFile, paths):
            groups = tuple(self._group(file.metadata, number) for number in _possible(file.metadata, bounds))
            if groups:
                self._files.append(_File(file, groups))

    def _group(self, metadata: pq.FileMetaData, number: int) -> _Group:
        start = self._rows
        self._rows += metadata.row_group(number).num_rows
        return _Group(number, slice(start, self._rows))

    def read(self, names: Sequence[str]) -> pa.Table:
        """Return the columns ``names`` of all rows; one that a file lacks is null."""
        return self._read(names, None)

    def read_rows(self, names: Sequence[str], rows: pa.Array | None) -> pa.Table:
        """Return the columns ``names`` of ``rows`` in their order (None: all), each in one chunk.

        ``rows`` are places counted from 0 through all row groups, each at most once. They are picked batch by
        batch, so memory follows what is wanted, not what the files hold.
        """
        if rows is None:
            return self._read(names, None).combine_chunks()
        keep = pc.is_in(pa.arange(0, self._rows), value_set=rows)
        table = self._read(names, keep).combine_chunks()
        if pc.all(pc.less(rows[:-1], rows[1:]), min_count=0).as_py():
            return table
        order = pc.subtract(pc.rank(rows), 1)
        return pa.table({name: taken(table.column(name).combine_chunks(), order) for name in names})

    def bytes(self, names: Sequence[str]) -> int:
        """Return about how many bytes the columns ``names`` take in memory."""
        chunks = (
            file.metadata.row_group(group.number).column(place)
            for file, groups in self._files
            for group in groups
            for place in range(file.metadata.num_columns)
        )
        wanted = set(names)
        return sum(
            chunk.num_values * _WIDTHS.get(chunk.physical_type, _TEXT_BYTES)
            for chunk in chunks
            if chunk.path_in_schema.partition(".")[0] in wanted
        )

    def _read(self, names: Sequence[str], keep: pa.BooleanArray | None) -> pa.Table:
        schema = pa.schema([self._schema.field(name).with_nullable(True) for name in names])
        tables = [table for file in self._files for table in _batches(file, schema, keep)]
        return pa.concat_tables(tables) if tables else schema.empty_table()


def _possible(metadata: pq.FileMetaData, bounds: Bounds) -> Iterator[int]:
    places = {metadata.schema.column(place).path: place for place in range(metadata.num_columns)}
    tests = [
        (places[name], low.as_py(), high.as_py()) for name, (low, high) in bounds.items() if name in places
    ]
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if all(_may_hold(group.column(place), low, high) for place, low, high in tests):
            yield number


def _may_hold(chunk: pq.ColumnChunkMetaData, low: object, high: object) -> bool:
    statistics = chunk.statistics
    if statistics is None or not statistics.has_min_max:
        return True
    return bool(statistics.min < high and statistics.max >= low)


def _batches(source: _File, schema: pa.Schema, keep: pa.BooleanArray | None) -> Iterator[pa.Table]:
    """Yield the rows of a file to ``keep``, batch by batch: row groups at once take twice time and memory."""
    groups = [group for group in source.groups if keep is None or keep[group.rows].true_count]
    if not groups:
        return
    kept = None if keep is None else pa.concat_arrays([keep[group.rows] for group in groups])
    stored = set(source.file.schema_arrow.names)
    present = [name for name in schema.names if name in stored]
    numbers = [group.number for group in groups]
    start = 0
    for batch in source.file.iter_batches(_BATCH_ROWS, numbers, present, use_threads=False):
        stop = start + len(batch)
        table = _typed(batch, schema)
        yield table if kept is None else _picked(table, kept[start:stop])
        start = stop


def _typed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    present = set(batch.schema.names)
    columns = [
        batch.column(field.name).cast(field.type)
        if field.name in present
        else pa.nulls(len(batch), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _picked(table: pa.Table, wanted: pa.BooleanArray) -> pa.Table:
    if wanted.true_count == len(wanted):
        return table
    rows = pc.indices_nonzero(wanted)
    columns = [taken(column.combine_chunks(), rows) for column in table.columns]
    return pa.Table.from_arrays(columns, schema=table.schema)


def taken(column: pa.Array, rows: pa.Array | None) -> pa.Array:
    """Return the values at ``rows`` (None: all)."""
    if rows is None:
        return column
    if not pa.types.is_list(column.type) or column.null_count or not len(column):
        return column.take(rows)
    lengths = pc.min_max(pc.list_value_length(column))
    length = lengths["min"].as_py()
    if not length or length != lengths["max"].as_py():
        return column.take(rows)
    # Lists of one length are moved seven times faster as fixed-size lists; the casts copy no values.
    return column.cast(pa.list_(column.type.value_field, length)).take(rows).cast(column.type)
