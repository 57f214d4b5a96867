"""Simulated quiet connections with what the detector is given of them: packets, neighbours, block times.

The reference is drawn from the seed ``DEVELOPMENT``, choices were made on 403, the figures that are reported
are of ``EVALUATION``. (402 and 406 were to be that; they showed that the reference had too few of the kinds
most like mining, so that they became seeds of development.)
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.detect.encrypted.blocks import Chain, chain_of
from minewatch.detect.encrypted.talk import Talk, talk_of
from minewatch.sim.loads.shapes import Rng, log_uniform
from minewatch.sim.streams import stream
from minewatch.sim.wire import quiet_innocents, quiet_miners
from minewatch.sim.wire.chains import BLOCK_S, as_headed, as_seen, at_pool, found
from minewatch.sim.wire.quiet_talk import Talk as Packets
from minewatch.sim.wire.quiet_talk import draw_link

Floats = npt.NDArray[np.float64]

DEVELOPMENT, EVALUATION = 401, 407
"""Seeds."""

CLASS_OF: Mapping[str, str] = MappingProxyType(
    {
        "push_service": "push_service", "mail": "push_service", "long_poll": "push_service",
        "sensor": "device", "events": "device", "charger": "device", "till": "till", "vpn": "tunnel",
        "shell": "remote_work", "desktop": "remote_work", "database": "remote_work", "group_chat": "chat",
        "ticker": "feed", "dashboard": "feed", "quiet_feed": "feed", "game": "game", "orders": "trading",
        "wallet": "block_feed", "explorer": "block_feed",
    }
)  # fmt: skip
"""Simulated innocent kind → kind that the detector tells apart."""

MOST_MESSAGES, MOST_PER_S, MOST_BYTES_PER_S = 4096, 2.0, 4000.0
"""What is kept of a connection in ``flows``: it has to be quiet, and the first messages are enough."""

_PEERS, _ALONE = 2, 0.3
_UNRELATED = 0.1
"""Share of mines whose neighbours have nothing to do with their pool: one address, several services."""


class Draw(NamedTuple):
    """What to simulate: a kind of miner or innocent, over ``span_s`` seconds.

    ``peers``: connections to the same server; None draws none for three in ten, else two.
    """

    kind: str
    span_s: float
    peers: int | None = None


class Example(NamedTuple):
    """A connection: its ``talk``, pushes on others to the same server, chains as a node saw and as headed.

    ``talk`` None: too loud to be kept.
    """

    talk: Talk | None
    others: Sequence[npt.NDArray[np.int64]]
    seen: Sequence[Chain]
    headed: Sequence[Chain]


def example(seed: int, number: int, draw: Draw) -> Example:
    """Simulate the connection with that number."""
    rng = stream(seed, "quiet", draw.kind, number)
    blocks = {coin: found(rng, coin, draw.span_s) for coin in BLOCK_S}
    offset_s = rng.normal(0, 0.3) if rng.random() < 0.85 else rng.uniform(-20, 20)
    chains = [
        [chain_of(coin, clock, _us(times(rng, each, offset_s))) for coin, each in blocks.items()]
        for clock, times in (("seen", as_seen), ("header", as_headed))
    ]
    peers = draw.peers if draw.peers is not None else int(rng.random() >= _ALONE) * _PEERS
    heard = [kept_talk(packets, draw.span_s) for packets in _packets(rng, draw, blocks, 1 + peers)]
    return Example(heard[0], [talk.push_us for talk in heard[1:] if talk], *chains)


def kept_talk(packets: Packets, span_s: float) -> Talk | None:
    """Return a talk as the table ``flows`` keeps it; None where it is too loud or nothing is said."""
    number = packets.at_s.size
    loud = number > MOST_PER_S * span_s or packets.size.sum() > MOST_BYTES_PER_S * span_s
    if loud or not number:
        return None
    first = slice(0, MOST_MESSAGES)
    return talk_of(_us(packets.at_s[first]), packets.size[first], packets.from_server[first])


def _packets(rng: Rng, draw: Draw, blocks: Mapping[str, Floats], number: int) -> Iterator[Packets]:
    """Yield connections to one server."""
    kind, span_s = draw.kind, draw.span_s
    if kind in quiet_miners.SPEECHES:
        coin = quiet_miners.SPEECHES[kind].coin
        known = blocks.get(coin, np.empty(0))
        work = quiet_miners.work_times(rng, quiet_miners.draw_pool(rng, coin), known, span_s)
        yield quiet_miners.miner(rng, kind, draw_link(rng), work, span_s)
        if rng.random() < _UNRELATED:
            work = quiet_miners.work_times(rng, quiet_miners.draw_pool(rng, coin), known[:0], span_s)
        for _ in range(number - 1):
            yield quiet_miners.miner(rng, kind, draw_link(rng), work, span_s)
        return
    common = quiet_innocents.common_times(rng, kind, span_s)
    if kind in quiet_innocents.ON_BLOCKS:
        heard = at_pool(rng, blocks[str(rng.choice(list(blocks)))], log_uniform(rng, 0.02, 2))
        common = np.sort(heard[(heard > 0) & (heard < span_s)])
    for _ in range(number):
        yield quiet_innocents.innocent(rng, kind, draw_link(rng), common, span_s)


def _us(at_s: Floats) -> npt.NDArray[np.int64]:
    return np.asarray(np.round(at_s * 1e6), np.int64)
