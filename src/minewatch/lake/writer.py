"""One writer at a time: the lock, the staging folder, and the transaction that ends in one lake commit."""

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from minewatch.lake import delta
from minewatch.lake.commits import DRAFT, CommitLog, Snapshot, flush_file, flush_folder
from minewatch.lake.failures import LakeBusyError, disk_errors
from minewatch.lake.parquet import DataFile
from minewatch.schema.tables import TABLES

STAGING = ".staging"
LOCK = ".lock"
COMMITS = "commits"
_POLL_S = 0.05


@dataclass
class Transaction:
    """Files staged under the lock that become visible together, or not at all.

    ``revision`` is the commit's number, written into its rows. ``base`` is what the lake was before.
    """

    lake: Path
    base: Snapshot
    verb: str
    at: datetime
    _added: dict[str, list[DataFile]] = field(default_factory=dict)
    _removed: dict[str, list[DataFile]] = field(default_factory=dict)

    @property
    def revision(self) -> int:
        """Number of the commit that this transaction becomes."""
        return self.base.revision + 1

    @property
    def staging(self) -> Path:
        """Folder for files in the making, on the same file system as the tables."""
        return self.lake / STAGING

    def new_file(self) -> Path:
        """Return a path for a new data file; its name begins with the revision."""
        return self.staging / f"{self.revision:08d}-{secrets.token_hex(8)}.parquet"

    def add(self, table: str, file: DataFile) -> None:
        """Have the staged ``file`` join ``table`` at the commit."""
        self._added.setdefault(table, []).append(file)

    def remove(self, table: str, file: DataFile) -> None:
        """Have ``file`` leave ``table`` at the commit; older snapshots keep it."""
        self._removed.setdefault(table, []).append(file)

    def added(self, table: str) -> tuple[DataFile, ...]:
        """Return the staged files that are to join ``table``."""
        return tuple(self._added.get(table, ()))

    def removed(self, table: str) -> tuple[DataFile, ...]:
        """Return the files that are to leave ``table``."""
        return tuple(self._removed.get(table, ()))

    def tables(self) -> list[str]:
        """Return the tables that the commit will change."""
        return sorted({*self._added, *self._removed})

    def commit(self, rows: Mapping[str, int]) -> Snapshot:
        """Publish all changes as one commit. ``rows``: number of valid rows in each changed table."""
        versions = dict(self.base.versions)
        for table in self.tables():
            added = [self._moved(table, file) for file in self.added(table)]
            flush_folder(self.lake / table)
            folder, spec = self.lake / table, TABLES[table]
            versions[table] = delta.commit_files(folder, spec, added, self.removed(table), self.at)
        snapshot = Snapshot(self.revision, versions, {**self.base.rows, **rows}, self.verb, self.at)
        CommitLog(self.lake / COMMITS).write(snapshot)
        return snapshot

    def _moved(self, table: str, file: DataFile) -> DataFile:
        home = self.lake / table / file.path.name
        home.parent.mkdir(exist_ok=True)
        flush_file(file.path)
        os.replace(file.path, home)
        return replace(file, path=home)


@contextmanager
def transaction(lake: Path, verb: str, at: datetime, wait_s: float) -> Iterator[Transaction]:
    """Hold the lock of ``lake``, clean up after a writer that died, and give a transaction.

    Raises ``LakeBusyError`` if another writer does not finish within ``wait_s`` seconds, ``DiskFullError``.
    """
    with _lock(lake, verb, wait_s), disk_errors(lake):
        log = CommitLog(lake / COMMITS)
        _recover(lake, log)
        (lake / COMMITS).mkdir(exist_ok=True)
        (lake / STAGING).mkdir()
        try:
            yield Transaction(lake, log.newest(), verb, at)
        except BaseException:
            _recover(lake, log)
            raise
        shutil.rmtree(lake / STAGING)


def _recover(lake: Path, log: CommitLog) -> None:
    """Take back whatever no commit names. The staging folder is the sign that there may be something."""
    staging = lake / STAGING
    if not staging.exists():
        return
    committed = log.newest()
    for folder in (lake / name for name in TABLES if (lake / name).is_dir()):
        delta.roll_back(folder, committed.versions.get(folder.name, -1))
        for path in folder.glob("*.parquet"):
            if int(path.name.split("-")[0]) > committed.revision:
                path.unlink()
    for draft in (lake / COMMITS).glob(f".*{DRAFT}"):
        draft.unlink()
    shutil.rmtree(staging)


@contextmanager
def _lock(lake: Path, verb: str, wait_s: float) -> Iterator[None]:
    with (lake / LOCK).open("a+", encoding="utf-8") as stream:
        deadline = time.monotonic() + wait_s
        while not _locked(stream.fileno()):
            if time.monotonic() > deadline:
                stream.seek(0)
                raise LakeBusyError(lake, stream.read().strip() or "another process", wait_s)
            time.sleep(_POLL_S)
        stream.truncate(0)
        stream.write(f"{verb} (process {os.getpid()})")
        stream.flush()
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
