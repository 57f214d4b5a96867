"""Flow logs as carriers keep them: Zeek's conn, ssl and dns logs, NetFlow version 5, Suricata's EVE lines.

Forms: https://docs.zeek.org/en/master/log-formats.html; Cisco's NetFlow Services Solutions Guide (version
5 header and record), export packets one after the other in a file;
https://docs.suricata.io/en/latest/output/eve/eve-json-format.html.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any

from minewatch.schema.ids import content_id
from minewatch.sim.wire.hours import FlowRecord
from minewatch.sim.wire.innocents import RESOLVER
from minewatch.sim.wire.packets import TCP

_CONN = (
    ("ts", "time"), ("uid", "string"), ("id.orig_h", "addr"), ("id.orig_p", "port"),
    ("id.resp_h", "addr"), ("id.resp_p", "port"), ("proto", "enum"), ("service", "string"),
    ("duration", "interval"), ("orig_bytes", "count"), ("resp_bytes", "count"),
    ("conn_state", "string"), ("local_orig", "bool"), ("local_resp", "bool"), ("missed_bytes", "count"),
    ("history", "string"), ("orig_pkts", "count"), ("orig_ip_bytes", "count"), ("resp_pkts", "count"),
    ("resp_ip_bytes", "count"), ("tunnel_parents", "set[string]"),
)  # fmt: skip
_SSL = (
    ("ts", "time"), ("uid", "string"), ("id.orig_h", "addr"), ("id.orig_p", "port"),
    ("id.resp_h", "addr"), ("id.resp_p", "port"), ("version", "string"), ("cipher", "string"),
    ("server_name", "string"), ("established", "bool"),
)  # fmt: skip
_DNS = (
    ("ts", "time"), ("uid", "string"), ("id.orig_h", "addr"), ("id.orig_p", "port"),
    ("id.resp_h", "addr"), ("id.resp_p", "port"), ("proto", "enum"), ("trans_id", "count"),
    ("query", "string"), ("qtype_name", "string"), ("rcode_name", "string"),
    ("answers", "vector[string]"), ("TTLs", "vector[interval]"),
)  # fmt: skip
_Fields = tuple[tuple[str, str], ...]


def zeek_logs(records: Sequence[FlowRecord]) -> dict[str, str]:
    """Return conn, ssl and dns log as text."""
    conn, ssl, dns = [], [], []
    for record in records:
        uid = "C" + content_id("flow", record.start_us, *record.client, *record.server)[-17:]
        conn.append(_conn_line(record, uid))
        ends = (*map(str, (*record.client, *record.server)),)
        if record.name:
            asked = _seconds(record.start_us - 30_000)
            names = (*map(str, (record.client.ip, 1024 + record.start_us % 60_000, *RESOLVER)),)
            dns.append(
                (
                    asked,
                    "D" + uid[1:],
                    *names,
                    "udp",
                    "1",
                    record.name,
                    "A",
                    "NOERROR",
                    record.server.ip,
                    "300",
                )
            )
            ssl.append(
                (_seconds(record.start_us), uid, *ends, "TLSv13", "TLS_AES_128_GCM_SHA256", record.name, "T")
            )
    return {
        "conn": _zeek("conn", _CONN, conn),
        "ssl": _zeek("ssl", _SSL, ssl),
        "dns": _zeek("dns", _DNS, dns),
    }


def _conn_line(record: FlowRecord, uid: str) -> tuple[str, ...]:
    tcp = record.protocol == TCP
    lasts = f"{(record.end_us - record.start_us) / 1e6:.6f}"
    head = 40 if tcp else 28
    up, down = record.up_bytes, record.down_bytes
    sizes = (up - min(head * record.up_packets, up), down - min(head * record.down_packets, down))
    service = "ssl" if record.name else "-"
    state, history = ("SF", "ShADadFf") if tcp else ("SF", "Dd")
    where = (*map(str, (*record.client, *record.server)),)
    told = (_seconds(record.start_us), uid, *where, "tcp" if tcp else "udp", service, lasts, *map(str, sizes))
    counts = map(str, (record.up_packets, up, record.down_packets, down))
    return (*told, state, "-", "-", "0", history, *counts, "-")


def _zeek(name: str, fields: _Fields, lines: Sequence[tuple[str, ...]]) -> str:
    head = [
        "#separator \\x09",
        "#set_separator\t,",
        "#empty_field\t(empty)",
        "#unset_field\t-",
        f"#path\t{name}",
    ]
    head.append("\t".join(("#fields", *(field for field, _ in fields))))
    head.append("\t".join(("#types", *(kind for _, kind in fields))))
    return "\n".join([*head, *("\t".join(line) for line in lines)]) + "\n"


def _seconds(at_us: int) -> str:
    return f"{at_us // 1_000_000}.{at_us % 1_000_000:06d}"


def netflow5(records: Sequence[FlowRecord]) -> bytes:
    """Return export packets of version 5, thirty records each, one record for each direction of a flow."""
    boot_us = min((record.start_us for record in records), default=0) - 3_600_000_000
    rows = sorted(_netflow_rows(records, boot_us))
    packets = []
    for first in range(0, len(rows), 30):
        part = rows[first : first + 30]
        last_ms = max(end for end, _ in part)
        now_us = boot_us + 1000 * last_ms
        clock = (last_ms, now_us // 1_000_000, now_us % 1_000_000 * 1000)
        packets.append(struct.pack("!HHIIIIBBH", 5, len(part), *clock, first, 0, 1, 0))
        packets += [row for _, row in part]
    return b"".join(packets)


def _netflow_rows(records: Sequence[FlowRecord], boot_us: int) -> Iterator[tuple[int, bytes]]:
    for record in records:
        first, last = (record.start_us - boot_us) // 1000, (record.end_us - boot_us) // 1000
        flags = 0x1B if record.protocol == TCP else 0
        ways = (
            (record.client, record.server, record.up_packets, record.up_bytes, 1, 2),
            (record.server, record.client, record.down_packets, record.down_bytes, 2, 1),
        )
        for source, target, packets, size, enters, leaves in ways:
            yield (
                last,
                struct.pack(
                    "!IIIHHIIIIHHBBBBHHBBH",
                    *(int(IPv4Address(source.ip)), int(IPv4Address(target.ip)), 0, enters, leaves),
                    *(packets, min(size, 0xFFFFFFFF), first, last, source.port, target.port),
                    *(0, flags, record.protocol, 0, 0, 0, 0, 0, 0),
                ),
            )


def eve_lines(records: Sequence[FlowRecord]) -> str:
    """Return EVE events: a tls event where a name was seen, a flow event when the flow ends."""
    events: list[tuple[int, int, dict[str, Any]]] = []
    for number, record in enumerate(records):
        ends = {"src_ip": record.client.ip, "src_port": record.client.port}
        ends |= {"dest_ip": record.server.ip, "dest_port": record.server.port}
        common = {"flow_id": 10**15 + record.start_us % 10**9 * 1000 + number, **ends}
        common["proto"] = "TCP" if record.protocol == TCP else "UDP"
        if record.name:
            tls = {"sni": record.name, "version": "TLS 1.3"}
            events.append((record.start_us, number, {"event_type": "tls", **common, "tls": tls}))
        counts = {"pkts_toserver": record.up_packets, "pkts_toclient": record.down_packets}
        counts |= {"bytes_toserver": record.up_bytes, "bytes_toclient": record.down_bytes}
        span = {"start": _iso(record.start_us), "end": _iso(record.end_us), "state": "closed"}
        events.append((record.end_us, number, {"event_type": "flow", **common, "flow": counts | span}))
    ordered = sorted(events, key=lambda event: event[:2])
    return "".join(json.dumps({"timestamp": _iso(at), **event}) + "\n" for at, _, event in ordered)


def _iso(at_us: int) -> str:
    whole = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{at_us % 1_000_000:06d}+0000"
