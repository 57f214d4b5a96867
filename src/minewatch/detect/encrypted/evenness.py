"""Whether a connection moves as much by night as by day: machines do, people do not."""

from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]

_NIGHT, _DAY = (0, 6), (9, 21)
_FEWEST_HOURS = 3
_EVEN = 0.5
_HOUR_US = 3_600_000_000


class Evenness(NamedTuple):
    """Messages an hour by night, local 0 to 6 h, as a part of those by day, 9 to 21 h."""

    ratio: float

    @property
    def is_even(self) -> bool:
        """Tell whether the night has at least half as much."""
        return self.ratio >= _EVEN


def evenness_of(at_us: Ints, span_us: tuple[int, int], zone: ZoneInfo) -> Evenness | None:
    """Return how nights compare with days; None where either is known for less than three whole hours."""
    hours = np.arange(-(-span_us[0] // _HOUR_US), span_us[1] // _HOUR_US)
    if hours.size < 2 * _FEWEST_HOURS:
        return None
    clock = _local_hours(hours, zone)
    place = np.clip(at_us // _HOUR_US - hours[0] + 1, 0, hours.size + 1)
    counts = np.bincount(place, minlength=hours.size + 2)
    night, day = ((clock >= low) & (clock < high) for low, high in (_NIGHT, _DAY))
    if min(night.sum(), day.sum()) < _FEWEST_HOURS:
        return None
    within = counts[1:-1]
    return Evenness(float((within[night].mean() + 0.1) / (within[day].mean() + 0.1)))


def _local_hours(hours: Ints, zone: ZoneInfo) -> Ints:
    instants = pa.array(hours * _HOUR_US, pa.int64()).cast(pa.timestamp("us", zone.key))
    return np.asarray(pc.hour(instants).to_numpy(zero_copy_only=False), np.int64)
