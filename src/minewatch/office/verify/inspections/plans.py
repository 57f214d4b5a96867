"""Plans of inspections: waiting cases of an agency, chosen within a budget, each with its reason."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform import audit
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.verify import calendar
from minewatch.office.verify.inspections import routing, services
from minewatch.office.verify.inspections.inspectors import active_on, kept_away
from minewatch.office.verify.inspections.models import Inspection, Inspector, Plan, PlannedVisit
from minewatch.office.verify.models import Case, Order
from minewatch.office.verify.services import refuse_without

MOST_CANDIDATES = 300
_DAY = timedelta(days=1)

WHY: Mapping[str, str | Promise] = {
    "chosen": _("Chosen"),
    "no_place": _("The register does not know where the site is"),
    "no_estimate": _("Probability or power of the site is not known"),
    "recused": _("No team may go there: an inspector of each keeps away"),
    "day": _("The way of a team would take longer than a day"),
    "hours": _("The inspectors' hours are used up by visits that bring more"),
    "kilometres": _("The kilometres are used up by visits that bring more"),
    "beyond": _("Worth less than the first 300 cases, which alone were weighed"),
}
"""Why a case is in a plan or not."""


class PlanGiven(NamedTuple):
    """Budget of a plan: two by two the inspectors make teams, which are out on ``days`` working days."""

    title: str
    inspectors: Sequence[Inspector]
    first_day: date
    days: int
    terms: routing.Terms
    visit_h: float


@dataclass(frozen=True)
class Candidate:
    """A case that waits for its inspection, and why it cannot be chosen (``why`` is empty where it can)."""

    case: Case
    why: str
    stop: routing.Stop | None = None


@transaction.atomic
def make(given: PlanGiven, by: By) -> Plan:
    """Choose among the cases that the acting account's agency holds and that wait for an inspection."""
    agency = by.user.agency if by.user else None
    if agency is None:
        raise Refused("agency_unknown", code="")
    teams = _teams(given.inspectors)
    days = working_days(given.first_day, given.days)
    for one in given.inspectors:
        refuse_inactive(one, days)
    candidates = list(_candidates(agency.pk, given, len(days)))
    if not candidates:
        raise Refused("plan_empty")
    ways = routing.choose([one.stop for one in candidates if one.stop], _terms(given, len(days)))
    plan = Plan.objects.create(
        region=agency.region,
        agency=agency,
        number=services.next_number(Plan, "JH", agency.region, by),
        title=given.title.strip(),
        said=_said(given, teams, days),
        totals=_totals(ways),
        made_by=by.user,
        made_at=by.at,
    )
    PlannedVisit.objects.bulk_create(_visits(plan, candidates, ways, days))
    audit.record(by.act("plan_made", ("plan", plan.number)), {**plan.said, **plan.totals})
    return plan


@transaction.atomic
def issue(plan: Plan, words: str, by: By) -> list[Inspection]:
    """Give the orders of a plan: each chosen case gets its inspection. Raises Refused where one moved on."""
    refuse_without(words)
    row = _draft(plan, by)
    teams = _people(row.said["teams"])
    made = [
        _send(row, visit, teams, words, by)
        for visit in row.visits.filter(is_in=True).order_by("day", "team", "place")
    ]
    row.state, row.issued_at = Plan.State.ISSUED, by.at
    row.save(update_fields=["state", "issued_at"])
    audit.record(by.act("plan_issued", ("plan", row.number)), {"inspections": [one.number for one in made]})
    return made


@transaction.atomic
def drop(plan: Plan, reason: str, by: By) -> Plan:
    """Drop a draft."""
    refuse_without(reason)
    row = _draft(plan, by)
    row.state = Plan.State.DROPPED
    row.save(update_fields=["state"])
    audit.record(by.act("plan_dropped", ("plan", row.number)), {"reason": reason.strip()})
    return row


def working_days(first: date, number: int) -> list[date]:
    """Return the first working days from a day on."""
    days: list[date] = []
    day = first
    while len(days) < number:
        if calendar.works(day):
            days.append(day)
        day += _DAY
    return days


def refuse_inactive(inspector: Inspector, days: Iterable[date]) -> None:
    """Raise Refused where an inspector does not inspect on one of some days."""
    for day in days:
        if not active_on(inspector, day):
            raise Refused("inspector_inactive", inspector=str(inspector), day=day)


def waiting_cases(agency_id: int) -> Any:
    """Return the cases that an agency holds and that wait for an inspection, worth most first."""
    ordered = Order._base_manager.filter(case=OuterRef("pk"), ended_at=None)
    rows = Case.objects.select_related("site__premises", "site__region", "holder")
    rows = rows.filter(~Exists(ordered), holder=agency_id, state=Case.State.SUSPECTED, site__merged_into=None)
    worth = F("site__posterior") * F("site__power_kw")
    return rows.order_by(worth.desc(nulls_last=True), "pk")


def _candidates(agency_id: int, given: PlanGiven, days: int) -> Iterable[Candidate]:
    cases = list(waiting_cases(agency_id)[: 2 * MOST_CANDIDATES])
    away = kept_away(given.inspectors, [case.site for case in cases])
    teams = _teams(given.inspectors)
    for number, case in enumerate(cases):
        barred = [team for team, pair in enumerate(teams) if away & {(one.pk, case.site_id) for one in pair}]
        ways = frozenset(day * len(teams) + team for day in range(days) for team in barred)
        why = "beyond" if number >= MOST_CANDIDATES else _why_not(case, len(barred) == len(teams))
        yield Candidate(case, why, None if why else _stop(case, given.visit_h, ways))


def _why_not(case: Case, is_barred: bool) -> str:
    site, place = case.site, case.site.premises
    if site.posterior is None or not site.power_kw:
        return "no_estimate"
    if place is None or place.lon is None or place.lat is None:
        return "no_place"
    return "recused" if is_barred else ""


def _stop(case: Case, visit_h: float, barred: frozenset[int]) -> routing.Stop:
    site, premises = case.site, case.site.premises
    assert premises is not None  # noqa: S101 - _why_not looked
    place = routing.Place(premises.lon or 0.0, premises.lat or 0.0)
    worth = routing.value_kwh_day(site.posterior or 0.0, site.power_kw or 0.0)
    return routing.Stop(place, worth, visit_h, barred)


def _visits(
    plan: Plan, candidates: Sequence[Candidate], ways: routing.Ways, days: Sequence[date]
) -> list[PlannedVisit]:
    teams = ways.terms.ways // len(days)
    chosen = {stop: (way, place) for way, row in enumerate(ways.ways) for place, stop in enumerate(row, 1)}
    visits, stop = [], 0
    for one in candidates:
        visit = PlannedVisit(plan=plan, case=one.case, is_in=False, why=one.why)
        if one.stop is not None:
            visit.value_kwh_day = one.stop.value_kwh_day
            if stop in chosen:
                way, visit.place = chosen[stop]
                visit.is_in, visit.why = True, "chosen"
                visit.day, visit.team = days[way // teams], way % teams + 1
                visit.hours, visit.kilometres = _saved(ways, stop, way)
            else:
                cheapest = routing.insertion(ways, stop)
                visit.why = cheapest.excess
                visit.hours, visit.kilometres = ways.terms.inspectors_each * cheapest.hours, cheapest.km
            stop += 1
        visits.append(visit)
    return visits


def _saved(ways: routing.Ways, stop: int, way: int) -> tuple[float, float]:
    """Return the inspector hours and kilometres that a way would be shorter without a stop."""
    with_it, without = ways.ways[way], [one for one in ways.ways[way] if one != stop]
    hours = ways.terms.inspectors_each * (ways.hours(with_it) - ways.hours(without))
    return hours, ways.kilometres(with_it) - ways.kilometres(without)


def _terms(given: PlanGiven, days: int) -> routing.Terms:
    return routing.Terms(**{**vars(given.terms), "ways": days * len(_teams(given.inspectors))})


def _teams(inspectors: Sequence[Inspector]) -> list[tuple[Inspector, Inspector]]:
    """Return the teams of two; an inspector who is left over stays at home."""
    if len({one.pk for one in inspectors}) < 2:
        raise Refused("plan_no_team")
    return list(zip(inspectors[::2], inspectors[1::2], strict=False))


def _said(given: PlanGiven, teams: Sequence[Sequence[Inspector]], days: Sequence[date]) -> dict[str, Any]:
    return {
        "terms": asdict(_terms(given, len(days))),
        "visit_h": given.visit_h,
        "days": [day.isoformat() for day in days],
        "teams": [[one.pk for one in team] for team in teams],
    }


def _totals(ways: routing.Ways) -> dict[str, Any]:
    return {
        "visits": sum(map(len, ways.ways)),
        "value_kwh_day": ways.value_kwh_day,
        "inspector_hours": ways.inspector_hours,
        "kilometres": ways.total_km,
    }


def _people(teams: Sequence[Sequence[int]]) -> list[list[Inspector]]:
    rows = Inspector._base_manager.select_related("user", "agency__region")
    known = {one.pk: one for one in rows.filter(pk__in=[pk for team in teams for pk in team])}
    return [[known[pk] for pk in team] for team in teams]


def _send(
    plan: Plan, visit: PlannedVisit, teams: Sequence[Sequence[Inspector]], words: str, by: By
) -> Inspection:
    case = Case.objects.select_related("site__region", "holder").get(pk=visit.case_id)
    if case.state != Case.State.SUSPECTED or visit.day is None or visit.team is None:
        raise Refused("plan_stale", case=case.number)
    lead, second = teams[visit.team - 1]
    return services.send(case, services.Visit(visit.day, lead, second, plan=plan), words, by)


def _draft(plan: Plan, by: By) -> Plan:
    row: Plan = Plan._base_manager.select_for_update(of=("self",)).select_related("agency").get(pk=plan.pk)
    if by.user is None or by.user.agency_id != row.agency_id:
        raise Refused("inspection_of_others", agency=str(row.agency))
    if row.state != Plan.State.DRAFT:
        raise Refused("plan_not_draft")
    return row
