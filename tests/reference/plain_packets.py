"""Slow, obvious twins of the packet kernels: bytes in, dictionaries out."""

import ipaddress
import struct
from typing import Any

VLAN_TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)
EXTENSIONS = (0, 43, 44, 51, 60, 135)


class NotReadable(Exception):  # noqa: N818
    """With the name of the status that the kernel gives."""


def decode(frame: bytes, link: int) -> dict[str, Any]:
    """Fields of a TCP or UDP packet; raises NotReadable("not_ip" | "cut" | "fragment" | "other")."""
    ethertype, rest, vlan = link_layer(frame, link)
    for _ in range(6):
        if ethertype not in (0x0800, 0x86DD):
            raise NotReadable("not_ip")
        ip = ipv4(rest) if ethertype == 0x0800 else ipv6(rest)
        inside = tunnel(ip)
        if inside is None:
            return transport(ip) | {"vlan": vlan}
        ethertype, rest = inside
    raise NotReadable("other")


def link_layer(frame: bytes, link: int) -> tuple[int, bytes, int | None]:
    if len(frame) < 4:
        raise NotReadable("not_ip")
    if link == 1:
        return tagged(frame[12:])
    if link == 113:
        return tagged(frame[14:])
    if link == 276:
        return tagged(frame[:2] + frame[20:]) if len(frame) >= 20 else (0, b"", None)
    if link == 101:
        return {4: 0x0800, 6: 0x86DD}.get(frame[0] >> 4, 0), frame, None
    if link == 0:
        family = max(frame[0], frame[3])
        kind = 0x0800 if family == 2 else 0x86DD if family in (10, 24, 28, 30) else 0
        return kind, frame[4:], None
    raise NotReadable("not_ip")


def tagged(data: bytes) -> tuple[int, bytes, int | None]:
    """Read an ethertype and follow tags, labels and sessions behind it."""
    vlan = None
    if len(data) < 2:
        return 0, b"", None
    kind, data = int.from_bytes(data[:2], "big"), data[2:]
    while len(data) >= 4:
        if kind in VLAN_TAGS:
            tag, kind = struct.unpack(">HH", data[:4])
            vlan = tag & 0xFFF if vlan is None else vlan
            data = data[4:]
        elif kind in (0x8847, 0x8848):
            is_bottom, data = data[2] & 1, data[4:]
            if is_bottom:
                return {4: 0x0800, 6: 0x86DD}.get(data[0] >> 4, 0) if data else 0, data, vlan
        elif kind == 0x8864:
            return *ppp(data[6:]), vlan
        elif kind < 1536 and len(data) >= 8 and data[:2] == b"\xaa\xaa":
            kind, data = int.from_bytes(data[6:8], "big"), data[8:]
        else:
            return kind, data, vlan
    return 0, b"", vlan


def ppp(data: bytes) -> tuple[int, bytes]:
    if len(data) < 4:
        return 0, b""
    if data[:2] == b"\xff\x03":
        data = data[2:]
    return {0x21: 0x0800, 0x57: 0x86DD}.get(int.from_bytes(data[:2], "big"), 0), data[2:]


def ipv4(data: bytes) -> dict[str, Any]:
    if len(data) < 20 or data[0] >> 4 != 4:
        raise NotReadable("cut")
    header, total = (data[0] & 15) * 4, int.from_bytes(data[2:4], "big") or len(data)
    if header < 20 or total < header or len(data) < header:
        raise NotReadable("cut")
    if int.from_bytes(data[6:8], "big") & 0x1FFF:
        raise NotReadable("fragment")
    return {
        "src": str(ipaddress.ip_address(data[12:16])),
        "dst": str(ipaddress.ip_address(data[16:20])),
        "protocol": data[9],
        "ip_bytes": total,
        "body": data[header:],
        "wire": total - header,
    }


def ipv6(data: bytes) -> dict[str, Any]:
    if len(data) < 40 or data[0] >> 4 != 6:
        raise NotReadable("cut")
    length = int.from_bytes(data[4:6], "big") or len(data) - 40
    protocol, body, passed = data[6], data[40:], 0
    while protocol in EXTENSIONS:
        if len(body) < 8:
            raise NotReadable("cut")
        if protocol == 44 and int.from_bytes(body[2:4], "big") & 0xFFF8:
            raise NotReadable("fragment")
        step = {44: 8, 51: (body[1] + 2) * 4}.get(protocol, (body[1] + 1) * 8)
        protocol, body, passed = body[0], body[step:], passed + step
    return {
        "src": str(ipaddress.ip_address(data[8:24])),
        "dst": str(ipaddress.ip_address(data[24:40])),
        "protocol": protocol,
        "ip_bytes": 40 + length,
        "body": body,
        "wire": length - passed,
    }


def tunnel(ip: dict[str, Any]) -> tuple[int, bytes] | None:
    protocol, body = ip["protocol"], ip["body"]
    body = body[: max(ip["wire"], 0)]
    if protocol in (4, 41):
        return {4: 0x0800, 41: 0x86DD}[protocol], ip["body"]
    if protocol == 47:
        return gre(body, ip["body"])
    if protocol == 17 and len(body) >= 30 and body[2:4] == struct.pack(">H", 4789) and body[8] == 8:
        kind, inside, _ = tagged(ip["body"][28:][: len(body) - 28])
        if kind in (0x0800, 0x86DD):
            return kind, ip["body"][len(body) - len(inside) :]
    return None


def gre(body: bytes, everything: bytes) -> tuple[int, bytes] | None:
    if len(body) < 4:
        return None
    flags, kind = struct.unpack(">HH", body[:4])
    at = 4 + 4 * sum(flags >> bit & 1 for bit in (15, 13, 12)) + (4 if flags & 7 == 1 and flags & 0x80 else 0)
    if at + 14 > len(body):
        return None
    inside = body[at:]
    if kind == 0x6558:
        kind, inside, _ = tagged(inside[12:])
    elif kind == 0x880B:
        kind, inside = ppp(inside)
    if kind in (0x0800, 0x86DD):
        return kind, everything[len(body) - len(inside) :]
    return None


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
    if len(body) < header or wire < header:
        raise NotReadable("cut")
    return {
        "src": ip["src"],
        "dst": ip["dst"],
        "sport": int.from_bytes(body[:2], "big"),
        "dport": int.from_bytes(body[2:4], "big"),
        "protocol": ip["protocol"],
        "ip_bytes": ip["ip_bytes"],
        "payload": body[header:wire],
        "wire": wire - header,
        "flags": body[13] if ip["protocol"] == 6 else 0,
        "seq": int.from_bytes(body[4:8], "big") if ip["protocol"] == 6 else 0,
    }


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
        return packet["at_ns"] - flow["span"][1] > 600 * 10**9
    is_opening = packet["flags"] & 18 == 2
    used = flow["ended"] or flow["payloads"] > 0
    return is_opening and used and packet["seq"] not in flow["isns"]
