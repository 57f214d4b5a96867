"""The load kernels against their slow twins."""

import numpy as np
import plain_load
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minewatch.kernels.power.blocks import (
    SHORTEST_DAYS,
    Block,
    best_pulse,
    find_block,
    running_median,
)
from minewatch.kernels.power.electrical import Meters, Quantity
from minewatch.kernels.power.hours import fold_hours, known_days
from minewatch.kernels.power.load_blocks import Coverage, Ragged, load_blocks
from minewatch.kernels.power.load_features import FEATURES, Feature, load_features
from minewatch.kernels.power.responses import World
from minewatch.kernels.power.steadiness import floors

NO_METERS = Meters(*(Quantity(np.zeros(0, np.float32), np.zeros(1, np.int64)) for _ in Meters._fields))
SEEDS = st.integers(0, 2**32 - 1)
BIN = 0.016
"""Width of a bin of the histogram, relative."""


def no_world(customers: int) -> World:
    """Days from 0 on without weather and prices."""
    nothing = np.zeros((0, 1000), np.float32)
    return World(0, np.zeros(1000, np.int8), nothing, nothing, np.full((customers, 2), -1, np.int32))


def random_customer(rng: np.random.Generator) -> tuple[list[int], list[np.ndarray]]:
    """Days with gaps and curves of 96, 48 or 24 readings with missing ones, spikes and steps."""
    days = np.flatnonzero(rng.random(int(rng.integers(16, 50))) > 0.05) + 20_000
    per_day = int(rng.choice((96, 48, 24)))
    shape = (rng.gamma(2, 1, per_day) - rng.choice((0, 0.7))) * rng.choice((0.01, 1, 200))
    curves = [(shape * rng.lognormal(0, rng.choice((0.01, 0.3)), per_day)).astype(np.float32) for _ in days]
    for curve in curves:
        curve[rng.random(per_day) < rng.choice((0, 0.02, 0.4))] = np.nan
    return days.tolist(), curves


def ragged(customers: list[tuple[list[int], list[np.ndarray]]]) -> tuple[np.ndarray, ...]:
    rows = [curve for _, curves in customers for curve in curves]
    values = np.concatenate(rows) if rows else np.zeros(0, np.float32)
    row_offsets = np.concatenate(([0], np.cumsum([len(row) for row in rows]))).astype(np.int64)
    days = np.array([day for days, _ in customers for day in days], np.int32)
    point_rows = np.concatenate(([0], np.cumsum([len(days) for days, _ in customers]))).astype(np.int64)
    return values, row_offsets, days, point_rows


@given(SEEDS)
@settings(max_examples=30)
def test_hours_are_those_of_the_twin(seed: int) -> None:
    days, curves = random_customer(np.random.default_rng(seed))
    values, row_offsets, day_numbers, _ = ragged([(days, curves)])
    span = days[-1] - days[0] + 1
    hourly, wobble = np.empty(span * 24, np.float32), np.empty(span * 24, np.float32)
    fold_hours(values, row_offsets, day_numbers, (0, len(days)), hourly, wobble)
    plain_hourly, plain_wobble = plain_load.fold_hours(days, curves)
    np.testing.assert_allclose(hourly, plain_hourly, rtol=1e-5)
    np.testing.assert_allclose(wobble, plain_wobble, rtol=1e-3, atol=1e-6 * np.nanmax(hourly))
    first, last = known_days(hourly)
    assert (first, last * 24 - first * 24) == (
        plain_load.trimmed(plain_hourly, plain_wobble)[0],
        len(plain_load.trimmed(plain_hourly, plain_wobble)[1]),
    )


@given(SEEDS)
@settings(max_examples=25)
def test_features_are_those_of_the_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    customers = [random_customer(rng) for _ in range(3)]
    features = load_features(*ragged(customers))
    assert features.shape == (3, len(FEATURES))
    for (days, curves), row in zip(customers, features, strict=True):
        first, hourly, wobble = plain_load.trimmed(*plain_load.fold_hours(days, curves))
        expected = plain_load.curve_features(hourly, wobble, days[0] + first)
        for name, value in expected.items():
            atol = {"flat_share": 0.05, "flat_run_share": 0.2}.get(name, 2e-5)
            assert row[Feature[name]] == pytest.approx(value, rel=1e-3, abs=atol, nan_ok=True), name
        for name, (low, high) in plain_load.quantile_bounds(hourly).items():
            assert low * (1 - BIN) <= row[Feature[name]] <= high * (1 + BIN) + 1e-30, name


@given(SEEDS, st.integers(0, 400))
@settings(max_examples=30)
def test_mode_holds_what_it_says(seed: int, flat: int) -> None:
    rng = np.random.default_rng(seed)
    hourly = rng.gamma(2, 1, 480).astype(np.float32)
    hourly[:flat] = np.float32(1.7)
    row = load_features(hourly, np.arange(0, 481, 24), np.arange(20, dtype=np.int32), np.array([0, 20]))[0]
    assert row[Feature.mode_share] >= flat / 480
    mode = row[Feature.mode_ratio] * row[Feature.mean_kw]
    near = np.mean(np.abs(hourly / mode - 1) < 0.05)
    assert row[Feature.mode_share] <= near + 1e-9


def test_a_customer_without_use_or_readings_has_no_ratios() -> None:
    values = np.concatenate((np.zeros(48), np.full(48, np.nan))).astype(np.float32)
    rows = load_features(
        values, np.arange(0, 97, 24), np.array([0, 1, 0, 1], np.int32), np.array([0, 2, 4, 4])
    )
    assert rows[0][Feature.mean_kw] == 0
    assert np.isnan(rows[:, Feature.q50_ratio]).all()
    assert rows[1][Feature.days] == 0
    assert np.isnan(rows[2]).all()


@given(SEEDS, st.sampled_from([(24, 0.25), (6, 0.34)]))
@settings(max_examples=40)
def test_floors_are_those_of_the_twin(seed: int, kind: tuple[int, float]) -> None:
    rng = np.random.default_rng(seed)
    hourly = rng.gamma(1, 1, 24 * 12).astype(np.float32)
    hourly[rng.random(hourly.size) < 0.3] = np.nan
    found = np.empty(12)
    floors(hourly, kind[0], kind[1], found)
    np.testing.assert_array_equal(found, plain_load.floors(hourly, *kind))


@given(SEEDS, st.integers(4, 14), st.integers(0, 13), st.integers(1, 14))
@settings(max_examples=60)
def test_pulse_is_the_best_of_all(seed: int, days: int, first: int, length: int) -> None:
    rng = np.random.default_rng(seed)
    series = np.round(rng.normal(0, 1, days), 2)
    series[rng.random(days) < 0.1] = np.nan
    period = (min(first, days - 1), min(first, days - 1) + length)
    begin, end, gain = best_pulse(series, period)
    best, total = plain_load.best_pulse(series, period, SHORTEST_DAYS)
    assert gain == pytest.approx(best / total if total > 0 else 0, abs=1e-9)
    assert begin < period[1]
    assert end > period[0]


@given(SEEDS)
@settings(max_examples=30)
def test_running_median_keeps_edges_and_drops_spikes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    series = np.repeat([1.0, 4.0], 20)
    spiked = series.copy()
    spiked[rng.choice((8, 9, 10, 28, 29, 30), 2, replace=False)] = 50
    np.testing.assert_array_equal(running_median(spiked), series)


@given(SEEDS, st.floats(0.5, 20), st.integers(5, 50))
@settings(max_examples=40)
def test_an_injected_block_is_found_sized_and_dated(seed: int, block_kw: float, onset_day: int) -> None:
    """On a home-like curve a block from one noon on is found to the hour and to 10 %."""
    rng = np.random.default_rng(seed)
    hour = np.arange(60 * 24)
    hourly = 0.2 + 0.5 * (hour % 24 > 17) * rng.random(hour.size) + rng.gamma(1, 0.03, hour.size)
    onset_hour = onset_day * 24 + 12
    hourly[onset_hour:] += block_kw
    found = np.empty(len(Block))
    find_block(hourly.astype(np.float32), (53, 60), found)
    assert abs(found[Block.onset_hour] - onset_hour) <= 8
    assert np.isnan(found[Block.end_hour])
    assert found[Block.step_kw] == pytest.approx(block_kw, rel=0.1)
    assert found[Block.uplift_kw] == pytest.approx(block_kw, abs=0.1)


def test_a_block_that_ended_and_one_at_night() -> None:
    hour = np.arange(60 * 24)
    quiet = np.full(hour.size, 0.3) + 0.1 * (hour % 24 > 8)
    ended = quiet + 3.0 * ((hour >= 240) & (hour < 960))
    night = quiet + 3.0 * ((hour >= 480) & (hour % 24 < 7))
    found = np.empty(len(Block))
    find_block(ended.astype(np.float32), (0, 60), found)
    assert found[Block.onset_hour] == 240
    assert found[Block.end_hour] == 960
    find_block(night.astype(np.float32), (53, 60), found)
    assert found[Block.night] == 1
    assert found[Block.step_kw] == pytest.approx(3.0, rel=0.01)
    assert found[Block.onset_hour] == 480


def test_a_flat_curve_and_a_drifting_one_have_no_onset() -> None:
    found = np.empty(len(Block))
    for curve in (np.full(1440, 5.0), 5 + np.arange(1440) / 1440):
        find_block(curve.astype(np.float32), (0, 60), found)
        assert np.isnan(found[Block.onset_hour])
        assert found[Block.level_kw] == pytest.approx(5, rel=0.2)


def test_coverage_tells_what_there_is() -> None:
    values = np.full(24 * 40, 2.0, np.float32)
    values[: 24 * 5] = np.nan
    values[24 * 20 : 24 * 20 + 12] = np.nan
    offsets, days = np.arange(0, 24 * 41, 24), np.arange(100, 140, dtype=np.int32)
    given = Ragged(values, offsets, days, np.array([0, 40]))
    judged = load_blocks(given, NO_METERS, no_world(1), (120, 127))
    row = judged.coverage[0]
    assert row[Coverage.first_day] == 105
    assert row[Coverage.span_days] == 35
    assert row[Coverage.known_hours] == 35 * 24 - 12
    assert row[Coverage.period_hours] == 7 * 24 - 12
    assert row[Coverage.total_kw] == pytest.approx(2.0 * (35 * 24 - 12))
    outside = load_blocks(given, NO_METERS, no_world(1), (300, 307))
    assert np.isnan(outside.block).all()
    assert outside.coverage[0][Coverage.period_hours] == 0
