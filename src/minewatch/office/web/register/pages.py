"""Duplicates: found, compared, merged and undone. Evidence files: kept and given out."""

from typing import Any

from django import forms
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from minewatch.office.platform.services import By
from minewatch.office.register.duplicates import KINDS, WHY, Side, candidates, merges, side_by_side
from minewatch.office.register.files import FileGiven, keep_file, open_file
from minewatch.office.register.merging import merge, unmerge
from minewatch.office.register.protection import eyes_of
from minewatch.office.register.selectors import files_of, site_by_code, thing_in_scope
from minewatch.office.register.titles import KINDS as TITLES
from minewatch.office.web.asking import Question, ask
from minewatch.office.web.doors import by, permitted
from minewatch.office.web.forms import OfficeForm


@permitted("register.merge_things")
@require_safe
def duplicates(request: HttpRequest, kind: str) -> HttpResponse:
    """Show pairs of entries that may be one, and what speaks for it."""
    if kind not in KINDS:
        raise Http404(kind)
    found = [(one, WHY[one.why]) for one in candidates(kind, eyes_of(by(request)))]
    kinds = [(name, TITLES[name]) for name in KINDS]
    context = {"kind": kind, "kinds": kinds, "title": TITLES[kind], "found": found}
    return render(request, "web/register/duplicates.html", context)


class MergeForm(OfficeForm):
    """Which of two entries is kept, and why the two are one."""

    keep = forms.ChoiceField(
        label=_("Keep"), choices=[("first", _("The first")), ("second", _("The second"))]
    )
    reason = forms.CharField(label=_("Reason"), min_length=4, max_length=300)

    def __init__(self, *args: Any, sides: list[Side], **named: Any) -> None:
        super().__init__(*args, **named)
        self.sides = sides


@permitted("register.merge_things")
@require_http_methods(["GET", "POST"])
def merge_two(request: HttpRequest, kind: str, first: int, second: int) -> HttpResponse:
    """Compare two entries and merge them."""
    sides = side_by_side(kind, first, second, eyes_of(by(request))) if kind in KINDS else None
    if sides is None:
        raise Http404(kind)

    def act(said: dict[str, Any]) -> str:
        order = (first, second) if said["keep"] == "first" else (second, first)
        kept, merged = (thing_in_scope(kind, number) for number in order)
        if kept is None or merged is None:
            raise Http404(kind)
        merge(kept, merged, said["reason"], by(request))
        return reverse("merges")

    question = Question(
        title=_("Merge two entries"),
        button=_("Merge"),
        back=reverse("duplicates", args=[kind]),
        note=_("All that hangs on the other entry moves to the kept one. A merge can be undone."),
        done=_("The entries are merged."),
        template="web/register/merge.html",
    )
    return ask(request, question, MergeForm(request.POST or None, sides=sides), act)


class UndoForm(OfficeForm):
    """Nothing is asked."""


@permitted("register.merge_things")
@require_http_methods(["GET", "POST"])
def merge_undo(request: HttpRequest, number: int) -> HttpResponse:
    """Take a merge apart."""
    row = merges().filter(pk=number).first()
    if row is None:
        raise Http404(str(number))

    def act(_said: dict[str, Any]) -> str:
        unmerge(row, by(request))
        return reverse("merges")

    question = Question(
        title=_("Undo merge %(number)s") % {"number": number},
        button=_("Undo"),
        back=reverse("merges"),
        note=_("What the merge moved goes back."),
        done=_("The merge is undone."),
    )
    return ask(request, question, UndoForm(request.POST if request.method == "POST" else None), act)


class FileForm(OfficeForm):
    """A file and what it shows."""

    file = forms.FileField(label=_("File"))
    note = forms.CharField(label=_("What it shows"), max_length=300, required=False)


@permitted("register.keep_files")
@require_http_methods(["GET", "POST"])
def file_new(request: HttpRequest, code: str) -> HttpResponse:
    """Keep a file as evidence of a site."""
    site = site_by_code(code)
    if site is None:
        raise Http404(code)

    def act(said: dict[str, Any]) -> str:
        given = FileGiven(said["file"].name, ("site", site.pk), site.region, said["note"])
        keep_file(said["file"].chunks(), given, by(request))
        return reverse("site", args=[site.code])

    question = Question(
        title=_("Evidence file of %(code)s") % {"code": site.code},
        button=_("Keep"),
        back=reverse("site", args=[site.code]),
        note=_("Documents, pictures, video, tables, captures. A kept file is never changed."),
        done=_("The file is kept."),
    )
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    return ask(request, question, form, act)


@permitted("register.see_things")
@require_safe
def file(request: HttpRequest, number: int) -> HttpResponseBase:
    """Give an evidence file out; that it was opened is kept in the audit log."""
    found = open_file(number, by(request))
    if found is None:
        raise Http404(str(number))
    row, path = found
    return FileResponse(path.open("rb"), as_attachment=True, filename=row.name, content_type=row.media_type)


def files_context(site_id: int, _who: By) -> dict[str, Any]:
    """Return the evidence files of a site."""
    return {"files": files_of("site", site_id)}
