"""The kernel of missing output against its slow twin."""

import numpy as np
import plain_output
from hypothesis import given, settings
from hypothesis import strategies as st

from minewatch.kernels.power.missing_output import Chains, Hours, backward, forward


def drawn(seed: int) -> tuple[Hours, Chains]:
    rng = np.random.default_rng(seed)
    length, factors, levels = int(rng.integers(2, 30)), int(rng.integers(1, 6)), int(rng.integers(1, 5))
    usual = int(rng.integers(0, factors))
    grid = np.sort(rng.uniform(0, 1.2, factors))
    able = rng.uniform(0, 3, (length, 1)) * grid
    level = np.concatenate([[0.0], np.sort(rng.uniform(0.05, 2, levels - 1))])
    deep = int(rng.integers(0, factors))
    rates = rng.uniform(0.001, 0.2, 6)
    chains = Chains(grid, level, usual, deep, *rates, float(rng.uniform(0, 1)))
    met = able[:, usual] * rng.normal(1, 0.05, length)
    met[length // 2 :] = np.maximum(met[length // 2 :] - 0.3, 0)
    counts = rng.uniform(0.05, 1, length) * (rng.random(length) < 0.9)
    barred = rng.random(length) < rng.choice((0.0, 0.4))
    return Hours(met, able, rng.uniform(0.02, 0.3, length), counts, barred), chains


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_histories_weigh_as_in_the_twin(seed: int) -> None:
    hours, chains = drawn(seed)
    kept = np.empty((hours.met_mw.size, chains.factors.size, chains.levels_mw.size), np.float32)
    total = forward(hours, chains, kept)
    backward(hours, chains, kept)
    expected, states = plain_output.weigh(hours, chains)
    assert np.isclose(total, expected, rtol=1e-8, atol=1e-8)
    assert np.allclose(kept, states, atol=2e-5)
    assert np.isclose(forward(hours, chains, kept[:0]), expected, rtol=1e-8, atol=1e-8)
