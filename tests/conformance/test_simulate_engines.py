"""A county has the same bytes from Spark's workers as from this machine's processes."""

import hashlib
from datetime import date
from pathlib import Path

from minewatch.engines.base import Engine
from minewatch.engines.local import LocalEngine
from minewatch.runs.simulate import simulate
from minewatch.sim.county import CountyPlan

PLAN = CountyPlan(seed=4, customers=240, days=5, start_on=date(2026, 3, 2), partition_customers=80)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_spark_and_processes_write_the_same_county(spark: Engine, tmp_path: Path) -> None:
    by_spark = simulate(PLAN, tmp_path / "spark", spark)
    here = simulate(PLAN, tmp_path / "here", LocalEngine(2, processes=True))
    assert digests(tmp_path / "spark") == digests(tmp_path / "here")
    assert dict(by_spark.rows) == dict(here.rows)
    assert by_spark.customers == 240
