"""The packet kernels against slow twins, on packets of every encapsulation and on their ruins."""

import io
import ipaddress
import struct
from pathlib import Path
from typing import Any

import numpy as np
import plain_packets as plain
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wire_samples as wire
from minewatch.kernels.traffic import flow_table as table
from minewatch.kernels.traffic import packets as kernel
from minewatch.kernels.traffic import records
from minewatch.sources.captures.flow_scan import FlowScan

STATUS = {
    "not_ip": kernel.NOT_IP,
    "cut": kernel.CUT,
    "fragment": kernel.FRAGMENT,
    "other": kernel.OTHER_PROTOCOL,
}
V4 = st.sampled_from(["10.0.0.1", "192.0.2.7", "203.0.113.200"])
V6 = st.sampled_from(
    ["2001:db8::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "fe80::1234", "2001:db8:ffff::9"]
)
PORTS = st.sampled_from([53, 443, 3333, 4789, 40000, 65535])


@st.composite
def ip_packets(draw: Any, depth: int = 2) -> bytes:
    source, target = draw(st.one_of(st.tuples(V4, V4), st.tuples(V6, V6)))
    kinds = ["tcp", "udp", "icmp"] + (list(TUNNELS) if depth else [])
    kind = draw(st.sampled_from(kinds))
    payload = draw(st.binary(max_size=24))
    if kind == "tcp":
        segment = wire.tcp_segment(
            draw(PORTS), draw(PORTS), payload, draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 63))
        )
        return extended(draw, source, target, 6, segment)
    if kind == "udp":
        return extended(draw, source, target, 17, wire.udp_datagram(draw(PORTS), draw(PORTS), payload))
    if kind == "icmp":
        return wire.ip_packet(source, target, 1, payload)
    return tunnelled(draw, (source, target), kind, draw(ip_packets(depth=depth - 1)))


TUNNELS = ("ip", "gre", "gre_ethernet", "erspan", "vxlan", "gtp", "teredo")


def tunnelled(draw: Any, ends: tuple[str, str], kind: str, inside: bytes) -> bytes:
    version = inside[0] >> 4
    if kind == "ip":
        return wire.ip_packet(*ends, 4 if version == 4 else 41, inside)
    if kind in ("gre", "gre_ethernet", "erspan"):
        return wire.ip_packet(*ends, 47, gre(draw, kind, inside))
    if kind == "vxlan":
        body, port = b"\x08\0\0\0\0\0\1\0" + wire.ethernet(inside), 4789
    elif kind == "gtp":
        heads = [b"\x30\xff" + bytes(6), b"\x32\xff" + bytes(10), b"\x34\xff" + bytes(9) + b"\x85\1\0\0\0"]
        body, port = draw(st.sampled_from(heads)) + inside, 2152
    else:
        heads = [b"", b"\0\1\2\3" + bytes(14), bytes(8), b"\0\1\0\0" + bytes(9) + bytes(8)]
        body, port = draw(st.sampled_from(heads)) + inside, draw(st.sampled_from([3544, 40001]))
    return wire.ip_packet(*ends, 17, wire.udp_datagram(40000, port, body))


def gre(draw: Any, kind: str, inside: bytes) -> bytes:
    if kind == "erspan":
        flags, number, head = draw(
            st.sampled_from([(0, 0x88BE, 0), (0x1000, 0x88BE, 8), (0x1000, 0x22EB, 12), (0x1000, 0x22EB, 20)])
        )
        extra = bytes(11) + b"\1" + bytes(8) if head == 20 else bytes(head)
        words = bytes(4 if flags else 0)
        return struct.pack(">HH", flags, number) + words + extra + wire.ethernet(inside)
    flags = draw(st.sampled_from([0, 0x2000, 0x3000, 0x8000]))
    words = bytes(4 * sum(flags >> bit & 1 for bit in (15, 13, 12)))
    if kind == "gre":
        return struct.pack(">HH", flags, 0x0800 if inside[0] >> 4 == 4 else 0x86DD) + words + inside
    return struct.pack(">HH", flags, 0x6558) + words + wire.ethernet(inside)


def extended(draw: Any, source: str, target: str, protocol: int, body: bytes) -> bytes:
    """An IPv6 packet may carry extension headers."""
    if ":" not in source or draw(st.booleans()):
        return wire.ip_packet(source, target, protocol, body)
    body = bytes([protocol, 1]) + bytes(14) + body  # destination options, 16 bytes
    body = bytes([60, 0]) + bytes(6) + body  # fragment header of a whole packet
    return wire.ip_packet(source, target, 44, body)


@st.composite
def frames(draw: Any) -> tuple[int, bytes]:
    ip = draw(ip_packets())
    kind = b"\x08\x00" if ip[0] >> 4 == 4 else b"\x86\xdd"
    label = struct.pack(">I", 17 << 12 | 64), struct.pack(">I", 18 << 12 | 1 << 8 | 64)
    ppp = b"\x00\x21" if ip[0] >> 4 == 4 else b"\x00\x57"
    family = 2 if ip[0] >> 4 == 4 else 30
    snap = b"\xaa\xaa\x03\x00\x00\x00" + kind + ip
    data = b"\x08\x01" + bytes(22)
    forms = {
        "plain": (1, wire.ethernet(ip)),
        "vlan": (1, wire.ethernet(ip, b"\x81\x00\x20\x64")),
        "qinq": (1, wire.ethernet(ip, b"\x88\xa8\x00\x07\x81\x00\x00\x08")),
        "mpls": (1, bytes(12) + b"\x88\x47" + label[0] + label[1] + ip),
        "qinq_mpls": (1, bytes(12) + b"\x88\xa8\x00\x07\x81\x00\x00\x08\x88\x47" + label[1] + ip),
        "ethernet_in_mpls": (1, bytes(12) + b"\x88\x47" + label[1] + bytes(4) + wire.ethernet(ip)),
        "pppoe": (1, bytes(12) + b"\x88\x64\x11\x00\x00\x01\x00\x00" + ppp + ip),
        "qinq_pppoe": (
            1,
            bytes(12) + b"\x88\xa8\0\7\x81\0\0\x08\x88\x64\x11\x00\x00\x01\x00\x00" + ppp[1:] + ip,
        ),
        "snap": (1, bytes(12) + b"\x01\x00" + snap),
        "sll": (113, bytes(14) + kind + ip),
        "sll2": (276, kind + bytes(18) + ip),
        "hdlc": (104, b"\x0f\0" + kind + ip),
        "ppp": (9, b"\xff\x03" + ppp + ip),
        "raw": (101, ip),
        "loop": (0, bytes([family, 0, 0, 0]) + ip),
        "wifi": (105, data + snap),
        "wifi_qos": (105, b"\x88\x02" + bytes(24) + snap),
        "wifi_four_addresses": (105, b"\x88\x83" + bytes(28) + bytes(6) + snap),
        "wifi_bundle": (105, b"\x88\x02" + bytes(22) + b"\x80\0" + bytes(14) + snap),
        "wifi_locked": (105, b"\x08\x41" + bytes(22) + snap),
        "wifi_beacon": (105, b"\x80\0" + bytes(22) + snap),
        "radiotap": (127, b"\0\0\x09\0\2\0\0\0\x10" + data + snap),
        "radiotap_padded": (
            127,
            b"\0\0\x19\0\3\0\0\x80" + bytes(12) + bytes(4) + b"\x20" + b"\x88\x02" + bytes(26) + snap,
        ),
        "radiotap_bad": (127, b"\0\0\x09\0\2\0\0\0\x50" + data + snap),
        "avs": (163, b"\x80\x21\x10\1\0\0\0\x40" + bytes(56) + data + snap),
        "prism": (119, b"\x44\0\0\0\x90\0\0\0" + bytes(136) + data + snap),
        "ppi": (192, b"\0\0\x0c\0\x69\0\0\0" + bytes(4) + data + snap),
    }
    return forms[draw(st.sampled_from(sorted(forms)))]


def decoded(frame: bytes, link: int) -> dict[str, Any] | int:
    # what lies around the packet must not matter
    data = np.frombuffer(b"\x5a" * 77 + frame + b"\xa5" * 64, np.uint8)
    rows = np.array([[77, len(frame), len(frame), 0, link]])
    fields = np.full((1, kernel.FIELD_COLUMNS), -7, np.int64)
    kernel.decode(data, rows, fields)
    row = fields[0]
    return record_of(data, row) if row[kernel.STATUS] == kernel.TRANSPORT else int(row[kernel.STATUS])


def record_of(data: np.ndarray, row: np.ndarray) -> dict[str, Any]:
    at = row[kernel.PAYLOAD_AT]
    return {
        "src": address(row[kernel.SRC_HIGH], row[kernel.SRC_LOW]),
        "dst": address(row[kernel.DST_HIGH], row[kernel.DST_LOW]),
        "sport": row[kernel.SRC_PORT],
        "dport": row[kernel.DST_PORT],
        "protocol": row[kernel.PROTOCOL],
        "vlan": None if row[kernel.VLAN] < 0 else row[kernel.VLAN],
        "ip_bytes": row[kernel.IP_BYTES],
        "payload": data[at : at + row[kernel.PAYLOAD_CAPTURED]].tobytes(),
        "wire": row[kernel.PAYLOAD_LENGTH],
        "flags": row[kernel.TCP_FLAGS],
        "seq": row[kernel.TCP_SEQ],
    }


def address(high: int, low: int) -> str:
    packed = struct.pack(">qq", high, low)
    mapped = ipaddress.IPv6Address(packed)
    return str(mapped.ipv4_mapped or mapped)


def expected(frame: bytes, link: int) -> dict[str, Any] | int:
    try:
        return plain.decode(frame, link)
    except (plain.NotReadable, plain.Fragment) as error:
        return STATUS[str(error)]


@given(frames())
def test_decode_agrees_with_its_twin(sample: tuple[int, bytes]) -> None:
    link, frame = sample
    assert decoded(frame, link) == expected(frame, link)


@given(frames(), st.data())
def test_decode_agrees_on_ruins(sample: tuple[int, bytes], data: st.DataObject) -> None:
    link, frame = sample
    ruin = bytearray(frame[: data.draw(st.integers(0, len(frame)))])
    for place in data.draw(st.lists(st.integers(0, max(len(ruin) - 1, 0)), max_size=3)):
        if ruin:
            ruin[place] = data.draw(st.integers(0, 255))
    assert decoded(bytes(ruin), link) == expected(bytes(ruin), link)


@st.composite
def traffic(draw: Any) -> list[wire.Packet]:
    """Few five-tuples, so that packets meet in one flow; flags and sequence numbers at random."""
    packets, at_s = [], wire.START_S
    for _ in range(draw(st.integers(1, 40))):
        at_s += draw(st.sampled_from([0.001, 1.0, 300.0, 700.0]))
        server = ("203.0.113.1", draw(st.sampled_from([53, 3333])))
        ends = draw(st.permutations([("10.0.0.1", 40000), server]))
        payload = draw(st.sampled_from([b"", b"\x00\x01\x02", b"hello"]))
        if draw(st.booleans()):
            flags = draw(st.sampled_from([2, 18, 16, 17, 4, 24]))
            frame = wire.tcp_frame(ends[0], ends[1], payload, draw(st.integers(0, 3)), flags)
        else:
            datagram = wire.udp_datagram(ends[0][1], ends[1][1], payload)
            frame = wire.ethernet(wire.ip_packet(ends[0][0], ends[1][0], 17, datagram))
        packets.append(wire.Packet(round(at_s, 3), frame))
    return packets


def tracked(packets: list[wire.Packet], slots: int) -> list[dict[str, Any]]:
    scan = FlowScan("x")
    small = scan.memory.table._replace(slots=np.zeros(slots, np.int64))
    scan.memory = scan.memory._replace(table=small)
    list(scan.run(io.BytesIO(wire.pcap(packets)), Path("x")))
    return [flow_record(flow) for flow in scan.memory.table.flows[: scan.flow_count]]


def flow_record(flow: np.void) -> dict[str, Any]:
    ends = int(flow["ends"])
    return {
        "ends": (
            (address(flow["src_high"], flow["src_low"]), ends >> 16 & 0xFFFF),
            (address(flow["dst_high"], flow["dst_low"]), ends & 0xFFFF),
        ),
        "protocol": ends >> 32 & 0xFF,
        "packets": [flow["src_packets"], flow["dst_packets"]],
        "bytes": [flow["src_bytes"], flow["dst_bytes"]],
        "span": (flow["first_ns"], flow["last_ns"]),
        "opening": bool(flow["seen"] & table.OPENING),
    }


@given(traffic())
def test_flow_table_agrees_with_its_twin(packets: list[wire.Packet]) -> None:
    decoded_packets = [
        plain.decode(packet.frame, 1) | {"at_ns": round(packet.at_s * 1e6) * 1000} for packet in packets
    ]
    keys = ("ends", "protocol", "packets", "bytes", "span", "opening")
    wanted = [{key: flow[key] for key in keys} for flow in plain.flow_table(decoded_packets)]
    assert tracked(packets, 1 << 16) == wanted
    # collisions and a rebuilt table change nothing
    assert tracked(packets, 64) == wanted


@settings(max_examples=25)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.sampled_from("<>"))
def test_pcapng_walk_finds_every_packet_and_its_time(kinds: list[int], order: str) -> None:
    frame, wanted, parts = wire.tcp_frame(wire.MINER, wire.POOL, b"x" * 5), [], []
    parts.append(wire.section(order))
    parts += [wire.interface(order, 101, 9), wire.interface(order, 1, 0x80 | 20, 100)]
    parts.append(wire.interface(order, 113))
    last_ns = 0
    for n, kind in enumerate(kinds):
        at_ns = (1_700_000_000 + n) * 10**9 + 500_000_000
        if kind == 0:
            parts.append(wire.enhanced(order, 0, at_ns, frame))
        elif kind == 1:
            parts.append(wire.enhanced(order, 1, (at_ns - 100 * 10**9) * 2**20 // 10**9, frame))
        elif kind == 2:
            parts.append(wire.enhanced(order, 2, at_ns // 1000, frame))
        elif kind == 3:
            at_ns = last_ns
            parts.append(wire.block(order, 3, struct.pack(order + "I", len(frame)) + frame))
        else:
            parts.append(wire.block(order, 0xBAD if kind == 4 else 5, b"other"))
            continue
        last_ns = at_ns
        wanted.append((len(frame), at_ns, {0: 101, 1: 1, 2: 113, 3: 101}[kind]))
    data = np.frombuffer(b"".join(parts), np.uint8)
    rows = np.zeros((32, records.RECORD_COLUMNS), np.int64)
    interfaces = np.zeros((8, 5), np.int64)
    found, position, status = records.walk_pcapng(
        data, np.array([0, len(data)]), np.zeros(3, np.int64), interfaces, rows
    )
    assert (position, status) == (len(data), records.MORE)
    assert [tuple(row) for row in rows[:found, [records.CAPTURED, records.TIME_NS, records.LINK]]] == wanted
    assert all(data[row[0] : row[0] + row[1]].tobytes() == frame for row in rows[:found])


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_walk_reads_every_magic(big: bool, nano: bool) -> None:
    packets = [wire.Packet(1_700_000_000.25 + n, bytes(20 + n)) for n in range(5)]
    data = np.frombuffer(wire.pcap(packets, big=big, nano=nano), np.uint8)
    rows = np.zeros((8, records.RECORD_COLUMNS), np.int64)
    form = np.array([records.PCAP, int(big), 1 if nano else 1000, 1, 16])
    found, _, status = records.walk_pcap(data, np.array([24, len(data)]), form, rows)
    assert (found, status) == (5, records.MORE)
    assert rows[:5, records.TIME_NS].tolist() == [1_700_000_000_250_000_000 + n * 10**9 for n in range(5)]
    assert rows[:5, records.CAPTURED].tolist() == [20, 21, 22, 23, 24]
