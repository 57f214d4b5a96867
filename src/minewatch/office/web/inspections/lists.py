"""Lists of inspections, inspectors, complaints, plans and draws."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.scope import active
from minewatch.office.verify.inspections import planned, selectors
from minewatch.office.verify.inspections.models import Draw, Inspection, Plan
from minewatch.office.web.forms import DayInput, RegionField
from minewatch.office.web.listing import Column, FilterForm, Kind, Listing, Sight

_ANY = ("", "—")
_SEE = "inspections.see_inspections"
STATE_COLOURS: Mapping[str, str] = {
    Inspection.State.PLANNED: "azure",
    Inspection.State.UNDER_WAY: "blue",
    Inspection.State.DONE: "green",
    Inspection.State.CANCELLED: "secondary",
    Plan.State.DRAFT: "yellow",
    Plan.State.ISSUED: "green",
    Plan.State.DROPPED: "secondary",
    Draw.State.ANNOUNCED: "yellow",
    Draw.State.DRAWN: "green",
    Draw.State.ABANDONED: "red",
}


def _colour(row: Any) -> str:
    return "red" if getattr(row, "is_late", False) else STATE_COLOURS[row.state]


def _to(route: str, key: object) -> str:
    return reverse(route, args=[key])


def _site(row: Any) -> str:
    return str(row.site.code)


class InspectionFilters(FilterForm):
    """Filters of inspections."""

    text = forms.CharField(label=_("Number or name"), max_length=80)
    region = RegionField()
    state = forms.ChoiceField(label=_("State"), choices=[_ANY, *Inspection.State.choices])
    origin = forms.ChoiceField(label=_("Comes of"), choices=[_ANY, *Inspection.Origin.choices])
    mine = forms.BooleanField(label=_("I am on it"))
    unpublished = forms.BooleanField(label=_("Done, not published"))


class InspectionListing(Listing):
    """All inspections."""

    name, title, permission = "inspections", _("Inspections"), _SEE
    filters, order = InspectionFilters, "-planned_for"
    exporting = "verify.export_cases"
    columns = (
        Column(
            "number", _("Number"), sort="number", link=lambda row: reverse("inspection", args=[row.number])
        ),
        Column("site", _("Site"), sort="case__site__name"),
        Column("region", _("Region"), sort="case__site__region__path"),
        Column("planned_for", _("Day"), Kind.DAY, sort="planned_for"),
        Column("team", _("Inspectors")),
        Column("agency", _("Agency"), sort="order__agency__name_zh"),
        Column("origin", _("Comes of"), sort="origin"),
        Column("state_text", _("State"), sort="state", colour=_colour),
        Column(
            "publish_by", _("Publish by"), Kind.DAY, colour=lambda row: "red" if row.is_late else "secondary"
        ),
        Column("published", _("Published")),
    )

    def select(self, said: Mapping[str, Any]) -> "QuerySet[Any]":
        """Return the inspections that the filters leave."""
        user = active().actor_id
        mine = {"user": user} if said.get("mine") and user is not None else {}
        return selectors.inspection_rows({**said, **mine})

    def present(self, rows: Sequence[Any], sight: Sight) -> Sequence[Any]:
        """Return inspections with who goes and what is owed."""
        return selectors.present(rows, sight.by.at)


class InspectorFilters(FilterForm):
    """Filters of inspectors."""

    text = forms.CharField(label=_("Name or certificate"), max_length=80)
    on = forms.DateField(label=_("Inspects on"), widget=DayInput())


class InspectorListing(Listing):
    """The register of inspectors."""

    name, title, permission = "inspectors", _("Inspectors"), _SEE
    filters, order = InspectorFilters, "certificate"
    adding = ("inspector_new", _("Enter an inspector"), "inspections.keep_inspectors")
    columns = (
        Column("name", _("Name"), sort="user__username", link=lambda row: _to("inspector", row.id)),
        Column("agency", _("Agency"), sort="agency__name_zh"),
        Column("certificate", _("Certificate"), sort="certificate"),
        Column("qualifications", _("Qualifications")),
        Column("active_from", _("From"), Kind.DAY, sort="active_from"),
        Column("active_to", _("Until before"), Kind.DAY, sort="active_to", nullable=True),
        Column("recusals", _("Keeps away from"), Kind.NUMBER),
    )

    def select(self, said: Mapping[str, Any]) -> "QuerySet[Any]":
        """Return the inspectors that the filters leave."""
        return selectors.inspector_rows(said)

    def present(self, rows: Sequence[Any], _sight: Sight) -> Sequence[Any]:
        """Return inspectors with how much they keep away from."""
        return selectors.present_inspectors(rows)


class ComplaintListing(Listing):
    """Complaints about sites."""

    name, title, permission = "complaints", _("Complaints"), "inspections.plan_inspections"
    order = "-received_on"
    adding = ("complaint_new", _("Note a complaint"), "inspections.plan_inspections")
    columns = (
        Column(
            "site",
            _("Site"),
            sort="site__code",
            value=lambda row: row.site.code,
            link=lambda row: reverse("site", args=[row.site.code]),
        ),
        Column("received_on", _("Received on"), Kind.DAY, sort="received_on"),
        Column("source", _("Where"), sort="source"),
        Column("reference", _("Number there"), sort="reference"),
    )

    def select(self, said: Mapping[str, Any]) -> "QuerySet[Any]":
        """Return the complaints in scope."""
        return selectors.complaint_rows(said)


class PlanFilters(FilterForm):
    """Filters of plans."""

    state = forms.ChoiceField(label=_("State"), choices=[_ANY, *Plan.State.choices])


class PlanListing(Listing):
    """All plans."""

    name, title, permission = "plans", _("Plans of inspections"), _SEE
    filters, order = PlanFilters, "-made_at"
    adding = ("plan_new", _("Make a plan"), "inspections.plan_inspections")
    columns = (
        Column("number", _("Number"), sort="number", link=lambda row: _to("plan", row.number)),
        Column("title", _("Title")),
        Column("state_text", _("State"), sort="state", colour=_colour),
        Column("agency", _("Agency")),
        Column("visits", _("Visits"), Kind.NUMBER),
        Column("value_kwh_day", _("Worth (kWh a day)"), Kind.NUMBER),
        Column("inspector_hours", _("Inspector hours"), Kind.NUMBER),
        Column("kilometres", _("Kilometres"), Kind.NUMBER),
        Column("made_at", _("Made"), Kind.DAY, sort="made_at"),
    )

    def select(self, said: Mapping[str, Any]) -> "QuerySet[Any]":
        """Return the plans that the filters leave."""
        return planned.plan_rows(said)

    def present(self, rows: Sequence[Any], _sight: Sight) -> Sequence[Any]:
        """Return plans with their totals."""
        return [planned.present_plan(row) for row in rows]


class DrawFilters(FilterForm):
    """Filters of draws."""

    state = forms.ChoiceField(label=_("State"), choices=[_ANY, *Draw.State.choices])


class DrawListing(Listing):
    """All draws."""

    name, title, permission = "draws", _("Random draws"), _SEE
    filters, order = DrawFilters, "-announced_at"
    adding = ("draw_new", _("Announce a draw"), "inspections.draw_inspections")
    columns = (
        Column("number", _("Number"), sort="number", link=lambda row: _to("draw", row.number)),
        Column("title", _("Title")),
        Column("state_text", _("State"), sort="state", colour=_colour),
        Column("agency", _("Agency")),
        Column("wanted", _("To draw"), Kind.NUMBER),
        Column("cases", _("out of"), Kind.NUMBER),
        Column("announced_at", _("Announced"), Kind.TIME, sort="announced_at"),
        Column("public_at", _("Public number comes out"), Kind.TIME, sort="public_at"),
    )

    def select(self, said: Mapping[str, Any]) -> "QuerySet[Any]":
        """Return the draws that the filters leave."""
        return planned.draw_rows(said)

    def present(self, rows: Sequence[Any], sight: Sight) -> Sequence[Any]:
        """Return draws with how they stand."""
        return [planned.present_draw(row, sight.by.at) for row in rows]
