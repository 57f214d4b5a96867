"""The archive: a tar whose last member, the manifest, says what every other holds.

A member counts only if its content has the hash of the manifest, so that damage is named where it is. What
could lead out of the folder that is written to (absolute names, ``..``, links, devices) is refused by the
filter of ``tarfile``, and by name: no member is written that the manifest does not know.
"""

import gzip
import hashlib
import io
import json
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from minewatch.office.backup.faults import BackupFault

FORMAT = 1
"""Form of the archive; one of another number is refused."""
MANIFEST = "manifest.json"

_BLOCK = 1 << 20
_DAMAGE = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile)
_MANIFEST_MOST = 1 << 30


class Content(NamedTuple):
    """What a member holds."""

    sha256: str
    size: int


@dataclass
class Manifest:
    """What an archive says of itself.

    ``vendor``: sqlite or postgresql; ``migrations``: app → names applied; ``rows``: table → number;
    ``chain``: end of the audit chain; ``missing``: files that rows name and the office itself had lost.
    """

    version: str
    made_at: str
    vendor: str
    migrations: dict[str, list[str]]
    rows: dict[str, int]
    chain: dict[str, Any]
    missing: list[str] = field(default_factory=list)
    members: dict[str, Content] = field(default_factory=dict)
    format: int = FORMAT

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True)


def manifest_of(text: bytes) -> Manifest:
    """Read a manifest. Raises BackupFault where it is none, or of another form of archive."""
    try:
        said = json.loads(text)
        if said["format"] != FORMAT:
            raise _foreign(said["format"])
        members = {str(name): Content(*pair) for name, pair in said["members"].items()}
        return Manifest(**said | {"members": members})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupFault(f"{MANIFEST} is damaged", f"{MANIFEST}已损坏") from error


def _foreign(number: object) -> BackupFault:
    return BackupFault(
        f"the archive has format {number}, this version reads format {FORMAT}",
        f"归档格式为{number},本版本只能读取格式{FORMAT}",
    )


class Writer:
    """Writes members one after another and remembers what they hold."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.members: dict[str, Content] = {}

    def add(self, name: str, path: Path) -> None:
        """Add a file as far as it goes now; a file that has gone in between is passed by."""
        try:
            file = open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")  # noqa: SIM115 - closed below
        except FileNotFoundError:
            return
        with file:
            state = os.fstat(file.fileno())
            if stat.S_ISREG(state.st_mode):
                self._put(name, file, state.st_size, state.st_mtime)

    def end(self, manifest: Manifest) -> None:
        """Add the manifest, the last member."""
        content = manifest.text().encode()
        member = tarfile.TarInfo(MANIFEST)
        member.size, member.mode = len(content), 0o600
        self._tar.addfile(member, io.BytesIO(content))

    def _put(self, name: str, file: IO[bytes], size: int, changed_s: float) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = size, int(changed_s), 0o600
        reader = _Hashing(file)
        try:
            self._tar.addfile(member, reader)
        except OSError as error:
            raise BackupFault(f"{name} cannot be read: {error}", f"无法读取{name}:{error}") from error
        self.members[name] = Content(reader.digest.hexdigest(), size)


class _Hashing(io.RawIOBase):
    """A file whose content is hashed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self.digest.update(block)
        return block


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Write an archive that its owner alone reads, gzip where its name ends so; on disk at the end."""
    mode: Any = "w:gz" if path.name.endswith(("gz", "gz.draft")) else "w"
    with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file:
        with tarfile.open(fileobj=file, mode=mode, format=tarfile.PAX_FORMAT) as tar:
            yield Writer(tar)
        file.flush()
        os.fsync(file.fileno())


def unpack(path: Path, folder: Path | None = None) -> Manifest:
    """Check every member, writing it below ``folder`` where one is given; return the manifest.

    Raises BackupFault that names the first member at fault. ``folder`` is to be thrown away then.
    """
    found: dict[str, Content] = {}
    try:
        with tarfile.open(path) as tar:
            manifest = _unpack_all(tar, folder, found)
    except _DAMAGE as error:
        after = next(reversed(found), "")
        raise BackupFault(
            f"{path} is damaged after {after or 'its beginning'}: {error}",
            f"{path}在{after or '开头'}之后已损坏:{error}",
        ) from error
    _compare(manifest.members, found)
    return manifest


def _unpack_all(tar: tarfile.TarFile, folder: Path | None, found: dict[str, Content]) -> Manifest:
    for member in tar:
        _refuse_strange(member, found)
        content = tar.extractfile(member)
        assert content is not None  # noqa: S101 - a regular file
        if member.name == MANIFEST:
            _refuse_more(tar)
            return manifest_of(content.read(_MANIFEST_MOST))
        found[member.name] = _copied(content, folder / member.name if folder else None)
    raise BackupFault("the archive has no manifest: it was cut off", "归档缺少清单,未写完整")


def _refuse_more(tar: tarfile.TarFile) -> None:
    if (more := tar.next()) is not None:
        raise BackupFault(f"{more.name} stands behind the manifest", f"{more.name}位于清单之后")


def _refuse_strange(member: tarfile.TarInfo, found: Mapping[str, Content]) -> None:
    # tarfile.data_filter came with Python 3.11.4
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise BackupFault(f"{member.name} leads out of the folder", f"{member.name}指向目录之外,已拒绝")
    if not member.isreg() or str(path) != member.name or member.name in found:
        raise BackupFault(f"{member.name} does not belong there", f"{member.name}不应出现在归档中")


def _copied(content: IO[bytes], path: Path | None) -> Content:
    digest, size = hashlib.sha256(), 0
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(path or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        while block := content.read(_BLOCK):
            digest.update(block)
            size += len(block)
            file.write(block)
        file.flush()
        if path is not None:
            os.fsync(file.fileno())
    return Content(digest.hexdigest(), size)


def _compare(said: Mapping[str, Content], found: Mapping[str, Content]) -> None:
    for name in sorted({*said, *found}):
        if name not in found:
            raise BackupFault(f"{name} is missing in the archive", f"归档缺少{name}")
        if name not in said:
            raise BackupFault(f"{name} is not in the manifest", f"清单中没有{name}")
        if said[name] != found[name]:
            raise BackupFault(f"{name} is damaged or was changed", f"{name}已损坏或被改动")
