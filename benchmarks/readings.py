"""A table of readings as the lake lays it out, drawn quickly: the shape of the work, not of the world."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from minewatch.lake.parquet import write_row_groups
from minewatch.schema.steps import Partition, Step, TableSlice
from minewatch.schema.tables import TABLES

DAYS, PER_DAY, BUCKETS = 365, 96, 32
START = date(2025, 1, 1)
TABLE = "interval_readings"


def readings_file(folder: Path, customers: int) -> Path:
    """Return a Parquet file of a year of 15-minute readings of ``customers``; made where it is missing."""
    path = folder / f"readings-{customers}.parquet"
    if not path.is_file():
        attempt = path.with_suffix(".part")
        write_row_groups(attempt, _buckets(customers), TABLES[TABLE])
        attempt.rename(path)
    return path


def partitions(path: Path, step: Step) -> list[Partition]:
    """Return one partition a bucket for ``step``; inputs other than the readings are empty."""
    empty = {table: TableSlice(table, 1, ()) for table in (*step.inputs, *step.whole)}
    return [
        Partition(f"{bucket:05d}", {**empty, TABLE: TableSlice(TABLE, 1, (str(path),), bucket=bucket)})
        for bucket in range(BUCKETS)
    ]


def parameters() -> dict[str, str]:
    """Return the parameters of a run over the last week."""
    return {
        "period_start_at": "2025-12-24T16:00:00+00:00",
        "period_end_at": "2025-12-31T16:00:00+00:00",
        "zone": "Asia/Shanghai",
    }


def _buckets(customers: int) -> Iterator[pa.Table]:
    rng = np.random.default_rng(1)
    days = np.datetime64(START) + np.arange(DAYS)
    for bucket, members in enumerate(np.array_split(np.arange(customers), BUCKETS)):
        if len(members):
            yield _rows(rng, members, days, bucket)


def _rows(rng: np.random.Generator, members: np.ndarray, days: np.ndarray, bucket: int) -> pa.Table:
    number = len(members) * DAYS
    columns = {
        "usage_point_id": pa.array(np.repeat([f"051{n:09d}" for n in members], DAYS)),
        "day": pa.array(np.tile(days, len(members))),
        "interval_minutes": pa.array(np.full(number, 15, np.int16)),
        "kw": _lists(_curves(rng, len(members))),
        "quality": _lists(np.zeros(number * PER_DAY, np.uint8)),
        "source_id": pa.repeat("benchmark", number),
        "source_line": pa.array(np.arange(number)),
        "source_rows": pa.repeat(1, number),
        "revision": pa.repeat(1, number),
        "bucket": pa.repeat(bucket, number),
    }
    schema = TABLES[TABLE].lake_schema
    missing = {field.name: pa.nulls(number, field.type) for field in schema if field.name not in columns}
    return pa.table({**columns, **missing}).select(schema.names).cast(schema)


def _curves(rng: np.random.Generator, customers: int) -> np.ndarray:
    """Watt-rounded loads with a daily rhythm, noise, and one reading in 500 missing."""
    hour = np.arange(PER_DAY) / 4
    rhythm = 0.4 + np.exp(-(((hour - 20) / 3) ** 2))
    size = rng.lognormal(0, 1, (customers, 1, 1))
    noise = rng.standard_gamma(2, (customers, DAYS, PER_DAY), np.float32)
    kw = np.round(size * rhythm * noise, 3).astype(np.float32)
    kw[rng.random(kw.shape, np.float32) < 0.002] = np.nan
    return kw.ravel()


def _lists(values: np.ndarray) -> pa.Array:
    return pa.ListArray.from_arrays(np.arange(0, len(values) + 1, PER_DAY, dtype=np.int32), pa.array(values))
