import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minewatch.fuse.combination import (
    SHARES,
    TOGETHER,
    FamilyResult,
    FamilyScores,
    family_result,
    posterior,
    prior_share,
    site_p_values,
    site_scores,
)
from minewatch.fuse.discovery import q_values, stratified_q_values
from minewatch.fuse.families import SEES, Family
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


@given(st.lists(st.tuples(st.floats(1e-9, 1.0), st.integers(0, 2)), min_size=1, max_size=40))
def test_each_stratum_is_held_to_the_rate_by_itself(drawn: list[tuple[float, int]]) -> None:
    p, strata = np.array([value for value, _ in drawn]), np.array([stratum for _, stratum in drawn])
    found = stratified_q_values(p, strata, {0: 7})
    for stratum in set(strata.tolist()):
        own = p[strata == stratum]
        alone = q_values(own, len(own) + (7 if stratum == 0 else 0))
        assert found[strata == stratum] == pytest.approx(alone)


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


METER, WIRE, SUPPLY, PLANT, TRAFFIC = Family


def names(count: int) -> list[str]:
    return [str(number) for number in range(count)]


@pytest.mark.parametrize("subjects", [1, 4])
@pytest.mark.parametrize(
    "families", [(METER, WIRE), (METER, WIRE, SUPPLY), (SUPPLY, PLANT, WIRE), tuple(Family)]
)
def test_innocent_sites_are_listed_no_more_often_than_stated(
    families: tuple[Family, ...], subjects: int
) -> None:
    """Scores of innocents and the null come from one distribution: P(p ≤ a) ≤ a, up to sampling error.

    Meter and traffic have the same scores: they may depend on each other. The wire is silent without a sign.
    """
    rng = np.random.default_rng(7)
    sites, levels = 4000, (0.005, 0.02, 0.05, 0.2)
    p = np.empty((10, sites))
    for trial in range(10):
        curves = rng.normal(size=sites * subjects)
        results = {}
        for family in families:
            scores = curves if family in (METER, TRAFFIC) else rng.normal(size=sites * subjects)
            told = scores > 0 if family is WIRE else np.ones(len(scores), bool)
            made = subjects_of(np.repeat(np.arange(sites), subjects)[told], scores[told])
            made = replace(made, everywhere=family is WIRE)
            results[family] = family_result(made, Calibration(null_of(rng, 1999)), names(sites))
        p[trial] = site_p_values(results)
    for level in levels:
        assert np.mean(p <= level) <= level + 4 * math.sqrt(level / 2000)


@given(st.dictionaries(st.sampled_from(list(Family)), st.floats(1e-6, 1), min_size=1))
def test_a_site_is_as_sure_as_its_best_way(p: dict[Family, float]) -> None:
    """The slow twin: every way by its definition, the error divided among those that are open."""
    results = {family: seen(value) for family, value in p.items()}
    witnesses: dict[frozenset[Family], float] = {}
    for group in SHARES:
        members = [p[family] for family in group if family in p]
        if members:
            witnesses[group] = min(1.0, len(members) * min(members))
    whole = sum(SHARES[group] for group in witnesses) + (TOGETHER if len(witnesses) > 1 else 0)
    ways = [value * whole / SHARES[group] for group, value in witnesses.items()]
    if len(witnesses) > 1:
        fisher = stats.combine_pvalues(list(witnesses.values())).pvalue
        ways.append(fisher * (2 ** len(witnesses) - len(witnesses) - 1) * whole / TOGETHER)
    assert site_p_values(results)[0] == pytest.approx(min(1.0, *ways))


def seen(p: float, *, sign: bool = True) -> FamilyResult:
    yes = np.array([True])
    return FamilyResult(np.array([p if sign else 1.0]), np.zeros(1), yes, np.array([sign]), yes)


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
    result = family_result(family, Calibration(null), names(len(scores)))
    expected = slow_family(scores, null)
    assert result.p_values == pytest.approx([p for p, _ in expected])
    assert result.strength == pytest.approx([strength for _, strength in expected], abs=1e-9)
    assert result.spoke.tolist() == [bool(mine) for mine in scores]


def test_meter_and_wire_share_the_error() -> None:
    """Eight tenths to the meter, one to the wire, one to both together."""
    together = stats.combine_pvalues([0.01, 0.01]).pvalue
    assert site_p_values({METER: seen(0.01), WIRE: seen(0.01)}) == pytest.approx(
        [min(together / 0.1, 0.0125)]
    )
    assert site_p_values({METER: seen(0.01), WIRE: seen(1, sign=False)}) == pytest.approx([0.01 / 0.8])
    assert site_p_values({METER: seen(1, sign=False), WIRE: seen(0.03)}) == pytest.approx([0.03 / 0.1])
    assert site_p_values({METER: seen(1, sign=False), WIRE: seen(1, sign=False)}) == pytest.approx([1.0])


def test_a_family_without_data_takes_no_share_of_the_error() -> None:
    assert site_p_values({SUPPLY: seen(0.01)}) == pytest.approx([0.01])


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


def strong(value: float) -> FamilyResult:
    yes = np.ones(1, bool)
    return FamilyResult(np.array([0.01]), np.array([value]), yes, yes, yes)


@given(st.floats(-3, 5), st.floats(0, 5), st.floats(-300, 2))
def test_a_contradiction_never_outweighs_what_one_family_shows(
    meter: float, wire: float, agreement: float
) -> None:
    both = {frozenset({METER, WIRE}): np.array([agreement])}
    score = site_scores({METER: strong(meter), WIRE: strong(wire)}, both)[0]
    assert score >= max(meter, wire) + math.log10(0.2) - 1e-9
    assert score <= max(meter + wire + agreement, meter, wire) + 1e-9 or agreement > 0


@given(st.dictionaries(st.sampled_from(list(Family)), st.floats(-3, 6), min_size=1))
def test_a_score_is_the_mixture_over_who_sees_the_farm(strengths: dict[Family, float]) -> None:
    """The slow twin: each set of families that may see it, by its definition."""
    total = unseen = 0.0
    for bits in range(2 ** len(strengths)):
        share = ratio = 1.0
        for place, (family, strength) in enumerate(strengths.items()):
            sees = bool(bits >> place & 1)
            share *= SEES[family] if sees else 1 - SEES[family]
            ratio *= 10**strength if sees else 1
        total, unseen = (total, share) if bits == 0 else (total + share * ratio, unseen)
    score = site_scores({family: strong(value) for family, value in strengths.items()})[0]
    assert score == pytest.approx(math.log10(total / (1 - unseen)))


def test_a_family_that_did_not_speak_says_nothing() -> None:
    no = np.zeros(1, bool)
    silent = FamilyResult(np.ones(1), np.zeros(1), no, no, np.ones(1, bool))
    assert site_scores({METER: strong(2.0), WIRE: silent}) == pytest.approx([2.0])
    assert site_scores({WIRE: silent}) == pytest.approx([0.0])


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
