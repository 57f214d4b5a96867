"""What ``look`` is told, and what it tells of each file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from minewatch.schema.reasons import Reason

if TYPE_CHECKING:
    from minewatch.sources.batch import Reject

DEFAULT_ZONE = "Asia/Shanghai"
READINGS, ARCHIVE, FLOWS = "interval_readings", "usage_points", "flows"


@dataclass(frozen=True)
class Settings:
    """How files are read, and the ``language`` of the reasons ("en" or "zh").

    ``pools``: a file with pools beside those of the shipped list. ``block_times``: one with times of blocks.
    """

    language: str
    zone: str = DEFAULT_ZONE
    mapping: Path | None = None
    table: str | None = None
    pools: Path | None = None
    block_times: Path | None = None


class PutAside(NamedTuple):
    """How many rows or single values were put aside for one reason, and the first of them."""

    number: int
    first: "Reject"


@dataclass(frozen=True)
class Sight:
    """What one file gave: ``records`` on its ``table``, out of ``looked_at`` flows or customers.

    ``put_aside`` tells by reason code what could not be read. ``failure`` says why nothing was read.
    """

    path: Path
    table: str | None = None
    looked_at: int = 0
    records: Sequence[dict[str, Any]] = ()
    put_aside: Mapping[str, PutAside] = field(default_factory=dict)
    notes: Sequence[Reason] = field(default=())
    failure: Reason | None = None


class Watcher(Protocol):
    """Who is told how far it is."""

    def planned(self, files: int, bytes_: int) -> None:
        """Learn how much there is to do."""

    def read(self, path: Path, bytes_done: int) -> None:
        """Learn how far the reading of a file is."""

    def judging(self, customers_rows: int) -> None:
        """Learn that gathered readings are being judged."""
