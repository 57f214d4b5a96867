"""A capture as a carrier's line shows it: 12 packets a flow, in order of time, no five-tuple twice.

Sizes are numbers of packets; 2 M packets make 168 k flows and some 700 MB. What the flows are: 45 % TLS with
a client hello, 20 % plain HTTP, 20 % name look-ups, 14 % other UDP, 1 % JSON-RPC; one in 2,000 is Stratum
with shares. Lengths have a heavy tail. All invented.
"""

import json
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

_START_S = 1_778_000_000
_SPAN_S = 600.0
_PACKETS_PER_FLOW = 11.9
_PORTS = {"tls": 443, "http": 80, "dns": 53, "other": 4500, "rpc": 8545, "stratum": 3333}
_SHARES = (0.45, 0.20, 0.20, 0.1395, 0.01, 0.0005)
_UDP = ("dns", "other")
_SYN, _ACK, _PSH = 2, 16, 8
_BODY = bytes(range(128, 256)) * 12


Said = list[tuple[bool, bytes]]
"""(client says it, bytes)"""


class Flow(NamedTuple):
    """A connection: what it is, addresses as integers, ports."""

    kind: str
    client: int
    server: int
    sport: int
    port: int


def capture_file(folder: Path, packets: int) -> Path:
    """Return a pcap file with about ``packets`` packets, made once."""
    path = folder / f"line-{packets}.pcap"
    if not path.is_file():
        records = list(_records(np.random.default_rng(7), int(packets / _PACKETS_PER_FLOW)))
        write_capture(path, (record for _, record in sorted(records, key=lambda each: each[0])))
    return path


def write_capture(path: Path, records: Iterable[bytes]) -> None:
    """Write a pcap file of Ethernet with ``records``, whole or not at all."""
    attempt = path.with_suffix(".part")
    with attempt.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        file.writelines(records)
    attempt.rename(path)


def _records(rng: np.random.Generator, flows: int) -> Iterator[tuple[float, bytes]]:
    kinds = rng.choice(len(_SHARES), size=flows, p=_SHARES)
    servers = rng.integers(0xC6120000, 0xC6140000, flows)
    starts = rng.uniform(0, _SPAN_S, flows)
    names = tuple(_PORTS)
    drawn = zip(kinds.tolist(), servers.tolist(), starts.tolist(), strict=True)
    for number, (kind, server, start) in enumerate(drawn):
        sport = 1024 + number // 60_000 * 977 + number % 977
        name = names[kind]
        flow = Flow(name, 0x0A000000 + number % 60_000, server, sport, _PORTS[name])
        yield from conversation(rng, flow, start, _SAID[name](rng))


def conversation(
    rng: np.random.Generator, flow: Flow, start_s: float, said: Said
) -> Iterator[tuple[float, bytes]]:
    """Yield (time, record) of a connection in which ``said`` is said, after TCP's handshake."""
    times = start_s + np.cumsum(rng.exponential(0.35, len(said) + 3))
    seq = [1000, 5000]
    if flow.kind not in _UDP:
        for at, (up, flags) in zip(times.tolist(), ((1, _SYN), (0, _SYN | _ACK), (1, _ACK)), strict=False):
            yield at, _record(at, flow, bool(up), (seq[1 - up], flags), b"")
            seq[1 - up] += flags != _ACK
    for at, (up, data) in zip(times[3:].tolist(), said, strict=True):
        yield at, _record(at, flow, up, (seq[not up], _PSH | _ACK), data)
        seq[not up] += len(data)


def _record(at_s: float, flow: Flow, up: bool, tcp: tuple[int, int], data: bytes) -> bytes:
    ends, ports = (flow.client, flow.server), (flow.sport, flow.port)
    (src, dst), (sport, dport) = (ends, ports) if up else (ends[::-1], ports[::-1])
    is_udp = flow.kind in _UDP
    if is_udp:
        head = struct.pack(">HHHH", sport, dport, 8 + len(data), 0)
    else:
        head = struct.pack(">HHIIBBHHH", sport, dport, tcp[0], 0, 0x50, tcp[1], 8192, 0, 0)
    total = 20 + len(head) + len(data)
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, total, 0, 0x4000, 64, 17 if is_udp else 6, 0, src, dst)
    seconds = int(at_s)
    record = struct.pack("<IIII", _START_S + seconds, int((at_s - seconds) * 1e6), total + 14, total + 14)
    return b"".join((record, bytes(12), b"\x08\x00", ip, head, data))


def _exchange(rng: np.random.Generator, first: Said, mean: float) -> Said:
    """Return ``first`` and then binary segments, most of them full ones from the server."""
    number = min(int(rng.pareto(1.3) * mean / 3.9), 4000)
    down = rng.random(number) < 0.2
    return first + [(not d, _BODY[: 1448 if d else 120]) for d in down.tolist()]


def _tls(rng: np.random.Generator) -> Said:
    return _exchange(
        rng, [(True, tls_hello(f"h{rng.integers(20000)}.example")), (False, b"\x16\x03\x03" + _BODY)], 18
    )


def _http(rng: np.random.Generator) -> Said:
    ask = f"GET /{rng.integers(999)} HTTP/1.1\r\nHost: w{rng.integers(9000)}.example\r\nAccept: */*\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + _BODY[:1300]
    return _exchange(rng, [(True, ask.encode()), (False, answer)], 14)


def _dns(rng: np.random.Generator) -> Said:
    name = f"h{rng.integers(20000)}.example"
    asked = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0\0\1\0\1"
    answer = b"\xc0\x0c\0\1\0\1\0\0\1\0\0\4" + rng.bytes(4)
    head = struct.pack(">HHHH", 1, 0x8180, 1, 1) + bytes(4)
    return [(True, struct.pack(">HHHH", 1, 0x0100, 1, 0) + bytes(4) + asked), (False, head + asked + answer)]


def _other(rng: np.random.Generator) -> Said:
    return _exchange(rng, [(True, _BODY[:60])], 8)


def _rpc(rng: np.random.Generator) -> Said:
    said = []
    for n in range(int(rng.integers(2, 12))):
        said.append((True, line({"jsonrpc": "2.0", "id": n, "method": "eth_blockNumber", "params": []})))
        said.append((False, line({"jsonrpc": "2.0", "id": n, "result": hex(n)})))
    return said


def stratum(rng: np.random.Generator) -> Said:
    """Return a Stratum conversation with 5 to 59 shares."""
    said = [
        (True, line({"id": 1, "method": "mining.subscribe", "params": ["cgminer/4.12.0"]})),
        (False, line({"id": 1, "result": [[["mining.notify", "a"]], "0800", 4], "error": None})),
        (True, line({"id": 2, "method": "mining.authorize", "params": ["farm.w1", "x"]})),
        (False, line({"id": 2, "result": True, "error": None})),
        (False, line({"id": None, "method": "mining.set_difficulty", "params": [65536]})),
    ]
    for n in range(int(rng.integers(5, 60))):
        work = [
            str(n),
            "0" * 64,
            "1" * 100,
            "2" * 200,
            ["3" * 64] * 12,
            "20000000",
            "1702f128",
            "6650aabb",
            True,
        ]
        said.append((False, line({"id": None, "method": "mining.notify", "params": work})))
        share = ["farm.w1", str(n), "00000000", "6650aabb", "12345678"]
        said.append((True, line({"id": n + 3, "method": "mining.submit", "params": share})))
        said.append((False, line({"id": n + 3, "result": True, "error": None})))
    return said


_SAID = {"tls": _tls, "http": _http, "dns": _dns, "other": _other, "rpc": _rpc, "stratum": stratum}


def tls_hello(name: str) -> bytes:
    """Return a client hello for the server ``name``."""
    host = name.encode()
    sni = struct.pack(">HHHBH", 0, len(host) + 5, len(host) + 3, 0, len(host)) + host
    extensions = struct.pack(">HH", 0x0A0A, 300) + bytes(300) + sni
    body = b"\x03\x03" + bytes(32) + b"\0" + struct.pack(">H", 32) + bytes(32) + b"\x01\0"
    body += struct.pack(">H", len(extensions)) + extensions
    handshake = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack(">H", len(handshake)) + handshake


def line(value: object) -> bytes:
    """Return a line of JSON."""
    return json.dumps(value).encode() + b"\n"
