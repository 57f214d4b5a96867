"""A lake: Delta tables under one commit log, read by snapshot and written by transaction."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from minewatch.lake import delta
from minewatch.lake.buckets import CustomerBuckets, customer_buckets, row_buckets, with_buckets
from minewatch.lake.commits import DRAFT, CommitLog, Snapshot, publish
from minewatch.lake.compaction import compact
from minewatch.lake.failures import ForeignFormatError, LakeExistsError, NoLakeError
from minewatch.lake.parquet import DataFile, lake_rows, write_data_file
from minewatch.lake.writer import COMMITS, Transaction, transaction
from minewatch.schema.slices import read_slice
from minewatch.schema.steps import PartResult, TableSlice
from minewatch.schema.tables import TABLES

FORMAT = 1
DEFAULT_BUCKETS = 32
DEFAULT_WAIT_S = 600.0
_BATCH_ROWS = 131_072


class Lake:
    """The lake in the folder ``path``. Days are local days of ``zone``; rows are spread over ``buckets``."""

    def __init__(self, path: Path, zone: ZoneInfo, buckets: int) -> None:
        self.path = path
        self.zone = zone
        self.buckets = buckets
        self._log = CommitLog(path / COMMITS)
        # A version never changes once it is committed, so what was read of it stays true.
        self._files_at = lru_cache(maxsize=256)(self._list_files)
        self._customers_at = lru_cache(maxsize=1)(self._read_customers)

    @classmethod
    def create(cls, path: Path | str, zone: ZoneInfo, buckets: int = DEFAULT_BUCKETS) -> "Lake":
        """Make an empty lake in a new or empty folder, or where making one broke off.

        Raises ``LakeExistsError``.
        """
        folder = Path(path).absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(entry.suffix != DRAFT for entry in folder.iterdir()):
                raise LakeExistsError(folder)
            record = {"format": FORMAT, "zone": zone.key, "buckets": buckets}
            publish(folder / "lake.json", json.dumps(record))
        except FileExistsError as error:
            raise LakeExistsError(folder) from error
        return cls(folder, zone, buckets)

    @classmethod
    def open(cls, path: Path | str) -> "Lake":
        """Open the lake in ``path``. Raises ``NoLakeError``, ``ForeignFormatError``."""
        folder = Path(path).absolute()
        try:
            settings = json.loads((folder / "lake.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NoLakeError(folder) from error
        except ValueError as error:
            raise ForeignFormatError(folder, "?") from error
        if settings.get("format") != FORMAT:
            raise ForeignFormatError(folder, settings.get("format"))
        return cls(folder, ZoneInfo(settings["zone"]), settings["buckets"])

    def snapshot(self, revision: int | None = None) -> Snapshot:
        """Return what commit ``revision`` (default: the newest) left. Raises ``NoRevisionError``."""
        return self._log.newest() if revision is None else self._log.read(revision)

    def files(self, snapshot: Snapshot, table: str) -> tuple[DataFile, ...]:
        """Return the data files of ``table`` in ``snapshot``, oldest first."""
        version = snapshot.versions.get(table)
        return () if version is None else self._files_at(table, version)

    def slice(
        self,
        snapshot: Snapshot,
        table: str,
        where: Mapping[str, tuple[str, str]] | None = None,
        bucket: int | None = None,
    ) -> TableSlice:
        """Return the files of ``table`` that can hold rows within ``where`` (ISO text, high end excluded).

        ``bucket`` bounds the rows to one partition. Raises KeyError for an unknown table or column.
        """
        bounds = {name: _ends(table, name, ends) for name, ends in (where or {}).items()}
        files = [file for file in self.files(snapshot, table) if _may_hold(file, bounds)]
        paths = tuple(str(file.path) for file in files)
        return TableSlice(table, snapshot.versions.get(table, -1), paths, dict(where or {}), bucket)

    def read(
        self,
        snapshot: Snapshot,
        table: str,
        where: Mapping[str, tuple[str, str]] | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return the valid rows of ``table`` within ``where``, ordered by key."""
        return read_slice(self.slice(snapshot, table, where), columns)

    def rows(self, snapshot: Snapshot, table: str) -> int:
        """Return the number of valid rows of ``table``."""
        return snapshot.rows.get(table, 0)

    def customers(self, snapshot: Snapshot) -> CustomerBuckets:
        """Return the bucket of each customer of the archive."""
        return self._customers_at(snapshot.versions.get("usage_points"))

    @contextmanager
    def writing(self, verb: str, at: datetime, wait_s: float = DEFAULT_WAIT_S) -> Iterator[Transaction]:
        """Hold the lake's lock for one transaction. Raises ``LakeBusyError``, ``DiskFullError``."""
        with transaction(self.path, verb, at, wait_s) as staged:
            yield staged

    def commit(self, transaction: Transaction, rows: Mapping[str, int]) -> Snapshot:
        """Commit ``transaction``, and merge small files of the tables that it changes.

        ``rows``: number of valid rows of each changed table.
        """
        for table in transaction.tables():
            compact(transaction, table, self.files(transaction.base, table))
        return transaction.commit(rows)

    def append(
        self,
        parts: Mapping[str, Sequence[PartResult] | pa.Table],
        verb: str,
        at: datetime,
        source_id: str = "",
    ) -> Snapshot:
        """Append what a run made to several tables, as one commit.

        ``parts`` gives for each table the Parquet files that an engine wrote (they stay where they are) or
        rows, both in the table's own schema. Of rows with one key the last appended is valid. ``source_id``
        names the run in the rows' lineage. Raises ``LakeBusyError``, ``DiskFullError``.
        """
        with self.writing(verb, at) as staged:
            tables = {table: rows for table, rows in parts.items() if len(rows)}
            for table, rows in tables.items():
                for file in self._staged(staged, table, rows, source_id):
                    staged.add(table, file)
            return self.commit(staged, {table: self._rows_after(staged, table) for table in tables})

    def _staged(
        self, staged: Transaction, table: str, rows: Sequence[PartResult] | pa.Table, source_id: str
    ) -> Iterator[DataFile]:
        spec, first_line = TABLES[table], 1
        for chunk in _chunks(rows):
            lines = pa.array(range(first_line, first_line + len(chunk)), pa.int64())
            first_line += len(chunk)
            lineage = {"source_id": source_id, "source_line": lines, "revision": staged.revision}
            stored = lake_rows(table, chunk, {**lineage, "bucket": 0, "source_rows": 0})
            buckets = row_buckets(table, stored, self.customers(staged.base), self.buckets)
            yield write_data_file(staged.new_file(), with_buckets(stored, buckets), spec)

    def _rows_after(self, staged: Transaction, table: str) -> int:
        files = [*self.files(staged.base, table), *staged.added(table)]
        paths = tuple(str(file.path) for file in files)
        key = TABLES[table].key
        return read_slice(TableSlice(table, -1, paths), key[:1]).num_rows

    def _read_customers(self, version: int | None) -> CustomerBuckets:
        snapshot = Snapshot(-1, {} if version is None else {"usage_points": version})
        archive = self.read(snapshot, "usage_points", columns=["usage_point_id", "transformer_id"])
        return customer_buckets(archive, self.buckets)

    def _list_files(self, table: str, version: int) -> tuple[DataFile, ...]:
        return delta.files_at(self.path / table, TABLES[table], version)


def _chunks(rows: Sequence[PartResult] | pa.Table) -> Iterator[pa.Table]:
    if isinstance(rows, pa.Table):
        yield rows
        return
    for part in rows:
        with pq.ParquetFile(part.path) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
                yield pa.Table.from_batches([batch])


def _ends(table: str, name: str, ends: tuple[str, str]) -> tuple[Any, Any]:
    type_ = TABLES[table].schema.field(name).type
    read: Callable[[str], Any] = str
    if pa.types.is_date(type_):
        read = date.fromisoformat
    elif pa.types.is_timestamp(type_):
        read = datetime.fromisoformat
    return read(ends[0]), read(ends[1])


def _may_hold(file: DataFile, bounds: Mapping[str, tuple[Any, Any]]) -> bool:
    return all(
        file.bounds[name][0] < high and low <= file.bounds[name][1]
        for name, (low, high) in bounds.items()
        if name in file.bounds
    )
