"""Packets in every framing that is read: tunnels, tags, link layers, files, and what a network does.

All begin with IPv4 packets of TCP as ``minewatch.sim.wire.packets`` makes them. Sources: those named in
``minewatch.kernels.traffic.packets``; written apart from it.
"""

import ipaddress
import struct
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

import wire_samples as wire

Rng = np.random.Generator
MAC = bytes.fromhex("02004d570001"), bytes.fromhex("02004d570002")
OUTER4, OUTER6 = ("198.51.100.1", "198.51.100.2"), ("2001:db8:a::1", "2001:db8:a::2")
TEREDO = ("2001:0:c000:201::1", "2001:0:c000:202::2")


class Ip(NamedTuple):
    """A packet that begins with its IP header."""

    at_us: int
    data: bytes


Shape = Callable[[Rng, Sequence[Ip]], list[Ip]]
"""What happens to the packets on the network or in the tap."""


def untouched(rng: Rng, packets: Sequence[Ip]) -> list[Ip]:
    _ = rng
    return list(packets)


class Framing(NamedTuple):
    """``shape`` comes first, then ``wrap`` each packet in headers of the ``link`` type, then the ``file``."""

    shape: Shape = untouched
    wrap: Callable[[bytes], bytes] = wire.ethernet
    link: int = 1
    file: Callable[[Sequence[Ip], int], bytes] | None = None

    def write(self, rng: Rng, packets: Sequence[Ip]) -> bytes:
        """Return the capture file."""
        framed = [Ip(each.at_us, self.wrap(each.data)) for each in self.shape(rng, packets)]
        return (self.file or pcap_file())(framed, self.link)


# --- link layers -------------------------------------------------------------------------------------------


def ethertype(ip: bytes) -> bytes:
    return b"\x08\x00" if ip[0] >> 4 == 4 else b"\x86\xdd"


def mpls(ip: bytes) -> bytes:
    labels = struct.pack(">II", 17 << 12 | 64, 18 << 12 | 1 << 8 | 64)
    return MAC[0] + MAC[1] + b"\x88\x47" + labels + ip


def pppoe(ip: bytes, tags: bytes = b"") -> bytes:
    protocol = b"\x00\x21" if ip[0] >> 4 == 4 else b"\x00\x57"
    head = struct.pack(">BBHH", 0x11, 0, 1, len(ip) + 2)
    return MAC[0] + MAC[1] + tags + b"\x88\x64" + head + protocol + ip


def cooked(ip: bytes) -> bytes:
    return struct.pack(">HHH", 0, 1, 6) + MAC[0] + b"\0\0" + ethertype(ip) + ip


def cooked2(ip: bytes) -> bytes:
    return ethertype(ip) + b"\0\0" + struct.pack(">IHBB", 2, 1, 0, 6) + MAC[0] + b"\0\0" + ip


def loopback(ip: bytes) -> bytes:
    return struct.pack("<I", 2 if ip[0] >> 4 == 4 else 30) + ip


def wifi(ip: bytes, qos: bool = False) -> bytes:
    control = struct.pack("<H", 0x0188 if qos else 0x0108)  # data, to the access point
    head = control + b"\0\0" + MAC[1] + MAC[0] + MAC[1] + b"\x10\0" + (b"\0\0" if qos else b"")
    return head + b"\xaa\xaa\x03\0\0\0" + ethertype(ip) + ip


def radiotap(ip: bytes) -> bytes:
    return struct.pack("<BBHI", 0, 0, 8, 0) + wifi(ip, qos=True)


# --- tunnels -----------------------------------------------------------------------------------------------


def outer(protocol: int, body: bytes, ends: tuple[str, str] = OUTER4) -> bytes:
    return wire.ip_packet(*ends, protocol, body)


def gre(ip: bytes) -> bytes:
    return outer(47, struct.pack(">HHI", 0x2000, int.from_bytes(ethertype(ip), "big"), 7) + ip)


def vxlan(ip: bytes) -> bytes:
    inside = b"\x08\0\0\0\0\0\x2a\0" + wire.ethernet(ip)
    return outer(17, wire.udp_datagram(49152, 4789, inside))


def gtp(ip: bytes) -> bytes:
    extension = struct.pack(">HBB", 5, 0, 0x85) + b"\x01\x10\x01\0"  # a PDU session container follows
    body = extension + ip
    head = struct.pack(">BBHI", 0x34, 0xFF, len(body), 0x1001)
    return outer(17, wire.udp_datagram(2152, 2152, head + body))


def teredo(ip: bytes) -> bytes:
    return outer(17, wire.udp_datagram(51000, 3544, as_v6(ip, ends=TEREDO)))


def around(tunnel: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda ip: wire.ethernet(tunnel(ip))


# --- IPv6, fragments ---------------------------------------------------------------------------------------


def as_v6(ip: bytes, before: bytes = b"", ends: tuple[str, str] | None = None) -> bytes:
    """The packet over IPv6; the addresses hold the old ones, or are ``ends`` in the order of the ports.

    ``before``: extension headers, the first one's kind in front.
    """
    body = ip[(ip[0] & 15) * 4 :]
    if ends is None:
        source, target = (
            str(ipaddress.IPv6Address(b"\x20\x01\x0d\xb8" + bytes(8) + ip[n : n + 4])) for n in (12, 16)
        )
    else:
        source, target = ends if body[:2] > body[2:4] else ends[::-1]
    return wire.ip_packet(source, target, before[0] if before else 6, before[1:] + body)


HOP_BY_HOP, ROUTING, OPTIONS, AUTHENTICATION = 0, 43, 60, 51
EXTENSIONS = (
    bytes([HOP_BY_HOP])
    + bytes([ROUTING, 0, 5, 2, 0, 0, 1, 0])
    + bytes([OPTIONS, 0, 0, 0, 0, 0, 0, 0])
    + bytes([AUTHENTICATION, 1, 1, 12, *bytes(12)])
    + bytes([6, 4, 0, 0, *bytes(20)])
)


def over_v6(before: bytes = b"") -> Shape:
    return lambda _, packets: [Ip(each.at_us, as_v6(each.data, before)) for each in packets]


def in_fragments(rng: Rng, packets: Sequence[Ip]) -> list[Ip]:
    """Packets of more than 80 bytes in two or three fragments, now and then in disorder."""
    found = []
    for number, (at, ip) in enumerate(packets):
        body, cuts = ip[20:], sorted({0, *(8 * int(n) for n in rng.integers(3, 30, 2))})
        pieces = [
            (start, body[start:end]) for start, end in pairwise([*cuts, len(body)]) if start < len(body)
        ]
        if len(ip) <= 80:
            pieces = [(0, body)]
        if rng.random() < 0.3:
            pieces.reverse()
        found += [Ip(at + n, _fragment(ip, number, *piece)) for n, piece in enumerate(pieces)]
    return found


def _fragment(ip: bytes, number: int, start: int, piece: bytes) -> bytes:
    more = 0x2000 if 20 + start + len(piece) < len(ip) else 0
    head = ip[:2] + struct.pack(">HHH", 20 + len(piece), number & 0xFFFF, more | start // 8) + ip[8:20]
    return head + piece


def in_fragments_v6(rng: Rng, packets: Sequence[Ip]) -> list[Ip]:
    """The same over IPv6."""
    found = []
    for at, ip in in_fragments(rng, packets):
        place = int.from_bytes(ip[6:8], "big")
        offset, more = (place & 0x1FFF) * 8, place >> 13 & 1
        if not offset and not more:
            found.append(Ip(at, as_v6(ip)))
            continue
        header = struct.pack(">BBBHI", 44, 6, 0, offset | more, int.from_bytes(ip[4:6], "big"))
        found.append(Ip(at, as_v6(ip, header)))
    return found


# --- what a network and a tap do to segments ---------------------------------------------------------------


class Segment(NamedTuple):
    at_us: int
    head: bytes
    payload: bytes

    def part(self, start: int, end: int, later_us: int = 0) -> Ip:
        """The bytes from ``start`` to ``end`` as a packet of their own."""
        ip, tcp = bytearray(self.head[:20]), bytearray(self.head[20:])
        seq = (int.from_bytes(tcp[4:8], "big") + start) % (1 << 32)
        tcp[4:8] = seq.to_bytes(4, "big")
        piece = self.payload[start:end]
        ip[2:4] = (len(self.head) + len(piece)).to_bytes(2, "big")
        return Ip(self.at_us + later_us, bytes(ip + tcp) + piece)


def segment_of(packet: Ip) -> Segment:
    head = 20 + (packet.data[32] >> 4) * 4
    return Segment(packet.at_us, packet.data[:head], packet.data[head:])


def cut_up(rng: Rng, packets: Sequence[Ip], most: int = 40, overlap: int = 0) -> list[Ip]:
    """Each segment in pieces of at most ``most`` bytes, with the last ``overlap`` bytes of the one before."""
    found = []
    for packet in packets:
        segment, at, n = segment_of(packet), 0, 0
        if len(segment.payload) <= 1:
            found.append(packet)
            continue
        while at < len(segment.payload):
            end = at + int(rng.integers(max(most // 3, 1), most + 1))
            found.append(segment.part(max(at - overlap, 0), end, n))
            at, n = end, n + 1
    return found


def in_disorder(rng: Rng, packets: Sequence[Ip]) -> list[Ip]:
    """The pieces of each segment in any order, up to eight at a time."""
    pieces, found = cut_up(rng, packets, 120), []
    for start in range(0, len(pieces), 8):
        group = pieces[start : start + 8]
        by_message: dict[tuple[bytes, int], list[int]] = {}
        for n, piece in enumerate(group):
            if len(segment_of(piece).payload) > 1:
                by_message.setdefault((piece.data[12:24], piece.at_us // 100), []).append(n)
        data = [piece.data for piece in group]
        for places in by_message.values():
            for n, other in zip(places, rng.permutation(places), strict=True):
                data[n] = group[int(other)].data
        found += [Ip(piece.at_us, each) for piece, each in zip(group, data, strict=True)]
    return found


def sent_again(rng: Rng, packets: Sequence[Ip]) -> list[Ip]:
    """A fifth of all packets comes twice, 0.2 s later."""
    again = [Ip(each.at_us + 200_000, each.data) for each in packets if rng.random() < 0.2]
    return sorted([*packets, *again], key=lambda packet: packet.at_us)


def joined_late(rng: Rng, packets: Sequence[Ip]) -> list[Ip]:
    """What comes after the first third of the time."""
    _ = rng
    first, last = packets[0].at_us, packets[-1].at_us
    return [each for each in packets if each.at_us > first + (last - first) // 3]


def of_client(packet: Ip) -> bool:
    """The client has the higher port."""
    return packet.data[20:22] > packet.data[22:24]


def one_way(from_client: bool) -> Shape:
    """Packets of one side."""
    return lambda _, packets: [each for each in packets if of_client(each) == from_client]


def lossy(rng: Rng, packets: Sequence[Ip]) -> list[Ip]:
    """The tap misses one packet in a hundred."""
    return [each for each in packets if rng.random() >= 0.01]


# --- files -------------------------------------------------------------------------------------------------


def pcap_file(
    order: str = "<", nano: bool = False, snaplen: int = 1 << 18
) -> Callable[[Sequence[Ip], int], bytes]:
    """A classic file; ``snaplen`` bytes are kept of each packet."""

    def write(packets: Sequence[Ip], link: int) -> bytes:
        magic, unit = (0xA1B23C4D, 1000) if nano else (0xA1B2C3D4, 1)
        parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link)]
        for at, data in packets:
            kept = data[:snaplen]
            head = (at // 1_000_000, at % 1_000_000 * unit, len(kept), len(data))
            parts.append(struct.pack(order + "IIII", *head) + kept)
        return b"".join(parts)

    return write


def pcapng_file(order: str = "<") -> Callable[[Sequence[Ip], int], bytes]:
    """Two interfaces in turn, the second raw IP with nanoseconds (of Ethernet frames)."""

    def write(packets: Sequence[Ip], link: int) -> bytes:
        parts = [wire.section(order), wire.interface(order, link), wire.interface(order, 101, 9)]
        for n, (at, data) in enumerate(packets):
            if n % 2 and link == 1:
                parts.append(wire.enhanced(order, 1, at * 1000, data[14:]))
            else:
                parts.append(wire.enhanced(order, 0, at, data))
        return b"".join(parts)

    return write


VLAN = b"\x81\x00\x00\x64"
WHOLE: dict[str, Framing] = {
    "ethernet": Framing(),
    "vlan": Framing(wrap=partial(wire.ethernet, tags=VLAN)),
    "qinq": Framing(wrap=partial(wire.ethernet, tags=b"\x88\xa8\x00\x0a" + VLAN)),
    "mpls": Framing(wrap=mpls),
    "pppoe": Framing(wrap=pppoe),
    "pppoe_in_vlan": Framing(wrap=partial(pppoe, tags=VLAN)),
    "cooked": Framing(wrap=cooked, link=113),
    "cooked2": Framing(wrap=cooked2, link=276),
    "raw": Framing(wrap=bytes, link=101),
    "loopback": Framing(wrap=loopback, link=0),
    "wifi": Framing(wrap=wifi, link=105),
    "radiotap": Framing(wrap=radiotap, link=127),
    "ipv6": Framing(over_v6()),
    "ipv6_extensions": Framing(over_v6(EXTENSIONS)),
    "fragments": Framing(in_fragments),
    "fragments_v6": Framing(in_fragments_v6),
    "gre": Framing(wrap=around(gre)),
    "ip_in_ip": Framing(wrap=around(partial(outer, 4))),
    "4in6": Framing(wrap=around(partial(outer, 4, ends=OUTER6))),
    "6in4": Framing(over_v6(), wrap=around(partial(outer, 41))),
    "vxlan": Framing(wrap=around(vxlan)),
    "gtp": Framing(wrap=around(gtp)),
    "teredo": Framing(wrap=around(teredo)),
    "pcap_big_endian": Framing(file=pcap_file(">")),
    "pcap_nanoseconds": Framing(file=pcap_file("<", nano=True)),
    "pcapng": Framing(file=pcapng_file()),
    "pcapng_big_endian": Framing(file=pcapng_file(">")),
    "split": Framing(cut_up),
    "overlapping": Framing(partial(cut_up, overlap=9)),
    "in_disorder": Framing(in_disorder),
    "sent_again": Framing(sent_again),
}
"""Framings in which nothing is lost: what is read is what was said."""

PARTS: dict[str, Framing] = {
    "joined_late": Framing(joined_late),
    "from_client": Framing(one_way(from_client=True)),
    "from_server": Framing(one_way(from_client=False)),
    "snaplen_400": Framing(file=pcap_file(snaplen=400)),
    "lossy": Framing(lossy),
}
"""Captures that hold only a part."""
