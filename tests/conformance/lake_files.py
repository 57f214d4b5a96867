"""A small county as Parquet files in the lake's layout: sorted by bucket and key, a row group for each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from plant_rows import PLANTS, plant_readings
from quiet_rows import block_times, mining_messages
from site_rows import site_hours, site_records

from minewatch.schema.ids import bucket_of
from minewatch.schema.steps import Partition, TableSlice
from minewatch.schema.tables import LINEAGE, TABLES, Layout

FIRST_DAY = date(2026, 5, 1)
REGION = "513300"
_FLOWS_AT = datetime(2026, 5, 3, tzinfo=UTC)
FEEDER = "F01"

Row = dict[str, Any]


@dataclass(frozen=True)
class County:
    """How much there is: customers share transformers by eights."""

    customers: int = 40
    days: int = 45
    buckets: int = 4
    captures: int = 6

    @property
    def parameters(self) -> dict[str, Any]:
        """Return parameters of a scan over all days."""
        start = datetime(2026, 5, 1, tzinfo=UTC)
        end = start + timedelta(days=self.days)
        shared = {"start_at": start, "end_at": end, "zone": "Asia/Shanghai", "inputs": {}}
        return shared | {"period_start_at": start.isoformat(), "period_end_at": end.isoformat()}

    def transformer_of(self, customer: int) -> str:
        """Return the transformer of the customer with that number."""
        return f"T{customer // 8:04d}"


def write_county(county: County, folder: Path) -> tuple[Partition, ...]:
    """Write the files of every table a step may read and return the partitions, one for each bucket."""
    tables: dict[str, list[list[Row]]] = {
        "usage_points": [_usage_points(county)],
        "transformers": [_transformers(county)],
        "interval_readings": [_interval_readings(county), _corrections(county)],
        "transformer_readings": [_transformer_readings(county)],
        "feeders": [[{"feeder_id": FEEDER, "voltage_kv": 10.0, "resistance_ohm": 1.5}]],
        "feeder_readings": [_feeder_readings(county)],
        "balance_books": [_balance_books(county)],
        "weather": [list(_hours(county, {"temperature_c": 18.5}))],
        "prices": [list(_hours(county, {"price_per_kwh": 0.52, "currency": "CNY"}))],
        "plants": [PLANTS],
        "plant_readings": [plant_readings(county.parameters["start_at"], county.days)],
        "flows": [_flows(county)],
        "block_times": [block_times(_FLOWS_AT)],
        "site_hours": [site_hours(county.parameters["start_at"], county.days)],
        "site_records": [site_records(county.days)],
    }
    slices: dict[str, tuple[str, ...]] = dict.fromkeys(TABLES, ())
    for name, files in tables.items():
        paths = [folder / f"{name}-{at}.parquet" for at in range(len(files))]
        for path, rows in zip(paths, files, strict=True):
            _write(path, name, rows)
        slices[name] = tuple(map(str, paths))
    return tuple(_partition(bucket, slices) for bucket in range(county.buckets))


def _partition(bucket: int, files: Mapping[str, tuple[str, ...]]) -> Partition:
    def slice_of(name: str) -> TableSlice:
        whole = TABLES[name].layout is Layout.WHOLE
        return TableSlice(name, 1, files[name], bucket=None if whole else bucket)

    return Partition(f"{bucket:05d}", {name: slice_of(name) for name in files})


def _write(path: Path, name: str, rows: list[Row]) -> None:
    spec = TABLES[name]
    lineage = dict.fromkeys(LINEAGE.names, 0) | {"source_id": "made", "revision": 1}
    table = pa.Table.from_pylist(
        [lineage | {"source_line": at} | row for at, row in enumerate(rows)], schema=spec.lake_schema
    )
    table = table.sort_by([("bucket", "ascending"), *((column, "ascending") for column in spec.key)])
    with pq.ParquetWriter(path, spec.lake_schema, compression="zstd") as writer:
        for bucket in table.column("bucket").unique().to_pylist():
            group = table.filter(pa.compute.equal(table.column("bucket"), bucket))
            writer.write_table(group, row_group_size=max(len(group), 1))


def _place(county: County, customer: int) -> Row:
    return {
        "usage_point_id": f"{customer:010d}",
        "bucket": bucket_of(county.transformer_of(customer), county.buckets),
    }


def _usage_points(county: County) -> list[Row]:
    return [
        _place(county, customer)
        | {
            "transformer_id": county.transformer_of(customer),
            "region_code": REGION,
            "tariff_class": "residential" if customer % 3 else "commercial_single",
            "contract_kva": 8.0 if customer % 3 else 160.0,
            "opened_on": date(2015, 1, 1),
        }
        for customer in range(county.customers)
    ]


def _transformers(county: County) -> list[Row]:
    names = sorted({county.transformer_of(customer) for customer in range(county.customers)})
    return [
        {
            "transformer_id": name,
            "feeder_id": FEEDER,
            "rated_kva": 315.0,
            "bucket": bucket_of(name, county.buckets),
        }
        for name in names
    ]


def _curve(customer: int, day: int) -> list[float]:
    """Return a household's day; each seventh customer runs 12 kW of machines from the tenth day on."""
    random = np.random.default_rng([customer, day])
    hours = np.arange(96) / 4
    kw = 0.3 + 0.5 * np.exp(-(((hours - 19.5) / 2.5) ** 2)) + random.gamma(1.5, 0.1, 96)
    kw += 12.0 * (customer % 7 == 0 and day >= 10)
    if day % 11 == customer % 11:
        kw[20:26] = np.nan
    return [float(value) for value in np.round(kw, 3)]


def _reading(county: County, customer: int, day: int, kw: list[float]) -> Row:
    curve = {"day": FIRST_DAY + timedelta(days=day), "interval_minutes": 15, "kw": kw}
    return _place(county, customer) | curve


def _interval_readings(county: County) -> list[Row]:
    places = [(customer, day) for customer in range(county.customers) for day in range(county.days)]
    return [_reading(county, customer, day, _curve(customer, day)) for customer, day in places]


def _corrections(county: County) -> list[Row]:
    """Return later values for some days of each fifth customer."""
    return [
        _reading(county, customer, day, [2.5] * 96) | {"revision": 2}
        for customer in range(0, county.customers, 5)
        for day in (3, 4, 20)
    ]


def _transformer_readings(county: County) -> list[Row]:
    return [
        {
            "transformer_id": row["transformer_id"],
            "day": FIRST_DAY + timedelta(days=day),
            "interval_minutes": 15,
            "kw": [20.0 + day] * 96,
            "bucket": row["bucket"],
        }
        for row in _transformers(county)
        for day in range(county.days)
    ]


def _feeder_readings(county: County) -> list[Row]:
    return [
        {
            "feeder_id": FEEDER,
            "day": FIRST_DAY + timedelta(days=day),
            "interval_minutes": 15,
            "kw": [250.0 + 5 * day] * 96,
        }
        for day in range(county.days)
    ]


def _balance_books(county: County) -> list[Row]:
    """Return books of each transformer; from the tenth day on 12 kW go in that no meter counts."""
    hours = np.arange(24 * county.days)
    metered = 20 + 5 * np.sin(hours * np.pi / 12)
    return [
        {
            **row,
            "area_id": FEEDER,
            "first_day": FIRST_DAY,
            "supply_kw": [float(value) for value in metered + 1 + 12 * (hours >= 240)],
            "supply_kvar": [3.0] * hours.size,
            "metered_kw": [float(value) for value in metered],
            "filled_kw": [0.0] * hours.size,
            "doubt_kw": [0.0] * hours.size,
            "floors_kw": [0.3] * 8,
            "unread_kva": [],
            "read_daily": 0,
            "strays": [],
        }
        for row in _transformers(county)
    ]


def _hours(county: County, values: Row) -> Iterator[Row]:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    for hour in range(24 * county.days):
        yield {"region_code": REGION, "hour": start + timedelta(hours=hour)} | values


def _flows(county: County) -> list[Row]:
    return [_flow(county, at, _FLOWS_AT + timedelta(minutes=at)) for at in range(5 * county.captures)]


def _flow(county: County, at: int, first_at: datetime) -> Row:
    capture = f"capture-{at % county.captures}.pcap"
    flow = {
        "flow_id": f"flow-{(at * 7919) % 10_000:05d}",
        "capture": capture,
        "src_ip": f"192.0.2.{at % 200}",
        "src_port": 40_000 + at,
        "dst_ip": "198.51.100.9",
        "dst_port": 3333,
        "protocol": 6,
        "first_at": first_at,
        "last_at": first_at + timedelta(hours=2),
        "bucket": bucket_of(capture, county.buckets),
    }
    messages = mining_messages(block_times(_FLOWS_AT), first_at, at)
    unnoted = {"src_bytes": 90_000, "dst_bytes": 90_000}
    return flow | (_mining(first_at), {"messages": messages}, unnoted)[at % 3]


def _mining(first_at: datetime) -> Row:
    return {
        "dialect": "stratum",
        "agent": "cgminer/4.12.1",
        "pool": "198.51.100.9",
        "workers": [{"worker": "w1", "submitted": 60}],
        "difficulty": [{"at": first_at, "difficulty": 65_536.0}],
        "expected_hashes": 58 * 65_536.0 * 2**32,
        "shares_submitted": 60,
        "shares_accepted": 58,
        "shares_rejected": 2,
        "shares_first_at": first_at,
        "shares_last_at": first_at + timedelta(hours=2),
    }
