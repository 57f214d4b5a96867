"""How much more probable pushes are if they answer the blocks of a chain than if they know nothing of it.

Proof of work finds blocks as a Poisson process. So of K blocks that fall into a connection by the sensor's
clock each is within ±w of a push with the probability q, the part of the time that lies so near a push, one
independently of the other, whatever the pushes are: regular, in bursts, many or few. A pool pushes work with
nearly each block, r of them. With h of K blocks hit

    B = r^h (1 - r)^(K - h) / (q^h (1 - q)^(K - h))

and, averaged over r, over how far the clocks are apart, over w and over the coins, the mean of B by chance
is 1: a server that pushes without knowing of the chain reaches 10^s with a probability of at most 10^-s
(Markov), however many clocks, widths and coins are tried. Nothing in this is fitted.

Times in whole seconds are spread over their second (by multiples of the golden ratio, the same for the same
second): regular pushes would else hit all of them or none.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.kernels.traffic.quiet_messages import block_hits, covered_us

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

COINS: Mapping[str, float] = {"BTC": 0.4, "XMR": 0.25, "LTC": 0.12, "ETC": 0.1, "ZEC": 0.05}
"""How probable each coin is for a hidden mine (assumed); ``OTHER_COIN`` for each with block times besides."""

OTHER_COIN = 0.05
UNKNOWN_CHAIN = 0.15
"""Probability that a mine's chain is none of which block times are given."""

_RATES = (0.98, 0.9, 0.75)
"""Shares of the blocks with which a pool's push is near, each as probable: late work, lost packets."""

_LEAST_GAP_S, _LEAST_CV = 5.0, 0.6


class Clock(NamedTuple):
    """How far a push may follow a block: (``low_s``, ``high_s``, probability) of the offset, widths ±s."""

    offsets: Sequence[tuple[float, float, float]]
    step_s: float
    widths_s: Sequence[float]


SEEN = Clock(((-1.0, 4.0, 0.7), (-30.0, 30.0, 0.3)), 0.25, (0.5, 1.2, 3.0))
"""Times by a node's clock: mostly both clocks are set by the network, else up to half a minute apart."""

HEADER = Clock(((-10.0, 60.0, 1.0),), 1.0, (6.0, 15.0))
"""Times in headers, which are those of the last work before the block, not of the block."""

CLOCKS: Mapping[str, Clock] = {"seen": SEEN, "header": HEADER}


class Chain(NamedTuple):
    """Blocks of one coin by one clock (a name of ``CLOCKS``): instants, µs, rising."""

    coin: str
    clock: str
    at_us: Ints

    def within(self, span_us: tuple[int, int], margin_us: int = 120_000_000) -> Ints:
        """Return the blocks that may belong to a span."""
        low, high = np.searchsorted(self.at_us, (span_us[0] - margin_us, span_us[1] + margin_us))
        return self.at_us[low:high]


class Match(NamedTuple):
    """How pushes fit a chain: log10 of B; at the most probable offset ``hits`` of ``blocks``."""

    coin: str
    log10_b: float
    hits: int
    blocks: int
    by_chance: float
    offset_s: float


class Blocks(NamedTuple):
    """What all chains say: log10 of the mean of B over them, the best match (None: no block in the time)."""

    log10_b: float
    best: Match | None


_GOLDEN = 0.6180339887498949


def chain_of(coin: str, clock: str, at_us: Ints) -> Chain:
    """Return a chain; times in whole seconds are spread over them."""
    rising = np.sort(at_us)
    if rising.size and not (rising % 1_000_000).any():
        rising = np.sort(rising + np.asarray(1e6 * (rising // 1_000_000 * _GOLDEN % 1), np.int64))
    return Chain(coin, clock, rising)


def usable(chain: Chain) -> bool:
    """Tell whether a chain's blocks come by chance and slowly enough to be told apart.

    A chain with blocks by the clock (proof of stake) would seem to fit whatever is regular.
    """
    gaps = np.diff(chain.at_us) / 1e6
    return gaps.size >= 3 and gaps.mean() >= _LEAST_GAP_S and gaps.std() >= _LEAST_CV * gaps.mean()


def weigh_blocks(push_us: Ints, span_us: tuple[int, int], chains: Sequence[Chain]) -> Blocks:
    """Weigh the pushes of one connection against ``chains``, each of a coin of its own."""
    matches = [found for chain in chains if (found := match(push_us, span_us, chain))]
    if not matches:
        return Blocks(0.0, None)
    weights = np.array([COINS.get(item.coin, OTHER_COIN) for item in matches])
    weights *= (1 - UNKNOWN_CHAIN) / weights.sum()
    total = UNKNOWN_CHAIN + weights @ 10.0 ** np.array([min(item.log10_b, 300.0) for item in matches])
    best = max(zip(weights, matches, strict=True), key=lambda pair: np.log10(pair[0]) + pair[1].log10_b)
    return Blocks(float(np.log10(total)), best[1])


def match(push_us: Ints, span_us: tuple[int, int], chain: Chain) -> Match | None:
    """Weigh pushes against one chain; None where no block fell into the time."""
    grid = _GRIDS[chain.clock]
    blocks, span = chain.within(span_us), np.array(span_us, np.int64)
    counts = np.zeros((2, grid.offset_us.size), np.int64)
    parts, told = [], []
    for half_us in grid.half_us:
        block_hits(push_us, blocks, half_us, span, grid.offset_us, counts)
        share = covered_us(push_us, half_us, *span_us) / max(span_us[1] - span_us[0], 1)
        parts.append(_log_b(counts[1], counts[0], share) + grid.log_prior)
        told.append((counts.copy(), share))
    if not any(each[0].any() for each, _ in told):
        return None
    logs = np.array(parts) - np.log(len(parts))
    total = float(np.logaddexp.reduce(logs, axis=None) / np.log(10))
    width, place = np.unravel_index(int(logs.argmax()), logs.shape)
    numbers, share = told[int(width)]
    seen, hits = int(numbers[0, place]), int(numbers[1, place])
    return Match(chain.coin, total, hits, seen, seen * share, float(grid.offset_us[place] / 1e6))


def _log_b(hits: Ints, blocks: Ints, share: float) -> Floats:
    """Return the natural logarithm of B for each offset."""
    chance = min(max(share, 1e-9), 1 - 1e-9)
    missed = blocks - hits
    logs = [hits * np.log(rate / chance) + missed * np.log((1 - rate) / (1 - chance)) for rate in _RATES]
    return np.asarray(np.logaddexp.reduce(logs, axis=0) - np.log(len(_RATES)))


class _Grid:
    """Offsets of a clock, their prior, and half widths."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        low, high = (pick(part[n] for part in clock.offsets) for n, pick in enumerate((min, max)))
        steps = np.arange(round((high - low) / clock.step_s) + 1)
        self.offset_us = np.asarray(np.round((low + steps * clock.step_s) * 1e6), np.int64)
        self.half_us = [int(width * 1e6) for width in clock.widths_s]

    @cached_property
    def log_prior(self) -> Floats:
        """Natural logarithm of the probability of each offset."""
        prior = np.zeros(self.offset_us.size)
        for low, high, share in self._clock.offsets:
            inside = (self.offset_us >= low * 1e6) & (self.offset_us <= high * 1e6)
            prior += share * inside / inside.sum()
        return np.asarray(np.log(prior))


_GRIDS = {name: _Grid(clock) for name, clock in CLOCKS.items()}
