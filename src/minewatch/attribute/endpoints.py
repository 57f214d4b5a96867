"""From an external address and port to a site: leases first, then the holder among the usage points."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from minewatch.attribute.gazetteer import Gazetteer
from minewatch.attribute.grouping import Grouping, site_id_of
from minewatch.attribute.leases import Claim, Endpoint, Lease, LeaseIndex, Resolution
from minewatch.attribute.linkage import HAS_RECORD, Match, match_parties
from minewatch.attribute.parties import Records, parties
from minewatch.attribute.plants import PlantIndex, PlantMatch
from minewatch.schema.reasons import Reason, reason

CERTAIN = 0.9
"""Probability from which an endpoint is attributed to a site; below it the endpoint stands alone."""


class Holder(NamedTuple):
    """Who and where a lease names."""

    name: str | None
    uscc: str | None
    address: str | None
    region_code: str | None

    @property
    def label(self) -> str:
        """Return a name for links and sentences."""
        return self.name or self.uscc or self.address or ""


def holder_of(lease: Lease) -> Holder:
    """Return the holder that a lease names."""
    return Holder(lease.holder_name, lease.uscc, lease.address, lease.region_code)


@dataclass(frozen=True)
class Attributed:
    """One endpoint and the site it was attributed to with ``probability``.

    ``claim`` and ``match`` are the way there; both None where the leases lead nowhere, ``match`` None where
    no usage point fits. Then it is at a ``plant``, or ``refusal`` says why it stands alone; either way the
    site holds no usage point.
    """

    endpoint: Endpoint
    site_id: str
    probability: float
    claim: Claim | None = None
    match: Match | None = None
    plant: PlantMatch | None = None
    refusal: Reason | None = None


@dataclass(frozen=True)
class Directory:
    """What to attribute to: usage points (their keys, schema ``PARTIES``, and sites), and ``plants``.

    ``gazetteer`` completes an address.
    """

    table: pa.Table
    grouping: Grouping
    site_ids: Sequence[str]
    gazetteer: Gazetteer
    plants: PlantIndex


class _SiteMatch(NamedTuple):
    """The best record of a site for one holder; ``probability`` that the holder's premises are that site."""

    site_id: str
    probability: float
    match: Match


def attribute_endpoints(
    endpoints: Sequence[Endpoint], leases: LeaseIndex, directory: Directory
) -> list[Attributed]:
    """Attribute each endpoint to exactly one site, in the order given."""
    resolutions = [leases.resolve(endpoint) for endpoint in endpoints]
    holders = sorted({holder_of(claim.lease) for r in resolutions for claim in r.claims}, key=str)
    fits = dict(zip(holders, _site_matches(holders, directory), strict=True))
    return [_attribute(resolution, fits, directory) for resolution in resolutions]


def certain_sites(holders: Sequence[Holder], directory: Directory) -> list[str | None]:
    """Return for each holder the site that its premises certainly are, None where none is certain enough."""
    best = (
        max(fits, key=lambda fit: fit.probability, default=None) for fits in _site_matches(holders, directory)
    )
    return [fit.site_id if fit and fit.probability >= CERTAIN else None for fit in best]


def _attribute(
    resolution: Resolution, fits: Mapping[Holder, Sequence[_SiteMatch]], directory: Directory
) -> Attributed:
    endpoint = resolution.endpoint
    if not resolution.claims:
        return Attributed(endpoint, _alone(endpoint), 1.0, refusal=resolution.refusal)
    best = _best_site(resolution.claims, fits)
    if best and best[1] >= CERTAIN:
        site_id, probability, claim, match = best
        return Attributed(endpoint, site_id, min(1.0, probability), claim, match)
    claim = resolution.claims[0]
    if claim.probability < CERTAIN:
        percent, holders = 100 * claim.probability, len(resolution.claims)
        why = reason("holder_ambiguous", endpoint=endpoint.name, holders=holders, percent=percent)
        return Attributed(endpoint, _alone(endpoint), 1.0, claim, refusal=why)
    holder = holder_of(claim.lease)
    if plant := directory.plants.of(*holder):
        probability = claim.probability * plant.probability
        return Attributed(endpoint, site_id_of(plant.plant_id, "plant"), probability, claim, plant=plant)
    why = reason("holder_without_usage_point", holder=holder.label, percent=100 * best[1] if best else 0.0)
    site_id = _of_holder(holder, directory.gazetteer)
    return Attributed(endpoint, site_id, claim.probability, claim, refusal=why)


def _best_site(
    claims: Sequence[Claim], fits: Mapping[Holder, Sequence[_SiteMatch]]
) -> tuple[str, float, Claim, Match] | None:
    """Return the most probable site over all claims, with the claim and match that say most for it."""
    total: dict[str, float] = defaultdict(float)
    ways: dict[str, tuple[float, Claim, Match]] = {}
    for claim in claims:
        for fit in fits[holder_of(claim.lease)]:
            probability = claim.probability * fit.probability
            total[fit.site_id] += probability
            if fit.site_id not in ways or probability > ways[fit.site_id][0]:
                ways[fit.site_id] = (probability, claim, fit.match)
    if not total:
        return None
    site_id = min(total, key=lambda key: (-total[key], key))
    return site_id, total[site_id], *ways[site_id][1:]


def _site_matches(holders: Sequence[Holder], directory: Directory) -> list[list[_SiteMatch]]:
    """Return for each holder the sites its premises may be: one of them, or none with 1 - ``HAS_RECORD``."""
    ids = [str(n) for n in range(len(holders))]
    columns = zip(*holders, strict=True) if holders else ((), (), (), ())
    names, codes, addresses, regions = columns
    keys = parties(Records(ids, names, codes, addresses, regions), directory.gazetteer)
    matches = match_parties(keys.table, directory.table, directory.table.num_rows)
    codes = directory.grouping.codes_of(pa.array([match.right for match in matches], pa.string())).tolist()
    best: list[dict[int, Match]] = [{} for _ in holders]
    for code, match in zip(codes, matches, strict=True):
        mine = best[int(match.left)]
        if code not in mine or match.probability > mine[code].probability:
            mine[code] = match
    return [_by_site(sites, directory) for sites in best]


def _by_site(best: Mapping[int, Match], directory: Directory) -> list[_SiteMatch]:
    odds = {code: match.probability / max(1e-12, 1 - match.probability) for code, match in best.items()}
    total = 1 - HAS_RECORD + sum(odds.values())
    return [_SiteMatch(directory.site_ids[code], odds[code] / total, best[code]) for code in sorted(best)]


def _alone(endpoint: Endpoint) -> str:
    return site_id_of(endpoint.ip, "host")


def _of_holder(holder: Holder, gazetteer: Gazetteer) -> str:
    keys = parties(
        Records([""], [holder.name], [holder.uscc], [holder.address], [holder.region_code]), gazetteer
    )
    key = keys.table.to_pylist()[0]
    return site_id_of(key["door"] or key["uscc"] or f"{holder.label}|{holder.address or ''}", "address")
