"""The same rows on every engine, whatever happens to its workers."""

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow.parquet as pq
import pytest
from cluster import Cluster
from lake_files import County, write_county
from plain_steps import CUSTOMER_STEP, PLAIN_STEPS, failing, slow_bases

from minewatch.engines.base import Engine
from minewatch.engines.failures import EngineError
from minewatch.engines.local import LocalEngine
from minewatch.runs.steps import STEPS
from minewatch.schema.steps import Partition, Step

COUNTY = County()


@pytest.fixture(scope="module")
def partitions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Partition, ...]:
    return write_county(COUNTY, tmp_path_factory.mktemp("lake"))


@pytest.fixture(params=["threads", "processes", "spark"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "spark":
        yield request.getfixturevalue("spark")
    else:
        yield LocalEngine(2, processes=request.param == "processes")


def hashes(
    engine: Engine, step: Step, partitions: tuple[Partition, ...], folder: Path, **more: Any
) -> Mapping[str, str]:
    """Run ``step`` and return the hash of each partition's file."""
    parts = list(engine.run(step, partitions, COUNTY.parameters | more, folder))
    assert sorted(part.partition_id for part in parts) == [part.partition_id for part in partitions]
    assert sorted(path.name for path in folder.iterdir()) == sorted(Path(part.path).name for part in parts)
    for part in parts:
        assert pq.ParquetFile(part.path).metadata.num_rows == part.rows
    assert sum(part.rows for part in parts) > 0
    return {part.partition_id: hashlib.sha256(Path(part.path).read_bytes()).hexdigest() for part in parts}


@pytest.mark.parametrize("step", [*PLAIN_STEPS, *STEPS], ids=lambda step: step.name)
def test_every_step_gives_the_same_rows_on_every_engine(
    step: Step, engine: Engine, partitions: tuple[Partition, ...], tmp_path: Path
) -> None:
    one_by_one = hashes(LocalEngine(1), step, partitions, tmp_path / "one")
    assert hashes(engine, step, partitions, tmp_path / "other") == one_by_one


def test_results_carry_the_place_of_their_item_and_none_is_lost(engine: Engine) -> None:
    assert sorted(engine.map(abs, [-3, 2, -1, 0])) == [(0, 3), (1, 2), (2, 1), (3, 0)]
    assert list(engine.map(abs, [])) == []


def test_an_error_of_a_step_arrives_as_it_was_and_the_engine_works_on(
    engine: Engine, partitions: tuple[Partition, ...], tmp_path: Path
) -> None:
    step = Step(
        "failing", "1", CUSTOMER_STEP.inputs, "usage_point_id", "load_features", failing, ("weather",)
    )
    bad = COUNTY.parameters | {"bad": "0000000009"}
    with pytest.raises(ZeroDivisionError, match="no base") as failure:
        list(engine.run(step, partitions, bad, tmp_path))
    assert any("in step failing on partition" in note for note in failure.value.__notes__)
    assert list(tmp_path.glob(".*")) == []
    assert list(engine.map(abs, [-1])) == [(0, 1)]


def test_the_engine_can_be_left_early(engine: Engine) -> None:
    results = engine.map(abs, list(range(200)))
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert list(engine.map(abs, [-1])) == [(0, 1)]


def test_results_come_while_others_are_still_at_work(engine: Engine, tmp_path: Path) -> None:
    list(engine.map(abs, [1, 2]))
    results = engine.map(wait_for, [None, str(tmp_path / "go")])
    assert next(results) == (0, True)
    (tmp_path / "go").touch()
    assert next(results) == (1, True)


def wait_for(path: str | None) -> bool:
    """Wait until ``path`` exists; at most half a minute."""
    deadline = time.monotonic() + 30
    while path is not None and not os.path.exists(path):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_killed_spark_worker_costs_time_but_no_rows(
    cluster: Cluster, spark: Engine, partitions: tuple[Partition, ...], tmp_path: Path
) -> None:
    step = Step(
        "slow_bases",
        "1",
        CUSTOMER_STEP.inputs,
        "usage_point_id",
        "load_features",
        slow_bases,
        CUSTOMER_STEP.whole,
        CUSTOMER_STEP.columns,
    )
    quiet = hashes(LocalEngine(1), CUSTOMER_STEP, partitions, tmp_path / "quiet")
    begun = tmp_path / "begun"
    begun.mkdir()
    killed: list[int] = []

    def kill_in_the_middle() -> None:
        while len(list(begun.iterdir())) < 2:
            time.sleep(0.02)
        killed.append(cluster.kill_worker())

    killer = Thread(target=kill_in_the_middle)
    killer.start()
    try:
        struck = hashes(spark, step, partitions, tmp_path / "struck", begun=str(begun), seconds=3.0)
    finally:
        killer.join()
        cluster.add_workers(1)
    # The worker's daemon, its executor, and at least one Python process.
    assert killed[0] >= 3
    assert len(list(begun.iterdir())) > len(partitions), "the killed worker was not at work"
    assert struck == quiet


def test_a_folder_that_workers_do_not_see_is_named(spark: Engine, tmp_path: Path) -> None:
    missing = tmp_path / "unshared.parquet"
    with pytest.raises(EngineError, match="shared"):
        list(spark.map(size_of, [str(missing)]))


def size_of(path: str) -> int:
    return os.stat(path).st_size
