"""One farm seen from several sides: power, hash rate, hours and energy of a site."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from minewatch.fuse.power import Comparison, add_parts, combine_same, compare
from minewatch.schema.evidence import Estimate
from minewatch.schema.periods import Period

Row = Mapping[str, Any]
"""One row of the table ``evidence``."""


@dataclass(frozen=True)
class Farm:
    """What a site's evidence says together. Powers in kW, ``hours_on`` in the period, energy in kWh.

    ``meter_log10_lr``: strength of the strongest meter; None without one.
    """

    meter_kw: Estimate | None
    meter_log10_lr: float | None
    wire_kw: Estimate | None
    comparison: Comparison | None
    power_kw: Estimate | None
    hours_on: float
    hash_rate: float | None
    algorithm: str | None
    coin: str | None
    onset_at: datetime | None
    ended_at: datetime | None

    @property
    def energy_kwh(self) -> Estimate | None:
        """Energy that the farm took in the period."""
        if self.power_kw is None:
            return None
        power, hours = self.power_kw, self.hours_on
        return Estimate(power.value * hours, power.low * hours, power.high * hours)


def farm_of(meter: Sequence[Row], wire: Sequence[Row], period: Period) -> Farm:
    """Put the evidence of one site together; ``meter`` and ``wire`` are the rows that show a sign.

    Usage points are different loads and add up. Flows of one endpoint are one load, endpoints at work at the
    same time add up. Meter and wire measure one load and are averaged, unless they contradict each other:
    then the larger counts, since machines can hide from either.
    """
    meter_kw, wire_kw = meter_power(meter), wire_power(wire)
    comparison = compare(meter_kw, wire_kw) if meter_kw and wire_kw else None
    leading = max(wire, key=lambda row: row["hash_rate"] or 0.0, default={})
    onsets = [row["onset_at"] for row in meter or wire]
    ends = [row["ended_at"] for row in meter]
    return Farm(
        meter_kw=meter_kw,
        meter_log10_lr=max((row["log10_lr"] for row in meter), default=None),
        wire_kw=wire_kw,
        comparison=comparison,
        power_kw=_together(meter_kw, wire_kw, comparison),
        hours_on=hours_on(meter, wire, period),
        hash_rate=_most_at_once(wire, "hash_rate"),
        algorithm=leading.get("algorithm"),
        coin=leading.get("coin"),
        onset_at=None if None in onsets else min(onsets, default=None),
        ended_at=None if None in ends else max(ends, default=None),
    )


def meter_power(rows: Sequence[Row]) -> Estimate | None:
    """Return the mining power behind all meters together."""
    parts = [power for row in rows if (power := _power(row))]
    return add_parts(parts) if parts else None


def wire_power(rows: Sequence[Row]) -> Estimate | None:
    """Return the power that the traffic stands for at the instant when it stands for most."""
    busiest = _busiest(rows, "power_kw")
    parts = [power for row in busiest if (power := _power(row))]
    return add_parts(parts) if parts else None


def hours_on(meter: Sequence[Row], wire: Sequence[Row], period: Period) -> float:
    """Return for how long the farm was on in the period.

    By the meters, weighted by power; without one, for as long as the traffic was seen: what was not seen is
    not claimed.
    """
    if not meter:
        return max(_overlaps(wire, period).values(), default=0.0)
    weights = [row["power_kw"] or 0.0 for row in meter]
    hours = [_hours(row["onset_at"], row["ended_at"], period) * _share(row) for row in meter]
    if not sum(weights):
        return max(hours)
    return sum(w * h for w, h in zip(weights, hours, strict=True)) / sum(weights)


def _share(row: Row) -> float:
    return 1.0 if row["on_share"] is None else float(row["on_share"])


def _overlaps(wire: Sequence[Row], period: Period) -> Mapping[str, float]:
    hours: dict[str, float] = defaultdict(float)
    for row in wire:
        hours[row["subject_id"]] += _hours(row["onset_at"], row["ended_at"], period)
    return hours


def _hours(start: datetime | None, end: datetime | None, period: Period) -> float:
    first = max(start or period.start_at, period.start_at)
    last = min(end or period.end_at, period.end_at)
    return max(0.0, (last - first).total_seconds() / 3600)


def _together(
    meter_kw: Estimate | None, wire_kw: Estimate | None, comparison: Comparison | None
) -> Estimate | None:
    if meter_kw is None or wire_kw is None:
        return meter_kw or wire_kw
    if comparison and comparison.contradictory:
        return max(meter_kw, wire_kw, key=lambda estimate: estimate.value)
    return combine_same([meter_kw, wire_kw])


def _power(row: Row) -> Estimate | None:
    if row["power_kw"] is None:
        return None
    return Estimate(row["power_kw"], row["power_kw_low"], row["power_kw_high"])


def _most_at_once(rows: Sequence[Row], column: str) -> float | None:
    values = [row[column] for row in _busiest(rows, column)]
    return sum(values) if values else None


def _busiest(rows: Sequence[Row], column: str) -> Sequence[Row]:
    """Return one row for each endpoint at work at the instant when the sum of ``column`` is largest."""
    known = sorted((row for row in rows if row[column] is not None), key=lambda row: -row[column])
    best: Sequence[Row] = ()
    for instant in {row["onset_at"] for row in known}:
        at_work = {row["subject_id"]: row for row in reversed(known) if _at_work(row, instant)}
        candidate = sorted(at_work.values(), key=lambda row: row["subject_id"])
        if sum(row[column] for row in candidate) > sum(row[column] for row in best):
            best = candidate
    return best


def _at_work(row: Row, instant: datetime | None) -> bool:
    if instant is None or row["onset_at"] is None:
        return row["onset_at"] is None
    return bool(row["onset_at"] <= instant and (row["ended_at"] is None or instant <= row["ended_at"]))
