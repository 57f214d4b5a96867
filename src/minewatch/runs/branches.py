"""What a scan runs: each detector with the stage that it is shown as and the subjects that it judges."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.attribute.leases import host_of
from minewatch.detect.balance.books import BOOKS_STEP
from minewatch.detect.balance.feeders import FEEDER_STEP
from minewatch.detect.balance.place import PLACE_STEP
from minewatch.detect.balance.transformers import TRANSFORMER_STEP
from minewatch.detect.encrypted.encrypted_flows import ENCRYPTED_FLOW_STEP
from minewatch.detect.load.customer_load import LOAD_STEP
from minewatch.detect.plant.plant_output import PLANT_STEP
from minewatch.detect.pools.pool_flows import POOL_FLOW_STEP
from minewatch.detect.traffic.data_centre import DATA_CENTRE_STEP
from minewatch.engines.chunks import CHUNK_BYTES
from minewatch.runs.board import customers_of
from minewatch.runs.evidence_rows import columns_of
from minewatch.runs.partitions import flow_slices, narrowed, partitions_of
from minewatch.runs.registers import REGISTERS, registers_of
from minewatch.runs.site_hours import site_lines, site_partitions
from minewatch.runs.work import Work
from minewatch.schema.evidence import SubjectKind
from minewatch.schema.slices import read_slice, slice_bytes
from minewatch.schema.steps import Partition, PartResult, Step, TableSlice
from minewatch.schema.tables import INGESTED

Names = Sequence[str] | None
"""Subjects to judge; None: all."""

_LAST = "\U0010ffff"


_SITE_TABLES = ("interval_readings", "line_traffic", "weather", *REGISTERS)
"""What the hours and records of sites are made of."""


class Branch(NamedTuple):
    """A detector: its ``stage``, ``step`` and kind of subject, and how its partitions are made.

    ``before`` are steps that make tables for it alone, ``reads`` tables that its partitions are made of
    besides the inputs of all its steps.
    """

    stage: str
    step: Step
    kind: SubjectKind
    partitions: Callable[[Step, Work, Names], list[Partition]]
    before: tuple[Step, ...] = ()
    reads: tuple[str, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in the order in which they run."""
        return (*self.before, self.step)

    @property
    def tables(self) -> set[str]:
        """The tables of the lake that it reads."""
        inputs = {name for step in self.steps for name in (*step.inputs, *step.whole)}
        return (inputs & INGESTED.keys()) | set(self.reads)

    def evidence(self, work: Work, names: Names = None) -> list[PartResult]:
        """Return the evidence on all subjects, or on those of ``names`` and any that come along."""
        return work.run(self.stage, self.step, self.partitions(self.step, work, names))


def _own(step: Step, work: Work, names: Names, column: str) -> list[Partition]:
    """Return partitions of tables of the lake; ``column`` bounds what is read for one subject."""
    if names is None:
        return partitions_of(step, work.view)
    return list(narrowed(step, work.view, column, names))


def _with_peers(step: Step, work: Work, names: Names) -> list[Partition]:
    """Return partitions of customers: with each all others of its transformer, who are its peers."""
    if names is None:
        return partitions_of(step, work.view)
    view = work.view
    archive = view.lake.read(view.snapshot, "usage_points", columns=["usage_point_id", "transformer_id"])
    own = archive.filter(pc.is_in(archive["usage_point_id"], value_set=pa.array(names, pa.string())))
    placed = own.filter(pc.is_valid(own["transformer_id"]))
    alone = sorted({*names} - {*placed["usage_point_id"].to_pylist()})
    transformers = placed["transformer_id"].unique().to_pylist()
    return [
        *_own(step, work, transformers, "transformer_id"),
        *_own(step, work, alone, "usage_point_id"),
    ]


def _with_neighbours(step: Step, work: Work, names: Names) -> list[Partition]:
    """Return partitions of flows: with those of a host all others to the servers that it called."""
    if names is None:
        return partitions_of(step, work.view)
    servers: set[str] = set()
    for part in flow_slices(work.view):
        rows = read_slice(part, ["src_ip", "dst_ip"])
        own = rows.filter(pc.is_in(rows["src_ip"], value_set=pa.array(names, pa.string())))
        servers.update(own["dst_ip"].to_pylist())
    return _own(step, work, sorted(servers), "dst_ip")


def _of_books(step: Step, work: Work, names: Names) -> list[Partition]:
    """Return partitions of the books of transformers, made first: with each all others of its area."""
    mates = None if names is None else sorted(_mates(work, names))
    parts = work.run("books", BOOKS_STEP, _own(BOOKS_STEP, work, mates, "transformer_id"))
    books = TableSlice(BOOKS_STEP.output, -1, tuple(part.path for part in parts))
    return list(_cut(step, books))


def _with_load(step: Step, work: Work, names: Names) -> list[Partition]:
    """Return partitions of the transformers that show an unmetered load."""
    if names is None:
        rows = columns_of(work.evidence, ("subject_kind", "subject_id", "log10_lr"))
        rows = rows.filter(pc.equal(rows["subject_kind"], SubjectKind.TRANSFORMER.value))
        names = rows.filter(pc.greater(rows["log10_lr"], 0))["subject_id"].to_pylist()
    return _own(step, work, names, "transformer_id")


def _mates(work: Work, names: Sequence[str]) -> set[str]:
    view = work.view
    archive = view.lake.read(view.snapshot, "transformers", columns=["transformer_id", "feeder_id"])
    feeders = view.lake.read(view.snapshot, "feeders", columns=["feeder_id", "substation_id"])
    own = archive.filter(pc.is_in(archive["transformer_id"], value_set=pa.array(names, pa.string())))
    supplying = pc.unique(own["feeder_id"].drop_null())
    mine = feeders.filter(pc.is_in(feeders["feeder_id"], value_set=supplying))
    substations = pc.unique(mine["substation_id"].drop_null())
    siblings = feeders.filter(pc.is_in(feeders["substation_id"], value_set=substations))
    every = pa.concat_arrays([supplying, siblings["feeder_id"].combine_chunks()])
    near = archive.filter(pc.is_in(archive["feeder_id"], value_set=every))
    return {*names, *near["transformer_id"].to_pylist()}


def _cut(step: Step, table_slice: TableSlice) -> Iterator[Partition]:
    """Yield partitions of whole groups, each of about the size that an engine takes at once."""
    groups = pc.unique(read_slice(table_slice, [step.group_by])[step.group_by]).sort().to_pylist()
    pieces = min(len(groups), math.ceil(slice_bytes(table_slice) / CHUNK_BYTES))
    starts = [groups[len(groups) * piece // pieces] for piece in range(1, pieces)]
    for number, ends in enumerate(zip(["", *starts], [*starts, _LAST], strict=True) if groups else ()):
        bounded = replace(table_slice, where={step.group_by: ends})
        yield Partition(f"{step.name}-{number:04d}", {table_slice.table: bounded})


def _of_sites(_: Step, work: Work, names: Names) -> list[Partition]:
    """Return partitions of the hours of sites with counted lines, made first."""
    view = work.view
    attribution = customers_of(work.evidence, registers_of(view.lake, view.snapshot, view.period))
    lines = site_lines(view, attribution)
    chosen = lines if names is None else {name: lines[name] for name in names if name in lines}
    return site_partitions(view, attribution, chosen, work.folder)


BRANCHES = (
    Branch("load", LOAD_STEP, SubjectKind.USAGE_POINT, _with_peers),
    Branch("flows", POOL_FLOW_STEP, SubjectKind.ENDPOINT, partial(_own, column="src_ip")),
    Branch("timing", ENCRYPTED_FLOW_STEP, SubjectKind.ENDPOINT, _with_neighbours),
    Branch("transformers", TRANSFORMER_STEP, SubjectKind.TRANSFORMER, _of_books, before=(BOOKS_STEP,)),
    Branch("places", PLACE_STEP, SubjectKind.TRANSFORMER, _with_load),
    Branch("feeders", FEEDER_STEP, SubjectKind.FEEDER, partial(_own, column="feeder_id")),
    Branch("traffic", DATA_CENTRE_STEP, SubjectKind.SITE, _of_sites, reads=_SITE_TABLES),
    Branch("plants", PLANT_STEP, SubjectKind.PLANT, partial(_own, column="plant_id")),
)


def subjects_of(finding: Mapping[str, Any], kind: SubjectKind) -> list[str]:
    """Return the subjects of a kind that a finding names: see ``subject_name``."""
    if kind is SubjectKind.SITE:
        return [finding["site_id"]]
    return [subject_name(kind, item["name"]) for item in finding[f"{kind.value}s"] or ()]


def subject_name(kind: SubjectKind, name: str) -> str:
    """Return by which name a subject is read anew: its id, for an endpoint its host."""
    return host_of(name) if kind is SubjectKind.ENDPOINT else name
