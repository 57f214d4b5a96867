"""Reading plans and draws: rows of lists, and their pages as the agency that made them sees them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Avg, QuerySet
from django.utils.functional import Promise

from minewatch.office.verify.inspections.models import (
    Draw,
    DrawnCase,
    Inspection,
    Inspector,
    Plan,
    PlannedVisit,
)
from minewatch.office.verify.inspections.plans import WHY, waiting_cases
from minewatch.office.verify.models import Case

Said = Mapping[str, Any]


@dataclass(frozen=True)
class PlanRow:
    """A plan in a list."""

    number: str
    title: str
    state: str
    state_text: str
    agency: str
    made_at: datetime
    visits: int
    value_kwh_day: float
    inspector_hours: float
    kilometres: float


@dataclass(frozen=True)
class VisitShown:
    """A case in a plan, and why it is in or out."""

    case: str
    site: str
    is_in: bool
    day: date | None
    team: int | None
    place: int | None
    why: str
    value_kwh_day: float | None
    hours: float | None
    kilometres: float | None

    @property
    def value_per_hour(self) -> float | None:
        """Return what it brings for an hour of an inspector (kWh a day)."""
        return self.value_kwh_day / self.hours if self.value_kwh_day is not None and self.hours else None


@dataclass(frozen=True)
class PlanPage:
    """A plan with its visits."""

    row: PlanRow
    agency_id: int
    said: Mapping[str, Any]
    teams: tuple[str, ...]
    visits: tuple[VisitShown, ...]
    others: tuple[VisitShown, ...]
    reasons: tuple[tuple[str | Promise, int], ...]


@dataclass(frozen=True)
class DrawRow:
    """A draw in a list; late where its public number is out and nobody drew."""

    number: str
    title: str
    state: str
    state_text: str
    agency: str
    announced_at: datetime
    public_at: datetime
    cases: int
    wanted: int
    is_late: bool


@dataclass(frozen=True)
class DrawnShown:
    """A case in the pool of a draw, as those who work on it see it."""

    case: str
    site: str
    token: str
    weight: int
    grounds: Mapping[str, Any]
    place: int | None
    team: str
    inspection: str


@dataclass(frozen=True)
class DrawPage:
    """A draw as its agency sees it."""

    row: DrawRow
    agency_id: int
    announced_by_id: int | None
    commitment: str
    randomness: str
    seed: str
    value: str
    reason: str
    drawn: tuple[DrawnShown, ...]
    pool: tuple[DrawnShown, ...]
    recusals: int
    inspectors: int
    is_sent: bool


def plan_rows(said: Said) -> "QuerySet[Plan]":
    """Return plans by state."""
    rows = Plan.objects.select_related("agency")
    return rows.filter(state=said["state"]) if "state" in said else rows


def present_plan(plan: Plan) -> PlanRow:
    """Return a plan as a list shows it."""
    return PlanRow(
        number=plan.number,
        title=plan.title,
        state=plan.state,
        state_text=plan.get_state_display(),
        agency=plan.agency.name_zh,
        made_at=plan.made_at,
        **plan.totals,
    )


def plan_by_number(number: str) -> Plan | None:
    """Return a plan in scope."""
    return Plan.objects.select_related("agency").filter(number=number).first()


def plan_page(plan: Plan) -> PlanPage:
    """Return a plan for its page; at most 2 queries."""
    rows = PlannedVisit.objects.filter(plan=plan).select_related("case__site")
    ordered = list(rows.order_by("day", "team", "place", "pk"))
    pairs = plan.said["teams"]
    people = Inspector.objects.select_related("user").in_bulk([pk for pair in pairs for pk in pair])
    return PlanPage(
        row=present_plan(plan),
        agency_id=plan.agency_id,
        said=plan.said,
        teams=tuple("、".join(str(people.get(pk, pk)) for pk in pair) for pair in pairs),
        visits=tuple(_visit(row) for row in ordered if row.is_in),
        others=tuple(
            sorted(
                (_visit(row) for row in ordered if not row.is_in), key=lambda one: -(one.value_kwh_day or 0)
            )
        ),
        reasons=tuple(
            (WHY[why], number) for why, number in Counter(row.why for row in ordered).most_common()
        ),
    )


def _visit(row: PlannedVisit) -> VisitShown:
    said = {
        name: getattr(row, name)
        for name in ("is_in", "day", "team", "place", "value_kwh_day", "hours", "kilometres")
    }
    return VisitShown(case=row.case.number, site=row.case.site.name, why=str(WHY[row.why]), **said)


def draw_rows(said: Said) -> "QuerySet[Draw]":
    """Return draws by state."""
    rows = Draw.objects.select_related("agency")
    return rows.filter(state=said["state"]) if "state" in said else rows


def draw_by_number(number: str) -> Draw | None:
    """Return a draw in scope."""
    return Draw.objects.select_related("agency").filter(number=number).first()


def present_draw(draw: Draw, now: datetime) -> DrawRow:
    """Return a draw as a list shows it."""
    return DrawRow(
        number=draw.number,
        title=draw.title,
        state=draw.state,
        state_text=draw.get_state_display(),
        agency=draw.agency.name_zh,
        announced_at=draw.announced_at,
        public_at=draw.public_at,
        cases=len(draw.announced["objects"]),
        wanted=draw.announced["objects_wanted"],
        is_late=draw.state == Draw.State.ANNOUNCED and draw.public_at <= now,
    )


def draw_page(draw: Draw, now: datetime) -> DrawPage:
    """Return a draw for its page; at most 3 queries."""
    rows = list(DrawnCase.objects.filter(draw=draw).select_related("case__site").order_by("place", "pk"))
    people = {one.token: str(one.inspector) for one in draw.inspectors.select_related("inspector__user")}
    made = dict(Inspection.objects.filter(draw=draw).values_list("case", "number"))
    outcome = draw.outcome or {}
    teams = {one["object"]: one["inspectors"] for one in outcome.get("drawn", ())}
    shown = [
        DrawnShown(
            case=row.case.number,
            site=row.case.site.name,
            token=row.token,
            weight=row.weight,
            grounds=row.grounds,
            place=row.place,
            team="、".join(people[token] for token in teams.get(row.token, ())),
            inspection=made.get(row.case_id, ""),
        )
        for row in rows
    ]
    return DrawPage(
        row=present_draw(draw, now),
        agency_id=draw.agency_id,
        announced_by_id=draw.announced_by_id,
        commitment=draw.commitment,
        randomness=draw.announced["randomness"]["source"],
        seed=outcome.get("seed", ""),
        value=outcome.get("randomness_value", ""),
        reason=draw.reason,
        drawn=tuple(sorted((one for one in shown if one.place), key=lambda one: one.place or 0)),
        pool=tuple(sorted(shown, key=lambda one: (-one.weight, one.case))),
        recusals=len(draw.announced["recusals"]),
        inspectors=len(people),
        is_sent=bool(made),
    )


def start_of(agency_id: int | None) -> dict[str, float]:
    """Return where the teams of an agency start: as in its last plan, else amid the cases that wait."""
    last = Plan.objects.filter(agency=agency_id).order_by("-pk").first()
    if last is not None:
        lon, lat = last.said["terms"]["start"]
        return {"lon": lon, "lat": lat}
    waiting = waiting_cases(agency_id).order_by() if agency_id is not None else Case.objects.none()
    means = waiting.aggregate(lon=Avg("site__premises__lon"), lat=Avg("site__premises__lat"))
    return {name: round(mean, 2) for name, mean in means.items() if mean is not None}
