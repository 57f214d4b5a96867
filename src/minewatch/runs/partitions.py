"""Partitions of a lake for the steps of a run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.lake.commits import Snapshot
from minewatch.lake.lake import Lake
from minewatch.schema.ids import bucket_of
from minewatch.schema.periods import Period
from minewatch.schema.slices import read_slice, slice_bytes
from minewatch.schema.steps import Partition, Step, TableSlice
from minewatch.schema.tables import TABLES, Layout

_DAY, _HOUR, _FLOW, _BLOCK = "day", "hour", "first_at", "at"
_TIMES = (_DAY, _HOUR, _FLOW, _BLOCK)
"""Columns that say when a row is of."""


def after(text: str) -> str:
    """Return the end, excluded, of the range that holds only ``text``."""
    return text + "\0"


def history_days(lake: Lake, period: Period, days: int) -> tuple[str, str]:
    """Return the local days (first, last + 1) of the ``days`` days up to the period's end, as ISO text."""
    _, last = period.days(lake.zone)
    return (last - timedelta(days=days)).isoformat(), last.isoformat()


@dataclass(frozen=True)
class View:
    """What a run reads of a lake: readings of some days up to the period's end, flows of the period."""

    lake: Lake
    snapshot: Snapshot
    period: Period
    history_days: int

    @property
    def days(self) -> tuple[str, str]:
        """Local days of the readings (first, last + 1), as ISO text."""
        return history_days(self.lake, self.period, self.history_days)

    def slice(self, table: str, bucket: int | None = None) -> TableSlice:
        """Return the rows of ``table`` that are of the run's time, of one bucket where it has buckets."""
        spec = TABLES[table]
        where = {name: self._time(name) for name in _TIMES if name in spec.schema.names}
        own = None if spec.layout is Layout.WHOLE else bucket
        return self.lake.slice(self.snapshot, table, where, own)

    def _time(self, column: str) -> tuple[str, str]:
        if column == _DAY:
            return self.days
        if column in (_FLOW, _BLOCK):
            return self.period.start_at.isoformat(), self.period.end_at.isoformat()
        first, last = (self._midnight(day).isoformat() for day in self.days)
        return first, last

    def _midnight(self, day: str) -> datetime:
        return datetime.combine(date.fromisoformat(day), time(), self.lake.zone).astimezone(UTC)


def partitions_of(step: Step, view: View) -> list[Partition]:
    """Return the partitions of ``step`` with any row of the run's time, one for each bucket where it can be.

    A step that joins tables with and without buckets gets one partition; engines cut it by groups.
    """
    spread = all(TABLES[table].layout is not Layout.WHOLE for table in step.inputs)
    found = []
    for bucket in range(view.lake.buckets) if spread else (None,):
        slices = {table: view.slice(table, bucket) for table in (*step.inputs, *step.whole)}
        timed = _timed([slices[table] for table in step.inputs])
        if any(slice_bytes(item, TABLES[item.table].key[:1]) for item in timed):
            found.append(Partition(f"{step.name}-{bucket or 0:04d}", slices))
    return found


def _timed(slices: Sequence[TableSlice]) -> list[TableSlice]:
    """Return those of the slices whose rows are of a time."""
    return [item for item in slices if set(_TIMES) & set(TABLES[item.table].schema.names)]


def narrowed(step: Step, view: View, column: str, names: Sequence[str]) -> Iterator[Partition]:
    """Yield for each name the rows of ``step``'s partitions whose ``column`` is that name.

    Rows of a table without that column are bounded by those that belong to the group by another table.
    Partitions without a row of the group are left out.
    """
    every = partitions_of(step, view) if names else []
    for name in sorted(set(names)):
        home = _home(view, column, name)
        for partition in every:
            if home in (None, *(item.bucket for item in partition.slices.values())):
                yield from _narrowed(step, partition, column, name)


def _home(view: View, column: str, name: str) -> int | None:
    """Return the bucket that holds all rows of a customer or transformer, None for other groups."""
    if column == "usage_point_id":
        return next(iter(by_bucket(view.lake, view.snapshot, [name])))
    return bucket_of(name, view.lake.buckets) if column == "transformer_id" else None


def _narrowed(step: Step, partition: Partition, column: str, name: str) -> Iterator[Partition]:
    own = {
        table: _bounded(partition.slices[table], column, (name, after(name)))
        for table in step.inputs
        if column in TABLES[table].schema.names
    }
    if not any(map(_any_rows, own.values())):
        return
    slices = {**partition.slices, **own}
    for table in set(step.inputs) - set(own):
        member = TABLES[table].key[0]
        links = [link for other, link in own.items() if member in TABLES[other].schema.names]
        slices[table] = _bounded(slices[table], member, _members(links, member))
    if any(map(_any_rows, _timed([slices[table] for table in step.inputs]))):
        yield Partition(f"{partition.partition_id}-{name}", slices)


def _any_rows(table_slice: TableSlice) -> bool:
    return read_slice(table_slice, TABLES[table_slice.table].key[:1]).num_rows > 0


def _bounded(table_slice: TableSlice, column: str, ends: tuple[str, str]) -> TableSlice:
    return replace(table_slice, where={**table_slice.where, column: ends})


def _members(links: Sequence[TableSlice], member: str) -> tuple[str, str]:
    """Return the range that holds the members of a group; an empty one where it has none."""
    found = pc.min_max(pa.concat_tables(read_slice(link, [member]) for link in links)[member]).as_py()
    return (found["min"], after(found["max"])) if found["min"] is not None else ("", "")


def by_bucket(lake: Lake, snapshot: Snapshot, usage_point_ids: Sequence[str]) -> dict[int, list[str]]:
    """Return bucket → those of the usage points that lie in it, sorted."""
    ids = sorted(usage_point_ids)
    buckets = lake.customers(snapshot).of(pa.array(ids, pa.string()), lake.buckets).to_pylist()
    found: dict[int, list[str]] = {}
    for name, bucket in zip(ids, buckets, strict=True):
        found.setdefault(bucket, []).append(name)
    return dict(sorted(found.items()))


def readings_of(
    lake: Lake, snapshot: Snapshot, usage_point_ids: Sequence[str], days: tuple[str, str]
) -> pa.Table:
    """Return the readings of some usage points in local ``days``, read bucket by bucket."""
    columns = ["usage_point_id", "day", "interval_minutes", "kw"]
    parts = [read_slice(TableSlice("interval_readings", -1, ()), columns)]
    for bucket, names in by_bucket(lake, snapshot, usage_point_ids).items():
        bounds = {"day": days, "usage_point_id": (names[0], after(names[-1]))}
        rows = read_slice(lake.slice(snapshot, "interval_readings", bounds, bucket), columns)
        parts.append(rows.filter(pc.is_in(rows["usage_point_id"], value_set=pa.array(names))))
    return pa.concat_tables(parts)


def flow_slices(view: View) -> Iterator[TableSlice]:
    """Yield the flows of the period, capture bucket by capture bucket."""
    for bucket in range(view.lake.buckets):
        flows = view.slice("flows", bucket)
        if slice_bytes(flows, ["flow_id"]):
            yield flows
