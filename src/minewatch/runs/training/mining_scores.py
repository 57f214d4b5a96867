"""Scores of simulated mines, which calibrate the load detector's strength together with the innocents."""

from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from minewatch import fuse
from minewatch.detect.load.model import LoadModel, shipped_model
from minewatch.engines.base import Engine
from minewatch.engines.local import LocalEngine
from minewatch.runs.training.load_examples import Sample, Views, gather, simulated_examples

LENGTHS = (28, 28, 60, 60, 60, 120, 120, 365)
SEED, CUSTOMERS = 17, 8000
"""Simulated customers of the shipped table; the seed is none of ``minewatch.runs.training.train``."""


def mining_scores(model: LoadModel, engine: Engine, seed: int, customers: int) -> pa.Table:
    """Return the scores of the mines among ``customers`` simulated ones that the model has not seen.

    Column ``score`` (log10 likelihood ratio), sorted, for ``minewatch.fuse.nulls``; one window a customer,
    with the archive known. The table's metadata names the model's version.
    """
    sample = Sample(seed, customers, "county", 0.25, LENGTHS, Views(1))
    task = partial(simulated_examples, views=sample.views)
    parts = dict(engine.map(task, list(sample.plans())))
    examples = gather([parts[place] for place in sorted(parts)])
    scores = np.sort(model.scores(examples.take(examples.is_mine).matrix).log10_lr)
    table = pa.table({"score": pa.array(np.round(scores, 3), pa.float32())})
    return table.replace_schema_metadata({"model": model.version})


def write_mining_scores(folder: Path, workers: int) -> None:
    """Make the table of the shipped model: ``python -m minewatch.runs.training.mining_scores``."""
    table = mining_scores(shipped_model(), LocalEngine(workers, processes=True), SEED, CUSTOMERS)
    pq.write_table(table, folder / "meter_mining.parquet", compression="zstd")


if __name__ == "__main__":
    write_mining_scores(Path(fuse.__file__).parent / "calibration", workers=2)
