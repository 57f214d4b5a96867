"""Foreign files into a lake: what each file is, archives first, each file one commit."""

import json
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from minewatch.lake.failures import DiskFullError, LakeBusyError, LakeError, LakeExistsError
from minewatch.lake.ingest import Foreign, Headway, ingest_file
from minewatch.lake.lake import DEFAULT_BUCKETS, DEFAULT_WAIT_S, Lake
from minewatch.lake.resubmission import as_resubmission
from minewatch.lake.source import Reconciliation, SourceFile
from minewatch.sources.files import files_of
from minewatch.sources.mapping import BadMapping, read_mapping
from minewatch.sources.options import ReadOptions
from minewatch.sources.pipes import is_pipe, spooled
from minewatch.sources.recognise import Recognised, recognise
from minewatch.sources.unreadable import UnreadableFile

__all__ = ["FAILURES", "Headway", "Outcome", "Settings", "ingest", "open_or_create"]

DEFAULT_ZONE = "Asia/Shanghai"
FAILURES = (LakeError, UnreadableFile, BadMapping, OSError)
"""What goes wrong for reasons that the user can act on."""

_FIRST = ("transformers", "usage_points")


@dataclass(frozen=True)
class Settings:
    """How files are taken in; ``zone`` and ``buckets`` shape a lake that is made now (None: the default)."""

    zone: str | None = None
    buckets: int | None = None
    mapping: Path | None = None
    table: str | None = None
    wait_s: float = DEFAULT_WAIT_S


@dataclass(frozen=True)
class Outcome:
    """What became of one file: a reconciliation, or the error that kept it out."""

    path: Path
    result: Reconciliation | None = None
    error: Exception | None = None


@dataclass(frozen=True)
class Waiting:
    """A file about to be read. ``path`` is what the user named, ``read_path`` what the reader gets."""

    path: Path
    read_path: Path
    recognised: Recognised
    bytes: int
    resubmitted: frozenset[str] = field(default=frozenset())


class Watcher(Protocol):
    """Who is told how far it is."""

    def planned(self, files: int, bytes_: int) -> None:
        """Learn how much there is to do."""

    def started(self, path: Path) -> None:
        """Learn that a file is being read."""

    def read(self, headway: Headway) -> None:
        """Learn how far the file is."""

    def finished(self, outcome: Outcome, bytes_: int) -> None:
        """Learn what became of the file."""


def open_or_create(path: Path, settings: Settings) -> Lake:
    """Return the lake in ``path``, made if there is none.

    Raises LakeError: for an unknown zone, or one other than the lake's, or a folder of other things.
    """
    if not (path / "lake.json").exists():
        zone = _zone(settings.zone or DEFAULT_ZONE)
        with suppress(LakeExistsError):  # another ingest may make it at this moment; if not, open says so
            return Lake.create(path, zone, settings.buckets or DEFAULT_BUCKETS)
    lake = Lake.open(path)
    _check_same(lake, settings)
    return lake


def ingest(
    lake: Lake, paths: Sequence[Path], settings: Settings, at: datetime, watcher: Watcher
) -> list[Outcome]:
    """Take the files under ``paths`` into ``lake``, in the order in which they went in.

    A file that cannot be read is one outcome, and the others go on. Raises ``DiskFullError`` (nothing
    more can be written), ``LakeBusyError``, BadMapping, UnreadableFile for a path that does not exist.
    """
    mapping = read_mapping(settings.mapping) if settings.mapping else None
    options = ReadOptions(zone=lake.zone, mapping=mapping, table=settings.table)
    with tempfile.TemporaryDirectory(prefix="minewatch-") as folder:
        waiting, outcomes = _recognised(files_of(paths), options, Path(folder))
        watcher.planned(len(waiting) + len(outcomes), sum(file.bytes for file in waiting))
        for outcome in outcomes:
            watcher.finished(outcome, 0)
        for file in sorted(waiting, key=lambda file: file.recognised.table not in _FIRST):
            watcher.started(file.path)
            outcome = _taken(lake, file, options, at, watcher, settings.wait_s)
            watcher.finished(outcome, file.bytes)
            outcomes.append(outcome)
    return outcomes


def _recognised(
    paths: Sequence[Path], options: ReadOptions, folder: Path
) -> tuple[list[Waiting], list[Outcome]]:
    waiting, refused = [], []
    for number, path in enumerate(paths):
        try:
            corner = folder / str(number)
            corner.mkdir()
            waiting.append(_waiting(path, options, corner))
        except (UnreadableFile, OSError) as error:
            refused.append(Outcome(path, error=error))
    return waiting, refused


def _waiting(path: Path, options: ReadOptions, corner: Path) -> Waiting:
    if is_pipe(path):  # a file is known by the hash of its bytes, so they must all be there first
        path = spooled(path, corner)
    size = path.stat().st_size
    if again := as_resubmission(path, corner):
        return Waiting(path, again.path, recognise(again.path, options), size, again.ids)
    return Waiting(path, path, recognise(path, options), size)


def _taken(
    lake: Lake, file: Waiting, options: ReadOptions, at: datetime, watcher: Watcher, wait_s: float
) -> Outcome:
    try:
        foreign = Foreign(
            source=SourceFile.of(file.path),
            format=file.recognised.format,
            reader_version=file.recognised.version,
            batches=file.recognised.reader(file.read_path, options),
            resubmitted=file.resubmitted,
            told=_told(options),
        )
        return Outcome(file.path, ingest_file(lake, foreign, at, watcher.read, wait_s))
    except (DiskFullError, LakeBusyError):
        raise
    except (LakeError, UnreadableFile, OSError) as error:
        return Outcome(file.path, error=error)


def _told(options: ReadOptions) -> str:
    """Return what the user said of the file, in a form that is the same for the same words."""
    if options.mapping is None and options.table is None:
        return ""
    mapping = None if options.mapping is None else asdict(options.mapping)
    return json.dumps({"mapping": mapping, "table": options.table}, ensure_ascii=False, sort_keys=True)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise LakeError(
            f"{name!r} is no time zone; write one like Asia/Shanghai", f"{name!r}不是时区;请写成Asia/Shanghai"
        ) from error


def _check_same(lake: Lake, settings: Settings) -> None:
    for option, wanted, found in (
        ("--zone", settings.zone, lake.zone.key),
        ("--buckets", settings.buckets, lake.buckets),
    ):
        if wanted not in (None, found):
            raise LakeError(
                f"{lake.path} was made with {option} {found}, which cannot be changed to {wanted}",
                f"{lake.path}创建时使用了 {option} {found},不能改为{wanted}",
            )
