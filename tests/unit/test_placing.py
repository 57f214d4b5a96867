"""At which customer of a transformer an unmetered load sits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minewatch.fuse.placing import CERTAIN, Load, Wanting, missing, place_of
from minewatch.schema.evidence import Estimate


def kw(value: float, spread: float = 1.15) -> Estimate:
    return Estimate(value, value / spread, value * spread)


LOAD = Load("T1", kw(100), 40)


def test_traffic_that_lacks_the_same_power_names_the_customer() -> None:
    place = place_of(LOAD, {}, {7: Wanting(4.0, kw(105)), 8: Wanting(4.0, kw(900))})
    assert place is not None
    assert place.site == 7
    assert place.probability > 0.99
    assert place.reason.code == "place_by_traffic"


def test_traffic_of_another_size_names_nobody() -> None:
    assert place_of(LOAD, {}, {8: Wanting(4.0, kw(900))}) is None


def test_weak_voltages_name_nobody_and_help_the_traffic() -> None:
    assert place_of(LOAD, {3: 0.6, 4: 0.3}, {}) is None
    assert place_of(LOAD, {}, {3: Wanting(1.2, kw(100))}) is None
    both = place_of(LOAD, {3: 0.6, 4: 0.3}, {3: Wanting(1.2, kw(100))})
    assert both is not None
    assert both.site == 3


def test_nothing_is_known_without_signs() -> None:
    assert place_of(LOAD, {}, {}) is None


@given(
    st.dictionaries(st.integers(0, 39), st.floats(0, 1), max_size=6),
    st.dictionaries(st.integers(0, 39), st.floats(0.1, 8), max_size=4),
    st.floats(1, 1000),
)
def test_a_place_is_the_likeliest_of_all_by_the_plain_sum(
    shares: dict[int, float], strengths: dict[int, float], size: float
) -> None:
    whole = sum(shares.values())
    voltages = {site: share / whole for site, share in shares.items()} if whole else {}
    wanting = {site: Wanting(strength, kw(size)) for site, strength in strengths.items()}
    place = place_of(LOAD, voltages, wanting)
    assert place is None or CERTAIN <= place.probability <= 1
    # More traffic at the chosen place never takes the load away from it.
    if place and place.site in wanting:
        stronger = wanting[place.site]._replace(log10_lr=wanting[place.site].log10_lr + 1)
        again = place_of(LOAD, voltages, wanting | {place.site: stronger})
        if place.reason.code == "place_by_traffic":
            assert again is not None
            assert (again.site, again.probability >= place.probability - 1e-12) == (place.site, True)


def test_what_the_meters_account_for_is_not_missing() -> None:
    assert missing(kw(100), kw(95)) is None
    assert missing(kw(100), kw(500)) is None
    assert missing(kw(100), None) == kw(100)
    rest = missing(kw(300), kw(50))
    assert rest is not None
    assert rest.value == pytest.approx(250)
    assert rest.low < 250 < rest.high
