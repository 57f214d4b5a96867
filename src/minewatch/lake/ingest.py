"""One file into the lake as one commit: stage, compare, put aside, move buckets, write the ledger."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from minewatch.lake.commits import Snapshot
from minewatch.lake.comparison import Comparison, Counts
from minewatch.lake.lake import DEFAULT_WAIT_S, Lake
from minewatch.lake.moves import CUSTOMER_TABLES, moved_file, moves
from minewatch.lake.parquet import DataFile
from minewatch.lake.quarantine import Origin, contradiction_rejects, quarantine_rows, resolved
from minewatch.lake.source import Reconciliation, SourceFile
from minewatch.lake.staging import Stage
from minewatch.lake.writer import Transaction
from minewatch.schema.reasons import Reason
from minewatch.schema.tables import INGESTED, TABLES
from minewatch.sources.batch import Batch, Reject

VERB = "ingest"


@dataclass(frozen=True)
class Foreign:
    """A file and how it is read: name and version of the reader, and the batches that it yields."""

    source: SourceFile
    format: str
    reader_version: str
    batches: Iterable[Batch]
    resubmitted: frozenset[str] = frozenset()
    """Ids of the quarantined rows that the file corrects."""
    told: str = ""
    """What the user said of the file, as JSON; another word on the same bytes has them read again."""


@dataclass(frozen=True)
class Headway:
    """How far the reading of one file is: rows of the file seen, and bytes."""

    rows: int
    bytes_done: int


def known(lake: Lake, snapshot: Snapshot, foreign: Foreign) -> Reconciliation | None:
    """Return what became of the same bytes before; None where they are new, or the user says more of them."""
    ledger = _ledger(lake, snapshot, foreign.source.source_id)
    if not ledger or foreign.told not in ("", ledger[0]["told"]):
        return None
    names = ("format", "rows_in", "accepted", "corrected", "duplicate", "quarantined", "cells_put_aside")
    same = {name: ledger[0][name] for name in (*names, "notes")}
    tables = ledger[0]["table"].split(",") if ledger[0]["table"] else []
    return Reconciliation(foreign.source, tables=tables, **same, is_known=True)


def ingest_file(
    lake: Lake,
    foreign: Foreign,
    at: datetime,
    progress: Callable[[Headway], None] = lambda _: None,
    wait_s: float = DEFAULT_WAIT_S,
) -> Reconciliation:
    """Take one file into ``lake`` as one commit and return what became of its rows.

    The same bytes again are not read. Nothing of the file is in the lake if this raises: what the reader
    raises, ``LakeBusyError``, ``DiskFullError``, ``FileChangedError``.
    """
    if again := known(lake, lake.snapshot(), foreign):
        return again
    with lake.writing(VERB, at, wait_s) as transaction:
        if again := known(lake, transaction.base, foreign):
            return again
        return _Ingest(lake, transaction, foreign).run(progress)


class _Ingest:
    """The steps of one file, in the order of ``run``."""

    def __init__(self, lake: Lake, transaction: Transaction, foreign: Foreign) -> None:
        self._lake = lake
        self._transaction = transaction
        self._foreign = foreign
        self._stage = Stage(transaction, lake.customers(transaction.base), lake.buckets)
        self._notes: list[Reason] = []
        self._seen = 0
        self._cells = 0
        self._put_aside_rows = 0
        self._tables: set[str] = set()
        self._counts: dict[str, Counts] = {}

    def run(self, progress: Callable[[Headway], None]) -> Reconciliation:
        for batch in self._foreign.batches:
            self._take(batch)
            progress(Headway(self._seen, batch.bytes_done))
        self._foreign.source.check_unchanged()
        self._stage.flush()
        for table in self._ingested():
            self._compare(table)
        self._move_customers()
        self._resolve()
        self._stage.flush()
        result = self._reconciliation()
        self._commit(result)
        return result

    def _ingested(self) -> list[str]:
        return sorted(set(self._stage.files) & set(INGESTED))

    def _take(self, batch: Batch) -> None:
        self._tables.add(batch.table)
        self._notes.extend(batch.notes)
        self._seen += pc.sum(batch.rows.column("source_rows")).as_py() or 0
        self._seen += sum(reject.source_rows for reject in batch.rejected if not reject.cell_only)
        self._stage.add(batch.table, batch.rows, {"source_id": self._foreign.source.source_id})
        self._put_aside(batch.table, batch.rejected)

    def _put_aside(self, table: str, rejects: Sequence[Reject]) -> None:
        origin = Origin(self._foreign.source, table, self._foreign.told)
        rows = quarantine_rows(origin, rejects, self._put_aside_rows)
        self._cells += sum(reject.cell_only for reject in rejects)
        self._put_aside_rows += len(rows)
        self._stage.add("quarantine", rows, {})

    def _compare(self, table: str) -> None:
        files, spec = self._stage.files[table], TABLES[table]
        comparison = Comparison(spec, files, self._transaction.staging / "spill")
        try:
            comparison.find_repeats()
            comparison.find_known(self._lake.files(self._transaction.base, table))
            for rows in comparison.contradictions():
                self._put_aside(table, contradiction_rejects(table, rows))
            kept = [comparison.without_dropped(file, self._transaction.new_file()) for file in files]
            self._stage.files[table] = [file for file in kept if file is not None]
            for rows in comparison.merged_rows():
                self._stage.add(table, rows, {})
            self._stage.flush()
            self._counts[table] = comparison.counts()
        finally:
            comparison.close()

    def _move_customers(self) -> None:
        archive = self._stage.files.get("usage_points")
        if not archive:
            return
        transaction, base = self._transaction, self._transaction.base
        who = moves(archive, self._lake.customers(base), self._lake.buckets)
        for table in CUSTOMER_TABLES:
            for file in self._lake.files(base, table):
                if moved := moved_file(file, who, TABLES[table], transaction.new_file()):
                    transaction.remove(table, file)
                    transaction.add(table, moved)
            self._stage.files[table] = [
                moved_file(file, who, TABLES[table], transaction.new_file()) or file
                for file in self._stage.files[table]
            ]

    def _resolve(self) -> None:
        if self._foreign.resubmitted or self._foreign.told:
            base = self._lake.read(self._transaction.base, "quarantine")
            rows = resolved(base, self._foreign.resubmitted, self._foreign.source.source_id)
            self._stage.add("quarantine", rows, {"source_line": rows.column("line"), "source_rows": 0})

    def _reconciliation(self) -> Reconciliation:
        counts = self._counts.values()
        files = self._stage.files
        return Reconciliation(
            source=self._foreign.source,
            format=self._foreign.format,
            tables=sorted(self._tables),
            rows_in=self._seen,
            accepted=sum(_source_rows(files[table]) for table in self._ingested()),
            corrected=sum(each.corrected for each in counts),
            duplicate=sum(each.duplicate for each in counts),
            quarantined=_source_rows(files["quarantine"]),
            cells_put_aside=self._cells,
            notes=[note.as_row() for note in self._notes],
        )

    def _commit(self, result: Reconciliation) -> None:
        transaction = self._transaction
        entry = pa.Table.from_pylist([self._ledger_entry(result)], schema=TABLES["files"].schema)
        self._stage.add("files", entry, {"source_line": 0, "source_rows": 0})
        self._stage.flush()
        for table, files in self._stage.files.items():
            for file in files:
                transaction.add(table, file)
        self._lake.commit(transaction, {table: self._rows_after(table) for table in self._stage.files})

    def _ledger_entry(self, result: Reconciliation) -> dict[str, object]:
        return {
            "source_id": result.source.source_id,
            "file_name": result.source.name,
            "bytes": result.source.bytes,
            "format": result.format,
            "reader_version": self._foreign.reader_version,
            "table": ",".join(result.tables),
            "rows_in": result.rows_in,
            "accepted": result.accepted,
            "corrected": result.corrected,
            "duplicate": result.duplicate,
            "quarantined": result.quarantined,
            "cells_put_aside": result.cells_put_aside,
            "notes": result.notes,
            "told": self._foreign.told,
            "revision": self._transaction.revision,
            "ingested_at": self._transaction.at,
        }

    def _rows_after(self, table: str) -> int:
        before = self._transaction.base.rows.get(table, 0)
        if table == "quarantine":
            return before + self._put_aside_rows
        if table == "files":
            source_id = self._foreign.source.source_id
            return before + (not _ledger(self._lake, self._transaction.base, source_id))
        replaced = self._counts[table].replaced if table in self._counts else 0
        return before + sum(file.rows for file in self._stage.files[table]) - replaced


def _ledger(lake: Lake, snapshot: Snapshot, source_id: str) -> list[dict[str, Any]]:
    where = {"source_id": (source_id, f"{source_id}~")}
    return lake.read(snapshot, "files", where).to_pylist()


def _source_rows(files: Sequence[DataFile]) -> int:
    columns = (pq.read_table(file.path, columns=["source_rows"], use_threads=False) for file in files)
    return sum(pc.sum(rows.column(0)).as_py() or 0 for rows in columns)
