"""Simulated counts of lines: of the right holder at the right time, read as they were written."""

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minewatch.schema.network_tables import LINE_TRAFFIC
from minewatch.sim.assembly import partition
from minewatch.sim.county import CountyPlan
from minewatch.sim.delivery import people_of
from minewatch.sim.streams import stream
from minewatch.sim.wire.line_traffic import Sites, curves_by_account, line_traffic
from minewatch.sim.wire.uses import USES, Clock, Machines, mine, use_of
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise

PLAN = CountyPlan(
    seed=9, customers=120, days=10, start_on=date(2026, 3, 2), mix="training", partition_customers=120
)
CLOCK = Clock(np.tile(np.arange(24), 28), np.repeat(np.arange(28) % 7 < 5, 24))


@pytest.fixture(scope="module")
def sites() -> Sites:
    made = partition(PLAN, 0)
    people = people_of(PLAN, 0, made.customers)
    return Sites(people.customers, people.lines, curves_by_account(made.tables["interval_readings"]), {})


def test_each_count_is_of_a_line_while_it_was_leased(sites: Sites) -> None:
    rows = line_traffic(PLAN, sites)
    assert rows.schema == LINE_TRAFFIC
    assert rows.num_rows > 1000
    stays = [stay for line in sites.lines.values() for stay in line.stays]
    for row in rows.take(list(range(0, rows.num_rows, 997))).to_pylist():
        held = [
            stay
            for stay in stays
            if (stay.hops[-1].ip, stay.hops[-1].port_low) == (row["prefix"], row["port_low"])
            and stay.valid_from <= row["hour"]
            and (stay.valid_to is None or row["hour"] < stay.valid_to)
        ]
        assert held, row
    keys = set(zip(*(rows[name].to_pylist() for name in ("prefix", "port_low", "hour")), strict=True))
    assert len(keys) == rows.num_rows


def test_the_same_plan_gives_the_same_counts(sites: Sites) -> None:
    assert line_traffic(PLAN, sites).equals(line_traffic(PLAN, sites))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(USES)), st.integers(0, 2**20), st.floats(3, 3000))
def test_every_use_moves_finite_bytes_and_more_for_more_work(use: str, seed: int, kw: float) -> None:
    moved = USES[use](stream(seed, use), CLOCK, np.full(24 * 28, kw))
    for values in moved:
        assert np.isfinite(values).all()
        assert (values >= 0).all()
    if use == "hosting":
        more = USES[use](stream(seed, use), CLOCK, np.full(24 * 28, 2 * kw))
        assert np.isclose(more.outbound.sum(), 2 * moved.outbound.sum(), rtol=1e-6)


def test_a_thousand_machines_move_less_than_a_megabit_per_second() -> None:
    work = []
    for seed in range(200):
        moved = mine(stream(seed, "mine"), CLOCK, Machines(1000, np.ones(24 * 28)))
        work.append((moved.inbound + moved.outbound).mean() * 8 / 3600 / 1e6)
    assert np.quantile(work, 0.3) < 1  # without guards' telephones, cameras and disguise
    assert np.min(work) > 0.05


def test_what_a_class_uses_its_line_for() -> None:
    rng = stream(1, "use")
    assert {use_of(rng, "data_centre") for _ in range(200)} == {"hosting", "private", "backup", "compute"}
    assert {use_of(rng, kind) for kind in ("cold_store", "ev_charger")} == {"unattended"}
    assert use_of(rng, "hotel") == "guests"
    assert use_of(rng, "office") == "people"


def test_a_carrier_s_table_is_read_with_its_units(tmp_path: Path) -> None:
    path = tmp_path / "流量.csv"
    path.write_text(
        "IP地址,时间,下行流量(MB),上行流量(GB),对端地址数,运营商\n"
        "198.18.0.1,2026-03-02 10:00,1.5,0.25,17,甲\n"
        "198.18.0.1,2026-03-02 11:00,-3,0.25,17,甲\n",
        encoding="utf-8",
    )
    options = ReadOptions(zone=ZoneInfo("Asia/Shanghai"))
    batch = next(iter(recognise(path, options).reader(path, options)))
    assert batch.table == "line_traffic"
    row = batch.rows.to_pylist()[0]
    assert (row["inbound_bytes"], row["outbound_bytes"], row["peers"]) == (1.5e6, 2.5e8, 17)
    assert (row["port_low"], row["port_high"], row["local_addresses"]) == (0, 65535, None)
    assert row["hour"].utcoffset() == timedelta(0)
    assert row["hour"].hour == 2
    assert [reject.line for reject in batch.rejected] == [3]
