"""Every route, walked by accounts: nobody reads or changes what is outside of the own scope.

Here one account walks; ``tests/conformance/test_office_walk.py`` has all roles walk in several regions.
"""

from collections.abc import Collection

import pytest
from django.db import models
from django.test import Client

from minewatch.office.platform.scope import ScopedManager
from minewatch.office.register.protection import Eyes
from minewatch.office.web.middleware import is_public
from minewatch.office.web.tests.land import bare_land, land, walker
from minewatch.office.web.tests.planting import Land
from minewatch.office.web.tests.walking import (
    HTMX,
    MARKER,
    REFUSED,
    Answer,
    Route,
    Walker,
    body_for,
    filled,
    routes,
    text_of,
)

pytestmark = pytest.mark.django_db
_ = (bare_land, land)
SHARED_PAGES = ("agency_edit", "field_inspection")
"""Routes whose argument names what belongs to no region's data, or that lead to the same page for all."""
PUBLISHED = ("inspections.draw.", "inspections.publication.", "key")
"""Fields that everybody reads once they are published."""


_MOST_BEDS = 2
"""Regions outside of the scope whose things an account tries to reach."""


def test_the_walk_has_a_value_for_each_parameter_of_each_route() -> None:
    lacking = {route.name: route.unknown() for route in routes() if not route.is_foreign}
    assert {name: names for name, names in lacking.items() if names} == {}


def walk(walker: Walker, only: Collection[str] = ()) -> None:
    """Have an account read and write all that is not its own, and read all that is; ``only`` some routes."""
    for route in routes():
        if route.is_foreign or is_public(route.name, route.view) or (only and route.name not in only):
            continue
        everywhere = [route.addresses(bed) for bed in walker.land.beds.values()]
        if route.parameters and everywhere[0] != everywhere[1]:
            _walk_things(walker, route)
        else:
            for address in everywhere[0]:
                _walk_page(walker, route, address)


def _walk_things(walker: Walker, route: Route) -> None:
    """Walk a route that names a thing: of the own beds one, of the others each."""
    for bed in walker.land.inside(walker.user)[:1]:
        for address in route.addresses(bed):
            walker.get(route, address)
    for bed in walker.land.outside(walker.user)[:_MOST_BEDS]:
        for address in route.addresses(bed):
            said = body_for(address) if route.is_of_the_api else filled("", bed)
            read = walker.get(route, address)
            _expect_refusal(walker, route, read)
            if read.status == 403:
                return  # the account lacks the permission, whatever is named
            _expect_refusal(walker, route, walker.post(route, address, said))


def _expect_refusal(walker: Walker, route: Route, answer: Answer) -> None:
    is_refused = answer.status in (*REFUSED, 405, 413)
    if not is_refused and not walker.user.administers and route.name not in SHARED_PAGES:
        walker.faults.append(f"{answer.address}: {answer.status} outside of the scope")


def _walk_page(walker: Walker, route: Route, address: str) -> None:
    """Walk a route that names nothing: read it, take it away, and ask it for what is elsewhere."""
    page, foreign = walker.get(route, address), walker.foreign()
    if foreign is None or page.status in REFUSED:
        return
    if route.is_of_the_api:
        walker.post(route, address, body_for(address))
        return
    if 'value="export"' in page.text:
        walker.take(route, address, {"form": "csv", "clear": "on"})
        if walker.has_every_role:
            walker.take(route, address, {"form": "xlsx"})
    names = ("q", "text", "batch", "site", "case", "number")
    query = "&".join([f"region={foreign.code}", *(f"{name}={foreign.key}" for name in names)])
    walker.get(route, address, f"?{query}", HTMX)
    walker.post(route, address, filled(page.text, foreign))


def test_an_account_with_every_role_walks_inside_its_scope(land: Land) -> None:
    walking = walker(land, "510703", "all")
    walk(walking)
    assert walking.taken > 10
    if walking.faults:
        pytest.fail("\n".join(walking.faults), pytrace=False)


def test_the_walk_sees_a_hole_in_the_scope(land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    walking = walker(land, "510703", "all")
    monkeypatch.setattr(ScopedManager, "get_queryset", models.Manager.get_queryset)
    walk(walking, ("sites", "site", "case_close", "api:search", "map_sites"))
    told = "\n".join(walking.faults)
    for fault in ("GET /sites/: Z", "GET /sites/ZCQ0000/: 200 outside", "GET /map/sites.json: Z"):
        assert fault in told
    assert "POST /cases/ZCQ0000/close/: " in told


def test_the_walk_sees_what_is_not_masked(land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    walking = walker(land, "510703", "viewer")
    monkeypatch.setattr(Eyes, "sees", lambda *_: True)
    walk(walking, ("usage_points", "enterprise"))
    assert any("register.usagepoint.number in the clear" in fault for fault in walking.faults)
    assert any("register.enterprise.legal_representative in the clear" in fault for fault in walking.faults)


def test_who_is_not_logged_in_reads_what_is_published_alone(land: Land) -> None:
    client, faults = Client(raise_request_exception=False), []
    for route in routes():
        for address in [] if route.is_foreign else route.addresses(land.beds["510703"]):
            answer = client.get(address)
            told = text_of(answer)
            found = {land.markers[text].field for text in MARKER.findall(told) if text in land.markers}
            secret = {name for name in found if not name.startswith(PUBLISHED)}
            is_open = answer.status_code == 200 and not is_public(route.name.removeprefix("api:"), route.view)
            is_open = is_open and route.name != "api:openapi"
            if is_open or (secret and address not in told):
                faults.append(f"{address}: {answer.status_code} {sorted(secret)}")
    assert not faults, "\n".join(faults)
