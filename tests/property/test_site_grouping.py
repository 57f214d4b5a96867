"""Sites are a partition of the usage points, by the rules of the slow twin, stable over runs."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minewatch.attribute.grouping import DOOR_ACCOUNTS, Grouping, group
from minewatch.attribute.linkage import PARTIES

Account = tuple[str, str | None, str | None, str | None]
ACCOUNTS = st.lists(
    st.tuples(
        st.sampled_from(["p1", "p2", "p3"]) | st.none(),
        st.sampled_from(["", "101"]) | st.none(),
        st.sampled_from(["U1", "U2"]) | st.none(),
        st.sampled_from(["甲", "乙"]) | st.none(),
    ),
    max_size=24,
)


def table(accounts: list[tuple[str | None, str | None, str | None, str | None]]) -> pa.Table:
    rows = [
        {
            "unique_id": f"{number:04d}",
            "premises": premises,
            "place": premises,
            "door": f"{premises}|{unit}" if premises and unit is not None else None,
            "uscc": uscc,
            "name": name,
        }
        for number, (premises, unit, uscc, name) in enumerate(accounts)
    ]
    return pa.Table.from_pylist(rows, schema=PARTIES)


def slow_sites(rows: list[dict[str, str | None]]) -> set[frozenset[str | None]]:
    """Add rows one by one; each joins together all sites that it belongs to by the rules."""
    crowd = {
        row["door"]
        for row in rows
        if row["door"] and sum(r["door"] == row["door"] for r in rows) > DOOR_ACCOUNTS
        and row["door"].endswith("|")
    }  # fmt: skip

    by_id = {row["unique_id"]: row for row in rows}

    def together(a: dict[str, str | None], b: dict[str, str | None]) -> bool:
        same_building = a["premises"] is not None and a["premises"] == b["premises"]
        same_code = a["uscc"] is not None and a["uscc"] == b["uscc"]
        same_name = a["name"] is not None and a["name"] == b["name"]
        same_door = a["door"] is not None and a["door"] == b["door"]
        crowded = a["door"] in crowd and b["door"] in crowd
        return (same_building and same_code) or (same_door and (not crowded or same_name))

    sites: list[set[str | None]] = []
    for row in rows:
        touched = [site for site in sites if any(together(row, by_id[name]) for name in site)]
        sites = [site for site in sites if site not in touched]
        sites.append({row["unique_id"]}.union(*touched))
    return {frozenset(site) for site in sites}


def members(grouping: Grouping) -> set[frozenset[str]]:
    return {frozenset(grouping.members(code)) for code in range(grouping.sites)}


@given(ACCOUNTS)
def test_grouping_is_that_of_the_slow_twin(accounts: list[Account]) -> None:
    rows = table(accounts)
    grouping = group(rows)
    assert members(grouping) == slow_sites(rows.to_pylist())
    assert len(set(grouping.site_ids())) == grouping.sites
    assert grouping.codes_of(rows["unique_id"].combine_chunks()).tolist() == grouping.codes.tolist()


@given(ACCOUNTS)
def test_the_order_of_the_archive_does_not_matter(accounts: list[Account]) -> None:
    rows = table(accounts)
    order = np.random.default_rng(len(accounts)).permutation(rows.num_rows)
    again = group(rows.take(pa.array(order)))
    assert again.site_ids() == group(rows).site_ids()
    assert again.codes.tolist() == group(rows).codes.tolist()


def test_a_site_outlives_a_new_account() -> None:
    before = group(table([("p1", "", "U1", None), ("p2", "", None, None)]))
    after = group(table([("p1", "", "U1", None), ("p2", "", None, None), ("p1", "7", "U1", None)]))
    assert after.site_ids() == before.site_ids()
    assert after.members(0) == ["0000", "0002"]


def test_a_crowded_number_is_no_site() -> None:
    flats = [("p1", "", None, f"户{n}") for n in range(DOOR_ACCOUNTS + 1)]
    assert group(table(flats)).sites == len(flats)
    assert group(table(flats[1:])).sites == 1


def test_an_unknown_usage_point_is_not_guessed() -> None:
    with pytest.raises(KeyError, match="no site"):
        group(table([("p1", "", None, None)])).codes_of(pa.array(["nobody"]))
