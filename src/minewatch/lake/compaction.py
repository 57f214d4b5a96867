"""Many small files into one, so that a table fed daily stays quick to open; no row is lost or changed."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from minewatch.lake.parquet import DataFile, write_data_file
from minewatch.lake.writer import Transaction
from minewatch.schema.tables import TABLES

SMALL_BYTES = 1 << 20
MOST_SMALL = 32
"""Together at most 32 MB as stored: what is read to merge them stays a fraction of a chunk's memory."""


def compact(transaction: Transaction, table: str, existing: Sequence[DataFile]) -> None:
    """Merge the small ones of the ``existing`` files of ``table`` if there are more than ``MOST_SMALL``."""
    staying = set(existing) - set(transaction.removed(table))
    small = [file for file in existing if file in staying and file.path.stat().st_size < SMALL_BYTES]
    if len(small) <= MOST_SMALL:
        return
    spec = TABLES[table]
    parts = [pq.read_table(file.path, use_threads=False, schema=spec.lake_schema) for file in small]
    rows = pa.concat_tables(parts).combine_chunks()
    transaction.add(table, write_data_file(transaction.new_file(), rows, spec))
    for file in small:
        transaction.remove(table, file)
