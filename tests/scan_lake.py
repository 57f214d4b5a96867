"""A small lake made by hand for scans: simulated curves, our own addresses, lines and flows."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa

from minewatch.engines.local import LocalEngine
from minewatch.lake.lake import Lake
from minewatch.runs.scan import Request, Scanned, period_of, scan_lake
from minewatch.schema.machines import efficiency
from minewatch.schema.tables import TABLES
from minewatch.sim.assembly import partition
from minewatch.sim.county import CountyPlan, SimulatedPartition
from minewatch.sim.plants import plant_tables

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 7, 1, tzinfo=UTC)
PERIOD = "2026-W18"
CAPTURED_AT = datetime(2026, 4, 29, 3, tzinfo=UTC)
CONTRADICTION_KW = 800.0
STRANGER = "203.0.113.99"


class Silent:
    """Nobody watches."""

    def stage(self, name: str, parts: int) -> None:
        """Hear of a stage."""

    def part(self, rows: int) -> None:
        """Hear of a part."""


class Cast(NamedTuple):
    """Who plays what: the farm seen by meter and wire, the home with a farm behind its meter, all mines."""

    farm: str
    farm_kw: float
    home: str
    mines: frozenset[str]


GRID = (
    *("interval_readings", "daily_readings", "transformers", "transformer_readings"),
    *("feeders", "feeder_readings"),
)
"""Tables of the simulated county that the lake gets as they are."""


def plan() -> CountyPlan:
    """Plan 160 accounts over 120 days."""
    return CountyPlan(
        seed=21,
        customers=160,
        days=120,
        start_on=date(2026, 1, 5),
        share_of_mines=0.05,
        partition_customers=160,
    )


@cache
def county() -> SimulatedPartition:
    """Simulate them."""
    return partition(plan(), 0)


def cast() -> Cast:
    """Choose the players by the simulator's truth."""
    truth = county().truth["truth_usage_points"].to_pylist()
    period = period_of(PERIOD, ZONE)
    on = [
        row
        for row in truth
        if row["mine_kind"] and row["onset_at"] and row["onset_at"] < period.start_at and row["metered"]
        and (row["ended_at"] is None or row["ended_at"] > period.end_at)
    ]  # fmt: skip
    farm = max(on, key=lambda row: row["power_kw"])
    home = next(row for row in truth if row["kind"] == "household" and not row["mine_kind"])
    mines = frozenset(row["usage_point_id"] for row in truth if row["mine_kind"] or row["infected"])
    return Cast(farm["usage_point_id"], farm["power_kw"], home["usage_point_id"], mines)


def make_lake(folder: Path) -> Lake:
    """Write the lake: archive, readings, lines, enterprises, flows."""
    lake = Lake.create(folder, ZONE, buckets=4)
    made, players = county(), cast()
    ids = made.tables["usage_points"]["usage_point_id"].to_pylist()
    ip_of = {name: f"198.18.1.{number}" for number, name in enumerate(ids)}
    tables = {
        "usage_points": _archive(made.tables["usage_points"]),
        **{name: made.tables[name] for name in GRID},
        **plant_tables(plan(), 0).tables,
        "ip_leases": _rows("ip_leases", [_line(ip_of[name], number) for number, name in enumerate(ids)]),
        "enterprises": _rows("enterprises", [_firm(ids.index(players.farm))]),
        "flows": _rows(
            "flows",
            [
                *_pool_flows(ip_of[players.farm], players.farm_kw, "farm"),
                *_pool_flows(ip_of[players.home], CONTRADICTION_KW, "home"),
                *_pool_flows(STRANGER, 5.0, "stranger"),
                *[_flow(ip_of[name], 50000, f"web-{name}") for name in ids],
            ],
        ),
    }
    archive = {"usage_points": tables.pop("usage_points")}
    lake.append(archive, "ingest", AT)  # first: it says in which bucket readings lie
    lake.append(tables, "ingest", AT)
    return lake


def scanned(lake: Lake, workers: int = 1, **values: Any) -> Scanned:
    """Scan the lake for the period on the local engine."""
    request = Request(period_of(PERIOD, lake.zone), **values)
    return scan_lake(lake, request, LocalEngine(workers), lambda: AT, Silent())


def _archive(points: pa.Table) -> pa.Table:
    names = [f"户主{n}号" for n in range(points.num_rows)]
    places = [f"汉源县富林镇江汉路{n + 1}号" for n in range(points.num_rows)]
    for column, values in (("customer_name", names), ("address", places)):
        at = points.schema.get_field_index(column)
        points = points.set_column(at, points.schema.field(at), pa.array(values, pa.string()))
    return points


def _line(ip: str, number: int) -> dict[str, Any]:
    return {
        "prefix": ip,
        "port_low": 0,
        "port_high": 65535,
        "valid_from": datetime(2020, 1, 1, tzinfo=UTC),
        "kind": "static",
        "holder_name": f"户主{number}号",
        "address": f"四川省雅安市汉源县富林镇江汉路{number + 1}号",
        "region_code": "511823",
        "carrier": "天枢宽带",
    }


def _firm(number: int) -> dict[str, Any]:
    return {
        "enterprise_id": "511823000001",
        "enterprise_name": "汉源云上数据有限公司",
        "business_address": f"富林镇江汉路{number + 1}号",
        "region_code": "511823",
    }


def _pool_flows(ip: str, power_kw: float, name: str) -> list[dict[str, Any]]:
    """Three hours of a proxy that brings a pool the shares of a farm of ``power_kw``."""
    energy = efficiency("SHA-256", None)
    assert energy is not None
    seconds, shares = 3 * 3600.0, 5000
    hashes = power_kw * 1000 / energy.typical * seconds
    end = CAPTURED_AT + timedelta(seconds=seconds)
    mining = {
        "dialect": "stratum_v1",
        "algorithm": "SHA-256",
        "coin": "BTC",
        "pool": "pool.example",
        "difficulty": [{"at": CAPTURED_AT, "difficulty": hashes / shares / 2**32}],
        "expected_hashes": hashes,
        "shares_submitted": shares,
        "shares_accepted": shares,
        "shares_rejected": 0,
        "shares_first_at": CAPTURED_AT,
        "shares_last_at": end,
        "job_times": [CAPTURED_AT],
        "last_at": end,
    }
    return [_flow(ip, 40000, f"pool-{name}") | mining]


def _flow(ip: str, port: int, name: str) -> dict[str, Any]:
    sides = {"src_ip": ip, "src_port": port, "dst_ip": "203.0.113.7", "dst_port": 3333, "protocol": 6}
    times = {"first_at": CAPTURED_AT, "last_at": CAPTURED_AT + timedelta(seconds=20)}
    counts = {"src_packets": 9, "dst_packets": 9, "src_bytes": 900, "dst_bytes": 900, "names": []}
    return {"flow_id": name, "capture": "tap-1", "opening_seen": True, **sides, **times, **counts}


def _rows(table: str, rows: list[Mapping[str, Any]] | list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([dict(row) for row in rows], schema=TABLES[table].schema)
