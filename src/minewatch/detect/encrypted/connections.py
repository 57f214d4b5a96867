"""Connections of one capture that nobody can read, put together from rows of the table ``flows``.

A sensor that runs for weeks cuts a connection into rows; rows of one five-tuple that follow each other within
ten minutes are one connection again.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]

COLUMNS = (
    "flow_id", "capture", "src_ip", "src_port", "dst_ip", "dst_port", "protocol", "first_at", "last_at",
    "src_bytes", "dst_bytes", "dialect", "messages",
)  # fmt: skip
"""Columns of ``flows`` that are read."""

_FIVE = ("src_ip", "src_port", "dst_ip", "dst_port", "protocol")
_FOLLOWS = timedelta(minutes=10)
_TCP = 6
_LONG_S, _QUIET_BYTES_PER_S = 1800.0, 2000.0


class Connection(NamedTuple):
    """One connection: its ends, its time, and packets with their instants (µs), sizes and sides.

    ``server`` names the side that was called. ``rows`` of ``flows`` it was made of.
    """

    src_ip: str
    src_port: int
    server: tuple[str, int]
    first_at: datetime
    last_at: datetime
    rows: int
    at_us: Ints
    size: Ints
    from_server: npt.NDArray[np.bool_]


class Unnoted(NamedTuple):
    """Long quiet connections of a host of which nobody noted the messages: how many, and the longest."""

    connections: int
    longest: Mapping[str, Any]


def connections_of(flows: pa.Table) -> list[Connection]:
    """Return the connections of one capture whose messages were noted, by five-tuple and time."""
    noted = flows.filter(pc.and_(pc.is_valid(flows["messages"]), pc.is_null(flows["dialect"])))
    rows = noted.sort_by([*((name, "ascending") for name in _FIVE), ("first_at", "ascending")])
    ends = rows.select([*_FIVE, "first_at", "last_at"]).to_pylist()
    messages = rows["messages"].combine_chunks()
    return [_connection(ends[begin:end], messages[begin:end]) for begin, end in _runs(ends)]


def _runs(ends: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, int]]:
    """Yield (first, last + 1) of rows that are one connection."""
    begin = 0
    for place in range(1, len(ends) + 1):
        if place == len(ends) or not _goes_on(ends[place - 1], ends[place]):
            yield begin, place
            begin = place


def _goes_on(row: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    same = all(row[name] == after[name] for name in _FIVE)
    return same and after["first_at"] - row["last_at"] <= _FOLLOWS


def _connection(rows: Sequence[Mapping[str, Any]], messages: pa.ListArray) -> Connection:
    packets = messages.flatten()
    at_us = packets.field("at").cast(pa.int64()).to_numpy(zero_copy_only=False)
    order = np.argsort(at_us, kind="stable")
    first = rows[0]
    return Connection(
        first["src_ip"],
        first["src_port"],
        (first["dst_ip"], first["dst_port"]),
        first["first_at"],
        max(row["last_at"] for row in rows),
        len(rows),
        at_us[order],
        packets.field("size").to_numpy(zero_copy_only=False).astype(np.int64)[order],
        packets.field("from_dst").to_numpy(zero_copy_only=False)[order],
    )


def unnoted_of(flows: pa.Table) -> dict[str, Unnoted]:
    """Return host → its long quiet connections in one capture without any noted messages."""
    lasts_s = pc.divide(pc.cast(pc.subtract(flows["last_at"], flows["first_at"]), pa.int64()), 1e6)
    rate = pc.divide(pc.add(flows["src_bytes"], flows["dst_bytes"]), pc.max_element_wise(lasts_s, 1.0))
    both = pc.and_(pc.greater(flows["src_bytes"], 0), pc.greater(flows["dst_bytes"], 0))
    chosen = pc.and_(pc.is_null(flows["messages"]), pc.is_null(flows["dialect"]))
    chosen = pc.and_(chosen, pc.equal(flows["protocol"], _TCP))
    chosen = pc.and_(chosen, pc.and_(pc.greater_equal(lasts_s, _LONG_S), pc.less(rate, _QUIET_BYTES_PER_S)))
    rows = flows.filter(pc.fill_null(pc.and_(chosen, both), False))
    found: dict[str, Unnoted] = {}
    for row in rows.select([*_FIVE, "first_at", "last_at"]).to_pylist():
        known = found.get(row["src_ip"], Unnoted(0, row))
        longest = max(known.longest, row, key=lambda each: each["last_at"] - each["first_at"])
        found[row["src_ip"]] = Unnoted(known.connections + 1, longest)
    return found
