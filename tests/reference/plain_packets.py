"""Slow, obvious twins of the packet kernels: bytes in, dictionaries out."""

import ipaddress
import struct
from typing import Any

VLAN_TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)
EXTENSIONS = (0, 43, 44, 51, 60, 135, 139, 140)
IPV4, IPV6, ETHERNET, PPP = 0x0800, 0x86DD, 0x6558, 0x880B


class NotReadable(Exception):  # noqa: N818
    """With the name of the status that the kernel gives."""


class Fragment(Exception):  # noqa: N818
    """With the ``piece`` that the packet holds."""

    def __init__(self, piece: dict[str, Any]) -> None:
        super().__init__("fragment")
        self.piece = piece


def decode(frame: bytes, link: int) -> dict[str, Any]:
    """Fields of a TCP or UDP packet; raises NotReadable("not_ip" | "cut" | "other") or Fragment."""
    ethertype, rest, vlan = link_layer(frame, link)
    for _ in range(6):
        if ethertype not in (IPV4, IPV6):
            raise NotReadable("not_ip")
        ip = ipv4(rest) if ethertype == IPV4 else ipv6(rest)
        if "place" in ip:
            raise Fragment(ip | {"vlan": vlan})
        inside = tunnel(ip)
        if inside is None:
            return transport(ip) | {"vlan": vlan}
        ethertype, rest = inside
    raise NotReadable("other")


Inside = tuple[int, bytes, int | None]
"""Ethertype (0: nothing that is read), the bytes behind it, the outermost tag."""

NOTHING: Inside = (0, b"", None)


def link_layer(frame: bytes, link: int) -> Inside:
    if len(frame) < 4:
        return NOTHING
    link, frame, padded = capture_header(frame, link)
    if link == 105:
        return wifi(frame, padded)
    if link in (0, 101):
        family = {2: IPV4, 10: IPV6, 24: IPV6, 28: IPV6, 30: IPV6}.get(max(frame[0], frame[3]), 0)
        return (by_version(frame), frame, None) if link else (family, frame[4:], None)
    if link in (9, 51):
        return follow(PPP, frame[6:] if link == 51 else frame)
    type_at, size = {1: (12, 14), 104: (2, 4), 113: (14, 16), 276: (0, 20)}.get(link, (0, 0))
    if size == 0 or len(frame) < size:
        return NOTHING
    return follow(int.from_bytes(frame[type_at : type_at + 2], "big"), frame[size:])


def by_version(data: bytes) -> int:
    return {4: IPV4, 6: IPV6}.get(data[0] >> 4, 0) if data else 0


def capture_header(frame: bytes, link: int) -> tuple[int, bytes, bool]:
    """Take off what the driver put before the frame: link type, frame, whether its header is padded."""
    if link not in (119, 127, 163, 192):
        return link, frame, False
    if len(frame) < 8:
        return 0xFFFF, b"", False
    if link == 192:
        size, inner = int.from_bytes(frame[2:4], "little"), int.from_bytes(frame[4:8], "little")
        return inner if len(frame) >= size + 4 else 0xFFFF, frame[size:], False
    if link in (119, 163):
        order = "big" if frame[:3] == b"\x80\x21\x10" else "little"
        return 105, frame[int.from_bytes(frame[4:8], order) :], False  # type: ignore[arg-type]
    size, present = struct.unpack("<HI", frame[2:8])
    header = frame[:size]
    at, word = 8, present
    while word >> 31 and at + 4 <= len(header):
        (word,) = struct.unpack("<I", header[at : at + 4])
        at += 4
    if present & 1:
        at = (at + 7) // 8 * 8 + 8
    flags = header[at] if present & 2 and at < len(header) else 0
    return 0xFFFF if flags & 0x40 else 105, frame[size:], bool(flags & 0x20)


def wifi(frame: bytes, padded: bool) -> Inside:
    if len(frame) < 24:
        return NOTHING
    kind, subtype, version = frame[0] >> 2 & 3, frame[0] >> 4, frame[0] & 3
    to_station, from_station = frame[1] & 1, frame[1] >> 1 & 1
    more, protected, order = frame[1] >> 2 & 1, frame[1] >> 6 & 1, frame[1] >> 7
    if version or kind != 2 or subtype & 4 or more or protected or frame[22] & 15:
        return NOTHING
    size, bundle = 24 + 6 * (to_station and from_station), False
    if subtype & 8:
        bundle = len(frame) > size and bool(frame[size] & 0x80)
        size += 2 + 4 * order
    if padded:
        size = (size + 3) // 4 * 4
    return follow(1, frame[size + 14 * bundle :])


def follow(kind: int, data: bytes) -> Inside:  # noqa: C901 - a table of ethertypes
    """Follow tags, labels, sessions and frames in frames behind an ethertype."""
    vlan = None
    while len(data) >= 4:
        if kind in (IPV4, IPV6):
            return kind, data, vlan
        if kind in VLAN_TAGS:
            tag, kind = struct.unpack(">HH", data[:4])
            vlan = tag & 0xFFF if vlan is None else vlan
            data = data[4:]
        elif kind in (0x8847, 0x8848):
            is_bottom, data = data[2] & 1, data[4:]
            if is_bottom and data and data[0] >> 4 == 0:
                kind, data = ETHERNET, data[4:]
            elif is_bottom:
                kind = by_version(data)
        elif kind == 0x8864:
            kind, data = PPP, data[6:]
        elif kind == PPP:
            kind, data = ppp(data)
        elif kind == ETHERNET and len(data) >= 14:
            kind, data = int.from_bytes(data[12:14], "big"), data[14:]
        elif kind < 1536 and len(data) >= 8 and data[:2] == b"\xaa\xaa":
            kind, data = int.from_bytes(data[6:8], "big"), data[8:]
        else:
            break
    return 0, b"", vlan


def ppp(data: bytes) -> tuple[int, bytes]:
    if data[:2] == b"\xff\x03":
        data = data[2:]
    size = 1 if data[0] & 1 else 2
    kind = int.from_bytes(data[:size], "big")
    return {0x21: IPV4, 0x57: IPV6}.get(kind, 0), data[size:]


def ipv4(data: bytes) -> dict[str, Any]:
    if len(data) < 20 or data[0] >> 4 != 4:
        raise NotReadable("cut")
    header, total = (data[0] & 15) * 4, int.from_bytes(data[2:4], "big") or len(data)
    if header < 20 or total < header or len(data) < header:
        raise NotReadable("cut")
    place = int.from_bytes(data[6:8], "big")
    found = {
        "src": str(ipaddress.ip_address(data[12:16])),
        "dst": str(ipaddress.ip_address(data[16:20])),
        "protocol": data[9],
        "ip_bytes": total,
        "body": data[header:total],
        "wire": total - header,
    }
    if place & 0x3FFF:
        found |= {"place": (place & 0x1FFF) * 8, "more": bool(place & 0x2000), "id": data[4:6] + data[9:10]}
    return found


def ipv6(data: bytes) -> dict[str, Any]:
    if len(data) < 40 or data[0] >> 4 != 6:
        raise NotReadable("cut")
    length = int.from_bytes(data[4:6], "big") or len(data) - 40
    found = {
        "src": str(ipaddress.ip_address(data[8:24])),
        "dst": str(ipaddress.ip_address(data[24:40])),
        "ip_bytes": 40 + length,
    }
    protocol, body, wire = data[6], data[40 : 40 + length], length
    while protocol in EXTENSIONS:
        if len(body) < 8:
            raise NotReadable("cut")
        place = int.from_bytes(body[2:4], "big")
        if protocol == 44 and place & 0xFFF9:
            found |= {"place": place & 0xFFF8, "more": bool(place & 1), "id": body[4:8]}
            return found | {"protocol": body[0], "body": body[8:], "wire": wire - 8}
        step = {44: 8, 51: (body[1] + 2) * 4}.get(protocol, (body[1] + 1) * 8)
        protocol, body, wire = body[0], body[step:], wire - step
    return found | {"protocol": protocol, "body": body, "wire": wire}


def tunnel(ip: dict[str, Any]) -> tuple[int, bytes] | None:
    protocol, body = ip["protocol"], ip["body"]
    if protocol in (4, 41):
        return {4: IPV4, 41: IPV6}[protocol], body
    if protocol == 47:
        return gre(body)
    if protocol == 17 and len(body) >= 28:
        return in_udp(body)
    return None


def in_udp(body: bytes) -> tuple[int, bytes] | None:
    source, target, size = struct.unpack(">HHH", body[:6])
    said = body[8:]
    if target == 4789 and said[0] == 8:
        kind, inside, _ = follow(ETHERNET, said[8:])
    elif 2152 in (source, target) and said[0] >> 4 == 3 and said[1] == 255:
        kind, inside = gtp(said)
    else:
        kind, inside = teredo(said, size - 8)
    return (kind, inside) if kind else None


def gtp(said: bytes) -> tuple[int, bytes]:
    if not said[0] & 7:
        return by_version(said[8:]), said[8:]
    following, inside = said[11] if said[0] & 4 else 0, said[12:]
    while following and inside:
        size = inside[0] * 4
        if size == 0 or size > len(inside):
            return 0, b""
        following, inside = inside[size - 1], inside[size:]
    return by_version(inside), inside


def teredo(said: bytes, size: int) -> tuple[int, bytes]:
    """Anything that holds an IPv6 packet which fits and has an address of 2001:0::/32."""
    whole = len(said)
    if said[:2] == b"\0\1":
        said = said[13 + said[2] + said[3] :]
    if len(said) >= 8 and said[:2] == b"\0\0":
        said = said[8:]
    if len(said) < 40 or said[0] >> 4 != 6:
        return 0, b""
    ends = whole - len(said) + 40 + int.from_bytes(said[4:6], "big")
    is_teredo = b"\x20\x01\0\0" in (said[8:12], said[24:28])
    return (IPV6 if is_teredo and ends <= size else 0), said


def gre(body: bytes) -> tuple[int, bytes] | None:
    if len(body) < 4:
        return None
    flags, kind = struct.unpack(">HH", body[:4])
    at = 4 + 4 * sum(flags >> bit & 1 for bit in (15, 13, 12)) + (4 if flags & 7 == 1 and flags & 0x80 else 0)
    if kind == 0x88BE:
        kind, at = ETHERNET, at + (8 if flags & 0x1000 else 0)
    elif kind == 0x22EB and len(body) >= at + 12:
        kind, at = ETHERNET, at + (20 if body[at + 11] & 1 else 12)
    kind, inside, _ = follow(kind, body[at:])
    return (kind, inside) if kind else None


def transport(ip: dict[str, Any]) -> dict[str, Any]:
    body, wire = ip["body"], ip["wire"]
    if ip["protocol"] not in (6, 17):
        raise NotReadable("other")
    header = 8
    if ip["protocol"] == 6:
        if len(body) < 20:
            raise NotReadable("cut")
        header = (body[12] >> 4) * 4
        if header < 20:
            raise NotReadable("cut")
    if len(body) < header:
        raise NotReadable("cut")
    return {
        "src": ip["src"],
        "dst": ip["dst"],
        "sport": int.from_bytes(body[:2], "big"),
        "dport": int.from_bytes(body[2:4], "big"),
        "protocol": ip["protocol"],
        "ip_bytes": ip["ip_bytes"],
        "payload": body[header:],
        "wire": wire - header,
        "flags": body[13] if ip["protocol"] == 6 else 0,
        "seq": int.from_bytes(body[4:8], "big") if ip["protocol"] == 6 else 0,
    }


class Datagrams:
    """Joins fragments the simple way: all of a datagram's bytes in one dictionary, first come first kept."""

    def __init__(self) -> None:
        self.kept: dict[Any, dict[str, Any]] = {}

    def decode(self, frame: bytes, link: int, at_ns: int) -> dict[str, Any] | None:
        """Decode a packet, the datagram it makes whole, or one given up for it; None where there is none."""
        try:
            return decode(frame, link) | {"at_ns": at_ns}
        except Fragment as error:
            piece = error.piece
        whole = self._take(piece, at_ns)
        found = None if whole is None else self.decode(whole, 101, at_ns)
        return None if found is None else found | {"vlan": piece["vlan"]}

    def _take(self, piece: dict[str, Any], at_ns: int) -> bytes | None:
        start, stop = piece["place"], piece["place"] + piece["wire"]
        if piece["wire"] <= 0 or stop > 65515 or (piece["more"] and piece["wire"] % 8):
            raise NotReadable("cut")
        key = (piece["src"], piece["dst"], piece["id"])
        known, old = self.kept.get(key), None
        if known is None or not 0 <= at_ns - known["since"] <= 30 * 10**9:
            old = known
            known = self.kept[key] = {"since": at_ns, "bytes": {}, "total": None, "protocol": None}
        elif not fits(known, stop, piece["more"]):
            raise NotReadable("cut")
        for place in range(start, stop):
            at = place - start
            known["bytes"].setdefault(place, piece["body"][at] if at < len(piece["body"]) else None)
        if not piece["more"]:
            known["total"] = stop
        if start == 0 or known["protocol"] is None:
            known["protocol"] = piece["protocol"]
        if old is not None:
            old["total"] = old["total"] or max(old["bytes"]) + 1
            return written(piece, old)
        if known["total"] is None or len(known["bytes"]) < known["total"]:
            return None
        del self.kept[key]
        return written(piece, known)


def fits(known: dict[str, Any], stop: int, more: bool) -> bool:
    end = max(known["bytes"], default=-1) + 1
    if more:
        return known["total"] is None or stop <= known["total"]
    return end <= stop and known["total"] in (None, stop)


def written(piece: dict[str, Any], known: dict[str, Any]) -> bytes | None:
    """Write the datagram up to its first byte that was not captured; None where that is its first."""
    if known["bytes"].get(0) is None:
        return None
    body = bytearray()
    for place in range(known["total"]):
        if known["bytes"].get(place) is None:
            break
        body.append(known["bytes"][place])
    source, target = (ipaddress.ip_address(piece[end]).packed for end in ("src", "dst"))
    if len(source) == 4:
        head = struct.pack(">BBHIBBH", 0x45, 0, 20 + known["total"], 0, 64, known["protocol"], 0)
    else:
        head = struct.pack(">IHBB", 6 << 28, known["total"], known["protocol"], 64)
    return head + source + target + bytes(body)


def flow_table(packets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Flows of decoded packets with ``at_ns``, in the order of their opening."""
    flows: list[dict[str, Any]] = []
    last: dict[Any, dict[str, Any]] = {}
    for packet in packets:
        source, target = (packet["src"], packet["sport"]), (packet["dst"], packet["dport"])
        key = (frozenset([(source, 0), (target, 0)]), packet["protocol"])
        flow = last.get(key)
        if flow is None or begins_anew(flow, packet):
            flow = last[key] = opened(packet, source, target)
            flows.append(flow)
        way = 0 if flow["ends"] == (source, target) else 1
        flow["packets"][way] += 1
        flow["bytes"][way] += packet["ip_bytes"]
        flow["span"] = (min(flow["span"][0], packet["at_ns"]), max(flow["span"][1], packet["at_ns"]))
        if packet["protocol"] == 6:
            flow["payloads"] += bool(packet["payload"])
            flow["ended"] |= bool(packet["flags"] & 5)
            if packet["flags"] & 2:
                flow["opening"] = True
                flow["isns"][way] = packet["seq"]
    return flows


def opened(packet: dict[str, Any], source: Any, target: Any) -> dict[str, Any]:
    ends = (target, source) if is_answer(packet) else (source, target)
    return {
        "ends": ends,
        "protocol": packet["protocol"],
        "packets": [0, 0],
        "bytes": [0, 0],
        "span": (packet["at_ns"], packet["at_ns"]),
        "opening": False,
        "ended": False,
        "payloads": 0,
        "isns": [None, None],
    }


def is_answer(packet: dict[str, Any]) -> bool:
    if packet["protocol"] == 6 and packet["flags"] & 2:
        return bool(packet["flags"] & 16)
    if packet["sport"] < 1024 <= packet["dport"]:
        return True
    return packet["protocol"] == 6 and packet["sport"] < 32768 <= packet["dport"]


def begins_anew(flow: dict[str, Any], packet: dict[str, Any]) -> bool:
    if packet["protocol"] == 17:
        return packet["at_ns"] - flow["span"][1] > 120 * 10**9
    is_opening = packet["flags"] & 18 == 2
    used = flow["ended"] or flow["payloads"] > 0
    return is_opening and used and packet["seq"] not in flow["isns"]
