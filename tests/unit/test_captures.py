"""Captures to flows: dialogue put together, names, damage, and the dialects of mining."""

import random
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import wire_samples as wire
from minewatch.sources.captures.captures import CaptureScan, read_capture
from minewatch.sources.options import ReadOptions
from minewatch.sources.talk.json_text import Text
from minewatch.sources.talk.segments import Direction
from wire_samples import MINER, POOL, Packet, Said, line

WALLET = "bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh"
HEX64 = "9e2fc768bd1977528c8d6096d46376758179e25bf3293428b65f120100000000"
NOTIFY = ["job1", HEX64, "01" * 40, "02" * 60, [HEX64], "20000000", "1702f128", "6650aabb", True]


def ask(number: int | None, method: str, params: Any) -> bytes:
    return line({"id": number, "method": method, "params": params})


def answer(number: int, result: Any, error: Any = None) -> bytes:
    return line({"id": number, "result": result, "error": error})


def stratum_session(shares: int = 3, difficulty: float = 65536) -> list[Said]:
    said = [
        Said(0.1, True, ask(1, "mining.subscribe", ["cgminer/4.12.0"])),
        Said(0.2, False, answer(1, [[["mining.notify", "ab"]], "08000002", 4])),
        Said(0.3, True, ask(2, "mining.authorize", [WALLET + ".rig7", "x"])),
        Said(0.4, False, answer(2, True)),
        Said(0.5, False, ask(None, "mining.set_difficulty", [difficulty])),
        Said(0.6, False, ask(None, "mining.notify", NOTIFY)),
    ]
    for n in range(shares):
        said.append(
            Said(10.0 + n, True, ask(10 + n, "mining.submit", [WALLET + ".rig7", "job1", "00", "66", "77"]))
        )
        said.append(Said(10.1 + n, False, answer(10 + n, True)))
    return said


ETH_WORK = ["0x" + HEX64, "0x" + "ab" * 32, f"0x{2**256 // 4_000_000_000:064x}"]
ETH_USER = "0x9c99d212f7e5daa18ab50810e0fd255d1f04303b"
ETHEREUM = [
    Said(
        0.1, True, line({"id": 1, "method": "eth_submitLogin", "params": [ETH_USER, "x"], "worker": "rig1"})
    ),
    Said(0.2, False, answer(1, True)),
    Said(0.3, True, line({"id": 2, "method": "eth_getWork", "params": []})),
    Said(0.4, False, line({"id": 0, "jsonrpc": "2.0", "result": ETH_WORK})),
    Said(
        90.0,
        True,
        line(
            {"id": 4, "method": "eth_submitWork", "params": ["0x01", ETH_WORK[0], "0x02"], "worker": "rig1"}
        ),
    ),
    Said(90.1, False, answer(4, True)),
]
NICEHASH = [
    Said(0.1, True, ask(1, "mining.subscribe", ["ethminer/0.18", "EthereumStratum/1.0.0"])),
    Said(0.2, False, answer(1, [["mining.notify", "ae", "EthereumStratum/1.0.0"], "080c"])),
    Said(0.3, True, ask(2, "mining.authorize", ["3FkenCiXpSLqD8L79intRNXUgjRoH9sjXa.n", "x"])),
    Said(0.4, False, answer(2, True)),
    Said(0.5, False, ask(None, "mining.set_difficulty", [0.5])),
    Said(0.6, False, ask(None, "mining.notify", ["bf0488aa", HEX64, HEX64, True])),
    Said(
        80.0, True, ask(3, "mining.submit", ["3FkenCiXpSLqD8L79intRNXUgjRoH9sjXa.n", "bf0488aa", "6a909d9b"])
    ),
    Said(80.1, False, answer(3, True)),
]
XMR = "4" + "A" * 94
MONERO_JOB = {"blob": "1010" + "ab" * 74, "job_id": "j1", "target": "b88d0600"}
MONERO = [
    Said(
        0.1,
        True,
        b'{"id":1,"jsonrpc":"2.0","method":"login","params":{"login":"%b","pass":"pc9","agent":"XMRig/6.21.0"}}\n'
        % XMR.encode(),
    ),
    Said(
        0.2, False, line({"id": 1, "error": None, "result": {"id": "s", "job": MONERO_JOB, "status": "OK"}})
    ),
    Said(
        70.0,
        True,
        line(
            {"id": 2, "method": "submit", "params": {"id": "s", "job_id": "j1", "nonce": "1", "result": "ff"}}
        ),
    ),
    Said(70.1, False, line({"id": 2, "error": None, "result": {"status": "OK"}})),
    Said(75.0, True, line({"id": 3, "method": "keepalived", "params": {"id": "s"}})),
    Said(75.1, False, line({"id": 3, "error": None, "result": {"status": "KEEPALIVED"}})),
]
ZCASH = [
    Said(0.1, True, ask(1, "mining.subscribe", ["EWBF 0.3.4b", None, "eu1-zcash.flypool.org", "3333"])),
    Said(0.2, False, answer(1, ["04d567b212", "04d567b212"])),
    Said(0.3, True, ask(2, "mining.authorize", ["t1fAhZF5aUJdY7CikGULHmeYk7id8qmvbAd.rig4", "x"])),
    Said(0.4, False, answer(2, True)),
    Said(0.5, False, ask(None, "mining.set_target", [f"{2**256 // 16000:064x}"])),
    Said(
        0.6,
        False,
        ask(None, "mining.notify", ["8c", "04000000", HEX64, HEX64, HEX64, "a9cc405a", "09d8151c", True]),
    ),
    Said(
        70.0,
        True,
        ask(9, "mining.submit", ["t1fAhZF5aUJdY7CikGULHmeYk7id8qmvbAd.rig4", "8c", "a9", "3e", "fd" * 1344]),
    ),
    Said(70.1, False, answer(9, True)),
]


def http(head: str, body: bytes) -> bytes:
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


GETWORK_DATA = "00000001" + "ab" * 68 + "1702f128" + "00" * 52
POST = "POST / HTTP/1.1\r\nHost: getwork.example.net:8332\r\nUser-Agent: bfgminer/5.5"
GETWORK = [
    Said(0.1, True, http(POST, b'{"method": "getwork", "params": [], "id":1}')),
    Said(
        0.2,
        False,
        http(
            "HTTP/1.1 200 OK",
            line({"id": 1, "result": {"data": GETWORK_DATA, "target": "ff" * 26 + "00" * 6}}),
        ),
    ),
    Said(90.0, True, http(POST, line({"method": "getwork", "params": [GETWORK_DATA], "id": 1}))),
    Said(90.1, False, http("HTTP/1.1 200 OK", answer(1, True))),
]
TEMPLATE = [
    Said(
        0.1,
        True,
        http(POST, line({"method": "getblocktemplate", "params": [{"rules": ["segwit"]}], "id": 7})),
    ),
    Said(
        0.3,
        False,
        http("HTTP/1.1 200 OK", answer(7, {"previousblockhash": HEX64, "bits": "1702f128", "target": HEX64})),
    ),
]
ETH_HTTP = [
    Said(0.1, True, http(POST, line({"id": 2, "method": "eth_getWork", "params": []}))),
    Said(0.2, False, http("HTTP/1.1 200 OK", answer(2, ETH_WORK))),
]
DIALECTS = {
    "stratum_v1": (stratum_session(), "stratum_v1", "BTC", "SHA-256", 3 * 65536 * 2.0**32),
    "ethereum": (ETHEREUM, "ethereum_stratum", "ETC", "Ethash", 4e9),
    "nicehash": (NICEHASH, "ethereum_nicehash", None, "Ethash", 0.5 * 2.0**32),
    "monero": (MONERO, "monero_login", "XMR", "RandomX", 2**32 / 0x00068DB8),
    "zcash": (ZCASH, "stratum_v1", "ZEC", "Equihash", 16000.0),
    "getwork": (GETWORK, "http_getwork", "BTC", "SHA-256", 2.0**48),
    "template": (TEMPLATE, "http_getblocktemplate", "BTC", "SHA-256", 0.0),
    "ethereum_http": (ETH_HTTP, "ethereum_getwork", "ETC", "Ethash", 0.0),
}


def only_flow(said: Sequence[Said], folder: Path, **form: Any) -> dict[str, Any]:
    (flow,) = wire.flows_of(wire.pcap(wire.conversation(said, **form)), folder)
    return flow


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("most", [1460, 37])
def test_every_dialect_is_told_with_its_hashes(name: str, most: int, tmp_path: Path) -> None:
    said, dialect, coin, algorithm, hashes = DIALECTS[name]
    flow = only_flow(said, tmp_path, most=most)
    assert (flow["dialect"], flow["coin"], flow["algorithm"]) == (dialect, coin, algorithm)
    assert flow["expected_hashes"] == pytest.approx(hashes, rel=1e-6)
    assert (flow["src_ip"], flow["src_port"], flow["dst_ip"]) == (*MINER, POOL[0])


def test_facts_of_a_stratum_session(tmp_path: Path) -> None:
    said = [
        *stratum_session(),
        Said(20.0, True, ask(30, "mining.submit", [WALLET + ".rig8", "job1", "00", "66", "78"])),
    ]
    said.append(Said(20.1, False, answer(30, None, [23, "Low difficulty share", None])))
    flow = only_flow(said, tmp_path)
    assert flow["agent"] == "cgminer/4.12.0"
    assert flow["accounts"] == [WALLET]
    assert [(each["worker"], each["submitted"]) for each in flow["workers"]] == [("rig7", 3), ("rig8", 1)]
    assert (flow["shares_submitted"], flow["shares_accepted"], flow["shares_rejected"]) == (4, 3, 1)
    assert [change["difficulty"] for change in flow["difficulty"]] == [65536.0]
    assert len(flow["job_times"]) == 1
    assert flow["pool"] == "203.0.113.9:3333"
    assert any("mining.authorize" in text for text in flow["evidence_lines"])
    assert flow["opening_seen"]


def test_shares_count_at_the_difficulty_of_their_job(tmp_path: Path) -> None:
    said = stratum_session(1)
    said += [
        Said(12.0, False, ask(None, "mining.set_difficulty", [131072])),
        Said(12.5, True, ask(50, "mining.submit", [WALLET + ".rig7", "job1", "00", "66", "79"])),
        Said(12.6, False, answer(50, True)),
        Said(13.0, False, ask(None, "mining.notify", ["job2", *NOTIFY[1:]])),
        Said(14.0, True, ask(51, "mining.submit", [WALLET + ".rig7", "job2", "00", "66", "80"])),
        Said(14.1, False, answer(51, True)),
    ]
    assert only_flow(said, tmp_path)["expected_hashes"] == (65536 * 2 + 131072) * 2.0**32


@pytest.mark.parametrize("skipped", [2, 4, 7, 8])
def test_joined_in_the_middle(skipped: int, tmp_path: Path) -> None:
    flow = only_flow(stratum_session(5)[skipped:], tmp_path, handshake=False)
    assert flow["dialect"] == "stratum_v1"
    assert (flow["src_ip"], flow["dst_ip"]) == (MINER[0], POOL[0])
    assert not flow["opening_seen"]
    assert (flow["expected_hashes"] is None) == (skipped > 4)


def test_the_side_that_mines_is_the_source_whatever_the_ports_say(tmp_path: Path) -> None:
    ends = (("10.0.0.9", 1500), ("203.0.113.9", 60000))
    flow = only_flow(stratum_session()[4:], tmp_path, ends=ends, handshake=False)
    assert (flow["src_ip"], flow["src_port"]) == ends[0]
    assert flow["src_packets"] == 3


def test_one_direction_only(tmp_path: Path) -> None:
    said = [each for each in stratum_session(4) if each.from_miner]
    flow = only_flow(said, tmp_path)
    assert flow["shares_submitted"] == 4
    assert flow["shares_accepted"] is None


def test_disordered_and_repeated_segments_change_nothing(tmp_path: Path) -> None:
    packets = wire.conversation(stratum_session(6), most=40)
    plain = wire.flows_of(wire.pcap(packets), tmp_path)[0]
    rng = random.Random(5)
    for _ in range(20):
        again = rng.sample(packets[3:], 10)
        mixed = packets[3:] + [Packet(p.at_s + rng.uniform(0, 3), p.frame) for p in again]
        # the segments of a message lie microseconds apart: shuffled within it
        mixed.sort(key=lambda packet: packet.at_s + rng.uniform(0, 1e-4))
        flow = wire.flows_of(wire.pcap(packets[:3] + mixed), tmp_path)[0]
        for key in ("dialect", "accounts", "workers", "expected_hashes", "shares_accepted", "agent"):
            assert flow[key] == plain[key], key


def test_a_lost_segment_costs_no_more_than_its_line(tmp_path: Path) -> None:
    packets = wire.conversation(stratum_session(40), most=1460)
    flow = wire.flows_of(wire.pcap(packets[:20] + packets[21:]), tmp_path)[0]
    assert flow["shares_submitted"] + flow["shares_accepted"] >= 77


INNOCENT = {
    "electrum": [
        Said(0.1, True, line({"id": 0, "method": "server.version", "params": ["4.5.4", "1.4"]})),
        Said(0.2, False, answer(0, ["ElectrumX 1.16.0", "1.4"])),
        Said(0.3, True, line({"id": 1, "method": "blockchain.headers.subscribe", "params": []})),
        Said(0.4, False, answer(1, {"height": 900000, "hex": "00" * 80})),
    ],
    "json_rpc_login": [
        Said(0.1, True, line({"id": 1, "method": "login", "params": {"login": "alice", "pass": "secret"}})),
        Said(0.2, False, answer(1, {"token": "abc", "status": "OK"})),
        Said(0.3, True, line({"id": 2, "method": "submit", "params": {"form": 7}})),
        Said(0.4, False, answer(2, {"status": "OK"})),
    ],
    "bitcoind": [
        Said(0.1, True, http(POST, line({"method": "getblockchaininfo", "params": [], "id": 1}))),
        Said(0.2, False, http("HTTP/1.1 200 OK", answer(1, {"blocks": 900000, "difficulty": 1e14}))),
    ],
    "stratum_probe": [Said(0.1, True, ask(1, "mining.subscribe", ["probe/1"]))],
    "refused_probe": [
        Said(0.1, True, ask(1, "mining.authorize", ["root", "x"])),
        Said(0.2, False, line({"id": 1, "error": "method not found"})),
    ],
    "bitcoin_p2p": [Said(0.1, True, bytes.fromhex("f9beb4d976657273696f6e0000000000") + bytes(100))],
    "prose": [Said(0.1, True, b'the word mining.notify in a mail, and "method" too\r\nmore of it\r\n' * 20)],
    "language_server": [
        Said(
            0.1 + n,
            n % 2 == 0,
            line({"jsonrpc": "2.0", "id": n, "method": "textDocument/hover", "params": {}}),
        )
        for n in range(60)
    ],
}


@pytest.mark.parametrize("name", INNOCENT)
def test_innocent_talk_gives_no_mining_facts(name: str, tmp_path: Path) -> None:
    flow = only_flow(INNOCENT[name], tmp_path)
    assert flow["dialect"] is None
    assert flow["evidence_lines"] is None


def client_hello(name: str, filler: int = 0) -> bytes:
    host = name.encode()
    sni = struct.pack(">HHHBH", 0, len(host) + 5, len(host) + 3, 0, len(host)) + host
    extensions = struct.pack(">HH", 0x0A0A, filler) + bytes(filler) + sni
    body = b"\x03\x03" + bytes(32) + b"\x00" + struct.pack(">H", 4) + bytes(4) + b"\x01\x00"
    body += struct.pack(">H", len(extensions)) + extensions
    handshake = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack(">H", len(handshake)) + handshake


@pytest.mark.parametrize("filler", [0, 1700])
def test_sni_also_of_a_long_hello(filler: int, tmp_path: Path) -> None:
    flow = only_flow([Said(0.1, True, client_hello("EU1.pool.example", filler))], tmp_path)
    assert flow["names"] == [{"kind": "sni", "name": "eu1.pool.example"}]


def dns_response(name: str, address: bytes) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + address
    return struct.pack(">HHHHHH", 7, 0x8180, 1, 1, 0, 0) + labels + struct.pack(">HH", 1, 1) + record


def test_a_name_answered_by_dns_belongs_to_the_client_that_asked(tmp_path: Path) -> None:
    reply = wire.udp_datagram(53, 5555, dns_response("ss.pool.example", bytes([203, 0, 113, 9])))
    frame = wire.ethernet(wire.ip_packet("10.0.0.53", MINER[0], 17, reply))
    talk = wire.conversation([Said(0.1, True, b"\x00\x01")])
    other = wire.conversation([Said(0.1, True, b"\x00\x01")], (("10.9.9.9", 50000), POOL))
    data = wire.pcap([Packet(wire.START_S - 1, frame), *talk, *other])
    names = {flow["src_ip"]: flow["names"] for flow in wire.flows_of(data, tmp_path)}
    assert names[MINER[0]] == [{"kind": "dns", "name": "ss.pool.example"}]
    assert names["10.9.9.9"] is None


def test_host_header_and_basic_request(tmp_path: Path) -> None:
    flow = only_flow(
        [Said(0.1, True, b"GET /x HTTP/1.1\r\nAccept: */*\r\nHOST: Www.Example.org:8080\r\n\r\n")], tmp_path
    )
    assert flow["names"] == [{"kind": "host", "name": "www.example.org"}]


def test_new_connection_of_the_same_ports_is_a_new_flow(tmp_path: Path) -> None:
    first = wire.conversation(stratum_session(1))
    second = [Packet(p.at_s + 100, p.frame) for p in first]
    again = wire.tcp_frame(MINER, POOL, b"", 12345, wire.SYN)
    flows = wire.flows_of(wire.pcap([*first, Packet(wire.START_S + 99, again), *second[2:]]), tmp_path)
    assert len(flows) == 2


def test_many_flows_make_the_table_grow(tmp_path: Path) -> None:
    packets = [
        Packet(
            wire.START_S + n * 1e-4,
            wire.tcp_frame((f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 40000), POOL, b"", 1, 2),
        )
        for n in range(20_000)
    ]
    packets += [Packet(wire.START_S + 3, packet.frame) for packet in packets]
    table = wire.tables_of(wire.pcap(packets), tmp_path)
    assert len(table) == 20_000
    assert set(table["src_packets"].to_pylist()) == {2}
    assert len(set(table["flow_id"].to_pylist())) == 20_000


def test_damaged_record_is_named(tmp_path: Path) -> None:
    data = bytearray(wire.pcap(wire.conversation(stratum_session(2))))
    third = 24 + 2 * (16 + 54)
    data[third + 8 : third + 12] = b"\xff\xff\xff\x7f"
    path = tmp_path / "damaged.pcap"
    path.write_bytes(data)
    (batch,) = read_capture(path, wire.OPTIONS)
    assert [(note.code, note.values["offset"]) for note in batch.notes] == [("capture_damaged", third)]
    assert batch.rows["src_packets"].to_pylist() == [1]


def test_a_window_smaller_than_the_file_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packets = wire.conversation(stratum_session(60))
    big_block = wire.block("<", 0xBAD, bytes(3 << 20))
    data = wire.pcapng(packets[:40]) + big_block + wire.pcapng(packets[40:])
    whole = wire.flows_of(data, tmp_path)
    monkeypatch.setattr("minewatch.sources.captures.packet_stream.READ_BYTES", 1 << 16)
    assert wire.flows_of(data, tmp_path) == whole


def test_segments_are_put_in_order_within_bounds() -> None:
    direction = Direction(isn=99)
    assert list(direction.push(105, b"world", 5, 0)) == []
    assert direction.waits
    assert [part.data for part in direction.push(100, b"hello", 5, 1)] == [b"hello", b"world"]
    # a gap that never fills is given up when too much waits
    late = [direction.push(200 + 1000 * n, b"x" * 1000, 1000, 2) for n in range(40)]
    flat = [part for parts in late for part in parts]
    assert direction.lost == 1
    assert sum(len(part.data) for part in flat) == 40_000
    assert sum(part.lost > 0 for part in flat) == 1


def test_text_keeps_no_more_than_its_bound() -> None:
    text = Text()
    for _ in range(100):
        assert list(text.feed(b'{"a": "' + b"x" * 1000)) == []
    assert len(text._kept) <= 1 << 16
    assert [piece.value for piece in text.feed(b'\n{"ok": 1}\n')][-1] == {"ok": 1}


def test_rows_account_for_flows(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(wire.pcap(wire.conversation(stratum_session())))
    batches = list(read_capture(path, ReadOptions(ZoneInfo("UTC"), batch_rows=1)))
    assert [row["source_line"] for batch in batches for row in batch.rows.to_pylist()] == [1]
    assert batches[-1].bytes_done == path.stat().st_size
    scan = CaptureScan("x")
    with path.open("rb") as file:
        list(scan.run(file, path))
    scan.finish()
    assert scan.tables()[0]["dialect"].to_pylist() == ["stratum_v1"]
