"""Makes the reference of hidden mining: ``python -m minewatch.runs.training.encrypted_training``."""

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from minewatch import detect
from minewatch.detect.encrypted.model import MINING
from minewatch.detect.encrypted.needs import talk_refusal
from minewatch.detect.encrypted.talk import FEATURES, features_of, joined
from minewatch.engines.base import Engine
from minewatch.engines.local import LocalEngine
from minewatch.runs.training.encrypted_examples import CLASS_OF, DEVELOPMENT, Draw, example
from minewatch.sim.loads.shapes import log_uniform
from minewatch.sim.streams import stream
from minewatch.sim.wire import quiet_innocents, quiet_miners

Floats = npt.NDArray[np.float64]

INNOCENTS, MINERS = 250, 600
"""Connections of each simulated kind, but for ``MANY``."""

MANY = {
    "events": 4000, "game": 3500, "orders": 1500, "wallet": 1500, "sensor": 500, "charger": 500, "till": 500,
}  # fmt: skip
"""Connections of the kinds that come nearest to mining: a gap between a few would be taken for mining."""

_SHORTEST_S, _LONGEST_S = 1500.0, 14_400.0


class Task(NamedTuple):
    """A simulated kind and how many connections of it; its share among miners or innocents."""

    kind: str
    number: int
    share: float


def reference(engine: Engine, seed: int, scale: float = 1.0) -> pa.Table:
    """Return the reference drawn from ``seed``, rounded as it is stored; ``scale`` shrinks it for tests.

    Columns as ``minewatch.detect.encrypted.model.EncryptedModel`` takes them; the metadata names the version.
    """
    parts = dict(engine.map(partial(rows_of, seed), list(_tasks(scale))))
    rows = pa.concat_tables([parts[place] for place in sorted(parts)])
    text = hashlib.sha256(b"".join(column.to_numpy().tobytes() for column in rows.select(FEATURES).columns))
    return rows.replace_schema_metadata({"version": text.hexdigest()[:8]})


def rows_of(seed: int, task: Task) -> pa.Table:
    """Return the features of connections of a kind, each with two others to its server, without refused."""
    drawn = (_features(seed, number, task.kind) for number in range(task.number))
    rows = [features for features in drawn if features is not None]
    matrix = np.round(np.array(rows).reshape(-1, len(FEATURES)), 3)
    columns = {name: pa.array(matrix[:, n], pa.float32()) for n, name in enumerate(FEATURES)}
    kind = MINING if task.kind in quiet_miners.SPEECHES else CLASS_OF[task.kind]
    columns["kind"] = pa.array([kind] * len(rows), pa.string())
    columns["share"] = pa.array(np.full(len(rows), task.share / max(len(rows), 1)), pa.float64())
    return pa.table(columns)


def _features(seed: int, number: int, kind: str) -> Floats | None:
    span_s = log_uniform(stream(seed, "span", kind, number), _SHORTEST_S, _LONGEST_S)
    drawn = example(seed, number, Draw(kind, span_s, peers=2))
    if drawn.talk is None or talk_refusal(drawn.talk):
        return None
    others = joined(drawn.others) if drawn.others else np.empty(0, np.int64)
    return features_of(drawn.talk, others)


def _tasks(scale: float) -> Iterator[Task]:
    for number, shares in ((INNOCENTS, quiet_innocents.SHARES), (MINERS, quiet_miners.SHARES)):
        for kind, share in shares.items():
            yield Task(kind, max(int(MANY.get(kind, number) * scale), 20), share)


def write_reference(folder: Path, workers: int) -> None:
    """Write the reference of the shipped detector under ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    table = reference(LocalEngine(workers, processes=True), DEVELOPMENT)
    place = table.schema.get_field_index("kind")
    stored = table.set_column(place, "kind", table["kind"].dictionary_encode())
    pq.write_table(stored, folder / "reference.parquet", compression="zstd", compression_level=15)


if __name__ == "__main__":
    write_reference(Path(detect.__path__[0]) / "models" / "encrypted", workers=1)
