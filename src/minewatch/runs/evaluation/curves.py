"""Figures of a ranking with weights: ROC and precision-recall curves, recall and false alarms at a threshold.

All arrays are over judged things in one order, (n,); ``weights`` counts each of them (a bootstrap draws some
twice and some not at all). NaN where a figure has nothing to stand on.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Curve(NamedTuple):
    """Shares of mines (``recall``) and of innocents (``alarms``) with each score or more, scores falling."""

    scores: Floats
    recall: Floats
    alarms: Floats

    @property
    def is_void(self) -> bool:
        """Tell whether mines or innocents are missing."""
        return bool(np.isnan(self.recall).any() or np.isnan(self.alarms).any())


class Ranks:
    """Things in the order of their scores, sorted once for many ``weights``."""

    def __init__(self, scores: Floats, mine: Flags) -> None:
        known, self._place = np.unique(-scores, return_inverse=True)
        self._scores, self._mine = -known, mine

    def curve(self, weights: Floats) -> Curve:
        """Return the curve over the distinct scores; a share of nothing is NaN."""
        return Curve(self._scores, self._share(weights * self._mine), self._share(weights * ~self._mine))

    def _share(self, weights: Floats) -> Floats:
        counts = np.cumsum(np.bincount(self._place, weights, minlength=len(self._scores)))
        total = counts[-1] if len(counts) else 0.0
        return counts / total if total else np.full(len(counts), np.nan)


def roc_auc(shape: Curve) -> float:
    """Return the area under the ROC curve, ties counted half (Mann and Whitney 1947)."""
    recall, alarms = np.append(0.0, shape.recall), np.append(0.0, shape.alarms)
    return float(np.trapezoid(recall, alarms))


def precision(shape: Curve, prevalence: float) -> Floats:
    """Return the share of mines among what reaches each score, where ``prevalence`` of all are mines."""
    hits, alarms = prevalence * shape.recall, (1 - prevalence) * shape.alarms
    return np.divide(hits, hits + alarms, out=np.zeros_like(hits), where=hits + alarms > 0)


def pr_auc(shape: Curve, prevalence: float) -> float:
    """Return the average precision at ``prevalence``: the mean over mines of the precision at their score."""
    if shape.is_void:
        return float("nan")
    return float(np.sum(np.diff(shape.recall, prepend=0.0) * precision(shape, prevalence)))


def recall_at(shape: Curve, prevalence: float, false_share: float) -> float:
    """Return the largest recall of a list with at most ``false_share`` innocents, at ``prevalence``."""
    if shape.is_void:
        return float("nan")
    kept = precision(shape, prevalence) >= 1 - false_share
    return float(np.max(shape.recall, where=kept, initial=0.0))


def threshold_at(scores: Floats, weights: Floats, recall: float) -> float:
    """Return the largest score that a share ``recall`` of the weighted ``scores`` reaches; NaN: none."""
    if not weights.sum() > 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(scores[order][np.searchsorted(reached, recall - 1e-12)])


def share(flags: Flags, weights: Floats) -> float:
    """Return the weighted share of ``flags``; NaN without weight."""
    total = weights.sum()
    return float(np.sum(weights * flags) / total) if total > 0 else float("nan")


def median(values: Floats, weights: Floats) -> float:
    """Return the weighted median of ``values``; NaN without weight."""
    return -threshold_at(-values, weights, 0.5)
