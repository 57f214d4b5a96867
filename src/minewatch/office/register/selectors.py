"""Reading the register: finding a thing by its number, and all that hangs on a site."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from django.apps import apps
from django.db.models import QuerySet

from minewatch.office.platform.models import Region
from minewatch.office.register.canonical import bare, network
from minewatch.office.register.facts import kind_of, standings, values_of
from minewatch.office.register.models import (
    Enterprise,
    EvidenceFile,
    Line,
    Link,
    MachineGroup,
    Party,
    Registered,
    Sighting,
    Site,
    Source,
    UsagePoint,
)
from minewatch.office.register.protection import Eyes, Subject

_Thing = TypeVar("_Thing", bound=Registered)
_MOST_SIGHTINGS = 50


def live(model: type[_Thing]) -> "QuerySet[_Thing]":
    """Return the things of a kind in scope, without those that were merged into another."""
    return model.objects.filter(merged_into=None)


def kept(thing: _Thing) -> _Thing:
    """Return the thing that a thing was merged into in the end; itself where it was not merged."""
    row: Any = thing
    while row.merged_into_id is not None:
        row = type(row)._base_manager.get(pk=row.merged_into_id)
    return row


def thing_in_scope(kind: str, number: int) -> Registered | None:
    """Return a thing by its kind and id, in scope; None where there is none, or it was merged away."""
    model: type[Registered] = apps.get_model("register", kind)
    return live(model).filter(pk=number).first()


def enterprise_by_uscc(code: str) -> Enterprise | None:
    """Return the enterprise with a unified social credit code, in scope."""
    return _first(Enterprise.objects.filter(uscc=bare(code)).order_by("-merged_into", "pk"))


def usage_point_by_number(number: str) -> UsagePoint | None:
    """Return the usage point with a 户号, in scope; its zeros count."""
    return _first(UsagePoint.objects.filter(number=number.strip()))


def site_by_code(code: str) -> Site | None:
    """Return the site with a code, in scope."""
    return _first(Site.objects.filter(code=code.strip().upper()))


def line_by_prefix(prefix: str) -> Line | None:
    """Return the newest lease of exactly an address or prefix, in scope; ValueError where it is none."""
    return _first(Line.objects.filter(prefix=str(network(prefix))).order_by("-valid_from", "-pk"))


def _first(rows: "QuerySet[_Thing]") -> _Thing | None:
    row = rows.first()
    return kept(row) if row is not None else None


@dataclass(frozen=True)
class PartyShown:
    """A part that an enterprise has in a site."""

    id: int
    enterprise_id: int
    enterprise: str
    uscc: str
    legal_representative: str
    phone: str
    part: str
    part_title: str
    probability: float | None
    source: str
    ended_at: datetime | None


@dataclass(frozen=True)
class AccountShown:
    """A usage point linked to a site."""

    id: int
    usage_point_id: int
    number: str
    customer_name: str
    address: str
    tariff_class: str
    voltage_kv: float | None
    contract_kva: float | None
    price_cny_kwh: float | None
    transformer_id: str
    energy_week_kwh: float | None
    probability: float | None
    source: str
    ended_at: datetime | None


@dataclass(frozen=True)
class LineShown:
    """A network line linked to a site."""

    id: int
    line_id: int
    prefix: str
    port_low: int
    port_high: int
    carrier: str
    holder_name: str
    valid_from: datetime | None
    valid_to: datetime | None
    probability: float | None
    source: str
    ended_at: datetime | None


@dataclass(frozen=True)
class PlantShown:
    """A power plant linked to a site."""

    id: int
    plant_id: int
    number: str
    name: str
    kind: str
    capacity_mw: float | None
    probability: float | None
    source: str
    ended_at: datetime | None


@dataclass(frozen=True)
class MachinesShown:
    """Machines of one model, as they were counted."""

    maker: str
    model: str
    number: int
    algorithm: str
    hash_rate_each: float | None
    power_each_w: float | None
    hours_day: float | None
    made_year: int | None
    serials: tuple[str, ...]
    source: str
    counted_at: datetime
    ended_at: datetime | None

    @property
    def power_kw(self) -> float | None:
        """Return the power of all of them."""
        return None if self.power_each_w is None else self.number * self.power_each_w / 1000

    @property
    def joule_per_hash(self) -> float | None:
        """Return the energy of a hash, by which hardware is told."""
        return self.power_each_w / self.hash_rate_each if self.power_each_w and self.hash_rate_each else None


@dataclass(frozen=True)
class SightingShown:
    """Mining traffic as it was seen."""

    address: str
    port: int
    first_at: datetime
    last_at: datetime
    pool: str
    coin: str
    algorithm: str
    wallet: str
    worker: str
    submissions: int | None
    source: str


@dataclass(frozen=True)
class FileShown:
    """An evidence file of a site."""

    id: int
    name: str
    media_type: str
    size: int
    sha256: str
    note: str
    by: str
    at: datetime


@dataclass(frozen=True)
class HashRate:
    """A hash rate with its algorithm, in H/s. Those of two algorithms have no sum."""

    algorithm: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class SitePage:
    """A site with all that hangs on it, protected fields masked for who looks."""

    id: int
    code: str
    name: str
    region_code: str
    regions: tuple[str, ...]
    address: str
    lon: float | None
    lat: float | None
    floor_area_m2: float | None
    phase: str
    phase_title: str
    kind: str
    kind_title: str
    state: str
    state_title: str
    planned_start_on: date | None
    planned_power_kw: float | None
    services: str
    mining_share: float | None
    interruptible_share: float | None
    power_kw: float | None
    power_low_kw: float | None
    power_high_kw: float | None
    energy_week_kwh: float | None
    hash_rates: tuple[HashRate, ...]
    posterior: float | None
    q_value: float | None
    coin: str
    pool: str
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    closed_on: date | None
    recurrences: int
    parties: tuple[PartyShown, ...]
    accounts: tuple[AccountShown, ...]
    lines: tuple[LineShown, ...]
    plants: tuple[PlantShown, ...]
    machines: tuple[MachinesShown, ...]
    sightings: tuple[SightingShown, ...]
    disputed: tuple[str, ...]
    files: tuple[FileShown, ...] = ()  # where they are asked for


def site_page(code: str, eyes: Eyes) -> SitePage | None:
    """Return a site for its page, or None where there is none in scope; at most 8 queries.

    A site that was merged leads to the one it was merged into.
    """
    found = Site.objects.filter(code=code.strip().upper()).select_related("region", "premises").first()
    if found is None:
        return None
    site = kept(found)
    shown = [field for field in SitePage.__dataclass_fields__ if field in _COPIED]
    page: Subject = ("site", site.pk)
    place = site.premises
    links = Link.objects.filter(site=site).select_related(
        "source", "usage_point__premises", "plant", "line__carrier"
    )
    ends = [(row, row.usage_point or row.plant or row.line) for row in links.order_by("pk")]
    return SitePage(
        **{field: getattr(site, field) for field in shown},
        region_code=site.region.code,
        regions=_names_above(site.region),
        address=eyes.show(("premises", place.pk), "address", place.address, page) if place else "",
        lon=eyes.place(("premises", place.pk), place.lon, page) if place else None,
        lat=eyes.place(("premises", place.pk), place.lat, page) if place else None,
        floor_area_m2=place.floor_area_m2 if place else None,
        phase_title=site.get_phase_display(),
        kind_title=site.get_kind_display(),
        state_title=site.get_state_display(),
        hash_rates=hash_rates(site),
        parties=tuple(_party(row, eyes, page) for row in _parties(site)),
        accounts=tuple(_account(row, eyes, page) for row, end in ends if isinstance(end, UsagePoint)),
        lines=tuple(_line(row, eyes, page) for row, end in ends if isinstance(end, Line)),
        plants=tuple(_plant(row) for row, end in ends if row.plant_id),
        machines=tuple(_machines(row) for row in _groups(site)),
        sightings=tuple(_sighting(row, eyes, page) for row in _sightings(site)),
        disputed=_disputed(site),
    )


_COPIED = frozenset(field.name for field in Site._meta.concrete_fields) - {"hash_rates"}


def _disputed(site: Site) -> tuple[str, ...]:
    """Return the fields on which a source disagrees with what holds; ``history`` tells more."""
    present, said = values_of(site), standings(Site, [site.pk])[site.pk].disputed
    return tuple(sorted({name for (name, _), value in said.items() if value != present[name]}))


def hash_rates(site: Site) -> tuple[HashRate, ...]:
    """Return the hash rates of a site, one for each algorithm."""
    return tuple(
        HashRate(algorithm, rate["value"], rate.get("low"), rate.get("high"))
        for algorithm, rate in sorted(site.hash_rates.items())
    )


def files_of(kind: str, number: int) -> tuple[FileShown, ...]:
    """Return the evidence files of a thing, newest first, in scope."""
    rows = EvidenceFile.objects.filter(subject_kind=kind, subject_id=number).select_related("by")
    return tuple(
        FileShown(**_copied(row, FileShown, {"by"}), by=row.by.get_username() if row.by else "")
        for row in rows.order_by("-pk")
    )


def _copied(row: Any, shown: Any, but: set[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in shown.__dataclass_fields__ if name not in but}


def _names_above(region: Region) -> tuple[str, ...]:
    steps = [region.path[:end] for end in range(4, len(region.path) + 1, 4)]
    return tuple(Region.objects.filter(path__in=steps).order_by("path").values_list("name_zh", flat=True))


def _said(source: Source) -> str:
    return f"{Source.Kind(source.kind).label} {source.reference}"


def _parties(site: Site) -> Iterable[Party]:
    return Party.objects.filter(site=site).select_related("enterprise", "source").order_by("pk")


def _groups(site: Site) -> Iterable[MachineGroup]:
    return MachineGroup.objects.filter(site=site).select_related("source").order_by("-counted_at", "pk")


def _sightings(site: Site) -> Iterable[Sighting]:
    rows = Sighting.objects.filter(site=site).select_related("source").order_by("-last_at", "-pk")
    return rows[:_MOST_SIGHTINGS]


def _party(row: Party, eyes: Eyes, page: Subject) -> PartyShown:
    enterprise = row.enterprise
    subject = (kind_of(enterprise), enterprise.pk)
    return PartyShown(
        **_copied(
            row, PartyShown, {"enterprise", "uscc", "legal_representative", "phone", "part_title", "source"}
        ),
        enterprise=enterprise.name,
        uscc=enterprise.uscc or "",
        legal_representative=eyes.show(
            subject, "legal_representative", enterprise.legal_representative, page
        ),
        phone=eyes.show(subject, "phone", enterprise.phone, page),
        part_title=row.get_part_display(),
        source=_said(row.source),
    )


def _account(row: Link, eyes: Eyes, page: Subject) -> AccountShown:
    point: Any = row.usage_point
    subject = (kind_of(point), point.pk)
    place = point.premises
    own = {"id", "usage_point_id", "energy_week_kwh", "probability", "ended_at"}
    of_point = set(AccountShown.__dataclass_fields__) - own - {"number", "customer_name", "address", "source"}
    return AccountShown(
        **{name: getattr(row, name) for name in own},
        **{name: getattr(point, name) for name in of_point},
        number=eyes.show(subject, "number", point.number, page),
        customer_name=eyes.show(subject, "customer_name", point.customer_name, page),
        address=eyes.show(("premises", place.pk), "address", place.address, page) if place else "",
        source=_said(row.source),
    )


def _line(row: Link, eyes: Eyes, page: Subject) -> LineShown:
    line: Any = row.line
    subject = (kind_of(line), line.pk)
    own = {"id", "line_id", "probability", "ended_at"}
    of_line = {"port_low", "port_high", "valid_from", "valid_to"}
    return LineShown(
        **{name: getattr(row, name) for name in own},
        **{name: getattr(line, name) for name in of_line},
        prefix=eyes.show(subject, "prefix", line.prefix, page),
        carrier=str(line.carrier or ""),
        holder_name=eyes.show(subject, "holder_name", line.holder_name, page),
        source=_said(row.source),
    )


def _plant(row: Link) -> PlantShown:
    plant: Any = row.plant
    own = {"id", "plant_id", "probability", "ended_at"}
    of_plant = {"number", "name", "kind", "capacity_mw"}
    return PlantShown(
        **{name: getattr(row, name) for name in own},
        **{name: getattr(plant, name) for name in of_plant},
        source=_said(row.source),
    )


def _machines(row: MachineGroup) -> MachinesShown:
    copied = _copied(row, MachinesShown, {"serials", "source"})
    return MachinesShown(**copied, serials=tuple(row.serials), source=_said(row.source))


def _sighting(row: Sighting, eyes: Eyes, page: Subject) -> SightingShown:
    copied = _copied(row, SightingShown, {"address", "source"})
    address = eyes.show(("sighting", row.pk), "address", row.address, page)
    return SightingShown(**copied, address=address, source=_said(row.source))
