"""What happened in the country: findings, cases with all that was owed in them, the audit chain, events."""

import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from benchmarks.office_country import Country
from benchmarks.office_pouring import pour
from minewatch.office.intake.models import Delivery, Exhibit, Finding, KnownSite, Label
from minewatch.office.platform import audit
from minewatch.office.platform.models import AuditEntry, AuditHead, Event, Region, Work
from minewatch.office.register.models import Source
from minewatch.office.verify.flow import ENDED
from minewatch.office.verify.models import (
    Approval,
    Asked,
    Batch,
    Case,
    Judgement,
    Listed,
    Move,
    Notice,
    Obligation,
    Order,
    Plea,
    Question,
)

# ruff: noqa: E501 - rows of JSON, a line each
_WEEKS, _STAGES = 2, ("suspected", "assigned", "inspected", "confirmed", "measures", "exit_plan", "cleared")
_CURVE_HOURS = 24 * 28


def fill_findings(country: Country) -> None:
    """Add what two weeks' runs found of each site, and what shows it for every fifth."""
    sites = country.sites["id"]
    deliveries = _deliveries(country)
    keys = [f"site-{one:08d}" for one in sites]
    pour(KnownSite, {"site_id": list(sites), "site_key": keys})
    source = Source.objects.order_by("pk").values_list("pk", flat=True)[0]
    first = 1
    for week in range(_WEEKS):
        rows = [_finding(country, at, week) for at in range(len(sites))]
        end = country.now - timedelta(weeks=_WEEKS - 1 - week)
        ids = pour(
            Finding,
            {
                "finding_id": [f"f{week}-{one:08d}" for one in sites],
                "site_id": list(sites),
                "site_key": keys,
                "delivery_id": deliveries[-_WEEKS + week],
                "source_id": source,
                "period_start_at": end - timedelta(weeks=1),
                "period_end_at": end,
                "posterior": country.sites["posterior"],
                "q_value": country.sites["q_value"],
                "power_kw": country.sites["power_kw"],
                "energy_kwh": country.sites["energy_week_kwh"],
                "kind": country.sites["kind"],
                "row": rows,
                "taken_at": end,
            },
            first,
        )
        first = ids.stop
    _exhibits(ids)
    _labels(country, ids)


def _deliveries(country: Country) -> list[int]:
    number = 60
    times = country.times(number, 7 * number)
    return list(
        pour(
            Delivery,
            {
                "sha256": [f"{one:064x}" for one in range(number)],
                "name": "findings.parquet",
                "origin": "510000",
                "region_id": Region.objects.get(code="510000").pk,
                "run_id": [f"run-{one:04d}" for one in range(number)],
                "period_start_at": times,
                "period_end_at": times,
                "made_at": times,
                "rows": len(country.sites["id"]),
                "state": "done",
                "counts": {"new": 100, "changed": 900},
                "received_at": times,
                "done_at": times,
            },
        )
    )


def _finding(country: Country, at: int, week: int) -> dict[str, Any]:
    kw, code = country.sites["power_kw"][at] or 10.0, country.sites["code"][at]
    basis = {
        "code": "same_address",
        "values": json.dumps({"address": "人民路1号", "ip": "36.0.0.1"}, ensure_ascii=False),
        "text_en": "Same address",
        "text_zh": "地址相同",
    }
    reason = {"code": "steady_block", "values": "{}", "text_en": "A steady block", "text_zh": "负荷恒定"}
    return {
        "finding_id": f"f{week}-{at + 1:08d}",
        "run_id": f"run-{58 + week:04d}",
        "site_id": code,
        "address": "人民路1号",
        "usage_points": [{"name": f"{code[1:5]}{at:09d}", "probability": 0.97}],
        "endpoints": [{"name": f"36.{at >> 16 & 255}.{at >> 8 & 255}.{at & 255}:3333", "probability": 0.9}],
        "enterprise_name": country.sites["name"][at],
        "links": [
            {"from_kind": "usage_point", "from_id": f"{at:013d}", "to_kind": "address", "to_id": "人民路1号", "probability": 0.95, "basis": basis},
            {"from_kind": "endpoint", "from_id": "36.0.0.1:3333", "to_kind": "address", "to_id": "人民路1号", "probability": 0.8, "basis": basis},
        ],
        "posterior": 0.95,
        "q_value": 0.01,
        "power_kw": kw,
        "power_kw_low": kw * 0.8,
        "power_kw_high": kw * 1.2,
        "energy_kwh": kw * 160,
        "hash_rate": kw * 3e13,
        "algorithm": "sha256d",
        "kind": "active",
        "duty": "always",
        "onset_at": "2026-08-01T00:00:00+00:00",
        "reasons": [reason, reason],
        "contradictions": [],
        "kind_reasons": [reason],
        "evidence_ids": ["e1", "e2"],
    }  # fmt: skip


def _exhibits(findings: range) -> None:
    shown = list(findings[::5])
    contents = [_exhibit(np.random.default_rng(seed)) for seed in range(50)]
    pour(Exhibit, {"finding_id": shown, "content": [contents[at % 50] for at in range(len(shown))]})


def _exhibit(rng: np.random.Generator) -> bytes:
    kw = (50 + rng.normal(0, 2, _CURVE_HOURS)).round(2).tolist()
    days = [
        {"day": f"2026-11-{day + 10:02d}", "interval_minutes": 15, "kw": (50 + rng.normal(0, 2, 96)).round(2).tolist()}
        for day in range(7)
    ]  # fmt: skip
    curve = {"usage_point": "0510700000001", "hourly": {"first_day": "2026-10-27", "kw": kw}, "metered": days}
    reason = {"code": "steady", "values": "{}", "text_en": "A steady load", "text_zh": "负荷恒定"}
    evidence = [
        {"evidence_id": f"e{at}", "detector": "customer_load", "subject_kind": "usage_point", "subject_id": "0510700000001", "log10_lr": 2.1, "power_kw": 50.0, "power_kw_low": 45.0, "power_kw_high": 55.0, "onset_at": "2026-08-01T00:00:00+00:00", "reasons": [reason]}
        for at in range(4)
    ]  # fmt: skip
    flows = [
        {"src_ip": "36.0.0.1", "src_port": 40000 + at, "dst_ip": "203.0.113.7", "dst_port": 3333, "first_at": "2026-11-12T01:00:00+00:00", "last_at": "2026-11-12T09:00:00+00:00", "pool": "f2pool", "coin": "BTC", "agent": "cgminer/4.12", "shares_accepted": 900, "workers": [{"worker": "rig1", "submissions": 900}], "accounts": ["abcdef.farm"], "evidence_lines": ["{}"] * 6, "lines_left_out": 40}
        for at in range(40)
    ]  # fmt: skip
    content = {"curves": [curve], "evidence": evidence, "flows": flows, "flows_left_out": 3}
    return zlib.compress(json.dumps(content, ensure_ascii=False).encode(), 6)


def _labels(country: Country, findings: range) -> None:
    number = country.share(10_000)
    pour(
        Label,
        {
            "site_id": list(country.sites["id"][:number]),
            "finding_id": list(findings[:number]),
            "reference": [f"J{one:07d}" for one in range(number)],
            "subject_kind": "usage_point",
            "subject_id": [f"{one:013d}" for one in range(number)],
            "outcome": country.one_of(Label.Outcome.values, number),
            "selection": "listed",
            "decided_at": country.times(number, 370),
        },
    )


def fill_cases(country: Country) -> None:
    """Add cases in all states, with moves, judgements, orders, obligations, approvals, pleas, batches, notices."""
    number = country.share(80_000)
    states = country.one_of(Case.State.values, number)
    holders = [country.agencies[one] for one in country.sites["region_id"][:number]]
    opened = country.times(number, 370)
    moved = [min(country.now, at + timedelta(days=20)) for at in opened]
    cases = pour(
        Case,
        {
            "number": [f"C{at:%Y}-{one:06d}" for one, at in enumerate(opened)],
            "site_id": list(country.sites["id"][:number]),
            "state": states,
            "holder_id": holders,
            "opened_at": opened,
            "moved_at": moved,
        },
    )
    made = {"case": cases, "state": states, "holder": holders, "opened": opened}
    _moves(country, made)
    _owed(country, made)
    _batches(country, made)
    _questions(country, made)


def _moves(country: Country, made: dict[str, Any]) -> None:
    steps = [3 + at % 4 for at in range(len(made["case"]))]
    case = [one for one, number in zip(made["case"], steps, strict=True) for _ in range(number)]
    stage = [at for number in steps for at in range(number)]
    opened = [one for one, number in zip(made["opened"], steps, strict=True) for _ in range(number)]
    holder = [one for one, number in zip(made["holder"], steps, strict=True) for _ in range(number)]
    pour(
        Move,
        {
            "case_id": case,
            "before": [_STAGES[at - 1] if at else "" for at in stage],
            "after": [_STAGES[at] for at in stage],
            "reason": "按照规定办理",
            "by_id": country.one_of(country.users, len(case)),
            "agency_id": holder,
            "at": [at + timedelta(days=3 * step) for at, step in zip(opened, stage, strict=True)],
        },
    )
    judged = [at for at in range(len(made["case"])) if made["state"][at] not in ("suspected", "assigned")]
    pour(
        Judgement,
        {
            "case_id": [made["case"][at] for at in judged],
            "verdict": country.one_of(Judgement.Verdict.values, len(judged)),
            "grounds": "现场检查发现设备运行",
            "power_kw": 100.0,
            "by_id": country.one_of(country.users, len(judged)),
            "at": [made["opened"][at] + timedelta(days=9) for at in judged],
        },
    )


def _owed(country: Country, made: dict[str, Any]) -> None:
    number = len(made["case"])
    is_open = [state not in ENDED for state in made["state"]]
    late = country.rng.integers(-40, 30, number).tolist()
    due = [country.now + timedelta(days=days) for days in late]
    everything = {
        "case_id": list(made["case"]),
        "agency_id": made["holder"],
        "words": "请于期限内办理",
        "begun_at": made["opened"],
        "due_at": due,
        "stage": [2 if days < 0 else 0 for days in late],
        "ended_at": [None if one else at for one, at in zip(is_open, due, strict=True)],
    }
    states = ["sent" if one else "done" for one in is_open]
    order = {"kind": "inspection", "state": states, "sender_id": made["holder"], "finish_at": due}
    pour(Order, everything | order)
    half = {name: value if isinstance(value, str) else value[::2] for name, value in everything.items()}
    pour(Obligation, half | {"kind": country.one_of(Obligation.Kind.values, len(half["case_id"]))})
    few = {name: value if isinstance(value, str) else value[::8] for name, value in everything.items()}
    granted = [None if at is None else True for at in few["ended_at"]]
    pour(Approval, few | {"kind": "listing", "granted": granted})
    pour(Plea, few | {"kind": "appeal", "upheld": granted})
    pour(
        Notice,
        {
            "region_id": list(country.sites["region_id"][:number]),
            "agency_id": made["holder"],
            "case_id": list(made["case"]),
            "stage": 1,
            "subject": "order",
            "subject_id": list(made["case"]),
            "at": due,
            "seen_at": [at if one % 3 else None for one, at in enumerate(due)],
        },
    )


def _batches(country: Country, made: dict[str, Any]) -> None:
    provinces = list(Region.objects.filter(level="province", valid_to=None).values_list("pk", "code"))
    weeks = country.share(50)
    rows = [(week, place) for week in range(weeks) for place in provinces]
    issued = [country.now - timedelta(weeks=weeks - week) for week, _ in rows]
    batches = pour(
        Batch,
        {
            "region_id": [pk for _, (pk, _) in rows],
            "number": [f"{code}-{week:03d}" for week, (_, code) in rows],
            "title": "疑似挖矿场所名单",
            "kind": ["full" if at % 2 else "key" for at in range(len(rows))],
            "agency_id": [country.agencies[pk] for _, (pk, _) in rows],
            "issued_at": issued,
            "due_at": [at + timedelta(days=5) for at in issued],
        },
    )
    of_place = {pk: place for place, (pk, _) in enumerate(provinces)}
    above = _provinces()
    case = [one for one in made["case"] for _ in range(2)]
    drawn = country.rng.integers(0, weeks // 2, len(made["case"])).tolist()
    week = [one + half * (weeks // 2) for one in drawn for half in range(2)]
    regions = [above[one] for one in country.sites["region_id"][: len(made["case"])] for _ in range(2)]
    place = [of_place[one] for one in regions]
    batch = [batches[at * len(provinces) + one] for at, one in zip(week, place, strict=True)]
    pour(Listed, {"case_id": case, "batch_id": batch, "at": country.times(len(case), 370)})


def _provinces() -> dict[int, int]:
    """Return the province of each region that lies in one, by id."""
    rows = list(Region.objects.values_list("pk", "path"))
    by_path = {path: pk for pk, path in rows}
    return {pk: by_path[path[: 2 * Region.steplen]] for pk, path in rows if len(path) >= 2 * Region.steplen}


def _questions(country: Country, made: dict[str, Any]) -> None:
    number = country.share(2_000)
    regions = country.sites["region_id"][:number]
    agencies = [country.agencies[one] for one in regions]
    times = country.times(number, 370)
    carriers = agencies[::-1]
    questions = pour(
        Question,
        {
            "region_id": list(regions),
            "agency_id": carriers,
            "asker_id": agencies,
            "begun_at": times,
            "due_at": [at + timedelta(days=7) for at in times],
        },
    )
    asked = number * 10
    pour(
        Asked,
        {
            "question_id": [one for one in questions for _ in range(10)],
            "case_id": [made["case"][at % len(made["case"])] for at in range(asked)],
            "address": [f"36.{at >> 16 & 255}.{at >> 8 & 255}.{at & 255}" for at in range(asked)],
            "port": 3333,
            "first_at": [at for at in times for _ in range(10)],
            "last_at": [at for at in times for _ in range(10)],
        },
    )


def fill_records(country: Country) -> None:
    """Add as many entries of the audit chain and events as usage points, and some long work."""
    number = country.usage_points
    times = country.times(number, 370)
    _audit(country, times)
    pour(
        Event,
        {
            "kind": country.one_of(
                ("register.site_changed", "verify.case_moved", "intake.site_seen"), number
            ),
            "payload": [{"id": one} for one in range(number)],
            "at": times,
            "delivered_at": times,
        },
        first_id=10_001,
    )
    pour(
        Work,
        {
            "user_id": country.one_of(country.users[:50], 2_000),
            "title": "导出",
            "state": "done",
            "done": 100,
            "total": 100,
            "began_at": country.times(2_000, 370),
        },
    )


def _audit(country: Country, times: list[datetime]) -> None:
    """Go on with the chain, sealed by the office's own functions."""
    audit.seal()
    head = AuditHead.objects.get(pk=1)
    first = AuditEntry.objects.order_by("-pk")[0].pk + 1
    number = len(times)
    actors = country.one_of([f"u{one:05d}" for one in range(2_000)], number)
    actions = country.one_of(("site_changed", "case_moved", "session_began", "list_exported"), number)
    kinds = country.one_of(("site", "case", "user", "page"), number)
    subjects = country.rng.integers(1, 100_000, number).tolist()
    columns: dict[str, list[Any]] = {"seq": [], "previous": [], "hash": []}
    for at, when in enumerate(times):
        said = {
            "seq": head.seq + 1,
            "at": when.astimezone(UTC).isoformat(),
            "actor": actors[at],
            "agency": "energy-510000",
            "action": actions[at],
            "subject": [kinds[at], str(subjects[at])],
            "details_hash": _NO_DETAILS,
            "request_id": "",
            "previous": head.hash,
        }
        columns["previous"].append(head.hash)
        head.seq, head.hash = head.seq + 1, audit.link(said)
        columns["seq"].append(head.seq)
        columns["hash"].append(head.hash)
    pour(
        AuditEntry,
        {
            **columns,
            "at": times,
            "actor": actors,
            "agency": "energy-510000",
            "action": actions,
            "subject_kind": kinds,
            "subject_id": [str(one) for one in subjects],
        },
        first,
    )
    head.save()


_NO_DETAILS = audit._digest({})
