"""The calibration that ships belongs to the detectors that ship."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources

import numpy as np
import pyarrow.parquet as pq
import pytest

from minewatch.detect.load.model import shipped_version
from minewatch.fuse.families import FAMILY_OF
from minewatch.fuse.strength import shipped_calibration
from minewatch.runs.branches import BRANCHES
from minewatch.runs.manifest import Outcome, RunManifest, Version, manifest_from_row
from minewatch.runs.training.wire_null import HOSTS, wire_null
from minewatch.schema.periods import Period

FOLDER = resources.files("minewatch.fuse").joinpath("calibration")
START = datetime(2026, 5, 11, tzinfo=UTC)


def test_the_scores_of_mines_come_from_the_shipped_model() -> None:
    with resources.as_file(FOLDER.joinpath("meter_mining.parquet")) as path:
        metadata = pq.read_schema(path).metadata
    assert metadata[b"model"].decode() == shipped_version(), "run minewatch.runs.training.mining_scores"


def test_the_shipped_null_of_the_wire_is_that_of_the_training() -> None:
    with resources.as_file(FOLDER.joinpath("wire.parquet")) as path:
        assert pq.read_table(path)["score"].equals(wire_null()["score"]), (
            "run minewatch.runs.training.wire_null"
        )


@pytest.mark.parametrize("log10_lr", [0.0, 0.3, 1.0, 2.3, 3.8, 5.0])
def test_a_strength_of_s_is_reached_by_one_innocent_host_in_ten_to_the_s(log10_lr: float) -> None:
    null = shipped_calibration("wire").null
    bound = float(null.exceedance(np.array([log10_lr]))[0])
    assert bound == pytest.approx(10.0**-log10_lr, rel=0.03, abs=2 / HOSTS)


@pytest.mark.parametrize("family", sorted({FAMILY_OF[branch.kind] for branch in BRANCHES}))
def test_every_family_that_a_scan_judges_has_a_calibration(family: str) -> None:
    assert FOLDER.joinpath(f"{family}.parquet").is_file()


@pytest.mark.parametrize("family", sorted({FAMILY_OF[branch.kind] for branch in BRANCHES}))
def test_strength_rises_with_the_score(family: str) -> None:
    scores = np.linspace(-6, 6, 241)
    for placed in (True, False):
        strength = shipped_calibration(family).strength(scores, np.full(len(scores), placed))
        assert np.all(np.diff(strength) >= 0)
        assert math.isfinite(strength[-1])


def manifest() -> RunManifest:
    period = Period(START, START + timedelta(days=7))
    parameters = {"evidence": {"zone": "Asia/Shanghai", "history_days": 365}, "rate": 0.1, "prior": None}
    return RunManifest("scan", period, {"flows": Version(3, 10)}, parameters, ("pool_flow@1",))


def test_a_run_follows_from_inputs_parameters_software_and_models_alone() -> None:
    run = manifest()
    for change in (
        {"inputs": {"flows": Version(4, 10)}},
        {"parameters": {**run.parameters, "rate": 0.2}},
        {"steps": ("pool_flow@2",)},
        {"software": {**run.software, "numpy": "0"}},
        {"models": {**run.models, "fuse/calibration/wire.parquet": "0"}},
        {"period": Period(START, START + timedelta(days=8))},
    ):
        assert replace(run, **change).run_id != run.run_id  # type: ignore[arg-type]
    assert manifest().run_id == run.run_id


def test_evidence_is_shared_by_runs_that_differ_in_the_list_only() -> None:
    run = manifest()
    assert replace(run, parameters={**run.parameters, "rate": 0.2}).evidence_id == run.evidence_id
    assert replace(run, inputs={"flows": Version(4, 10)}).evidence_id != run.evidence_id


def test_a_manifest_comes_back_from_its_row() -> None:
    run = manifest()
    outcome = Outcome({"findings": Version(1, 2)}, "local", {"listed": 2}, START, START)
    back = manifest_from_row(run.as_row(outcome))
    assert back == run
    assert back.run_id == run.run_id
    assert run.differences(back) == {}
    assert list(run.differences(replace(back, steps=("x@1",)))) == ["steps"]


def test_the_manifest_names_code_and_models() -> None:
    run = manifest()
    assert {"minewatch", "code", "numpy", "splink", "lightgbm"} <= run.software.keys()
    assert {
        "attribute/linkage.json",
        "fuse/calibration/meter.parquet",
        "detect/pools/pools.csv",
    } <= run.models.keys()
    assert not any("reason_texts" in name for name in run.models)
