"""Accounts of every role in every region, and the three administrators, walk all routes of the office.

What they do there, and what counts as a fault, stands in ``minewatch.office.web.tests.test_scope_walk``.
"""

import pytest

from minewatch.office.platform.roles import Administrator, Role
from minewatch.office.web.tests.land import bare_land, land, walker
from minewatch.office.web.tests.planting import Land
from minewatch.office.web.tests.test_scope_walk import walk

pytestmark = pytest.mark.django_db
_ = (bare_land, land)
REGIONS = ("510703", "510000", "620000")
WALKS = [
    *((region, role) for region in REGIONS for role in ("all", *map(str, Role))),
    ("100000", "viewer"),
    *(("administrators", str(kind)) for kind in Administrator),
]


@pytest.mark.parametrize(("region", "role"), WALKS)
def test_an_account_walks_inside_its_scope(land: Land, region: str, role: str) -> None:
    walking = walker(land, region, role)
    walk(walking)
    assert not walking.faults, "\n".join(walking.faults)
