"""Sites that mine for themselves and infected ones, through flows, leases and the whole scan."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from minewatch.engines.local import LocalEngine
from minewatch.lake.lake import Lake
from minewatch.runs.replay import replay
from minewatch.runs.scan import Request, Scanned, period_of, scan_lake
from minewatch.runs.work import Unwatched
from minewatch.sim.county import ZONE
from minewatch.sim.wire.owners import MONDAY, STORIES, Week, week

AT = datetime(2026, 7, 1, tzinfo=UTC)
SEED, SITES, CAMPAIGNS = 43, 40, 3
Row = Mapping[str, Any]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Week, Lake, Scanned]:
    made = week(SEED, SITES, CAMPAIGNS)
    lake = Lake.create(tmp_path_factory.mktemp("owners") / "lake", ZONE, buckets=4)
    tables = dict(made.tables)
    lake.append({"usage_points": tables.pop("usage_points")}, "ingest", AT)
    lake.append(tables, "ingest", AT)
    request = Request(period_of(f"{MONDAY:%G-W%V}", ZONE))
    return made, lake, scan_lake(lake, request, LocalEngine(1), lambda: AT, Unwatched())


def findings(run: tuple[Week, Lake, Scanned]) -> dict[str, Row]:
    return {row["usage_points"][0]["name"]: row for row in run[2].findings.to_pylist()}


def test_every_site_is_listed(run: tuple[Week, Lake, Scanned]) -> None:
    assert set(findings(run)) == set(run[0].stories)


def test_owners_and_victims_are_told_apart(run: tuple[Week, Lake, Scanned]) -> None:
    told = {
        name: row["victim_probability"]
        for name, row in findings(run).items()
        if row["victim_probability"] is not None
    }
    right = [(told[name] >= 0.5) == STORIES[run[0].stories[name]].infected for name in told]
    assert len(right) >= 25
    assert sum(right) / len(right) >= 0.9
    kinds = {row["kind"] for name, row in findings(run).items() if name in told}
    assert kinds == {"active", "passive_victim"}


def test_every_probability_has_its_reasons(run: tuple[Week, Lake, Scanned]) -> None:
    for row in findings(run).values():
        codes = {item["code"] for item in row["kind_reasons"]}
        assert (row["victim_probability"] is None) == (not codes)
        assert not codes or any(code.startswith("kind_prior") for code in codes)
    every = {item["code"] for row in findings(run).values() for item in row["kind_reasons"]}
    assert {"kind_office_hours", "kind_account_elsewhere", "kind_shared_server", "kind_comes_back"} <= every


def test_the_account_of_a_campaign_links_its_sites_and_no_others(run: tuple[Week, Lake, Scanned]) -> None:
    rows = findings(run)
    site_of = {row["site_id"]: name for name, row in rows.items()}
    linked = {
        name: {site_of[link["to_id"]] for link in row["links"] if link["from_kind"] == "account"}
        for name, row in rows.items()
    }
    infected = {name for name in rows if STORIES[run[0].stories[name]].infected}
    assert all(linked[name] for name in infected)
    assert all(others <= infected for others in linked.values())
    assert len(site_of) == len(rows)  # and nothing was merged


def test_a_farm_has_as_many_machines_and_as_much_power_as_it_has(run: tuple[Week, Lake, Scanned]) -> None:
    flows = run[0].tables["flows"].to_pylist()
    for name, row in findings(run).items():
        if run[0].stories[name] not in ("farm", "institution_machines"):
            continue
        ip = row["endpoints"][0]["name"].rpartition(":")[0]
        own = [flow for flow in flows if flow["src_ip"] == ip and flow["dialect"]]
        hours = sum((flow["last_at"] - flow["first_at"]).total_seconds() for flow in own) / 3600
        mean = sum(flow["expected_hashes"] for flow in own) / (3600 * hours)
        assert row["hash_rate"] == pytest.approx(row["machines"] * mean, rel=0.1)
        assert row["energy_kwh"] == pytest.approx(row["power_kw"] / row["machines"] * hours, rel=0.1)


def test_a_replay_gives_the_same_bits(run: tuple[Week, Lake, Scanned]) -> None:
    victim = next(row for row in run[2].findings.to_pylist() if row["kind"] == "passive_victim")
    assert replay(run[1], victim["finding_id"], LocalEngine(1)).differences == ()
