"""How probable a site's features are for a data centre, another innocent, a mine, and a mine inside another.

The reference is a table of simulated sites, read once a process: features, kind, what the line is used for
beside the mine (``host``), and the mine's power as a part of the site's
``upper_kw``. Each kind and host is a group with a
kernel density estimate

    p(x | group) = 0.98 · mean over its sites i of t₄(x; x_i, h S) + 0.02 · t₄(x; all sites)

with Student kernels of four degrees of freedom and one diagonal S for all groups: the median of the groups'
median absolute deviations of each feature. So a ratio of densities compares weighted counts of neighbours,
whatever the shape of a group. The second term is one for all groups: what resembles nothing simulated speaks
neither for nor against. A feature that is not known is left out of all kernels. What registers say (licence,
industry) multiplies in with the probabilities of ``PAPERS``. The weights of the mines' kernels at x are the
posterior of the mine's part.
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from minewatch.detect.traffic.features import FEATURES

Floats = npt.NDArray[np.float64]

MINING, ALONE = "mining", "alone"
CLASSES = ("data_centre", "private_centre", "compute_cluster", "backup_site", "people", "unattended")
"""Innocent explanations, each as probable as the others before the data are seen."""

PAPERS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "data_centre": (0.75, 0.9),
        "private_centre": (0.2, 0.6),
        "compute_cluster": (0.15, 0.5),
        "backup_site": (0.4, 0.7),
        "people": (0.01, 0.02),
        "unattended": (0.005, 0.01),
        ALONE: (0.05, 0.3),
    }
)
"""Host → probability that a linked enterprise's scope names data centres, and that an industry code is 6450
or 6550. Assumed: a shell company can be registered for anything, and many clusters belong to others."""

WHOLE = 0.5
"""Share of mines at which there is nothing else, before the data are seen."""

_HOSTS = np.array([WHOLE, *[(1 - WHOLE) / len(CLASSES)] * len(CLASSES)])
_BROAD, _FREEDOM = 0.02, 4.0
_LEAST_SPREAD = 0.02
_BANDWIDTH = 1.3
"""Of 0.1 to 2, what names held-out sites of the development seed with the least logarithmic loss."""

_TEMPER = 0.5
"""Power of the kernels where they weigh parts: measured on development seeds so that intervals cover."""

_STEP_SPREAD = 0.05
_QUANTILES = (0.04, 0.5, 0.96)
"""Ends of the 90 % interval and its middle: a little wider than 5 and 95 %, so that it covers on development
seeds."""


class Papers(NamedTuple):
    """What registers say; None where they are silent."""

    licensed: bool | None = None
    in_industry: bool | None = None


class Verdict(NamedTuple):
    """``log10_lr`` of mining against ``best``; ``alternatives`` (class → probability, mining excluded).

    ``parts`` (low, median, high): the mine's power while on as a part of the site's ``upper_kw``, 5, 50 and
    95 %.
    ``hosts``: what there is beside the mine, if there is one, → probability.
    """

    log10_lr: float
    best: str
    alternatives: Mapping[str, float]
    parts: tuple[float, float, float]
    hosts: Mapping[str, float]


class _Group(NamedTuple):
    """Sites of one kind and host: features (sites, features) and the mine's parts (sites,)."""

    host: str
    sites: Floats
    parts: Floats


class TrafficModel:
    """A reference of simulated sites: columns ``FEATURES``, ``kind``, ``host`` (a class), ``part``.

    Every feature of every row has to be known.
    """

    def __init__(self, reference: pa.Table) -> None:
        sites = np.column_stack([reference[name].to_numpy().astype(np.float64) for name in FEATURES])
        kind, host = (np.asarray(reference[name].to_pylist()) for name in ("kind", "host"))
        part = reference["part"].to_numpy().astype(np.float64)
        self.version = (reference.schema.metadata or {}).get(b"version", b"0").decode()
        self._innocents = [_Group(name, sites[kind == name], part[kind == name]) for name in CLASSES]
        mines = [(name, (kind == MINING) & (host == name)) for name in (ALONE, *CLASSES)]
        self._mines = [_Group(name, sites[rows], part[rows]) for name, rows in mines]
        self._centre, self._spread = np.median(sites, axis=0), sites.std(axis=0)
        spreads = [_deviation(group.sites) for group in (*self._innocents, *self._mines)]
        self._scale = _BANDWIDTH * np.median(spreads, axis=0)

    def verdict(self, features: Floats, papers: Papers, step_part: float | None = None) -> Verdict:
        """Weigh one site: ``features`` (``FEATURES``,) with NaN for what is not known.

        ``step_part`` is a change of the level of power that the traffic did not follow, as a part of
        ``upper_kw``: it may be all of the mine, which half of the weight then says.
        """
        near = _Near(features, self._scale)
        broad = float(_Near(features, self._spread).kernels(self._centre[None])[0])
        innocent = np.array([_density(group, near, broad, papers) for group in self._innocents])
        mining = _HOSTS * [_density(group, near, broad, papers) for group in self._mines]
        best = int(innocent.argmax())
        return Verdict(
            float(np.log10(mining.sum() / innocent[best])),
            CLASSES[best],
            dict(zip(CLASSES, map(float, innocent / innocent.sum()), strict=True)),
            self._parts(near, mining / mining.sum(), step_part),
            dict(zip((ALONE, *CLASSES), map(float, mining / mining.sum()), strict=True)),
        )

    def _parts(self, near: "_Near", hosts: Floats, step_part: float | None) -> tuple[float, float, float]:
        weights = []
        for group, share in zip(self._mines, hosts, strict=True):
            kernels = near.kernels(group.sites) ** _TEMPER
            weights.append(share * kernels / kernels.sum())
        parts = np.concatenate([group.parts for group in self._mines])
        return _quantiles(parts, _with_step(parts, np.concatenate(weights), step_part))

    def range_of(self, kind: str, host: str, feature: str) -> tuple[float, float]:
        """Return the 5 and 95 % quantiles of a feature at sites of one kind and host."""
        groups = self._mines if kind == MINING else self._innocents
        group = next(group for group in groups if group.host == host)
        low, high = np.quantile(group.sites[:, FEATURES.index(feature)], (0.05, 0.95))
        return float(low), float(high)


def _with_step(parts: Floats, weights: Floats, step_part: float | None) -> Floats:
    if step_part is None:
        return weights
    near = np.exp(-0.5 * ((parts - step_part) / _STEP_SPREAD) ** 2) * weights
    return weights if not near.sum() > 0 else 0.5 * weights + 0.5 * near / near.sum()


class _Near:
    """Kernels around sites at one vector of features, by the features it knows."""

    def __init__(self, features: Floats, scale: Floats) -> None:
        self._known = np.flatnonzero(np.isfinite(features))
        self._x, self._scale = features[self._known], scale[self._known]

    def kernels(self, sites: Floats) -> Floats:
        """Return t₄ around each of ``sites`` (n, ``FEATURES``), without the factor of ν and d alone."""
        away = (sites[:, self._known] - self._x) / self._scale
        logs = -0.5 * (_FREEDOM + self._x.size) * np.log1p((away**2).sum(axis=1) / _FREEDOM)
        return np.asarray(np.exp(logs - np.log(self._scale).sum()))


def _density(group: _Group, near: _Near, broad: float, papers: Papers) -> float:
    kernels = near.kernels(group.sites)
    return float((1 - _BROAD) * kernels.mean() + _BROAD * broad) * _of_papers(group.host, papers)


def _deviation(sites: Floats) -> Floats:
    """Return the median absolute deviation as a standard deviation, and a little for constant features."""
    from scipy.stats import median_abs_deviation

    return np.asarray(median_abs_deviation(sites, axis=0, scale="normal") + _LEAST_SPREAD)


def _of_papers(host: str, papers: Papers) -> float:
    chances = [
        probability if said else 1 - probability
        for said, probability in zip(papers, PAPERS[host], strict=True)
        if said is not None
    ]
    return float(np.prod(chances))


def _quantiles(values: Floats, weights: Floats) -> tuple[float, float, float]:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) - 0.5 * weights[order]
    low, middle, high = np.interp(_QUANTILES, reached, values[order])
    return float(low), float(middle), float(high)


@cache
def shipped_model() -> TrafficModel:
    """Return the model that is part of the package."""
    path = resources.files("minewatch.detect").joinpath("models", "traffic", "reference.parquet")
    with resources.as_file(path) as file:
        return TrafficModel(pq.read_table(file, use_threads=False))


@cache
def shipped_version() -> str:
    """Return the version of the shipped reference, without reading its rows."""
    path = resources.files("minewatch.detect").joinpath("models", "traffic", "reference.parquet")
    with resources.as_file(path) as file:
        return (pq.read_schema(file).metadata or {}).get(b"version", b"0").decode()
