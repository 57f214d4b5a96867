"""Data files of the lake: zstd, sorted by bucket and key, row groups that never cross a bucket."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from minewatch.schema.tables import LINEAGE, TABLES, TableSpec

ROW_GROUP_ROWS = 131_072
FOLLOWS_KEY: Mapping[str, tuple[str, ...]] = {"flows": ("capture", "first_at")}
"""Columns that a hashed key determines: rows with equal keys agree in them."""

Bounds = Mapping[str, tuple[Any, Any]]
"""Column → (least, greatest) value as Python objects; a column with nulls or without values is left out."""


@dataclass(frozen=True)
class DataFile:
    """One written file: absolute path, number of rows, and the bounds of its key columns."""

    path: Path
    rows: int
    bounds: Bounds = field(compare=False)


def bounded_columns(spec: TableSpec) -> tuple[str, ...]:
    """Return the columns whose bounds tell whether a file can hold a row of some key."""
    return (*spec.key, *FOLLOWS_KEY.get(spec.name, ()))


def write_data_file(path: Path, rows: pa.Table, spec: TableSpec) -> DataFile:
    """Write ``rows`` (``spec.lake_schema``, in any order) to ``path``, one row group or more per bucket.

    They are ordered by bucket, key, revision and line; each row group is gathered on its own, so that no
    second copy of ``rows`` is held.
    """
    return write_row_groups(path, _groups(rows, spec), spec)


def write_row_groups(path: Path, groups: Iterator[pa.Table], spec: TableSpec) -> DataFile:
    """Write each of ``groups`` as one row group; at least one row in all."""
    count, bounds = 0, []
    with data_writer(path, spec) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=max(len(group), 1))
            count += len(group)
            bounds.append(bounds_of(group, bounded_columns(spec)))
    return DataFile(path, count, joined_bounds(bounds))


def data_writer(path: Path, spec: TableSpec) -> pq.ParquetWriter:
    """Open ``path`` for rows of ``spec.lake_schema``; statistics where a reader prunes by them."""
    statistics = list(dict.fromkeys([*bounded_columns(spec), *LINEAGE.names]))
    return pq.ParquetWriter(path, spec.lake_schema, compression="zstd", write_statistics=statistics)


def bounds_of(rows: pa.Table, names: tuple[str, ...]) -> Bounds:
    """Return the bounds of the columns ``names``."""
    found = {}
    for name in names:
        column = rows.column(name)
        if len(column) and column.null_count == 0:
            ends = pc.min_max(column).as_py()
            found[name] = (ends["min"], ends["max"])
    return found


def joined_bounds(parts: list[Bounds]) -> Bounds:
    """Return bounds that hold for all ``parts``; a column that one of them lacks is left out."""
    shared = set(parts[0]).intersection(*parts[1:]) if parts else set()
    return {
        name: (min(part[name][0] for part in parts), max(part[name][1] for part in parts))
        for name in sorted(shared)
    }


def may_meet(left: Bounds, right: Bounds) -> bool:
    """Tell whether rows within ``left`` and rows within ``right`` can have equal keys."""
    return all(
        left[name][0] <= right[name][1] and right[name][0] <= left[name][1] for name in set(left) & set(right)
    )


def delta_statistics(file: DataFile) -> dict[str, Any]:
    """Return the statistics of ``file`` as the Delta protocol writes them (times cut to milliseconds)."""
    return {
        "numRecords": file.rows,
        "minValues": {name: _delta_value(low, math.floor) for name, (low, _) in file.bounds.items()},
        "maxValues": {name: _delta_value(high, math.ceil) for name, (_, high) in file.bounds.items()},
        "nullCount": dict.fromkeys(file.bounds, 0),
    }


def _delta_value(value: Any, whole: Any) -> Any:
    if isinstance(value, datetime):
        shifted = value.replace(microsecond=0), whole(value.microsecond / 1000)
        at = datetime.fromtimestamp(shifted[0].timestamp() + shifted[1] / 1000, tz=value.tzinfo)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _groups(rows: pa.Table, spec: TableSpec) -> Iterator[pa.Table]:
    names = list(dict.fromkeys(["bucket", *spec.key, "revision", "source_line"]))
    order = pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in names])
    buckets = rows.column("bucket").take(order).to_numpy()
    edges = [0, *(np.flatnonzero(np.diff(buckets)) + 1).tolist(), len(rows)]
    fixed = _fixed_lists(rows)
    for low, high in pairwise(edges):
        for start in range(low, high, ROW_GROUP_ROWS):
            places = order.slice(start, min(ROW_GROUP_ROWS, high - start))
            yield fixed.take(places).cast(spec.lake_schema)


def _fixed_lists(rows: pa.Table) -> pa.Table:
    """Return ``rows`` with lists of one length as fixed-size lists: taking rows of them is far faster."""
    for place, each in enumerate(rows.schema):
        column = rows.column(place)
        if pa.types.is_list(each.type) and len(column) and not column.null_count:
            ends = pc.min_max(pc.list_value_length(column)).as_py()
            if ends["min"] == ends["max"] > 0:
                type_ = pa.list_(each.type.value_field, ends["max"])
                rows = rows.set_column(place, pa.field(each.name, type_, False), column.cast(type_))
    return rows


def lake_rows(table: str, rows: pa.Table, lineage: Mapping[str, Any]) -> pa.Table:
    """Return ``rows`` in the stored schema of ``table``; ``lineage`` gives arrays or single values."""
    schema = TABLES[table].lake_schema
    arrays = [
        rows.column(field.name) if field.name in rows.column_names else _filled(lineage[field.name], rows)
        for field in schema
    ]
    return pa.Table.from_arrays(
        [array.cast(field.type) for array, field in zip(arrays, schema, strict=True)], schema=schema
    )


def _filled(value: Any, rows: pa.Table) -> Any:
    if isinstance(value, pa.Array | pa.ChunkedArray):
        return value
    return pa.repeat(pa.scalar(value), len(rows))
