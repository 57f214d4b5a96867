"""The two inventories of the notice, operating (三) and under construction (四), with every field in use.

Columns are the union of the notice's (企业、规模、算力、耗电量, planned start), of local lists and of the
registers of other countries. What a later stage knows (batch, measure) it fills in with ``fill``.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from minewatch.office.register.models import EvidenceFile, Link, MachineGroup, Party, Sighting, Site
from minewatch.office.register.protection import Eyes
from minewatch.office.register.titles import FIELDS, tariff_text

Row = dict[str, Any]
Filler = Callable[[Sequence[int]], Mapping[int, Mapping[str, Any]]]

_SEPARATOR = "; "
_FILLERS: dict[Filler, frozenset[str]] = {}


@dataclass(frozen=True)
class Column:
    """A column: its name, its title, what it holds (``text``, ``number``, ``share``, ``day``, ``time``)."""

    name: str
    title: str | Promise
    holds: str = "text"
    only: str = ""  # phase that alone has it


def _plain(*names: str, holds: str = "text", only: str = "") -> list[Column]:
    return [Column(name, FIELDS[name], holds, only) for name in names]


LATER = ("batch_number", "issued_on", "list_kind", "measure")
"""Columns that later stages fill."""

COLUMNS: tuple[Column, ...] = (
    *_plain("code", "name"),
    Column("batch_number", _("Batch number")),
    Column("issued_on", _("Issued on"), "day"),
    Column("list_kind", _("Full or key list")),
    Column("region_code", _("Region code (GB/T 2260)")),
    Column("region", _("Region")),
    *_plain("address"),
    Column("kind", _("Active, passive or misreport")),
    *_plain("state"),
    Column("enterprise", _("Enterprise")),
    *_plain("uscc", "legal_representative", "phone", "services"),
    Column("landlord", _("Landlord")),
    Column("supplier", _("Supplier of power")),
    Column("carrier", _("Carrier")),
    Column("ip", _("IP addresses")),
    Column("port", _("Ports")),
    *_plain("first_seen_at", "last_seen_at", holds="time"),
    *_plain("coin", "pool"),
    Column("submissions", _("Submissions"), "number"),
    Column("numbers", _("Account numbers")),
    *_plain("customer_name", "tariff_class"),
    Column("voltage_kv", _("Voltage (kV)")),
    *_plain("contract_kva", "price_cny_kwh", holds="number"),
    Column("energy_by_tariff", _("Energy of the week by tariff (kWh)")),
    *_plain("power_kw", "power_low_kw", "power_high_kw", "energy_week_kwh", holds="number"),
    *_plain("mining_share", "interruptible_share", holds="share"),
    Column("machines", _("Machines"), "number"),
    Column("models", _("Machines by model")),
    Column("serials", _("Serial numbers")),
    Column("made", _("Years of manufacture")),
    Column("hours_day", _("Hours a day")),
    Column("machines_power_kw", _("Power of the machines (kW)"), "number"),
    *_plain("hash_rates"),
    *_plain("floor_area_m2", holds="number"),
    *_plain("planned_start_on", holds="day", only=Site.Phase.CONSTRUCTION),
    *_plain("planned_power_kw", holds="number", only=Site.Phase.CONSTRUCTION),
    *_plain("posterior", holds="share"),
    Column("measure", _("Measure")),
    Column("files", _("Evidence files"), "number"),
    *_plain("closed_on", holds="day"),
    *_plain("recurrences", holds="number"),
)
"""All columns, in their order."""


def columns(phase: str) -> list[Column]:
    """Return the columns of the inventory of a phase."""
    return [column for column in COLUMNS if column.only in ("", phase)]


def fill(names: Collection[str], filler: Filler) -> None:
    """Let a later stage fill columns of ``LATER``: from site ids to values by id and column."""
    _FILLERS[filler] = frozenset(names)


def rows(sites: Sequence[Site], eyes: Eyes) -> list[Row]:
    """Return the rows of sites (with region and premises joined): 6 queries, and what fillers ask."""
    ids = [site.pk for site in sites]
    parts: list[Mapping[int, Mapping[str, Any]]] = [filler(ids) for filler in _FILLERS]
    parts += [_parties(ids, eyes), _links(ids, eyes), _machines(ids), _seen(ids, eyes)]
    parts.append(_files_counted(sites) or _files(ids))
    empty: Row = {column.name: "" if column.holds == "text" else None for column in COLUMNS}
    found = []
    for site in sites:
        row = empty | _own(site, eyes)
        for part in parts:
            row |= part.get(site.pk, {})
        found.append(row)
    return found


def _own(site: Site, eyes: Eyes) -> Row:
    own = {name: getattr(site, name) for name in _OF_SITE}
    place = site.premises
    return own | {
        "region_code": site.region.code,
        "region": site.region.name_zh,
        "kind": site.get_kind_display(),
        "state": site.get_state_display(),
        "hash_rates": _joined(f"{name} {rate['value']:.4g} H/s" for name, rate in site.hash_rates.items()),
        "address": eyes.show(("premises", place.pk), "address", place.address) if place else "",
        "floor_area_m2": place.floor_area_m2 if place else None,
    }


_OF_SITE = [
    column.name
    for column in COLUMNS
    if column.name in {field.name for field in Site._meta.concrete_fields}
    and column.name not in {"kind", "state", "hash_rates", "region"}
]


def _grouped(found: Iterable[Any]) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = defaultdict(list)
    for row in found:
        groups[row.site_id].append(row)
    return groups


def _joined(parts: Iterable[object]) -> str:
    """Join what is there, each once, in order."""
    return _SEPARATOR.join(dict.fromkeys(str(part) for part in parts if part not in (None, "")))


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _parties(ids: Sequence[int], eyes: Eyes) -> dict[int, Row]:
    live = Party.objects.filter(site__in=ids, ended_at=None).select_related("enterprise").order_by("pk")
    return {number: _of_parties(group, eyes) for number, group in _grouped(live).items()}


def _of_parties(parties: Sequence[Party], eyes: Eyes) -> Row:
    mining = {Party.Part.OPERATOR, Party.Part.OWNER, Party.Part.TENANT}
    firms = [row.enterprise for row in parties if row.part in mining]

    def masked(field: str) -> str:
        return _joined(eyes.show(("enterprise", firm.pk), field, getattr(firm, field)) for firm in firms)

    def named(part: Party.Part) -> str:
        return _joined(row.enterprise.name for row in parties if row.part == part)

    return {
        "enterprise": _joined(firm.name for firm in firms),
        "uscc": _joined(firm.uscc for firm in firms),
        "legal_representative": masked("legal_representative"),
        "phone": masked("phone"),
        "landlord": named(Party.Part.LANDLORD),
        "supplier": named(Party.Part.SUPPLIER),
    }


def _links(ids: Sequence[int], eyes: Eyes) -> dict[int, Row]:
    live = Link.objects.filter(site__in=ids, ended_at=None).order_by("pk")
    linked = live.select_related("usage_point", "line__carrier")
    return {number: _of_links(group, eyes) for number, group in _grouped(linked).items()}


def _of_links(links: Sequence[Link], eyes: Eyes) -> Row:
    points = [row.usage_point for row in links if row.usage_point]
    by_tariff: dict[str, float] = defaultdict(float)
    for row in links:
        if row.usage_point and row.energy_week_kwh is not None:
            by_tariff[tariff_text(row.usage_point.tariff_class) or "—"] += row.energy_week_kwh

    def masked(field: str) -> str:
        return _joined(eyes.show(("usagepoint", one.pk), field, getattr(one, field)) for one in points)

    prices = [one.price_cny_kwh for one in points if one.price_cny_kwh is not None]
    return {
        "numbers": masked("number"),
        "customer_name": masked("customer_name"),
        "tariff_class": _joined(tariff_text(one.tariff_class) for one in points),
        "voltage_kv": _joined(f"{one.voltage_kv:g}" for one in points if one.voltage_kv is not None),
        "contract_kva": _sum(one.contract_kva for one in points),
        "price_cny_kwh": max(prices) if prices else None,
        "energy_by_tariff": _joined(f"{name} {energy:.0f}" for name, energy in sorted(by_tariff.items())),
        "carrier": _joined(row.line.carrier for row in links if row.line),
    }


def _machines(ids: Sequence[int]) -> dict[int, Row]:
    counted = MachineGroup.objects.filter(site__in=ids, ended_at=None).order_by("pk")
    return {number: _of_machines(group) for number, group in _grouped(counted).items()}


def _of_machines(groups: Sequence[MachineGroup]) -> Row:
    powers = (None if one.power_each_w is None else one.number * one.power_each_w / 1000 for one in groups)
    return {
        "machines": sum(one.number for one in groups),
        "models": _joined(f"{one.maker} {one.model} × {one.number}".strip() for one in groups),
        "serials": _joined(serial for one in groups for serial in one.serials),
        "made": _joined(one.made_year for one in groups),
        "hours_day": _joined(f"{one.hours_day:g}" for one in groups if one.hours_day is not None),
        "machines_power_kw": _sum(powers),
    }


_MOST_ADDRESSES = 20


def _seen(ids: Sequence[int], eyes: Eyes) -> dict[int, Row]:
    seen = Sighting.objects.filter(site__in=ids)
    ends = seen.values("site_id", "address", "port").annotate(last=Max("last_at"), number=Sum("submissions"))
    groups: dict[int, list[Row]] = defaultdict(list)
    for end in ends.order_by("site_id", "-last", "address", "port"):
        groups[end["site_id"]].append(end)
    return {number: _of_sightings(number, group, eyes) for number, group in groups.items()}


def _of_sightings(site_id: int, ends: Sequence[Row], eyes: Eyes) -> Row:
    newest, page = ends[:_MOST_ADDRESSES], ("site", site_id)
    return {
        "ip": _joined(eyes.show(("sighting", 0), "address", end["address"], page) for end in newest),
        "port": _joined(end["port"] or "" for end in newest),
        "submissions": _sum(end["number"] for end in ends),
    }


def with_files(sites: "QuerySet[Site]") -> "QuerySet[Site]":
    """Return sites with their evidence files counted, which saves ``rows`` a query."""
    files = EvidenceFile._base_manager.filter(subject_kind="site", subject_id=OuterRef("pk")).order_by()
    number = files.values("subject_id").annotate(number=Count("pk")).values("number")
    return sites.annotate(**{_FILES: Subquery(number)})


_FILES = "number_of_files"


def _files_counted(sites: Sequence[Site]) -> dict[int, Row]:
    return {site.pk: {"files": getattr(site, _FILES)} for site in sites if hasattr(site, _FILES)}


def _files(ids: Sequence[int]) -> dict[int, Row]:
    files = EvidenceFile.objects.filter(subject_kind="site", subject_id__in=ids)
    counted = files.values("subject_id").annotate(number=Count("pk"))
    return {row["subject_id"]: {"files": row["number"]} for row in counted.order_by("subject_id")}
