"""Which bucket a row belongs in: its transformer's, so that one partition holds it with its customers.

Flows go by their capture (a file or a sensor), so that what is known of one stands together.
"""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.schema.ids import buckets_of
from minewatch.schema.tables import TABLES, Layout

_ID, _TRANSFORMER = "usage_point_id", "transformer_id"


@dataclass(frozen=True)
class CustomerBuckets:
    """The bucket of each customer of the archive: ``ids`` (string) and ``buckets`` (int32), row by row."""

    ids: pa.Array
    buckets: pa.Array

    def of(self, ids: pa.Array, count: int) -> pa.Array:
        """Return the bucket of each of ``ids``; one that the archive lacks has the bucket of its own name."""
        encoded = ids.dictionary_encode()
        wanted = encoded.dictionary
        # The archive may be far larger than the chunk: hash the chunk's few names, not the archive's.
        known = pc.is_in(self.ids, value_set=wanted)
        places = pc.index_in(wanted, value_set=self.ids.filter(known))
        buckets = pc.coalesce(self.buckets.filter(known).take(places), hashed(wanted, count))
        return buckets.take(encoded.indices)


def customer_buckets(archive: pa.Table, count: int) -> CustomerBuckets:
    """Return the buckets of the customers in ``archive`` (columns of usage_points)."""
    return CustomerBuckets(_whole(archive, _ID), _of_archive(archive, count))


def row_buckets(table: str, rows: pa.Table, customers: CustomerBuckets, count: int) -> pa.Array:
    """Return the bucket (int32) of each of ``rows``, which have the stored columns of ``table``."""
    spec = TABLES[table]
    if spec.layout is Layout.WHOLE:
        return pa.repeat(pa.scalar(0, pa.int32()), len(rows))
    if spec.layout is Layout.CAPTURE:
        return hashed(_whole(rows, "capture"), count)
    if table == "usage_points":
        return _of_archive(rows, count)
    if _TRANSFORMER in spec.key:
        return hashed(_whole(rows, _TRANSFORMER), count)
    return customers.of(_whole(rows, _ID), count)


def with_buckets(rows: pa.Table, buckets: pa.Array) -> pa.Table:
    """Return ``rows`` with their column ``bucket`` replaced."""
    place = rows.schema.get_field_index("bucket")
    return rows.set_column(place, rows.schema.field(place), buckets)


def hashed(keys: pa.Array, count: int) -> pa.Array:
    """Return ``bucket_of`` of each of ``keys`` (int32); null for null."""
    encoded = keys.dictionary_encode()
    buckets = pa.array(buckets_of(encoded.dictionary.to_pylist(), count), pa.int32())
    return buckets.take(encoded.indices)


def _of_archive(rows: pa.Table, count: int) -> pa.Array:
    of_transformer = hashed(_whole(rows, _TRANSFORMER), count)
    if not of_transformer.null_count:
        return of_transformer
    return pc.coalesce(of_transformer, hashed(_whole(rows, _ID), count))


def _whole(rows: pa.Table, name: str) -> pa.Array:
    return rows.column(name).combine_chunks()
