"""Who mined on the lines of a site: workers with their shares and hash rates, and the hash rate over time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from minewatch.detect.pools.hash_rate import ShareCount, hash_rate_of
from minewatch.fuse.connections import counted
from minewatch.runs.report.data import Floats, Row
from minewatch.runs.report.dossier import Dossier, flow_ends
from minewatch.runs.report.scales import Tick, Vertical, area_path, instant_ticks, line_path
from minewatch.schema.evidence import Estimate, SubjectKind

RATE_PX = 200
"""Height of the drawing of hash rate over time, pixels."""

_POINTS = 480
_UNITS = (
    *((1e18, "EH/s"), (1e15, "PH/s"), (1e12, "TH/s"), (1e9, "GH/s"), (1e6, "MH/s"), (1e3, "kH/s")),
    (1.0, "H/s"),
)


class Worker(NamedTuple):
    """One worker of one account over all its connections; ``rate`` in H/s with its 95 % interval.

    Shares are None where no connection tells them.
    """

    account: str | None
    name: str
    connections: int
    submitted: int
    accepted: int | None
    stale: int | None
    rate: Estimate | None


@dataclass(frozen=True)
class RateDrawing:
    """Hash rate of all connections at work, with its 95 % interval; ``table``: instant, rate, low, high."""

    unit: str
    marks: list[Tick]
    rate_marks: list[Tick]
    area: str
    line: str
    table: list[tuple[datetime, float, float, float]]


def workers(flows: Iterable[Row]) -> list[Worker]:
    """Return the workers of a site's flows, the largest hash rate first, then by shares and name."""
    seen: dict[tuple[str | None, str], list[tuple[Row, Row]]] = defaultdict(list)
    for flow in flows:
        account = next(iter(flow["accounts"] or ()), None)
        for worker in flow["workers"] or ():
            seen[account, worker["worker"]].append((flow, worker))
    found = [_worker(*key, parts) for key, parts in seen.items()]
    return sorted(
        found, key=lambda each: (-_value(each.rate), -each.submitted, each.name, each.account or "")
    )


def _value(rate: Estimate | None) -> float:
    return rate.value if rate else 0.0


def _worker(account: str | None, name: str, parts: Sequence[tuple[Row, Row]]) -> Worker:
    told = [worker for _, worker in parts]
    submitted = sum(worker["submitted"] for worker in told)
    accepted, stale = _sum(told, "accepted"), _sum(told, "stale")
    return Worker(account, name, len(parts), submitted, accepted, stale, _rate(parts))


def _sum(rows: Sequence[Row], name: str) -> int | None:
    known = [row[name] for row in rows if row.get(name) is not None]
    return sum(known) if known else None


def _rate(parts: Sequence[tuple[Row, Row]]) -> Estimate | None:
    """Return the rate over the time in which shares were counted on any of the connections."""
    spans, hashes, squares, each = [], 0.0, 0.0, 0.0
    for flow, worker in parts:
        number = worker["submitted"] if worker.get("accepted") is None else worker["accepted"]
        if not worker.get("expected_hashes") or not number or flow["shares_first_at"] is None:
            continue
        spans.append((flow["shares_first_at"], flow["shares_last_at"]))
        hashes += worker["expected_hashes"]
        squares += worker["expected_hashes"] ** 2 / number
        each = max(each, worker["expected_hashes"] / number)
    if not spans:
        return None
    return hash_rate_of(ShareCount(hashes, _covered(spans).total_seconds(), each, squares))


def _covered(spans: Iterable[tuple[datetime, datetime]]) -> timedelta:
    """Return the time that is in any of the spans."""
    total, reached = timedelta(), None
    for first, last in sorted(spans):
        start = first if reached is None else max(first, reached)
        total += max(last - start, timedelta())
        reached = last if reached is None else max(reached, last)
    return total


def rate_drawing(dossier: Dossier, zone: ZoneInfo) -> RateDrawing | None:
    """Draw the hash rate over time; None where no connection tells one, or only for an instant."""
    told = [row for row in with_flows(dossier) if row["hash_rate"] and row["onset_at"] and row["ended_at"]]
    rows = counted(told, "hash_rate")
    first = min((row["onset_at"] for row in rows), default=None)
    last = max((row["ended_at"] for row in rows), default=None)
    if first is None or last is None or first >= last:
        return None
    instants = [first + (last - first) * (n + 0.5) / _POINTS for n in range(_POINTS)]
    value, low, high = _at(rows, instants)
    factor, unit = next((pair for pair in _UNITS if value.max() >= pair[0]), _UNITS[-1])
    axis = Vertical(1.12 * float(high.max()) / factor, RATE_PX)
    on = np.where(value > 0, 1.0, np.nan)
    return RateDrawing(
        unit,
        instant_ticks(first, last, zone),
        axis.ticks(unit),
        area_path(on * low / factor, on * high / factor, axis),
        line_path(value / factor, axis),
        [(instants[n], float(value[n]), float(low[n]), float(high[n])) for n in range(0, _POINTS, 12)],
    )


def _at(rows: Sequence[Mapping[str, Any]], instants: Sequence[datetime]) -> tuple[Floats, Floats, Floats]:
    """Return the sum of what is at work at each instant, with its interval; half widths add in quadrature."""
    value, below, above = np.zeros(len(instants)), np.zeros(len(instants)), np.zeros(len(instants))
    times = np.array([instant.timestamp() for instant in instants])
    for row in rows:
        begin, end = np.searchsorted(times, [row["onset_at"].timestamp(), row["ended_at"].timestamp()])
        low = row["hash_rate"] if row["hash_rate_low"] is None else row["hash_rate_low"]
        high = row["hash_rate"] if row["hash_rate_high"] is None else row["hash_rate_high"]
        value[begin:end] += row["hash_rate"]
        below[begin:end] += (row["hash_rate"] - low) ** 2
        above[begin:end] += (high - row["hash_rate"]) ** 2
    return value, np.maximum(value - np.sqrt(below), 0.0), value + np.sqrt(above)


def with_flows(dossier: Dossier) -> list[Row]:
    """Return the evidence on endpoints, each with the flow that it speaks of and the host that it is."""
    flows = {(flow_ends(flow)[0], flow["first_at"]): flow for flow in dossier.flows}
    rows = [row for row in dossier.evidence if row["subject_kind"] == SubjectKind.ENDPOINT]
    hosts = _hosts(dossier.finding["links"] or ())
    return [
        {
            **row,
            "flow": flows.get((row["subject_id"], row["onset_at"])),
            "host": hosts.get(row["subject_id"]),
        }
        for row in rows
    ]


def _hosts(links: Sequence[Row]) -> dict[str, str]:
    """Return for each endpoint the innermost single address that its leases lead to."""
    onward = {link["from_id"]: link["to_id"] for link in links if link["to_kind"] == "lease"}
    found = {}
    for link in links:
        if link["from_kind"] != "endpoint" or link["to_kind"] != "lease" or link["probability"] < 0.9:
            continue
        lease, passed = link["to_id"], set[str]()
        while lease in onward and lease not in passed:
            passed.add(lease)
            lease = onward[lease]
        prefix = lease.partition("@")[0].rpartition(":")[0].removesuffix("/32").removesuffix("/128")
        if "/" not in prefix:
            found[link["from_id"]] = prefix
    return found
