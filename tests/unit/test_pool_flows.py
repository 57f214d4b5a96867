"""Evidence from flows: strength of each sign, hash rate with its interval, power, and innocents."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from minewatch.detect.pools.hash_rate import ShareCount, hash_rate_of, power_of, share_count, worker_rates
from minewatch.detect.pools.pool_flows import POOL_FLOW_STEP, judge, pool_flow_evidence
from minewatch.detect.pools.pool_list import PoolList, entries_of
from minewatch.detect.pools.quantities import energy_text, hash_rate_text
from minewatch.detect.pools.signs import DOUBTS, PLACES, STRENGTHS, WITHOUT_PAYLOAD
from minewatch.schema.evidence import Estimate, Evidence
from minewatch.schema.machines import Efficiency, efficiency, machines, rigs
from minewatch.schema.network_tables import FLOWS, POOL_ENDPOINTS
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
    "noise_channel": {"first_payloads": [64, -234, 120, -44, 95]},
    "noise_setup": {"first_payloads": [64, -234, 38, 82, -22, -22, 60]},
    "noise_opening": {"first_payloads": [64, -234]},
}
SHORT = {"last_at": AT + timedelta(minutes=1)}
SERVERS: dict[str, dict[str, Any]] = {
    "port_stays": named("ss.antpool.com"),
    "port": named("ss.antpool.com", **SHORT),
    "web_port_stays": named("eu1.ethermine.org", dst_port=443),
    "web_port": named("eu1.ethermine.org", dst_port=443, **SHORT),
    "listed_web_port_stays": named("web.pool.example", dst_port=443),
    "listed_web_port": named("web.pool.example", dst_port=443, **SHORT),
}
LISTED: dict[str, Any] = {
    "port": 0,
    "pool": "A Pool",
    "coin": None,
    "source": "a list",
    "as_of": date(2026, 5, 1),
}


def pools(*rows: dict[str, Any]) -> PoolList:
    return PoolList(entries_of(LISTED | row for row in rows))


POOLS = pools(
    {"kind": "domain", "endpoint": "antpool.com"},
    {"kind": "domain", "endpoint": "ethermine.org"},
    {"kind": "domain", "endpoint": "web.pool.example", "port": 443},
    {"kind": "address", "endpoint": "203.0.113.0/24"},
)


def test_every_sign_is_tried() -> None:
    assert SIGNS.keys() == STRENGTHS.keys()
    assert SERVERS.keys() == PLACES.keys()


@pytest.mark.parametrize("sign", SIGNS)
def test_strength_and_reasons_of_each_sign(sign: str) -> None:
    (evidence,) = judge(flows(SIGNS[sign]))
    assert evidence.log10_lr == STRENGTHS[sign].log10_lr
    assert_complete(evidence)


@pytest.mark.parametrize("place", SERVERS)
def test_strength_and_reasons_of_each_place(place: str) -> None:
    (evidence,) = judge(flows(SERVERS[place]), pools=POOLS)
    assert evidence.log10_lr == PLACES[place].log10_lr
    assert evidence.reasons[-1].code == "wire_no_payload"
    assert_complete(evidence)


def assert_complete(evidence: Evidence) -> None:
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
            "workers": None,
        }
        count = share_count(BASE | row)
        assert count is not None
        found = hash_rate_of(count)
        assert found is not None
        held += found.low <= rate <= found.high
    assert 0.93 <= held / 800 <= 0.995


def test_no_share_in_the_time_still_bounds_the_rate() -> None:
    found = hash_rate_of(ShareCount.alike(0.0, 3600.0, 1e12))
    assert found is not None
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(3.689 * 1e12 / 3600, rel=1e-3)
    assert hash_rate_of(ShareCount.alike(1e12, 20.0, 1e12)) is None


def test_without_difficulty_there_is_no_hash_rate_and_a_reason_says_so() -> None:
    (evidence,) = judge(
        flows(MINING | {"difficulty": [], "expected_hashes": None, "reported_hash_rate": 3.05e7})
    )
    assert evidence.hash_rate is None
    codes = [each.code for each in evidence.reasons]
    assert "wire_no_hash_rate" in codes
    assert "wire_reported" in codes
    (evidence,) = judge(flows(MINING | {"algorithm": "KawPow", "expected_hashes": None}))
    assert "wire_no_convention" in [each.code for each in evidence.reasons]


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
    (model,) = [each for each in machines() if (each.model, each.algorithm) == ("Antminer S19 XP", "SHA-256")]
    assert named_machine is not None
    assert named_machine.best == named_machine.worst == model.joule_per_hash
    assert efficiency("no such algorithm", "bmminer/2.0.0") is None
    (evidence,) = judge(flows(MINING | {"algorithm": "an unknown one"}))
    assert evidence.power_kw is None
    assert evidence.reasons[-1].code == "wire_no_power"


@pytest.mark.parametrize(
    ("algorithm", "agent", "makers"),
    [
        ("SHA-256", "bmminer/2.0.0", {"Bitmain"}),
        ("SHA-256", "bosminer-plus-tuner 0.9.0", {"Bitmain"}),
        ("SHA-256", "whatsminer/v1.1", {"MicroBT"}),
        ("RandomX", "XMRig/6.21.0 (Linux x86_64)", {"AMD", "Intel"}),
        ("Ethash", "T-Rex/0.26.8", {"AMD", "NVIDIA"}),
        ("SHA-256", "cgminer/4.12.0", {"Bitmain", "MicroBT", "Canaan", "Ebang", "Innosilicon"}),
        ("scrypt", "whatsminer/v1.1", {"Bitmain", "Innosilicon", "ElphaPex", "Goldshell"}),
    ],
)
def test_firmware_and_software_narrow_the_power(algorithm: str, agent: str, makers: set[str]) -> None:
    known = [each for each in (*machines(), *rigs()) if each.algorithm == algorithm and each.maker in makers]
    found = efficiency(algorithm, agent)
    assert found is not None
    assert found.best == min(each.joule_per_hash for each in known)
    assert found.worst == max(each.joule_per_hash for each in known)


def test_the_agent_names_the_longest_model() -> None:
    found = efficiency("SHA-256", "cgminer Antminer S19j Pro 104T")
    assert found is not None
    assert found.best == found.worst == pytest.approx(29.5e-12, rel=0.01)


def test_conventions_of_difficulty() -> None:
    assert hashes_of_unit("stratum_v1", "SHA-256") == 2**32
    assert hashes_of_unit("stratum_v1", "scrypt") == 2**16
    assert hashes_of_unit("stratum_v1", "Equihash") == 1
    assert hashes_of_unit("ethereum_nicehash", "Ethash") == 2**32
    assert hashes_of_unit("monero_login", "RandomX") == 1


def test_rows_of_the_step() -> None:
    parameters = {"inputs": {"flows": [7, 3], "usage_points": [1, 2]}}
    tables = {"flows": flows(MINING), "pool_endpoints": POOL_ENDPOINTS.empty_table()}
    table = pool_flow_evidence(tables, parameters)
    (row,) = table.to_pylist()
    assert row["inputs"] == [{"table": "flows", "version": 7, "rows": 3}]
    assert row["period_end_at"] > row["period_start_at"] == AT
    assert json.loads(row["reasons"][1]["values"])["accepted"] == 100
    assert (POOL_FLOW_STEP.output, POOL_FLOW_STEP.group_by) == ("evidence", "capture")


def test_a_server_known_by_less_is_weaker_evidence() -> None:
    strengths = {}
    for kind in ("sni", "certificate", "dns"):
        (evidence,) = judge(flows({"names": [{"kind": kind, "name": "ss.antpool.com"}]}))
        strengths[kind] = evidence.log10_lr
    by_address = judge(flows({}), pools=POOLS)[0]
    strengths["address"] = by_address.log10_lr
    assert strengths == {kind: pytest.approx(3.0 - DOUBTS[kind], abs=0.01) for kind in strengths}
    assert by_address.alternatives["shared_address"] == 0.5
    assert [each.code for each in by_address.reasons] == [
        "wire_pool_address",
        "wire_stays",
        "wire_no_payload",
    ]


def test_an_address_that_has_long_been_listed_is_weaker() -> None:
    old = pools({"kind": "address", "endpoint": "203.0.113.9", "as_of": date(2024, 5, 11)})
    (evidence,) = judge(flows({}), pools=old)
    assert evidence.log10_lr == pytest.approx(3.0 - 0.7 - 2 * 0.3, abs=0.01)
    ancient = pools({"kind": "address", "endpoint": "203.0.113.9", "as_of": date(2009, 1, 3)})
    assert judge(flows({}), pools=ancient)[0].log10_lr == pytest.approx(3.0 - 0.7 - 1.2)


@pytest.mark.parametrize("port", [22, 25, 53, 443, 993])
def test_other_services_at_a_listed_address(port: int) -> None:
    short = flows({"dst_port": port} | SHORT)
    assert judge(short, pools=POOLS) == []
    with_port = pools({"kind": "address", "endpoint": "203.0.113.9", "port": port})
    assert len(judge(short, pools=with_port)) == 1


def test_server_and_handshake_add_up_but_not_with_what_was_said() -> None:
    both = named("ss.antpool.com", **SHORT, first_payloads=[64, -234, 120, -44])
    (evidence,) = judge(flows(both))
    assert evidence.log10_lr == WITHOUT_PAYLOAD == 3.8
    assert evidence.best_alternative == "protocol_test"
    assert_complete(evidence)
    for sign in ("shares", "admitted", "alert"):
        (evidence,) = judge(flows(SIGNS[sign] | both))
        assert evidence.log10_lr == max(STRENGTHS[sign].log10_lr, 2.0)
        assert "wire_no_payload" not in [each.code for each in evidence.reasons]
        assert_complete(evidence)


@pytest.mark.parametrize(
    "sizes",
    [
        [64, -233],
        [64],
        [],
        [64, 64, -234],
        [-64, 234],
        [64, -234, 20],
        [64, -234, 120, -40],
        [64, -234, 120, -60],
        [64, -234, 5000],
    ],
)
def test_other_shapes_are_no_handshake(sizes: list[int]) -> None:
    assert judge(flows({"first_payloads": sizes}, {"first_payloads": None})) == []


def test_a_server_that_never_answered_is_not_judged() -> None:
    tried = named("ss.antpool.com", src_packets=3, dst_packets=0)
    (evidence,) = judge(flows(tried))
    assert evidence.refused
    assert evidence.reasons[0].values["packets"] == 3
    one_way = named("ss.antpool.com", src_packets=3, dst_packets=None)
    assert not judge(flows(one_way))[0].refused


def test_only_tcp_goes_to_a_pool() -> None:
    assert judge(flows(named("ss.antpool.com", protocol=17), {"protocol": 17}), pools=POOLS) == []


def test_pieces_of_a_connection_are_one() -> None:
    def piece(number: int, **more: Any) -> dict[str, Any]:
        first_at = AT + timedelta(minutes=5 * number)
        last_at = first_at + timedelta(minutes=4)
        return named("ss.antpool.com", first_at=first_at, last_at=last_at, **{"opening_seen": None, **more})

    pieces = [piece(number) for number in (2, 0, 1, 3)]
    (evidence,) = judge(flows(*pieces))
    assert evidence.log10_lr == PLACES["port_stays"].log10_lr
    assert evidence.period.end_at - evidence.period.start_at == timedelta(minutes=19, microseconds=1)
    assert evidence.reasons[-1].values == {"pieces": 4}
    later, other = piece(20), piece(1, src_port=50124)
    assert len(judge(flows(*pieces, later, other))) == 3
    again = piece(1, opening_seen=True)
    assert len(judge(flows(pieces[1], again))) == 2


def test_rows_of_the_lake_come_beside_the_shipped_list() -> None:
    listed = pa.Table.from_pylist(
        [LISTED | {"kind": "address", "endpoint": "203.0.113.9", "coin": "BTC"}], schema=POOL_ENDPOINTS
    )
    parameters = {"inputs": {"flows": [7, 3], "pool_endpoints": [2, 1]}}
    tables = {"flows": flows({}, named("ss.antpool.com")), "pool_endpoints": listed}
    rows = pool_flow_evidence(tables, parameters).to_pylist()
    assert [row["coin"] for row in rows] == ["BTC", None]
    assert [item["table"] for item in rows[0]["inputs"]] == ["flows", "pool_endpoints"]


def worker(name: str, number: int, each: float) -> dict[str, Any]:
    counts = {"submitted": number + 1, "accepted": number, "rejected": 1}
    return {"worker": name, **counts, "expected_hashes": number * each}


def test_hash_rate_of_each_worker() -> None:
    unit = 1e6 * 2**32
    row = MINING | {
        "workers": [worker("a", 20, unit), worker("b", 80, unit), {"worker": "c", "submitted": 0}]
    }
    (flow,) = flows(row).to_pylist()
    found = worker_rates(flow)
    assert [each.worker for each in found] == ["b", "a", "c"]
    assert found[0].rate is not None
    assert found[0].rate.value == pytest.approx(80 * unit / 3600)
    assert found[0].rate.low == pytest.approx(63.43 * unit / 3600, rel=1e-3)  # Garwood for 80
    assert found[2].rate is None
    (evidence,) = judge(flows(row))
    (why,) = [each for each in evidence.reasons if each.code == "wire_workers"]
    assert why.values["workers"] == 3


def test_interval_of_workers_with_unlike_difficulties() -> None:
    """One worker's shares weigh a hundred times another's: the sum spreads as the heavy ones do."""
    rng = np.random.default_rng(5)
    sizes, rates, seconds, held = (1e15, 1e13), (6e12, 1e12), 3600.0, 0
    for _ in range(800):
        numbers = [rng.poisson(rate * seconds / size) for rate, size in zip(rates, sizes, strict=True)]
        workers = [worker(str(n), numbers[n], sizes[n]) for n in range(2)]
        row = MINING | {
            "workers": [each | {"stale": None} for each in workers],
            "expected_hashes": sum(each["expected_hashes"] for each in workers),
            "difficulty": [{"at": AT, "difficulty": sizes[1] / 2**32}],
        }
        found = hash_rate_of(share_count(BASE | row))  # type: ignore[arg-type]
        assert found is not None
        held += found.low <= sum(rates) <= found.high
    assert 0.93 <= held / 800 <= 0.995


def test_texts_of_quantities() -> None:
    assert [hash_rate_text(rate) for rate in (3.05e7, 1e15, 12.0)] == ["30.5 MH/s", "1 PH/s", "12 H/s"]
    assert [energy_text(value) for value in (21.6e-12, 0.084, 3.0)] == ["21.6 J/TH", "84 J/kH", "3 J/H"]
    assert "84" in reason("wire_power", algorithm="X", best="84 J/kH", worst="9", low=0.1, high=2.0).text(
        "zh"
    )
