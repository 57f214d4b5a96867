"""Blocks of the kernel's packet ring (AF_PACKET, TPACKET_V3) walked in numba.

A block is a piece of memory shared with the kernel: a header, then frames, each with a header of its own and
the offset of the next. The card or the kernel may have taken the outer VLAN tag out of a frame and written it
into the frame's header; it is put back, into the room that the ring reserves before each frame.

Source: Linux, Documentation/networking/packet_mmap.rst and include/uapi/linux/if_packet.h. Fields are in the
order of the machine, which is taken to be little endian.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.records import CAPTURED, LINK, OFFSET, ORIGINAL, TIME_NS

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

BLOCK_STATUS, BLOCK_PACKETS, BLOCK_FIRST = 8, 12, 16
"""Offsets in a block: who owns it (bit 0: the reader), number of frames, offset of the first."""

NEXT, LEFT = range(2)
"""Entries of ``walk``: position of the next frame in the ring, frames that are left in the block."""

FRAME_HEADER_BYTES = 48
ETHERNET_LINK = 1
_SECOND, _NANOSECOND, _SNAPPED, _LENGTH, _STATUS, _MAC, _TAG, _TAG_TYPE = 4, 8, 12, 16, 20, 24, 32, 36
_HAS_TAG, _HAS_TAG_TYPE = 0x10, 0x40
_SECOND_NS = 1_000_000_000
_ADDRESSES_BYTES, _TAG_BYTES = 12, 4


@njit(cache=True, nogil=True)
def _u16(data: Bytes, at: int) -> int:
    return (np.int64(data[at + 1]) << 8) | data[at]


@njit(cache=True, nogil=True)
def _u32(data: Bytes, at: int) -> int:
    return (_u16(data, at + 2) << 16) | _u16(data, at)


@njit(cache=True, nogil=True)
def enter_block(data: Bytes, at: int, walk: Ints) -> None:
    """Set ``walk`` (see ``NEXT``, ``LEFT``) to the first frame of the block at ``at``."""
    walk[NEXT] = at + _u32(data, at + BLOCK_FIRST)
    walk[LEFT] = _u32(data, at + BLOCK_PACKETS)


@njit(cache=True, nogil=True)
def walk_block(data: Bytes, end: int, link: int, walk: Ints, records: Ints) -> int:
    """Fill ``records`` (n, 5) from the frames that are left of the block ending at ``end``; return how many.

    ``link`` is the link type of the interface. ``walk`` is moved on; a frame that reaches beyond the block
    ends it.
    """
    count = 0
    while count < len(records) and walk[LEFT] > 0:
        at = walk[NEXT]
        if at + FRAME_HEADER_BYTES > end:
            walk[LEFT] = 0
            break
        start, captured, length = (
            at + _u16(data, at + _MAC),
            _u32(data, at + _SNAPPED),
            _u32(data, at + _LENGTH),
        )
        if start < at + FRAME_HEADER_BYTES or start + captured > end:
            walk[LEFT] = 0
            break
        if link == ETHERNET_LINK and _u32(data, at + _STATUS) & _HAS_TAG and captured >= _ADDRESSES_BYTES:
            start = _put_tag_back(data, at, start)
            captured, length = captured + _TAG_BYTES, length + _TAG_BYTES
        records[count, OFFSET] = start
        records[count, CAPTURED] = captured
        records[count, ORIGINAL] = length
        records[count, TIME_NS] = _u32(data, at + _SECOND) * _SECOND_NS + _u32(data, at + _NANOSECOND)
        records[count, LINK] = link
        count += 1
        step = _u32(data, at)
        walk[LEFT] = walk[LEFT] - 1 if step >= FRAME_HEADER_BYTES else 0
        walk[NEXT] = at + step
    return count


@njit(cache=True, nogil=True)
def _put_tag_back(data: Bytes, at: int, start: int) -> int:
    """Move the two addresses of a frame to the front and write the tag behind them; return the new start."""
    kind = _u16(data, at + _TAG_TYPE) if _u32(data, at + _STATUS) & _HAS_TAG_TYPE else 0x8100
    tag = _u32(data, at + _TAG)
    moved = start - _TAG_BYTES
    for n in range(_ADDRESSES_BYTES):
        data[moved + n] = data[start + n]
    behind = moved + _ADDRESSES_BYTES
    data[behind], data[behind + 1] = kind >> 8, kind & 0xFF
    data[behind + 2], data[behind + 3] = (tag >> 8) & 0xFF, tag & 0xFF
    return moved
