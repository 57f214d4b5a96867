"""The work queue, the page of a case, and what is done with many cases at once."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from minewatch.office.platform.models import Agency
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register.selectors import site_by_code
from minewatch.office.verify import duties, selectors
from minewatch.office.verify.batches import BatchGiven, issue
from minewatch.office.verify.handing import hand_over_many
from minewatch.office.verify.models import Batch, Case
from minewatch.office.verify.reminders import note_seen
from minewatch.office.verify.services import open_case
from minewatch.office.web.asking import Question, ask
from minewatch.office.web.cases.forms import BatchForm, HandOverForm, OpenForm
from minewatch.office.web.cases.verbs import offered, offered_with
from minewatch.office.web.doors import by, permitted


@permitted("verify.see_cases")
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Show what the account's agency, or one below its region (``agency``), has to do."""
    who = by(request)
    own = who.user.agency if who.user else None
    code, span = request.GET.get("agency", ""), request.GET.get("due", "")
    agency = duties.agency_in_scope(code) if code else own
    if agency is None and code:
        raise Http404(code)
    other = agency.pk if agency and agency != own else None
    found = selectors.queue_of(who, other, duties.due_within(span, who.at))
    items = [(item, offered_with(item, item.agency_id, who)) for item in found.items]
    context = {"queue": found, "items": items, "agency": agency, "is_own": other is None, "span": span}
    return render(request, "web/cases/queue.html", context | {"spans": _spans(agency, who)})


def _spans(agency: Agency | None, who: By) -> list[tuple[str, Any, int]]:
    if agency is None:
        return []
    owed = duties.duties_of(agency, who.at)
    return [
        ("", _("All"), owed.open),
        ("late", _("Overdue"), owed.late),
        ("soon", _("Within a week"), owed.soon),
    ]


@permitted("verify.see_cases")
@require_POST
def notices_seen(request: HttpRequest) -> HttpResponse:
    """Take the agency's notices off its queue."""
    note_seen(by(request))
    return redirect("queue")


@permitted("verify.see_cases")
@require_safe
def case(request: HttpRequest, number: str) -> HttpResponse:
    """Show a case."""
    who = by(request)
    page = selectors.case_page(number, who.at)
    if page is None:
        raise Http404(number)
    return render(request, "web/cases/case.html", case_context(page, who))


def case_context(page: selectors.CasePage, who: By) -> dict[str, Any]:
    """Return what the page of a case shows to who looks, with what may be done."""
    open_now = [(row, offered_with(row, page.holder_id, who)) for row in page.open]
    return {"case": page, "verbs": offered(page, who), "open_now": open_now}


@permitted("verify.work_cases")
@require_http_methods(["GET", "POST"])
def case_new(request: HttpRequest) -> HttpResponseBase:
    """Open the case of a site."""
    who = by(request)
    form = OpenForm(request.POST or None, initial={"site": request.GET.get("site", "")})

    def act(said: dict[str, Any]) -> str:
        site = site_by_code(said["site"])
        if site is None:
            raise Refused("site_unknown", code=said["site"])
        return reverse("case", args=[open_case(site, _agency(who), said["words"], who).number])

    return ask(request, Question(_("Open a case"), _("Open the case"), reverse("cases")), form, act)


@permitted("verify.work_cases")
@require_POST
def cases_hand_over(request: HttpRequest) -> HttpResponseBase:
    """Hand over the cases that were ticked: asks to whom first."""
    who = by(request)
    ids = [int(one) for one in request.POST.getlist("ids") if one.isdigit() and len(one) < 19]
    cases = list(Case.objects.filter(pk__in=ids).order_by("pk"))
    is_answer = "words" in request.POST
    form = HandOverForm(request.POST if is_answer else None, ids=[case.pk for case in cases])

    def act(said: dict[str, Any]) -> str:
        hand_over_many([case.pk for case in cases], said["agency"], said["words"], who)
        return reverse("works")

    note = _("%(number)s cases are handed over one by one; the long work shows how far it is.")
    question = Question(_("Hand over"), _("Hand over"), reverse("cases"), note % {"number": len(cases)})
    return ask(request, question, form, act)


@permitted("verify.issue_batches")
@require_http_methods(["GET", "POST"])
def batch_new(request: HttpRequest) -> HttpResponseBase:
    """Issue a batch."""
    who = by(request)

    def act(said: dict[str, Any]) -> str:
        given = BatchGiven(said["number"], said["title"], said["kind"], said["codes"].split())
        return reverse("batch", args=[issue(given, who).number])

    question = Question(_("Issue a batch"), _("Issue"), reverse("batches"))
    return ask(request, question, BatchForm(request.POST or None), act)


@permitted("verify.see_cases")
@require_safe
def batch(request: HttpRequest, number: str) -> HttpResponse:
    """Show a batch: how far it is, and its cases."""
    who = by(request)
    row = Batch.objects.select_related("agency").filter(number=number).first()
    if row is None:
        raise Http404(number)
    context = {"batch": selectors.present_batches([row], who.at)[0], "states": selectors.states_of_batch(row)}
    return render(request, "web/cases/batch.html", context)


def _agency(who: By) -> Agency:
    agency = who.user.agency if who.user else None
    if agency is None:
        raise Refused("agency_unknown", code="")
    return agency
