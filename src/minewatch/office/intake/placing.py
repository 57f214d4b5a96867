"""Which site of the register a finding speaks of: one that is known, or a new one, with what is its."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db.models import QuerySet

from minewatch.office.intake.models import KnownSite
from minewatch.office.platform.masking import mask_address
from minewatch.office.platform.models import Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.selectors import region_by_code
from minewatch.office.register.canonical import address_key, network
from minewatch.office.register.checks import is_uscc
from minewatch.office.register.facts import Said, register, state
from minewatch.office.register.models import (
    Enterprise,
    Line,
    Link,
    Party,
    Plant,
    Premises,
    Registered,
    Site,
    UsagePoint,
)
from minewatch.office.register.services import LinkGiven, link, new_site_code, take_part

Row = Mapping[str, Any]
_Thing = TypeVar("_Thing", bound=Registered)

SURE = 0.5
"""Link probability from which on a thing tells which site it is, and an enterprise is its operator."""

_LEAST = 0.05
"""Link probability below which a thing is not linked: it stays in the finding's own row."""

_PERSON = 4
"""Names up to so many characters are a person's: a site is not named for one."""


@dataclass(frozen=True)
class Records:
    """Rows of the parcel's registers by their id: they say more of a thing than the finding does."""

    usage_points: Mapping[str, Row]
    enterprises: Mapping[str, Row]
    plants: Mapping[str, Row]


@dataclass(frozen=True)
class Belongings:
    """What a finding says belongs to a site, as rows of the register, with link probabilities."""

    premises: Premises | None
    usage_points: Mapping[UsagePoint, float]
    lines: Mapping[Line, float]
    plants: Mapping[Plant, float]

    def linked(self) -> Iterator[tuple[UsagePoint | Line | Plant, float]]:
        """Yield what is linked to the site."""
        yield from self.usage_points.items()
        yield from self.lines.items()
        yield from self.plants.items()


def region_of(row: Row, otherwise: Region | None = None) -> Region:
    """Return the region of a finding, else the one above whose code is known; without a code ``otherwise``.

    Raises Refused where there is none.
    """
    code = str(row.get("region_code") or "")
    if not code and otherwise is not None:
        return otherwise
    for known in (code, f"{code[:4]}00", f"{code[:2]}0000"):
        if region := region_by_code(known):
            return region
    raise Refused("finding_without_region", region=code)


def region_of_all(rows: Iterable[Row]) -> Region | None:
    """Return the smallest region in which all findings of a run lie that say where they are."""
    codes = {row.get("region_code") for row in rows}
    paths = [region.path for code in codes if code and (region := region_by_code(code))]
    for length in range(min(map(len, paths), default=0), 0, -Region.steplen):
        if len({path[:length] for path in paths}) == 1:
            return Region.objects.get(path=paths[0][:length])
    return None


def belongings(row: Row, region: Region, records: Records, said: Said) -> Belongings:
    """Find what a finding names in the register; what is not there is registered."""
    premises = _premises(row, region, said)
    return Belongings(
        premises,
        {_usage_point(name, region, records, said): share for name, share in _named(row, "usage_points")},
        {_line(lease, region, premises, said): share for lease, share in _leases(row)},
        {_plant(name, region, records, said): share for name, share in _named(row, "plants")},
    )


def site_of(row: Row, region: Region, having: Belongings, taken: set[str]) -> Site | None:
    """Return the site that a finding speaks of, None where it is a new one.

    A site that the analysis names for the first time is the one that has the same account, line or plant, but
    for those that the analysis itself keeps apart: ``taken`` are the keys of its other findings.
    """
    known = KnownSite.objects.filter(site_key=row["site_id"]).select_related("site").first()
    if known is not None:
        return known.site
    apart = KnownSite.objects.filter(site_key__in=taken - {row["site_id"]}).values("site")
    sites = Site.objects.filter(merged_into=None).exclude(pk__in=apart)
    for thing, probability in sorted(having.linked(), key=lambda pair: -pair[1]):
        if probability >= SURE:
            end = {"usagepoint": "usage_point", "line": "line", "plant": "plant"}[str(thing._meta.model_name)]
            if site := sites.filter(links__in=Link.objects.filter(ended_at=None, **{end: thing})).first():
                return site
    in_place = sites.filter(premises=having.premises, region=region) if having.premises else sites.none()
    return in_place.first()


def new_site(row: Row, region: Region, having: Belongings, values: Mapping[str, Any], said: Said) -> Site:
    """Register the site of a finding, with its estimates."""
    site = Site(region=region, code=new_site_code(region), name=_name(row), premises=having.premises)
    for name, value in values.items():
        setattr(site, name, value)
    return register(site, said)


def join(site: Site, having: Belongings, energies: Mapping[str, float], said: Said) -> None:
    """Link to a site what belongs to it, with energies a week by 户号, and its operator."""
    for thing, probability in having.linked():
        energy = energies.get(thing.number) if isinstance(thing, UsagePoint) else None
        link(site, thing, said, LinkGiven(round(probability, 6), energy))


def operate(site: Site, row: Row, region: Region, records: Records, said: Said) -> None:
    """Name the likeliest enterprise as the operator, where it is likely enough and known by its code."""
    ranked = sorted(_named(row, "enterprises"), key=lambda pair: -pair[1])
    for name, probability in ranked[:1]:
        given = records.enterprises.get(name, {"uscc": name, "enterprise_name": row.get("enterprise_name")})
        if probability >= SURE and is_uscc(given.get("uscc") or "") and given.get("enterprise_name"):
            enterprise = _enterprise(given, region, said)
            take_part(site, enterprise, Party.Part.OPERATOR, said, round(probability, 6))


def _name(row: Row) -> str:
    name = row.get("enterprise_name") or ""
    grid = [
        item["name"] for column in ("transformers", "feeders", "plants") for item in row.get(column) or ()
    ]
    # the name is shown to everybody in scope, the whole address only where it is unmasked
    where = mask_address(row.get("address") or "") or "".join(grid[:1]) or row["site_id"]
    return (name if len(name) > _PERSON else where)[:200]


def _named(row: Row, column: str) -> Iterator[tuple[str, float]]:
    for item in row.get(column) or ():
        if item["probability"] >= _LEAST:
            yield item["name"], item["probability"]


def _kept(rows: "QuerySet[_Thing]") -> _Thing | None:
    """Return the first of rows; of one that was merged into another the other."""
    thing: Any = rows.order_by("merged_into", "pk").first()
    while thing is not None and thing.merged_into_id is not None:
        thing = type(thing).objects.get(pk=thing.merged_into_id)
    kept: _Thing | None = thing
    return kept


def _found(rows: "QuerySet[_Thing]", new: _Thing, said: Said) -> _Thing:
    """Return a thing that the register has, told what is new of it; else register it."""
    thing = _kept(rows)
    if thing is None:
        return register(new, said)
    values = {name: getattr(new, name) for name in _TOLD[type(new)] if getattr(new, name) not in (None, "")}
    if values:
        state(thing, values, said)
    return thing


def _premises(row: Row, region: Region, said: Said) -> Premises | None:
    address = row.get("address")
    if not address:
        return None
    new = Premises(region=region, address=address[:300], lon=row.get("lon"), lat=row.get("lat"))
    rows = Premises.objects.filter(region=region, address_key=address_key(new.address))
    return _found(rows, new, said)


def _usage_point(number: str, region: Region, records: Records, said: Said) -> UsagePoint:
    given = records.usage_points.get(number, {})
    new = UsagePoint(region=region, number=number, customer_name=given.get("customer_name") or "")
    new.tariff_class = given.get("tariff_class") or ""
    new.transformer_id = given.get("transformer_id") or ""
    for name in ("voltage_kv", "contract_kva", "opened_on", "closed_on"):
        setattr(new, name, given.get(name))
    return _found(UsagePoint.objects.filter(number=number), new, said)


def _plant(number: str, region: Region, records: Records, said: Said) -> Plant:
    given = records.plants.get(number, {})
    name = given.get("plant_name") or number
    new = Plant(region=region, number=number, name=name, capacity_mw=given.get("rated_mw"))
    new.kind = (given.get("kind") or "")[:20]
    return _found(Plant.objects.filter(number=number), new, said)


def _enterprise(given: Row, region: Region, said: Said) -> Enterprise:
    own = region_by_code(given.get("region_code") or "") or region
    new = Enterprise(region=own, uscc=given["uscc"], name=given["enterprise_name"])
    new.industry_code = given.get("industry_code") or ""
    return _found(Enterprise.objects.filter(uscc=given["uscc"]), new, said)


_TOLD: Mapping[type[Registered], tuple[str, ...]] = {
    Premises: ("lon", "lat"),
    UsagePoint: (
        "customer_name",
        "tariff_class",
        "transformer_id",
        "voltage_kv",
        "contract_kva",
        "closed_on",
    ),
    Plant: ("name", "kind", "capacity_mw"),
    Enterprise: ("name", "industry_code"),
    Line: ("holder_name", "valid_to"),
}
"""Fields of a known thing on which a finding has something to say."""


def _leases(row: Row) -> Iterator[tuple[Row, float]]:
    """Yield the leases with a holder that lead to the site, with their probability; inner layers of NAT too.

    A lease without a holder is the carrier's own and shared by many.
    """
    links = row.get("links") or ()
    holders = {item["from_id"]: item["to_id"] for item in links if item["to_kind"] == "holder"}
    seen: set[str] = set()
    for item in links:
        name = item["to_id"]
        if item["to_kind"] == "lease" and name in holders and name not in seen:
            seen.add(name)
            values = json.loads(item["basis"]["values"])
            if "prefix" in values:
                yield {**values, "holder": holders[name]}, item["probability"]


def _line(lease: Row, region: Region, premises: Premises | None, said: Said) -> Line:
    new = Line(region=region, prefix=str(network(lease["prefix"])), holder_name=lease["holder"][:200])
    new.port_low, new.port_high = lease.get("low", 0), lease.get("high", 65535)
    new.valid_from, new.valid_to = _instant(lease.get("since")), _instant(lease.get("until"))
    new.premises = premises
    rows = Line.objects.filter(prefix=new.prefix, valid_from=new.valid_from)
    return _found(rows.filter(port_low=new.port_low, port_high=new.port_high), new, said)


def _instant(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text or "", "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
    except ValueError:  # "-": since ever, or until further notice
        return None


def records_of(tables: Mapping[str, Iterable[Row]]) -> Records:
    """Return the registers of a parcel by id."""

    def by(table: str, key: str) -> dict[str, Row]:
        return {row[key]: row for row in tables.get(table, ())}

    return Records(
        by("usage_points", "usage_point_id"), by("enterprises", "enterprise_id"), by("plants", "plant_id")
    )
