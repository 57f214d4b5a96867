"""Reading the rows of a table slice from its Parquet files: row groups pruned, latest revisions only."""

from collections.abc import Sequence

import pyarrow as pa

from minewatch.schema.steps import TableSlice


def read_slice(table_slice: TableSlice, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the valid rows of ``table_slice``, ordered by the table's key, without lineage columns."""
    raise NotImplementedError
