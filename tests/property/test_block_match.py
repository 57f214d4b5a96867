"""What knows nothing of a chain reaches a likelihood ratio of 10^s no more often than 10^-s."""

import numpy as np
import pytest

from minewatch.detect.encrypted.blocks import Chain, chain_of, weigh_blocks
from minewatch.sim.streams import stream
from minewatch.sim.wire.chains import BLOCK_S, as_headed, as_seen, found

SPAN_S, TRIALS = 3600.0, 150
SPAN_US = (0, int(SPAN_S * 1e6))
PUSHES = {
    "each second": np.arange(0, SPAN_S, 1.0),
    "each other second": np.arange(0.3, SPAN_S, 2.0),
    "each ten seconds": np.arange(3.5, SPAN_S, 10.0),
    "each minute": np.arange(30.0, SPAN_S, 60.0),
    "by chance": np.sort(stream(1, "pushes").uniform(0, SPAN_S, 180)),
    "in one burst": np.sort(stream(2, "pushes").uniform(900, 1000, 200)),
    "few": np.array([500.0, 2000.0, 3100.0]),
}


def chains(number: int, clock: str) -> list[Chain]:
    rng = stream(number, "chains", clock)
    times = {"seen": as_seen, "header": as_headed}[clock]
    return [
        chain_of(coin, clock, (times(rng, found(rng, coin, SPAN_S), 0.0) * 1e6).astype(np.int64))
        for coin in BLOCK_S
    ]


@pytest.mark.parametrize("clock", ["seen", "header"])
@pytest.mark.parametrize("name", PUSHES)
def test_chance_reaches_large_ratios_rarely(name: str, clock: str) -> None:
    push_us = (PUSHES[name] * 1e6).astype(np.int64)
    ratios = np.array(
        [weigh_blocks(push_us, SPAN_US, chains(number, clock)).log10_b for number in range(TRIALS)]
    )
    for strength in (0.5, 1.0, 2.0):
        assert (ratios >= strength).mean() <= 10**-strength + 2 / TRIALS
    assert ratios.max() < 4
    assert (10**ratios).mean() < 1.6
