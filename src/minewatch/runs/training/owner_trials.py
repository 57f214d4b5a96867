"""How well owners and victims are told apart: ``python -m minewatch.runs.training.owner_trials``.

Simulated weeks of sites that mine go through the whole scan, and the findings' probability that computers
were infected is held against the story of each site. Ratios were chosen while looking at ``DEVELOPMENT``
seeds; figures in the docs are those of ``EVALUATION`` seeds, by which no value was chosen.
"""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minewatch.engines.local import LocalEngine
from minewatch.lake.lake import Lake
from minewatch.runs.scan import Request, period_of, scan_lake
from minewatch.runs.work import Unwatched
from minewatch.sim.county import ZONE
from minewatch.sim.wire.owners import MONDAY, STORIES, week

DEVELOPMENT, EVALUATION = (41, 42), (71, 72, 73)
SITES = 100
FEW, ALONE = 6, 100_000
"""Campaigns that infect many sites each, and as many as make each infected site stand alone."""

_AT = datetime(2026, 7, 1, tzinfo=UTC)


class Told(NamedTuple):
    """A listed site: its story and the probability that it was infected."""

    story: str
    probability: float

    @property
    def right(self) -> bool:
        """Whether the more probable answer is the true one."""
        return (self.probability >= 0.5) == STORIES[self.story].infected


def trial(seed: int, campaigns: int, sites: int = SITES) -> list[Told]:
    """Return what a scan says of the sites of one simulated week."""
    made = week(seed, sites, campaigns)
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.create(Path(folder) / "lake", ZONE, buckets=4)
        tables = dict(made.tables)
        lake.append({"usage_points": tables.pop("usage_points")}, "ingest", _AT)
        lake.append(tables, "ingest", _AT)
        request = Request(period_of(f"{MONDAY:%G-W%V}", ZONE))
        found = scan_lake(lake, request, LocalEngine(1), lambda: _AT, Unwatched())
        return [
            Told(made.stories[row["usage_points"][0]["name"]], row["victim_probability"])
            for row in found.findings.to_pylist()
            if row["victim_probability"] is not None and row["usage_points"]
        ]


def report(told: Sequence[Told]) -> Iterator[str]:
    """Yield lines: how many of each story were told right, and how far probabilities can be trusted."""
    by_story: dict[str, list[Told]] = defaultdict(list)
    for item in told:
        by_story[item.story].append(item)
    for story, items in sorted(by_story.items()):
        mean = np.mean([item.probability for item in items])
        yield f"{story:22} {sum(item.right for item in items):4} of {len(items):4} right, mean {mean:.2f}"
    truth = np.array([STORIES[item.story].infected for item in told], float)
    given = np.array([item.probability for item in told])
    yield f"all: {np.mean((given >= 0.5) == truth):.3f} right, Brier {np.mean((given - truth) ** 2):.3f}"
    for low, high in ((0, 0.05), (0.05, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01)):
        inside = (given >= low) & (given < high)
        if inside.any():
            yield f"given {low:.2f}-{min(high, 1):.2f}: {truth[inside].mean():.2f} of {inside.sum()} infected"


if __name__ == "__main__":
    seeds = EVALUATION if sys.argv[1:] == ["evaluation"] else DEVELOPMENT
    for number in (FEW, ALONE):
        told = [item for seed in seeds for item in trial(seed, number)]
        sys.stdout.writelines(f"{line}\n" for line in (f"campaigns: {number}", *report(told)))
