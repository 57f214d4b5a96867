"""Bringing a file, mapping its columns, looking at what it would do, confirming it; its errors as a file."""

import csv
import io
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from minewatch.office.platform.paging import page_of
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.selectors import region_by_code
from minewatch.office.register.imports import selectors, services, tasks
from minewatch.office.register.imports.kinds import kinds
from minewatch.office.register.imports.models import Import, ImportRow
from minewatch.office.web.asking import Question, ask
from minewatch.office.web.doors import by, permitted
from minewatch.office.web.forms import OfficeForm, RegionField
from minewatch.office.web.imports.lists import COLOURS
from minewatch.office.web.imports.templates import csv_template, xlsx_template
from minewatch.office.web.listing.files import harmless

_PERMISSION = "register.import_things"
_SIZE = 50
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class BringForm(OfficeForm):
    """A file, what it holds, and the region of its rows."""

    kind = forms.ChoiceField(
        label=_("The rows are"), choices=lambda: [(kind.name, kind.title) for kind in kinds().values()]
    )
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV (UTF-8, GBK) or XLSX, up to 100 MB. Of a workbook the first sheet is read."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
    )
    region = RegionField(label=_("Region of rows that name none"))
    note = forms.CharField(label=_("Where the file comes from"), max_length=300, required=False)


@permitted(_PERMISSION)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Take a file; what it would do is shown before anything is written."""

    def act(said: dict[str, Any]) -> str:
        region = region_by_code(said["region"]) or by(request).user.region  # type: ignore[union-attr]
        assert region is not None  # noqa: S101 - only accounts with a region have the permission
        given = services.FileGiven(said["file"].name, said["kind"], region, said["note"])
        one = services.receive(said["file"].chunks(), given, by(request))
        return reverse("import", args=[one.pk])

    question = Question(
        title=_("Import a file"),
        button=_("Read the file"),
        back=reverse("imports"),
        note=_(
            "Nothing is written before you have seen what becomes new, what changes, and what is in error."
        ),
        done=_("The file was read. Say which column holds what."),
        template="web/imports/new.html",
    )
    own = by(request).user.region  # type: ignore[union-attr]
    initial = {"region": own.code if own else ""}
    form = BringForm(request.POST, request.FILES) if request.method == "POST" else BringForm(initial=initial)
    form.kinds = kinds().values()  # type: ignore[attr-defined]
    return ask(request, question, form, act)


@permitted(_PERMISSION)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, number: int) -> HttpResponse:
    """Show an import as far as it is; do the next step that the person asks for."""
    one = _one(number)
    if request.method == "POST":
        return _do(request, one)
    is_part = request.htmx and not request.htmx.boosted  # type: ignore[attr-defined]
    template = "web/imports/part.html" if is_part else "web/imports/import.html"
    return render(request, template, _context(request, one))


@permitted(_PERMISSION)
@require_safe
def errors(request: HttpRequest, number: int) -> HttpResponse:
    """Give the errors of an import as a file, one a line."""
    one, who = _one(number), by(request)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_now("Row"), _now("Column"), _now("Value"), _now("What is wrong"), _now("What to do")])
    for row, error in selectors.error_lines(one, who):
        cells = (error.column, error.value, error.wrong, error.do)
        writer.writerow([row, *(harmless(cell) for cell in cells)])
    return _file(
        text.getvalue().encode("utf-8-sig"), f"import-{one.pk}-errors.csv", "text/csv; charset=utf-8"
    )


@permitted(_PERMISSION)
@require_safe
def template(_request: HttpRequest, kind: str, form: str) -> HttpResponse:
    """Give a file with the headers of a kind."""
    known = kinds().get(kind)
    if known is None or form not in ("csv", "xlsx"):
        raise Http404(kind)
    if form == "xlsx":
        return _file(xlsx_template(known), f"{kind}.xlsx", _XLSX)
    return _file(csv_template(known), f"{kind}.csv", "text/csv; charset=utf-8")


def _do(request: HttpRequest, one: Import) -> HttpResponse:
    who = by(request)
    deeds: dict[str, Callable[[], Any]] = {
        "columns": lambda: tasks.check(one, _columns_said(request, one), who),
        "confirm": lambda: tasks.apply(one, who),
        "drop": lambda: services.drop(one, who),
    }
    deed = deeds.get(request.POST.get("do", ""))
    if deed is None:
        raise Http404("do")
    try:
        deed()
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("import", number=one.pk)


def _columns_said(request: HttpRequest, one: Import) -> dict[str, str]:
    places = (str(place) for place in range(len(one.headers)))
    said = {place: request.POST.get(f"column_{place}", "") for place in places}
    return {place: name for place, name in said.items() if name}


def _context(request: HttpRequest, one: Import) -> dict[str, Any]:
    who = by(request)
    shown = selectors.shown(one, who)
    context: dict[str, Any] = {"one": shown, "colour": COLOURS[one.state], "kind": kinds()[one.kind]}
    is_mapped = one.state in (Import.State.CHECKED, Import.State.DONE)
    if one.state in (Import.State.RECEIVED, Import.State.FAILED) or "columns" in request.GET:
        context["columns"] = selectors.columns_of(one, who)
    elif is_mapped:
        context |= _preview(request, one)
    return context


def _preview(request: HttpRequest, one: Import) -> dict[str, Any]:
    outcome = request.GET.get("outcome", "")
    text = request.GET.get("page", "")
    rows = selectors.preview(one, outcome)
    found = page_of(
        rows,
        int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1,
        _SIZE,
        lambda some: selectors.rows_shown(one, some, by(request)),
    )
    counts = [(value, label, one.counts.get(value, 0)) for value, label in ImportRow.Outcome.choices]
    return {
        "page": found,
        "outcome": outcome,
        "counts": counts,
        "all": sum(one.counts.values()),
        "to_write": sum(one.counts.get(name, 0) for name in ("new", "changed", "disputed")),
    }


def _one(number: int) -> Import:
    one = selectors.import_by_number(number)
    if one is None:
        raise Http404(str(number))
    return one


def _file(content: bytes, name: str, media_type: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=media_type, headers=headers)
