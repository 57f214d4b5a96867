"""What begins in a direction: HTTP, WebSocket, a SOCKS proxy's greeting, frames of Stratum V2, or text.

Sources: RFC 1928 and 1929 (SOCKS5 and its passwords), https://www.openssh.com/txt/socks4.protocol and
socks4a.protocol.
"""

import socket

from minewatch.sources.talk.bodies import START_LINE, begins_http, read_http
from minewatch.sources.talk.carriage import Gap, GarbledError, Reader, Reading, Stream
from minewatch.sources.talk.dialects import stratum_v2
from minewatch.sources.talk.json_text import Piece, Text
from minewatch.sources.talk.websocket import begins_websocket, read_websocket

_NAMED, _IPV4, _IPV6 = 3, 1, 4
_JSON_FIRSTS = b"{["
_PROXY_FIRSTS = (0, 4, 5)
_ADDRESS_SIZE = {_IPV4: 4, _IPV6: 16}


def choose(stream: Stream) -> Reader | None:
    """Return the reader of what begins in ``stream.buffer``; None where more bytes are needed."""
    prefix = bytes(stream.buffer[:16])
    if stream.is_new and prefix[0] in _PROXY_FIRSTS:
        if len(prefix) < 2:
            return None
        if reader := _proxy_reader(stream.from_client, prefix):
            return reader
    for begins, reader in _BEGINNINGS:
        found = begins(prefix)
        if found is not False:
            return reader if found else None
    return read_text


def read_text(stream: Stream) -> Reading:
    """Read JSON values and lines, until something else begins."""
    text = Text()
    if stream.in_the_middle:
        text.forget()
    try:
        return (yield from _lines(stream, text))
    except Gap:
        for piece in text.cut():
            stream.hear(piece)
        raise


def _lines(stream: Stream, text: Text) -> Reading:
    data, is_text = (yield from stream.some()), False
    while True:
        for piece in text.feed(data):
            is_text |= piece.value is not None
            start = None if piece.value is not None else START_LINE.search(piece.text)
            if start is not None:
                stream.give_back(piece.text[start.start() :].encode() + b"\r\n" + text.rest())
                return read_http
            if piece.whole:
                stream.hear(piece)
        data = yield from stream.some()
        if data[0] not in _JSON_FIRSTS and not (is_text and text.rest().strip()):
            stream.give_back(data)
            if choose(stream) is not read_text:
                return None
            data = yield from stream.some()


def _read_frames(stream: Stream) -> Reading:
    """Read frames of Stratum V2 in the clear, to the end of the connection."""
    frames, lost = stratum_v2.Frames(), 0
    while True:
        try:
            data = yield from stream.some()
        except Gap as gap:
            lost = gap.size
            continue
        for frame in frames.feed(data, lost):
            stream.hear(Piece("", frame))
        lost = 0


_BEGINNINGS = (
    (begins_http, read_http),
    (begins_websocket, read_websocket),
    (stratum_v2.begins, _read_frames),
)


def _proxy_reader(from_client: bool, prefix: bytes) -> Reader | None:
    if prefix[0] == 5:
        return _socks5_request if from_client else _socks5_answer
    if from_client and prefix[0] == 4 and prefix[1] in (1, 2):
        return _socks4_request
    if not from_client and prefix[0] == 0 and 0x5A <= prefix[1] <= 0x5D:
        return _socks4_answer
    return None


def _socks5_request(stream: Stream) -> Reading:
    _, methods = yield from stream.exactly(2)
    yield from stream.exactly(methods)
    version, size = yield from stream.exactly(2)
    if version == 1:  # user name and password
        yield from stream.exactly(size)
        (size,) = yield from stream.exactly(1)
        yield from stream.exactly(size)
        version, _ = yield from stream.exactly(2)
    if version != 5:
        raise GarbledError
    name, port = yield from _socks5_address(stream)
    stream.hear(Piece(f"Host: {name}:{port}", None))


def _socks5_answer(stream: Stream) -> Reading:
    _, method = yield from stream.exactly(2)
    if method == 2:
        yield from stream.exactly(2)
    version, _ = yield from stream.exactly(2)
    if version != 5:
        raise GarbledError
    yield from _socks5_address(stream)


def _socks5_address(stream: Stream) -> Reading:
    """Return (name or address, port), from the reserved byte on."""
    _, kind = yield from stream.exactly(2)
    if kind == _NAMED:
        (size,) = yield from stream.exactly(1)
        name = (yield from stream.exactly(size)).decode("ascii", "replace")
    elif kind in _ADDRESS_SIZE:
        packed = yield from stream.exactly(_ADDRESS_SIZE[kind])
        name = socket.inet_ntop(socket.AF_INET if kind == _IPV4 else socket.AF_INET6, packed)
    else:
        raise GarbledError
    return name, int.from_bytes((yield from stream.exactly(2)), "big")


def _socks4_request(stream: Stream) -> Reading:
    head = yield from stream.exactly(8)
    yield from stream.until(b"\0", 512)
    name, port = socket.inet_ntoa(head[4:]), int.from_bytes(head[2:4], "big")
    if head[4:7] == b"\0\0\0" and head[7]:  # SOCKS4a: the name follows
        name = (yield from stream.until(b"\0", 512))[:-1].decode("ascii", "replace")
    stream.hear(Piece(f"Host: {name}:{port}", None))


def _socks4_answer(stream: Stream) -> Reading:
    yield from stream.exactly(8)
