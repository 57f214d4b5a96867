"""Hash rate from shares with its interval, and the power that hardware of its algorithm needs for it."""

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from minewatch.detect.pools.gamma import gamma_quantile
from minewatch.schema.evidence import Estimate
from minewatch.schema.machines import Efficiency
from minewatch.schema.shares import hashes_of_unit

_TAIL = 0.025
_Z90_OF_Z95 = 1.6448536269514722 / 1.959963984540054
_SHORTEST_S = 60.0


class ShareCount(NamedTuple):
    """Shares counted for ``seconds``: the ``hashes`` they stand for, with their spread.

    ``squares`` is the sum of each share's hashes squared, which estimates the variance of ``hashes``;
    ``hashes_each`` are the hashes of the largest share that there could be.
    """

    hashes: float
    seconds: float
    hashes_each: float
    squares: float

    @classmethod
    def alike(cls, hashes: float, seconds: float, hashes_each: float) -> "ShareCount":
        """Return the count of shares of one size."""
        return cls(hashes, seconds, hashes_each, hashes * hashes_each)


class WorkerRate(NamedTuple):
    """A worker of a connection: shares sent, accepted and stale (None: not known), and hash rate in H/s."""

    worker: str
    submitted: int
    accepted: int | None
    stale: int | None
    rate: Estimate | None


def share_count(flow: dict[str, Any]) -> ShareCount | None:
    """Return the shares of a row of ``flows``, None where the difficulty is unknown.

    With a difficulty that varies over time, the sum of the shares' hashes at a constant hash rate R has mean
    R·T and variance R·Σ(T_i·d_i), the same as shares of the mean size over time. With workers whose
    difficulties differ, the variance is at least that of each worker's shares by themselves.
    """
    if flow["expected_hashes"] is None or not flow["difficulty"]:
        return None
    mean = hashes_of_unit(flow["dialect"], flow["algorithm"]) * _mean_over_time(flow)
    count = ShareCount.alike(flow["expected_hashes"], _seconds(flow), mean)
    counted = [
        (worker["expected_hashes"], number) for worker in flow["workers"] or () if (number := _number(worker))
    ]
    if len(counted) < 2:
        return count
    squares = sum(hashes**2 / number for hashes, number in counted)
    largest = max(hashes / number for hashes, number in counted)
    return count._replace(hashes_each=max(mean, largest), squares=max(count.squares, squares))


def worker_rates(flow: dict[str, Any]) -> list[WorkerRate]:
    """Return the workers of a row of ``flows`` with their hash rates, the largest first."""
    whole = share_count(flow)
    found = [
        WorkerRate(
            worker["worker"], worker["submitted"], worker["accepted"], worker["stale"], _rate(worker, whole)
        )
        for worker in flow["workers"] or ()
    ]
    return sorted(found, key=lambda each: (-(each.rate.value if each.rate else 0.0), each.worker))


def hash_rate_of(count: ShareCount) -> Estimate | None:
    """Return the hash rate in H/s with its 95 % interval, None for less than a minute.

    The time is fixed by the capture, not by the shares, so that their number is Poisson. For shares of one
    size the interval is Garwood's (1936), for a sum of several sizes that of Fay and Feuer (1997), which is
    the same where the sizes are one.
    """
    if count.seconds < _SHORTEST_S or count.hashes_each <= 0:
        return None
    hashes, each = count.hashes, count.hashes_each
    low = _quantile(hashes, count.squares, _TAIL) if hashes > 0 else 0.0
    high = _quantile(hashes + each, count.squares + each**2, 1 - _TAIL)
    low, high = min(low, hashes), max(high, hashes)
    return Estimate(hashes / count.seconds, low / count.seconds, high / count.seconds)


def power_of(rate: Estimate, efficiency: Efficiency) -> Estimate:
    """Return the power in kW with a 90 % interval for a hash rate and hardware's energy for one hash.

    Best and worst hardware bound the energy; both uncertainties add in quadrature of their logarithms.
    """
    if rate.value <= 0:
        return Estimate(0.0, 0.0, rate.high * efficiency.typical / 1000)
    value = rate.value * efficiency.typical / 1000
    spread = math.log(efficiency.worst / efficiency.typical)
    below = math.log(rate.value / rate.low) * _Z90_OF_Z95 if rate.low > 0 else math.inf
    above = math.log(rate.high / rate.value) * _Z90_OF_Z95
    low = value * math.exp(-math.hypot(spread, below))
    return Estimate(value, low, value * math.exp(math.hypot(spread, above)))


def _quantile(mean: float, variance: float, probability: float) -> float:
    """Return a quantile of the gamma distribution with that mean and variance."""
    return gamma_quantile(mean**2 / variance, probability) * variance / mean


def _number(worker: dict[str, Any]) -> int:
    """Return how many shares of a worker its expected hashes are made of: all that were not refused."""
    if not worker["expected_hashes"]:
        return 0
    return int(worker["submitted"] - (worker["rejected"] or 0))


def _rate(worker: dict[str, Any], whole: ShareCount | None) -> Estimate | None:
    if whole is None or worker["expected_hashes"] is None:
        return None
    hashes, number = worker["expected_hashes"], _number(worker)
    each = hashes / number if number else whole.hashes_each
    return hash_rate_of(ShareCount.alike(hashes, whole.seconds, each))


def _seconds(flow: dict[str, Any]) -> float:
    start_at, end_at = flow["shares_first_at"], flow["shares_last_at"]
    return float((end_at - start_at).total_seconds())


def _mean_over_time(flow: dict[str, Any]) -> float:
    """Return the mean of the difficulty over the time in which shares were counted."""
    changes: Sequence[dict[str, Any]] = flow["difficulty"]
    start_at, end_at = flow["shares_first_at"], flow["shares_last_at"]
    times: list[datetime] = [max(change["at"], start_at) for change in changes] + [end_at]
    weights = [max(0.0, (after - at).total_seconds()) for at, after in pairwise(times)]
    values = [float(change["difficulty"]) for change in changes]
    if not sum(weights) > 0:
        return values[-1]
    return sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
