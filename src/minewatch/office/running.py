"""Setting an office up and running it: what ``minewatch office`` calls; no app imports it."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import django

from minewatch.office.home import HOME_VARIABLE, home

_EVENTS_EVERY_S = 1.0


def open_office(folder: Path) -> None:
    """Make Django ready for the office in ``folder``; called once in a process, before anything else."""
    os.environ[HOME_VARIABLE] = str(folder.absolute())
    os.environ["DJANGO_SETTINGS_MODULE"] = "minewatch.office.settings"
    django.setup()


def set_up() -> None:
    """Make the key and bring the database to the present form; does no harm where both are there."""
    from django.core.management import call_command

    home().make_key()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def serve(bind: str, processes: int) -> int:
    """Serve the office with gunicorn until it is stopped; return its exit code."""
    command = [sys.executable, "-m", "gunicorn", "minewatch.office.wsgi:application"]
    command += ["--bind", bind, "--workers", str(processes), "--threads", "4", "--access-logfile", "-"]
    server = subprocess.Popen(command)  # noqa: S603 - our own words
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        return server.wait()
    except KeyboardInterrupt:
        server.send_signal(signal.SIGINT)
        return server.wait()


def work() -> None:
    """Do the office's work until stopped: deliver events, tell the hours, run the jobs."""
    from django.core.management import call_command

    stop = threading.Event()
    teller = threading.Thread(target=_tell, args=(stop,), name="events")
    teller.start()
    try:
        call_command("db_worker", interval=1, verbosity=1)
    finally:
        stop.set()
        teller.join()


def _tell(stop: threading.Event) -> None:
    from django.db import connection

    from minewatch.office.platform import events
    from minewatch.office.platform.scope import scoped, whole

    try:
        while not stop.wait(_EVENTS_EVERY_S):
            now = datetime.now(UTC)
            with scoped(whole("events")):
                events.hour_began(now)
                events.deliver(now)
    finally:
        connection.close()
