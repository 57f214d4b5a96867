"""Where the steps of a run are done, and who watches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from minewatch.engines.base import Engine
from minewatch.runs.evidence_rows import EvidenceRows
from minewatch.runs.partitions import View
from minewatch.schema.steps import Partition, PartResult, Step


class Watcher(Protocol):
    """Who is told how far it is. Stages: those of the branches, then sites, commit."""

    def stage(self, name: str, parts: int) -> None:
        """Learn that a stage of ``parts`` parts begins."""

    def part(self, rows: int) -> None:
        """Learn that a part is done."""


class Unwatched:
    """Nobody is told."""

    def stage(self, name: str, parts: int) -> None:
        """See ``Watcher.stage``."""

    def part(self, rows: int) -> None:
        """See ``Watcher.part``."""


@dataclass(frozen=True)
class Work:
    """What a run reads, the engine that does its steps, and the ``folder`` for files that workers share.

    ``evidence`` is that of the branches before, from which sites are known.
    """

    view: View
    engine: Engine
    parameters: Mapping[str, Any]
    folder: Path
    evidence: EvidenceRows
    watcher: Watcher = field(default_factory=Unwatched)

    def run(self, stage: str, step: Step, partitions: Sequence[Partition]) -> list[PartResult]:
        """Run a step on partitions and return what it wrote, in the order of their names."""
        self.watcher.stage(stage, len(partitions))
        parts = []
        for part in self.engine.run(step, partitions, self.parameters, self.folder):
            self.watcher.part(part.rows)
            parts.append(part)
        return sorted(parts, key=lambda part: part.partition_id)
