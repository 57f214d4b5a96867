"""What a detector's score is worth: the likelihood ratio of mining against the innocents of a county.

A detector gives its ratio against a mixture in which look-alikes are as common as ordinary customers. Where
scores of mines are known as well, the ratio for a county is that of the densities of both at the score, made
monotone (isotonic regression by pool-adjacent-violators: Zadrozny and Elkan 2002). Where they are not, the
detector's ratio stands, but counts for no more than 1 / P(innocent score ≥ s).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
    shares of the classes in a county say nothing: it is held against the worst class. ``own`` gives for a
    site whose labels are part of the calibration another that was made without them; ``sites`` names the
    site of each score, so that no label calibrates the site that it was given to.
    """

    null: Null
    mines: Floats | None = None
    own: Mapping[str, "Calibration"] = field(default_factory=dict)

    def p_values(self, scores: Floats, placed: Flags, sites: Sequence[str] = ()) -> Floats:
        """Return the bound of P(innocent score ≥ s) for each score; (n,) → (n,)."""
        bound = np.where(placed, self.null.exceedance(scores), worst_exceedance(self.null, scores))
        for site, at in self._labelled(sites):
            bound[at] = self.own[site].p_values(scores[at], placed[at])
        return bound

    def strength(self, scores: Floats, placed: Flags, sites: Sequence[str] = ()) -> Floats:
        """Return the calibrated log10 likelihood ratio of each score; (n,) → (n,), never falling with it."""
        found = np.minimum(scores, -np.log10(self.p_values(scores, placed)))
        if self.mines is not None:
            edges, strengths = density_ratio(self.null, self.mines)
            ratios = strengths[np.maximum(np.searchsorted(edges, scores, side="right") - 1, 0)]
            found = np.where(placed, ratios, found)
        for site, at in self._labelled(sites):
            found[at] = self.own[site].strength(scores[at], placed[at])
        return found

    def _labelled(self, sites: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
        """Yield each site that has labels in the calibration, and the places where it is named."""
        places: dict[str, list[int]] = {}
        for place, site in enumerate(sites if self.own else ()):
            if site in self.own:
                places.setdefault(site, []).append(place)
        yield from places.items()


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
    innocents, each = null.points
    low, high = min(innocents[0], mines.min()), max(innocents[-1], mines.max())
    scores = np.concatenate([innocents, [high], [low], mines])
    is_mine = np.concatenate([np.zeros(len(innocents) + 1), np.ones(len(mines) + 1)])
    weights = np.concatenate([each, [null.heaviest], np.full(len(mines) + 1, 1 / len(mines))])
    return scores, is_mine, weights


def shipped_calibration(family: str) -> Calibration:
    """Return the calibration of a family (see ``minewatch.fuse.families``) that comes with the package.

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
