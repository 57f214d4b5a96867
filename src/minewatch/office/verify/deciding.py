"""What takes two persons, what must be done before a case ends, and what the other side asks for."""

from typing import NamedTuple, TypeVar

from django.db import IntegrityError, transaction

from minewatch.office.platform.models import Agency
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.verify import calendar
from minewatch.office.verify.flow import HURTS, RESTING
from minewatch.office.verify.models import Approval, Case, Judgement, Obligation, Owed, Plea
from minewatch.office.verify.services import (
    held,
    list_site,
    lock,
    move,
    refuse_elsewhere,
    refuse_others,
    refuse_without,
    tell,
)

_Owed = TypeVar("_Owed", bound=Owed)
_APPEALED = frozenset(
    {
        Case.State.CONFIRMED,
        Case.State.VICTIM,
        Case.State.NOT_MINING,
        Case.State.MEASURES,
        Case.State.EXIT_PLAN,
    }
)


class ObligationGiven(NamedTuple):
    """What an agency is obliged to, and within how many working days (by the table of limits if None)."""

    kind: str
    agency: Agency
    words: str
    days: int | None = None


@transaction.atomic
def ask_approval(case: Case, kind: str, reason: str, by: By) -> Approval:
    """Ask for something that hurts. Raises Refused in a state of the case in which it makes no sense."""
    locked = held(case, by)
    if locked.state not in HURTS[kind] or kind == Approval.Kind.WAIVER:
        raise Refused("approval_not_now")
    return _ask(locked, kind, reason, by)


@transaction.atomic
def ask_waiver(obligation: Obligation, reason: str, by: By) -> Approval:
    """Ask that an obligation be waived."""
    case = held(obligation.case, by)
    row = _still_open(obligation)
    return _ask(case, Approval.Kind.WAIVER, reason, by, row)


@transaction.atomic
def decide(approval: Approval, granted: bool, reason: str, by: By) -> Approval:
    """Grant or refuse. Raises Refused for the person who asked, and for other agencies."""
    refuse_without(reason)
    case = lock(approval.case)
    row = _still_open(approval)
    refuse_others(case, by)
    if by.user is None or by.user.pk == row.begun_by_id:
        raise Refused("approval_own")
    if granted and case.state not in HURTS[row.kind]:
        raise Refused("approval_not_now")
    row.granted = granted
    _end(row, reason, by)
    if granted:
        _take_effect(case, row, by)
    tell(case, "approval_decided", by, {"approval": row.pk, "kind": row.kind, "granted": granted})
    return row


@transaction.atomic
def oblige(case: Case, given: ObligationGiven, by: By) -> Obligation:
    """Open an obligation of an agency in a case that has not ended."""
    _refuse_publication(given.kind, by)
    locked = lock(case)
    refuse_without(given.words)
    refuse_elsewhere(given.agency, locked.site)
    if locked.state in RESTING:
        raise Refused("case_ended")
    limit = calendar.limits()[given.kind] if given.days is None else given.days
    row = Obligation.objects.create(
        case=locked,
        kind=given.kind,
        agency=given.agency,
        words=given.words.strip(),
        begun_at=by.at,
        begun_by=by.user,
        due_at=calendar.working_days_on(by.at, limit),
    )
    tell(locked, "obligation_opened", by, {"obligation": row.pk, "kind": row.kind})
    return row


@transaction.atomic
def settle(obligation: Obligation, answer: str, by: By) -> Obligation:
    """Say how an obligation was met: bill number, report of the visit. The agency that owes it does.

    The office's own jobs may too. Raises Refused for a visit again before the exit plan is fixed, and for a
    result that is to be published: publishing it settles that.
    """
    refuse_without(answer)
    case = lock(obligation.case)
    row = _still_open(obligation)
    if by.user is not None and by.user.agency_id != row.agency_id:
        raise Refused("order_of_others", agency=str(row.agency))
    if row.kind == Obligation.Kind.REVISIT and case.state != Case.State.EXIT_PLAN:
        raise Refused("obligation_revisit")
    _refuse_publication(row.kind, by)
    _end(row, answer, by)
    tell(case, "obligation_settled", by, {"obligation": row.pk, "kind": row.kind, "answer": answer})
    return row


@transaction.atomic
def file_plea(case: Case, kind: str, words: str, reference: str, by: By) -> Plea:
    """Take in an appeal against a judgement, or, after the verified exit, a request to repair the credit."""
    locked = held(case, by)
    refuse_without(words)
    allowed = _APPEALED if kind == Plea.Kind.APPEAL else {Case.State.CLEARED}
    if locked.state not in allowed:
        raise Refused("plea_not_now")
    row = Plea(case=locked, kind=kind, reference=reference.strip(), **_owed(locked, words, kind, by))
    _save(row)
    tell(locked, "plea_filed", by, {"plea": row.pk, "kind": kind})
    return row


@transaction.atomic
def decide_plea(plea: Plea, upheld: bool, reason: str, by: By) -> Plea:
    """Uphold or reject a plea; an appeal that is upheld has the site judged anew.

    Raises Refused for the person whose judgement is appealed.
    """
    refuse_without(reason)
    case = lock(plea.case)
    row = _still_open(plea)
    refuse_others(case, by)
    judgement = Judgement.objects.filter(case=case).order_by("-pk").first()
    if by.user is None or (judgement is not None and judgement.by_id == by.user.pk):
        raise Refused("plea_same_person")
    row.upheld = upheld
    _end(row, reason, by)
    if upheld and row.kind == Plea.Kind.APPEAL:
        move(case, Case.State.INSPECTED, reason, by)
    tell(case, "plea_decided", by, {"plea": row.pk, "kind": row.kind, "upheld": upheld})
    return row


def _refuse_publication(kind: str, by: By) -> None:
    """Raise Refused where a person opens or settles what an inspection and its publication do."""
    if kind == Obligation.Kind.PUBLICATION and by.user is not None:
        raise Refused("obligation_publication")


def _ask(case: Case, kind: str, reason: str, by: By, obligation: Obligation | None = None) -> Approval:
    refuse_without(reason)
    row = Approval(case=case, kind=kind, obligation=obligation, **_owed(case, reason, "approval", by))
    _save(row)
    tell(case, "approval_asked", by, {"approval": row.pk, "kind": str(kind), "reason": reason})
    return row


def _take_effect(case: Case, row: Approval, by: By) -> None:
    if row.kind == Approval.Kind.LISTING:
        list_site(case, by)
    if row.obligation is not None:
        waived = _still_open(row.obligation)
        waived.is_waived = True
        _end(waived, row.words, by)


def _owed(case: Case, words: str, limit: str, by: By) -> dict[str, object]:
    """Return the fields of something that the holder of a case owes from now on."""
    return {
        "agency": case.holder,
        "words": words.strip(),
        "begun_at": by.at,
        "begun_by": by.user,
        "due_at": calendar.due(limit, by.at),
    }


def _save(row: Owed) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Refused("order_open") from error


def _still_open(row: _Owed) -> _Owed:
    present: _Owed = type(row)._base_manager.select_related("agency").get(pk=row.pk)
    if present.ended_at is not None:
        raise Refused("order_ended")
    return present


def _end(row: Owed, answer: str, by: By) -> None:
    row.ended_at, row.ended_by, row.answer = by.at, by.user, answer.strip()
    row.save()
