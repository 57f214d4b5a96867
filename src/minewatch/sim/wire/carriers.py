"""What carries a conversation in the clear: HTTP bodies, WebSocket, and tunnels through a proxy.

HTTP/1.1 as in RFC 9112, with chunked and compressed bodies; WebSocket as in RFC 6455, masked by the client,
now and then in fragments and with a ping between them, on wish with permessage-deflate (RFC 7692, the window
kept from message to message); SOCKS5 (RFC 1928, 1929), SOCKS4a, CONNECT (RFC 9110 §9.3.6).
"""

import base64
import gzip
import hashlib
import socket
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from minewatch.sim.loads.shapes import Rng
from minewatch.sim.wire.packets import Message, Side

Carrier = Callable[[Rng, Sequence[Message], Side], list[Message]]
"""(random stream, what is said, the far server) → what goes over the wire."""

_STEP_US = 2000
_PING, _TEXT, _BINARY = 0x9, 0x1, 0x2
_FINAL, _COMPRESSED, _MASKED = 0x80, 0x40, 0x80
_WEBSOCKET_KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def bare(rng: Rng, messages: Sequence[Message], server: Side) -> list[Message]:
    """Return ``messages`` as they are."""
    _ = rng, server
    return list(messages)


# --- HTTP -------------------------------------------------------------------------------------------------


def in_bodies(coding: str, chunked: bool) -> Carrier:
    """Return a carrier that sends each message as the body of an HTTP message.

    ``coding``: identity, gzip, deflate (in zlib's frame) or raw (deflate without it). What is HTTP already
    keeps its head.
    """

    def carry(rng: Rng, messages: Sequence[Message], server: Side) -> list[Message]:
        return [m._replace(data=_http(rng, m, server, (coding, chunked))) for m in messages]

    return carry


def _http(rng: Rng, message: Message, server: Side, form: tuple[str, bool]) -> bytes:
    coding, chunked = form
    head, body = _head_and_body(message, server)
    body = _CODINGS[coding](body)
    if coding != "identity":
        head += f"Content-Encoding: {'deflate' if coding == 'raw' else coding}\r\n".encode()
    if chunked:
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(_chunks(rng, body))
    return head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def _head_and_body(message: Message, server: Side) -> tuple[bytes, bytes]:
    head, mark, body = message.data.partition(b"\r\n\r\n")
    if mark and head.startswith((b"POST ", b"HTTP/1.")):
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
        return b"\r\n".join(lines) + b"\r\n", body
    if message.from_client:
        told = f"POST / HTTP/1.1\r\nHost: {server.ip}:{server.port}\r\nContent-Type: application/json\r\n"
    else:
        told = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    return told.encode(), message.data


def _chunks(rng: Rng, body: bytes) -> Iterator[bytes]:
    while body:
        size = int(rng.integers(1, len(body) + 1)) if len(body) < 200 else int(rng.integers(40, 200))
        part, body = body[:size], body[size:]
        yield f"{len(part):x}\r\n".encode() + part + b"\r\n"
    yield b"0\r\n\r\n"


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


_CODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "deflate": zlib.compress,
    "raw": _raw_deflate,
}


# --- WebSocket --------------------------------------------------------------------------------------------


def in_websocket(compressed: bool = False, binary: bool = False) -> Carrier:
    """Return a carrier that upgrades to WebSocket and sends each line as a message."""

    def carry(rng: Rng, messages: Sequence[Message], server: Side) -> list[Message]:
        sides = {True: _Frames(rng, True, compressed), False: _Frames(rng, False, compressed)}
        said = [
            m._replace(data=sides[m.from_client].frames(m.data, _BINARY if binary else _TEXT))
            for m in messages
        ]
        return [*_upgrade(rng, messages, server, compressed), *said]

    return carry


def _upgrade(rng: Rng, messages: Sequence[Message], server: Side, compressed: bool) -> list[Message]:
    key = base64.b64encode(rng.bytes(16)).decode()
    accept = base64.b64encode(hashlib.sha1((key + _WEBSOCKET_KEY).encode()).digest()).decode()  # noqa: S324
    extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n" if compressed else ""
    ask = f"GET /proxy HTTP/1.1\r\nHost: {server.ip}:{server.port}\r\n"
    ask += "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    ask += f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{extension}\r\n"
    answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    answer += f"Sec-WebSocket-Accept: {accept}\r\n{extension}\r\n"
    return _before(messages, [(True, ask.encode()), (False, answer.encode())])


class _Frames:
    """The frames of one side; a compressor keeps its window from message to message."""

    def __init__(self, rng: Rng, from_client: bool, compressed: bool) -> None:
        self._rng, self._from_client = rng, from_client
        self._packer = zlib.compressobj(wbits=-15) if compressed else None

    def frames(self, data: bytes, kind: int) -> bytes:
        """Return each line of ``data`` as a message; a binary message keeps its line end."""
        lines = data.splitlines(keepends=kind == _BINARY)
        return b"".join(self._message(line, kind) for line in lines)

    def _message(self, data: bytes, kind: int) -> bytes:
        flag = 0
        if self._packer is not None:
            data = (self._packer.compress(data) + self._packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
            flag = _COMPRESSED
        if self._rng.random() < 0.8 or len(data) < 2:
            return self._frame(_FINAL | flag | kind, data)
        cut = int(self._rng.integers(1, len(data)))
        ping = self._frame(_FINAL | _PING, b"")
        return self._frame(flag | kind, data[:cut]) + ping + self._frame(_FINAL, data[cut:])

    def _frame(self, first: int, data: bytes) -> bytes:
        mask = self._rng.bytes(4) if self._from_client else b""
        size, flag = len(data), _MASKED if mask else 0
        if size < 126:
            head = bytes([first, flag | size])
        elif size < 1 << 16:
            head = bytes([first, flag | 126]) + size.to_bytes(2, "big")
        else:
            head = bytes([first, flag | 127]) + size.to_bytes(8, "big")
        return head + mask + (bytes(byte ^ mask[n % 4] for n, byte in enumerate(data)) if mask else data)


# --- tunnels ----------------------------------------------------------------------------------------------


def through_connect(rng: Rng, messages: Sequence[Message], server: Side) -> list[Message]:
    """Return ``messages`` through an HTTP proxy."""
    _ = rng
    ask = f"CONNECT {server.ip}:{server.port} HTTP/1.1\r\nHost: {server.ip}:{server.port}\r\n\r\n"
    answer = "HTTP/1.1 200 Connection established\r\n\r\n"
    return [*_before(messages, [(True, ask.encode()), (False, answer.encode())]), *messages]


def through_socks5(name: str) -> Carrier:
    """Return a carrier through a SOCKS5 proxy with a password, to ``name``, or to the address where empty."""

    def carry(rng: Rng, messages: Sequence[Message], server: Side) -> list[Message]:
        _ = rng
        where = bytes([3, len(name)]) + name.encode() if name else b"\x01" + socket.inet_aton(server.ip)
        where += server.port.to_bytes(2, "big")
        steps = [
            (True, b"\x05\x02\x00\x02"),
            (False, b"\x05\x02"),
            (True, b"\x01\x04user\x06secret"),
            (False, b"\x01\x00"),
            (True, b"\x05\x01\x00" + where),
            (False, b"\x05\x00\x00\x01\0\0\0\0\0\0"),
        ]
        return [*_before(messages, steps), *messages]

    return carry


def through_socks4(rng: Rng, messages: Sequence[Message], server: Side) -> list[Message]:
    """Return ``messages`` through a SOCKS4a proxy."""
    _ = rng
    ask = b"\x04\x01" + server.port.to_bytes(2, "big") + socket.inet_aton(server.ip) + b"user\0"
    return [*_before(messages, [(True, ask), (False, b"\0Z" + bytes(6))]), *messages]


def _before(messages: Sequence[Message], steps: Sequence[tuple[bool, bytes]]) -> list[Message]:
    """Return what is said just before the first of ``messages``."""
    start = messages[0].at_us - _STEP_US * (len(steps) + 1)
    return [Message(start + _STEP_US * n, *step) for n, step in enumerate(steps)]
