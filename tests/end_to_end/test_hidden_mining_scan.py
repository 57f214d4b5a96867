"""A scan of a lake in which a farm mines over TLS: listed by timing alone, replayed with its neighbours."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from minewatch.cli.app import app
from minewatch.engines.local import LocalEngine
from minewatch.lake.lake import Lake
from minewatch.runs.evidence_rows import LakeEvidence
from minewatch.runs.partitions import View
from minewatch.runs.replay import replay
from minewatch.runs.scan import Request, Scanned, period_of, scan_lake
from minewatch.schema.slices import read_slice
from minewatch.schema.tables import TABLES
from quiet_samples import blocks_table, flow_row, flows_table, mining, service
from scan_lake import ZONE, Silent

AT = datetime(2026, 7, 1, tzinfo=UTC)
FARM, HOME = "203.0.113.5", "203.0.113.80"
KINDS = ("sensor", "charger", "push_service", "group_chat", "vpn", "dashboard", "till", "wallet")


def lease(ip: str, holder: str) -> dict[str, Any]:
    return {
        "prefix": ip, "port_low": 0, "port_high": 65535, "valid_from": datetime(2020, 1, 1, tzinfo=UTC),
        "kind": "static", "holder_name": holder, "region_code": "511823",
        "address": f"四川省雅安市汉源县富林镇江汉路{ip.rsplit('.', 1)[1]}号",
    }  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Scanned]:
    talks, blocks = mining("litecoin", seed=1, machines=4)
    flows = [
        flow_row(talk, number, src_ip=FARM if number < 3 else HOME, src_port=41_000 + number)
        for number, talk in enumerate(talks)
    ]
    flows += [
        flow_row(service(kind, seed), 100 + 10 * place + seed, server=f"198.51.100.{20 + place}")
        for place, kind in enumerate(KINDS)
        for seed in range(8)
    ]
    lake = Lake.create(tmp_path_factory.mktemp("hidden") / "lake", ZONE, buckets=2)
    leases = [lease(FARM, "甲公司"), lease(HOME, "乙")]
    tables = {
        "flows": flows_table(flows),
        "block_times": blocks_table(blocks),
        "ip_leases": pa.Table.from_pylist(leases, schema=TABLES["ip_leases"].schema),
    }
    lake.append(tables, "ingest", AT)
    request = Request(period_of("2026-05-04/2026-05-05", lake.zone))
    return lake, scan_lake(lake, request, LocalEngine(1), lambda: AT, Silent())


def test_the_farm_is_listed_by_timing_alone(run: tuple[Lake, Scanned]) -> None:
    lake, result = run
    endpoints = [[item["name"] for item in row["endpoints"]] for row in result.findings.to_pylist()]
    assert any(all(name.startswith(FARM) for name in names) for names in endpoints if names)
    batches = LakeEvidence(lake, lake.snapshot(), result.manifest).read(
        ["detector", "subject_id", "log10_lr", "coin"]
    )
    rows = [row for batch in batches for row in batch.to_pylist() if row["detector"] == "encrypted_flow"]
    shown = [row for row in rows if (row["log10_lr"] or 0) > 0]
    assert {row["subject_id"].rsplit(":", 1)[0] for row in shown} == {FARM, HOME}
    assert {row["coin"] for row in shown} == {"LTC"}


def test_replay_sees_the_same_neighbours(run: tuple[Lake, Scanned]) -> None:
    lake, result = run
    for row in result.findings.to_pylist():
        assert replay(lake, row["finding_id"], LocalEngine(1)).differences == ()


def test_the_run_names_the_block_times_and_reads_those_of_its_period(run: tuple[Lake, Scanned]) -> None:
    lake, result = run
    assert result.manifest.inputs.keys() >= {"flows", "block_times"}
    before = View(lake, lake.snapshot(), period_of("2026-05-03/2026-05-04", lake.zone), 1)
    assert read_slice(before.slice("block_times"), ["at"]).num_rows == 0


def test_it_can_be_ingested(tmp_path: Path) -> None:
    path = tmp_path / "blocks.csv"
    path.write_text(
        "coin,height,at,clock\nXMR,1,2026-05-04T00:00:01Z,seen\nXMR,2,2026-05-04T00:02:09Z,seen\n", "utf-8"
    )
    done = CliRunner().invoke(app, ["ingest", str(tmp_path / "lake"), str(path)])
    assert done.exit_code == 0, done.output
    lake = Lake.open(tmp_path / "lake")
    assert lake.read(lake.snapshot(), "block_times")["height"].to_pylist() == [1, 2]
