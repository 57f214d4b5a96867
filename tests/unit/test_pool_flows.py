"""Evidence from flows: strength of each sign, hash rate with its interval, power, and innocents."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from minewatch.detect.pools.hash_rate import ShareCount, hash_rate_of, power_of, share_count
from minewatch.detect.pools.pool_flows import (
    POOL_FLOW_STEP,
    STRENGTHS,
    energy_text,
    hash_rate_text,
    judge,
    pool_flow_evidence,
)
from minewatch.schema.evidence import Estimate
from minewatch.schema.machines import Efficiency, efficiency, machines_for
from minewatch.schema.network_tables import FLOWS
from minewatch.schema.reasons import reason
from minewatch.schema.shares import hashes_of_unit

AT = datetime(2026, 5, 11, 8, tzinfo=UTC)
BASE: dict[str, Any] = {
    "flow_id": "F-1",
    "capture": "a.pcap",
    "src_ip": "10.0.0.7",
    "src_port": 50123,
    "dst_ip": "203.0.113.9",
    "dst_port": 3333,
    "protocol": 6,
    "opening_seen": True,
    "first_at": AT,
    "last_at": AT + timedelta(hours=1),
    "src_bytes": 50_000,
    "dst_bytes": 90_000,
}
MINING: dict[str, Any] = {
    "dialect": "stratum_v1",
    "coin": "BTC",
    "algorithm": "SHA-256",
    "pool": "203.0.113.9:3333",
    "difficulty": [{"at": AT, "difficulty": 1e6}],
    "expected_hashes": 100 * 1e6 * 2**32,
    "shares_submitted": 101,
    "shares_accepted": 100,
    "shares_rejected": 1,
    "shares_first_at": AT,
    "shares_last_at": AT + timedelta(hours=1),
    "job_times": [AT + timedelta(seconds=30 * n) for n in range(120)],
}


def flows(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([BASE | row for row in rows], schema=FLOWS)


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"names": [{"kind": "sni", "name": name}], **more}


SIGNS: dict[str, dict[str, Any]] = {
    "shares": MINING,
    "shares_sent": MINING | {"shares_accepted": None, "shares_rejected": None},
    "work": MINING | {"shares_submitted": 0, "shares_accepted": 0, "expected_hashes": 0.0},
    "admitted": MINING | {"shares_submitted": 0, "shares_accepted": 0, "job_times": []},
    "template": MINING | {"dialect": "http_getblocktemplate", "shares_submitted": 0},
    "alert": {"dialect": "ids_alert", "evidence_lines": ["ET COINMINER XMRig"]},
    "name_port_stays": named("ss.antpool.com"),
    "name_port": named("ss.antpool.com", last_at=AT + timedelta(minutes=1)),
    "name_stays": named("eu1.ethermine.org", dst_port=443),
    "name": named("eu1.ethermine.org", dst_port=443, last_at=AT + timedelta(minutes=1)),
}


def test_every_sign_is_tried() -> None:
    assert SIGNS.keys() == STRENGTHS.keys()


@pytest.mark.parametrize("sign", SIGNS)
def test_strength_and_reasons_of_each_sign(sign: str) -> None:
    (evidence,) = judge(flows(SIGNS[sign]))
    assert evidence.log10_lr == STRENGTHS[sign].log10_lr
    assert evidence.subject_id == "10.0.0.7:50123"
    assert evidence.best_alternative in evidence.alternatives
    assert sum(evidence.alternatives.values()) == pytest.approx(1)
    assert all(each.text("zh") and each.text("en") for each in evidence.reasons)


@pytest.mark.parametrize(
    "row",
    [
        {},
        named("www.antpool.com", dst_port=443),
        named("antpool.com", dst_port=443),
        named("www.binance.com", dst_port=443),
        named("notantpool.com"),
        named("antpool.com.example.org"),
        {"dst_port": 3333},
    ],
)
def test_innocent_flows_give_no_evidence(row: dict[str, Any]) -> None:
    assert judge(flows(row)) == []


def test_order_and_choice_of_rows() -> None:
    found = judge(flows({}, MINING, {}, named("stratum.braiins.com"), MINING | {"src_ip": "10.0.0.8"}))
    assert [each.subject_id.rpartition(":")[0] for each in found] == ["10.0.0.7", "10.0.0.7", "10.0.0.8"]
    assert judge(flows()) == []


def test_hash_rate_is_difficulty_times_shares_over_time() -> None:
    (evidence,) = judge(flows(MINING))
    rate = 100 * 1e6 * 2**32 / 3600
    assert evidence.hash_rate is not None
    assert evidence.hash_rate.value == pytest.approx(rate)
    # Garwood's interval for 100 events: 81.36 to 121.63
    assert evidence.hash_rate.low == pytest.approx(0.8136 * rate, rel=1e-3)
    assert evidence.hash_rate.high == pytest.approx(1.2163 * rate, rel=1e-3)


@pytest.mark.parametrize("changes", [1, 4])
def test_interval_holds_the_true_rate_in_95_of_100(changes: int) -> None:
    """With a difficulty that varies over a factor of 27 too."""
    rng = np.random.default_rng(3)
    rate, seconds, held = 5e12, 3600.0, 0
    difficulties = [4096.0 * 3**n for n in range(changes)]
    for _ in range(800):
        hashes = 0.0
        for difficulty in difficulties:
            each = difficulty * 2.0**32
            hashes += each * rng.poisson(rate * seconds / changes / each)
        steps = [AT + timedelta(seconds=n * seconds / changes) for n in range(changes)]
        row = MINING | {
            "expected_hashes": hashes,
            "difficulty": [{"at": a, "difficulty": d} for a, d in zip(steps, difficulties, strict=True)],
        }
        count = share_count(BASE | row)
        assert count is not None
        found = hash_rate_of(count)
        assert found is not None
        held += found.low <= rate <= found.high
    assert 0.93 <= held / 800 <= 0.995


def test_no_share_in_the_time_still_bounds_the_rate() -> None:
    found = hash_rate_of(ShareCount(0.0, 3600.0, 1e12))
    assert found is not None
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(3.689 * 1e12 / 3600, rel=1e-3)
    assert hash_rate_of(ShareCount(1e12, 20.0, 1e12)) is None


def test_without_difficulty_there_is_no_hash_rate_and_a_reason_says_so() -> None:
    (evidence,) = judge(
        flows(MINING | {"difficulty": [], "expected_hashes": None, "reported_hash_rate": 3.05e7})
    )
    assert evidence.hash_rate is None
    codes = [each.code for each in evidence.reasons]
    assert "wire_no_hash_rate" in codes
    assert "wire_reported" in codes


def test_power_lies_between_best_and_worst_hardware() -> None:
    exact = Estimate(1e15, 1e15, 1e15)
    energy = efficiency("SHA-256")
    assert energy is not None
    power = power_of(exact, energy)
    assert power.low == pytest.approx(1e15 * energy.best / 1000)
    assert power.high == pytest.approx(1e15 * energy.worst / 1000)
    wide = power_of(Estimate(1e15, 5e14, 2e15), energy)
    assert wide.low < power.low < power.high < wide.high
    assert power_of(Estimate(0.0, 0.0, 1e12), Efficiency(1e-12, 1e-11, 1e-10)).value == 0


def test_a_named_machine_narrows_the_power() -> None:
    named_machine = efficiency("SHA-256", "cgminer/4.12 Antminer S19 XP")
    (model,) = [each for each in machines_for("SHA-256") if each.model == "Antminer S19 XP"]
    assert named_machine is not None
    assert named_machine.best == named_machine.worst == model.joule_per_hash
    assert efficiency("no such algorithm") is None
    (evidence,) = judge(flows(MINING | {"algorithm": "X11"}))
    assert evidence.power_kw is None
    assert evidence.reasons[-1].code == "wire_no_power"


def test_conventions_of_difficulty() -> None:
    assert hashes_of_unit("stratum_v1", "SHA-256") == 2**32
    assert hashes_of_unit("stratum_v1", "scrypt") == 2**16
    assert hashes_of_unit("stratum_v1", "Equihash") == 1
    assert hashes_of_unit("ethereum_nicehash", "Ethash") == 2**32
    assert hashes_of_unit("monero_login", "RandomX") == 1


def test_rows_of_the_step() -> None:
    parameters = {"inputs": {"flows": [7, 3], "usage_points": [1, 2]}}
    table = pool_flow_evidence({"flows": flows(MINING)}, parameters)
    (row,) = table.to_pylist()
    assert row["inputs"] == [{"table": "flows", "version": 7, "rows": 3}]
    assert row["period_end_at"] > row["period_start_at"] == AT
    assert json.loads(row["reasons"][1]["values"])["accepted"] == 100
    assert (POOL_FLOW_STEP.output, POOL_FLOW_STEP.group_by) == ("evidence", "capture")


def test_texts_of_quantities() -> None:
    assert [hash_rate_text(rate) for rate in (3.05e7, 1e15, 12.0)] == ["30.5 MH/s", "1 PH/s", "12 H/s"]
    assert [energy_text(value) for value in (21.6e-12, 0.084, 3.0)] == ["21.6 J/TH", "84 J/kH", "3 J/H"]
    assert "84" in reason("wire_power", algorithm="X", best="84 J/kH", worst="9", low=0.1, high=2.0).text(
        "zh"
    )
