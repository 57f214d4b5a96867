"""Rows of the tables ``findings`` and ``assessments``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from minewatch.fuse.farm import Farm, Row, farm_of
from minewatch.fuse.verdicts import Surroundings, agreement, contradictions, kind_of
from minewatch.schema.analysis_tables import FINDINGS
from minewatch.schema.evidence import Estimate, FindingKind, SiteClass
from minewatch.schema.ids import content_id
from minewatch.schema.periods import Period
from minewatch.schema.reasons import reason
from minewatch.schema.sites import Site


@dataclass(frozen=True)
class Run:
    """The run that makes findings."""

    run_id: str
    period: Period


@dataclass(frozen=True)
class Case:
    """A listed site with its evidence: ``meter`` and ``wire`` are rows of ``evidence`` that show a sign.

    ``posterior`` and ``q_value`` lie between 0 and 1.
    """

    site: Site
    meter: Sequence[Row]
    wire: Sequence[Row]
    around: Surroundings
    posterior: float
    q_value: float


def findings_table(cases: Sequence[Case], run: Run) -> pa.Table:
    """Return the list, strongest first: by q-value, then posterior, then site."""
    ordered = sorted(cases, key=lambda case: (case.q_value, -case.posterior, case.site.site_id))
    return pa.Table.from_pylist([finding_row(case, run) for case in ordered], schema=FINDINGS)


def finding_row(case: Case, run: Run) -> dict[str, Any]:
    """Return one row of ``findings``."""
    seen = farm_of(case.meter, case.wire, run.period)
    site, kind = case.site, kind_of(seen, case.around)
    # A block in a victim's curve is another load: its computers take what the traffic says.
    is_victim = kind is FindingKind.PASSIVE_VICTIM
    farm = farm_of((), case.wire, run.period) if is_victim else seen
    return {
        "finding_id": content_id("F", site.site_id, run.period.start_at, run.period.end_at, run.run_id),
        "run_id": run.run_id,
        "site_id": site.site_id,
        "period_start_at": run.period.start_at,
        "period_end_at": run.period.end_at,
        "address": site.address,
        "region_code": site.region_code,
        "usage_points": _named(site.usage_points),
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
        "kind": kind.value,
        "site_class": SiteClass.OPERATING.value if case.meter or case.wire else SiteClass.UNDER_CONSTRUCTION,
        "onset_at": farm.onset_at,
        "ended_at": farm.ended_at,
        "contradictions": [item.as_row() for item in contradictions(seen, case.around)],
        "reasons": list(_reasons(case, farm, kind)),
        "evidence_ids": [row["evidence_id"] for row in (*case.meter, *case.wire)],
    }


def _reasons(case: Case, farm: Farm, kind: FindingKind) -> Iterator[Mapping[str, Any]]:
    """Yield the reasons of fusion, then of the evidence (each once), then what could not be attributed."""
    own = list(agreement(farm))
    if kind is FindingKind.PASSIVE_VICTIM:
        own.append(reason("passive_victim_likely"))
    if farm.meter_kw is None and farm.power_kw:
        own.append(reason("energy_as_seen", hours=farm.hours_on))
    told = [item.as_row() for item in own]
    told += [item for row in (*case.meter, *case.wire) for item in row["reasons"]]
    told += [item.as_row() for item in case.site.refusals]
    yield from {(item["code"], item["values"]): item for item in told}.values()


def _named(probabilities: Mapping[str, float]) -> list[dict[str, Any]]:
    ordered = sorted(probabilities.items(), key=lambda item: (-item[1], item[0]))
    return [{"name": name, "probability": probability} for name, probability in ordered]


def _columns(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    if estimate is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
