"""Quantiles of the gamma distribution, without the 0.2 s that the library which has them takes to load.

Series and continued fraction: Abramowitz and Stegun, *Handbook of Mathematical Functions*, 6.5.29 and 6.5.31;
first guess: Wilson and Hilferty 1931.
"""

import math
from statistics import NormalDist

_LARGE = 1e5
"""Shape from which on the first guess is right to six digits."""

_TINY = 1e-300
_CLOSE = 1e-12
_MOST_STEPS = 10_000


def gamma_quantile(shape: float, probability: float) -> float:
    """Return x with P(shape, x) = ``probability``: of the gamma distribution with scale 1.

    ``shape`` is positive, ``probability`` lies between 0 and 1. Right to nine digits, six for large shapes.
    """
    x = _first_guess(shape, probability)
    if shape >= _LARGE or x <= _TINY:
        return x
    low, high = 0.0, math.inf
    for _ in range(100):  # Newton's method for the logarithms, which is straight where x is small
        reached = lower_incomplete(shape, x)
        low, high = (low, x) if reached > probability else (x, high)
        slope = math.exp(shape * math.log(x) - x - math.lgamma(shape)) / (reached or _TINY)
        excess = math.log((reached or _TINY) / probability)
        following = x * math.exp(max(-1.0, min(1.0, -excess / (slope or _TINY))))
        if abs(following - x) <= _CLOSE * x:
            return following
        x = following if low < following < high else max(_between(low, high), _TINY)
    return x


def lower_incomplete(shape: float, x: float) -> float:
    """Return the regularised lower incomplete gamma function P(shape, x)."""
    if x <= 0:
        return 0.0
    scale = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    return scale * _series(shape, x) if x < shape + 1 else 1.0 - scale * _fraction(shape, x)


def _first_guess(shape: float, probability: float) -> float:
    spread = 1 / (9 * shape)
    root = 1 - spread + NormalDist().inv_cdf(probability) * math.sqrt(spread)
    small = math.exp((math.log(probability) + math.lgamma(shape + 1)) / shape)
    return max(shape * root**3, _TINY) if root > 0.3 else max(small, _TINY)


def _series(shape: float, x: float) -> float:
    term = total = 1 / shape
    for n in range(1, _MOST_STEPS):
        term *= x / (shape + n)
        total += term
        if term < total * _CLOSE / 100:
            break
    return total


def _fraction(shape: float, x: float) -> float:
    """Evaluate the continued fraction of the upper function from its front (modified Lentz)."""
    b = x + 1 - shape
    c, d = 1 / _TINY, 1 / (b or _TINY)
    total = d
    for n in range(1, _MOST_STEPS):
        a = -n * (n - shape)
        b += 2
        d = 1 / (a * d + b or _TINY)
        c = b + a / c or _TINY
        total *= c * d
        if abs(c * d - 1) < _CLOSE / 100:
            break
    return total


def _between(low: float, high: float) -> float:
    return 2 * low + 1 if math.isinf(high) else (low + high) / 2
