"""Taking readings into an empty lake, with hashing, checks and ledger, against a bare copy of the file."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.readings import readings_file
from benchmarks.registry import Job, register
from minewatch.runs.ingest import Headway, Outcome, Settings, ingest, open_or_create
from minewatch.schema.tables import TABLES

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Unwatched:
    """Nobody watches the ingest."""

    def planned(self, files: int, bytes_: int) -> None:
        """Say nothing."""

    def started(self, path: Path) -> None:
        """Say nothing."""

    def read(self, headway: Headway) -> None:
        """Say nothing."""

    def finished(self, outcome: Outcome, bytes_: int) -> None:
        """Say nothing."""


def foreign_file(folder: Path, customers: int) -> Path:
    """Return readings as a utility would hand them over: canonical columns, no lineage."""
    path = folder / f"foreign-{customers}.parquet"
    if not path.is_file():
        attempt = path.with_suffix(".part")
        schema = TABLES["interval_readings"].schema
        with pq.ParquetWriter(attempt, schema, compression="zstd") as writer:
            for batch in _batches(readings_file(folder, customers), schema.names):
                writer.write_batch(batch)
        attempt.rename(path)
    return path


def _batches(path: Path, columns: list[str]) -> Iterator[object]:
    return pq.ParquetFile(path).iter_batches(50_000, columns=columns)


def into_an_empty_lake(path: Path) -> None:
    """Ingest the file; raises where it was not taken whole."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        lake = open_or_create(Path(folder) / "lake", Settings())
        (outcome,) = ingest(lake, [path], Settings(), AT, Unwatched())
        if outcome.result is None or outcome.result.quarantined:
            raise RuntimeError(f"the file was not taken whole: {outcome}")


def duckdb_copy(path: Path) -> None:
    """Copy the file with DuckDB to zstd Parquet."""
    import duckdb

    folder = Path(tempfile.mkdtemp(dir=path.parent))
    try:
        duckdb.sql(f"COPY (FROM '{path}') TO '{folder / 'copy.parquet'}' (COMPRESSION zstd)")
    finally:
        shutil.rmtree(folder)


register(
    Job(
        name="ingest",
        sizes=(200, 2000),
        unit="customer-years of 15-minute readings",
        prepare=foreign_file,
        job=into_an_empty_lake,
        floor=duckdb_copy,
        floor_name="DuckDB COPY",
        peak_bar_mb=1500,
    )
)
