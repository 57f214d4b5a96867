"""Examples for the load model: injected mines, master meters, windows, lean models."""

from datetime import date

import lightgbm
import numpy as np
import pytest
from benchmarks.registry import Job, entries, register
from benchmarks.timing import in_turns

from minewatch.detect.load_vectors import CONTEXT_VECTOR, VECTOR
from minewatch.kernels.load_features import Feature
from minewatch.runs.load_evaluation import _auc
from minewatch.runs.load_examples import MINING, Sample, Window, window_examples
from minewatch.runs.load_injection import curves_by_customer, injected
from minewatch.runs.load_training import lean, without_any_context
from minewatch.runs.master_meters import with_master_meters
from minewatch.runs.train import TrainingPlan
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
    assert 10 < len(after) == len(mine) < 50
    contracts = {
        row["usage_point_id"]: row["contract_kva"] for row in mined.tables["usage_points"].to_pylist()
    }
    for name, curve in after.items():
        np.testing.assert_allclose(curve, before[name] + mine[name], rtol=1e-4, atol=1e-3)
        assert contracts[name] > np.nanmax(curve)
    told = mined.truth["truth_usage_points"].to_pylist()
    assert all(row["mine_kind"] and row["metered"] for row in told)


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
    examples = window_examples(injected(county, PLAN, 1.0, 3), WINDOW, PLAN.seed)
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


def test_area_under_the_curve_counts_ties_half() -> None:
    score, mine = np.array([0.0, 1.0, 1.0, 2.0]), np.array([False, False, True, True])
    assert _auc(score, mine, mine) == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    assert _auc(score, mine, ~mine) is None


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
