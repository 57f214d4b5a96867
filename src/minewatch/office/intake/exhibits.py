"""What shows a finding on its page: load curves, evidence, flows; picked from a parcel, kept compressed."""

import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from typing import Any

import pyarrow as pa

Row = Mapping[str, Any]

MOST_FLOWS, MOST_LINES = 200, 12
"""Flows of an exhibit, and protocol lines of a flow; what is beyond is counted."""

_HOURS = 24
_LEFT_OUT = {"job_times", "first_payloads", "messages", "names"}
"""Columns of flows that no page shows."""


class Shown:
    """The tables of a parcel by what findings ask for."""

    def __init__(self, evidence: pa.Table, flows: pa.Table, readings: pa.Table) -> None:
        self._evidence = {row["evidence_id"]: row for row in evidence.to_pylist()}
        self._flows: dict[str, list[Row]] = defaultdict(list)
        kept = [name for name in flows.schema.names if name not in _LEFT_OUT]
        for row in flows.select(kept).sort_by("first_at").to_pylist():
            self._flows[f"{row['src_ip']}:{row['src_port']}"].append(row)
        self._days: dict[str, list[Row]] = defaultdict(list)
        wanted = ["usage_point_id", "day", "interval_minutes", "kw"]
        for row in readings.select(wanted).sort_by([("day", "ascending")]).to_pylist():
            self._days[row["usage_point_id"]].append(row)

    def evidence_of(self, row: Row) -> list[Row]:
        """Return the evidence of a finding, strongest first."""
        found = [self._evidence[name] for name in row["evidence_ids"] or () if name in self._evidence]
        return sorted(found, key=lambda item: -(item["log10_lr"] or 0.0))

    def flows_of(self, row: Row) -> list[Row]:
        """Return the flows that the endpoints of a finding opened, oldest first."""
        ends = [item["name"] for item in row.get("endpoints") or ()]
        return sorted((flow for end in ends for flow in self._flows.get(end, ())), key=_first_at)

    def curves_of(self, row: Row) -> list[dict[str, Any]]:
        """Return the load of each usage point: by the hour, and as metered in the days of the period."""
        names = [item["name"] for item in row.get("usage_points") or ()]
        return [_curve(name, self._days[name], row) for name in names if self._days.get(name)]


def exhibit(row: Row, shown: Shown) -> bytes:
    """Return what a finding's page draws: ``curves``, ``evidence``, ``flows`` and how many more there are."""
    flows = shown.flows_of(row)
    content = {
        "curves": shown.curves_of(row),
        "evidence": shown.evidence_of(row),
        "flows": [_short(flow) for flow in flows[:MOST_FLOWS]],
        "flows_left_out": len(flows[MOST_FLOWS:]),
    }
    return zlib.compress(json.dumps(plain(content), ensure_ascii=False, separators=(",", ":")).encode(), 6)


def content_of(compressed: bytes) -> dict[str, Any]:
    """Return the content of an exhibit."""
    content: dict[str, Any] = json.loads(zlib.decompress(compressed))
    return content


def plain(value: Any) -> Any:
    """Return a value as JSON has it: times and days as text, what is no finite number as null."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, float) and not isfinite(value):
        return None
    return value.isoformat() if isinstance(value, date) else value


def _short(flow: Row) -> dict[str, Any]:
    lines = flow.get("evidence_lines") or []
    kept = {name: value for name, value in flow.items() if value is not None}
    return kept | {"evidence_lines": lines[:MOST_LINES], "lines_left_out": len(lines[MOST_LINES:])}


def _curve(name: str, days: Sequence[Row], row: Row) -> dict[str, Any]:
    first, last = row["period_start_at"].date(), row["period_end_at"].date()
    within = [item for item in days if first <= item["day"] <= last]
    return {
        "usage_point": name,
        "hourly": {"first_day": days[0]["day"], "kw": _filled(days, _HOURS)},
        "metered": [
            {"day": item["day"], "interval_minutes": item["interval_minutes"], "kw": _rounded(item["kw"])}
            for item in within
        ],
    }


def _filled(days: Sequence[Row], each: int) -> list[float | None]:
    """Return ``each`` mean values a day from the first day to the last; None where nothing was read."""
    by_day = {item["day"]: _means(item["kw"], each) for item in days}
    first, number = days[0]["day"], (days[-1]["day"] - days[0]["day"]).days + 1
    every = (first + timedelta(days=at) for at in range(number))
    return [value for day in every for value in by_day.get(day, [None] * each)]


def _means(values: Sequence[float | None], each: int) -> list[float | None]:
    """Return the means of ``each`` parts of a day; a part is None where none of its values was read."""
    size = max(len(values) // each, 1)
    parts = [_rounded(values[at : at + size]) for at in range(0, len(values), size)]
    means = [_mean([value for value in part if value is not None]) for part in parts]
    return [mean for mean in means for _ in range(max(each // max(len(means), 1), 1))][:each]


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None


def _rounded(values: Iterable[float | None]) -> list[float | None]:
    return [None if value is None or not isfinite(value) else round(value, 3) for value in values]


def _first_at(flow: Row) -> datetime:
    at: datetime = flow["first_at"]
    return at
