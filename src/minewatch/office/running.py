"""Setting an office up and running it: what ``minewatch office`` calls; no app imports it."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import django

from minewatch.office.home import HOME_VARIABLE, home

if TYPE_CHECKING:
    from minewatch.office.platform.demonstration import DemoAccount

_LOG = logging.getLogger(__name__)
_EVERY_S, _PAUSE_AT_MOST_S = 1.0, 60.0


def open_office(folder: Path) -> None:
    """Make Django ready for the office in ``folder``; called once in a process, before anything else."""
    os.environ[HOME_VARIABLE] = str(folder.absolute())
    os.environ["DJANGO_SETTINGS_MODULE"] = "minewatch.office.settings"
    django.setup()


def set_up() -> None:
    """Make the key, bring the database to the present form and the regions to the table that comes along.

    Does no harm where all is there.
    """
    from minewatch.office.platform.regions import load_table
    from minewatch.office.platform.services import By

    bring_up_to_date()
    load_table(By(None, datetime.now(UTC)))


def bring_up_to_date() -> None:
    """Make the key where there is none; bring database and assets to the present form."""
    from django.core.management import call_command

    home().make_key()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def demonstrate(password: str) -> "list[DemoAccount]":
    """Make the agencies and accounts of a demonstration; return the accounts."""
    from minewatch.office.platform import demonstration
    from minewatch.office.platform.services import By

    return demonstration.make(password, By(None, datetime.now(UTC)))


class Demonstrator(NamedTuple):
    """An account of a demonstration as a person is told of it."""

    username: str
    agency: str
    does: str


def demonstrators() -> list[Demonstrator]:
    """Return the accounts of a demonstration that are there."""
    from minewatch.office.platform.demonstration import ACCOUNTS
    from minewatch.office.platform.models import User
    from minewatch.office.platform.roles import Administrator, Role

    users = {user.username: user for user in User.objects.filter(is_active=True)}
    return [
        Demonstrator(
            account.username,
            str(users[account.username].agency),
            str(Administrator(account.administers).label)
            if account.administers
            else ", ".join(str(Role(role).label) for role in account.roles),
        )
        for account in ACCOUNTS
        if account.username in users
    ]


def live() -> dict[str, int]:
    """Bring cases of a demonstration on their way; return the number of all by their state in words."""
    from minewatch.office.demonstration import live
    from minewatch.office.platform.services import By
    from minewatch.office.verify.models import Case

    states = live(By(None, datetime.now(UTC)))
    return {str(Case.State(state).label): number for state, number in states.items()}


class PlaceTaken(OSError):  # noqa: N818 - named for what it is
    """Another program listens where the office is to serve."""

    def __init__(self, bind: str, why: str) -> None:
        super().__init__(bind, why)
        self._bind, self._why = bind, why

    def text(self, language: str) -> str:
        """Return the sentence in a language."""
        if language == "zh":
            return f"无法在{self._bind}上服务({self._why}):请停止占用它的程序,或用--bind另选地址"
        return f"cannot serve on {self._bind} ({self._why}): stop what uses it, or choose another --bind"


def serve(bind: str, processes: int, *, quiet: bool = False) -> int:
    """Serve the office with gunicorn until it is stopped; return its exit code.

    Raises PlaceTaken where another program listens there.
    """
    _refuse_taken(bind)
    command = [sys.executable, "-m", "gunicorn", "minewatch.office.wsgi:application"]
    command += ["--bind", bind, "--workers", str(processes), "--threads", "4"]
    command += ["--log-level", "warning"] if quiet else ["--access-logfile", "-"]
    server = subprocess.Popen(command)  # noqa: S603 - our own words
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        return server.wait()
    except KeyboardInterrupt:
        server.send_signal(signal.SIGINT)
        return server.wait()


def _refuse_taken(bind: str) -> None:
    host, _, port = bind.rpartition(":")
    if host == "unix" or not port.isdigit():
        return
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host.strip("[]"), int(port)))
        except OSError as error:
            raise PlaceTaken(bind, error.strerror or str(error)) from error


def work() -> None:
    """Do the office's work until stopped: deliver events, tell the hours, run the jobs."""
    from django.core.management import call_command

    from minewatch.office import jobs

    worker_id = uuid.uuid4().hex
    stop = threading.Event()
    teller = threading.Thread(target=_tell, args=(stop,), name="events")
    with jobs.hold(home().workers, worker_id):
        teller.start()
        try:
            call_command("db_worker", interval=1, verbosity=1, worker_id=worker_id)
        finally:
            stop.set()
            teller.join()


def _tell(stop: threading.Event) -> None:
    """Do once a second what is not a job; after a failure wait longer, up to a minute, and go on."""
    from django.db import close_old_connections, connection

    pause_s = _EVERY_S
    try:
        while not stop.wait(pause_s):
            close_old_connections()
            try:
                _tell_once(datetime.now(UTC))
                pause_s = _EVERY_S
            except Exception:
                _LOG.exception("events wait: what stopped them is tried again")
                pause_s = min(2 * pause_s, _PAUSE_AT_MOST_S)
    finally:
        connection.close()


def _tell_once(now: datetime) -> None:
    from minewatch.office import jobs
    from minewatch.office.platform import audit, events
    from minewatch.office.platform.scope import scoped, whole

    audit.seal()
    jobs.requeue_orphans(home().workers)
    jobs.fail_lost_works(now)
    with scoped(whole("events")):
        events.hour_began(now)
        events.deliver(now)
