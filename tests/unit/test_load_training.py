"""Examples for the load model: injected mines, master meters, windows, lean models."""

from datetime import date

import lightgbm
import numpy as np
import pytest
from benchmarks.registry import Job, entries, register
from benchmarks.timing import in_turns

from minewatch.detect.load.model import Scores
from minewatch.detect.load.vectors import CONTEXT_VECTOR, VECTOR
from minewatch.kernels.power.load_features import Feature
from minewatch.runs.training.backgrounds import Background, grouped, of_half
from minewatch.runs.training.load_examples import (
    MINING,
    Examples,
    Sample,
    Views,
    Window,
    read_once_a_day,
    real_examples,
    window_examples,
)
from minewatch.runs.training.load_figures import evaluate, roc_auc
from minewatch.runs.training.load_fit import lean, without_any_context
from minewatch.runs.training.load_injection import injected
from minewatch.runs.training.master_meters import with_master_meters
from minewatch.runs.training.meter_lists import Curve, curves_by_customer
from minewatch.runs.training.real_counties import RealSample
from minewatch.runs.training.train import TrainingPlan
from minewatch.sim.assembly import partition
from minewatch.sim.county import CountyPlan, SimulatedPartition

PLAN = CountyPlan(seed=5, customers=60, days=30, start_on=date(2025, 6, 1), mix="training")
FIRST = (PLAN.start_on - date(1970, 1, 1)).days
WINDOW = Window((FIRST, FIRST + 30), (FIRST + 23, FIRST + 30))


@pytest.fixture(scope="module")
def county() -> SimulatedPartition:
    return partition(PLAN, 0)


def kw(county: SimulatedPartition, table: str = "interval_readings") -> dict[str, np.ndarray]:
    rows = county.tables.get(table, county.truth.get(table))
    found: dict[str, list[float]] = {}
    for name, curve in zip(rows["usage_point_id"].to_pylist(), rows["kw"].to_pylist(), strict=True):
        found.setdefault(name, []).extend(np.nan if value is None else value for value in curve)
    return {name: np.array(values) for name, values in found.items()}


def test_an_injected_mine_is_what_the_truth_says(county: SimulatedPartition) -> None:
    mined = injected(county, PLAN, 0.5, 1)
    before, after, mine = kw(county), kw(mined), kw(mined, "truth_mining")
    assert before.keys() == after.keys()
    assert 10 < len(mine) < 50
    contracts = {
        row["usage_point_id"]: row["contract_kva"] for row in mined.tables["usage_points"].to_pylist()
    }
    for name, curve in after.items():
        np.testing.assert_allclose(curve, before[name] + mine.get(name, 0), rtol=1e-4, atol=1e-3)
        assert name not in mine or contracts[name] > np.nanmax(curve)
    told = mined.truth["truth_usage_points"].to_pylist()
    assert all(row["mine_kind"] and row["metered"] for row in told)
    assert {row["usage_point_id"] for row in told} == mine.keys()


def test_a_mine_shows_in_all_columns(county: SimulatedPartition) -> None:
    mined = injected(county, PLAN, 1.0, 1)
    before, after, mine = (
        curves_by_customer(county.tables["interval_readings"]),
        curves_by_customer(mined.tables["interval_readings"]),
        kw(mined, "truth_mining"),
    )
    seen = 0
    for name, added in mine.items():
        one, other = Curve.of(before[name]), Curve.of(after[name])
        assert (one.kvar is None, one.current_a is None) == (other.kvar is None, other.current_a is None)
        if one.current_a is None or one.kvar is None:
            continue
        rise_kva = 0.22 * (other.current_a - one.current_a).sum(axis=0)
        on = added > 0.5 * added.max()
        assert 0.5 < np.nanmedian(rise_kva[on] / added[on]) < 1.1
        assert np.nanmedian((other.kvar - one.kvar)[on] / added[on]) < 0.3
        seen += 1
    assert seen > 5


def test_master_meters_sum_their_customers(county: SimulatedPartition) -> None:
    wide = with_master_meters(county, 0.5, 2)
    curves = curves_by_customer(wide.tables["interval_readings"])
    masters = [name for name in curves if name.startswith("M")]
    innocent = [row for row in county.truth["truth_usage_points"].to_pylist() if row["mine_kind"] is None]
    assert len(masters) == round(0.5 * len(innocent))
    assert all(curves[name].num_rows == PLAN.days for name in masters)
    known = {row["usage_point_id"] for row in wide.truth["truth_usage_points"].to_pylist()}
    assert set(masters) < known
    assert with_master_meters(county, 0.0, 2) is county


def test_examples_are_labelled_and_can_be_stripped(county: SimulatedPartition) -> None:
    examples = window_examples(injected(county, PLAN, 1.0, 3), WINDOW, PLAN.seed, {})
    assert examples.is_mine.all()
    assert set(np.unique(examples.kind)) == {MINING}
    assert np.isfinite(examples.mine_kw).all()
    known = np.isfinite(examples.block_kw) & (examples.mine_kw > 3 * examples.rest_kw)
    assert np.median(np.abs(examples.block_kw / examples.mine_kw - 1)[known]) < 0.2
    bare = without_any_context(examples, np.random.default_rng(0))
    assert np.isnan(bare.matrix[:, -len(CONTEXT_VECTOR) :]).all()
    assert np.isfinite(examples.matrix[:, -len(CONTEXT_VECTOR)]).any()
    assert (bare.matrix[:, Feature.mean_kw] != examples.matrix[:, Feature.mean_kw]).any()


def test_samples_share_no_seed() -> None:
    plan = TrainingPlan(customers=2000)
    seeds = [
        county.seed for samples in plan.samples.values() for sample in samples for county in sample.plans()
    ]
    other = [each.seed for each in Sample(17, 2000, "county", 0.2).plans()]
    assert len(set(seeds)) == len(seeds)
    assert not set(seeds) & set(other)


def series(name: str, seed: int, days: int = 70, like: Background | None = None) -> Background:
    rng = np.random.default_rng(seed)
    kw = rng.gamma(4, 0.1, (days, 96)) * np.repeat(rng.gamma(9, 0.1, (days, 24)), 4, axis=1)
    kw = kw if like is None else 3 * like.kw + 0.02 * kw
    return Background(name, 19_000, kw.astype(np.float32), "shop")


def test_series_that_tell_the_same_story_stand_on_one_side() -> None:
    first = series("b", 1)
    known = grouped([series("c", 2), first, series("a", 3, like=first)])
    assert [(each.name, each.group) for each in known] == [("a", "a"), ("b", "a"), ("c", "c")]
    halves = [{each.name for each in of_half(known, half)} for half in ("training", "evaluation")]
    assert halves[0] | halves[1] == {"a", "b", "c"}
    assert not halves[0] & halves[1]
    assert any({"a", "b"} <= half for half in halves)


def test_real_series_become_customers_with_and_without_mines() -> None:
    (county,) = RealSample(9, 10, (60,), county_customers=10).counties(grouped([series("a", 1)]))
    examples = real_examples(county, Views(1, 1.0))
    assert set(examples.series) == {"", "a"}  # master meters are of several series
    assert set(examples.kind) == {"shop", MINING}
    assert 0.25 < examples.is_mine.mean() < 0.6
    again = real_examples(county, Views(1, 1.0))
    np.testing.assert_array_equal(examples.matrix, again.matrix)


def test_meters_read_once_a_day_keep_their_energy(county: SimulatedPartition) -> None:
    daily = read_once_a_day(county).tables["daily_readings"]
    name = daily["usage_point_id"][0].as_py()
    total = sum(row["energy_kwh"] for row in daily.to_pylist() if row["usage_point_id"] == name)
    known = kw(county)[name].reshape(-1, 96)
    assert total == pytest.approx(0.25 * known[np.isfinite(known).all(axis=1)].sum(), rel=1e-5)


def test_a_lean_model_predicts_the_same_bits() -> None:
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(400, len(VECTOR)))
    matrix[rng.random(matrix.shape) < 0.1] = np.nan
    target = (np.nan_to_num(matrix[:, 0]) + rng.normal(size=400) > 0).astype(float)
    data = lightgbm.Dataset(matrix, target, feature_name=list(VECTOR), params={"verbosity": -1})
    whole = lightgbm.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, 10)
    text = lean(whole.model_to_string())
    assert len(text) < 0.8 * len(whole.model_to_string())
    again = lightgbm.Booster(model_str=text)
    np.testing.assert_array_equal(again.predict(matrix), whole.predict(matrix))


def test_figures_tell_alarms_by_class_and_change() -> None:
    """A model that knows the truth has no false alarm but on those whose heating changed."""
    number = 400
    mine = np.arange(number) % 2 == 0
    changes = np.where(np.arange(number) % 40 == 1, "heat_pump", "")
    score = np.where(mine | (changes != ""), 1.0, -1.0) + np.linspace(0, 0.1, number)
    nobody = np.full(number, np.nan)
    examples = Examples(
        matrix=np.column_stack([score, np.full((number, len(VECTOR) - 1), 0.25)]),
        kind=np.where(mine, MINING, np.where(np.arange(number) % 4 == 1, "shop", "household")),
        host=np.full(number, "shop"),
        group=np.arange(number),
        series=np.full(number, ""),
        changes=changes,
        mine_kind=np.where(mine, "home", ""),
        mine_kw=np.where(mine, 2.0, nobody),
        rest_kw=np.ones(number),
        block_kw=np.full(number, 2.0),
        true_onset_hour=np.where(np.arange(number) % 4 == 0, 240.0, nobody),
        found_onset_hour=np.where(np.arange(number) % 4 == 0, 264.0, nobody),
    )
    figures = evaluate(Knowing(), examples)  # type: ignore[arg-type]
    assert figures["changes"] == {
        "heat_pump": {"innocents": 10, "alarms": pytest.approx(0.8, abs=0.2), "steps": 0}
    }
    assert figures["false_alarms"]["household"] == 0
    assert 0 < figures["false_alarms"]["shop"] <= 0.1
    assert 0.95 < figures["roc_auc_from_1x"] < 1
    assert (figures["onset_median_error_days"], figures["onset_found"], figures["onset_false"]) == (1, 1, 0)
    assert figures["power_median_error"] == pytest.approx(0.05)
    low, high = figures["intervals"]["roc_auc"]
    assert low < figures["roc_auc"] < high


class Knowing:
    """Gives the first input as the ratio, and 5 % too much power."""

    def scores(self, matrix: np.ndarray) -> Scores:
        ratios = np.tile([0.9, 1.05, 1.2], (len(matrix), 1))
        return Scores(matrix[:, 0], np.zeros(len(matrix), np.intp), np.ones((len(matrix), 1)), ratios)


def test_area_under_the_curve_counts_ties_half() -> None:
    score, mine = np.array([0.0, 1.0, 1.0, 2.0]), np.array([False, False, True, True])
    assert roc_auc(score, mine, mine) == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    assert roc_auc(score, mine, ~mine) is None


def test_benchmarks_are_registered_once_and_timed_in_turns() -> None:
    known = entries()
    assert {"load_features", "load_evidence"} <= set(known)
    job = known["load_features"]
    assert isinstance(job, Job)
    assert (job.bar, job.peak_bar_mb) == (4.0, 1500)
    with pytest.raises(ValueError, match="two benchmarks"):
        register(job)
    calls: list[str] = []
    in_turns(lambda _: calls.append("job"), lambda _: calls.append("floor"), None)
    assert calls[:4] == ["job", "floor", "job", "floor"]
