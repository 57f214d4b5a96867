"""The evidence panel of a site: what the newest run found, and the load curve with its block."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from minewatch.office.intake.selectors import FindingLine, exhibit_of, finding_page, findings_of
from minewatch.office.platform.services import By
from minewatch.office.register.protection import eyes_of

DETECTORS: Mapping[str, str | Promise] = {
    "customer_load": _("Load of the customer"),
    "transformer_balance": _("Balance of the transformer"),
    "feeder_balance": _("Balance of the feeder"),
    "plant_output": _("Output of the plant"),
    "pool_flow": _("Mining traffic"),
    "block_place": _("Place of a load behind no meter"),
    "data_centre": _("Data centre or mine"),
}
"""What the detectors are called; one that is not known goes by its name."""
_BLOCK_TIMES = ("onset_at", "ended_at")
_TIMES = ("first_at", "last_at", "onset_at", "ended_at")


def evidence_context(site_id: int, who: By) -> dict[str, Any]:
    """Return the findings of a site; of the newest that stands what it says and what shows it."""
    eyes = eyes_of(who)
    lines = findings_of(site_id)
    standing = _newest(lines)
    if standing is None:
        return {"findings": lines, "finding": None}
    exhibit = exhibit_of(standing.id, eyes) or {}
    block = exhibit.get("block", {})
    return {
        "findings": lines,
        "finding": finding_page(standing.id, eyes),
        "curve": {"curves": exhibit.get("curves", []), "block": block},
        "block": {name: parse_datetime(block.get(name) or "") for name in _BLOCK_TIMES},
        "evidence": sorted(map(_told, exhibit.get("evidence", [])), key=_weight, reverse=True),
        "flows": [_timed(row) for row in exhibit.get("flows", [])],
        "flows_left_out": exhibit.get("flows_left_out", 0),
        "days": _days(exhibit.get("curves", [])),
        "workers": _workers(exhibit.get("flows", [])),
    }


class Day(NamedTuple):
    """A day of the load curve: least, mean and most power in kW of all accounts together."""

    day: date
    low: float
    mean: float
    high: float


def _days(curves: Sequence[Mapping[str, Any]]) -> list[Day]:
    """Return the load by the day, newest first, as the curve shows it; days without a reading lack."""
    hours: dict[datetime, float] = defaultdict(float)
    for curve in curves:
        first = datetime.fromisoformat(curve["hourly"]["first_day"])
        for hour, kw in enumerate(curve["hourly"]["kw"]):
            if kw is not None:
                hours[first + timedelta(hours=hour)] += kw
    by_day: dict[date, list[float]] = defaultdict(list)
    for at, kw in hours.items():
        by_day[at.date()].append(kw)
    return [Day(day, min(of), sum(of) / len(of), max(of)) for day, of in sorted(by_day.items(), reverse=True)]


class WorkerLine(NamedTuple):
    """What one worker did: its pools, connections and accepted shares."""

    worker: str
    pools: str
    flows: int
    shares: int


def _workers(flows: Sequence[Mapping[str, Any]]) -> list[WorkerLine]:
    """Return the workers named in flows, those with most accepted shares first."""
    named: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for flow in flows:
        for item in flow.get("workers") or ():
            named[item.get("worker") or ""].append(flow)
    lines = [
        WorkerLine(
            worker,
            ", ".join(sorted({str(flow.get("pool") or flow.get("dst_ip") or "") for flow in of} - {""})),
            len(of),
            sum(flow.get("shares_accepted") or 0 for flow in of),
        )
        for worker, of in named.items()
        if worker
    ]
    return sorted(lines, key=lambda line: (-line.shares, line.worker))


def _newest(lines: list[FindingLine]) -> FindingLine | None:
    return next((line for line in lines if line.state == "standing"), None)


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of evidence with its reasons in the language in force."""
    language = "zh" if (get_language() or "zh").startswith("zh") else "en"
    title = DETECTORS.get(row["detector"], row["detector"])
    return _timed(row) | {
        "detector_title": title,
        "texts": [reason[f"text_{language}"] for reason in row.get("reasons") or ()],
    }


def _weight(row: Mapping[str, Any]) -> float:
    """Return what puts evidence first: the power that it explains."""
    return float(row.get("power_kw") or 0)


def _timed(row: Mapping[str, Any]) -> dict[str, Any]:
    return dict(row) | {name: parse_datetime(row[name]) for name in _TIMES if row.get(name)}
