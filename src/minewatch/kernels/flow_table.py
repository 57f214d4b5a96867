"""The table of flows: packets grouped by five-tuple, counted each way, payload of interest picked out.

A flow is one row of ``flows``; ``slots`` is an open-addressing hash (linear probing) of row numbers, -1 for
free. Both directions share a row; its first address is the side that opened the flow.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels import packets as p
from minewatch.kernels.names import GET, HELLO, JSON, POST, dns_answers, opening_of, store_name
from minewatch.kernels.records import TIME_NS

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

(
    SRC_HIGH,
    SRC_LOW,
    DST_HIGH,
    DST_LOW,
    PORTS,
    PROTOCOL,
    VLAN,
    FIRST_NS,
    LAST_NS,
    SRC_PACKETS,
    DST_PACKETS,
    SRC_BYTES,
    DST_BYTES,
    SEEN,
    FOLLOW,
    LOOKED_AT,
    SRC_ISN,
    DST_ISN,
) = range(18)
"""Columns of ``flows``. ``PORTS`` is source port × 65536 + destination port, ``SEEN`` bits as below.

``SRC_ISN`` and ``DST_ISN`` are initial sequence numbers, -1 where the handshake was not seen.
"""

FLOW_COLUMNS = 18

SEEN_OPENING, SEEN_END = 1, 2
"""``SEEN``: a SYN was captured; a FIN or RST was captured."""

UNDECIDED, TEXT, IGNORED, TLS = range(4)
"""``FOLLOW``: not known yet, payload is handed out, of no interest, a long TLS hello is handed out."""

FLOW, REVERSE, SEQ, AT, SIZE, WIRE_SIZE, INSTANT_NS = range(7)
"""Columns of ``segments``: flow row, 1 when sent by the destination, TCP sequence number, payload position,
captured and true length, time."""

SEGMENT_COLUMNS = 7

_LOOKS = 16
"""Payload packets of a flow that are looked at before it is ignored."""

_TLS_LOOKS = 8
_UDP_IDLE_NS = 600 * 1_000_000_000
_DNS_PORT = 53


@njit(cache=True, nogil=True)
def _mix(high: int, low: int, port: int) -> np.uint64:
    value = np.uint64(high) * np.uint64(0x9E3779B97F4A7C15)
    value ^= np.uint64(low) + np.uint64(port) * np.uint64(0xC2B2AE3D27D4EB4F)
    value ^= value >> np.uint64(32)
    value *= np.uint64(0xD6E8FEB86659FD93)
    return value ^ (value >> np.uint64(29))


@njit(cache=True, nogil=True)
def hash_of(row: Ints) -> np.uint64:
    """Hash the five-tuple in a row of ``fields``; both directions of a flow hash alike."""
    source = _mix(row[p.SRC_HIGH], row[p.SRC_LOW], row[p.SRC_PORT])
    target = _mix(row[p.DST_HIGH], row[p.DST_LOW], row[p.DST_PORT])
    return (source + target) ^ np.uint64(row[p.PROTOCOL])


@njit(cache=True, nogil=True)
def _direction(flow: Ints, row: Ints) -> int:
    """Return 0 where the packet goes the way of the flow, 1 where it goes back, -1 where it is another's."""
    if flow[PROTOCOL] != row[p.PROTOCOL]:
        return -1
    ports = row[p.SRC_PORT] << 16 | row[p.DST_PORT]
    if (
        flow[PORTS] == ports
        and flow[SRC_LOW] == row[p.SRC_LOW]
        and flow[DST_LOW] == row[p.DST_LOW]
        and flow[SRC_HIGH] == row[p.SRC_HIGH]
        and flow[DST_HIGH] == row[p.DST_HIGH]
    ):
        return 0
    back = row[p.DST_PORT] << 16 | row[p.SRC_PORT]
    if (
        flow[PORTS] == back
        and flow[SRC_LOW] == row[p.DST_LOW]
        and flow[DST_LOW] == row[p.SRC_LOW]
        and flow[SRC_HIGH] == row[p.DST_HIGH]
        and flow[DST_HIGH] == row[p.SRC_HIGH]
    ):
        return 1
    return -1


@njit(cache=True, nogil=True)
def rebuild_slots(flows: Ints, count: int, slots: npt.NDArray[np.int32]) -> None:
    """Fill the hash ``slots`` (power of two, larger than ``count``) from the first ``count`` flows."""
    slots[:] = -1
    mask = np.uint64(len(slots) - 1)
    row = np.empty(p.FIELD_COLUMNS, np.int64)
    for number in range(count):
        row[p.SRC_HIGH], row[p.SRC_LOW] = flows[number, SRC_HIGH], flows[number, SRC_LOW]
        row[p.DST_HIGH], row[p.DST_LOW] = flows[number, DST_HIGH], flows[number, DST_LOW]
        row[p.SRC_PORT], row[p.DST_PORT] = flows[number, PORTS] >> 16, flows[number, PORTS] & 0xFFFF
        row[p.PROTOCOL] = flows[number, PROTOCOL]
        slot = hash_of(row) & mask
        while slots[slot] >= 0 and _direction(flows[slots[slot]], row) < 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = number  # of flows with one five-tuple the latest is the open one


@njit(cache=True, nogil=True)
def track(
    data: Bytes,
    packets: tuple[Ints, Ints, int],
    table: tuple[Ints, npt.NDArray[np.int32], Ints],
    segments: Ints,
    names: tuple[Ints, Bytes],
    filled: Ints,
) -> int:
    """Enter packets into the flow table and pick out payload and names.

    ``packets`` is (records, fields, first packet to take), ``table`` (flows, slots, [number of flows]),
    ``names`` (events, text of the names). ``filled`` is set to [segments, name events, bytes of names].
    Returns the first packet not taken: less than all of them where the flow table or the name store is full.
    """
    records, fields, first = packets
    flows, slots, count = table
    filled[:] = 0
    for n in range(first, len(records)):
        row = fields[n]
        if row[p.STATUS] != p.TRANSPORT:
            continue
        if count[0] >= len(flows) or not _has_room(names, filled):
            return n
        instant_ns = records[n, TIME_NS]
        number, reverse = _find_or_open(row, instant_ns, flows, slots, count)
        _count_packet(flows[number], row, instant_ns, reverse)
        if row[p.PAYLOAD_CAPTURED] <= 0:
            continue
        if row[p.PROTOCOL] == p.UDP:
            if row[p.SRC_PORT] == _DNS_PORT:
                dns_answers(data, row, (number, instant_ns), names, filled)
        elif flows[number, FOLLOW] != IGNORED and _follow(
            data, flows[number], row, (number, instant_ns), names, filled
        ):
            _hand_out(segments[filled[0]], row, number, reverse, instant_ns)
            filled[0] += 1
    return len(records)


@njit(cache=True, nogil=True)
def _has_room(names: tuple[Ints, Bytes], filled: Ints) -> bool:
    """One packet gives at most 16 names of at most 255 bytes."""
    return filled[1] + 16 <= len(names[0]) and filled[2] + 16 * 256 <= len(names[1])


@njit(cache=True, nogil=True)
def _find_or_open(
    row: Ints, instant_ns: int, flows: Ints, slots: npt.NDArray[np.int32], count: Ints
) -> tuple[int, int]:
    mask = np.uint64(len(slots) - 1)
    slot = hash_of(row) & mask
    while slots[slot] >= 0:
        number = slots[slot]
        reverse = _direction(flows[number], row)
        if reverse >= 0:
            if not _begins_anew(flows[number], row, instant_ns):
                return int(number), reverse
            break
        slot = (slot + np.uint64(1)) & mask
    slots[slot] = count[0]
    reverse = _open(flows[count[0]], row, instant_ns)
    count[0] += 1
    return count[0] - 1, reverse


@njit(cache=True, nogil=True)
def _begins_anew(flow: Ints, row: Ints, instant_ns: int) -> bool:
    """Tell whether a packet opens another connection of its five-tuple: a new SYN, or UDP after a pause."""
    if row[p.PROTOCOL] == p.UDP:
        return instant_ns - flow[LAST_NS] > _UDP_IDLE_NS
    is_opening = row[p.TCP_FLAGS] & (p.SYN | p.ACK) == p.SYN
    used = flow[SEEN] & SEEN_END or flow[LOOKED_AT]
    return is_opening and used and row[p.TCP_SEQ] not in (flow[SRC_ISN], flow[DST_ISN])


@njit(cache=True, nogil=True)
def _open(flow: Ints, row: Ints, instant_ns: int) -> int:
    reverse = _is_answer(row)
    high, low = p.SRC_HIGH, p.DST_HIGH
    source, target = row[p.SRC_PORT], row[p.DST_PORT]
    if reverse:
        high, low, source, target = low, high, target, source
    flow[SRC_HIGH], flow[SRC_LOW] = row[high], row[high + 1]
    flow[DST_HIGH], flow[DST_LOW] = row[low], row[low + 1]
    flow[PORTS] = source << 16 | target
    flow[PROTOCOL], flow[VLAN] = row[p.PROTOCOL], row[p.VLAN]
    flow[FIRST_NS], flow[LAST_NS] = instant_ns, instant_ns
    flow[SRC_PACKETS:SRC_ISN] = 0
    flow[SRC_ISN], flow[DST_ISN] = -1, -1
    return reverse


@njit(cache=True, nogil=True)
def _is_answer(row: Ints) -> int:
    """Tell whether a flow's first captured packet comes from the side that was called.

    By the handshake, else by the ports: a registered port calls no ephemeral one.
    """
    if row[p.PROTOCOL] == p.TCP and row[p.TCP_FLAGS] & p.SYN:
        return 1 if row[p.TCP_FLAGS] & p.ACK else 0
    source, target = row[p.SRC_PORT], row[p.DST_PORT]
    if source < 1024 <= target:
        return 1
    return 1 if row[p.PROTOCOL] == p.TCP and source < 32768 <= target else 0


@njit(cache=True, nogil=True)
def _count_packet(flow: Ints, row: Ints, instant_ns: int, reverse: int) -> None:
    flow[FIRST_NS] = min(flow[FIRST_NS], instant_ns)
    flow[LAST_NS] = max(flow[LAST_NS], instant_ns)
    flow[SRC_PACKETS + reverse] += 1
    flow[SRC_BYTES + reverse] += row[p.IP_BYTES]
    if row[p.PROTOCOL] == p.TCP:
        if row[p.TCP_FLAGS] & p.SYN:
            flow[SEEN] |= SEEN_OPENING
            flow[SRC_ISN + reverse] = row[p.TCP_SEQ]
        if row[p.TCP_FLAGS] & (p.FIN | p.RST):
            flow[SEEN] |= SEEN_END


@njit(cache=True, nogil=True)
def _follow(
    data: Bytes, flow: Ints, row: Ints, when: tuple[int, int], names: tuple[Ints, Bytes], filled: Ints
) -> bool:
    """Decide whether to hand out the payload of a TCP packet; notes names seen on the way."""
    if flow[FOLLOW] == TEXT:
        return True
    flow[LOOKED_AT] += 1
    if flow[FOLLOW] == TLS:
        if flow[LOOKED_AT] > _TLS_LOOKS:
            flow[FOLLOW] = IGNORED
        return True
    kind, name_at, name_size = opening_of(data, row[p.PAYLOAD_AT], row[p.PAYLOAD_CAPTURED])
    if name_size > 0:
        store_name(data, (name_at, name_size), (kind, when[0], when[1]), names, filled)
    if kind in (JSON, POST):
        flow[FOLLOW] = TEXT
        return True
    if kind == HELLO:
        flow[FOLLOW] = IGNORED if name_size > 0 else TLS
        return name_size <= 0
    if kind != GET and flow[LOOKED_AT] >= _LOOKS:
        flow[FOLLOW] = IGNORED
    return False


@njit(cache=True, nogil=True)
def _hand_out(segment: Ints, row: Ints, number: int, reverse: int, instant_ns: int) -> None:
    segment[FLOW], segment[REVERSE], segment[SEQ] = number, reverse, row[p.TCP_SEQ]
    segment[AT], segment[SIZE] = row[p.PAYLOAD_AT], row[p.PAYLOAD_CAPTURED]
    segment[WIRE_SIZE], segment[INSTANT_NS] = row[p.PAYLOAD_LENGTH], instant_ns
