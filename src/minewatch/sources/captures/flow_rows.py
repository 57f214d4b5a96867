"""Columns of ``flows`` from the memory of a scan and the facts of its conversations; no Arrow here.

Instants are integers, microseconds since 1970, until they become Arrow or Python values.
"""

import socket
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from minewatch.kernels.traffic import flow_table as table
from minewatch.kernels.traffic import name_store
from minewatch.kernels.traffic.messages import MOST_MESSAGES
from minewatch.kernels.traffic.scan import Scan, messages_of_flow, names_of
from minewatch.sources.captures.conversations import Conversations
from minewatch.sources.captures.flow_id import flow_id
from minewatch.sources.captures.mining_columns import MINED_COLUMNS, mining_columns, pool_name
from minewatch.sources.captures.names import NameSeen
from minewatch.sources.talk.mining_facts import MiningFacts

KINDS = {
    name_store.SNI: "sni",
    name_store.HOST: "host",
    name_store.DNS: "dns",
    name_store.CERTIFICATE: "certificate",
}
"""Kinds of names as the table ``flows`` has them."""

LONG_NS, LEAST_MESSAGES = 300 * table.SECOND_NS, 16
"""Of a quiet connection that is shorter, or has fewer, no messages are written."""

_MAPPED = 0xFFFF
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANTS = ("first_at", "last_at", "shares_first_at", "shares_last_at")

Columns = dict[str, list[Any]]


class Messages(NamedTuple):
    """Payload packets of a flow: µs since 1970, bytes, whether dst sent it."""

    at_us: np.ndarray
    size: np.ndarray
    from_dst: np.ndarray


def flow_columns(capture: str, scan: Scan, numbers: np.ndarray, talks: Conversations) -> Columns:
    """Return the columns of the schema ``FLOWS`` for the flows in rows ``numbers`` of the table, in order."""
    rows = scan.table.flows[numbers]
    facts = {n: found for n, flow in enumerate(numbers.tolist()) if (found := talks.facts_of(flow))}
    turned = np.zeros(len(rows), bool)
    turned[[n for n, found in facts.items() if found.client_is_reverse]] = True
    columns = _counted_columns(rows, turned)
    columns["capture"] = [capture] * len(rows)
    columns["flow_id"] = _flow_ids(capture, columns)
    seen = seen_names(scan, numbers)
    columns["names"] = [[{"kind": kind, "name": name} for kind, name in each] or None for each in seen]
    columns["first_payloads"] = _first_payloads(rows, turned)
    columns["messages"] = _messages(scan, numbers)
    mined = {n: _mined(found, talks.first_us(int(numbers[n])), rows[n]) for n, found in facts.items()}
    for n, values in mined.items():
        values["pool"] = pool_name(facts[n], seen[n]) or _address_and_port(columns, n)
    for name in MINED_COLUMNS:
        columns[name] = [mined[n][name] if n in mined else None for n in range(len(rows))]
    return columns


def as_python(columns: Columns) -> list[dict[str, Any]]:
    """Return rows as ``pyarrow.Table.to_pylist`` would, with instants in UTC."""
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    for row in rows:
        row.update({name: _instant(row[name]) for name in _INSTANTS})
        row["job_times"] = row["job_times"] and [_instant(at) for at in row["job_times"]]
        row["difficulty"] = row["difficulty"] and [
            each | {"at": _instant(each["at"])} for each in row["difficulty"]
        ]
        row["messages"] = row["messages"] and [
            {"at": _instant(at), "size": size, "from_dst": from_dst}
            for at, size, from_dst in zip(*(part.tolist() for part in row["messages"]), strict=True)
        ]
    return rows


def seen_names(scan: Scan, numbers: np.ndarray) -> list[list[NameSeen]]:
    """Return (kind, name) of each name of the flows in rows ``numbers``."""
    cells = np.empty((name_store.MOST_OF_A_FLOW * len(numbers), 2), np.int64)
    ends = np.empty(len(numbers), np.int64)
    names_of(scan, numbers, cells, ends)
    entries, text = scan.names.entries, scan.names.text
    found: list[list[NameSeen]] = []
    start = 0
    for end in ends.tolist():
        here = []
        for name, kind in cells[start:end].tolist():
            at, size = entries[name, name_store.AT], entries[name, name_store.SIZE]
            here.append((KINDS[kind], text[at : at + size].tobytes().decode("ascii")))
        found.append(here)
        start = end
    return found


def address_text(high: int, low: int) -> str:
    """Return an address of the flow table as text; ::ffff:0:0/96 is written as IPv4."""
    packed = struct.pack(">qq", high, low)
    if high == 0 and (low >> 32) == _MAPPED:
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)


def is_long(flows: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Tell of which of the flows ``numbers`` messages are written."""
    some = flows["kept"][numbers] >= LEAST_MESSAGES
    return some & (flows["last_ns"][numbers] - flows["first_ns"][numbers] >= LONG_NS)


def _counted_columns(rows: np.ndarray, turned: np.ndarray) -> Columns:
    def sides(name: str) -> tuple[list[Any], list[Any]]:
        src, dst = rows["src_" + name], rows["dst_" + name]
        return np.where(turned, dst, src).tolist(), np.where(turned, src, dst).tolist()

    ends = rows["ends"]
    protocol, vlan = ends >> 32 & 0xFF, (ends >> 40) - 1
    opened = (rows["seen"] & table.OPENING) > 0
    known: dict[tuple[int, int], str] = {}
    src_ip, dst_ip = (
        [
            known.get(halves) or known.setdefault(halves, address_text(*halves))
            for halves in zip(*each, strict=True)
        ]
        for each in zip(sides("high"), sides("low"), strict=True)
    )
    src_port, dst_port = ends >> 16 & 0xFFFF, ends & 0xFFFF
    (src_packets, dst_packets), (src_bytes, dst_bytes) = sides("packets"), sides("bytes")
    return {
        "src_ip": src_ip,
        "dst_ip": dst_ip,
        "src_port": np.where(turned, dst_port, src_port).tolist(),
        "dst_port": np.where(turned, src_port, dst_port).tolist(),
        "protocol": protocol.tolist(),
        "vlan": [number if number >= 0 else None for number in vlan.tolist()],
        "opening_seen": [
            was_seen if number == 6 else None
            for was_seen, number in zip(opened.tolist(), protocol.tolist(), strict=True)
        ],
        "first_at": (rows["first_ns"] // 1000).tolist(),
        "last_at": (rows["last_ns"] // 1000).tolist(),
        "src_packets": src_packets,
        "dst_packets": dst_packets,
        "src_bytes": src_bytes,
        "dst_bytes": dst_bytes,
    }


def _flow_ids(capture: str, columns: Columns) -> list[str]:
    keys = ("src_ip", "src_port", "dst_ip", "dst_port", "protocol", "first_at")
    return [flow_id(capture, *each) for each in zip(*(columns[key] for key in keys), strict=True)]


def _first_payloads(rows: np.ndarray, turned: np.ndarray) -> list[list[int] | None]:
    sizes = np.where(turned[:, None], -rows["sizes"], rows["sizes"]).tolist()
    return [
        [size for size in each[:count] if size] or None
        for each, count in zip(sizes, rows["sized"].tolist(), strict=True)
    ]


def _messages(scan: Scan, numbers: np.ndarray) -> list[Messages | None]:
    """Return the messages of quiet flows that were long enough."""
    flows = scan.table.flows
    found: list[Messages | None] = [None] * len(numbers)
    room = np.empty(MOST_MESSAGES, np.int64)
    for n in np.flatnonzero(is_long(flows, numbers)).tolist():
        kept = room[: messages_of_flow(scan, int(numbers[n]), room)]
        at_us = int(flows["first_ns"][numbers[n]]) // 1000 + (kept >> 17)
        found[n] = Messages(at_us, (kept & 0xFFFF).astype(np.int32), (kept >> 16 & 1).astype(bool))
    return found


def _mined(facts: MiningFacts, first_us: int, row: np.void) -> dict[str, Any]:
    return mining_columns(facts, (first_us, int(row["last_ns"]) // 1000))


def _address_and_port(columns: Mapping[str, list[Any]], n: int) -> str:
    address, port = columns["dst_ip"][n], columns["dst_port"][n]
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _instant(at_us: int | None) -> datetime | None:
    return None if at_us is None else _EPOCH + timedelta(microseconds=at_us)
