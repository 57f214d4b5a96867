"""How well hidden mining is found on simulated connections that are seen for an hour.

``python -m minewatch.runs.training.encrypted_trials`` writes the figures of the evaluation seed beside the
reference. Kinds that are easily mistaken are simulated ten or fifty times as often as the others, and all
weigh by their shares (stratified sampling), so that rates of a few in a million can be told from some ten
thousand connections.
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch import detect
from minewatch.detect.encrypted.encrypted_flows import HOPELESS, weigh
from minewatch.detect.encrypted.model import shipped_version
from minewatch.detect.encrypted.needs import talk_refusal
from minewatch.engines.base import Engine
from minewatch.engines.local import LocalEngine
from minewatch.runs.training.encrypted_examples import EVALUATION, Draw, Example, example
from minewatch.sim.wire import quiet_innocents, quiet_miners

Floats = npt.NDArray[np.float64]

SPAN_S, PRIOR, RATE = 3600.0, 1e-4, 0.05
"""An hour seen; mining connections among all; false discoveries on the list."""

LISTED_FROM = float(np.log10((1 - RATE) / RATE / PRIOR))
"""log10 likelihood ratio from which a connection more probably mines than ``RATE`` allows doubt: 5.28."""

WAYS = ("none", "seen", "header")
"""Block times that are given: none, those of a node, those in headers."""

HARD = (
    "ticker", "dashboard", "quiet_feed", "game", "events", "orders", "till", "charger", "wallet", "explorer",
)  # fmt: skip
"""Innocent kinds with what mining has: work-like pushes, share-like events, or blocks."""

HARDEST = ("events", "game")
"""Those with share-like events and work-like pushes."""

NUMBERS = 400, 300
"""Connections of each kind of miner, and of each innocent kind that is not hard."""

_BATCH = 100


class Task(NamedTuple):
    """Connections ``first`` to ``last`` - 1 of a kind."""

    kind: str
    first: int
    last: int


class Figures(NamedTuple):
    """By kind the log10 likelihood ratios by each of ``WAYS``; (connections, ways), -inf: not judged."""

    scores: Mapping[str, Floats]

    def recall(self, way: int, listed_from: float = LISTED_FROM) -> float:
        """Return the share of miners that are listed."""
        return self._rate(quiet_miners.SHARES, way, listed_from)

    def false_alarms(self, way: int, listed_from: float = LISTED_FROM) -> float:
        """Return the share of innocents that are listed."""
        return self._rate(quiet_innocents.SHARES, way, listed_from)

    def false_discoveries(self, way: int, listed_from: float = LISTED_FROM) -> float:
        """Return the share of innocents on the list."""
        mines = PRIOR * self.recall(way, listed_from)
        others = (1 - PRIOR) * self.false_alarms(way, listed_from)
        return others / (mines + others) if others else 0.0

    def _rate(self, shares: Mapping[str, float], way: int, listed_from: float) -> float:
        return float(
            sum(share * np.mean(self.scores[name][:, way] >= listed_from) for name, share in shares.items())
        )


def trials(engine: Engine, seed: int, miners: int, innocents: int) -> Figures:
    """Simulate so many connections of each kind; of hard innocent kinds ten times, of the hardest fifty."""
    numbers = dict.fromkeys(quiet_miners.SPEECHES, miners) | dict.fromkeys(quiet_innocents.KINDS, innocents)
    numbers |= dict.fromkeys(HARD, 10 * innocents) | dict.fromkeys(HARDEST, 50 * innocents)
    tasks = [
        Task(kind, first, min(first + _BATCH, number))
        for kind, number in numbers.items()
        for first in range(0, number, _BATCH)
    ]
    parts: dict[str, list[tuple[int, Floats]]] = {}
    for place, scores in engine.map(partial(_scores, seed), tasks):
        parts.setdefault(tasks[place].kind, []).append((place, scores))
    ordered = {
        kind: [rows for _, rows in sorted(found, key=lambda item: item[0])] for kind, found in parts.items()
    }
    return Figures(MappingProxyType({kind: np.concatenate(rows) for kind, rows in ordered.items()}))


def _scores(seed: int, task: Task) -> Floats:
    drawn = (example(seed, number, Draw(task.kind, SPAN_S)) for number in range(task.first, task.last))
    return np.array([scores_of(one) for one in drawn])


def scores_of(one: Example) -> Sequence[float]:
    """Return the log10 likelihood ratio by each of ``WAYS``."""
    if one.talk is None or talk_refusal(one.talk):
        return [-np.inf] * len(WAYS)
    without = weigh(one.talk, one.others, ()).verdict.log10_lr
    if without < HOPELESS:  # no blocks lift that onto the list
        return [without] * len(WAYS)
    given = (one.seen, one.headed)
    return [without, *(weigh(one.talk, one.others, chains).verdict.log10_lr for chains in given)]


def figures_of(figures: Figures) -> Mapping[str, Any]:
    """Return recall and false alarms by the block times given, and by kind how many were listed."""
    ways = {}
    for way, name in enumerate(WAYS):
        alarms = figures.false_alarms(way)
        rates = {"recall": figures.recall(way), "false_alarms": alarms}
        ways[name] = rates | {"false_discoveries": figures.false_discoveries(way)}
    kinds = {
        kind: {
            "connections": len(scores),
            "judged": int(np.isfinite(scores[:, 0]).sum()),
            "listed": dict(zip(WAYS, (scores >= LISTED_FROM).sum(axis=0).tolist(), strict=True)),
            "largest": dict(zip(WAYS, np.round(scores.max(axis=0), 2).tolist(), strict=True)),
        }
        for kind, scores in figures.scores.items()
    }
    made = {"seed": EVALUATION, "reference": shipped_version(), "listed_from": LISTED_FROM}
    return {**made, "block_times": ways, "kinds": kinds}


def write_figures(folder: Path, engine: Engine) -> None:
    """Write ``figures.json`` under ``folder``."""
    figures = figures_of(trials(engine, EVALUATION, *NUMBERS))
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_figures(Path(detect.__path__[0]) / "models" / "encrypted", LocalEngine(1))
