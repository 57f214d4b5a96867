"""Packets, captures and conversations made by hand for tests."""

import ipaddress
import json
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa

from minewatch.schema.network_tables import FLOWS
from minewatch.sources.captures.captures import read_capture
from minewatch.sources.options import ReadOptions

MINER, POOL = ("10.1.2.3", 50123), ("203.0.113.9", 3333)
START_S = 1_778_800_000.0
SYN, ACK, PSH, FIN = 2, 16, 8, 1
OPTIONS = ReadOptions(ZoneInfo("Asia/Shanghai"))


class Packet(NamedTuple):
    at_s: float
    frame: bytes


def tcp_segment(sport: int, dport: int, payload: bytes = b"", seq: int = 0, flags: int = ACK) -> bytes:
    return struct.pack(">HHIIBBHHH", sport, dport, seq % 2**32, 1, 0x50, flags, 8192, 0, 0) + payload


def udp_datagram(sport: int, dport: int, payload: bytes) -> bytes:
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def ip_packet(src: str, dst: str, protocol: int, body: bytes) -> bytes:
    source, target = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
    if len(source) == 4:
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0x4000, 64, protocol, 0)
    else:
        head = struct.pack(">IHBB", 6 << 28, len(body), protocol, 64)
    return head + source + target + body


def ethernet(ip: bytes, tags: bytes = b"") -> bytes:
    kind = b"\x08\x00" if ip[0] >> 4 == 4 else b"\x86\xdd"
    return bytes(12) + tags + kind + ip


def tcp_frame(
    src: tuple[str, int], dst: tuple[str, int], payload: bytes = b"", seq: int = 0, flags: int = ACK
) -> bytes:
    return ethernet(ip_packet(src[0], dst[0], 6, tcp_segment(src[1], dst[1], payload, seq, flags)))


def pcap(packets: Iterable[Packet], *, big: bool = False, nano: bool = False, link: int = 1) -> bytes:
    order = ">" if big else "<"
    parts = [struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)]
    for at_s, frame in packets:
        seconds = int(at_s)
        fraction = round((at_s - seconds) * (1e9 if nano else 1e6))
        parts.append(struct.pack(order + "IIII", seconds, fraction, len(frame), len(frame)) + frame)
    return b"".join(parts)


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def interface(order: str, link: int = 1, tsresol: int | None = None, offset_s: int = 0) -> bytes:
    options = b""
    if tsresol is not None:
        options += struct.pack(order + "HHBxxx", 9, 1, tsresol)
    if offset_s:
        options += struct.pack(order + "HHq", 14, 8, offset_s)
    return block(order, 1, struct.pack(order + "HHI", link, 0, 262144) + options + (options and bytes(4)))


def section(order: str) -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def enhanced(order: str, number: int, ticks: int, frame: bytes) -> bytes:
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return block(order, 6, head + frame)


def pcapng(packets: Iterable[Packet], order: str = "<") -> bytes:
    parts = [section(order), interface(order)]
    parts += [enhanced(order, 0, round(at_s * 1e6), frame) for at_s, frame in packets]
    return b"".join(parts)


class Said(NamedTuple):
    """``from_miner`` says ``data`` at ``at_s`` seconds after the start."""

    at_s: float
    from_miner: bool
    data: bytes


def line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def conversation(
    said: Sequence[Said],
    ends: tuple[tuple[str, int], tuple[str, int]] = (MINER, POOL),
    *,
    handshake: bool = True,
    most: int = 1460,
) -> list[Packet]:
    """Packets of a TCP connection: each message in segments of at most ``most`` bytes."""
    miner, pool = ends
    seq = {True: 2**32 - 500, False: 7000}
    packets = []
    if handshake:
        packets += [
            Packet(START_S, tcp_frame(miner, pool, b"", seq[True] - 1, SYN)),
            Packet(START_S + 0.01, tcp_frame(pool, miner, b"", seq[False] - 1, SYN | ACK)),
        ]
    for at_s, from_miner, data in said:
        src, dst = (miner, pool) if from_miner else (pool, miner)
        for n, start in enumerate(range(0, len(data), most)):
            piece = data[start : start + most]
            frame = tcp_frame(src, dst, piece, seq[from_miner], PSH | ACK)
            packets.append(Packet(START_S + 0.02 + at_s + n * 1e-5, frame))
            seq[from_miner] += len(piece)
    return packets


def flows_of(data: bytes, folder: Path, name: str = "sample.pcap") -> list[dict[str, Any]]:
    """Rows of the flows in a capture given as bytes."""
    return tables_of(data, folder, name).to_pylist()


def tables_of(data: bytes, folder: Path, name: str = "sample.pcap") -> pa.Table:
    path = folder / name
    path.write_bytes(data)
    return pa.concat_tables(batch.rows for batch in read_capture(path, OPTIONS))


def table_of_rows(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of ``flows`` as a table of its schema."""
    return pa.Table.from_pylist(rows, schema=FLOWS)
