"""A whole scan on Spark: the same run, findings and rows as on this machine."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from minewatch.engines.base import Engine
from minewatch.engines.local import LocalEngine
from minewatch.lake.lake import Lake
from minewatch.runs.replay import replay
from minewatch.runs.scan import Request, period_of, scan_lake
from scan_lake import AT, PERIOD, Silent, make_lake, scanned


@pytest.fixture
def lakes(tmp_path: Path) -> tuple[Lake, Lake]:
    first = make_lake(tmp_path / "one")
    shutil.copytree(first.path, tmp_path / "two")
    return first, Lake.open(tmp_path / "two")


def test_a_scan_on_spark_makes_the_same_rows(lakes: tuple[Lake, Lake], spark: Engine) -> None:
    here = scanned(lakes[0], workers=2)
    clock = datetime(2026, 7, 2, tzinfo=UTC)
    there = scan_lake(lakes[1], Request(period_of(PERIOD, lakes[1].zone)), spark, lambda: clock, Silent())
    assert there.manifest.run_id == here.manifest.run_id
    assert there.findings.equals(here.findings)
    for table in ("evidence", "assessments", "findings"):
        rows = [lake.read(lake.snapshot(), table) for lake in lakes]
        assert rows[0].equals(rows[1]), table
    engines = [lake.read(lake.snapshot(), "manifests")["engine"].to_pylist() for lake in lakes]
    assert engines == [["local"], ["spark"]]
    assert clock > AT  # the clock differs and changes nothing


def test_a_finding_made_on_spark_replays_on_this_machine(lakes: tuple[Lake, Lake], spark: Engine) -> None:
    made = scan_lake(lakes[1], Request(period_of(PERIOD, lakes[1].zone)), spark, lambda: AT, Silent())
    finding = made.findings["finding_id"][0].as_py()
    assert replay(lakes[1], finding, LocalEngine(1)).differences == ()
    assert replay(lakes[1], finding, spark).differences == ()
