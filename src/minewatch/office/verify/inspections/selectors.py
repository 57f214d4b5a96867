"""Reading inspections: rows of lists, the page of an inspection, inspectors and what they are told."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import get_language

from minewatch.office.platform.models import User
from minewatch.office.platform.selectors import region_by_code
from minewatch.office.platform.services import By
from minewatch.office.verify.inspections.checklist import answer_in_words
from minewatch.office.verify.inspections.models import (
    Complaint,
    Inspection,
    Inspector,
    MachineCount,
    Notification,
    Photo,
    Publication,
    Recusal,
    Sheet,
    Signature,
    Step,
)
from minewatch.office.verify.models import Order

Said = Mapping[str, Any]
_MOST = 200
_TEAM = ("lead__user", "lead__agency", "second__user", "second__agency")


@dataclass(frozen=True)
class InspectionRow:
    """An inspection in a list."""

    number: str
    case: str
    site: str
    region: str
    agency: str
    planned_for: date
    origin: str
    state: str
    state_text: str
    team: str
    is_late: bool
    publish_by: datetime | None
    published: bool


@dataclass(frozen=True)
class InspectorRow:
    """An inspector in a list."""

    id: int
    name: str
    agency: str
    certificate: str
    qualifications: str
    active_from: date
    active_to: date | None
    recusals: int


@dataclass(frozen=True)
class RecusalShown:
    """What an inspector keeps away from."""

    id: int
    thing: str
    reason: str
    by: str
    at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class SheetShown:
    """A sheet of an inspection, with what belongs to it."""

    id: int
    revision: int
    base: int
    is_conflict: bool
    is_open_conflict: bool
    by: str
    written_at: datetime
    received_at: datetime
    verdict: str
    words: str
    questions: tuple[tuple[str, str], ...]
    readings: Sequence[Mapping[str, Any]]
    machines: tuple[MachineCount, ...]
    photos: tuple[Photo, ...]
    signatures: tuple[tuple[str, datetime], ...]
    signed_by: frozenset[int]
    content_sha256: str


@dataclass(frozen=True)
class InspectionPage:
    """An inspection with its course and all that it brought; of sheets the newest is first."""

    row: InspectionRow
    id: int
    site_code: str
    holder_id: int
    agency_id: int
    owing_id: int | None
    is_first: bool
    people: tuple[Inspector, ...]
    plan: str
    draw: str
    words: str
    steps: tuple[Step, ...]
    sheets: tuple[SheetShown, ...]
    signed: frozenset[int]
    published: tuple[Publication, ...]

    @property
    def is_signed(self) -> bool:
        """Tell whether both who sign have signed the newest sheet."""
        return {one.pk for one in self.people[:2]} <= self.signed


@dataclass(frozen=True)
class NotificationShown:
    """Something that an inspector is told."""

    inspection: str
    what: str
    words: str
    at: datetime
    planned_for: date


def inspection_by_number(number: str) -> Inspection | None:
    """Return the inspection with a number, in scope."""
    return _joined().filter(number=number.strip().upper()).first()


def inspection_of_order(order_id: int) -> Inspection | None:
    """Return the inspection of an order, in scope."""
    return _joined().filter(order=order_id).first()


def inspections_of(user: User) -> "QuerySet[Inspection]":
    """Return the open inspections that an account is on, by day."""
    return (
        _joined()
        .filter(_mine(user.pk), state__in=("planned", "under_way"))
        .distinct()
        .order_by("planned_for", "pk")
    )


def inspection_rows(said: Said) -> "QuerySet[Inspection]":
    """Return inspections by region (code), state, origin, text, ``user`` who is on it, and unpublished."""
    rows = _joined()
    if "region" in said:
        region = region_by_code(said["region"])
        rows = rows.filter(case__site__region__path__startswith=region.path) if region else rows.none()
    rows = rows.filter(**{name: said[name] for name in ("state", "origin") if name in said})
    if "site" in said:
        rows = rows.filter(case__site=said["site"])
    if "user" in said:
        rows = rows.filter(pk__in=Inspection.objects.filter(_mine(said["user"])).values("pk"))
    if "unpublished" in said:
        rows = rows.filter(state=Inspection.State.DONE, publications=None)
    if "text" in said:
        text = said["text"].strip()
        named = Q(number__startswith=text.upper()) | Q(case__number__startswith=text.upper())
        rows = rows.filter(named | Q(case__site__name__holds=text))
    return rows


def _joined() -> "QuerySet[Inspection]":
    return Inspection.objects.select_related(
        "case__site__region", "case__holder", "order__agency", "publishing", "plan", "draw", *_TEAM
    )


def _mine(user_id: int) -> Q:
    return Q(lead__user=user_id) | Q(second__user=user_id) | Q(companions__user=user_id)


def present(rows: Sequence[Inspection], now: datetime) -> list[InspectionRow]:
    """Return inspections as a list shows them; one query."""
    published = set(
        Publication.objects.filter(inspection__in=[one.pk for one in rows]).values_list(
            "inspection", flat=True
        )
    )
    return [_row(one, one.pk in published, now) for one in rows]


def _row(one: Inspection, published: bool, now: datetime) -> InspectionRow:
    due = one.publishing.due_at if one.publishing is not None and one.publishing.ended_at is None else None
    is_open = one.state in (Inspection.State.PLANNED, Inspection.State.UNDER_WAY)
    return InspectionRow(
        number=one.number,
        case=one.case.number,
        site=one.case.site.name,
        region=one.case.site.region.name_zh,
        agency=one.order.agency.name_zh,
        planned_for=one.planned_for,
        origin=one.get_origin_display(),
        state=one.state,
        state_text=one.get_state_display(),
        team="、".join([str(one.lead), str(one.second)]),
        is_late=(is_open and one.planned_for < timezone.localdate(now)) or bool(due and due <= now),
        publish_by=due,
        published=published,
    )


def inspection_page(number: str, now: datetime) -> InspectionPage | None:
    """Return an inspection for its page, or None where there is none in scope; at most 7 queries."""
    one = inspection_by_number(number)
    if one is None:
        return None
    sheets = _sheets(one)
    published = tuple(Publication.objects.filter(inspection=one).select_related("by").order_by("-revision"))
    companions = one.companions.select_related("user", "agency") if one.pk else ()
    return InspectionPage(
        row=_row(one, bool(published), now),
        id=one.pk,
        site_code=one.case.site.code,
        holder_id=one.case.holder_id,
        agency_id=one.order.agency_id,
        owing_id=one.publishing.agency_id if one.publishing is not None else None,
        is_first=one.order.kind == "inspection",
        people=(one.lead, one.second, *companions),
        plan=one.plan.number if one.plan is not None else "",
        draw=one.draw.number if one.draw is not None else "",
        words=one.order.words,
        steps=tuple(Step.objects.filter(inspection=one).select_related("by__agency").order_by("-pk")[:_MOST]),
        sheets=sheets,
        signed=sheets[0].signed_by if sheets else frozenset(),
        published=published,
    )


def _name(user: User | None) -> str:
    return (user.get_full_name() or user.get_username()) if user else ""


def _in_words(answers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the questions of a checklist with their answers, in the language in force."""
    for question, said in answers.items():
        asked, answer = answer_in_words(question, str(said.get("answer", "")), get_language() or "en")
        yield asked, " · ".join(one for one in (answer, str(said.get("note") or "")) if one)


def _sheets(one: Inspection) -> tuple[SheetShown, ...]:
    merged = Exists(Sheet.merges.through._base_manager.filter(to_sheet=OuterRef("pk")))
    rows = Sheet.objects.filter(inspection=one).select_related("by").annotate(is_merged=merged)
    machines = list(MachineCount.objects.filter(sheet__inspection=one).order_by("pk"))
    photos = list(Photo.objects.filter(inspection=one).select_related("file").order_by("taken_at", "pk"))
    signatures = list(
        Signature.objects.filter(inspection=one).select_related("inspector__user").order_by("pk")
    )
    return tuple(
        SheetShown(
            id=row.pk,
            revision=row.revision,
            base=row.base,
            is_conflict=row.is_conflict,
            is_open_conflict=row.is_conflict and not row.is_merged,
            by=_name(row.by),
            written_at=row.written_at,
            received_at=row.received_at,
            verdict=row.get_verdict_display(),
            words=row.words,
            questions=tuple(_in_words(row.answers)),
            readings=row.readings,
            machines=tuple(count for count in machines if count.sheet_id == row.pk),
            photos=tuple(photo for photo in photos if photo.sheet_client_id == row.client_id),
            signatures=tuple(
                (str(sign.inspector), sign.at) for sign in signatures if sign.sheet_id == row.pk
            ),
            signed_by=frozenset(sign.inspector_id for sign in signatures if sign.sheet_id == row.pk),
            content_sha256=row.content_sha256,
        )
        for row in rows.order_by("-revision")
    )


@dataclass(frozen=True)
class WaitingOrder:
    """An order for a visit that has no team yet."""

    id: int
    case: str
    site: str
    words: str
    sender: str
    finish_at: datetime


def orders_without_team(agency_id: int | None) -> list[WaitingOrder]:
    """Return the open inspection orders of an agency for which nobody was named yet, the first due first."""
    rows = Order.objects.filter(agency=agency_id, kind=Order.Kind.INSPECTION, ended_at=None, inspection=None)
    rows = rows.select_related("case__site", "sender").order_by("finish_at", "pk")[:_MOST]
    return [
        WaitingOrder(
            row.pk, row.case.number, row.case.site.name, row.words, row.sender.name_zh, row.finish_at
        )
        for row in rows
    ]


def inspector_rows(said: Said) -> "QuerySet[Inspector]":
    """Return inspectors by text (name or certificate), qualification, and active on a day."""
    rows = Inspector.objects.select_related("user", "agency")
    if "text" in said:
        text = said["text"].strip()
        rows = rows.filter(
            Q(certificate__startswith=text)
            | Q(user__first_name__contains=text)
            | Q(user__username__contains=text)
        )
    if "on" in said:
        rows = rows.filter(Q(active_to=None) | Q(active_to__gt=said["on"]), active_from__lte=said["on"])
    return rows


def present_inspectors(rows: Sequence[Inspector]) -> list[InspectorRow]:
    """Return inspectors as a list shows them; one query."""
    declared = Recusal.objects.filter(inspector__in=[one.pk for one in rows], ended_at=None)
    counted = Counter(declared.values_list("inspector", flat=True))
    titles = dict(Inspector.Qualification.choices)
    return [
        InspectorRow(
            id=one.pk,
            name=str(one),
            agency=one.agency.name_zh,
            certificate=one.certificate,
            qualifications="、".join(str(titles.get(code, code)) for code in one.qualifications),
            active_from=one.active_from,
            active_to=one.active_to,
            recusals=counted[one.pk],
        )
        for one in rows
    ]


def inspector_by_id(number: int) -> Inspector | None:
    """Return an inspector in scope."""
    return Inspector.objects.select_related("user", "agency__region").filter(pk=number).first()


def recusals_of(inspector: Inspector) -> list[RecusalShown]:
    """Return what an inspector keeps or kept away from, the newest first."""
    rows = Recusal.objects.filter(inspector=inspector).select_related("enterprise", "site", "declared_by")
    return [
        RecusalShown(
            id=row.pk,
            thing=str(row.site or row.enterprise or ""),
            reason=row.reason,
            by=_name(row.declared_by),
            at=row.declared_at,
            ended_at=row.ended_at,
        )
        for row in rows.order_by("-pk")[:_MOST]
    ]


def recusal_by_id(number: int) -> Recusal | None:
    """Return a recusal in scope."""
    rows = Recusal.objects.select_related("inspector__agency", "inspector__user")
    return rows.filter(pk=number).first()


def complaint_rows(_said: Said) -> "QuerySet[Complaint]":
    """Return complaints in scope."""
    return Complaint.objects.select_related("site", "by")


def notifications_of(by: By) -> list[NotificationShown]:
    """Return what an inspector was told and has not seen yet, the newest first."""
    rows = Notification.objects.filter(inspector__user=by.user, seen_at=None)
    rows = rows.select_related("inspection", "step").order_by("-pk")[:_MOST]
    return [
        NotificationShown(
            inspection=row.inspection.number,
            what=row.step.get_kind_display(),
            words=row.step.words,
            at=row.step.at,
            planned_for=row.inspection.planned_for,
        )
        for row in rows
    ]
