"""Lists of cases, batches and questions to carriers."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.scope import active
from minewatch.office.verify import selectors
from minewatch.office.verify.models import Batch, Case, Obligation
from minewatch.office.web.forms import RegionField
from minewatch.office.web.listing import Action, Column, FilterForm, Kind, Listing, Sight

_ANY = ("", "—")
STATE_COLOURS: Mapping[str, str] = {
    Case.State.SUSPECTED: "yellow",
    Case.State.ASSIGNED: "azure",
    Case.State.INSPECTED: "blue",
    Case.State.CONFIRMED: "red",
    Case.State.VICTIM: "purple",
    Case.State.NOT_MINING: "secondary",
    Case.State.MEASURES: "orange",
    Case.State.EXIT_PLAN: "orange",
    Case.State.CLEARED: "green",
    Case.State.CLOSED: "green",
    Case.State.JOINED: "secondary",
}


def _late(row: Any) -> str:
    return "red" if row.is_late else "secondary"


class CaseFilters(FilterForm):
    """Filters of cases."""

    text = forms.CharField(label=_("Number or name"), max_length=80)
    region = RegionField()
    state = forms.ChoiceField(label=_("State"), choices=[_ANY, *Case.State.choices])
    owed = forms.ChoiceField(label=_("Still owed"), choices=[_ANY, *Obligation.Kind.choices])
    batch = forms.CharField(label=_("Batch"), max_length=40)
    mine = forms.BooleanField(label=_("In my agency's hands"))
    open = forms.BooleanField(label=_("Not ended"))


class CaseListing(Listing):
    """All cases."""

    name, title, permission = "cases", _("Cases"), "verify.see_cases"
    filters, order = CaseFilters, "-moved_at"
    exporting = "verify.export_cases"
    adding = ("case_new", _("Open a case"), "verify.work_cases")
    actions = (
        Action("cases_hand_over", _("Hand over"), "verify.work_cases", "arrow-right"),
        Action("question_new", _("Ask a carrier"), "verify.ask_carriers", "help"),
    )
    columns = (
        Column(
            "number",
            _("Number"),
            Kind.CODE,
            sort="number",
            link=lambda row: reverse("case", args=[row.number]),
        ),
        Column("site", _("Site"), sort="site__name"),
        Column("region", _("Region"), sort="site__region__path"),
        Column("state_text", _("State"), sort="state", colour=lambda row: STATE_COLOURS[row.state]),
        Column("power_kw", _("Power (kW)"), Kind.NUMBER, sort="site__power_kw", nullable=True),
        Column("holder", _("In the hands of"), sort="holder__name_zh"),
        Column("next_step", _("Next step")),
        Column("owed_by", _("Owed by")),
        Column("due_at", _("Due"), Kind.TIME, colour=_late),
        Column("moved_at", _("Last move"), Kind.DAY, sort="moved_at"),
    )

    def select(self, said: Mapping[str, Any]) -> "QuerySet[Any]":
        """Return the cases that the filters leave."""
        agency = active().agency_id
        mine = {"holder": agency} if said.get("mine") and agency is not None else {}
        return selectors.case_rows({**said, **mine})

    def present(self, rows: Sequence[Any], sight: Sight) -> Sequence[Any]:
        """Return cases with what comes next."""
        return selectors.present(rows, sight.by.at)


class BatchFilters(FilterForm):
    """Filters of batches."""

    kind = forms.ChoiceField(label=_("Kind"), choices=[_ANY, *Batch.Kind.choices])


class BatchListing(Listing):
    """All batches."""

    name, title, permission = "batches", _("Batches"), "verify.see_cases"
    filters, order = BatchFilters, "-issued_at"
    exporting = "verify.export_cases"
    adding = ("batch_new", _("Issue a batch"), "verify.issue_batches")
    columns = (
        Column(
            "number",
            _("Number"),
            Kind.CODE,
            sort="number",
            link=lambda row: reverse("batch", args=[row.number]),
        ),
        Column("title", _("Title")),
        Column("kind", _("Kind"), sort="kind"),
        Column("agency", _("Issued by")),
        Column("issued_at", _("Issued on"), Kind.DAY, sort="issued_at"),
        Column("due_at", _("Due"), Kind.TIME, sort="due_at", colour=_late),
        Column("cases", _("Cases"), Kind.NUMBER),
        Column("share", _("Ended"), Kind.SHARE),
    )

    def select(self, said: Mapping[str, Any]) -> "QuerySet[Any]":
        """Return the batches that the filters leave."""
        return selectors.batch_rows(said)

    def present(self, rows: Sequence[Any], sight: Sight) -> Sequence[Any]:
        """Return batches with how far they are."""
        return selectors.present_batches(rows, sight.by.at)


class QuestionListing(Listing):
    """All questions to carriers."""

    name, title, permission = "questions", _("Questions to carriers"), "verify.see_cases"
    order = "-begun_at"
    adding = ("question_new", _("Ask a carrier"), "verify.ask_carriers")
    columns = (
        Column("id", _("Number"), sort="pk", link=lambda row: reverse("question", args=[row.id])),
        Column("carrier", _("Carrier"), sort="agency__name_zh"),
        Column("asker", _("Asked by")),
        Column("begun_at", _("Asked"), Kind.DAY, sort="begun_at"),
        Column("due_at", _("Due"), Kind.TIME, sort="due_at", colour=_late),
        Column("asked", _("Addresses"), Kind.NUMBER),
        Column("answered", _("Answered"), Kind.NUMBER),
    )

    def select(self, said: Mapping[str, Any]) -> "QuerySet[Any]":
        """Return the questions in scope."""
        return selectors.question_rows(said)

    def present(self, rows: Sequence[Any], sight: Sight) -> Sequence[Any]:
        """Return questions with how much is answered."""
        return selectors.present_questions(rows, sight.by.at)
