"""The overview, the comparison of regions, the map, the long work and the pages of errors."""

from typing import Any, ClassVar

import pytest
from django.test import Client, override_settings
from django.urls import path

from minewatch.office.conftest import AT, LogIn, OpenAccount
from minewatch.office.home import home
from minewatch.office.platform import work
from minewatch.office.platform.models import Region, User
from minewatch.office.platform.roles import Administrator, Role
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.register.models import Site
from minewatch.office.register.overview import by_region, by_week, figures, region_above
from minewatch.office.web.urls import urlpatterns as routes


@pytest.fixture(autouse=True)
def _english(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"


def test_figures_count_the_sites_in_scope_and_sum_what_is_open(sites: list[Site]) -> None:
    with scoped(whole("test")):
        Site.objects.filter(code="510703-000003").update(state=Site.State.CLOSED)
        found = figures()
        assert (found.sites, found.suspected, found.closed) == (4, 3, 1)
        assert found.power_kw == 100.0 + 200.0 + 100.0
        assert found.closed_share == 1.0
        nation = region_above("100000")
        assert nation is not None
        assert {row.code: row.figures.sites for row in by_region(nation)} == {"510000": 3, "620000": 1}
        county = region_above("510703")
        assert county is not None
        assert [row.figures.sites for row in by_region(county)] == [3]
        assert by_week(AT) == [(AT.date().replace(month=3, day=30), 4, 0)]


def test_the_overview_loads_its_panels(officer: Client, sites: list[Site]) -> None:
    page = officer.get("/").content.decode()
    for key in ("figures", "weeks", "regions"):
        assert f"/overview/{key}/" in page
        part = officer.get(f"/overview/{key}/", headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in part
        assert "<html" in officer.get(f"/overview/{key}/").content.decode()
    assert "绵阳市" in part
    assert "甘肃" not in part
    assert officer.get("/overview/no-such/").status_code == 404


def test_an_administrator_has_no_panel_of_cases(
    account: OpenAccount, log_in: LogIn, sites: list[Site]
) -> None:
    client = log_in(account("root", "energy-510000", administers=Administrator.SECURITY))
    assert "/overview/" not in client.get("/").content.decode()
    for address in ("/overview/figures/", "/compare/", "/map/", "/map/sites.json"):
        assert client.get(address).status_code == 403


def test_regions_are_compared_inside_the_own_one_alone(officer: Client, sites: list[Site]) -> None:
    assert "绵阳市" in officer.get("/compare/").content.decode()
    assert "涪城区" in officer.get("/compare/?region=510700").content.decode()
    for elsewhere in ("620000", "100000", "nonsense"):
        assert officer.get(f"/compare/?region={elsewhere}").status_code == 404


def test_the_map_gives_rounded_places_of_the_own_region(officer: Client, sites: list[Site]) -> None:
    found = officer.get("/map/sites.json").json()
    assert (len(found["features"]), found["has_more"]) == (3, False)
    assert found["features"][0]["properties"]["code"] == "510703-000003"
    assert found["features"][0]["geometry"]["coordinates"] == [104.7, 31.4]
    assert officer.get("/map/sites.json?box=0,0,1,1").json()["features"] == []
    assert officer.get("/map/sites.json?state=closed").json()["features"] == []
    for nonsense in ("1,2", "a,b,c,d", "1,2,3,nan", "0,0,9999,1"):
        assert officer.get("/map/sites.json", {"box": nonsense}).status_code == 400


def test_outlines_come_from_the_home_of_the_office(
    officer: Client, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINEWATCH_OFFICE_HOME", str(tmp_path))
    assert officer.get("/map/outlines.json").json()["features"] == []
    folder = home().folder / "outlines"
    folder.mkdir()
    shape = '{"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [1, 2]}}'
    (folder / "county.geojson").write_text(f'{{"type": "FeatureCollection", "features": [{shape}]}}')
    assert len(officer.get("/map/outlines.json").json()["features"]) == 1
    assert officer.get("/map/").status_code == 200


def test_long_work_shows_its_progress_to_who_started_it(
    account: OpenAccount, log_in: LogIn, country: None
) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    client = log_in(user)
    assert "hx-trigger" not in client.get("/works/").content.decode()
    row = work.begin("Import of sites.csv", user, AT, 200)
    work.progress(row, 50)
    page = client.get("/works/", headers={"HX-Request": "true"}).content.decode()
    assert 'value="50" max="200"' in page
    assert "every 2s" in page
    work.end(row, {"rows": 200}, AT)
    assert "every 2s" not in client.get("/works/").content.decode()
    other = log_in(account("zhao", "energy-510000", Role.OFFICER))
    assert "sites.csv" not in other.get("/works/").content.decode()


def _fails(_request: Any) -> None:
    raise RuntimeError("planted")


class _WithAnError:
    urlpatterns: ClassVar[list[Any]] = [*routes, path("fails/", _fails, name="fails")]


@pytest.mark.parametrize(("language", "word"), [("en", "Not found"), ("zh-hans", "未找到")])
def test_pages_of_errors_speak_the_language(officer: Client, language: str, word: str) -> None:
    officer.post("/language/", {"language": language})
    answer = officer.get("/no/such/page/")
    assert answer.status_code == 404
    assert word in answer.content.decode()


def test_an_error_is_said_without_its_inside(account: OpenAccount, log_in: LogIn) -> None:
    client = log_in(account("li.na", "energy-510000", Role.OFFICER))
    client.raise_request_exception = False
    with override_settings(ROOT_URLCONF=_WithAnError):
        answer = client.get("/fails/")
    assert answer.status_code == 500
    assert "planted" not in answer.content.decode()
    assert "system administrator" in answer.content.decode()


def test_a_form_without_its_token_is_refused_in_words(account: OpenAccount) -> None:
    user: User = account("li.na", "energy-510000", Role.OFFICER)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.post("/language/", {"language": "en"})
    assert answer.status_code == 403
    assert "was open too long" in answer.content.decode()


def test_region_codes_outside_the_scope_give_nothing(country: None) -> None:
    with scoped(whole("test")):
        assert region_above("999999") is None
        assert isinstance(region_above("510000"), Region)
