"""The two inventories of the notice, with every field, and the merges that were made."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from minewatch.office.register import inventory
from minewatch.office.register.duplicates import MergeShown, merges, shown_merges
from minewatch.office.register.lists import site_rows
from minewatch.office.register.models import Merge, Site
from minewatch.office.register.protection import Eyes
from minewatch.office.register.titles import KINDS
from minewatch.office.web.forms import DayInput, RegionField
from minewatch.office.web.listing import Column, FilterForm, Kind, Listing, Sight

_KINDS = {"number": Kind.NUMBER, "share": Kind.SHARE, "day": Kind.DAY, "time": Kind.TIME}
_SORTED = {"code", "name", "power_kw", "energy_week_kwh", "first_seen_at", "last_seen_at", "planned_start_on"}


class InventoryFilters(FilterForm):
    """By region, kind, state, size and time."""

    region = RegionField()
    text = forms.CharField(label=_("Name or code"))
    kind = forms.ChoiceField(label=_("Kind"), choices=[("", "—"), *Site.Kind.choices])
    state = forms.ChoiceField(label=_("State"), choices=[("", "—"), *Site.State.choices])
    least_kw = forms.FloatField(label=_("At least kW"), min_value=0)
    seen_since = forms.DateField(label=_("Seen since"), widget=DayInput())


def _column(column: inventory.Column) -> Column:
    name = column.name
    return Column(
        name,
        column.title,
        _KINDS.get(column.holds, Kind.TEXT),
        sort=name if name in _SORTED else "",
        nullable=True,
        value=lambda row: row[name],
        link=(lambda row: reverse("site", args=[row["code"]])) if name == "code" else None,
        digits=1 if column.holds == "share" else 0,
    )


class _Inventory(Listing):
    """What both inventories share."""

    phase: ClassVar[str]
    permission = "register.see_things"
    filters = InventoryFilters
    order = "-power_kw"
    exporting, clearing = "register.export_inventory", "register.unmask"

    def select(self, said: Mapping[str, Any]) -> "QuerySet[Any]":
        """Return the sites of the phase."""
        return inventory.with_files(site_rows({**said, "phase": self.phase}))

    def present(self, rows: Sequence[Any], sight: Sight) -> Sequence[Any]:
        """Return the rows of the inventory, masked."""
        user = sight.by.user
        return inventory.rows(rows, Eyes(user.pk if user else None, sight.by.at, sight.in_the_clear))


class OperatingInventory(_Inventory):
    """Projects that operate: article (三)."""

    phase = Site.Phase.OPERATING
    name, title = "inventory-operating", _("Inventory: operating")
    columns = tuple(_column(column) for column in inventory.columns(phase))


class ConstructionInventory(_Inventory):
    """Projects under construction: article (四)."""

    phase = Site.Phase.CONSTRUCTION
    name, title = "inventory-construction", _("Inventory: under construction")
    columns = tuple(_column(column) for column in inventory.columns(phase))


class MergeFilters(FilterForm):
    """By kind of thing."""

    kind = forms.ChoiceField(label=_("Kind"), choices=[("", "—"), *KINDS.items()])


def _undo(row: MergeShown) -> str:
    return "" if row.undone_at else reverse("merge_undo", args=[row.id])


class MergeListing(Listing):
    """Merges that were made, each of which can be undone."""

    name, title, permission = "merges", _("Merges"), "register.merge_things"
    filters = MergeFilters
    note: ClassVar[str | Promise] = _("A merge is undone by its number.")
    columns = (
        Column("id", _("Number"), link=_undo),
        Column("kind", _("Kind"), value=lambda row: KINDS[row.kind]),
        Column("kept", _("Kept")),
        Column("merged", _("Merged into it")),
        Column("reason", _("Reason")),
        Column("by", _("By")),
        Column("at", _("At"), Kind.TIME),
        Column("undone_at", _("Undone"), Kind.TIME),
    )

    def select(self, said: Mapping[str, Any]) -> "QuerySet[Any]":
        """Return the merges of things in scope."""
        return merges(str(said.get("kind", "")))

    def present(self, rows: Sequence[Merge], sight: Sight) -> Sequence[Any]:
        """Return the merges with the names of the two rows."""
        return shown_merges(rows, Eyes(sight.by.user.pk if sight.by.user else None, sight.by.at))
