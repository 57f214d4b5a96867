"""Accounts of every role in every region, and the three administrators, walk all routes of the office.

What they do there, and what counts as a fault, stands in ``minewatch.office.web.tests.test_scope_walk``.
"""

import pytest

from minewatch.office.platform.roles import Administrator, Role
from minewatch.office.web.tests.land import bare_land, land, walker
from minewatch.office.web.tests.planting import Land
from minewatch.office.web.tests.test_scope_walk import walk
from minewatch.office.web.tests.walking import routes

pytestmark = pytest.mark.django_db
_ = (bare_land, land)
NOT_READ = {
    "api:api-root",  # answers nothing
    "export",  # its file is made by a worker
    "field_inspection",  # leads to the phone's page
    "machine_token",  # of an account that is a machine's, of which there is none here
    "sheets_join",  # where two sheets stand against each other
    "set_language",  # sends back to where one was
    "inspection_appoint",  # for an order of an inspection that was received
    "sheet_machines",  # from a file of machines
}
"""Routes that open for nobody in this country."""
WALKS = [
    *((region, "all") for region in ("510000", "620000")),
    *((region, str(role)) for region in ("510703", "620000") for role in Role),
    ("100000", "viewer"),
    *(("administrators", str(kind)) for kind in Administrator),
]


@pytest.mark.parametrize(("region", "role"), WALKS)
def test_an_account_walks_inside_its_scope(land: Land, region: str, role: str) -> None:
    walking = walker(land, region, role)
    walk(walking)
    if walking.faults:
        pytest.fail("\n".join(walking.faults), pytrace=False)


def test_each_route_opens_for_somebody(land: Land) -> None:
    opened: set[str] = set()
    walkers = [
        walker(land, "510703", "all"),
        *(walker(land, "administrators", str(kind)) for kind in Administrator),
    ]
    for walking in walkers:
        for route in routes():
            for address in route.addresses(land.beds["510703"]):
                if walking.get(route, address).status in (200, 405):
                    opened.add(route.name)
    mine = {route.name for route in routes() if not route.is_foreign}
    assert sorted(mine - opened) == sorted(NOT_READ)
