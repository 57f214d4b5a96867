"""The task that every engine runs: read a partition, compute, write one Parquet file, whole or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from minewatch.engines.chunks import chunks_of
from minewatch.schema.steps import Partition, PartResult, Step
from minewatch.schema.tables import TABLES


@dataclass(frozen=True)
class PartTask:
    """Runs ``step`` on one partition and writes its rows to ``folder``; goes to workers by pickle.

    The file holds ``TABLES[step.output].schema``, ordered by that table's key, and the same bytes wherever
    and however often it is made.
    """

    step: Step
    parameters: Mapping[str, Any]
    folder: str

    def __call__(self, partition: Partition) -> PartResult:
        """Return what was written. Raises what the step raises, with the step and partition in a note."""
        try:
            # By map, which keeps no chunk while the next is read.
            tables = list(map(self._computed, chunks_of(self.step, partition)))
            rows = _ordered(self.step.output, tables)
        except Exception as error:
            error.add_note(f"in step {self.step.name} on partition {partition.partition_id}")
            raise
        path = Path(self.folder) / f"{quote(partition.partition_id, safe='')}.parquet"
        write_whole(rows, path)
        return PartResult(partition.partition_id, str(path), rows.num_rows, path.stat().st_size)

    def _computed(self, chunk: Mapping[str, pa.Table]) -> pa.Table:
        return self.step.function(chunk, self.parameters)


def _ordered(output: str, tables: list[pa.Table]) -> pa.Table:
    spec = TABLES[output]
    names = spec.schema.names
    rows = pa.concat_tables([table.select(names).cast(spec.schema) for table in tables])
    return rows.sort_by([(name, "ascending") for name in spec.key])


def write_whole(rows: pa.Table, path: Path) -> None:
    """Write ``rows`` as zstd Parquet to ``path``: under a name of this try, then renamed.

    So a reader never sees half a file, and two workers that try the same partition do not disturb each other.
    The folder must be there: one made here, on a worker that does not share it, would hide the rows.
    """
    attempt = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with attempt.open("xb") as file:
            pq.write_table(rows, file, compression="zstd")
        attempt.replace(path)
    finally:
        attempt.unlink(missing_ok=True)
