"""The orders of lists go by an index: the database says so of the statements that the lists make."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from minewatch.office.conftest import AT
from minewatch.office.platform.models import Region
from minewatch.office.platform.scope import Scope, scoped, whole
from minewatch.office.register import holding
from minewatch.office.register.models import Enterprise, Site, UsagePoint
from minewatch.office.web.cases.lists import CaseListing
from minewatch.office.web.register.lists import OperatingInventory
from minewatch.office.web.sites.lists import EnterpriseListing, SiteListing, UsagePointListing


@pytest.fixture(autouse=True)
def _everywhere(db: None) -> Iterator[None]:
    with scoped(whole("test")):
        yield


def plan(rows: Any) -> str:
    """Return how the database would read the first rows, were there so many that sorting is dear."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute("SET LOCAL enable_seqscan = off")
        with CaptureQueriesContext(connection) as said:
            list(rows[:25])
        explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
        cursor.execute(explain + said[0]["sql"])
        # sorting the ties of an ordered column is none
        return "\n".join(str(row[-1]) for row in cursor.fetchall()).replace("Incremental Sort", "")


SORTED = [
    (SiteListing, sort)
    for sort in ("name", "-name", "kind", "-power_kw", "-energy_week_kwh", "-posterior", "-last_seen_at")
]
SORTED += [(SiteListing, "-recurrences")]
SORTED += [(EnterpriseListing, sort) for sort in ("name", "-name", "-uscc", "industry_code", "-credit_class")]
SORTED += [(UsagePointListing, sort) for sort in ("number", "-number", "-contract_kva")]
_SORTS = "->  Sort|TEMP B-TREE FOR ORDER BY"
SORTED += [(UsagePointListing, "contract_kva"), (EnterpriseListing, "uscc"), (SiteListing, "last_seen_at")]
INVENTORY = (OperatingInventory, "-energy_week_kwh")
SORTED_BY_SQLITE = [(SiteListing, "-power_kw"), INVENTORY]
"""It has no index of the power, and takes that of the phase."""


@pytest.mark.parametrize(("kind", "sort"), [*SORTED, INVENTORY])
def test_a_list_is_read_in_its_order(kind: Any, sort: str) -> None:
    rows = kind().ordered(kind().select({}), sort)
    is_sorted = re.search(_SORTS, plan(rows)) is not None
    assert is_sorted == (connection.vendor == "sqlite" and (kind, sort) in SORTED_BY_SQLITE)


def test_the_plan_shows_a_sort_where_there_is_one() -> None:
    rows = Site.objects.filter(merged_into=None).order_by("services", "pk")
    assert re.search(_SORTS, plan(rows))


def test_usage_points_of_a_transformer_are_found_by_an_index() -> None:
    rows = UsagePoint.objects.filter(transformer_id="T1").order_by("pk")
    assert "transformer_id_order" in plan(rows)


def test_cases_are_read_in_the_order_of_their_moves() -> None:
    assert not re.search(_SORTS, plan(CaseListing().ordered(CaseListing().select({}), "-moved_at")))


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("listing", [UsagePointListing(), EnterpriseListing()])
def test_texts_of_one_place_are_sorted_and_not_read_through_the_country(listing: Any, narrow: bool) -> None:
    scope = Scope("00010002") if narrow else Scope("0001")
    with scoped(scope):
        rows = listing.ordered(listing.select({}), listing.order)
        assert ("COALESCE" in str(rows.query)) is narrow
        assert re.search(_SORTS, plan(rows)) or not narrow


@pytest.mark.parametrize("text", ["清流", "91510703", "没有"])
@pytest.mark.parametrize("few", [0, 1_000])
def test_a_text_finds_keys_by_their_beginning_and_names_by_any_part(
    text: str, few: int, country: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "_FEW", few)
    region = Region.objects.get(code="510703")
    values = {"region": region, "created_at": AT, "name_key": ""}
    Enterprise.objects.create(name="绵阳清流科技", uscc="91510703MA6212342P", **values)
    Enterprise.objects.create(name="大山矿业", uscc="91620000MA6212342X", **values)
    found = [row.name for row in EnterpriseListing().select({"text": text})]
    assert found == ([] if text == "没有" else ["绵阳清流科技"])
