"""Reading a partition chunk by chunk, so that memory does not grow with the partition."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

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
    groups, in the order of the groups. Rows of an input without the column ``step.group_by`` belong to the
    group that another input names for them (readings of a customer to the transformer in ``usage_points``);
    rows of no group are left out, or with ``step.strays`` come last in chunks of their own, unless the
    partition is bounded to a group. Where no input names it for them, the partition comes whole.
    Raises KeyError where the partition lacks a slice that the step reads.
    """
    inputs = [partition.slices[table] for table in step.inputs]
    whole = {table: _read(step, partition.slices[table]) for table in step.whole}
    ranges = _ranges(step, inputs, chunk_bytes)
    if step.strays and ranges == [None]:
        members = _bounded_members(step, inputs)
        yield {found.table: _read(step, found, members) for found in inputs} | whole
        return
    for bounds in ranges:
        yield {found.table: _read_group(step, inputs, found, bounds) for found in inputs} | whole
    for members in _strays(step, inputs, chunk_bytes) if step.strays else ():
        yield {found.table: _read(step, found, members) for found in inputs} | whole


def _read_group(
    step: Step, inputs: list[TableSlice], table_slice: TableSlice, bounds: Range | None
) -> pa.Table:
    """Return the rows of an input that belong to the groups within ``bounds``; None stands for all groups."""
    link = _link(step, inputs, table_slice)
    if link is None:
        return _read(step, table_slice)
    if link is table_slice:
        rows = _read(step, _narrowed(table_slice, step.group_by, bounds))
        nullable = TABLES[table_slice.table].schema.field(step.group_by).nullable
        return rows.filter(pc.is_valid(rows[step.group_by])) if nullable else rows
    member = TABLES[table_slice.table].key[0]
    named = read_slice(_narrowed(link, step.group_by, bounds), [member, step.group_by])
    members = named.filter(pc.is_valid(named[step.group_by]))[member].combine_chunks()
    return _read(step, table_slice, members)


def _read(step: Step, table_slice: TableSlice, members: pa.Array | None = None) -> pa.Table:
    """Return the rows of a slice ordered by group, then key."""
    spec = TABLES[table_slice.table]
    columns = _columns(step, table_slice.table)
    if step.group_by not in spec.schema.names or step.group_by == spec.key[0]:
        return read_slice(table_slice, columns, members)
    # Rows come in key order, and the sort is stable.
    named = [*dict.fromkeys([*columns, step.group_by])]
    return read_slice(table_slice, named, members).sort_by(step.group_by)


def _columns(step: Step, table: str) -> tuple[str, ...]:
    return step.columns.get(table, tuple(TABLES[table].schema.names))


def _ranges(step: Step, inputs: list[TableSlice], chunk_bytes: int) -> list[Range | None]:
    """Return the bounds of each chunk's groups; None stands for all groups."""
    links = [_link(step, inputs, table_slice) for table_slice in inputs]
    sizes = [slice_bytes(table_slice, _columns(step, table_slice.table)) for table_slice in inputs]
    chunks = math.ceil(sum(sizes) / chunk_bytes)
    largest = links[sizes.index(max(sizes))]
    if chunks <= 1 or largest is None or None in links:
        return [None]
    groups = read_slice(largest, [step.group_by]).column(0).combine_chunks().drop_null().sort()
    if not len(groups):
        return [None]
    cuts = {groups[len(groups) * chunk // chunks].as_py() for chunk in range(1, chunks)}
    starts = sorted(cuts - {groups[0].as_py()})
    return list(zip(["", *starts], [*starts, _HIGHEST], strict=True))


def _bounded_members(step: Step, inputs: list[TableSlice]) -> pa.Array | None:
    """Return the members of the group that an input is bounded to, None where there is no such bound."""
    member = TABLES[inputs[0].table].key[0]
    for table_slice in inputs:
        if step.group_by in table_slice.where:
            return read_slice(table_slice, [member])[member].combine_chunks()
    return None


def _strays(step: Step, inputs: list[TableSlice], chunk_bytes: int) -> Iterator[pa.Array]:
    """Yield the members of no group, as many at a time as a chunk takes; inputs are keyed by members."""
    member = TABLES[inputs[0].table].key[0]
    rows = [read_slice(table_slice, [member])[member] for table_slice in inputs]
    every = pc.unique(pa.chunked_array([chunk for column in rows for chunk in column.chunks]))
    links = {id(link): link for each in inputs if (link := _link(step, inputs, each)) is not None}
    placed = [read_slice(link, [member, step.group_by]) for link in links.values()]
    known = pa.concat_tables(rows.filter(pc.is_valid(rows[step.group_by])) for rows in placed)[member]
    strays = every.filter(pc.invert(pc.is_in(every, value_set=known.combine_chunks()))).sort()
    size = sum(slice_bytes(table_slice, _columns(step, table_slice.table)) for table_slice in inputs)
    chunks = max(math.ceil(size * len(strays) / max(len(every), 1) / chunk_bytes), 1)
    for chunk in range(min(chunks, len(strays))):
        first, last = (len(strays) * at // min(chunks, len(strays)) for at in (chunk, chunk + 1))
        yield strays[first:last]


def _link(step: Step, inputs: list[TableSlice], table_slice: TableSlice) -> TableSlice | None:
    """Return the input that names the group of the rows of ``table_slice``: itself where it can."""
    member = TABLES[table_slice.table].key[0]
    for candidate in (table_slice, *inputs):
        schema = TABLES[candidate.table].schema
        if (
            {member, step.group_by} <= set(schema.names)
            and step.group_by not in candidate.where
            and pa.types.is_string(schema.field(step.group_by).type)
        ):
            return candidate
    return None


def _narrowed(table_slice: TableSlice, group_by: str, bounds: Range | None) -> TableSlice:
    if bounds is None:
        return table_slice
    return replace(table_slice, where={**table_slice.where, group_by: bounds})
