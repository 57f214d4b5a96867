"""What a detector's score is worth: the likelihood ratio of mining against the innocents of a county.

A detector gives its ratio against a mixture in which look-alikes are as common as ordinary customers. Where
scores of mines are known as well, the ratio for a county is that of the densities of both at the score, made
monotone (isotonic regression by pool-adjacent-violators: Zadrozny and Elkan 2002). Where they are not, the
detector's ratio stands, but counts for no more than 1 / P(innocent score ≥ s).
"""

from dataclasses import dataclass
from importlib import resources

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from minewatch.fuse.nulls import Null, null_from_table, worst_exceedance

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Calibration:
    """The null of a family and, where known, sorted scores of ``mines``.

    ``placed`` tells for each score whether the register knows the subject. Of one that it does not know, the
    shares of the classes in a county say nothing: it is held against the worst class.
    """

    null: Null
    mines: Floats | None = None

    def p_values(self, scores: Floats, placed: Flags) -> Floats:
        """Return the bound of P(innocent score ≥ s) for each score; (n,) → (n,)."""
        return np.where(placed, self.null.exceedance(scores), worst_exceedance(self.null, scores))

    def strength(self, scores: Floats, placed: Flags) -> Floats:
        """Return the calibrated log10 likelihood ratio of each score; (n,) → (n,), never falling with it."""
        stated = np.minimum(scores, -np.log10(self.p_values(scores, placed)))
        if self.mines is None:
            return stated
        edges, strengths = density_ratio(self.null, self.mines)
        found = strengths[np.maximum(np.searchsorted(edges, scores, side="right") - 1, 0)]
        return np.where(placed, found, stated)


def density_ratio(null: Null, mines: Floats) -> tuple[Floats, Floats]:
    """Return scores from which on a log10 ratio of mines to innocents holds, and these ratios, both rising.

    Innocents weigh as in the null, mines alike, both 1 together. One more innocent of the weightiest class
    stands above all, one more mine below all, so that no ratio is infinite.
    """
    from scipy.optimize import isotonic_regression

    scores, is_mine, weights = _points(null, mines)
    order = np.lexsort((is_mine, scores))
    edges, place = np.unique(scores[order], return_inverse=True)
    total = np.bincount(place, weights[order])
    share = np.bincount(place, weights[order] * is_mine[order]) / total
    fitted = isotonic_regression(share, weights=total).x
    log10_lr = np.log10(fitted) - np.log10(1 - fitted)
    changes = np.flatnonzero(np.diff(log10_lr, prepend=-np.inf))
    return edges[changes], log10_lr[changes]


def _points(null: Null, mines: Floats) -> tuple[Floats, Floats, Floats]:
    sizes = [len(known) for known in null.scores]
    each = null.prevalence / sizes
    innocents = np.concatenate(null.scores)
    low, high = min(innocents.min(), mines.min()), max(innocents.max(), mines.max())
    scores = np.concatenate([innocents, [high], [low], mines])
    is_mine = np.concatenate([np.zeros(len(innocents) + 1), np.ones(len(mines) + 1)])
    weights = np.concatenate([np.repeat(each, sizes), [each.max()], np.full(len(mines) + 1, 1 / len(mines))])
    return scores, is_mine, weights


def shipped_calibration(family: str) -> Calibration:
    """Return the calibration of a family ("meter" or "wire") that comes with the package.

    Raises FileNotFoundError where there is none.
    """
    folder = resources.files(__package__).joinpath("calibration")
    with resources.as_file(folder) as path:
        null = null_from_table(pq.read_table(path / f"{family}.parquet", use_threads=False))
        mining = path / f"{family}_mining.parquet"
        if not mining.is_file():
            return Calibration(null)
        scores = pq.read_table(mining, use_threads=False)["score"].to_numpy().astype(np.float64)
    return Calibration(null, np.sort(scores))
