"""How good the load detector is on customers it has not seen."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from minewatch.detect.load.model import LoadModel
from minewatch.detect.load.vectors import VECTOR
from minewatch.runs.training.load_examples import Examples

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SEVERITIES = ((0.05, 0.5), (0.5, 1.0), (1.0, 3.0), (3.0, math.inf))
"""Ranges of mining power to the customer's other mean load."""
RESAMPLES = 100
"""Bootstrap samples for intervals, drawn by customer, or by group of real series."""
_LEAST_CASES = 30
"""A look-alike with fewer examples has no rate of its own."""


def evaluate(model: LoadModel, examples: Examples) -> dict[str, Any]:
    """Return the figures of one set of ``examples``.

    ``roc_auc`` of all mines, of those of at least the customer's other mean load (``roc_auc_from_1x``), by
    severity, kind, length of the readings' interval, and of those there from the start; ``false_alarms`` by
    innocent class at 80 % recall of mines of at least the other load; kW error (median, relative) and
    coverage of the 90 % intervals; onset error (median, days), share of onsets found, share of older mines
    with a false onset; ``changes``: innocents by what changed in their life, with the share of alarms and of
    steps. ``intervals`` are 90 %, by bootstrap over customers, or groups of real series.
    """
    scores = model.scores(examples.matrix)
    clusters = np.where(examples.series == "", examples.group.astype(np.str_), examples.series)
    _, cluster = np.unique(clusters, return_inverse=True)
    figures = _figures(scores.log10_lr, scores.power_ratios, examples)
    return {
        **figures,
        "clusters": int(cluster.max()) + 1,
        "false_alarms": _false_alarms(scores.log10_lr, examples),
        "roc_auc_by_mine": {
            str(kind): roc_auc(scores.log10_lr, examples.is_mine, examples.mine_kind == kind)
            for kind in np.unique(examples.mine_kind[examples.is_mine])
        },
        "roc_auc_from_1x_by_interval": _by_interval(scores.log10_lr, examples),
        "changes": _changes(scores.log10_lr, examples),
        "intervals": _intervals(scores.log10_lr, scores.power_ratios, examples, cluster),
    }


def _figures(score: Floats, ratios: Floats, examples: Examples) -> dict[str, Any]:
    mine, relative = examples.is_mine, _relative(examples)
    old = np.isnan(examples.true_onset_hour) & (examples.mine_kind != "night_only")
    aucs = {
        "roc_auc": mine,
        "roc_auc_from_1x": relative >= 1,
        "roc_auc_from_1x_old": (relative >= 1) & old,
        **{f"roc_auc_{low:g}-{high:g}x": (relative >= low) & (relative < high) for low, high in SEVERITIES},
    }
    return {
        "innocents": int((~mine).sum()),
        "mines": int(mine.sum()),
        **{name: roc_auc(score, mine, wanted) for name, wanted in aucs.items()},
        **_power(ratios, examples),
        **_onset(examples),
    }


def _relative(examples: Examples) -> Floats:
    return np.asarray(examples.mine_kw / np.maximum(examples.rest_kw, 1e-9))


def roc_auc(score: Floats, mine: Flags, wanted: Flags) -> float | None:
    """Return the area under the ROC curve of the ``wanted`` mines against all innocents (Mann-Whitney).

    None without either.
    """
    kept = ~mine | (mine & wanted)
    hit = mine[kept]
    if not hit.any() or hit.all():
        return None
    _, place, count = np.unique(score[kept], return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((ranks[hit].mean() - (hit.sum() + 1) / 2) / (~hit).sum())


def _alarms(score: Floats, examples: Examples) -> Flags:
    """Whether each score is an alarm at 80 % recall of mines of at least the other load."""
    return np.asarray(score >= np.quantile(score[examples.is_mine & (_relative(examples) >= 1)], 0.2))


def _false_alarms(score: Floats, examples: Examples) -> Mapping[str, float]:
    innocent, alarm = ~examples.is_mine, _alarms(score, examples)
    kinds, counts = np.unique(examples.kind[innocent], return_counts=True)
    return {
        str(kind): float(np.mean(alarm[innocent & (examples.kind == kind)]))
        for kind, count in zip(kinds, counts, strict=True)
        if count >= _LEAST_CASES
    }


def _changes(score: Floats, examples: Examples) -> Mapping[str, Mapping[str, float]]:
    innocent, alarm = ~examples.is_mine, _alarms(score, examples)
    names = {name for text in np.unique(examples.changes[innocent]) for name in text.split(",") if name}
    changed = {
        name: innocent & np.array([name in text.split(",") for text in examples.changes])
        for name in sorted(names)
    }
    return {
        name: {
            "innocents": int(chosen.sum()),
            "alarms": float(np.mean(alarm[chosen])),
            "steps": float(np.mean(~np.isnan(examples.found_onset_hour[chosen]))),
        }
        for name, chosen in changed.items()
    }


def _by_interval(score: Floats, examples: Examples) -> Mapping[str, float | None]:
    interval_h, large = examples.matrix[:, VECTOR.index("interval_hours")], _relative(examples) >= 1
    return {
        f"{60 * hours:g} min": roc_auc(score[same], examples.is_mine[same], large[same])
        for hours in np.unique(interval_h)
        for same in [interval_h == hours]
    }


def _power(ratios: Floats, examples: Examples) -> Mapping[str, float]:
    mine = examples.is_mine & (examples.block_kw > 0)
    if not mine.any():
        return {}
    low, value, high = (ratios[mine] * examples.block_kw[mine, None]).T
    truth = examples.mine_kw[mine]
    large = _relative(examples)[mine] >= 1
    error = np.abs(value / truth - 1)
    return {
        "power_median_error": float(np.median(error)),
        "power_median_error_from_1x": float(np.median(error[large])) if large.any() else math.nan,
        "power_coverage": float(np.mean((low <= truth) & (truth <= high))),
        "power_median_width": float(np.median((high - low) / value)),
    }


def _onset(examples: Examples) -> Mapping[str, float]:
    mine = examples.is_mine
    begun, dated = mine & ~np.isnan(examples.true_onset_hour), ~np.isnan(examples.found_onset_hour)
    older = mine & ~begun
    error_h = np.abs(examples.found_onset_hour - examples.true_onset_hour)[begun & dated]
    if not error_h.size or not older.any():
        return {}
    return {
        "onset_median_error_days": float(np.median(error_h)) / 24,
        "onset_found": float(np.mean(dated[begun])),
        "onset_false": float(np.mean(dated[older])),
    }


def _intervals(
    score: Floats, ratios: Floats, examples: Examples, cluster: npt.NDArray[np.intp]
) -> Mapping[str, tuple[float, float]]:
    """5 and 95 % quantiles of the figures over samples of whole clusters, drawn with return."""
    rng = np.random.default_rng(0)
    members = np.split(np.argsort(cluster, kind="stable"), np.cumsum(np.bincount(cluster))[:-1])
    drawn: dict[str, list[float]] = {}
    for _ in range(RESAMPLES):
        chosen = np.concatenate([members[place] for place in rng.integers(0, len(members), len(members))])
        for name, value in _figures(score[chosen], ratios[chosen], examples.take(chosen)).items():
            if value is not None and name not in ("innocents", "mines"):
                drawn.setdefault(name, []).append(value)
    return {
        name: (float(np.quantile(values, 0.05)), float(np.quantile(values, 0.95)))
        for name, values in drawn.items()
    }
