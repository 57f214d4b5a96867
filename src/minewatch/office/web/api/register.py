"""Operations on the register: sites, enterprises, usage points, plants, lines, inventories, search."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema

from minewatch.office.register import inventory, lists
from minewatch.office.register.history import FieldHistory, history
from minewatch.office.register.lists import EnterpriseRow, LineRow, PlantRow, SiteRow, UsagePointRow
from minewatch.office.register.models import Enterprise, Line, Plant, Registered, Site, UsagePoint
from minewatch.office.register.search import Hit, search
from minewatch.office.register.selectors import SitePage, files_of, live, site_by_code, site_page
from minewatch.office.web.api.doors import Asked, Bearer, Clear, Code, Number, Page, Text, eyes, page

router = Router(tags=["register"])
SEE, HISTORY = Bearer("register.see_things"), Bearer("register.see_history")


class InRegion(Asked):
    """Filter by region: its code, of GB/T 2260; what lies below it is in it."""

    region: Code | None = None


class SitesAsked(InRegion):
    """Filters of sites."""

    text: Text | None = Field(None, description="Beginning of a code, or part of a name")
    state: Literal[tuple(Site.State.values)] | None = None  # type: ignore[valid-type]
    phase: Literal[tuple(Site.Phase.values)] | None = None  # type: ignore[valid-type]
    kind: Literal[tuple(Site.Kind.values)] | None = None  # type: ignore[valid-type]
    least_kw: float | None = Field(None, ge=0, le=1e9, allow_inf_nan=False)
    seen_since: datetime | None = None


class EnterprisesAsked(InRegion):
    """Filters of enterprises."""

    text: Text | None = Field(None, description="Beginning of a credit code, or part of a name")
    credit_class: Literal[tuple(Enterprise.CreditClass.values)] | None = None  # type: ignore[valid-type]


class UsagePointsAsked(InRegion):
    """Filters of usage points."""

    least_kva: float | None = Field(None, ge=0, le=1e9, allow_inf_nan=False)
    transformer: Text | None = None


class PlantsAsked(InRegion):
    """Filters of power plants."""

    text: Text | None = Field(None, description="Beginning of a number, or part of a name")


class Kind(StrEnum):
    """Kinds of things that have a history."""

    ENTERPRISES = "enterprises"
    USAGE_POINTS = "usage-points"
    PLANTS = "plants"
    LINES = "lines"


class Phase(StrEnum):
    """The two inventories of the notice."""

    OPERATING = "operating"
    CONSTRUCTION = "construction"


class SearchAsked(Clear):
    """What is searched for."""

    text: Text = Field(description="Name, code, 户号, address or prefix, wallet; at least two characters")


class InventoryColumn(Schema):
    """A column of an inventory: ``holds`` text, number, share, day or time."""

    name: str
    title: str
    holds: str


_ROWS: Mapping[Kind, tuple[type[Registered], Callable[[Any, Any], Any]]] = {
    Kind.ENTERPRISES: (Enterprise, lists.enterprise_row),
    Kind.USAGE_POINTS: (UsagePoint, lists.usage_point_row),
    Kind.PLANTS: (Plant, lists.plant_row),
    Kind.LINES: (Line, lists.line_row),
}


def _things(
    request: HttpRequest, asked: Asked, rows: Callable[[Any], Any], row: Callable[[Any, Any], Any]
) -> Page[Any]:
    seen_by = eyes(request, asked.purpose)
    return page(request, asked, rows, lambda found: [row(one, seen_by) for one in found])


@router.get("/sites", auth=SEE, response=Page[SiteRow])
def sites(request: HttpRequest, asked: Query[SitesAsked]) -> Page[Any]:
    """List the sites in the token's region."""
    return _things(request, asked, lists.site_rows, lists.site_row)


@router.get("/sites/{code}", auth=SEE, response=SitePage)
def site(request: HttpRequest, code: Code, asked: Query[Clear]) -> SitePage:
    """Return a site with all that hangs on it; one that was merged leads to the one that is kept."""
    found = site_page(code, eyes(request, asked.purpose))
    if found is None:
        raise Http404(code)
    return replace(found, files=files_of("site", found.id))


@router.get("/sites/{code}/history", auth=HISTORY, response=list[FieldHistory])
def site_history(request: HttpRequest, code: Code, asked: Query[Clear]) -> list[FieldHistory]:
    """Return for each field of a site who said what and when, newest first, and where sources disagree."""
    found = site_by_code(code)
    if found is None:
        raise Http404(code)
    return history("site", found.pk, eyes(request, asked.purpose))


@router.get("/enterprises", auth=SEE, response=Page[EnterpriseRow])
def enterprises(request: HttpRequest, asked: Query[EnterprisesAsked]) -> Page[Any]:
    """List the enterprises in the token's region."""
    return _things(request, asked, lists.enterprise_rows, lists.enterprise_row)


@router.get("/usage-points", auth=SEE, response=Page[UsagePointRow])
def usage_points(request: HttpRequest, asked: Query[UsagePointsAsked]) -> Page[Any]:
    """List the usage points in the token's region."""
    return _things(request, asked, lists.usage_point_rows, lists.usage_point_row)


@router.get("/plants", auth=SEE, response=Page[PlantRow])
def plants(request: HttpRequest, asked: Query[PlantsAsked]) -> Page[Any]:
    """List the power plants in the token's region."""
    return _things(request, asked, lists.plant_rows, lists.plant_row)


@router.get("/lines", auth=SEE, response=Page[LineRow])
def lines(request: HttpRequest, asked: Query[InRegion]) -> Page[Any]:
    """List the network lines in the token's region."""
    return _things(request, asked, lists.line_rows, lists.line_row)


def _one(request: HttpRequest, kind: Kind, number: int, purpose: str | None) -> Any:
    model, row = _ROWS[kind]
    found = live(model).filter(pk=number).first()
    if found is None:
        raise Http404(str(number))
    return row(found, eyes(request, purpose))


@router.get("/enterprises/{number}", auth=SEE, response=EnterpriseRow)
def enterprise(request: HttpRequest, number: Number, asked: Query[Clear]) -> EnterpriseRow:
    """Return an enterprise by its number in the office."""
    return _one(request, Kind.ENTERPRISES, number, asked.purpose)


@router.get("/usage-points/{number}", auth=SEE, response=UsagePointRow)
def usage_point(request: HttpRequest, number: Number, asked: Query[Clear]) -> UsagePointRow:
    """Return a usage point by its number in the office (not its 户号)."""
    return _one(request, Kind.USAGE_POINTS, number, asked.purpose)


@router.get("/plants/{number}", auth=SEE, response=PlantRow)
def plant(request: HttpRequest, number: Number, asked: Query[Clear]) -> PlantRow:
    """Return a power plant by its number in the office."""
    return _one(request, Kind.PLANTS, number, asked.purpose)


@router.get("/lines/{number}", auth=SEE, response=LineRow)
def line(request: HttpRequest, number: Number, asked: Query[Clear]) -> LineRow:
    """Return a network line by its number in the office."""
    return _one(request, Kind.LINES, number, asked.purpose)


@router.get("/{kind}/{number}/history", auth=HISTORY, response=list[FieldHistory])
def thing_history(
    request: HttpRequest, kind: Kind, number: Number, asked: Query[Clear]
) -> list[FieldHistory]:
    """Return for each field of a thing who said what and when, newest first."""
    model, _row = _ROWS[kind]
    if not live(model).filter(pk=number).exists():
        raise Http404(str(number))
    return history(str(model._meta.model_name), number, eyes(request, asked.purpose))


@router.get("/inventories/{phase}", auth=SEE, response=Page[dict[str, Any]])
def inventory_rows(request: HttpRequest, phase: Phase, asked: Query[InRegion]) -> Page[Any]:
    """List an inventory, of what operates or is under construction, with the notice's columns."""
    seen_by = eyes(request, asked.purpose)
    names = [column.name for column in inventory.columns(phase)]

    def present(found: Sequence[Any]) -> list[dict[str, Any]]:
        return [{name: row[name] for name in names} for row in inventory.rows(found, seen_by)]

    return page(request, asked, lambda said: lists.site_rows({**said, "phase": str(phase)}), present)


@router.get("/inventories/{phase}/columns", auth=SEE, response=list[InventoryColumn])
def inventory_columns(request: HttpRequest, phase: Phase) -> list[InventoryColumn]:  # noqa: ARG001
    """Return what the columns of an inventory are called and hold."""
    return [
        InventoryColumn(name=one.name, title=str(one.title), holds=one.holds)
        for one in inventory.columns(phase)
    ]


@router.get("/search", auth=SEE, response=list[Hit])
def find(request: HttpRequest, asked: Query[SearchAsked]) -> list[Hit]:
    """Search the register: up to twenty things of each kind, sites first."""
    return search(asked.text, eyes(request, asked.purpose))
