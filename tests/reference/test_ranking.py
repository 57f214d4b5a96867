"""Figures of a ranking against their slow twins."""

import numpy as np
import plain_ranking as plain
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minewatch.runs.evaluation import curves as fast

ROWS = st.lists(st.tuples(st.integers(-4, 4), st.booleans(), st.integers(0, 3)), min_size=1, max_size=25)
SHARE = st.sampled_from((0.001, 0.02, 0.3, 0.5))


def arrays(rows: list[tuple[int, bool, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    scores, mine, weights = zip(*rows, strict=True)
    return np.array(scores, float), np.array(mine, bool), np.array(weights, float)


def same(one: float, other: float) -> None:
    assert one == pytest.approx(other, abs=1e-9, nan_ok=True)


@given(ROWS, SHARE, st.sampled_from((0.01, 0.05, 0.1, 0.5)))
def test_curves(rows: list[tuple[int, bool, int]], prevalence: float, false_share: float) -> None:
    scores, mine, weights = arrays(rows)
    shape = fast.Ranks(scores, mine).curve(weights)
    same(fast.roc_auc(shape), plain.roc_auc(scores, mine, weights))
    same(fast.pr_auc(shape, prevalence), plain.pr_auc(scores, mine, weights, prevalence))
    found = fast.recall_at(shape, prevalence, false_share)
    same(found, plain.recall_at(scores, mine, weights, prevalence, false_share))


@given(ROWS, st.sampled_from((0.2, 0.5, 0.8, 1.0)))
def test_threshold(rows: list[tuple[int, bool, int]], recall: float) -> None:
    scores, _, weights = arrays(rows)
    same(fast.threshold_at(scores, weights, recall), plain.threshold_at(scores, weights, recall))
