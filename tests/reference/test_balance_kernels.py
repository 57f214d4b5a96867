"""The balance kernels against their slow twins."""

import numpy as np
import plain_balance
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minewatch.kernels.power import balance

SEEDS = st.integers(0, 2**32 - 1)


def random_curves(rng: np.random.Generator) -> list[tuple[list[int], list[np.ndarray]]]:
    """Meters with missing days, days of 96, 48, 24 or 5 readings, gaps, and powers of both signs."""
    meters = []
    for _ in range(int(rng.integers(1, 4))):
        days = [int(day) for day in np.flatnonzero(rng.random(12) > 0.2) + 100]
        lengths = rng.choice((96, 48, 24, 5), len(days))
        curves = [rng.normal(0.5, 1, length).astype(np.float32) for length in lengths]
        for curve in curves:
            curve[rng.random(curve.size) < rng.choice((0, 0.3, 0.8))] = np.nan
        meters.append((days, curves))
    return meters


@given(SEEDS)
@settings(max_examples=30)
def test_hours_are_those_of_the_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    meters = random_curves(rng)
    rows = [curve for _, curves in meters for curve in curves]
    values = np.concatenate([np.zeros(0, np.float32), *rows])
    offsets = np.concatenate(([0], np.cumsum([len(row) for row in rows]))).astype(np.int64)
    days = np.array([day for days, _ in meters for day in days], np.int32)
    point_rows = np.concatenate(([0], np.cumsum([len(days) for days, _ in meters]))).astype(np.int64)
    edges = np.sort(rng.integers(100, 113, (len(meters), 2)), axis=1)
    spans = np.column_stack((edges[:, 0], edges)).astype(np.int64)
    hourly = np.empty((len(meters), 13 * 24), np.float32)
    balance.hourly_curves(values, offsets, days, point_rows, spans, hourly)
    for (days_of, curves), (first, last), row in zip(meters, edges, hourly, strict=True):
        expected = plain_balance.hourly(days_of, curves, first, last)
        np.testing.assert_allclose(row[: expected.size], expected, rtol=1e-5, atol=1e-6)
        assert np.isnan(row[expected.size :]).all()


@given(SEEDS)
@settings(max_examples=30)
def test_sums_and_guesses_are_those_of_the_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, hours = 5, 10 * 24
    hourly = rng.gamma(2, 1, (points, hours)).astype(np.float32)
    hourly[rng.random(hourly.shape) < 0.2] = np.nan
    hourly[int(rng.integers(points))] = np.nan
    groups = rng.integers(-1, 2, points).astype(np.int64)
    supplied = np.sort(rng.integers(0, hours + 1, (points, 2)), axis=1).astype(np.int64)
    floors = np.empty(points)
    metered, filled, variance = (np.zeros((2, hours)) for _ in range(3))
    balance.metered_sums(hourly, supplied, groups, (metered, filled, variance), floors)
    expected, guessed, spread = (np.zeros((2, hours)) for _ in range(3))
    for point in range(points):
        if np.isnan(hourly[point]).all():
            assert np.isnan(floors[point])
            continue
        assert floors[point] == pytest.approx(np.nanmin(plain_balance.mean_day(hourly[point])), rel=1e-5)
        if groups[point] >= 0:
            values, guesses = plain_balance.filled(hourly[point], *supplied[point], balance.MEMORY)
            expected[groups[point]] += values
            guessed[groups[point]] += guesses
            gaps = np.isnan(hourly[point]) & (np.arange(hours) >= supplied[point, 0])
            spread[groups[point]] += (gaps & (np.arange(hours) < supplied[point, 1])) * np.nanvar(
                hourly[point]
            )
    np.testing.assert_allclose(metered, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(filled, guessed, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(variance, spread, rtol=1e-4, atol=1e-6)


@given(SEEDS)
@settings(max_examples=30)
def test_presence_is_that_of_the_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hourly = rng.gamma(2, 1, (4, 200)).astype(np.float32)
    hourly[rng.random(hourly.shape) < 0.1] = np.nan
    hourly[3] = 1.0
    residual = rng.normal(0, 1, (2, 200)) - np.nan_to_num(hourly[0])
    residual[:, 20:30] = np.nan
    groups = np.array([0, 1, -1, 0])
    share, error = np.empty(4), np.empty(4)
    balance.presence(hourly, groups, residual, share, error)
    for point in (0, 1):
        expected = plain_balance.presence(hourly[point].astype(float), residual[groups[point]])
        assert (share[point], error[point]) == pytest.approx(expected, rel=1e-4)
    assert np.isnan(share[[2, 3]]).all()


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_fits_are_those_of_the_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hours = 24 * int(rng.integers(5, 130))
    columns = np.stack((np.ones(hours), rng.gamma(2, 1, hours), rng.normal(0, 1, hours)))
    target = rng.normal(0, 1, 3) @ columns + rng.standard_t(2, hours) + np.sin(np.arange(hours) / 300)
    doubt = np.where(rng.random(hours) < 0.1, np.nan, rng.choice((0.01, 1.0), hours))
    doubt[3::24] = np.nan
    prior = np.column_stack((rng.normal(0, 1, 3), rng.choice((0.01, 1.0, 100.0), 3)))
    residual, weights = np.empty(hours), np.empty(hours)
    coefficients, covariance, factor = balance.robust_fit(target, columns, doubt, prior, residual, weights)
    knobs = (balance.HUBER, balance.ROUNDS)
    expected, spread, clumping = plain_balance.robust_fit(target, columns, doubt, prior, knobs)
    np.testing.assert_allclose(coefficients, expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(covariance, spread, rtol=1e-6, atol=1e-10)
    assert factor == pytest.approx(clumping)
    np.testing.assert_array_equal(np.isnan(residual), np.isnan(doubt))


def test_a_prior_that_is_certain_stays_and_one_that_is_wide_gives_way() -> None:
    target = np.full(240, 5.0)
    columns, doubt = np.ones((2, 240)), np.full(240, 0.01)
    prior = np.array([[1.0, 1e-9], [0.0, 100.0]])
    residual, weights = np.empty(240), np.empty(240)
    coefficients, _, _ = balance.robust_fit(target, columns, doubt, prior, residual, weights)
    np.testing.assert_allclose(coefficients, (1.0, 4.0), atol=1e-6)
