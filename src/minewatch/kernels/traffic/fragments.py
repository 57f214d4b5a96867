"""IP datagrams put together from their fragments, within fixed memory, in numba.

Pieces of ``MOST_DATAGRAMS`` datagrams are kept at once, in places of 64 KiB each. What was seen first of a
byte stays: no later piece rewrites an earlier one. A datagram is whole when every byte was on the wire; what
the capture cut off stays missing, as in any packet. One that never becomes whole is given up when its place
is needed, when its identification comes again after ``PATIENCE_NS``, or at the end: what is there from its
beginning is decoded like a packet that was cut.

A whole datagram is written into the last ``SCRATCH_BYTES`` of ``data``, without options and extension
headers, and decoded there, so that all positions of a pass are positions in ``data``. It counts as one
packet.

Sources: RFC 791 §3.2, RFC 8200 §4.5, RFC 6946 (atomic fragments), RFC 5722 (overlaps).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.traffic import packets as p
from minewatch.kernels.traffic.records import CAPTURED, LINK, OFFSET, ORIGINAL, RECORD_COLUMNS, TIME_NS

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

MOST_DATAGRAMS = 512
PATIENCE_NS = 30 * 1_000_000_000
SCRATCH_BYTES = 1 << 19
NO_ROOM = -1
"""Instead of a status: the scratch is used up; nothing was taken."""

_PIECES, _SRC_HIGH, _SRC_LOW, _DST_HIGH, _DST_LOW, _ID = range(6)
_FIRST_NS, _LAST_NS, _END, _TOTAL, _SEEN, _PROTOCOL, _VLAN = range(6, 13)
"""Columns of ``places``: pieces (0: free), key, times, furthest byte, length (-1 unknown), units of eight
bytes seen, protocol, tag."""

_WAYS = 8
_SECOND_NS = 1_000_000_000
_MOST_BYTES = 65535 - 20
_UNITS = 8192
_MOST_LAYERS = 4
_ROOM = _MOST_LAYERS * (_MOST_BYTES + 41)


class Joints(NamedTuple):
    """Pieces of datagrams that are not whole yet, and counts of all packets.

    ``places`` (512, 13) one row a datagram, ``payload`` (512, 65536) its bytes, ``units`` (512, 8192) of each
    eight bytes 0 where not seen, else 1 + the bytes captured. ``whole`` is a record row, ``used`` the bytes
    used of the scratch and the tag of what was written there last. ``counts`` (5) are packets by status; of
    FRAGMENT those that were given up.
    ``links`` marks the link types of packets without IP.
    """

    places: Ints
    payload: Bytes
    units: Bytes
    whole: Ints
    used: Ints
    counts: Ints
    links: Bytes


def new_joints() -> Joints:
    """Return empty joints; of their 36 MB only what fragments touch is real memory."""
    return Joints(
        np.zeros((MOST_DATAGRAMS, 13), np.int64),
        np.zeros((MOST_DATAGRAMS, _UNITS * 8), np.uint8),
        np.zeros((MOST_DATAGRAMS, _UNITS), np.uint8),
        np.zeros(RECORD_COLUMNS, np.int64),
        np.zeros(2, np.int64),
        np.zeros(p.STATUSES, np.int64),
        np.zeros(1 << 16, np.uint8),
    )


@njit(cache=True, nogil=True, _nrt=False)
def decode(data: Bytes, records: Ints, fields: Ints, joints: Joints) -> int:
    """Decode packets of ``records`` (n, 5), each into its row of ``fields`` (at least n, 15).

    Returns how many were taken: less than all where the scratch is used up. Each call begins it anew.
    """
    joints.used[0] = 0
    for n in range(len(records)):
        if decode_whole(data, records[n], fields[n], joints) == NO_ROOM:
            return n
    return len(records)


@njit(cache=True, nogil=True, _nrt=False)
def decode_whole(data: Bytes, record: Ints, row: Ints, joints: Joints) -> int:
    """Decode the packet of ``record``, or the datagram that it makes whole, into ``row``; return the status.

    A piece of a datagram that is not whole yet has the status FRAGMENT. Where it takes the place of another
    datagram, the row is that other one's, and the record's time is set to that of its last piece.
    """
    status = p.decode_one(data, record, row)
    if status == p.FRAGMENT:
        status = _join(data, record, row, joints)
        if status in (NO_ROOM, p.FRAGMENT):
            return status
    joints.counts[status] += 1
    if status == p.NOT_IP:
        joints.links[np.uint64(record[LINK] & 0xFFFF)] = 1
    return status


@njit(cache=True, nogil=True, _nrt=False)
def release(data: Bytes, limit: int, joints: Joints) -> int:
    """Give up kept datagrams: write them as records of a pcap file into ``data[:limit]``, at least 66,000.

    The file is little endian, in nanoseconds, of raw IP. Returns the bytes written; call until it is 0.
    """
    at = 0
    for number in range(len(joints.places)):
        if at + 16 + _MOST_BYTES + 41 > limit:
            break
        if joints.places[number, _PIECES] and _give_up(data, at + 16, number, joints):
            whole = joints.whole
            _put_little(data, at, whole[TIME_NS] // _SECOND_NS)
            _put_little(data, at + 4, whole[TIME_NS] % _SECOND_NS)
            _put_little(data, at + 8, whole[CAPTURED])
            _put_little(data, at + 12, whole[ORIGINAL])
            at += 16 + whole[CAPTURED]
    return at


@njit(cache=True, nogil=True, _nrt=False)
def _join(data: Bytes, record: Ints, row: Ints, joints: Joints) -> int:
    """Take a piece; decode the datagram that comes out of it, which may be a piece of an inner one again."""
    if joints.used[0] + _ROOM > SCRATCH_BYTES:
        return NO_ROOM
    for _ in range(_MOST_LAYERS):
        if not _take_piece(data, record[TIME_NS], row, joints):
            break
        record[TIME_NS] = joints.whole[TIME_NS]
        p.decode_one(data, joints.whole, row)
        row[p.VLAN] = joints.used[1]
        if row[p.STATUS] != p.FRAGMENT:
            break
    return int(row[p.STATUS])


@njit(cache=True, nogil=True, _nrt=False)
def _take_piece(data: Bytes, at_ns: int, row: Ints, joints: Joints) -> bool:
    """Keep the piece in ``row``; tell whether a datagram was written to the scratch, as ``whole`` says.

    Sets the status CUT where the piece cannot be part of a datagram.
    """
    offset, length = row[p.FRAGMENT_PLACE] & ~7, row[p.PAYLOAD_LENGTH]
    is_last = not row[p.FRAGMENT_PLACE] & 1
    if length <= 0 or offset + length > _MOST_BYTES or (not is_last and length & 7):
        row[p.STATUS] = p.CUT
        return False
    number, is_same = _place_of(row, at_ns, joints.places)
    place = joints.places[number]
    scratch = len(data) - SCRATCH_BYTES + joints.used[0]
    written = 0
    if not is_same:
        if place[_PIECES]:
            written = _give_up(data, scratch, number, joints)
        _open(place, row, at_ns)
    elif not _fits(place, offset + length, is_last):
        row[p.STATUS] = p.CUT
        return False
    _put_in(data, row, number, joints)
    place[_LAST_NS] = at_ns
    place[_PIECES] += 1
    place[_END] = max(place[_END], offset + length)
    if is_last:
        place[_TOTAL] = offset + length
    if place[_TOTAL] >= 0 and place[_SEEN] == (place[_TOTAL] + 7) >> 3:
        written = _write_out(data, scratch, number, joints)
    joints.used[0] += written
    return written > 0


@njit(cache=True, nogil=True, _nrt=False)
def _place_of(row: Ints, at_ns: int, places: Ints) -> tuple[int, bool]:
    """Return the place of the datagram of a piece, and whether it is there; else one for it."""
    mixed = np.uint64(row[p.SRC_LOW] + 31 * row[p.DST_LOW] + 961 * row[p.FRAGMENT_ID] + row[p.SRC_HIGH])
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    start = int(mixed >> np.uint64(40)) % (MOST_DATAGRAMS // _WAYS) * _WAYS
    oldest = start
    for number in range(start, start + _WAYS):
        place = places[number]
        if place[_PIECES] and _is_of(place, row):
            return number, 0 <= at_ns - place[_FIRST_NS] <= PATIENCE_NS
        if _age(place) < _age(places[oldest]):
            oldest = number
    return oldest, False


@njit(cache=True, nogil=True, _nrt=False)
def _age(place: Ints) -> int:
    return int(place[_LAST_NS]) if place[_PIECES] else -1 << 62


@njit(cache=True, nogil=True, _nrt=False)
def _is_of(place: Ints, row: Ints) -> bool:
    return bool(
        place[_ID] == row[p.FRAGMENT_ID]
        and place[_SRC_LOW] == row[p.SRC_LOW]
        and place[_DST_LOW] == row[p.DST_LOW]
        and place[_SRC_HIGH] == row[p.SRC_HIGH]
        and place[_DST_HIGH] == row[p.DST_HIGH]
    )


@njit(cache=True, nogil=True, _nrt=False)
def _open(place: Ints, row: Ints, at_ns: int) -> None:
    place[_PIECES], place[_SEEN], place[_END], place[_TOTAL], place[_PROTOCOL] = 0, 0, 0, -1, -1
    place[_SRC_HIGH], place[_SRC_LOW] = row[p.SRC_HIGH], row[p.SRC_LOW]
    place[_DST_HIGH], place[_DST_LOW] = row[p.DST_HIGH], row[p.DST_LOW]
    place[_ID], place[_FIRST_NS], place[_VLAN] = row[p.FRAGMENT_ID], at_ns, row[p.VLAN]


@njit(cache=True, nogil=True, _nrt=False)
def _fits(place: Ints, end: int, is_last: bool) -> bool:
    """Tell whether a piece that ends at ``end`` agrees with the length that is known, or is seen at least."""
    if is_last:
        return bool(place[_END] <= end and place[_TOTAL] in (-1, end))
    return bool(place[_TOTAL] < 0 or end <= place[_TOTAL])


@njit(cache=True, nogil=True, _nrt=False)
def _put_in(data: Bytes, row: Ints, number: int, joints: Joints) -> None:
    offset, length = row[p.FRAGMENT_PLACE] & ~7, row[p.PAYLOAD_LENGTH]
    place, units, payload = joints.places[number], joints.units[number], joints.payload[number]
    if offset == 0 or place[_PROTOCOL] < 0:
        place[_PROTOCOL] = row[p.PROTOCOL]
    source, captured = row[p.PAYLOAD_AT] - offset, offset + row[p.PAYLOAD_CAPTURED]
    for unit in range(offset >> 3, (offset + length + 7) >> 3):
        if units[unit]:
            continue
        place[_SEEN] += 1
        stop = min(8 * unit + 8, captured)
        units[unit] = 1 + max(stop - 8 * unit, 0)
        _copy(data, source + 8 * unit, payload, 8 * unit, stop - 8 * unit)


@njit(cache=True, nogil=True, _nrt=False)
def _give_up(data: Bytes, at: int, number: int, joints: Joints) -> int:
    place = joints.places[number]
    joints.counts[p.FRAGMENT] += place[_PIECES]
    if place[_TOTAL] < 0:
        place[_TOTAL] = place[_END]
    return _write_out(data, at, number, joints)


@njit(cache=True, nogil=True, _nrt=False)
def _write_out(data: Bytes, at: int, number: int, joints: Joints) -> int:
    """Write a datagram to ``at`` as far as it is there, free its place; return its size."""
    place, units, payload = joints.places[number], joints.units[number], joints.payload[number]
    head = _header(data, at, place)
    size = 0
    for unit in range((place[_END] + 7) >> 3):
        if size == 8 * unit and units[unit]:
            size += units[unit] - 1
        units[unit] = 0
    _copy(payload, 0, data, at + head, size)
    whole = joints.whole
    whole[OFFSET], whole[CAPTURED], whole[ORIGINAL] = at, head + size if size else 0, head + place[_TOTAL]
    whole[TIME_NS], whole[LINK] = place[_LAST_NS], p.RAW_IP
    joints.used[1] = place[_VLAN]
    place[_PIECES] = 0
    return int(whole[CAPTURED])


@njit(cache=True, nogil=True, _nrt=False)
def _header(data: Bytes, at: int, place: Ints) -> int:
    """Write the IP header of a whole datagram; return its length."""
    if place[_SRC_HIGH] == 0 and place[_SRC_LOW] >> 32 == 0xFFFF:
        _put(data, at, 4, 0x45 << 24 | (20 + place[_TOTAL]))
        _put(data, at + 4, 4, 0)
        _put(data, at + 8, 4, 64 << 24 | place[_PROTOCOL] << 16)
        _put(data, at + 12, 4, place[_SRC_LOW])
        _put(data, at + 16, 4, place[_DST_LOW])
        return 20
    _put(data, at, 4, 6 << 28)
    _put(data, at + 4, 4, place[_TOTAL] << 16 | place[_PROTOCOL] << 8 | 64)
    for n in range(4):
        _put(data, at + 8 + 8 * n, 8, place[_SRC_HIGH + n])
    return 40


@njit(cache=True, nogil=True, _nrt=False)
def _copy(data: Bytes, at: int, target: Bytes, to: int, size: int) -> None:
    for n in range(size):
        target[np.uint64(to + n)] = data[np.uint64(at + n)]


@njit(cache=True, nogil=True, _nrt=False)
def _put(data: Bytes, at: int, size: int, value: int) -> None:
    for n in range(size):
        data[at + n] = (value >> (8 * (size - 1 - n))) & 0xFF


@njit(cache=True, nogil=True, _nrt=False)
def _put_little(data: Bytes, at: int, value: int) -> None:
    for n in range(4):
        data[at + n] = (value >> (8 * n)) & 0xFF
