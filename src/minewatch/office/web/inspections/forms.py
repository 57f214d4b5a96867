"""Forms of inspections."""

from typing import Any

from django import forms
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.models import User
from minewatch.office.platform.roles import Role
from minewatch.office.platform.services import By
from minewatch.office.register.models import Enterprise, Site
from minewatch.office.register.selectors import enterprise_by_uscc, site_by_code
from minewatch.office.verify.inspections.draws import IN_THE_POOL
from minewatch.office.verify.inspections.models import Inspection, Inspector
from minewatch.office.verify.inspections.selectors import inspector_rows
from minewatch.office.verify.models import Case, Judgement
from minewatch.office.web.forms import DayInput, OfficeForm

_LONG = forms.Textarea(attrs={"rows": 3})
_MANY = forms.SelectMultiple(attrs={"size": 8})
_MOST_DAYS, _MOST_HOURS, _MOST_KM = 20, 5_000, 50_000


class MomentInput(forms.DateTimeInput):
    """A day and time, chosen in the browser."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class InspectorField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """An inspector in scope, with agency and certificate."""

    def label_from_instance(self, inspector: Any) -> str:
        """Return how an inspector is offered."""
        return _named(inspector)


class InspectorsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Some inspectors in scope."""

    def label_from_instance(self, inspector: Any) -> str:
        """Return how an inspector is offered."""
        return _named(inspector)


class WordsForm(OfficeForm):
    """Nothing but the reason."""

    words = forms.CharField(label=_("Reason"), widget=_LONG, max_length=500)


class OrderWordsForm(OfficeForm):
    """What the orders say."""

    words = forms.CharField(label=_("What the orders say"), widget=_LONG, max_length=500)


class EmptyForm(OfficeForm):
    """Nothing but the confirmation."""


class RevisionForm(OfficeForm):
    """The revision that is signed."""

    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


class PublicWordsForm(OfficeForm):
    """A reason that becomes public."""

    words = forms.CharField(
        label=_("Reason"), widget=_LONG, max_length=500, help_text=_("It becomes public: name no person.")
    )


class CrewForm(OfficeForm):
    """Base of a form that offers inspectors of the account's region, those of today."""

    def __init__(self, *args: Any, by: By, **named: Any) -> None:
        super().__init__(*args, **named)
        offered = inspector_rows({"on": localdate(by.at)}).order_by("agency__region__path", "agency", "pk")
        for field in self.fields.values():
            if isinstance(field, InspectorField | InspectorsField):
                field.queryset = offered


class InspectorForm(OfficeForm):
    """An account that becomes an inspector."""

    user = forms.ModelChoiceField(User.objects.none(), label=_("Account"))
    certificate = forms.CharField(label=_("Number of the certificate"), max_length=40)
    qualifications = forms.MultipleChoiceField(
        label=_("Qualifications"),
        choices=Inspector.Qualification.choices,
        widget=forms.SelectMultiple(attrs={"size": 4}),
        required=False,
    )
    active_from = forms.DateField(label=_("Inspects from"), widget=DayInput())
    active_to = forms.DateField(
        label=_("until before"), widget=DayInput(), required=False, help_text=_("Empty: without an end.")
    )

    def __init__(self, *args: Any, by: By, **named: Any) -> None:
        super().__init__(*args, **named)
        agency = by.user.agency_id if by.user else None
        field: Any = self.fields["user"]
        users = User.objects.filter(agency=agency, is_active=True, inspector=None, roles__role=Role.INSPECTOR)
        field.queryset = users.order_by("username")


class RetireForm(OfficeForm):
    """The first day on which an inspector inspects no more."""

    on = forms.DateField(label=_("First day on which no more"), widget=DayInput())


class RecusalForm(OfficeForm):
    """What an inspector keeps away from, and why."""

    site = forms.CharField(label=_("Code of the site"), max_length=24, required=False)
    uscc = forms.CharField(
        label=_("Credit code of the enterprise"),
        max_length=18,
        required=False,
        help_text=_("One of the two; an enterprise stands for every site in which it has a part."),
    )
    words = forms.CharField(label=_("Reason"), widget=_LONG, max_length=500)

    def clean(self) -> dict[str, Any]:
        """Return the thing that is meant."""
        said = super().clean() or {}
        code, uscc = said.get("site", "").strip(), said.get("uscc", "").strip()
        if bool(code) == bool(uscc):
            raise forms.ValidationError(_("Name a site or an enterprise, and only one."))
        thing: Site | Enterprise | None = site_by_code(code) if code else enterprise_by_uscc(uscc)
        if thing is None:
            raise forms.ValidationError(_("There is none in your region."))
        return {**said, "thing": thing}


class ComplaintForm(OfficeForm):
    """A complaint about a site."""

    site = forms.CharField(label=_("Code of the site"), max_length=24)
    received_on = forms.DateField(label=_("Received on"), widget=DayInput())
    source = forms.CharField(label=_("Where"), max_length=80, help_text=_("12398, 12345, a letter …"))
    reference = forms.CharField(label=_("Number there"), max_length=80)

    def clean_site(self) -> Site:
        """Return the site of the code."""
        site = site_by_code(self.cleaned_data["site"].strip())
        if site is None:
            raise forms.ValidationError(_("There is none in your region."))
        return site


class PlanForm(CrewForm):
    """Budget and assumptions of a plan."""

    title = forms.CharField(label=_("Title"), max_length=200)
    inspectors = InspectorsField(
        Inspector._base_manager.none(),
        label=_("Inspectors"),
        widget=_MANY,
        help_text=_("Two by two they make teams, in the order of the list."),
    )
    first_day = forms.DateField(label=_("First day"), widget=DayInput())
    days = forms.IntegerField(label=_("Working days"), min_value=1, max_value=_MOST_DAYS, initial=5)
    day_hours = forms.FloatField(label=_("Hours a team is out a day"), min_value=1, max_value=16, initial=8)
    inspector_hours = forms.FloatField(
        label=_("Inspector hours in all"), min_value=1, max_value=_MOST_HOURS, initial=80
    )
    kilometres = forms.FloatField(label=_("Kilometres in all"), min_value=1, max_value=_MOST_KM, initial=600)
    visit_h = forms.FloatField(label=_("Hours of a visit"), min_value=0.25, max_value=16, initial=2)
    lon = forms.FloatField(label=_("Longitude of the start"), min_value=-180, max_value=180)
    lat = forms.FloatField(label=_("Latitude of the start"), min_value=-90, max_value=90)
    speed_kmh = forms.FloatField(label=_("Speed on the road (km/h)"), min_value=5, max_value=120, initial=45)
    detour = forms.FloatField(
        label=_("Road ÷ straight line"), min_value=1, max_value=5, initial=1.3, help_text=_("Assumed.")
    )


class DrawForm(CrewForm):
    """What is drawn, and which public number it hangs on."""

    title = forms.CharField(label=_("Title"), max_length=200)
    wanted = forms.IntegerField(label=_("Sites to draw"), min_value=1, max_value=1_000)
    states = forms.MultipleChoiceField(
        label=_("States of the cases to draw from"),
        choices=[(state, Case.State(state).label) for state in IN_THE_POOL],
        initial=[Case.State.SUSPECTED],
        widget=forms.SelectMultiple(attrs={"size": 6}),
    )
    inspectors = InspectorsField(
        Inspector._base_manager.none(), label=_("Inspectors to draw from"), widget=_MANY
    )
    randomness = forms.CharField(
        label=_("Public number"),
        max_length=300,
        help_text=_(
            "A number that comes out later, for all to see: a lottery by its issue, and where it stands."
        ),
    )
    public_at = forms.DateTimeField(label=_("Comes out at"), widget=MomentInput())


class NumberForm(OfficeForm):
    """The public number as it came out."""

    value = forms.CharField(
        label=_("Public number as it came out"), max_length=300, help_text=_("Exactly as it was published.")
    )


class SendOutForm(OfficeForm):
    """From which day on, and what the orders say."""

    first_day = forms.DateField(label=_("First day"), widget=DayInput())
    words = forms.CharField(label=_("What the orders say"), widget=_LONG, max_length=500)


class AppointForm(CrewForm):
    """Who goes for an order, and when."""

    lead = InspectorField(Inspector._base_manager.none(), label=_("Lead inspector"))
    second = InspectorField(Inspector._base_manager.none(), label=_("Second inspector"))
    companions = InspectorsField(
        Inspector._base_manager.none(), label=_("Companions"), widget=_MANY, required=False
    )
    day = forms.DateField(label=_("Day"), widget=DayInput())


class PostponeForm(OfficeForm):
    """To which day, and why."""

    day = forms.DateField(label=_("New day"), widget=DayInput())
    words = forms.CharField(label=_("Reason"), widget=_LONG, max_length=500)


class ReplaceForm(CrewForm):
    """Who comes instead of whom, and why."""

    gone = InspectorField(Inspector._base_manager.none(), label=_("Does not go"))
    comes = InspectorField(Inspector._base_manager.none(), label=_("Goes instead"))
    words = forms.CharField(label=_("Reason"), widget=_LONG, max_length=500)

    def __init__(self, *args: Any, inspection: Inspection, **named: Any) -> None:
        super().__init__(*args, **named)
        pair = (inspection.lead_id, inspection.second_id)
        field: Any = self.fields["gone"]
        field.queryset = Inspector.objects.filter(pk__in=pair).select_related("user", "agency").order_by("pk")


class CompleteForm(OfficeForm):
    """What was found out."""

    verdict = forms.ChoiceField(label=_("Verdict"), choices=Judgement.Verdict.choices)
    power_kw = forms.FloatField(label=_("Power found (kW)"), min_value=0, required=False)
    machines = forms.IntegerField(label=_("Machines counted"), min_value=0, required=False)
    words = forms.CharField(label=_("Grounds"), widget=_LONG, max_length=2_000)


def _named(inspector: Inspector) -> str:
    return f"{inspector} · {inspector.agency.name_zh} · {inspector.certificate}"
