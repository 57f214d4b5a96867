"""Lists of the register's things: rows in scope by filter, and what a list shows of them, masked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet

from minewatch.office.platform.selectors import region_by_code
from minewatch.office.register.holding import holding
from minewatch.office.register.models import Enterprise, Line, Plant, Site, UsagePoint
from minewatch.office.register.protection import Eyes

Said = Mapping[str, Any]
"""Filters as a form gives them; empty ones are left out."""


class OpenEyes(Eyes):
    """Eyes of an export in the clear: every protected field is shown. Who opens them notes the purpose."""

    def show(self, _subject: Any, _field: str, value: str, _page: Any = None) -> str:
        """Return the value."""
        return value


@dataclass(frozen=True)
class SiteRow:
    """A site in a list."""

    code: str
    name: str
    region: str
    region_code: str
    phase: str
    phase_code: str
    kind: str
    kind_code: str
    state: str
    state_text: str
    power_kw: float | None
    energy_week_kwh: float | None
    posterior: float | None
    q_value: float | None
    address: str
    coin: str
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    planned_start_on: date | None
    recurrences: int


@dataclass(frozen=True)
class EnterpriseRow:
    """An enterprise in a list."""

    id: int
    name: str
    uscc: str
    region: str
    region_code: str
    industry_code: str
    credit_class: str
    legal_representative: str
    phone: str


@dataclass(frozen=True)
class UsagePointRow:
    """A usage point in a list."""

    id: int
    number: str
    customer_name: str
    region: str
    region_code: str
    address: str
    tariff_class: str
    voltage_kv: float | None
    contract_kva: float | None
    transformer_id: str
    opened_on: date | None
    closed_on: date | None


@dataclass(frozen=True)
class PlantRow:
    """A power plant in a list."""

    id: int
    number: str
    name: str
    region: str
    region_code: str
    kind: str
    capacity_mw: float | None


@dataclass(frozen=True)
class LineRow:
    """A network line in a list."""

    id: int
    prefix: str
    ports: str
    region: str
    region_code: str
    carrier: str
    holder_name: str
    valid_from: datetime | None
    valid_to: datetime | None


def site_rows(said: Said) -> "QuerySet[Site]":
    """Return sites by region (a code), phase, kind, state, least_kw, seen_since and text."""
    rows = _live(Site, said, ("phase", "kind", "state")).select_related("region", "premises")
    if "least_kw" in said:
        rows = rows.filter(power_kw__gte=said["least_kw"])
    if "seen_since" in said:
        rows = rows.filter(last_seen_at__gte=said["seen_since"])
    return _holding(rows, said, "code", "name")


def site_row(site: Site, eyes: Eyes) -> SiteRow:
    """Return a site as a list shows it."""
    premises = site.premises
    address = eyes.show(("premises", premises.pk), "address", premises.address) if premises else ""
    return SiteRow(
        code=site.code,
        name=site.name,
        region=site.region.name_zh,
        region_code=site.region.code,
        phase=site.get_phase_display(),
        phase_code=site.phase,
        kind=site.get_kind_display(),
        kind_code=site.kind,
        state=site.state,
        state_text=site.get_state_display(),
        power_kw=site.power_kw,
        energy_week_kwh=site.energy_week_kwh,
        posterior=site.posterior,
        q_value=site.q_value,
        address=address,
        coin=site.coin,
        first_seen_at=site.first_seen_at,
        last_seen_at=site.last_seen_at,
        planned_start_on=site.planned_start_on,
        recurrences=site.recurrences,
    )


def enterprise_rows(said: Said) -> "QuerySet[Enterprise]":
    """Return enterprises by region, credit_class and text (name or the beginning of a code)."""
    rows = _live(Enterprise, said, ("credit_class",)).select_related("region")
    return _holding(rows, said, "uscc", "name")


def enterprise_row(row: Enterprise, eyes: Eyes) -> EnterpriseRow:
    """Return an enterprise as a list shows it."""
    subject = ("enterprise", row.pk)
    return EnterpriseRow(
        id=row.pk,
        name=row.name,
        uscc=row.uscc or "",
        region=row.region.name_zh,
        region_code=row.region.code,
        industry_code=row.industry_code,
        credit_class=row.credit_class,
        legal_representative=eyes.show(subject, "legal_representative", row.legal_representative),
        phone=eyes.show(subject, "phone", row.phone),
    )


def usage_point_rows(said: Said) -> "QuerySet[UsagePoint]":
    """Return usage points by region, least_kva and transformer."""
    rows = _live(UsagePoint, said).select_related("region", "premises")
    if "least_kva" in said:
        rows = rows.filter(contract_kva__gte=said["least_kva"])
    if "transformer" in said:
        rows = rows.filter(transformer_id=said["transformer"])
    return rows


def usage_point_row(row: UsagePoint, eyes: Eyes) -> UsagePointRow:
    """Return a usage point as a list shows it."""
    subject, premises = ("usagepoint", row.pk), row.premises
    return UsagePointRow(
        id=row.pk,
        number=eyes.show(subject, "number", row.number),
        customer_name=eyes.show(subject, "customer_name", row.customer_name),
        region=row.region.name_zh,
        region_code=row.region.code,
        address=eyes.show(("premises", premises.pk), "address", premises.address) if premises else "",
        tariff_class=row.tariff_class,
        voltage_kv=row.voltage_kv,
        contract_kva=row.contract_kva,
        transformer_id=row.transformer_id,
        opened_on=row.opened_on,
        closed_on=row.closed_on,
    )


def plant_rows(said: Said) -> "QuerySet[Plant]":
    """Return power plants by region and text."""
    return _holding(_live(Plant, said).select_related("region"), said, "number", "name")


def plant_row(row: Plant, _eyes: Eyes) -> PlantRow:
    """Return a plant as a list shows it."""
    place = row.region
    return PlantRow(row.pk, row.number, row.name, place.name_zh, place.code, row.kind, row.capacity_mw)


def line_rows(said: Said) -> "QuerySet[Line]":
    """Return network lines by region."""
    return _live(Line, said).select_related("region", "carrier")


def line_row(row: Line, eyes: Eyes) -> LineRow:
    """Return a line as a list shows it."""
    subject = ("line", row.pk)
    return LineRow(
        id=row.pk,
        prefix=eyes.show(subject, "prefix", row.prefix),
        ports=f"{row.port_low}-{row.port_high}",
        region=row.region.name_zh,
        region_code=row.region.code,
        carrier=row.carrier.name_zh if row.carrier else "",
        holder_name=eyes.show(subject, "holder_name", row.holder_name),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


def _live(model: type[Any], said: Said, exact: Sequence[str] = ()) -> "QuerySet[Any]":
    """Return rows in scope that were not merged away, by region and by the fields of ``exact``."""
    rows = model.objects.filter(merged_into=None, **{name: said[name] for name in exact if name in said})
    if "region" in said:
        region = region_by_code(said["region"])
        rows = rows.filter(region__path__startswith=region.path) if region else rows.none()
    return rows


def _holding(rows: "QuerySet[Any]", said: Said, key: str, name: str) -> "QuerySet[Any]":
    """Keep rows whose key begins with the text, or whose name holds it."""
    return holding(rows, said["text"], key, name) if "text" in said else rows
