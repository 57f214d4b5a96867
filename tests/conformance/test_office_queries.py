"""No page costs more than twelve queries, however much it shows, also when the session is looked at."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from minewatch.office.platform.roles import Administrator
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.web.middleware import is_public
from minewatch.office.web.tests.land import bare_land, walker
from minewatch.office.web.tests.planting import Bed, Land
from minewatch.office.web.tests.walking import Route, Walker, routes

pytestmark = pytest.mark.django_db
_ = bare_land
MOST, ROWS, HEAPED = 12, 52, 12
MORE = {"inventory": 13, "api:site": 14, "api:inventory_rows": 13}
"""Routes that cost more in the minute in which the session or the token is looked at, and how much."""


@pytest.fixture(scope="module")
def full_bed(bare_land: Land) -> Bed:
    """Return a county with 52 sites and cases, on the first of which a dozen of everything hangs."""
    bed = bare_land.bed("510703")
    with scoped(whole("test")):
        bed.spread(ROWS)
        bed.heap(HEAPED)
    return bed


def cost(walking: Walker, route: Route, address: str) -> tuple[int, int]:
    """Return the status of a page and its queries, when the session is looked at too."""
    session = walking.client.session
    session["looked_at"] = 0
    session.save()
    with (
        transaction.atomic(),
        CaptureQueriesContext(
            connection,
        ) as asked,
    ):
        answer: Any = walking.read(route, address)
        transaction.set_rollback(True)
    told = [one["sql"] for one in asked.captured_queries]
    return answer.status_code, sum("SAVEPOINT" not in sql for sql in told)


@pytest.mark.parametrize(
    ("region", "role"), [("510703", "all"), *(("administrators", str(kind)) for kind in Administrator)]
)
def test_pages_cost_few_queries(full_bed: Bed, bare_land: Land, region: str, role: str) -> None:
    walking = walker(bare_land, region, role)
    walking.client.get("/api/v1/me", headers={"Authorization": f"Bearer {walking.key}"})  # its use is noted
    costly = {}
    for route in routes():
        if route.is_foreign or is_public(route.name, route.view):
            continue
        for address in route.addresses(full_bed)[:8]:
            status, number = cost(walking, route, address)
            if status == 200 and number > MORE.get(route.name, MOST):
                costly[address] = number
    if costly:
        pytest.fail("\n".join(f"{number} {address}" for address, number in costly.items()), pytrace=False)
