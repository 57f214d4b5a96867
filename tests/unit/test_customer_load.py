"""Evidence from readings: blocks, refusals, reasons, with and without an archive."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from minewatch.detect.load.curves import curves_of
from minewatch.detect.load.customer_load import LOAD_STEP, judge, load_evidence
from minewatch.detect.load.features import LOAD_FEATURES_STEP, features_of_customers
from minewatch.detect.load.model import shipped_model
from minewatch.detect.load.vectors import VECTOR, LoadTables
from minewatch.kernels.power.load_features import FEATURES, Feature
from minewatch.schema.analysis_tables import EVIDENCE, LOAD_FEATURES
from minewatch.schema.load_classes import load_class_names
from minewatch.schema.periods import day_period
from minewatch.schema.tables import TABLES

ZONE = ZoneInfo("Asia/Shanghai")
START = date(2026, 3, 2)
WEEK = day_period(START + timedelta(days=53), START + timedelta(days=60), ZONE)
PARAMETERS = {
    "period_start_at": WEEK.start_at.isoformat(),
    "period_end_at": WEEK.end_at.isoformat(),
    "zone": ZONE.key,
    "inputs": {"interval_readings": [7, 4000], "usage_points": [2, 10]},
}


def home_kw(rng: np.random.Generator, per_day: int = 96, days: int = 60) -> np.ndarray:
    """Mean power of a home: a refrigerator, evenings, cooking; (days, per_day)."""
    hour = np.arange(per_day) * 24 / per_day
    evening = np.exp(-(((hour - 20) / 2) ** 2))
    meals = np.exp(-(((hour - 12) / 0.7) ** 2)) * (rng.random((days, 1)) < 0.7)
    noise = rng.gamma(0.6, 0.15, (days, per_day)) * rng.lognormal(0, 0.4, (days, 1))
    return 0.08 + noise * (0.4 + 2 * evening) + 1.2 * meals * rng.random((days, per_day))


def readings(customers: dict[str, np.ndarray], start: date = START) -> pa.Table:
    rows = [
        {
            "usage_point_id": name,
            "day": start + timedelta(days=n),
            "interval_minutes": 1440 // curve.shape[1],
            "kw": day.tolist(),
        }
        for name, curve in sorted(customers.items())
        for n, day in enumerate(curve.astype(np.float32))
    ]
    return pa.Table.from_pylist(rows, schema=TABLES["interval_readings"].schema)


def given(table: pa.Table, archive: pa.Table | None = None) -> LoadTables:
    return LoadTables(table, None, archive, None, None, ZONE)


def with_mine(curve: np.ndarray, kw: float, onset_day: int, rng: np.random.Generator) -> np.ndarray:
    mined = curve.copy()
    flat = mined.ravel()
    begin = onset_day * curve.shape[1] + curve.shape[1] // 2
    flat[begin:] += kw * (1 + 0.004 * rng.normal(size=flat.size - begin))
    return mined


@pytest.mark.parametrize("per_day", [96, 48, 24])
def test_a_mine_in_a_home_is_sized_dated_and_ranked(per_day: int) -> None:
    rng = np.random.default_rng(3)
    home = home_kw(rng, per_day)
    table = readings({"a": home, "b": with_mine(home, 6.5, 30, rng)})
    innocent, mining = judge(given(table), WEEK)
    assert mining.log10_lr is not None
    assert innocent.log10_lr is not None
    assert innocent.log10_lr < 0
    assert mining.log10_lr > innocent.log10_lr + 1
    assert mining.power_kw is not None
    assert mining.power_kw.low <= 6.5 <= mining.power_kw.high
    assert mining.power_kw.value == pytest.approx(6.5, rel=0.15)
    expected = datetime(2026, 4, 1, 12, tzinfo=ZONE)
    assert mining.onset_at is not None
    assert abs(mining.onset_at - expected) <= timedelta(hours=12)
    assert mining.onset_at.tzinfo is UTC
    assert mining.ended_at is None
    assert mining.on_share is not None
    assert mining.on_share > 0.9
    codes = {item.code for item in mining.reasons}
    assert {"load_block_since", "load_every_hour", "load_without_archive", "load_weighed"} <= codes
    assert "2026-04-01" in " ".join(item.text("en") for item in mining.reasons)
    assert sum(mining.alternatives.values()) == pytest.approx(1)
    assert mining.best_alternative in mining.alternatives


def test_an_archive_is_used_and_may_lack_things() -> None:
    rng = np.random.default_rng(4)
    table = readings({"a": home_kw(rng)})
    row = {"usage_point_id": "a", "tariff_class": "residential", "contract_kva": 8.0, "voltage_kv": 0.22}
    archive = pa.Table.from_pylist([row], schema=TABLES["usage_points"].schema)
    bare, known = judge(given(table), WEEK)[0], judge(given(table, archive), WEEK)[0]
    assert known.log10_lr != bare.log10_lr
    assert "load_to_contract" in {item.code for item in known.reasons}
    assert judge(given(table, archive.slice(0, 0)), WEEK)[0].log10_lr == bare.log10_lr


def test_refusals_are_rows_with_reasons() -> None:
    rng = np.random.default_rng(5)
    whole = home_kw(rng)
    gappy = np.where(rng.random(whole.shape) < 0.9, np.nan, whole)
    gappy[0], gappy[-1] = whole[0], whole[-1]
    early = readings({"e_early": whole[:20]})
    table = pa.concat_tables(
        [
            readings({"a_zero": whole * 0, "b_gappy": gappy, "c_empty": whole * np.nan}),
            readings({"d_short": whole[:10]}, START + timedelta(days=50)),
            early,
        ]
    )
    evidence = load_evidence({"interval_readings": table}, PARAMETERS)
    assert evidence.schema.equals(EVIDENCE)
    assert evidence["log10_lr"].null_count == evidence.num_rows == 5
    codes = [reasons[0]["code"] for reasons in evidence["reasons"].to_pylist()]
    expected = ["series_all_zero", "series_too_gappy", "series_too_short", "series_too_short"]
    assert codes == [*expected, "load_none_in_period"]
    assert "9" in evidence["reasons"].to_pylist()[1][0]["text_zh"]


def test_step_rows_name_their_inputs_and_do_not_depend_on_company() -> None:
    """A customer judged alone gets the same row as among others: nothing leaks between customers."""
    rng = np.random.default_rng(6)
    curves = {f"{n:03d}": home_kw(rng) * (1 + n) for n in range(6)}
    archive = TABLES["usage_points"].schema.empty_table()
    together = LOAD_STEP.function(
        {"interval_readings": readings(curves), "usage_points": archive}, PARAMETERS
    )
    alone = [
        load_evidence(
            {"interval_readings": readings({name: curve}), "usage_points": archive}, PARAMETERS
        ).to_pylist()
        for name, curve in curves.items()
    ]
    assert together.to_pylist() == [row for rows in alone for row in rows]
    inputs = together["inputs"].to_pylist()[0]
    assert inputs[0] == {"table": "interval_readings", "version": 7, "rows": 60}


def test_no_customers_no_rows() -> None:
    empty = {"interval_readings": TABLES["interval_readings"].schema.empty_table()}
    assert load_evidence(empty, PARAMETERS).num_rows == 0
    assert features_of_customers(empty, PARAMETERS).num_rows == 0


def test_features_step_gives_one_row_a_customer() -> None:
    rng = np.random.default_rng(7)
    table = readings({"a": home_kw(rng), "b": home_kw(rng, 24) * 3})
    rows = LOAD_FEATURES_STEP.function({"interval_readings": table}, PARAMETERS)
    assert rows.schema.equals(LOAD_FEATURES)
    features = np.array(rows["features"].to_pylist())
    assert features.shape == (2, len(FEATURES))
    assert features[0, Feature.mean_kw] == pytest.approx(np.mean(table["kw"].to_pylist()[0:60]), rel=1e-3)
    assert np.isnan(features[1, Feature.wobble_ratio])


def test_nulls_and_slices_in_readings_are_understood() -> None:
    table = pa.table(
        {
            "usage_point_id": ["a", "a", "b"],
            "day": pa.array([date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 1)]),
            "kw": pa.array([[1.0, None], None, [3.0]], pa.list_(pa.float32())),
        }
    )
    curves = curves_of(table.slice(1))
    assert curves.usage_point_ids == ["a", "b"]
    assert curves.values.tolist() == [3.0]
    assert curves.row_offsets.tolist() == [0, 0, 1]
    assert curves.point_rows.tolist() == [0, 1, 2]
    assert np.isnan(curves_of(table).values[1])


def test_every_class_of_the_model_has_a_name_in_both_languages() -> None:
    for name in shipped_model().classes:
        assert set(load_class_names()[name]) == {"en", "zh"}
    assert len(set(VECTOR)) == len(VECTOR)
