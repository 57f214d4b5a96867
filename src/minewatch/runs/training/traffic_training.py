"""Makes the reference of the data-centre detector: ``python -m minewatch.runs.training.traffic_training``."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from minewatch import detect
from minewatch.detect.traffic.features import FEATURES, traffic_features, upper_kw
from minewatch.detect.traffic.model import ALONE
from minewatch.detect.traffic.needs import TRAFFIC_NEEDS
from minewatch.engines.base import Engine
from minewatch.engines.local import LocalEngine
from minewatch.runs.training.traffic_examples import CLASS_OF, DEVELOPMENT, HOSTS, Draw, Site, simulated_site

Floats = npt.NDArray[np.float64]

INNOCENTS, WHOLE_MINES, MINES_INSIDE = 500, 1200, 350
"""Sites of each innocent kind, mines alone, and mines inside each kind of host."""

_BATCH = 100


class Task(NamedTuple):
    """Sites ``first`` to ``last`` - 1 of one draw."""

    draw: Draw
    first: int
    last: int


def reference(engine: Engine, seed: int, scale: float = 1.0) -> pa.Table:
    """Return the reference drawn from ``seed``, rounded as it is stored; ``scale`` shrinks it for tests.

    Columns as ``minewatch.detect.traffic.model.TrafficModel`` takes them; the metadata names the version.
    """
    parts = dict(engine.map(partial(rows_of, seed), list(_tasks(scale))))
    rows = pa.concat_tables([parts[place] for place in sorted(parts)])
    text = hashlib.sha256(b"".join(column.to_numpy().tobytes() for column in rows.select(FEATURES).columns))
    return rows.replace_schema_metadata({"version": text.hexdigest()[:8]})


def rows_of(seed: int, task: Task) -> pa.Table:
    """Return the features of the sites of a task, without those refused or not fully known."""
    drawn = (simulated_site(seed, number, task.draw) for number in range(task.first, task.last))
    sites = [site for site in drawn if site.hours.kw.mean() >= TRAFFIC_NEEDS.least_kw]
    matrix = np.array([traffic_features(site.hours, site.declared) for site in sites])
    good = np.isfinite(matrix).all(axis=1)
    columns = {name: pa.array(np.round(matrix[good, n], 3), pa.float32()) for n, name in enumerate(FEATURES)}
    kept = [site for site, whole in zip(sites, good, strict=True) if whole]
    columns["kind"] = _texts([site.kind for site in kept])
    columns["host"] = _texts([CLASS_OF.get(site.host, site.host) for site in kept])
    columns["part"] = pa.array(np.round([part_of(site) for site in kept], 4), pa.float32())
    return pa.table(columns)


def part_of(site: Site) -> float:
    """Return the power of the mine while it is on as a part of the site's ``upper_kw``."""
    return site.mine_kw / upper_kw(site.hours.kw)


def _tasks(scale: float) -> Iterator[Task]:
    draws = [(Draw(host, False), INNOCENTS) for host in HOSTS]
    draws += [(Draw(host, True), MINES_INSIDE) for host in HOSTS]
    draws.append((Draw(ALONE, True), WHOLE_MINES))
    for draw, number in draws:
        count = max(int(number * scale), 20)
        for first in range(0, count, _BATCH):
            yield Task(draw, first, min(first + _BATCH, count))


def _texts(texts: Sequence[str]) -> pa.Array:
    return pa.array(texts, pa.string())


def write_reference(folder: Path, workers: int) -> None:
    """Write the reference of the shipped detector under ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    table = reference(LocalEngine(workers, processes=True), DEVELOPMENT)
    coded = [
        column.dictionary_encode() if pa.types.is_string(column.type) else column for column in table.columns
    ]
    stored = pa.table(coded, names=table.column_names).replace_schema_metadata(table.schema.metadata)
    pq.write_table(stored, folder / "reference.parquet", compression="zstd", compression_level=15)


if __name__ == "__main__":
    write_reference(Path(detect.__path__[0]) / "models" / "traffic", workers=1)
