"""What every engine can do. A user names one by its address: ``local``, ``local[2]``, ``spark://host:port``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from minewatch.schema.steps import Partition, PartResult, Step

Item = TypeVar("Item")
Result = TypeVar("Result")


class Engine(Protocol):
    """A place where partitions are worked on.

    Work may be tried again after a worker died, so it writes under a name of its own try and renames at
    the end: a partition's file appears whole or not at all.
    """

    @property
    def name(self) -> str:
        """``local`` or ``spark``, for the manifest."""

    def map(self, task: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[int, Result]]:
        """Yield (position of the item, result) as they finish; ``task`` is a top-level function.

        An exception of a task is raised here after the engine has stopped handing out work.
        """

    def run(
        self, step: Step, partitions: Sequence[Partition], parameters: Mapping[str, Any], folder: Path
    ) -> Iterator[PartResult]:
        """Run ``step`` on each partition; each result is a Parquet file in ``folder``, named by partition.

        Yields as they finish. Rows of a partition's file are the same on every engine.
        """

    def close(self) -> None:
        """Give back workers and sessions."""
