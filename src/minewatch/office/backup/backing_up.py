"""Making a backup while the office works.

The order: files, then the database, then the files that came meanwhile. Content is in its place before the
row that names it is committed, so what the database names was there at its moment. A file that goes away
once its row says done (a delivery) may come and go between the two looks at the files: then the moment is
taken anew.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection, transaction

import minewatch
from minewatch.office.backup import databases, keeping
from minewatch.office.backup.archive import Manifest, Writer, unpack, writing
from minewatch.office.backup.databases import Snapshot
from minewatch.office.backup.faults import BackupFault
from minewatch.office.home import Home
from minewatch.office.platform import audit
from minewatch.office.platform.models import AuditHead
from minewatch.office.platform.services import By

_MOMENTS = 5
"""How often the database is copied anew for files that came and went."""
_DRAFT = ".draft"
NAMES = "office-*.tar"
"""Archives that ``backup`` named itself."""


@dataclass(frozen=True)
class Backup:
    """A backup that was made and read again; ``missing``: files that the office itself had lost."""

    path: Path
    sha256: str
    files: int
    rows: int
    missing: list[str]


def place_for(target: Path, now: datetime) -> Path:
    """Return the file to write: ``target``, or a new name in it where it is a folder."""
    return target / f"office-{now:%Y%m%dT%H%M%SZ}.tar" if target.is_dir() else target


def back_up(home: Home, target: Path, by: By, *, with_keys: bool = True) -> Backup:
    """Write the office to the archive ``target``, which appears only once it was read again and found whole.

    Raises BackupFault where it cannot be done; nothing is left behind then.
    """
    if target.resolve().is_relative_to(home.folder.resolve()):
        raise BackupFault(
            "a backup inside of the office's folder is lost with it", "备份不能放在系统目录之内"
        )
    if target.exists():
        raise BackupFault(f"{target} is there already", f"{target}已存在")
    if not connection.introspection.table_names():
        raise BackupFault(f"there is no office in {home.folder}", f"{home.folder}中没有系统")
    with _drafts(target.parent) as folder:
        draft = folder / (target.name + _DRAFT)
        with writing(draft) as writer:
            manifest = _write(home, writer, folder, by.at, with_keys=with_keys)
        if unpack(draft) != manifest:
            raise BackupFault("the archive reads otherwise than it was written", "归档读回内容与写入不符")
        made = Backup(
            target, _hash(draft), len(manifest.members), sum(manifest.rows.values()), manifest.missing
        )
        _publish(draft, target)
    _note(made, by)
    return made


def forget_older(folder: Path, most: int) -> list[Path]:
    """Remove all but the newest ``most`` archives that ``backup`` named in a folder; return those removed."""
    older = sorted(folder.glob(NAMES))[:-most]
    for path in older:
        path.unlink()
    return older


def _write(home: Home, writer: Writer, folder: Path, at: datetime, *, with_keys: bool) -> Manifest:
    for name in keeping.KEYS if with_keys else ():
        writer.add(name, home.folder / name)
    _add_new(home, writer)
    database = databases.database()
    for _ in range(_MOMENTS):
        with database.snapshot(folder) as snapshot:
            _add_new(home, writer)
            manifest = _manifest(snapshot, at)
            manifest.missing = sorted(keeping.named(home, snapshot.alias) - set(writer.members))
        if not manifest.missing:
            break
    writer.add(database.member, snapshot.path)
    manifest.members = writer.members
    writer.end(manifest)
    return manifest


def _add_new(home: Home, writer: Writer) -> None:
    own = Path(connection.settings_dict["NAME"]) if connection.vendor == "sqlite" else None
    for name, path in keeping.kept(home, own):
        if name not in writer.members:
            writer.add(name, path)


def _manifest(snapshot: Snapshot, at: datetime) -> Manifest:
    head = AuditHead.objects.using(snapshot.alias).get(pk=1)
    return Manifest(
        version=minewatch.__version__,
        made_at=at.isoformat(),
        vendor=connection.vendor,
        migrations=snapshot.migrations(),
        rows=snapshot.rows(),
        chain={"seq": head.seq, "hash": head.hash},
    )


@contextmanager
def _drafts(parent: Path) -> Iterator[Path]:
    """Give a folder for drafts beside the target; those of backups that were killed are removed."""
    for left in parent.glob(f".minewatch-*{_DRAFT}"):
        _remove_dead(left)
    folder = Path(tempfile.mkdtemp(prefix=".minewatch-", suffix=_DRAFT, dir=parent))
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        os.close(lock)


def _remove_dead(folder: Path) -> None:
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # another backup is at work
    else:
        shutil.rmtree(folder)
    finally:
        os.close(lock)


def _publish(draft: Path, target: Path) -> None:
    """Give the archive its name, for good: the folder is written through as well."""
    draft.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@transaction.atomic
def _note(made: Backup, by: By) -> None:
    details = {"sha256": made.sha256, "files": made.files, "rows": made.rows, "missing": len(made.missing)}
    audit.record(by.act("backed_up", ("office", made.path.name[:60])), details)
