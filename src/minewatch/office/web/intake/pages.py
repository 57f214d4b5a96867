"""Delivering findings, what became of a delivery, and taking labels away."""

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from minewatch.office.intake import labels, selectors
from minewatch.office.intake.services import receive
from minewatch.office.intake.tasks import begin
from minewatch.office.platform.exporting import SHORTEST_PURPOSE
from minewatch.office.web.asking import Question, ask
from minewatch.office.web.doors import by, permitted
from minewatch.office.web.forms import OfficeForm

_MOST_MB = 500
_LABEL_TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


class DeliverForm(OfficeForm):
    """A file of findings and the analysis that made it."""

    file = forms.FileField(label=_("File"))
    origin = forms.CharField(label=_("Name of the analysis"), max_length=80, initial="lake")

    def clean_file(self) -> Any:
        """Refuse what is larger than a parcel is."""
        file = self.cleaned_data["file"]
        if file.size > _MOST_MB << 20:
            raise forms.ValidationError(_("The file is larger than %(most)s MB."), params={"most": _MOST_MB})
        return file


class LabelsForm(OfficeForm):
    """What labels are taken away for, and in which form."""

    purpose = forms.CharField(label=_("Purpose"), min_length=SHORTEST_PURPOSE, max_length=300)
    form = forms.ChoiceField(label=_("Format"), choices=[("csv", "CSV"), ("parquet", "Parquet")])


@permitted("intake.deliver_findings")
@require_http_methods(["GET", "HEAD", "POST"])
def deliver(request: HttpRequest) -> HttpResponse:
    """Take a file of findings; the worker takes its findings in."""

    def act(said: dict[str, Any]) -> str:
        given = by(request)
        received = receive(said["file"].read(), said["file"].name, said["origin"], given)
        begin(received, given)
        return reverse("deliveries")

    question = Question(
        title=_("Deliver findings"),
        button=_("Deliver"),
        back=reverse("deliveries"),
        note=_("A parcel written by minewatch office parcel, or findings as Parquet or Arrow."),
        done=_("The file was received; its findings are being taken in."),
    )
    form = DeliverForm(request.POST, request.FILES) if request.method == "POST" else DeliverForm()
    return ask(request, question, form, act)


@permitted("intake.deliver_findings")
@require_safe
def delivery(request: HttpRequest, number: int) -> HttpResponse:
    """Show what became of the findings of a delivery."""
    found = selectors.delivery(number)
    if found is None:
        raise Http404(str(number))
    return render(request, "web/intake/delivery.html", {"delivery": found})


@permitted("intake.export_labels")
@require_http_methods(["GET", "HEAD", "POST"])
def labels_file(request: HttpRequest) -> HttpResponse:
    """Give the labels in scope out as a file for a purpose, which is kept in the audit log."""
    found = labels.table()

    def act(said: dict[str, Any]) -> HttpResponse:
        form = said["form"]
        content = labels.export(found, form, said["purpose"], by(request))
        headers = {"Content-Disposition": f'attachment; filename="labels.{form}"'}
        return HttpResponse(content, content_type=_LABEL_TYPES[form], headers=headers)

    question = Question(
        title=_("Labels"),
        button=_("Export"),
        back=reverse("home"),
        note=_("What inspections found: %(number)s labels that minewatch ingest reads.")
        % {"number": found.num_rows},
    )
    return ask(request, question, LabelsForm(request.POST if request.method == "POST" else None), act)
