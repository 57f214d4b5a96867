"""From the scores of many subjects to one p-value and one likelihood ratio per site.

A *family* is a kind of evidence whose subjects are scored alike: usage points ("meter"), hosts ("wire"). All
arrays over sites have shape (sites,); a site is its code, from 0.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.fuse.strength import Calibration

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

ONE_FARM, ONE_FAMILY_ONLY = 0.6, 0.2
"""Where two families speak of a mining site: probability that both see one farm, and that only the one or the
other sees it while what the other saw is innocent (assumed)."""


class Ways(NamedTuple):
    """Share of the allowed error that goes to each way onto the list; they sum to 1."""

    first: float
    second: float
    both: float


WAYS = Ways(first=0.8, second=0.1, both=0.1)
"""Weighted Bonferroni over the ways meter alone, wire alone, both: most to the meter, whose p-values are the
largest because few innocents of each class are known (assumed; fixed before the data are seen)."""


ASSUMED, ASSUMED_SHARE = 300, 0.001
"""Sites that count along when the share of mining sites is estimated, and the share among them (assumed)."""

_ROUNDS = 200


@dataclass(frozen=True)
class FamilyScores:
    """What one family says: ``scores[i]`` (log10 likelihood ratio) of a subject at ``sites[i]``.

    ``placed[i]``: the register knows the subject.
    """

    sites: Codes
    scores: Floats
    placed: Flags


@dataclass(frozen=True)
class FamilyResult:
    """One family by site: p-values (1 where it saw no sign) and ``strength`` (log10 likelihood ratio).

    ``spoke``: the site has subjects of the family. ``sign``: one of them has a score above 0.
    """

    p_values: Floats
    strength: Floats
    spoke: Flags
    sign: Flags


def family_result(family: FamilyScores, calibration: Calibration, sites: int) -> FamilyResult:
    """Combine the subjects of each site.

    The p-value is that of Simes 1986 for the k subjects of a site: like Bonferroni where one of them stands
    out, like a single test where all do; valid under positive dependence. The likelihood ratio is the mean
    over subjects of their calibrated ratios, for a farm at one of them.
    """
    bound = calibration.p_values(family.scores, family.placed)
    strength = calibration.strength(family.scores, family.placed)
    count = np.bincount(family.sites, minlength=sites)
    total = np.bincount(family.sites, weights=10.0**strength, minlength=sites)
    spoke = count > 0
    mean = np.log10(np.where(spoke, total, 1.0) / np.maximum(count, 1))
    sign = np.bincount(family.sites, weights=family.scores > 0, minlength=sites) > 0
    p_values = np.where(sign, _simes(family.sites, bound, count), 1.0)
    return FamilyResult(p_values, mean, spoke, sign)


def _simes(sites: Codes, p_values: Floats, count: npt.NDArray[np.int64]) -> Floats:
    order = np.lexsort((p_values, sites))
    ordered = sites[order]
    first = np.searchsorted(ordered, ordered, side="left")
    rank = np.arange(len(ordered)) - first + 1
    result = np.ones(len(count))
    np.minimum.at(result, ordered, p_values[order] * count[ordered] / rank)
    return result


def site_p_values(first: FamilyResult, second: FamilyResult) -> Floats:
    """Return the p-value of each site from two families.

    Families are independent for an innocent site, so the p-values of two that both saw a sign combine as a
    product of uniform variables (Fisher 1932). Which of the three ways (first alone, second alone, both) a
    site goes is chosen by the data: its p-value is divided by the weight of its way in ``WAYS``.
    """
    product = first.p_values * second.p_values
    both = product * (1 - np.log(product))
    p_values = np.select(
        [first.sign & second.sign, first.sign, second.sign],
        [both / WAYS.both, first.p_values / WAYS.first, second.p_values / WAYS.second],
        1.0,
    )
    return np.minimum(1.0, p_values)


def site_scores(first: FamilyResult, second: FamilyResult, agreement: Floats) -> Floats:
    """Return the log10 likelihood ratio of mining for each site from two families.

    Where both spoke, a mining site is one farm seen by both (``agreement`` is the log10 likelihood ratio of
    their powers for one farm, 0 where they cannot be compared), or seen by one alone. So a contradiction
    costs the agreement but never outweighs what one family shows by itself.
    """
    both = ONE_FARM * 10.0 ** (first.strength + second.strength + agreement)
    alone = ONE_FAMILY_ONLY * (10.0**first.strength + 10.0**second.strength)
    return np.where(first.spoke & second.spoke, np.log10(both + alone), first.strength + second.strength)


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
