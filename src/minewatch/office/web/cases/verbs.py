"""What can be done in a case and with what is owed in it: each a form page, with the service that does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from minewatch.office.platform.services import By
from minewatch.office.verify import deciding, orders, services
from minewatch.office.verify.flow import ENDED, RESTING
from minewatch.office.verify.models import Approval, Case, Obligation, Order, Owed, Plea
from minewatch.office.verify.selectors import CasePage, OwedShown, case_by_number
from minewatch.office.web.asking import Question, ask
from minewatch.office.web.cases import forms
from minewatch.office.web.doors import by as acting
from minewatch.office.web.doors import permitted
from minewatch.office.web.forms import OfficeForm

S = Case.State
_WORK, _DO, _JUDGE, _DECIDE = (
    "verify.work_cases",
    "verify.do_orders",
    "verify.judge_cases",
    "verify.decide_cases",
)
_OPEN = frozenset(S) - RESTING
Act = Callable[[Any, dict[str, Any], By], object]


@dataclass(frozen=True)
class Verb:
    """Something to do: name of its route, words, permission, form and service; states that offer it."""

    name: str
    title: str | Promise
    permission: str
    form: type[OfficeForm]
    act: Act
    states: frozenset[str] = _OPEN
    colour: str = ""
    kinds: frozenset[str] = frozenset()  # of what is owed; empty where the kind does not matter
    route: str = ""  # where a page of its own does it


def _order_given(said: Mapping[str, Any]) -> orders.OrderGiven:
    return orders.OrderGiven(said["agency"], said["words"], said.get("assignee"), said["days"])


def _judged(said: Mapping[str, Any]) -> services.JudgementGiven:
    given = {name: said[name] for name in ("verdict", "power_kw", "machines", "reference")}
    return services.JudgementGiven(grounds=said["words"], **given)


def _obliged(said: Mapping[str, Any]) -> deciding.ObligationGiven:
    return deciding.ObligationGiven(said["kind"], said["agency"], said["words"], said["days"])


def _nothing(_thing: Any, _said: dict[str, Any], _by: By) -> None:
    """Do nothing: a page of its own does it."""


OF_CASES: tuple[Verb, ...] = (
    Verb(
        "assign",
        _("Assign the inspection"),
        _WORK,
        forms.AssignForm,
        lambda case, said, by: orders.assign(case, _order_given(said), by),
        frozenset({S.SUSPECTED, S.INSPECTED}),
        "primary",
    ),
    Verb(
        "judge",
        _("Judge"),
        _JUDGE,
        forms.JudgementForm,
        lambda case, said, by: services.judge(case, _judged(said), by),
        frozenset({S.INSPECTED}),
        "primary",
    ),
    Verb(
        "measures",
        _("Begin measures"),
        _WORK,
        forms.CaseForm,
        lambda case, said, by: services.begin_measures(case, said["words"], by),
        frozenset({S.CONFIRMED}),
        "primary",
    ),
    Verb(
        "exit",
        _("Fix the exit plan"),
        _WORK,
        forms.ExitForm,
        lambda case, said, by: services.plan_exit(case, said["exit_on"], said["words"], by),
        frozenset({S.MEASURES}),
        "primary",
    ),
    Verb(
        "clear",
        _("Verify the exit"),
        _WORK,
        forms.CaseForm,
        lambda case, said, by: services.clear(case, said["words"], by),
        frozenset({S.EXIT_PLAN}),
        "primary",
    ),
    Verb(
        "revise",
        _("Take the plan back"),
        _WORK,
        forms.CaseForm,
        lambda case, said, by: services.revise_plan(case, said["words"], by),
        frozenset({S.EXIT_PLAN}),
    ),
    Verb(
        "approval",
        _("Ask for an approval"),
        _WORK,
        forms.ApprovalForm,
        lambda case, said, by: deciding.ask_approval(case, said["kind"], said["words"], by),
        frozenset({S.CONFIRMED, S.MEASURES, S.EXIT_PLAN}),
    ),
    Verb(
        "handover",
        _("Hand over"),
        _WORK,
        forms.OrderForm,
        lambda case, said, by: orders.hand_over(case, _order_given(said), by),
    ),
    Verb(
        "task",
        _("Give a task"),
        _WORK,
        forms.OrderForm,
        lambda case, said, by: orders.give_task(case, _order_given(said), by),
    ),
    Verb(
        "oblige",
        _("Add an obligation"),
        _WORK,
        forms.ObligationForm,
        lambda case, said, by: deciding.oblige(case, _obliged(said), by),
    ),
    Verb(
        "plea",
        _("Take in an appeal or a request"),
        _WORK,
        forms.PleaForm,
        lambda case, said, by: deciding.file_plea(case, said["kind"], said["words"], said["reference"], by),
        frozenset({S.CONFIRMED, S.VICTIM, S.NOT_MINING, S.MEASURES, S.EXIT_PLAN, S.CLEARED}),
    ),
    Verb(
        "close",
        _("Close"),
        _WORK,
        forms.CaseForm,
        lambda case, said, by: services.close(case, said["words"], by),
        frozenset({S.SUSPECTED, S.VICTIM, S.NOT_MINING}),
    ),
    Verb(
        "reopen",
        _("Reopen"),
        _WORK,
        forms.CaseForm,
        lambda case, said, by: services.reopen(case, said["words"], by),
        ENDED,
    ),
)
"""In the order of their buttons."""

_SENT = frozenset({Order.State.SENT})
_GIVEN = frozenset({Order.State.SENT, Order.State.RECEIVED})
_STANDS = frozenset({"open"})

OF_OWED: Mapping[type[Owed], tuple[Verb, ...]] = {
    Order: (
        Verb(
            "receive",
            _("Confirm the receipt"),
            _DO,
            forms.ReceiptForm,
            lambda row, _said, by: orders.receive(row, by),
            _SENT,
            "primary",
        ),
        Verb(
            "finish",
            _("Report the result"),
            _DO,
            forms.CaseForm,
            lambda row, said, by: orders.finish(row, said["words"], by),
            frozenset({Order.State.RECEIVED}),
            "primary",
            frozenset({Order.Kind.TASK}),
        ),
        Verb(
            "inspect",
            _("Inspectors and result"),
            _DO,
            forms.ReceiptForm,
            _nothing,
            _GIVEN,
            "primary",
            frozenset({Order.Kind.INSPECTION}),
            "inspection_appoint",
        ),
        Verb(
            "return",
            _("Return"),
            _DO,
            forms.CaseForm,
            lambda row, said, by: orders.give_back(row, said["words"], by),
            _GIVEN,
        ),
        Verb(
            "withdraw",
            _("Withdraw"),
            _WORK,
            forms.CaseForm,
            lambda row, said, by: orders.withdraw(row, said["words"], by),
            _GIVEN,
        ),
    ),
    Approval: (
        Verb(
            "decide",
            _("Decide"),
            _DECIDE,
            forms.DecisionForm,
            lambda row, said, by: deciding.decide(row, said["granted"] == "yes", said["words"], by),
            _STANDS,
            "primary",
        ),
    ),
    Plea: (
        Verb(
            "decide",
            _("Decide"),
            _DECIDE,
            forms.DecisionForm,
            lambda row, said, by: deciding.decide_plea(row, said["granted"] == "yes", said["words"], by),
            _STANDS,
            "primary",
        ),
    ),
    Obligation: (
        Verb(
            "settle",
            _("Settle"),
            _DO,
            forms.CaseForm,
            lambda row, said, by: deciding.settle(row, said["words"], by),
            _STANDS,
            "primary",
            kinds=frozenset(Obligation.Kind) - {Obligation.Kind.PUBLICATION},
        ),
        Verb(
            "waive",
            _("Ask for a waiver"),
            _WORK,
            forms.CaseForm,
            lambda row, said, by: deciding.ask_waiver(row, said["words"], by),
            _STANDS,
        ),
    ),
}
"""By what is owed, what can be done with it."""

_OF_HOLDER = frozenset({"withdraw", "waive", "decide"})


def offered(page: CasePage, who: By) -> list[tuple[Verb, str]]:
    """Return what an account may do in a case now, and the address of each."""
    assert who.user is not None  # noqa: S101 - pages are for accounts
    if who.user.agency_id != page.holder_id:
        return []
    can = who.user.has_perm
    return [
        (verb, reverse(f"case_{verb.name}", args=[page.row.number]))
        for verb in OF_CASES
        if page.row.state in verb.states and can(verb.permission)
    ]


def offered_with(row: OwedShown, holder_id: int | None, who: By) -> list[tuple[Verb, str]]:
    """Return what an account may do with something owed; ``holder_id`` is the agency with the case."""
    assert who.user is not None  # noqa: S101 - pages are for accounts
    model = next(model for model in OF_OWED if model._meta.model_name == row.model)
    agency, can = who.user.agency_id, who.user.has_perm
    return [
        (verb, reverse(verb.route or f"{row.model}_{verb.name}", args=[row.id]))
        for verb in OF_OWED[model]
        if row.state in verb.states
        and row.kind in (verb.kinds or {row.kind})
        and can(verb.permission)
        and agency == (holder_id if verb.name in _OF_HOLDER else row.agency_id)
        and not (verb.name == "decide" and row.begun_by_id == who.user.pk and row.model == "approval")
    ]


def _view(verb: Verb, find: Callable[[Any], tuple[Any, Case]]) -> Callable[..., HttpResponseBase]:
    def view(request: HttpRequest, key: str | int) -> HttpResponseBase:
        thing, case = find(key)
        back = reverse("case", args=[case.number])

        def act(said: dict[str, Any]) -> str:
            verb.act(thing, said, acting(request))
            return back

        form = verb.form(request.POST if request.method == "POST" else None, case=case)
        note = f"{case.number} {case.site.name}"
        return ask(request, Question(verb.title, verb.title, back, note), form, act)

    return permitted(verb.permission)(require_http_methods(["GET", "POST"])(view))


def _case(number: Any) -> tuple[Case, Case]:
    case = case_by_number(number)
    if case is None:
        raise Http404(number)
    return case, case


def _finder(model: type[Owed]) -> Callable[[Any], tuple[Owed, Case]]:
    def find(number: Any) -> tuple[Owed, Case]:
        related = ("case__site__region", "case__holder", "agency")
        row = model.objects.select_related(*related).filter(pk=number).first()
        if row is None:
            raise Http404(number)
        return row, row.case

    return find


def routes() -> list[URLPattern]:
    """Return the route of each verb, as ``case_judge`` and ``order_receive``."""
    found = [
        path(f"cases/<str:key>/{verb.name}/", _view(verb, _case), name=f"case_{verb.name}")
        for verb in OF_CASES
    ]
    for model, verbs in OF_OWED.items():
        kind = model._meta.model_name
        found += [
            path(f"{kind}s/<int:key>/{verb.name}/", _view(verb, _finder(model)), name=f"{kind}_{verb.name}")
            for verb in verbs
            if not verb.route
        ]
    return found
