"""How network files are told by their first bytes."""

import json
import struct
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

PCAP_MAGIC = {
    b"\xd4\xc3\xb2\xa1": (0, 1000, 16),
    b"\xa1\xb2\xc3\xd4": (1, 1000, 16),
    b"\x4d\x3c\xb2\xa1": (0, 1, 16),
    b"\xa1\xb2\x3c\x4d": (1, 1, 16),
    b"\x34\xcd\xb2\xa1": (0, 1000, 24),
    b"\xa1\xb2\xcd\x34": (1, 1000, 24),
}
"""Magic → (big endian, ns per tick, bytes of a record's header); the last two are Kuznetzov's form."""

ROLL_MARK = b"minewatch.roll"
"""Key in the schema of a sensor's roll."""

_ZEEK_KEYS = ("ts", "uid", "id.orig_h", "id.resp_h")
EXPORT_VERSIONS = frozenset({5, 9, 10})
"""NetFlow v5, v9, and IPFIX by their version numbers."""

EXPORT_PORTS = frozenset({2055, 4739, 9555, 9995, 9996})
"""UDP ports on which collectors are commonly told to listen; 4739 is IPFIX's own."""


def is_pcap(head: bytes, path: Path) -> bool:
    """Tell a classic pcap file by its magic number."""
    _ = path
    return head[:4] in PCAP_MAGIC


def is_pcapng(head: bytes, path: Path) -> bool:
    """Tell a pcapng file by its section header."""
    _ = path
    return head[:4] == b"\x0a\x0d\x0d\x0a" and head[8:12] in (b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d")


def is_roll(head: bytes, path: Path) -> bool:
    """Tell a sensor's roll by the first message of an Arrow stream and the mark in its schema."""
    _ = path
    return head[:4] == b"\xff\xff\xff\xff" and ROLL_MARK in head


def is_eve(head: bytes, path: Path) -> bool:
    """Tell Suricata's EVE by the keys of its first record that is whole JSON."""
    _ = path
    return any("event_type" in record and "timestamp" in record for record in _json_records(head))


def is_zeek(head: bytes, path: Path) -> bool:
    """Tell a Zeek log by its ``#separator`` line, or by the keys of its JSON records."""
    _ = path
    if head.startswith(b"#separator "):
        return True
    return any(all(key in record for key in _ZEEK_KEYS) for record in _json_records(head))


def is_netflow(head: bytes, path: Path) -> bool:
    """Tell NetFlow v5 or v9 export packets, one after the other, by version, count and length."""
    _ = path
    return _export_version(head) in (5, 9)


def is_ipfix(head: bytes, path: Path) -> bool:
    """Tell IPFIX messages (RFC 7011, also the file form of RFC 5655) by version and length."""
    _ = path
    return _export_version(head) == 10


def is_export_capture(head: bytes, path: Path) -> bool:
    """Tell a capture (pcap, Ethernet, IPv4) whose first packet is an export packet to a collector."""
    _ = path
    if head[:4] not in PCAP_MAGIC or len(head) < 24 + 16 + 14 + 28:
        return False
    frame = head[40:]
    if frame[12:14] != b"\x08\x00" or frame[23] != 17:
        return False
    udp = 14 + (frame[14] & 15) * 4
    is_to_collector = int.from_bytes(frame[udp + 2 : udp + 4], "big") in EXPORT_PORTS
    return is_to_collector and int.from_bytes(frame[udp + 8 : udp + 10], "big") in EXPORT_VERSIONS


def is_capture(head: bytes, path: Path) -> bool:
    """Tell a capture of packets, pcap or pcapng, that is no capture of exports to a collector."""
    return is_pcapng(head, path) or (is_pcap(head, path) and not is_export_capture(head, path))


def _json_records(head: bytes) -> Iterator[dict[str, object]]:
    if head.lstrip()[:1] != b"{":
        return
    for line in islice(head.splitlines(), 5):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record


def _export_version(head: bytes) -> int:
    """Return 5, 9 or 10 where the first packet is plausible, else 0."""
    if len(head) < 20:
        return 0
    version, count = struct.unpack(">HH", head[:4])
    if version == 5:
        return 5 if 1 <= count <= 30 and _follows(head, 24 + 48 * count, version) else 0
    if version == 9:
        first_set, set_size = struct.unpack(">HH", head[20:24]) if len(head) >= 24 else (0, 0)
        return 9 if count and (first_set in (0, 1) or first_set > 255) and set_size >= 4 else 0
    if version == 10:
        return 10 if count >= 16 and _follows(head, count, version) else 0
    return 0


def _follows(head: bytes, at: int, version: int) -> bool:
    """Tell whether another packet of that version, or the end, comes at ``at``."""
    return at >= len(head) or head[at : at + 2] == struct.pack(">H", version)
