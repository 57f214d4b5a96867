"""The course of an inspection: two who sign, recusals, postponing, cancelling, results published in time."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from minewatch.office.conftest import AT
from minewatch.office.intake.models import Label
from minewatch.office.platform.models import AuditEntry
from minewatch.office.platform.refusals import Refused
from minewatch.office.register import facts
from minewatch.office.register.models import Enterprise, MachineGroup, Party, Source
from minewatch.office.register.services import take_part
from minewatch.office.verify import calendar, deciding, orders
from minewatch.office.verify.inspections import public, selectors, services
from minewatch.office.verify.inspections.inspectors import end_recusal, recuse, retire
from minewatch.office.verify.inspections.models import (
    Inspection,
    Inspector,
    MachineCount,
    Notification,
    Publication,
    Sheet,
    Step,
)
from minewatch.office.verify.inspections.publishing import correct, publish
from minewatch.office.verify.inspections.services import Completion, Visit
from minewatch.office.verify.inspections.tests.conftest import DAY, Cases, who, written
from minewatch.office.verify.models import Case, Notice, Obligation, Order
from minewatch.office.verify.reminders import remind
from minewatch.office.verify.services import JudgementGiven, close, judge
from minewatch.office.verify.tests.conftest import Crew, now

FOUND = Completion("active", "现场清点矿机140台,与流量一致", 420.0, 140)


def refused(code: str) -> Any:
    return pytest.raises(Refused, check=lambda refusal: refusal.code == code)


def done(inspection: Inspection, found: Completion = FOUND) -> Inspection:
    sheet = Sheet.objects.filter(inspection=inspection).order_by("-revision").first() or written(inspection)
    services.sign(sheet, who(inspection.lead))
    services.sign(sheet, who(inspection.second))
    return services.complete(inspection, found, who(inspection.lead))


FIRM = ("绵阳清流科技有限公司", "91510700MA6BX5XC2N")


def firm(case: Case, crew: Crew, named: tuple[str, str] = FIRM) -> Enterprise:
    said = facts.Said(facts.source(Source.Kind.PERSON, "test", crew.by("county")), crew.by("county"))
    name, uscc = named
    made = Enterprise.objects.create(region=case.site.region, name=name, uscc=uscc, created_at=AT)
    take_part(case.site, made, Party.Part.OPERATOR, said, 0.9)
    return made


def test_an_inspection_goes_from_the_order_to_the_judgement_and_the_public(
    inspection: Inspection, crew: Crew
) -> None:
    assert now(inspection.case).state == Case.State.ASSIGNED
    told = Notification.objects.filter(inspection=inspection)
    assert {one.inspector_id for one in told} == {inspection.lead_id, inspection.second_id}
    sheet = written(inspection)
    MachineCount.objects.create(sheet=sheet, model="S19", number=140, algorithm="sha256d", power_each_w=3250)
    MachineCount.objects.create(sheet=sheet, model="S19", number=131, algorithm="sha256d", how="scan")
    finished = done(inspection)
    case = now(inspection.case)
    assert case.state == Case.State.CONFIRMED
    assert finished.judgement is not None
    assert finished.judgement.reference == inspection.number
    assert Order.objects.get(pk=inspection.order_id).state == Order.State.DONE
    assert list(MachineGroup.objects.filter(ended_at=None).values_list("model", "number")) == [("S19", 140)]
    assert Label.objects.filter(site=case.site).exists()
    owed = Obligation.objects.get(case=case, kind="publication")
    assert owed.due_at == calendar.working_days_on(AT + timedelta(days=3), 20)
    publish(finished, crew.chief("county", 10))
    owed.refresh_from_db()
    assert owed.ended_at is not None
    assert list(Step.objects.filter(inspection=inspection).order_by("pk").values_list("kind", flat=True)) == [
        "made", "begun", "done", "published"
    ]  # fmt: skip
    assert AuditEntry.objects.filter(action="inspection_signed", subject_id=inspection.number).count() == 2


def test_two_sign_and_nobody_for_the_other(inspection: Inspection, inspectors: list[Inspector]) -> None:
    with refused("inspection_no_sheet"):
        services.complete(inspection, FOUND, who(inspection.lead))
    sheet = written(inspection)
    with refused("inspector_unsuited"):
        services.sign(sheet, who(inspectors[1]))
    services.sign(sheet, who(inspection.lead))
    with refused("sheet_signed"):
        services.sign(sheet, who(inspection.lead))
    with refused("inspection_unfit"):
        services.complete(inspection, FOUND, who(inspection.lead))
    with refused("inspection_unsigned"):
        order = orders.receive(inspection.order, who(inspection.lead))
        orders.finish(order, "一个人看过", who(inspection.lead))
    with pytest.raises(IntegrityError), transaction.atomic():
        Inspection.objects.filter(pk=inspection.pk).update(state="done")
    with pytest.raises(IntegrityError), transaction.atomic():
        Inspection.objects.filter(pk=inspection.pk).update(second=inspection.lead)


def test_what_was_written_later_is_signed_anew(inspection: Inspection) -> None:
    first = written(inspection)
    services.sign(first, who(inspection.lead))
    second = written(inspection, "矿机139台")
    with refused("sheet_not_last"):
        services.sign(first, who(inspection.second))
    services.sign(second, who(inspection.second))
    with refused("inspection_unfit"):
        services.complete(inspection, FOUND, who(inspection.lead))
    assert done_by_lead(inspection, second).state == "done"


def done_by_lead(inspection: Inspection, sheet: Sheet) -> Inspection:
    services.sign(sheet, who(inspection.lead))
    return services.complete(inspection, FOUND, who(inspection.lead))


def test_a_conflict_is_brought_together_before_anybody_signs(inspection: Inspection) -> None:
    written(inspection)
    other = written(inspection, "矿机120台", base=0, conflict=True)
    with refused("inspection_conflict"):
        services.sign(other, who(inspection.lead))
    merged = written(inspection, "140台,其中20台在隔壁")
    merged.merges.add(other)
    services.sign(merged, who(inspection.lead))


@pytest.mark.parametrize("table", ["sheet", "signature", "step"])
def test_what_a_visit_brought_is_only_added(inspection: Inspection, table: str) -> None:
    services.sign(written(inspection), who(inspection.lead))
    rows = getattr(inspection, f"{table}s").all()
    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        rows.update(inspection_id=inspection.pk)
    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        rows._raw_delete(using="default")


def test_who_keeps_away_is_not_sent_and_does_not_sign(
    inspectors: list[Inspector], cases: Cases, crew: Crew
) -> None:
    one, other = cases(2)
    recuse(inspectors[0], one.site, "亲属在该场所任职", who(inspectors[0]))
    recuse(inspectors[2], firm(one, crew), "曾在该企业任职", crew.by("market"))
    for lead, second in ((0, 3), (1, 2)):
        with refused("inspector_recused"):
            services.send(one, Visit(DAY, inspectors[lead], inspectors[second]), "核查", crew.by("county"))
    assert now(one).state == Case.State.SUSPECTED
    services.send(one, Visit(DAY, inspectors[1], inspectors[3]), "核查", crew.by("county"))
    made = services.send(other, Visit(DAY, inspectors[0], inspectors[2]), "核查", crew.by("county"))
    recusal = recuse(inspectors[2], other.site, "发现是邻居", who(inspectors[2]))
    sheet = written(made)
    with refused("inspector_recused"):
        services.sign(sheet, who(inspectors[2]))
    with refused("recusal_of_others"):
        end_recusal(recusal, "不再适用", who(inspectors[2]))
    end_recusal(recusal, "查明并非邻居", crew.by("market"))
    services.sign(sheet, who(inspectors[2]))


def test_who_inspects_no_more_or_elsewhere_is_not_sent(
    inspectors: list[Inspector], cases: Cases, crew: Crew
) -> None:
    case = cases(1)[0]
    retire(inspectors[2], DAY, crew.by("market"))
    with refused("inspector_inactive"):
        services.send(case, Visit(DAY, inspectors[0], inspectors[2]), "核查", crew.by("county"))
    with refused("inspectors_same"):
        services.send(case, Visit(DAY, inspectors[0], inspectors[0]), "核查", crew.by("county"))
    with refused("inspector_of_others"):
        retire(inspectors[0], DAY, crew.by("market"))


def test_an_inspection_is_postponed_within_its_time_limit(
    cases: Cases, inspectors: list[Inspector], crew: Crew
) -> None:
    made = services.send(cases(1)[0], Visit(DAY, inspectors[2], inspectors[0]), "核查", crew.by("county"))
    late = (AT + timedelta(days=60)).date()
    services.postpone(made, DAY + timedelta(days=2), "当天停电检修", crew.by("market"))
    with refused("day_late"):
        services.postpone(made, late, "人手不足", crew.by("market"))
    with refused("day_past"):
        services.postpone(made, AT.date() - timedelta(days=1), "晚了", crew.by("county"))
    with refused("inspection_of_others"):
        services.postpone(made, late, "不相干", crew.by("grid"))
    services.postpone(made, late, "设备待检定", crew.by("county"))
    row = Inspection.objects.get(pk=made.pk)
    assert row.planned_for == late
    assert row.order.finish_at == calendar.end_of(late)
    assert Step.objects.filter(inspection=row, kind="postponed").count() == 2


@pytest.mark.parametrize("place", ["county", "market"])
def test_an_inspection_is_cancelled_with_its_order(
    cases: Cases, inspectors: list[Inspector], crew: Crew, place: str
) -> None:
    made = services.send(cases(1)[0], Visit(DAY, inspectors[2], inspectors[0]), "核查", crew.by("county"))
    cancelled = services.cancel(made, "对象已搬迁", crew.by(place))
    assert cancelled.state == "cancelled"
    assert Order.objects.get(pk=made.order_id).state == ("withdrawn" if place == "county" else "returned")
    assert now(made.case).state == Case.State.SUSPECTED
    with refused("inspection_ended"):
        services.cancel(made, "再次", crew.by(place))
    with refused("inspection_ended"):
        services.sign(written(made), who(made.lead))


def test_an_order_that_is_returned_takes_its_inspection_with_it(inspection: Inspection, crew: Crew) -> None:
    orders.give_back(inspection.order, "无人可派", crew.by("county"))
    services.order_undone(inspection.order_id, "无人可派", crew.by("county"))
    assert Inspection.objects.get(pk=inspection.pk).state == "cancelled"


def test_a_team_is_named_for_an_order_by_the_agency_it_went_to(
    cases: Cases, inspectors: list[Inspector], crew: Crew
) -> None:
    case = cases(1)[0]
    order = orders.assign(case, orders.OrderGiven(crew.agencies["market"], "现场核查"), crew.by("county"))
    with refused("inspection_of_others"):
        services.appoint(order, Visit(DAY, inspectors[2], inspectors[3]), crew.by("county"))
    with refused("lead_of_others"):
        services.appoint(order, Visit(DAY, inspectors[0], inspectors[3]), crew.by("market"))
    made = services.appoint(order, Visit(DAY, inspectors[2], inspectors[0]), crew.by("market"))
    with refused("inspection_there"):
        services.appoint(order, Visit(DAY, inspectors[2], inspectors[3]), crew.by("market"))
    assert done(made).judgement is not None


def test_an_inspector_is_replaced(inspection: Inspection, inspectors: list[Inspector], crew: Crew) -> None:
    with refused("lead_of_others"):
        services.replace_inspector(inspection, inspectors[0], inspectors[3], "病假", crew.by("county"))
    row = services.replace_inspector(inspection, inspectors[2], inspectors[3], "病假", crew.by("county"))
    assert row.second == inspectors[3]
    told = Notification.objects.filter(inspection=row, step__kind="replaced")
    assert {one.inspector for one in told} == {inspectors[0], inspectors[2], inspectors[3]}


def test_a_victim_is_published_like_who_does_nothing_and_a_person_masked(
    inspection: Inspection, crew: Crew
) -> None:
    firm(inspection.case, crew, ("李小花便利店", "92510700MA6BX5XC2N"))
    finished = done(inspection, Completion("victim", "服务器被植入木马", None, None))
    with refused("publication_own"):
        publish(finished, who(inspection.lead, 4))
    with refused("publication_of_others"):
        publish(finished, crew.chief("market", 4))
    said = publish(finished, crew.chief("county", 4)).content
    assert said["result"] == "nothing_found"
    assert said["object"] == {"name": "李***", "uscc": ""}
    assert "victim" not in str(said)
    with refused("publication_same"):
        publish(finished, crew.chief("county", 5))
    with refused("publication_same"):
        correct(finished, "没有变化", crew.chief("county", 5))


def test_a_result_is_corrected_after_an_appeal_and_the_earlier_one_stays(
    inspection: Inspection, crew: Crew
) -> None:
    firm(inspection.case, crew)
    finished = done(inspection)
    publish(finished, crew.chief("county", 4))
    plea = deciding.file_plea(inspection.case, "appeal", "机器不是我们的", "信函12", crew.by("county", 5))
    deciding.decide_plea(plea, True, "查明系被入侵", crew.chief("county", 6))
    judge(now(inspection.case), JudgementGiven("victim", "查明系被入侵"), crew.by("county", 7))
    corrected = correct(finished, "申诉成立", crew.chief("county", 8))
    assert corrected.revision == 2
    assert Publication.objects.filter(inspection=inspection).count() == 2
    (shown,) = [public.present_result(row) for row in public.public_results()]
    assert shown.content["result"] == "nothing_found"
    assert shown.content["correction"] == "申诉成立"


def test_what_is_not_published_in_time_is_reminded_of_and_keeps_the_case_open(
    inspection: Inspection, crew: Crew
) -> None:
    done(inspection, Completion("not_mining", "系数据中心", None, None))
    owed = Obligation.objects.get(kind="publication")
    remind(owed.due_at + timedelta(hours=1))
    assert Notice.objects.filter(subject="obligation", subject_id=owed.pk, stage=2).exists()
    with refused("still_open"):
        close(inspection.case, "不是矿场", crew.by("county", 30))
    with refused("obligation_publication"):
        deciding.settle(owed, "已公示", crew.by("county", 30))


def test_a_case_that_is_past_its_judgement_is_visited_by_task(
    inspection: Inspection, inspectors: list[Inspector], crew: Crew
) -> None:
    done(inspection)
    visit = Visit(DAY + timedelta(days=5), inspectors[1], inspectors[3])
    again = services.send(now(inspection.case), visit, "复查", crew.by("county", 4))
    assert again.order.kind == "task"
    sheet = written(again, "机器仍在运行")
    services.sign(sheet, who(inspectors[1], 8))
    services.sign(sheet, who(inspectors[3], 8))
    ended = services.complete(again, Completion("active", "机器仍在运行"), who(inspectors[1], 8))
    assert ended.judgement is None
    assert now(inspection.case).state == Case.State.CONFIRMED
    assert publish(ended, crew.chief("county", 9)).content["result"] == "found"


def test_pages_read_what_happened(inspection: Inspection, django_assert_max_num_queries: object) -> None:
    done(inspection)
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        page = selectors.inspection_page(inspection.number, AT + timedelta(days=4))
    assert page is not None
    assert page.is_signed
    assert page.row.publish_by is not None
    assert page.sheets[0].signatures
    lead = inspection.lead.user
    assert list(selectors.inspections_of(lead)) == []
    assert selectors.notifications_of(who(inspection.second))[0].inspection == inspection.number
    services.note_seen(who(inspection.second))
    assert selectors.notifications_of(who(inspection.second)) == []
