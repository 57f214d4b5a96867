"""Several independent estimates of one farm's power: do they agree, and what do they say together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from minewatch.schema.evidence import Estimate

_Z90 = 1.6448536269514722
"""Half width of a central 90 % interval in standard deviations of a normal variable."""

_CHANCE_SIGMA = math.log(10)
"""Spread of ln(kW) between unrelated loads: one decade is one standard deviation (assumed)."""

_CONTRADICTION_Z = 2.5758293035489004
"""Estimates further apart than this are called contradictory: two-sided 1 % of a normal variable."""


@dataclass(frozen=True)
class Comparison:
    """Two estimates side by side.

    ``z`` is their distance in standard deviations, ``log10_lr`` how much better one farm explains them than
    two unrelated loads.
    """

    z: float
    log10_lr: float

    @property
    def contradictory(self) -> bool:
        """Tell whether the estimates exclude each other at 1 %."""
        return abs(self.z) > _CONTRADICTION_Z


def combine_same(estimates: Sequence[Estimate]) -> Estimate:
    """Return the power that independent estimates of the *same* load give together, kW with 90 % interval.

    Estimates are log-normal; weights are inverse variances (Gauss-Markov). Raises ValueError when empty.
    """
    if not estimates:
        raise ValueError("no estimate to combine")
    if len(estimates) == 1:
        return estimates[0]
    parameters = [_log_normal(estimate) for estimate in estimates]
    weights = [1 / sigma**2 for _, sigma in parameters]
    mean = sum(w * mu for w, (mu, _) in zip(weights, parameters, strict=True)) / sum(weights)
    return _estimate(mean, math.sqrt(1 / sum(weights)))


def add_parts(estimates: Sequence[Estimate]) -> Estimate:
    """Return the sum of the powers of *different* loads, kW; half widths add in quadrature."""
    total = sum(estimate.value for estimate in estimates)
    below = math.sqrt(sum((estimate.value - estimate.low) ** 2 for estimate in estimates))
    above = math.sqrt(sum((estimate.high - estimate.value) ** 2 for estimate in estimates))
    return Estimate(total, max(0.0, total - below), total + above)


def compare(first: Estimate, second: Estimate) -> Comparison:
    """Compare two estimates of what should be the same power."""
    (mu_first, sigma_first), (mu_second, sigma_second) = _log_normal(first), _log_normal(second)
    spread = math.hypot(sigma_first, sigma_second)
    distance = mu_first - mu_second
    return Comparison(distance / spread, _log10_agreement(distance, spread))


def _log10_agreement(distance: float, spread: float) -> float:
    chance = math.hypot(spread, _CHANCE_SIGMA)
    same = -0.5 * (distance / spread) ** 2 - math.log(spread)
    unrelated = -0.5 * (distance / chance) ** 2 - math.log(chance)
    return (same - unrelated) / math.log(10)


def _log_normal(estimate: Estimate) -> tuple[float, float]:
    value = max(estimate.value, 1e-6)
    low, high = max(estimate.low, value * 1e-3), max(estimate.high, value)
    sigma = (math.log(high) - math.log(low)) / (2 * _Z90)
    return math.log(value), max(sigma, 1e-3)


def _estimate(mu: float, sigma: float) -> Estimate:
    return Estimate(math.exp(mu), math.exp(mu - _Z90 * sigma), math.exp(mu + _Z90 * sigma))
