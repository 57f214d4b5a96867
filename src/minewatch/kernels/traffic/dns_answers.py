"""Addresses in DNS responses, noted with the name that was asked (RFC 1035 §4); numba."""

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.traffic import packets as p
from minewatch.kernels.traffic.loads import be16, be32, be64
from minewatch.kernels.traffic.name_store import MAX_NAME, TEXT_BYTES, NameStore, intern, note_answer

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

PORT = 53
_MOST_ANSWERS = 16
_MAPPED = 0xFFFF << 32


@njit(cache=True, nogil=True, _nrt=False)
def note_answers(data: Bytes, row: Ints, instant_ns: int, names: NameStore) -> None:
    """Note each address in a response to one question for the client that asked."""
    at = row[p.PAYLOAD_AT]
    end = at + row[p.PAYLOAD_CAPTURED]
    if at + 12 > end or not data[at + 2] & 0x80 or be16(data, at + 4) != 1:
        return
    answers = min(be16(data, at + 6), _MOST_ANSWERS)
    if answers == 0 or names.counts[TEXT_BYTES] + 2 * MAX_NAME > len(names.text):
        return
    size = _question(data, at + 12, end, names.text, names.counts[TEXT_BYTES])
    name = intern(names.text, names.counts[TEXT_BYTES], size, names) if size else 0
    if name == 0:
        return
    position = _skip_name(data, at + 12, end) + 4
    for _ in range(answers):
        position = _skip_name(data, position, end)
        if position + 10 > end:
            break
        kind, length = be16(data, position), be16(data, position + 8)
        position += 10
        if position + length > end:
            break
        if kind == 1 and length == 4:
            server = (np.int64(0), be32(data, position) | _MAPPED)
            note_answer((row[p.DST_HIGH], row[p.DST_LOW], server[0], server[1]), instant_ns, name, names)
        elif kind == 28 and length == 16:
            server = (be64(data, position), be64(data, position + 8))
            note_answer((row[p.DST_HIGH], row[p.DST_LOW], server[0], server[1]), instant_ns, name, names)
        position += length


@njit(cache=True, nogil=True, _nrt=False)
def _skip_name(data: Bytes, at: int, end: int) -> int:
    while at < end:
        size = int(data[at])
        if size >= 0xC0:
            return at + 2
        at += 1 + size
        if size == 0:
            return at
    return end + 1


@njit(cache=True, nogil=True, _nrt=False)
def _question(data: Bytes, at: int, end: int, text: Bytes, text_at: int) -> int:
    """Write the asked name with dots into ``text`` and return its length; 0 where it is odd."""
    written = 0
    while at < end and data[at] != 0:
        size = int(data[at])
        if size > 63 or at + 1 + size > end or written + size + 1 > MAX_NAME:
            return 0
        if written:
            text[text_at + written] = 0x2E
            written += 1
        for n in range(at + 1, at + 1 + size):
            text[text_at + written] = data[n]
            written += 1
        at += 1 + size
    return written
