"""Timing in turns: floor and job alternate, so that both meet the same machine."""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

WARM_UPS, TURNS = 1, 5


class Measured(NamedTuple):
    """Medians of the turns, seconds, and two ratios first / second.

    ``ratio`` is the median over turns; ``best_ratio`` that of the shortest times, which other work on the
    machine disturbs least.
    """

    first_s: float
    second_s: float
    ratio: float
    best_ratio: float


def in_turns(first: Callable[[Any], object], second: Callable[[Any], object], given: Any) -> Measured:
    """Run both on ``given`` in turns; ``first`` is what the ratio's numerator measures."""
    pairs = [(_seconds(first, given), _seconds(second, given)) for _ in range(WARM_UPS + TURNS)][WARM_UPS:]
    firsts, seconds = zip(*pairs, strict=True)
    ratio = statistics.median(a / b for a, b in pairs)
    medians = (statistics.median(firsts), statistics.median(seconds))
    return Measured(*medians, ratio, min(firsts) / min(seconds))


def _seconds(work: Callable[[Any], object], given: Any) -> float:
    start = time.perf_counter()
    work(given)
    return time.perf_counter() - start


def peak_mb_of(job: str, size: int, folder: Path) -> float:
    """Return the largest resident memory, MB, of a fresh process that runs the job once."""
    command = [sys.executable, "-m", "benchmarks", "--peak-of", job, "--size", str(size), "--folder", folder]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    return float(told.split()[-1])


def own_peak_mb() -> float:
    """Return the largest resident memory so far of this process or of one that it ran, MB.

    Its own is that of this address space: ``ru_maxrss`` also counts what the parent held before exec.
    """
    own_kib = int(Path("/proc/self/status").read_text(encoding="ascii").split("VmHWM:")[1].split()[0])
    return max(own_kib, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024
