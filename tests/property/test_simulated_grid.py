"""The grid of the simulated county: lines, voltages, feeders, taps, meters that are not read, labels."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minewatch.schema.tables import TABLES
from minewatch.sim.assembly import partition
from minewatch.sim.county import CountyPlan, SimulatedPartition
from minewatch.sim.delivery import people_of
from minewatch.sim.grid import clock_error, shifted
from minewatch.sim.history import HEAT_PUMPS, heat_pump
from minewatch.sim.labels import labels
from minewatch.sim.low_voltage import Layout, line_drop
from minewatch.sim.medium_voltage import taps
from minewatch.sim.plants import plant_tables
from minewatch.sim.roster import roster
from minewatch.sim.scene import scene_of
from minewatch.sim.streams import stream

PLAN = CountyPlan(seed=31, customers=420, days=14, start_on=date(2026, 1, 12), share_of_mines=0.05)
LARGE = CountyPlan(seed=9, customers=2000, days=60, start_on=date(2026, 3, 2))

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def county() -> SimulatedPartition:
    return partition(PLAN, 0)


def curves(table: pa.Table, column: str) -> dict[str, Floats]:
    found: dict[str, list[Floats]] = defaultdict(list)
    for name, values in zip(table[0].to_pylist(), table[column].to_pylist(), strict=True):
        found[name].append(np.array(values, dtype=float))
    return {name: np.concatenate(days, axis=-1) for name, days in found.items()}


def written(table: pa.Table) -> bytes:
    """Return the table as bytes, in which NaN equals NaN."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def plain_drop(layout: Layout, amps: Floats) -> tuple[Floats, Floats]:
    """Add up wire by wire, with phasors: phases 120 degrees apart, the neutral carries their sum."""
    turn = np.exp(2j * np.pi * np.arange(3) / 3)[:, None]
    fallen, loss_w = np.zeros_like(amps), np.zeros(amps.shape[2])
    for box in range(layout.boxes):
        for segment in range(box + 1):
            if layout.branch_of[segment] != layout.branch_of[box]:
                continue
            beyond = [
                other
                for other in range(segment, layout.boxes)
                if layout.branch_of[other] == layout.branch_of[box]
            ]
            phases = amps[beyond].sum(axis=0) * turn
            neutral, ohm = phases.sum(axis=0), layout.segment_ohm[segment]
            fallen[box] += (ohm * (phases + neutral) * turn.conj()).real
            if segment == box:
                loss_w += ohm * ((abs(phases) ** 2).sum(axis=0) + abs(neutral) ** 2)
    return fallen, loss_w / 1000


@given(st.integers(1, 9), st.integers(1, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_lines_follow_kirchhoff(boxes: int, branches: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    branch_of = np.arange(boxes) * min(branches, boxes) // boxes
    layout = Layout(rng.uniform(0.001, 0.1, boxes), branch_of, np.zeros(boxes))
    amps = rng.normal(5, 20, (boxes, 3, 4))
    fallen, loss_kw = plain_drop(layout, amps)
    told_kw = line_drop(layout, amps)
    np.testing.assert_allclose(amps, fallen, atol=1e-9)
    np.testing.assert_allclose(told_kw.sum(axis=0), loss_kw, atol=1e-9)


def test_voltages_are_those_of_a_network_in_use(county: SimulatedPartition) -> None:
    phase_of = {customer.usage_point_id: customer.phase for customer in county.customers}
    powers = curves(county.tables["interval_readings"], "kw")
    for name, volts in curves(county.tables["interval_readings"], "voltage_v").items():
        known = np.isfinite(volts)
        rows = 1 if phase_of[name] is not None else 3
        assert known[:rows].sum() == rows * np.isfinite(powers[name]).sum()
        assert not known[rows:].any()
        assert 190 < np.median(volts[known]) < 255 if known.any() else True


def test_one_s_own_load_pulls_down_one_s_voltage(county: SimulatedPartition) -> None:
    """Against the transformer's bus, a home's voltage falls with its own load on its phase."""
    phase_of = {customer.usage_point_id: customer for customer in county.customers}
    powers = curves(county.tables["interval_readings"], "kw")
    bus = curves(county.tables["transformer_readings"], "voltage_v")
    falls = []
    for name, volts in curves(county.tables["interval_readings"], "voltage_v").items():
        customer = phase_of[name]
        if customer.phase is None:
            continue
        below = bus[customer.transformer_id][customer.phase] - volts[0]
        both = np.isfinite(below) & np.isfinite(powers[name])
        if both.sum() > 500 and powers[name][both].std() > 0.1:
            falls.append(np.corrcoef(below[both], powers[name][both])[0, 1])
    assert len(falls) > 50
    assert np.mean(np.array(falls) > 0) > 0.95


def test_without_voltages_all_else_is_the_same(county: SimulatedPartition) -> None:
    bare = partition(CountyPlan(**{**vars(PLAN), "voltages": False}), 0)
    for name, table in {**county.tables, **county.truth}.items():
        other = {**bare.tables, **bare.truth}[name]
        if "voltage_v" in table.column_names:
            assert other["voltage_v"].null_count == other.num_rows
        same = [column for column in table.column_names if column != "voltage_v"]
        assert written(table.select(same)) == written(other.select(same)), name


def test_a_feeder_supplies_its_transformers_its_loss_and_its_tap(county: SimulatedPartition) -> None:
    heads = curves(county.tables["feeder_readings"], "kw")
    supplies = curves(county.tables["transformer_readings"], "kw")
    fed = defaultdict(list)
    for row in county.tables["transformers"].to_pylist():
        fed[row["feeder_id"]].append(supplies[row["transformer_id"]])
    tapped = curves(county.truth["truth_feeders"], "unmetered_kw")
    losses = curves(county.truth["truth_feeders"], "loss_kw")
    assert set(heads) == set(fed) == set(tapped)
    for name, head in heads.items():
        parts = np.sum(fed[name], axis=0) + tapped[name] + losses[name]
        both = np.isfinite(parts) & np.isfinite(head)
        assert both.sum() > 500
        assert abs(head[both].sum() / parts[both].sum() - 1) < 0.015
        assert 0 < losses[name].sum() < 0.06 * parts[both].sum()
    (mine,) = county.truth["truth_feeder_mines"].to_pylist()
    told_kwh = tapped[mine["feeder_id"]].sum() * PLAN.interval_minutes / 60
    assert mine["mining_kwh"] == pytest.approx(told_kwh, rel=1e-3)


@given(st.floats(-14, 14))
def test_a_fast_clock_shows_what_comes_next(fast_min: float) -> None:
    values = np.arange(40.0).reshape(2, 20)
    shown = shifted(values, np.full(20, fast_min), 15.0)
    np.testing.assert_allclose(shown[:, 1:-1], values[:, 1:-1] + fast_min / 15)


def test_few_clocks_drift() -> None:
    errors = [clock_error(stream(1, "clock", number), 3.0, 400) for number in range(600)]
    drifting = [error for error in errors if np.ptp(error) > 0]
    assert 3 < len(drifting) < 30
    assert all(abs(error).max() <= 14 for error in errors)
    assert all(error[0] == 3.0 for error in errors if np.ptp(error) == 0)


def test_a_tap_has_people_and_a_line_like_other_mines() -> None:
    for number in range(LARGE.partitions):
        customers = roster(LARGE, number)
        people = people_of(LARGE, number, customers)
        for tap in taps(LARGE, number, customers):
            (miner,) = [each for each in people.customers if each.usage_point_id == tap.feeder_id]
            assert people.papers[miner.number].operator is not None
            places = [people.papers[each.number].place for each in customers]
            assert people.papers[miner.number].place not in places
    assert taps(LARGE, 0, roster(LARGE, 0))
    assert taps(CountyPlan(**{**vars(LARGE), "share_of_mines": 0.0}), 0, roster(LARGE, 0)) == ()


def test_archives_are_wrong_by_the_box_and_by_the_meter() -> None:
    wrong, shared, boxes = 0, 0, Counter[tuple[str, int, str]]()
    for number in range(LARGE.partitions):
        customers = roster(LARGE, number)
        size = Counter(customer.transformer_id for customer in customers)
        for customer in customers:
            shared += size[customer.transformer_id] > 1
            if customer.claimed_transformer_id != customer.transformer_id:
                wrong += 1
                boxes[customer.transformer_id, customer.box, customer.claimed_transformer_id] += 1
    assert 0.004 < wrong / shared < 0.06
    assert max(boxes.values()) > 2
    assert min(boxes.values()) == 1


def test_daily_registers_add_up(county: SimulatedPartition) -> None:
    rows = county.tables["daily_readings"].to_pylist()
    before: dict[str, dict[str, Any]] = {}
    followed = 0
    for row in rows:
        last = before.get(row["usage_point_id"])
        if last and (row["day"] - last["day"]).days == 1:
            followed += 1
            assert row["register_kwh"] - last["register_kwh"] == pytest.approx(row["energy_kwh"], abs=0.006)
        before[row["usage_point_id"]] = row
    assert followed > 50


def test_unmetered_lights_burn_at_night(county: SimulatedPartition) -> None:
    lit = {
        name: kw for name, kw in curves(county.truth["truth_transformers"], "lights_kw").items() if kw.any()
    }
    hour = np.tile(np.arange(96) / 4, PLAN.days)
    for kw in lit.values():
        assert kw[hour < 5].mean() > 2 * kw[(hour > 10) & (hour < 16)].mean()
    made = partition(CountyPlan(seed=2, customers=250, days=1, share_of_mines=0.0), 0).truth
    assert made["truth_transformers"]["unmetered_kw"].equals(made["truth_transformers"]["lights_kw"])


def test_a_heat_pump_comes_for_good_and_follows_the_cold() -> None:
    plan = CountyPlan(seed=4, customers=400, days=365, start_on=date(2026, 1, 1))
    scene = scene_of(plan, "511823")
    homes = [customer for customer in roster(plan, 0) if customer.kind in HEAT_PUMPS]
    found = [heat_pump(stream(plan.seed, 0, home.number, "heat pump"), scene, home) for home in homes]
    pumps = [kw for kw in found if kw is not None]
    assert 0.01 < len(pumps) / len(homes) < 0.08
    for kw in pumps:
        first = int(np.flatnonzero(kw)[0])
        assert (kw[first:] > 0).all()
    cold = scene.temperature_c < 8
    assert np.mean([kw[cold].mean() for kw in pumps]) > np.mean([kw[~cold].mean() for kw in pumps])


def test_labels_say_what_the_truth_says(county: SimulatedPartition) -> None:
    plants = plant_tables(PLAN, 0)
    people = people_of(PLAN, 0, county.customers)
    tables, truth = {**county.tables, **plants.tables}, {**county.truth, **plants.truth}
    table = labels(PLAN, people.customers, tables, truth)
    assert table.schema.equals(TABLES["labels"].schema)
    assert pc.count_distinct(table["label_id"]).as_py() == table.num_rows
    by_subject = defaultdict(list)
    for row in table.to_pylist():
        by_subject[row["subject_kind"], row["subject_id"]].append(row)
    assert Counter(kind for kind, _ in by_subject) == {
        "usage_point": PLAN.customers,
        "transformer": tables["transformers"].num_rows,
        "feeder": tables["feeders"].num_rows,
        "plant": tables["plants"].num_rows,
    }
    for rows in by_subject.values():
        for one, other in pairwise(rows):
            assert one["valid_to"] == other["valid_from"] is not None
        assert rows[0]["valid_from"] is None
        assert rows[-1]["valid_to"] is None
    mined = {row["usage_point_id"]: row for row in truth["truth_usage_points"].to_pylist() if row["onset_at"]}
    told = {row["subject_id"]: row for row in table.to_pylist() if row["outcome"] == "mining"}
    assert mined.keys() == {name for name, row in told.items() if row["subject_kind"] == "usage_point"}
    start = datetime(2026, 1, 11, 16, tzinfo=UTC)
    for name, row in mined.items():
        assert told[name]["onset_at"] == row["onset_at"] or told[name]["onset_at"] < start
        assert 0.06 * row["power_kw"] < told[name]["power_kw"] < 1.5 * row["power_kw"]
    behind = {row["true_transformer_id"] for row in mined.values() if not row["metered"]}
    assert behind == {name for name, row in told.items() if row["subject_kind"] == "transformer"}
    assert behind
