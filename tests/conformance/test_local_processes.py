"""Processes of the local engine die, are stopped and orphaned: work is done again, nothing is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from minewatch.engines.local import LocalEngine, WorkersDiedError

HERE = Path(__file__).parent
# A shell ignores interrupts for what it runs in the background, and children inherit that.
PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from minewatch.engines.local import LocalEngine
from test_local_processes import sleep_after_note
if __name__ == "__main__":
    items = [(sys.argv[1], at) for at in range(2)]
    print("begun", flush=True)
    list(LocalEngine(2, processes=True).map(sleep_after_note, items))
"""


def die_once(item: tuple[str, int]) -> int:
    """Kill this process at the first try of item 1."""
    folder, at = item
    mark = Path(folder, "died")
    if at == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return at * at


def die(item: int) -> int:
    if item == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def sleep_after_note(item: tuple[str, int]) -> None:
    folder, _ = item
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)


def wait_until(fact: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.05)
    return fact()


def test_a_killed_process_is_replaced_and_its_work_done_again(tmp_path: Path) -> None:
    items = [(str(tmp_path), at) for at in range(6)]
    assert sorted(LocalEngine(2, processes=True).map(die_once, items)) == [(at, at * at) for at in range(6)]
    assert (tmp_path / "died").exists()


def test_work_that_kills_its_process_each_time_is_given_up_and_the_rest_is_kept() -> None:
    done: list[int] = []
    results = LocalEngine(1, processes=True).map(die, [0, 1, 2])
    with pytest.raises(WorkersDiedError) as failure:
        done.extend(place for place, _ in results)
    assert done == [0, 1]
    assert "1 parts to go" in failure.value.text("en")
    assert "local-processes[1]" in failure.value.text("zh")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_no_worker_outlives_the_program(end: signal.Signals, tmp_path: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(HERE)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
        workers = [int(path.name) for path in tmp_path.iterdir()]
        if end is signal.SIGINT:
            # As a terminal does it: to every process of the group.
            os.killpg(program.pid, end)
        else:
            program.kill()
        _, errors = program.communicate(timeout=30)
        assert wait_until(lambda: not any(psutil.pid_exists(pid) for pid in workers))
        # Workers are silent; only the program itself speaks of the interrupt.
        assert errors.count("Traceback") == (end is signal.SIGINT)
    finally:
        program.kill()
