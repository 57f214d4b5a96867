"""Blocks of the kernel's packet ring (AF_PACKET, TPACKET_V3), copied out as records of a pcap file.

A block is a piece of memory shared with the kernel: a header, then frames, each with a header of its own and
the offset of the next. The card or the kernel may have taken the outer VLAN tag out of a frame and written it
into the frame's header; it is put back.

Source: Linux, Documentation/networking/packet_mmap.rst and include/uapi/linux/if_packet.h. Fields are in the
order of the machine, which is taken to be little endian.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

Bytes = npt.NDArray[np.uint8]

BLOCK_STATUS = 8
"""Offset in a block of the word that says who owns it (bit 0: the reader)."""

ETHERNET_LINK = 1
_PACKETS, _FIRST = 12, 16
_SECOND, _NANOSECOND, _SNAPPED, _LENGTH, _STATUS, _MAC, _TAG, _TAG_TYPE = 4, 8, 12, 16, 20, 24, 32, 36
_FRAME_HEADER_BYTES, _RECORD_HEADER_BYTES, _ADDRESSES_BYTES, _TAG_BYTES = 48, 16, 12, 4
_HAS_TAG, _HAS_TAG_TYPE = 0x10, 0x40


@njit(cache=True, nogil=True)
def _u16(data: Bytes, at: int) -> int:
    return (np.int64(data[at + 1]) << 8) | data[at]


@njit(cache=True, nogil=True)
def _u32(data: Bytes, at: int) -> int:
    return (_u16(data, at + 2) << 16) | _u16(data, at)


@njit(cache=True, nogil=True)
def copy_block(block: Bytes, link: int, out: Bytes) -> int:
    """Write the frames of ``block`` into ``out`` as little-endian pcap records with nanoseconds.

    ``link`` is the link type of the interface, ``out`` at least as long as the block (a record is shorter
    than its frame). Returns the bytes written. A frame that reaches beyond the block ends it.
    """
    at, left, filled = _u32(block, _FIRST), _u32(block, _PACKETS), 0
    while left > 0 and at + _FRAME_HEADER_BYTES <= len(block):
        start, captured = at + _u16(block, at + _MAC), _u32(block, at + _SNAPPED)
        if start < at + _FRAME_HEADER_BYTES or start + captured > len(block):
            break
        is_tagged = link == ETHERNET_LINK and _u32(block, at + _STATUS) & _HAS_TAG != 0
        tag_bytes = _TAG_BYTES if is_tagged and captured >= _ADDRESSES_BYTES else 0
        if filled + _RECORD_HEADER_BYTES + tag_bytes + captured > len(out):
            break
        out[filled : filled + 8] = block[at + _SECOND : at + _SECOND + 8]
        _put32(out, filled + 8, captured + tag_bytes)
        _put32(out, filled + 12, _u32(block, at + _LENGTH) + tag_bytes)
        filled += _RECORD_HEADER_BYTES
        if tag_bytes:
            out[filled : filled + _ADDRESSES_BYTES] = block[start : start + _ADDRESSES_BYTES]
            _put_tag(block, at, out, filled + _ADDRESSES_BYTES)
            filled += _ADDRESSES_BYTES + _TAG_BYTES
            start, captured = start + _ADDRESSES_BYTES, captured - _ADDRESSES_BYTES
        out[filled : filled + captured] = block[start : start + captured]
        filled += captured
        step = _u32(block, at)
        left = left - 1 if step >= _FRAME_HEADER_BYTES else 0  # the last frame has no next
        at += step
    return filled


@njit(cache=True, nogil=True)
def _put32(out: Bytes, at: int, value: int) -> None:
    for n in range(4):
        out[at + n] = (value >> (8 * n)) & 0xFF


@njit(cache=True, nogil=True)
def _put_tag(block: Bytes, frame: int, out: Bytes, at: int) -> None:
    has_kind = _u32(block, frame + _STATUS) & _HAS_TAG_TYPE
    kind = _u16(block, frame + _TAG_TYPE) if has_kind else 0x8100
    tag = _u32(block, frame + _TAG)
    out[at], out[at + 1] = kind >> 8, kind & 0xFF
    out[at + 2], out[at + 3] = (tag >> 8) & 0xFF, tag & 0xFF
