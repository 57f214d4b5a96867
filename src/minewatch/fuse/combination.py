"""From the scores of many subjects to one p-value and one likelihood ratio per site.

Subjects belong to families (``minewatch.fuse.families``). All arrays over sites have shape (sites,); a site
is its code, from 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.fuse.families import SEES, Family
from minewatch.fuse.strength import Calibration

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Families = frozenset[Family]

WITNESSES: Sequence[Families] = tuple(
    frozenset(names)
    for names in (
        {Family.METER, Family.TRAFFIC},
        {Family.WIRE},
        {Family.SUPPLY},
        {Family.PLANT},
    )
)
"""Families in groups that are independent for an innocent site: meter and traffic use one curve."""

SHARES: Mapping[Families, float] = MappingProxyType(dict(zip(WITNESSES, (8.0, 1.0, 8.0, 8.0), strict=True)))
TOGETHER = 1.0
"""Shares of the allowed error that go to each way onto the list: each witness alone, and several together.

Little goes to the wire and to agreement, whose p-values are small enough to bear it (assumed; fixed before
the data are seen). The witnesses that can speak at a site divide the whole error among them.
"""

ASSUMED, ASSUMED_SHARE = 300, 0.001
"""Sites that count along when the share of mining sites is estimated, and the share among them (assumed)."""

_ROUNDS = 200


@dataclass(frozen=True)
class FamilyScores:
    """What one family says: ``scores[i]`` (log10 likelihood ratio) of a subject at ``sites[i]``.

    ``placed[i]``: the register knows the subject. ``everywhere``: the family looked at every site, and
    subjects without a sign are not told.
    """

    sites: Codes
    scores: Floats
    placed: Flags
    everywhere: bool = False


@dataclass(frozen=True)
class FamilyResult:
    """One family by site: p-values (1 where it saw no sign) and ``strength`` (log10 likelihood ratio).

    ``spoke``: the site has subjects of the family. ``sign``: one of them has a score above 0. ``able``: one
    could have had.
    """

    p_values: Floats
    strength: Floats
    spoke: Flags
    sign: Flags
    able: Flags


def family_result(family: FamilyScores, calibration: Calibration, site_ids: Sequence[str]) -> FamilyResult:
    """Combine the subjects of each site; ``site_ids`` by code.

    The p-value is that of Simes 1986 for the k subjects of a site: like Bonferroni where one of them stands
    out, like a single test where all do; valid under positive dependence. The likelihood ratio is the mean
    over subjects of their calibrated ratios, for a farm at one of them.
    """
    sites = len(site_ids)
    named = [site_ids[code] for code in family.sites.tolist()] if calibration.own else ()
    bound = calibration.p_values(family.scores, family.placed, named)
    strength = calibration.strength(family.scores, family.placed, named)
    count = np.bincount(family.sites, minlength=sites)
    total = np.bincount(family.sites, weights=10.0**strength, minlength=sites)
    spoke = count > 0
    mean = np.log10(np.where(spoke, total, 1.0) / np.maximum(count, 1))
    sign = np.bincount(family.sites, weights=family.scores > 0, minlength=sites) > 0
    p_values = np.where(sign, _simes(family.sites, bound, count), 1.0)
    return FamilyResult(p_values, mean, spoke, sign, spoke | family.everywhere)


def _simes(sites: Codes, p_values: Floats, count: npt.NDArray[np.int64]) -> Floats:
    order = np.lexsort((p_values, sites))
    ordered = sites[order]
    first = np.searchsorted(ordered, ordered, side="left")
    rank = np.arange(len(ordered)) - first + 1
    result = np.ones(len(count))
    np.minimum.at(result, ordered, p_values[order] * count[ordered] / rank)
    return result


class _Witness(NamedTuple):
    """Families that may depend on each other, as one: its share of the error, p-values, sign and ability."""

    share: float
    p_values: Floats
    sign: Flags
    able: Flags


def site_p_values(results: Mapping[Family, FamilyResult]) -> Floats:
    """Return the p-value of each site from all families.

    The ways onto the list are each witness alone and the witnesses with a sign together (Fisher 1932: they
    are independent for an innocent site). Each way has a share of the allowed error, and the way with the
    smallest p-value counts (weighted Bonferroni: Genovese, Roeder, Wasserman 2006). Shares depend on which
    witnesses can speak at the site, never on what they say; the share of "together" is divided equally among
    all sets that may turn out to be those with a sign.
    """
    witnesses = [_witness(results, names) for names in WITNESSES if names & results.keys()]
    able = np.sum([witness.able for witness in witnesses], axis=0)
    whole = np.sum([witness.share * witness.able for witness in witnesses], axis=0) + TOGETHER * (able > 1)
    ways = [witness.p_values * whole / witness.share for witness in witnesses]
    ways.append(_together(witnesses, able) * whole / TOGETHER)
    smallest: Floats = np.min(ways, axis=0)
    return np.where(able > 0, np.minimum(1.0, smallest), 1.0)


def _witness(results: Mapping[Family, FamilyResult], names: Families) -> _Witness:
    """Return one witness: Bonferroni over those of its families that can speak at a site."""
    parts = [results[name] for name in sorted(names & results.keys())]
    able = np.sum([part.able for part in parts], axis=0)
    p_values = np.min([part.p_values for part in parts], axis=0) * np.maximum(able, 1)
    sign = np.any([part.sign for part in parts], axis=0)
    return _Witness(SHARES[names], np.minimum(1.0, p_values), sign, able > 0)


def _together(witnesses: Sequence[_Witness], able: npt.NDArray[np.int64]) -> Floats:
    """Return Fisher's p-value over the witnesses with a sign, times the number of sets that these may be."""
    from scipy.special import gammaincc

    signs = np.sum([witness.sign for witness in witnesses], axis=0)
    logs = np.sum([np.log(witness.p_values) for witness in witnesses], axis=0)
    # Of k uniform variables, -ln of the product has a gamma distribution of shape k.
    product = gammaincc(np.maximum(signs, 1), -logs)
    return np.where(signs > 1, product * (2.0**able - able - 1), 1.0)


def site_scores(
    results: Mapping[Family, FamilyResult], agreements: Mapping[Families, Floats] = MappingProxyType({})
) -> Floats:
    """Return the log10 likelihood ratio of mining for each site from all families.

    At a mining site each family that speaks of it sees the mine with the probability ``SEES``, at least one
    does, and what the others say is as of an innocent. ``agreements`` gives for a set of families the log10
    likelihood ratio of their powers for one farm (0 where they cannot be compared). So a contradiction costs
    the agreement but never outweighs what one family shows by itself.
    """
    spoke = {family: result for family, result in results.items() if result.spoke.any()}
    sites = _sites(results)
    total, unseen = np.full(sites, -np.inf), np.ones(sites)
    for family, result in spoke.items():
        unseen = unseen * np.where(result.spoke, 1 - SEES[family], 1.0)
    for seers in _subsets(list(spoke)):
        parts = [_log10_part(family, result, family in seers) for family, result in spoke.items()]
        here = np.sum(parts, axis=0) + agreements.get(seers, np.zeros(sites))
        total = np.logaddexp(total, here * np.log(10))
    silent = unseen == 1
    return np.where(silent, 0.0, total / np.log(10) - np.log10(np.where(silent, 1.0, 1 - unseen)))


def _log10_part(family: Family, result: FamilyResult, sees: bool) -> Floats:
    """Return what one family adds to the likelihood where it sees the mine, or where it does not."""
    if sees:
        return np.where(result.spoke, np.log10(SEES[family]) + result.strength, -np.inf)
    return np.where(result.spoke, np.log10(1 - SEES[family]), 0.0)


def _subsets(families: Sequence[Family]) -> Iterator[Families]:
    for size in range(1, len(families) + 1):
        yield from map(frozenset, combinations(families, size))


def _sites(results: Mapping[Family, FamilyResult]) -> int:
    return len(next(iter(results.values())).spoke)


def prior_share(scores: Floats) -> float:
    """Return the share of sites that mine, the most likely one given their log10 likelihood ratios.

    Maximum of the posterior of a two-part mixture by expectation and maximisation (Dempster, Laird, Rubin
    1977). ``ASSUMED`` sites with the share ``ASSUMED_SHARE`` count along, so that a handful of sites does not
    make its own prior.
    """
    ratios = 10.0 ** np.clip(scores, -30.0, 30.0)
    share = 0.01
    for _ in range(_ROUNDS):
        mines = float(np.sum(share * ratios / (1 - share + share * ratios)))
        share = (mines + ASSUMED * ASSUMED_SHARE) / (len(ratios) + ASSUMED)
    return share


def posterior(scores: Floats, prior: float) -> Floats:
    """Return the probability of mining for each site, from the prior share of sites that mine.

    Raises ValueError for a prior outside (0, 1).
    """
    if not 0 < prior < 1:
        raise ValueError(f"the share of sites that mine is {prior}; it must lie between 0 and 1")
    log_odds = scores * np.log(10) + np.log(prior / (1 - prior))
    return np.exp(-np.logaddexp(0.0, -log_odds))
