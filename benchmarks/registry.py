"""What is measured. A module of this package that calls ``register`` is found by ``jobs``.

A *job* is compared with a *floor*: the least that anything could take for the same input, run in turn with it
on the same machine, so that the ratio holds where seconds do not. A *sweep* follows one figure over a
severity, such as recall over the size of a mine.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Prepare = Callable[[Path, int], Any]


@dataclass(frozen=True)
class Job:
    """``job`` and ``floor`` get what ``prepare(folder, size)`` returned; they are timed after a warm-up.

    ``prepare`` keeps its files in ``folder`` and makes them only once. ``bar`` is the most that job / floor
    may be, ``peak_bar_mb`` the most memory of the process that runs the job alone; None: told, not judged.
    """

    name: str
    sizes: tuple[int, ...]
    unit: str
    prepare: Prepare
    job: Callable[[Any], object]
    floor: Callable[[Any], object]
    floor_name: str
    bar: float | None = None
    peak_bar_mb: float | None = None


@dataclass(frozen=True)
class Scaling:
    """The time of ``slow`` over that of ``quick`` on what ``prepare`` made; both bounds may be None."""

    name: str
    prepare: Callable[[Path], Any]
    slow: Callable[[Any], object]
    quick: Callable[[Any], object]
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Sweep:
    """``run()`` returns severity → figure."""

    name: str
    figure: str
    run: Callable[[], Mapping[str, float]]


@dataclass(frozen=True)
class Pages:
    """Pages of a server under load: ``run(folder, size)`` returns what was measured, by phase and route."""

    name: str
    sizes: tuple[int, ...]
    unit: str
    run: Callable[[Path, int], "Sequence[Phase]"]
    most_queries: int | None = None
    p95_bar_ms: float | None = None


@dataclass(frozen=True)
class Route:
    """A kind of page: milliseconds and queries. ``judged`` where the entry's bars hold for it."""

    name: str
    number: int
    p50_ms: float
    p95_ms: float
    max_ms: float
    slowest: str
    queries: int | None
    judged: bool


@dataclass(frozen=True)
class Phase:
    """A load: what it was in words, whether the bars hold in it, and what it met."""

    words: str
    judged: bool
    a_second: float
    client_cpu_share: float
    load_before: float
    floor_ms: float
    routes: Sequence[Route]


Entry = Job | Scaling | Sweep | Pages

_ENTRIES: dict[str, Entry] = {}


def register(entry: Entry) -> None:
    """Add ``entry``. Raises ValueError for a name that is taken."""
    if entry.name in _ENTRIES:
        raise ValueError(f"two benchmarks are called {entry.name}")
    _ENTRIES[entry.name] = entry


def entries() -> Mapping[str, Entry]:
    """Return every registered entry by name, after importing the modules of this package."""
    package = importlib.import_module("benchmarks")
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.endswith("_bench"):
            importlib.import_module(f"benchmarks.{module.name}")
    return dict(_ENTRIES)
