"""Orders: a case is handed over, an inspection or a task is given; they are received, done or returned."""

from typing import NamedTuple

from django.db import IntegrityError, transaction

from minewatch.office.platform.models import Agency, User
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.verify import calendar
from minewatch.office.verify.flow import RESTING
from minewatch.office.verify.models import Approval, Case, Obligation, Order, Owed, Plea
from minewatch.office.verify.services import (
    held,
    lock,
    move,
    refuse_elsewhere,
    refuse_others,
    refuse_without,
    tell,
)


class OrderGiven(NamedTuple):
    """What is given to an agency, with words; ``days`` are working days, by the table of limits if None."""

    agency: Agency
    words: str
    assignee: User | None = None
    days: int | None = None


@transaction.atomic
def hand_over(case: Case, given: OrderGiven, by: By) -> Order:
    """Send a case to another agency, which has it from its receipt on. Raises Refused where it cannot."""
    locked = held(case, by)
    if given.agency.pk == locked.holder_id:
        raise Refused("agency_itself")
    return _give(locked, Order.Kind.HANDOVER, given, by)


@transaction.atomic
def assign(case: Case, given: OrderGiven, by: By) -> Order:
    """Give the inspection of the site to an agency; the case is assigned."""
    locked = held(case, by)
    order = _give(locked, Order.Kind.INSPECTION, given, by)
    move(locked, Case.State.ASSIGNED, given.words, by)
    return order


@transaction.atomic
def give_task(case: Case, given: OrderGiven, by: By) -> Order:
    """Give a task in a case to an agency."""
    return _give(held(case, by), Order.Kind.TASK, given, by)


@transaction.atomic
def receive(order: Order, by: By) -> Order:
    """Confirm the receipt. A case that was handed over is now in the agency's hands."""
    row = _receivers(order, by)
    if row.state == Order.State.RECEIVED:
        return row
    row.state, row.received_at, row.stage = Order.State.RECEIVED, by.at, Owed.Stage.NONE
    row.due_at = row.finish_at
    row.save(update_fields=["state", "received_at", "due_at", "stage"])
    if row.kind == Order.Kind.HANDOVER:
        _end(row, Order.State.DONE, "", by)
        _pass_on(row)
    tell(row.case, "order_received", by, {"order": row.pk, "kind": row.kind})
    return row


@transaction.atomic
def finish(order: Order, answer: str, by: By) -> Order:
    """Say what came of a task. Raises Refused before its receipt, and where two inspectors have to sign."""
    is_visit = order.kind == Order.Kind.INSPECTION
    if is_visit or Order.objects.filter(pk=order.pk, inspection__lead_signed=None, inspection__isnull=False):
        raise Refused("inspection_unsigned")
    return visited(order, answer, by)


@transaction.atomic
def visited(order: Order, answer: str, by: By) -> Order:
    """Say what came of an order; of an inspection too: the caller answers for the two signatures."""
    refuse_without(answer)
    row = _receivers(order, by)
    if row.state != Order.State.RECEIVED:
        raise Refused("order_not_received")
    _end(row, Order.State.DONE, answer, by)
    if row.kind == Order.Kind.INSPECTION:
        move(lock(row.case), Case.State.INSPECTED, answer, by)
    tell(row.case, "order_done", by, {"order": row.pk, "kind": row.kind, "answer": answer})
    return row


@transaction.atomic
def give_back(order: Order, reason: str, by: By) -> Order:
    """Return an order with a reason; an inspection that is returned is to be assigned anew."""
    refuse_without(reason)
    row = _receivers(order, by)
    return _undone(row, Order.State.RETURNED, reason, by)


@transaction.atomic
def withdraw(order: Order, reason: str, by: By) -> Order:
    """Take back what was given; the agency that holds the case does."""
    refuse_without(reason)
    row = _open(order)
    refuse_others(row.case, by)
    return _undone(row, Order.State.WITHDRAWN, reason, by)


def _pass_on(handover: Order) -> None:
    """Put the case into the hands of the agency, with what the former holder owed in it."""
    Case._base_manager.filter(pk=handover.case_id).update(holder=handover.agency)
    for model in (Approval, Plea, Obligation):
        owed = model._base_manager.filter(case=handover.case_id, ended_at=None, agency=handover.sender)
        owed.update(agency=handover.agency)


def _give(case: Case, kind: str, given: OrderGiven, by: By) -> Order:
    refuse_without(given.words)
    refuse_elsewhere(given.agency, case.site)
    if case.state in RESTING:
        raise Refused("case_ended")
    if given.assignee is not None and given.assignee.agency_id != given.agency.pk:
        raise Refused("assignee_elsewhere", user=str(given.assignee), agency=str(given.agency))
    limit = "task" if kind == Order.Kind.TASK else "inspection"
    days = calendar.limits()[limit] if given.days is None else given.days
    order = Order(
        case=case,
        kind=kind,
        agency=given.agency,
        assignee=given.assignee,
        sender=case.holder,
        words=given.words.strip(),
        begun_at=by.at,
        begun_by=by.user,
        due_at=calendar.due("receipt", by.at),
        finish_at=calendar.working_days_on(by.at, days),
    )
    try:
        with transaction.atomic():
            order.save(force_insert=True)
    except IntegrityError as error:
        raise Refused("order_open") from error
    details = {"order": order.pk, "kind": str(kind), "agency": given.agency.code, "words": order.words}
    tell(case, "order_given", by, details)
    return order


def _open(order: Order) -> Order:
    """Return the order under the lock of its case. Raises Refused where it has ended."""
    case = lock(order.case)
    row: Order = Order._base_manager.select_related("agency", "sender").get(pk=order.pk)
    row.case = case
    if row.ended_at is not None:
        raise Refused("order_ended")
    return row


def _receivers(order: Order, by: By) -> Order:
    row = _open(order)
    if by.user is None or by.user.agency_id != row.agency_id:
        raise Refused("order_of_others", agency=str(row.agency))
    return row


def _end(row: Order, state: str, answer: str, by: By) -> None:
    row.state, row.ended_at, row.ended_by, row.answer = state, by.at, by.user, answer.strip()
    row.save(update_fields=["state", "ended_at", "ended_by", "answer"])


def _undone(row: Order, state: str, reason: str, by: By) -> Order:
    _end(row, state, reason, by)
    if row.kind == Order.Kind.INSPECTION:
        move(row.case, Case.State.SUSPECTED, reason, by)
    tell(row.case, f"order_{state}", by, {"order": row.pk, "kind": row.kind, "reason": reason})
    return row
