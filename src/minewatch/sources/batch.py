"""What a reader gives: batches of canonical rows, and what it put aside with the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from minewatch.schema.columns import column
from minewatch.schema.reasons import Reason

SOURCE_LINE = column("source_line", pa.int64(), "line or record number in the file, from 1", required=True)
SOURCE_ROWS = column(
    "source_rows", pa.int64(), "rows of the file that this row was made of", unit="1", required=True
)


@dataclass(frozen=True)
class Reject:
    """A row, or one cell of a row that is otherwise taken, put aside.

    ``line`` counts from 1 as an editor shows it (a record number in binary files). ``column`` is the
    file's own name of the column. ``row`` is the whole row as the file has it, to correct and submit again.
    ``member`` names the file inside a zip archive.
    ``cell_only`` is True where the rest of the row was taken; ``source_rows`` is then 0.
    """

    line: int
    reason: Reason
    column: str | None = None
    value: str | None = None
    row: Mapping[str, str | None] | None = None
    cell_only: bool = False
    source_rows: int = 1
    member: str | None = None


@dataclass(frozen=True)
class Batch:
    """Rows for one canonical table.

    ``rows`` has the columns of ``minewatch.schema.tables.TABLES[table].schema``, then ``source_line`` and
    ``source_rows``. Rows of the file that the batch accounts for: the sum of ``source_rows`` over ``rows``
    and ``rejected``. ``bytes_done`` says how far in the file the reader is, for progress (monotone).
    """

    table: str
    rows: pa.Table
    rejected: Sequence[Reject] = ()
    bytes_done: int = 0
    notes: Sequence[Reason] = field(default=())


def batch_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema of ``Batch.rows`` for a canonical table's schema."""
    return pa.schema([*schema, SOURCE_LINE, SOURCE_ROWS])
