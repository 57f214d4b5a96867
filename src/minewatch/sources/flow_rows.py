"""Rows of ``flows`` from the arrays of the flow table and the facts of its conversations."""

import socket
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from minewatch.kernels import flow_table as table
from minewatch.schema.network_tables import FLOWS
from minewatch.sources.conversations import Conversations
from minewatch.sources.flow_id import flow_id
from minewatch.sources.mining_columns import MINED_COLUMNS, mining_columns, pool_name
from minewatch.sources.mining_facts import MiningFacts
from minewatch.sources.names import Names, NameSeen

_MAPPED = 0xFFFF


def flow_rows(
    capture: str, flows: np.ndarray, numbers: np.ndarray, names: Names, talks: Conversations
) -> pa.Table:
    """Return the rows of flow ``numbers`` as a table of the schema ``FLOWS``, in that order."""
    facts = {n: found for n, flow in enumerate(numbers.tolist()) if (found := talks.facts_of(flow))}
    rows = _turned(flows[numbers], facts)
    columns = _counted_columns(rows)
    columns["flow_id"] = pa.array(_flow_ids(capture, columns))
    columns["capture"] = pa.array([capture] * len(rows), pa.string())
    seen = _names_of(rows, numbers, names)
    columns["names"] = pa.array([_as_structs(each) for each in seen], FLOWS.field("names").type)
    mined = {
        n: mining_columns(found, (talks.first_us(int(numbers[n])), int(rows[n, table.LAST_NS]) // 1000))
        for n, found in facts.items()
    }
    for n, values in mined.items():
        values["pool"] = pool_name(facts[n], seen[n]) or _address_and_port(columns, n)
    for name in ("first_payloads", "messages"):
        columns[name] = pa.nulls(len(rows), FLOWS.field(name).type)
    for name in MINED_COLUMNS:
        columns[name] = _scattered(len(rows), {n: values[name] for n, values in mined.items()}, name)
    return pa.table([columns[field.name] for field in FLOWS], schema=FLOWS)


def address_text(high: int, low: int) -> str:
    """Return an address of the flow table as text; ::ffff:0:0/96 is written as IPv4."""
    packed = struct.pack(">qq", high, low)
    if high == 0 and (low >> 32) == _MAPPED:
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)


def _turned(rows: np.ndarray, facts: Mapping[int, MiningFacts]) -> np.ndarray:
    """Put the miner on the source side where the conversation showed it on the other."""
    rows = rows.copy()
    swap = [n for n, found in facts.items() if found.client_is_reverse]
    pairs = (
        (table.SRC_HIGH, table.DST_HIGH),
        (table.SRC_LOW, table.DST_LOW),
        (table.SRC_PACKETS, table.DST_PACKETS),
        (table.SRC_BYTES, table.DST_BYTES),
    )
    for first, second in pairs:
        rows[np.ix_(swap, [first, second])] = rows[np.ix_(swap, [second, first])]
    ports = rows[swap, table.PORTS]
    rows[swap, table.PORTS] = (ports & 0xFFFF) << 16 | ports >> 16
    return rows


def _counted_columns(rows: np.ndarray) -> dict[str, pa.Array]:
    def instants(column: int) -> pa.Array:
        return pa.array(rows[:, column] // 1000).cast(FLOWS.field("first_at").type)

    tcp = rows[:, table.PROTOCOL] == 6
    opened = (rows[:, table.SEEN] & table.SEEN_OPENING) > 0
    return {
        "src_ip": _addresses(rows[:, [table.SRC_HIGH, table.SRC_LOW]]),
        "dst_ip": _addresses(rows[:, [table.DST_HIGH, table.DST_LOW]]),
        "src_port": pa.array((rows[:, table.PORTS] >> 16).astype(np.int32)),
        "dst_port": pa.array((rows[:, table.PORTS] & 0xFFFF).astype(np.int32)),
        "protocol": pa.array(rows[:, table.PROTOCOL].astype(np.int16)),
        "vlan": pa.array(rows[:, table.VLAN].astype(np.int32), mask=rows[:, table.VLAN] < 0),
        "opening_seen": pa.array(opened, mask=~tcp),
        "first_at": instants(table.FIRST_NS),
        "last_at": instants(table.LAST_NS),
        "src_packets": pa.array(rows[:, table.SRC_PACKETS]),
        "dst_packets": pa.array(rows[:, table.DST_PACKETS]),
        "src_bytes": pa.array(rows[:, table.SRC_BYTES]),
        "dst_bytes": pa.array(rows[:, table.DST_BYTES]),
    }


def _addresses(halves: np.ndarray) -> pa.Array:
    if not len(halves):
        return pa.array([], pa.string())
    known, positions = np.unique(halves, axis=0, return_inverse=True)
    texts = pa.array([address_text(high, low) for high, low in known.tolist()])
    return texts.take(pa.array(positions.ravel()))


def _flow_ids(capture: str, columns: Mapping[str, pa.Array]) -> list[str]:
    tuple_columns = ("src_ip", "src_port", "dst_ip", "dst_port", "protocol")
    parts = [columns[name].to_pylist() for name in tuple_columns]
    starts = columns["first_at"].cast(pa.int64()).to_pylist()
    return [flow_id(capture, *each) for each in zip(*parts, starts, strict=True)]


def _names_of(rows: np.ndarray, numbers: np.ndarray, names: Names) -> list[list[NameSeen]]:
    ends = rows[:, [table.SRC_HIGH, table.SRC_LOW, table.DST_HIGH, table.DST_LOW, table.FIRST_NS]].tolist()
    return [
        names.of(flow, (a, b), (c, d), at)
        for flow, (a, b, c, d, at) in zip(numbers.tolist(), ends, strict=True)
    ]


def _as_structs(seen: list[NameSeen]) -> list[dict[str, str]] | None:
    return [{"kind": kind, "name": name} for kind, name in seen] or None


def _scattered(size: int, values: Mapping[int, Any], name: str) -> pa.Array:
    kind = FLOWS.field(name).type
    if not values:
        return pa.nulls(size, kind)
    places, absent = np.zeros(size, np.int64), np.ones(size, bool)
    places[list(values)], absent[list(values)] = np.arange(len(values)), False
    return pa.array(list(values.values()), kind).take(pa.array(places, mask=absent))


def _address_and_port(columns: Mapping[str, pa.Array], n: int) -> str:
    address, port = columns["dst_ip"][n].as_py(), columns["dst_port"][n].as_py()
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
