"""Packets to transport fields: link layers, tags, tunnels, IPv4 and IPv6, TCP and UDP, in numba.

Read: Ethernet (also with LLC/SNAP), 802.1Q and 802.1ad tags, MPLS (also with Ethernet inside), PPPoE, PPP,
Cisco HDLC, Linux cooked (SLL, SLL2), raw IP, BSD loopback, plain 802.11 data frames (bare, or after radiotap,
AVS, Prism or PPI headers); inside them IP in IP, 6in4, GRE (also with Ethernet, PPP, MPLS or ERSPAN inside),
VXLAN, GTP-U and Teredo. The innermost addresses count. A packet is never read beyond its captured length.

numba counts the references of array arguments at every call; ``_nrt=False`` leaves that out where nothing is
allocated (133 → 32 ns a packet).

Sources: https://www.tcpdump.org/linktypes.html, IANA ethertypes, RFC 791, 8200, 2784, 2890, 3032, 4385, 7348,
4380 (Teredo), 3GPP TS 29.281 (GTP-U), draft-foschiano-erspan, IEEE 802.11 §9, https://www.radiotap.org.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.traffic.loads import be16 as u16
from minewatch.kernels.traffic.loads import be32 as u32
from minewatch.kernels.traffic.loads import be64 as u64
from minewatch.kernels.traffic.loads import le32
from minewatch.kernels.traffic.records import CAPTURED, LINK, OFFSET, ORIGINAL

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
the outermost tag, -1 without one. Ports and payload are set for TRANSPORT only.
"""

FRAGMENT_PLACE, FRAGMENT_ID = TCP_FLAGS, TCP_SEQ
"""Of a FRAGMENT: its offset in bytes, plus 1 where more follow; its identification. Payload is its part."""

FIELD_COLUMNS = 15

TRANSPORT, NOT_IP, CUT, FRAGMENT, OTHER_PROTOCOL = range(5)
"""Values of ``STATUS``: TCP or UDP, no IP, too short or garbled, part of a datagram, another protocol."""

STATUSES = 5

TCP, UDP = 6, 17
FIN, SYN, RST, ACK = 1, 2, 4, 16
RAW_IP = 101
"""Link type of packets that begin with the IP header."""

_IPV4, _IPV6, _ETHERNET, _PPP, _LLC = 0x0800, 0x86DD, 0x6558, 0x880B, 1
_NOTHING = 0
_WIFI, _PRISM, _RADIOTAP, _AVS, _PPI = 105, 119, 127, 163, 192
_MAX_LAYERS = 6
_MAPPED = 0xFFFF << 32
_VXLAN_PORT, _GTP_PORT = 4789, 2152
_TEREDO_PREFIX = 0x20010000
_PADDED = 1 << 16
"""Added to a link type: the header of the 802.11 frame is filled up to whole words."""


@njit(cache=True, nogil=True, _nrt=False)
def u8(data: Bytes, at: int) -> int:
    """Return the byte at ``at``, which is not negative: the unsigned index saves the check."""
    return int(data[np.uint64(at)])


@njit(cache=True, nogil=True, _nrt=False)
def decode(data: Bytes, records: Ints, fields: Ints) -> None:
    """Decode each packet of ``records`` (n, 5) into a row of ``fields`` (at least n, 15)."""
    for n in range(len(records)):
        decode_one(data, records[n], fields[n])


@njit(cache=True, nogil=True, _nrt=False)
def decode_one(data: Bytes, record: Ints, row: Ints) -> int:
    """Decode the packet of ``record`` (5) into ``row`` (15) and return its status."""
    start = record[OFFSET]
    end = start + min(record[CAPTURED], record[ORIGINAL])
    row[VLAN] = -1
    row[PAYLOAD_CAPTURED], row[PAYLOAD_LENGTH], row[TCP_FLAGS], row[TCP_SEQ] = 0, 0, 0, 0
    row[STATUS] = _decode(data, start, end, record[LINK], row)
    return int(row[STATUS])


@njit(cache=True, nogil=True, _nrt=False)
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
        end = min(stop, end)
        kind, at = _tunnel(data, at, end, protocol)
        if kind == _NOTHING:
            return _transport(data, at, end, (protocol, stop), row)
    return OTHER_PROTOCOL


@njit(cache=True, nogil=True, _nrt=False)
def _link_layer(data: Bytes, at: int, end: int, link: int) -> tuple[int, int, int]:
    """Return (ethertype, position after the header, VLAN); ethertype 0 where there is no IP inside."""
    if link == 1 and at + 14 <= end:
        kind = u16(data, at + 12)
        return (kind, at + 14, -1) if kind == _IPV4 else _follow(data, at + 14, end, kind)
    if link in (_PRISM, _RADIOTAP, _AVS, _PPI):
        link, at = _capture_header(data, at, end, link)
    if at + 4 > end:
        return _NOTHING, at, -1
    return _other_link(data, at, end, link)


@njit(cache=True, nogil=True, _nrt=False)
def _other_link(  # noqa: C901, PLR0911 - a table of link types
    data: Bytes, at: int, end: int, link: int
) -> tuple[int, int, int]:
    if link == 1:
        return _typed(data, at + 12, at + 14, end)
    if link in (12, 14, RAW_IP):
        return _by_version(data, at, end), at, -1
    if link == 228:
        return _IPV4, at, -1
    if link == 229:
        return _IPV6, at, -1
    if link in (0, 108):
        return _by_family(max(u8(data, at), u8(data, at + 3))), at + 4, -1
    if link == 113:
        return _typed(data, at + 14, at + 16, end)
    if link == 276:
        return _typed(data, at, at + 20, end)
    if link == 104:
        return _typed(data, at + 2, at + 4, end)
    if link in (9, 50):
        return _follow(data, at, end, _PPP)
    if link == 51:
        return _follow(data, at + 6, end, _PPP)
    if link in (_WIFI, _WIFI + _PADDED):
        return _wifi(data, at, end, link != _WIFI)
    return _NOTHING, at, -1


@njit(cache=True, nogil=True, _nrt=False)
def _by_version(data: Bytes, at: int, end: int) -> int:
    version = u8(data, at) >> 4 if at < end else 0
    if version == 4:
        return _IPV4
    return _IPV6 if version == 6 else _NOTHING


@njit(cache=True, nogil=True, _nrt=False)
def _by_family(family: int) -> int:
    if family == 2:
        return _IPV4
    return _IPV6 if family in (10, 24, 28, 30) else _NOTHING


@njit(cache=True, nogil=True, _nrt=False)
def _capture_header(data: Bytes, at: int, end: int, link: int) -> tuple[int, int]:
    """Return the link type and the position of the frame behind what the capturing driver put before it."""
    if at + 8 > end:
        return _NOTHING, at
    if link == _PPI:
        return le32(data, at + 4), at + (le32(data, at) >> 16)
    if link == _RADIOTAP:
        return _radiotap(data, at, end)
    if u32(data, at) >> 8 == 0x802110:
        return _WIFI, at + u32(data, at + 4)
    return _WIFI, at + le32(data, at + 4)


@njit(cache=True, nogil=True, _nrt=False)
def _radiotap(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """Pass the radiotap header; its flags tell of padding, and of frames that arrived damaged."""
    stop = at + (le32(data, at) >> 16)
    present = le32(data, at + 4)
    position, word = at + 8, present
    while word >> 31 and position + 4 <= min(stop, end):
        word = le32(data, position)
        position += 4
    if present & 1:
        position = at + ((position - at + 7) & ~7) + 8
    if not present & 2 or position >= min(stop, end):
        return _WIFI, stop
    flags = u8(data, position)
    if flags & 0x40:
        return _NOTHING, stop
    return (_WIFI + _PADDED if flags & 0x20 else _WIFI), stop


@njit(cache=True, nogil=True, _nrt=False)
def _wifi(data: Bytes, at: int, end: int, is_padded: bool) -> tuple[int, int, int]:
    """Pass the header of an 802.11 data frame that is plain and whole; of an A-MSDU only the first part."""
    if at + 24 > end:
        return _NOTHING, at, -1
    control, flags = u8(data, at), u8(data, at + 1)
    is_data = control & 0x0F == 0x08 and not control & 0x40
    if not is_data or flags & 0x44 or u8(data, at + 22) & 0x0F:
        return _NOTHING, at, -1
    size = 30 if flags & 3 == 3 else 24
    is_bundle = False
    if control & 0x80:
        is_bundle = at + size < end and u8(data, at + size) & 0x80 != 0
        size += 6 if flags & 0x80 else 2
    if is_padded:
        size = (size + 3) & ~3
    return _follow(data, at + size + (14 if is_bundle else 0), end, _LLC)


@njit(cache=True, nogil=True, _nrt=False)
def _typed(data: Bytes, type_at: int, at: int, end: int) -> tuple[int, int, int]:
    if at > end:
        return _NOTHING, at, -1
    return _follow(data, at, end, u16(data, type_at))


@njit(cache=True, nogil=True, _nrt=False)
def _follow(data: Bytes, at: int, end: int, kind: int) -> tuple[int, int, int]:
    """Follow tags, labels, sessions and frames in frames from ethertype ``kind`` to the network layer."""
    vlan = -1
    while at + 4 <= end:
        if kind in (_IPV4, _IPV6):
            return kind, at, vlan
        if kind in (0x8100, 0x88A8, 0x9100, 0x9200):
            if vlan < 0:
                vlan = u16(data, at) & 0x0FFF
            kind, at = u16(data, at + 2), at + 4
        elif kind in (0x8847, 0x8848):
            kind, at = _label(data, at, end, kind)
        elif kind == 0x8864:
            kind, at = _PPP, at + 6
        elif kind == _PPP:
            kind, at = _ppp(data, at)
        elif kind == _ETHERNET and at + 14 <= end:
            kind, at = u16(data, at + 12), at + 14
        elif kind < 1536 and at + 8 <= end and u16(data, at) == 0xAAAA:
            kind, at = u16(data, at + 6), at + 8
        else:
            return _NOTHING, at, vlan
    return _NOTHING, at, vlan


@njit(cache=True, nogil=True, _nrt=False)
def _label(data: Bytes, at: int, end: int, kind: int) -> tuple[int, int]:
    """Pass one MPLS label; behind the last are IP, or a control word (RFC 4385) and an Ethernet frame."""
    if not u8(data, at + 2) & 1:
        return kind, at + 4
    at += 4
    if at < end and u8(data, at) >> 4 == 0:
        return _ETHERNET, at + 4
    return _by_version(data, at, end), at


@njit(cache=True, nogil=True, _nrt=False)
def _ppp(data: Bytes, at: int) -> tuple[int, int]:
    if u16(data, at) == 0xFF03:
        at += 2
    protocol, size = u16(data, at), 2
    if u8(data, at) & 1:  # the field is compressed to its second byte
        protocol, size = u8(data, at), 1
    if protocol == 0x0021:
        return _IPV4, at + size
    return (_IPV6 if protocol == 0x0057 else _NOTHING), at + size


@njit(cache=True, nogil=True, _nrt=False)
def _ipv4(data: Bytes, at: int, end: int, row: Ints) -> tuple[int, int, int]:
    """Return (protocol, position of the payload, its end on the wire), or (status, -1, 0)."""
    if at + 20 > end or u8(data, at) >> 4 != 4:
        return CUT, -1, 0
    header = (u8(data, at) & 15) * 4
    total = u16(data, at + 2)
    if total == 0:
        total = end - at  # segmentation offload: the length was left to the card
    if header < 20 or total < header or at + header > end:
        return CUT, -1, 0
    row[SRC_HIGH], row[SRC_LOW] = 0, _MAPPED | u32(data, at + 12)
    row[DST_HIGH], row[DST_LOW] = 0, _MAPPED | u32(data, at + 16)
    row[IP_BYTES] = total
    protocol = u8(data, at + 9)
    place = u16(data, at + 6)
    if place & 0x3FFF:
        row[PROTOCOL] = protocol
        row[FRAGMENT_ID] = protocol << 16 | u16(data, at + 4)
        row[FRAGMENT_PLACE] = (place & 0x1FFF) << 3 | (place >> 13) & 1
        return _fragment(at + header, at + total, end, row), -1, 0
    return protocol, at + header, at + total


@njit(cache=True, nogil=True, _nrt=False)
def _ipv6(data: Bytes, at: int, end: int, row: Ints) -> tuple[int, int, int]:
    """As ``_ipv4``; hop-by-hop, routing, destination, authentication, mobility, HIP and shim6 are passed."""
    if at + 40 > end or u8(data, at) >> 4 != 6:
        return CUT, -1, 0
    length = u16(data, at + 4)
    stop = at + 40 + length if length else end
    row[SRC_HIGH], row[SRC_LOW] = u64(data, at + 8), u64(data, at + 16)
    row[DST_HIGH], row[DST_LOW] = u64(data, at + 24), u64(data, at + 32)
    row[IP_BYTES] = stop - at
    protocol = u8(data, at + 6)
    at += 40
    while protocol in (0, 43, 44, 51, 60, 135, 139, 140):
        if at + 8 > end or at + 8 > stop:
            return CUT, -1, 0
        place = u16(data, at + 2)
        if protocol == 44 and place & 0xFFF9:
            row[PROTOCOL] = u8(data, at)
            row[FRAGMENT_ID] = u32(data, at + 4)
            row[FRAGMENT_PLACE] = place & 0xFFF9
            return _fragment(at + 8, stop, end, row), -1, 0
        size = u8(data, at + 1)
        step = 8 if protocol == 44 else ((size + 2) * 4 if protocol == 51 else (size + 1) * 8)
        protocol = u8(data, at)
        at += step
    return protocol, at, stop


@njit(cache=True, nogil=True, _nrt=False)
def _fragment(at: int, stop: int, end: int, row: Ints) -> int:
    row[PAYLOAD_AT] = at
    row[PAYLOAD_LENGTH] = stop - at
    row[PAYLOAD_CAPTURED] = max(min(stop, end) - at, 0)
    return FRAGMENT


@njit(cache=True, nogil=True, _nrt=False)
def _tunnel(data: Bytes, at: int, end: int, protocol: int) -> tuple[int, int]:
    """Return (ethertype of the packet inside, its position), or (0, at) where there is no tunnel."""
    if protocol == TCP:
        return _NOTHING, at
    kind, inner = _NOTHING, at
    if protocol == UDP and at + 28 <= end:
        kind, inner = _in_udp(data, at, end)
    elif protocol == 4:
        kind = _IPV4
    elif protocol == 41:
        kind = _IPV6
    elif protocol == 47:
        kind, inner = _gre(data, at, end)
    return (kind, inner) if kind != _NOTHING else (_NOTHING, at)


@njit(cache=True, nogil=True, _nrt=False)
def _in_udp(data: Bytes, at: int, end: int) -> tuple[int, int]:
    first = u8(data, at + 8)
    source, target = u16(data, at), u16(data, at + 2)
    if target == _VXLAN_PORT and first == 8:
        kind, inner, _ = _follow(data, at + 16, end, _ETHERNET)
        return kind, inner
    if _GTP_PORT in (source, target) and first & 0xF0 == 0x30 and u8(data, at + 9) == 0xFF:
        return _gtp(data, at + 8, end)
    if first & 0xF0 == 0x60 or u16(data, at + 8) <= 1:
        return _teredo(data, at, end)
    return _NOTHING, at


@njit(cache=True, nogil=True, _nrt=False)
def _gtp(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """Pass a GTP-U header with its extension headers, which are chained by their last byte."""
    inner = at + 8
    if u8(data, at) & 7:
        inner += 4
        following = u8(data, at + 11) if u8(data, at) & 4 else 0
        while following and inner < end:
            size = u8(data, inner) * 4
            if size == 0 or inner + size > end:
                return _NOTHING, at
            inner += size
            following = u8(data, inner - 1)
    return _by_version(data, inner, end), inner


@njit(cache=True, nogil=True, _nrt=False)
def _teredo(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """Tell Teredo on any port, by an IPv6 packet that fits the datagram and has an address of 2001:0::/32."""
    stop, inner = at + u16(data, at + 4), at + 8
    if u16(data, inner) == 1:  # authentication: identifier, value, nonce, confirmation
        inner += 13 + u8(data, inner + 2) + u8(data, inner + 3)
    if inner + 8 <= end and u16(data, inner) == 0:  # origin indication
        inner += 8
    if inner + 40 > end or u8(data, inner) >> 4 != 6 or inner + 40 + u16(data, inner + 4) > stop:
        return _NOTHING, at
    is_teredo = u32(data, inner + 8) == _TEREDO_PREFIX or u32(data, inner + 24) == _TEREDO_PREFIX
    return (_IPV6 if is_teredo else _NOTHING), inner


@njit(cache=True, nogil=True, _nrt=False)
def _gre(data: Bytes, at: int, end: int) -> tuple[int, int]:
    if at + 4 > end:
        return _NOTHING, at
    flags, kind = u16(data, at), u16(data, at + 2)
    inner = at + 4 + 4 * (((flags >> 15) & 1) + ((flags >> 13) & 1) + ((flags >> 12) & 1))
    if flags & 7 == 1 and flags & 0x80:
        inner += 4  # PPTP's acknowledgement number
    if kind == 0x88BE:  # ERSPAN: without sequence number it has no header of its own
        kind, inner = _ETHERNET, inner + (8 if flags & 0x1000 else 0)
    elif kind == 0x22EB and inner + 12 <= end:
        kind, inner = _ETHERNET, inner + (20 if u8(data, inner + 11) & 1 else 12)
    kind, inner, _ = _follow(data, inner, end, kind)
    return kind, inner


@njit(cache=True, nogil=True, _nrt=False)
def _transport(data: Bytes, at: int, end: int, packet: tuple[int, int], row: Ints) -> int:
    protocol, stop = packet
    row[PROTOCOL] = protocol
    if protocol not in (TCP, UDP):
        return OTHER_PROTOCOL
    header = 8
    if protocol == TCP:
        if at + 20 > end:
            return CUT
        header = (u8(data, at + 12) >> 4) * 4
        if header < 20:
            return CUT
        row[TCP_SEQ] = u32(data, at + 4)
        row[TCP_FLAGS] = u8(data, at + 13)
    if at + header > end:
        return CUT
    row[SRC_PORT], row[DST_PORT] = u16(data, at), u16(data, at + 2)
    row[PAYLOAD_AT] = at + header
    row[PAYLOAD_LENGTH] = stop - at - header
    row[PAYLOAD_CAPTURED] = end - at - header
    return TRANSPORT
