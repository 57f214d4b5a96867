"""Blocks of chains: when they were found, and when pools and a node of our own hear of them.

Proof of work finds blocks as a Poisson process. A node's clock writes whole seconds; pools hear of a block a
moment before or after that node does (median 0.5 s apart, as D. Decker and R. Wattenhofer, *Information
propagation in the Bitcoin network*, 2013, found seconds and relay networks since have found less).
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from minewatch.sim.loads.shapes import Rng

Floats = npt.NDArray[np.float64]

BLOCK_S: Mapping[str, float] = MappingProxyType(
    {"BTC": 600.0, "LTC": 150.0, "XMR": 120.0, "ZEC": 75.0, "ETC": 13.0}
)
"""Mean time between blocks, s."""


def found(rng: Rng, coin: str, span_s: float) -> Floats:
    """Return when blocks were found, s, from a little before 0 to a little after ``span_s``.

    None for coins whose blocks come faster than pools give out work (Kaspa).
    """
    if coin not in BLOCK_S:
        return np.empty(0)
    begin, end = -120.0, span_s + 120.0
    return np.sort(rng.uniform(begin, end, rng.poisson((end - begin) / BLOCK_S[coin])))


def as_seen(rng: Rng, blocks: Floats, offset_s: float) -> Floats:
    """Return the times that a node of our own wrote down; the sensor's clock is ``offset_s`` ahead of it."""
    return np.floor(blocks + rng.lognormal(-0.7, 0.7, blocks.size) - offset_s)


def as_headed(rng: Rng, blocks: Floats, offset_s: float) -> Floats:
    """Return the times in the headers: when miners last took up new work, rolled on by some."""
    return np.floor(blocks - rng.exponential(12.0, blocks.size) + rng.normal(0, 3, blocks.size) - offset_s)


def at_pool(rng: Rng, blocks: Floats, lag_s: float) -> Floats:
    """Return when a pool has work on top of each block; two in a hundred come late."""
    late = rng.random(blocks.size) < 0.02
    waver = rng.lognormal(-1.2, 0.8, blocks.size) + late * rng.exponential(8.0, blocks.size)
    return blocks + lag_s + waver
