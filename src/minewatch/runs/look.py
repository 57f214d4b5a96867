"""What captures, flow logs and reading files show, without a lake: one pass over each file.

What only other files than captures need is loaded when the first of them comes.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from minewatch.runs.look_captures import Judging, look_at_capture, opened_capture
from minewatch.runs.look_pools import pools_known
from minewatch.runs.look_sights import DEFAULT_ZONE, PutAside, Settings, Sight, Watcher
from minewatch.schema.faults import Fault
from minewatch.schema.reasons import reason
from minewatch.sources.files import files_of
from minewatch.sources.options import ReadOptions
from minewatch.sources.pipes import is_pipe, size_of
from minewatch.sources.unreadable import UnreadableFile

if TYPE_CHECKING:
    from minewatch.runs.look_files import FileLook

__all__ = ["DEFAULT_ZONE", "FAILURES", "PutAside", "Settings", "Sight", "UnknownZone", "Watcher", "look"]


FAILURES = (Fault,)
"""What ends the verb for reasons that the user can act on; a file that cannot be read does not."""


class UnknownZone(Fault):
    """``--zone`` is no IANA name."""

    def text(self, language: str) -> str:
        """Return the sentence in ``language``."""
        return reason("zone_unknown", zone=str(self)).text(language)


def look(paths: Sequence[Path], settings: Settings, watcher: Watcher) -> Iterator[Sight]:
    """Yield what each file under ``paths`` shows: flows as they are read, readings at the end.

    Raises Fault: BadMapping, BadGivenFile or UnknownZone.
    """
    options = _options(settings)
    eyes = _Eyes(options, _judging(settings, options), watcher)
    files, missing = _files(paths)
    watcher.planned(len(files), sum(size_of(path) for path in files))
    yield from missing
    for path in files:
        sight = eyes.look_at(path)
        watcher.read(path, size_of(path))
        if sight is not None:
            yield sight
    yield from eyes.readings()


class _Eyes:
    """Looks at captures and, where there are any, at other files."""

    def __init__(self, options: ReadOptions, judging: Judging, watcher: Watcher) -> None:
        self._options, self._judging, self._watcher = options, judging, watcher
        self._others: FileLook | None = None

    def look_at(self, path: Path) -> Sight | None:
        """Return what a file shows; None for one with readings, which are judged at the end."""
        try:
            with opened_capture(path) as opened:
                if opened is not None:
                    return look_at_capture(path, opened, self._judging, self._watcher)
                if is_pipe(path):
                    raise UnreadableFile(path, reason("pipe_no_capture"))
            return self._look_at_other(path)
        except UnreadableFile as error:
            return Sight(path, failure=error.reason)
        except OSError as error:
            return Sight(path, failure=reason("file_not_opened", error=error.strerror or ""))

    def readings(self) -> Iterator[Sight]:
        """Yield what the readings of all files show."""
        if self._others is not None:
            yield from self._others.readings()

    def _look_at_other(self, path: Path) -> Sight | None:
        if self._others is None:
            from minewatch.runs.look_files import FileLook

            self._others = FileLook(self._options, self._judging, self._watcher)
        return self._others.look_at(path)


def _options(settings: Settings) -> ReadOptions:
    mapping = None
    if settings.mapping:
        from minewatch.sources.mapping import read_mapping

        mapping = read_mapping(settings.mapping)
    return ReadOptions(zone=_zone(settings.zone), mapping=mapping, table=settings.table)


def _judging(settings: Settings, options: ReadOptions) -> Judging:
    blocks = None
    if settings.block_times:
        from minewatch.runs.look_quiet import block_times_known

        blocks = block_times_known(settings.block_times, options)
    return Judging(pools_known(settings.pools, options), blocks, options.zone, settings.language)


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
