"""The load detector: features, evidence, how they scale, and what they still see as mines get small."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.readings import parameters, partitions, readings_file
from benchmarks.registry import Job, Scaling, Sweep, register
from minewatch.detect.load.customer_load import LOAD_STEP
from minewatch.detect.load.features import LOAD_FEATURES_STEP
from minewatch.detect.load.model import shipped_model
from minewatch.engines.local import LocalEngine
from minewatch.runs.training.load_examples import Examples, Sample, Views, gather, simulated_examples
from minewatch.schema.steps import Step

CORES = len(os.sched_getaffinity(0))


class Files(NamedTuple):
    """Readings of a small and a large number of customers."""

    small: Path
    large: Path


def run(step: Step, path: Path, workers: int = CORES) -> None:
    """Run ``step`` over the whole file on the local engine, results written."""
    with tempfile.TemporaryDirectory() as folder:
        parts = LocalEngine(workers).run(step, partitions(path, step), parameters(), Path(folder))
        for _ in parts:
            pass


def features(path: Path) -> None:
    """Compute the features of all customers."""
    run(LOAD_FEATURES_STEP, path)


def evidence(path: Path) -> None:
    """Judge all customers without an archive: features, decomposition, model and reasons, read included."""
    run(LOAD_STEP, path)


def duckdb_sum(path: Path) -> object:
    """Return DuckDB's SUM over the readings, on all cores."""
    import duckdb

    with duckdb.connect(config={"threads": CORES}) as connection:
        query = "SELECT sum(kw) FROM (SELECT unnest(kw) AS kw FROM read_parquet($file)) WHERE NOT isnan(kw)"
        return connection.execute(query, {"file": str(path)}).fetchone()


def _two_files(folder: Path) -> Files:
    return Files(readings_file(folder, 2000), readings_file(folder, 20_000))


for name, job, sizes, bar in (
    ("load_features", features, (200, 2000, 20_000), 4.0),
    ("load_evidence", evidence, (200, 2000, 20_000), 6.0),
):
    register(
        Job(
            name=name,
            sizes=sizes,
            unit="customer-years of 15-minute readings",
            prepare=readings_file,
            job=job,
            floor=duckdb_sum,
            floor_name="DuckDB SUM",
            bar=bar,
            peak_bar_mb=1500,
        )
    )
register(
    Scaling(
        "load_features, ten times the customers",
        _two_files,
        lambda files: features(files.large),
        lambda files: features(files.small),
        at_most=11,
    )
)
if CORES > 1:
    register(
        Scaling(
            "load_features, one worker against two",
            _two_files,
            lambda files: run(LOAD_FEATURES_STEP, files.small, 1),
            lambda files: run(LOAD_FEATURES_STEP, files.small, 2),
            at_least=1.7,
        )
    )

SEVERITIES = {"0.5": (0.35, 0.7), "1": (0.7, 1.4), "3": (2.1, 4.2)}
"""Mining power over the customer's other mean load: name → range."""


def recall_by_severity() -> Mapping[str, float]:
    """Recall at 1 % false alarms among all innocents, of mines put behind any simulated meter, no archive."""
    views = Views(1, injection=1.0)
    sample = Sample(99, customers=1000, mix="training", share_of_mines=0.0, lengths=(60,), views=views)
    examples = gather([simulated_examples(plan, views) for plan in sample.plans()])
    bare: Examples = examples.without_context()
    score, mine = shipped_model().scores(bare.matrix).log10_lr, bare.is_mine
    threshold = np.quantile(score[~mine], 0.99)
    relative = bare.mine_kw / np.maximum(bare.rest_kw, 1e-9)
    return {
        name: float(np.mean(score[mine & (relative >= low) & (relative < high)] > threshold))
        for name, (low, high) in SEVERITIES.items()
    }


register(Sweep("load_evidence by size of mine", "recall at 1 % false alarms", recall_by_severity))
