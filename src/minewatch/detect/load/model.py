"""The load model: LightGBM trees as text, read once a process, predicted by one thread in one order.

Two models share the work. *mining* tells mines from innocents in a mixture of classes in which look-alikes
(base stations, server rooms, cold stores …) are as common as ordinary customers. With odds o of mining in
training, Bayes gives

    log10 p(x | mining) / p(x | innocents) = (log-odds of mining(x) - ln o) / ln 10

where p(x | innocents) is the sum over classes of share times p(x | class), so at least the part of the best
innocent explanation. *innocents* tells the classes from each other and names that one. Three more models give
quantiles of ln(power of the mine / size of the block), widened until they cover 90 % of mines they have not
seen (conformalised quantile regression: Romano, Patterson, Candès, NeurIPS 2019).
"""

import json
import math
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.detect.load.vectors import VECTOR

Floats = npt.NDArray[np.float64]

_FOLDER = resources.files("minewatch.detect").joinpath("models", "load")
BOOSTERS = ("mining", "innocents", "power_low", "power_median", "power_high")
"""Names of the text files of a model."""
HIGHEST_LOG10_LR = 6.0
"""No curve is worth more than a million to one either way: the simulated past does not reach further."""


class Scores(NamedTuple):
    """What the model says of customers: log10 likelihood ratio, innocents' probabilities, power ratios.

    ``log10_lr`` (n,); ``best`` (n,) the likeliest innocent class, a place in the model's ``classes``;
    ``innocents`` (n, classes) their probabilities, mining excluded; ``power_ratios`` (n, 3): low, median and
    high of power to block size.
    """

    log10_lr: Floats
    best: npt.NDArray[np.intp]
    innocents: Floats
    power_ratios: Floats


class LoadModel:
    """Trees and their numbers; see the module's docstring.

    Each set of trees takes its inputs from the matrix by name, so that ``VECTOR`` may grow between trainings.
    """

    def __init__(self, texts: dict[str, str], card: dict[str, Any]) -> None:
        import lightgbm

        self.version: str = card["version"]
        self.classes: tuple[str, ...] = tuple(card["classes"])
        self._log_odds = math.log(card["mining_odds"])
        self._widening = float(card["power_widening"])
        self._boosters = {name: lightgbm.Booster(model_str=texts[name]) for name in BOOSTERS}
        places = {name: place for place, name in enumerate(VECTOR)}
        self._columns = {
            name: [places[column] for column in booster.feature_name()]
            for name, booster in self._boosters.items()
        }

    def scores(self, matrix: Floats) -> Scores:
        """Return the scores of ``matrix`` (customers, ``minewatch.detect.load.vectors.VECTOR``)."""
        if not len(matrix):
            none, width = np.zeros(0), len(self.classes)
            return Scores(none, np.zeros(0, np.intp), np.zeros((0, width)), np.zeros((0, 3)))
        innocents = self._predict("innocents", matrix)
        log10_lr = (self._predict("mining", matrix, raw_score=True) - self._log_odds) / math.log(10)
        logs = np.column_stack([self._predict(name, matrix) for name in BOOSTERS[2:]])
        logs = np.sort(logs, axis=1) + self._widening * np.array([-1.0, 0.0, 1.0])
        return Scores(
            np.clip(log10_lr, -HIGHEST_LOG10_LR, HIGHEST_LOG10_LR),
            innocents.argmax(axis=1),
            innocents,
            np.exp(logs),
        )

    def _predict(self, name: str, matrix: Floats, raw_score: bool = False) -> Floats:
        inputs = matrix[:, self._columns[name]]
        return np.asarray(self._boosters[name].predict(inputs, raw_score=raw_score, num_threads=1))


@cache
def shipped_model() -> LoadModel:
    """Return the model that is part of the package."""
    texts = {name: _FOLDER.joinpath(f"{name}.txt").read_text(encoding="utf-8") for name in BOOSTERS}
    return LoadModel(texts, _card())


@cache
def shipped_version() -> str:
    """Return the version of the shipped model, without loading it."""
    return str(_card()["version"])


def _card() -> dict[str, Any]:
    return dict(json.loads(_FOLDER.joinpath("model.json").read_text(encoding="utf-8")))
