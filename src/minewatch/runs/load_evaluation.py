"""How good the load detector is on customers it has not seen."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from minewatch.detect.load_model import LoadModel
from minewatch.runs.load_examples import Examples

Floats = npt.NDArray[np.float64]

SEVERITIES = ((0.05, 0.5), (0.5, 1.0), (1.0, 3.0), (3.0, math.inf))
"""Ranges of mining power to the customer's other mean load."""


def evaluate(model: LoadModel, examples: Examples) -> dict[str, Any]:
    """Return the figures of one set of ``examples``.

    ``roc_auc`` of all mines and by severity and kind; ``false_alarms`` by innocent class at 80 % recall of
    mines of at least the customer's other mean load; kW error (median, relative) and coverage of the 90 %
    intervals; onset error (median, days), share of onsets found, share of older mines with a false onset.
    """
    scores = model.scores(examples.matrix)
    mine = examples.is_mine
    relative = examples.mine_kw / np.maximum(examples.rest_kw, 1e-9)
    threshold = float(np.quantile(scores.log10_lr[mine & (relative >= 1)], 0.2))
    return {
        "innocents": int((~mine).sum()),
        "mines": int(mine.sum()),
        "roc_auc": _auc(scores.log10_lr, mine, mine),
        "roc_auc_by_severity": {
            f"{low:g}-{high:g}": _auc(scores.log10_lr, mine, (relative >= low) & (relative < high))
            for low, high in SEVERITIES
        },
        "roc_auc_by_mine": {
            str(kind): _auc(scores.log10_lr, mine, examples.mine_kind == kind)
            for kind in np.unique(examples.mine_kind[mine])
        },
        "false_alarms": _false_alarms(scores.log10_lr, threshold, examples),
        **_power(scores.power_ratios, examples),
        **_onset(examples),
    }


def _auc(score: Floats, mine: npt.NDArray[np.bool_], wanted: npt.NDArray[np.bool_]) -> float | None:
    """Area under the ROC curve of the ``wanted`` mines against all innocents (Mann-Whitney)."""
    kept = ~mine | (mine & wanted)
    hit = mine[kept]
    if not hit.any() or hit.all():
        return None
    _, place, count = np.unique(score[kept], return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((ranks[hit].mean() - (hit.sum() + 1) / 2) / (~hit).sum())


def _false_alarms(score: Floats, threshold: float, examples: Examples) -> Mapping[str, float]:
    innocent = ~examples.is_mine
    return {
        str(kind): float(np.mean(score[innocent & (examples.kind == kind)] >= threshold))
        for kind in np.unique(examples.kind[innocent])
    }


def _power(ratios: Floats, examples: Examples) -> Mapping[str, float]:
    mine = examples.is_mine & (examples.block_kw > 0)
    low, value, high = (ratios[mine] * examples.block_kw[mine, None]).T
    truth = examples.mine_kw[mine]
    return {
        "power_median_error": float(np.median(np.abs(value / truth - 1))),
        "power_coverage": float(np.mean((low <= truth) & (truth <= high))),
        "power_median_width": float(np.median((high - low) / value)),
    }


def _onset(examples: Examples) -> Mapping[str, float]:
    mine = examples.is_mine
    begun = mine & ~np.isnan(examples.true_onset_hour)
    dated = ~np.isnan(examples.found_onset_hour)
    error_h = np.abs(examples.found_onset_hour - examples.true_onset_hour)[begun & dated]
    return {
        "onset_median_error_days": float(np.median(error_h)) / 24,
        "onset_found": float(np.mean(dated[begun])),
        "onset_false": float(np.mean(dated[mine & ~begun])),
    }
