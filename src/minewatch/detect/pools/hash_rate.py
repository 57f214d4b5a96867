"""Hash rate from shares with its interval, and the power that hardware of its algorithm needs for it."""

import math
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from scipy.special import gammaincinv

from minewatch.schema.evidence import Estimate
from minewatch.schema.machines import Efficiency
from minewatch.schema.shares import hashes_of_unit

_TAIL = 0.025
_Z90_OF_Z95 = 1.6448536269514722 / 1.959963984540054
_SHORTEST_S = 60.0


class ShareCount(NamedTuple):
    """Shares of one flow: the hashes they stand for, the time they were counted in (s), hashes a share."""

    hashes: float
    seconds: float
    hashes_each: float


def share_count(flow: dict[str, Any]) -> ShareCount | None:
    """Return the shares of a row of ``flows``, None where the difficulty is unknown.

    ``hashes_each`` is the mean over time: with a difficulty that varies, the sum of the shares' hashes at a
    constant hash rate R has mean R·T and variance R·Σ(T_i·d_i), the same as Poisson shares of that mean size.
    """
    changes = flow["difficulty"] or ()
    if flow["expected_hashes"] is None or not changes:
        return None
    start_at, end_at = flow["shares_first_at"], flow["shares_last_at"]
    unit = hashes_of_unit(flow["dialect"], flow["algorithm"])
    return ShareCount(
        flow["expected_hashes"],
        (end_at - start_at).total_seconds(),
        unit * _mean_over_time(changes, (start_at, end_at)),
    )


def hash_rate_of(count: ShareCount) -> Estimate | None:
    """Return the hash rate in H/s with its 95 % interval (Garwood 1936), None for less than a minute.

    The time is fixed by the capture, not by the shares, so that their number is Poisson.
    """
    if count.seconds < _SHORTEST_S or count.hashes_each <= 0:
        return None
    number = count.hashes / count.hashes_each
    low = float(gammaincinv(number, _TAIL)) if number > 0 else 0.0
    high = float(gammaincinv(number + 1, 1 - _TAIL))
    each = count.hashes_each / count.seconds
    return Estimate(number * each, min(low, number) * each, max(high, number) * each)


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


def _mean_over_time(changes: Sequence[dict[str, Any]], span: tuple[datetime, datetime]) -> float:
    start_at, end_at = span
    times = [max(change["at"], start_at) for change in changes] + [end_at]
    weights = [max(0.0, (after - at).total_seconds()) for at, after in pairwise(times)]
    values = [float(change["difficulty"]) for change in changes]
    if not sum(weights) > 0:
        return values[-1]
    return sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
