"""The same power seen from several sides: one interval for each source, on one axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from minewatch.fuse.farm import summed_power, wire_power
from minewatch.runs.report.data import Row
from minewatch.runs.report.dossier import Dossier
from minewatch.runs.report.miners import with_flows
from minewatch.runs.report.scales import round_steps
from minewatch.schema.evidence import Estimate, SubjectKind
from minewatch.schema.machines import Machine, machines, rigs

MOST_METERS = 6
"""More meters than this are shown as their sum only."""


class SourceEstimate(NamedTuple):
    """Power by one source.

    ``source``: a subject kind, ``meters`` or ``wire`` (several together), ``combined``, or ``larger`` where
    the site's power is one of the others because they disagree. ``parts``: how many it was made from.
    """

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
    has_power = dossier.finding["power_kw"] is not None
    if has_power:
        estimates.append(_site(dossier, estimates))
    if not estimates:
        return None
    top = 1.08 * max(1e-3, *(item.power_kw.high for item in estimates))
    rows = [_drawn(item, top) for item in estimates]
    marks = [(round(100 * step / top, 2), f"{step:,.10g}") for step in round_steps(top)]
    return Triangulation(rows, rows[-1] if has_power else None, marks)


def efficiency(finding: Row) -> Efficiency | None:
    """Compare power per hash rate with the table of machines; None where one of them is unknown."""
    known = _hardware(finding["algorithm"])
    if not known or not finding["hash_rate"] or not finding["power_kw"]:
        return None
    site = finding["power_kw"] * 1000 / finding["hash_rate"]
    rates = [machine.joule_per_hash for machine in known]
    nearest = min(known, key=lambda machine: abs(machine.joule_per_hash - site))
    return Efficiency(site, min(rates), max(rates), nearest)


def _hardware(algorithm: str | None) -> list[Machine]:
    return [machine for machine in (*machines(), *rigs()) if machine.algorithm == algorithm]


def machine_count(finding: Row) -> tuple[int, int] | None:
    """Return how many machines the power could be (fewest, most), None where it says nothing of machines.

    Power divided by that of the largest and smallest machine of the algorithm (of all where it is unknown).
    Infected computers are no mining machines, so a passive victim has no count.
    """
    if not finding["power_kw"] or finding["kind"] == "passive_victim":
        return None
    power_w = [machine.power_w for machine in _hardware(finding["algorithm"]) or machines()]
    low, high = (
        finding["power_kw_low"] or finding["power_kw"],
        finding["power_kw_high"] or finding["power_kw"],
    )
    return max(1, round(low * 1000 / max(power_w))), max(1, round(high * 1000 / min(power_w)))


def _site(dossier: Dossier, sources: Sequence[SourceEstimate]) -> SourceEstimate:
    power = _estimate(dossier.finding)
    disagree = bool(dossier.finding["contradictions"])
    is_larger = disagree and len(sources) > 1 and any(item.power_kw == power for item in sources)
    return SourceEstimate("larger" if is_larger else "combined", "", len(sources), power)


def _meters(dossier: Dossier) -> list[SourceEstimate]:
    rows = _with_power(dossier, SubjectKind.USAGE_POINT)
    single = [_single(row) for row in rows]
    total = summed_power(rows)
    if len(single) < 2 or total is None:
        return single
    shown = single if len(single) <= MOST_METERS else []
    return [*shown, SourceEstimate("meters", "", len(single), total)]


def _wire(dossier: Dossier) -> list[SourceEstimate]:
    rows = [row for row in with_flows(dossier) if _has_power(row)]
    endpoints = {row["subject_id"] for row in rows}
    total = wire_power(rows)
    if len(endpoints) < 2 or total is None:
        return [_single(row) for row in rows[:1]]
    return [SourceEstimate("wire", "", len(endpoints), total)]


def _others(dossier: Dossier) -> list[SourceEstimate]:
    kinds = (
        SubjectKind.SITE,
        SubjectKind.TRANSFORMER,
        SubjectKind.FEEDER,
        SubjectKind.PLANT,
        SubjectKind.APPLICATION,
        SubjectKind.ADDRESS,
    )
    return [_single(row) for kind in kinds for row in _with_power(dossier, kind)]


def _with_power(dossier: Dossier, kind: SubjectKind) -> list[Row]:
    return [row for row in dossier.evidence if row["subject_kind"] == kind and _has_power(row)]


def _has_power(row: Row) -> bool:
    return all(row[name] is not None for name in ("power_kw", "power_kw_low", "power_kw_high"))


def _single(row: Row) -> SourceEstimate:
    return SourceEstimate(row["subject_kind"], row["subject_id"], 1, _estimate(row))


def _estimate(row: Row) -> Estimate:
    ends = [row["power_kw"] if row[name] is None else row[name] for name in ("power_kw_low", "power_kw_high")]
    return Estimate(row["power_kw"], *ends)


def _drawn(item: SourceEstimate, top: float) -> DrawnEstimate:
    low, at, high = (
        round(100 * value / top, 2) for value in (item.power_kw.low, item.power_kw.value, item.power_kw.high)
    )
    return DrawnEstimate(item, at, low, high)
