"""What belongs to chosen sites, with the probability and the reason of every link."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.attribute.endpoints import Attributed, holder_of
from minewatch.attribute.grid import (
    FEEDER,
    PLANT,
    TRANSFORMER,
    Attached,
    GridPart,
    Premises,
    grid_links,
    operators,
    premises_of,
)
from minewatch.attribute.leases import Lease
from minewatch.attribute.linkage import Match, match_parties
from minewatch.attribute.names import is_public_body, name_key, uscc_key
from minewatch.attribute.parties import Records, parties, records_of
from minewatch.attribute.planned import Party, PlannedStarts
from minewatch.attribute.sites import FIRM_ADDRESSES, Attribution
from minewatch.schema.reasons import Reason, reason
from minewatch.schema.sites import Link, Site

SAME_CUSTOMER, SAME_DOOR = 0.99, 0.95
"""Probability that an account behind a site's door belongs to it, with the same customer or not (assumed)."""

CUSTOMER_CODE = 0.98
"""Probability that an enterprise is the customer whose account carries its credit code (assumed)."""

_SHOWN = 0.05
"""Enterprises below this link probability are not shown."""


class _Account(NamedTuple):
    """A row of the archive and why its address has no key."""

    usage_point_id: str
    customer_name: str | None
    uscc: str | None
    address: str | None
    region_code: str | None
    lon: float | None
    lat: float | None
    refusal: str | None

    def is_customer_of(self, other: "_Account") -> bool:
        """Tell whether both are in one name or under one code."""
        code, name = uscc_key(self.uscc), name_key(self.customer_name)
        return bool(code and code == uscc_key(other.uscc)) or bool(
            name and name == name_key(other.customer_name)
        )


class Evident(NamedTuple):
    """What a site's evidence speaks of: usage points and grid parts that belong to it for certain."""

    usage_points: Sequence[str] = ()
    grid: Sequence[Attached] = ()


class _Parts(NamedTuple):
    """What a site is made of: accounts, those of them that are certain, endpoints, and parts of the grid."""

    site_id: str
    accounts: Sequence[_Account]
    certain: Sequence[_Account]
    endpoints: Sequence[Attributed]
    grid: Sequence[Attached]
    premises: Mapping[GridPart, Premises]

    @property
    def plants(self) -> Mapping[str, float]:
        """The plants that grid parts and lines lead to, with probabilities."""
        lines = {item.plant.plant_id: item.probability for item in self.endpoints if item.plant}
        return {**lines, **self.named(PLANT)}

    def named(self, kind: str) -> dict[str, float]:
        """Return the grid parts of one kind with their probabilities."""
        return {item.part.name: item.probability for item in self.grid if item.part.kind == kind}

    @property
    def place(self) -> Premises:
        """What the grid's registers say of where it is; most of all of a plant."""
        parts = [GridPart(PLANT, name) for name in self.plants] + [item.part for item in self.grid]
        return next((self.premises[part] for part in parts if part in self.premises), Premises())


class _Firm(NamedTuple):
    """An enterprise linked to a record of a site."""

    enterprise_id: str
    name: str | None
    probability: float
    to_kind: str
    to_id: str
    basis: Reason


def describe(attribution: Attribution, evident: Mapping[str, Evident]) -> dict[str, Site]:
    """Return the sites of ``evident`` with all that belongs to them and why."""
    accounts = _accounts(attribution, list(evident))
    endpoints: dict[str, list[Attributed]] = defaultdict(list)
    for item in attribution.endpoints:
        endpoints[item.site_id].append(item)
    premises = _premises(attribution, [*evident.values()])
    parts = [_parts(name, accounts[name], evident[name], endpoints[name], premises) for name in evident]
    firms, planned = _firms(attribution, parts), PlannedStarts(attribution.registers.applications)
    sites = [_site(item, firms[item.site_id]) for item in parts]
    days = [planned.of(_applicants(item, site)) for item, site in zip(parts, sites, strict=True)]
    return {site.site_id: replace(site, planned_start_on=day) for site, day in zip(sites, days, strict=True)}


def _applicants(parts: _Parts, site: Site) -> Iterator[Party]:
    """Yield those at a site who may have applied for supply."""
    yield Party(site.enterprise_name, parts.place.uscc, site.region_code)
    for name, code in _parties(parts):
        yield Party(name, code, site.region_code)


def _premises(attribution: Attribution, evident: Sequence[Evident]) -> dict[GridPart, Premises]:
    """Return what the registers say of the grid parts of all sites."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for item in evident:
        for attached in item.grid:
            wanted[attached.part.kind].append(attached.part.name)
    wanted[PLANT] += [item.plant.plant_id for item in attribution.endpoints if item.plant]
    registers = attribution.registers
    tables = {TRANSFORMER: registers.transformers, FEEDER: registers.feeders, PLANT: registers.plants}
    return {
        GridPart(kind, name): place
        for kind, names in wanted.items()
        for name, place in premises_of(tables[kind], kind, names).items()
    }


def _accounts(attribution: Attribution, site_ids: Sequence[str]) -> dict[str, list[_Account]]:
    """Return the accounts of each site, ordered by id."""
    directory = attribution.directory
    wanted = pc.index_in(pa.array(site_ids, pa.string()), value_set=pa.array(directory.site_ids, pa.string()))
    codes = directory.grouping.codes
    rows = np.flatnonzero(np.isin(codes, wanted.drop_null().to_numpy()))
    found: dict[str, list[_Account]] = defaultdict(list)
    table = attribution.registers.usage_points.take(pa.array(rows)).select(_Account._fields[:-1])
    for row, values in zip(rows.tolist(), table.to_pylist(), strict=True):
        account = _Account(**values, refusal=attribution.address_refusals[row])
        found[directory.site_ids[codes[row]]].append(account)
    return found


def _parts(
    site_id: str,
    accounts: Sequence[_Account],
    evident: Evident,
    endpoints: Sequence[Attributed],
    premises: Mapping[GridPart, Premises],
) -> _Parts:
    named = {*evident.usage_points, *(item.match.right for item in endpoints if item.match)}
    certain = [account for account in accounts if account.usage_point_id in named]
    return _Parts(site_id, accounts, certain or accounts[:1], endpoints, evident.grid, premises)


def _site(parts: _Parts, firms: Sequence[_Firm]) -> Site:
    chief = parts.certain[0] if parts.certain else None
    lease = next((item.claim.lease for item in parts.endpoints if item.claim), None)
    best = max(firms, key=lambda firm: (firm.probability, firm.enterprise_id), default=None)
    place = parts.place
    own_name, address, region_code = _whose(chief, place, lease)
    return Site(
        site_id=parts.site_id,
        usage_points=_usage_points(parts),
        endpoints={item.endpoint.name: item.probability for item in parts.endpoints},
        enterprises={firm.enterprise_id: firm.probability for firm in firms},
        transformers=parts.named(TRANSFORMER),
        feeders=parts.named(FEEDER),
        plants=parts.plants,
        address=address,
        lon=chief.lon if chief else place.lon,
        lat=chief.lat if chief else place.lat,
        region_code=region_code,
        enterprise_name=(best.name if best and best.probability >= 0.5 else None) or own_name,
        public_body=any(is_public_body(name, code) for name, code in _parties(parts)),
        links=tuple(_links(parts, firms)),
        refusals=tuple(_refusals(parts)),
    )


def _whose(
    chief: _Account | None, place: Premises, lease: Lease | None
) -> tuple[str | None, str | None, str | None]:
    """Return name, address and region by the account, else the plant, else the line, else the grid part."""
    if chief:
        return chief.customer_name, chief.address, chief.region_code
    if lease and not place.name:
        return lease.holder_name, lease.address, lease.region_code
    return place.operator_name, place.name, place.region_code


def _usage_points(parts: _Parts) -> dict[str, float]:
    """Return the site's accounts; where a transformer is the site, those where its load may sit."""
    if parts.accounts:
        return {account.usage_point_id: _membership(account, parts)[0] for account in parts.accounts}
    places = [item.places or {} for item in parts.grid]
    return {name: share for item in places for name, share in item.items() if share >= _SHOWN}


def _parties(parts: _Parts) -> Iterator[tuple[str | None, str | None]]:
    """Yield name and credit code of everyone whom accounts and leases name."""
    for account in parts.certain:
        yield account.customer_name, account.uscc
    for item in parts.endpoints:
        if item.claim:
            yield item.claim.lease.holder_name, item.claim.lease.uscc


def _membership(account: _Account, parts: _Parts) -> tuple[float, Reason]:
    address = account.address or "-"
    if any(account.is_customer_of(other) for other in parts.certain):
        chief = parts.certain[0]
        code = uscc_key(account.uscc)
        if account not in parts.certain and code and code == uscc_key(chief.uscc):
            return SAME_CUSTOMER, reason("same_code_same_building", uscc=code)
        probability = 1.0 if account in parts.certain else SAME_CUSTOMER
        return probability, reason("same_name_same_door", address=address)
    return (1.0 if account in parts.certain else SAME_DOOR), reason("same_door", address=address)


def _refusals(parts: _Parts) -> Iterator[Reason]:
    refused = [item.refusal for item in parts.endpoints if item.refusal]
    yield from {item.text("en"): item for item in refused}.values()
    for account in parts.certain:
        if account.refusal:
            yield reason(account.refusal, address=account.address or "-")


def _links(parts: _Parts, firms: Sequence[_Firm]) -> Iterator[Link]:
    """Yield the links from outside to inside, each once."""
    links: dict[tuple[str, str, str, str], Link] = {}
    own = grid_links(parts.grid, _whom(parts))
    for link in (*_wire_links(parts), *own, *_account_links(parts), *map(_firm_link, firms)):
        links.setdefault((link.from_kind, link.from_id, link.to_kind, link.to_id), link)
    yield from links.values()


def _whom(parts: _Parts) -> tuple[str, str] | None:
    """Return the account, else the holder of a line, that stands for the site in links."""
    accounts = [("usage_point", account.usage_point_id) for account in parts.certain]
    holders = [("holder", holder_of(item.claim.lease).label) for item in parts.endpoints if item.claim]
    return next(iter([*accounts, *holders]), None)


def _wire_links(parts: _Parts) -> Iterator[Link]:
    for item in parts.endpoints:
        if item.claim is None:
            continue
        kind, name = "endpoint", item.endpoint.name
        for layer in item.claim.layers:
            yield Link(kind, name, "lease", layer.lease_id, item.claim.probability, layer.basis())
            kind, name = "lease", layer.lease_id
        holder = holder_of(item.claim.lease)
        basis = reason("lease_holder", holder=holder.name or "-", address=holder.address or "-")
        yield Link(kind, name, "holder", holder.label, 1.0, basis)
        if item.match:
            yield Link(
                "holder", holder.label, "usage_point", item.match.right, item.probability, _basis(item.match)
            )
        if item.plant:
            name, basis = item.plant.plant_id, item.plant.basis
            yield Link("holder", holder.label, PLANT, name, item.probability, basis)


def _account_links(parts: _Parts) -> Iterator[Link]:
    address = parts.certain[0].address if parts.certain else None
    for account in parts.accounts if address else ():
        probability, basis = _membership(account, parts)
        yield Link("usage_point", account.usage_point_id, "address", address or "", probability, basis)


def _firm_link(firm: _Firm) -> Link:
    return Link("enterprise", firm.enterprise_id, firm.to_kind, firm.to_id, firm.probability, firm.basis)


def _basis(match: Match) -> Reason:
    return reason(f"records_{match.who}_{match.where}")


def _firms(attribution: Attribution, parts: Sequence[_Parts]) -> dict[str, list[_Firm]]:
    """Return for each site the enterprises linked to its accounts and holders, most probable first."""
    records = _Targets(parts)
    table = attribution.registers.enterprises
    names = dict(zip(table["enterprise_id"].to_pylist(), table["enterprise_name"].to_pylist(), strict=True))
    best: dict[tuple[str, str], _Firm] = {}
    found_ways = (*_by_code(table, parts), *_by_plant(table, parts), *_by_record(attribution, records, names))
    for site_id, firm in found_ways:
        key = (site_id, firm.enterprise_id)
        if firm.probability >= _SHOWN and (key not in best or firm.probability > best[key].probability):
            best[key] = firm
    found: dict[str, list[_Firm]] = defaultdict(list)
    for (site_id, _), firm in sorted(best.items(), key=lambda item: (-item[1].probability, item[0])):
        found[site_id].append(firm)
    return found


class _Targets:
    """Accounts and holders of chosen sites as records to link enterprises to, numbered."""

    def __init__(self, parts: Sequence[_Parts]) -> None:
        self.places: list[tuple[str, str, str]] = []
        rows: list[Any] = []
        for item in parts:
            for account in item.accounts:
                self.places.append((item.site_id, "usage_point", account.usage_point_id))
                rows.append(account[1:5])
            for holder in {holder_of(e.claim.lease): None for e in item.endpoints if e.claim}:
                self.places.append((item.site_id, "holder", holder.label))
                rows.append(holder)
        columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
        self.records = Records([str(n) for n in range(len(rows))], *columns)


def _by_code(enterprises: pa.Table, parts: Sequence[_Parts]) -> Iterator[tuple[str, _Firm]]:
    by_code: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    columns = (enterprises[name].to_pylist() for name in ("uscc", "enterprise_id", "enterprise_name"))
    for uscc, enterprise_id, name in zip(*columns, strict=True):
        if code := uscc_key(uscc):
            by_code[code].append((enterprise_id, name))
    for item in parts:
        for account in item.accounts:
            code = uscc_key(account.uscc) or ""
            for enterprise_id, name in by_code.get(code, ()):
                basis = reason("customer_code", uscc=code)
                target = ("usage_point", account.usage_point_id)
                yield item.site_id, _Firm(enterprise_id, name, CUSTOMER_CODE, *target, basis)


def _by_plant(enterprises: pa.Table, parts: Sequence[_Parts]) -> Iterator[tuple[str, _Firm]]:
    for item in parts:
        for plant_id, share in item.plants.items():
            premises = item.premises.get(GridPart(PLANT, plant_id), Premises())
            for enterprise_id, name, probability, basis in operators(premises, enterprises):
                yield item.site_id, _Firm(enterprise_id, name, share * probability, PLANT, plant_id, basis)


def _by_record(
    attribution: Attribution, targets: _Targets, names: Mapping[str, str | None]
) -> Iterator[tuple[str, _Firm]]:
    gazetteer, population = attribution.directory.gazetteer, attribution.directory.table.num_rows
    right = parties(targets.records, gazetteer).table
    for column in FIRM_ADDRESSES:
        firms = records_of(attribution.registers.enterprises, "enterprise_id", "enterprise_name", column)
        for match in match_parties(parties(firms, gazetteer).table, right, population):
            site_id, kind, name = targets.places[int(match.right)]
            firm = _Firm(match.left, names[match.left], match.probability, kind, name, _basis(match))
            yield site_id, firm
