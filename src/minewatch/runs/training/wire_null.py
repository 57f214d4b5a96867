"""The null of the wire, from the strengths that the pool-flow detector states for its signs.

A sign with a likelihood ratio of 10^s is seen at an innocent host with a probability of at most 10^-s, since
no probability of seeing it at a mine exceeds 1. The table holds that many hosts for each sign: an assumption
as good as the strengths, to be replaced by scores of innocents once enough of them are known.
"""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from minewatch import fuse
from minewatch.detect.pools.pool_flows import STRENGTHS

HOSTS = 200_000
NO_SIGN = -1.0


def wire_null(strengths: Iterable[float]) -> pa.Table:
    """Return scores of ``HOSTS`` innocent hosts; of them ``HOSTS`` · 10^-s have a score of s or more."""
    scores = np.full(HOSTS, NO_SIGN)
    filled = 0
    for strength in sorted(set(strengths), reverse=True):
        above = math.ceil(HOSTS * 10.0**-strength)
        scores[filled:above] = strength
        filled = max(filled, above)
    kinds = pa.array(["host"] * HOSTS).dictionary_encode()
    return pa.table({"class": kinds, "prevalence": np.ones(HOSTS), "score": np.sort(scores)})


def write_wire_null(folder: Path) -> None:
    """Make the table of the shipped detector: ``python -m minewatch.runs.training.wire_null``."""
    table = wire_null(sign.log10_lr for sign in STRENGTHS.values())
    pq.write_table(table, folder / "wire.parquet", compression="zstd")


if __name__ == "__main__":
    write_wire_null(Path(fuse.__file__).parent / "calibration")
