"""What the first payload bytes of a flow are, and the server names in them: SNI, Host, DNS answers; numba.

Sources: RFC 8446 §4.1.2 and RFC 6066 §3 (server_name), RFC 9110 §7.2 (Host), RFC 1035 §4 (DNS).
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels import packets as p

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

NOTHING, JSON, POST, GET, HELLO, DNS = range(6)
"""Kinds of opening: no text of interest, JSON, an HTTP request with a body, one without, a TLS client hello.

As the kind of a name event: POST and GET for a Host header, HELLO for an SNI, DNS for an answer.
"""

KIND, FLOW, INSTANT_NS, CLIENT_HIGH, CLIENT_LOW, SERVER_HIGH, SERVER_LOW, TEXT_AT, TEXT_SIZE = range(9)
"""Columns of a name event; addresses are set for DNS only: who asked, and the address of the answer."""

NAME_COLUMNS = 9

_MAX_NAME = 253
_MAX_ANSWERS = 16
_SPACE, _QUOTE, _BRACE, _BRACKET = 0x20, 0x22, 0x7B, 0x5B


def _pattern(text: str) -> Bytes:
    return np.frombuffer(text.encode(), np.uint8).copy()


_METHOD = _pattern('"method"')
_RESULT = _pattern('"result"')
_HOST = _pattern("\nhost:")


@njit(cache=True, nogil=True)
def _u16(data: Bytes, at: int) -> int:
    return (np.int64(data[at]) << 8) | data[at + 1]


@njit(cache=True, nogil=True)
def _lower(byte: int) -> int:
    return byte | 0x20 if 0x41 <= byte <= 0x5A else byte


@njit(cache=True, nogil=True)
def find(data: Bytes, at: int, end: int, pattern: Bytes) -> int:
    """Return the first position in ``data[at:end]`` of lower-case ``pattern`` in any case, or -1."""
    first = pattern[0]
    for start in range(at, end - len(pattern) + 1):
        if _lower(data[start]) != first:
            continue
        same = 1
        while same < len(pattern) and _lower(data[start + same]) == pattern[same]:
            same += 1
        if same == len(pattern):
            return start
    return -1


@njit(cache=True, nogil=True)
def opening_of(  # noqa: PLR0911 - a table of openings
    data: Bytes, at: int, size: int
) -> tuple[int, int, int]:
    """Classify payload: (kind, position of the server name in it, its length; 0 without a name)."""
    end = at + size
    if size >= 11 and data[at] == 0x16 and data[at + 1] == 3 and data[at + 5] == 1:
        name_at, name_size = find_sni(data, at, size)
        return HELLO, name_at, name_size
    start = at
    while start < end and data[start] in (_SPACE, 9, 10, 13):
        start += 1
    if start + 8 > end:
        return NOTHING, at, 0
    if data[start] in (_BRACE, _BRACKET):
        return (JSON if _is_json(data, start, end) else NOTHING), at, 0
    verb = _http_verb(data, start)
    if verb != NOTHING:
        name_at, name_size = _host_of(data, start, end)
        return verb, name_at, name_size
    for n in range(start, start + 8):
        if not 0x20 <= data[n] < 0x7F:
            return NOTHING, at, 0
    # a line joined in its middle
    if find(data, start, end, _METHOD) >= 0 or find(data, start, end, _RESULT) >= 0:
        return JSON, at, 0
    return NOTHING, at, 0


@njit(cache=True, nogil=True)
def _is_json(data: Bytes, start: int, end: int) -> bool:
    for n in range(start + 1, end):
        if data[n] in (_SPACE, 9, 10, 13):
            continue
        return data[n] == _QUOTE or (data[start] == _BRACKET and data[n] == _BRACE)
    return False


@njit(cache=True, nogil=True)
def _http_verb(data: Bytes, at: int) -> int:
    first, second, third, fourth = data[at], data[at + 1], data[at + 2], data[at + 3]
    if first == 0x50 and second == 0x4F and third == 0x53 and fourth == 0x54 and data[at + 4] == _SPACE:
        return POST
    if first == 0x47 and second == 0x45 and third == 0x54 and fourth == _SPACE:
        return GET
    if first == 0x43 and second == 0x4F and third == 0x4E and fourth == 0x4E:  # CONNECT through a proxy
        return GET
    if first == 0x48 and second == 0x45 and third == 0x41 and fourth == 0x44:
        return GET
    return NOTHING


@njit(cache=True, nogil=True)
def _host_of(data: Bytes, at: int, end: int) -> tuple[int, int]:
    found = find(data, at, end, _HOST)
    if found < 0:
        return at, 0
    start = found + len(_HOST)
    while start < end and data[start] == _SPACE:
        start += 1
    stop = start
    while stop < end and 0x20 < data[stop] < 0x7F:
        stop += 1
    return start, (stop - start if stop < end and stop - start <= _MAX_NAME else 0)


@njit(cache=True, nogil=True)
def find_sni(data: Bytes, at: int, size: int) -> tuple[int, int]:
    """Return (position, length) of the server name in a TLS client hello; length 0 where it is not there."""
    end = at + size
    position = at + 43  # record, handshake, version, random
    if position + 1 > end:
        return at, 0
    position += 1 + data[position]  # session id
    if position + 2 > end:
        return at, 0
    position += 2 + _u16(data, position)  # cipher suites
    if position + 1 > end:
        return at, 0
    position += 1 + data[position] + 2  # compression, length of extensions
    while position + 4 <= end:
        kind, length = _u16(data, position), _u16(data, position + 2)
        if kind == 0:
            start = position + 9
            if start > end:
                return at, 0
            name_size = _u16(data, start - 2)
            return start, (name_size if start + name_size <= end and name_size <= _MAX_NAME else 0)
        position += 4 + length
    return at, 0


@njit(cache=True, nogil=True)
def store_name(
    data: Bytes, where: tuple[int, int], event: tuple[int, int, int], names: tuple[Ints, Bytes], filled: Ints
) -> None:
    """Append a name event (kind, flow, time) with its text in lower case; odd characters drop the event."""
    events, text = names
    at, size = where
    for n in range(size):
        byte = data[at + n]
        if not 0x20 < byte < 0x7F:
            return
        text[filled[2] + n] = _lower(byte)
    row = events[filled[1]]
    row[:] = 0
    row[KIND], row[FLOW], row[INSTANT_NS] = event[0], event[1], event[2]
    row[TEXT_AT], row[TEXT_SIZE] = filled[2], size
    filled[1] += 1
    filled[2] += size


@njit(cache=True, nogil=True)
def _skip_name(data: Bytes, at: int, end: int) -> int:
    while at < end:
        size = data[at]
        if size >= 0xC0:
            return at + 2
        at += 1 + size
        if size == 0:
            return at
    return end + 1


@njit(cache=True, nogil=True)
def _question(data: Bytes, at: int, end: int, text: Bytes, text_at: int) -> int:
    """Write the asked name with dots into ``text`` and return its length; 0 where it is odd."""
    written = 0
    while at < end and data[at] != 0:
        size = data[at]
        if size > 63 or at + 1 + size > end or written + size + 1 > _MAX_NAME:
            return 0
        if written:
            text[text_at + written] = 0x2E
            written += 1
        for n in range(at + 1, at + 1 + size):
            if not 0x20 < data[n] < 0x7F:
                return 0
            text[text_at + written] = _lower(data[n])
            written += 1
        at += 1 + size
    return written


@njit(cache=True, nogil=True)
def dns_answers(
    data: Bytes, row: Ints, when: tuple[int, int], names: tuple[Ints, Bytes], filled: Ints
) -> None:
    """Append an event for each address in a DNS response to one question."""
    at = row[p.PAYLOAD_AT]
    end = at + row[p.PAYLOAD_CAPTURED]
    if at + 12 > end or not data[at + 2] & 0x80 or _u16(data, at + 4) != 1:
        return
    answers = min(_u16(data, at + 6), _MAX_ANSWERS)
    if answers == 0:
        return
    events, text = names
    size = _question(data, at + 12, end, text, filled[2])
    position = _skip_name(data, at + 12, end) + 4
    taken = 0
    for _ in range(answers):
        position = _skip_name(data, position, end)
        if size == 0 or position + 10 > end:
            break
        kind, length = _u16(data, position), _u16(data, position + 8)
        position += 10
        if position + length > end:
            break
        if (kind == 1 and length == 4) or (kind == 28 and length == 16):
            event = events[filled[1]]
            event[KIND], event[FLOW], event[INSTANT_NS] = DNS, when[0], when[1]
            event[CLIENT_HIGH], event[CLIENT_LOW] = row[p.DST_HIGH], row[p.DST_LOW]
            _address(data, position, length, event)
            event[TEXT_AT], event[TEXT_SIZE] = filled[2], size
            filled[1] += 1
            taken += 1
        position += length
    if taken:
        filled[2] += size


@njit(cache=True, nogil=True)
def _address(data: Bytes, at: int, length: int, event: Ints) -> None:
    value = np.int64(0)
    high = np.int64(0)
    for n in range(length):
        if n == 8:
            high, value = value, np.int64(0)
        value = (value << 8) | data[at + n]
    event[SERVER_HIGH] = high
    event[SERVER_LOW] = value if length == 16 else value | (0xFFFF << 32)
