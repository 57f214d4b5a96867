"""What the tests of the intake share: findings of a run, packed as the analysis packs them."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minewatch.office.conftest import OFFICE
from minewatch.office.intake.models import Delivery
from minewatch.office.intake.services import receive, take_in
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.platform.services import By
from minewatch.schema.tables import TABLES

WEEK = timedelta(days=7)
W19 = datetime(2026, 5, 3, 16, tzinfo=UTC)
W20 = W19 + WEEK
ADDRESS = "四川省绵阳市涪城区飞云大道12号3栋"
REASON = {
    "code": "lease_holder",
    "values": json.dumps({"holder": "王小明", "address": ADDRESS}, ensure_ascii=False),
    "text_en": "the lease names 王小明, 四川省绵阳市涪城区飞云大道12号3栋",
    "text_zh": "租用记录的用户为王小明,四川省绵阳市涪城区飞云大道12号3栋",
}
USCC = "91510703MA6212342P"

Row = dict[str, Any]
Deliver = Callable[..., Delivery]


def named(*names: str, probability: float = 0.9) -> list[Row]:
    return [{"name": name, "probability": probability} for name in names]


def finding(key: str = "S-farm", start: datetime = W19, run: str = "R-1", **values: Any) -> Row:
    """A row of ``findings``; ``values`` replace what is said here."""
    lease = {"prefix": "203.0.113.5", "low": 0, "high": 65535, "since": "2025-01-01 00:00 UTC", "until": "-"}
    layer = {
        "code": "lease_layer",
        "values": json.dumps(lease),
        "text_en": "203.0.113.5",
        "text_zh": "203.0.113.5",
    }
    name = "203.0.113.5:0-65535@2025-01-01T00:00Z"
    ends = {"from_kind": "endpoint", "from_id": "203.0.113.5:40321", "to_kind": "lease", "to_id": name}
    holder = {"from_kind": "lease", "from_id": name, "to_kind": "holder", "to_id": "王小明"}
    row = {
        "finding_id": f"F-{key}-{run}",
        "run_id": run,
        "site_id": key,
        "period_start_at": start,
        "period_end_at": start + WEEK,
        "address": ADDRESS,
        "region_code": "510703",
        "lon": 104.7,
        "lat": 31.5,
        "usage_points": named("0510700012"),
        "transformers": [],
        "feeders": [],
        "plants": [],
        "endpoints": named("203.0.113.5:40321"),
        "enterprises": named("E-1"),
        "enterprise_name": "绵阳清流科技有限公司",
        "links": [
            {**ends, "probability": 1.0, "basis": layer},
            {**holder, "probability": 1.0, "basis": REASON},
        ],
        "posterior": 0.97,
        "q_value": 0.02,
        "power_kw": 420.0,
        "power_kw_low": 400.0,
        "power_kw_high": 440.0,
        "energy_kwh": 70_000.0,
        "hash_rate": 1.4e16,
        "algorithm": "SHA-256",
        "coin": "BTC",
        "kind": "active",
        "site_class": "operating",
        "contradictions": [],
        "reasons": [REASON],
        "evidence_ids": ["E-1"],
    }
    return row | values


def evidence(start: datetime = W19) -> Row:
    return {
        "evidence_id": "E-1",
        "detector": "load",
        "detector_version": "1",
        "subject_kind": "usage_point",
        "subject_id": "0510700012",
        "period_start_at": start,
        "period_end_at": start + WEEK,
        "log10_lr": 4.0,
        "places": named("0510799999"),
        "energy_kwh": 69_000.0,
        "reasons": [REASON],
        "inputs": [],
    }


def flow(start: datetime = W19) -> Row:
    return {
        "flow_id": "F-1",
        "capture": "tap",
        "src_ip": "203.0.113.5",
        "src_port": 40321,
        "dst_ip": "198.51.100.9",
        "dst_port": 3333,
        "protocol": 6,
        "first_at": start + timedelta(hours=5),
        "last_at": start + timedelta(hours=7),
        "dialect": "stratum_v1",
        "coin": "BTC",
        "algorithm": "SHA-256",
        "pool": "f2pool",
        "accounts": ["bc1qfarmwallet"],
        "workers": [{"worker": "bc1qfarmwallet.r1", "submitted": 912}],
        "evidence_lines": ['{"method": "mining.authorize", "params": ["bc1qfarmwallet.r1"]}'],
    }


def reading(day: date, *kw: float) -> Row:
    return {"usage_point_id": "0510700012", "day": day, "interval_minutes": 1440 // len(kw), "kw": list(kw)}


def account() -> Row:
    return {"usage_point_id": "0510700012", "customer_name": "王小明", "contract_kva": 800.0}


def enterprise() -> Row:
    return {"enterprise_id": "E-1", "enterprise_name": "绵阳清流科技有限公司", "uscc": USCC}


def manifest(run: str, start: datetime, listed: int, made: datetime) -> Row:
    times = {"period_start_at": start, "period_end_at": start + WEEK, "started_at": made, "finished_at": made}
    texts = {"parameters": "{}", "software": "{}", "models": "{}", "engine": "local", "verb": "scan"}
    lists: Row = {"inputs": [], "outputs": [], "steps": []}
    return {"run_id": run, "summary": json.dumps({"listed": listed}), **times, **texts, **lists}


def packed(**rows: list[Row]) -> bytes:
    """Rows by table as a parcel."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, given in rows.items():
            content = io.BytesIO()
            pq.write_table(pa.Table.from_pylist(given, schema=TABLES[name].schema), content)
            archive.writestr(zipfile.ZipInfo(f"{name}.parquet"), content.getvalue())
    return out.getvalue()


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINEWATCH_OFFICE_HOME", str(tmp_path))


@pytest.fixture
def everywhere(country: None) -> Iterator[None]:
    with scoped(whole("test")):
        yield


@pytest.fixture
def deliver(everywhere: None) -> Deliver:
    """Deliver the findings of a run, made an hour after its number, and take them in."""

    def delivered(
        *rows: Row, run: str = "R-1", start: datetime = W19, by: By = OFFICE, **more: Any
    ) -> Delivery:
        made = OFFICE.at + timedelta(hours=int(run.removeprefix("R-")))
        tables = {"findings": [*rows], "manifests": [manifest(run, start, len(rows), made)], **more}
        (delivery,) = receive(packed(**tables), "week.zip", "lake", by)
        return take_in(delivery, by.at)

    return delivered
