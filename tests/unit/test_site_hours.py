"""Readings, leases and counts of lines joined by the hour."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minewatch.attribute.sites import Attribution, attribute
from minewatch.detect.traffic.data_centre import DATA_CENTRE_STEP
from minewatch.engines.local import LocalEngine
from minewatch.lake.lake import Lake
from minewatch.runs.partitions import View
from minewatch.runs.scan import registers_of
from minewatch.runs.site_hours import site_lines, site_partitions, site_tables
from minewatch.schema.periods import day_period
from minewatch.schema.tables import TABLES

ZONE = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 7, 1, tzinfo=UTC)
FIRST, DAYS = date(2026, 5, 1), 4
START = datetime(2026, 4, 30, 16, tzinfo=UTC)
MOVED = START + timedelta(hours=48)
"""When the changing address goes from the works to the flat."""

ROAD = "四川省雅安市汉源县富林镇江汉路"


def rows(table: str, values: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(values, schema=TABLES[table].schema)


def point(name: str, number: int, **values: Any) -> dict[str, Any]:
    usual = {"transformer_id": "T1", "region_code": "511823", "contract_kva": 200.0, "industry_code": "6450"}
    return {
        "usage_point_id": name,
        "customer_name": f"户主{number}号",
        "address": f"{ROAD}{number}号",
        **usual,
        **values,
    }


def lease(prefix: str, number: int, **values: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "prefix": prefix,
        "port_low": 0,
        "port_high": 65535,
        "valid_from": datetime(2020, 1, 1, tzinfo=UTC),
        "kind": "static",
        "holder_name": f"户主{number}号",
        "address": f"{ROAD}{number}号",
        "region_code": "511823",
        "carrier": "甲",
    }
    return usual | values


def count(prefix: str, hour: float, inbound: float, **values: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "prefix": prefix,
        "port_low": 0,
        "port_high": 65535,
        "hour": START + timedelta(hours=hour),
        "inbound_bytes": inbound,
        "outbound_bytes": 2 * inbound,
        "peers": 5,
        "local_addresses": 1,
        "carrier": "甲",
    }
    return usual | values


def curve(name: str, day: int, kw: float) -> dict[str, Any]:
    return {
        "usage_point_id": name,
        "day": FIRST + timedelta(days=day),
        "interval_minutes": 60,
        "kw": [kw + hour for hour in range(24)],
    }


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> View:
    """Two accounts behind one door with two lines and one address that moves away; a flat without counts."""
    lake = Lake.create(tmp_path_factory.mktemp("lake"), ZONE, buckets=2)
    points = [point("001", 1), point("002", 1, industry_code=None), point("003", 2), point("004", 3)]
    lake.append({"usage_points": rows("usage_points", points)}, "ingest", AT)
    counts = [count("198.18.0.1", hour, 100.0 + hour) for hour in range(24 * DAYS)]
    counts += [
        count("198.18.0.2", hour + half / 2, 10.0)
        for hour in range(24 * DAYS)
        if hour != 7
        for half in range(2)
    ]
    counts += [count("198.18.0.3", hour, 1e6) for hour in range(24 * DAYS)]
    counts += [count("198.18.0.1", hour, 9e9, carrier="乙") for hour in range(24 * DAYS)]
    tables = {
        "interval_readings": [
            *(curve("001", day, 100.0) for day in range(DAYS)),
            *(curve("002", day, 10.0) for day in range(1, DAYS)),
            *(curve("003", day, 1.0) for day in range(DAYS)),
        ],
        "ip_leases": [
            lease("198.18.0.1", 1),
            lease("198.18.0.2", 1),
            lease("198.18.0.3", 1, valid_to=MOVED, kind="dhcp"),
            lease("198.18.0.3", 2, valid_from=MOVED, kind="dhcp"),
            lease("198.18.0.9", 3),
        ],
        "line_traffic": counts,
        "enterprises": [
            {
                "enterprise_id": "E1",
                "enterprise_name": "户主1号",
                "business_address": f"{ROAD}1号",
                "region_code": "511823",
                "industry_code": "6450",
                "business_scope": "互联网数据中心业务;软件开发",
            }
        ],
        "applications": [
            {
                "application_id": "A1",
                "applicant_name": "户主1号",
                "address": f"{ROAD}1号",
                "region_code": "511823",
                "bandwidth_mbps": 1000.0,
            }
        ],
        "weather": [
            {"region_code": "511823", "hour": START + timedelta(hours=hour), "temperature_c": float(hour)}
            for hour in range(24 * DAYS)
        ],
    }
    lake.append({name: rows(name, values) for name, values in tables.items()}, "ingest", AT)
    period = day_period(FIRST, FIRST + timedelta(days=DAYS), ZONE)
    return View(lake, lake.snapshot(), period, DAYS)


@pytest.fixture(scope="module")
def attribution(view: View) -> Attribution:
    registers = registers_of(view.lake, view.snapshot, view.period)
    return attribute(registers, registers.usage_points["usage_point_id"], [])


def site_of(attribution: Attribution, name: str) -> str:
    directory = attribution.directory
    return directory.site_ids[int(directory.grouping.codes_of(pa.array([name]))[0])]


def test_lines_lead_to_sites_and_uncounted_ones_are_left_out(view: View, attribution: Attribution) -> None:
    lines = site_lines(view, attribution)
    assert set(lines) == {site_of(attribution, "001"), site_of(attribution, "003")}
    assert [line.prefix for line in lines[site_of(attribution, "001")]] == [
        "198.18.0.1",
        "198.18.0.2",
        "198.18.0.3",
    ]


def test_hours_add_accounts_and_lines_and_say_what_is_missing(view: View, attribution: Attribution) -> None:
    works = site_of(attribution, "001")
    tables = site_tables(view, attribution, {works: site_lines(view, attribution)[works]})
    hours = tables.hours.to_pydict()
    assert hours["hour"][0] == START
    assert len(hours["kw"]) == 24 * DAYS
    assert hours["kw"][5] is None  # the second account has no first day
    assert hours["kw"][24 + 5] == pytest.approx(100 + 5 + 10 + 5)
    assert hours["lines_known"] == [3] * 48 + [2] * 48
    assert hours["lines_seen"][7] == 2
    assert hours["inbound_bytes"][7] is None
    assert hours["inbound_bytes"][8] == pytest.approx(108 + 2 * 10 + 1e6)
    assert hours["outbound_bytes"][50] == pytest.approx(2 * (150 + 20))
    assert hours["temperature_c"][9] == 9.0


def test_records_say_what_registers_know(view: View, attribution: Attribution) -> None:
    works = site_of(attribution, "001")
    record = site_tables(
        view, attribution, {works: site_lines(view, attribution)[works]}
    ).records.to_pylist()[0]
    assert record == {
        "site_id": works,
        "usage_points": 2,
        "points_read": 2,
        "contract_kva": 400.0,
        "industry_codes": ["6450"],
        "enterprises": 1,
        "business_scope": "互联网数据中心业务;软件开发",
        "declared_mbps": 1000.0,
        "floor_area_m2": None,
        "reading_rows": 2 * DAYS - 1,
        "traffic_rows": 24 * DAYS + 2 * (24 * DAYS - 1) + 48,
    }


def test_an_address_that_moves_carries_its_counts_with_it(view: View, attribution: Attribution) -> None:
    flat = site_of(attribution, "003")
    tables = site_tables(view, attribution, {flat: site_lines(view, attribution)[flat]})
    inbound = np.array(tables.hours["inbound_bytes"].to_pylist(), dtype=float)
    assert np.isnan(inbound[:48]).all()
    assert (inbound[48:] == 1e6).all()


def test_partitions_are_judged_site_by_site(view: View, attribution: Attribution, tmp_path: Path) -> None:
    lines = site_lines(view, attribution)
    partitions = site_partitions(view, attribution, lines, tmp_path)
    parameters = {
        "period_start_at": view.period.start_at.isoformat(),
        "period_end_at": view.period.end_at.isoformat(),
        "zone": ZONE.key,
    }
    out = tmp_path / "out"
    parts = list(LocalEngine(1).run(DATA_CENTRE_STEP, partitions, parameters, out))
    found = pq.read_table(parts[0].path).to_pylist()
    assert sorted(row["subject_id"] for row in found) == sorted(lines)
    assert {row["reasons"][0]["code"] for row in found} == {"site_traffic_too_short"}


def test_a_lake_without_counts_has_no_such_sites(
    attribution: Attribution, tmp_path: Path, view: View
) -> None:
    lake = Lake.create(tmp_path / "empty", ZONE, buckets=2)
    empty = View(lake, lake.snapshot(), view.period, DAYS)
    assert site_lines(empty, attribution) == {}
    assert site_partitions(empty, attribution, {}, tmp_path) == []
