"""How probable the numbers of a quiet connection are for a miner and for each innocent kind of program.

The reference is a table of simulated connections, read once a process: features, kind, and the ``share`` of
each connection among all miners or all innocents. Each kind has a kernel density estimate

    p(x | kind) = 0.98 · Σ share_i t₄(x; x_i, h S) + 0.02 · t₄(x; all connections)

with Student kernels of four degrees of freedom and one diagonal S: the median of the kinds' median absolute
deviations of each feature. The second term is the same for miners and innocents: what resembles nothing
simulated speaks neither for nor against. A feature that is not known is left out of all kernels. What the
chain's blocks say multiplies in for miners, and for an innocent as far as it may listen to blocks
(``LISTENS``); how even nights and days are likewise (``EVEN``).
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

from minewatch.detect.encrypted.talk import FEATURES

Floats = npt.NDArray[np.float64]

MINING, UNKNOWN = "mining", "unknown_service"

LISTENS: Mapping[str, float] = MappingProxyType({"block_feed": 0.95, UNKNOWN: 0.02})
LISTENS_ELSE = 0.001
"""Probability that an innocent kind pushes when blocks come (assumed): wallets and explorers do, what is not
known may, others only by their operator's whim."""

EVEN: Mapping[str, float] = MappingProxyType(
    {
        MINING: 0.95, "device": 0.85, "till": 0.15, "tunnel": 0.6, "remote_work": 0.1, "chat": 0.2,
        "feed": 0.6, "game": 0.2, "trading": 0.2, "block_feed": 0.6, "push_service": 0.5, UNKNOWN: 0.5,
    }
)  # fmt: skip
"""Probability that what lasts over night and day moves at least half as much by night (assumed)."""

BROAD = 0.02
_FREEDOM = 4.0
_LEAST_SPREAD = 0.05
_BANDWIDTH = 0.4
"""Of 0.4 to 0.8, what found most miners of a development seed while innocents kept to the ratio's bound."""


class Seen(NamedTuple):
    """What is seen of a connection: ``features`` (``FEATURES``,), NaN for what is not known.

    ``log10_blocks``: what the blocks say, see ``minewatch.detect.encrypted.blocks``. ``even``: whether nights
    are like days, None where that is not known.
    """

    features: Floats
    log10_blocks: float = 0.0
    even: bool | None = None


class Verdict(NamedTuple):
    """``log10_lr`` of mining; the most probable innocent kind; the probability of each if it is innocent."""

    log10_lr: float
    best: str
    alternatives: Mapping[str, float]


class EncryptedModel:
    """A reference of simulated connections: columns ``FEATURES``, ``kind``, ``share``, all known."""

    def __init__(self, reference: pa.Table) -> None:
        rows = np.column_stack([reference[name].to_numpy().astype(np.float64) for name in FEATURES])
        kind = np.asarray(reference["kind"].to_pylist())
        self._share = reference["share"].to_numpy().astype(np.float64)
        self.kinds = [name for name in dict.fromkeys(kind.tolist()) if name != MINING]
        self._places = {name: kind == name for name in (MINING, *self.kinds)}
        self._rows, self._centre, self._spread = rows, np.median(rows, axis=0), rows.std(axis=0)
        self._scale = _BANDWIDTH * np.median([_deviation(rows[own]) for own in self._places.values()], axis=0)

    def verdict(self, seen: Seen) -> Verdict:
        """Weigh one connection."""
        near = self._kernels(seen.features, self._rows, self._scale) * self._share
        broad = BROAD * float(self._kernels(seen.features, self._centre[None], self._spread)[0])
        blocks = 10.0 ** min(seen.log10_blocks, 100.0)
        dense = {name: (1 - BROAD) * float(near[own].sum()) for name, own in self._places.items()}
        mining = (dense[MINING] + broad) * blocks * _evenness(MINING, seen.even)
        innocent = {
            name: density * _listening(name, blocks) * _evenness(name, seen.even)
            for name, density in [*((kind, dense[kind]) for kind in self.kinds), (UNKNOWN, broad)]
        }
        total = sum(innocent.values())
        return Verdict(
            float(np.log10(mining / total)),
            max(innocent, key=lambda name: innocent[name]),
            {name: value / total for name, value in innocent.items()},
        )

    def _kernels(self, x: Floats, rows: Floats, scale: Floats) -> Floats:
        """Return t₄ around each of ``rows`` at ``x``, without the factor of ν and d alone."""
        known = np.flatnonzero(np.isfinite(x))
        away = (rows[:, known] - x[known]) / scale[known]
        logs = -0.5 * (_FREEDOM + known.size) * np.log1p(np.einsum("ij,ij->i", away, away) / _FREEDOM)
        return np.asarray(np.exp(logs - np.log(scale[known]).sum()))


def _listening(name: str, blocks: float) -> float:
    share = LISTENS.get(name, LISTENS_ELSE)
    return 1 - share + share * blocks


def _evenness(name: str, even: bool | None) -> float:
    return 1.0 if even is None else EVEN[name] if even else 1 - EVEN[name]


def _deviation(rows: Floats) -> Floats:
    """Return the median absolute deviation as a standard deviation, and a little for constant features."""
    from scipy.stats import median_abs_deviation

    return np.asarray(median_abs_deviation(rows, axis=0, scale="normal") + _LEAST_SPREAD)


_REFERENCE = ("models", "encrypted", "reference.parquet")


@cache
def shipped_model() -> EncryptedModel:
    """Return the model that is part of the package."""
    with resources.as_file(resources.files("minewatch.detect").joinpath(*_REFERENCE)) as file:
        return EncryptedModel(pq.read_table(file, use_threads=False))


@cache
def shipped_version() -> str:
    """Return the version of the shipped reference, without reading its rows."""
    with resources.as_file(resources.files("minewatch.detect").joinpath(*_REFERENCE)) as file:
        return (pq.read_schema(file).metadata or {}).get(b"version", b"0").decode()
