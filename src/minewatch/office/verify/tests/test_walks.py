"""However people act on a case, in whatever order: what must hold, holds."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from minewatch.office.conftest import AT
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.verify import deciding, orders, services
from minewatch.office.verify.flow import AFTER, ENDED
from minewatch.office.verify.models import Approval, Case, Judgement, Move, Obligation, Order, Owed, Plea
from minewatch.office.verify.tests.conftest import Crew

STEPS = 250
MOST_REACHED = 6
Act = Callable[[random.Random, Case, Crew, By], object]


def one(rng: random.Random, model: type[Owed], case: Case) -> Owed:
    rows = list(model._base_manager.filter(case=case).order_by("-pk")[:3])
    if not rows:
        raise Refused("order_ended")
    return rng.choice(rows)


def given(rng: random.Random, crew: Crew) -> orders.OrderGiven:
    return orders.OrderGiven(crew.agencies[rng.choice(["city", "county", "grid", "market"])], "办理")


# ruff: noqa: ARG005 - all acts are called alike
ACTS: list[Act] = [
    lambda r, c, w, by: orders.hand_over(c, given(r, w), by),
    lambda r, c, w, by: orders.assign(c, given(r, w), by),
    lambda r, c, w, by: orders.give_task(c, given(r, w), by),
    lambda r, c, w, by: orders.receive(one(r, Order, c), by),
    lambda r, c, w, by: orders.receive(one(r, Order, c), by),
    lambda r, c, w, by: orders.visited(one(r, Order, c), "完成", by),
    lambda r, c, w, by: orders.visited(one(r, Order, c), "完成", by),
    lambda r, c, w, by: orders.give_back(one(r, Order, c), "退回", by),
    lambda r, c, w, by: orders.withdraw(one(r, Order, c), "撤回", by),
    lambda r, c, w, by: services.judge(
        c, services.JudgementGiven(r.choice(["active", "active", "victim", "not_mining"]), "现场"), by
    ),
    lambda r, c, w, by: deciding.ask_approval(c, r.choice(Approval.Kind.values), "理由", by),
    lambda r, c, w, by: deciding.decide(one(r, Approval, c), r.random() < 0.8, "决定", by),
    lambda r, c, w, by: deciding.ask_waiver(one(r, Obligation, c), "豁免", by),
    lambda r, c, w, by: deciding.settle(one(r, Obligation, c), "单据", by),
    lambda r, c, w, by: deciding.settle(one(r, Obligation, c), "单据", by),
    lambda r, c, w, by: deciding.file_plea(c, r.choice(Plea.Kind.values), "申诉", "", by),
    lambda r, c, w, by: deciding.decide_plea(one(r, Plea, c), r.random() < 0.5, "答复", by),
    lambda r, c, w, by: services.begin_measures(c, "措施", by),
    lambda r, c, w, by: services.plan_exit(c, (by.at + timedelta(days=9)).date(), "计划", by),
    lambda r, c, w, by: services.revise_plan(c, "未退出", by),
    lambda r, c, w, by: services.clear(c, "销号", by),
    lambda r, c, w, by: services.close(c, "办结", by),
    lambda r, c, w, by: services.reopen(c, "再次发现", by),
]


def someone(rng: random.Random, case: Case, crew: Crew, at_hour: int) -> By:
    """The holder most of the time, so that the walk gets somewhere."""
    at = AT + timedelta(hours=at_hour)
    waiting = Order.objects.filter(case=case, ended_at=None).first()
    agency = waiting.agency if waiting and rng.random() < 0.5 else Case.objects.get(pk=case.pk).holder
    place = next(name for name, one in crew.agencies.items() if one == agency)
    if rng.random() < 0.2:
        place = rng.choice(["province", "city", "county", "grid", "market"])
    return By(rng.choice([crew.officers, crew.chiefs])[place], at)


def check(case: Case) -> None:
    case.refresh_from_db()
    moves = list(Move.objects.filter(case=case).order_by("pk"))
    states = [move.after for move in moves]
    assert [move.before for move in moves] == ["", *states[:-1]]
    assert all(move.after in AFTER[move.before] and move.reason for move in moves)
    assert case.state == states[-1]
    assert not any(row.granted and row.ended_by_id == row.begun_by_id for row in case.approvals.all())
    open_now = services.open_things(case)
    if case.state in ENDED:
        assert all(isinstance(row, Plea) and row.kind == Plea.Kind.CREDIT_REPAIR for row in open_now)
    kinds = [row.kind for row in open_now if isinstance(row, Order) and row.kind != Order.Kind.TASK]
    assert len(kinds) == len(set(kinds))
    assert (Order.Kind.INSPECTION in kinds) == (case.state == Case.State.ASSIGNED)
    if case.state in (Case.State.MEASURES, Case.State.EXIT_PLAN):
        assert services.is_approved(case, Approval.Kind.LISTING)
    if case.state == Case.State.CONFIRMED and states[-2] == Case.State.INSPECTED:
        assert case.judgements.latest("pk").verdict == Judgement.Verdict.ACTIVE
    assert case.site.recurrences == sum(a == Case.State.SUSPECTED and b in ENDED for a, b in pairs(states))


def pairs(states: list[str]) -> list[tuple[str, str]]:
    return list(zip(states[1:], states[:-1], strict=True))


FORWARD: dict[str, list[int]] = {
    Case.State.SUSPECTED: [1],
    Case.State.ASSIGNED: [3, 5],
    Case.State.INSPECTED: [9],
    Case.State.CONFIRMED: [10, 11, 17],
    Case.State.VICTIM: [13, 21],
    Case.State.NOT_MINING: [21],
    Case.State.MEASURES: [18],
    Case.State.EXIT_PLAN: [13, 13, 11, 16, 20],
    Case.State.CLEARED: [22, 15, 16],
    Case.State.CLOSED: [22],
}
"""By state, the acts that lead on: half of the time one of them is tried, so that a walk gets to the end."""


@pytest.mark.parametrize("seed", range(4))
def test_random_walks_keep_what_must_hold(seed: int, case: Case, crew: Crew) -> None:
    rng = random.Random(seed)  # noqa: S311 - a walk to be walked again
    for step in range(STEPS):
        case.refresh_from_db()
        by = someone(rng, case, crew, step)
        act = ACTS[rng.choice(FORWARD[case.state])] if rng.random() < 0.7 else rng.choice(ACTS)
        with suppress(Refused):
            act(rng, case, crew, by)
            check(case)
    reached = set(Move.objects.filter(case=case).values_list("after", flat=True))
    assert len(reached) >= MOST_REACHED
