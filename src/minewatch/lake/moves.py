"""Customers whose transformer became known or changed: their stored rows go to the right bucket."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from minewatch.lake.buckets import CustomerBuckets, with_buckets
from minewatch.lake.parquet import DataFile, bounds_of, may_meet, write_data_file
from minewatch.schema.tables import TABLES, Layout, TableSpec

_ID = "usage_point_id"

CUSTOMER_TABLES = tuple(
    name for name, spec in TABLES.items() if spec.layout is Layout.BUCKET and _ID in spec.schema.names
)
"""Tables whose rows stand in the bucket of their customer."""


@dataclass(frozen=True)
class Moves:
    """Customers that leave their bucket: ``ids`` (string) and the ``buckets`` they go to (int32)."""

    ids: pa.Array
    buckets: pa.Array


def moves(archive: Sequence[DataFile], customers: CustomerBuckets, count: int) -> Moves:
    """Return who moves by the new archive rows in the files ``archive``; ``customers`` is how it was."""
    columns = [_ID, "bucket"]
    parts = [pq.read_table(file.path, columns=columns, use_threads=False) for file in archive]
    rows = pa.concat_tables(parts).combine_chunks()
    ids, buckets = (rows.column(name).combine_chunks() for name in columns)
    moved = pc.not_equal(customers.of(ids, count), buckets)
    return Moves(ids.filter(moved), buckets.filter(moved))


def moved_file(file: DataFile, who: Moves, spec: TableSpec, path: Path) -> DataFile | None:
    """Write ``file`` anew to ``path`` with the rows of ``who`` in their new buckets; None: it has none."""
    if not len(who.ids) or not may_meet(file.bounds, bounds_of(pa.table({_ID: who.ids}), (_ID,))):
        return None
    places = pq.read_table(file.path, columns=[_ID, "bucket"], use_threads=False).combine_chunks()
    buckets = places.column("bucket").combine_chunks()
    found = pc.index_in(places.column(_ID).combine_chunks(), value_set=who.ids)
    targets = pc.coalesce(who.buckets.take(found), buckets)
    if targets.equals(buckets):
        return None
    rows = pq.read_table(file.path, use_threads=False, schema=spec.lake_schema)
    return write_data_file(path, with_buckets(rows, targets), spec)
