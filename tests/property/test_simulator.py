"""The simulated county is reproducible, balanced, and as its truth says."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from minewatch.schema.tables import TABLES
from minewatch.sim.assembly import partition
from minewatch.sim.county import CountyPlan, SimulatedPartition
from minewatch.sim.truth import TRUTH

PLAN = CountyPlan(seed=11, customers=300, days=21, start_on=date(2026, 3, 2))


@pytest.fixture(scope="module")
def county() -> SimulatedPartition:
    return partition(PLAN, 0)


def by_id(table: pa.Table, key: str, value: str) -> dict[str, np.ndarray]:
    grouped: dict[str, list[np.ndarray]] = {}
    for subject, curve in zip(table[key].to_pylist(), table[value].to_pylist(), strict=True):
        grouped.setdefault(subject, []).append(np.array(curve, dtype=float))
    return {subject: np.concatenate(curves) for subject, curves in grouped.items()}


def test_same_seed_gives_the_same_tables(county: SimulatedPartition) -> None:
    again = partition(PLAN, 0)
    for name, table in {**county.tables, **county.truth}.items():
        sink, other = pa.BufferOutputStream(), pa.BufferOutputStream()
        for stream, content in ((sink, table), (other, {**again.tables, **again.truth}[name])):
            with pa.ipc.new_stream(stream, content.schema) as writer:
                writer.write_table(content)
        assert sink.getvalue().equals(other.getvalue()), name


def test_another_seed_gives_another_county(county: SimulatedPartition) -> None:
    other = partition(CountyPlan(seed=12, customers=300, days=21, start_on=date(2026, 3, 2)), 0)
    assert not county.tables["interval_readings"].equals(other.tables["interval_readings"])


def test_tables_are_canonical(county: SimulatedPartition) -> None:
    for name, table in county.tables.items():
        assert table.schema.equals(TABLES[name].schema), name
        assert (
            len({tuple(row.values()) for row in table.select(TABLES[name].key).to_pylist()}) == table.num_rows
        )
    for name, table in county.truth.items():
        assert table.schema.equals(TRUTH[name]), name


def test_truth_speaks_of_every_customer_once(county: SimulatedPartition) -> None:
    told = county.truth["truth_usage_points"]["usage_point_id"].to_pylist()
    assert sorted(told) == sorted(county.tables["usage_points"]["usage_point_id"].to_pylist())
    assert county.truth["truth_places"].num_rows == len(told)


def test_readings_are_by_interval_by_day_or_none(county: SimulatedPartition) -> None:
    read = {customer.usage_point_id: customer.reading for customer in county.customers}
    by_interval = set(county.tables["interval_readings"]["usage_point_id"].to_pylist())
    by_day = set(county.tables["daily_readings"]["usage_point_id"].to_pylist())
    assert by_interval == {name for name, way in read.items() if way == "interval"}
    assert by_day == {name for name, way in read.items() if way == "daily"}
    assert by_day


def test_every_day_has_all_its_intervals(county: SimulatedPartition) -> None:
    readings = county.tables["interval_readings"]
    lengths = pc.list_value_length(readings["kw"])
    assert pc.all(pc.equal(lengths, 1440 // PLAN.interval_minutes)).as_py()


def test_supply_covers_what_was_metered_unmetered_and_lost(county: SimulatedPartition) -> None:
    """Over the period, supply = metered + unmetered + losses, to meter rounding and estimated readings."""
    readings = by_id(county.tables["interval_readings"], "usage_point_id", "kw")
    supply = by_id(county.tables["transformer_readings"], "transformer_id", "kw")
    unmetered = by_id(county.truth["truth_transformers"], "transformer_id", "unmetered_kw")
    losses = by_id(county.truth["truth_transformers"], "transformer_id", "loss_kw")
    fed: dict[str, list[str]] = {}
    for customer in county.customers:
        fed.setdefault(customer.transformer_id, []).append(customer.usage_point_id)
    off_percent = []
    for transformer, points in fed.items():
        if not set(points) <= readings.keys():
            continue
        metered = np.sum([readings[point] for point in points], axis=0)
        kept = ~np.isnan(metered) & ~np.isnan(supply[transformer])
        if kept.sum() < 100:
            continue
        parts = (metered + unmetered[transformer] + losses[transformer])[kept].sum()
        off_percent.append(100 * abs(supply[transformer][kept].sum() / parts - 1))
    assert len(off_percent) > 3
    assert np.median(off_percent) < 1
