"""What a site's power and traffic say side by side, in numbers that a person can check.

``FEATURES`` names them. Traffic counts both directions; *day* is 9 to 22 h, *night* 1 to 6 h local time.
"""

from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEATURES = (
    "bytes_per_kwh",
    "inbound",
    "peers",
    "addresses",
    "day_traffic",
    "day_power",
    "follow",
    "bursts",
    "restless",
    "cooling",
    "declared",
    "used",
)
"""Names of the features, in this order in every vector.

``bytes_per_kwh`` log10 By/kWh; ``inbound`` log10 of bytes in to bytes out; ``peers``, ``addresses`` log10 of
1 + the median hour's number; ``day_traffic``, ``day_power`` log10 of the mean by day to the mean by night;
``follow`` Fisher's z of the correlation of power and log traffic within days; ``bursts`` log10 of the 98 %
quantile of traffic to its median; ``restless`` standard deviation of log10 traffic from hour to hour;
``cooling`` share by which power rises for 10 K above 15 degC; ``declared`` log10 Mbit/s declared for each
MVA of contract; ``used`` log10 of mean Mbit/s to declared. NaN where the data do not tell.
"""

_DAY, _NIGHT = (9, 22), (1, 6)
_STILL_C = 15.0
_COOLING_DAYS, _COOLING_RANGE_C = 28, 8.0
_MOST_POWER_SHAPE = 0.5
"""The shape of the power is for the load detector to judge; here it shows how much follows the traffic."""

_MBITS_HOUR = 1e6 / 8 * 3600
_FLOOR = 1e3
"""Bytes in an hour below which traffic counts as this much: logarithms stay finite."""


class SiteHours(NamedTuple):
    """Hours of one site, shape (hours,): local hour of the day, local day, and columns of ``site_hours``."""

    hour: Ints
    day: Ints
    kw: Floats
    inbound: Floats
    outbound: Floats
    peers: Floats
    addresses: Floats
    lines_known: Floats
    lines_seen: Floats
    temperature_c: Floats

    @property
    def both(self) -> npt.NDArray[np.bool_]:
        """Hours in which power and traffic are known, shape (hours,)."""
        return np.isfinite(self.kw) & np.isfinite(self.inbound) & np.isfinite(self.outbound)

    def take(self, chosen: npt.NDArray[Any]) -> "SiteHours":
        """Return some of the hours."""
        return SiteHours(*(column[chosen] for column in self))


class Declared(NamedTuple):
    """What papers declare of a site; NaN where they do not."""

    contract_kva: float = float("nan")
    mbps: float = float("nan")


def site_hours_of(rows: pa.Table, zone: ZoneInfo) -> SiteHours:
    """Return the rows of ``site_hours`` of one site, ordered by hour, as arrays in the time of ``zone``."""
    local = pc.cast(rows["hour"], pa.timestamp("us", tz=zone.key))
    hour, date = pc.hour(local).to_numpy(), pc.local_timestamp(local).cast(pa.date32())
    columns = (
        rows[name].cast(pa.float64()).to_numpy()
        for name in (
            *("kw", "inbound_bytes", "outbound_bytes", "peers", "local_addresses"),
            *("lines_known", "lines_seen", "temperature_c"),
        )
    )
    return SiteHours(hour.astype(np.int64), date.cast(pa.int32()).to_numpy().astype(np.int64), *columns)


def traffic_features(site: SiteHours, declared: Declared) -> Floats:
    """Return the features of one site, shape (``FEATURES``,), from the hours with power and traffic.

    At least one such hour with power above zero has to be there.
    """
    site = site.take(site.both)
    traffic = site.inbound + site.outbound
    logs = np.log10(np.maximum(traffic, _FLOOR))
    mean_mbits = traffic.mean() / _MBITS_HOUR
    median = max(float(np.median(traffic)), _FLOOR)
    return np.array(
        [
            np.log10(max(traffic.sum(), _FLOOR) / site.kw.sum()),
            np.log10((site.inbound.sum() + _FLOOR) / (site.outbound.sum() + _FLOOR)),
            _log_median(site.peers),
            _log_median(site.addresses),
            _day_to_night(traffic, site.hour, _FLOOR),
            float(np.clip(_day_to_night(site.kw, site.hour, 1e-3), -_MOST_POWER_SHAPE, _MOST_POWER_SHAPE)),
            _follow(site, logs),
            np.log10(max(float(np.quantile(traffic, 0.98)), median) / median),
            _restless(logs),
            cooling_share(site),
            np.log10(max(declared.mbps, 1e-3) / max(declared.contract_kva / 1000, 1e-3)),
            np.log10(max(mean_mbits, 1e-6) / max(declared.mbps, 1e-3)),
        ]
    )


def cooling_share(site: SiteHours) -> float:
    """Return the share by which power rises for 10 K above 15 degC; NaN for too short or too even weather.

    Least squares of daily means on a constant, a trend over time and the degrees above 15 degC: the trend
    takes up a site that fills while spring comes.
    """
    days, place = np.unique(site.day, return_inverse=True)
    number = np.bincount(place)
    kw, warm_c = (
        np.bincount(place, values) / number
        for values in (site.kw, np.maximum(site.temperature_c - _STILL_C, 0.0))
    )
    known = np.isfinite(warm_c)
    if known.sum() < _COOLING_DAYS or np.ptp(warm_c[known]) < _COOLING_RANGE_C or not kw.mean() > 0:
        return float("nan")
    trend = (days[known] - days[known].mean()) / len(days)
    design = np.column_stack([np.ones(known.sum()), trend, warm_c[known]])
    slope = np.linalg.lstsq(design, kw[known], rcond=None)[0][2]
    return float(np.clip(10 * slope / kw.mean(), -1.0, 2.0))


def upper_kw(kw: Floats) -> float:
    """Return the power that a tenth of the hours exceeds: the level of a load that is not always on.

    At least the mean, for a load that is on still more rarely.
    """
    return max(float(np.quantile(kw, 0.9)), float(kw.mean()))


def _log_median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.log10(1 + np.median(known))) if known.size else float("nan")


def _day_to_night(values: Floats, hour: Ints, floor: float) -> float:
    day = values[(hour >= _DAY[0]) & (hour < _DAY[1])]
    night = values[(hour >= _NIGHT[0]) & (hour < _NIGHT[1])]
    if not (day.size and night.size):
        return float("nan")
    return float(np.clip(np.log10(max(day.mean(), floor) / max(night.mean(), floor)), -3, 3))


def _follow(site: SiteHours, logs: Floats) -> float:
    """Fisher's z of the correlation within days: what both do from day to day is left out."""
    _, place = np.unique(site.day, return_inverse=True)
    number = np.bincount(place)
    power, traffic = (values - (np.bincount(place, values) / number)[place] for values in (site.kw, logs))
    spread = float(np.sqrt((power**2).sum() * (traffic**2).sum()))
    if not spread > 0:
        return 0.0
    return float(np.arctanh(np.clip((power * traffic).sum() / spread, -0.99, 0.99)))


def _restless(logs: Floats) -> float:
    return float(np.std(np.diff(logs))) if logs.size > 1 else float("nan")
