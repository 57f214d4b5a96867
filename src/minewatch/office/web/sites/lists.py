"""Lists of sites, enterprises, usage points, plants and lines."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from minewatch.office.register import lists
from minewatch.office.register.models import Enterprise, Site
from minewatch.office.register.protection import Eyes
from minewatch.office.register.titles import tariff_text
from minewatch.office.web.forms import DayInput, RegionField
from minewatch.office.web.listing import Action, Column, FilterForm, Kind, Listing, Sight

STATE_COLOURS: Mapping[str, str] = {
    Site.State.SUSPECTED: "yellow",
    Site.State.LISTED: "orange",
    Site.State.CONFIRMED: "red",
    Site.State.VICTIM: "purple",
    Site.State.NOT_MINING: "secondary",
    Site.State.CLOSED: "green",
}
_ANY = ("", "—")


def _edit(route: str) -> tuple[Action]:
    return (Action(route, _("Edit"), "register.edit_things", "edit"),)


class _Register(Listing):
    """What the lists of the register share: who sees them, and where rows come from."""

    permission = "register.see_things"
    exporting, clearing = "register.export_inventory", "register.unmask"
    rows: ClassVar[Callable[[Mapping[str, Any]], "QuerySet[Any]"]]
    row: ClassVar[Callable[[Any, Eyes], Any]]

    def select(self, said: Mapping[str, Any]) -> "QuerySet[Any]":
        """Return the rows that the filters leave."""
        return type(self).rows(said)

    def present(self, rows: Sequence[Any], sight: Sight) -> Sequence[Any]:
        """Return the rows with protected fields masked, or in the clear where the sight allows it."""
        kind = lists.OpenEyes if sight.in_the_clear else Eyes
        eyes = kind(sight.by.user.pk if sight.by.user else None, sight.by.at)
        return [type(self).row(row, eyes) for row in rows]


class SiteFilters(FilterForm):
    """Filters of sites."""

    text = forms.CharField(label=_("Code or name"), max_length=80)
    region = RegionField()
    state = forms.ChoiceField(label=_("State"), choices=[_ANY, *Site.State.choices])
    phase = forms.ChoiceField(label=_("Inventory"), choices=[_ANY, *Site.Phase.choices])
    kind = forms.ChoiceField(label=_("Kind"), choices=[_ANY, *Site.Kind.choices])
    least_kw = forms.FloatField(label=_("At least (kW)"), min_value=0)
    seen_since = forms.DateTimeField(label=_("Seen since"), widget=DayInput)


class SiteListing(_Register):
    """All sites."""

    name, title = "sites", _("Sites")
    actions = _edit("edit_sites")
    filters, order = SiteFilters, "-power_kw"
    rows, row = lists.site_rows, lists.site_row
    columns = (
        Column("code", _("Code"), Kind.CODE, sort="code", link=lambda row: reverse("site", args=[row.code])),
        Column("name", _("Name"), sort="name"),
        Column("region", _("Region"), sort="region__path"),
        Column(
            "state_text", _("State"), sort="state", colour=lambda row: STATE_COLOURS.get(row.state, "blue")
        ),
        Column("kind", _("Kind"), sort="kind"),
        Column("power_kw", _("Power (kW)"), Kind.NUMBER, sort="power_kw", nullable=True),
        Column(
            "energy_week_kwh",
            _("Energy of the week (kWh)"),
            Kind.NUMBER,
            sort="energy_week_kwh",
            nullable=True,
        ),
        Column("posterior", _("Probability"), Kind.SHARE, sort="posterior", nullable=True, digits=1),
        Column("address", _("Address")),
        Column("last_seen_at", _("Last seen"), Kind.DAY, sort="last_seen_at", nullable=True),
        Column("recurrences", _("Recurrences"), Kind.NUMBER, sort="recurrences"),
    )


class EnterpriseFilters(FilterForm):
    """Filters of enterprises."""

    text = forms.CharField(label=_("Name or code"), max_length=80)
    region = RegionField()
    credit_class = forms.ChoiceField(label=_("Credit class"), choices=[_ANY, *Enterprise.CreditClass.choices])


class EnterpriseListing(_Register):
    """All enterprises."""

    name, title = "enterprises", _("Enterprises")
    actions = _edit("edit_enterprises")
    filters, order = EnterpriseFilters, "name"
    rows, row = lists.enterprise_rows, lists.enterprise_row
    columns = (
        Column("name", _("Name"), sort="name", link=lambda row: reverse("enterprise", args=[row.id])),
        Column("uscc", _("Unified social credit code"), sort="uscc", nullable=True),
        Column("region", _("Region"), sort="region__path"),
        Column("industry_code", _("Industry"), sort="industry_code"),
        Column("credit_class", _("Credit class"), sort="credit_class"),
        Column("legal_representative", _("Legal representative")),
        Column("phone", _("Telephone")),
    )


class UsagePointFilters(FilterForm):
    """Filters of usage points."""

    region = RegionField()
    least_kva = forms.FloatField(label=_("At least (kVA)"), min_value=0)
    transformer = forms.CharField(label=_("Transformer"), max_length=60)


class UsagePointListing(_Register):
    """All usage points."""

    name, title = "usage_points", _("Usage points")
    actions = _edit("edit_usage_points")
    filters, order = UsagePointFilters, "number"
    rows, row = lists.usage_point_rows, lists.usage_point_row
    columns = (
        Column(
            "number",
            _("Number"),
            Kind.CODE,
            sort="number",
            link=lambda row: reverse("usage_point", args=[row.id]),
        ),
        Column("customer_name", _("Customer")),
        Column("region", _("Region"), sort="region__path"),
        Column("address", _("Address")),
        Column("tariff_class", _("Tariff class"), value=lambda row: tariff_text(row.tariff_class)),
        Column("voltage_kv", _("Voltage (kV)"), Kind.NUMBER, digits=1),
        Column("contract_kva", _("Contracted (kVA)"), Kind.NUMBER, sort="contract_kva", nullable=True),
        Column("transformer_id", _("Transformer")),
        Column("opened_on", _("Account opened"), Kind.DAY),
        Column("closed_on", _("Account closed"), Kind.DAY),
    )


class PlantFilters(FilterForm):
    """Filters of plants."""

    text = forms.CharField(label=_("Number or name"), max_length=80)
    region = RegionField()


class PlantListing(_Register):
    """All power plants."""

    name, title = "plants", _("Power plants")
    actions = _edit("edit_plants")
    filters, order = PlantFilters, "number"
    rows, row = lists.plant_rows, lists.plant_row
    columns = (
        Column("number", _("Number"), sort="number"),
        Column("name", _("Name"), sort="name"),
        Column("region", _("Region"), sort="region__path"),
        Column("kind", _("Kind"), sort="kind"),
        Column("capacity_mw", _("Capacity (MW)"), Kind.NUMBER, sort="capacity_mw", nullable=True, digits=1),
    )


class LineFilters(FilterForm):
    """Filters of network lines."""

    region = RegionField()


class LineListing(_Register):
    """All network lines."""

    name, title = "lines", _("Network lines")
    actions = _edit("edit_lines")
    filters, order = LineFilters, "prefix"
    rows, row = lists.line_rows, lists.line_row
    columns = (
        Column("prefix", _("IP addresses"), sort="first_address"),
        Column("ports", _("Ports")),
        Column("region", _("Region"), sort="region__path"),
        Column("carrier", _("Carrier")),
        Column("holder_name", _("Holder")),
        Column("valid_from", _("Valid from"), Kind.TIME),
        Column("valid_to", _("Valid to"), Kind.TIME),
    )
