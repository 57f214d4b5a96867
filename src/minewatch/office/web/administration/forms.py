"""Forms of the administrators."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.models import Agency, User
from minewatch.office.platform.roles import Role
from minewatch.office.platform.services import TAKES_TWO
from minewatch.office.web.forms import OfficeForm

ROLES_OF_ONE = [(role.value, role.label) for role in Role if role not in TAKES_TWO]


def agencies_to_choose() -> list[tuple[str, str]]:
    """Return codes and names of the agencies that work."""
    rows = Agency.objects.filter(active=True).order_by("region__path", "code")
    return [(row.code, f"{row.name_zh} ({row.code})") for row in rows]


class AccountForm(OfficeForm):
    """An account to open."""

    username = User._meta.get_field("username").formfield(label=_("User name"))
    full_name = forms.CharField(label=_("Name"), max_length=150)
    agency = forms.ChoiceField(label=_("Agency"), choices=agencies_to_choose)
    roles = forms.MultipleChoiceField(
        label=_("Roles"), choices=ROLES_OF_ONE, widget=forms.CheckboxSelectMultiple, required=False
    )


class RolesForm(OfficeForm):
    """The roles of an account; one that takes two can be kept or taken away, not given."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"), choices=Role.choices, widget=forms.CheckboxSelectMultiple, required=False
    )


class ReasonForm(OfficeForm):
    """Why."""

    reason = forms.CharField(label=_("Reason"), max_length=300)


class DecisionForm(OfficeForm):
    """Whether a role is given."""

    given = forms.ChoiceField(
        label=_("Decision"), choices=[("yes", _("Give the role")), ("no", _("Do not give it"))]
    )


class PlaceForm(OfficeForm):
    """Where an account stands."""

    agency = forms.ChoiceField(label=_("Agency"), choices=agencies_to_choose)
    region = forms.CharField(
        label=_("Code of the region"),
        max_length=12,
        required=False,
        help_text=_("Empty for the agency's own; else one inside of it."),
    )


class AgencyForm(OfficeForm):
    """An agency to add."""

    code = forms.SlugField(label=_("Code"), max_length=40)
    kind = forms.ChoiceField(label=_("Kind"), choices=Agency.Kind.choices)
    name_zh = forms.CharField(label=_("Name"), max_length=120)
    name_en = forms.CharField(label=_("Name in English"), max_length=160, required=False)
    region = forms.CharField(label=_("Code of the region"), max_length=12)


class AgencyChangeForm(OfficeForm):
    """What of an agency can change."""

    name_zh = forms.CharField(label=_("Name"), max_length=120)
    name_en = forms.CharField(label=_("Name in English"), max_length=160, required=False)
    active = forms.BooleanField(label=_("Works"), required=False)


class ParkForm(OfficeForm):
    """A park to add below its county."""

    county = forms.CharField(label=_("Code of the county"), max_length=12)
    name_zh = forms.CharField(label=_("Name"), max_length=80)
    name_en = forms.CharField(label=_("Name in English"), max_length=120, required=False)


class ExportForm(OfficeForm):
    """What the chain is taken out of the house for."""

    purpose = forms.CharField(label=_("Purpose"), min_length=4, max_length=300)
    after = forms.IntegerField(label=_("Only entries after this number"), min_value=0, initial=0)


def bound(form: type[OfficeForm], request: Any, **initial: Any) -> OfficeForm:
    """Return a form with what the request posts; bound even where nothing but the token is posted."""
    return form(request.POST if request.method == "POST" else None, initial=initial)
