"""Hash rate and power of a flow whose shares were read, and the reasons that tell of them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from minewatch.detect.pools.hash_rate import hash_rate_of, power_of, share_count, worker_rates
from minewatch.schema.evidence import Estimate
from minewatch.schema.machines import efficiency
from minewatch.schema.reasons import Reason, reason

_RATE_UNITS = (("EH/s", 1e18), ("PH/s", 1e15), ("TH/s", 1e12), ("GH/s", 1e9), ("MH/s", 1e6), ("kH/s", 1e3))
_ENERGY_UNITS = (("J/H", 1.0), ("J/kH", 1e3), ("J/MH", 1e6), ("J/GH", 1e9), ("J/TH", 1e12))
_RATE_TEXTS = {"rate": "value", "low": "low", "high": "high"}


class Quantities(NamedTuple):
    """Hash rate (H/s, 95 %) and power (kW, 90 %) where they are known, and why."""

    hash_rate: Estimate | None
    power_kw: Estimate | None
    reasons: list[Reason]


def quantities_of(flow: dict[str, Any]) -> Quantities:
    """Return the quantities of a row of ``flows`` with a dialect."""
    reasons = list(_seen(flow))
    count = share_count(flow)
    if count is None:
        return Quantities(None, None, [*reasons, _no_rate(flow)])
    rate = hash_rate_of(count)
    if rate is None:
        return Quantities(None, None, [*reasons, reason("wire_short", seconds=count.seconds)])
    reasons.append(reason("wire_hash_rate", **_texts(rate)))
    power, why = _power(flow, rate)
    return Quantities(rate, power, [*reasons, *_workers(flow), why])


def hash_rate_text(rate: float) -> str:
    """Return a hash rate (H/s) with three digits and the unit that fits, as ``30.5 MH/s``."""
    for unit, size in _RATE_UNITS:
        if rate >= size:
            return f"{rate / size:.3g} {unit}"
    return f"{rate:.3g} H/s"


def energy_text(joule_per_hash: float) -> str:
    """Return the energy for one hash in the unit that fits, as ``21.6 J/TH``."""
    for unit, size in _ENERGY_UNITS:
        if joule_per_hash * size >= 1:
            return f"{joule_per_hash * size:.3g} {unit}"
    return f"{joule_per_hash * 1e12:.3g} J/TH"


def _seen(flow: dict[str, Any]) -> Iterator[Reason]:
    if flow["reported_hash_rate"]:
        yield reason("wire_reported", rate=hash_rate_text(flow["reported_hash_rate"]))
    if (flow["machines"] or 0) > 1:
        yield reason("wire_machines", machines=flow["machines"])


def _no_rate(flow: dict[str, Any]) -> Reason:
    if not flow["difficulty"]:
        return reason("wire_no_hash_rate")
    return reason("wire_no_convention", dialect=flow["dialect"], algorithm=flow["algorithm"] or "?")


def _workers(flow: dict[str, Any]) -> Iterator[Reason]:
    rates = worker_rates(flow)
    if len(rates) > 1 and rates[0].rate:
        yield reason("wire_workers", workers=len(rates), **_texts(rates[0].rate))


def _power(flow: dict[str, Any], rate: Estimate) -> tuple[Estimate | None, Reason]:
    algorithm = flow["algorithm"] or "?"
    energy = efficiency(algorithm, flow["agent"])
    if energy is None:
        return None, reason("wire_no_power", algorithm=algorithm)
    power = power_of(rate, energy)
    energies = {"best": energy_text(energy.best), "worst": energy_text(energy.worst)}
    return power, reason("wire_power", algorithm=algorithm, low=power.low, high=power.high, **energies)


def _texts(rate: Estimate) -> dict[str, str]:
    return {name: hash_rate_text(getattr(rate, key)) for name, key in _RATE_TEXTS.items()}
