"""Scores of simulated plants, innocent and diverting, which calibrate the strength of the plant detector."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from minewatch import fuse
from minewatch.detect.plant.plant_output import DETECTOR
from minewatch.engines.base import Engine
from minewatch.engines.local import LocalEngine
from minewatch.runs.training.plant_trials import CALIBRATION, Outcome, diversions, innocents, outcomes
from minewatch.sim.generation.running import KINDS
from minewatch.sim.plants import KIND_SHARES

INNOCENTS, DIVERSIONS = 50, 1
"""Plants of each kind, and of each kind, size and length of diversion; the seed is none of the evaluation."""


def null_scores(rows: Sequence[Outcome]) -> pa.Table:
    """Return the scores of innocent plants by kind, weighted as plants of a county are mixed.

    Columns ``class``, ``prevalence`` and ``score`` (log10 likelihood ratio), sorted, for ``fuse.nulls``.
    """
    known = [row for row in rows if not row.size and np.isfinite(row.log10_lr)]
    known.sort(key=lambda row: (row.kind, row.log10_lr))
    shares = dict(zip(KINDS, KIND_SHARES, strict=True))
    return pa.table(
        {
            "class": pa.array([row.kind for row in known]).dictionary_encode(),
            "prevalence": pa.array([shares[row.kind] for row in known], pa.float64()),
            "score": pa.array([round(row.log10_lr, 3) for row in known], pa.float32()),
        }
    )


def mining_scores(rows: Sequence[Outcome]) -> pa.Table:
    """Return the scores of diverting plants; column ``score``, sorted."""
    scores = np.sort([row.log10_lr for row in rows if row.size and np.isfinite(row.log10_lr)])
    return pa.table({"score": pa.array(np.round(scores, 3), pa.float32())})


def write_plant_scores(folder: Path, engine: Engine) -> None:
    """Make both tables of the shipped detector: ``python -m minewatch.runs.training.plant_scores``."""
    rows = outcomes(engine, [*innocents(CALIBRATION, INNOCENTS), *diversions(CALIBRATION, DIVERSIONS)])
    for name, table in (("plant", null_scores(rows)), ("plant_mining", mining_scores(rows))):
        marked = table.replace_schema_metadata({"detector": DETECTOR.version})
        pq.write_table(marked, folder / f"{name}.parquet", compression="zstd")


if __name__ == "__main__":
    write_plant_scores(Path(fuse.__file__).parent / "calibration", LocalEngine(2, processes=True))
