"""The plant detector: cost of a plant-year, and what it still sees as diversions get small."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.registry import Job, Sweep, register
from minewatch.detect.plant.plant_output import judge
from minewatch.engines.local import LocalEngine
from minewatch.runs.training.plant_trials import (
    ALARMS,
    DEVELOPMENT,
    SIZES,
    Trial,
    innocents,
    outcomes,
    plan_of,
    simulated,
)
from minewatch.schema.grid_tables import PLANTS
from minewatch.schema.periods import day_period
from minewatch.sim.generation.running import KINDS
from minewatch.sim.plants import readings_table


def _files(folder: Path, size: int) -> tuple[Path, Path]:
    """Two years of ``size`` plants of all kinds, as Parquet files of readings and archive."""
    paths = folder / f"readings-{size}.parquet", folder / f"plants-{size}.parquet"
    if not paths[0].is_file():
        made = [simulated(trial) for trial in innocents(DEVELOPMENT, -(-size // len(KINDS)))[:size]]
        plants, hours = [plant for plant, _ in made], [run for _, run in made]
        rows = [{name: getattr(plant, name) for name in PLANTS.names} for plant in plants]
        pq.write_table(readings_table(plan_of(DEVELOPMENT), plants, hours), paths[0])
        pq.write_table(pa.Table.from_pylist(rows, PLANTS), paths[1])
    return paths


def evidence(paths: tuple[Path, Path]) -> object:
    """Judge all plants."""
    plan = plan_of(DEVELOPMENT)
    period = day_period(plan.start_on.replace(year=plan.start_on.year + 1), plan.end_on, plan.zone)
    readings, plants = (pq.read_table(path, use_threads=False) for path in paths)
    return judge(readings, plants, period, plan.zone)


def duckdb_sum(paths: tuple[Path, Path]) -> object:
    """Return DuckDB's SUM over the output."""
    import duckdb

    with duckdb.connect() as connection:
        return connection.execute(
            "SELECT sum(mw) FROM read_parquet($file)", {"file": str(paths[0])}
        ).fetchone()


register(
    Job(
        name="plant_evidence",
        sizes=(5, 20),
        unit="plants with two years of hours",
        prepare=_files,
        job=evidence,
        floor=duckdb_sum,
        floor_name="DuckDB SUM",
        peak_bar_mb=1500,
    )
)


def recall_by_size() -> Mapping[str, float]:
    """Share found of 20 diversions of 30 days for each size, 4 at each kind of plant."""
    trials = [
        Trial(DEVELOPMENT, kind, 5000 + at, size, 30)
        for at, (kind, size) in enumerate((kind, size) for kind in KINDS for size in SIZES for _ in range(4))
    ]
    rows = outcomes(LocalEngine(1), trials)
    found = {size: [row.log10_lr >= ALARMS[row.kind] for row in rows if row.size == size] for size in SIZES}
    return {f"{size:.0%}": float(np.mean(alarms)) for size, alarms in found.items()}


register(
    Sweep("plant_evidence by size of a diversion of 30 days", "share found, all kinds alike", recall_by_size)
)
