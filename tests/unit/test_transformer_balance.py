"""Transformers and feeders: what is found, what is named innocent, what is refused."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from minewatch.detect.balance.books import BOOKS_STEP, books_table
from minewatch.detect.balance.feeders import FEEDER_STEP, feeder_evidence
from minewatch.detect.balance.place import place_evidence
from minewatch.detect.balance.transformers import balance_evidence
from minewatch.schema.tables import TABLES

FIRST = date(2026, 3, 1)
DAYS, CUSTOMERS = 90, 30
PARAMETERS = {
    "period_start_at": "2026-04-29T16:00:00+00:00",
    "period_end_at": "2026-05-29T16:00:00+00:00",
    "zone": "Asia/Shanghai",
    "inputs": {"interval_readings": [4, 1], "usage_points": [2, 1]},
}
IRON_KW, LOAD_LOSS_KW, RATED_KVA = 0.48, 5.41, 500.0
Curves = dict[str, np.ndarray]
Row = Mapping[str, Any]


def homes(seed: int, number: int = CUSTOMERS) -> Curves:
    """Return hourly loads: a daily rhythm of their own, and appliances that come and go."""
    rng = np.random.default_rng(seed)
    hour = np.arange(24 * DAYS) % 24
    loads = {}
    for at in range(number):
        rhythm = 0.3 + np.exp(-(((hour - rng.uniform(17, 22)) / 3) ** 2))
        loads[f"{seed}{at:04d}"] = rng.lognormal(0.3, 0.5) * rhythm * rng.gamma(2, 0.5, hour.size)
    return loads


def table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=TABLES[name].schema)


def days_of(subject: str, name: str, hourly: np.ndarray) -> list[dict[str, Any]]:
    return [
        {subject: name, "day": FIRST + timedelta(days=at), "interval_minutes": 60, "kw": list(kw)}
        for at, kw in enumerate(hourly.reshape(-1, 24))
    ]


def supply(loads: list[np.ndarray], unmetered_kw: np.ndarray | float = 0.0) -> np.ndarray:
    """Return what goes into a transformer that feeds ``loads``, with losses of windings and lines."""
    fed = np.sum(loads, axis=0) + unmetered_kw
    return fed + IRON_KW + (LOAD_LOSS_KW + 0.02 * RATED_KVA) * (1.05 * fed / RATED_KVA) ** 2


def tables_of(archived: dict[str, Curves], supplies: Curves) -> dict[str, pa.Table]:
    """Return the tables of transformers of one feeder: customers by the archive, and supplies."""
    points = [
        {"usage_point_id": name, "transformer_id": transformer, "contract_kva": 8.0}
        for transformer, loads in archived.items()
        for name in loads
    ]
    readings = [
        row
        for loads in archived.values()
        for name, kw in loads.items()
        for row in days_of("usage_point_id", name, kw)
    ]
    transformers = [
        {
            "transformer_id": name,
            "feeder_id": "F1",
            "rated_kva": RATED_KVA,
            "no_load_loss_kw": IRON_KW,
            "load_loss_kw": LOAD_LOSS_KW,
        }
        for name in archived
    ]
    supplied = [row for name, kw in supplies.items() for row in days_of("transformer_id", name, kw)]
    made = {
        "usage_points": points,
        "interval_readings": sorted(readings, key=lambda row: (row["usage_point_id"], row["day"])),
        "transformers": transformers,
        "transformer_readings": supplied,
        "daily_readings": [],
        "feeders": [{"feeder_id": "F1", "substation_id": "S1"}],
    }
    return {name: table(name, rows) for name, rows in made.items()}


def evidence(tables: Mapping[str, pa.Table]) -> dict[str, Row]:
    assert {*BOOKS_STEP.inputs, *BOOKS_STEP.whole} == set(tables)
    books = books_table(tables, PARAMETERS)
    rows = balance_evidence({"balance_books": books}, PARAMETERS).to_pylist()
    return {row["subject_id"]: row for row in rows}


def codes(row: Row) -> list[str]:
    return [item["code"] for item in row["reasons"]]


def block(begin_day: int, kw: float) -> np.ndarray:
    hours = np.arange(24 * DAYS)
    return kw * (hours >= 24 * begin_day + 10)


def test_books_that_close_are_against_a_mine_and_give_the_losses() -> None:
    loads = homes(1)
    (row,) = evidence(tables_of({"T1": loads}, {"T1": supply(list(loads.values()))})).values()
    assert row["log10_lr"] < -1
    assert codes(row)[0] == "balance_closes"
    assert sum(item["probability"] for item in row["alternatives"]) == pytest.approx(1)
    assert {item["table"]: item["rows"] for item in row["inputs"]} == {
        "interval_readings": CUSTOMERS * DAYS,
        "usage_points": CUSTOMERS,
    }


def test_an_unmetered_block_is_found_sized_and_dated() -> None:
    loads = homes(2)
    mine = block(50, 2.0)
    (row,) = evidence(tables_of({"T1": loads}, {"T1": supply(list(loads.values()), mine)})).values()
    assert row["log10_lr"] > 2
    assert row["power_kw_low"] < 2.0 < row["power_kw_high"] < 2.3
    begin = datetime(2026, 4, 20, 10, tzinfo=UTC) - timedelta(hours=8)
    assert abs(row["onset_at"] - begin) < timedelta(hours=24)
    assert row["energy_kwh_low"] < 2.0 * 720 < row["energy_kwh_high"]
    assert (row["duty"], row["ended_at"]) == ("flat", None)
    assert "balance_block_since" in codes(row)


def test_a_block_since_before_the_readings_is_told_by_the_nameplate() -> None:
    loads = homes(3)
    (row,) = evidence(tables_of({"T1": loads}, {"T1": supply(list(loads.values()), 6.0)})).values()
    assert row["log10_lr"] > 1
    assert row["power_kw_low"] < 6.0 < row["power_kw_high"]
    assert row["onset_at"] is None
    assert "balance_block_always" in codes(row)


def test_a_customer_of_another_transformer_is_named_at_both_and_is_no_mine() -> None:
    ours, theirs = homes(4), homes(5)
    freezer = {"59999": 4.0 + 0.3 * np.random.default_rng(9).random(24 * DAYS)}
    supplies = {"T1": supply([*ours.values(), *freezer.values()]), "T2": supply(list(theirs.values()))}
    found = evidence(tables_of({"T1": ours, "T2": theirs | freezer}, supplies))
    texts = {name: {item["code"]: item["text_en"] for item in row["reasons"]} for name, row in found.items()}
    assert "59999" in texts["T2"]["balance_strays"]
    assert "59999" in texts["T1"]["balance_newcomers"]
    assert max(row["log10_lr"] for row in found.values()) < 0


def test_sun_a_slow_clock_and_gaps_are_not_mines() -> None:
    loads = homes(6)
    hour = np.arange(24 * DAYS) % 24
    sun = 20 * np.clip(np.cos((hour + 0.5 - 12) / 12 * np.pi), 0, None)
    rng = np.random.default_rng(6)
    quarter = np.roll(supply(list(loads.values())), -1) * 0.15 + supply(list(loads.values())) * 0.85
    gappy = {name: np.where(rng.random(kw.size) < 0.02, np.nan, kw) for name, kw in loads.items()}
    (row,) = evidence(tables_of({"T1": gappy}, {"T1": quarter - sun})).values()
    assert row["log10_lr"] < 0
    assert {"balance_sun", "balance_filled"} <= set(codes(row))


def test_customers_without_readings_are_refused_beyond_measure_and_counted_before() -> None:
    loads = homes(7)
    tables = tables_of({"T1": loads}, {"T1": supply(list(loads.values()))})
    few = tables["interval_readings"].slice(0, 20 * DAYS)
    (row,) = evidence({**tables, "interval_readings": few}).values()
    assert (row["log10_lr"], codes(row)) == (None, ["balance_too_few_read"])
    most = tables["interval_readings"].slice(0, 29 * DAYS)
    (row,) = evidence({**tables, "interval_readings": most}).values()
    assert "balance_unread" in codes(row)


def test_a_customer_read_once_a_day_takes_part() -> None:
    loads = homes(8)
    tables = tables_of({"T1": loads}, {"T1": supply(list(loads.values()))})
    name, kw = next(reversed(loads.items()))
    daily = [
        {"usage_point_id": name, "day": FIRST + timedelta(days=at), "energy_kwh": float(value)}
        for at, value in enumerate(kw.reshape(-1, 24).sum(axis=1))
    ]
    readings = tables["interval_readings"].filter(pa.compute.not_equal(tables["interval_readings"][0], name))
    (row,) = evidence(
        {**tables, "interval_readings": readings, "daily_readings": table("daily_readings", daily)}
    ).values()
    assert row["log10_lr"] < 0
    assert "balance_by_day" in codes(row)


def test_a_transformer_without_supply_readings_is_refused() -> None:
    loads = homes(1, 3)
    (row,) = evidence(tables_of({"T1": loads}, {})).values()
    assert codes(row) == ["balance_no_supply"]


def test_a_short_series_and_an_old_one_are_refused() -> None:
    loads = homes(1, 3)
    tables = tables_of({"T1": loads}, {"T1": supply(list(loads.values()))})
    for first, code in ((0, "balance_none_in_period"), (80, "series_too_short")):
        some = tables["transformer_readings"].slice(first, 30)
        (row,) = evidence({**tables, "transformer_readings": some}).values()
        assert codes(row) == [code]


def test_a_tap_of_a_feeder_is_found_beside_the_loss_of_its_line() -> None:
    supplies = {f"T{at}": supply(list(homes(20 + at).values())) * 20 for at in range(5)}
    fed = np.sum(list(supplies.values()), axis=0)
    heads = {"F1": fed + 0.2 * (fed / 10) ** 2 / 1000 * 1.1 + block(40, 150.0)}
    made = {
        "feeders": [{"feeder_id": name, "voltage_kv": 10.0, "resistance_ohm": 0.2} for name in ("F1", "F2")],
        "feeder_readings": [row for name, kw in heads.items() for row in days_of("feeder_id", name, kw)],
        "transformers": [
            {"transformer_id": name, "feeder_id": "F1", "rated_kva": 2000.0} for name in supplies
        ],
        "transformer_readings": [
            row for name, kw in supplies.items() for row in days_of("transformer_id", name, kw)
        ],
    }
    assert set(FEEDER_STEP.inputs) == set(made)
    tapped, silent = feeder_evidence(
        {name: table(name, rows) for name, rows in made.items()}, PARAMETERS
    ).to_pylist()
    assert (tapped["subject_kind"], tapped["subject_id"]) == ("feeder", "F1")
    assert tapped["log10_lr"] > 2
    assert tapped["power_kw_low"] < 150 < tapped["power_kw_high"]
    assert "balance_line_loss" in codes(tapped)
    assert codes(silent) == ["balance_no_supply"]


def test_what_is_said_of_a_transformer_does_not_depend_on_its_company() -> None:
    loads, others = homes(2), homes(5)
    alone = tables_of({"T1": loads}, {"T1": supply(list(loads.values()), block(50, 2.0))})
    supplies = {
        "T1": supply(list(loads.values()), block(50, 2.0)),
        "T2": supply(list(others.values()))[: 24 * 60],
    }
    both = tables_of({"T1": loads, "T2": others}, supplies)
    assert evidence(both)["T1"] == evidence(alone)["T1"]


def test_the_phase_and_the_place_of_a_block_are_told_by_currents_and_voltages() -> None:
    loads = homes(31)
    rng = np.random.default_rng(31)
    mine = block(50, 4.0) * (rng.random(24 * DAYS) > 0.1)
    tables = tables_of({"T1": loads}, {"T1": supply(list(loads.values()), mine)})
    total = np.sum(list(loads.values()), axis=0)
    amps = [(total / 3 + mine * (phase == 1)) / 0.22 for phase in range(3)]
    bus = [np.full(24 * DAYS, 230.0) + rng.normal(0, 0.1, 24 * DAYS) for _ in range(3)]
    names = sorted(loads)
    near = {name: 0.6 if at == 4 else 0.3 if at < 10 else 0.0 for at, name in enumerate(names)}
    volts = {
        name: [bus[1] - 0.02 * total - near[name] * mine + rng.normal(0, 0.1, mine.size)]
        + [np.full(mine.size, np.nan)] * 2
        for name in names
    }
    tables["transformer_readings"] = with_phases(
        with_phases(tables["transformer_readings"], "current_a", {"T1": amps}), "voltage_v", {"T1": bus}
    )
    tables["interval_readings"] = with_phases(tables["interval_readings"], "voltage_v", volts)
    (row,) = place_evidence(tables, PARAMETERS).to_pylist()
    assert row["log10_lr"] is None
    assert row["places"][0]["name"] == names[4]
    assert row["places"][0]["probability"] > 0.9
    (told,) = [item for item in row["reasons"] if item["code"] == "block_phases"]
    shares = json.loads(told["values"])
    assert shares["b_percent"] > 80


def test_no_place_is_looked_for_where_the_books_close() -> None:
    loads = homes(1)
    tables = tables_of({"T1": loads}, {"T1": supply(list(loads.values()))})
    assert place_evidence(tables, PARAMETERS).num_rows == 0


def with_phases(readings: pa.Table, column: str, curves: Mapping[str, list[np.ndarray]]) -> pa.Table:
    rows = readings.to_pylist()
    for row in rows:
        first = 24 * (row["day"] - FIRST).days
        name = row[readings.column_names[0]]
        row[column] = [[float(value) for value in curve[first : first + 24]] for curve in curves[name]]
    return pa.Table.from_pylist(rows, schema=readings.schema)
