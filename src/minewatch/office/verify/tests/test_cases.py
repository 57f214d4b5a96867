"""A case goes its way from the suspicion to the verified exit, and no other."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from minewatch.office.conftest import AT
from minewatch.office.intake.models import Label
from minewatch.office.platform.models import AuditEntry, Event
from minewatch.office.platform.refusals import Refused
from minewatch.office.register.models import Site
from minewatch.office.verify.deciding import (
    ObligationGiven,
    ask_approval,
    ask_waiver,
    decide,
    decide_plea,
    file_plea,
    oblige,
    settle,
)
from minewatch.office.verify.models import Approval, Case, Judgement, Move, Obligation, Order, Plea
from minewatch.office.verify.orders import (
    OrderGiven,
    assign,
    finish,
    give_back,
    give_task,
    hand_over,
    receive,
    withdraw,
)
from minewatch.office.verify.services import (
    begin_measures,
    clear,
    close,
    open_case,
    plan_exit,
    reopen,
    revise_plan,
)
from minewatch.office.verify.tests.conftest import (
    Crew,
    NewSite,
    approved,
    inspected,
    judged,
    now,
    order_of,
    planned,
    settled,
)

S = Case.State


def refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(Refused) as refusal:
        act()
    assert refusal.value.code == code
    assert str(refusal.value)


def test_a_case_goes_to_the_verified_exit(case: Case, crew: Crew) -> None:
    planned(case, crew)
    settled(case, crew, 31)
    clear(case, "现场已无矿机", crew.by("county", 31))
    moves = list(Move.objects.filter(case=case).order_by("pk").values_list("after", flat=True))
    assert moves == [
        S.SUSPECTED, S.ASSIGNED, S.INSPECTED, S.CONFIRMED, S.MEASURES, S.EXIT_PLAN, S.CLEARED,
    ]  # fmt: skip
    site = now(case).site
    assert (site.state, site.closed_on) == (Site.State.CLOSED, (AT + timedelta(days=31)).date())
    acted = AuditEntry.objects.filter(subject_kind="case", subject_id=case.number, action="case_moved")
    assert acted.count() == len(moves)
    assert Event.objects.filter(kind="verify.case_moved").count() == len(moves)


def test_nothing_closes_with_an_open_obligation(case: Case, crew: Crew) -> None:
    planned(case, crew)
    assert set(Obligation.objects.values_list("kind", flat=True)) == {"surcharge", "revisit"}
    refused("still_open", lambda: clear(case, "完成", crew.by("county")))
    settle(Obligation.objects.get(kind="revisit"), "回访无矿机", crew.by("county", 31))
    refused("still_open", lambda: clear(case, "完成", crew.by("county", 31)))
    settle(Obligation.objects.get(kind="surcharge"), "账单 88 号", crew.by("county", 31))
    clear(case, "完成", crew.by("county", 31))


def test_a_visit_before_the_exit_plan_is_none_after_the_exit(case: Case, crew: Crew) -> None:
    judged(case, crew)
    refused(
        "obligation_revisit",
        lambda: settle(Obligation.objects.get(kind="revisit"), "看过", crew.by("county")),
    )


def test_measures_need_a_listing_that_two_persons_approved(case: Case, crew: Crew) -> None:
    judged(case, crew)
    refused("approval_missing", lambda: begin_measures(case, "下达", crew.by("county")))
    approval = ask_approval(case, Approval.Kind.LISTING, "证据充分", crew.by("county"))
    refused("approval_own", lambda: decide(approval, True, "同意", crew.by("county")))
    refused("case_of_others", lambda: decide(approval, True, "同意", crew.chief("grid")))
    refused("order_open", lambda: ask_approval(case, Approval.Kind.LISTING, "再问", crew.by("county")))
    decide(approval, True, "同意", crew.chief("county"))
    assert now(case).site.state == Site.State.LISTED
    begin_measures(case, "下达", crew.by("county"))


def test_a_refused_approval_changes_nothing(case: Case, crew: Crew) -> None:
    judged(case, crew)
    approval = ask_approval(case, Approval.Kind.LISTING, "证据", crew.by("county"))
    decide(approval, False, "证据不足", crew.chief("county"))
    assert now(case).site.state == Site.State.CONFIRMED
    refused("order_ended", lambda: decide(approval, True, "改主意", crew.chief("county")))
    refused("approval_missing", lambda: begin_measures(case, "下达", crew.by("county")))


def test_supply_is_not_cut_on_a_suspicion(case: Case, crew: Crew) -> None:
    for kind in (Approval.Kind.SUPPLY_CUT, Approval.Kind.PRICE, Approval.Kind.LISTING):
        refused("approval_not_now", lambda kind=kind: ask_approval(case, kind, "疑似", crew.by("county")))


def test_a_victim_is_helped_and_closed(case: Case, crew: Crew) -> None:
    judged(case, crew, Judgement.Verdict.VICTIM)
    refused("still_open", lambda: close(case, "已清除", crew.by("county")))
    settled(case, crew)
    close(case, "木马已清除", crew.by("county"))
    assert now(case).site.state == Site.State.VICTIM


def test_an_appeal_has_the_site_judged_anew(case: Case, crew: Crew) -> None:
    judged(case, crew)
    approved(case, crew)
    plea = file_plea(case, Plea.Kind.APPEAL, "系数据中心", "来文3号", crew.by("county"))
    refused("appeal_open", lambda: begin_measures(case, "下达", crew.by("county")))
    refused("plea_same_person", lambda: decide_plea(plea, True, "采纳", crew.by("county")))
    decide_plea(plea, True, "设备清单属实", crew.chief("county"))
    assert now(case).state == S.INSPECTED
    from minewatch.office.verify.services import JudgementGiven, judge

    judge(case, JudgementGiven(Judgement.Verdict.NOT_MINING, "双向流量", 0.0), crew.by("county"))
    assert not Obligation.objects.filter(ended_at=None).exists()
    close(case, "误报", crew.by("county"))


def test_an_old_listing_does_not_count_after_an_appeal(case: Case, crew: Crew) -> None:
    judged(case, crew)
    approved(case, crew)
    plea = file_plea(case, Plea.Kind.APPEAL, "系数据中心", "", crew.by("county"))
    decide_plea(plea, True, "再查", crew.chief("county", 1))
    from minewatch.office.verify.services import JudgementGiven, judge

    judge(case, JudgementGiven(Judgement.Verdict.ACTIVE, "确认"), crew.by("county", 2))
    refused("approval_missing", lambda: begin_measures(case, "下达", crew.by("county", 2)))


def test_recurrence_opens_an_ended_case_again(case: Case, crew: Crew) -> None:
    planned(case, crew)
    settled(case, crew, 31)
    clear(case, "完成", crew.by("county", 31))
    repair = file_plea(case, Plea.Kind.CREDIT_REPAIR, "已整改", "", crew.by("county", 40))
    decide_plea(repair, True, "同意修复", crew.chief("county", 41))
    reopen(case, "监测再次发现", crew.by("county", 60))
    site = now(case).site
    assert (now(case).state, site.recurrences, site.closed_on) == (S.SUSPECTED, 1, None)
    assert site.state == Site.State.SUSPECTED


@pytest.mark.parametrize(
    "act",
    [
        lambda case, by: begin_measures(case, "x", by),
        lambda case, by: plan_exit(case, (AT + timedelta(days=9)).date(), "x", by),
        lambda case, by: revise_plan(case, "x", by),
        lambda case, by: clear(case, "x", by),
        lambda case, by: reopen(case, "x", by),
    ],
)
def test_steps_are_not_skipped(case: Case, crew: Crew, act: Callable[..., object]) -> None:
    with pytest.raises(Refused):
        act(case, crew.by("county"))
    assert now(case).state == S.SUSPECTED


def test_every_move_has_a_reason(case: Case, crew: Crew) -> None:
    refused("words_missing", lambda: close(case, "  ", crew.by("county")))


def test_who_does_not_hold_a_case_does_not_move_it(case: Case, crew: Crew) -> None:
    refused("case_of_others", lambda: close(case, "无", crew.by("grid")))
    refused("case_of_others", lambda: close(case, "无", crew.by("province")))


def test_a_site_has_one_case(case: Case, crew: Crew) -> None:
    refused("case_there", lambda: open_case(case.site, crew.agencies["county"], "再来", crew.by("county")))


def test_a_case_is_handed_down_and_received(crew: Crew, new_site: NewSite) -> None:
    case = open_case(new_site(), crew.agencies["province"], "国家清单", crew.by("province"))
    for giver, taker in (("province", "city"), ("city", "county")):
        order = hand_over(case, OrderGiven(crew.agencies[taker], "属地办理", days=5), crew.by(giver))
        assert now(case).holder == crew.agencies[giver]  # until the receipt
        refused("order_of_others", lambda order=order: receive(order, crew.by("market")))
        receive(order, crew.by(taker))
        assert now(case).holder == crew.agencies[taker]
    refused("case_of_others", lambda: close(case, "无", crew.by("province")))


def test_a_hand_over_is_returned_with_a_reason(case: Case, crew: Crew) -> None:
    order = hand_over(case, OrderGiven(crew.agencies["grid"], "请核对"), crew.by("county"))
    refused(
        "order_open", lambda: hand_over(case, OrderGiven(crew.agencies["market"], "x"), crew.by("county"))
    )
    refused("words_missing", lambda: give_back(order, "", crew.by("grid")))
    give_back(order, "不属本单位职责", crew.by("grid"))
    assert now(case).holder == crew.agencies["county"]
    assert order_of(case).state == Order.State.RETURNED
    refused("order_ended", lambda: receive(order, crew.by("grid")))


def test_what_the_holder_owes_goes_with_the_case(case: Case, crew: Crew) -> None:
    judged(case, crew)
    order = hand_over(case, OrderGiven(crew.agencies["city"], "提级办理"), crew.by("county"))
    receive(order, crew.by("city"))
    assert set(Obligation.objects.values_list("agency__code", flat=True)) == {"reform-510700"}


def test_an_agency_elsewhere_gets_nothing(case: Case, crew: Crew) -> None:
    from minewatch.office.platform.models import Agency

    gansu = Agency.objects.get(code="energy-620000")
    refused("agency_elsewhere", lambda: hand_over(case, OrderGiven(gansu, "x"), crew.by("county")))


def test_a_returned_inspection_is_assigned_anew(case: Case, crew: Crew) -> None:
    order = assign(case, OrderGiven(crew.agencies["market"], "核查"), crew.by("county"))
    give_back(order, "人手不足", crew.by("market"))
    assert now(case).state == S.SUSPECTED
    order = assign(case, OrderGiven(crew.agencies["grid"], "核查"), crew.by("county"))
    withdraw(order, "改派", crew.by("county"))
    inspected(case, crew)
    assert now(case).state == S.INSPECTED


def test_a_task_is_finished_after_its_receipt(case: Case, crew: Crew) -> None:
    order = give_task(case, OrderGiven(crew.agencies["grid"], "查用电曲线", days=3), crew.by("county"))
    refused("order_not_received", lambda: finish(order, "已查", crew.by("grid")))
    receive(order, crew.by("grid"))
    assert receive(order, crew.by("grid")).state == Order.State.RECEIVED  # twice is once
    refused("still_open", lambda: close(case, "无", crew.by("county")))
    finish(order, "恒定负荷", crew.by("grid"))
    close(case, "排除", crew.by("county"))


def test_an_inspection_is_not_finished_like_a_task(case: Case, crew: Crew) -> None:
    order = assign(case, OrderGiven(crew.agencies["market"], "核查"), crew.by("county"))
    receive(order, crew.by("market"))
    refused("inspection_unsigned", lambda: finish(order, "看过", crew.by("market")))
    assert now(case).state == S.ASSIGNED


def test_a_waiver_takes_two(case: Case, crew: Crew) -> None:
    given = ObligationGiven(Obligation.Kind.OTHER, crew.agencies["grid"], "退出市场")
    row = oblige(case, given, crew.by("county"))
    waiver = ask_waiver(row, "未参与市场", crew.by("county"))
    refused("order_open", lambda: ask_waiver(row, "x", crew.by("county")))
    decide(waiver, True, "属实", crew.chief("county"))
    row.refresh_from_db()
    assert row.is_waived
    close(case, "无挖矿迹象", crew.by("county"))


def test_a_judgement_goes_back_as_labels(case: Case, crew: Crew) -> None:
    judged(case, crew)
    label = Label.objects.get(subject_kind="endpoint")
    assert (label.subject_id, label.outcome) == ("203.0.113.1:40321", "mining")
