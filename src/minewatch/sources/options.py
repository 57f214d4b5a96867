"""What the user may tell a reader."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from minewatch.sources.batch import Batch
    from minewatch.sources.mapping import ColumnMapping


@dataclass(frozen=True)
class ReadOptions:
    """How a file is read.

    ``zone``: local time of the lake; days are cut in it, and times without an offset are in it (unless
    ``mapping.zone`` says otherwise). ``mapping``: the user's own columns. ``table``: canonical table, where
    the header leaves a choice. ``batch_rows``: most canonical rows in one batch.
    """

    zone: ZoneInfo
    mapping: "ColumnMapping | None" = None
    table: str | None = None
    batch_rows: int = 50_000


class Reader(Protocol):
    """Reads one file of one format; raises UnreadableFile where nothing of it can be taken."""

    def __call__(self, path: Path, options: ReadOptions) -> "Iterator[Batch]":
        """Yield the file's rows as batches, in bounded memory."""
        ...
