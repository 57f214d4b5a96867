"""Rows on their way in: buffered to bounded chunks, each written as one finished data file."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from minewatch.lake.buckets import CustomerBuckets, row_buckets, with_buckets
from minewatch.lake.parquet import DataFile, lake_rows, write_data_file
from minewatch.lake.writer import Transaction
from minewatch.schema.tables import TABLES

CHUNK_BYTES = 96 << 20
CHUNK_ROWS = 1 << 20


@dataclass
class Stage:
    """Chunks of one transaction. Memory stays near twice ``chunk_bytes`` for each table being filled."""

    transaction: Transaction
    customers: CustomerBuckets
    buckets: int
    chunk_bytes: int = CHUNK_BYTES
    files: dict[str, list[DataFile]] = field(default_factory=lambda: defaultdict(list))
    _waiting: dict[str, list[pa.Table]] = field(default_factory=lambda: defaultdict(list))

    def add(self, table: str, rows: pa.Table, lineage: Mapping[str, Any]) -> None:
        """Take rows of ``table``; ``lineage`` fills the stored columns that ``rows`` lack."""
        if not len(rows):
            return
        defaults = {"revision": self.transaction.revision, "bucket": 0}
        waiting = self._waiting[table]
        waiting.append(lake_rows(table, rows, {**defaults, **lineage}))
        is_full = sum(part.nbytes for part in waiting) >= self.chunk_bytes
        if is_full or sum(map(len, waiting)) >= CHUNK_ROWS:
            self._write(table)

    def flush(self) -> None:
        """Write what is still waiting."""
        for table in list(self._waiting):
            self._write(table)

    def _write(self, table: str) -> None:
        parts = self._waiting.pop(table)
        rows = pa.concat_tables(parts).combine_chunks()
        parts.clear()
        placed = with_buckets(rows, row_buckets(table, rows, self.customers, self.buckets))
        del rows
        self.files[table].append(write_data_file(self.transaction.new_file(), placed, TABLES[table]))
