"""What captures, flow logs and reading files show, without a lake: one pass over each file.

Flows are judged file by file as they are read. Readings are gathered first, because a customer's days may lie
in several files, and judged at the end. Customer archives among the files help to judge readings.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa

from minewatch.detect.pools.pool_list import PoolList
from minewatch.runs.look_captures import flow_records
from minewatch.runs.look_given import BadGivenFile
from minewatch.runs.look_pools import pools_known
from minewatch.runs.look_quiet import QuietFlows, block_times_known
from minewatch.schema.reasons import Reason, reason
from minewatch.schema.tables import TABLES
from minewatch.sources.batch import Batch, Reject
from minewatch.sources.mapping import BadMapping, read_mapping
from minewatch.sources.options import ReadOptions
from minewatch.sources.pipes import size_of
from minewatch.sources.recognise import Recognised, files_of, recognise
from minewatch.sources.unreadable import UnreadableFile

DEFAULT_ZONE = "Asia/Shanghai"
READINGS, ARCHIVE = "interval_readings", "usage_points"


class UnknownZone(Exception):  # noqa: N818  (names what it speaks of, as the user sees it)
    """``--zone`` is no IANA name."""

    def text(self, language: str) -> str:
        """Return the sentence in ``language``."""
        return reason("zone_unknown", zone=str(self)).text(language)


FAILURES = (BadMapping, BadGivenFile, UnknownZone)
"""What ends the verb for reasons that the user can act on; a file that cannot be read does not."""


@dataclass(frozen=True)
class Settings:
    """How files are read, and the ``language`` of the reasons ("en" or "zh").

    ``pools``: a file with pools beside those of the shipped list. ``block_times``: one with times of blocks.
    """

    language: str
    zone: str = DEFAULT_ZONE
    mapping: Path | None = None
    table: str | None = None
    pools: Path | None = None
    block_times: Path | None = None


@dataclass(frozen=True)
class _Context:
    """What is the same for all files."""

    options: ReadOptions
    pools: PoolList
    block_times: pa.Table
    language: str
    watcher: "Watcher"


class PutAside(NamedTuple):
    """How many rows or single values were put aside for one reason, and the first of them."""

    number: int
    first: Reject


@dataclass(frozen=True)
class Sight:
    """What one file gave: ``records`` on its ``table``, out of ``looked_at`` flows or customers.

    ``put_aside`` tells by reason code what could not be read. ``failure`` says why nothing was read.
    """

    path: Path
    table: str | None = None
    looked_at: int = 0
    records: Sequence[dict[str, Any]] = ()
    put_aside: Mapping[str, PutAside] = field(default_factory=dict)
    notes: Sequence[Reason] = field(default=())
    failure: Reason | None = None


class Watcher(Protocol):
    """Who is told how far it is."""

    def planned(self, files: int, bytes_: int) -> None:
        """Learn how much there is to do."""

    def read(self, path: Path, bytes_done: int) -> None:
        """Learn how far the reading of a file is."""

    def judging(self, customers_rows: int) -> None:
        """Learn that gathered readings are being judged."""


def look(paths: Sequence[Path], settings: Settings, watcher: Watcher) -> Iterator[Sight]:
    """Yield what each file under ``paths`` shows: flows as they are read, readings at the end.

    Raises BadMapping, BadGivenFile and UnknownZone.
    """
    mapping = read_mapping(settings.mapping) if settings.mapping else None
    options = ReadOptions(zone=_zone(settings.zone), mapping=mapping, table=settings.table)
    pools, blocks = pools_known(settings.pools, options), block_times_known(settings.block_times, options)
    context = _Context(options, pools, blocks, settings.language, watcher)
    files, missing = _files(paths)
    watcher.planned(len(files), sum(size_of(path) for path in files))
    yield from missing
    gathered = _Gathered()
    for path in files:
        sight = _read(path, context, gathered)
        watcher.read(path, size_of(path))
        if sight.table != READINGS:
            yield sight
    watcher.judging(gathered.rows)
    yield from gathered.sights(options.zone, settings.language)


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
        from minewatch.runs.look_readings import reading_records  # loads the whole scan

        if not self._sights:
            return
        tables = {str(path): pa.concat_tables(parts) for path, parts in self._readings.items()}
        archive = pa.concat_tables(self._archives) if self._archives else None
        by_file: dict[str, list[dict[str, Any]]] = {}
        for record in reading_records(tables, archive, zone, language):
            by_file.setdefault(record["file"], []).append(record)
        for path, sight in self._sights.items():
            records = by_file.get(str(path), [])
            yield Sight(path, READINGS, len(records), records, sight.put_aside, sight.notes)


def _read(path: Path, context: _Context, gathered: _Gathered) -> Sight:
    try:
        found = recognise(path, context.options)
        sight = _pass_over(path, found, context, gathered)
    except UnreadableFile as error:
        return Sight(path, failure=error.reason)
    except OSError as error:
        return Sight(path, failure=reason("file_not_opened", error=error.strerror or ""))
    if sight.table == READINGS:
        gathered.put_down(sight)
    return sight


def _pass_over(path: Path, found: Recognised, context: _Context, gathered: _Gathered) -> Sight:
    table, looked_at = found.table, 0
    put_aside: dict[str, PutAside] = {}
    records: list[dict[str, Any]] = []
    notes: list[Reason] = []
    quiet = QuietFlows(context.block_times, context.options.zone)
    for batch in found.reader(path, context.options):
        table = READINGS if READINGS in (table, batch.table) else batch.table
        looked_at += len(batch.rows)
        for reject in batch.rejected:
            number, first = put_aside.get(reject.reason.code, (0, reject))
            put_aside[reject.reason.code] = PutAside(number + 1, first)
        notes += batch.notes
        if batch.table == "flows":
            records += flow_records(str(path), batch.rows, context.language, context.pools)
            quiet.take(batch.rows)
        else:
            gathered.take(path, batch)
        context.watcher.read(path, batch.bytes_done)
    records += quiet.records(str(path), context.language)
    return Sight(path, table, looked_at, records, put_aside, notes)


def _files(paths: Sequence[Path]) -> tuple[list[Path], list[Sight]]:
    files: dict[Path, None] = {}
    missing = []
    for path in paths:
        try:
            files.update(dict.fromkeys(files_of([path])))
        except UnreadableFile as error:
            missing.append(Sight(path, failure=error.reason))
    return list(files), missing


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise UnknownZone(name) from None
