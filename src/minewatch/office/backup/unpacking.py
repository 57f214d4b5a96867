"""Unpacking a backup below a home, before Django is set up: the office's settings may come out of it."""

import hashlib
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from minewatch.office.backup.archive import Manifest, unpack
from minewatch.office.backup.faults import BackupFault

SETTINGS = "office.toml"
_STAGE = ".restoring"


@dataclass(frozen=True)
class Unpacked:
    """An archive that was unpacked and found whole."""

    folder: Path
    manifest: Manifest
    sha256: str


@contextmanager
def unpack_for(home: Path, archive: Path, *, same_database: bool, sha256: str = "") -> Iterator[Unpacked]:
    """Unpack an archive below a home and see to its settings; what is not put in place goes away at the end.

    The home's own ``office.toml`` stands. Raises BackupFault where the archive is damaged or another than
    ``sha256`` says, or where its settings name a database and ``same_database`` does not say so.
    """
    found = _expected(archive, sha256)
    stage = home / _STAGE
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True, mode=0o700)
    try:
        manifest = unpack(archive, stage)
        with _settings(home, stage, same_database=same_database):
            yield Unpacked(stage, manifest, found)
    finally:
        shutil.rmtree(stage)


def checked(archive: Path, sha256: str = "") -> Manifest:
    """Return the manifest of an archive that is whole. Raises BackupFault where it is not."""
    _expected(archive, sha256)
    return unpack(archive)


def _expected(archive: Path, sha256: str) -> str:
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 and found != sha256.lower():
        raise BackupFault(f"{archive} has SHA-256 {found}", f"{archive}的SHA-256为{found},与给定值不符")
    return found


@contextmanager
def _settings(home: Path, stage: Path, *, same_database: bool) -> Iterator[None]:
    own, brought = home / SETTINGS, stage / SETTINGS
    if own.exists() or not brought.exists():
        yield
        return
    if not same_database and "database" in tomllib.loads(brought.read_text("utf-8")):
        raise BackupFault(
            f"the archive's {SETTINGS} names the database of the office that was backed up; write {own} "
            "with the address of an empty one, or give --same-database",
            f"归档中的{SETTINGS}指向原系统的数据库;请先在{own}中写明一个空数据库,或使用--same-database",
        )
    shutil.copyfile(brought, own)
    own.chmod(0o600)
    try:
        yield
    except BaseException:
        own.unlink()
        raise
