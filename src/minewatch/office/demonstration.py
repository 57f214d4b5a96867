"""The life of a demonstration: cases of the sites that came in, some steps along their way.

Each step is what a person would do in the console: the same service, in that person's scope.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import uuid4

from django.utils.timezone import localdate

from minewatch.office.platform import events
from minewatch.office.platform.models import Agency, User
from minewatch.office.platform.scope import scoped
from minewatch.office.platform.selectors import scope_of
from minewatch.office.platform.services import By
from minewatch.office.verify.batches import BatchGiven, issue
from minewatch.office.verify.deciding import ask_approval, decide
from minewatch.office.verify.inspections.checklist import checklist
from minewatch.office.verify.inspections.inspectors import InspectorGiven, enter
from minewatch.office.verify.inspections.models import Inspection, Inspector
from minewatch.office.verify.inspections.services import Completion, Visit, appoint, complete, sign
from minewatch.office.verify.inspections.sheet_forms import SheetGiven
from minewatch.office.verify.inspections.sheets import keep_sheet
from minewatch.office.verify.models import Approval, Batch, Case, Judgement, Order
from minewatch.office.verify.orders import OrderGiven, assign, give_task, hand_over, receive
from minewatch.office.verify.services import begin_measures, plan_exit

_BATCH = "演示-1"
_EXIT_DAYS = 30


class _Crew(NamedTuple):
    """Who acts in a county: the officer who holds cases, who approves, the two who inspect, and others."""

    officer: By
    chief: By
    inspector: By
    companion: By
    grid: Agency
    city: Agency


Step = Callable[[Case, _Crew], object]


def _assigned(case: Case, crew: _Crew) -> None:
    agency = crew.inspector.user.agency if crew.inspector.user else None
    assert agency is not None  # noqa: S101 - the demonstration's inspector has one
    assign(case, OrderGiven(agency, "现场核查:清点矿机,核对用电"), crew.officer)


def _received(case: Case, crew: _Crew) -> None:
    receive(Order.objects.filter(case=case, kind=Order.Kind.INSPECTION).latest("pk"), crew.inspector)


def _appointed(case: Case, crew: _Crew) -> None:
    order = Order.objects.filter(case=case, kind=Order.Kind.INSPECTION).latest("pk")
    lead, second = (Inspector.objects.get(user=one.user) for one in (crew.inspector, crew.companion))
    appoint(order, Visit(localdate(crew.inspector.at), lead, second), crew.inspector)


def _judged(verdict: Judgement.Verdict, grounds: str, machines: int | None = None) -> Step:
    """Return the step in which two inspectors write down what they found, sign it and complete the visit."""

    def step(case: Case, crew: _Crew) -> None:
        inspection = Inspection.objects.get(case=case)
        at = crew.inspector.at
        counted = [{"model": "Antminer S19", "maker": "Bitmain", "number": machines}] if machines else []
        said = {
            "client_id": uuid4(),
            "checklist": checklist()["edition"],
            "machines": counted,
            "verdict": verdict,
            "words": grounds,
            "arrived_at": at,
            "written_at": at,
        }
        sheet = keep_sheet(inspection, SheetGiven.model_validate(said), crew.inspector)
        sign(sheet, crew.inspector)
        sign(sheet, crew.companion)
        complete(inspection, Completion(verdict, grounds, None, machines), crew.inspector)

    return step


def _asked(case: Case, crew: _Crew) -> None:
    ask_approval(case, Approval.Kind.LISTING, "现场证据与用电数据一致", crew.officer)


def _approved(case: Case, crew: _Crew) -> None:
    approval = Approval.objects.filter(case=case, kind=Approval.Kind.LISTING).latest("pk")
    decide(approval, True, "同意", crew.chief)


def _measures(case: Case, crew: _Crew) -> None:
    begin_measures(case, "下达整改通知书", crew.officer)
    give_task(case, OrderGiven(crew.grid, "核查计量装置,按差别电价计收"), crew.officer)


def _exit_plan(case: Case, crew: _Crew) -> None:
    plan_exit(case, (crew.officer.at + timedelta(days=_EXIT_DAYS)).date(), "分批拆除并清运矿机", crew.officer)


def _handed_over(case: Case, crew: _Crew) -> None:
    hand_over(case, OrderGiven(crew.city, "主体注册地在市区,移送处理"), crew.officer)


_VISIT: tuple[Step, ...] = (_assigned, _received, _appointed)
_MINING = _judged(Judgement.Verdict.ACTIVE, "现场清点矿机,铭牌与收益账户一致", 140)
_VICTIM = _judged(Judgement.Verdict.VICTIM, "服务器被植入挖矿木马,单位不知情")
_INNOCENT = _judged(Judgement.Verdict.NOT_MINING, "现场为冷库,未见挖矿设备")
WAYS: tuple[tuple[Step, ...], ...] = (
    (*_VISIT, _MINING, _asked, _approved, _measures, _exit_plan),
    (*_VISIT, _MINING, _asked),
    (_assigned, _received),
    (*_VISIT, _MINING, _asked, _approved, _measures),
    (*_VISIT, _VICTIM),
    (_assigned,),
    (*_VISIT, _INNOCENT),
    (_handed_over,),
)
"""How far the cases go, the most certain site first; those beyond stay as they came."""


def live(by: By) -> dict[str, int]:
    """Deliver what happened and bring cases on their way, once; return the number of cases by state.

    ``by`` gives the time. The accounts are those of ``platform.demonstration``.
    """
    while events.deliver(by.at):
        pass
    crew = _crew(by)
    province = _as("province", by)
    with scoped(scope_of(_user(province))):
        cases = list(Case.objects.order_by("-site__posterior", "pk").select_related("site", "holder"))
        if cases and not Batch.objects.filter(number=_BATCH).exists():
            _begin(cases, crew, province)
        return _states()


def _begin(cases: Sequence[Case], crew: _Crew, province: By) -> None:
    codes = [case.site.code for case in cases[: len(WAYS)]]
    issue(BatchGiven(_BATCH, "疑似场所重点名单", Batch.Kind.KEY, codes), province)
    for number, one in enumerate((crew.inspector, crew.companion), 1):
        given = InspectorGiven(_user(one), f"演示-{number}", ("enforcement",), localdate(one.at))
        enter(given, one)
    held = [case for case in cases if case.holder_id == _user(crew.officer).agency_id]
    with scoped(scope_of(_user(crew.officer))):
        for case, way in zip(held, WAYS, strict=False):
            for step in way:
                step(case, crew)


def _states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in Case.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def _crew(by: By) -> _Crew:
    grid, city = (Agency.objects.get(code=code) for code in ("grid-511823", "reform-511800"))
    return _Crew(
        _as("county", by),
        _as("county-chief", by),
        _as("inspector", by),
        _as("inspector-2", by),
        grid,
        city,
    )


def _as(username: str, by: By) -> By:
    return By(User.objects.get(username=username), by.at)


def _user(by: By) -> User:
    assert by.user is not None  # noqa: S101 - made by _as
    return by.user
