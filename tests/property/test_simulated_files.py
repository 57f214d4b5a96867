"""The files of a simulated county: the same bytes again, canonical tables, papers and lines that fit."""

import hashlib
from collections import Counter
from datetime import UTC, date, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from minewatch.engines.local import LocalEngine
from minewatch.runs.simulate import FolderInUseError, simulate
from minewatch.schema.tables import TABLES
from minewatch.sim.addresses import public, shared
from minewatch.sim.county import CountyPlan
from minewatch.sim.delivery import People, people_of, scene_tables
from minewatch.sim.generation.running import KINDS, run_plant
from minewatch.sim.leases import lease_rows
from minewatch.sim.people import enterprise_rows
from minewatch.sim.places import CARRIER, GRID, REGISTER, written
from minewatch.sim.plants import plant_of_kind, plant_tables, plants
from minewatch.sim.roster import roster
from minewatch.sim.scene import scene_of
from minewatch.sim.streams import stream
from minewatch.sim.truth import TRUTH

PLAN = CountyPlan(seed=5, customers=160, days=6, start_on=date(2026, 3, 2), partition_customers=80)
LARGE = CountyPlan(seed=9, customers=2000, days=60, start_on=date(2026, 3, 2))


@pytest.fixture(scope="module")
def people() -> list[People]:
    return [people_of(LARGE, number, roster(LARGE, number)) for number in range(LARGE.partitions)]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("county") / "one"
    simulate(PLAN, folder, LocalEngine(1))
    return folder


def test_same_plan_gives_the_same_bytes_with_any_number_of_workers(county: Path, tmp_path: Path) -> None:
    simulate(PLAN, tmp_path / "two", LocalEngine(2))
    assert digests(tmp_path / "two") == digests(county)


def test_a_folder_in_use_is_left_alone(county: Path) -> None:
    before = digests(county)
    with pytest.raises(FolderInUseError) as raised:
        simulate(PLAN, county, LocalEngine(1))
    assert digests(county) == before
    assert str(county) in raised.value.text("en")
    assert str(county) in raised.value.text("zh")


def test_a_run_that_was_killed_is_completed(county: Path, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    folder.mkdir()
    (folder / "county.unfinished.json").write_bytes((county / "county.json").read_bytes())
    (folder / "files").mkdir()
    simulate(PLAN, folder, LocalEngine(1))
    assert digests(folder) == digests(county)


def test_a_hamlet_without_mines_has_no_empty_file(tmp_path: Path) -> None:
    hamlet = CountyPlan(seed=1, customers=3, days=1, share_of_mines=0.0)
    simulate(hamlet, tmp_path / "hamlet", LocalEngine(1))
    files = [path for path in (tmp_path / "hamlet").rglob("*") if path.is_file()]
    assert min(path.stat().st_size for path in files) > 20
    mines = pq.read_table(tmp_path / "hamlet" / "truth" / "truth_plant_mines")
    assert mines.num_rows == 0


def test_truth_files_have_the_schemas_of_the_truth(county: Path) -> None:
    assert {path.name for path in (county / "truth").iterdir()} == {*TRUTH, "labels"}
    for name, schema in {**TRUTH, "labels": TABLES["labels"].schema}.items():
        for path in (county / "truth" / name).iterdir():
            assert pq.read_schema(path).remove_metadata().equals(schema.remove_metadata()), name


def test_scene_tables_are_canonical_and_cover_every_hour() -> None:
    for name, table in scene_tables(PLAN, "511823").items():
        assert table.schema.equals(TABLES[name].schema)
        assert table.num_rows == 24 * PLAN.days
    first = scene_tables(PLAN, "511823")["weather"]["hour"][0].as_py()
    assert first == datetime(2026, 3, 1, 16, tzinfo=UTC)


def test_everybody_has_an_address_and_most_a_line(people: list[People]) -> None:
    for partition in people:
        assert all(partition.papers[customer.number].address for customer in partition.customers)
        assert 0.7 < len(partition.lines) / len(partition.customers) < 0.95
        mines = [customer for customer in partition.customers if customer.mine]
        assert sum(customer.number in partition.lines for customer in mines) >= 0.8 * len(mines)


def test_archives_can_be_written_in_gbk(people: list[People]) -> None:
    for partition in people:
        for identity in partition.papers.values():
            (identity.customer_name + identity.address).encode("gbk")


def test_no_two_premises_have_one_place(people: list[People]) -> None:
    places = Counter(
        partition.papers[premises].place
        for partition in people
        for premises in {
            customer.premises for customer in partition.customers if customer.premises in partition.papers
        }
    )
    assert max(places.values()) == 1


def test_registers_write_one_place_differently(people: list[People]) -> None:
    rng, different = stream(1, "test"), 0
    places = [identity.place for identity in people[0].papers.values()][:300]
    for place in places:
        different += len({written(rng, place, who) for who in (GRID, CARRIER, REGISTER)}) > 1
    assert different > 0.8 * len(places)


def gb11714_and_gb32100_hold(code: str) -> bool:
    """Written from the standards' formulas, apart from the simulator's own."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    inner = sum(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(c) * w
        for c, w in zip(code[8:16], (3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    )
    check = {10: "X", 11: "0"}.get(11 - inner % 11, str(11 - inner % 11))
    total = sum(alphabet.index(c) * pow(3, n, 31) for n, c in enumerate(code[:17]))
    return len(code) == 18 and code[16] == check and code[17] == alphabet[-total % 31]


def test_credit_codes_hold_both_checks(people: list[People]) -> None:
    codes = [row["uscc"] for partition in people for row in enterprise_rows(partition.papers)]
    codes += [plant.uscc for plant in plants(LARGE, 0)]
    assert len(codes) > 100
    assert all(gb11714_and_gb32100_hold(code) for code in codes)
    assert not gb11714_and_gb32100_hold("91510100MA6DPQ1J0A")


def test_leases_lead_from_outside_to_the_holder(people: list[People]) -> None:
    """Following the port through each layer ends at the one holder the truth names, at any time."""
    at = datetime(2026, 4, 1, 12, tzinfo=UTC)
    for partition in people:
        rows = [
            row
            for row in lease_rows(partition.lines)
            if row["valid_from"] <= at and (row["valid_to"] is None or at < row["valid_to"])
        ]
        for number, line in partition.lines.items():
            stay = line.at(at)
            if stay is None:
                continue
            port = (stay.hops[-2] if len(stay.hops) > 1 else stay.hops[0]).port_low + 7
            prefix, layers = stay.hops[0].ip, 0
            while prefix is not None:
                (row,) = [
                    r for r in rows if r["prefix"] == prefix and r["port_low"] <= port <= r["port_high"]
                ]
                prefix, layers = row["next_prefix"], layers + 1
            assert (row["holder_name"], row["address"]) == (line.holder_name, line.address), number
            assert layers == len(stay.hops)


def test_addresses_belong_to_nobody() -> None:
    huge = CountyPlan(seed=1, customers=10_000_000, days=1)
    outside = [ip_network(text) for text in ("198.18.0.0/15", "240.0.0.0/4")]
    inside = [ip_network(text) for text in ("100.64.0.0/10", "10.0.0.0/8")]
    seen = set()
    for number in (0, 1, 127, 128, 4095, 4096, huge.partitions - 1):
        for index in (0, 999):
            seen |= {public(huge, number, index), shared(huge, number, index)}
            assert any(ip_address(public(huge, number, index)) in network for network in outside)
            assert any(ip_address(shared(huge, number, index)) in network for network in inside)
    assert len(seen) == 28


@pytest.mark.parametrize("kind", KINDS)
def test_plants_balance_what_they_make(kind: str) -> None:
    mine = next(plant.mine for plant in plants(LARGE, 0) if plant.mine)
    plant = plant_of_kind(LARGE, LARGE.region_of(0), (kind, 7), mine)
    hours = run_plant(LARGE.seed, scene_of(LARGE, plant.region_code), plant)
    columns = hours.columns
    load = np.nan_to_num(columns.get("site_load_mw", np.zeros(1)))
    assert np.allclose(columns["mw"] + load + hours.diverted_mw + hours.aux_mw, hours.gross_mw)
    assert (hours.diverted_mw.sum() > 0) == (mine.onset_on < LARGE.end_on)
    assert set(columns) <= set(TABLES["plant_readings"].schema.names)
    if kind in ("thermal", "captive"):
        assert (hours.gross_mw <= 0.36 * 1.2 * columns["fuel_mw"] + 1e-6).all()
    else:
        assert (columns["mw"] <= columns["dispatched_mw"] + 1e-6).all()
        assert (columns["mw"] >= -1e-9).all()
    if kind == "hydro" and plant.design_flow_m3s:
        used = hours.inflow_m3s - hours.spilled_m3s
        assert (hours.spilled_m3s >= 0).all()
        assert (used <= plant.design_flow_m3s * 1.001).all()


def test_a_private_line_has_truth() -> None:
    made = plant_tables(LARGE, 0)
    (mine,) = made.truth["truth_plant_mines"].to_pylist()
    truth = made.truth["truth_plants"].to_pylist()
    diverted = sum(row["diverted_mw"] for row in truth if row["plant_id"] == mine["plant_id"])
    assert mine["mining_kwh"] == pytest.approx(1000 * diverted, abs=1)
    for name, table in made.tables.items():
        assert table.schema.equals(TABLES[name].schema), name
