"""What kind of site it is, and which of its estimates contradict each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from minewatch.fuse.farm import Farm
from minewatch.fuse.power import compare
from minewatch.schema.evidence import Estimate, FindingKind
from minewatch.schema.reasons import Reason, reason

CPU_ALGORITHMS = frozenset({"RandomX", "CryptoNight", "GhostRider", "VerusHash"})
"""Proof-of-work functions that ordinary computers are made to compute by a trojan."""

VICTIM_KW = 5.0
"""Farms above this power are not explained by infected computers (assumed: about 50 of them at 0.1 kW)."""


DOUBTFUL_LOG10_LR = 1.0
"""A block below this strength does not by itself speak of a farm."""

VISIBLE_SHARE = 0.05
"""A mine below this share of the load leaves no trace that the load detector is trained to see."""


@dataclass(frozen=True)
class Surroundings:
    """What is known of a site beside its evidence.

    ``metered_kw`` is the largest load that all meters of the site together showed in the period; None where
    there is no reading. ``public_body``: an office, school, hospital or other institution.
    ``meter_judged``: a meter detector gave a verdict.
    """

    metered_kw: float | None
    public_body: bool
    meter_judged: bool


def kind_of(farm: Farm, around: Surroundings) -> FindingKind:
    """Tell active mining from infected victims and from supply past the meter."""
    if _past_the_meter(farm, around):
        return FindingKind.UNMETERED_SUPPLY
    if farm.algorithm in CPU_ALGORITHMS and _small(farm, around) and not _same_load(farm):
        return FindingKind.PASSIVE_VICTIM
    return FindingKind.ACTIVE


def _past_the_meter(farm: Farm, around: Surroundings) -> bool:
    """Tell whether the traffic stands for more power than all meters together ever showed, at 1 %."""
    wire, metered_kw = farm.wire_kw, around.metered_kw
    if wire is None or metered_kw is None or wire.value <= metered_kw:
        return False
    return compare(wire, Estimate(metered_kw, metered_kw, metered_kw)).contradictory


def _same_load(farm: Farm) -> bool:
    """Tell whether the block in the curve may be what the traffic speaks of."""
    return farm.comparison is not None and not farm.comparison.contradictory


def _small(farm: Farm, around: Surroundings) -> bool:
    """Tell whether infected computers explain it: little power, and an institution or a far larger load.

    The larger load counts only where it does not look like a farm itself: the traffic could be a part of it.
    """
    power_kw = farm.wire_kw.value if farm.wire_kw else 0.0
    beside_much = around.metered_kw is not None and power_kw < 0.1 * around.metered_kw
    looks_innocent = farm.meter_log10_lr is None or farm.meter_log10_lr < DOUBTFUL_LOG10_LR
    return power_kw < VICTIM_KW and (around.public_body or (beside_much and looks_innocent))


def contradictions(farm: Farm, around: Surroundings) -> Sequence[Reason]:
    """Return the estimates that exclude each other: each is a reason to look before acting."""
    return tuple(_contradictions(farm, around))


def _contradictions(farm: Farm, around: Surroundings) -> Iterator[Reason]:
    wire, meter = farm.wire_kw, farm.meter_kw
    if wire and _past_the_meter(farm, around):
        yield reason("wire_above_supply", wire_kw=wire.value, low_kw=wire.low, metered_kw=around.metered_kw)
    if wire and meter and farm.comparison and farm.comparison.contradictory:
        code = "wire_above_meter" if wire.value > meter.value else "meter_above_wire"
        yield reason(code, wire_kw=wire.value, meter_kw=meter.value, z=abs(farm.comparison.z))
    if wire and meter is None and around.meter_judged and _visible(wire, around):
        yield reason("wire_without_meter", wire_kw=wire.value)


def _visible(wire: Estimate, around: Surroundings) -> bool:
    return around.metered_kw is None or wire.value >= VISIBLE_SHARE * around.metered_kw


def agreement(farm: Farm) -> Sequence[Reason]:
    """Return the sentence for two estimates that agree; empty where they do not or cannot be compared."""
    wire, meter, comparison = farm.wire_kw, farm.meter_kw, farm.comparison
    if not (wire and meter and comparison) or comparison.contradictory or comparison.log10_lr <= 0:
        return ()
    return (reason("meter_and_wire_agree", wire_kw=wire.value, meter_kw=meter.value, z=abs(comparison.z)),)
