"""Zip and gzip archives of foreign files: inflated one by one within limits, each read as what it is."""

import gzip
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from minewatch.schema.reasons import Reason, reason
from minewatch.sources.batch import Batch
from minewatch.sources.options import Reader, ReadOptions
from minewatch.sources.unreadable import UnreadableFile

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
_BLOCK = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, EOFError, NotImplementedError, OSError)


class Limits(NamedTuple):
    """What an archive may hold. The ratio counts once ``free_bytes`` are inflated."""

    inflated_bytes: int
    ratio: int = 250
    free_bytes: int = 64 << 20
    members: int = 2_000


ARCHIVE = Limits(32 << 30)
WORKBOOK = Limits(4 << 30)


def is_archive(head: bytes, path: Path) -> bool:
    """Tell whether a file is a zip archive other than an office document, or gzip."""
    if head.startswith(GZIP_MAGIC):
        return True
    return head.startswith(ZIP_MAGICS) and not any(name.startswith("xl/") for name in _names(path))


def check_zip(path: Path, limits: Limits) -> list[zipfile.ZipInfo]:
    """Return the files in a zip archive. Raises UnreadableFile for one beyond ``limits`` or protected.

    Python never inflates a member beyond the size that the archive declares, so that the declared sizes
    bound what a reader can meet.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except _BROKEN as error:
        raise UnreadableFile(path, reason("archive_damaged", error=str(error)[:200])) from error
    if len(members) > limits.members:
        raise UnreadableFile(path, reason("archive_members", members=len(members), most=limits.members))
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableFile(path, reason("archive_protected"))
    _check_size(path, sum(member.file_size for member in members), limits)
    return members


def read_archive(path: Path, options: ReadOptions, read_member: Reader) -> Iterator[Batch]:
    """Yield the batches of every file in an archive, as ``read_member`` reads it.

    Rejects name their file as ``member``.
    Files of unknown format are noted. Raises UnreadableFile for a damaged or protected archive, one beyond
    the limits, and one without any file that can be read.
    """
    not_read: list[Reason] = []
    read = 0
    for inside, member, done in _inflated(path):
        try:
            for batch in read_member(inside, options):
                read += 1
                rejected = [replace(reject, member=member) for reject in batch.rejected]
                share = batch.bytes_done / max(inside.stat().st_size, 1)
                at = done.start + int((done.stop - done.start) * min(share, 1.0))
                yield replace(batch, rejected=rejected, bytes_done=at)
        except UnreadableFile as error:
            not_read.append(
                reason(
                    "member_not_read",
                    member=member,
                    why_en=error.reason.text("en"),
                    why_zh=error.reason.text("zh"),
                )
            )
    if not read:
        raise UnreadableFile(path, not_read[0] if not_read else reason("archive_empty"))
    if not_read:
        yield replace(batch, rows=batch.rows.slice(0, 0), rejected=(), notes=tuple(not_read))


def _inflated(path: Path) -> Iterator[tuple[Path, str, range]]:
    """Yield each member as (temporary file, its name, its bytes of the archive); the file is gone after."""
    size = path.stat().st_size
    if not zipfile.is_zipfile(path):
        name = path.name.removesuffix(".gz")
        with _inflate(path, gzip.open(path), name) as inside:
            yield inside, name, range(size)
        return
    members = check_zip(path, ARCHIVE)
    start = 0
    with zipfile.ZipFile(path) as archive:
        for member in members:
            if _is_hidden(member.filename):
                continue
            with _inflate(path, archive.open(member), PurePosixPath(member.filename).name) as inside:
                stop = min(start + member.compress_size, size)
                yield inside, _name(member), range(start, stop)
                start = stop


@contextmanager
def _inflate(path: Path, packed: IO[bytes] | gzip.GzipFile, name: str) -> Iterator[Path]:
    """Inflate one file to a temporary one of the same name, counting."""
    with tempfile.TemporaryDirectory(prefix="minewatch-") as folder:
        inside = Path(folder) / (name[-100:].replace("\0", "") or "file")
        written = 0
        try:
            with packed, inside.open("wb") as file:
                while block := packed.read(_BLOCK):
                    written += file.write(block)
                    _check_size(path, written, ARCHIVE)
        except (*_BROKEN, RuntimeError) as error:
            raise UnreadableFile(path, reason("archive_damaged", error=str(error)[:200])) from error
        yield inside


def _check_size(path: Path, inflated: int, limits: Limits) -> None:
    packed = path.stat().st_size
    if inflated > limits.inflated_bytes:
        raise UnreadableFile(path, reason("archive_too_large", gib=limits.inflated_bytes >> 30))
    if inflated > limits.free_bytes and inflated > limits.ratio * packed:
        raise UnreadableFile(
            path, reason("archive_bomb", ratio=inflated // max(packed, 1), most=limits.ratio)
        )


def _names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except _BROKEN:
        return []


def _name(member: zipfile.ZipInfo) -> str:
    """Return a member's name; zip tools of Chinese Windows write it in GBK without saying so."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gbk")
    except UnicodeError:
        return member.filename


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "~$", "__MACOSX")) for part in PurePosixPath(name).parts)
