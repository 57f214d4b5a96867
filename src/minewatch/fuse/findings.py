"""Rows of the tables ``findings`` and ``assessments``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from minewatch.fuse.families import Family
from minewatch.fuse.farm import Farm, Row, Signs, farm_of
from minewatch.fuse.verdicts import (
    Surroundings,
    agreement,
    contradictions,
    kind_of,
    opinion_of,
    part_of_load,
)
from minewatch.schema.analysis_tables import FINDINGS
from minewatch.schema.evidence import Estimate, FindingKind, SiteClass
from minewatch.schema.ids import content_id
from minewatch.schema.periods import Period
from minewatch.schema.reasons import reason
from minewatch.schema.sites import Site

_OWNED = (FindingKind.ACTIVE, FindingKind.PASSIVE_VICTIM)
"""Kinds at which the question is whose machines mine."""


@dataclass(frozen=True)
class Run:
    """The run that makes findings."""

    run_id: str
    period: Period


@dataclass(frozen=True)
class Case:
    """A listed site with the evidence that shows a sign.

    ``posterior`` and ``q_value`` lie between 0 and 1.
    """

    site: Site
    signs: Signs
    around: Surroundings
    posterior: float
    q_value: float

    @property
    def rows(self) -> Sequence[Row]:
        """All evidence on the site, family by family, then what shows no sign."""
        told = [row for family in Family for row in self.signs.get(family, ())]
        return [*told, *self.around.beside]


def findings_table(cases: Sequence[Case], run: Run) -> pa.Table:
    """Return the list, strongest first: by q-value, then posterior, then site."""
    ordered = sorted(cases, key=lambda case: (case.q_value, -case.posterior, case.site.site_id))
    return pa.Table.from_pylist([finding_row(case, run) for case in ordered], schema=FINDINGS)


def finding_row(case: Case, run: Run) -> dict[str, Any]:
    """Return one row of ``findings``."""
    seen = farm_of(case.signs, run.period)
    site, opinion = case.site, opinion_of(seen, case.around)
    kind = kind_of(seen, case.around, opinion)
    told = opinion if kind in _OWNED else None
    # A block in a victim's curve is another load: its computers take what the traffic says.
    is_victim = kind is FindingKind.PASSIVE_VICTIM
    wire = {Family.WIRE: case.signs.get(Family.WIRE, ())}
    farm = farm_of(wire, run.period) if is_victim else seen
    return {
        "finding_id": content_id("F", site.site_id, run.period.start_at, run.period.end_at, run.run_id),
        "run_id": run.run_id,
        "site_id": site.site_id,
        "period_start_at": run.period.start_at,
        "period_end_at": run.period.end_at,
        "address": site.address,
        "region_code": site.region_code,
        "lon": site.lon,
        "lat": site.lat,
        "usage_points": _named(site.usage_points),
        "transformers": _named(site.transformers),
        "feeders": _named(site.feeders),
        "plants": _named(site.plants),
        "endpoints": _named(site.endpoints),
        "enterprises": _named(site.enterprises),
        "enterprise_name": site.enterprise_name,
        "links": [link.as_row() for link in site.links],
        "posterior": case.posterior,
        "q_value": case.q_value,
        **_columns("power_kw", farm.power_kw),
        **_columns("energy_kwh", farm.energy_kwh),
        "hash_rate": farm.hash_rate,
        "algorithm": farm.algorithm,
        "coin": farm.coin,
        "machines": farm.machines,
        "kind": kind.value,
        "victim_probability": told.probability if told else None,
        "kind_reasons": [item.as_row() for item in told.reasons] if told else [],
        "duty": farm.duty,
        "site_class": (SiteClass.OPERATING if case.rows else SiteClass.UNDER_CONSTRUCTION).value,
        "planned_start_on": site.planned_start_on,
        "onset_at": farm.onset_at,
        "ended_at": farm.ended_at,
        "contradictions": [item.as_row() for item in contradictions(seen, case.around, kind)],
        "reasons": list(_reasons(case, farm)),
        "evidence_ids": [row["evidence_id"] for row in case.rows],
    }


def _reasons(case: Case, farm: Farm) -> Iterator[Mapping[str, Any]]:
    """Yield the reasons of fusion, then of the evidence (each once), then what could not be attributed."""
    own = [*agreement(farm), *part_of_load(farm), *case.around.hints]
    if farm.grid_kw is None and farm.power_kw:
        own.append(reason("energy_as_seen", hours=farm.hours_on))
    told = [item.as_row() for item in own]
    told += [item for row in case.rows for item in row["reasons"]]
    told += [item.as_row() for item in case.site.refusals]
    yield from {(item["code"], item["values"]): item for item in told}.values()


def _named(probabilities: Mapping[str, float]) -> list[dict[str, Any]]:
    ordered = sorted(probabilities.items(), key=lambda item: (-item[1], item[0]))
    return [{"name": name, "probability": probability} for name, probability in ordered]


def _columns(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    if estimate is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
