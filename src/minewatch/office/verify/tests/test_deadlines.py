"""Working days, batches with their deadline, reminders and escalation, recurrences, and carriers' files."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from minewatch.office.conftest import AT, OFFICE
from minewatch.office.intake.models import Finding
from minewatch.office.platform import events
from minewatch.office.platform.models import Region, Work
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.scope import Scope, scoped
from minewatch.office.platform.selectors import scope_of
from minewatch.office.platform.services import By
from minewatch.office.register.inventory import rows
from minewatch.office.register.models import Line, Link
from minewatch.office.register.protection import Eyes
from minewatch.office.verify import calendar, carriers
from minewatch.office.verify.batches import BatchGiven, issue, leading_agency
from minewatch.office.verify.events import finding_taken
from minewatch.office.verify.handing import hand_over_each, hand_over_many
from minewatch.office.verify.models import Approval, Asked, Batch, Case, Notice, Order, Owed, Question
from minewatch.office.verify.orders import OrderGiven, give_task, hand_over
from minewatch.office.verify.reminders import agency_above
from minewatch.office.verify.selectors import (
    batch_rows,
    case_by_number,
    case_page,
    present,
    present_batches,
    queue_of,
)
from minewatch.office.verify.services import clear, close
from minewatch.office.verify.tests.conftest import Crew, NewSite, approved, now, planned, settled


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 2, 14), True),  # a Saturday worked for the Spring Festival
        (date(2026, 2, 16), False),
        (date(2026, 10, 9), True),
        (date(2026, 10, 10), True),
        (date(2026, 11, 21), False),
        (date(2031, 5, 1), True),  # not in the table: the week holds
    ],
)
def test_days_of_the_state_council(day: date, works: bool) -> None:
    assert calendar.works(day) is works


def test_a_limit_ends_with_the_last_working_day() -> None:
    at = datetime(2026, 4, 30, 8, tzinfo=UTC)  # the holiday of May follows, five days
    assert timezone.localtime(calendar.working_days_on(at, 1)).isoformat() == "2026-05-07T00:00:00+08:00"


@pytest.mark.parametrize(
    ("day", "deadline"),
    [
        ("2026-11-23T09:00+08:00", "2026-11-28T00:00:00+08:00"),
        ("2026-11-27T23:00+08:00", "2026-11-28T00:00:00+08:00"),
        ("2026-11-28T09:00+08:00", "2026-12-05T00:00:00+08:00"),
        ("2026-09-22T09:00+08:00", "2026-09-25T00:00:00+08:00"),  # that Friday is the Mid-Autumn Festival
    ],
)
def test_the_week_ends_on_its_last_working_day_up_to_friday(day: str, deadline: str) -> None:
    assert timezone.localtime(calendar.weekly_deadline(datetime.fromisoformat(day))).isoformat() == deadline


def test_a_batch_opens_cases_and_is_due_on_friday(crew: Crew, new_site: NewSite, case: Case) -> None:
    new_site(2)
    given = BatchGiven(
        "国-7", "重点名单", Batch.Kind.KEY, ["510703-000001", "510703-000002", "510703-000002"]
    )
    batch = issue(given, crew.by("province"))
    assert timezone.localtime(batch.due_at).isoformat() == "2026-05-09T00:00:00+08:00"
    holders = dict(Case.objects.filter(batches=batch).values_list("number", "holder__code"))
    assert holders == {"510703-000001": "reform-510703", "510703-000002": "energy-510000"}
    row = present_batches([batch], AT)[0]
    assert (row.cases, row.done) == (2, 0)
    close(case, "排除", crew.by("county"))
    assert present_batches([batch], AT)[0].done == 1
    with scoped(scope_of(crew.officers["county"])):
        assert list(batch_rows({})) == [batch]  # issued above, but with a case of the county
    with scoped(Scope(Region.objects.get(code="620000").path)):
        assert list(batch_rows({})) == []


@pytest.mark.parametrize(
    ("codes", "code"), [([], "batch_empty"), (["510703-999999"], "site_unknown"), (["", " "], "batch_empty")]
)
def test_a_batch_that_cannot_be_is_not_issued(
    crew: Crew, everywhere: None, codes: list[str], code: str
) -> None:
    with pytest.raises(Refused) as refusal:
        issue(BatchGiven("b", "b", Batch.Kind.FULL, codes), crew.by("province"))
    assert refusal.value.code == code
    assert not Batch.objects.exists()


def hour(at: datetime) -> None:
    events.hour_began(at)
    events.deliver(at)


def test_reminders_go_out_once_and_escalate(case: Case, crew: Crew) -> None:
    order = give_task(case, OrderGiven(crew.agencies["grid"], "查曲线"), crew.by("county"))
    hour(AT)
    assert not Notice.objects.exists()
    hour(order.due_at - timedelta(hours=20))
    assert [(n.agency.code, n.stage) for n in Notice.objects.all()] == [("grid-510703", Owed.Stage.REMINDED)]
    hour(order.due_at)
    hour(order.due_at + timedelta(hours=1))
    overdue = Notice.objects.filter(stage=Owed.Stage.OVERDUE).values_list("agency__code", flat=True)
    assert sorted(overdue) == ["grid-510703", "reform-510703"]
    hour(order.due_at + timedelta(days=7))
    above = Notice.objects.filter(stage=Owed.Stage.ESCALATED).values_list("agency__code", flat=True)
    assert sorted(above) == ["grid-510703", "reform-510700", "reform-510703"]
    assert queue_of(crew.by("city", 20)).notices[0].case == case.number


def test_a_batch_reminds_who_holds_its_cases(crew: Crew, new_site: NewSite, case: Case) -> None:
    batch = issue(BatchGiven("b-1", "重点", Batch.Kind.KEY, [case.number]), crew.by("province"))
    hour(batch.due_at - timedelta(hours=2))
    hour(batch.due_at - timedelta(hours=1))
    assert list(Notice.objects.values_list("agency__code", flat=True)) == ["reform-510703"]
    with scoped(scope_of(crew.officers["county"])):
        assert queue_of(crew.by("county")).notices[0].batch == "b-1"


def test_who_leads_and_who_stands_above(crew: Crew) -> None:
    lead = leading_agency(Region.objects.get(code="510703"))
    assert lead is not None
    assert lead.code == "reform-510703"  # before the energy bureau of the county
    above = agency_above(crew.agencies["city"])
    assert above is not None
    assert above.code == "energy-510000"


def finding(case: Case, start: datetime) -> Finding:
    return Finding(
        finding_id="f-1",
        site=case.site,
        period_start_at=start,
        period_end_at=start + timedelta(days=7),
        state=Finding.State.STANDING,
    )


@pytest.mark.parametrize(("days", "state"), [(20, "cleared"), (40, "suspected")])
def test_a_finding_after_the_exit_is_a_recurrence(
    case: Case, crew: Crew, monkeypatch: pytest.MonkeyPatch, days: int, state: str
) -> None:
    planned(case, crew)
    settled(case, crew, 31)
    clear(case, "清零", crew.by("county", 31))
    found = finding(case, AT + timedelta(days=days))
    monkeypatch.setattr(Finding.objects, "get", lambda **_: found)
    finding_taken({"site": case.site_id, "finding": 1}, AT + timedelta(days=60))
    assert now(case).state == state


def test_a_finding_of_a_new_site_opens_its_case(
    crew: Crew, new_site: NewSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = new_site(3)
    found = Finding(finding_id="f-2", site=site, state=Finding.State.STANDING, period_start_at=AT)
    monkeypatch.setattr(Finding.objects, "get", lambda **_: found)
    for _ in range(2):
        finding_taken({"site": site.pk, "finding": 1}, AT)
    assert Case.objects.get(site=site).holder.code == "reform-510703"


def test_a_killed_hand_over_of_many_goes_on_where_it_was(crew: Crew, new_site: NewSite, case: Case) -> None:
    ids = [case.pk]
    work = hand_over_many(ids, crew.agencies["city"], "提级办理", crew.by("county"))
    hand_over(case, OrderGiven(crew.agencies["city"], "提级办理"), By(work.user, work.began_at))
    hand_over_each.func(work.pk, ids, crew.agencies["city"].pk, "提级办理")
    assert Order.objects.filter(kind=Order.Kind.HANDOVER).count() == 1
    work.refresh_from_db()
    assert (work.state, work.done, work.result) == (Work.State.DONE, 1, {"refused": {}})


@pytest.fixture
def question(case: Case, crew: Crew) -> Question:
    return carriers.ask(crew.agencies["carrier"], [case], crew.by("county"))


def answered(question: Question, crew: Crew, **values: str) -> bytes:
    text = carriers.file_of(question, "核实用户", crew.by("county")).decode("utf-8-sig")
    head, row = text.splitlines()
    cells = dict(zip(head.split(","), row.split(","), strict=True)) | values
    return "\n".join([head, ",".join(cells[name] for name in carriers.COLUMNS)]).encode("gb18030")


@pytest.mark.usefixtures("everywhere")
def test_a_question_goes_out_and_comes_back_as_a_file(question: Question, crew: Crew, case: Case) -> None:
    content = answered(question, crew, 用户名称="绵阳某科技公司", 装机地址="四川省绵阳市涪城区飞云大道12号")
    taken = carriers.take_answer(question, content, crew.by("county", 1))
    assert taken == carriers.Taken(1, [])
    line = Line.objects.get(prefix="203.0.113.1/32")
    assert (line.holder_name, line.port_low, line.carrier) == (
        "绵阳某科技公司", 40321, crew.agencies["carrier"],
    )  # fmt: skip
    assert line.premises is not None
    assert Link.objects.filter(site=case.site, line=line).exists()
    question.refresh_from_db()
    assert question.ended_at is not None


@pytest.mark.parametrize(
    ("values", "why"),
    [({"编号": "999999"}, "unknown"), ({"端口": "1"}, "changed"), ({"外网IP": "1.2.3.4"}, "changed")],
)
def test_an_answer_to_another_question_is_refused(
    question: Question, crew: Crew, values: dict[str, str], why: str
) -> None:
    content = answered(question, crew, **{"用户名称": "甲", **values})
    assert carriers.take_answer(question, content, crew.by("county")).refused == [carriers.RowRefused(2, why)]
    assert not Asked.objects.exclude(answered_at=None).exists()


def test_an_answer_may_come_twice(case: Case, crew: Crew, new_site: NewSite) -> None:
    new_site(2)
    from minewatch.office.register import facts
    from minewatch.office.register.models import Source
    from minewatch.office.register.services import SightingGiven, sight

    said = facts.Said(facts.source(Source.Kind.FINDING, "more", OFFICE), OFFICE)
    sight(case.site, [SightingGiven("203.0.113.99", AT, AT, 5000)], said)
    question = carriers.ask(crew.agencies["carrier"], [case], crew.by("county"))
    text = carriers.file_of(question, "核实用户", crew.by("county")).decode("utf-8-sig").splitlines()
    one = [text[0], text[1].removesuffix(",,,,") + ",甲公司,,,"]
    content = "\n".join(one).encode()
    assert carriers.take_answer(question, content, crew.by("county")).answered == 1
    assert carriers.take_answer(question, content, crew.by("county")).answered == 0
    other = "\n".join(one).replace("甲公司", "乙公司").encode()
    assert carriers.take_answer(question, other, crew.by("county")).refused[0].why == "answered"


@pytest.mark.parametrize(
    ("content", "code"), [(b"a,b\n1,2", "file_columns"), (b"\xff\xff\xff\xff", "file_not_text")]
)
def test_a_file_that_is_no_answer_is_refused(
    question: Question, crew: Crew, content: bytes, code: str
) -> None:
    with pytest.raises(Refused) as refusal:
        carriers.take_answer(question, content, crew.by("county"))
    assert refusal.value.code == code


def test_only_carriers_are_asked(case: Case, crew: Crew) -> None:
    with pytest.raises(Refused):
        carriers.ask(crew.agencies["grid"], [case], crew.by("county"))


def test_pages_cost_few_queries(case: Case, crew: Crew, django_assert_max_num_queries: object) -> None:
    planned(case, crew)
    most = django_assert_max_num_queries
    with most(6):  # type: ignore[operator]
        page = case_page(case.number, AT)
    assert page is not None
    assert [row.kind for row in page.open] == ["surcharge", "revisit"]
    row = case_by_number(case.number)
    assert row is not None
    with most(1):  # type: ignore[operator]
        assert present([row], AT)[0].due_at == page.row.due_at
    with most(3):  # type: ignore[operator]
        assert len(queue_of(crew.by("county")).items) == 2
    assert case_page("nothing", AT) is None


def test_the_inventory_shows_batch_and_measures(case: Case, crew: Crew) -> None:
    planned(case, crew)
    approved(case, crew, Approval.Kind.PRICE)
    issue(BatchGiven("b-9", "重点", Batch.Kind.KEY, [case.number]), crew.by("province"))
    row = rows([now(case).site], Eyes(None, AT))[0]
    assert (row["batch_number"], row["issued_on"]) == ("b-9", date(2026, 5, 4))
    assert row["measure"] == Approval.Kind.PRICE.label
