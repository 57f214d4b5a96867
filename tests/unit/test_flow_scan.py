"""Flows leave the scan when they are over, are cut, or find no room; what is kept of quiet ones; names."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.captures import tls_hello

import wire_samples as wire
from minewatch.kernels.traffic import flow_table as table
from minewatch.kernels.traffic import name_store
from minewatch.kernels.traffic.name_store import collect, domain_table, new_name_store
from minewatch.sources.captures import flow_scan
from minewatch.sources.captures.captures import CaptureScan
from minewatch.sources.captures.flow_rows import as_python, flow_columns
from wire_samples import MINER, POOL, Packet, Said

TLS = b"\x17\x03\x03\x00\x20" + bytes(32)


def scanned(packets: list[Packet]) -> CaptureScan:
    scan = CaptureScan("x")
    list(scan.run(io.BytesIO(wire.pcap(packets)), Path("x")))
    return scan


def rows(scan: CaptureScan) -> list[dict[str, Any]]:
    scan.finish()
    return [row for rows in scan.tables() for row in rows.to_pylist()]


def quiet(count: int, every_s: float, size: int = 32) -> list[Packet]:
    said = [Said(n * every_s, n % 2 == 0, bytes([0x17, 3, 3]) + bytes(size)) for n in range(count)]
    return wire.conversation(said)


def test_messages_of_a_quiet_connection_are_kept() -> None:
    (row,) = rows(scanned(quiet(40, 15.0)))
    assert len(row["messages"]) == 40
    assert [each["size"] for each in row["messages"]] == [35] * 40
    assert [each["from_dst"] for each in row["messages"][:4]] == [False, True, False, True]
    gaps = {
        (b["at"] - a["at"]).total_seconds()
        for a, b in zip(row["messages"], row["messages"][1:], strict=False)
    }
    assert gaps == {15.0}
    assert row["first_payloads"] == [35, -35] * 4


@pytest.mark.parametrize(
    ("count", "every_s", "size"),
    [(10, 60.0, 32), (40, 5.0, 32), (3000, 0.2, 32), (600, 0.6, 9000)],
    ids=["few", "short", "many", "large"],
)
def test_of_others_none_are(count: int, every_s: float, size: int) -> None:
    (row,) = rows(scanned(quiet(count, every_s, size)))
    assert row["messages"] is None


def test_blocks_are_given_back() -> None:
    scan = scanned(quiet(40, 15.0))
    assert scan.memory.messages.counts[2] == 5
    scan.finish()
    assert scan.memory.messages.counts[2] == 0


def test_flows_leave_when_they_are_over() -> None:
    ended = wire.conversation([Said(0.1, True, TLS)])
    ended.append(Packet(wire.START_S + 1, wire.tcp_frame(MINER, POOL, b"", 0, wire.FIN | wire.ACK)))
    open_ = wire.conversation([Said(0.1, True, TLS)], (("10.1.2.4", 50123), POOL))
    scan = scanned(ended + open_)
    start_ns = int(wire.START_S) * table.SECOND_NS
    scan.evict(start_ns + 20 * table.SECOND_NS)
    assert scan.flow_count == 2
    scan.evict(start_ns + 40 * table.SECOND_NS)
    assert scan.flow_count == 1
    assert [row["src_ip"] for rows in scan.tables() for row in rows.to_pylist()] == [MINER[0]]
    scan.evict(start_ns + 700 * table.SECOND_NS)
    assert scan.flow_count == 0


def test_a_full_table_writes_out_the_longest_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_scan, "MOST_FLOWS", 256)
    packets = [
        Packet(wire.START_S + n, wire.tcp_frame((f"10.0.{n >> 8}.{n & 255}", 40000), POOL, b"", 1, wire.SYN))
        for n in range(600)
    ]
    scan = scanned(packets)
    assert scan.figures.flows_forced >= 600 - 256
    found = [row["src_ip"] for row in rows(scan)]
    assert len(found) == len(set(found)) == 600


def test_a_cut_counts_anew_and_still_knows() -> None:
    share = ["a.w", "j", "0", "0", "0"]
    said = [
        Said(0.1, True, wire.line({"id": 1, "method": "mining.subscribe", "params": ["cgminer/4"]})),
        Said(0.2, True, wire.line({"id": 2, "method": "mining.authorize", "params": ["a.w", "x"]})),
        Said(0.3, False, wire.line({"id": 2, "result": True, "error": None})),
        Said(0.4, False, wire.line({"id": None, "method": "mining.set_difficulty", "params": [512]})),
        Said(0.5, True, wire.line({"id": 3, "method": "mining.submit", "params": share})),
        Said(90.0, True, wire.line({"id": 4, "method": "mining.submit", "params": share})),
    ]
    packets = wire.conversation(said)
    scan = scanned(packets[:-1])
    scan.cut(int(wire.START_S + 60) * table.SECOND_NS)
    (first,) = (row for rows in scan.tables() for row in rows.to_pylist())
    list(scan.run(io.BytesIO(wire.pcap(packets[-1:])), Path("x")))
    (second,) = rows(scan)
    assert (first["shares_submitted"], second["shares_submitted"]) == (1, 1)
    assert (second["dialect"], second["agent"], second["src_packets"]) == ("stratum_v1", "cgminer/4", 1)
    assert (first["opening_seen"], second["opening_seen"]) == (True, False)
    assert second["first_at"] > first["last_at"]
    assert second["expected_hashes"] == 512 * 2**32


def test_a_cut_flow_without_further_packets_gives_no_row() -> None:
    scan = scanned(wire.conversation([Said(0.1, True, TLS)]))
    scan.cut(int(wire.START_S + 60) * table.SECOND_NS)
    assert len(scan.tables()) == 1
    assert rows(scan) == []


@pytest.mark.parametrize("most", [1460, 100, 20])
def test_a_hello_in_segments_gives_its_name(most: int) -> None:
    hello = tls_hello("stratum.pool.example")
    (row,) = rows(
        scanned(wire.conversation([Said(0.1, True, hello)], (MINER, ("203.0.113.9", 443)), most=most))
    )
    assert row["names"] == [{"kind": "sni", "name": "stratum.pool.example"}]


def test_rows_without_arrow_are_the_same() -> None:
    scan = scanned(quiet(40, 15.0))
    numbers = np.array([0], np.int32)
    plain = as_python(flow_columns("x", scan.memory, numbers, scan.conversations))
    assert plain == rows(scan)


def test_names_are_marked_and_collected() -> None:
    domains = [b"pool.example", b"other.example"]
    ends = np.cumsum([len(each) for each in domains])
    names = new_name_store(domain_table(np.frombuffer(b"".join(domains), np.uint8), ends))
    known = {}
    for text in (b"eu.Pool.example", b"notpool.example", b"pool.example", b"a.b.other.example"):
        row = name_store.intern(np.frombuffer(text, np.uint8), 0, len(text), names)
        known[text] = bool(names.entries[row, name_store.IS_POOLS])
    assert list(known.values()) == [True, False, True, True]
    name_store.note_answer((0, 1, 0, 2), 10**9, 4, names)
    collect(names, np.array([], np.int32), 0)
    kept = name_store.told_name((0, 1, 0, 2), names)
    at, size = names.entries[kept, name_store.AT], names.entries[kept, name_store.SIZE]
    assert names.text[at : at + size].tobytes() == b"a.b.other.example"
    assert names.counts[name_store.NAMES] == 2
    collect(names, np.array([], np.int32), 2 * 10**9)
    assert name_store.told_name((0, 1, 0, 2), names) == 0
