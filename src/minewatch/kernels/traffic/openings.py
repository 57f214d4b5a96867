"""What the first payload bytes of a flow are, and the server name in them (SNI, Host); numba.

Sources: RFC 8446 §4.1.2 and RFC 6066 §3 (server_name), RFC 9110 §7.2 (Host), RFC 1928 and the SOCKS 4 memo,
RFC 6455 §5.2 (WebSocket frames), Stratum V2 specification §3 (frames).
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.traffic.loads import be16, be32

Bytes = npt.NDArray[np.uint8]

NOTHING, TEXT, PAGE, HELLO, OPAQUE = range(5)
"""Kinds of opening: no text of interest; text in which words are searched (JSON, an HTTP request with a body,
a proxy's preface); a request of HTTP without body; a TLS client hello; what only the slow reader understands
(WebSocket, Stratum V2)."""

_MAX_NAME = 253
_HEAD_BYTES = 1024
_FOLD = 0x20202020
"""Makes four letters lower case (and changes other signs)."""

_SPACE, _QUOTE, _BRACE, _BRACKET = 0x20, 0x22, 0x7B, 0x5B


def _pattern(text: str) -> Bytes:
    return np.frombuffer(text.encode(), np.uint8).copy()


_METHOD = _pattern('"method"')
_RESULT = _pattern('"result"')
_HOST = _pattern("\nhost:")
_WEBSOCKET = _pattern("websocket")
_JSON = _pattern("json")
_END_OF_HEAD = int.from_bytes(b"\r\n\r\n")
_POST, _GET, _CONN, _HEAD, _HTTP = (
    int.from_bytes(word) for word in (b"POST", b"GET ", b"CONN", b"HEAD", b"HTTP")
)


@njit(cache=True, nogil=True, _nrt=False)
def _lower(byte: int) -> int:
    return byte | 0x20 if 0x41 <= byte <= 0x5A else byte


@njit(cache=True, nogil=True, _nrt=False)
def find(data: Bytes, at: int, end: int, pattern: Bytes) -> int:
    """Return the first position in ``data[at:end]`` of lower-case ``pattern``, four bytes or more, or -1."""
    first = be32(pattern, 0) | _FOLD
    for start in range(at, end - len(pattern) + 1):
        if be32(data, start) | _FOLD != first:
            continue
        same = 0
        while same < len(pattern) and _lower(data[start + same]) == pattern[same]:
            same += 1
        if same == len(pattern):
            return start
    return -1


@njit(cache=True, nogil=True, _nrt=False)
def opening_of(  # noqa: PLR0911 - a table of openings
    data: Bytes, at: int, size: int
) -> tuple[int, int, int]:
    """Classify payload: (kind, position of the server name in it, its length; 0 without a name)."""
    end = at + size
    if is_client_hello(data, at, size):
        name_at, name_size = find_sni(data, at, size)
        return HELLO, name_at, name_size
    if is_opaque(data, at, size):
        return OPAQUE, at, 0
    if _is_socks(data, at, size):
        return TEXT, at, 0
    start = at
    while start < end and data[start] in (_SPACE, 9, 10, 13):
        start += 1
    if start + 8 > end:  # a message may come byte by byte
        return (TEXT if start < end and _may_begin_text(data[start]) else NOTHING), at, 0
    if data[start] in (_BRACE, _BRACKET):
        return (TEXT if _is_json(data, start, end) else NOTHING), at, 0
    kind = _http(data, start, end)
    if kind != NOTHING:
        name_at, name_size = _host_of(data, start, end)
        return kind, name_at, name_size
    return (TEXT if _is_json_line(data, start, end) else NOTHING), at, 0


@njit(cache=True, nogil=True, _nrt=False)
def is_client_hello(data: Bytes, at: int, size: int) -> bool:
    """Tell whether payload begins with a TLS client hello."""
    return size >= 11 and be16(data, at) == 0x1603 and data[at + 5] == 1


@njit(cache=True, nogil=True, _nrt=False)
def _may_begin_text(byte: int) -> bool:
    """Tell whether JSON or a request of HTTP may begin so."""
    return byte in (_BRACE, _BRACKET, 0x47, 0x50, 0x43, 0x48)


@njit(cache=True, nogil=True, _nrt=False)
def _is_json(data: Bytes, start: int, end: int) -> bool:
    for n in range(start + 1, end):
        if data[n] in (_SPACE, 9, 10, 13):
            continue
        return data[n] == _QUOTE or (data[start] == _BRACKET and data[n] == _BRACE)
    return False


@njit(cache=True, nogil=True, _nrt=False)
def _is_json_line(data: Bytes, start: int, end: int) -> bool:
    """Tell a line of JSON that was joined in its middle."""
    for n in range(start, start + 8):
        if not 0x20 <= data[n] < 0x7F:
            return False
    return find(data, start, end, _METHOD) >= 0 or find(data, start, end, _RESULT) >= 0


@njit(cache=True, nogil=True, _nrt=False)
def _http(data: Bytes, at: int, end: int) -> int:  # noqa: PLR0911 - a table of openings
    word = be32(data, at)
    if word == _POST and data[at + 4] == _SPACE:
        return TEXT
    if word == _CONN:  # CONNECT: what follows may be anything
        return TEXT
    head_end = min(end, at + _HEAD_BYTES)
    if word in (_GET, _HEAD):
        if find(data, at, head_end, _WEBSOCKET) >= 0:
            return OPAQUE
        return PAGE if be32(data, end - 4) == _END_OF_HEAD else TEXT
    if word != _HTTP:
        return NOTHING
    if find(data, at, head_end, _WEBSOCKET) >= 0:
        return OPAQUE
    return TEXT if find(data, at, head_end, _JSON) >= 0 else NOTHING


@njit(cache=True, nogil=True, _nrt=False)
def _is_socks(data: Bytes, at: int, size: int) -> bool:
    """Tell the first message of a SOCKS client: version 5 and its methods, version 4, command and port."""
    if size >= 3 and data[at] == 5 and size == 2 + data[at + 1]:
        return True
    return size >= 9 and data[at] == 4 and data[at + 1] == 1 and size < 300 and data[at + size - 1] == 0


@njit(cache=True, nogil=True, _nrt=False)
def is_opaque(data: Bytes, at: int, size: int) -> bool:
    """Tell a message of Stratum V2 in clear, and a WebSocket frame: one that fits, or that carries JSON."""
    if size < 12:
        return False
    if data[at] == 0:
        return _is_setup(data, at) or _is_channel_message(data, at)
    return data[at] & 0xBF in (0x81, 0x82, 0x01, 0x02) and _is_frame(data, at, size)


@njit(cache=True, nogil=True, _nrt=False)
def _is_setup(data: Bytes, at: int) -> bool:
    """SetupConnection: no extension, type 0, 15 to 1,300 bytes, protocol 0 to 3, version 2."""
    size = np.int64(data[at + 3]) | np.int64(data[at + 4]) << 8 | np.int64(data[at + 5]) << 16
    is_plausible = 15 <= size <= 1300 and data[at + 6] <= 3
    return bool(is_plausible and be16(data, at + 1) == 0 and be32(data, at + 7) >> 8 == 0x020002)


@njit(cache=True, nogil=True, _nrt=False)
def _is_channel_message(data: Bytes, at: int) -> bool:
    """Messages of a channel with their only length: shares, their answer, work, previous hash, target."""
    if data[at + 1] != 0x80 or be16(data, at + 4) != 0:
        return False
    kind, size = data[at + 2], data[at + 3]
    return (
        (kind == 0x1A and size == 0x18)
        or (kind == 0x1C and size == 0x14)
        or (kind == 0x20 and size == 0x30)
        or (kind == 0x21 and size == 0x24)
        or (kind == 0x15 and size in (0x2D, 0x31))
    )


@njit(cache=True, nogil=True, _nrt=False)
def _is_frame(data: Bytes, at: int, size: int) -> bool:
    length, body = np.int64(data[at + 1] & 0x7F), at + 2
    if length == 126:
        length, body = be16(data, at + 2), at + 4
    elif length == 127:
        length, body = be32(data, at + 6), at + 10
    masked = data[at + 1] >> 7
    if body + 4 * masked + length == at + size:
        return True
    if body + 6 > at + size:
        return False
    first, second = data[body], data[body + 1]
    if masked:
        first, second = data[body + 4] ^ data[body], data[body + 5] ^ data[body + 1]
    return first in (_BRACE, _BRACKET) and second in (_QUOTE, _BRACE, _SPACE, 10, 13)


@njit(cache=True, nogil=True, _nrt=False)
def _host_of(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """Return (position, length) of the host in a Host header, without its port; length 0 where it is cut."""
    found = find(data, at, end, _HOST)
    if found < 0:
        return at, 0
    start = found + len(_HOST)
    while start < end and data[start] == _SPACE:
        start += 1
    stop, colons, first_colon = start, 0, start
    while stop < end and 0x20 < data[stop] < 0x7F:
        if data[stop] == 0x3A:
            first_colon = stop if colons == 0 else first_colon
            colons += 1
        stop += 1
    if stop == end or stop - start > _MAX_NAME:
        return start, 0
    return start, (first_colon if colons == 1 else stop) - start


@njit(cache=True, nogil=True, _nrt=False)
def find_sni(data: Bytes, at: int, size: int) -> tuple[int, int]:
    """Return (position, length) of the server name in a TLS client hello; length 0 where it is not there."""
    end = at + size
    position = at + 43  # record, handshake, version, random
    if position + 1 > end:
        return at, 0
    position += 1 + data[position]  # session id
    if position + 2 > end:
        return at, 0
    position += 2 + be16(data, position)  # cipher suites
    if position + 1 > end:
        return at, 0
    position += 1 + data[position] + 2  # compression, length of extensions
    while position + 4 <= end:
        kind, length = be16(data, position), be16(data, position + 2)
        if kind == 0:
            start = position + 9
            if start > end:
                return at, 0
            name_size = be16(data, start - 2)
            return start, (name_size if start + name_size <= end and name_size <= _MAX_NAME else 0)
        position += 4 + length
    return at, 0
