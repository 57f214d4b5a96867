"""What crosses to an engine: a step, the partitions it runs over, and what comes back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

StepFunction = Callable[[Mapping[str, pa.Table], Mapping[str, Any]], pa.Table]
"""(tables by name, parameters) → rows of the step's output table. Pure, top-level, no clock, no I/O."""


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
