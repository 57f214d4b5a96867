"""What the data-centre detector needs before it judges a site."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.detect.traffic.features import SiteHours
from minewatch.schema.reasons import Reason, reason


class TrafficNeeds(NamedTuple):
    """Hours with power and traffic (two weeks), their share of all hours, share of lines counted, least kW.

    Below 2 kW a family's or a shop's line says nothing about what the power is used for.
    """

    hours: int = 14 * 24
    known_share: float = 0.5
    lines_share: float = 0.9
    least_kw: float = 2.0


TRAFFIC_NEEDS = TrafficNeeds()


class SiteCount(NamedTuple):
    """Usage points of a site, and how many of them have readings."""

    usage_points: int
    points_read: int


def traffic_refusal(site: SiteHours, count: SiteCount, needs: TrafficNeeds = TRAFFIC_NEEDS) -> Reason | None:
    """Return why a site cannot be judged, or None."""
    if count.points_read < count.usage_points:
        return reason("site_power_incomplete", read=count.points_read, points=count.usage_points)
    return _power_refusal(site, needs) or _traffic_refusal(site, needs)


def _power_refusal(site: SiteHours, needs: TrafficNeeds) -> Reason | None:
    measured = site.kw[np.isfinite(site.kw)]
    if not measured.size:
        return reason("site_power_missing")
    if not measured.mean() >= needs.least_kw:
        return reason("site_power_small", kw=float(measured.mean()), needed_kw=needs.least_kw)
    return None


def _counted_time(site: SiteHours) -> npt.NDArray[np.bool_]:
    """Tell which hours lie between the first and the last count; all where there is none.

    Leases and the time that is looked at reach back to before anybody counted.
    """
    counts = np.flatnonzero(site.lines_seen > 0)
    place = np.arange(site.kw.size)
    return (place >= counts[0]) & (place <= counts[-1]) if counts.size else place >= 0


def _traffic_refusal(site: SiteHours, needs: TrafficNeeds) -> Reason | None:
    counted = _counted_time(site)
    used = counted & np.isfinite(site.kw)
    known, seen = float(site.lines_known[used].sum()), float(site.lines_seen[used].sum())
    if not site.lines_known.any():
        return reason("site_without_line")
    if seen < needs.lines_share * known:
        return reason(
            "site_lines_not_covered", percent=100 * seen / known, needed_percent=100 * needs.lines_share
        )
    hours = int(site.both.sum())
    if hours < needs.hours:
        return reason("site_traffic_too_short", hours=hours, needed=needs.hours)
    if hours < needs.known_share * counted.sum():
        percents = {"percent": 100 * hours / int(counted.sum()), "needed_percent": 100 * needs.known_share}
        return reason("site_hours_too_gappy", **percents)
    return None
