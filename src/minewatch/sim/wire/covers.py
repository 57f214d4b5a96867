"""What hides a conversation: TLS to the pool, or a tunnel.

TLS 1.3 as in RFC 8446: a record adds 5 bytes of header, 1 of type and 16 of tag; the greeting names the
server (RFC 6066). The tunnel is like WireGuard: type 4 datagrams of a 16-byte header, the inner packet
padded to 16 and a 16-byte tag, a handshake every 120 s. Encrypted bytes are random.
"""

import struct
from collections.abc import Sequence

from minewatch.sim.loads.shapes import Rng
from minewatch.sim.wire.packets import Message

_HEADERS_INSIDE = 40
_REKEY_US = 120_000_000


def over_tls(
    rng: Rng, messages: Sequence[Message], server_name: str, rtt_us: int, opened: bool
) -> list[Message]:
    """Return ``messages`` as TLS records, after the handshake where the connection is ``opened`` here."""
    wrapped = [Message(m.at_us, m.from_client, _record(rng, len(m.data))) for m in messages]
    if not (opened and messages):
        return wrapped
    at = messages[0].at_us - 2 * rtt_us - 6000
    greeting = [
        Message(at, True, client_hello(rng, server_name)),
        Message(at + rtt_us + 900, False, server_hello(rng) + _record(rng, int(rng.integers(2100, 3600)))),
        Message(at + rtt_us + 2500, True, b"\x14\x03\x03\x00\x01\x01" + _record(rng, 36)),
    ]
    return greeting + wrapped


def client_hello(rng: Rng, server_name: str) -> bytes:
    """Return a greeting that names the server."""
    name = server_name.encode()
    listed = b"\0" + struct.pack("!H", len(name)) + name
    names = struct.pack("!H", len(listed)) + listed
    extensions = _extension(0, names)
    extensions += _extension(10, bytes.fromhex("0006001d00170018")) + _extension(11, b"\x01\0")
    extensions += _extension(13, bytes.fromhex("000c040305030603080408050806"))
    extensions += _extension(43, bytes.fromhex("0403040303")) + _extension(45, b"\x01\x01")
    extensions += _extension(51, struct.pack("!HHH", 36, 29, 32) + rng.bytes(32))
    ciphers = bytes.fromhex("130113021303c02bc02fc02cc030")
    body = b"\x03\x03" + rng.bytes(32) + b"\x20" + rng.bytes(32)
    body += struct.pack("!H", len(ciphers)) + ciphers + b"\x01\0"
    body += struct.pack("!H", len(extensions)) + extensions
    shake = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack("!H", len(shake)) + shake


def server_hello(rng: Rng) -> bytes:
    """Return the server's answer to a greeting."""
    extensions = _extension(43, b"\x03\x04") + _extension(51, struct.pack("!HH", 29, 32) + rng.bytes(32))
    body = b"\x03\x03" + rng.bytes(32) + b"\x20" + rng.bytes(32) + b"\x13\x01\0"
    body += struct.pack("!H", len(extensions)) + extensions
    shake = b"\x02" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x03" + struct.pack("!H", len(shake)) + shake + b"\x14\x03\x03\x00\x01\x01"


def in_tunnel(rng: Rng, messages: Sequence[Message], start_us: int, end_us: int) -> list[Message]:
    """Return ``messages`` of all connections as datagrams of one tunnel, with its own handshakes."""
    peer = rng.bytes(4)
    said = [
        Message(m.at_us, m.from_client, _datagram(rng, peer, n, len(m.data)))
        for n, m in enumerate(sorted(messages, key=lambda m: m.at_us))
    ]
    for at in range(start_us + int(rng.integers(0, _REKEY_US)), end_us - 200_000, _REKEY_US):
        said.append(Message(at, True, b"\x01\0\0\0" + rng.bytes(144)))
        said.append(Message(at + 60_000, False, b"\x02\0\0\0" + rng.bytes(88)))
    return sorted(said, key=lambda message: message.at_us)


def _datagram(rng: Rng, peer: bytes, counter: int, size: int) -> bytes:
    padded = -(-(size + _HEADERS_INSIDE) // 16) * 16
    return b"\x04\0\0\0" + peer + struct.pack("<Q", counter) + rng.bytes(min(padded, 1424) + 16)


def _record(rng: Rng, size: int) -> bytes:
    """Return records of at most 16 kB with random content."""
    parts = []
    for start in range(0, size, 16_000):
        length = min(size - start, 16_000) + 17
        parts.append(b"\x17\x03\x03" + struct.pack("!H", length) + rng.bytes(length))
    return b"".join(parts)


def _extension(kind: int, body: bytes) -> bytes:
    return struct.pack("!HH", kind, len(body)) + body
