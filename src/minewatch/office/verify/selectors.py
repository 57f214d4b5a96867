"""Reading cases: rows of lists, the page of a case, the work queue of an agency, batches and questions."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case as Choice
from django.db.models import CharField, Count, F, Q, QuerySet, Value, When
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from minewatch.office.platform.models import User
from minewatch.office.platform.selectors import region_by_code
from minewatch.office.platform.services import By
from minewatch.office.register.holding import holding
from minewatch.office.verify.flow import NEXT, RESTING
from minewatch.office.verify.models import (
    Approval,
    Asked,
    Batch,
    Case,
    Judgement,
    Move,
    Notice,
    Obligation,
    Order,
    Owed,
    Plea,
    Question,
)

Said = Mapping[str, Any]
_MOST_OWED, _MOST_NOTICES, _MOST_MOVES = 200, 20, 200


@dataclass(frozen=True)
class OwedShown:
    """Something that is or was owed in a case; ``model`` names its kind of thing."""

    id: int
    model: str
    model_title: str
    case: str
    site: str
    kind: str
    title: str
    agency: str
    agency_id: int
    sender: str
    assignee: str
    words: str
    state: str
    state_text: str
    begun_by_id: int | None
    begun_at: datetime
    due_at: datetime
    is_late: bool
    ended_at: datetime | None
    answer: str


@dataclass(frozen=True)
class CaseRow:
    """A case in a list: what comes next, who owes it and by when."""

    number: str
    site: str
    site_code: str
    region: str
    region_code: str
    state: str
    state_text: str
    holder: str
    power_kw: float | None
    next_step: str
    owed_by: str
    due_at: datetime | None
    is_late: bool
    moved_at: datetime


@dataclass(frozen=True)
class MoveShown:
    """A move of a case."""

    after: str
    reason: str
    by: str
    agency: str
    at: datetime


@dataclass(frozen=True)
class JudgementShown:
    """A judgement."""

    verdict: str
    grounds: str
    power_kw: float | None
    machines: int | None
    reference: str
    by: str
    at: datetime


@dataclass(frozen=True)
class CasePage:
    """A case with all that happened in it and all that is owed; of open things the first due is first."""

    row: CaseRow
    id: int
    site_code: str
    holder_id: int
    opened_at: datetime
    exit_by: datetime | None
    batches: tuple[str, ...]
    joined_into: str
    joined: tuple[str, ...]
    open: tuple[OwedShown, ...]
    ended: tuple[OwedShown, ...]
    moves: tuple[MoveShown, ...]
    judgements: tuple[JudgementShown, ...]


@dataclass(frozen=True)
class NoticeShown:
    """A reminder that reached an agency; ``case`` or ``batch`` is its subject."""

    id: int
    stage: str
    case: str
    batch: str
    at: datetime


@dataclass(frozen=True)
class Queue:
    """What an account's agency has to do now, and what it holds, by state."""

    items: tuple[OwedShown, ...]
    has_more: bool
    notices: tuple[NoticeShown, ...]
    held: tuple[tuple[str, str, int], ...]


def case_by_number(number: str) -> Case | None:
    """Return the case with a number, in scope."""
    rows = Case.objects.select_related("site__region", "holder", "joined_into")
    return rows.filter(number=number.strip().upper()).first()


def case_of_site(site_id: int) -> Case | None:
    """Return the case of a site, in scope."""
    return Case.objects.select_related("site__region", "holder").filter(site=site_id).first()


def case_rows(said: Said) -> "QuerySet[Case]":
    """Return cases by region (a code), state, holder (an agency's id), batch (a number), open, owed, text."""
    rows = Case.objects.select_related("site__region", "holder")
    if "region" in said:
        region = region_by_code(said["region"])
        rows = rows.filter(site__region__path__startswith=region.path) if region else rows.none()
    if "state" in said:
        rows = rows.filter(state=said["state"])
    if "holder" in said:
        rows = rows.filter(holder=said["holder"])
    if "batch" in said:
        rows = rows.filter(batches__number=said["batch"])
    if "open" in said:
        rows = rows.exclude(state__in=RESTING)
    if "owed" in said:
        rows = rows.filter(pk__in=Obligation.objects.filter(kind=said["owed"], ended_at=None).values("case"))
    if "text" in said:
        rows = holding(rows, said["text"], "number", "site__name")
    return rows


def present(cases: Sequence[Case], now: datetime) -> list[CaseRow]:
    """Return cases as a list shows them; one query for all of them."""
    owed: dict[int, list[Any]] = defaultdict(list)
    for row in _owed(Q(case__in=[case.pk for case in cases], ended_at=None)):
        owed[row["case_id"]].append(row)
    return [_case_row(case, owed[case.pk], now) for case in cases]


def _case_row(case: Case, owed: Sequence[Mapping[str, Any]], now: datetime) -> CaseRow:
    first = owed[0] if owed else None
    holder = case.holder.name_zh
    return CaseRow(
        number=case.number,
        site=case.site.name,
        site_code=case.site.code,
        region=case.site.region.name_zh,
        region_code=case.site.region.code,
        state=case.state,
        state_text=case.get_state_display(),
        holder=holder,
        power_kw=case.site.power_kw,
        next_step=str(NEXT[case.state]) if first is None else _title(first),
        owed_by=holder if first is None else first["agency_name"],
        due_at=first["due_at"] if first else None,
        is_late=bool(first and first["due_at"] <= now),
        moved_at=case.moved_at,
    )


def case_page(number: str, now: datetime) -> CasePage | None:
    """Return a case for its page, or None where there is none in scope; at most 6 queries."""
    case = case_by_number(number)
    if case is None:
        return None
    joined = dict(case.joined.order_by("pk").values_list("pk", "number"))
    rows = list(_owed(Q(case__in=[case.pk, *joined])))  # by ids: a condition on the join reads every order
    open_rows = [row for row in rows if row["ended_at"] is None]
    return CasePage(
        row=_case_row(case, open_rows, now),
        id=case.pk,
        site_code=case.site.code,
        holder_id=case.holder_id,
        opened_at=case.opened_at,
        exit_by=case.exit_by,
        batches=tuple(case.batches.order_by("pk").values_list("number", flat=True)),
        joined_into=case.joined_into.number if case.joined_into else "",
        joined=tuple(joined.values()),
        open=tuple(_shown(row, now) for row in open_rows),
        ended=tuple(_shown(row, now) for row in reversed(rows) if row["ended_at"] is not None),
        moves=tuple(_move(row) for row in _moves(case)),
        judgements=tuple(_judgement(row) for row in _judgements(case)),
    )


_MODELS: tuple[type[Owed], ...] = (Order, Approval, Plea, Obligation)
_COLUMNS = {
    "number": F("case__number"),
    "site": F("case__site__name"),
    "agency_name": F("agency__name_zh"),
}
_AS_THEY_ARE = ("id", "case_id", "kind", "agency_id", "words", "begun_by_id", "begun_at", "due_at")
_AFTERWARDS = ("ended_at", "answer")
_TEXT = CharField()


def _owed(where: Q) -> "QuerySet[Any]":
    """Return all that is or was owed where the condition holds, the first due first, as dicts; one query."""
    first, *others = (_part(model, where) for model in _MODELS)
    return first.union(*others, all=True).order_by("due_at", "model", "id")


def _part(model: type[Owed], where: Q) -> "QuerySet[Any]":
    sender = F("sender__name_zh") if model is Order else Value("", _TEXT)
    assignee = F("assignee__username") if model is Order else Value("", _TEXT)
    named = Value(str(model._meta.model_name), _TEXT)
    added = _COLUMNS | {"model": named, "sender_name": sender, "assignee_name": assignee}
    rows = model.objects.filter(where).order_by().annotate(**added, said=_STATES[model])
    return rows.values(*_AS_THEY_ARE, *_AFTERWARDS, *added, "said")


def _decided(field: str) -> When:
    return When(**{field: True}, then=Value("granted"))


_OPEN = When(ended_at=None, then=Value("open"))
_STATES: Mapping[type[Owed], Any] = {
    Order: F("state"),
    Approval: Choice(_OPEN, _decided("granted"), default=Value("refused"), output_field=_TEXT),
    Plea: Choice(_OPEN, _decided("upheld"), default=Value("refused"), output_field=_TEXT),
    Obligation: Choice(
        _OPEN, When(is_waived=True, then=Value("waived")), default=Value("settled"), output_field=_TEXT
    ),
}


def _words() -> dict[str, str]:
    """Return how kinds of things and states are said, in the language in force."""
    return {
        "order": _("Order"),
        "approval": _("Approval"),
        "plea": _("Plea"),
        "obligation": _("Obligation"),
        "open": _("Open"),
        "granted": _("Granted"),
        "refused": _("Refused"),
        "settled": _("Settled"),
        "waived": _("Waived"),
        **{value: str(label) for value, label in Order.State.choices},
    }


_KINDS: Mapping[tuple[str, str], str | Promise] = {
    (name, value): label
    for name, choices in (
        ("order", Order.Kind.choices),
        ("approval", Approval.Kind.choices),
        ("plea", Plea.Kind.choices),
        ("obligation", Obligation.Kind.choices),
    )
    for value, label in choices
}


def _shown(row: Mapping[str, Any], now: datetime) -> OwedShown:
    words = _words()
    return OwedShown(
        **{name: row[name] for name in (*_AS_THEY_ARE, *_AFTERWARDS) if name != "case_id"},
        model=row["model"],
        model_title=words[row["model"]],
        case=row["number"],
        site=row["site"],
        title=_title(row),
        agency=row["agency_name"],
        sender=row["sender_name"],
        assignee=row["assignee_name"] or "",
        state=row["said"],
        state_text=words[row["said"]],
        is_late=row["ended_at"] is None and row["due_at"] <= now,
    )


def _title(row: Mapping[str, Any]) -> str:
    return str(_KINDS[row["model"], row["kind"]])


def _name(user: User | None) -> str:
    return (user.get_full_name() or user.get_username()) if user else ""


def _moves(case: Case) -> "QuerySet[Move]":
    return Move.objects.filter(case=case).select_related("by", "agency").order_by("-pk")[:_MOST_MOVES]


def _move(row: Move) -> MoveShown:
    agency = row.agency.name_zh if row.agency else ""
    return MoveShown(row.get_after_display(), row.reason, _name(row.by), agency, row.at)


def _judgements(case: Case) -> "QuerySet[Judgement]":
    return Judgement.objects.filter(case=case).select_related("by").order_by("-pk")


def _judgement(row: Judgement) -> JudgementShown:
    said = (row.get_verdict_display(), row.grounds, row.power_kw, row.machines, row.reference)
    return JudgementShown(*said, _name(row.by), row.at)


def queue_of(by: By, other: int | None = None, due: Q | None = None) -> Queue:
    """Return the work queue of an account's agency, or of an ``other`` one (its id); at most 3 queries.

    ``due`` is a condition on what is owed (``duties.due_within``).
    """
    agency = other or (by.user.agency_id if by.user else None)
    rows = list(_owed(Q(agency=agency, ended_at=None) & (due or Q()))[: _MOST_OWED + 1])
    unseen = Notice.objects.filter(agency=agency, seen_at=None).select_related("case", "batch")
    counted = (
        Case.objects.filter(holder=agency).order_by("state").values_list("state").annotate(n=Count("pk"))
    )
    by_state = dict(counted)
    return Queue(
        items=tuple(_shown(row, by.at) for row in rows[:_MOST_OWED]),
        has_more=len(rows) > _MOST_OWED,
        notices=tuple(_notice(row) for row in unseen.order_by("-at")[:_MOST_NOTICES]),
        held=tuple(
            (state, str(label), by_state[state]) for state, label in Case.State.choices if state in by_state
        ),
    )


def _notice(row: Notice) -> NoticeShown:
    case, batch = row.case, row.batch
    return NoticeShown(
        row.pk, row.get_stage_display(), case.number if case else "", batch.number if batch else "", row.at
    )


@dataclass(frozen=True)
class BatchRow:
    """A batch in a list, and how many of its cases have ended."""

    number: str
    title: str
    kind: str
    agency: str
    issued_at: datetime
    due_at: datetime
    cases: int
    done: int
    is_late: bool

    @property
    def share(self) -> float:
        """Return the share of cases that have ended."""
        return self.done / self.cases if self.cases else 0.0


def batch_rows(said: Said) -> "QuerySet[Batch]":
    """Return the batches that hold a case in scope or were issued in it, by kind."""
    rows = Batch.objects.select_related("agency")
    return rows.filter(kind=said["kind"]) if "kind" in said else rows


def present_batches(batches: Sequence[Batch], now: datetime) -> list[BatchRow]:
    """Return batches as a list shows them, counted over the cases in scope; one query."""
    ended = Count("pk", filter=Q(state__in=RESTING))
    counted = Case.objects.filter(batches__in=[batch.pk for batch in batches]).order_by("batches")
    numbers = {pk: (n, m) for pk, n, m in counted.values_list("batches").annotate(n=Count("pk"), m=ended)}
    return [_batch_row(batch, *numbers.get(batch.pk, (0, 0)), now) for batch in batches]


def _batch_row(batch: Batch, cases: int, done: int, now: datetime) -> BatchRow:
    return BatchRow(
        number=batch.number,
        title=batch.title,
        kind=batch.get_kind_display(),
        agency=batch.agency.name_zh,
        issued_at=batch.issued_at,
        due_at=batch.due_at,
        cases=cases,
        done=done,
        is_late=batch.due_at <= now and done < cases,
    )


def states_of_batch(batch: Batch) -> list[tuple[str | Promise, int]]:
    """Return how many cases of a batch stand in each state."""
    counted = dict(Case.objects.filter(batches=batch).values_list("state").annotate(n=Count("pk")).order_by())
    return [(label, counted[state]) for state, label in Case.State.choices if state in counted]


@dataclass(frozen=True)
class QuestionRow:
    """A question to a carrier in a list."""

    id: int
    carrier: str
    asker: str
    begun_at: datetime
    due_at: datetime
    asked: int
    answered: int
    is_late: bool


def question_rows(_said: Said) -> "QuerySet[Question]":
    """Return the questions asked in scope."""
    return Question.objects.select_related("agency", "asker")


def present_questions(questions: Sequence[Question], now: datetime) -> list[QuestionRow]:
    """Return questions as a list shows them; one query."""
    rows = Asked.objects.filter(question__in=[one.pk for one in questions]).order_by("question")
    answered = Count("answered_at")
    counted = rows.values_list("question").annotate(n=Count("pk"), answered=answered)
    numbers = {pk: (n, m) for pk, n, m in counted}
    return [_question_row(one, *numbers.get(one.pk, (0, 0)), now) for one in questions]


def _question_row(one: Question, asked: int, answered: int, now: datetime) -> QuestionRow:
    return QuestionRow(
        id=one.pk,
        carrier=one.agency.name_zh,
        asker=one.asker.name_zh,
        begun_at=one.begun_at,
        due_at=one.due_at,
        asked=asked,
        answered=answered,
        is_late=one.ended_at is None and one.due_at <= now,
    )
