"""The figures of a ranking, slowly: rows are repeated as often as their weight says."""

import math

import numpy as np


def repeated(scores, mine, weights):
    rows = [(s, m) for s, m, w in zip(scores, mine, weights, strict=True) for _ in range(int(w))]
    return [s for s, m in rows if m], [s for s, m in rows if not m]


def roc_auc(scores, mine, weights):
    mines, innocents = repeated(scores, mine, weights)
    if not mines or not innocents:
        return math.nan
    wins = sum((a > b) + 0.5 * (a == b) for a in mines for b in innocents)
    return wins / (len(mines) * len(innocents))


def precision_at(threshold, mines, innocents, prevalence):
    hits = prevalence * np.mean([s >= threshold for s in mines])
    alarms = (1 - prevalence) * np.mean([s >= threshold for s in innocents])
    return hits / (hits + alarms)


def pr_auc(scores, mine, weights, prevalence):
    mines, innocents = repeated(scores, mine, weights)
    if not mines or not innocents:
        return math.nan
    return np.mean([precision_at(s, mines, innocents, prevalence) for s in mines])


def recall_at(scores, mine, weights, prevalence, false_share):
    mines, innocents = repeated(scores, mine, weights)
    if not mines or not innocents:
        return math.nan
    best = 0.0
    for threshold in set(mines):
        if precision_at(threshold, mines, innocents, prevalence) >= 1 - false_share:
            best = max(best, np.mean([s >= threshold for s in mines]))
    return best


def threshold_at(scores, weights, recall):
    rows = sorted((s for s, w in zip(scores, weights, strict=True) for _ in range(int(w))), reverse=True)
    reached = [s for n, s in enumerate(rows, 1) if n / len(rows) >= recall - 1e-12]
    return reached[0] if reached else math.nan
