"""Forms of tokens and of accounts of machines."""

from collections.abc import Collection, Mapping
from typing import Any, cast

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.models import User
from minewatch.office.platform.tokens import longest_days
from minewatch.office.web.administration.forms import ROLES_OF_ONE, agencies_to_choose
from minewatch.office.web.forms import OfficeForm, regions_to_choose

PERMISSIONS: Mapping[str, str | Promise] = {
    "register.see_things": _("Read sites, enterprises, usage points, plants, lines and inventories"),
    "register.see_history": _("Read who said what and when"),
    "register.unmask": _("See protected fields in the clear, for a purpose"),
    "verify.see_cases": _("Read cases, batches, questions and the work queue"),
    "verify.do_orders": _("Receive, finish and return orders"),
    "verify.ask_carriers": _("Take questions to carriers away and bring their answers"),
    "intake.see_findings": _("Read findings and what shows them"),
    "intake.deliver_findings": _("Deliver findings"),
    "intake.export_labels": _("Take labels away"),
}
"""What a token can be given, in words: what the operations of the interface ask for."""


class _Permitted(OfficeForm):
    """What every token has, but its region."""

    name = forms.CharField(label=_("What it is for"), max_length=80)
    permissions = forms.MultipleChoiceField(label=_("Permissions"), widget=forms.CheckboxSelectMultiple)
    days = forms.IntegerField(label=_("Days until it expires"), min_value=1, initial=90)

    def __init__(self, *args: Any, held: Collection[str], **named: Any) -> None:
        super().__init__(*args, **named)
        choices = [(name, title) for name, title in PERMISSIONS.items() if name in held]
        cast("forms.MultipleChoiceField", self.fields["permissions"]).choices = choices
        self.fields["days"].help_text = _("At most %(most)s.") % {"most": longest_days()}


class TokenForm(_Permitted):
    """A token for the own account."""

    region = forms.ChoiceField(label=_("Region"), choices=regions_to_choose)


class MachineTokenForm(_Permitted):
    """A token that a security administrator prepares for a machine's account."""

    keeper = forms.CharField(
        label=_("Account of the keeper"),
        max_length=150,
        help_text=_("A person of the same agency, who draws the key. It is shown to nobody else."),
    )
    region = forms.CharField(label=_("Code of the region"), max_length=12)

    def clean_keeper(self) -> User:
        """Return the account of the name."""
        found = User.objects.filter(username=self.cleaned_data["keeper"].strip(), is_active=True).first()
        if found is None:
            raise forms.ValidationError(_("There is no such account."))
        return found


class MachineForm(OfficeForm):
    """The account of another system."""

    username = User._meta.get_field("username").formfield(label=_("User name"))
    title = forms.CharField(label=_("System"), max_length=150)
    agency = forms.ChoiceField(label=_("Agency"), choices=agencies_to_choose)
    roles = forms.MultipleChoiceField(
        label=_("Roles"), choices=ROLES_OF_ONE, widget=forms.CheckboxSelectMultiple
    )
