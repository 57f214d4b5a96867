"""The load that a site's connections to pools stand for, every machine counted once.

A machine can be seen more than once: by two sensors, before and behind a translation of addresses, on its way
to a proxy and again in what the proxy sends, or on a new connection after the old one. Rows are evidence on
endpoints; ``row["flow"]`` is its row of the table ``flows`` and ``row["host"]`` the innermost address that
leases give its endpoint, both where known.
"""

import ipaddress
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

Row = Mapping[str, Any]

CLOCKS_APART = timedelta(seconds=1)
"""Two sensors' clocks differ by no more than this (assumed); times are compared in whole seconds."""

_INNER = tuple(
    map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)
"""Addresses that a translation hides (RFC 1918, RFC 6598, RFC 4193)."""

_COUNTS = ("src_packets", "dst_packets", "src_bytes", "dst_bytes", "shares_submitted")
_MOMENT = timedelta(microseconds=1)


def busiest(rows: Iterable[Row], column: str) -> list[Row]:
    """Return the rows at work at the instant when the sum of ``column`` is largest, each load once.

    Ordered by subject; a row is at work from its onset up to, not including, its end.
    """
    return most_at_once(counted(rows, column), column)


def most_at_once(rows: Iterable[Row], column: str) -> list[Row]:
    """Return the same of rows that count (``counted``)."""
    spans = [_Span.of(row, float(row[column])) for row in rows]
    starts, ends = sorted(spans, key=lambda span: span.first), sorted(spans, key=lambda span: span.end)
    best, instant, total, ended = 0.0, None, 0.0, 0
    for span in starts:
        while ends[ended].end <= span.first:
            total -= ends[ended].value
            ended += 1
        total += span.value
        if instant is None or total > best:
            best, instant = total, span.first
    at_work = [span.row for span in spans if instant is not None and span.first <= instant < span.end]
    return sorted(at_work, key=_order)


def counted(rows: Iterable[Row], column: str) -> list[Row]:
    """Return the rows with a value in ``column`` that count, so that no load is counted twice."""
    known = sorted((row for row in rows if row[column] is not None), key=_order)
    return _through_proxies(_steadied(_one_for_an_endpoint(_seen_once(known), column), column), column)


def followed(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield the connections of each miner that can be followed, one after the other.

    Those that nothing tells apart, where there are never two at once.
    """
    for own in _alike(rows):
        if all(before["ended_at"] <= after["onset_at"] for before, after in pairwise(own)):
            yield own


def _alike(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield connections that nothing tells apart: of one host, server, account and worker names."""
    by_miner: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row.get("flow") and row["onset_at"] and row["ended_at"]:
            by_miner[_miner(row)].append(row)
    for own in by_miner.values():
        yield sorted(own, key=lambda row: (row["onset_at"], row["ended_at"], row["evidence_id"]))


def _miner(row: Row) -> tuple[Any, ...]:
    flow = row["flow"]
    workers = tuple(sorted(item["worker"] for item in flow["workers"] or ()))
    return host_of_row(row), flow["dst_ip"], flow["dst_port"], workers, tuple(flow["accounts"] or ())


def machines_of(row: Row) -> int:
    """Return how many machines were told apart on a connection, at least one."""
    flow = row.get("flow") or {}
    return max(flow.get("machines") or 0, len(flow.get("workers") or ()), 1)


def host_of_row(row: Row) -> str:
    """Return the address of the machine as far inside as it is known."""
    return str(row.get("host") or row["subject_id"].rpartition(":")[0].strip("[]"))


class _Span(NamedTuple):
    """A row with its time, half-open; without an onset from the beginning, without an end for good."""

    first: datetime
    end: datetime
    value: float
    row: Row

    @classmethod
    def of(cls, row: Row, value: float) -> "_Span":
        first = row["onset_at"] or datetime.min.replace(tzinfo=UTC)
        end = row["ended_at"] or datetime.max.replace(tzinfo=UTC)
        return cls(first, max(end, first + _MOMENT), value, row)

    @property
    def seconds(self) -> float:
        return (self.end - self.first).total_seconds()


def _order(row: Row) -> tuple[str, str, str]:
    return row["subject_id"], str(row["onset_at"]), row["evidence_id"]


class _Place(NamedTuple):
    """Where a connection was seen: by which capture, and on which side of a translation."""

    capture: str
    inner: bool


def _seen_once(rows: Sequence[Row]) -> Iterator[Row]:
    """Leave out what another sensor, or the same on the other side of a translation, saw as well.

    The same connection has one server, the same packets, bytes and shares each way, and begins at one time;
    it is seen under two addresses only from two places.
    """
    told: dict[tuple[Any, ...], set[_Place]] = defaultdict(set)
    for row in rows:
        flow = row.get("flow")
        if flow is None or not flow["shares_submitted"] or any(flow[name] is None for name in _COUNTS):
            yield row
            continue
        place = _Place(flow["capture"], _is_inner(flow["src_ip"]))
        same = (flow["dst_ip"], flow["dst_port"], flow["protocol"], *(flow[name] for name in _COUNTS))
        second = flow["first_at"].replace(microsecond=0)
        near = (second - CLOCKS_APART, second, second + CLOCKS_APART)
        if not any(_apart(place, other) for at in near for other in told.get((*same, at), ())):
            told[*same, second].add(place)
            yield row


def _apart(place: _Place, other: _Place) -> bool:
    return place.inner != other.inner or place.capture != other.capture


@lru_cache(maxsize=65_536)
def _is_inner(ip: str) -> bool:
    address = ipaddress.ip_address(ip)
    return any(address in network for network in _INNER if network.version == address.version)


def _one_for_an_endpoint(rows: Iterable[Row], column: str) -> list[Row]:
    """Return for each endpoint rows that do not overlap, the larger before the smaller."""
    kept: dict[str, list[_Span]] = defaultdict(list)
    spans = [_Span.of(row, float(row[column])) for row in rows]
    for span in sorted(spans, key=lambda span: (-span.value, _order(span.row))):
        own = kept[span.row["subject_id"]]
        place = bisect_left(own, span.first, key=lambda other: other.first)
        before, after = own[:place][-1:], own[place:][:1]
        if all(other.end <= span.first for other in before) and all(
            span.end <= other.first for other in after
        ):
            own.insert(place, span)
    return sorted((span.row for own in kept.values() for span in own), key=_order)


def _steadied(rows: Sequence[Row], column: str) -> list[Row]:
    """Give connections that nothing tells apart the mean over them, weighted by time.

    Else the largest of many short counts of shares would be taken for what a miner does that comes back.
    """
    names = (column, f"{column}_low", f"{column}_high")
    mean: dict[str, Row] = {}
    for own in _alike(rows):
        weights = [_Span.of(row, 0.0).seconds for row in own]
        if len(own) > 1 and all(row.get(name) is not None for row in own for name in names):
            parts = {name: [row[name] for row in own] for name in names}
            told = {name: _mean(values, weights) for name, values in parts.items()}
            mean |= {row["evidence_id"]: told for row in own}
    return [{**row, **mean.get(row["evidence_id"], {})} for row in rows]


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)


def _through_proxies(rows: Sequence[Row], column: str) -> list[Row]:
    """Count what machines send to a proxy of the site or what the proxy sends on, whichever is more."""
    sent: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        sent[host_of_row(row)].append(row)
    behind: dict[str, list[str]] = defaultdict(list)
    for host in sent:
        behind[_next(host, sent, column)].append(host)
    outward = _from_outside(behind)
    circles = sent.keys() - set(outward)
    chosen: dict[str, Sequence[Row]] = {host: sent[host] for host in circles}
    for host in reversed(outward):
        inside = [row for other in behind.get(host, ()) for row in chosen.pop(other)]
        chosen[host] = max(inside, sent[host], key=lambda rows: _amount(rows, column))
    return sorted((row for rows in chosen.values() for row in rows), key=_order)


def _next(host: str, sent: Mapping[str, Sequence[Row]], column: str) -> str:
    """Return the other host of the site to which most of what ``host`` sends goes; "": most goes outside."""
    amounts: dict[str, float] = defaultdict(float)
    for row in sent[host]:
        server = str((row.get("flow") or {}).get("dst_ip"))
        amounts[server if server in sent and server != host else ""] += _amount([row], column)
    return max(sorted(amounts), key=lambda server: amounts[server])


def _from_outside(behind: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the hosts from those that send outside to those furthest behind; none that sends in a circle."""
    found = list(behind.get("", ()))
    for host in found:
        found += behind.get(host, ())
    return found


def _amount(rows: Iterable[Row], column: str) -> float:
    return sum(span.value * span.seconds for span in (_Span.of(row, float(row[column])) for row in rows))
