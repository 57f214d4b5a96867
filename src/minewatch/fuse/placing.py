"""At which customer of a transformer an unmetered load sits: by voltages, and by traffic that lacks power."""

from collections.abc import Mapping
from typing import NamedTuple

from minewatch.fuse.power import compare
from minewatch.schema.evidence import Estimate
from minewatch.schema.reasons import Reason, reason

CERTAIN = 0.9
"""Probability from which the load is taken for a customer's; below it the transformer is the site."""

AT_NO_CUSTOMER = 0.1
"""Share of unmetered loads that hang on the line between the customers (assumed)."""

VOLTAGES_RIGHT = 0.8
"""Probability that voltages point at the true place rather than at any (assumed)."""


TIED, LIKELY = 0.3, 0.5
"""Share of unmetered loads that are a farm whose traffic leads to no account (assumed: most lines without one
are a customer's whose address was not understood); and the probability from which such a farm is named."""


class Wanting(NamedTuple):
    """What the traffic of a site says: its strength, and the power that its meters do not account for."""

    log10_lr: float
    missing_kw: Estimate


class Load(NamedTuple):
    """An unmetered load: the transformer or feeder it hangs on, its power, the number of ``sites`` there."""

    part: str
    power_kw: Estimate
    sites: int


class Place(NamedTuple):
    """The site that a load was given to and with which probability."""

    site: int
    probability: float
    reason: Reason


def place_of(load: Load, voltages: Mapping[int, float], wanting: Mapping[int, Wanting]) -> Place | None:
    """Return the site that an unmetered load belongs to, None where none is sure enough.

    Bayes over the sites of its transformer and the line between them. ``voltages``: site → probability by the
    voltages (empty where they say nothing). ``wanting``: sites whose traffic stands for more than their
    meters show; there the strength of the traffic and how well the two powers agree count.
    """
    chosen = sorted({*voltages, *wanting})
    priors = {site: (1 - AT_NO_CUSTOMER) * _pointed(load, voltages, site) for site in chosen}
    weights = {site: priors[site] * (1 + 10 ** _log10_fit(load, wanting.get(site))) for site in chosen}
    total = 1 - sum(priors.values()) + sum(weights.values())
    best = max(chosen, key=lambda site: weights[site], default=None)
    if best is None or weights[best] / total < CERTAIN:
        return None
    probability = weights[best] / total
    return Place(best, probability, _why(load, probability, wanting.get(best)))


def _pointed(load: Load, voltages: Mapping[int, float], site: int) -> float:
    if not voltages:
        return 1 / load.sites
    return VOLTAGES_RIGHT * voltages.get(site, 0.0) + (1 - VOLTAGES_RIGHT) / load.sites


def likely_farm(power_kw: Estimate, farms: Mapping[int, Estimate]) -> tuple[int, float] | None:
    """Return which farm without account an unmetered load may be, with its probability.

    None below ``LIKELY``. ``farms``: site → power that its traffic stands for. Only the agreement of the
    powers speaks for it: enough to look, never enough to make one site of the two.
    """
    prior = TIED / max(len(farms), 1)
    weights = {site: prior * 10 ** compare(power_kw, farms[site]).log10_lr for site in sorted(farms)}
    best = max(weights, key=lambda site: weights[site], default=None)
    if best is None:
        return None
    probability = weights[best] / (1 - TIED + sum(weights.values()))
    return (best, probability) if probability >= LIKELY else None


def _log10_fit(load: Load, wanting: Wanting | None) -> float:
    if wanting is None:
        return float("-inf")
    return min(30.0, wanting.log10_lr + compare(load.power_kw, wanting.missing_kw).log10_lr)


def _why(load: Load, probability: float, wanting: Wanting | None) -> Reason:
    values = {"power_kw": load.power_kw.value, "percent": 100 * probability}
    if wanting and _log10_fit(load, wanting) > 0:
        missing_kw = wanting.missing_kw.value
        return reason("place_by_traffic", part=load.part, missing_kw=missing_kw, **values)
    return reason("place_by_voltage", part=load.part, **values)


def missing(wire_kw: Estimate, meter_kw: Estimate | None) -> Estimate | None:
    """Return the power that the traffic stands for beyond the meters; None where they may account for it."""
    if meter_kw is None:
        return wire_kw
    if wire_kw.value <= meter_kw.value or not compare(wire_kw, meter_kw).contradictory:
        return None
    value = wire_kw.value - meter_kw.value
    below = ((wire_kw.value - wire_kw.low) ** 2 + (meter_kw.high - meter_kw.value) ** 2) ** 0.5
    above = ((wire_kw.high - wire_kw.value) ** 2 + (meter_kw.value - meter_kw.low) ** 2) ** 0.5
    return Estimate(value, max(0.0, value - below), value + above)
