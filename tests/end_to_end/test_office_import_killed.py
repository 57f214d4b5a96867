"""A worker that is killed in the middle of an import, again and again: every row is there, and there once."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.importing import make_file

ROWS = 7_500
MINEWATCH = str(Path(sys.executable).with_name("minewatch"))
WAIT_S = 120.0
SET_UP = "from pathlib import Path; from benchmarks.importing import set_up; set_up(Path({home!r}))"
STEP = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from minewatch.office.running import open_office
open_office(Path({home!r}))
from minewatch.office.platform.models import Region, User
from minewatch.office.platform.scope import scoped
from minewatch.office.platform.selectors import scope_of
from minewatch.office.platform.services import By
from minewatch.office.register.imports import services, tasks
from minewatch.office.register.imports.models import Import
user = User.objects.get(username="li.na")
by = By(user, datetime.now(UTC))
with scoped(scope_of(user)):
    if {step!r} == "check":
        given = services.FileGiven("list.csv", "usagepoint", Region.objects.get(code="510703"))
        one = services.receive([Path({file!r}).read_bytes()], given, by)
        tasks.check(one, one.columns, by)
    else:
        tasks.apply(Import.objects.get(), by)
"""


class Office:
    """An office of its own in SQLite, looked at from outside."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, code: str) -> None:
        subprocess.run([sys.executable, "-c", code], check=True)

    def one(self, query: str) -> tuple[object, ...]:
        with closing(sqlite3.connect(self.home / "office.sqlite3", timeout=30)) as database:
            row: tuple[object, ...] = database.execute(query).fetchone()
            return row

    def number(self, query: str) -> int:
        return int(str(self.one(query)[0]))

    @property
    def state(self) -> str:
        return str(self.one("SELECT state FROM register_import")[0])

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen([MINEWATCH, "office", "worker", "--home", str(self.home)])
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def kill_while(self, state: str, counted: str, kills: int) -> None:
        """Kill a worker each time that the count has grown, until ``state`` is over; the last one ends it."""
        before, deadline = 0, time.monotonic() + WAIT_S
        while self.state == state:
            assert time.monotonic() < deadline, f"still {state} after {WAIT_S} s"
            with self.worker():
                while self.state == state:
                    assert time.monotonic() < deadline, f"still {state} after {WAIT_S} s"
                    now = self.number(counted)
                    if kills and now > before:
                        before, kills = now, kills - 1
                        break
                    time.sleep(0.02)
        assert not kills, "the import was over before a worker was killed in the middle of it"


def test_a_worker_killed_in_the_middle_of_an_import_loses_and_doubles_nothing(tmp_path: Path) -> None:
    home = tmp_path / "office"
    file = make_file(tmp_path / "list.csv", ROWS)
    office = Office(home)
    office.run(SET_UP.format(home=str(home)))
    office.run(STEP.format(home=str(home), file=str(file), step="check"))
    office.kill_while("checking", "SELECT COUNT(*) FROM register_importrow", 1)
    assert office.state == "checked"
    assert office.number("SELECT COUNT(*) FROM register_importrow") == ROWS
    assert office.number("SELECT COUNT(*) FROM register_usagepoint") == 0
    office.run(STEP.format(home=str(home), file=str(file), step="apply"))
    office.kill_while("applying", "SELECT COUNT(*) FROM register_usagepoint", 2)
    assert office.state == "done"
    assert office.number("SELECT COUNT(*) FROM register_usagepoint") == ROWS
    assert office.number("SELECT COUNT(*) FROM register_premises") == ROWS // 3
    said = "SELECT COUNT(*), COUNT(DISTINCT subject_id) FROM register_statement "
    said += "WHERE subject_kind = 'usagepoint'"
    assert office.one(said) == (ROWS, ROWS)
    assert office.number("SELECT COUNT(*) FROM register_importrow WHERE waits OR outcome <> 'new'") == 0
    environment = os.environ | {"MINEWATCH_OFFICE_HOME": str(home)}
    subprocess.run([MINEWATCH, "office", "audit", "verify"], env=environment, check=True)
