"""The same power seen from several sides: one interval for each source, on one axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from minewatch.fuse.power import add_parts
from minewatch.runs.report.data import Row
from minewatch.runs.report.dossier import Dossier
from minewatch.runs.report.scales import round_steps
from minewatch.schema.evidence import Estimate, SubjectKind
from minewatch.schema.machines import Machine, machines, machines_for

MOST_METERS = 6
"""More meters than this are shown as their sum only."""


class SourceEstimate(NamedTuple):
    """Power by one source: ``source`` is a subject kind, ``meters``, ``wire`` or ``combined``."""

    source: str
    label: str
    parts: int
    power_kw: Estimate


class DrawnEstimate(NamedTuple):
    """An estimate with the places of its value and interval, percent from the left."""

    shown: SourceEstimate
    at: float
    low: float
    high: float


@dataclass(frozen=True)
class Triangulation:
    """All estimates of a site on one axis that starts at 0; ``combined`` is drawn behind the others too."""

    rows: list[DrawnEstimate]
    combined: DrawnEstimate | None
    marks: list[tuple[float, str]]


class Efficiency(NamedTuple):
    """Energy for one hash: site, and the machines of that algorithm (J/H); ``nearest``: most alike."""

    site: float
    best: float
    worst: float
    nearest: Machine

    @property
    def plausible(self) -> bool:
        """Tell whether known machines work at it; a fifth more is allowed for cooling and losses."""
        return self.best * 0.8 <= self.site <= self.worst * 1.2


def triangulation(dossier: Dossier) -> Triangulation | None:
    """Return what is drawn of a site's power, None where no source gives one."""
    estimates = [*_meters(dossier), *_wire(dossier), *_others(dossier)]
    combined = _estimate(dossier.finding)
    if combined is not None:
        estimates.append(SourceEstimate("combined", "", len(estimates), combined))
    if not estimates:
        return None
    top = 1.08 * max(1e-3, *(item.power_kw.high for item in estimates))
    rows = [_drawn(item, top) for item in estimates]
    marks = [(round(100 * step / top, 2), f"{step:,.10g}") for step in round_steps(top)]
    return Triangulation(rows, rows[-1] if combined is not None else None, marks)


def efficiency(finding: Row) -> Efficiency | None:
    """Compare power per hash rate with the table of machines; None where one of them is unknown."""
    known = machines_for(finding["algorithm"] or "")
    if not known or not finding["hash_rate"] or not finding["power_kw"]:
        return None
    site = finding["power_kw"] * 1000 / finding["hash_rate"]
    rates = [machine.joule_per_hash for machine in known]
    nearest = min(known, key=lambda machine: abs(machine.joule_per_hash - site))
    return Efficiency(site, min(rates), max(rates), nearest)


def machine_count(finding: Row) -> tuple[int, int] | None:
    """Return how many machines the power could be (fewest, most), None where it says nothing of machines.

    Power divided by that of the largest and smallest machine of the algorithm (of all where it is unknown).
    Infected computers are no mining machines, so a passive victim has no count.
    """
    if not finding["power_kw"] or finding["kind"] == "passive_victim":
        return None
    power_w = [machine.power_w for machine in machines_for(finding["algorithm"] or "") or machines()]
    low, high = (
        finding["power_kw_low"] or finding["power_kw"],
        finding["power_kw_high"] or finding["power_kw"],
    )
    return max(1, round(low * 1000 / max(power_w))), max(1, round(high * 1000 / min(power_w)))


def _meters(dossier: Dossier) -> list[SourceEstimate]:
    kind = SubjectKind.USAGE_POINT
    single = [_single(row, kind) for row in _with_power(dossier, kind)]
    if len(single) < 2:
        return single
    total = add_parts([item.power_kw for item in single])
    return [*(single if len(single) <= MOST_METERS else []), SourceEstimate("meters", "", len(single), total)]


def _wire(dossier: Dossier) -> list[SourceEstimate]:
    """Flows that run at the same time add; a flow that replaces an earlier one does not."""
    rows = _with_power(dossier, SubjectKind.ENDPOINT)
    if len(rows) < 2:
        return [_single(row, SubjectKind.ENDPOINT) for row in rows]
    together = max((_running(rows, row["onset_at"]) for row in rows), key=lambda part: _total(part).value)
    return [SourceEstimate("wire", "", len(together), _total(together))]


def _running(rows: Sequence[Row], at: datetime | None) -> list[Row]:
    def runs(row: Row) -> bool:
        begun = row["onset_at"] is None or (at is not None and row["onset_at"] <= at)
        return begun and (row["ended_at"] is None or at is None or at < row["ended_at"])

    return [row for row in rows if runs(row) or row["onset_at"] == at]


def _total(rows: Sequence[Row]) -> Estimate:
    return add_parts([estimate for row in rows if (estimate := _estimate(row)) is not None])


def _others(dossier: Dossier) -> list[SourceEstimate]:
    kinds = (
        SubjectKind.TRANSFORMER,
        SubjectKind.PLANT,
        SubjectKind.APPLICATION,
        SubjectKind.ADDRESS,
    )
    return [_single(row, kind) for kind in kinds for row in _with_power(dossier, kind)]


def _with_power(dossier: Dossier, kind: SubjectKind) -> list[Row]:
    return [row for row in dossier.evidence if row["subject_kind"] == kind and _estimate(row) is not None]


def _single(row: Row, kind: SubjectKind) -> SourceEstimate:
    estimate = _estimate(row)
    assert estimate is not None  # noqa: S101 - rows come from _with_power
    return SourceEstimate(kind.value, row["subject_id"], 1, estimate)


def _estimate(row: Row) -> Estimate | None:
    power = row["power_kw"]
    if power is None:
        return None
    low, high = row["power_kw_low"], row["power_kw_high"]
    return Estimate(
        power, power if low is None else min(low, power), power if high is None else max(high, power)
    )


def _drawn(item: SourceEstimate, top: float) -> DrawnEstimate:
    low, at, high = (
        round(100 * value / top, 2) for value in (item.power_kw.low, item.power_kw.value, item.power_kw.high)
    )
    return DrawnEstimate(item, at, low, high)
