"""The worker, killed in the middle of a job: the next one runs the job again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

JOB = """
import os, time
from pathlib import Path
from django_tasks import task

@task
def count(path):
    with open(path, "a") as file:
        file.write("began\\n")
    if len(Path(path).read_text().splitlines()) == 1:
        time.sleep(600)
    with open(path, "a") as file:
        file.write("ended\\n")
"""
ENQUEUE = "import django; django.setup(); import a_job; a_job.count.enqueue({path!r})"
WAIT_S = 60.0


def wait_for(done: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def test_a_job_is_run_again_after_kill_9(tmp_path: Path) -> None:
    (tmp_path / "a_job.py").write_text(JOB, "utf-8")
    home, trace = tmp_path / "office", tmp_path / "trace"
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "MINEWATCH_OFFICE_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "minewatch.office.settings",
    }
    minewatch = [str(Path(sys.executable).with_name("minewatch")), "office"]

    def told() -> list[str]:
        return trace.read_text("utf-8").split() if trace.exists() else []

    subprocess.run([*minewatch, "setup"], env=environment, check=True)
    subprocess.run(
        [sys.executable, "-c", ENQUEUE.format(path=str(trace))], env=environment, check=True, cwd=tmp_path
    )
    first = subprocess.Popen([*minewatch, "worker"], env=environment)
    wait_for(lambda: told() == ["began"])
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = subprocess.Popen([*minewatch, "worker"], env=environment)
    try:
        wait_for(lambda: told() == ["began", "began", "ended"])
    finally:
        second.terminate()
        assert second.wait(timeout=30) == 0
