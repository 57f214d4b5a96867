"""How often innocent sites reach a score: conformal p-values against look-alikes.

A null is a sample of scores (log10 likelihood ratios) of customers known to be innocent, drawn separately
for each class and weighted by the prevalence of the class: weighted conformal prediction (Tibshirani, Barber,
Candès, Ramdas, *Conformal prediction under covariate shift*, 2019). Of n scores of a class with prevalence π
each weighs π / n; the score in question is counted among them with the largest such weight, since its class
is not known. For one class this is (1 + #{≥ s}) / (n + 1). It holds for exchangeable customers whatever
their distribution.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]

SHIPPED_CUSTOMERS = 5_000.0
"""Customers for which a null counts at most beside the inspected top of a county (assumed)."""


@dataclass(frozen=True)
class Tail:
    """The top of a county, all of it inspected.

    Of ``subjects`` innocents in the county the (sorted) ``scores`` reach ``start``, and no others do.
    """

    start: float
    scores: Floats
    subjects: int


@dataclass(frozen=True)
class Null:
    """Sorted innocent ``scores`` of each class, the ``prevalence`` of each (sums to 1) and its name."""

    scores: tuple[Floats, ...]
    prevalence: Floats
    names: tuple[str, ...] = ()
    tail: Tail | None = None

    def exceedance(self, scores: Floats) -> Floats:
        """Return the bound of P(innocent score ≥ s), 0 to 1, for each s of ``scores``; (n,) → (n,)."""
        known, weights = self.points
        above = np.append(np.cumsum(weights[::-1])[::-1], 0.0)
        own = self.heaviest  # the score in question, in the weightiest class
        return np.minimum(1.0, (above[np.searchsorted(known, scores, side="left")] + own) / (1 + own))

    @property
    def heaviest(self) -> float:
        """Weight of one customer of the weightiest class, or of the county where its top was inspected."""
        return 1 / self._customers if self.tail is None else 1 / (self._trust + self.tail.subjects)

    @cached_property
    def points(self) -> tuple[Floats, Floats]:
        """Scores, rising, and the weight of each; the weights sum to 1.

        With a tail of A among N innocents, T · (shipped) + A · (tail) + (N - A) · (shipped, below the tail),
        divided by T + N: the county says how many there are at its top, the classes how the rest lies.
        """
        sizes = [len(known) for known in self.scores]
        scores, weights = np.concatenate(self.scores), np.repeat(self.prevalence / sizes, sizes)
        if self.tail is not None:
            below = scores < self.tail.start
            rest = self.tail.subjects - len(self.tail.scores)
            share = max(float(weights[below].sum()), np.finfo(float).tiny)
            weights = weights * (self._trust + np.where(below, rest / share, 0.0))
            scores = np.concatenate([scores, self.tail.scores])
            weights = np.concatenate([weights, np.ones(len(self.tail.scores))]) * self.heaviest
        order = np.argsort(scores, kind="stable")
        return scores[order], weights[order]

    def joined(self, found: Mapping[str, Floats]) -> "Null":
        """Return the null with innocents ``found`` in the county, by class.

        Each counts as one more customer: in its class beside those known; a class that the null lacks gets
        the share that so many customers have beside those for which the null stands.
        """
        known = dict(zip(self.names, self.scores, strict=True))
        shares = dict(zip(self.names, self.prevalence.tolist(), strict=True))
        for name, scores in found.items():
            shares.setdefault(name, len(scores) / self._customers)
            known[name] = np.sort(np.concatenate([known.get(name, scores[:0]), scores]))
        names = sorted(known)
        total = sum(shares.values())
        prevalence = np.array([shares[name] / total for name in names])
        return replace(self, scores=tuple(known[n] for n in names), prevalence=prevalence, names=tuple(names))

    @property
    def _customers(self) -> float:
        """Number of customers for which the classes stand: as if the weightiest had been drawn by lot."""
        return 1 / float((self.prevalence / [len(known) for known in self.scores]).max())

    @property
    def _trust(self) -> float:
        return min(self._customers, SHIPPED_CUSTOMERS)


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
    ordered = tuple(np.sort(scores[classes == name]) for name in names)
    return Null(ordered, shares / shares.sum(), tuple(names.tolist()))
