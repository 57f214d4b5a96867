import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minewatch.fuse.combination import (
    WAYS,
    FamilyResult,
    FamilyScores,
    family_result,
    posterior,
    prior_share,
    site_p_values,
    site_scores,
)
from minewatch.fuse.discovery import q_values
from minewatch.fuse.nulls import Null, null_from_table
from minewatch.fuse.power import add_parts, combine_same, compare
from minewatch.fuse.strength import Calibration, density_ratio
from minewatch.schema.evidence import Estimate

P_VALUES = st.lists(st.floats(1e-9, 1.0), min_size=1, max_size=60)


def interval(value: float, spread: float) -> Estimate:
    return Estimate(value, value / spread, value * spread)


ESTIMATES = st.builds(interval, st.floats(0.1, 1e4), st.floats(1.01, 5))


def null_of(rng: np.random.Generator, size: int) -> Null:
    return Null((np.sort(rng.normal(size=size)),), np.array([1.0]))


@given(P_VALUES)
def test_q_values_are_those_of_scipy(p: list[float]) -> None:
    assert q_values(np.array(p), len(p)) == pytest.approx(stats.false_discovery_control(p), rel=1e-12)


@given(P_VALUES, st.integers(0, 50))
def test_leaving_out_the_large_p_values_never_lowers_a_q_value(p: list[float], cut: int) -> None:
    values = np.sort(np.array(p))
    kept = values[: max(1, len(values) - cut)]
    whole = q_values(values, len(values))[: len(kept)]
    assert np.all(q_values(kept, len(values)) >= whole - 1e-15)


def test_more_p_values_than_tests_is_refused() -> None:
    with pytest.raises(ValueError, match="only 1 sites"):
        q_values(np.array([0.1, 0.2]), 1)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=50), st.floats(-12, 12))
def test_exceedance_is_the_conformal_bound(scores: list[float], score: float) -> None:
    table = pa.table({"class": ["a"] * len(scores), "prevalence": [1.0] * len(scores), "score": scores})
    expected = (1 + sum(value >= score for value in scores)) / (len(scores) + 1)
    assert null_from_table(table).exceedance(np.array([score])) == pytest.approx([expected])


def test_classes_are_weighted_by_prevalence() -> None:
    table = pa.table(
        {"class": ["home", "home", "store"], "prevalence": [0.9, 0.9, 0.1], "score": [0.0, 1.0, 5.0]}
    )
    assert null_from_table(table).exceedance(np.array([3.0])) == pytest.approx([(0.1 * 1 + 0.45) / 1.45])


def test_no_prevalence_is_refused() -> None:
    table = pa.table({"class": ["a"], "prevalence": [0.0], "score": [1.0]})
    with pytest.raises(ValueError, match="prevalence"):
        null_from_table(table)


@pytest.mark.parametrize("subjects", [1, 4])
def test_innocent_sites_are_listed_no_more_often_than_stated(subjects: int) -> None:
    """Scores of innocents and the null come from one distribution: P(p ≤ a) ≤ a, up to sampling error."""
    rng = np.random.default_rng(7)
    sites = 4000
    p = np.empty((10, sites))
    for trial in range(10):
        results = [
            family_result(
                subjects_of(np.repeat(np.arange(sites), subjects), rng.normal(size=sites * subjects)),
                Calibration(null_of(rng, 1999)),
                sites,
            )
            for _ in range(2)
        ]
        p[trial] = site_p_values(*results)
    for level in (0.02, 0.05, 0.2):
        assert np.mean(p <= level) <= level + 4 * math.sqrt(level / 2000)


def test_unequal_classes_are_bounded_too() -> None:
    """A rare class with high scores and a common one with low ones: the mixture is bounded at the tail."""
    rng = np.random.default_rng(11)
    shares, centres, sizes = (0.98, 0.02), (0.0, 3.0), (400, 60)
    trials, at_bound, level = 3000, 0, 0.01
    for _ in range(trials):
        drawn = (np.sort(rng.normal(c, 1, n)) for c, n in zip(centres, sizes, strict=True))
        null = Null(tuple(drawn), np.array(shares))
        score = rng.normal(centres[int(rng.random() < shares[1])], 1)
        at_bound += float(null.exceedance(np.array([score]))[0]) <= level
    assert at_bound / trials <= level + 4 * math.sqrt(level / trials)


def test_an_unknown_customer_is_held_against_the_worst_class() -> None:
    rare, common = np.sort(np.random.default_rng(1).normal(3, 1, 50)), np.zeros(5000)
    null = Null((rare, common), np.array([0.001, 0.999]))
    calibration = Calibration(null, np.full(100, 4.0))
    score, unknown = np.array([2.0, 2.0]), np.array([True, False])
    known_p, unknown_p = calibration.p_values(score, unknown)
    assert known_p < 0.002
    assert unknown_p == pytest.approx((1 + np.sum(rare >= 2)) / 51)
    assert calibration.strength(score, unknown)[1] < 0.2


def subjects_of(sites: np.ndarray, scores: np.ndarray) -> FamilyScores:
    return FamilyScores(sites, scores, np.ones(len(scores), bool))


def slow_family(scores: list[list[float]], null: Null) -> list[tuple[float, float]]:
    """Simes' p-value and mean likelihood ratio of each site, by their definitions."""
    result = []
    for mine in scores:
        bounds = sorted(float(null.exceedance(np.array([score]))[0]) for score in mine)
        p = min((len(mine) * bound / (n + 1) for n, bound in enumerate(bounds)), default=1.0)
        ratios = [min(10**score, 1 / null.exceedance(np.array([score]))[0]) for score in mine]
        sign = any(score > 0 for score in mine)
        result.append((p if sign else 1.0, math.log10(sum(ratios) / len(mine)) if mine else 0.0))
    return result


@given(st.lists(st.lists(st.floats(-3, 6), max_size=5), min_size=1, max_size=6))
def test_a_family_is_combined_as_its_slow_twin_does(scores: list[list[float]]) -> None:
    null = null_of(np.random.default_rng(3), 50)
    sites = np.repeat(np.arange(len(scores)), [len(mine) for mine in scores])
    family = subjects_of(sites, np.array([score for mine in scores for score in mine]))
    result = family_result(family, Calibration(null), len(scores))
    expected = slow_family(scores, null)
    assert result.p_values == pytest.approx([p for p, _ in expected])
    assert result.strength == pytest.approx([strength for _, strength in expected], abs=1e-9)
    assert result.spoke.tolist() == [bool(mine) for mine in scores]


def test_two_families_combine_as_fisher_does() -> None:
    no, yes = np.array([False]), np.array([True])
    p = {name: np.array([value]) for name, value in (("a", 0.01), ("b", 0.03), ("none", 1.0))}
    seen = {name: FamilyResult(p[name], np.zeros(1), yes, yes) for name in "ab"}
    unseen = FamilyResult(p["none"], np.zeros(1), yes, no)
    fisher = stats.combine_pvalues([0.01, 0.03]).pvalue
    assert site_p_values(seen["a"], seen["b"]) == pytest.approx([fisher / 0.1])
    assert site_p_values(seen["a"], unseen) == pytest.approx([0.01 / 0.8])
    assert site_p_values(unseen, seen["b"]) == pytest.approx([0.03 / 0.1])
    assert site_p_values(unseen, unseen) == pytest.approx([1.0])
    assert sum(WAYS) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(4))
def test_strength_rises_and_is_about_the_ratio_of_densities(seed: int) -> None:
    rng = np.random.default_rng(seed)
    calibration = Calibration(null_of(rng, 4000), np.sort(rng.normal(2, 1, 2000)))
    grid = np.linspace(-4, 6, 101)
    strength = calibration.strength(grid, np.ones(len(grid), bool))
    assert np.all(np.diff(strength) >= 0)
    assert np.all(np.isfinite(strength))
    inside = (grid > 0) & (grid < 2)
    assert strength[inside] == pytest.approx((2 * grid[inside] - 2) / math.log(10), abs=0.4)


def test_strength_is_bounded_by_the_innocents_that_were_seen() -> None:
    null = null_of(np.random.default_rng(1), 99)
    _, strengths = density_ratio(null, np.full(50, 30.0))
    assert strengths[-1] == pytest.approx(2, abs=0.01)
    assert Calibration(null).strength(np.array([30.0]), np.array([True])) == pytest.approx([2])


def test_posteriors_mean_what_they_say() -> None:
    """Of sites with a posterior near p a share p mines, with the share of mines estimated from them."""
    rng = np.random.default_rng(5)
    mines = rng.random(40_000) < 0.02
    scores = rng.normal(np.where(mines, 3.0, 0.0), 1.0)
    calibration = Calibration(null_of(rng, 20_000), np.sort(rng.normal(3, 1, 5000)))
    strength = calibration.strength(scores, np.ones(len(scores), bool))
    share = prior_share(strength)
    assert share == pytest.approx(mines.mean(), rel=0.15)
    stated = posterior(strength, share)
    for low, high in ((0.05, 0.3), (0.3, 0.7), (0.7, 1.0)):
        chosen = (stated >= low) & (stated < high)
        assert mines[chosen].mean() == pytest.approx(stated[chosen].mean(), abs=0.1)


def strong(strength: float, spoke: bool = True) -> FamilyResult:
    flags = np.array([spoke])
    return FamilyResult(np.array([1e-4]), np.array([strength]), flags, flags)


@given(st.floats(-3, 5), st.floats(0, 5), st.floats(-300, 2))
def test_a_contradiction_never_outweighs_what_one_family_shows(
    meter: float, wire: float, agreement: float
) -> None:
    score = site_scores(strong(meter), strong(wire), np.array([agreement]))[0]
    assert score >= max(meter, wire) + math.log10(0.2) - 1e-9
    assert score <= max(meter + wire + agreement, meter, wire) + 1e-9 or agreement > 0


def test_a_family_that_did_not_speak_says_nothing() -> None:
    score = site_scores(strong(2.0), strong(0.0, spoke=False), np.zeros(1))
    assert score == pytest.approx([2.0])


def test_the_posterior_is_that_of_bayes() -> None:
    assert posterior(np.array([3.0]), 0.001)[0] == pytest.approx(1 / (1 + 999 / 1000))
    assert posterior(np.array([-400.0, 400.0]), 0.5) == pytest.approx([0, 1])
    with pytest.raises(ValueError, match="between 0 and 1"):
        posterior(np.zeros(1), 0.0)


@given(st.floats(0.1, 1e4), st.floats(1.01, 5), st.integers(1, 6))
def test_agreeing_estimates_keep_the_value_and_narrow_the_interval(
    value: float, spread: float, n: int
) -> None:
    together = combine_same([interval(value, spread)] * n)
    assert together.value == pytest.approx(value)
    assert math.log(together.high / value) == pytest.approx(math.log(spread) / math.sqrt(n))


@given(ESTIMATES, ESTIMATES)
def test_comparison_is_symmetric_in_strength(first: Estimate, second: Estimate) -> None:
    there, back = compare(first, second), compare(second, first)
    assert there.z == pytest.approx(-back.z)
    assert there.log10_lr == pytest.approx(back.log10_lr)


def test_agreement_proves_and_contradiction_stops() -> None:
    near = compare(interval(100, 1.1), interval(103, 1.15))
    far = compare(interval(100, 1.1), interval(10, 1.15))
    assert near.log10_lr > 0.5
    assert not near.contradictory
    assert far.log10_lr < -10
    assert far.contradictory


@given(st.lists(ESTIMATES, min_size=1, max_size=8))
def test_parts_add_up(parts: list[Estimate]) -> None:
    total = add_parts(parts)
    assert total.value == pytest.approx(sum(part.value for part in parts))
    assert sum(p.low for p in parts) <= total.low * (1 + 1e-9) + 1e-9
    assert total.high <= sum(p.high for p in parts) * (1 + 1e-9)


def test_nothing_to_combine_is_refused() -> None:
    with pytest.raises(ValueError, match="no estimate"):
        combine_same([])
