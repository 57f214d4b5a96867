"""Why a site with measured traffic was judged so, in numbers that a person can find in the data."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from minewatch.detect.traffic.features import FEATURES, Floats, SiteHours, upper_kw
from minewatch.detect.traffic.model import ALONE, MINING, TrafficModel, Verdict
from minewatch.detect.traffic.steps import Step
from minewatch.schema.load_classes import load_class_name
from minewatch.schema.reasons import Reason, reason

_PREFIXES = ("", "k", "M", "G", "T", "P", "E")
_PLACE = {name: place for place, name in enumerate(FEATURES)}


class Registered(NamedTuple):
    """What registers say of a site: linked enterprises, a scope that names data centres, industry codes."""

    enterprises: int
    scope: str | None
    industries: Sequence[str]
    declared_mbps: float | None


class Seen(NamedTuple):
    """All that was measured of one site: its judged hours, features, change of level, what registers say.

    ``step_on`` is the local day of the change.
    """

    hours: SiteHours
    features: Floats
    step: Step | None
    step_on: str | None
    registered: Registered

    def feature(self, name: str) -> float:
        """Return one of ``FEATURES``."""
        return float(self.features[_PLACE[name]])


def traffic_reasons(seen: Seen, verdict: Verdict, model: TrafficModel) -> list[Reason]:
    """Return the reasons in the order in which a person would look them up."""
    return [
        _bits(seen, model),
        *_line(seen),
        *_power(seen),
        *_registers(seen),
        _part(seen, verdict),
        _weighed(verdict),
    ]


def _bits(seen: Seen, model: TrafficModel) -> Reason:
    kw = float(np.nanmean(seen.hours.kw))
    bits = 8 * 10 ** seen.feature("bytes_per_kwh")
    ranges = [
        8 * 10**edge
        for kind, host in (("data_centre", "data_centre"), (MINING, ALONE))
        for edge in model.range_of(kind, host, "bytes_per_kwh")
    ]
    names = ("low", "high", "mine_low", "mine_high")
    return reason(
        "site_bits",
        bits=prefixed(bits),
        mbits=f"{prefixed(bits * kw / 3600)}bit/s",
        kw=kw,
        **dict(zip(names, map(prefixed, ranges), strict=True)),
    )


def _line(seen: Seen) -> Iterator[Reason]:
    inward = 10 ** seen.feature("inbound")
    percent = 100 * inward / (1 + inward)
    yield reason("site_direction", inbound_percent=percent, outbound_percent=100 - percent)
    peers, addresses = (10 ** seen.feature(name) - 1 for name in ("peers", "addresses"))
    if np.isfinite(peers) and np.isfinite(addresses):
        yield reason("site_peers", peers=peers, addresses=addresses)
    shapes = {name: 10 ** seen.feature(f"day_{name}") for name in ("traffic", "power")}
    if np.isfinite(list(shapes.values())).all():
        yield reason("site_day_shape", **shapes)


def _power(seen: Seen) -> Iterator[Reason]:
    if np.isfinite(seen.feature("cooling")):
        yield reason("site_cooling", percent=round(100 * seen.feature("cooling")) + 0.0)
    if seen.step and seen.step.rise_kw > 0:
        yield reason("site_step_up", day=seen.step_on, rise_kw=seen.step.rise_kw, traffic=seen.step.traffic)
    if seen.step and seen.step.rise_kw < 0:
        yield reason(
            "site_step_down", day=seen.step_on, fall_kw=-seen.step.rise_kw, traffic=seen.step.traffic
        )


def _registers(seen: Seen) -> Iterator[Reason]:
    papers = seen.registered
    if papers.scope:
        yield reason("site_licence_found", scope=papers.scope)
    elif papers.enterprises:
        yield reason("site_licence_missing", enterprises=papers.enterprises)
    if papers.industries:
        yield reason("site_industry", codes=", ".join(papers.industries))
    if papers.declared_mbps:
        used = 100 * 10 ** seen.feature("used")
        yield reason("site_declared", declared_mbps=papers.declared_mbps, used_percent=used)


def _part(seen: Seen, verdict: Verdict) -> Reason:
    low, middle, high = (100 * part for part in verdict.parts)
    host = max(verdict.hosts, key=lambda name: verdict.hosts[name])
    names = {f"host_{language}": load_class_name(host, language) for language in ("en", "zh")}
    level_kw = upper_kw(seen.hours.kw)
    return reason("site_part", percent=middle, low_percent=low, high_percent=high, upper_kw=level_kw, **names)


def _weighed(verdict: Verdict) -> Reason:
    names = {f"class_{language}": load_class_name(verdict.best, language) for language in ("en", "zh")}
    return reason("site_weighed", log10_lr=verdict.log10_lr, **names)


def prefixed(value: float) -> str:
    """Return two digits with a decimal prefix: ``31 M``, ``4.2 G``."""
    place = int(np.clip(np.floor(np.log10(max(value, 1.0)) / 3), 0, len(_PREFIXES) - 1))
    return f"{float(f'{value / 1000**place:.2g}'):g} {_PREFIXES[place]}"
