"""Mining that nobody can read: TLS to a pool, or Stratum V2 with Noise, as instants, sizes and directions.

Sizes are those of the dialects' messages (in captures: Ethereum 205 for a share, 39 for its answer, 243 for
work; Monero 183, 63 and 253; ZCash 2,878, 25 and 310). Shares are Poisson at a rate that the pool steers by
the difficulty. Work comes with each block of the chain and between them as the pool likes.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.sim.loads.shapes import Rng, log_uniform
from minewatch.sim.wire.chains import at_pool
from minewatch.sim.wire.quiet_talk import (
    Link,
    Talk,
    answers,
    by_chance,
    every,
    nearly,
    on_wire,
    said,
    together,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Speech(NamedTuple):
    """Sizes of a dialect in bytes, each (least, most): work, share, answer; ``step`` between sizes of work.

    ``steps``: how many sizes of work there are. ``share_s``: seconds between the shares of one machine.
    """

    coin: str
    work: tuple[int, int]
    share: tuple[int, int]
    answer: tuple[int, int]
    step: int = 0
    steps: int = 1
    share_s: tuple[float, float] = (3.0, 40.0)


SPEECHES: Mapping[str, Speech] = MappingProxyType(
    {
        "bitcoin": Speech("BTC", (480, 900), (90, 190), (36, 70), 67, 5),
        "litecoin": Speech("LTC", (420, 800), (90, 190), (36, 70), 67, 4),
        "monero": Speech("XMR", (230, 480), (160, 260), (50, 110), share_s=(8.0, 90.0)),
        "trojan": Speech("XMR", (230, 480), (160, 260), (50, 110), share_s=(20.0, 150.0)),
        "ethereum": Speech("ETC", (200, 320), (180, 290), (38, 60), share_s=(4.0, 60.0)),
        "zcash": Speech("ZEC", (290, 360), (2850, 2920), (25, 60), share_s=(3.0, 40.0)),
        "kaspa": Speech("KAS", (110, 330), (90, 180), (36, 70), share_s=(2.0, 20.0)),
        "noise": Speech("BTC", (62, 74), (40, 50), (36, 36), share_s=(3.0, 15.0)),
        "noise_extended": Speech("BTC", (240, 620), (48, 60), (36, 36), 32, 4, share_s=(3.0, 15.0)),
    }
)
"""Ways of mining. The last two are Stratum V2: 22 bytes of encrypted header, 16 more for the body."""

SHARES: Mapping[str, float] = MappingProxyType(
    {
        "bitcoin": 0.3, "litecoin": 0.12, "monero": 0.15, "trojan": 0.1, "ethereum": 0.1, "zcash": 0.05,
        "kaspa": 0.1, "noise": 0.04, "noise_extended": 0.04,
    }
)  # fmt: skip
"""How common each is among mines that hide so (assumed)."""


class Pool(NamedTuple):
    """How a pool gives out work: ``lag_s`` after a block, ``work_s`` between blocks, by which habit."""

    lag_s: float
    work_s: float
    habit: str


def draw_pool(rng: Rng, coin: str) -> Pool:
    """Draw a pool. Kaspa's blocks come faster than work is sent; Ethereum's need no work in between."""
    habits = {"KAS": ("chance",), "ETC": ("none", "chance"), "XMR": ("none", "regular", "chance")}
    habit = str(rng.choice(habits.get(coin, ("regular", "since", "chance"))))
    work_s = log_uniform(rng, 0.8, 8) if coin == "KAS" else log_uniform(rng, 15, 70)
    return Pool(log_uniform(rng, 0.02, 1.5), work_s, habit)


def work_times(rng: Rng, pool: Pool, blocks: Floats, span_s: float) -> tuple[Floats, Floats]:
    """Return when the pool has work after blocks, and when in between; the same for all its clients."""
    clean = at_pool(rng, blocks, pool.lag_s)
    clean = np.sort(clean[(clean > 0) & (clean < span_s)])
    if pool.habit == "none":
        return clean, clean[:0]
    if pool.habit == "regular":
        return clean, every(rng, span_s, pool.work_s, log_uniform(rng, 0.01, 0.5))
    if pool.habit == "chance":
        return clean, by_chance(rng, span_s, pool.work_s)
    return clean, _since(rng, clean, pool.work_s, span_s)


def _since(rng: Rng, clean: Floats, work_s: float, span_s: float) -> Floats:
    """Return times that count from the last block."""
    edges = np.concatenate([[-rng.uniform(0, work_s)], clean, [span_s]])
    parts = [np.arange(a + work_s, b, work_s) for a, b in pairwise(edges.tolist())]
    times = np.concatenate(parts)
    return times + rng.exponential(0.1, times.size)


def miner(rng: Rng, name: str, link: Link, work: tuple[Floats, Floats], span_s: float) -> Talk:
    """Return a connection on which a miner of the way ``name`` of ``SPEECHES`` gets ``work``."""
    speech = SPEECHES[name]
    link = link._replace(added=0) if name.startswith("noise") else link
    shares = _share_times(rng, speech, span_s)
    parts = [_pushed(rng, speech, link, work), said(shares, _share_sizes(rng, speech, shares.size), False)]
    parts += [_answered(rng, name, speech, link, shares), _steered(rng, work[0])]
    if extra := _HABITS.get(speech.coin):
        parts += extra(rng, link, span_s)
    return on_wire(rng, together(parts), link)


def _share_times(rng: Rng, speech: Speech, span_s: float) -> Floats:
    """Return the times of shares: Poisson, at first steered, on several machines faster, sometimes paused."""
    share_s = log_uniform(rng, *speech.share_s)
    if rng.random() < 0.25:  # a proxy or controller
        share_s = max(share_s / rng.integers(2, 60) ** 0.5, 1.0)
    times = by_chance(rng, span_s, share_s)
    if rng.random() < 0.4:  # the difficulty is found in steps of two
        changes = np.sort(rng.uniform(0, span_s * rng.choice((0.1, 1.0)), 2))
        factors = 0.5 ** rng.integers(0, 3, 3)
        factors /= factors.max()
        times = times[rng.random(times.size) < factors[np.searchsorted(changes, times)]]
    if rng.random() < 0.06:
        begin, length = rng.uniform(0, span_s), rng.uniform(60, 600)
        times = times[(times < begin) | (times > begin + length)]
    return times


def _share_sizes(rng: Rng, speech: Speech, number: int) -> Ints:
    """Return sizes that grow by a digit of the counter now and then, and differ by the worker's name."""
    start = int(log_uniform(rng, 1, 20_000))
    digits = np.floor(np.log10(start + np.arange(number))).astype(np.int64)
    names = rng.integers(0, 3, number) if rng.random() < 0.2 else 0
    return int(rng.integers(speech.share[0], speech.share[1] + 1)) + digits + names


def _pushed(rng: Rng, speech: Speech, link: Link, work: tuple[Floats, Floats]) -> Talk:
    clean, between = work
    size = int(rng.integers(speech.work[0], speech.work[1] + 1))
    usual = int(rng.integers(speech.steps))
    steps = np.clip(usual + rng.integers(-1, 2, between.size), 0, speech.steps - 1) * speech.step
    bare = rng.random() < 0.5  # the first work on a block has no transactions yet
    first = np.full(clean.size, 0 if bare else usual * speech.step)
    at_s = np.concatenate([clean, between]) + link.rtt_s / 2 + rng.exponential(0.01, first.size + steps.size)
    return said(at_s, size + np.concatenate([first, steps]), True)


def _answered(rng: Rng, name: str, speech: Speech, link: Link, shares: Floats) -> Talk:
    size = int(rng.integers(speech.answer[0], speech.answer[1] + 1))
    if name.startswith("noise") and rng.random() < 0.5:  # one answer for several shares
        shares = shares[:: int(rng.integers(2, 9))]
    refused = rng.random(shares.size) < rng.choice((0.0, 0.005, 0.02))
    return answers(rng, shares, link, size + 30 * refused, log_uniform(rng, 0.001, 0.05))


def _steered(rng: Rng, clean: Floats) -> Talk:
    """Return new difficulties, which come a moment before work."""
    some = clean[rng.random(clean.size) < rng.choice((0.0, 0.02, 0.1))]
    return said(some - 0.001, int(rng.integers(40, 90)), True)


def _ethereum_habits(rng: Rng, link: Link, span_s: float) -> list[Talk]:
    """Return what Ethereum miners send besides: reports of their rate, and questions for work."""
    parts = []
    if rng.random() < 0.7:
        reports = every(rng, span_s, rng.choice((10.0, 20.0, 60.0)), 0.05)
        parts.append(said(reports, nearly(rng, reports.size, int(rng.integers(130, 190)), 1), False))
        if rng.random() < 0.7:
            parts.append(answers(rng, reports, link, int(rng.integers(38, 60))))
    if rng.random() < 0.3:
        asked = every(rng, span_s, rng.choice((5.0, 10.0)), 0.03)
        parts += [said(asked, int(rng.integers(70, 90)), False)]
        parts += [answers(rng, asked, link, int(rng.integers(200, 260)))]
    return parts


def _monero_habits(rng: Rng, link: Link, span_s: float) -> list[Talk]:
    """Return the sign of life that some Monero miners send."""
    if rng.random() < 0.5:
        return []
    beats = every(rng, span_s, 60.0, 0.5)
    return [
        said(beats, int(rng.integers(90, 130)), False),
        answers(rng, beats, link, int(rng.integers(70, 110))),
    ]


_HABITS: Mapping[str, Callable[[Rng, Link, float], list[Talk]]] = MappingProxyType(
    {"ETC": _ethereum_habits, "XMR": _monero_habits}
)
