"""The three administrators: each has its pages and no other's, none sees a case, two give a supervisor."""

import json
import re
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from minewatch.office.conftest import AT, OFFICE, LogIn, OpenAccount
from minewatch.office.platform import audit
from minewatch.office.platform.models import Agency, AuditEntry, Region, User
from minewatch.office.platform.roles import Administrator, Role
from minewatch.office.platform.selectors import regions_above
from minewatch.office.web.tests.taking import taken

PAGES = {
    Administrator.SECURITY: [
        "/administration/accounts/",
        "/administration/accounts/new/",
        "/administration/roles/",
    ],
    Administrator.SYSTEM: [
        "/administration/agencies/",
        "/administration/agencies/new/",
        "/administration/agencies/of/energy-510000/",
        "/administration/regions/",
        "/administration/regions/park/",
        "/administration/state/",
    ],
    Administrator.AUDIT: ["/audit/", "/audit/check/", "/audit/export/"],
}


@pytest.fixture
def administrator(account: OpenAccount, log_in: LogIn) -> Any:
    def opened(kind: Administrator, name: str = "") -> Client:
        return log_in(account(name or f"the.{kind}", "energy-510000", administers=kind))

    return opened


@pytest.mark.parametrize("kind", list(Administrator))
def test_each_administrator_has_its_own_pages_only(administrator: Any, kind: Administrator) -> None:
    client = administrator(kind)
    for owner, pages in PAGES.items():
        for page in pages:
            assert client.get(page).status_code == (200 if owner == kind else 403), page


def test_who_works_on_cases_administers_nothing(account: OpenAccount, log_in: LogIn) -> None:
    client = log_in(account("li.na", "energy-510000", *Role))
    assert {client.get(page).status_code for pages in PAGES.values() for page in pages} == {403}


def test_an_account_is_opened_and_its_password_shown_once(administrator: Any) -> None:
    client = administrator(Administrator.SECURITY)
    said = {"username": "wang.wu", "full_name": "王五", "agency": "energy-510703", "roles": ["officer"]}
    answer = client.post("/administration/accounts/new/", said)
    shown = re.search(r"data-password>([^<]+)<", answer.content.decode())
    assert shown
    assert answer["Cache-Control"] == "no-store"
    user = User.objects.get(username="wang.wu")
    assert user.check_password(shown[1])
    assert user.password_is_temporary
    assert client.post("/administration/accounts/new/", said).status_code == 409
    assert "王五" in client.get("/administration/accounts/?text=wang").content.decode()
    supervisor = said | {"username": "zhao.liu", "roles": ["supervisor"]}
    assert client.post("/administration/accounts/new/", supervisor).status_code == 422


def test_an_account_is_looked_after(account: OpenAccount, administrator: Any) -> None:
    client, user = administrator(Administrator.SECURITY), account("li.na", "energy-510000", Role.OFFICER)
    page = "/administration/accounts/of/li.na/"
    assert client.get(page).status_code == 200
    changes: dict[str, dict[str, Any]] = {
        "roles": {"roles": ["officer", "inspector"]},
        "place": {"agency": "energy-510000", "region": "510703"},
        "suspend": {"reason": "left the bureau"},
        "restore": {},
        "unlock": {},
        "second-factor": {},
        "supervisor": {"reason": "succeeds 王五"},
    }
    for name, said in changes.items():
        assert client.get(f"{page}{name}/").status_code == 200
        assert client.post(f"{page}{name}/", said).status_code == 302, name
    user = User.objects.get(pk=user.pk)
    assert {given.role for given in user.roles.all()} == {"officer", "inspector"}
    assert (user.is_active, user.region and user.region.code) == (True, "510703")
    assert client.post(f"{page}roles/", {"roles": ["supervisor"]}).status_code == 409
    assert client.post(f"{page}place/", {"agency": "energy-510000", "region": "620000"}).status_code == 409
    assert b"data-password" in client.post(f"{page}password/").content
    assert client.get(f"{page}nothing/").status_code == 404


def test_two_administrators_give_a_supervisor(account: OpenAccount, administrator: Any) -> None:
    account("li.na", "energy-510000", Role.OFFICER)
    first, second = (administrator(Administrator.SECURITY, name) for name in ("zhao.1", "zhao.2"))
    first.post("/administration/accounts/of/li.na/supervisor/", {"reason": "succeeds 王五"})
    link = re.search(r"/administration/roles/\d+/", first.get("/administration/roles/").content.decode())
    assert link
    assert first.post(link[0], {"given": "yes"}).status_code == 409
    assert second.post(link[0], {"given": "yes"}).status_code == 302
    assert User.objects.get(username="li.na").has_perm("test.nothing") is False
    assert Role.SUPERVISOR in {given.role for given in User.objects.get(username="li.na").roles.all()}


def test_agencies_and_parks_are_data(administrator: Any) -> None:
    client = administrator(Administrator.SYSTEM)
    said = {"code": "grid-510703", "kind": "grid", "name_zh": "涪城供电公司", "region": "510703"}
    assert client.post("/administration/agencies/new/", said).status_code == 302
    assert client.post("/administration/agencies/new/", said).status_code == 409
    client.post("/administration/agencies/of/grid-510703/", {"name_zh": "涪城区供电公司"})
    agency = Agency.objects.get(code="grid-510703")
    assert (agency.name_zh, agency.active) == ("涪城区供电公司", False)
    park = {"county": "510703", "name_zh": "金家林园区"}
    assert client.post("/administration/regions/park/", park).status_code == 302
    assert client.post("/administration/regions/park/", park | {"county": "510700"}).status_code == 409
    region = Region.objects.get(code="510703-01")
    assert [above.code for above in regions_above(region)] == ["100000", "510000", "510700", "510703"]
    assert "金家林园区" in client.get("/administration/regions/?level=park").content.decode()


def test_the_audit_administrator_reads_no_case(administrator: Any) -> None:
    client = administrator(Administrator.AUDIT)
    with transaction.atomic():
        audit.record(audit.Act("li.na", "energy-1", "site_stated", ("site", "7"), AT), {"address": "临园路"})
    page = client.get("/audit/").content.decode()
    assert "site_stated" in page
    assert "临园路" not in page
    assert "the.audit" in page
    assert client.get("/audit/?subject=site+7&since=2026-05-04&until=2026-05-04").content.count(b"<tr") == 2
    exported = taken(client, "/audit/", {"purpose": "yearly review", "form": "csv"}).decode()
    assert "site_stated" in exported
    assert "临园路" not in exported


def test_the_chain_is_checked_and_taken_outside(administrator: Any) -> None:
    client = administrator(Administrator.AUDIT)
    with transaction.atomic():
        audit.record(audit.Act("li.na", "energy-1", "site_stated", ("site", "7"), AT), {"address": "临园路"})
    anchor = client.post("/audit/anchor/").content.decode()
    assert json.loads(anchor)["seq"] == AuditEntry.objects.exclude(seq=None).count()
    assert b"alert-success" in client.post("/audit/check/", {"anchor": anchor}).content
    other = json.dumps(json.loads(anchor) | {"hash": "f" * 64})
    assert b"alert-danger" in client.post("/audit/check/", {"anchor": other}).content
    assert b"alert-success" not in client.post("/audit/check/", {"anchor": "no anchor"}).content
    assert client.post("/audit/export/", {"purpose": "", "after": "0"}).status_code == 422
    answer = client.post("/audit/export/", {"purpose": "yearly review", "after": "0"})
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert "临园路" not in "".join(lines)
    assert list(audit.verify_lines(map(json.loads, lines), {1: json.loads(lines[0])["hash"]})) == []
    assert AuditEntry.objects.filter(action="exported", subject_id="audit").exists()
    assert OFFICE.user is None


def test_the_state_of_the_office_counts(administrator: Any) -> None:
    answer = administrator(Administrator.SYSTEM).get("/administration/state/")
    assert answer.status_code == 200
