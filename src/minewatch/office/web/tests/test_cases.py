"""Cases in the console: the queue, a case from its inspection to the decision, batches and carriers."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from minewatch.office.conftest import LogIn
from minewatch.office.platform.models import AuditEntry
from minewatch.office.verify.models import Approval, Asked, Batch, Case, Order, Question
from minewatch.office.verify.orders import visited
from minewatch.office.verify.tests.conftest import (
    Crew,
    NewSite,
    case,
    crew,
    everywhere,
    judged,
    new_site,
    now,
)

MOST_QUERIES = 12
_ = (case, crew, everywhere, new_site)  # fixtures of the cases' own tests


def test_a_case_is_worked_through_its_pages(case: Case, crew: Crew, log_in: LogIn) -> None:
    county, market = log_in(crew.officers["county"]), log_in(crew.officers["market"])
    page = f"/cases/{case.number}/"
    assert "assign/" in county.get(page).content.decode()
    said = {"agency": crew.agencies["market"].pk, "words": "核查", "days": ""}
    assert county.post(f"{page}assign/", said).status_code == 302
    order = Order.objects.get()
    assert f"/orders/{order.pk}/receive/" in market.get("/queue/").content.decode()
    assert market.post(f"/orders/{order.pk}/receive/").status_code == 302
    assert f"/inspections/appoint/{order.pk}/" in market.get("/queue/").content.decode()
    assert market.post(f"/orders/{order.pk}/finish/", {"words": "清点140台"}).status_code == 409
    visited(Order.objects.get(), "清点140台", crew.by("market"))
    verdict = {"verdict": "active", "words": "属实", "power_kw": "420", "machines": "140", "reference": ""}
    assert county.post(f"{page}judge/", verdict).status_code == 302
    assert county.post(f"{page}approval/", {"kind": "listing", "words": "列入名单"}).status_code == 302
    approval = Approval.objects.get()
    assert (
        county.post(f"/approvals/{approval.pk}/decide/", {}).status_code == 403
    )  # an officer decides nothing
    chief = log_in(crew.chiefs["county"])
    assert f"/approvals/{approval.pk}/decide/" in chief.get("/queue/").content.decode()
    assert (
        chief.post(f"/approvals/{approval.pk}/decide/", {"granted": "yes", "words": "同意"}).status_code
        == 302
    )
    assert county.post(f"{page}measures/", {"words": "下达"}).status_code == 302
    assert now(case).state == Case.State.MEASURES


def test_a_refusal_is_shown_above_the_form(case: Case, crew: Crew, log_in: LogIn) -> None:
    judged(case, crew)
    answer = log_in(crew.officers["county"]).post(f"/cases/{case.number}/measures/", {"words": "下达"})
    assert answer.status_code == 409
    assert now(case).state == Case.State.CONFIRMED


def test_another_province_sees_no_case(case: Case, crew: Crew, account: object, log_in: LogIn) -> None:
    from minewatch.office.platform.roles import Role

    gansu = log_in(account("gansu", "energy-620000", Role.OFFICER, Role.SUPERVISOR))  # type: ignore[operator]
    for path in (f"/cases/{case.number}/", f"/cases/{case.number}/close/"):
        assert gansu.get(path).status_code == 404
    assert case.number not in gansu.get("/cases/").content.decode()


@pytest.mark.parametrize(
    "path", ["/queue/", "/cases/", "/cases/?mine=on&open=on&text=510703", "/batches/", "/questions/"]
)
def test_lists_stand_in_both_languages(case: Case, crew: Crew, log_in: LogIn, path: str) -> None:
    client = log_in(crew.officers["county"])
    for language in ("en", "zh-hans"):
        client.cookies["django_language"] = language
        assert client.get(path).status_code == 200


def test_a_batch_is_issued_and_worked_off(new_site: NewSite, crew: Crew, log_in: LogIn) -> None:
    new_site(2)
    client = log_in(crew.officers["province"])
    said = {"number": "2026-7", "title": "重点", "kind": "key", "codes": "510703-000002\n"}
    assert client.post("/batches/new/", said)["Location"] == "/batches/2026-7/"
    assert client.get("/batches/2026-7/").status_code == 200
    assert "510703-000002" in client.get("/cases/?batch=2026-7").content.decode()
    assert Batch.objects.count() == 1


def test_ticked_cases_are_handed_over_as_long_work(case: Case, crew: Crew, log_in: LogIn) -> None:
    client = log_in(crew.officers["county"])
    assert client.post("/cases/hand-over/", {"ids": [case.pk]}).status_code == 200
    said = {"ids": [case.pk], "agency": crew.agencies["city"].pk, "words": "提级"}
    assert client.post("/cases/hand-over/", said).status_code == 302


def test_a_carrier_is_asked_and_answers(case: Case, crew: Crew, log_in: LogIn) -> None:
    client = log_in(crew.officers["county"])
    said = {"carrier": crew.agencies["carrier"].pk, "numbers": case.number}
    assert client.post("/questions/new/", said).status_code == 302
    question = Question.objects.get()
    page = f"/questions/{question.pk}/"
    assert client.get(page).status_code == 200
    file = client.post(f"{page}file/", {"purpose": "核实用户"})
    assert b"203.0.113.1" in file.content
    assert AuditEntry.objects.filter(action="exported").count() == 1
    answer = file.content.decode("utf-8-sig").strip().removesuffix(",,,,") + ",甲公司,,,\n"
    upload = SimpleUploadedFile("answer.csv", answer.encode("gb18030"))
    looked_at = client.post(f"{page}answer/", {"file": upload})
    assert "甲公司" in looked_at.content.decode()
    assert not Asked.objects.exclude(answered_at=None).exists()
    assert client.post(f"{page}answer/", {"text": answer}).status_code == 302
    question.refresh_from_db()
    assert question.ended_at is not None


def test_the_site_page_shows_its_case(case: Case, crew: Crew, log_in: LogIn) -> None:
    client = log_in(crew.officers["county"])
    answer = client.get(reverse("site_panel", args=[case.number, "case"]))
    assert f"/cases/{case.number}/assign/" in answer.content.decode()


@pytest.mark.parametrize("path", ["/cases/", "/cases/510703-000001/", "/queue/", "/batches/", "/questions/"])
def test_pages_cost_few_queries(
    case: Case, crew: Crew, log_in: LogIn, path: str, django_assert_max_num_queries: Any
) -> None:
    judged(case, crew)
    client = log_in(crew.officers["county"])
    client.get(path)
    with django_assert_max_num_queries(MOST_QUERIES):
        assert client.get(path).status_code == 200
