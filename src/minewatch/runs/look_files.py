"""What files other than captures show: flow logs as they are read, readings when all files were read.

Readings are gathered first, because a customer's days may lie in several files. Customer archives among the
files help to judge them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from minewatch.detect.pools.pool_flows import judged_rows
from minewatch.runs.look_captures import Judging
from minewatch.runs.look_quiet import QuietFlows
from minewatch.runs.look_records import flow_records
from minewatch.runs.look_sights import ARCHIVE, FLOWS, READINGS, PutAside, Sight, Watcher
from minewatch.schema.reasons import Reason
from minewatch.schema.tables import TABLES
from minewatch.sources.batch import Batch
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise


class FileLook:
    """Looks at one file after the other; ``readings`` are judged at the end."""

    def __init__(self, options: ReadOptions, judging: Judging, watcher: Watcher) -> None:
        self._options, self._judging, self._watcher = options, judging, watcher
        self._gathered = _Gathered()

    def look_at(self, path: Path) -> Sight | None:
        """Return what a file shows; None for one with readings. Raises UnreadableFile and OSError."""
        found = recognise(path, self._options)
        table, looked_at = found.table, 0
        put_aside: dict[str, PutAside] = {}
        records: list[dict[str, Any]] = []
        notes: list[Reason] = []
        quiet = QuietFlows(self._judging.block_times, self._judging.zone)
        for batch in found.reader(path, self._options):
            table = READINGS if READINGS in (table, batch.table) else batch.table
            looked_at += len(batch.rows)
            for reject in batch.rejected:
                number, first = put_aside.get(reject.reason.code, (0, reject))
                put_aside[reject.reason.code] = PutAside(number + 1, first)
            notes += batch.notes
            if batch.table == FLOWS:
                records += self._flow_records(path, batch)
                quiet.take(batch.rows)
            else:
                self._gathered.take(path, batch)
            self._watcher.read(path, batch.bytes_done)
        records += quiet.records(str(path), self._judging.language)
        sight = Sight(path, table, looked_at, records, put_aside, notes)
        if table != READINGS:
            return sight
        self._gathered.put_down(sight)
        return None

    def readings(self) -> Iterator[Sight]:
        """Yield what the readings of all files show, file by file."""
        self._watcher.judging(self._gathered.rows)
        yield from self._gathered.sights(self._options.zone, self._judging.language)

    def _flow_records(self, path: Path, batch: Batch) -> Iterator[dict[str, Any]]:
        found = judged_rows(batch.rows, pools=self._judging.pools)
        return flow_records(str(path), found, self._judging.language)


class _Gathered:
    """Readings and archives of all files."""

    def __init__(self) -> None:
        self._readings: dict[Path, list[pa.Table]] = {}
        self._archives: list[pa.Table] = []
        self._sights: dict[Path, Sight] = {}

    @property
    def rows(self) -> int:
        """Rows of readings gathered."""
        return sum(len(table) for tables in self._readings.values() for table in tables)

    def take(self, path: Path, batch: Batch) -> None:
        """Keep the rows of a batch of readings or of an archive."""
        rows = batch.rows.select(TABLES[batch.table].schema.names)
        if batch.table == READINGS:
            self._readings.setdefault(path, []).append(rows)
        elif batch.table == ARCHIVE:
            self._archives.append(rows)

    def put_down(self, sight: Sight) -> None:
        """Keep what is known of a file with readings until they are judged."""
        self._sights[sight.path] = sight

    def sights(self, zone: ZoneInfo, language: str) -> Iterator[Sight]:
        """Yield the judged readings, file by file."""
        if not self._sights:
            return
        from minewatch.runs.look_readings import reading_records  # loads the whole scan

        tables = {str(path): pa.concat_tables(parts) for path, parts in self._readings.items()}
        archive = pa.concat_tables(self._archives) if self._archives else None
        by_file: dict[str, list[dict[str, Any]]] = {}
        for record in reading_records(tables, archive, zone, language):
            by_file.setdefault(record["file"], []).append(record)
        for path, sight in self._sights.items():
            records = by_file.get(str(path), [])
            yield Sight(path, READINGS, len(records), records, sight.put_aside, sight.notes)
