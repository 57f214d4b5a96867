"""Real meters and real captures in one lake: the pool flows are found, and nobody else."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_simulated_scan import Unwatched

from minewatch.engines.local import LocalEngine
from minewatch.lake.lake import Lake
from minewatch.runs.ingest import Settings, ingest, open_or_create
from minewatch.runs.scan import Request, Scanned, period_of, scan_lake
from scan_lake import Silent

AT = datetime(2026, 7, 1, tzinfo=UTC)
POOL_FLOWS = {"192.168.2.148:46838", "147.229.13.222:49307", "192.168.2.92:55190", "192.168.2.148:53846"}
"""The mining side of the four flows of mining.pcapng."""


@pytest.fixture(scope="module")
def lake(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    opened = open_or_create(tmp_path_factory.mktemp("real") / "lake", Settings())
    ingest(opened, [shared_data], Settings(), AT, Unwatched())
    return opened


def scanned(lake: Lake, period: str) -> Scanned:
    request = Request(period_of(period, lake.zone))
    return scan_lake(lake, request, LocalEngine(1), lambda: AT, Silent())


def test_the_four_pool_flows_are_found(lake: Lake) -> None:
    findings = scanned(lake, "2017").findings.to_pylist()
    assert {item["name"] for row in findings for item in row["endpoints"]} == POOL_FLOWS
    assert [row["usage_points"] for row in findings] == [[]] * len(findings)


@pytest.mark.parametrize(
    "period",
    ["2010", "2015", "2016", "2016-02", "2016-06", "2016-11", "2017-W20", "2020", "2023", "2024", "2025-06"],
)
def test_nobody_else_is_listed(lake: Lake, period: str) -> None:
    assert scanned(lake, period).findings.to_pylist() == []
