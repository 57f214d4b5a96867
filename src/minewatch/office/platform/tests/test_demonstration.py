"""The demonstration's agencies and accounts stand on the table of regions, and come once."""

import pytest

from minewatch.office.conftest import OFFICE, PASSWORD
from minewatch.office.platform import demonstration
from minewatch.office.platform.models import Agency, User
from minewatch.office.platform.regions import load_table
from minewatch.office.platform.selectors import scope_of


@pytest.mark.django_db
def test_a_demonstration_is_made_once() -> None:
    load_table(OFFICE)
    accounts = demonstration.make(PASSWORD, OFFICE)
    assert demonstration.make(PASSWORD, OFFICE) == accounts
    assert User.objects.count() == len(accounts)
    assert set(Agency.objects.values_list("kind", flat=True)) >= set(Agency.Kind.values) - {"carrier", "park"}
    county, nation = (User.objects.get(username=name) for name in ("county", "nation"))
    assert scope_of(county).region_path.startswith(scope_of(nation).region_path)
    assert scope_of(county).region_path != scope_of(nation).region_path
