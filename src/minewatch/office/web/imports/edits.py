"""The same new values for rows that were ticked in a list: asked for, shown, confirmed with a reason."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from minewatch.office.platform.refusals import Refused
from minewatch.office.register import editing
from minewatch.office.register.imports.cells import Unreadable
from minewatch.office.register.imports.problems import ADVICE
from minewatch.office.register.imports.rows import Field
from minewatch.office.register.titles import KINDS
from minewatch.office.web.doors import by, permitted
from minewatch.office.web.forms import OfficeForm

LISTS = {
    "enterprise": "enterprises",
    "usagepoint": "usage_points",
    "plant": "plants",
    "line": "lines",
    "site": "sites",
}
"""Where an edit of a kind comes from and goes back to."""


class EditForm(OfficeForm):
    """New values, as many as are given, and why."""

    def __init__(self, *args: Any, kind: str, **named: Any) -> None:
        super().__init__(*args, **named)
        self.known = {field.name: field for field in editing.fields_of(kind)}
        for name, field in self.known.items():
            self.fields[f"to_{name}"] = _input(field)
        self.fields["reason"] = forms.CharField(
            label=_("Reason"), min_length=4, max_length=200, widget=forms.TextInput({"class": "form-control"})
        )

    def values(self) -> dict[str, Any]:
        """Return the values that were given, as they are stated."""
        return {
            name: self.cleaned_data[f"to_{name}"]
            for name in self.known
            if self.cleaned_data.get(f"to_{name}")
        }

    def clean(self) -> dict[str, Any]:
        """Read what was typed as a cell of a file is read."""
        said: dict[str, Any] = dict(super().clean() or {})
        for name, field in self.known.items():
            if text := said.get(f"to_{name}"):
                try:
                    said[f"to_{name}"] = field.read(text)
                except Unreadable as error:
                    self.add_error(f"to_{name}", str(ADVICE[error.code].wrong))
        return said


def _input(field: Field) -> forms.Field:
    if field.choices:
        choices = [("", "—"), *((str(choice), choice) for choice in field.choices)]
        widget = forms.Select({"class": "form-select"})
        return forms.ChoiceField(label=str(field.title), choices=choices, required=False, widget=widget)
    widget_text = forms.TextInput({"class": "form-control"})
    return forms.CharField(label=str(field.title), required=False, max_length=300, widget=widget_text)


@permitted("register.edit_things")
@require_POST
def edit(request: HttpRequest, kind: str) -> HttpResponse:
    """Ask for new values of the things that were ticked, show what they do, and write them when confirmed."""
    ids = [int(text) for text in request.POST.getlist("ids") if text.isascii() and text.isdigit()][
        : editing.MOST
    ]
    step = request.POST.get("do", "")
    if not ids:
        messages.error(request, str(Refused("edit_nothing")))
        return redirect(LISTS[kind])
    form = EditForm(request.POST if step else None, kind=kind)
    context: dict[str, Any] = {
        "form": form,
        "ids": ids,
        "kind": kind,
        "title": KINDS[kind],
        "back": LISTS[kind],
    }
    if not step or not form.is_valid():
        return render(request, "web/imports/edit.html", context, status=422 if step else 200)
    try:
        if step == "write":
            return _write(request, kind, ids, form)
        context["refusal"] = "" if form.values() else str(Refused("edit_no_values"))
    except Refused as refusal:
        context["refusal"] = str(refusal)
    if form.values():
        context["proposal"] = editing.propose(kind, ids, form.values(), by(request))
    return render(request, "web/imports/edit.html", context, status=409 if context["refusal"] else 200)


def _write(request: HttpRequest, kind: str, ids: list[int], form: EditForm) -> HttpResponse:
    digest = request.POST.get("digest", "")
    number = editing.edit(kind, ids, form.values(), form.cleaned_data["reason"], by(request), digest)
    told = ngettext("%(number)s entry was changed.", "%(number)s entries were changed.", number)
    messages.success(request, told % {"number": number})
    return redirect(LISTS[kind])
