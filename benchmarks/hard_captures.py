"""Captures that cost most: every flow is text like mining's, every flow mines, a million flows at once.

``hard_capture_file``: JSON-RPC, HTTP POST with JSON, and text near to mining (logins, job queues, a node's
calls, Electrum), 1 % Stratum; each message in up to three segments, so that words are split over them, one
segment in ten late, one in ten sent twice. ``mining_capture_file``: all flows are Stratum in that form.
``crowded_capture_file``: flows that stay open, each with its handshake, a client hello and an answer. Sizes
are numbers of packets, of flows for the last. All invented.
"""

import json
import struct
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.captures import Flow, Said, conversation, line, stratum, tls_hello, write_capture

_PACKETS_PER_FLOW = 12.0
_SPAN_S = 600.0
_PORTS = {"rpc": 8545, "post": 80, "login": 9000, "queue": 5555, "node": 8332, "electrum": 50001}
_MINING = ("stratum", 3333)
_LATE = _TWICE = 0.1

Speaker = Callable[[np.random.Generator], Said]


def hard_capture_file(folder: Path, packets: int) -> Path:
    """Return a pcap file with about ``packets`` packets of flows that have to be read, made once."""
    return _made(folder / f"hard-{packets}.pcap", packets, mining_share=0.01)


def mining_capture_file(folder: Path, packets: int) -> Path:
    """Return a pcap file with about ``packets`` packets of flows that all mine, made once."""
    return _made(folder / f"mining-{packets}.pcap", packets, mining_share=1.0)


def crowded_capture_file(folder: Path, flows: int) -> Path:
    """Return a pcap file in which ``flows`` flows are open at the same time, made once."""
    path = folder / f"crowded-{flows}.pcap"
    if not path.is_file():
        write_capture(path, _waves(flows))
    return path


def _made(path: Path, packets: int, mining_share: float) -> Path:
    if not path.is_file():
        rng = np.random.default_rng(11)
        records = list(_records(rng, int(packets / _PACKETS_PER_FLOW), mining_share))
        write_capture(path, (record for _, record in sorted(records, key=lambda each: each[0])))
    return path


def _records(rng: np.random.Generator, flows: int, mining_share: float) -> Iterator[tuple[float, bytes]]:
    kinds = list(_PORTS.items())
    mines = rng.random(flows) < mining_share
    for number in range(flows):
        kind, port = _MINING if mines[number] else kinds[number % len(kinds)]
        sport = 1024 + number // 60_000 * 977 + number % 977
        server = 0xC6120000 + int(rng.integers(1 << 17))
        flow = Flow(kind, 0x0A000000 + number % 60_000, server, sport, port)
        said = _in_pieces(rng, _SPEAKERS[kind](rng))
        yield from _disturbed(rng, list(conversation(rng, flow, rng.uniform(0, _SPAN_S), said)))


def _in_pieces(rng: np.random.Generator, said: Said) -> Said:
    """Cut each message at up to two places."""
    pieces: Said = []
    for up, data in said:
        cuts = sorted({0, len(data), *rng.integers(1, len(data), int(rng.integers(0, 3))).tolist()})
        pieces += [(up, data[start:end]) for start, end in pairwise(cuts)]
    return pieces


def _disturbed(rng: np.random.Generator, packets: list[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
    """Let some packets come after the next one, and some come twice; the handshake stays."""
    yield from packets[:3]
    rest = packets[3:]
    for n, (at, record) in enumerate(rest):
        late = n + 1 < len(rest) and rng.random() < _LATE
        yield (rest[n + 1][0] + 1e-4 if late else at), record
        if rng.random() < _TWICE:
            yield at + 0.2, record


def _rpc(rng: np.random.Generator) -> Said:
    block = {"number": hex(int(rng.integers(1 << 24))), "hash": "0x" + rng.bytes(32).hex(), "nonce": "0x0"}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": [block["number"], False]}
    return [(True, line(asked)), (False, line({"jsonrpc": "2.0", "id": 1, "result": block}))] * 2


def _post(rng: np.random.Generator) -> Said:
    items = [{"sku": rng.bytes(6).hex(), "n": 2}] * 6
    body = json.dumps({"order": int(rng.integers(1 << 30)), "items": items}).encode()
    head = (
        f"POST /api/v1/orders HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )
    answer = b'{"ok":true}'
    told = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n".encode()
    )
    return [(True, head + body), (False, told + answer)] * 2


def _login(rng: np.random.Generator) -> Said:
    asked = {"id": 1, "method": "login", "params": {"login": "u" + rng.bytes(4).hex(), "device": "till"}}
    result = {"status": "OK", "token": rng.bytes(16).hex()}
    return [(True, line(asked)), (False, line({"id": 1, "result": result}))] * 2


def _queue(rng: np.random.Generator) -> Said:
    job = {"job_id": rng.bytes(8).hex(), "state": "submitted", "result": None, "target": "printer-3"}
    return [(True, line({"method": "submit", "params": job})), (False, line({"result": job, "id": 7}))] * 2


def _node(rng: np.random.Generator) -> Said:
    result = {"blocks": int(rng.integers(900_000)), "difficulty": 1.1e14, "networkhashps": 8.1e20}
    return [
        (True, line({"id": 1, "method": "getmininginfo"})),
        (False, line({"result": result, "id": 1})),
    ] * 2


def _electrum(rng: np.random.Generator) -> Said:
    asked = {"id": 4, "method": "blockchain.scripthash.subscribe", "params": [rng.bytes(32).hex()]}
    return [
        (True, line(asked)),
        (False, line({"id": 4, "result": rng.bytes(32).hex(), "jsonrpc": "2.0"})),
    ] * 2


def _short_stratum(rng: np.random.Generator) -> Said:
    return stratum(rng)[:11]


_SPEAKERS: dict[str, Speaker] = {
    "rpc": _rpc,
    "post": _post,
    "login": _login,
    "queue": _queue,
    "node": _node,
    "electrum": _electrum,
    "stratum": _short_stratum,
}


def _waves(flows: int) -> Iterator[bytes]:
    """Yield the packets of all flows, one stage of the connections after the other, 100 s apart."""
    answer = b"\x17\x03\x03\x00\x40" + bytes(64)
    stages = [(True, 2, b""), (False, 18, b""), (True, 24, tls_hello("h00000.example")), (False, 24, answer)]
    for stage, (up, flags, payload) in enumerate(stages):
        packet = np.frombuffer(_packet(flags, 1 + (stage > 1), payload), np.uint8)
        for start in range(0, flows, 1 << 16):
            number = np.arange(start, min(start + (1 << 16), flows), dtype=np.int64)
            at_us = number * 90_000_000 // flows + stage * 100_000_000
            client = (0x0A000000 + number // 16, 1024 + number % 16)
            server = (0xC6120000 + number % 4096, np.full(len(number), 443))
            (src, sport), (dst, dport) = (client, server) if up else (server, client)
            rows = np.tile(packet, (len(number), 1))
            for at, kind, values in (
                (0, "<u4", 1_778_000_000 + at_us // 1_000_000),
                (4, "<u4", at_us % 1_000_000),
                (42, ">u4", src),
                (46, ">u4", dst),
                (50, ">u2", sport),
                (52, ">u2", dport),
            ):
                width = np.dtype(kind).itemsize
                rows[:, at : at + width] = values.astype(kind).view(np.uint8).reshape(-1, width)
            yield rows.tobytes()


def _packet(flags: int, seq: int, payload: bytes) -> bytes:
    """Return a pcap record of Ethernet, IPv4 and TCP without time, addresses and ports."""
    total = 40 + len(payload)
    record = struct.pack("<IIII", 0, 0, total + 14, total + 14)
    ip = struct.pack(">BBHHHBBH", 0x45, 0, total, 0, 0x4000, 64, 6, 0) + bytes(8)
    tcp = struct.pack(">HHIIBBHHH", 0, 0, seq, 0, 0x50, flags, 8192, 0, 0)
    return b"".join((record, bytes(12), b"\x08\x00", ip, tcp, payload))
