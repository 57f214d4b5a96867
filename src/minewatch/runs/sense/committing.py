"""Rolls into the lake, by a process of its own, so that the sensor goes on listening meanwhile.

Each roll is ingested like any file: one commit, known again by its bytes, rows by their key. So a crash
between the commit and the removal of the roll doubles nothing. The process ends after its work and gives its
memory back.
"""

import ctypes
import os
import signal
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from minewatch.lake.failures import LakeError
from minewatch.lake.lake import Lake
from minewatch.runs.ingest import Headway, Outcome, Settings, ingest
from minewatch.runs.sense.packet_sources import Clock
from minewatch.runs.sense.spool import REFUSED, Spool
from minewatch.sources.unreadable import UnreadableFile

WAIT_S = 60.0
PAUSE = timedelta(seconds=30)
"""After a failure so long nothing is tried."""

_MOST_AT_ONCE = 64
_PR_SET_PDEATHSIG = 1


class Committed(NamedTuple):
    """What became of some rolls: rolls and rows in the lake, and why it ended early, in English."""

    rolls: int = 0
    rows: int = 0
    refused: tuple[str, ...] = ()
    failure: str | None = None


class Committer:
    """Takes the rolls of ``spool`` into the lake at ``lake``."""

    def __init__(self, lake: Path, spool: Spool, clock: Clock) -> None:
        self._lake, self._spool, self._clock = lake, spool, clock
        self._pool = _new_pool()
        self._working: Future[Committed] | None = None
        self._rests_until: datetime | None = None

    def step(self) -> Committed | None:
        """Begin with the rolls that wait, if there is nothing under way; return what was finished."""
        if self._working is not None:
            return self._finished(self._working) if self._working.done() else None
        rolls = self._spool.waiting()[:_MOST_AT_ONCE]
        now = self._clock()
        if rolls and (self._rests_until is None or now >= self._rests_until):
            self._working = self._pool.submit(commit_rolls, self._lake, rolls, now)
        return None

    @property
    def is_busy(self) -> bool:
        """Tell whether rolls are being taken in."""
        return self._working is not None

    @property
    def rests(self) -> bool:
        """Tell whether it failed and waits before it tries again."""
        return self._rests_until is not None

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown(wait=True)

    def _finished(self, working: Future[Committed]) -> Committed:
        self._working = None
        try:
            done = working.result()
        except BrokenProcessPool:
            self._pool.shutdown(wait=False)
            self._pool = _new_pool()
            done = Committed(failure="the process that takes rolls into the lake was killed")
        self._rests_until = None if done.failure is None else self._clock() + PAUSE
        return done


def commit_rolls(lake: Path, rolls: list[Path], at: datetime) -> Committed:
    """Ingest ``rolls`` into ``lake``, each as one commit at ``at``, and remove them."""
    done = Committed()
    try:
        opened = Lake.open(lake)
        for roll in rolls:
            (outcome,) = ingest(opened, [roll], Settings(wait_s=WAIT_S), at, _Unwatched())
            done = _counted(done, outcome, roll)
            if done.failure is not None:
                break
    except (LakeError, OSError) as error:
        return done._replace(failure=str(error))
    return done


def _counted(done: Committed, outcome: Outcome, roll: Path) -> Committed:
    if outcome.result is not None:
        roll.unlink()
        return done._replace(rolls=done.rolls + 1, rows=done.rows + outcome.result.accepted)
    if isinstance(outcome.error, UnreadableFile):
        roll.rename(roll.with_suffix(REFUSED))
        return done._replace(refused=(*done.refused, str(outcome.error)))
    return done._replace(failure=str(outcome.error))


class _Unwatched:
    def planned(self, files: int, bytes_: int) -> None:
        pass

    def started(self, path: Path) -> None:
        pass

    def read(self, headway: Headway) -> None:
        pass

    def finished(self, outcome: Outcome, bytes_: int) -> None:
        pass


def _new_pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"), _stand_back, (os.getpid(),), max_tasks_per_child=1)


def _stand_back(sensor: int) -> None:
    """Leave the processor to the process ``sensor``, which alone ends the work, and do not outlive it.

    Two would take the same rolls; what is broken off the next sensor does again.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != sensor:
        os.kill(os.getpid(), signal.SIGKILL)
    with suppress(OSError):
        os.nice(5)
