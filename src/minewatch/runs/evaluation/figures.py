"""Figures of a labelled ranking, each with an interval by bootstrap over sites."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.runs.evaluation.curves import (
    Ranks,
    median,
    pr_auc,
    recall_at,
    roc_auc,
    share,
    threshold_at,
)

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.object_]

RESAMPLES, SEED, LEVEL = 400, 20211283, 0.95
LEAST_SITES = 5
"""Below so many sites a bootstrap says nothing: a figure has no interval."""

FALSE_SHARES = (0.01, 0.05, 0.10)
AT_RECALL = 0.8
SIZES_KW = ((0.0, 5.0), (5.0, 50.0), (50.0, 500.0), (500.0, math.inf))
SIZES_RELATIVE = ((0.0, 0.5), (0.5, 1.0), (1.0, 3.0), (3.0, math.inf))
LARGE = 1.0
"""Mining power to the other load from which on a mine sets the threshold of the false alarms."""


@dataclass(frozen=True)
class Ranking:
    """What was judged and is labelled, row by row; (n,) each, NaN and "" for unknown.

    ``sites`` are codes; ``classes`` what an innocent is, ``kinds`` how a mine mines; ``mine_kw`` by its
    label, ``rest_kw`` the other load. ``power_kw`` (n, 3) is the stated power with its interval. ``begun``:
    the mine began within the data, ``older``: before; ``onset_days`` how many days later the stated onset is
    (NaN: none stated).
    """

    scores: Floats
    mine: Flags
    sites: npt.NDArray[np.int64]
    classes: Names
    kinds: Names
    mine_kw: Floats
    rest_kw: Floats
    power_kw: Floats
    begun: Flags
    older: Flags
    onset_days: Floats


class Figure(NamedTuple):
    """A value with its interval (None: too few sites) and the number of things it stands on."""

    value: float | None
    low: float | None
    high: float | None
    n: int


_Measure = Callable[[Floats], float]
"""From weights to a value."""


@dataclass(frozen=True)
class _Figured:
    """A measure with the rows that it stands on; ``is_share``: of those rows a share."""

    measure: _Measure
    rows: Flags
    is_share: bool = False


def figures(ranking: Ranking, prevalence: float) -> dict[str, Any]:
    """Return the figures of ``ranking`` at a share ``prevalence`` of mines, nested; see ``Figure``."""
    asked = {
        "roc_auc": _ranked(ranking, roc_auc),
        "pr_auc": _ranked(ranking, partial(pr_auc, prevalence=prevalence)),
        "recall_at_false_share": {
            f"{rate:g}": _ranked(ranking, partial(recall_at, prevalence=prevalence, false_share=rate))
            for rate in FALSE_SHARES
        },
        "false_alarms": dict(_false_alarms(ranking)),
        "power": _power(ranking, ranking.mine),
        "onset": _onset(ranking),
        "by_size_kw": _by_size(ranking, ranking.mine_kw, SIZES_KW),
        "by_size_relative": _by_size(ranking, ranking.mine_kw / ranking.rest_kw, SIZES_RELATIVE),
        "by_kind": {
            str(kind): _of_mines(ranking, ranking.mine & (ranking.kinds == kind))
            for kind in sorted(set(ranking.kinds[ranking.mine]))
            if kind
        },
    }
    return _answered(asked, ranking)


def list_figures(ranking: Ranking, listed: Flags) -> dict[str, Any]:
    """Return the share of mines in the inspected part of a list, and the share of mines that it holds."""
    asked = {
        "confirmed": _Figured(
            lambda weights: share(ranking.mine[listed], weights[listed]), listed, is_share=True
        ),
        "recall": _Figured(
            lambda weights: share(listed[ranking.mine], weights[ranking.mine]), ranking.mine, is_share=True
        ),
    }
    return _answered(asked, ranking)


def _ranked(ranking: Ranking, of: Callable[..., float], mines: Flags | None = None) -> _Figured:
    """Measure a ranking of all innocents and of ``mines`` (default: all)."""
    rows = ~ranking.mine | (ranking.mine if mines is None else mines)
    ranks = Ranks(ranking.scores[rows], ranking.mine[rows])
    return _Figured(lambda weights: of(ranks.curve(weights[rows])), rows & ranking.mine)


def _of_mines(ranking: Ranking, mines: Flags) -> dict[str, Any]:
    found = {"roc_auc": _ranked(ranking, roc_auc, mines)}
    return {**found, **_power(ranking, mines)}


def _by_size(ranking: Ranking, size: Floats, bounds: Sequence[tuple[float, float]]) -> dict[str, Any]:
    chosen = {f"{low:g}-{high:g}": ranking.mine & (size >= low) & (size < high) for low, high in bounds}
    return {name: _of_mines(ranking, mines) for name, mines in chosen.items() if mines.any()}


def _false_alarms(ranking: Ranking) -> Iterator[tuple[str, _Figured]]:
    """Yield the share of each class of innocents that reaches the score of 80 % of the larger mines.

    Larger are mines of at least the other load; where no label tells the other load, all.
    """
    larger = ranking.mine & (ranking.mine_kw >= LARGE * ranking.rest_kw)
    larger = larger if larger.any() else ranking.mine
    for kind in ("", *sorted(set(ranking.classes[~ranking.mine]) - {""})):
        rows = ~ranking.mine & ((ranking.classes == kind) | (kind == ""))
        yield kind or "all", _Figured(partial(_alarms, ranking.scores, larger, rows), rows, is_share=True)


def _alarms(scores: Floats, mines: Flags, innocents: Flags, weights: Floats) -> float:
    threshold = threshold_at(scores[mines], weights[mines], AT_RECALL)
    return share(scores[innocents] >= threshold, weights[innocents])


def _power(ranking: Ranking, mines: Flags) -> dict[str, _Figured]:
    """Measure the relative error of the stated power, and how often its interval holds the label's."""
    low, value, high = ranking.power_kw.T
    rows = mines & ~np.isnan(value) & (ranking.mine_kw > 0)
    error = np.abs(value[rows] / ranking.mine_kw[rows] - 1)
    inside = (low[rows] <= ranking.mine_kw[rows]) & (ranking.mine_kw[rows] <= high[rows])
    return {
        "power_median_error": _Figured(lambda weights: median(error, weights[rows]), rows),
        "power_coverage": _Figured(lambda weights: share(inside, weights[rows]), rows, is_share=True),
    }


def _onset(ranking: Ranking) -> dict[str, _Figured]:
    dated = ~np.isnan(ranking.onset_days)
    begun, older = ranking.mine & ranking.begun, ranking.mine & ranking.older
    rows = begun & dated
    error = np.abs(ranking.onset_days[rows])
    return {
        "median_error_days": _Figured(lambda weights: median(error, weights[rows]), rows),
        "found": _Figured(lambda weights: share(dated[begun], weights[begun]), begun, is_share=True),
        "false": _Figured(lambda weights: share(dated[older], weights[older]), older, is_share=True),
    }


def _answered(asked: Mapping[str, Any], ranking: Ranking) -> dict[str, Any]:
    """Return every measure with its interval; one set of resamples serves all."""
    flat = dict(_flat(asked))
    drawn = np.array([[item.measure(weights) for item in flat.values()] for weights in _resampled(ranking)])
    ones = np.ones(len(ranking.scores))
    answers = {}
    for (name, item), values in zip(flat.items(), drawn.T, strict=True):
        sites = len(np.unique(ranking.sites[item.rows]))
        answers[name] = _figure(item, (item.measure(ones), values), sites)
    return _nested(answers, asked)


def _resampled(ranking: Ranking) -> Iterator[Floats]:
    """Yield weights of rows: sites drawn with return, those with mines and those without apart.

    So every draw has mines, and rows of one site, which are alike, are drawn together (Davison and Hinkley,
    *Bootstrap Methods and their Application*, 1997, section 3.8).
    """
    rng = np.random.default_rng(SEED)
    codes, places = np.unique(ranking.sites, return_inverse=True)
    mining = np.bincount(places, ranking.mine, minlength=len(codes)) > 0
    for _ in range(RESAMPLES):
        counts = np.zeros(len(codes))
        for chosen in (np.flatnonzero(mining), np.flatnonzero(~mining)):
            if len(chosen):
                counts += np.bincount(rng.choice(chosen, len(chosen)), minlength=len(codes))
        yield counts[places]


def _figure(item: _Figured, found: tuple[float, Floats], sites: int) -> Figure:
    value, values = found
    kept = values[~np.isnan(values)]
    if math.isnan(value) or not len(kept):
        return Figure(None, None, None, int(item.rows.sum()))
    if sites < LEAST_SITES and not item.is_share:
        return Figure(float(value), None, None, int(item.rows.sum()))
    low, high = np.quantile(kept, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    if item.is_share and value in (0.0, 1.0):
        low, high = _exact(value, sites)  # a bootstrap of equal sites has no spread
    return Figure(float(value), float(low), float(high), int(item.rows.sum()))


def _exact(value: float, sites: int) -> tuple[float, float]:
    """Return the interval of Clopper and Pearson 1934 where all ``sites`` are alike."""
    reach = float(((1 - LEVEL) / 2) ** (1 / max(sites, 1)))
    return (0.0, 1 - reach) if value == 0 else (reach, 1.0)


def _flat(
    asked: Mapping[str, Any], before: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], _Figured]]:
    for name, item in asked.items():
        if isinstance(item, _Figured):
            yield (*before, name), item
        else:
            yield from _flat(item, (*before, name))


def _nested(answers: Mapping[tuple[str, ...], Figure], names: Iterable[str]) -> dict[str, Any]:
    made: dict[str, Any] = {name: {} for name in names}
    for path, figure in answers.items():
        inner = made
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = figure._asdict()
    return made
