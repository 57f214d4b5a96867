"""How often innocent sites reach a score: conformal p-values against look-alikes.

A null is a sample of scores (log10 likelihood ratios) of customers known to be innocent, drawn separately
for each class and weighted by the prevalence of the class (Mondrian conformal prediction: Vovk, Gammerman,
Shafer, *Algorithmic Learning in a Random World*, 2nd ed. 2022, section 4.6). Within a class of n scores,
P(score ≥ s) is bounded by (1 + #{≥ s}) / (n + 1), which holds for exchangeable customers whatever their
distribution.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Floats = npt.NDArray[np.float64]

CALIBRATED = ("meter", "wire")
"""Evidence families with a shipped null, ``calibration/<family>_scores.parquet``."""


@dataclass(frozen=True)
class Null:
    """Sorted innocent ``scores`` of each class and the ``prevalence`` of each class (sums to 1)."""

    scores: tuple[Floats, ...]
    prevalence: Floats

    def exceedance(self, score: float) -> float:
        """Return the bound of P(innocent score ≥ ``score``), between 0 and 1."""
        above = np.array([len(s) - np.searchsorted(s, score, side="left") for s in self.scores])
        sizes = np.array([len(s) for s in self.scores])
        return float(np.minimum(1.0, self.prevalence @ ((1 + above) / (sizes + 1))))


def null_from_table(table: pa.Table) -> Null:
    """Build a null from columns ``class``, ``prevalence`` (share of customers, same in all rows of a class)
    and ``score``.

    Raises ValueError where the prevalences do not sum to a positive number.
    """
    classes = np.asarray(table["class"].to_pylist())
    scores = table["score"].to_numpy().astype(np.float64)
    prevalence = table["prevalence"].to_numpy().astype(np.float64)
    names = np.unique(classes)
    shares = np.array([prevalence[classes == name][0] for name in names])
    if not shares.sum() > 0:
        raise ValueError("the calibration scores have no positive prevalence")
    return Null(tuple(np.sort(scores[classes == name]) for name in names), shares / shares.sum())


@cache
def shipped_null(family: str) -> Null:
    """Return the null of an evidence family that comes with the package."""
    with resources.as_file(resources.files(__package__) / "calibration" / f"{family}_scores.parquet") as path:
        return null_from_table(pq.read_table(path))


def joint_p_value(nulls: Sequence[Null], scores: Sequence[float], subjects: Sequence[int]) -> float:
    """Return a p-value for the sum of independent family ``scores``.

    ``scores[i]`` is the largest of ``subjects[i]`` subjects of family i. The sum of the families reaches s
    only if for every split of s some family exceeds its part; with the observed parts as the split this
    gives, for independent innocent families, P ≤ Π p_i · (1 − ln Π p_i + …), the distribution of a product
    of uniform variables (Fisher 1932). A single family gives back its own p-value.
    """
    bounds = [
        min(1.0, count * null.exceedance(score)) for null, score, count in zip(nulls, scores, subjects, strict=True)
    ]
    return _product_of_uniforms(bounds)


def _product_of_uniforms(p_values: Sequence[float]) -> float:
    product = float(np.prod(p_values))
    term, total = 1.0, 1.0
    for order in range(1, len(p_values)):
        term *= -np.log(product) / order
        total += term
    return min(1.0, product * total)
