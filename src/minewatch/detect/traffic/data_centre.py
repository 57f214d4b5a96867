"""Detector: what a site moves for the power it draws tells a mine from a data centre, or one in the other.

See ``docs/explanation/data-centre-or-mine.md`` for the method.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.detect.traffic.features import Declared, SiteHours, site_hours_of, traffic_features, upper_kw
from minewatch.detect.traffic.model import Papers, Verdict, shipped_model, shipped_version
from minewatch.detect.traffic.needs import SiteCount, traffic_refusal
from minewatch.detect.traffic.reasons import Registered, Seen, traffic_reasons
from minewatch.detect.traffic.steps import Step as PowerStep
from minewatch.detect.traffic.steps import unfollowed_step
from minewatch.schema.evidence import (
    Detector,
    Duty,
    Estimate,
    Evidence,
    SubjectKind,
    evidence_table,
    inputs_of,
)
from minewatch.schema.periods import Period
from minewatch.schema.steps import Asked, Step, asked

DETECTOR = Detector("data_centre", f"1-{shipped_version()}")
"""Name and version: of the method, then of the reference of simulated sites."""

INDUSTRIES = ("6450", "6550")
"""GB/T 4754-2017: 互联网数据服务, 信息处理和存储支持服务."""

_BY_NIGHT, _EVEN = 0.3, 0.8


def data_centre_evidence(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return one row of ``evidence`` for each site of ``tables["site_records"]``.

    ``tables["site_hours"]`` has the hours of these sites, which may reach back before the period.
    ``parameters``: see ``minewatch.schema.steps.asked``.
    """
    return evidence_table(_judged(tables["site_hours"], tables["site_records"], asked(parameters)))


def _judged(hours: pa.Table, records: pa.Table, case: Asked) -> Iterator[Evidence]:
    ids = hours["site_id"]
    for record in records.to_pylist():
        rows = hours.filter(pc.equal(ids, record["site_id"]))
        yield judge_site(rows, record, *case)


def judge_site(
    rows: pa.Table,
    record: Mapping[str, Any],
    period: Period,
    zone: ZoneInfo,
    versions: Mapping[str, int] | None = None,
) -> Evidence:
    """Return the evidence on one site: its rows of ``site_hours`` by hour, its row of ``site_records``."""
    subject: dict[str, Any] = {
        "detector": DETECTOR,
        "subject_kind": SubjectKind.SITE,
        "subject_id": record["site_id"],
        "period": period,
        "inputs": _inputs(rows, record, versions or {}),
    }
    site = site_hours_of(rows, zone)
    if refusal := traffic_refusal(site, SiteCount(record["usage_points"], record["points_read"])):
        return Evidence(**subject, log10_lr=None, reasons=[refusal])
    instants = rows["hour"].to_pylist()
    step = unfollowed_step(site)
    seen = _seen(site, step, instants, record, zone)
    verdict = shipped_model().verdict(seen.features, _papers(seen.registered), _step_part(seen))
    rose, fell = (step is not None and sign * step.rise_kw > 0 for sign in (1, -1))
    return Evidence(
        **subject,
        log10_lr=verdict.log10_lr,
        best_alternative=verdict.best,
        alternatives=verdict.alternatives,
        power_kw=_power(verdict, seen.hours),
        onset_at=_instant(instants, step) if rose else None,
        ended_at=_instant(instants, step) if fell else None,
        duty=_duty(verdict, seen),
        reasons=traffic_reasons(seen, verdict, shipped_model()),
    )


def _seen(
    site: SiteHours,
    step: PowerStep | None,
    instants: Sequence[datetime],
    record: Mapping[str, Any],
    zone: ZoneInfo,
) -> Seen:
    """Measure the site on the side of the change of level on which it draws more."""
    place = np.arange(site.kw.size)
    if step:
        site = site.take(place >= step.hour if step.rise_kw > 0 else place < step.hour)
    site = site.take(site.both)
    declared = Declared(*(_number(record[name]) for name in ("contract_kva", "declared_mbps")))
    features = traffic_features(site, declared)
    registered = Registered(
        record["enterprises"],
        record["business_scope"],
        tuple(sorted(set(record["industry_codes"] or ()))),
        record["declared_mbps"],
    )
    day = instants[step.hour].astimezone(zone).date().isoformat() if step else None
    return Seen(site, features, step, day, registered)


def _papers(registered: Registered) -> Papers:
    licensed = bool(registered.scope) if registered.enterprises else None
    codes = registered.industries
    return Papers(licensed, any(code.startswith(INDUSTRIES) for code in codes) if codes else None)


def _step_part(seen: Seen) -> float | None:
    if seen.step is None:
        return None
    return abs(seen.step.rise_kw) / upper_kw(seen.hours.kw)


def _power(verdict: Verdict, hours: SiteHours) -> Estimate:
    low, middle, high = (part * upper_kw(hours.kw) for part in verdict.parts)
    return Estimate(middle, low, high)


def _duty(verdict: Verdict, seen: Seen) -> Duty | None:
    """Return when the mine runs, where it is the greater part, so that the site's curve shows it."""
    if verdict.parts[1] < 0.5:
        return None
    if seen.feature("day_power") < -_BY_NIGHT:
        return Duty.NIGHT_ONLY
    low, middle = np.quantile(seen.hours.kw, (0.05, 0.5))
    return Duty.FLAT if low >= _EVEN * middle else Duty.INTERMITTENT


def _instant(instants: Sequence[datetime], step: PowerStep | None) -> datetime | None:
    return instants[step.hour].astimezone(UTC) if step else None


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _inputs(
    hours: pa.Table, record: Mapping[str, Any], versions: Mapping[str, int]
) -> Sequence[Mapping[str, str | int]]:
    """Return the versions that the evidence follows from; of leases the most lines that it had at once."""
    rows = {
        "enterprises": record["enterprises"],
        "interval_readings": record["reading_rows"],
        "ip_leases": pc.max(hours["lines_known"]).as_py() or 0,
        "line_traffic": record["traffic_rows"],
        "usage_points": record["usage_points"],
    }
    return inputs_of(versions, rows)


DATA_CENTRE_STEP = Step(
    name=DETECTOR.name,
    version=DETECTOR.version,
    inputs=("site_hours", "site_records"),
    group_by="site_id",
    output="evidence",
    function=data_centre_evidence,
)
"""Evidence on each site with a row in ``site_records``, refusals included."""
