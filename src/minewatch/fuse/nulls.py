"""How often innocent sites reach a score: conformal p-values against look-alikes.

A null is a sample of scores (log10 likelihood ratios) of customers known to be innocent, drawn separately
for each class and weighted by the prevalence of the class (Mondrian conformal prediction: Vovk, Gammerman,
Shafer, *Algorithmic Learning in a Random World*, 2nd ed. 2022, section 4.6). Within a class of n scores,
P(score ≥ s) is bounded by (1 + #{≥ s}) / (n + 1), which holds for exchangeable customers whatever their
distribution.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]


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
    """Build a null from the columns ``class``, ``prevalence`` and ``score`` of a table.

    ``prevalence`` is the share of customers and the same in all rows of a class. Raises ValueError where
    the prevalences do not sum to a positive number.
    """
    classes = np.asarray(table["class"].to_pylist())
    scores = table["score"].to_numpy().astype(np.float64)
    prevalence = table["prevalence"].to_numpy().astype(np.float64)
    names = np.unique(classes)
    shares = np.array([prevalence[classes == name][0] for name in names])
    if not shares.sum() > 0:
        raise ValueError("the calibration scores have no positive prevalence")
    return Null(tuple(np.sort(scores[classes == name]) for name in names), shares / shares.sum())


@dataclass(frozen=True)
class FamilyScore:
    """What one evidence family says of a site: the largest ``score`` of its ``subjects`` subjects."""

    family: str
    score: float
    subjects: int


def site_p_value(families: Sequence[FamilyScore], routes: int, nulls: Mapping[str, Null]) -> float:
    """Return the p-value of an innocent site that scored like this.

    Within a family the largest of k scores is corrected by k (Bonferroni). Families are independent for an
    innocent site, so their p-values combine as a product of uniform variables (Fisher 1932). A site can
    come on the list by any of the ``routes`` families of the run, alone or together, and a family that saw
    no sign is left out of the product; the result is corrected by ``routes`` for that choice.
    """
    bounds = [min(1.0, item.subjects * nulls[item.family].exceedance(item.score)) for item in families]
    return min(1.0, routes * _product_of_uniforms(bounds))


def _product_of_uniforms(p_values: Sequence[float]) -> float:
    product = float(np.prod(p_values))
    term, total = 1.0, 1.0
    for order in range(1, len(p_values)):
        term *= -np.log(product) / order
        total += term
    return min(1.0, product * total)
