"""The transformer balance: books of all transformers, judged; how it scales."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from benchmarks.load_bench import duckdb_sum
from benchmarks.readings import BUCKETS, DAYS, PER_DAY, START, parameters, readings_file
from benchmarks.registry import Job, Scaling, register
from minewatch.detect.balance.books import BOOKS_STEP
from minewatch.detect.balance.transformers import TRANSFORMER_STEP
from minewatch.engines.local import LocalEngine
from minewatch.lake.parquet import write_row_groups
from minewatch.schema.steps import Partition, TableSlice
from minewatch.schema.tables import TABLES

CORES = len(os.sched_getaffinity(0))
CUSTOMERS_EACH = 80
"""Customers of one transformer, a usual number."""


class Grid(NamedTuple):
    """Files of a county: readings of customers, and tables of their transformers by name."""

    readings: Path
    tables: dict[str, Path]


def grid(folder: Path, customers: int) -> Grid:
    """Return the files of ``customers`` with a year of 15-minute readings and their transformers."""
    readings = readings_file(folder, customers)
    tables = {name: folder / f"{name}-{customers}.parquet" for name in _MAKERS}
    for name, path in tables.items():
        if not path.is_file():
            attempt = path.with_suffix(".part")
            write_row_groups(attempt, _by_bucket(name, customers), TABLES[name])
            attempt.rename(path)
    return Grid(readings, tables)


def _by_bucket(name: str, customers: int) -> Iterator[pa.Table]:
    for bucket, members in enumerate(np.array_split(np.arange(customers), BUCKETS)):
        if len(members):
            rows = _MAKERS[name](bucket, members)
            lineage = {
                "source_id": pa.repeat("benchmark", len(rows)),
                "source_line": pa.array(np.arange(len(rows))),
                "source_rows": pa.repeat(1, len(rows)),
                "revision": pa.repeat(1, len(rows)),
                "bucket": pa.repeat(bucket, len(rows)),
            }
            schema = TABLES[name].lake_schema
            columns = {field: rows[field] for field in rows.column_names} | lineage
            missing = {
                field.name: pa.nulls(len(rows), field.type) for field in schema if field.name not in columns
            }
            yield pa.table({**columns, **missing}).select(schema.names).cast(schema)


def _transformers_of(bucket: int, members: np.ndarray) -> list[str]:
    return [f"T{bucket:03d}-{at:04d}" for at in range(-(-len(members) // CUSTOMERS_EACH))]


def _points(bucket: int, members: np.ndarray) -> pa.Table:
    names = _transformers_of(bucket, members)
    return pa.table(
        {
            "usage_point_id": [f"051{member:09d}" for member in members],
            "transformer_id": [names[at // CUSTOMERS_EACH] for at in range(len(members))],
        }
    )


def _transformers(bucket: int, members: np.ndarray) -> pa.Table:
    names = _transformers_of(bucket, members)
    return pa.table(
        {
            "transformer_id": names,
            "feeder_id": [f"F{bucket:03d}"] * len(names),
            "rated_kva": [630.0] * len(names),
        }
    )


def _supplies(bucket: int, members: np.ndarray) -> pa.Table:
    rng = np.random.default_rng(bucket)
    names = _transformers_of(bucket, members)
    number = len(names) * DAYS
    hour = np.arange(PER_DAY) / 4
    kw = 90 * (0.4 + np.exp(-(((hour - 20) / 3) ** 2))) * rng.gamma(200, 1 / 200, (number, PER_DAY))
    offsets = np.arange(0, kw.size + 1, PER_DAY, dtype=np.int32)
    return pa.table(
        {
            "transformer_id": np.repeat(names, DAYS),
            "day": np.tile(np.datetime64(START) + np.arange(DAYS), len(names)),
            "interval_minutes": np.full(number, 15, np.int16),
            "kw": pa.ListArray.from_arrays(offsets, pa.array(kw.ravel().astype(np.float32))),
        }
    )


_MAKERS = {"usage_points": _points, "transformers": _transformers, "transformer_readings": _supplies}


def balance(files: Grid, workers: int = CORES) -> None:
    """Make the books of all transformers and judge them, results written."""
    paths = {**files.tables, "interval_readings": files.readings}
    with tempfile.TemporaryDirectory() as folder:
        engine = LocalEngine(workers)
        by_bucket = [_partition(paths, bucket) for bucket in range(BUCKETS)]
        books = engine.run(BOOKS_STEP, by_bucket, parameters(), Path(folder, "books"))
        made = tuple(sorted(part.path for part in books))
        by_feeder = [
            Partition(bounds[0], {"balance_books": TableSlice("balance_books", 1, made, {"area_id": bounds})})
            for bounds in (("", "F016"), ("F016", "G"))
        ]
        for _ in engine.run(TRANSFORMER_STEP, by_feeder, parameters(), Path(folder, "evidence")):
            pass


def _partition(paths: dict[str, Path], bucket: int) -> Partition:
    slices = {table: TableSlice(table, 1, ()) for table in (*BOOKS_STEP.inputs, *BOOKS_STEP.whole)}
    for table, path in paths.items():
        slices[table] = TableSlice(table, 1, (str(path),), bucket=bucket)
    return Partition(f"{bucket:05d}", slices)


def _two_grids(folder: Path) -> tuple[Grid, Grid]:
    return grid(folder, 2000), grid(folder, 20_000)


register(
    Job(
        name="transformer_balance",
        sizes=(2000,),
        unit="customer-years of 15-minute readings",
        prepare=grid,
        job=balance,
        floor=lambda files: duckdb_sum(files.readings),
        floor_name="DuckDB SUM",
        bar=3.0,
        peak_bar_mb=1500,
    )
)
register(
    Scaling(
        "transformer_balance, ten times the customers",
        _two_grids,
        lambda grids: balance(grids[1]),
        lambda grids: balance(grids[0]),
        at_most=11,
    )
)
