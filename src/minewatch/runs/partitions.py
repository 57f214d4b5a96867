"""Partitions of a lake for the steps of a run."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.lake.commits import Snapshot
from minewatch.lake.lake import Lake
from minewatch.schema.periods import Period
from minewatch.schema.slices import read_slice, slice_bytes
from minewatch.schema.steps import Partition, TableSlice

Where = Mapping[str, tuple[str, str]]


def after(text: str) -> str:
    """Return the end, excluded, of the range that holds only ``text``."""
    return text + "\0"


def history_days(lake: Lake, period: Period, days: int) -> tuple[str, str]:
    """Return the local days (first, last + 1) of the ``days`` days up to the period's end, as ISO text."""
    _, last = period.days(lake.zone)
    return (last - timedelta(days=days)).isoformat(), last.isoformat()


def load_partitions(
    lake: Lake, snapshot: Snapshot, days: tuple[str, str], only: Mapping[int, Where] | None = None
) -> list[Partition]:
    """Return a partition for each bucket with readings in ``days``.

    ``only`` restricts to some buckets and there to some rows: bucket → bounds on ``usage_point_id``.
    """
    buckets = range(lake.buckets) if only is None else sorted(only)
    found = []
    for bucket in buckets:
        rows = only[bucket] if only else {}
        readings = lake.slice(snapshot, "interval_readings", {"day": days, **rows}, bucket)
        if slice_bytes(readings, ["day"]):
            archive = lake.slice(snapshot, "usage_points", rows, bucket)
            slices = {"interval_readings": readings, "usage_points": archive}
            found.append(Partition(f"load-{bucket:04d}", slices))
    return found


def flow_partitions(
    lake: Lake, snapshot: Snapshot, period: Period, only: Where | None = None
) -> list[Partition]:
    """Return a partition for each bucket of captures with flows that began in the period."""
    times = (period.start_at.isoformat(), period.end_at.isoformat())
    found = []
    for bucket in range(lake.buckets):
        flows = lake.slice(snapshot, "flows", {"first_at": times, **(only or {})}, bucket)
        if slice_bytes(flows, ["flow_id"]):
            found.append(Partition(f"flow-{bucket:04d}", {"flows": flows}))
    return found


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


def flow_slices(partitions: Iterable[Partition], columns: Sequence[str]) -> Iterator[pa.Table]:
    """Yield some columns of the flows of each partition."""
    for partition in partitions:
        yield read_slice(partition.slices["flows"], columns)
