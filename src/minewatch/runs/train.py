"""``minewatch train``: the load model and its calibration, from the simulator alone, in one run."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from minewatch.detect.load_model import BOOSTERS, LoadModel
from minewatch.engines.base import Engine
from minewatch.engines.failures import EngineError
from minewatch.runs.engine_of import engine_of
from minewatch.runs.load_evaluation import evaluate
from minewatch.runs.load_examples import Examples, Sample, gather, simulated_examples
from minewatch.runs.load_training import Fitted, fit
from minewatch.runs.mining_scores import mining_scores
from minewatch.sim.classes import shares

FAILURES = (EngineError,)
"""What a user can mend."""

Report = Callable[[str, int, int], None]
"""Told of progress as (stage, done, total)."""

_SHORT = (28, 28, 28, 60, 60, 60, 60, 60, 120, 365)


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that a model follows from. ``customers`` are simulated for training.

    As many again, and half as many, calibrate; a third evaluates. All have seeds of their own, so that no
    customer is used twice.
    """

    seed: int = 1
    customers: int = 40_000

    @property
    def samples(self) -> Mapping[str, tuple[Sample, ...]]:
        """Simulated samples by purpose; calibration has no mines and one window a customer."""
        seed, size = 10 * self.seed, self.customers
        return {
            "train": (
                Sample(seed + 1, round(0.65 * size), "training", 0.17, injection=0.25),
                Sample(seed + 2, round(0.35 * size), "county", 0.08, injection=0.1),
            ),
            "calibrate": (
                Sample(seed + 3, round(0.8 * size), "training", 0.0, _SHORT, windows=1),
                Sample(seed + 4, round(0.6 * size), "county", 0.0, _SHORT, windows=1),
            ),
            "evaluate": (
                Sample(seed + 5, round(0.15 * size), "training", 0.17),
                Sample(seed + 6, round(0.15 * size), "county", 0.05),
            ),
        }


@dataclass(frozen=True)
class Trained:
    """A model, the scores of innocents that calibrate it, and its figures on customers it has not seen."""

    fitted: Fitted
    null: pa.Table
    mines: pa.Table
    figures: Mapping[str, Any]


def train(plan: TrainingPlan, engine: Engine, report: Report) -> Trained:
    """Simulate, fit, calibrate and evaluate. The same plan gives the same model on any engine."""
    made = {
        purpose: tuple(_examples(sample, engine, partial(report, purpose)) for sample in samples)
        for purpose, samples in plan.samples.items()
    }
    report("fit", 0, 1)
    fitted = fit(gather(list(made["train"])), plan.seed)
    report("fit", 1, 1)
    model = LoadModel(dict(fitted.texts), dict(fitted.card))
    figures = {
        f"{sample.mix}, {seen}": evaluate(model, view)
        for sample, examples in zip(plan.samples["evaluate"], made["evaluate"], strict=True)
        for seen, view in (("with archive", examples), ("curve alone", examples.without_context()))
    }
    mines = mining_scores(model, engine, 10 * plan.seed + 7, round(0.3 * plan.customers))
    return Trained(fitted, null_table(model, gather(list(made["calibrate"]))), mines, figures)


def train_at(address: str, plan: TrainingPlan, report: Report) -> Trained:
    """Train on the engine at ``address``; see ``minewatch.runs.engine_of``. Raises one of ``FAILURES``."""
    engine = engine_of(address)
    try:
        return train(plan, engine, report)
    finally:
        engine.close()


def _examples(sample: Sample, engine: Engine, report: Callable[[int, int], None]) -> Examples:
    plans = list(sample.plans())
    parts: dict[int, Examples] = {}
    for place, part in engine.map(
        partial(simulated_examples, windows=sample.windows, injection=sample.injection), plans
    ):
        parts[place] = part
        report(len(parts), len(plans))
    return gather([parts[place] for place in range(len(plans))])


def null_table(model: LoadModel, innocents: Examples) -> pa.Table:
    """Return the scores of innocents by class, for ``minewatch.fuse.nulls``.

    A customer counts with the larger of its scores with and without archive, so that the table bounds both.
    ``prevalence`` is the share of the class in the county mix.
    """
    scores = np.maximum(
        model.scores(innocents.matrix).log10_lr, model.scores(innocents.without_context().matrix).log10_lr
    )
    prevalence = shares("county")
    order = np.lexsort((scores, innocents.kind))
    kinds = innocents.kind[order]
    return pa.table(
        {
            "class": pa.array(kinds.tolist(), pa.string()).dictionary_encode(),
            "prevalence": pa.array([prevalence[str(kind)] for kind in kinds]),
            "score": pa.array(np.round(scores[order], 3), pa.float32()),
        }
    )


def write_trained(trained: Trained, folder: Path) -> None:
    """Write the model to ``folder``/detect/models/load and its calibration to ``folder``/fuse/calibration.

    That is where the package keeps them. Texts, ``model.json`` and ``figures.json``; ``meter.parquet`` with
    scores of innocents and ``meter_mining.parquet`` with those of mines.
    """
    model_folder, calibration = folder / "detect" / "models" / "load", folder / "fuse" / "calibration"
    model_folder.mkdir(parents=True, exist_ok=True)
    calibration.mkdir(parents=True, exist_ok=True)
    for name in BOOSTERS:
        model_folder.joinpath(f"{name}.txt").write_text(trained.fitted.texts[name], encoding="utf-8")
    for name, content in (("model", trained.fitted.card), ("figures", trained.figures)):
        text = json.dumps(content, indent=1, sort_keys=True) + "\n"
        model_folder.joinpath(f"{name}.json").write_text(text, encoding="utf-8")
    pq.write_table(trained.null, calibration / "meter.parquet", compression="zstd")
    pq.write_table(trained.mines, calibration / "meter_mining.parquet", compression="zstd")
