"""Forms of webhooks."""

from django import forms
from django.utils.translation import gettext_lazy as _

from minewatch.office.web.forms import OfficeForm, regions_to_choose
from minewatch.office.web.webhooks.happenings import KINDS


class HookForm(OfficeForm):
    """A subscription."""

    name = forms.CharField(label=_("Name"), max_length=80)
    url = forms.URLField(
        label=_("Address"),
        max_length=500,
        assume_scheme="https",
        help_text=_("https; in the office's own network only hosts that the operator has named."),
    )
    region = forms.ChoiceField(label=_("Region"), choices=regions_to_choose)
    kinds = forms.MultipleChoiceField(
        label=_("Kinds of events"),
        widget=forms.CheckboxSelectMultiple,
        choices=[(kind, title) for kind, (title, _teller) in KINDS.items()],
    )
