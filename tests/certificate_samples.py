"""Certificates and the first flight of a TLS server, made by hand for tests."""

from collections.abc import Sequence

ALTERNATIVE_NAME = bytes([0x06, 3, 0x55, 0x1D, 0x11])


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = (size.bit_length() + 7) // 8
    return bytes([tag, 0x80 + octets]) + size.to_bytes(octets, "big") + content


def attribute(oid_end: int, text: bytes, kind: int = 0x0C) -> bytes:
    return der(0x31, der(0x30, bytes([0x06, 3, 0x55, 4, oid_end]), der(kind, text)))


def certificate(
    common: Sequence[bytes], alternative: Sequence[bytes], *, version: bool = True, critical: bool = False
) -> bytes:
    """Return a certificate with all that RFC 5280 demands but a key and a signature that mean anything."""
    issuer = der(0x30, attribute(10, b"An Authority"), attribute(3, b"authority.example"))
    subject = der(0x30, attribute(10, b"Somebody"), *(attribute(3, text) for text in common))
    names = der(0x30, *(der(0x82, text) for text in alternative), der(0x87, bytes(4)))
    flag = der(0x01, b"\xff") if critical else b""
    basic = der(0x30, bytes([0x06, 3, 0x55, 0x1D, 0x13]), der(0x04, der(0x30)))
    extensions = der(0xA3, der(0x30, basic, der(0x30, ALTERNATIVE_NAME, flag, der(0x04, names))))
    fields = [
        *([der(0xA0, der(0x02, b"\x02"))] if version else []),
        der(0x02, b"\x01\x23"),
        der(0x30, der(0x06, bytes(9))),
        issuer,
        der(0x30, der(0x17, b"260101000000Z"), der(0x17, b"270101000000Z")),
        subject,
        der(0x30, der(0x30, der(0x06, bytes(9))), der(0x03, bytes(270))),
        *([extensions] if alternative else []),
    ]
    return der(0x30, der(0x30, *fields), der(0x30, der(0x06, bytes(9))), der(0x03, bytes(257)))


def first_flight(*certificates: bytes, record: int = 1 << 14) -> bytes:
    """Return server hello and chain in TLS 1.2 records of at most ``record`` bytes of handshake."""
    hello = b"\x02" + (70).to_bytes(3, "big") + b"\x03\x03" + bytes(68)
    chain = b"".join(len(each).to_bytes(3, "big") + each for each in certificates)
    body = len(chain).to_bytes(3, "big") + chain
    messages = hello + b"\x0b" + len(body).to_bytes(3, "big") + body + b"\x0e\0\0\0"
    pieces = [messages[at : at + record] for at in range(0, len(messages), record)]
    return b"".join(b"\x16\x03\x03" + len(piece).to_bytes(2, "big") + piece for piece in pieces)
