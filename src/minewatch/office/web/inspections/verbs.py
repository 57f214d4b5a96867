"""What can be done with inspections, inspectors, plans and draws: each a form page and its service."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from minewatch.office.platform.services import By
from minewatch.office.verify.inspections import (
    draws,
    inspectors,
    planned,
    plans,
    publishing,
    selectors,
    services,
)
from minewatch.office.verify.inspections.models import Draw, Inspection, Inspector, Plan, Recusal, Sheet
from minewatch.office.verify.inspections.routing import Place, Terms
from minewatch.office.verify.models import Order
from minewatch.office.web.asking import Question, ask
from minewatch.office.web.doors import by, permitted
from minewatch.office.web.forms import OfficeForm
from minewatch.office.web.inspections import forms

_CARRY, _PLAN, _DRAW = "inspections.carry_out", "inspections.plan_inspections", "inspections.draw_inspections"
_KEEP, _DECLARE, _PUBLISH = (
    "inspections.keep_inspectors",
    "inspections.declare_recusals",
    "inspections.publish_results",
)
_EITHER = require_http_methods(["GET", "POST"])
_OF_HASH = 16  # digits that are shown of a hash whose whole stands on the page before
_TERMS = ("day_hours", "inspector_hours", "kilometres", "speed_kmh", "detour")


@permitted("verify.do_orders")
@_EITHER
def appoint(request: HttpRequest, number: int) -> HttpResponseBase:
    """Name the team and the day for an order of the account's agency; where that is done, go to its page."""
    found = Order.objects.select_related("case__site", "agency").filter(pk=number).first()
    if found is None:
        raise Http404(number)
    made = selectors.inspection_of_order(found.pk)
    if made is not None:
        return redirect("inspection", made.number)

    def act(said: dict[str, Any]) -> str:
        visit = services.Visit(said["day"], said["lead"], said["second"], tuple(said["companions"]))
        return _page(services.appoint(found, visit, by(request)))

    note = f"{found.case.number} {found.case.site.name}"
    question = Question(_("Name the inspectors"), _("Send"), reverse("inspections_mine"), note)
    return ask(request, question, forms.AppointForm(request.POST or None, by=by(request)), act)


@permitted(_CARRY)
@_EITHER
def sign(request: HttpRequest, number: str) -> HttpResponseBase:
    """Sign what was written down last."""
    found = _inspection(number)
    newest = services.newest_sheet(found)
    shown = _shown_revision(request, newest)

    def act(_said: dict[str, Any]) -> str:
        services.sign(_sheet(found, shown), by(request))
        return _page(found)

    note = _("I was at the site, and revision %(revision)s (SHA-256 %(sha256)s) says what was found there.")
    content = newest.content_sha256[:_OF_HASH] if newest else ""
    question = Question(_("Sign"), _("Sign"), _page(found), note % {"revision": shown, "sha256": content})
    return ask(request, question, forms.RevisionForm(request.POST or None, initial={"revision": shown}), act)


@permitted(_CARRY)
@_EITHER
def complete(request: HttpRequest, number: str) -> HttpResponseBase:
    """End an inspection that both inspectors signed."""
    found = _inspection(number)

    def act(said: dict[str, Any]) -> str:
        given = services.Completion(said["verdict"], said["words"], said["power_kw"], said["machines"])
        return _page(services.complete(found, given, by(request)))

    note = _("The order is done, the site is judged, and its machines are counted in the register.")
    form = forms.CompleteForm(request.POST or None, initial=services.proposal(found))
    return ask(request, Question(_("Complete the inspection"), _("Complete"), _page(found), note), form, act)


@permitted(_PLAN)
@_EITHER
def postpone(request: HttpRequest, number: str) -> HttpResponseBase:
    """Put an inspection off."""
    found = _inspection(number)

    def act(said: dict[str, Any]) -> str:
        return _page(services.postpone(found, said["day"], said["words"], by(request)))

    form = forms.PostponeForm(request.POST or None)
    return ask(request, Question(_("Postpone"), _("Postpone"), _page(found), found.number), form, act)


@permitted(_PLAN)
@_EITHER
def replace(request: HttpRequest, number: str) -> HttpResponseBase:
    """Send another inspector."""
    found = _inspection(number)

    def act(said: dict[str, Any]) -> str:
        who = by(request)
        return _page(services.replace_inspector(found, said["gone"], said["comes"], said["words"], who))

    form = forms.ReplaceForm(request.POST or None, by=by(request), inspection=found)
    question = Question(_("Replace an inspector"), _("Replace"), _page(found), found.number)
    return ask(request, question, form, act)


@permitted(_PLAN)
@_EITHER
def cancel(request: HttpRequest, number: str) -> HttpResponseBase:
    """Cancel an inspection with its order."""
    found = _inspection(number)

    def act(said: dict[str, Any]) -> str:
        return _page(services.cancel(found, said["words"], by(request)))

    note = _("The order is returned or withdrawn with it.")
    question = Question(_("Cancel the inspection"), _("Cancel the inspection"), _page(found), note)
    return ask(request, question, forms.WordsForm(request.POST or None), act)


@permitted(_PUBLISH)
@_EITHER
def publish(request: HttpRequest, number: str) -> HttpResponseBase:
    """Publish the result of an inspection, once it was seen what becomes public."""
    found = _inspection(number)

    def act(_said: dict[str, Any]) -> str:
        publishing.publish(found, by(request))
        return _page(found)

    note = _public(found)
    question = Question(_("Publish the result"), _("Publish"), _page(found), note)
    return ask(request, question, forms.EmptyForm(request.POST if request.method == "POST" else None), act)


@permitted(_PUBLISH)
@_EITHER
def correct(request: HttpRequest, number: str) -> HttpResponseBase:
    """Publish a correction."""
    found = _inspection(number)

    def act(said: dict[str, Any]) -> str:
        publishing.correct(found, said["words"], by(request))
        return _page(found)

    question = Question(_("Correct the published result"), _("Publish"), _page(found), _public(found))
    return ask(request, question, forms.PublicWordsForm(request.POST or None), act)


@permitted(_KEEP)
@_EITHER
def inspector_new(request: HttpRequest) -> HttpResponseBase:
    """Enter an inspector."""
    who = by(request)

    def act(said: dict[str, Any]) -> str:
        given = inspectors.InspectorGiven(**said | {"qualifications": tuple(said["qualifications"])})
        return reverse("inspector", args=[inspectors.enter(given, who).pk])

    note = _("Accounts of your agency with the role of inspector are offered.")
    question = Question(_("Enter an inspector"), _("Enter"), reverse("inspectors"), note)
    return ask(request, question, forms.InspectorForm(request.POST or None, by=who), act)


@permitted(_KEEP)
@_EITHER
def inspector_retire(request: HttpRequest, number: int) -> HttpResponseBase:
    """End the entry of an inspector."""
    found = _inspector(number)
    back = reverse("inspector", args=[found.pk])

    def act(said: dict[str, Any]) -> str:
        inspectors.retire(found, said["on"], by(request))
        return back

    question = Question(_("End the entry"), _("End"), back, str(found))
    return ask(request, question, forms.RetireForm(request.POST or None), act)


@permitted(_DECLARE)
@_EITHER
def recusal_new(request: HttpRequest, number: int) -> HttpResponseBase:
    """Declare what an inspector keeps away from."""
    found = _inspector(number)
    back = reverse("inspector", args=[found.pk])

    def act(said: dict[str, Any]) -> str:
        inspectors.recuse(found, said["thing"], said["words"], by(request))
        return back

    question = Question(_("Declare a recusal"), _("Declare"), back, str(found))
    return ask(request, question, forms.RecusalForm(request.POST or None), act)


@permitted(_KEEP)
@_EITHER
def recusal_end(request: HttpRequest, number: int) -> HttpResponseBase:
    """End a recusal."""
    found: Recusal | None = selectors.recusal_by_id(number)
    if found is None:
        raise Http404(number)
    back = reverse("inspector", args=[found.inspector_id])

    def act(said: dict[str, Any]) -> str:
        inspectors.end_recusal(found, said["words"], by(request))
        return back

    question = Question(_("End the recusal"), _("End"), back, found.reason)
    return ask(request, question, forms.WordsForm(request.POST or None), act)


@permitted(_PLAN)
@_EITHER
def complaint_new(request: HttpRequest) -> HttpResponseBase:
    """Note a complaint about a site."""

    def act(said: dict[str, Any]) -> str:
        inspectors.note_complaint(inspectors.ComplaintGiven(**said), by(request))
        return reverse("complaints")

    form = forms.ComplaintForm(request.POST or None, initial={"site": request.GET.get("site", "")})
    note = _("It raises the weight of the site in draws for twelve months. Do not name who complained.")
    return ask(request, Question(_("Note a complaint"), _("Note"), reverse("complaints"), note), form, act)


@permitted(_PLAN)
@_EITHER
def plan_new(request: HttpRequest) -> HttpResponseBase:
    """Make a plan."""
    who = by(request)

    def act(said: dict[str, Any]) -> str:
        terms = Terms(Place(said["lon"], said["lat"]), **{name: said[name] for name in _TERMS})
        chosen = list(said["inspectors"])
        given = plans.PlanGiven(
            said["title"], chosen, said["first_day"], said["days"], terms, said["visit_h"]
        )
        return reverse("plan", args=[plans.make(given, who).number])

    agency = who.user.agency_id if who.user else None
    form = forms.PlanForm(request.POST or None, by=who, initial=planned.start_of(agency))
    note = _(
        "It chooses among the cases that your agency holds and that wait for their inspection. A visit is "
        "worth probability × power × 24 h. Nothing is ordered yet."
    )
    return ask(request, Question(_("Make a plan"), _("Make"), reverse("plans"), note), form, act)


@permitted(_PLAN)
@_EITHER
def plan_issue(request: HttpRequest, number: str) -> HttpResponseBase:
    """Give the orders of a plan."""
    return _with_plan(request, number, _("Issue the plan"), forms.OrderWordsForm, plans.issue)


@permitted(_PLAN)
@_EITHER
def plan_drop(request: HttpRequest, number: str) -> HttpResponseBase:
    """Drop a plan."""
    return _with_plan(request, number, _("Drop the plan"), forms.WordsForm, plans.drop)


def _with_plan(
    request: HttpRequest,
    number: str,
    title: str | Promise,
    form: type[OfficeForm],
    do: Callable[[Plan, str, By], object],
) -> HttpResponseBase:
    found = planned.plan_by_number(number)
    if found is None:
        raise Http404(number)
    back = reverse("plan", args=[found.number])

    def act(said: dict[str, Any]) -> str:
        do(found, said["words"], by(request))
        return back

    question = Question(title, title, back, f"{found.number} {found.title}")
    return ask(request, question, form(request.POST or None), act)


@permitted(_DRAW)
@_EITHER
def draw_new(request: HttpRequest) -> HttpResponseBase:
    """Announce a draw."""
    who = by(request)

    def act(said: dict[str, Any]) -> str:
        given = draws.DrawGiven(**said | {"inspectors": list(said["inspectors"])})
        return reverse("draw", args=[draws.announce(given, who).number])

    note = _(
        "The list of cases and inspectors is fixed now and published without names; the draw follows from it "
        "and from a public number that is not out yet."
    )
    question = Question(_("Announce a draw"), _("Announce"), reverse("draws"), note)
    return ask(request, question, forms.DrawForm(request.POST or None, by=who), act)


@permitted(_DRAW)
@_EITHER
def draw_carry_out(request: HttpRequest, number: str) -> HttpResponseBase:
    """Draw, with the public number as it came out."""
    found = _draw(number)
    back = reverse("draw", args=[found.number])

    def act(said: dict[str, Any]) -> str:
        draws.carry_out(found, said["value"], by(request))
        return back

    note = found.announced["randomness"]["source"]
    form = forms.NumberForm(request.POST or None)
    return ask(request, Question(_("Draw"), _("Draw"), back, note), form, act)


@permitted(_DRAW)
@_EITHER
def draw_abandon(request: HttpRequest, number: str) -> HttpResponseBase:
    """Give a draw up."""
    found = _draw(number)
    back = reverse("draw", args=[found.number])

    def act(said: dict[str, Any]) -> str:
        draws.abandon(found, said["words"], by(request))
        return back

    note = _("The draw stays public, with this reason and with its secret.")
    question = Question(_("Give the draw up"), _("Give up"), back, note)
    return ask(request, question, forms.PublicWordsForm(request.POST or None), act)


@permitted(_DRAW)
@_EITHER
def draw_send_out(request: HttpRequest, number: str) -> HttpResponseBase:
    """Give the orders for what was drawn."""
    found = _draw(number)
    back = reverse("draw", args=[found.number])

    def act(said: dict[str, Any]) -> str:
        sent = draws.send_out(found, said["first_day"], said["words"], by(request))
        for case, why in sent.left.items():
            messages.warning(request, f"{case}: {why}")
        return back

    note = _("Each inspector gets one visit a working day, in the order drawn.")
    form = forms.SendOutForm(request.POST or None)
    return ask(request, Question(_("Send out"), _("Send out"), back, note), form, act)


def _page(found: Inspection) -> str:
    return reverse("inspection", args=[found.number])


def _inspection(number: str) -> Inspection:
    found = selectors.inspection_by_number(number)
    if found is None:
        raise Http404(number)
    return found


def _inspector(number: int) -> Inspector:
    found = selectors.inspector_by_id(number)
    if found is None:
        raise Http404(number)
    return found


def _draw(number: str) -> Draw:
    found = planned.draw_by_number(number)
    if found is None:
        raise Http404(number)
    return found


def _shown_revision(request: HttpRequest, newest: Sheet | None) -> int:
    """Return the revision that the person was shown: the one posted, else the newest."""
    said = request.POST.get("revision", "")
    if said.isascii() and said.isdigit() and len(said) < 10:
        return int(said)
    return newest.revision if newest else 0


def _sheet(found: Inspection, revision: int) -> Sheet:
    sheet = Sheet.objects.filter(inspection=found, revision=revision).first()
    if sheet is None:
        raise Http404(revision)
    return sheet


def _public(found: Inspection) -> str:
    """Return in words what becomes public."""
    if found.state != Inspection.State.DONE:
        return ""
    said = publishing.content_of(found)
    about = said["object"]["name"] or str(_("nobody is named"))
    parts = (
        said["number"],
        said["agency"],
        said["region"],
        said["inspected_on"],
        about,
        said["object"]["uscc"],
    )
    words = " · ".join(part for part in (*parts, str(publishing.RESULTS[said["result"]])) if part)
    return str(_("Public: %(words)s")) % {"words": words}
