"""The table of flows: packets grouped by five-tuple and counted each way, in 128 bytes a flow.

``slots`` is an open-addressing hash (linear probing): the upper half of the flow's hash and its row + 1, 0
for free. Both directions share a row; its first address is the side that opened the flow. Rows are given back
when a flow is written out (``release``), and the slots built anew then.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.traffic import packets as p

Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]

Row = Any
"""A row of an array with named fields, which only numba can type."""

Rows = npt.NDArray[np.void]

FIRST_SIZES = 8
"""Payload packets of a flow whose size is kept."""

FLOW = np.dtype(
    [
        ("src_high", "i8"),
        ("src_low", "i8"),
        ("dst_high", "i8"),
        ("dst_low", "i8"),
        ("ends", "i8"),  # source port << 16 | destination port | protocol << 32 | (VLAN + 1) << 40
        ("last_ns", "i8"),
        ("src_bytes", "i8"),
        ("dst_bytes", "i8"),
        ("first_ns", "i8"),
        ("src_packets", "u4"),
        ("dst_packets", "u4"),
        ("src_isn", "u4"),  # initial sequence numbers, where ``seen`` says so
        ("dst_isn", "u4"),
        ("desk", "i4"),  # where its payload is gathered; 0: nowhere
        ("block", "i4"),  # the last block of its messages; 0: none
        ("names", "i4"),  # the first of its names; 0: none
        ("sizes", "i2", (FIRST_SIZES,)),  # of the first payloads, negative from dst
        ("kept", "i2"),  # messages kept; -1: not quiet
        ("sized", "u1"),  # how many of ``sizes`` are filled
        ("seen", "u1"),
        ("follow", "u1"),
        ("looked", "u1"),  # payloads looked at, at most 255
    ],
    align=True,
)
"""A row. Addresses are the halves of the IPv6 address (IPv4 as ::ffff:a.b.c.d); times in ns since 1970."""

OPENING, END, SRC_ISN, DST_ISN, REPLACED, FROM_START, FREE, HELLO_BACK = 1, 2, 4, 8, 16, 32, 64, 128
"""``seen``: a SYN; a FIN or RST; the initial sequence numbers; another flow has taken its five-tuple; its
text was gathered from the first payload on; the row is free; a TLS client hello came from dst."""

UNDECIDED, TEXT, HEARD, HELLO, FLIGHT, IGNORED = range(6)
"""``follow``: not known yet; text in which words are searched; payload is handed out; a client hello of TLS
is being gathered; the server's answer to it is; of no interest."""

SECOND_NS = 1_000_000_000
NEVER_NS = (1 << 63) - 1
UDP_IDLE_NS, ENDED_IDLE_NS, TCP_IDLE_NS, HEARD_IDLE_NS = (n * SECOND_NS for n in (120, 30, 600, 3600))
"""After so long without a packet a flow is over: UDP; TCP after its end; TCP; TCP that is heard."""

MOST_PACKETS = 1 << 31
"""Packets one way after which a flow is written out and begun anew."""


class Table(NamedTuple):
    """``flows`` (rows of ``FLOW``), their hash ``slots``, rows given back, and ``counts`` as below."""

    flows: Rows
    slots: Ints
    free: Numbers
    counts: Ints


ROWS, FREE_ROWS = range(2)
"""``counts``: rows ever used at once, rows given back."""


def new_table(capacity: int) -> Table:
    """Return an empty table for at most ``capacity`` flows; memory is touched only as it fills."""
    return Table(
        np.empty(capacity, FLOW),
        np.zeros(1 << 16, np.int64),
        np.empty(capacity, np.int32),
        np.zeros(2, np.int64),
    )


def grown(table: Table) -> Table:
    """Return the table with four times the slots."""
    larger = table._replace(slots=np.zeros(4 * len(table.slots), np.int64))
    rebuild_slots(larger)
    return larger


@njit(cache=True, nogil=True, _nrt=False)
def _mix(high: int, low: int, port: int) -> np.uint64:
    value = np.uint64(high) * np.uint64(0x9E3779B97F4A7C15)
    value ^= np.uint64(low) + np.uint64(port) * np.uint64(0xC2B2AE3D27D4EB4F)
    value ^= value >> np.uint64(32)
    value *= np.uint64(0xD6E8FEB86659FD93)
    return value ^ (value >> np.uint64(29))


@njit(cache=True, nogil=True, _nrt=False)
def hash_of(row: Ints) -> np.uint64:
    """Hash the five-tuple in a row of ``fields``; both directions of a flow hash alike."""
    source = _mix(row[p.SRC_HIGH], row[p.SRC_LOW], row[p.SRC_PORT])
    target = _mix(row[p.DST_HIGH], row[p.DST_LOW], row[p.DST_PORT])
    return (source + target) ^ np.uint64(row[p.PROTOCOL])


@njit(cache=True, nogil=True, _nrt=False)
def _hash_of_flow(flow: Row) -> np.uint64:
    source = _mix(flow.src_high, flow.src_low, flow.ends >> 16 & 0xFFFF)
    target = _mix(flow.dst_high, flow.dst_low, flow.ends & 0xFFFF)
    return (source + target) ^ np.uint64(flow.ends >> 32 & 0xFF)


@njit(cache=True, nogil=True, _nrt=False)
def _tag(key: np.uint64) -> int:
    return int(np.int64(key >> np.uint64(33)) << 32)


@njit(cache=True, nogil=True, _nrt=False)
def rebuild_slots(table: Table) -> None:
    """Fill the hash from the rows in use."""
    slots = table.slots
    slots[:] = 0
    mask = np.uint64(len(slots) - 1)
    for number in range(table.counts[ROWS]):
        flow = table.flows[number]
        if flow.seen & (FREE | REPLACED):
            continue
        key = _hash_of_flow(flow)
        slot = key & mask
        while slots[slot]:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = _tag(key) | (number + 1)


@njit(cache=True, nogil=True, _nrt=False)
def rows_left(table: Table) -> int:
    """Return how many further flows have a row."""
    return len(table.flows) - table.counts[ROWS] + table.counts[FREE_ROWS]


@njit(cache=True, nogil=True, _nrt=False)
def is_crowded(table: Table, more: int) -> bool:
    """Tell whether with ``more`` flows more than half of the slots could be taken."""
    return table.counts[ROWS] - table.counts[FREE_ROWS] + more > len(table.slots) >> 1


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _direction(flow: Row, row: Ints) -> int:
    """Return 0 where the packet goes the way of the flow, 1 where it goes back, -1 where it is another's."""
    ends = flow.ends & 0xFFFFFFFFFF
    if (
        ends == (row[p.PROTOCOL] << 32 | row[p.SRC_PORT] << 16 | row[p.DST_PORT])
        and flow.src_low == row[p.SRC_LOW]
        and flow.dst_low == row[p.DST_LOW]
        and flow.src_high == row[p.SRC_HIGH]
        and flow.dst_high == row[p.DST_HIGH]
    ):
        return 0
    if (
        ends == (row[p.PROTOCOL] << 32 | row[p.DST_PORT] << 16 | row[p.SRC_PORT])
        and flow.src_low == row[p.DST_LOW]
        and flow.dst_low == row[p.SRC_LOW]
        and flow.src_high == row[p.DST_HIGH]
        and flow.dst_high == row[p.SRC_HIGH]
    ):
        return 1
    return -1


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def find_or_open(row: Ints, key: np.uint64, instant_ns: int, table: Table) -> tuple[int, int, bool]:
    """Return (row of the packet's flow, 1 where it goes back, whether the flow is new)."""
    flows, slots = table.flows, table.slots
    mask = np.uint64(len(slots) - 1)
    tag = _tag(key)
    slot = key & mask
    while slots[slot]:
        if slots[slot] & ~0xFFFFFFFF == tag:
            number = (slots[slot] & 0xFFFFFFFF) - 1
            reverse = _direction(flows[number], row)
            if reverse >= 0:
                if not _begins_anew(flows[number], row, instant_ns):
                    return number, reverse, False
                flows[number].seen |= REPLACED
                break
        slot = (slot + np.uint64(1)) & mask
    number = _take_row(table)
    slots[slot] = tag | (number + 1)
    return number, _open(flows[number], row, instant_ns), True


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _take_row(table: Table) -> int:
    counts = table.counts
    if counts[FREE_ROWS]:
        counts[FREE_ROWS] -= 1
        return int(table.free[counts[FREE_ROWS]])
    counts[ROWS] += 1
    return int(counts[ROWS] - 1)


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _begins_anew(flow: Row, row: Ints, instant_ns: int) -> bool:
    """Tell whether a packet opens another connection of its five-tuple: a new SYN, or UDP after a pause."""
    if row[p.PROTOCOL] == p.UDP:
        return instant_ns - flow.last_ns > UDP_IDLE_NS
    if row[p.TCP_FLAGS] & (p.SYN | p.ACK) != p.SYN or not (flow.seen & END or flow.looked):
        return False
    again = (flow.seen & SRC_ISN and row[p.TCP_SEQ] == flow.src_isn) or (
        flow.seen & DST_ISN and row[p.TCP_SEQ] == flow.dst_isn
    )
    return not again


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _open(flow: Row, row: Ints, instant_ns: int) -> int:
    reverse = _is_answer(row)
    high, low = p.SRC_HIGH, p.DST_HIGH
    source, target = row[p.SRC_PORT], row[p.DST_PORT]
    if reverse:
        high, low, source, target = low, high, target, source
    flow.src_high, flow.src_low = row[high], row[high + 1]
    flow.dst_high, flow.dst_low = row[low], row[low + 1]
    flow.ends = source << 16 | target | row[p.PROTOCOL] << 32 | (row[p.VLAN] + 1) << 40
    flow.first_ns, flow.last_ns = instant_ns, instant_ns
    flow.src_bytes, flow.dst_bytes = 0, 0
    flow.src_packets, flow.dst_packets = 0, 0
    flow.desk, flow.block, flow.names = 0, 0, 0
    flow.kept, flow.sized, flow.seen, flow.follow, flow.looked = 0, 0, 0, UNDECIDED, 0
    return reverse


@njit(cache=True, nogil=True, _nrt=False)
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


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def count_packet(flow: Row, row: Ints, instant_ns: int, reverse: int) -> None:
    """Add a packet to the flow's counters."""
    flow.first_ns = min(flow.first_ns, instant_ns)
    flow.last_ns = max(flow.last_ns, instant_ns)
    if reverse:
        flow.dst_packets += 1
        flow.dst_bytes += row[p.IP_BYTES]
    else:
        flow.src_packets += 1
        flow.src_bytes += row[p.IP_BYTES]
    if row[p.PROTOCOL] == p.TCP:
        if row[p.TCP_FLAGS] & p.SYN:
            flow.seen |= OPENING | (DST_ISN if reverse else SRC_ISN)
            if reverse:
                flow.dst_isn = row[p.TCP_SEQ]
            else:
                flow.src_isn = row[p.TCP_SEQ]
        if row[p.TCP_FLAGS] & (p.FIN | p.RST):
            flow.seen |= END


@njit(cache=True, nogil=True, _nrt=False)
def begin_anew(flow: Row) -> None:
    """Set the counters to zero; the next packet will be the first."""
    flow.first_ns = NEVER_NS
    flow.src_packets, flow.dst_packets = 0, 0
    flow.src_bytes, flow.dst_bytes = 0, 0
    flow.seen &= ~OPENING
    flow.sized = FIRST_SIZES
    for n in range(FIRST_SIZES):
        flow.sizes[n] = 0


@njit(cache=True, nogil=True, _nrt=False)
def is_early(flow: Row, row: Ints, reverse: int) -> bool:
    """Tell whether payload comes before the one that follows the handshake."""
    if reverse:
        return flow.seen & DST_ISN > 0 and row[p.TCP_SEQ] != (np.int64(flow.dst_isn) + 1) & 0xFFFFFFFF
    return flow.seen & SRC_ISN > 0 and row[p.TCP_SEQ] != (np.int64(flow.src_isn) + 1) & 0xFFFFFFFF


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def note_size(flow: Row, size: int, reverse: int) -> None:
    """Keep the size of one of the first payloads; sizes beyond 32,767 count as that."""
    if flow.sized < FIRST_SIZES:
        size = min(size, 32767)
        flow.sizes[flow.sized] = -size if reverse else size
        flow.sized += 1


@njit(cache=True, nogil=True, _nrt=False)
def idle_rows(table: Table, now_ns: int, numbers: Numbers) -> int:
    """Write the rows of flows that are over at ``now_ns`` into ``numbers``; return how many."""
    found = 0
    for number in range(table.counts[ROWS]):
        flow = table.flows[number]
        if flow.seen & FREE:
            continue
        idle_ns = now_ns - flow.last_ns
        if flow.ends >> 32 & 0xFF == p.UDP:
            over = idle_ns > UDP_IDLE_NS
        elif flow.seen & (END | REPLACED):
            over = idle_ns > ENDED_IDLE_NS
        else:
            over = idle_ns > (HEARD_IDLE_NS if flow.follow == HEARD else TCP_IDLE_NS)
        if over or max(flow.src_packets, flow.dst_packets) > MOST_PACKETS:
            numbers[found] = number
            found += 1
    return found


@njit(cache=True, nogil=True, _nrt=False)
def release(table: Table, numbers: Numbers) -> None:
    """Give back the rows ``numbers`` and build the slots anew."""
    counts = table.counts
    for number in numbers:
        table.flows[number].seen = FREE
        table.free[counts[FREE_ROWS]] = number
        counts[FREE_ROWS] += 1
    rebuild_slots(table)
