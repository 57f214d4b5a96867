"""Reading the rows of a table slice from its Parquet files: row groups pruned, latest revisions only."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.schema.row_groups import Bounds, RowGroups, taken
from minewatch.schema.steps import TableSlice
from minewatch.schema.tables import TABLES, TableSpec

_NEWEST = ("revision", "source_line")
_ROW = "row"


def read_slice(
    table_slice: TableSlice, columns: Sequence[str] | None = None, members: pa.Array | None = None
) -> pa.Table:
    """Return the valid rows of ``table_slice``, ordered by the table's key, without lineage columns.

    Of rows with one key the one with the highest ``revision``, then ``source_line``, is valid; they must
    stand in one bucket. Nulls of a key are equal to each other and come last. Bounds on columns outside the
    key are applied to valid rows only, so that a corrected row never comes back. ``columns`` chooses and
    orders the columns of the result (default: the table's schema). ``members``: only rows whose first key
    column is one of these. Each column is one chunk, so that a kernel can look at the values buffer of a
    list. No threads are started.

    Raises KeyError for an unknown table or column, ValueError for a bound that does not fit its column.
    """
    spec = TABLES[table_slice.table]
    names = spec.schema.names if columns is None else list(columns)
    bounds = _bounds(table_slice, spec)
    early = {name: bounds[name] for name in bounds if name in (*spec.key, "bucket")}
    groups = RowGroups(table_slice.files, spec.lake_schema, early)
    lead = groups.read(tuple(dict.fromkeys((*spec.key, *bounds))))
    rows = _valid_rows(lead, spec.key, bounds, groups, members)
    rest = groups.read_rows([name for name in names if name not in lead.column_names], rows)
    found = {
        name: taken(lead.column(name).combine_chunks(), rows) for name in lead.column_names if name in names
    }
    found |= {name: rest.column(name) for name in rest.column_names}
    schema = pa.schema([spec.schema.field(name) for name in names])
    return pa.Table.from_arrays([found[name] for name in names], schema=schema)


def slice_bytes(table_slice: TableSlice, columns: Sequence[str] | None = None) -> int:
    """Return about how many bytes the row groups behind ``table_slice`` take in memory, from footers alone.

    ``columns`` as for ``read_slice``. Bounds count only so far as they rule out whole row groups.
    """
    spec = TABLES[table_slice.table]
    bounds = _bounds(table_slice, spec)
    early = {name: bounds[name] for name in bounds if name in (*spec.key, "bucket")}
    groups = RowGroups(table_slice.files, spec.lake_schema, early)
    return groups.bytes(spec.schema.names if columns is None else columns)


def _bounds(table_slice: TableSlice, spec: TableSpec) -> Bounds:
    bounds = {
        name: (_scalar(low, spec.schema.field(name)), _scalar(high, spec.schema.field(name)))
        for name, (low, high) in table_slice.where.items()
    }
    if table_slice.bucket is not None:
        low, high = table_slice.bucket, table_slice.bucket + 1
        bounds["bucket"] = (pa.scalar(low, pa.int32()), pa.scalar(high, pa.int32()))
    return bounds


def _scalar(text: str, field: pa.Field) -> pa.Scalar:
    if pa.types.is_string(field.type):
        return pa.scalar(text, field.type)
    if pa.types.is_date32(field.type):
        return pa.scalar(date.fromisoformat(text), field.type)
    if not pa.types.is_timestamp(field.type):
        raise ValueError(f"column {field.name} ({field.type}) cannot be bounded")
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"the bound {text!r} of {field.name} has no time zone")
    return pa.scalar(instant, field.type)


def _valid_rows(
    lead: pa.Table, key: Sequence[str], bounds: Bounds, groups: RowGroups, members: pa.Array | None
) -> pa.Array | None:
    """Return the positions of the slice's rows in key order; None where all rows stand as they should."""
    every = pa.arange(0, lead.num_rows)
    rows = lead.append_column(_ROW, every)
    if members is not None:
        rows = rows.filter(pc.is_in(rows.column(key[0]), value_set=members))
    rows = _within(rows, {name: bounds[name] for name in bounds if name in (*key, "bucket")})
    if rows.num_rows > 1 and not _ascending(rows, key):
        rows = _newest(rows, key, groups.read_rows(_NEWEST, rows.column(_ROW).combine_chunks()))
    rows = _within(rows, {name: bounds[name] for name in bounds if name not in (*key, "bucket")})
    wanted = rows.column(_ROW).combine_chunks()
    return None if wanted.equals(every) else wanted


def _within(rows: pa.Table, bounds: Bounds) -> pa.Table:
    for name, (low, high) in bounds.items():
        column = rows.column(name)
        inside = pc.and_(pc.greater_equal(column, low), pc.less(column, high))
        if not pc.all(inside, skip_nulls=False).as_py():
            rows = rows.filter(inside)
    return rows


def _ascending(rows: pa.Table, key: Sequence[str]) -> bool:
    """Tell whether the keys rise strictly; a null in a key counts as no."""
    pairs = [
        (column.slice(0, max(len(column) - 1, 0)), column.slice(1)) for column in rows.select(key).columns
    ]
    first, *others = reversed([(pc.less(before, after), pc.equal(before, after)) for before, after in pairs])
    rising = reduce(lambda last, lead: pc.or_(lead[0], pc.and_(lead[1], last)), others, first[0])
    return bool(pc.all(rising, skip_nulls=False).as_py())


def _newest(rows: pa.Table, key: Sequence[str], lineage: pa.Table) -> pa.Table:
    for name in _NEWEST:
        rows = rows.append_column(name, lineage.column(name))
    order = [*((name, "ascending") for name in key), *((name, "descending") for name in _NEWEST)]
    rows = rows.take(pc.sort_indices(rows, sort_keys=order))
    repeated = reduce(pc.and_, (_same_as_before(rows.column(name)) for name in key))
    return rows.filter(pc.invert(repeated))


def _same_as_before(column: pa.ChunkedArray) -> pa.Array:
    """Return for each place whether its value is that of the place before; two nulls are the same."""
    values = column.combine_chunks()
    before, after = values.slice(0, len(values) - 1), values.slice(1)
    both_null = pc.and_(pc.is_null(before), pc.is_null(after))
    same = pc.or_(pc.fill_null(pc.equal(before, after), False), both_null)
    return pa.concat_arrays([pa.array([False]), same])
