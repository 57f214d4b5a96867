"""What kind of site it is, and which of its estimates contradict each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from minewatch.fuse.families import Family
from minewatch.fuse.farm import Farm, Row
from minewatch.fuse.power import compare
from minewatch.fuse.presence import Presence
from minewatch.fuse.victims import Opinion, Owner, opinion
from minewatch.schema.evidence import Estimate, FindingKind
from minewatch.schema.reasons import Reason, reason

DOUBTFUL_LOG10_LR = 1.0
"""A block below this strength does not by itself speak of a farm."""

ORGANISATION_KW = 10.0
"""From this load on, somebody's computers may be at a site beside much else (assumed)."""

VISIBLE_SHARE = 0.05
"""A mine below this share of the load leaves no trace that the load detector is trained to see."""


@dataclass(frozen=True)
class Surroundings:
    """What is known of a site beside its evidence.

    ``metered_kw`` is the largest load that all meters of the site together showed in the period; None where
    there is no reading. ``public_body``: an office, school, hospital or other institution.
    ``meter_judged``: a meter detector gave a verdict. ``beside``: rows of ``evidence`` that show no sign, but
    tell where a load sits or speak for an innocent use. ``hints``: what may belong to the site, but not
    surely enough. ``presence``: what its traffic shows beside the mining.
    """

    metered_kw: float | None
    public_body: bool
    meter_judged: bool
    beside: Sequence[Row] = ()
    hints: Sequence[Reason] = ()
    presence: Presence = field(default_factory=Presence)


def kind_of(farm: Farm, around: Surroundings, told: Opinion | None = None) -> FindingKind:
    """Tell active mining from infected victims, supply past the meter and a plant's private line.

    ``told``: the opinion of whose machines they are, where it is known already.
    """
    if Family.PLANT in farm.powers:
        return FindingKind.PLANT_DIVERSION
    if Family.SUPPLY in farm.powers or _past_the_meter(farm, around):
        return FindingKind.UNMETERED_SUPPLY
    told = told or opinion_of(farm, around)
    return FindingKind.PASSIVE_VICTIM if told and told.probability >= 0.5 else FindingKind.ACTIVE


def opinion_of(farm: Farm, around: Surroundings) -> Opinion | None:
    """Return how probable it is that computers were infected, and why; None where no traffic tells."""
    if not farm.wire:
        return None
    power_kw = farm.wire_kw.value if farm.wire_kw else None
    looks_innocent = farm.meter_log10_lr is None or farm.meter_log10_lr < DOUBTFUL_LOG10_LR
    metered_kw = around.metered_kw or 0.0
    little = metered_kw >= ORGANISATION_KW and (power_kw or 0.0) < 0.1 * metered_kw
    owner = Owner(around.presence, around.public_body, little and looks_innocent, _same_load(farm), power_kw)
    return opinion(farm.wire, owner)


def _past_the_meter(farm: Farm, around: Surroundings) -> bool:
    """Tell whether the traffic stands for more power than all meters together ever showed, at 1 %."""
    wire, metered_kw = farm.wire_kw, around.metered_kw
    if wire is None or metered_kw is None or wire.value <= metered_kw:
        return False
    return compare(wire, Estimate(metered_kw, metered_kw, metered_kw)).contradictory


def _same_load(farm: Farm) -> bool:
    """Tell whether the block in the curve may be what the traffic speaks of."""
    return farm.comparison is not None and not farm.comparison.contradictory


def contradictions(farm: Farm, around: Surroundings, kind: FindingKind | None = None) -> Sequence[Reason]:
    """Return the estimates that exclude each other: each is a reason to look before acting.

    ``kind``: of the finding, where it is known already.
    """
    return tuple(_contradictions(farm, around, kind or kind_of(farm, around)))


def _contradictions(farm: Farm, around: Surroundings, kind: FindingKind) -> Iterator[Reason]:
    wire, grid = farm.wire_kw, farm.grid_kw
    if wire and _past_the_meter(farm, around) and not _same_load(farm):
        yield reason("wire_above_supply", wire_kw=wire.value, low_kw=wire.low, metered_kw=around.metered_kw)
    if wire and grid and farm.comparison and farm.comparison.contradictory:
        side = _grid_side(farm)
        code = f"wire_above_{side}" if wire.value > grid.value else f"{side}_above_wire"
        yield reason(code, wire_kw=wire.value, **{f"{side}_kw": grid.value}, z=abs(farm.comparison.z))
    if wire and grid is None and around.meter_judged and _visible(wire, around):
        yield reason("wire_without_meter", wire_kw=wire.value)
    if kind is FindingKind.PASSIVE_VICTIM:
        return  # whose site is in honest use anyway
    for row in around.beside:
        if row["log10_lr"] is not None and row["log10_lr"] <= -DOUBTFUL_LOG10_LR:
            yield reason("traffic_speaks_against", log10_lr=row["log10_lr"], innocent=row["best_alternative"])


def _grid_side(farm: Farm) -> str:
    """Return in which word the electrical side is best named: what is rarest in it."""
    if Family.PLANT in farm.powers:
        return "plant"
    return "balance" if Family.SUPPLY in farm.powers else "meter"


def _visible(wire: Estimate, around: Surroundings) -> bool:
    return around.metered_kw is None or wire.value >= VISIBLE_SHARE * around.metered_kw


def agreement(farm: Farm) -> Sequence[Reason]:
    """Return the sentence for two estimates that agree; empty where they do not or cannot be compared."""
    wire, grid, comparison = farm.wire_kw, farm.grid_kw, farm.comparison
    if not (wire and grid and comparison) or comparison.contradictory or comparison.log10_lr <= 0:
        return ()
    side = _grid_side(farm)
    values = {"wire_kw": wire.value, f"{side}_kw": grid.value, "z": abs(comparison.z)}
    return (reason(f"{side}_and_wire_agree", **values),)


def part_of_load(farm: Farm) -> Sequence[Reason]:
    """Return the sentence for a mine that is a part of a load which moves data as well."""
    block, share = farm.powers.get(Family.METER), farm.powers.get(Family.TRAFFIC)
    if not (block and share) or share.value > block.value or not compare(block, share).contradictory:
        return ()
    return (reason("mine_within_load", share_kw=share.value, meter_kw=block.value),)
