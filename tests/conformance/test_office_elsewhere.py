"""What lies outside of a region changes no answer inside of it: neither a row, nor a sum, nor a count."""

from difflib import unified_diff

import pytest

from minewatch.office.platform.scope import scoped, whole
from minewatch.office.web.middleware import is_public
from minewatch.office.web.tests.land import bare_land, walker
from minewatch.office.web.tests.planting import PLANTED_IN, Land
from minewatch.office.web.tests.walking import routes

pytestmark = pytest.mark.django_db
_ = bare_land


def test_what_is_elsewhere_changes_no_answer(bare_land: Land) -> None:
    """Read every page of a county, plant other regions, read again: not one character may differ."""
    with scoped(whole("test")):
        bed = bare_land.plant(PLANTED_IN[0])
    walking = walker(bare_land, PLANTED_IN[0], "all")

    def read() -> dict[str, str]:
        return {
            address: walking.get(route, address).same()
            for route in routes()
            if not route.is_foreign
            and not is_public(route.name, route.view)
            and route.name != "import_template"
            for address in route.addresses(bed)
        }

    before = read()
    with scoped(whole("test")):
        for code in PLANTED_IN[1:]:
            bare_land.plant(code)
    after = read()
    told = {
        address: unified_diff(before[address].split("\n"), after[address].split("\n")) for address in before
    }
    assert {address: lines for address, found in told.items() if (lines := list(found))} == {}
