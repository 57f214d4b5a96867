"""Forms of the work on cases."""

from typing import Any, cast

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.models import Agency, Region, User
from minewatch.office.platform.scope import active
from minewatch.office.verify.models import Approval, Batch, Case, Judgement, Obligation, Plea
from minewatch.office.web.forms import DayInput, OfficeForm

_LONG = forms.Textarea(attrs={"rows": 3})


class AgencyField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """An agency that is responsible for a region."""

    def __init__(self, **named: Any) -> None:
        super().__init__(Agency.objects.none(), **named)

    def offer(self, region: Region) -> None:
        """Offer the active agencies of a region and of those above it."""
        paths = [region.path[:end] for end in range(Region.steplen, len(region.path) + 1, Region.steplen)]
        found = Agency.objects.filter(active=True, region__path__in=paths)
        self.queryset = found.order_by("-region__depth", "kind", "code")


class CaseForm(OfficeForm):
    """Base of a form about a case; every change has its reason."""

    words = forms.CharField(label=_("Reason"), widget=_LONG, max_length=500)

    def __init__(self, *args: Any, case: Case, **named: Any) -> None:
        super().__init__(*args, **named)
        self.order_fields([name for name in self.fields if name != "words"])
        for field in self.fields.values():
            if isinstance(field, AgencyField):
                field.offer(case.site.region)


class OrderForm(CaseForm):
    """What is given to which agency, and for how long."""

    agency = AgencyField(label=_("Agency"))
    days = forms.IntegerField(
        label=_("Working days"),
        min_value=1,
        max_value=250,
        required=False,
        help_text=_("Empty: by the table."),
    )


class AssignForm(OrderForm):
    """An inspection, perhaps for one person."""

    assignee = forms.CharField(label=_("Account of the inspector"), max_length=150, required=False)

    def clean_assignee(self) -> User | None:
        """Return the account of the name."""
        name = self.cleaned_data["assignee"].strip()
        if not name:
            return None
        found = User.objects.filter(username=name, is_active=True).first()
        if found is None:
            raise forms.ValidationError(_("There is no such account."))
        return found


class JudgementForm(CaseForm):
    """What was found out."""

    verdict = forms.ChoiceField(label=_("Verdict"), choices=Judgement.Verdict.choices)
    power_kw = forms.FloatField(label=_("Power found (kW)"), min_value=0, required=False)
    machines = forms.IntegerField(label=_("Machines counted"), min_value=0, required=False)
    reference = forms.CharField(label=_("Report of the inspection"), max_length=200, required=False)


class ApprovalForm(CaseForm):
    """What takes a second person."""

    kind = forms.ChoiceField(
        label=_("Measure"), choices=[one for one in Approval.Kind.choices if one[0] != Approval.Kind.WAIVER]
    )


class ObligationForm(OrderForm):
    """What an agency is obliged to."""

    kind = forms.ChoiceField(
        label=_("Obligation"),
        choices=[one for one in Obligation.Kind.choices if one[0] != Obligation.Kind.PUBLICATION],
    )


class PleaForm(CaseForm):
    """What the other side asks for."""

    kind = forms.ChoiceField(label=_("Plea"), choices=Plea.Kind.choices)
    reference = forms.CharField(label=_("Number of the letter"), max_length=200, required=False)


class ExitForm(CaseForm):
    """By which day the site is gone."""

    exit_on = forms.DateField(label=_("Gone by"), widget=DayInput())


class DecisionForm(CaseForm):
    """Yes or no, with the reason."""

    granted = forms.ChoiceField(
        label=_("Decision"), choices=[("", "—"), ("yes", _("Grant")), ("no", _("Refuse"))]
    )


class ReceiptForm(OfficeForm):
    """Nothing but the confirmation."""

    def __init__(self, *args: Any, case: Case, **named: Any) -> None:  # noqa: ARG002 - as the forms of cases
        super().__init__(*args, **named)


class OpenForm(OfficeForm):
    """A case for a site."""

    site = forms.CharField(label=_("Code of the site"), max_length=24)
    words = forms.CharField(label=_("Reason"), widget=_LONG, max_length=500)


class BatchForm(OfficeForm):
    """A batch as it is issued."""

    number = forms.RegexField(r"^[\w\-]+$", label=_("Number"), max_length=40)
    title = forms.CharField(label=_("Title"), max_length=200)
    kind = forms.ChoiceField(label=_("Kind"), choices=Batch.Kind.choices)
    codes = forms.CharField(
        label=_("Sites"), widget=forms.Textarea(attrs={"rows": 8}), help_text=_("Codes, one on a line.")
    )


class QuestionForm(OfficeForm):
    """Which carrier is asked about which cases."""

    carrier = forms.ModelChoiceField(
        Agency.objects.filter(kind=Agency.Kind.CARRIER, active=True), label=_("Carrier")
    )
    numbers = forms.CharField(
        label=_("Cases"), widget=forms.Textarea(attrs={"rows": 6}), help_text=_("Numbers, one on a line.")
    )


class PurposeForm(OfficeForm):
    """What a file with addresses in the clear is for."""

    purpose = forms.CharField(label=_("Purpose"), min_length=4, max_length=300)


class AnswerForm(OfficeForm):
    """The carrier's file."""

    file = forms.FileField(label=_("Answer of the carrier (CSV)"))


class ConfirmForm(OfficeForm):
    """The text of a carrier's file that was looked at."""

    text = forms.CharField(
        label=_("Answer as CSV"), widget=forms.HiddenInput, max_length=5_000_000, strip=False
    )


class HandOverForm(OfficeForm):
    """Who gets the cases with ``ids``."""

    agency = forms.ModelChoiceField(Agency.objects.none(), label=_("Agency"))
    words = forms.CharField(label=_("Reason"), widget=_LONG, max_length=500)
    ids = forms.MultipleChoiceField(widget=forms.MultipleHiddenInput)

    def __init__(self, *args: Any, ids: list[int], **named: Any) -> None:
        super().__init__(*args, initial={"ids": ids}, **named)
        cast("forms.MultipleChoiceField", self.fields["ids"]).choices = [(one, str(one)) for one in ids]
        top = active().region_path
        steps = [top[:end] for end in range(Region.steplen, len(top) + 1, Region.steplen)]
        near = Q(region__path__in=steps) | Q(region__path__startswith=top)
        found = Agency.objects.filter(near, active=True).select_related("region")
        agency = cast("forms.ModelChoiceField[Agency]", self.fields["agency"])
        agency.queryset = found.order_by("region__path", "kind", "code")
