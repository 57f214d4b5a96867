"""Spark as a user meets it: loopback only, a silent terminal, a cluster without workers, Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from cluster import Cluster

from minewatch.engines.base import Engine

HERE = Path(__file__).parent
# A shell ignores interrupts for what it runs in the background, and children inherit that.
PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from minewatch.engines.failures import EngineError
from minewatch.engines.spark import SparkEngine
from test_spark import sleep_after_note
engine = SparkEngine(sys.argv[1], patience_s=float(sys.argv[2]))
try:
    list(engine.map(sleep_after_note, [sys.argv[3]]))
except EngineError as error:
    print(error.text("en"))
except KeyboardInterrupt:
    print("interrupted")
finally:
    engine.close()
"""


def sleep_after_note(folder: str) -> None:
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)


def program(master: str, patience_s: float, folder: Path) -> "subprocess.Popen[str]":
    """Start a program with an engine of its own: only one can be open in a process."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, master, str(patience_s), str(folder)],
        env=os.environ | {"PYTHONPATH": str(HERE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def idle(cluster: Cluster, tmp_path: Path) -> Iterator[Cluster]:
    """Return a master without workers."""
    lonely = Cluster(tmp_path, cluster.java_home)
    try:
        lonely.start(workers=0)
        yield lonely
    finally:
        lonely.stop()


def test_all_processes_listen_on_loopback_only(cluster: Cluster, spark: Engine) -> None:
    assert list(spark.map(abs, [-1, -2]))
    me = psutil.Process()
    family = [process for process in [me, *me.children(recursive=True)] if process.is_running()]
    names = {process.name() for process in family}
    listening = {
        connection.laddr.ip
        for process in family
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert "java" in names
    assert listening
    assert {address.removeprefix("::ffff:") for address in listening} <= {"127.0.0.1", "::1"}
    assert cluster.address.startswith("spark://127.0.0.1:")


def test_a_cluster_without_workers_is_named_and_the_terminal_stays_clean(
    idle: Cluster, tmp_path: Path
) -> None:
    started = program(idle.address, 2.0, tmp_path)
    try:
        output, errors = started.communicate(timeout=90)
    finally:
        started.kill()
    assert "no executor for 2 s" in output
    assert errors == ""
    assert started.returncode == 0


def test_ctrl_c_stops_the_work_on_the_cluster(cluster: Cluster, spark: Engine, tmp_path: Path) -> None:
    # The session's engine holds all cores while it is open.
    spark.close()
    started = program(cluster.address, 60.0, tmp_path)
    try:
        deadline = time.monotonic() + 60
        while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.1)
        (worker,) = (int(path.name) for path in tmp_path.iterdir())
        os.killpg(started.pid, signal.SIGINT)
        output, errors = started.communicate(timeout=60)
    finally:
        started.kill()
    assert (output, errors) == ("interrupted\n", "")
    gone = time.monotonic() + 30
    while psutil.pid_exists(worker) and time.monotonic() < gone:
        time.sleep(0.1)
    assert not psutil.pid_exists(worker)
