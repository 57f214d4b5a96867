"""The programming interface: tokens, lists with cursors, masking, problems, requests done once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from minewatch.office.conftest import OpenAccount
from minewatch.office.platform import accounts, tokens
from minewatch.office.platform.models import Agency, Allowance, AuditEntry, Region, Token, User
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.roles import Administrator, Role
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.platform.services import By
from minewatch.office.register.models import Site
from minewatch.office.verify import orders
from minewatch.office.verify.services import open_case
from minewatch.office.web.api import interface  # noqa: F401 - its operations say what they ask for
from minewatch.office.web.tests.programs import Program, given, program_of

pytestmark = pytest.mark.django_db


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.code == code


@pytest.fixture
def li_na(account: OpenAccount) -> User:
    return account("li.na", "energy-510000", Role.OFFICER)


def test_without_a_valid_token_nothing_is_told(sites: list[Site], li_na: User) -> None:
    for key in ("", "mwt_0000000000_x", program_of(li_na).key[:-2] + "!!"):
        answer = Program(key).get("sites")
        assert answer.status_code == 401
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["WWW-Authenticate"].startswith("Bearer")
    refused = AuditEntry.objects.filter(action="token_refused")
    assert {entry.details["why"] for entry in refused} == {"unknown", "wrong"}
    assert Client().get("/api/v1/nowhere").status_code == 401


def test_a_key_is_kept_as_a_hash_and_its_use_is_noted(li_na: User) -> None:
    key = program_of(li_na).key
    assert Program(key).get("me").json()["account"] == "li.na"
    token = Token.objects.get()
    assert token.prefix in key
    assert key.split("_", 2)[2] not in str(Token.objects.values().get())
    assert (token.used_at, token.used_from) != (None, "")
    entries = AuditEntry.objects.filter(subject_kind="token").order_by("id")
    assert [entry.action for entry in entries] == ["token_made", "token_drawn", "token_used"]
    Program(key).get("me")
    assert AuditEntry.objects.filter(action="token_used").count() == 1


def test_a_token_may_no_more_than_its_owner_at_that_moment(
    sites: list[Site], li_na: User, account: OpenAccount
) -> None:
    security = account("an.quan", "energy-510000", administers=Administrator.SECURITY)
    caller = program_of(li_na)
    assert len(caller.get("sites").json()["items"]) == 3
    by = By(security, timezone.now())
    county = Region.objects.get(code="510703")
    gansu = Agency.objects.get(code="energy-620000")
    accounts.place(li_na, gansu, gansu.region, by)
    assert caller.get("sites").json()["items"] == []
    accounts.place(li_na, Agency.objects.get(code="energy-510000"), county, by)
    assert len(caller.get("sites").json()["items"]) == 3
    assert caller.get("me").json()["region"] == "510703"
    li_na.roles.all().delete()
    answer = caller.get("sites")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    accounts.suspend(li_na, "left the office", by)
    assert caller.get("me").status_code == 401
    accounts.restore(li_na, by)
    assert caller.get("me").status_code == 401, "a suspension ends tokens for good"


def test_a_token_is_narrower_than_its_owner(sites: list[Site], li_na: User) -> None:
    narrow = program_of(li_na, permissions={"register.see_things"})
    assert narrow.get("sites").status_code == 200
    assert narrow.get("cases").status_code == 403
    noted = AuditEntry.objects.get(action="token_refused")
    assert noted.details["permission"] == "verify.see_cases"
    by = By(li_na, timezone.now())
    for wrong in (
        {"permissions": {"verify.decide_cases"}},
        {"permissions": set()},
        {"region": "620000"},
        {"region": "100000"},
        {"days": 0},
        {"days": tokens.longest_days() + 1},
    ):
        with pytest.raises(Refused):
            tokens.make(given(li_na, **wrong), by)  # type: ignore[arg-type]


def test_tokens_end(li_na: User) -> None:
    caller = program_of(li_na, days=1)
    Token.objects.update(expires_at=timezone.now())
    assert caller.get("me").status_code == 401
    other = program_of(li_na)
    tokens.revoke(Token.objects.order_by("id").last(), By(li_na, timezone.now()))  # type: ignore[arg-type]
    assert other.get("me").status_code == 401


def test_no_administrator_holds_or_draws_a_token(account: OpenAccount, li_na: User) -> None:
    from minewatch.office.platform.machines import open_machine

    security = account("an.quan", "energy-510000", administers=Administrator.SECURITY)
    by = By(security, timezone.now())
    with refused("token_of_administrator"):
        tokens.make(given(security, permissions={"platform.manage_users"}), by)
    machine = open_machine("scada", "SCADA", "energy-510000", frozenset({Role.VIEWER}), by)
    assert not machine.has_usable_password()
    with refused("machine_account"):
        accounts.reset_password(machine, by)
    with refused("machine_approves"):
        accounts.ask_role(machine, Role.SUPERVISOR, "to approve", by)
    with refused("token_keeper"):
        tokens.prepare(machine, security, given(machine), by)
    token = tokens.prepare(machine, li_na, given(machine), by)
    with refused("token_keeper"):
        tokens.draw(token, by)
    key = tokens.draw(token, By(li_na, timezone.now()))
    assert Program(key).get("me").json()["account"] == "scada"
    with refused("token_drawn"):
        tokens.draw(token, By(li_na, timezone.now()))


def test_a_list_goes_on_with_its_cursor(sites: list[Site], li_na: User) -> None:
    caller, codes, cursor = program_of(li_na), [], ""
    for _ in range(3):
        page = caller.get(f"sites?size=1&cursor={cursor}").json()
        codes += [row["code"] for row in page["items"]]
        cursor = page["next"]
    assert (codes, cursor) == ([site.code for site in sites[:3]], None)
    assert caller.get("sites?cursor=nonsense").status_code == 422
    assert caller.get("sites?color=red").json()["code"] == "parameter_unknown"
    assert [row["code"] for row in caller.get("sites?least_kw=250").json()["items"]] == [sites[2].code]


def test_protected_fields_open_for_a_purpose(sites: list[Site], li_na: User) -> None:
    caller, code = program_of(li_na), sites[0].code
    masked = caller.get(f"sites/{code}").json()
    assert masked["sightings"][0]["address"] == "203.0.*.*"
    clear = caller.get(f"sites/{code}?purpose=inspection 17").json()
    assert (clear["sightings"][0]["address"], clear["accounts"][0]["number"]) == (
        "203.0.113.77",
        "0051000012345",
    )
    assert "工业路" in caller.get("sites?purpose=inspection 17").json()["items"][0]["address"]
    noted = AuditEntry.objects.filter(action="exported").order_by("id").first()
    assert noted is not None
    assert (noted.details["purpose"], noted.details["in_the_clear"]) == ("inspection 17", True)
    plain = program_of(li_na, permissions={"register.see_things"})
    assert plain.get(f"sites/{code}?purpose=inspection 17").status_code == 403
    assert caller.get(f"sites/{code}?purpose=x").status_code == 422


def test_what_is_not_in_the_region_is_not_there(sites: list[Site], li_na: User) -> None:
    caller = program_of(li_na)
    for path in (
        f"sites/{sites[3].code}",
        f"sites/{sites[3].code}/history",
        f"sites/{sites[3].code}/findings",
    ):
        answer = caller.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert caller.get("nowhere").json()["status"] == 404


def test_problems_are_in_the_callers_language(li_na: User) -> None:
    caller = program_of(li_na)
    titles = {
        language: caller.get("sites/none", **{"Accept-Language": language}).json()["title"]
        for language in ("en", "zh-CN")
    }
    assert titles == {"en": "There is no such thing in your region", "zh-CN": "您的地区内没有此项"}


def test_an_answer_that_is_known_is_not_sent_again(sites: list[Site], li_na: User) -> None:
    caller = program_of(li_na)
    first = caller.get("agencies")
    again = caller.get("agencies", **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_rate_is_kept_and_comes_back(li_na: User, settings: Any) -> None:
    settings.API_PER_MINUTE, settings.API_PER_MINUTE_WITHOUT_TOKEN = 3, 2
    caller = program_of(li_na)
    answers = [caller.get("me") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 20
    assert program_of(li_na).get("me").status_code == 200, "another token has a rate of its own"
    Allowance.objects.filter(key__startswith="token").update(free_at=0)
    assert caller.get("me").status_code == 200
    assert [Client().get("/api/v1/me").status_code for _ in range(3)] == [401, 401, 429]
    assert Client().get("/api/v1/openapi.json").status_code == 429


def test_an_order_is_received_once(sites: list[Site], li_na: User, account: OpenAccount) -> None:
    county = account("county", "energy-510703", Role.OFFICER)
    with scoped(whole("test")):
        by = By(li_na, timezone.now())
        assert li_na.agency is not None
        case = open_case(sites[0], li_na.agency, "finding", by)
        order = orders.give_task(case, orders.OrderGiven(county.agency, "inspect"), by)  # type: ignore[arg-type]
    caller = program_of(county)
    path = f"orders/{order.pk}"
    early = caller.post(f"{path}/result", {"words": "120 machines"})
    assert (early.status_code, early.json()["code"]) == (409, "order_not_received")
    first = caller.post(f"{path}/receipt", **{"Idempotency-Key": "r-1"})
    assert first.json() == {"id": order.pk, "case": case.number, "kind": "task", "state": "received"}
    done = caller.post(f"{path}/result", {"words": "120 machines"}, **{"Idempotency-Key": "r-2"})
    again = caller.post(f"{path}/result", {"words": "120 machines"}, **{"Idempotency-Key": "r-2"})
    assert (done.status_code, again.json()) == (200, done.json())
    assert again["Idempotent-Replayed"] == "true"
    assert AuditEntry.objects.filter(action="order_done").count() == 1
    other = caller.post(f"{path}/result", {"words": "no machines"}, **{"Idempotency-Key": "r-2"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    without = caller.post(f"{path}/result", {"words": "120 machines"})
    assert (without.status_code, without.json()["code"]) == (409, "order_ended")
    assert caller.post(f"{path}/return", {"words": ""}).status_code == 422
    writes = AuditEntry.objects.filter(action="token_used", details__what__startswith="POST")
    ends = AuditEntry.objects.get(action="order_done")
    assert ends.request_id in {entry.request_id for entry in writes}


def test_findings_come_as_a_file_that_may_not_be_too_large(account: OpenAccount, settings: Any) -> None:
    analyst = account("fen.xi", "energy-510000", Role.ANALYST)
    caller = program_of(analyst)
    answer = caller.post("findings?name=a&origin=lake", b"no findings", "application/octet-stream")
    assert (answer.status_code, answer.json()["code"]) == (422, "parcel_unreadable")
    settings.FINDINGS_MB = 0
    answer = caller.post("findings", b"too much", "application/octet-stream")
    assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")


def test_a_token_of_yesterday_is_shown_as_used_again(li_na: User) -> None:
    caller = program_of(li_na)
    caller.get("me")
    Token.objects.update(used_at=timezone.now() - timedelta(days=1))
    caller.get("me")
    assert AuditEntry.objects.filter(action="token_used").count() == 2
