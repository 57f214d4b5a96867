"""How much hidden mining is found, on a small sample; the shipped figures and reference belong together."""

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from minewatch.detect.encrypted.model import shipped_version
from minewatch.detect.encrypted.talk import FEATURES
from minewatch.engines.local import LocalEngine
from minewatch.runs.training.encrypted_examples import CLASS_OF, DEVELOPMENT, EVALUATION
from minewatch.runs.training.encrypted_training import INNOCENTS, Task, rows_of
from minewatch.runs.training.encrypted_trials import WAYS, figures_of, trials
from minewatch.sim.wire.quiet_innocents import KINDS

FOLDER = Path(str(resources.files("minewatch.detect").joinpath("models", "encrypted")))
OTHER_SEED = 404


def test_a_small_sample_is_found_as_the_figures_say() -> None:
    figures = figures_of(trials(LocalEngine(1), OTHER_SEED, 30, 2))["block_times"]
    assert figures["seen"]["recall"] > 0.85
    assert figures["header"]["recall"] > 0.78
    assert figures["none"]["recall"] > 0.66
    assert [figures[way]["false_alarms"] for way in WAYS] == [0, 0, 0]


def test_the_shipped_figures_are_of_the_shipped_reference_and_reach_the_bars() -> None:
    figures = json.loads((FOLDER / "figures.json").read_text("utf-8"))
    assert (figures["reference"], figures["seed"]) == (shipped_version(), EVALUATION)
    assert EVALUATION != DEVELOPMENT
    assert figures["block_times"]["seen"]["recall"] >= 0.9
    assert figures["block_times"]["none"]["recall"] >= 0.7
    assert all(way["false_discoveries"] <= 0.05 for way in figures["block_times"].values())


def test_the_shipped_reference_can_be_made_again() -> None:
    stored = pq.read_table(FOLDER / "reference.parquet", use_threads=False)
    kinds = list(KINDS)
    first = [kind for kind in kinds if CLASS_OF[kind] == "tunnel"]
    assert first == ["vpn"]
    made = rows_of(DEVELOPMENT, Task("vpn", INNOCENTS, 0.05))
    own = stored.filter(np.asarray(stored["kind"].to_pylist()) == "tunnel")
    for name in FEATURES:
        assert np.array_equal(own[name].to_numpy(), made[name].to_numpy()), name
