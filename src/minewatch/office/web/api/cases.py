"""Operations on cases: cases, the work queue, batches, questions to carriers, and orders."""

from collections.abc import Sequence
from typing import Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from minewatch.office.verify import carriers, orders, selectors
from minewatch.office.verify.models import Batch, Case, Order, Question
from minewatch.office.verify.selectors import BatchRow, CasePage, CaseRow, QuestionRow, Queue
from minewatch.office.web.api.content import taken, takes
from minewatch.office.web.api.doors import (
    Asked,
    Bearer,
    Code,
    Number,
    Page,
    Purpose,
    Text,
    Words,
    by,
    page,
)
from minewatch.office.web.api.once import once
from minewatch.office.web.api.register import InRegion

router = Router(tags=["cases"])
SEE, DO, ASK = Bearer("verify.see_cases"), Bearer("verify.do_orders"), Bearer("verify.ask_carriers")
_MOST_ANSWER_MB = 20


class CasesAsked(InRegion):
    """Filters of cases."""

    text: Text | None = None
    state: Literal[tuple(Case.State.values)] | None = None  # type: ignore[valid-type]
    batch: Code | None = None
    mine: bool = False
    open: bool = False


class BatchesAsked(Asked):
    """Filters of batches."""

    kind: Literal[tuple(Batch.Kind.values)] | None = None  # type: ignore[valid-type]


class QuestionAsked(Schema):
    """What the file of a question is for: it holds addresses in the clear."""

    purpose: Purpose


class Said(Schema):
    """The reason or the result, in words."""

    words: Words


class OrderNow(Schema):
    """An order as it stands after what was done."""

    id: int
    case: str
    kind: str
    state: str


class RowRefused(Schema):
    """A line of an answer that was not taken: ``unknown``, ``changed`` or ``answered`` otherwise before."""

    line: int
    why: str


class AnswerTaken(Schema):
    """What came of a carrier's answer."""

    answered: int
    refused: list[RowRefused]


@router.get("/cases", auth=SEE, response=Page[CaseRow])
def cases(request: HttpRequest, asked: Query[CasesAsked]) -> Page[Any]:
    """List the cases in the token's region, each with its next step and who owes it."""
    who = by(request)

    def rows(said: dict[str, Any]) -> Any:
        mine = {"holder": who.user.agency_id} if said.pop("mine", False) and who.user else {}
        return selectors.case_rows(said | mine)

    return page(request, asked, rows, lambda found: selectors.present(found, who.at))


@router.get("/cases/{number}", auth=SEE, response=CasePage)
def case(request: HttpRequest, number: Code) -> CasePage:
    """Return a case with its moves, judgements, orders, approvals, pleas and obligations."""
    found = selectors.case_page(number, by(request).at)
    if found is None:
        raise Http404(number)
    return found


@router.get("/queue", auth=SEE, response=Queue)
def queue(request: HttpRequest) -> Queue:
    """Return what the agency of the token's account has to do now, first due first, and what it holds."""
    return selectors.queue_of(by(request))


@router.get("/batches", auth=SEE, response=Page[BatchRow])
def batches(request: HttpRequest, asked: Query[BatchesAsked]) -> Page[Any]:
    """List the batches issued in the token's region or listing a case in it."""
    at = by(request).at
    return page(request, asked, selectors.batch_rows, lambda found: selectors.present_batches(found, at))


@router.get("/batches/{number}", auth=SEE, response=BatchRow)
def batch(request: HttpRequest, number: Code) -> BatchRow:
    """Return a batch; `/cases?batch=` lists its cases."""
    found = selectors.batch_rows({}).filter(number=number).first()
    if found is None:
        raise Http404(number)
    return selectors.present_batches([found], by(request).at)[0]


@router.get("/questions", auth=SEE, response=Page[QuestionRow])
def questions(request: HttpRequest, asked: Query[Asked]) -> Page[Any]:
    """List the questions to carriers that were asked in the token's region or to its agency."""
    at = by(request).at

    def present(found: Sequence[Question]) -> Sequence[QuestionRow]:
        return selectors.present_questions(found, at)

    return page(request, asked, selectors.question_rows, present)


@router.get("/questions/{number}", auth=SEE, response=QuestionRow)
def question(request: HttpRequest, number: Number) -> QuestionRow:
    """Return a question to a carrier."""
    return selectors.present_questions([_question(number)], by(request).at)[0]


@router.get("/questions/{number}/file", auth=ASK, response=None)
def question_file(request: HttpRequest, number: Number, asked: Query[QuestionAsked]) -> HttpResponse:
    """Return a question as the carrier's file (CSV), addresses in the clear, for a purpose."""
    content = carriers.file_of(_question(number), asked.purpose, by(request))
    return HttpResponse(content, content_type="text/csv; charset=utf-8")


@router.post("/questions/{number}/answer", auth=ASK, response=AnswerTaken, openapi_extra=takes("text/csv"))
def question_answer(request: HttpRequest, number: Number) -> HttpResponse:
    """Take a carrier's answer, the file of the question filled in; rows answered before are left."""
    content = taken(request, _MOST_ANSWER_MB)

    def act() -> dict[str, Any]:
        result = carriers.take_answer(_question(number), content, by(request))
        return {"answered": result.answered, "refused": [row._asdict() for row in result.refused]}

    return once(request, content, act)


@router.post("/orders/{number}/receipt", auth=DO, response=OrderNow)
def order_receipt(request: HttpRequest, number: Number) -> HttpResponse:
    """Confirm the receipt of an order; a case that was handed over is then in the agency's hands."""
    return once(request, b"", lambda: _now(orders.receive(_order(number), by(request))))


@router.post("/orders/{number}/result", auth=DO, response=OrderNow)
def order_result(request: HttpRequest, number: Number, said: Said) -> HttpResponse:
    """Say what came of an inspection or task that was received."""
    return once(request, _bytes(said), lambda: _now(orders.finish(_order(number), said.words, by(request))))


@router.post("/orders/{number}/return", auth=DO, response=OrderNow)
def order_return(request: HttpRequest, number: Number, said: Said) -> HttpResponse:
    """Return an order with a reason."""
    return once(
        request, _bytes(said), lambda: _now(orders.give_back(_order(number), said.words, by(request)))
    )


def _bytes(said: Said) -> bytes:
    return said.model_dump_json().encode()


def _order(number: int) -> Order:
    related = ("case__site__region", "case__holder", "agency")
    found: Order | None = Order.objects.select_related(*related).filter(pk=number).first()
    if found is None:
        raise Http404(str(number))
    return found


def _now(order: Order) -> dict[str, Any]:
    return OrderNow(id=order.pk, case=order.case.number, kind=order.kind, state=order.state).model_dump()


def _question(number: int) -> Question:
    found = Question.objects.select_related("agency", "asker").filter(pk=number).first()
    if found is None:
        raise Http404(str(number))
    return found
