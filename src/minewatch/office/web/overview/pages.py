"""The overview of an account, the comparison of regions, and the long work it started."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from minewatch.office.platform.services import By
from minewatch.office.platform.work import works_of
from minewatch.office.register.overview import RegionFigures, by_region, by_week, figures, region_above
from minewatch.office.web.doors import by, permitted
from minewatch.office.web.panels import OVERVIEW, OverviewPanel

_WEEKS = 52


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the overview of the account; what it may see loads panel by panel."""
    return render(request, "web/overview/home.html", {"panels": list(_panels(request))})


def _panels(request: HttpRequest) -> list[OverviewPanel]:
    """Return the panels of an account; regions are compared where there are some below its own."""
    user = by(request).user
    is_leaf = bool(user and user.region and user.region.is_leaf())
    panels = [panel for panel in OVERVIEW if request.user.has_perm(panel.permission)]
    return [panel for panel in panels if not (is_leaf and panel.key == "regions")]


@require_safe
def overview_panel(request: HttpRequest, key: str) -> HttpResponse:
    """Show one panel of the overview, alone."""
    panel = next((panel for panel in OVERVIEW if panel.key == key), None)
    if panel is None:
        raise Http404(key)
    if not request.user.has_perm(panel.permission):
        raise PermissionDenied(panel.permission)
    context = {"panel": panel, **panel.context(by(request))}
    template = panel.template if request.htmx else "web/overview/panel_page.html"  # type: ignore[attr-defined]
    return render(request, template, context)


def figures_context(_who: By) -> dict[str, Any]:
    """Return the sites in scope in numbers."""
    return {"figures": figures()}


def weeks_context(who: By) -> dict[str, Any]:
    """Return the sites first seen and closed, week by week."""
    weeks = by_week(who.at, _WEEKS)
    chart = {
        "labels": [f"{week:%m-%d}" for week, _seen, _closed in weeks],
        "series": [
            {"name": _("First seen"), "values": [seen for _week, seen, _closed in weeks]},
            {"name": _("Closed"), "values": [closed for _week, _seen, closed in weeks]},
        ],
    }
    return {"weeks": weeks, "chart": chart}


def regions_context(_who: By) -> dict[str, Any]:
    """Return the regions right below the account's own that have sites, side by side."""
    above = region_above("")
    rows = by_region(above) if above else []
    return {"rows": [row for row in rows if row.figures.sites]}


@permitted("register.see_things")
@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Compare the regions right below one."""
    above = region_above(request.GET.get("region", ""))
    if above is None:
        raise Http404("region")
    rows = by_region(above)
    context = {"above": above, "rows": rows, "chart": _power_chart(rows), "top": region_above("")}
    return render(request, "web/overview/compare.html", context)


def _power_chart(rows: list[RegionFigures]) -> dict[str, Any]:
    values = [round(row.figures.power_kw, 1) for row in rows]
    return {"labels": [row.name for row in rows], "series": [{"name": _("Power (kW)"), "values": values}]}


@require_safe
def works(request: HttpRequest) -> HttpResponse:
    """Show the long work that the account started; asks again while some of it runs."""
    found = works_of(by(request).user)
    context = {"works": found, "is_running": any(work.is_running for work in found)}
    is_part = request.htmx and not request.htmx.boosted  # type: ignore[attr-defined]
    return render(request, "web/overview/works_table.html" if is_part else "web/overview/works.html", context)
