"""Packets of a simulated county are well formed and say what the truth says."""

import io
import json
import math
import re
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import dpkt
import numpy as np
import pytest

from minewatch.schema.shares import hashes_of_unit
from minewatch.sim.county import CountyPlan, MinePlan
from minewatch.sim.streams import stream
from minewatch.sim.wire.capture import moment, week_of_captures
from minewatch.sim.wire.dialects import Session, Worker, difficulty_of, speak
from minewatch.sim.wire.hours import FlowRecord
from minewatch.sim.wire.innocents import habits_of, mistaken_flows, ordinary_flows
from minewatch.sim.wire.jobs import account_of, draw_pool, job_times
from minewatch.sim.wire.logs import eve_lines, netflow5, zeek_logs
from minewatch.sim.wire.miners import Flow, Speaker, Window, mine_flows
from minewatch.sim.wire.packets import TCP, UDP, Conversation, Message, Side, checksum, frames, write_pcap

START_US = int(datetime(2026, 6, 23, 2, tzinfo=UTC).timestamp()) * 1_000_000
WINDOW = Window(START_US, START_US + 600_000_000)
DIALECTS = (
    ("stratum_v1", "SHA-256", 100e12),
    ("stratum_v1", "scrypt", 9500e6),
    ("stratum_v1", "kHeavyHash", 20e12),
    ("http_getwork", "SHA-256", 95e12),
    ("http_getwork", "Ethash", 3680e6),
    ("ethereum_stratum", "Ethash", 256e6),
    ("monero_login", "RandomX", 19e3),
    ("stratum_v2", "SHA-256", 200e12),
)

DIFFICULTY = re.compile(rb'"mining.set_difficulty", ?"params": ?\[[^"\]]+|"target": ?"\w+"|"0x0{4}\w{60}"\]')


def session(seed: int, dialect: str, algorithm: str, hash_rate: float) -> Session:
    rng = stream(seed, dialect, algorithm)
    pool = draw_pool(rng, algorithm)
    jobs = job_times(1, pool, *WINDOW)
    workers = [Worker("a001", hash_rate), Worker("a002", 2 * hash_rate)]
    account = account_of(rng, algorithm, dialect)
    return Session(pool, dialect, algorithm, account, "cgminer/4", workers, 4.0, *WINDOW, True, 50_000, jobs)


@pytest.mark.parametrize(("dialect", "algorithm", "hash_rate"), DIALECTS)
def test_shares_are_poisson_with_the_fleets_hash_rate(dialect: str, algorithm: str, hash_rate: float) -> None:
    """Over 30 sessions the shares add up to the hash rate within five standard deviations."""
    unit = 2.0**32 if dialect == "stratum_v2" else hashes_of_unit(dialect, algorithm)
    expected = found = 0.0
    for seed in range(30):
        one = session(seed, dialect, algorithm, hash_rate)
        spoken = speak(stream(seed, "speak", dialect, algorithm), one)
        if len(set(DIFFICULTY.findall(b"".join(message.data for message in spoken.messages)))) > 1:
            continue  # the difficulty changes on the way
        expected += 3 * hash_rate * 599 / (difficulty_of(one) * unit)
        found += spoken.shares
    assert expected > 500
    assert abs(found - expected) < 5 * math.sqrt(expected)


def test_messages_are_in_order_of_time() -> None:
    for dialect, algorithm, hash_rate in DIALECTS:
        spoken = speak(stream(1, dialect), session(1, dialect, algorithm, hash_rate))
        times = [message.at_us for message in spoken.messages]
        assert times == sorted(times)
        assert WINDOW.start_us <= times[0]
        assert spoken.messages[0].from_client


def test_checksum_is_that_of_the_standard() -> None:
    """RFC 1071, section 3: the example's sum is ddf2."""
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2
    assert checksum(b"\0\0") == 0


def test_packets_carry_what_was_said(tmp_path: Path) -> None:
    """Segments put together by another library give both sides' bytes; every checksum is right."""
    said = [Message(START_US + n * 100_000, n % 3 != 1, bytes([n]) * (1 + 701 * n)) for n in range(12)]
    talk = Conversation(Side("198.18.0.9", 4000), Side("203.0.113.7", 3333), TCP, said, closed=True)
    over_udp = Conversation(Side("198.18.0.9", 4001), Side("203.0.113.7", 53), UDP, said[:3])
    path = tmp_path / "talk.pcap"
    rng = stream(1, "packets")
    written = write_pcap(path, [*frames(rng, over_udp, 40_000), *frames(rng, talk, 40_000)])
    heard: dict[int, dict[int, bytes]] = defaultdict(dict)
    first: dict[int, int] = {}
    last_at, count = 0.0, 0
    for at, data in dpkt.pcap.Reader(io.BytesIO(path.read_bytes())):
        assert at >= last_at
        last_at, count = at, count + 1
        ip = dpkt.ethernet.Ethernet(data).data
        stated, inner = (ip.sum, ip.data.sum), ip.data
        ip.sum = inner.sum = 0
        again = dpkt.ip.IP(bytes(ip))
        assert (again.sum, again.data.sum) == stated
        if isinstance(inner, dpkt.tcp.TCP):
            first.setdefault(inner.sport, inner.seq)
            if inner.data:
                heard[inner.sport][(inner.seq - first[inner.sport]) % 2**32] = inner.data
    assert count == written
    for port, from_client in ((4000, True), (3333, False)):
        spoken = b"".join(message.data for message in said if message.from_client == from_client)
        assert b"".join(part for _, part in sorted(heard[port].items())) == spoken
        ends = [offset + len(part) for offset, part in sorted(heard[port].items())]
        assert sorted(heard[port])[1:] == ends[:-1]


def miner(hiding: str, machines: int = 20) -> Speaker:
    mine = MinePlan(
        "S1", "whole_farm", (("Antminer S19", machines),), "SHA-256", 3.38 * machines,
        date(2025, 1, 1), None, "stratum_v1", hiding,
    )  # fmt: skip
    customer = SimpleNamespace(mine=mine, usage_point_id="0510000000001", kind="office", infected=0)
    return Speaker(customer, "198.18.0.9", 2048, 3071)  # type: ignore[arg-type]


@pytest.mark.parametrize("hiding", ["none", "tls", "proxy", "vpn", "double_nat"])
def test_hidden_mining_does_not_say_so(hiding: str) -> None:
    flows = mine_flows(1, miner(hiding), 0.9, WINDOW)
    said = b"".join(message.data for flow in flows for message in flow.talk.messages)
    assert (b"mining.submit" in said) == (hiding in ("none", "proxy", "double_nat"))
    assert sum(flow.deed.hash_rate or 0 for flow in flows) == pytest.approx(0.9 * 20 * 95e12)
    assert len(flows) == (1 if hiding in ("proxy", "vpn") else 18)
    ports = [flow.talk.client.port for flow in flows]
    assert len(set(ports)) == len(ports)
    assert all(2048 <= port <= 3071 for port in ports)


def test_a_large_farm_talks_through_controllers() -> None:
    flows = mine_flows(1, miner("none", 500), 1.0, WINDOW)
    assert [flow.deed.machines for flow in flows] == [64] * 7 + [52]
    total = sum(flow.deed.hash_rate or 0 for flow in flows)
    assert total == pytest.approx(500 * 95e12)


def innocents() -> list[Flow]:
    flows = []
    for number in range(1500):
        kind = ("server_room", "ev_charger", "household")[number % 3]
        customer = SimpleNamespace(kind=kind, usage_point_id=f"{number}", mine=None, infected=0)
        speaker = Speaker(customer, "198.18.0.9", 1024, 65535)  # type: ignore[arg-type]
        flows += mistaken_flows(3, speaker, WINDOW) + (
            ordinary_flows(3, speaker, WINDOW) if number < 60 else []
        )
    return flows


def test_innocents_say_nothing_of_mining() -> None:
    words = (
        b"mining.",
        b"eth_submit",
        b"eth_getWork",
        b'"login"',
        b"getwork",
        b"getblocktemplate",
        b"submitblock",
    )
    flows = innocents()
    assert {flow.deed.purpose for flow in flows} == {"ordinary", "node", "wallet", "rpc", "telemetry"}
    for flow in flows:
        assert not any(word in message.data for message in flow.talk.messages for word in words)


def test_few_customers_run_nodes() -> None:
    kinds = [SimpleNamespace(kind="household", usage_point_id=str(number)) for number in range(5000)]
    nodes = sum("node" in habits_of(1, customer) for customer in kinds)  # type: ignore[arg-type]
    assert 2 <= nodes <= 25


def test_logs_hold_each_flow_once() -> None:
    rng = np.random.default_rng(1)
    flows = [
        FlowRecord(
            START_US + n * 1_000_000, START_US + n * 1_000_000 + 2_500_000,
            Side("198.18.0.9", 2000 + n), Side("192.0.2.4", 443), TCP,
            1000 + n, int(rng.integers(5000, 9000)), 9, 12, "www.a0.example" if n % 2 else "",
        )
        for n in range(70)
    ]  # fmt: skip
    logs = zeek_logs(flows)
    lines = [line for line in logs["conn"].splitlines() if not line.startswith("#")]
    assert len(lines) == 70
    assert {len(line.split("\t")) for line in lines} == {21}
    assert sum(not line.startswith("#") for line in logs["ssl"].splitlines()) == 35
    exported = netflow5(flows)
    assert len(exported) == 140 * 48 + 5 * 24
    version, count = int.from_bytes(exported[:2], "big"), int.from_bytes(exported[2:4], "big")
    assert (version, count) == (5, 30)
    events = [json.loads(line) for line in eve_lines(flows).splitlines()]
    assert sum(event["event_type"] == "flow" for event in events) == 70
    assert sum(event["flow"]["bytes_toserver"] for event in events if "flow" in event) == sum(
        range(1000, 1070)
    )


def test_captures_lie_in_the_last_whole_week() -> None:
    half_year = CountyPlan(seed=1, customers=10, days=180)
    assert week_of_captures(half_year) == (date(2026, 6, 22), date(2026, 6, 29))
    assert week_of_captures(CountyPlan(seed=1, customers=10, days=2)) == (date(2026, 1, 1), date(2026, 1, 3))
    assert moment(START_US) == datetime(2026, 6, 23, 2, tzinfo=UTC)
