"""Conversations to packets: TCP with handshake, segments, acknowledgements and end; UDP; classic pcap files.

Addresses in the frames come from ``minewatch.sim.addresses``. Checksums are right (RFC 1071); sequence
numbers start at random; a pure acknowledgement follows where the other side has nothing to say within 40
ms (RFC 9293, delayed acknowledgement). The network loses and repeats nothing.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple

from minewatch.sim.loads.shapes import Rng

TCP, UDP = 6, 17
MSS = 1460
_SYN, _ACK, _PSH, _FIN, _RST = 0x02, 0x10, 0x08, 0x01, 0x04
_DELAYED_ACK_US = 40_000
_SYN_OPTIONS = bytes.fromhex("020405b40101040201030307")
_INSIDE, _OUTSIDE = bytes.fromhex("02004d570001"), bytes.fromhex("02004d570002")
_PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)


class Side(NamedTuple):
    """An address and a port."""

    ip: str
    port: int


class Message(NamedTuple):
    """Bytes that one side says at ``at_us``, microseconds since the epoch."""

    at_us: int
    from_client: bool
    data: bytes


class Conversation(NamedTuple):
    """What two sides say, in order of time.

    ``opened``: the handshake is in the capture, just before the first message; ``closed``: the end is too.
    A TCP conversation without messages is a connection attempt that is refused.
    """

    client: Side
    server: Side
    protocol: int
    messages: Sequence[Message]
    opened: bool = True
    closed: bool = False


class Frame(NamedTuple):
    """One packet on the wire."""

    at_us: int
    data: bytes


def checksum(data: bytes) -> int:
    """Return the internet checksum of ``data`` (even length): its words add up as the number modulo 65535."""
    rest = int.from_bytes(data, "big") % 65535
    return 65535 - rest if rest else 0


def frames(rng: Rng, talk: Conversation, rtt_us: int) -> Iterator[Frame]:
    """Yield the packets of ``talk`` in order; ``rtt_us`` is the round trip from the tap to the server."""
    link = _Link(rng, talk)
    if talk.protocol == UDP:
        for message in talk.messages:
            yield Frame(message.at_us, link.datagram(message.from_client, message.data))
        return
    yield from _tcp(rng, talk, link, rtt_us)


def _tcp(rng: Rng, talk: Conversation, link: "_Link", rtt_us: int) -> Iterator[Frame]:
    if not talk.messages:
        return
    if talk.opened:
        first = talk.messages[0].at_us
        yield Frame(first - rtt_us - 900, link.segment(True, _SYN))
        yield Frame(first - 900, link.segment(False, _SYN | _ACK))
        yield Frame(first - 600, link.segment(True, _ACK))
    for message, following in zip(talk.messages, [*talk.messages[1:], None], strict=True):
        at = message.at_us
        for start in range(0, len(message.data), MSS):
            part = message.data[start : start + MSS]
            flags = _ACK | (_PSH if start + MSS >= len(message.data) else 0)
            yield Frame(at, link.segment(message.from_client, flags, part))
            at += 12
        answered = (
            following is not None
            and following.from_client != message.from_client
            and following.at_us < at + _DELAYED_ACK_US
        )
        if not answered:
            wait = min(_DELAYED_ACK_US, following.at_us - at - 1 if following else _DELAYED_ACK_US)
            yield Frame(at + max(wait, 1), link.segment(not message.from_client, _ACK))
    if talk.closed:
        last = talk.messages[-1].at_us + _DELAYED_ACK_US + int(rng.integers(50, 5000))
        yield Frame(last, link.segment(True, _FIN | _ACK))
        yield Frame(last + rtt_us, link.segment(False, _FIN | _ACK))
        yield Frame(last + rtt_us + 300, link.segment(True, _ACK))


def attempt(rng: Rng, client: Side, server: Side, at_us: int) -> Iterator[Frame]:
    """Yield a connection attempt that the other side resets, as a port scan makes it."""
    link = _Link(rng, Conversation(client, server, TCP, ()))
    yield Frame(at_us, link.segment(True, _SYN))
    yield Frame(at_us + 30_000, link.segment(False, _RST | _ACK))


class _Link:
    """The state of one conversation: sequence numbers, IP identification, addresses as bytes."""

    def __init__(self, rng: Rng, talk: Conversation) -> None:
        self._sides = (talk.server, talk.client)
        self._ip = tuple(IPv4Address(side.ip).packed for side in self._sides)
        self._seq = [int(n) for n in rng.integers(0, 1 << 32, 2)]
        self._ident = [int(n) for n in rng.integers(0, 1 << 16, 2)]
        self._ttl = (int(rng.integers(48, 60)), int(rng.integers(60, 64)))

    def segment(self, from_client: bool, flags: int, payload: bytes = b"") -> bytes:
        """Return a frame with a TCP segment and move the sequence numbers on."""
        source, target = self._sides[from_client], self._sides[not from_client]
        options = _SYN_OPTIONS if flags & _SYN else b""
        seen = self._seq[not from_client] if flags & _ACK else 0
        head = struct.pack(
            "!HHIIBBHHH",
            source.port,
            target.port,
            self._seq[from_client],
            seen,
            (20 + len(options)) << 2,
            flags,
            64240,
            0,
            0,
        )
        self._seq[from_client] = (self._seq[from_client] + len(payload) + bool(flags & (_SYN | _FIN))) % (
            1 << 32
        )
        return self._framed(from_client, TCP, head + options + payload, 16)

    def datagram(self, from_client: bool, payload: bytes) -> bytes:
        """Return a frame with a UDP datagram."""
        source, target = self._sides[from_client], self._sides[not from_client]
        head = struct.pack("!HHHH", source.port, target.port, 8 + len(payload), 0)
        return self._framed(from_client, UDP, head + payload, 6)

    def _framed(self, from_client: bool, protocol: int, body: bytes, sum_at: int) -> bytes:
        source, target = self._ip[from_client], self._ip[not from_client]
        pseudo = source + target + struct.pack("!HH", protocol, len(body))
        total = checksum(pseudo + body + b"\0" * (len(body) % 2))
        if protocol == UDP and total == 0:
            total = 0xFFFF
        body = body[:sum_at] + total.to_bytes(2, "big") + body[sum_at + 2 :]
        self._ident[from_client] = (self._ident[from_client] + 1) % (1 << 16)
        ident, ttl = self._ident[from_client], self._ttl[from_client]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), ident, 0x4000, ttl, protocol, 0)
        ip = ip[:10] + checksum(ip + source + target).to_bytes(2, "big") + source + target
        macs = _OUTSIDE + _INSIDE if from_client else _INSIDE + _OUTSIDE
        return macs + b"\x08\x00" + ip + body


def write_pcap(path: Path, packets: Iterable[Frame]) -> int:
    """Write ``packets``, sorted by time, as a classic pcap file with microseconds; return their number."""
    ordered = sorted(packets, key=lambda frame: frame.at_us)
    with path.open("wb") as file:
        file.write(_PCAP_HEADER)
        for at_us, data in ordered:
            size = len(data)
            file.write(struct.pack("<IIII", at_us // 1_000_000, at_us % 1_000_000, size, size) + data)
    return len(ordered)
