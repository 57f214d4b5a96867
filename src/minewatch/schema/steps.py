"""What crosses to an engine: a step, the partitions it runs over, and what comes back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa

from minewatch.schema.periods import Period

StepFunction = Callable[[Mapping[str, pa.Table], Mapping[str, Any]], pa.Table]
"""(tables by name, parameters) → rows of the step's output table. Pure, top-level, no clock, no I/O."""


class Asked(NamedTuple):
    """What a run asks of a step: the period, the zone of local days, the lake's version of each table."""

    period: Period
    zone: ZoneInfo
    versions: Mapping[str, int]


def asked(parameters: Mapping[str, Any]) -> Asked:
    """Read a step's parameters: ``period_start_at``, ``period_end_at``, ``zone``, ``inputs``.

    The ends of the period are ISO 8601 with zone, ``zone`` is an IANA name, and ``inputs``, where the tables
    come from a lake, gives table → [version, rows].
    """
    start_at, end_at = (datetime.fromisoformat(parameters[f"period_{end}_at"]) for end in ("start", "end"))
    versions = {table: int(item[0]) for table, item in parameters.get("inputs", {}).items()}
    return Asked(Period(start_at, end_at), ZoneInfo(parameters["zone"]), versions)


@dataclass(frozen=True)
class Step:
    """A named computation over partitions.

    ``function`` gets one chunk: for each of ``inputs`` a table with the columns of its schema, in which all
    rows of one value of ``group_by`` (a transformer, a usage point, a capture) are together and rows are
    ordered by group, then key. ``strays``: rows of no group come too, in chunks of their own. ``whole``
    inputs come complete in every chunk. It returns rows of the table named ``output``. ``version`` changes
    whenever the rows may. ``columns`` names, for an input of which the function needs only some columns,
    those that engines have to read.
    """

    name: str
    version: str
    inputs: tuple[str, ...]
    group_by: str
    output: str
    function: StepFunction
    whole: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    strays: bool = False


@dataclass(frozen=True)
class TableSlice:
    """Rows of one table version for one partition.

    ``files`` are Parquet files that may hold several revisions of a row; of rows with one ``key`` the
    highest ``revision`` is valid. ``where`` bounds columns: name → (low included, high excluded), ISO text.
    """

    table: str
    version: int
    files: tuple[str, ...]
    where: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    bucket: int | None = None


@dataclass(frozen=True)
class Partition:
    """One unit of work: a bucket of transformers or a set of captures, and the slices it reads."""

    partition_id: str
    slices: Mapping[str, TableSlice]


@dataclass(frozen=True)
class PartResult:
    """What a partition wrote: a Parquet file of the step's output, ready to be committed."""

    partition_id: str
    path: str
    rows: int
    bytes: int
