"""``minewatch train`` makes the same files again, wherever the simulation ran."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from minewatch.detect.load.model import BOOSTERS, LoadModel
from minewatch.engines.local import LocalEngine
from minewatch.fuse.nulls import null_from_table
from minewatch.runs.training.backgrounds import EVALUATION, TRAINING, Background, grouped
from minewatch.runs.training.train import TrainingPlan, train, write_trained
from minewatch.sim.classes import CLASSES


def background(name: str, seed: int) -> Background:
    """A year of something rough with a day and a week."""
    rng = np.random.default_rng(seed)
    hour, day = np.arange(96) / 4, np.arange(370)[:, None]
    shape = 1.2 + np.sin(2 * np.pi * (hour - rng.uniform(0, 24)) / 24) * np.where(day % 7 < 5, 1, 0.4)
    return Background(name, 19_723, (shape * rng.gamma(20, 0.05, (370, 96))).astype(np.float32), "shop")


BACKGROUNDS = grouped(background(f"series {number}", number) for number in range(6))
PLAN = TrainingPlan(seed=3, customers=500, backgrounds=BACKGROUNDS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    made = []
    for workers in (1, 2):
        stages: list[str] = []
        trained = train(PLAN, LocalEngine(workers), lambda stage, *_, told=stages: told.append(stage))
        assert list(dict.fromkeys(stages)) == ["train", "calibrate", "evaluate", "fit"]
        made.append(tmp_path_factory.mktemp("trained"))
        write_trained(trained, made[-1])
    return made[0], made[1]


def test_the_same_plan_gives_the_same_bytes(folders: tuple[Path, Path]) -> None:
    first, second = ({p.relative_to(f): p.read_bytes() for p in f.rglob("*.*")} for f in folders)
    assert first == second
    assert len(first) == len(BOOSTERS) + 4


def test_the_files_are_a_model_and_its_calibration(folders: tuple[Path, Path]) -> None:
    load = folders[0] / "detect" / "models" / "load"
    texts = {name: (load / f"{name}.txt").read_text() for name in BOOSTERS}
    model = LoadModel(texts, json.loads((load / "model.json").read_text()))
    null = pq.read_table(folders[0] / "fuse" / "calibration" / "meter.parquet")
    assert set(null["class"].to_pylist()) <= set(CLASSES)  # so few customers hold not every class
    assert null_from_table(null).prevalence.sum() == pytest.approx(1)
    mines = pq.read_table(folders[0] / "fuse" / "calibration" / "meter_mining.parquet")
    assert mines.schema.metadata[b"model"].decode() == model.version
    figures = json.loads((load / "figures.json").read_text())
    assert figures["county, with archive"]["roc_auc"] > 0.9
    low, high = figures["county, with archive"]["intervals"]["roc_auc"]
    assert low <= figures["county, with archive"]["roc_auc"] <= high


def test_half_of_the_real_series_is_for_figures_alone(folders: tuple[Path, Path]) -> None:
    load = folders[0] / "detect" / "models" / "load"
    halves = {
        half: {each.group for each in BACKGROUNDS if each.half == half} for half in (TRAINING, EVALUATION)
    }
    assert all(halves.values())
    card = json.loads((load / "model.json").read_text())
    figures = json.loads((load / "figures.json").read_text())
    assert card["real_groups"] == len(halves[TRAINING])
    assert figures["real, curve alone"]["clusters"] == len(halves[EVALUATION])
