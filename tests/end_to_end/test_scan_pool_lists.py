"""Lists of pools in a lake: a scan uses the list of its day, says so, and computes it again."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from test_simulated_scan import Unwatched

from minewatch.engines.local import LocalEngine
from minewatch.lake.commits import Snapshot
from minewatch.lake.lake import Lake
from minewatch.runs.branches import BRANCHES
from minewatch.runs.evidence_rows import LakeEvidence
from minewatch.runs.ingest import Settings, ingest, open_or_create
from minewatch.runs.scan import Request, Scanned, period_of, scan_lake, step_parameters, view_of
from minewatch.runs.work import Work
from minewatch.schema.analysis_tables import EVIDENCE
from scan_lake import Silent

AT = datetime(2026, 7, 1, tzinfo=UTC)
PLAIN = "# source: our own list\n# as_of: 2026-05-01\n203.0.113.9:3333\nstratum.pool.example\nno domain\n"
TABLE = (
    "kind,endpoint,port,pool,coin,source,as_of\naddress,203.0.113.8/31,3333,A Pool,XMR,others,2026-05-10\n"
)


def flow(port: int, server: str) -> str:
    counts = {"pkts_toserver": 90, "pkts_toclient": 90, "bytes_toserver": 9000, "bytes_toclient": 90_000}
    times = {"start": "2026-05-15T08:00:00.0+0800", "end": "2026-05-15T09:00:00.0+0800"}
    ends = {"src_ip": "10.0.0.7", "src_port": port, "dest_ip": server, "dest_port": 3333, "proto": "TCP"}
    event = {"timestamp": "2026-05-15T09:00:09.1+0800", "event_type": "flow", **ends}
    return json.dumps(event | {"flow": counts | times}) + "\n"


def scanned(lake: Lake) -> tuple[Scanned, list[dict[str, Any]]]:
    request = Request(period_of("2026-W20", lake.zone))
    result = scan_lake(lake, request, LocalEngine(1), lambda: AT, Silent())
    tables = LakeEvidence(lake, result.snapshot, result.manifest).read(EVIDENCE.names)
    rows = [row for table in tables for row in table.to_pylist() if row["detector"] == "pool_flow"]
    return result, sorted(rows, key=lambda row: row["subject_id"])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "eve.json").write_text(flow(50123, "203.0.113.9") + flow(50124, "203.0.113.10"))
    opened = open_or_create(tmp_path / "lake", Settings())
    ingest(opened, [tmp_path / "files"], Settings(), AT, Unwatched())
    return opened


def bring(lake: Lake, path: Path, text: str) -> None:
    path.write_text(text)
    (outcome,) = ingest(lake, [path], Settings(), AT, Unwatched())
    assert outcome.error is None


def test_a_scan_uses_the_list_of_its_day(lake: Lake, tmp_path: Path) -> None:
    assert scanned(lake)[1] == []
    bring(lake, tmp_path / "pools.txt", PLAIN)
    result, (row,) = scanned(lake)
    assert (row["subject_id"], row["coin"]) == ("10.0.0.7:50123", None)
    assert "our own list" in row["reasons"][0]["text_en"]
    version = result.manifest.inputs["pool_endpoints"].version
    assert {"table": "pool_endpoints", "version": version, "rows": 2} in row["inputs"]
    bring(lake, tmp_path / "pools.csv", TABLE)
    result, (later,) = scanned(lake)
    assert later["coin"] is None  # the narrowest prefix counts
    assert later["evidence_id"] != row["evidence_id"]
    assert_same_again(lake, result, later, tmp_path)


def assert_same_again(lake: Lake, result: Scanned, row: dict[str, Any], folder: Path) -> None:
    snapshot = Snapshot(-1, {name: item.version for name, item in result.manifest.inputs.items()})
    stored = LakeEvidence(lake, result.snapshot, result.manifest)
    view = view_of(lake, snapshot, result.manifest)
    work = Work(view, LocalEngine(1), step_parameters(result.manifest), folder, stored)
    (branch,) = [each for each in BRANCHES if each.step.name == "pool_flow"]
    parts = branch.evidence(work, ["10.0.0.7"])
    anew = [found for part in parts for found in pq.read_table(part.path).cast(EVIDENCE).to_pylist()]
    assert anew == [row]
