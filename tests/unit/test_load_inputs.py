"""What a load is judged from besides its curve: other columns, other tables, calendar, neighbours."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from minewatch.detect.load.archive import LEAST_PEERS
from minewatch.detect.load.curves import curves_of, meters_of, with_daily
from minewatch.detect.load.customer_load import LOAD_STEP, judge
from minewatch.detect.load.duty import duty_of
from minewatch.detect.load.reasons import machines_drawing
from minewatch.detect.load.vectors import (
    CONTEXT_VECTOR,
    ELECTRIC_VECTOR,
    PRICE_VECTOR,
    VECTOR,
    WEATHER_VECTOR,
    LoadTables,
    load_vectors,
)
from minewatch.detect.load.world import world_of
from minewatch.kernels.power.blocks import Block
from minewatch.kernels.power.load_blocks import Coverage
from minewatch.kernels.power.responses import Response
from minewatch.schema.calendar import HOLIDAYS, DayKind, day_kind, is_workday
from minewatch.schema.evidence import Duty
from minewatch.schema.periods import day_period
from minewatch.schema.tables import TABLES

ZONE = ZoneInfo("Asia/Shanghai")
START, DAYS = date(2026, 1, 5), 60
EPOCH = date(1970, 1, 1)
ALL_DAYS = ((START - EPOCH).days, (START - EPOCH).days + DAYS)
PERIOD = day_period(START, START + timedelta(days=DAYS), ZONE)


def table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=TABLES[name].schema)


def readings(curves: dict[str, np.ndarray], **others: np.ndarray) -> pa.Table:
    """Rows of curves (days, per day); ``others``: columns that every customer has alike."""
    rows = [
        {
            "usage_point_id": name,
            "day": START + timedelta(days=n),
            "interval_minutes": 1440 // len(day),
            "kw": day.tolist(),
            **{column: values[n].tolist() for column, values in others.items()},
        }
        for name, curve in sorted(curves.items())
        for n, day in enumerate(curve)
    ]
    return table("interval_readings", rows)


def home(rng: np.random.Generator, per_day: int = 24) -> np.ndarray:
    hour = np.arange(per_day) * 24 / per_day
    return 0.3 + np.exp(-(((hour - 20) / 2) ** 2)) + 0.1 * rng.gamma(1, 1, (DAYS, per_day))


def hourly(name: str, column: str, values: dict[str, np.ndarray], **others: str) -> pa.Table:
    """Rows of weather or prices: region → values of each hour of UTC from midnight in China on."""
    first = datetime(START.year, START.month, START.day, tzinfo=ZONE).astimezone(UTC)
    rows = [
        {"region_code": region, "hour": first + timedelta(hours=n), column: float(value), **others}
        for region, series in values.items()
        for n, value in enumerate(series)
    ]
    return table(name, rows)


def only(reads: pa.Table, **others: pa.Table) -> LoadTables:
    empty = dict.fromkeys(("daily_readings", "usage_points", "weather", "prices"))
    return LoadTables(**{"readings": reads, "zone": ZONE, **empty, **others})


def known(vectors: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    return np.isfinite(vectors[:, [VECTOR.index(name) for name in names]])


def test_a_curve_alone_has_no_context() -> None:
    vectors = load_vectors(only(readings({"a": home(np.random.default_rng(1))})), ALL_DAYS)
    assert not known(vectors.matrix, CONTEXT_VECTOR).any()
    assert vectors.matrix.shape == (1, len(VECTOR))
    assert vectors.usage_point_ids == ["a"]


def test_other_columns_of_the_meter_are_read_where_they_are() -> None:
    kw = home(np.random.default_rng(2))
    phases = np.stack([kw * 4, kw, kw], axis=1)
    rows = readings({"a": kw}, kvar=0.5 * kw, current_a=phases, voltage_v=230 - phases)
    vectors = load_vectors(only(rows), ALL_DAYS)
    seen = dict(zip(VECTOR, vectors.matrix[0], strict=True))
    assert seen["tangent"] == pytest.approx(0.5, rel=1e-4)
    assert seen["imbalance"] == pytest.approx(1.0, rel=1e-4)
    assert seen["voltage_ratio"] == pytest.approx(1.04, abs=0.03)
    assert seen["voltage_slope"] < 0
    # One of three days without kvar, currents of one phase alone, no voltage at all.
    cut = rows.to_pylist()
    for n, row in enumerate(cut):
        row.update({"kvar": row["kvar"] if n % 3 else None, "voltage_v": None})
        row["current_a"] = row["current_a"][:1]
    meters = meters_of(table("interval_readings", cut))
    assert np.diff(meters.kvar.row_offsets).tolist() == [0, 24, 24] * (DAYS // 3)
    assert not meters.current_a.values.size
    fewer = load_vectors(only(table("interval_readings", cut)), ALL_DAYS)
    assert fewer.matrix[0, VECTOR.index("tangent")] == pytest.approx(0.5, rel=1e-4)
    assert known(fewer.matrix, ELECTRIC_VECTOR).sum() == 3


def test_customers_read_once_a_day_come_after_the_others() -> None:
    rng = np.random.default_rng(3)
    rows = [
        {"usage_point_id": name, "day": START + timedelta(days=n), "energy_kwh": 24.0 * (1 + 5 * (n >= 30))}
        for name in ("a", "b")
        for n in range(DAYS)
    ]
    daily = table("daily_readings", rows)
    reads = readings({"b": home(rng)})
    curves, _ = with_daily(curves_of(reads), meters_of(reads), daily)
    assert curves.usage_point_ids == ["b", "a"]
    assert curves.values[-1] == 6
    given = only(reads, daily_readings=daily)
    vectors = load_vectors(given, ALL_DAYS)
    seen = dict(zip(VECTOR, vectors.matrix[1], strict=True))
    assert seen["interval_hours"] == 24
    assert np.isnan([seen["night_ratio"], seen["calm_hour_change"], seen["additive_share"]]).all()
    assert seen["step_ratio"] == pytest.approx(5 / 6)
    versions = {"daily_readings": 4, "interval_readings": 7}
    with_hours, once_a_day = judge(given, PERIOD, versions)
    assert [each.inputs[0]["table"] for each in (with_hours, once_a_day)] == [
        "interval_readings",
        "daily_readings",
    ]
    assert once_a_day.onset_at == datetime(2026, 2, 4, tzinfo=ZONE)
    assert "load_once_a_day" in {item.code for item in once_a_day.reasons}
    assert judge(only(reads.slice(0, 0), daily_readings=daily.slice(0, 20)), PERIOD)[0].refused


def test_weather_and_prices_are_those_of_the_hour_and_of_the_nearest_region() -> None:
    reads = readings({name: home(np.random.default_rng(4)) for name in "abc"})
    hours = np.arange(DAYS * 24)
    degrees = {"511823": hours // 24, "510000": 0 * hours - 5, "440305": 0 * hours + 30}
    weather = hourly("weather", "temperature_c", degrees)
    prices = hourly("prices", "price_per_kwh", {"510000": hours % 24}, currency="CNY")
    regions = {"a": "511823", "b": "511900"}
    world = world_of(curves_of(reads), regions, weather, prices, ZONE)
    assert world.first_day == ALL_DAYS[0]
    assert world.temperature_c[world.regions[0, 0]].tolist() == list(range(DAYS))
    assert world.temperature_c[world.regions[1, 0], 7] == -5
    assert world.regions[2].tolist() == [-1, 0]  # three regions of weather, one of prices
    assert world.price[0, :24].tolist() == list(range(24))
    assert world.day_kinds[(date(2026, 2, 17) - START).days] == DayKind.SPRING_FESTIVAL
    points = [
        {"usage_point_id": name, "region_code": code, "tariff_class": "residential"}
        for name, code in regions.items()
    ]
    archive = table("usage_points", points)
    vectors = load_vectors(only(reads, usage_points=archive, weather=weather, prices=prices), ALL_DAYS)
    names = (*WEATHER_VECTOR, "price_correlation")
    assert known(vectors.matrix, names)[0].all()
    assert set(PRICE_VECTOR) <= set(CONTEXT_VECTOR)


def test_peers_hang_on_one_transformer_at_one_tariff() -> None:
    rng = np.random.default_rng(5)
    curves = {name: home(rng) * (8 if name == "e" else 1) for name in "abcdefg"}
    points = [
        {"usage_point_id": name, "transformer_id": transformer, "tariff_class": "residential"}
        for name, transformer in zip("abcdef", ["T1"] * 5 + ["T2"], strict=True)
    ]
    given = only(readings(curves), usage_points=table("usage_points", points))
    peers, mean, level = (
        load_vectors(given, ALL_DAYS).matrix[:, [VECTOR.index("peers") + n for n in range(3)]].T
    )
    assert peers[:6].tolist() == [4, 4, 4, 4, 4, 0]
    assert mean[4] == pytest.approx(8, rel=0.05)
    assert level[4] == pytest.approx(8, rel=0.1)
    assert mean[0] == pytest.approx(1, rel=0.1)
    assert np.isnan([mean[5], mean[6], peers[6]]).all()
    assert LEAST_PEERS == 3
    codes = {item.code: item for item in judge(given, PERIOD)[4].reasons}
    assert "8.1 times" in codes["load_peers"].text("en")


def test_the_calendar_knows_notices_and_the_lunar_year() -> None:
    assert not is_workday(date(2026, 2, 16))
    assert is_workday(date(2026, 2, 28))  # a Saturday that makes up for the festival
    assert day_kind(date(2026, 2, 17)) is DayKind.SPRING_FESTIVAL
    assert day_kind(date(2026, 2, 24)) is DayKind.WORKDAY
    assert day_kind(date(2026, 5, 2)) is DayKind.REST
    assert day_kind(date(2029, 2, 13)) is DayKind.SPRING_FESTIVAL  # no notice yet: the lunar year alone
    assert date(2022, 10, 8) not in HOLIDAYS
    assert is_workday(date(2022, 10, 8))


def duty(**numbers: float) -> Duty:
    coverage, block, response = (np.full(len(kind), np.nan) for kind in (Coverage, Block, Response))
    coverage[Coverage.span_days], block[Block.on_share], block[Block.night] = 365, 0.99, 0
    block[Block.begin_day], block[Block.end_day], block[Block.pause_days] = 0, 365, 0
    for name, value in numbers.items():
        kind, row = (Response, response) if name in Response.__members__ else (Block, block)
        row[kind[name]] = value
    return duty_of(coverage, block, response)


def test_duty_follows_from_when_the_block_was_on() -> None:
    assert duty() is Duty.FLAT
    assert duty(on_share=0.35, night=1) is Duty.NIGHT_ONLY
    dear = {"price_off_rank": 0.9, "dear_off_share": 0.8, "cheap_off_share": 0.02, "on_share": 0.85}
    assert duty(**dear) is Duty.PRICE_FOLLOWING
    assert duty(**dear | {"dear_off_share": 0.2}) is Duty.INTERMITTENT
    edges = {"begin_day": 100, "end_day": 290, "onset_hour": 2400, "end_hour": 6960}
    assert duty(**edges) is Duty.SEASONAL
    assert duty(**edges | {"begin_day": 250}) is Duty.FLAT
    assert duty(pause_days=80, on_share=0.7) is Duty.SEASONAL


def test_steps_are_matched_with_machines() -> None:
    assert machines_drawing(3.25)[0] in {"Avalon A1366", "Antminer S19", "Antminer S19 Pro"}
    assert machines_drawing(1.323)[0] == "Antminer S9"
    assert machines_drawing(0.1) == []


def test_machines_that_fail_one_at_a_time_are_told_in_a_reason() -> None:
    rng = np.random.default_rng(6)
    running = np.repeat(10 - (rng.random((10, DAYS)) < 0.1).sum(axis=0), 24).reshape(DAYS, 24)
    kw = 3.25 * running * (1 + 0.001 * rng.normal(size=running.shape))
    (evidence,) = judge(only(readings({"a": kw})), PERIOD)
    told = {item.code: item.text("en") for item in evidence.reasons}
    assert "3.2" in told["load_machine_steps"]
    assert "Antminer" in told["load_machine_steps"]
    assert evidence.duty is Duty.FLAT
    assert evidence.energy_kwh is not None
    assert evidence.power_kw is not None
    assert evidence.energy_kwh.value == pytest.approx(evidence.power_kw.value * DAYS * 24, rel=0.02)
    assert all(item.text("zh") for item in evidence.reasons)


OUTAGE, TENANT, HEAT_PUMP, SWAP = "outage", "tenant", "heat pump", "meter swap"


@pytest.mark.parametrize("change", [OUTAGE, TENANT, HEAT_PUMP, SWAP])
def test_changes_that_are_no_machines(change: str) -> None:
    """An outage and a meter swap give no onset; a new tenant and a heat pump are told from a constant."""
    rng = np.random.default_rng(7)
    kw = 2 * home(rng)
    if change == OUTAGE:
        kw[20:35] = 0
    if change == SWAP:
        kw[30:32] = np.nan
    if change == TENANT:
        kw[25:30] = 0.01
        kw[30:] = 1.5 + 4 * np.roll(home(rng), 9, axis=1)[30:]
    if change == HEAT_PUMP:
        cold = np.clip(np.linspace(-1, 1.5, DAYS) + 0.3 * rng.normal(size=DAYS), 0, None)
        kw += cold[:, None] * (1 + 0.5 * rng.random(kw.shape))
    vectors = load_vectors(only(readings({"a": kw})), ALL_DAYS)
    block, seen = vectors.judged.block[0], dict(zip(VECTOR, vectors.matrix[0], strict=True))
    if change in (OUTAGE, SWAP):
        assert np.isnan(block[Block.onset_hour])
    if change == TENANT:
        assert seen["profile_correlation"] < 0.3
        assert seen["vacant_share"] > 0.1
        assert seen["additive_share"] < 0.8
    if change == HEAT_PUMP:
        assert np.isnan(block[Block.onset_hour]) or seen["sharp_share"] < 0.8


def test_the_step_reads_what_it_needs() -> None:
    assert set(LOAD_STEP.columns) == {*LOAD_STEP.inputs, *LOAD_STEP.whole}
    assert LOAD_STEP.strays
    for name, columns in LOAD_STEP.columns.items():
        assert set(columns) <= set(TABLES[name].schema.names)
