"""The null of the wire: how often an innocent host reaches a likelihood ratio.

The expectation of a likelihood ratio over the innocents is at most 1, so that an innocent reaches a ratio of
10^s with a probability of at most 10^-s (Markov's inequality), whatever the sign is. The table holds that
many hosts at each strength: as good as the strengths that the detectors state, to be replaced by scores of
innocents once enough of them are known.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from minewatch import fuse

HOSTS = 200_000


def wire_null() -> pa.Table:
    """Return scores of ``HOSTS`` innocent hosts; of them ``HOSTS`` · 10^-s have a score of s or more.

    Scores are rounded up to the hundredth, so that no bound is too low and the table is small.
    """
    exact = -np.log10(np.arange(HOSTS, 0, -1) / HOSTS)
    scores = np.ceil(np.round(exact * 100, 6)) / 100
    kinds = pa.array(["host"] * HOSTS).dictionary_encode()
    return pa.table({"class": kinds, "prevalence": np.ones(HOSTS), "score": scores + 0.0})


def write_wire_null(folder: Path) -> None:
    """Make the table that is shipped: ``python -m minewatch.runs.training.wire_null``."""
    pq.write_table(wire_null(), folder / "wire.parquet", compression="zstd")


if __name__ == "__main__":
    write_wire_null(Path(fuse.__file__).parent / "calibration")
