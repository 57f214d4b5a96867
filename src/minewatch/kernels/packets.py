"""Packets to transport fields: link layers, tags, tunnels, IPv4 and IPv6, TCP and UDP, in numba.

Read: Ethernet (also with LLC/SNAP), 802.1Q and 802.1ad tags, MPLS, PPPoE, PPP, Cisco HDLC, Linux cooked
(SLL, SLL2), raw IP, BSD loopback; inside them IP in IP, 6in4, GRE (also with Ethernet or PPP inside) and
VXLAN. The innermost addresses count. A packet is never read beyond its captured length.

Sources: https://www.tcpdump.org/linktypes.html, IANA ethertypes, RFC 791, 8200, 2784, 2890, 3032, 7348.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.records import CAPTURED, LINK, OFFSET, ORIGINAL

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

(
    STATUS,
    SRC_HIGH,
    SRC_LOW,
    DST_HIGH,
    DST_LOW,
    SRC_PORT,
    DST_PORT,
    PROTOCOL,
    VLAN,
    IP_BYTES,
    PAYLOAD_AT,
    PAYLOAD_CAPTURED,
    PAYLOAD_LENGTH,
    TCP_FLAGS,
    TCP_SEQ,
) = range(15)
"""Columns of ``fields``. Addresses are the two halves of the IPv6 address (IPv4 as ::ffff:a.b.c.d).

``PAYLOAD_LENGTH`` is the length on the wire, ``PAYLOAD_CAPTURED`` what of it the capture holds. ``VLAN`` is
the outermost tag, -1 without one.
"""

FIELD_COLUMNS = 15

TRANSPORT, NOT_IP, CUT, FRAGMENT, OTHER_PROTOCOL = range(5)
"""Values of ``STATUS``: TCP or UDP, no IP, too short or garbled, a later fragment, another protocol."""

TCP, UDP = 6, 17
FIN, SYN, RST, ACK = 1, 2, 4, 16

_IPV4, _IPV6, _ETHERNET, _PPP = 0x0800, 0x86DD, 0x6558, 0x880B
_NOTHING = 0
_MAX_LAYERS = 6
_MAPPED = 0xFFFF << 32
_VXLAN_PORT = 4789


@njit(cache=True, nogil=True)
def _u16(data: Bytes, at: int) -> int:
    return (np.int64(data[at]) << 8) | data[at + 1]


@njit(cache=True, nogil=True)
def _u32(data: Bytes, at: int) -> int:
    return (_u16(data, at) << 16) | _u16(data, at + 2)


@njit(cache=True, nogil=True)
def _u64(data: Bytes, at: int) -> int:
    return (_u32(data, at) << 32) | _u32(data, at + 4)


@njit(cache=True, nogil=True)
def decode(data: Bytes, records: Ints, fields: Ints) -> None:
    """Decode each packet of ``records`` (n, 5) into a row of ``fields`` (at least n, 15)."""
    for n in range(len(records)):
        row = fields[n]
        row[VLAN] = -1
        row[PAYLOAD_CAPTURED], row[PAYLOAD_LENGTH], row[TCP_FLAGS], row[TCP_SEQ] = 0, 0, 0, 0
        start = records[n, OFFSET]
        end = start + min(records[n, CAPTURED], records[n, ORIGINAL])
        row[STATUS] = _decode(data, start, end, records[n, LINK], row)


@njit(cache=True, nogil=True)
def _decode(data: Bytes, start: int, end: int, link: int, row: Ints) -> int:
    kind, at, row[VLAN] = _link_layer(data, start, end, link)
    for _ in range(_MAX_LAYERS):
        if kind == _IPV4:
            protocol, at, stop = _ipv4(data, at, end, row)
        elif kind == _IPV6:
            protocol, at, stop = _ipv6(data, at, end, row)
        else:
            return NOT_IP
        if at < 0:
            return protocol  # a status, see _ipv4
        kind, at = _tunnel(data, at, min(stop, end), protocol)
        if kind == _NOTHING:
            return _transport(data, at, end, (protocol, stop), row)
    return OTHER_PROTOCOL


@njit(cache=True, nogil=True)
def _link_layer(  # noqa: C901, PLR0911 - a table of link types
    data: Bytes, at: int, end: int, link: int
) -> tuple[int, int, int]:
    """Return (ethertype, position after the header, VLAN); ethertype 0 where there is no IP inside."""
    if at + 4 > end:
        return _NOTHING, at, -1
    if link == 1:
        return _ethertype(data, at + 12, at + 14, end)
    if link in (12, 14, 101):
        return _by_version(data, at), at, -1
    if link == 228:
        return _IPV4, at, -1
    if link == 229:
        return _IPV6, at, -1
    if link in (0, 108):
        return _by_family(max(data[at], data[at + 3])), at + 4, -1
    if link == 113:
        return _ethertype(data, at + 14, at + 16, end)
    if link == 276:
        return _ethertype(data, at, at + 20, end)
    if link == 104:
        return _ethertype(data, at + 2, at + 4, end)
    if link in (9, 50):
        kind, at = _ppp(data, at, end)
        return kind, at, -1
    if link == 51:
        kind, at = _ppp(data, at + 6, end)
        return kind, at, -1
    return _NOTHING, at, -1


@njit(cache=True, nogil=True)
def _by_version(data: Bytes, at: int) -> int:
    version = data[at] >> 4
    if version == 4:
        return _IPV4
    return _IPV6 if version == 6 else _NOTHING


@njit(cache=True, nogil=True)
def _by_family(family: int) -> int:
    if family == 2:
        return _IPV4
    return _IPV6 if family in (10, 24, 28, 30) else _NOTHING


@njit(cache=True, nogil=True)
def _ppp(data: Bytes, at: int, end: int) -> tuple[int, int]:
    if at + 4 > end:
        return _NOTHING, at
    if data[at] == 0xFF and data[at + 1] == 0x03:
        at += 2
    protocol = _u16(data, at)
    if protocol == 0x0021:
        return _IPV4, at + 2
    return (_IPV6 if protocol == 0x0057 else _NOTHING), at + 2


@njit(cache=True, nogil=True)
def _ethertype(data: Bytes, type_at: int, at: int, end: int) -> tuple[int, int, int]:
    """Follow tags, labels and sessions from an ethertype to the network layer."""
    vlan = -1
    if at > end:
        return _NOTHING, at, vlan
    kind = _u16(data, type_at)
    while at + 4 <= end:
        if kind in (0x8100, 0x88A8, 0x9100, 0x9200):
            if vlan < 0:
                vlan = _u16(data, at) & 0x0FFF
            kind, at = _u16(data, at + 2), at + 4
        elif kind in (0x8847, 0x8848):
            bottom = data[at + 2] & 1
            at += 4
            if bottom:
                return (_by_version(data, at) if at < end else _NOTHING), at, vlan
        elif kind == 0x8864:
            kind, at = _ppp(data, at + 6, end)
            return kind, at, vlan
        elif kind < 1536 and at + 8 <= end and data[at] == 0xAA and data[at + 1] == 0xAA:
            kind, at = _u16(data, at + 6), at + 8
        else:
            return kind, at, vlan
    return _NOTHING, at, vlan


@njit(cache=True, nogil=True)
def _ipv4(data: Bytes, at: int, end: int, row: Ints) -> tuple[int, int, int]:
    """Return (protocol, position of the payload, its end on the wire), or (status, -1, 0)."""
    if at + 20 > end or data[at] >> 4 != 4:
        return CUT, -1, 0
    header = (data[at] & 15) * 4
    total = _u16(data, at + 2)
    if total == 0:
        total = end - at  # segmentation offload: the length was left to the card
    if header < 20 or total < header or at + header > end:
        return CUT, -1, 0
    row[SRC_HIGH], row[SRC_LOW] = 0, _MAPPED | _u32(data, at + 12)
    row[DST_HIGH], row[DST_LOW] = 0, _MAPPED | _u32(data, at + 16)
    row[IP_BYTES] = total
    if _u16(data, at + 6) & 0x1FFF:
        return FRAGMENT, -1, 0
    return int(data[at + 9]), at + header, at + total


@njit(cache=True, nogil=True)
def _ipv6(data: Bytes, at: int, end: int, row: Ints) -> tuple[int, int, int]:
    """As ``_ipv4``; hop-by-hop, routing, destination, fragment and authentication headers are passed."""
    if at + 40 > end or data[at] >> 4 != 6:
        return CUT, -1, 0
    length = _u16(data, at + 4)
    stop = at + 40 + length if length else end
    row[SRC_HIGH], row[SRC_LOW] = _u64(data, at + 8), _u64(data, at + 16)
    row[DST_HIGH], row[DST_LOW] = _u64(data, at + 24), _u64(data, at + 32)
    row[IP_BYTES] = stop - at
    protocol = int(data[at + 6])
    at += 40
    while protocol in (0, 43, 44, 51, 60, 135):
        if at + 8 > end:
            return CUT, -1, 0
        if protocol == 44 and _u16(data, at + 2) & 0xFFF8:
            return FRAGMENT, -1, 0
        size = int(data[at + 1])
        step = 8 if protocol == 44 else ((size + 2) * 4 if protocol == 51 else (size + 1) * 8)
        protocol = int(data[at])
        at += step
    return protocol, at, stop


@njit(cache=True, nogil=True)
def _tunnel(data: Bytes, at: int, end: int, protocol: int) -> tuple[int, int]:
    """Return (ethertype of the packet inside, its position), or (0, at) where there is no tunnel."""
    if protocol == 4:
        return _IPV4, at
    if protocol == 41:
        return _IPV6, at
    if protocol == 47:
        return _gre(data, at, end)
    if protocol == UDP and at + 30 <= end and _u16(data, at + 2) == _VXLAN_PORT and data[at + 8] == 8:
        kind, inner, _ = _ethertype(data, at + 28, at + 30, end)
        if kind in (_IPV4, _IPV6):
            return kind, inner
    return _NOTHING, at


@njit(cache=True, nogil=True)
def _gre(data: Bytes, at: int, end: int) -> tuple[int, int]:
    if at + 4 > end:
        return _NOTHING, at
    flags, kind = _u16(data, at), _u16(data, at + 2)
    inner = at + 4 + 4 * (((flags >> 15) & 1) + ((flags >> 13) & 1) + ((flags >> 12) & 1))
    if flags & 7 == 1 and flags & 0x80:
        inner += 4  # PPTP's acknowledgement number
    if inner + 14 > end:
        return _NOTHING, at
    if kind == _ETHERNET:
        kind, inner, _ = _ethertype(data, inner + 12, inner + 14, end)
    elif kind == _PPP:
        kind, inner = _ppp(data, inner, end)
    if kind in (_IPV4, _IPV6):
        return kind, inner
    return _NOTHING, at


@njit(cache=True, nogil=True)
def _transport(data: Bytes, at: int, end: int, packet: tuple[int, int], row: Ints) -> int:
    protocol, stop = packet
    row[PROTOCOL] = protocol
    if protocol not in (TCP, UDP):
        return OTHER_PROTOCOL
    header = 8
    if protocol == TCP:
        if at + 20 > end:
            return CUT
        header = (data[at + 12] >> 4) * 4
        row[TCP_SEQ] = _u32(data, at + 4)
        row[TCP_FLAGS] = data[at + 13]
    if header < 8 or (protocol == TCP and header < 20) or at + header > end or at + header > stop:
        return CUT
    row[SRC_PORT], row[DST_PORT] = _u16(data, at), _u16(data, at + 2)
    row[PAYLOAD_AT] = at + header
    row[PAYLOAD_LENGTH] = stop - at - header
    row[PAYLOAD_CAPTURED] = min(stop, end) - at - header
    return TRANSPORT
