"""What the flows of a period say of the addresses with a sign of mining, beside the evidence on them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.attribute.leases import host_of
from minewatch.fuse.presence import hour_of
from minewatch.runs.evidence_rows import EvidenceRows, columns_of
from minewatch.runs.partitions import View, flow_slices
from minewatch.schema.evidence import SubjectKind
from minewatch.schema.slices import read_slice

Row = Mapping[str, Any]
Connection = tuple[str, datetime]
"""Endpoint ("ip:port") and first packet: evidence on an endpoint and its flow have the same."""

CONNECTION = (
    *("capture", "src_ip", "src_port", "dst_ip", "dst_port", "protocol", "opening_seen"),
    *("first_at", "last_at", "src_packets", "dst_packets", "src_bytes", "dst_bytes"),
    *("names", "dialect", "agent", "pool", "accounts", "workers", "machines", "shares_submitted"),
)
"""Columns of ``flows`` that are kept of a connection with a sign."""

_NARROW = ["flow_id", "src_ip", "src_port", "dst_ip", "dst_port", "first_at"]
_SERVICES = (53, 123, 853)
"""Ports of servers that everybody asks: names and time."""

_PAIRS = pa.schema([("server", pa.string()), ("src_ip", pa.string())])
_FEWEST = 2
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class WireFacts:
    """Facts of flows. ``hosts``: addresses that opened one, sorted; ``flows``: how many there are.

    ``connections``: those with a sign. Of the addresses with a sign: ``watched`` gives the hours in which
    any flow of theirs was seen, ``resolving`` are those whose look-ups are seen. ``lone_servers``: servers,
    no pools, to which at least two of these addresses and no other speak → these addresses.
    """

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    hosts: Sequence[str] = ()
    flows: int = 0
    connections: Mapping[Connection, Row] = field(default_factory=dict)
    watched: Mapping[str, frozenset[datetime]] = field(default_factory=dict)
    resolving: frozenset[str] = frozenset()
    lone_servers: Mapping[str, frozenset[str]] = field(default_factory=dict)


def wire_facts(view: View, evidence: EvidenceRows) -> WireFacts:
    """Gather the facts in one pass over the flows, and a second one over those of servers in question."""
    signs = _signs(evidence)
    reading = _Reading(signs)
    for part in flow_slices(view):
        own = reading.take(read_slice(part, _NARROW))
        if own.num_rows:
            ids = own["flow_id"].combine_chunks()
            reading.take_names(read_slice(part, ["src_ip", "names"], ids))
            reading.take_connections(read_slice(part, list(CONNECTION), ids.filter(reading.shows_sign(own))))
    asked = reading.asked()
    for part in flow_slices(view) if asked.num_rows else ():
        asked = _not_asked_by_others(asked, read_slice(part, _NARROW), reading.addresses)
    return reading.facts(view.lake.zone, asked)


def _signs(evidence: EvidenceRows) -> set[Connection]:
    rows = columns_of(evidence, ("subject_kind", "subject_id", "log10_lr", "onset_at"))
    rows = rows.filter(pc.equal(rows["subject_kind"], SubjectKind.ENDPOINT.value))
    rows = rows.filter(pc.fill_null(pc.greater(rows["log10_lr"], 0), False))
    return set(zip(rows["subject_id"].to_pylist(), rows["onset_at"].to_pylist(), strict=True))


class _Reading:
    """What was read so far."""

    def __init__(self, signs: set[Connection]) -> None:
        self.signs = signs
        self.addresses = pa.array(sorted({host_of(name) for name, _ in signs}), pa.string())
        self._hosts: set[str] = set()
        self._flows = 0
        self._connections: dict[Connection, Row] = {}
        self._watched: dict[str, set[datetime]] = defaultdict(set)
        self._resolving: set[str] = set()
        self._asked: list[pa.Table] = []

    def take(self, rows: pa.Table) -> pa.Table:
        """Take all flows of a part. Return those of addresses with a sign."""
        self._flows += rows.num_rows
        self._hosts.update(pc.unique(rows["src_ip"]).to_pylist())
        own = rows.filter(pc.is_in(rows["src_ip"], value_set=self.addresses))
        self._take_hours(own)
        self._asked.append(_servers(own))
        return own

    def shows_sign(self, own: pa.Table) -> pa.Array:
        """Return a mask of the flows that evidence with a sign speaks of."""
        found = zip(_endpoints(own, "src").to_pylist(), own["first_at"].to_pylist(), strict=True)
        return pa.array([name in self.signs for name in found], pa.bool_())

    def take_names(self, own: pa.Table) -> None:
        """Take the names seen by addresses with a sign."""
        self._resolving.update(_resolving(own))

    def take_connections(self, rows: pa.Table) -> None:
        """Take whole flows that evidence speaks of."""
        for row in rows.to_pylist():
            self._connections[f"{row['src_ip']}:{row['src_port']}", row["first_at"]] = row
            self._watched[row["src_ip"]].update(_hours(row))

    def _take_hours(self, own: pa.Table) -> None:
        hours = pa.table({"ip": own["src_ip"], "hour": pc.floor_temporal(own["first_at"], unit="hour")})
        for row in hours.group_by(["ip", "hour"]).aggregate([]).to_pylist():
            self._watched[row["ip"]].add(row["hour"])

    def asked(self) -> pa.Table:
        """Return (server, src_ip) of servers to which at least two of the addresses speak, no pools."""
        pairs = (
            pa.concat_tables([_PAIRS.empty_table(), *self._asked])
            .group_by(["server", "src_ip"])
            .aggregate([])
        )
        count = pairs.group_by("server").aggregate([("src_ip", "count")])
        pools = {f"{row['dst_ip']}:{row['dst_port']}" for row in self._connections.values()}
        several = count.filter(pc.greater_equal(count["src_ip_count"], _FEWEST))["server"]
        chosen = sorted(set(several.to_pylist()) - pools)
        return pairs.filter(pc.is_in(pairs["server"], value_set=pa.array(chosen, pa.string())))

    def facts(self, zone: ZoneInfo, asked: pa.Table) -> WireFacts:
        servers: dict[str, set[str]] = defaultdict(set)
        for row in asked.to_pylist():
            servers[row["server"]].add(row["src_ip"])
        return WireFacts(
            zone,
            sorted(self._hosts),
            self._flows,
            self._connections,
            {ip: frozenset(hours) for ip, hours in self._watched.items()},
            frozenset(self._resolving),
            {server: frozenset(hosts) for server, hosts in sorted(servers.items())},
        )


def _endpoints(rows: pa.Table, side: str) -> pa.ChunkedArray:
    port = pc.cast(rows[f"{side}_port"], pa.string())
    return pc.binary_join_element_wise(rows[f"{side}_ip"], port, ":")


def _hours(row: Row) -> Iterator[datetime]:
    """Yield the hours that a connection reaches into; at most a year of them."""
    hour = hour_of(row["first_at"])
    while hour <= min(row["last_at"], row["first_at"] + timedelta(days=366)):
        yield hour
        hour += _HOUR


def _resolving(own: pa.Table) -> list[str]:
    """Return the addresses of flows with a name that came from a look-up."""
    kinds = pc.struct_field(pc.list_flatten(own["names"]), "kind")
    parents = pc.list_parent_indices(own["names"]).filter(pc.equal(kinds, "dns"))
    found: list[str] = pc.unique(own["src_ip"].take(pc.unique(parents))).to_pylist()
    return found


def _servers(own: pa.Table) -> pa.Table:
    rows = own.filter(
        pc.invert(pc.is_in(own["dst_port"], value_set=pa.array(_SERVICES, own["dst_port"].type)))
    )
    pairs = pa.table({"server": _endpoints(rows, "dst"), "src_ip": rows["src_ip"]}, schema=_PAIRS)
    return pairs.group_by(["server", "src_ip"]).aggregate([])


def _not_asked_by_others(asked: pa.Table, rows: pa.Table, addresses: pa.Array) -> pa.Table:
    """Leave out the servers to which another address than those with a sign speaks."""
    strangers = rows.filter(pc.invert(pc.is_in(rows["src_ip"], value_set=addresses)))
    servers = pc.unique(_endpoints(strangers, "dst"))
    return asked.filter(pc.invert(pc.is_in(asked["server"], value_set=servers)))
