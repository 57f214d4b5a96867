"""Putting an unpacked backup in its place, then seeing that it is an office that holds together."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader

from minewatch.office import jobs
from minewatch.office.backup import databases, keeping
from minewatch.office.backup.archive import Manifest
from minewatch.office.backup.faults import BackupFault
from minewatch.office.backup.unpacking import SETTINGS, Unpacked
from minewatch.office.home import Home
from minewatch.office.platform import audit
from minewatch.office.platform.services import By


@dataclass(frozen=True)
class Restored:
    """What was restored; ``aside`` is where the office that was there before is kept."""

    manifest: Manifest
    aside: Path | None


def put_in_place(home: Home, unpacked: Unpacked, by: By, *, replace: bool = False) -> Restored:
    """Make the home the office of an archive.

    Raises BackupFault where the archive does not fit this version or database, or where there is an office
    already and ``replace`` does not say that it is to be put aside.
    """
    manifest, database = unpacked.manifest, databases.database()
    _refuse_foreign(manifest)
    aside = _made_empty(home, by, replace=replace)
    database.load(unpacked.folder / database.member)
    _move(unpacked.folder, home.folder, set(manifest.members) - {database.member, SETTINGS})
    _check_rows(manifest)
    call_command("migrate", interactive=False, verbosity=0)  # an archive of an earlier version
    _check_office(home, manifest)
    _note(unpacked, by)
    return Restored(manifest, aside)


def _refuse_foreign(manifest: Manifest) -> None:
    if manifest.vendor != connection.vendor:
        raise BackupFault(
            f"the archive is of {manifest.vendor}, the database of this home is {connection.vendor}",
            f"归档的数据库为{manifest.vendor},本系统的数据库为{connection.vendor}",
        )
    known = MigrationLoader(None).disk_migrations
    for app, names in manifest.migrations.items():
        for name in names:
            if (app, name) not in known:
                raise BackupFault(
                    f"the archive is of another version ({manifest.version}): {app} {name} is not known here",
                    f"归档来自其他版本({manifest.version}),其{app} {name}为本版本所无",
                )


def _made_empty(home: Home, by: By, *, replace: bool) -> Path | None:
    """See that there is no office in the home, putting the one aside that may be replaced."""
    there = [path for path in home.folder.iterdir() if not _is_no_office(path) and _holds_files(path)]
    has_tables = bool(connection.introspection.table_names())
    if not there and not has_tables:
        return None
    if not replace:
        raise BackupFault(
            f"there is an office in {home.folder} or its database; with --replace it is put aside",
            f"{home.folder}或其数据库中已有系统;使用--replace可将其移开",
        )
    if any(jobs.lives(home.workers, path.stem) for path in home.workers.glob("*.lock")):
        raise BackupFault(
            "a worker of this office is running; stop it first", "本系统的后台进程仍在运行,请先停止"
        )
    aside = home.folder / f"replaced-{by.at:%Y%m%dt%H%M%S}"
    aside.mkdir()
    if has_tables:
        databases.database().put_aside(aside)
    for path in there:
        path.rename(aside / path.name)
    return aside


def _is_no_office(path: Path) -> bool:
    is_database = connection.vendor == "sqlite" and path.name.startswith(
        Path(connection.settings_dict["NAME"]).name
    )
    is_left = path.name.startswith(("replaced-", ".")) or path.name in ("static", "workers", SETTINGS)
    return is_database or is_left


def _holds_files(path: Path) -> bool:
    return not path.is_dir() or any(below.is_file() for below in path.rglob("*"))


def _move(stage: Path, home: Path, names: set[str]) -> None:
    for name in sorted(names):
        place = home / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(stage / name, place)


def _check_rows(manifest: Manifest) -> None:
    found = databases.rows()
    unlike = [table for table in {*found, *manifest.rows} if found.get(table) != manifest.rows.get(table)]
    if unlike:
        names = ", ".join(sorted(unlike))
        raise BackupFault(f"other rows than in the manifest: {names}", f"行数与清单不符:{names}")


def _check_office(home: Home, manifest: Manifest) -> None:
    lost = {name for name in keeping.named(home, "default") if not (home.folder / name).is_file()}
    if more := ", ".join(sorted(lost.difference(manifest.missing))[:5]):
        raise BackupFault(f"files are missing: {more}", f"缺少文件:{more}")
    ends = {manifest.chain["seq"]: manifest.chain["hash"]} if manifest.chain["seq"] else {}
    if broken := next(audit.verify(ends), None):
        raise BackupFault(
            f"the audit chain is broken at {broken.seq}: {broken.why}", f"审计链在第{broken.seq}条处断裂"
        )


@transaction.atomic
def _note(unpacked: Unpacked, by: By) -> None:
    details = {"sha256": unpacked.sha256, "made_at": unpacked.manifest.made_at}
    audit.record(by.act("restored", ("office", unpacked.manifest.made_at[:60])), details)
