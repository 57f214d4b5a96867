"""The simulated week of owners and victims: one seed, one week, in the schemas of the lake."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest

from minewatch.schema.tables import TABLES
from minewatch.sim.county import ZONE
from minewatch.sim.wire.owners import DAYS, MONDAY, STORIES, Week, week


@pytest.fixture(scope="module")
def made() -> Week:
    return week(5, 16, 2)


def test_the_same_seed_gives_the_same_tables(made: Week) -> None:
    again = week(5, 16, 2)
    assert all(again.tables[name].equals(table) for name, table in made.tables.items())
    assert not week(6, 16, 2).tables["flows"].equals(made.tables["flows"])


def test_tables_have_the_schemas_of_the_lake(made: Week) -> None:
    for name, table in made.tables.items():
        assert table.schema.equals(TABLES[name].schema)
        assert table.num_rows > 0
    assert set(made.stories) == set(made.tables["usage_points"]["usage_point_id"].to_pylist())
    assert set(made.stories.values()) <= set(STORIES)


def test_flows_lie_in_the_week_and_ports_are_used_once(made: Week) -> None:
    start = datetime(MONDAY.year, MONDAY.month, MONDAY.day, tzinfo=ZONE)
    rows = made.tables["flows"].to_pylist()
    for row in rows:
        assert start <= row["first_at"] <= row["last_at"] <= start + timedelta(days=DAYS, hours=1)
    assert len({(row["src_ip"], row["src_port"]) for row in rows}) == len(rows)


def test_campaigns_share_an_account_and_owners_do_not(made: Week) -> None:
    story_of = {f"198.18.0.{n + 1}": story for n, story in enumerate(made.stories.values())}
    accounts: dict[Any, set[str]] = defaultdict(set)
    for row in made.tables["flows"].to_pylist():
        for account in row["accounts"] or ():
            accounts[account].add(row["src_ip"])
    for hosts in accounts.values():
        infected = {STORIES[story_of[host]].infected for host in hosts}
        assert len(infected) == 1
        assert len(hosts) == 1 or infected == {True}
    assert sum(len(hosts) > 1 for hosts in accounts.values()) <= 2
