"""Fitting the load model on examples; see ``minewatch.detect.load.model`` for what it is."""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.detect.load.model import BOOSTERS
from minewatch.detect.load.vectors import (
    ARCHIVE_VECTOR,
    ELECTRIC_VECTOR,
    PEER_VECTOR,
    PRICE_VECTOR,
    VECTOR,
    WEATHER_VECTOR,
)
from minewatch.runs.training.load_examples import Examples, gather

Floats = npt.NDArray[np.float64]

_SHARED = {
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
    "num_threads": 1,
    "bagging_freq": 1,
    "bagging_fraction": 0.7,
    "feature_fraction": 0.5,
    "lambda_l2": 5.0,
}
_MINING = {"objective": "binary", "learning_rate": 0.06, "num_leaves": 20, "min_data_in_leaf": 60}
_INNOCENTS = {"objective": "multiclass", "learning_rate": 0.2, "num_leaves": 10, "min_data_in_leaf": 40}
_POWER = {"objective": "quantile", "learning_rate": 0.1, "num_leaves": 8, "min_data_in_leaf": 40}
_ROUNDS = {"mining": 500, "innocents": 20, "power": 90}
_QUANTILES = (0.05, 0.5, 0.95)
_COVERAGE = 0.9
_IN_KW = ("mean_kw", "step_size_kw")
"""Inputs of the curve alone that have a unit."""


class Fitted(NamedTuple):
    """A model as it is stored: text of each of ``BOOSTERS`` and the numbers of ``model.json``."""

    texts: Mapping[str, str]
    card: Mapping[str, Any]


def fit(examples: Examples, seed: int) -> Fitted:
    """Fit the model. Customers are the unit of every split; each is seen with and without its archive."""
    rng = np.random.default_rng([seed, 2])
    seen = gather([with_some_context(examples, rng), without_any_context(examples, rng)])
    innocents = seen.take(~seen.is_mine)
    classes, codes = np.unique(innocents.kind, return_inverse=True)
    power, widening = _fit_power(seen.take(seen.is_mine & (seen.block_kw > 0)), rng)
    texts = {
        "mining": _fit(_MINING, seen.matrix, seen.is_mine.astype(float), _ROUNDS["mining"]),
        "innocents": _fit(
            {**_INNOCENTS, "num_class": len(classes)},
            innocents.matrix,
            codes.astype(float),
            _ROUNDS["innocents"],
        ),
        **power,
    }
    card = {
        "version": hashlib.sha256("".join(texts[name] for name in BOOSTERS).encode()).hexdigest()[:8],
        "classes": classes.tolist(),
        "class_shares": (np.bincount(codes) / len(codes)).tolist(),
        "mining_odds": float(seen.is_mine.sum() / (~seen.is_mine).sum()),
        "power_widening": widening,
        "examples": len(examples.kind),
        "mines": int(examples.is_mine.sum()),
        "customers": len(np.unique(examples.group)),
        "real_examples": int((examples.series != "").sum()),
        "real_groups": len(np.unique(examples.series[examples.series != ""])),
    }
    return Fitted(texts, card)


def with_some_context(examples: Examples, rng: np.random.Generator) -> Examples:
    """Return the examples as utilities deliver them: some without columns of the archive or other tables.

    One in three lacks columns of the archive; weather, prices, electrical columns and neighbours are each
    missing for three in ten.
    """
    matrix = examples.matrix.copy()
    gone = rng.random((len(matrix), len(ARCHIVE_VECTOR))) < 0.4
    gone[:, 4:] = gone[:, 3:4]  # without the contract size there is nothing to compare with it
    gone &= rng.random((len(matrix), 1)) < 1 / 3
    places = [VECTOR.index(name) for name in ARCHIVE_VECTOR]
    matrix[:, places] = np.where(gone, np.nan, matrix[:, places])
    for names in (PEER_VECTOR, WEATHER_VECTOR, PRICE_VECTOR, ELECTRIC_VECTOR):
        lacking = rng.random(len(matrix)) < 0.3
        for name in names:
            matrix[lacking, VECTOR.index(name)] = np.nan
    return examples.with_matrix(matrix)


def without_any_context(examples: Examples, rng: np.random.Generator) -> Examples:
    """Return the examples without archive; a third in the wrong unit.

    Files of readings alone are often in units of the peak, or before the ratio of the current transformers.
    """
    bare = examples.without_context()
    matrix = bare.matrix.copy()
    draw = rng.random(len(matrix))
    mean_kw, load_factor = (matrix[:, VECTOR.index(name)] for name in ("mean_kw", "load_factor"))
    before_ratio = 1 / 10 ** rng.uniform(0.7, 2.3, len(matrix))
    unit = np.select([draw < 0.2, draw < 0.33], [load_factor / mean_kw, before_ratio], 1.0)
    for name in _IN_KW:
        matrix[:, VECTOR.index(name)] *= unit
    return bare.with_matrix(matrix)


def _fit_power(mines: Examples, rng: np.random.Generator) -> tuple[dict[str, str], float]:
    """Fit quantiles of ln(power / block); a fifth of the customers tells how far they must be widened."""
    groups = np.unique(mines.group)
    kept = np.isin(mines.group, rng.permutation(groups)[: len(groups) // 5])
    target = np.log(mines.mine_kw / mines.block_kw)
    texts = {
        name: _fit({**_POWER, "alpha": alpha}, mines.matrix[~kept], target[~kept], _ROUNDS["power"])
        for name, alpha in zip(BOOSTERS[2:], _QUANTILES, strict=True)
    }
    predicted = np.sort(
        np.column_stack([_booster(text).predict(mines.matrix[kept]) for text in texts.values()])
    )
    outside = np.maximum(predicted[:, 0] - target[kept], target[kept] - predicted[:, 2])
    return texts, float(max(0.0, np.quantile(outside, _COVERAGE)))


def _fit(parameters: Mapping[str, Any], matrix: Floats, target: Floats, rounds: int) -> str:
    import lightgbm

    data = lightgbm.Dataset(matrix, target, feature_name=list(VECTOR), params={"verbosity": -1})
    booster = lightgbm.train({**_SHARED, **parameters}, data, rounds)
    return lean(booster.model_to_string(importance_type="gain"))


_DISPENSABLE = (
    "split_gain=",
    "leaf_weight=",
    "leaf_count=",
    "internal_value=",
    "internal_weight=",
    "internal_count=",
    "tree_sizes=",
)
_TAIL = "end of trees"


def lean(text: str) -> str:
    """Return a model's text without what prediction does not need: half the size."""
    trees, mark, _ = text.partition(_TAIL)
    kept = [line for line in trees.split("\n") if not line.startswith(_DISPENSABLE)]
    return "\n".join(kept) + mark + "\n"


def _booster(text: str) -> Any:
    import lightgbm

    return lightgbm.Booster(model_str=text)
