"""The PostgreSQL of the tests runs, from Debian and from the wheel, and never outlives who started it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests import postgresql

ROOT = Path(__file__).parents[2]
STARTER = """
import time
from tests import postgresql
with postgresql.running() as server:
    print(server.folder, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("of_wheel", [False, True], ids=["found", "wheel"])
def test_a_server_answers_and_is_gone_afterwards(of_wheel: bool) -> None:
    with postgresql.running(of_wheel=of_wheel) as server:
        with psycopg.connect(server.new_database("office")) as connection:
            row = connection.execute("SELECT lower('ÄÖ'), current_setting('listen_addresses')").fetchone()
        assert row == ("äö", "")
        assert (server.programs / "pg_dump").is_file()
    assert not server.folder.exists()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's own user can reach, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_data_can_be_kept_and_settings_given() -> None:
    with tempfile.TemporaryDirectory() as folder:  # not pytest's, which another account may not enter
        Path(folder).chmod(0o755)
        for is_first in (True, False):
            with postgresql.running(keep=Path(folder) / "kept", settings={"work_mem": "9MB"}) as server:
                if is_first:
                    server.new_database("office")
                with psycopg.connect(server.url("office")) as connection:
                    assert connection.execute("SHOW work_mem").fetchone() == ("9MB",)


def test_a_server_ends_with_who_started_it() -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    folder = Path(starter.stdout.readline().strip())
    postmaster = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()
    ends = time.monotonic() + 30
    while time.monotonic() < ends and (folder.exists() or Path(f"/proc/{postmaster}").exists()):
        time.sleep(0.1)
    assert not folder.exists()
    assert not Path(f"/proc/{postmaster}").exists()
