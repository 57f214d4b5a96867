"""Calibrated p-values stay p-values, however it was chosen whom to inspect."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from minewatch.fuse.local import LEFT_OPEN, Inspected, calibrated, top_start
from minewatch.fuse.nulls import SHIPPED_CUSTOMERS, Null
from minewatch.fuse.strength import Calibration

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
INNOCENTS, MINES, TRIALS = 4000, 40, 20
LEVELS = (0.0005, 0.002, 0.01)


def shipped(rng: np.random.Generator) -> Calibration:
    return Calibration(Null((np.sort(rng.normal(size=5000)),), np.ones(1), ("household",)))


def ordinary(rng: np.random.Generator) -> Floats:
    return rng.normal(size=INNOCENTS)


def with_look_alikes(rng: np.random.Generator) -> Floats:
    """Innocents of which one in fifty looks like a mine: a class that the shipped null lacks."""
    return rng.normal(np.where(np.arange(INNOCENTS) % 50, 0.0, 4.0))


def by_list(_: np.random.Generator, scores: Floats) -> Flags:
    """Inspect the list from the top down."""
    return scores >= np.sort(scores)[-150]


def by_tips(rng: np.random.Generator, scores: Floats) -> Flags:
    """Inspect whom neighbours report: nearly all mines, hardly an innocent."""
    is_mine = np.arange(len(scores)) >= INNOCENTS
    return rng.random(len(scores)) < np.where(is_mine, 0.9, 0.002)


def by_list_and_tips(rng: np.random.Generator, scores: Floats) -> Flags:
    return by_list(rng, scores) | by_tips(rng, scores)


def by_lot(rng: np.random.Generator, scores: Floats) -> Flags:
    return rng.random(len(scores)) < 0.02


def county(
    rng: np.random.Generator, innocents: Floats, chosen: Callable[..., Flags]
) -> tuple[Calibration, Calibration]:
    """Return the shipped calibration, and that after inspections of a county."""
    scores = np.concatenate([innocents, rng.normal(5, 1, MINES)])
    is_mine = np.arange(len(scores)) >= INNOCENTS
    known = chosen(rng, scores)
    start = top_start(scores, known)
    in_tail = np.zeros(len(scores), bool) if start is None else scores >= start
    rows = np.flatnonzero(known | in_tail)
    in_class = (known & ~is_mine)[rows] & (chosen is by_lot)
    found = Inspected(
        sites=[f"S{row}" for row in rows],
        classes=["household"] * len(rows),
        scores=scores[rows],
        innocent=~(is_mine & known)[rows],
        in_class=in_class,
        in_tail=in_tail[rows],
        judged=len(scores),
        start=start,
    )
    before = shipped(rng)
    return before, calibrated(before, found)


def share_below(
    innocents: Callable[..., Floats], chosen: Callable[..., Flags], again: Callable[..., Floats]
) -> tuple[dict[float, float], dict[float, float]]:
    """Return level → share of innocents with a p-value at or below it, before and after calibration."""
    rng = np.random.default_rng(20210924)
    found: dict[float, list[tuple[float, float]]] = {level: [] for level in LEVELS}
    sites = [f"S{n}" for n in range(INNOCENTS)]
    for _ in range(TRIALS):
        first = innocents(rng)
        before, after = county(rng, first, chosen)
        scores, placed = again(rng, first), np.ones(INNOCENTS, bool)
        p_before, p_after = before.p_values(scores, placed), after.p_values(scores, placed, sites)
        for level in LEVELS:
            found[level].append((float(np.mean(p_before <= level)), float(np.mean(p_after <= level))))
    means = {level: np.mean(pairs, axis=0) for level, pairs in found.items()}
    return {level: float(a) for level, (a, _) in means.items()}, {x: float(b) for x, (_, b) in means.items()}


def slack(level: float) -> float:
    return 4 * math.sqrt(level / (TRIALS * INNOCENTS)) + 0.1 * level


def new_customers(innocents: Callable[..., Floats]) -> Callable[..., Floats]:
    return lambda rng, _: innocents(rng)


def same_customers(rng: np.random.Generator, first: Floats) -> Floats:
    """The same customers a week later: who scored high scores high."""
    return first + rng.normal(0, 0.05, len(first))


@pytest.mark.parametrize("chosen", [by_list, by_tips, by_list_and_tips, by_lot])
@pytest.mark.parametrize("again", [new_customers(ordinary), same_customers], ids=["new", "same"])
def test_p_values_hold_where_the_shipped_null_does(
    chosen: Callable[..., Flags], again: Callable[..., Floats]
) -> None:
    _, after = share_below(ordinary, chosen, again)
    assert all(share <= level + slack(level) for level, share in after.items())


@pytest.mark.parametrize("again", [new_customers(with_look_alikes), same_customers], ids=["new", "same"])
def test_inspections_mend_a_null_that_lacks_the_county_look_alikes(again: Callable[..., Floats]) -> None:
    before, after = share_below(with_look_alikes, by_list, again)
    assert all(before[level] > 1.5 * level for level in LEVELS)
    # The shipped null, wrong here, still counts as so many customers: the promise holds up to its weight.
    weight = (INNOCENTS + SHIPPED_CUSTOMERS) / INNOCENTS
    assert all(share <= weight * level + slack(level) for level, share in after.items())
    assert after[LEVELS[0]] < before[LEVELS[0]] / 5


def test_five_labels_do_not_overturn_the_shipped_null() -> None:
    rng = np.random.default_rng(3)
    scores = np.sort(rng.normal(size=INNOCENTS))
    high, placed = np.array([3.0]), np.ones(1, bool)
    before = shipped(rng)
    for innocent in (True, False):
        found = Inspected(
            [f"S{n}" for n in range(5)], ["household"] * 5, scores[-5:], np.full(5, innocent),
            np.zeros(5, bool), np.ones(5, bool), INNOCENTS, float(scores[-5]),
        )  # fmt: skip
        after = calibrated(before, found).p_values(high, placed)
        assert 0.5 < after / before.p_values(high, placed) < 1.5


def test_a_site_is_not_held_against_its_own_label() -> None:
    rng = np.random.default_rng(4)
    scores, placed = np.array([6.0, 5.0]), np.ones(2, bool)
    found = Inspected(
        ["S1", "S2"], ["", "new class"], scores, placed, placed, placed, INNOCENTS, 5.0
    )  # fmt: skip
    after = calibrated(shipped(rng), found)
    others = after.p_values(scores, placed, ["S8", "S9"])
    own = after.p_values(scores, placed, ["S1", "S2"])
    alone = calibrated(shipped(np.random.default_rng(4)), found.without("S1")).p_values(scores, placed)
    assert own[0] < others[0]
    assert own[0] == alone[0]
    assert np.all(after.strength(scores, placed, ["S1", "S2"]) >= after.strength(scores, placed))


def test_the_top_ends_where_inspections_become_rare() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        scores = rng.integers(0, 30, 60).astype(float)
        known = rng.random(60) < np.where(scores > 20, 0.97, 0.3)
        start = top_start(scores, known)
        complete = [s for s in np.unique(scores) if np.mean(~known[scores >= s]) <= LEFT_OPEN]
        assert start == (min(complete) if complete else None)


def test_the_formula_of_the_page_is_what_is_computed() -> None:
    rng = np.random.default_rng(6)
    null = shipped(rng).null
    tail, start, judged = np.sort(rng.uniform(2.0, 5.0, 40)), 2.0, 9000
    found = Inspected(
        [f"S{n}" for n in range(40)], [""] * 40, tail, np.ones(40, bool),
        np.zeros(40, bool), np.ones(40, bool), judged, start,
    )  # fmt: skip
    after = calibrated(Calibration(null), found).null
    trust, share = 5000, lambda s: float(np.mean(null.scores[0] >= s))
    for s in (-1.0, 0.5, 1.9, 2.0, 2.7, 4.0, 9.0):
        top = float(np.sum(tail >= s))
        if s < start:
            top += (judged - 40) * (share(s) - share(start)) / (1 - share(start))
        expected = (trust * share(s) + top + 1) / (trust + judged + 1)
        assert after.exceedance(np.array([s]))[0] == pytest.approx(min(1.0, expected), rel=1e-9)
    assert after.points[1].sum() == pytest.approx(1.0)
