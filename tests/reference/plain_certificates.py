"""Slow, obvious twins of ``kernels.traffic.certificates`` and ``kernels.traffic.addresses``."""

from collections.abc import Iterator, Sequence
from datetime import date

Element = tuple[int, bytes, bytes, bool]
"""Tag, content as far as it is there, what follows, and whether the content is whole."""

DAY = date(2026, 11, 1)
COMMON_NAME, ALTERNATIVE_NAME = bytes([0x06, 3, 0x55, 4, 3]), bytes([0x06, 3, 0x55, 0x1D, 0x11])


def certificate_names(flight: bytes, most: int, room: int = 1 << 14) -> list[str]:
    own = own_certificate(handshake(flight)[:room])
    found = [name for name in names_in(own) if is_text(name)]
    return [name.decode().lower() for name in found[:most]]


def handshake(flight: bytes) -> bytes:
    joined = b""
    while len(flight) >= 5 and flight[0] == 22 and flight[1] == 3:
        size = int.from_bytes(flight[3:5], "big")
        joined += flight[5 : 5 + size]
        flight = flight[5 + size :]
    return joined


def own_certificate(messages: bytes) -> bytes:
    while len(messages) >= 10:
        if messages[0] == 11:
            return messages[10 : 10 + int.from_bytes(messages[7:10], "big")]
        messages = messages[4 + int.from_bytes(messages[1:4], "big") :]
    return b""


def element(data: bytes) -> Element | None:
    if len(data) < 2:
        return None
    size, head = data[1], 2
    if size >= 0x80:
        octets = size - 0x80
        if not 1 <= octets <= 3 or len(data) < 2 + octets:
            return None
        size, head = int.from_bytes(data[2 : 2 + octets], "big"), 2 + octets
    return data[0], data[head : head + size], data[head + size :], len(data) >= head + size


def elements(data: bytes) -> Iterator[tuple[int, bytes, bool]]:
    while (found := element(data)) is not None:
        tag, content, data, whole = found
        yield tag, content, whole


def inside(data: bytes, tag: int) -> bytes:
    found = element(data)
    return found[1] if found and found[0] == tag else b""


def names_in(certificate: bytes) -> Iterator[bytes]:
    fields = [(tag, content) for tag, content, _ in elements(inside(inside(certificate, 0x30), 0x30))]
    numbered = [(tag, content) for tag, content in fields if tag != 0xA0]
    yield from common_names(numbered)
    for number, (tag, content) in enumerate(numbered):
        if tag == 0xA3 and number > 5:
            yield from alternative_names(content)
            return


def common_names(fields: Sequence[tuple[int, bytes]]) -> Iterator[bytes]:
    # extensions in the place of a field end the certificate for the kernel only behind the key
    if len(fields) <= 4 or fields[4][0] != 0x30:
        return
    for tag, content, _ in elements(fields[4][1]):
        attribute = inside(content, 0x30) if tag == 0x31 else b""
        if attribute.startswith(COMMON_NAME):
            value = element(attribute[5:])
            if value and value[0] in (0x0C, 0x13, 0x14, 0x16) and value[3]:
                yield value[1]


def alternative_names(extensions: bytes) -> Iterator[bytes]:
    for tag, content, _ in elements(inside(extensions, 0x30)):
        if tag == 0x30 and content.startswith(ALTERNATIVE_NAME):
            value = element(content[5:])
            if value and value[0] == 0x01:
                value = element(value[2])
            octets = value[1] if value and value[0] == 0x04 else b""
            for kind, name, whole in elements(inside(octets, 0x30)):
                if kind == 0x82 and whole:
                    yield name
            return


def is_text(name: bytes) -> bool:
    return 0 < len(name) <= 253 and all(0x20 <= byte < 0x7F for byte in name)


def in_ranges(ranges: Sequence[tuple[int, int]], address: int) -> bool:
    return any(first <= address <= last for first, last in ranges)
