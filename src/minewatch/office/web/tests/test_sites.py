"""The page of a site and of what hangs on it; unmasking for a purpose; the search."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client

from minewatch.office.conftest import LogIn, OpenAccount
from minewatch.office.platform.models import AuditEntry
from minewatch.office.platform.roles import Administrator, Role
from minewatch.office.register.models import Enterprise, Site, UsagePoint

SECRETS = ("工业路1号,", "13800001234", "0051000012345", "203.0.113.77", "王小明")


@pytest.fixture(autouse=True)
def _english(settings) -> None:  # type: ignore[no-untyped-def]
    settings.LANGUAGE_CODE = "en"


def shown(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_a_site_shows_what_it_is_with_protected_fields_masked(officer: Client, sites: list[Site]) -> None:
    page = shown(officer, "/sites/510703-000001/")
    for part in (
        "绵阳清流科技有限公司",
        "Antminer S19",
        "3.2 PH/s",
        "pool.example",
        "(十九)",
        "四川省 › 绵阳市 › 涪城区",
    ):
        assert part in page
    assert [secret for secret in SECRETS if secret in page] == []


def test_a_purpose_opens_the_protected_fields_of_one_site(officer: Client, sites: list[Site]) -> None:
    assert officer.post("/sites/510703-000001/unmask/", {"purpose": "no"}).status_code == 422
    assert officer.post("/sites/510703-000001/unmask/", {"purpose": "site visit"}).status_code == 302
    page = shown(officer, "/sites/510703-000001/")
    assert [secret for secret in SECRETS[1:] if secret not in page] == []
    assert AuditEntry.objects.get(action="unmasked").details["purpose"] == "site visit"


def test_sites_elsewhere_are_not_there(officer: Client, sites: list[Site]) -> None:
    for path in ("", "panels/history/", "unmask/"):
        assert officer.get(f"/sites/620000-000001/{path}").status_code == 404


def test_the_history_comes_as_a_panel_and_alone(officer: Client, sites: list[Site]) -> None:
    assert "run-1" in shown(officer, "/sites/510703-000001/panels/history/")
    panel = officer.get("/sites/510703-000001/panels/history/", headers={"HX-Request": "true"})
    assert "<html" not in panel.content.decode()
    assert officer.get("/sites/510703-000001/panels/no-such/").status_code == 404


def test_things_have_a_page_with_their_sites(officer: Client, sites: list[Site]) -> None:
    firm, point = Enterprise._base_manager.get(), UsagePoint._base_manager.get()
    for path in (
        f"/enterprises/{firm.pk}/",
        f"/usage-points/{point.pk}/",
        f"/premises/{sites[0].premises_id}/",
    ):
        page = shown(officer, path)
        assert "510703-000001" in page
        assert [secret for secret in SECRETS[1:] if secret in page] == []
    assert officer.get(f"/premises/{sites[3].premises_id}/").status_code == 404


@pytest.mark.parametrize(
    "text", ["清流", "510703-000001", "0051000012345", "203.0.113.77", "203.0.113.0/24", "bc1qexample"]
)
def test_the_search_leads_to_the_thing(officer: Client, sites: list[Site], text: str) -> None:
    page = officer.get("/search/", {"q": text}).content.decode()
    assert "Found: 0" not in page
    assert '<a href="/' in page


@pytest.mark.parametrize("kind", list(Administrator))
def test_administrators_see_none_of_it(
    kind: Administrator, account: OpenAccount, log_in: LogIn, sites: list[Site]
) -> None:
    client = log_in(account("root", "energy-510000", administers=kind))
    for path in ("/sites/", "/sites/510703-000001/", "/search/?q=清流", "/enterprises/"):
        assert client.get(path).status_code == 403


@pytest.mark.parametrize("path", ["/enterprises/", "/usage-points/", "/plants/", "/lines/"])
def test_every_list_of_the_register_opens(officer: Client, sites: list[Site], path: str) -> None:
    shown(officer, path)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/sites/", 11),
        ("/sites/510703-000001/", 12),
        ("/search/?q=清流", 11),
        ("/inventory/operating/", 12),
    ],
)
def test_a_page_takes_few_queries(
    officer: Client,
    sites: list[Site],
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
    path: str,
    most: int,
) -> None:
    officer.get(path)
    with django_assert_max_num_queries(most):
        officer.get(path)


def test_roles_without_unmask_are_refused(account: OpenAccount, log_in: LogIn, sites: list[Site]) -> None:
    viewer = log_in(account("zhao", "energy-510000", Role.VIEWER))
    assert viewer.get("/sites/510703-000001/unmask/").status_code == 403
