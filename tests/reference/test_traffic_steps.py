"""The change of level that traffic does not follow, against the plain search."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from minewatch.detect.traffic.features import SiteHours
from minewatch.detect.traffic.steps import unfollowed_step


def plain_split(kw: list[float]) -> int:
    """Return the first day of the split, a week from both ends, that leaves the least squares."""
    costs = {}
    for split in range(7, len(kw) - 6):
        left, right = kw[:split], kw[split:]
        costs[split] = sum((v - sum(left) / len(left)) ** 2 for v in left) + sum(
            (v - sum(right) / len(right)) ** 2 for v in right
        )
    return min(costs, key=lambda split: (costs[split], split))


@settings(max_examples=40, deadline=None)
@given(st.integers(14, 50), st.integers(0, 2**31), st.floats(0.2, 5.0), st.booleans())
def test_the_split_and_its_size_are_those_of_the_plain_search(
    days: int, seed: int, factor: float, steady: bool
) -> None:
    rng = np.random.default_rng(seed)
    begin = int(rng.integers(1, days))
    daily = 100 * np.where(np.arange(days) < begin, 1.0, factor) + rng.normal(0, 0.5, days)
    kw = np.repeat(daily, 24)
    ones = np.ones(kw.size)
    traffic = 1e6 * ones if steady else kw * 1e4
    at = np.arange(kw.size)
    site = SiteHours(at % 24, at // 24, kw, traffic, traffic, ones, ones, ones, ones, 10 * ones)
    step, split = unfollowed_step(site), plain_split(daily.tolist())
    if step is None:
        before, after = daily[:split].mean(), daily[split:].mean()
        spread = np.sqrt(
            (((daily[:split] - before) ** 2).sum() + ((daily[split:] - after) ** 2).sum()) / days
        )
        small = abs(after - before) < max(3 * spread, 0.08 * max(before, after))
        assert small or not steady
        return
    assert steady
    assert abs(step.hour // 24 - split) <= 1
    assert np.isclose(step.rise_kw, daily[split:].mean() - daily[:split].mean())
