"""The slow, obvious twin of the ring's walk, and a writer of blocks as the kernel fills them."""

import struct
from typing import NamedTuple

HEADER = struct.Struct(
    "<IIIIIIHHIIHH"
)  # next, s, ns, captured, length, status, mac, net, hash, tag, type, pad
SOCKADDR = bytes(20)


class Frame(NamedTuple):
    """A frame as it was on the wire but for ``tag`` = (ethertype or None, TCI), which the card took out."""

    at_ns: int
    data: bytes
    length: int
    tag: tuple[int | None, int] | None


def block(frames: list[Frame], size: int) -> bytes:
    body = bytearray(48)
    for n, frame in enumerate(frames):
        mac = 48 + len(SOCKADDR) + 18
        status = 0 if frame.tag is None else 0x10 | (0x40 if frame.tag[0] is not None else 0)
        kind, tci = frame.tag or (0, 0)
        whole = mac + len(frame.data)
        step = 0 if n == len(frames) - 1 else (whole + 15) // 16 * 16
        seconds, ns = divmod(frame.at_ns, 1_000_000_000)
        header = (
            step,
            seconds,
            ns,
            len(frame.data),
            frame.length,
            status,
            mac,
            mac + 14,
            0,
            tci,
            kind or 0,
            0,
        )
        head = HEADER.pack(*header).ljust(48, b"\0")
        body += (head + SOCKADDR + bytes(18) + frame.data).ljust(step, b"\0")
    assert len(body) <= size
    body[8:20] = struct.pack("<III", 1, len(frames), 48)
    return bytes(body.ljust(size, b"\0"))


def records(frames: list[Frame], link: int) -> bytes:
    """Return pcap records (ns) of the frames, each with its tag where it belongs."""
    found = b""
    for frame in frames:
        data, length = frame.data, frame.length
        if frame.tag is not None and link == 1 and len(data) >= 12:
            kind, tci = frame.tag
            data = data[:12] + struct.pack(">HH", 0x8100 if kind is None else kind, tci) + data[12:]
            length += 4
        found += struct.pack("<IIII", *divmod(frame.at_ns, 1_000_000_000), len(data), length) + data
    return found
