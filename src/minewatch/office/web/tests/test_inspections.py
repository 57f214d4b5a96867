"""Inspections in the console: plan, draw, sign, publish; and what everybody may read without a login."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from minewatch.office.conftest import AT, LogIn, OpenAccount
from minewatch.office.platform.roles import Role
from minewatch.office.verify.inspections import lots, services
from minewatch.office.verify.inspections.models import Draw, Inspection, Inspector, Plan, Publication, Recusal
from minewatch.office.verify.inspections.tests.conftest import (
    Cases,
    cases,
    inspection,
    inspectors,
    written,
)
from minewatch.office.verify.tests.conftest import Crew, crew, everywhere, new_site
from minewatch.office.web import clock

MOST_QUERIES = 12
_ = (cases, crew, everywhere, inspection, inspectors, new_site)  # fixtures of the app's own tests


@pytest.fixture(autouse=True)
def at(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The clock of the console, put where the test wants it."""
    said = {"now": AT + timedelta(hours=1)}
    monkeypatch.setattr(clock, "now", lambda: said["now"])
    return said


def test_an_inspection_is_signed_completed_and_published_through_its_pages(
    inspection: Inspection, crew: Crew, log_in: LogIn, at: dict[str, Any], client: Client
) -> None:
    sheet = written(inspection)
    at["now"] = AT + timedelta(days=3, hours=1)
    lead, second = log_in(inspection.lead.user), log_in(inspection.second.user)
    page = reverse("inspection", args=[inspection.number])
    assert inspection.number in lead.get("/inspections/mine/").content.decode()
    assert reverse("inspection_sign", args=[inspection.number]) in lead.get(page).content.decode()
    said = {"revision": sheet.revision}
    assert lead.post(f"{page}sign/", said).status_code == 302
    assert lead.post(f"{page}sign/", said).status_code == 409
    assert f"{page}complete/" not in lead.get(page).content.decode()
    assert second.post(f"{page}sign/", said).status_code == 302
    found = {"verdict": "active", "words": "属实", "power_kw": "420", "machines": "140"}
    assert lead.post(f"{page}complete/", found).status_code == 302
    at["now"] = AT + timedelta(days=4)
    chief = log_in(crew.chiefs["county"])
    assert "涪城区" in chief.get(f"{page}publish/").content.decode()
    assert lead.post(f"{page}publish/").status_code == 403
    assert client.get("/public/").content.decode().count(inspection.number) == 0
    assert chief.post(f"{page}publish/").status_code == 302
    text = client.get("/public/").content.decode()
    assert inspection.number in text
    assert inspection.case.site.name not in text
    (result,) = json.loads(client.get("/public/results.json").content)["results"]
    assert result["result"] == "found"


def test_who_was_shown_an_earlier_revision_does_not_sign_a_later_one(
    inspection: Inspection, log_in: LogIn
) -> None:
    written(inspection)
    written(inspection, "后来改写")
    client, page = log_in(inspection.lead.user), reverse("inspection_sign", args=[inspection.number])
    assert client.post(page, {"revision": 1}).status_code == 409
    assert client.post(page, {"revision": 99}).status_code == 404
    assert client.post(page, {"revision": 2}).status_code == 302


def test_a_draw_goes_from_the_announcement_to_the_orders_and_anybody_checks_it(
    cases: Cases, inspectors: list[Inspector], crew: Crew, log_in: LogIn, at: dict[str, Any]
) -> None:
    cases(4)
    officer, chief, anybody = log_in(crew.officers["county"]), log_in(crew.chiefs["county"]), Client()
    said = {
        "title": "二季度抽查",
        "wanted": 2,
        "states": ["suspected"],
        "inspectors": [one.pk for one in inspectors],
        "randomness": "双色球第2026050期",
        "public_at": "2026-05-05T21:30",
    }
    assert officer.get("/draws/new/").status_code == 200
    assert officer.post("/draws/new/", said).status_code == 302
    draw = Draw.objects.get()
    before = anybody.get(f"/public/draws/{draw.number}.json").content
    at["now"] = AT + timedelta(days=2)
    page = f"/draws/{draw.number}/"
    assert f"{page}draw/" not in officer.get(page).content.decode()
    assert f"{page}draw/" in chief.get(page).content.decode()
    assert officer.post(f"{page}draw/", {"value": "03 11"}).status_code == 409
    assert chief.post(f"{page}draw/", {"value": "03 11 17 22 28 31 + 09"}).status_code == 302
    assert officer.post(f"{page}send/", {"first_day": "2026-05-08", "words": "抽查"}).status_code == 302
    assert Inspection.objects.filter(draw=draw).count() == 2
    after = anybody.get(f"/public/draws/{draw.number}.json").content
    assert list(lots.problems(json.loads(after), json.loads(before))) == []
    assert list(lots.problems(json.loads(before))) == []
    touched = json.loads(after)
    touched["drawn"].reverse()
    assert [one.code for one in lots.problems(touched)] == ["drawn"]
    public = anybody.get(f"/public/draws/{draw.number}/").content.decode()
    assert draw.commitment in public
    assert not [one for one in draw.cases.all() if one.case.number in public or one.case.site.name in public]


def test_a_plan_is_made_looked_at_and_issued(
    cases: Cases, inspectors: list[Inspector], crew: Crew, log_in: LogIn
) -> None:
    made = cases(3)
    officer = log_in(crew.officers["county"])
    form = officer.get("/plans/new/").content.decode()
    assert 'value="104.74"' in form  # amid the cases
    said = {
        "title": "五月第二周",
        "inspectors": [one.pk for one in inspectors],
        "first_day": "2026-05-08",
        "days": 2,
        "day_hours": 8,
        "inspector_hours": 40,
        "kilometres": 300,
        "visit_h": 2,
        "lon": 104.7,
        "lat": 31.4,
        "speed_kmh": 45,
        "detour": 1.3,
    }
    assert officer.post("/plans/new/", said).status_code == 302
    plan = Plan.objects.get()
    text = officer.get(f"/plans/{plan.number}/").content.decode()
    assert all(case.number in text for case in made)
    assert officer.post(f"/plans/{plan.number}/issue/", {"words": "按计划核查"}).status_code == 302
    assert Inspection.objects.filter(plan=plan).count() == 3
    assert officer.post(f"/plans/{plan.number}/drop/", {"words": "晚了"}).status_code == 409


def test_an_inspector_is_entered_and_declares_a_recusal(
    crew: Crew, log_in: LogIn, account: OpenAccount, cases: Cases
) -> None:
    (case,) = cases(1)
    user = account("he.xin", crew.agencies["county"].code, Role.INSPECTOR)
    said = {
        "user": user.pk,
        "certificate": "川-1",
        "qualifications": ["network"],
        "active_from": "2026-01-01",
    }
    assert log_in(crew.officers["county"]).post("/inspectors/new/", said).status_code == 302
    page = f"/inspectors/{Inspector.objects.get().pk}/"
    own = log_in(user)
    both = {"site": case.site.code, "uscc": "91510700MA6BX5XC2N", "words": "亲属"}
    assert own.post(f"{page}recuse/", both).status_code == 422
    assert own.post(f"{page}recuse/", both | {"uscc": ""}).status_code == 302
    assert Recusal.objects.get().site == case.site
    assert "亲属" in own.get(page).content.decode()
    other = log_in(crew.officers["market"])
    assert "亲属" not in other.get(page).content.decode()
    assert other.post(f"{page}recuse/", both | {"uscc": ""}).status_code == 409


def test_a_team_is_named_for_an_order_of_the_queue(
    cases: Cases, inspectors: list[Inspector], crew: Crew, log_in: LogIn
) -> None:
    from minewatch.office.verify.orders import OrderGiven, assign

    order = assign(cases(1)[0], OrderGiven(crew.agencies["market"], "核查"), crew.by("county"))
    market = log_in(crew.officers["market"])
    address = f"/inspections/appoint/{order.pk}/"
    assert address in market.get("/inspections/mine/").content.decode()
    said = {"lead": inspectors[2].pk, "second": inspectors[0].pk, "day": "2026-05-08"}
    assert market.post(address, said).status_code == 302
    assert Inspection.objects.get().order == order
    page = reverse("inspection", args=[Inspection.objects.get().number])
    assert market.post(f"{page}postpone/", {"day": "2026-05-11", "words": "停电"}).status_code == 302
    swap = {"gone": inspectors[0].pk, "comes": inspectors[1].pk, "words": "病假"}
    assert market.post(f"{page}replace/", swap).status_code == 302
    assert market.post(f"{page}cancel/", {"words": "搬迁"}).status_code == 302
    assert Inspection.objects.get().state == "cancelled"


@pytest.mark.parametrize("route", ["inspections", "inspectors", "plans", "draws", "complaints"])
def test_lists_cost_few_queries(
    inspection: Inspection, crew: Crew, log_in: LogIn, django_assert_max_num_queries: Any, route: str
) -> None:
    client = log_in(crew.officers["county"])
    client.get(reverse(route))
    with django_assert_max_num_queries(MOST_QUERIES):
        assert client.get(reverse(route)).status_code == 200


def test_pages_cost_few_queries_and_stay_in_scope(
    inspection: Inspection,
    crew: Crew,
    account: OpenAccount,
    log_in: LogIn,
    django_assert_max_num_queries: Any,
) -> None:
    written(inspection)
    services.sign(services.newest_sheet(inspection), services.By(inspection.lead.user, AT))  # type: ignore[arg-type]
    client, address = log_in(crew.officers["county"]), reverse("inspection", args=[inspection.number])
    client.get(address)
    with django_assert_max_num_queries(MOST_QUERIES):
        assert client.get(address).status_code == 200
    elsewhere = log_in(account("gansu", "energy-620000", Role.OFFICER))
    assert elsewhere.get(address).status_code == 404
    assert elsewhere.get(reverse("inspector", args=[inspection.lead.pk])).status_code == 404
    assert inspection.number not in elsewhere.get("/inspections/").content.decode()
    assert elsewhere.post(f"{address}cancel/", {"words": "越权"}).status_code == 404
    assert Publication.objects.count() == 0
