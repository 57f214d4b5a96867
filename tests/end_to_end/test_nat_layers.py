"""External address, port and time to a customer through several translations of addresses, by a whole scan.

Flows and leases come in as CSV files as a carrier and a probe write them. The carrier gives blocks of ports
of one public address to routers; a landlord's router gives ports of its inner address to four tenants; what
one tenant holds in the morning another holds in the evening.
"""

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from minewatch.cli.app import app
from minewatch.engines.local import LocalEngine
from minewatch.lake.lake import Lake
from minewatch.runs.replay import replay
from minewatch.runs.scan import Request, Scanned, period_of, scan_lake
from minewatch.runs.work import Unwatched
from minewatch.schema.tables import TABLES
from minewatch.sim.county import ZONE

Row = Mapping[str, Any]
AT = datetime(2026, 5, 12, 2, tzinfo=UTC)
NOON = AT + timedelta(hours=4)
PUBLIC, ROUTER, OTHER_ROUTER = "198.18.0.9", "100.64.3.7", "100.64.3.8"
TOWN = "四川省雅安市汉源县富林镇江汉路"
DOOR = {name: f"{TOWN}{number}号" for number, name in enumerate(("甲工贸", "乙工贸", "丙工贸", "丁工贸"), 1)}


def lease(prefix: str, ports: tuple[int, int], **more: Any) -> Row:
    times = {"valid_from": "2026-01-01T00:00:00Z", "valid_to": ""}
    return {
        "prefix": prefix,
        "port_low": ports[0],
        "port_high": ports[1],
        **times,
        "carrier": "天枢宽带",
        **more,
    }


def held(prefix: str, name: str, **more: Any) -> Row:
    who = {"holder_name": name, "address": DOOR[name], "region_code": "511823", "kind": "static"}
    return lease(prefix, (0, 65535), **who, **more)


def behind(prefix: str, ports: tuple[int, int], inner: str, **more: Any) -> Row:
    return lease(prefix, ports, kind="nat", next_prefix=inner, **more)


LEASES = [
    behind(PUBLIC, (1024, 5119), ROUTER),  # the carrier's block of one router
    behind(PUBLIC, (5120, 9215), OTHER_ROUTER),
    behind(ROUTER, (1024, 2047), "172.16.0.2"),  # the landlord's router, tenant by tenant
    behind(ROUTER, (2048, 3071), "172.16.0.3", valid_to="2026-05-12T06:00:00Z"),
    behind(ROUTER, (2048, 3071), "172.16.0.4", valid_from="2026-05-12T06:00:00Z"),
    held("172.16.0.2", "甲工贸"),
    held("172.16.0.3", "乙工贸"),
    held("172.16.0.4", "丙工贸"),
    held(OTHER_ROUTER, "丁工贸", valid_to="2026-05-12T06:00:00Z"),
]


def mining(port: int, at: datetime) -> Row:
    """Return an hour of a miner seen from outside."""
    last = at + timedelta(hours=1)
    return {
        "flow_id": f"{port}-{at:%H}",
        "capture": "tap",
        "src_ip": PUBLIC,
        "src_port": port,
        "dst_ip": "203.0.113.7",
        "dst_port": 3333,
        "protocol": 6,
        "first_at": at,
        "last_at": last,
        "src_bytes": 40_000,
        "dst_bytes": 60_000,
        "opening_seen": True,
        "dialect": "stratum_v1",
        "algorithm": "SHA-256",
        "coin": "BTC",
        "pool": "pool.example",
        "difficulty": [{"at": at, "difficulty": 1e5}],
        "expected_hashes": 120 * 1e5 * 2**32,
        "shares_submitted": 120,
        "shares_accepted": 120,
        "shares_first_at": at,
        "shares_last_at": last,
        "job_times": [at],
        "names": [],
    }


FLOWS = [
    mining(1500, AT),  # 甲, through both layers
    mining(2500, AT),  # 乙 until noon
    mining(2500, NOON),  # the same port from noon on: 丙
    mining(6000, AT),  # 丁, behind one layer
    mining(6000, NOON),  # its lease has ended
    mining(12_000, AT),  # a port that nobody holds
]


def write(path: Path, rows: Sequence[Row]) -> Path:
    names = sorted({name for row in rows for name in row})
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Scanned]:
    folder = tmp_path_factory.mktemp("nat")
    points = [
        {"usage_point_id": f"05{n:08d}", "customer_name": name, "address": door, "region_code": "511823"}
        for n, (name, door) in enumerate(DOOR.items())
    ]
    files = [write(folder / "usage_points.csv", points), write(folder / "ip_leases.csv", LEASES)]
    Lake.create(folder / "lake", ZONE, buckets=4)
    ingested = CliRunner().invoke(app, ["ingest", str(folder / "lake"), *map(str, files)])
    assert ingested.exit_code == 0, ingested.output
    lake = Lake.open(folder / "lake")
    schema = TABLES["flows"].schema
    rows = [dict.fromkeys(schema.names) | dict(row) for row in FLOWS]
    lake.append({"flows": pa.Table.from_pylist(rows, schema=schema)}, "ingest", AT)
    request = Request(period_of("2026-W20", ZONE))
    return lake, scan_lake(lake, request, LocalEngine(1), lambda: AT, Unwatched())


def finding(run: tuple[Lake, Scanned], name: str) -> Row:
    found = [row for row in run[1].findings.to_pylist() if row["enterprise_name"] == name]
    assert len(found) == 1, name
    return found[0]


def leases_of(row: Row) -> list[str]:
    """Return the layers from outside to inside, as the links tell them."""
    return [link["to_id"].partition("@")[0] for link in row["links"] if link["to_kind"] == "lease"]


def test_two_layers_lead_from_the_public_port_to_the_tenant(run: tuple[Lake, Scanned]) -> None:
    row = finding(run, "甲工贸")
    assert leases_of(row) == [f"{PUBLIC}:1024-5119", f"{ROUTER}:1024-2047", "172.16.0.2:0-65535"]
    assert [item["name"] for item in row["endpoints"]] == [f"{PUBLIC}:1500"]
    assert row["endpoints"][0]["probability"] > 0.9
    assert row["address"] == DOOR["甲工贸"]


def test_one_port_belongs_to_two_tenants_one_after_the_other(run: tuple[Lake, Scanned]) -> None:
    morning, evening = finding(run, "乙工贸"), finding(run, "丙工贸")
    assert leases_of(morning)[-1] == "172.16.0.3:0-65535"
    assert leases_of(evening)[-1] == "172.16.0.4:0-65535"
    assert morning["onset_at"] == AT
    assert evening["onset_at"] == NOON


def test_a_block_of_ports_of_another_router_is_another_customer(run: tuple[Lake, Scanned]) -> None:
    row = finding(run, "丁工贸")
    assert leases_of(row) == [f"{PUBLIC}:5120-9215", f"{OTHER_ROUTER}:0-65535"]
    assert row["onset_at"] == AT  # what came after the lease's end is not his


def test_what_no_lease_covers_at_its_time_is_refused_and_blames_nobody(run: tuple[Lake, Scanned]) -> None:
    alone = [row for row in run[1].findings.to_pylist() if not row["usage_points"]]
    told = {item["code"] for row in alone for item in row["reasons"]}
    assert {"lease_inner_unknown", "lease_port_unassigned"} <= told
    assert {item["name"] for row in alone for item in row["endpoints"]} == {
        f"{PUBLIC}:6000",
        f"{PUBLIC}:12000",
    }
    assert all(row["enterprise_name"] is None for row in alone)


def test_every_endpoint_is_told_again_by_a_replay(run: tuple[Lake, Scanned]) -> None:
    lake, scanned = run
    for row in scanned.findings.to_pylist():
        assert replay(lake, row["finding_id"], LocalEngine(1)).differences == ()
