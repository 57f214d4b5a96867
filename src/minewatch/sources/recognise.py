"""What a file is: by its content first; the name is only a hint."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from io import FileIO
from pathlib import Path

from minewatch.schema.reasons import reason
from minewatch.sources.batch import Batch
from minewatch.sources.network_readers import read_piped_capture
from minewatch.sources.options import Reader, ReadOptions
from minewatch.sources.pipes import first_bytes, is_pipe, open_pipe
from minewatch.sources.registry import FORMATS, HEAD_BYTES
from minewatch.sources.tables import VERSION, format_name, read_table, table_layout
from minewatch.sources.unreadable import UnreadableFile
from minewatch.sources.zipped import is_archive, read_archive

_OF_PIPES = ("pcap", "pcapng")
_PIPE_HEAD_BYTES = 24


@dataclass(frozen=True)
class Recognised:
    """A file's format, the table its rows go to (None: each batch says), and the reader that takes it."""

    format: str
    table: str | None
    version: str
    reader: Reader


def recognise(path: Path, options: ReadOptions) -> Recognised:
    """Return what ``path`` is. Raises UnreadableFile for an empty, unreadable or unknown file.

    A pipe is opened here and read by the reader that is returned, once.
    """
    if is_pipe(path):
        return _recognised_pipe(path)
    head = _head(path)
    if is_archive(head, path):
        return Recognised("archive", None, "1", _read_archive)
    for each in FORMATS:
        if each.sniff(head, path):
            return Recognised(each.name, each.table, each.version, each.read)
    layout = table_layout(path, head, options)
    return Recognised(format_name(layout), layout.table, VERSION, read_table)


def _recognised_pipe(path: Path) -> Recognised:
    """Open a pipe; only captures are read while they come."""
    try:
        pipe = open_pipe(path)
    except OSError as error:
        raise UnreadableFile(path, reason("file_not_opened", error=error.strerror or "")) from error
    head = first_bytes(pipe, _PIPE_HEAD_BYTES)
    for each in FORMATS:
        if each.name in _OF_PIPES and each.sniff(head, path):
            return Recognised(each.name, each.table, each.version, partial(_read_pipe, pipe, head))
    pipe.close()
    raise UnreadableFile(path, reason("pipe_no_capture" if head else "file_empty"))


def _read_pipe(pipe: FileIO, head: bytes, path: Path, options: ReadOptions) -> Iterator[Batch]:
    with pipe:
        yield from read_piped_capture(pipe, head, path, options)


def _read_archive(path: Path, options: ReadOptions) -> Iterator[Batch]:
    return read_archive(path, options, _read_member)


def _read_member(path: Path, options: ReadOptions) -> Iterator[Batch]:
    found = recognise(path, options)
    if found.reader is _read_archive:
        raise UnreadableFile(path, reason("archive_nested"))
    return found.reader(path, options)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise UnreadableFile(path, reason("file_not_opened", error=error.strerror or "")) from error
    if not head:
        raise UnreadableFile(path, reason("file_empty"))
    return head
