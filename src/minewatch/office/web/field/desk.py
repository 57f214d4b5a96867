"""Sheets on the desktop: machines of a file are added after a look, sheets are brought together."""

from datetime import datetime
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from minewatch.office.platform.refusals import Refused
from minewatch.office.register.files import FileGiven, keep_file
from minewatch.office.verify.inspections.checklist import answer_in_words
from minewatch.office.verify.inspections.counting import Counted, add_counts, counted
from minewatch.office.verify.inspections.joining_sheets import beside, join
from minewatch.office.verify.inspections.models import Inspection
from minewatch.office.verify.inspections.selectors import inspection_by_number
from minewatch.office.verify.inspections.sheets import refuse_others
from minewatch.office.verify.models import Judgement
from minewatch.office.web.asking import Question, ask
from minewatch.office.web.doors import by, permitted
from minewatch.office.web.forms import OfficeForm

_CARRY_OUT = "inspections.carry_out"
_MOST_TOLD = 200
_TITLES = {
    "verdict": _("What it is"),
    "words": _("In words"),
    "place": _("Place"),
    "arrived_at": _("Arrived"),
    "left_at": _("Left"),
}


class ExportForm(OfficeForm):
    """A file of machines."""

    file = forms.FileField(label=_("File"))


class SureForm(OfficeForm):
    """Nothing is asked; the page shows what a file holds."""

    def __init__(self, *args: Any, found: Counted, **named: Any) -> None:
        super().__init__(*args, **named)
        self.found = found
        self.began = found.scan and datetime.fromisoformat(found.scan["began_at"])
        self.troubles = [*found.export.refused, *found.export.notes][:_MOST_TOLD]


@permitted(_CARRY_OUT)
@require_http_methods(["GET", "POST"])
def machines_new(request: HttpRequest, number: str) -> HttpResponse:
    """Keep an export or a scan as evidence of an inspection; what it holds is looked at next."""
    inspection = _own(request, number)

    def act(said: dict[str, Any]) -> str:
        named = FileGiven(
            said["file"].name, ("inspection", inspection.pk), inspection.case.site.region, "machines"
        )
        kept = keep_file(said["file"].chunks(), named, by(request))
        counted(inspection, kept.pk)
        return reverse("sheet_machines", args=[inspection.number, kept.pk])

    question = Question(
        title=_("Machines of %(number)s from a file") % {"number": inspection.number},
        button=_("Look at it"),
        back=reverse("inspection", args=[inspection.number]),
        note=_(
            "An export of the site's miner management (CSV, XLSX, JSON; UTF-8 or GBK) or the record of a "
            "scan of its network. The file is kept as evidence; nothing is counted yet."
        ),
        done=_("The file is kept. Look at what it holds, then add it."),
    )
    form = ExportForm(request.POST, request.FILES) if request.method == "POST" else ExportForm()
    return ask(request, question, form, act)


@permitted(_CARRY_OUT)
@require_http_methods(["GET", "POST"])
def machines_check(request: HttpRequest, number: str, file: int) -> HttpResponse:
    """Show the machines of a file by model, and what was wrong with its rows; add them to the sheet."""
    inspection = _own(request, number)
    back = reverse("inspection", args=[inspection.number])
    try:
        found = counted(inspection, file)
    except Refused as refusal:
        raise Http404(str(refusal)) from refusal

    def act(_said: dict[str, Any]) -> str:
        add_counts(inspection, file, by(request))
        return back

    question = Question(
        title=_("Machines of %(number)s from a file") % {"number": inspection.number},
        button=_("Add to the sheet"),
        back=back,
        note=_("They take the place of machines that were added from a file of the same kind before."),
        done=_("The machines are a part of the newest sheet; both inspectors sign it."),
        template="web/field/machines.html",
    )
    form = SureForm(request.POST if request.method == "POST" else None, found=found)
    return ask(request, question, form, act)


@permitted(_CARRY_OUT)
@require_http_methods(["GET", "POST"])
def sheets_join(request: HttpRequest, number: str) -> HttpResponse:
    """Show where sheets differ, and write one that brings them together."""
    inspection = _own(request, number)
    found = beside(inspection)
    if found is None:
        raise Http404(number)
    refusal = ""
    if request.method == "POST":
        try:
            seen = [int(one) for one in str(request.POST.get("seen", "")).split(",") if one.isdecimal()]
            join(inspection, seen, _chosen(request, len(found.sheets)), by(request))
        except Refused as refused:
            refusal = str(refused)
        else:
            return redirect("inspection", inspection.number)
    context = {
        "inspection": inspection,
        "sheets": found.sheets,
        "seen": ",".join(str(one.revision) for one in found.sheets),
        "differences": [
            (one.part, _title(one.part), [_words(one.part, value) for value in one.values])
            for one in found.differences
        ],
        "refusal": refusal,
    }
    return render(request, "web/field/join.html", context, status=409 if refusal else 200)


def _own(request: HttpRequest, number: str) -> Inspection:
    """Return an inspection that the account is on."""
    inspection = inspection_by_number(number)
    if inspection is None:
        raise Http404(number)
    try:
        refuse_others(inspection, by(request), is_again=False)
    except Refused as refusal:
        raise Http404(str(refusal)) from refusal
    return inspection


def _chosen(request: HttpRequest, number: int) -> dict[str, int]:
    """Return which sheet holds by part, as ticked."""
    said = {name: str(value) for name, value in request.POST.items() if name.startswith("part.")}
    known = {name: int(value) for name, value in said.items() if value.isdecimal() and int(value) < number}
    return {name.removeprefix("part."): value for name, value in known.items()}


def _title(part: str) -> str:
    kind, _dot, rest = part.partition(".")
    if kind == "answers":
        return answer_in_words(rest, "", translation.get_language() or "")[0]
    if kind == "machines":
        return str(_("Machines")) + " " + rest.split(".", 1)[1].rpartition(".")[0]
    return rest.rpartition(".")[0] if rest else str(_TITLES[part])


def _words(part: str, value: Any) -> str:
    kind, _dot, rest = part.partition(".")
    if value is None or value == "":
        return "—"
    if kind == "answers":
        told = answer_in_words(rest, value["answer"], translation.get_language() or "")[1]
        return " · ".join(text for text in (told, value["note"]) if text)
    if kind == "machines":
        return f"{value['number']} × {value['model']} {value['algorithm']}".strip()
    if kind == "readings":
        return f"{value['value']} {value['unit']}".strip()
    if kind == "place":
        return f"{value['lat']:.5f}, {value['lon']:.5f} (±{value['accuracy_m'] or 0:.0f} m)"
    return str(Judgement.Verdict(value).label) if kind == "verdict" else str(value)
