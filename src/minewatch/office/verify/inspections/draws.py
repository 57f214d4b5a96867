"""Draws of cases and inspectors (双随机): announced with a commitment, drawn by another person, sent out.

What is drawn follows from the published file alone (``lots``). Here stands which tokens are whose.
"""

import csv
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from minewatch.office.home import home
from minewatch.office.platform import audit, events
from minewatch.office.platform.models import Agency
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register.models import Enterprise, Party, Statement
from minewatch.office.verify.inspections import lots, services
from minewatch.office.verify.inspections.inspectors import kept_away
from minewatch.office.verify.inspections.models import (
    Complaint,
    Draw,
    DrawnCase,
    DrawnInspector,
    Inspection,
    Inspector,
)
from minewatch.office.verify.inspections.plans import refuse_inactive, working_days
from minewatch.office.verify.models import Case, Order
from minewatch.office.verify.services import refuse_without

IN_THE_POOL = (
    Case.State.SUSPECTED,
    Case.State.CONFIRMED,
    Case.State.VICTIM,
    Case.State.NOT_MINING,
    Case.State.MEASURES,
    Case.State.EXIT_PLAN,
)
"""States of cases that can be drawn: those whose site can be visited now."""
_DAYS_A_MONTH = 30.44
_WORST_FIRST = "DCBA"
_PUBLIC = ("weight", "credit_class", "complaints")  # of the grounds of a weight: no source, no date


class DrawGiven(NamedTuple):
    """What is drawn from what, and which public number, still unknown to everybody, the seed hangs on."""

    title: str
    wanted: int
    inspectors: Sequence[Inspector]
    states: Sequence[str]
    randomness: str
    public_at: datetime


class Sent(NamedTuple):
    """What became of the cases drawn: inspections made, and cases that could not be visited any more."""

    made: list[Inspection]
    left: dict[str, str]  # number of the case → why


class Weighing(NamedTuple):
    """The rule of weights, and for how many days a complaint counts."""

    rule: lots.Weights
    complaint_days: int


@cache
def weighing() -> Weighing:
    """Return the rule, from ``draw_weights.csv`` in the office's home or the one that is shipped."""
    own = home().folder / "draw_weights.csv"
    path = own if own.is_file() else Path(__file__).parent / "data" / "draw_weights.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = {(row["what"], row["value"]): int(row["weight"]) for row in csv.DictReader(file)}
    credit = {value: weight for (what, value), weight in rows.items() if what == "credit"}
    complaint = {value: weight for (what, value), weight in rows.items() if what == "complaint"}
    rule = lots.Weights(credit, complaint["each"], complaint["most"])
    return Weighing(rule, round(complaint["months"] * _DAYS_A_MONTH))


@transaction.atomic
def announce(given: DrawGiven, by: By) -> Draw:
    """Fix the list of cases and inspectors with their weights, and publish the commitment to it."""
    agency = by.user.agency if by.user else None
    if agency is None:
        raise Refused("agency_unknown", code="")
    if given.public_at <= by.at:
        raise Refused("draw_public_past")
    for one in given.inspectors:
        refuse_inactive(one, [timezone.localdate(given.public_at)])
    if len({one.pk for one in given.inspectors}) < lots.FEWEST_INSPECTORS:
        raise Refused("draw_no_team")
    cases = list(pool(agency.pk, given.states))
    if not 0 < given.wanted <= len(cases):
        raise Refused("draw_empty")
    return _announced(given, agency, cases, by)


@transaction.atomic
def carry_out(draw: Draw, randomness_value: str, by: By) -> Draw:
    """Draw, with the public number as it came out. Raises Refused for the person who announced it."""
    row = _under_way(draw, by)
    if by.at < row.public_at:
        raise Refused("draw_not_yet", at=f"{timezone.localtime(row.public_at):%Y-%m-%d %H:%M}")
    if not randomness_value.strip():
        raise Refused("draw_value_missing")
    if by.user is None or by.user.pk == row.announced_by_id:
        raise Refused("draw_same_person")
    row.outcome = lots.outcome(row.announced, row.secret, randomness_value.strip(), _text(by.at))
    places = {one["object"]: one["place"] for one in row.outcome["drawn"]}
    drawn = list(row.cases.filter(token__in=places))
    for one in drawn:
        one.place = places[one.token]
    DrawnCase.objects.bulk_update(drawn, ["place"])
    _end(row, Draw.State.DRAWN, by)
    _tell(row, "draw_carried_out", by, {"seed": row.outcome["seed"], "randomness": randomness_value.strip()})
    return row


@transaction.atomic
def abandon(draw: Draw, reason: str, by: By) -> Draw:
    """Give a draw up. It stays public with reason and secret: anybody can see what it would have drawn."""
    refuse_without(reason)
    row = _under_way(draw, by)
    row.reason = reason.strip()[:500]
    _end(row, Draw.State.ABANDONED, by)
    _tell(row, "draw_abandoned", by, {"reason": row.reason})
    return row


@transaction.atomic
def send_out(draw: Draw, first_day: date, words: str, by: By) -> Sent:
    """Give the orders for what was drawn and was not sent yet, a visit a working day for each inspector."""
    refuse_without(words)
    row = _locked(draw, by)
    if row.state != Draw.State.DRAWN:
        raise Refused("draw_not_drawn")
    assert row.outcome is not None  # noqa: S101 - the database wants one where it is drawn
    cases = {one.token: one.case for one in row.cases.select_related("case__site__region", "case__holder")}
    people = {one.token: one.inspector for one in _people(row)}
    last: Counter[str] = Counter()  # by inspector, the working day of the last visit so far
    sent = Sent([], {})
    for one in row.outcome["drawn"]:
        turn = 1 + max(last[token] for token in one["inspectors"])
        last |= Counter(dict.fromkeys(one["inspectors"], turn))
        team = [people[token] for token in one["inspectors"]]
        day = working_days(first_day, turn)[-1]
        visit = services.Visit(day, team[0], team[1], tuple(team[2:]), draw=row)
        _send(row, cases[one["object"]], visit, (words, by, sent))
    details = {"inspections": [one.number for one in sent.made], "left": sent.left}
    _tell(row, "draw_sent_out", by, details)
    return sent


def pool(agency_id: int, states: Iterable[str]) -> Any:
    """Return the cases that an agency holds and that may be drawn: those without an open order."""
    ordered = Order._base_manager.filter(case=OuterRef("pk"), ended_at=None)
    rows = Case.objects.select_related("site__region").filter(~Exists(ordered), holder=agency_id)
    wanted = set(states) & set(IN_THE_POOL)
    return rows.filter(state__in=wanted, site__merged_into=None).order_by("pk")


def file_of(draw: Draw) -> dict[str, Any]:
    """Return the file of a draw as it is published now."""
    if draw.state == Draw.State.ABANDONED:
        return {**draw.announced, "abandoned": draw.reason, "secret": draw.secret}
    return draw.outcome or draw.announced


def _announced(given: DrawGiven, agency: Agency, cases: Sequence[Case], by: By) -> Draw:
    secret = secrets.token_hex(32)
    listed = [_drawn_case(case, grounds) for case, grounds in zip(cases, _grounds(cases, by), strict=True)]
    people = [_drawn_inspector(one) for one in given.inspectors]
    announced = _file(given, agency, listed, people)
    announced["number"] = services.next_number(Draw, "SJ", agency.region, by)
    announced["announced_at"] = _text(by.at)
    announced["secret_sha256"] = lots.digest(lots.FORMAT, "secret", secret)
    announced["commitment"] = lots.commitment(announced)
    if short := lots.too_few(announced):
        raise Refused("draw_too_few", number=len(short))
    row = Draw.objects.create(
        region=agency.region,
        agency=agency,
        number=announced["number"],
        title=announced["title"],
        commitment=announced["commitment"],
        secret=secret,
        announced=announced,
        announced_by=by.user,
        announced_at=by.at,
        public_at=given.public_at,
    )
    for case in listed:
        case.draw = row
    for person in people:
        person.draw = row
    DrawnCase.objects.bulk_create(listed)
    DrawnInspector.objects.bulk_create(people)
    _tell(
        row,
        "draw_announced",
        by,
        {"commitment": row.commitment, "cases": len(listed), "wanted": given.wanted},
    )
    return row


def _file(
    given: DrawGiven, agency: Agency, listed: Sequence[DrawnCase], people: Sequence[DrawnInspector]
) -> dict[str, Any]:
    away = kept_away([one.inspector for one in people], [one.case.site for one in listed])
    recusals = [
        [person.token, one.token]
        for person in people
        for one in listed
        if (person.inspector_id, one.case.site_id) in away
    ]
    objects = [{"token": one.token, **{name: one.grounds[name] for name in _PUBLIC}} for one in listed]
    return {
        "format": lots.FORMAT,
        "title": given.title.strip(),
        "agency": agency.name_zh,
        "region": agency.region.code,
        "randomness": {"source": given.randomness.strip(), "public_at": _text(given.public_at)},
        "weights": weighing().rule._asdict(),
        "objects_wanted": given.wanted,
        "inspectors_each": lots.FEWEST_INSPECTORS,
        "objects": sorted(objects, key=lambda one: str(one["token"])),
        "inspectors": [{"token": token} for token in sorted(one.token for one in people)],
        "recusals": sorted(recusals),
    }


def _drawn_case(case: Case, grounds: dict[str, Any]) -> DrawnCase:
    salt = secrets.token_hex(32)
    token = lots.token(lots.OBJECT, salt, case.site.code)
    return DrawnCase(case=case, token=token, salt=salt, weight=grounds["weight"], grounds=grounds)


def _drawn_inspector(inspector: Inspector) -> DrawnInspector:
    salt = secrets.token_hex(32)
    token = lots.token(lots.INSPECTOR, salt, inspector.certificate)
    return DrawnInspector(inspector=inspector, token=token, salt=salt)


def _grounds(cases: Sequence[Case], by: By) -> Iterable[dict[str, Any]]:
    """Yield for each case what its weight stands on: credit class and complaints, with dates and sources."""
    rule, days = weighing()
    sites = [case.site_id for case in cases]
    credit, complaints = _credit(sites), _complaints(sites, timezone.localdate(by.at) - timedelta(days=days))
    for case in cases:
        said = credit.get(case.site_id, {"credit_class": ""})
        noted = complaints.get(case.site_id, [])
        weight = rule.of(str(said["credit_class"]), len(noted))
        yield {**said, "complaints": len(noted), "noted": noted, "weight": weight}


def _credit(sites: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return by site the worst credit class of an enterprise that has a part in it, and who said so when."""
    parties = Party._base_manager.filter(site__in=sites, ended_at=None).exclude(enterprise__credit_class="")
    parties = parties.exclude(part=Party.Part.MISUSED).select_related("enterprise")
    worst: dict[int, Enterprise] = {}
    for party in parties:
        known = worst.get(party.site_id)
        if known is None or _rank(party.enterprise) < _rank(known):
            worst[party.site_id] = party.enterprise
    said = _said_of({one.pk for one in worst.values()})
    return {
        site: {"credit_class": one.credit_class, "enterprise": one.pk, **said.get(one.pk, {})}
        for site, one in worst.items()
    }


def _rank(enterprise: Enterprise) -> int:
    return _WORST_FIRST.index(enterprise.credit_class)


def _said_of(enterprises: set[int]) -> dict[int, dict[str, str]]:
    """Return by enterprise when its credit class was last stated, and by which source."""
    rows = Statement.objects.filter(subject_kind="enterprise", subject_id__in=enterprises, holds=True)
    return {
        row.subject_id: {"credit_as_of": _text(row.at), "credit_source": row.source.reference}
        for row in rows.select_related("source").order_by("id")
        if "credit_class" in row.values
    }


def _complaints(sites: Sequence[int], since: date) -> dict[int, list[str]]:
    noted: dict[int, list[str]] = {}
    rows = Complaint._base_manager.filter(site__in=sites, received_on__gte=since).order_by(
        "received_on", "pk"
    )
    for row in rows:
        noted.setdefault(row.site_id, []).append(f"{row.received_on} {row.source} {row.reference}")
    return noted


def _people(draw: Draw) -> Any:
    return draw.inspectors.select_related("inspector__user", "inspector__agency__region")


def _send(draw: Draw, case: Case, visit: services.Visit, told: tuple[str, By, Sent]) -> None:
    words, by, sent = told
    if Inspection._base_manager.filter(draw=draw, case=case).exists():
        return
    try:
        sent.made.append(services.send(case, visit, words, by))
    except Refused as refusal:
        sent.left[case.number] = str(refusal)


def _locked(draw: Draw, by: By) -> Draw:
    row: Draw = Draw._base_manager.select_for_update(of=("self",)).select_related("agency").get(pk=draw.pk)
    if by.user is None or by.user.agency_id != row.agency_id:
        raise Refused("draw_of_others", agency=str(row.agency))
    return row


def _under_way(draw: Draw, by: By) -> Draw:
    row = _locked(draw, by)
    if row.state != Draw.State.ANNOUNCED:
        raise Refused("draw_ended")
    return row


def _end(row: Draw, state: str, by: By) -> None:
    row.state, row.ended_at, row.ended_by = state, by.at, by.user
    row.save(update_fields=["state", "outcome", "reason", "ended_at", "ended_by"])


def _tell(row: Draw, what: str, by: By, details: Mapping[str, Any]) -> None:
    audit.record(by.act(what, ("draw", row.number)), details)
    events.publish(f"inspections.{what}", {"draw": row.pk, **details}, by.at)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
