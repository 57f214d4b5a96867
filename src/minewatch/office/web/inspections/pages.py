"""Pages of a single inspection, of an inspector, a plan and a draw, and of the own inspections."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from minewatch.office.platform.models import User
from minewatch.office.platform.services import By
from minewatch.office.verify.inspections import planned, selectors, services
from minewatch.office.verify.inspections.models import Draw, Inspection, Plan
from minewatch.office.verify.inspections.publishing import RESULTS
from minewatch.office.verify.inspections.selectors import InspectionPage
from minewatch.office.web.doors import by, permitted
from minewatch.office.web.inspections.lists import STATE_COLOURS
from minewatch.office.web.panels import OverviewPanel, Panel

_SEE = "inspections.see_inspections"


class Step(NamedTuple):
    """Something that can be done: words on its button, address, colour."""

    title: str | Promise
    address: str
    colour: str = ""


@permitted(_SEE)
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """Show the account's own inspections, what it was told, and orders of its agency without a team."""
    return render(request, "web/inspections/mine.html", _mine(by(request)))


@permitted(_SEE)
@require_POST
def notifications_seen(request: HttpRequest) -> HttpResponse:
    """Take off what the account was told."""
    services.note_seen(by(request))
    return redirect("inspections_mine")


def _mine(who: By) -> dict[str, Any]:
    assert who.user is not None  # noqa: S101 - pages are for accounts
    rows = list(selectors.inspections_of(who.user)[:100])
    waiting = selectors.orders_without_team(who.user.agency_id)
    return {
        "rows": selectors.present(rows, who.at),
        "told": selectors.notifications_of(who),
        "waiting": waiting if who.user.has_perm("verify.do_orders") else [],
    }


@permitted(_SEE)
@require_safe
def inspection(request: HttpRequest, number: str) -> HttpResponse:
    """Show an inspection: who goes, what it brought, who signed, what is published."""
    who = by(request)
    page = selectors.inspection_page(number, who.at)
    if page is None:
        raise Http404(number)
    context = {
        "page": page,
        "colour": STATE_COLOURS[page.row.state],
        "verbs": list(_offered(page, who)),
        "results": RESULTS,
    }
    return render(request, "web/inspections/inspection.html", context)


def _offered(page: InspectionPage, who: By) -> Iterator[Step]:
    """Yield what an account may do with an inspection now."""
    user = who.user
    assert user is not None  # noqa: S101 - pages are for accounts
    is_agency, is_holder = user.agency_id == page.agency_id, user.agency_id == page.holder_id
    state, done = page.row.state, Inspection.State.DONE
    if state in (Inspection.State.PLANNED, Inspection.State.UNDER_WAY):
        yield from _writings(page, user)
    if state == Inspection.State.UNDER_WAY:
        if _may_sign(page, user):
            yield _step(page, "sign", _("Sign"), "primary")
        if is_agency and page.is_signed and user.has_perm("inspections.carry_out"):
            yield _step(page, "complete", _("Complete"), "primary")
    if state not in (done, Inspection.State.CANCELLED) and (is_agency or is_holder):
        yield from _changes(page, user)
    is_owing = user.agency_id == (page.owing_id or page.holder_id)
    if state == done and is_owing and user.has_perm("inspections.publish_results"):
        name = "correct" if page.published else "publish"
        yield _step(page, name, _("Correct") if page.published else _("Publish the result"), "primary")


def _writings(page: InspectionPage, user: User) -> Iterator[Step]:
    """Yield how one of the team writes: on the phone, from a file, by bringing sheets together."""
    if user.pk not in {one.user_id for one in page.people} or not user.has_perm("inspections.carry_out"):
        return
    number = [page.row.number]
    if any(sheet.is_open_conflict for sheet in page.sheets):
        yield Step(_("Bring sheets together"), reverse("sheets_join", args=number), "primary")
    yield Step(_("On the phone"), reverse("field_inspection", args=number))
    yield Step(_("Machines from a file"), reverse("sheet_new_machines", args=number))


def _changes(page: InspectionPage, user: User) -> Iterator[Step]:
    if not user.has_perm("inspections.plan_inspections"):
        return
    if page.row.state == Inspection.State.PLANNED:
        yield _step(page, "postpone", _("Postpone"))
        yield _step(page, "replace", _("Replace an inspector"))
    yield _step(page, "cancel", _("Cancel the inspection"))


def _may_sign(page: InspectionPage, user: User) -> bool:
    signing = {one.user_id: one.pk for one in page.people[:2]}
    return bool(page.sheets) and user.pk in signing and signing[user.pk] not in page.signed


def _step(page: InspectionPage, name: str, title: str | Promise, colour: str = "") -> Step:
    return Step(title, reverse(f"inspection_{name}", args=[page.row.number]), colour)


@permitted(_SEE)
@require_safe
def inspector(request: HttpRequest, number: int) -> HttpResponse:
    """Show an inspector with what the person keeps away from."""
    who = by(request)
    found = selectors.inspector_by_id(number)
    if found is None:
        raise Http404(number)
    user = who.user
    assert user is not None  # noqa: S101 - pages are for accounts
    is_agency = user.agency_id == found.agency_id
    keeps = is_agency and user.has_perm("inspections.keep_inspectors")
    declares = (is_agency or user.pk == found.user_id) and user.has_perm("inspections.declare_recusals")
    context = {
        "row": selectors.present_inspectors([found])[0],
        "recusals": selectors.recusals_of(found) if is_agency else [],
        "is_agency": is_agency,
        "keeps": keeps,
        "declares": declares,
        "ends": keeps and user.pk != found.user_id,
    }
    return render(request, "web/inspections/inspector.html", context)


@permitted(_SEE)
@require_safe
def plan(request: HttpRequest, number: str) -> HttpResponse:
    """Show a plan: the ways, and of each case why it is in or out."""
    found = planned.plan_by_number(number)
    if found is None:
        raise Http404(number)
    page, user = planned.plan_page(found), by(request).user
    assert user is not None  # noqa: S101 - pages are for accounts
    may = user.agency_id == page.agency_id and user.has_perm("inspections.plan_inspections")
    context = {
        "page": page,
        "colour": STATE_COLOURS[page.row.state],
        "may": may and page.row.state == Plan.State.DRAFT,
    }
    return render(request, "web/inspections/plan.html", context)


@permitted(_SEE)
@require_safe
def draw(request: HttpRequest, number: str) -> HttpResponse:
    """Show a draw with whose tokens they are."""
    who = by(request)
    found = planned.draw_by_number(number)
    if found is None:
        raise Http404(number)
    page, user = planned.draw_page(found, who.at), who.user
    assert user is not None  # noqa: S101 - pages are for accounts
    may = user.agency_id == page.agency_id and user.has_perm("inspections.draw_inspections")
    is_open = page.row.state == Draw.State.ANNOUNCED
    context = {
        "page": page,
        "colour": STATE_COLOURS[page.row.state],
        "may_end": may and is_open,
        "may_draw": may and is_open and page.row.is_late and user.pk != page.announced_by_id,
        "may_send": may and page.row.state == Draw.State.DRAWN and not page.is_sent,
    }
    return render(request, "web/inspections/draw.html", context)


def _of_site(site_id: int, who: By) -> dict[str, Any]:
    rows = list(selectors.inspection_rows({"site": site_id}).order_by("-planned_for", "-pk")[:20])
    return {"rows": selectors.present(rows, who.at)}


def _of_account(who: By) -> dict[str, Any]:
    return _mine(who)


PANEL = Panel("inspections", _("Inspections"), "web/inspections/site_panel.html", _of_site, _SEE)
MINE = OverviewPanel(
    "inspections",
    _("My inspections"),
    "web/inspections/overview_panel.html",
    _of_account,
    "inspections.carry_out",
)
