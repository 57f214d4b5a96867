"""Draws: announced by one, drawn by another, recomputed from the file, sent out; and plans."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from minewatch.office.conftest import AT
from minewatch.office.platform.models import AuditEntry
from minewatch.office.platform.refusals import Refused
from minewatch.office.register import facts
from minewatch.office.register.models import Enterprise, Party, Source
from minewatch.office.register.services import take_part
from minewatch.office.verify.inspections import draws, lots, planned, plans, public
from minewatch.office.verify.inspections.draws import DrawGiven, announce, carry_out, send_out
from minewatch.office.verify.inspections.inspectors import ComplaintGiven, note_complaint, recuse
from minewatch.office.verify.inspections.models import Draw, Inspection, Inspector
from minewatch.office.verify.inspections.publishing import publish
from minewatch.office.verify.inspections.routing import Place, Terms
from minewatch.office.verify.inspections.tests.conftest import Cases, who
from minewatch.office.verify.inspections.tests.test_inspections import done, refused
from minewatch.office.verify.models import Case
from minewatch.office.verify.orders import OrderGiven, assign
from minewatch.office.verify.tests.conftest import Crew, now

PUBLIC_AT = AT + timedelta(days=1)
VALUE = "03 11 17 22 28 31 + 09"
NEXT = (AT + timedelta(days=2)).date()


def given(inspectors: list[Inspector], wanted: int = 2, **changed: Any) -> DrawGiven:
    said = DrawGiven("二季度抽查", wanted, inspectors, ["suspected"], "双色球第2026050期", PUBLIC_AT)
    return said._replace(**changed)


@pytest.fixture
def announced(cases: Cases, inspectors: list[Inspector], crew: Crew) -> Draw:
    cases(5)
    recuse(inspectors[0], Case.objects.order_by("pk")[0].site, "亲属", who(inspectors[0]))
    return announce(given(inspectors, 4), crew.by("county"))


def drawn(draw: Draw, crew: Crew) -> Draw:
    return carry_out(draw, VALUE, crew.chief("county", 2))


def test_a_draw_is_announced_drawn_by_another_and_holds_from_its_file_alone(
    announced: Draw, crew: Crew
) -> None:
    before = json.loads(json.dumps(draws.file_of(announced)))
    assert list(lots.problems(before)) == []
    with refused("draw_same_person"):
        carry_out(announced, VALUE, crew.by("county", 2))
    with refused("draw_not_yet"):
        carry_out(announced, VALUE, crew.chief("county", 0.5))
    with refused("draw_value_missing"):
        carry_out(announced, "  ", crew.chief("county", 2))
    with refused("draw_of_others"):
        carry_out(announced, VALUE, crew.chief("market", 2))
    after = json.loads(json.dumps(draws.file_of(drawn(announced, crew))))
    assert list(lots.problems(after, before)) == []
    assert len(after["drawn"]) == 4
    with refused("draw_ended"):
        carry_out(announced, "01 02 03", crew.chief("county", 3))


def test_the_files_name_nobody(announced: Draw, crew: Crew) -> None:
    known = [announced.secret, *announced.cases.values_list("salt", flat=True)]
    known += announced.cases.values_list("case__site__code", flat=True)
    known += announced.cases.values_list("case__site__name", flat=True)
    known += announced.inspectors.values_list("inspector__certificate", flat=True)
    known += announced.inspectors.values_list("inspector__user__username", flat=True)
    text = json.dumps(draws.file_of(announced), ensure_ascii=False)
    assert [one for one in known if one in text] == []
    after = json.dumps(draws.file_of(drawn(announced, crew)), ensure_ascii=False)
    assert [one for one in known[1:] if one in after] == []
    entries = AuditEntry.objects.filter(subject_kind="draw", action="draw_announced")
    assert announced.secret not in str(entries.values())


def test_a_result_opens_its_own_token_and_no_other(announced: Draw, crew: Crew) -> None:
    sent = send_out(drawn(announced, crew), NEXT, "抽查", crew.by("county", 2))
    content = publish(done(sent.made[0]), crew.chief("county", 9)).content["draw"]
    token = lots.token(lots.OBJECT, content["salt"], content["site"])
    assert token == content["token"]
    assert token in {one["object"] for one in announced_again(announced)["drawn"]}
    assert len(set(announced.cases.values_list("salt", flat=True))) == 5


def announced_again(draw: Draw) -> dict[str, Any]:
    return draws.file_of(Draw.objects.get(pk=draw.pk))


def test_what_was_drawn_is_sent_out_once_and_what_moved_on_is_said(announced: Draw, crew: Crew) -> None:
    row = drawn(announced, crew)
    gone = row.cases.get(place=2).case
    assign(gone, OrderGiven(crew.agencies["market"], "另案核查"), crew.by("county", 2))
    sent = send_out(row, NEXT, "抽查", crew.by("county", 2))
    assert len(sent.made) == 3
    assert list(sent.left) == [gone.number]
    assert {one.origin for one in sent.made} == {"draw"}
    teams = {(one.lead_id, one.planned_for) for one in sent.made} | {
        (one.second_id, one.planned_for) for one in sent.made
    }
    assert len(teams) == 6  # nobody twice on a day
    assert send_out(row, NEXT, "抽查", crew.by("county", 2)).made == []
    page = planned.draw_page(Draw.objects.get(pk=row.pk), AT)
    assert [one.place for one in page.drawn] == [1, 2, 3, 4]
    assert page.is_sent


def test_recused_inspectors_are_in_no_team_of_any_draw(announced: Draw, inspectors: list[Inspector]) -> None:
    """Two hundred draws of the same list, each with another public number."""
    file = announced.announced
    (pair,) = file["recusals"]
    for number in range(200):
        for one in lots.draw(file, lots.seed_of(file, announced.secret, str(number))):
            assert [pair[0] in one["inspectors"], one["object"] == pair[1]] != [True, True]


def test_weights_follow_credit_and_complaints_with_date_and_source(
    cases: Cases, inspectors: list[Inspector], crew: Crew
) -> None:
    plain, bad = cases(2)
    by = crew.by("county")
    said = facts.Said(facts.source(Source.Kind.IMPORT, "信用评价2026", by), by)
    firm = facts.register(Enterprise(region=bad.site.region, name="甲公司", credit_class="D"), said)
    take_part(bad.site, firm, Party.Part.LANDLORD, said)
    note_complaint(ComplaintGiven(bad.site, AT.date(), "12398", "2026-0501"), by)
    note_complaint(ComplaintGiven(bad.site, AT.date() - timedelta(days=500), "12398", "2024-1"), by)
    with refused("complaint_there"):
        note_complaint(ComplaintGiven(plain.site, AT.date(), "12398", "2026-0501"), by)
    row = announce(given(inspectors), by)
    weights = {one.case_id: one for one in row.cases.all()}
    assert weights[plain.pk].weight == 2
    assert weights[bad.pk].weight == 8 + 1
    grounds = weights[bad.pk].grounds
    assert grounds["credit_source"] == "信用评价2026"
    assert grounds["credit_as_of"].startswith("2026-05-04")
    assert grounds["noted"] == ["2026-05-04 12398 2026-0501"]
    assert "信用评价" not in json.dumps(row.announced, ensure_ascii=False)


def test_a_draw_that_cannot_be_is_not_announced(
    cases: Cases, inspectors: list[Inspector], crew: Crew
) -> None:
    (case,) = cases(1)
    by = crew.by("county")
    for changed, code in (
        ({"wanted": 2}, "draw_empty"),
        ({"wanted": 0}, "draw_empty"),
        ({"states": ["closed"]}, "draw_empty"),
        ({"inspectors": inspectors[:1]}, "draw_no_team"),
        ({"public_at": AT}, "draw_public_past"),
    ):
        with refused(code):
            announce(given(inspectors, 1)._replace(**changed), by)
    for one in inspectors[:3]:
        recuse(one, case.site, "回避", By_of(one, crew))
    with refused("draw_too_few"):
        announce(given(inspectors, 1), by)
    with refused("draw_empty"):
        announce(given(inspectors, 1), crew.by("market"))


def By_of(inspector: Inspector, _crew: Crew) -> Any:  # noqa: N802 - reads as the By of somebody
    return who(inspector, 0)


def test_a_draw_that_is_given_up_stays_public_with_its_secret(announced: Draw, crew: Crew) -> None:
    draws.abandon(announced, "随机源停发", crew.by("county", 2))
    file = json.loads(json.dumps(announced_again(announced)))
    assert list(lots.problems(file)) == []
    assert file["abandoned"] == "随机源停发"
    assert [one.reason for one in map(public.public_draw, public.public_draws())] == ["随机源停发"]
    with refused("draw_not_drawn"):
        send_out(announced, NEXT, "抽查", crew.by("county", 2))
    numbers = [
        announce(given(list(Inspector.objects.all()), 1), crew.by("county", day)).number for day in (0, 0.1)
    ]
    assert [one[-4:] for one in numbers] == ["0002", "0003"]


def test_the_database_wants_an_outcome_and_the_order_of_time(announced: Draw) -> None:
    for values in ({"state": "drawn"}, {"public_at": AT - timedelta(days=1)}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Draw.objects.filter(pk=announced.pk).update(**values)


def terms(**changed: Any) -> Terms:
    return Terms(**({"start": Place(104.7, 31.4), "inspector_hours": 40.0, "kilometres": 200.0} | changed))


def plan_given(inspectors: list[Inspector], **changed: Any) -> plans.PlanGiven:
    return plans.PlanGiven("五月第二周", inspectors, date(2026, 5, 8), 2, terms(**changed), 2.0)


def test_a_plan_says_of_each_case_why_it_is_in_or_out(
    cases: Cases, inspectors: list[Inspector], crew: Crew
) -> None:
    made = cases(8)
    facts_of = facts.Said(facts.source(Source.Kind.PERSON, "test", crew.by("county")), crew.by("county"))
    facts.state(made[7].site, {"posterior": None}, facts_of)
    facts.state(made[6].site, {"premises_id": None}, facts_of)
    for one in inspectors[::2]:
        recuse(one, made[5].site, "回避", who(one, 0))
    assign(made[4], OrderGiven(crew.agencies["market"], "已派"), crew.by("county"))
    plan = plans.make(plan_given(inspectors, inspector_hours=14.0), crew.by("county"))
    page = planned.plan_page(plan)
    assert plan.said["days"] == ["2026-05-08", "2026-05-09"]  # the Saturday is worked by the table
    assert plan.totals["inspector_hours"] <= 14.0
    chosen = {one.case for one in page.visits}
    assert chosen == {made[3].number, made[2].number, made[1].number}
    why = {row.case_id: row.why for row in plan.visits.all()}
    assert why[made[0].pk] == "hours"
    assert (why[made[7].pk], why[made[6].pk], why[made[5].pk]) == ("no_estimate", "no_place", "recused")
    assert made[4].pk not in why
    assert page.visits[0].value_per_hour
    sent = plans.issue(plan, "按计划核查", crew.by("county"))
    assert {one.case.number for one in sent} == chosen
    assert {one.origin for one in sent} == {"plan"}
    assert now(made[3]).state == Case.State.ASSIGNED
    with refused("plan_not_draft"):
        plans.issue(plan, "再次", crew.by("county"))


def test_a_plan_that_is_stale_or_of_others_is_not_issued(
    cases: Cases, inspectors: list[Inspector], crew: Crew
) -> None:
    made = cases(2)
    plan = plans.make(plan_given(inspectors), crew.by("county"))
    with refused("inspection_of_others"):
        plans.issue(plan, "核查", crew.by("market"))
    assign(made[0], OrderGiven(crew.agencies["market"], "已派"), crew.by("county"))
    with refused("plan_stale"):
        plans.issue(plan, "核查", crew.by("county"))
    assert Inspection.objects.count() == 0
    plans.drop(plan, "重做", crew.by("county"))
    with refused("plan_empty"):
        plans.make(plan_given(inspectors), crew.by("market"))
    with refused("plan_no_team"):
        plans.make(plan_given(inspectors[:1]), crew.by("county"))


def test_refusals_of_the_draw_are_sentences() -> None:
    assert "%" not in str(Refused("draw_too_few", number=3))
