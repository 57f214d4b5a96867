"""The course of an inspection: made for an order, postponed, begun, signed by two, completed or cancelled.

``inspection`` arguments may be stale: what is decided on is read again under the lock of the case.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.utils import timezone

from minewatch.office.platform import audit, events
from minewatch.office.platform.models import Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register import facts
from minewatch.office.register.facts import Said
from minewatch.office.register.models import Source
from minewatch.office.register.services import MachinesGiven, count_machines
from minewatch.office.verify import calendar, deciding, orders
from minewatch.office.verify.inspections.inspectors import refuse_unfit
from minewatch.office.verify.inspections.machines import model_key
from minewatch.office.verify.inspections.models import (
    Draw,
    Inspection,
    Inspector,
    MachineCount,
    Notification,
    Plan,
    Sheet,
    Signature,
    Step,
)
from minewatch.office.verify.models import Case, Obligation, Order
from minewatch.office.verify.services import JudgementGiven, judge, lock, refuse_without

_OPEN = (Inspection.State.PLANNED, Inspection.State.UNDER_WAY)
_W_A_KW = 1000
_VISITS = (Order.Kind.INSPECTION, Order.Kind.TASK)


class Visit(NamedTuple):
    """Who inspects on which day: the two who sign, and others; of a plan or a draw where it is."""

    day: date
    lead: Inspector
    second: Inspector
    companions: tuple[Inspector, ...] = ()
    plan: Plan | None = None
    draw: Draw | None = None


class Completion(NamedTuple):
    """What an inspection found, for the judgement."""

    verdict: str
    grounds: str
    power_kw: float | None = None
    machines: int | None = None


@transaction.atomic
def send(case: Case, visit: Visit, words: str, by: By) -> Inspection:
    """Give the order for a visit to the lead inspector's agency, with the team that goes.

    A case that waits for its inspection is assigned with it; in any other the order is a task. Raises Refused
    where an inspection is ordered already.
    """
    state = lock(case).state
    is_visited = Inspection._base_manager.filter(case=case, state__in=_OPEN).exists()
    if is_visited or state == Case.State.ASSIGNED:
        raise Refused("order_open")
    given = orders.OrderGiven(visit.lead.agency, words, visit.lead.user, _days_until(visit.day, by))
    is_first = state == Case.State.SUSPECTED
    order = orders.assign(case, given, by) if is_first else orders.give_task(case, given, by)
    return _make(order, visit, by)


@transaction.atomic
def appoint(order: Order, visit: Visit, by: By) -> Inspection:
    """Name the team and the day for an order that the acting account's agency was given."""
    case = lock(order.case)
    row = Order._base_manager.select_related("agency").get(pk=order.pk)
    row.case = case
    if row.ended_at is not None or row.kind not in _VISITS:
        raise Refused("inspection_no_order")
    _refuse_other_agency(row, by)
    return _make(row, visit, by)


@transaction.atomic
def postpone(inspection: Inspection, day: date, reason: str, by: By) -> Inspection:
    """Put an inspection off to another day. Beyond the order's time limit only who gave it does."""
    refuse_without(reason)
    row = _planned(inspection)
    is_sender = by.user is not None and by.user.agency_id == row.case.holder_id
    if not is_sender:
        _refuse_other_agency(row.order, by)
    refuse_unfit(team(row), row.case.site, day)
    _refuse_past(day, by)
    if calendar.end_of(day) > row.order.finish_at:
        if not is_sender:
            raise Refused("day_late")
        _extend(row.order, day)
    row.planned_for = day
    row.save(update_fields=["planned_for"])
    _step(row, Step.Kind.POSTPONED, f"{day.isoformat()}: {reason.strip()}", by)
    return row


@transaction.atomic
def replace_inspector(
    inspection: Inspection, gone: Inspector, comes: Inspector, reason: str, by: By
) -> Inspection:
    """Send another inspector instead of one of the team; not once the visit is under way."""
    refuse_without(reason)
    row = _planned(inspection)
    if by.user is None or by.user.agency_id not in (row.case.holder_id, row.order.agency_id):
        raise Refused("inspection_of_others", agency=str(row.order.agency))
    if gone.pk not in (row.lead_id, row.second_id):
        raise Refused("inspector_unsuited", inspector=str(gone))
    place = "lead" if gone.pk == row.lead_id else "second"
    setattr(row, place, comes)
    if row.lead.agency_id != row.order.agency_id:
        raise Refused("lead_of_others", agency=str(row.order.agency))
    refuse_unfit(team(row), row.case.site, row.planned_for)
    row.save(update_fields=[place])
    _step(row, Step.Kind.REPLACED, f"{gone} → {comes}: {reason.strip()}", by, also=[gone])
    return row


@transaction.atomic
def cancel(inspection: Inspection, reason: str, by: By) -> Inspection:
    """Cancel an inspection that has not ended, with its order: its agency returns it, or the giver does.

    The case of an inspection that is cancelled waits to be assigned anew.
    """
    row = _open(inspection)
    is_receiver = by.user is not None and by.user.agency_id == row.order.agency_id
    (orders.give_back if is_receiver else orders.withdraw)(row.order, reason, by)
    return _cancelled(row, reason, by)


@transaction.atomic
def order_undone(order_id: int, reason: str, by: By) -> None:
    """Cancel the inspection of an order that was returned or withdrawn elsewhere."""
    row = _rows().filter(order=order_id, state__in=_OPEN).first()
    if row is not None:
        _cancelled(row, reason, by)


@transaction.atomic
def begun(inspection: Inspection, by: By) -> Inspection:
    """Note that the visit is under way: its first sheet is there. Nothing happens where it is already."""
    row = locked(inspection)
    if row.state == Inspection.State.PLANNED:
        row.state = Inspection.State.UNDER_WAY
        row.save(update_fields=["state"])
        _step(row, Step.Kind.BEGUN, "", by)
    return row


@transaction.atomic
def sign(sheet: Sheet, by: By) -> Signature:
    """Stand for the newest sheet of an inspection, as one of the two who inspected."""
    row = _open(sheet.inspection)
    newest = newest_sheet(row)
    if newest is None or newest.pk != sheet.pk:
        raise Refused("sheet_not_last")
    _refuse_conflict(row)
    inspector = _signer(row, by)
    refuse_unfit(team(row), row.case.site, row.planned_for)
    signature = Signature(
        inspection=row, sheet=newest, inspector=inspector, content_sha256=newest.content_sha256, at=by.at
    )
    try:
        with transaction.atomic():
            signature.save(force_insert=True)
    except IntegrityError as error:
        raise Refused("sheet_signed") from error
    details = {"inspector": inspector.certificate, "sha256": newest.content_sha256}
    _tell(row, "signed", by, details | {"revision": newest.revision})
    return signature


@transaction.atomic
def complete(inspection: Inspection, given: Completion, by: By) -> Inspection:
    """End an inspection that both inspectors signed: order done, site judged, machines counted.

    From then on the result is owed to the public. Raises Refused for others than the order's agency.
    """
    row = _open(inspection)
    _refuse_other_agency(row.order, by)
    sheet = newest_sheet(row)
    if sheet is None:
        raise Refused("inspection_no_sheet")
    _refuse_conflict(row)
    signed = {one.inspector_id: one for one in Signature.objects.filter(sheet=sheet)}
    if not {row.lead_id, row.second_id} <= set(signed):
        raise Refused("inspection_unfit")
    row.lead_signed, row.second_signed = signed[row.lead_id], signed[row.second_id]
    row.save(update_fields=["lead_signed", "second_signed"])
    _finish(row, given, by)
    _count(row, sheet, by)
    row.publishing = _owe_publication(row, by)
    row.state, row.ended_at, row.verdict = Inspection.State.DONE, by.at, given.verdict
    row.save(update_fields=["state", "ended_at", "verdict", "judgement", "publishing"])
    _step(row, Step.Kind.DONE, given.grounds[:500], by)
    return row


@transaction.atomic
def note_seen(by: By) -> int:
    """Note that an inspector has seen what happened with the own inspections."""
    mine = Notification.objects.filter(inspector__user=by.user, seen_at=None)
    seen = mine.update(seen_at=by.at)
    if seen:
        audit.record(by.act("notifications_seen", ("inspector", by.user)), {"number": seen})
    return seen


def note_published(inspection: Inspection, words: str, by: By) -> None:
    """Tell the inspectors that the result is public."""
    _step(inspection, Step.Kind.PUBLISHED, words, by)


def locked(inspection: Inspection) -> Inspection:
    """Return the inspection as it is now, its case locked until the transaction ends."""
    lock(inspection.case)
    return _rows().get(pk=inspection.pk)


def team(inspection: Inspection) -> list[Inspector]:
    """Return who goes: the two who sign first."""
    others = inspection.companions.select_related("user", "agency__region") if inspection.pk else ()
    return [inspection.lead, inspection.second, *others]


def proposal(inspection: Inspection) -> dict[str, Any]:
    """Return what the newest sheet says of what is asked at the end: verdict, power, machines, words."""
    sheet = newest_sheet(inspection)
    if sheet is None:
        return {}
    groups = _groups(MachineCount.objects.filter(sheet=sheet).order_by("pk"))
    known = [one for one in groups if one.power_each_w]
    return {
        "verdict": sheet.verdict,
        "words": sheet.words,
        "machines": sum(one.number for one in groups) or None,
        "power_kw": sum(one.number * (one.power_each_w or 0) for one in known) / _W_A_KW or None,
    }


def newest_sheet(inspection: Inspection) -> Sheet | None:
    """Return what was written down last."""
    return Sheet.objects.filter(inspection=inspection).order_by("-revision").first()


def open_conflicts(inspection: Inspection) -> list[Sheet]:
    """Return the sheets that were written beside another, and that nobody brought together yet."""
    rows = Sheet.objects.filter(inspection=inspection, is_conflict=True, merged_by=None)
    return list(rows.order_by("revision"))


def next_number(model: type[Plan | Draw | Inspection], kind: str, region: Region, by: By) -> str:
    """Return the next free number of a year in a region, as ``检查-510703-2026-0007``."""
    Region.objects.select_for_update().get(pk=region.pk)  # one at a time
    start = f"{kind}-{region.code}-{timezone.localdate(by.at).year}-"
    taken = model._base_manager.filter(number__startswith=start).order_by("-number")
    last = taken.values_list("number", flat=True).first()
    return f"{start}{int(last.removeprefix(start)) + 1 if last else 1:04d}"


def _make(order: Order, visit: Visit, by: By) -> Inspection:
    case = order.case
    _refuse_past(visit.day, by)
    if visit.lead.agency_id != order.agency_id:
        raise Refused("lead_of_others", agency=str(order.agency))
    refuse_unfit([visit.lead, visit.second, *visit.companions], case.site, visit.day)
    if calendar.end_of(visit.day) > order.finish_at:
        raise Refused("day_late")
    row = Inspection(
        number=next_number(Inspection, "JC", case.site.region, by),
        case=case,
        order=order,
        origin=_origin(visit),
        plan=visit.plan,
        draw=visit.draw,
        planned_for=visit.day,
        lead=visit.lead,
        second=visit.second,
        made_at=by.at,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Refused("inspection_there") from error
    row.companions.set(visit.companions)
    _step(row, Step.Kind.MADE, order.words[:500], by)
    return row


def _origin(visit: Visit) -> str:
    if visit.draw is not None:
        return Inspection.Origin.DRAW
    return Inspection.Origin.PLAN if visit.plan is not None else Inspection.Origin.ORDER


def _days_until(day: date, by: By) -> int:
    """Return the time limit of an order in working days, so that the visit's day lies within it."""
    days = calendar.limits()["inspection"]
    while calendar.working_days_on(by.at, days) < calendar.end_of(day):
        days += 1
    return days


def _extend(order: Order, day: date) -> None:
    """Put the time limit of an order off to the end of a day."""
    order.finish_at = calendar.end_of(day)
    if order.state == Order.State.RECEIVED:
        order.due_at = order.finish_at
    order.save(update_fields=["finish_at", "due_at"])


def _finish(row: Inspection, given: Completion, by: By) -> None:
    """Have the order done and, where it was the case's inspection, the site judged."""
    order = row.order
    if order.state == Order.State.SENT:
        order = orders.receive(order, by)
    orders.visited(order, given.grounds, by)
    if order.kind != Order.Kind.INSPECTION:
        return
    selection = "random" if row.origin == Inspection.Origin.DRAW else "listed"
    said = JudgementGiven(**given._asdict(), reference=row.number, selection=selection)
    row.judgement = judge(row.case, said, by)


def _count(row: Inspection, sheet: Sheet, by: By) -> None:
    """Keep the machines of the signed sheet as the register's count; of one model the fullest count."""
    groups = _groups(MachineCount.objects.filter(sheet=sheet).order_by("pk"))
    if groups:
        source = facts.source(Source.Kind.INSPECTION, f"inspection {row.number}", by)
        count_machines(row.case.site, groups, Said(source, by))


def _groups(counts: Iterable[MachineCount]) -> list[MachinesGiven]:
    by_model: Mapping[tuple[str, str], list[MachineCount]] = defaultdict(list)
    for one in counts:
        by_model[model_key(one.model), one.algorithm].append(one)
    return [
        MachinesGiven(
            model=one.model,
            number=one.number,
            maker=one.maker,
            algorithm=one.algorithm,
            hash_rate_each=one.hash_rate_each,
            power_each_w=one.power_each_w,
            serials=list(one.serials),
        )
        for one in (max(same, key=lambda count: count.number) for same in by_model.values())
        if one.number
    ]


def _owe_publication(row: Inspection, by: By) -> Obligation:
    """Open what is owed to the public, by the agency that gave the order."""
    words = f"{row.number}"
    given = deciding.ObligationGiven(Obligation.Kind.PUBLICATION, row.case.holder, words)
    return deciding.oblige(row.case, given, By(None, by.at))


def _cancelled(row: Inspection, reason: str, by: By) -> Inspection:
    row.state, row.ended_at = Inspection.State.CANCELLED, by.at
    row.save(update_fields=["state", "ended_at"])
    _step(row, Step.Kind.CANCELLED, reason.strip()[:500], by)
    return row


def _rows() -> Any:
    return Inspection._base_manager.select_related(
        "case__site__region",
        "case__holder",
        "order__agency",
        "order__case",
        "lead__user",
        "lead__agency__region",
        "second__user",
        "second__agency__region",
    )


def _open(inspection: Inspection) -> Inspection:
    """Return the locked inspection. Raises Refused where it has ended."""
    row = locked(inspection)
    if row.state not in _OPEN:
        raise Refused("inspection_ended")
    return row


def _planned(inspection: Inspection) -> Inspection:
    row = _open(inspection)
    if row.state != Inspection.State.PLANNED:
        raise Refused("inspection_under_way")
    return row


def _signer(row: Inspection, by: By) -> Inspector:
    for inspector in (row.lead, row.second):
        if by.user is not None and inspector.user_id == by.user.pk:
            return inspector
    raise Refused("inspector_unsuited", inspector=str(by.user))


def _refuse_conflict(row: Inspection) -> None:
    if open_conflicts(row):
        raise Refused("inspection_conflict")


def _refuse_other_agency(order: Order, by: By) -> None:
    if by.user is None or by.user.agency_id != order.agency_id:
        raise Refused("inspection_of_others", agency=str(order.agency))


def _refuse_past(day: date, by: By) -> None:
    if day < timezone.localdate(by.at):
        raise Refused("day_past")


def _step(row: Inspection, kind: Step.Kind, words: str, by: By, also: Iterable[Inspector] = ()) -> Step:
    """Note a step of an inspection, tell its inspectors, and write it down for the audit."""
    step = Step.objects.create(inspection=row, kind=kind, words=words[:500], by=by.user, at=by.at)
    told = [one for one in [*team(row), *also] if by.user is None or one.user_id != by.user.pk]
    Notification.objects.bulk_create(Notification(inspection=row, inspector=one, step=step) for one in told)
    _tell(row, str(kind), by, {"words": step.words})
    return step


def _tell(row: Inspection, what: str, by: By, details: Mapping[str, Any]) -> None:
    audit.record(by.act(f"inspection_{what}", ("inspection", row.number)), details)
    payload = {"inspection": row.pk, "case": row.case_id, **details}
    events.publish(f"inspections.{what}", payload, by.at)
