"""Record boundaries of capture files: classic pcap and pcapng, walked in numba.

A walk looks at ``data[position:limit]``, a window of the file, and writes one row of ``records`` a packet.
It returns (packets found, position of the next unread byte, status). ``position`` may lie beyond ``limit``
where an unimportant block is longer than the window; the caller skips to it.

Sources: https://www.tcpdump.org/manpages/pcap-savefile.5.html, draft-ietf-opsawg-pcapng.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.traffic.loads import be32, le32

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

OFFSET, CAPTURED, ORIGINAL, TIME_NS, LINK = range(5)
"""Columns of ``records``: offset in the window, captured and original length, ns since 1970, link type."""

RECORD_COLUMNS = 5

MORE, FULL, DAMAGED = range(3)
"""Status: more bytes are needed, ``records`` is full, the bytes at ``position`` are no record."""

SWAPPED, INTERFACES, LAST_NS = range(3)
"""Entries of the pcapng ``state``: byte order differs from little endian, interfaces known, last time."""

IF_LINK, IF_SNAP, IF_POWER, IF_BINARY, IF_OFFSET_S = range(5)
"""Columns of the pcapng ``interfaces``: link type, snap length, resolution exponent and base, offset."""

MAX_INTERFACES = 256
MAX_RECORD = 1 << 20
"""Longest packet record believed, bytes; libpcap writes at most 256 KiB."""

KIND, BIG_ENDIAN, TICK_NS, LINK_TYPE, HEADER_BYTES = range(5)
"""Entries of a ``Form.head``: PCAP or PCAPNG; of pcap also whether it is big endian, ns of one unit of its
times, link type, bytes of the header of a record (16; 24 in Kuznetzov's form)."""

PCAP, PCAPNG = range(2)

_SECTION, _INTERFACE, _PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_SECOND_NS = 1_000_000_000


class Form(NamedTuple):
    """What is known of the form of a file, and what a walk carries over from window to window.

    ``head`` (5) as the columns above; ``state`` (3) and ``interfaces`` (256, 5) are pcapng's.
    """

    head: Ints
    state: Ints
    interfaces: Ints


def new_form(head: tuple[int, int, int, int, int]) -> Form:
    """Return the form of a file that begins."""
    return Form(np.array(head, np.int64), np.zeros(3, np.int64), np.zeros((MAX_INTERFACES, 5), np.int64))


@njit(cache=True, nogil=True, _nrt=False)
def _u16(data: Bytes, at: int, swapped: int) -> int:
    first, second = np.int64(data[np.uint64(at)]), np.int64(data[np.uint64(at + 1)])
    return int(first << 8 | second if swapped else second << 8 | first)


@njit(cache=True, nogil=True, _nrt=False)
def _u32(data: Bytes, at: int, swapped: int) -> int:
    return be32(data, at) if swapped else le32(data, at)


@njit(cache=True, nogil=True, _nrt=False)
def walk(data: Bytes, window: Ints, form: Form, records: Ints) -> tuple[int, int, int]:
    """Walk a file of either form."""
    if form.head[KIND] == PCAPNG:
        return walk_pcapng(data, window, form.state, form.interfaces, records)
    return walk_pcap(data, window, form.head, records)


@njit(cache=True, nogil=True, _nrt=False)
def walk_pcap(data: Bytes, window: Ints, head: Ints, records: Ints) -> tuple[int, int, int]:
    """Walk classic pcap records. ``window`` is (position, limit), ``head`` that of a ``Form``."""
    position, limit = window[0], window[1]
    swapped, tick_ns, link, header = head[BIG_ENDIAN], head[TICK_NS], head[LINK_TYPE], head[HEADER_BYTES]
    count = 0
    while count < len(records):
        if position + header > limit:
            return count, position, MORE
        captured = _u32(data, position + 8, swapped)
        fraction_ns = _u32(data, position + 4, swapped) * tick_ns
        if captured > MAX_RECORD or fraction_ns >= 2 * _SECOND_NS:
            return count, position, DAMAGED
        if position + header + captured > limit:
            return count, position, MORE
        records[count, OFFSET] = position + header
        records[count, CAPTURED] = captured
        records[count, ORIGINAL] = _u32(data, position + 12, swapped)
        records[count, TIME_NS] = _u32(data, position, swapped) * _SECOND_NS + fraction_ns
        records[count, LINK] = link
        count += 1
        position += header + captured
    return count, position, FULL


@njit(cache=True, nogil=True, _nrt=False)
def walk_pcapng(  # noqa: C901, PLR0911, PLR0912 - one loop over block kinds
    data: Bytes, window: Ints, state: Ints, interfaces: Ints, records: Ints
) -> tuple[int, int, int]:
    """Walk pcapng blocks; ``state`` and ``interfaces`` carry over from window to window.

    Enhanced, simple and (obsolete) packet blocks give records; other blocks are skipped.
    """
    position, limit = window[0], window[1]
    count = 0
    while count < len(records):
        if position + 12 > limit:
            return count, position, MORE
        kind = _u32(data, position, state[SWAPPED])
        if kind == _SECTION and not _open_section(data, position, state):
            return count, position, DAMAGED
        length = _u32(data, position + 4, state[SWAPPED])
        if length < 12 or length % 4:
            return count, position, DAMAGED
        if kind in (_SECTION, _INTERFACE, _PACKET, _SIMPLE, _ENHANCED):
            if length > MAX_RECORD:
                return count, position, DAMAGED
            if position + length > limit:
                return count, position, MORE
        if position + length <= limit and _u32(data, position + length - 4, state[SWAPPED]) != length:
            return count, position, DAMAGED  # the length stands at both ends of a block
        if kind == _INTERFACE:
            if not _add_interface(data, position, length, state, interfaces):
                return count, position, DAMAGED
        elif kind in (_PACKET, _SIMPLE, _ENHANCED):
            if not _take_packet(data, position, length, state, interfaces, records[count]):
                return count, position, DAMAGED
            count += 1
        position += length
        if position > limit:
            return count, position, MORE
    return count, position, FULL


@njit(cache=True, nogil=True, _nrt=False)
def _open_section(data: Bytes, position: int, state: Ints) -> bool:
    magic = _u32(data, position + 8, 0)
    if magic not in (0x1A2B3C4D, 0x4D3C2B1A):
        return False
    state[SWAPPED] = magic == 0x4D3C2B1A
    state[INTERFACES] = 0
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _add_interface(data: Bytes, position: int, length: int, state: Ints, interfaces: Ints) -> bool:
    number = state[INTERFACES]
    if length < 20 or number >= len(interfaces):
        return False
    swapped = state[SWAPPED]
    row = interfaces[number]
    row[IF_LINK] = _u16(data, position + 8, swapped)
    row[IF_SNAP] = _u32(data, position + 12, swapped)
    row[IF_POWER], row[IF_BINARY], row[IF_OFFSET_S] = 6, 0, 0
    at, end = position + 16, position + length - 4
    while at + 4 <= end:
        code, size = _u16(data, at, swapped), _u16(data, at + 2, swapped)
        if code == 0 or at + 4 + size > end:
            break
        if code == 9 and size >= 1:
            row[IF_POWER], row[IF_BINARY] = data[at + 4] & 0x7F, data[at + 4] >> 7
        elif code == 14 and size >= 8:
            low, high = _u32(data, at + 4, swapped), _u32(data, at + 8, swapped)
            row[IF_OFFSET_S] = (low << 32 | high) if swapped else (high << 32 | low)
        at += 4 + ((size + 3) & ~3)
    state[INTERFACES] = number + 1
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _take_packet(
    data: Bytes, position: int, length: int, state: Ints, interfaces: Ints, record: Ints
) -> bool:
    swapped = state[SWAPPED]
    if _u32(data, position, swapped) == _SIMPLE:
        return _take_simple(data, position, length, state, interfaces, record)
    if length < 32:
        return False
    if _u32(data, position, swapped) == _ENHANCED:
        interface = _u32(data, position + 8, swapped)
    else:
        interface = _u16(data, position + 8, swapped)
    captured = _u32(data, position + 20, swapped)
    if interface >= state[INTERFACES] or captured > length - 32:
        return False
    ticks = (_u32(data, position + 12, swapped) << 32) | _u32(data, position + 16, swapped)
    record[OFFSET] = position + 28
    record[CAPTURED] = captured
    record[ORIGINAL] = _u32(data, position + 24, swapped)
    record[TIME_NS] = _instant_ns(ticks, interfaces[interface])
    record[LINK] = interfaces[interface, IF_LINK]
    state[LAST_NS] = record[TIME_NS]
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _take_simple(
    data: Bytes, position: int, length: int, state: Ints, interfaces: Ints, record: Ints
) -> bool:
    if length < 16 or state[INTERFACES] == 0:
        return False
    original = _u32(data, position + 8, state[SWAPPED])
    captured = min(original, length - 16)
    if interfaces[0, IF_SNAP]:
        captured = min(captured, interfaces[0, IF_SNAP])
    record[OFFSET] = position + 12
    record[CAPTURED] = captured
    record[ORIGINAL] = original
    record[TIME_NS] = state[LAST_NS]  # a simple block has no time: that of the packet before it
    record[LINK] = interfaces[0, IF_LINK]
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _instant_ns(ticks: int, interface: Ints) -> int:
    power = interface[IF_POWER]
    if interface[IF_BINARY]:
        power = min(power, 62)
        whole = ticks >> power
        part, shift = ticks - (whole << power), power
        if shift > 32:
            part, shift = part >> (shift - 32), 32
        result = whole * _SECOND_NS + ((part * _SECOND_NS) >> shift)
    elif power <= 9:
        result = ticks * 10 ** (9 - power)
    else:
        result = ticks // 10 ** min(power - 9, 18)
    return result + interface[IF_OFFSET_S] * _SECOND_NS
