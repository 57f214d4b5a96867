"""Reading a partition chunk by chunk, so that memory does not grow with the partition."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from minewatch.schema.slices import read_slice, slice_bytes
from minewatch.schema.steps import Partition, Step, TableSlice
from minewatch.schema.tables import TABLES

CHUNK_BYTES = 96 << 20
"""Most bytes that the inputs of one chunk take, as long as single groups are smaller."""

_HIGHEST = "\U0010ffff"

Range = tuple[str, str]


def chunks_of(
    step: Step, partition: Partition, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[dict[str, pa.Table]]:
    """Yield the tables of ``partition`` by name, as ``step.function`` takes them.

    A partition that would take more than ``chunk_bytes`` comes in several chunks, each with all rows of its
    groups, in the order of the groups. One whose inputs do not all hold ``step.group_by`` comes whole.
    Raises KeyError where the partition lacks a slice that the step reads.
    """
    inputs = [partition.slices[table] for table in step.inputs]
    whole = {table: _read(step, partition.slices[table]) for table in step.whole}
    for bounds in _ranges(step, inputs, chunk_bytes):
        narrowed = [_narrowed(table_slice, step.group_by, bounds) for table_slice in inputs]
        yield {table_slice.table: _read(step, table_slice) for table_slice in narrowed} | whole


def _read(step: Step, table_slice: TableSlice) -> pa.Table:
    """Return the rows of a slice ordered by group, then key."""
    spec = TABLES[table_slice.table]
    columns = _columns(step, table_slice.table)
    if step.group_by not in spec.schema.names or step.group_by == spec.key[0]:
        return read_slice(table_slice, columns)
    # Rows come in key order, and the sort is stable.
    return read_slice(table_slice, [*dict.fromkeys([*columns, step.group_by])]).sort_by(step.group_by)


def _columns(step: Step, table: str) -> tuple[str, ...]:
    return step.columns.get(table, tuple(TABLES[table].schema.names))


def _ranges(step: Step, inputs: list[TableSlice], chunk_bytes: int) -> list[Range | None]:
    """Return the bounds of each chunk's groups; None stands for all groups."""
    if not all(_can_be_narrowed(table_slice, step.group_by) for table_slice in inputs):
        return [None]
    sizes = [slice_bytes(table_slice, _columns(step, table_slice.table)) for table_slice in inputs]
    chunks = math.ceil(sum(sizes) / chunk_bytes)
    if chunks <= 1:
        return [None]
    largest = inputs[sizes.index(max(sizes))]
    groups = read_slice(largest, [step.group_by]).column(0).combine_chunks().sort()
    if not len(groups):
        return [None]
    cuts = {groups[len(groups) * chunk // chunks].as_py() for chunk in range(1, chunks)}
    starts = sorted(cuts - {groups[0].as_py()})
    return list(zip(["", *starts], [*starts, _HIGHEST], strict=True))


def _can_be_narrowed(table_slice: TableSlice, group_by: str) -> bool:
    schema = TABLES[table_slice.table].schema
    if group_by not in schema.names or group_by in table_slice.where:
        return False
    field = schema.field(group_by)
    return pa.types.is_string(field.type) and not field.nullable


def _narrowed(table_slice: TableSlice, group_by: str, bounds: Range | None) -> TableSlice:
    if bounds is None:
        return table_slice
    return replace(table_slice, where={**table_slice.where, group_by: bounds})
