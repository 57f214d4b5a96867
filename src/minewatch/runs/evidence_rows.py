"""The evidence of one run, wherever it lies: in files that an engine wrote, in the lake, partly recomputed.

The evidence of a large county does not fit in memory as Python objects: a few columns of all rows are read
at once, whole rows only for the few that are asked for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from minewatch.detect.balance.place import PLACE_STEP
from minewatch.engines.chunks import CHUNK_BYTES
from minewatch.lake.commits import Snapshot
from minewatch.lake.lake import Lake
from minewatch.runs.manifest import RunManifest
from minewatch.schema.analysis_tables import EVIDENCE
from minewatch.schema.slices import read_slice, slice_bytes
from minewatch.schema.steps import PartResult

_BATCH_ROWS = 65_536
_HEX = "0123456789abcdef"


class EvidenceRows(Protocol):
    """Evidence of one run. Every row comes in exactly one of the tables, in any order."""

    def read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield ``columns`` of all rows, piece by piece."""


@dataclass(frozen=True)
class PartEvidence:
    """Evidence in the files that an engine wrote."""

    parts: Sequence[PartResult]

    def read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """See ``EvidenceRows.read``."""
        for part in self.parts:
            with pq.ParquetFile(part.path) as file:
                for batch in file.iter_batches(_BATCH_ROWS, columns=list(columns), use_threads=False):
                    yield pa.Table.from_batches([batch])


@dataclass(frozen=True)
class LakeEvidence:
    """Evidence of ``manifest`` in the lake: by its detectors, on its input versions, for its period."""

    lake: Lake
    snapshot: Snapshot
    manifest: RunManifest

    def read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """See ``EvidenceRows.read``."""
        period = self.manifest.period
        times = (period.start_at.isoformat(), period.end_at.isoformat())
        needed = [*dict.fromkeys([*columns, *_OWN])]
        every = self.lake.slice(self.snapshot, "evidence", {"period_start_at": times})
        for ends in _id_ranges(slice_bytes(every, needed)):
            rows = read_slice(replace(every, where={**every.where, "evidence_id": ends}), needed)
            yield rows.filter(_of_run(rows, self.manifest)).select(list(columns))


@dataclass(frozen=True)
class RecomputedEvidence:
    """Evidence of a run in which some rows were computed anew: those replace the stored ones."""

    stored: EvidenceRows
    anew: pa.Table

    def read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """See ``EvidenceRows.read``."""
        for rows in self.stored.read([*dict.fromkeys([*columns, "evidence_id"])]):
            known = pc.is_in(rows["evidence_id"], value_set=self.anew["evidence_id"].combine_chunks())
            yield rows.filter(pc.invert(known)).select(list(columns))
        yield self.anew.select(list(columns))


def is_aside(rows: pa.Table) -> pa.ChunkedArray:
    """Return a mask of the rows that judge nothing: they tell where a load sits that another row judges."""
    return pc.equal(rows["detector"], PLACE_STEP.name)


def columns_of(evidence: EvidenceRows, columns: Sequence[str]) -> pa.Table:
    """Return some columns of all rows, ordered by evidence_id, whatever order they came in."""
    tables = list(evidence.read(["evidence_id", *columns]))
    schema = pa.schema([EVIDENCE.field(name) for name in ("evidence_id", *columns)])
    rows = pa.concat_tables([schema.empty_table(), *(table.cast(schema) for table in tables)])
    return rows.sort_by("evidence_id")


def rows_by_id(evidence: EvidenceRows, evidence_ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Return the whole rows of ``evidence_ids``, by id."""
    table = table_of(evidence, evidence_ids)
    return {row["evidence_id"]: row for row in table.to_pylist()}


def table_of(evidence: EvidenceRows, evidence_ids: Iterable[str]) -> pa.Table:
    """Return the whole rows of ``evidence_ids``, ordered by id."""
    wanted = pa.array(sorted(set(evidence_ids)), pa.string())
    every = evidence.read(EVIDENCE.names) if len(wanted) else iter(())
    found = (rows.filter(pc.is_in(rows["evidence_id"], value_set=wanted)).cast(EVIDENCE) for rows in every)
    return pa.concat_tables([EVIDENCE.empty_table(), *found]).sort_by("evidence_id")


_OWN = ("detector", "detector_version", "inputs")


def _of_run(rows: pa.Table, manifest: RunManifest) -> pa.ChunkedArray | pa.Array:
    """Return a mask of the rows whose detector is a step of the run and whose inputs are its versions."""
    steps = pc.binary_join_element_wise(rows["detector"], rows["detector_version"], "@")
    by_step = pc.is_in(steps, value_set=pa.array(manifest.steps))
    inputs = pc.list_flatten(rows["inputs"])
    table, version = (pc.struct_field(inputs, name) for name in ("table", "version"))
    named = pc.binary_join_element_wise(table, pc.cast(version, pa.string()), "@")
    own = pa.array([f"{table}@{item.version}" for table, item in sorted(manifest.inputs.items())])
    foreign = pc.list_parent_indices(rows["inputs"]).filter(pc.invert(pc.is_in(named, value_set=own)))
    every = pa.arange(0, rows.num_rows)
    return pc.and_(by_step, pc.invert(pc.is_in(every, value_set=pc.unique(foreign))))


def _id_ranges(size: int) -> Iterator[tuple[str, str]]:
    """Yield ranges that hold all ids: one for ``size`` bytes that memory takes at once, else sixteen."""
    if size <= CHUNK_BYTES:
        yield "", "\U0010ffff"
        return
    for digit in _HEX:
        yield f"E-{digit}", f"E-{digit}\U0010ffff"
