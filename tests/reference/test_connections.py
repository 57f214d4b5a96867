"""Connections of a site: each machine counts once, and the fast way gives what the plain one does."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_connections import most_at_once, through

from minewatch.fuse.connections import busiest, counted, machines_of
from minewatch.fuse.farm import wire_power

START = datetime(2026, 5, 11, tzinfo=UTC)
POOL = "203.0.113.7"


def row(
    subject: str, kw: float | None, first_s: float = 0, last_s: float = 3600, **flow: Any
) -> Mapping[str, Any]:
    """Return evidence on an endpoint with the flow that it speaks of."""
    first, last = START + timedelta(seconds=first_s), START + timedelta(seconds=last_s)
    source, port = subject.rsplit(":", 1)
    said = {
        "capture": "a.pcap",
        "src_ip": source,
        "src_port": int(port),
        "dst_ip": POOL,
        "dst_port": 3333,
        "protocol": 6,
        "src_packets": 40,
        "dst_packets": 50,
        "src_bytes": 4000 + int(port),
        "dst_bytes": 9000,
        "first_at": first,
        "last_at": last,
        "shares_submitted": 30,
        "machines": None,
        "workers": None,
        "accounts": None,
        **flow,
    }
    power = {"power_kw": kw, "power_kw_low": kw and kw / 2, "power_kw_high": kw and kw * 2}
    host = flow.pop("host", None)
    names = {"evidence_id": f"E-{subject}-{first_s}", "subject_id": subject, "host": host, "flow": said}
    return {**power, **names, "onset_at": first, "ended_at": last}


def kw_of(rows: Sequence[Mapping[str, Any]]) -> float:
    return float(sum(item["power_kw"] for item in busiest(rows, "power_kw")))


SPANS = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 30), st.integers(0, 12), st.integers(1, 4)), max_size=14
)


@given(SPANS)
def test_the_busiest_instant_is_that_of_the_plain_search(
    spans: list[tuple[int, int, int, int]],
) -> None:
    """Endpoints that never overlap themselves, so that the plain search has no choice to make."""
    rows = [row(f"10.0.0.{n}:{port}", kw, at, at + length) for n, (kw, at, length, port) in enumerate(spans)]
    assert kw_of(rows) == pytest.approx(most_at_once(rows, "power_kw"))
    assert [item["subject_id"] for item in busiest(rows[::-1], "power_kw")] == [
        item["subject_id"] for item in busiest(rows, "power_kw")
    ]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 50)), min_size=1, max_size=8))
def test_each_level_of_proxies_counts_once(drawn: list[tuple[int, int]]) -> None:
    """Host n sends to an earlier host or to the pool; what passes through a host is counted once."""
    tree: dict[str, list[str]] = {}
    sends, rows, roots = {}, [], []
    for n, (parent, kw) in enumerate(drawn):
        host, up = f"10.0.0.{n}", f"10.0.0.{parent}" if parent < n else None
        sends[host] = float(kw)
        tree.setdefault(up or "", []).append(host)
        roots += [] if up else [host]
        rows.append(row(f"{host}:40{n:03d}", kw, dst_ip=up or POOL))
    assert kw_of(rows) == pytest.approx(sum(through(host, tree, sends) for host in roots))


def test_a_proxy_and_the_miners_behind_it_are_one_load() -> None:
    miners = [row(f"10.0.0.{n}:5{n:03d}", 3.0, dst_ip="10.0.0.200", dst_port=3333) for n in range(1, 11)]
    proxy = row("198.51.100.4:40000", 29.0, host="10.0.0.200")
    assert kw_of([*miners, proxy]) == pytest.approx(30)  # the miners, seen one by one
    assert kw_of([*miners[:4], proxy]) == pytest.approx(29)  # most of them are not seen
    assert kw_of([*miners, row("198.51.100.4:40000", 29.0)]) == pytest.approx(
        59
    )  # no lease says that it is one


def test_hosts_that_send_to_each_other_are_no_proxies() -> None:
    rows = [row("10.0.0.1:5001", 2.0, dst_ip="10.0.0.2"), row("10.0.0.2:5002", 3.0, dst_ip="10.0.0.1")]
    assert kw_of(rows) == pytest.approx(5)


def test_a_connection_seen_before_and_behind_a_translation_counts_once() -> None:
    inside = row("10.0.0.9:5009", 3.0)
    outside = row(
        "198.51.100.4:41000", 3.0, first_s=0.2, capture="b.pcap", src_bytes=inside["flow"]["src_bytes"]
    )
    assert len(counted([inside, outside], "power_kw")) == 1
    other = row("198.51.100.4:41000", 3.0, 30, capture="b.pcap", src_bytes=9009)
    assert len(counted([inside, other], "power_kw")) == 2
    twins = [row(f"10.0.0.{n}:5009", 3.0) for n in (9, 10)]
    assert len(counted(twins, "power_kw")) == 2  # one sensor, one side: machines that are alike


def test_a_worker_that_comes_back_is_not_two() -> None:
    again = [row(f"198.51.100.4:4{n:04d}", 3.0, 600 * n, 600 * (n + 1)) for n in range(6)]
    assert kw_of(again) == pytest.approx(3)
    standby = row("198.51.100.4:50000", None)  # a second pool, on which no share is sent
    assert kw_of([*again, standby]) == pytest.approx(3)
    power = wire_power([*again, standby])
    assert power is not None
    assert power.value == pytest.approx(3)


def test_a_miner_that_comes_back_has_the_mean_of_its_counts_not_the_largest() -> None:
    counts = (2.0, 4.0, 3.0)
    again = [row(f"198.51.100.4:4{n:04d}", kw, 600 * n, 600 * (n + 1)) for n, kw in enumerate(counts)]
    assert kw_of(again) == pytest.approx(3)
    power = wire_power(again)
    assert power is not None
    assert (power.low, power.high) == (pytest.approx(1.5), pytest.approx(6))
    beside = row("198.51.100.4:50000", 9.0, 0, 1800)  # another under the same name: 6 kW each on average
    assert kw_of([*again, beside]) == pytest.approx(12)
    told_apart = row("198.51.100.4:50000", 9.0, 0, 1800, workers=[{"worker": "b"}])
    assert kw_of([*again, told_apart]) == pytest.approx(12)


def test_machines_are_those_that_the_connection_tells_apart() -> None:
    names = [{"worker": "a"}, {"worker": "b"}]
    assert machines_of(row("10.0.0.1:5001", 1.0)) == 1
    assert machines_of(row("10.0.0.1:5001", 1.0, workers=names)) == 2
    assert machines_of(row("10.0.0.1:5001", 1.0, workers=names, machines=40)) == 40
    assert machines_of({"subject_id": "10.0.0.1:5001"}) == 1


def test_ten_thousand_connections_take_no_square_of_that() -> None:
    rows = [row(f"10.0.{n // 200}.{n % 200}:5001", 1.0, n, n + 500) for n in range(10_000)]
    assert kw_of(rows) == pytest.approx(500)
