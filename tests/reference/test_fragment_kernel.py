"""Datagrams joined from fragments, against a slow twin, and the bounds of what is kept."""

import struct
from itertools import pairwise
from typing import Any

import numpy as np
import plain_packets as plain
from hypothesis import given, settings
from hypothesis import strategies as st
from test_packet_kernels import STATUS, record_of

import wire_samples as wire
from minewatch.kernels.traffic import fragments, records
from minewatch.kernels.traffic import packets as kernel

ENDS = (("10.0.0.1", "203.0.113.5"), ("2001:db8::1", "2001:db8::5"))
SCRATCH = fragments.SCRATCH_BYTES
SECOND_NS = 10**9


def fragment(ip: bytes, number: int, start: int, stop: int, more: bool) -> bytes:
    """Bytes ``start`` to ``stop`` of the payload of ``ip`` as a fragment."""
    if ip[0] >> 4 == 4:
        piece = ip[20:][start:stop]
        place = start // 8 | (0x2000 if more else 0)
        return ip[:2] + struct.pack(">HHH", 20 + len(piece), number, place) + ip[8:20] + piece
    piece = struct.pack(">BBHI", ip[6], 0, start | more, number) + ip[40:][start:stop]
    return ip[:4] + struct.pack(">HB", len(piece), 44) + ip[7:40] + piece


@st.composite
def arrivals(draw: Any) -> list[tuple[int, bytes, int]]:
    """(time, IP packet, bytes captured) of fragments of few datagrams: disorder, copies, overlaps, gaps."""
    found, at_ns = [], 0
    for _ in range(draw(st.integers(1, 4))):
        payload = draw(st.binary(max_size=90))
        segment = wire.tcp_segment(40000, 3333, payload, draw(st.integers(0, 9)), 24)
        ip = wire.ip_packet(*draw(st.sampled_from(ENDS)), 6, segment)
        if draw(st.booleans()):
            ip = wire.ip_packet("192.0.2.1", "192.0.2.2", 4 if ip[0] >> 4 == 4 else 41, ip)
        size, pieces = len(ip) - (20 if ip[0] >> 4 == 4 else 40), []
        for _ in range(draw(st.integers(0, 6))):
            start = 8 * draw(st.integers(0, size // 8))
            stop = start + 8 * draw(st.integers(1, 5))
            pieces.append((start, min(stop, size), stop < size))
        cuts = [0, *sorted(8 * n for n in draw(st.sets(st.integers(1, max(size // 8, 1)), max_size=3))), size]
        pieces += [(a, b, b < size) for a, b in pairwise(cuts) if a < b]
        number = draw(st.integers(1, 2))
        for start, stop, more in draw(st.permutations(pieces)):
            at_ns += draw(st.sampled_from([1, 1, 1, 1, 29 * SECOND_NS, 31 * SECOND_NS]))
            piece = fragment(ip, number, start, stop, more)
            cut = draw(st.sampled_from([0, 0, 0, 0, 3, 20]))
            found.append((at_ns, piece, len(piece) - cut))
    return found


class Joined:
    """The kernel over packets given one by one."""

    def __init__(self) -> None:
        self.joints = fragments.new_joints()
        self.row = np.zeros(kernel.FIELD_COLUMNS, np.int64)

    def take(self, at_ns: int, ip: bytes, captured: int) -> dict[str, Any] | int:
        data = np.zeros(33 + len(ip) + SCRATCH, np.uint8)
        data[33 : 33 + len(ip)] = np.frombuffer(ip, np.uint8)
        self.joints.used[0] = 0
        record = np.array([33, captured, len(ip), at_ns, 101])
        status = fragments.decode_whole(data, record, self.row, self.joints)
        return record_of(data, self.row) if status == kernel.TRANSPORT else status


def plainly(datagrams: plain.Datagrams, at_ns: int, ip: bytes, captured: int) -> dict[str, Any] | int:
    try:
        found = datagrams.decode(ip[:captured], 101, at_ns)
    except plain.NotReadable as error:
        return STATUS[str(error)]
    return kernel.FRAGMENT if found is None else {k: v for k, v in found.items() if k != "at_ns"}


@given(arrivals())
def test_joining_agrees_with_its_twin(packets: list[tuple[int, bytes, int]]) -> None:
    joined, datagrams = Joined(), plain.Datagrams()
    for packet in packets:
        assert joined.take(*packet) == plainly(datagrams, *packet)


def first_piece(number: int) -> bytes:
    """The first fragment of a datagram that never becomes whole; its payload tells which it is."""
    segment = wire.tcp_segment(40000, 3333, number.to_bytes(4, "big") + bytes(40), number, 24)
    return fragment(wire.ip_packet("10.0.0.1", "203.0.113.5", 6, segment), number, 0, 64, True)


def released(joints: fragments.Joints) -> list[bytes]:
    data = np.zeros(4 << 20, np.uint8)
    packets = []
    form = records.new_form((records.PCAP, 0, 1, kernel.RAW_IP, 16))
    rows = np.zeros((1024, records.RECORD_COLUMNS), np.int64)
    while size := fragments.release(data, len(data), joints):
        found, position, _ = records.walk(data, np.array([0, size]), form, rows)
        assert position == size
        packets += [data[row[0] : row[0] + row[1]].tobytes() for row in rows[:found]]
    return packets


def test_what_is_given_up_comes_out_once_cut_after_what_is_there() -> None:
    joined, seen = Joined(), []
    count = 3 * fragments.MOST_DATAGRAMS
    for number in range(count):
        found = joined.take(number, first_piece(number), 84)
        if isinstance(found, dict):
            seen.append(found)
        else:
            assert found == kernel.FRAGMENT
    late = [plain.decode(packet, 101) for packet in released(joined.joints)]
    assert len(late) <= fragments.MOST_DATAGRAMS
    assert sorted(int.from_bytes(each["payload"][:4], "big") for each in [*seen, *late]) == list(range(count))
    assert {(len(each["payload"]), each["wire"]) for each in [*seen, *late]} == {(44, 44)}
    assert joined.joints.counts[kernel.FRAGMENT] == count
    assert not released(joined.joints)
    assert not joined.joints.units.any()


def test_pieces_without_their_beginning_give_no_packet() -> None:
    joined = Joined()
    whole = wire.ip_packet("10.0.0.1", "203.0.113.5", 6, wire.tcp_segment(1, 2, bytes(80)))
    assert joined.take(0, fragment(whole, 1, 64, 100, False), 56) == kernel.FRAGMENT
    assert released(joined.joints) == []
    assert joined.joints.counts[kernel.FRAGMENT] == 1


def test_a_full_scratch_stops_before_a_packet_and_loses_nothing() -> None:
    payload = bytes(range(256)) * 240
    packets = []
    for number in range(20):
        datagram = wire.udp_datagram(number, 4500, payload)
        whole = wire.ip_packet("10.0.0.1", "203.0.113.5", 17, datagram)
        half = len(whole) // 16 * 8
        packets += [fragment(whole, number, 0, half, True), fragment(whole, number, half, len(whole), False)]
    stored = b"".join(packets)
    data = np.zeros(len(stored) + SCRATCH, np.uint8)
    data[: len(stored)] = np.frombuffer(stored, np.uint8)
    starts = np.cumsum([0, *map(len, packets[:-1])])
    rows = np.array(
        [[a, len(b), len(b), n, 101] for n, (a, b) in enumerate(zip(starts, packets, strict=True))]
    )
    joints, fields = fragments.new_joints(), np.zeros((len(rows), kernel.FIELD_COLUMNS), np.int64)
    taken, ports, calls = 0, [], 0
    while taken < len(rows):
        number = fragments.decode(data, rows[taken:], fields, joints)
        assert number > 0
        for row in fields[:number]:
            if row[kernel.STATUS] == kernel.TRANSPORT:
                at = row[kernel.PAYLOAD_AT]
                assert data[at : at + row[kernel.PAYLOAD_CAPTURED]].tobytes() == payload
                ports.append(int(row[kernel.SRC_PORT]))
        taken, calls = taken + number, calls + 1
    assert ports == list(range(20))
    assert calls > 1


@settings(max_examples=50)
@given(st.lists(st.binary(min_size=1, max_size=60), max_size=30), st.sampled_from([0x45, 0x60]))
def test_pieces_of_anything_never_fail(tails: list[bytes], first: int) -> None:
    joined = Joined()
    for n, tail in enumerate(tails):
        ip = bytearray(tail.ljust(60, b"\0"))
        ip[0] = first
        if first == 0x45:
            ip[2:4], ip[4:6] = len(ip).to_bytes(2, "big"), b"\0\1"
            ip[12:20] = bytes(8)
        else:
            ip[4:7], ip[8:40], ip[44:48] = b"\0\x14\x2c", bytes(32), bytes(4)
        joined.take(n, bytes(ip), len(ip))
    assert len(released(joined.joints)) <= 1
