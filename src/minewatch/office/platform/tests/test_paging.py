"""Pages by number: where they end, what they count, and that one far back is the same rows."""

from collections.abc import Sequence
from typing import Any

import pytest

from minewatch.office.conftest import OFFICE
from minewatch.office.platform import paging
from minewatch.office.platform.models import Region
from minewatch.office.platform.services import RegionGiven, add_regions

pytestmark = pytest.mark.django_db
SIZE = 5


@pytest.fixture
def places(db: None) -> Any:
    """Thirty provinces below a nation, in an order that is not that of their ids."""
    provinces = [RegionGiven(f"{90 - n}0000", "province", f"省{n}", parent="100000") for n in range(30)]
    add_regions([RegionGiven("100000", "nation", "全国"), *provinces], OFFICE)
    return Region.objects.filter(level="province").select_related("successor").order_by("code", "pk")


def codes(rows: Sequence[Region]) -> list[str]:
    return [row.code for row in rows]


@pytest.mark.parametrize("far", [0, 1_000])
def test_a_page_far_back_holds_the_same_rows(places: Any, far: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "_FAR", far)
    page = paging.page_of(places, 4, SIZE, codes)
    assert list(page.rows) == codes(places)[15:20]
    assert (page.first, page.last, page.total) == (16, 20, 30)


def test_a_page_far_back_takes_a_query_more(
    places: Any, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(paging, "_FAR", SIZE)
    with django_assert_num_queries(2):
        paging.page_of(places, 1, SIZE, codes)
    with django_assert_num_queries(3):
        paging.page_of(places, 2, SIZE, codes)


def test_counting_and_turning_stop_at_the_deepest_row(places: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "DEEPEST", 12)
    page = paging.page_of(places, 99, SIZE, codes)
    assert (page.number, page.total, page.has_more_than_counted) == (3, 12, True)
    assert list(page.rows) == codes(places)[10:12]
