"""The load model and its calibration from simulated mines in simulated and real backgrounds, in one run."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from minewatch.detect.load.model import BOOSTERS, LoadModel
from minewatch.engines.base import Engine, Item
from minewatch.engines.failures import EngineError
from minewatch.lake.failures import LakeError
from minewatch.runs.engine_of import engine_of
from minewatch.runs.training.backgrounds import EVALUATION, TRAINING, Background, of_half, read_backgrounds
from minewatch.runs.training.backgrounds import FAILURES as UNREADABLE
from minewatch.runs.training.load_examples import (
    Examples,
    Sample,
    Views,
    gather,
    real_examples,
    simulated_examples,
)
from minewatch.runs.training.load_figures import evaluate
from minewatch.runs.training.load_fit import Fitted, fit, with_some_context
from minewatch.runs.training.mining_scores import mining_scores
from minewatch.runs.training.real_counties import RealSample
from minewatch.sim.classes import shares

FAILURES = (EngineError, LakeError, OSError, *UNREADABLE)
"""What a user can mend."""

Report = Callable[[str, int, int], None]
"""Told of progress as (stage, done, total)."""

_SHORT = (28, 28, 28, 60, 60, 60, 60, 60, 120, 365)
_REAL = (28, 28, 60, 60, 60, 120, 120, 240, 343)
"""Lengths of series in days; a year of real readings has room for 49 weeks and a shift."""


@dataclass(frozen=True)
class TrainingPlan:
    """Everything that a model follows from. ``customers`` are simulated for training.

    As many again, and half as many, calibrate; a third evaluates. All have seeds of their own, so that no
    customer is used twice. ``backgrounds`` are real series; one half of their groups is used in training, the
    other half for figures alone.
    """

    seed: int = 1
    customers: int = 30_000
    backgrounds: tuple[Background, ...] = field(default=(), repr=False)

    @property
    def samples(self) -> Mapping[str, tuple[Sample, ...]]:
        """Simulated samples by purpose; calibration has no mines and one window a customer."""
        seed, size = 10 * self.seed, self.customers
        return {
            "train": (
                Sample(seed + 1, round(0.65 * size), "training", 0.17, views=Views(2, 0.25, 0.15)),
                Sample(seed + 2, round(0.35 * size), "county", 0.08, views=Views(2, 0.1, 0.15)),
            ),
            "calibrate": (
                Sample(seed + 3, round(0.8 * size), "training", 0.0, _SHORT, Views(1)),
                Sample(seed + 4, round(0.6 * size), "county", 0.0, _SHORT, Views(1)),
            ),
            "evaluate": (
                Sample(seed + 5, round(0.15 * size), "training", 0.17),
                Sample(seed + 6, round(0.15 * size), "county", 0.05),
                Sample(seed, round(0.1 * size), "training", 0.17, views=Views(1, daily=1.0)),
            ),
        }

    @property
    def real_samples(self) -> Mapping[str, tuple[RealSample, Views, tuple[Background, ...]]]:
        """Samples of real series by purpose: counties, how they are seen, and the half they are made of."""
        seed, size = 10 * self.seed, self.customers
        return {
            "train": (
                RealSample(seed + 8, round(0.3 * size), _REAL),
                Views(1, 1.0, 0.1),
                of_half(self.backgrounds, TRAINING),
            ),
            "evaluate": (
                RealSample(seed + 9, round(0.15 * size), _REAL),
                Views(1, 1.0),
                of_half(self.backgrounds, EVALUATION),
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
    real = {purpose: _real(plan, purpose, engine, report) for purpose in plan.real_samples}
    report("fit", 0, 1)
    fitted = fit(gather([*made["train"], *real["train"]]), plan.seed)
    report("fit", 1, 1)
    model = LoadModel(dict(fitted.texts), dict(fitted.card))
    names = ["training", "county", "read once a day", *("real" for _ in real["evaluate"])]
    figures = {
        f"{name}, {seen}": evaluate(model, view)
        for name, examples in zip(names, (*made["evaluate"], *real["evaluate"]), strict=True)
        for seen, view in _views(examples, plan.seed)
    }
    mines = mining_scores(model, engine, 10 * plan.seed + 7, round(0.3 * plan.customers))
    return Trained(fitted, null_table(model, gather(list(made["calibrate"]))), mines, figures)


def _views(examples: Examples, seed: int) -> Iterator[tuple[str, Examples]]:
    """Yield how much else than the curve is known, by name."""
    yield "with archive", examples
    yield "some of it missing", with_some_context(examples, np.random.default_rng([seed, 7]))
    yield "curve alone", examples.without_context()


def _real(plan: TrainingPlan, purpose: str, engine: Engine, report: Report) -> tuple[Examples, ...]:
    """Examples of the real series for ``purpose``; none where no series are given."""
    sample, views, backgrounds = plan.real_samples[purpose]
    counties = list(sample.counties(backgrounds))
    if not counties:
        return ()
    parts = _mapped(partial(real_examples, views=views), counties, engine, partial(report, purpose))
    examples = gather(parts)
    one_series = examples.series != ""
    return (examples if purpose == "train" else examples.take(one_series),)


def train_at(address: str, plan: TrainingPlan, backgrounds: Path | None, report: Report) -> Trained:
    """Train on the engine at ``address``; see ``minewatch.runs.engine_of``. Raises one of ``FAILURES``.

    ``backgrounds`` is a file, a folder or a lake with real series.
    """
    if backgrounds is not None:
        plan = replace(plan, backgrounds=read_backgrounds(backgrounds))
    engine = engine_of(address)
    try:
        return train(plan, engine, report)
    finally:
        engine.close()


def _examples(sample: Sample, engine: Engine, report: Callable[[int, int], None]) -> Examples:
    task = partial(simulated_examples, views=sample.views)
    return gather(_mapped(task, list(sample.plans()), engine, report))


def _mapped(
    task: Callable[[Item], Examples],
    items: Sequence[Item],
    engine: Engine,
    report: Callable[[int, int], None],
) -> list[Examples]:
    """Results of ``task`` in the order of the items, whichever was finished first."""
    parts: dict[int, Examples] = {}
    for place, part in engine.map(task, items):
        parts[place] = part
        report(len(parts), len(items))
    return [parts[place] for place in range(len(items))]


def null_table(model: LoadModel, innocents: Examples) -> pa.Table:
    """Return the scores of innocents by class, for ``minewatch.fuse.nulls``.

    A customer counts with the larger of its scores with and without archive, so that the table bounds both.
    ``prevalence`` is the share of the class in the county mix; classes that no county has are left out.
    """
    prevalence = shares("county")
    innocents = innocents.take(np.array([prevalence[str(kind)] > 0 for kind in innocents.kind]))
    scores = np.maximum(
        model.scores(innocents.matrix).log10_lr, model.scores(innocents.without_context().matrix).log10_lr
    )
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
