"""How often innocent sites reach a score: conformal p-values against look-alikes.

A null is a sample of scores (log10 likelihood ratios) of customers known to be innocent, drawn separately
for each class and weighted by the prevalence of the class: weighted conformal prediction (Tibshirani, Barber,
Candès, Ramdas, *Conformal prediction under covariate shift*, 2019). Of n scores of a class with prevalence π
each weighs π / n; the score in question is counted among them with the largest such weight, since its class
is not known. For one class this is (1 + #{≥ s}) / (n + 1). It holds for exchangeable customers whatever
their distribution.
"""

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

    def exceedance(self, scores: Floats) -> Floats:
        """Return the bound of P(innocent score ≥ s), 0 to 1, for each s of ``scores``; (n,) → (n,)."""
        weights = self.prevalence / [len(known) for known in self.scores]
        above = np.full(len(scores), weights.max())  # the score in question, in the weightiest class
        for known, weight in zip(self.scores, weights, strict=True):
            above += weight * (len(known) - np.searchsorted(known, scores, side="left"))
        return np.minimum(1.0, above / (1 + weights.max()))


def worst_exceedance(null: Null, scores: Floats) -> Floats:
    """Return the largest bound of P(score ≥ s) of any class: for a subject whose class may be any."""
    bounds = [
        (1 + len(known) - np.searchsorted(known, scores, side="left")) / (len(known) + 1)
        for known, share in zip(null.scores, null.prevalence, strict=True)
        if share > 0
    ]
    return np.minimum(1.0, np.max(bounds, axis=0))


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
