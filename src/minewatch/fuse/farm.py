"""One farm seen from several sides: power, hash rate, hours and energy of a site."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from minewatch.fuse.connections import busiest, counted, machines_of, most_at_once
from minewatch.fuse.families import GRID_SIDE, Family
from minewatch.fuse.power import Comparison, add_parts, combine_same, compare
from minewatch.schema.evidence import Estimate
from minewatch.schema.periods import Period

Row = Mapping[str, Any]
"""One row of the table ``evidence``."""

Signs = Mapping[Family, Sequence[Row]]
"""The evidence of one site that shows a sign, by family."""


@dataclass(frozen=True)
class Farm:
    """What a site's evidence says together. Powers in kW, ``hours_on`` in the period, energy in kWh.

    ``powers`` by family, where it gives one. ``grid_kw`` is the mine's power by all electrical evidence,
    ``comparison`` puts it beside that of the wire. ``meter_log10_lr``: strength of the strongest meter; None
    without one. ``duty``: of the largest electrical part. ``machines``: told apart in the traffic at the
    instant when its hash rate is largest. ``wire``: the evidence on connections.
    """

    powers: Mapping[Family, Estimate]
    grid_kw: Estimate | None
    comparison: Comparison | None
    power_kw: Estimate | None
    meter_log10_lr: float | None
    hours_on: float
    duty: str | None
    hash_rate: float | None
    machines: int | None
    algorithm: str | None
    coin: str | None
    onset_at: datetime | None
    ended_at: datetime | None
    wire: Sequence[Row] = ()

    @property
    def wire_kw(self) -> Estimate | None:
        """Power that the traffic to pools stands for."""
        return self.powers.get(Family.WIRE)

    @property
    def energy_kwh(self) -> Estimate | None:
        """Energy that the farm took in the period."""
        if self.power_kw is None:
            return None
        power, hours = self.power_kw, self.hours_on
        return Estimate(power.value * hours, power.low * hours, power.high * hours)


def farm_of(signs: Signs, period: Period) -> Farm:
    """Put the evidence of one site together.

    Usage points are different loads and add up; what the balance of a transformer or a plant is missing is in
    none of them and adds up too. Connections at work at the same time add up, each machine counted once
    (``minewatch.fuse.connections``). The electrical side and the wire measure one load and are averaged,
    unless they contradict each other: then the larger counts, since machines can hide from either.
    """
    powers = powers_of(signs)
    grid_kw, wire_kw = grid_power(powers), powers.get(Family.WIRE)
    comparison = compare(grid_kw, wire_kw) if grid_kw and wire_kw else None
    wire, meter = signs.get(Family.WIRE, ()), signs.get(Family.METER, ())
    hashing = busiest(wire, "hash_rate")
    measured = _measured(signs)
    leading = max(wire, key=lambda row: row["hash_rate"] or 0.0, default={})
    largest = max(measured, key=lambda row: row["power_kw"] or 0.0, default={})
    onsets = [row["onset_at"] for row in measured or wire]
    ends = [row["ended_at"] for row in measured]
    return Farm(
        powers=powers,
        grid_kw=grid_kw,
        comparison=comparison,
        power_kw=_together(grid_kw, wire_kw, comparison),
        meter_log10_lr=max((row["log10_lr"] for row in meter), default=None),
        hours_on=hours_on(measured, wire, period),
        duty=largest.get("duty"),
        hash_rate=sum(row["hash_rate"] for row in hashing) if hashing else None,
        machines=sum(map(machines_of, hashing)) if hashing else None,
        algorithm=leading.get("algorithm"),
        coin=leading.get("coin"),
        onset_at=None if None in onsets else min(onsets, default=None),
        ended_at=None if None in ends else max(ends, default=None),
        wire=wire,
    )


def powers_of(signs: Signs) -> dict[Family, Estimate]:
    """Return the mining power that each family sees; without an entry where it gives none."""
    made = {
        family: wire_power(rows) if family is Family.WIRE else summed_power(rows)
        for family, rows in signs.items()
    }
    return {family: power for family, power in made.items() if power is not None}


def grid_power(powers: Mapping[Family, Estimate]) -> Estimate | None:
    """Return the power by all electrical evidence together: metered, unmetered and before the grid."""
    metered = _metered(powers.get(Family.METER), powers.get(Family.TRAFFIC))
    beside = [powers[family] for family in (Family.SUPPLY, Family.PLANT) if family in powers]
    parts = [metered, *beside] if metered else beside
    return add_parts(parts) if parts else None


def agreements(powers: Mapping[Family, Estimate]) -> dict[frozenset[Family], float]:
    """Return for each set of families with the wire the log10 likelihood ratio that their powers are one's.

    Empty without a power of the wire.
    """
    wire_kw = powers.get(Family.WIRE)
    others = [family for family in powers if family is not Family.WIRE] if wire_kw else []
    found = {}
    for size in range(1, len(others) + 1):
        for chosen in combinations(others, size):
            grid_kw = grid_power({family: powers[family] for family in chosen})
            if wire_kw and grid_kw:
                found[frozenset((*chosen, Family.WIRE))] = compare(grid_kw, wire_kw).log10_lr
    return found


def _metered(block: Estimate | None, share: Estimate | None) -> Estimate | None:
    """Return the metered part, from the block in the curve and from the traffic's share of the same curve.

    They are not independent, so they are not averaged: the narrower counts. Where they exclude each other,
    the block holds machines that move data as well, and what traffic leaves over counts.
    """
    if block is None or share is None:
        return block or share
    if compare(block, share).contradictory:
        return share
    return min(block, share, key=lambda estimate: estimate.high / max(estimate.low, 1e-6))


def summed_power(rows: Iterable[Row]) -> Estimate | None:
    """Return the power of different loads together."""
    parts = [power for row in rows if (power := _power(row))]
    return add_parts(parts) if parts else None


def wire_power(rows: Sequence[Row]) -> Estimate | None:
    """Return the power that the traffic stands for at the instant when it stands for most."""
    return summed_power(busiest(rows, "power_kw"))


def _measured(signs: Signs) -> Sequence[Row]:
    """Return the electrical evidence; the traffic's share of a curve only where no block was found in it."""
    rows = [row for family in GRID_SIDE for row in signs.get(family, ())]
    return rows or signs.get(Family.TRAFFIC, ())


def hours_on(measured: Sequence[Row], wire: Sequence[Row], period: Period) -> float:
    """Return for how long the farm was on in the period.

    By the electrical evidence, weighted by power; without it, for as long as the traffic was seen, as hours
    at its largest power: what was not seen is not claimed.
    """
    if not measured:
        return _hours_seen(wire, period)
    weights = [row["power_kw"] or 0.0 for row in measured]
    hours = [_full_hours(row, period) for row in measured]
    if not sum(weights):
        return max(hours)
    return sum(w * h for w, h in zip(weights, hours, strict=True)) / sum(weights)


def _full_hours(row: Row, period: Period) -> float:
    """Return the hours at full power that the energy of a load stands for, measured where it was."""
    if row["energy_kwh"] is not None and row["power_kw"]:
        return float(row["energy_kwh"] / row["power_kw"])
    share = 1.0 if row["on_share"] is None else float(row["on_share"])
    return _hours(row["onset_at"], row["ended_at"], period) * share


def _hours_seen(wire: Sequence[Row], period: Period) -> float:
    """Return the hours of the connections, each weighted by its share of the largest power at one time."""
    counts = counted(wire, "power_kw")
    largest = sum(row["power_kw"] for row in most_at_once(counts, "power_kw"))
    if not largest:
        return max((_seen(row, period) for row in wire), default=0.0)
    return sum(row["power_kw"] * _seen(row, period) for row in counts) / largest


def _seen(row: Row, period: Period) -> float:
    return _hours(row["onset_at"], row["ended_at"], period)


def _hours(start: datetime | None, end: datetime | None, period: Period) -> float:
    first = max(start or period.start_at, period.start_at)
    last = min(end or period.end_at, period.end_at)
    return max(0.0, (last - first).total_seconds() / 3600)


def _together(
    grid_kw: Estimate | None, wire_kw: Estimate | None, comparison: Comparison | None
) -> Estimate | None:
    if grid_kw is None or wire_kw is None:
        return grid_kw or wire_kw
    if comparison and comparison.contradictory:
        return max(grid_kw, wire_kw, key=lambda estimate: estimate.value)
    return combine_same([grid_kw, wire_kw])


def _power(row: Row) -> Estimate | None:
    if row["power_kw"] is None:
        return None
    return Estimate(row["power_kw"], row["power_kw_low"], row["power_kw_high"])
