"""What surrounds a block, against slow twins: steadiness, edges, calendar, weather, prices, electricity."""

import numpy as np
import plain_blocks
import plain_load
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minewatch.detect.load.archive import _median_of_others
from minewatch.kernels.power.blocks import Block, dark_days, find_block, hide_outages, opened
from minewatch.kernels.power.changes import Change, change, edge_of, vacant
from minewatch.kernels.power.electrical import (
    Electric,
    Quantity,
    fold_phase,
    near_floor,
    phases,
    reactive,
    voltage,
)
from minewatch.kernels.power.load_features import histogram_bins, quantile
from minewatch.kernels.power.responses import (
    FESTIVAL_REACH,
    Response,
    calendar_responses,
    price_responses,
    temperature_fit,
)
from minewatch.kernels.power.steadiness import Steadiness, calm_steps, commonest, floor_of, steadiness

SEEDS = st.integers(0, 2**32 - 1)
SETTINGS = settings(max_examples=25, deadline=None)


def curve(rng: np.random.Generator, days: int) -> np.ndarray:
    """A floor with appliances, a rhythm and missing hours."""
    hour = np.arange(days * 24)
    kw = rng.uniform(0.2, 3) + 0.3 * rng.gamma(0.5, 1, hour.size) + 0.2 * np.sin(hour * np.pi / 12)
    kw += 2.0 * (rng.random(hour.size) < 0.05) * rng.random()
    kw[rng.random(hour.size) < 0.02] *= rng.random()
    kw[rng.random(hour.size) < rng.choice((0, 0.03))] = np.nan
    return np.maximum(kw, 0).astype(np.float32)


def counts() -> np.ndarray:
    return np.zeros(histogram_bins(), np.int32)


def numbers(kind: type, values: np.ndarray) -> dict[str, float]:
    return {item.name: values[item] for item in kind}


@given(SEEDS, st.integers(10, 110), st.booleans())
@SETTINGS
def test_steadiness_is_that_of_the_twin(seed: int, days: int, night: bool) -> None:
    rng = np.random.default_rng(seed)
    hourly = curve(rng, days)
    wobble = (0.05 * rng.random(hourly.size)).astype(np.float32)
    floor, steady, scratch = floor_of(hourly, night), np.full(len(Steadiness), np.nan), counts()
    steadiness((hourly, wobble, floor), night, scratch, steady)
    found = numbers(Steadiness, steady)
    for name, value in plain_blocks.steadiness(hourly, night).items():
        assert found[name] == pytest.approx(value, rel=1e-5, nan_ok=True), name
    depths = plain_blocks.dips(hourly, floor)
    known = np.isfinite(hourly) & np.repeat(floor > 0, 24)
    assert found["dip_rate"] * known.sum() / 720 == pytest.approx(len(depths), abs=1e-6)
    if depths:
        assert found["dip_depth"] == pytest.approx(np.median(depths), rel=1e-4)
    calm = found["calm_wobble"] * np.nanmedian(floor)
    low, high = (np.quantile(wobble, 0.1, method=method) for method in ("lower", "higher"))
    assert low * 0.984 <= calm <= high * 1.016
    assert not scratch.any()


@given(SEEDS)
@SETTINGS
def test_steps_between_calm_hours_are_those_of_the_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    levels = 5 + 1.7 * rng.integers(0, 4, 40) * (1 + 0.01 * rng.normal(size=40))
    hourly = np.repeat(levels, rng.integers(2, 12, 40)) + 0.05 * rng.normal(size=1)
    hourly = (hourly + 0.1 * rng.normal(size=hourly.size)).astype(np.float32)
    hourly[rng.random(hourly.size) < 0.02] = np.nan
    sizes = calm_steps(hourly, 0.2)
    np.testing.assert_allclose(sizes, plain_blocks.calm_steps(hourly, 0.2), rtol=1e-4)
    size_kw, most = commonest(sizes)
    assert most == plain_blocks.most_alike(sizes.tolist())
    assert most == 0 or sizes.min() <= size_kw <= sizes.max()


def test_machines_of_one_kind_leave_steps_of_one_size() -> None:
    """Ten machines of 3.25 kW that fail and come back one at a time."""
    rng = np.random.default_rng(8)
    running = 10 - (rng.random((10, 60)) < 0.1).sum(axis=0)
    hourly = (3.25 * np.repeat(running, 24) * (1 + 0.001 * rng.normal(size=1440))).astype(np.float32)
    steady = np.full(len(Steadiness), np.nan)
    steadiness((hourly, hourly * np.nan, floor_of(hourly, False)), False, counts(), steady)
    assert steady[Steadiness.step_size_kw] == pytest.approx(3.25, rel=0.03)
    assert steady[Steadiness.step_equal_share] > 0.4


@given(SEEDS, st.integers(12, 40))
@SETTINGS
def test_the_edge_is_described_as_by_the_twin(seed: int, onset: int) -> None:
    rng = np.random.default_rng(seed)
    hourly = curve(rng, 60)
    hourly[onset * 24 :] += np.float32(2.5)
    edge, changed = edge_of((onset, 60), 60), np.full(len(Change), np.nan)
    change(hourly, edge, 2.5, changed)
    outside, inside = hourly[: (onset - 1) * 24], hourly[(onset + 1) * 24 :]
    expected = plain_blocks.change(outside.astype(float), inside.astype(float), 2.5)
    found = numbers(Change, changed)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=2e-3, abs=2e-4, nan_ok=True), name
    assert found["vacant_share"] == 0
    assert found["envelope_uplift"] == pytest.approx(1, abs=0.3)


def test_a_constant_is_told_from_a_factor_and_from_a_new_life() -> None:
    rng = np.random.default_rng(2)
    hour = np.arange(60 * 24)
    before = (1 + np.sin(hour[: 30 * 24] * np.pi / 12) + 0.1 * rng.random(30 * 24)).astype(np.float32)
    edge = edge_of((30, 60), 60)
    shares, courses = [], []
    for after in (before + 3, 4 * before, 4 + 3 * np.roll(before, 9)):
        changed = np.full(len(Change), np.nan)
        change(np.concatenate((before, after)).astype(np.float32), edge, 3.0, changed)
        shares.append(changed[Change.additive_share])
        courses.append(changed[Change.profile_correlation])
    assert shares[0] > 0.95
    assert shares[1] < 0.05
    assert courses[0] > 0.99
    assert courses[2] < 0.3


def test_an_edge_needs_days_on_both_sides() -> None:
    assert edge_of((0, 60), 60).inside == (0, 0)
    assert edge_of((3, 60), 60).inside == (0, 0)
    assert edge_of((30, 60), 60) == ((0, 29), (31, 60))
    assert edge_of((0, 30), 60) == ((31, 60), (0, 29))
    assert vacant(np.repeat([0, 5, np.nan], 24).astype(np.float32), 1.0) == 0.5


@given(SEEDS, st.integers(30, 120))
@SETTINGS
def test_calendar_ratios_are_those_of_the_twin(seed: int, days: int) -> None:
    rng = np.random.default_rng(seed)
    means, floor = rng.gamma(4, 1, days), rng.gamma(2, 1, days)
    means[rng.random(days) < 0.05] = np.nan
    kinds = (rng.random(days) < 0.3).astype(np.int8)
    feast = int(rng.integers(0, days - 8))
    kinds[feast : feast + 8] = 2
    response = np.full(len(Response), np.nan)
    calendar_responses(means, floor, kinds, response)
    place = np.arange(days)
    beside = (place >= feast - FESTIVAL_REACH) & (place < feast + 8 + FESTIVAL_REACH) & (kinds != 2)
    expected = [
        plain_blocks.ratio(series, *groups)
        for groups in ((kinds == 1, kinds == 0), (kinds == 2, beside))
        for series in (means, floor)
    ]
    np.testing.assert_allclose(response[:4], expected)


@given(SEEDS, st.integers(20, 200))
@SETTINGS
def test_slopes_over_temperature_are_least_squares(seed: int, days: int) -> None:
    rng = np.random.default_rng(seed)
    temperature = rng.uniform(-5, 35, days).astype(np.float32)
    series = 3 + 0.1 * np.maximum(temperature - 18, 0) + 0.05 * rng.normal(size=days)
    series[rng.random(days) < 0.1] = np.nan
    cooling, heating, share = temperature_fit(series, temperature)
    slopes, expected = plain_blocks.temperature_fit(series, temperature)
    np.testing.assert_allclose((cooling, heating, share), (*slopes, expected), rtol=1e-3, atol=1e-5)


@given(SEEDS)
@SETTINGS
def test_prices_and_hours_off_are_those_of_the_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hourly, price = curve(rng, 12), np.round(rng.normal(0.3, 0.2, 12 * 24), 1).astype(np.float32)
    price[rng.random(price.size) < 0.03] = np.nan
    response, half = np.full(len(Response), np.nan), float(np.nanmedian(hourly))
    price_responses(hourly, price, half, counts(), response)
    rank, correlation = response[Response.price_off_rank], response[Response.price_correlation]
    assert rank == pytest.approx(plain_blocks.off_rank(hourly, price, half), nan_ok=True)
    assert correlation == pytest.approx(
        plain_blocks.within_day_correlation(hourly.astype(float), price.astype(float)), abs=1e-4
    )


def test_a_load_that_flees_dear_hours_shows() -> None:
    rng = np.random.default_rng(4)
    price = rng.gamma(4, 0.1, 30 * 24).astype(np.float32)
    hourly = np.where(price > np.quantile(price, 0.85), 0.1, 5.0).astype(np.float32)
    response = np.full(len(Response), np.nan)
    price_responses(hourly, price, 2.5, counts(), response)
    assert response[Response.price_off_rank] == 1
    assert response[Response.dear_off_share] > 0.95
    assert response[Response.cheap_off_share] == 0
    assert response[Response.price_correlation] < -0.5


@given(SEEDS, st.sampled_from((24, 48, 96)), st.sampled_from((1, 3)))
@SETTINGS
def test_phases_fold_like_the_twin(seed: int, per_day: int, of: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [rng.normal(size=per_day * of * rng.integers(0, 2)).astype(np.float32) for _ in range(6)]
    for row in rows:
        row[rng.random(row.size) < 0.3] = np.nan
    offsets = np.concatenate(([0], np.cumsum([row.size for row in rows]))).astype(np.int64)
    quantity = Quantity(np.concatenate(rows), offsets)
    hourly = np.empty(6 * 24, np.float32)
    for phase in range(of):
        any_there = fold_phase(quantity, np.arange(6, dtype=np.int32), (0, 6), (phase, of), hourly)
        expected = plain_blocks.fold_phase(rows, phase, of)
        np.testing.assert_allclose(hourly, expected, rtol=1e-4, atol=1e-5)
        assert any_there == np.isfinite(expected).any()


def test_a_block_of_power_supplies_on_one_phase_shows_in_kvar_and_currents() -> None:
    rng = np.random.default_rng(5)
    rest = curve(rng, 40)
    rest[np.isnan(rest)] = 1.0
    block = np.repeat([0.0, 6.0], 20 * 24).astype(np.float32)
    kw, kvar = rest + block, (0.6 * rest + 0.1 * block).astype(np.float32)
    currents = np.stack([rest / 3 + block, rest / 3, rest / 3]) / np.float32(0.22)
    electric, edge = np.full(len(Electric), np.nan), edge_of((20, 40), 40)
    near = near_floor(kw, floor_of(kw, False))
    reactive(kw, kvar, near, (20, 40), electric)
    phases(currents, near, (20, 40), edge, electric)
    floor_ratio = (kvar[20 * 24 :] / kw[20 * 24 :])[near[20 * 24 :]]
    assert electric[Electric.floor_tangent] == pytest.approx(np.median(floor_ratio), rel=1e-5)
    assert electric[Electric.tangent] == pytest.approx(kvar[480:].sum() / kw[480:].sum(), rel=1e-4)
    assert electric[Electric.block_phase_share] > 0.9
    mean = currents[:, 480:].mean(axis=1)
    assert electric[Electric.imbalance] == pytest.approx(mean.max() / mean.mean() - 1, rel=1e-4)
    volts = (231 - 0.8 * kw).astype(np.float32)
    voltage(kw, volts, electric)
    assert electric[Electric.voltage_ratio] == pytest.approx(np.median(volts) / 220, rel=1e-5)
    assert electric[Electric.voltage_slope] == pytest.approx(plain_blocks.voltage_slope(kw, volts), rel=1e-2)


@given(SEEDS, st.integers(1, 40))
@SETTINGS
def test_opening_is_that_of_the_twin_and_keeps_edges(seed: int, days: int) -> None:
    rng = np.random.default_rng(seed)
    series = rng.gamma(2, 1, days)
    series[rng.random(days) < 0.2] = np.nan
    np.testing.assert_allclose(opened(series), plain_blocks.opened(series))
    pulse = np.repeat([1.0, 4.0, 1.0], (20, 9, 20))
    np.testing.assert_array_equal(opened(pulse), pulse)


@given(SEEDS, st.integers(2, 9), st.integers(1, 3))
@SETTINGS
def test_medians_of_the_others_are_those_of_the_twin(seed: int, number: int, width: int) -> None:
    values = np.round(np.random.default_rng(seed).gamma(2, 1, (number, width)), 1)
    np.testing.assert_allclose(_median_of_others(values), plain_blocks.medians_of_others(values))


@given(SEEDS, st.floats(0, 1))
@SETTINGS
def test_histogram_quantiles_are_near(seed: int, share: float) -> None:
    values = np.random.default_rng(seed).gamma(1, 1, 500).astype(np.float32)
    low, high = (np.quantile(values, share, method=method) for method in ("lower", "higher"))
    assert low * 0.984 <= quantile(values, share, counts()) <= high * 1.016


def block_of(kw: np.ndarray, period: tuple[int, int]) -> np.ndarray:
    found = np.full(len(Block), np.nan)
    find_block(kw.astype(np.float32), period, found)
    return found


def test_to_come_back_from_an_outage_is_no_onset() -> None:
    rng = np.random.default_rng(6)
    kw = 5 + 0.1 * rng.random(60 * 24)
    kw[20 * 24 : 34 * 24] = 0
    found = block_of(kw, (53, 60))
    assert np.isnan(found[[Block.onset_hour, Block.step_kw]]).all()
    assert found[Block.level_kw] == pytest.approx(5.05, rel=0.02)
    # A shop that was empty before a farm moved in did begin.
    kw[: 20 * 24] = 0.5 + 0.3 * rng.random(20 * 24)
    found = block_of(kw, (53, 60))
    assert found[Block.onset_hour] == 34 * 24
    dark = dark_days(kw.astype(np.float32))
    assert dark[20:34].all()
    assert not dark[:20].any()
    series = np.repeat([5.0, 0.0, 5.0], (20, 14, 26))
    hide_outages(series, dark)
    assert np.isnan(series[20:34]).all()


def test_a_block_under_occupants_who_vary_is_found() -> None:
    """Servers compute on three days in five at nine times their rest at most; 2 kW come on day 40."""
    rng = np.random.default_rng(7)
    busy = np.repeat(rng.random(90) < 0.6, 24)
    kw = 0.5 + busy * rng.uniform(1, 4, 90 * 24) + 0.02 * rng.random(90 * 24)
    kw[40 * 24 + 12 :] += 2.0
    found = block_of(kw, (60, 90))
    assert found[Block.step_kw] == pytest.approx(2.0, rel=0.15)
    assert abs(found[Block.onset_hour] - (40 * 24 + 12)) <= 7 * 24


def test_a_second_block_and_the_hours_on_in_the_period_are_told() -> None:
    hour = np.arange(100 * 24)
    kw = 1 + 8.0 * (hour >= 30 * 24) + 4.0 * ((hour >= 60 * 24) & (hour < 80 * 24)) + 0.01 * (hour % 24)
    found = block_of(kw, (93, 100))
    assert found[Block.begin_day] == 30
    assert found[[Block.other_begin_day, Block.other_end_day]].tolist() == [60, 80]
    assert found[Block.other_step_kw] == pytest.approx(4, rel=0.05)
    assert found[Block.period_on_hours] == 7 * 24
    kw[50 * 24 : 56 * 24] = 1
    assert block_of(kw, (93, 100))[Block.pause_days] == 6


def test_floors_of_the_twin() -> None:
    hourly = curve(np.random.default_rng(9), 20)
    np.testing.assert_array_equal(floor_of(hourly, True), plain_load.floors(hourly, 6, 0.5))
