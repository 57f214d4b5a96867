"""Lists of the administrators."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform import lists
from minewatch.office.platform.acts import ACTS
from minewatch.office.platform.models import Agency, Region
from minewatch.office.platform.roles import Administrator, Role
from minewatch.office.web.forms import DayInput
from minewatch.office.web.listing import Column, FilterForm, Kind, Listing, Sight

ANY = [("", "—")]


class AccountFilters(FilterForm):
    """Filters of accounts."""

    text = forms.CharField(label=_("Name"), max_length=80)
    agency = forms.CharField(label=_("Code of the agency"), max_length=40)
    role = forms.ChoiceField(label=_("Role"), choices=[*ANY, *Role.choices, *Administrator.choices])
    active = forms.ChoiceField(label=_("State"), choices=[*ANY, ("yes", _("In use")), ("no", _("Suspended"))])


class AccountListing(Listing):
    """Accounts, for the security administrator."""

    name, title, permission = "accounts", _("Accounts"), "platform.manage_users"
    filters, order = AccountFilters, "username"
    adding = ("account_new", _("New account"), "platform.manage_users")
    columns = (
        Column(
            "username",
            _("User name"),
            sort="username",
            link=lambda row: reverse("account_page", args=[row.username]),
        ),
        Column("full_name", _("Name"), sort="last_name"),
        Column("agency", _("Agency"), sort="agency__name_zh"),
        Column("region", _("Region"), sort="region__path"),
        Column("roles", _("Roles")),
        Column(
            "state",
            _("State"),
            value=lambda row: _now("In use") if row.is_active else _now("Suspended"),
            colour=lambda row: "green" if row.is_active else "red",
        ),
        Column("last_login", _("Last login"), Kind.TIME, sort="last_login", nullable=True),
        Column("password_changed_at", _("Password of"), Kind.DAY, sort="password_changed_at", nullable=True),
    )

    def select(self, said: Mapping[str, Any]) -> Any:
        """Return the accounts."""
        return lists.accounts(said)

    def present(self, rows: Sequence[Any], _sight: Sight) -> Sequence[Any]:
        """Return names in words."""
        return [lists.account_row(row) for row in rows]


class AskedFilters(FilterForm):
    """Filters of roles asked for."""

    open = forms.BooleanField(label=_("Not decided"))


class AskedListing(Listing):
    """Roles that one administrator asked for and another decides."""

    name, title, permission = "roles_asked", _("Roles asked for"), "platform.manage_users"
    filters, order = AskedFilters, "-asked_at"
    columns = (
        Column(
            "user",
            _("Account"),
            sort="user__username",
            value=lambda row: row.user.username,
            link=lambda row: reverse("role_decide", args=[row.pk]) if row.decided_at is None else "",
        ),
        Column("role", _("Role"), value=lambda row: row.get_role_display()),
        Column("reason", _("Reason")),
        Column("asked_by", _("Asked by"), value=lambda row: row.asked_by.username),
        Column("asked_at", _("Asked at"), Kind.TIME, sort="asked_at"),
        Column("decided_by", _("Decided by"), value=lambda row: getattr(row.decided_by, "username", "")),
        Column("given", _("Given"), value=lambda row: row.given if row.decided_at else None),
    )

    def select(self, said: Mapping[str, Any]) -> Any:
        """Return what was asked."""
        return lists.roles_asked(said)


class AgencyFilters(FilterForm):
    """Filters of agencies."""

    text = forms.CharField(label=_("Name or code"), max_length=80)
    kind = forms.ChoiceField(label=_("Kind"), choices=[*ANY, *Agency.Kind.choices])
    region = forms.CharField(label=_("Code of the region"), max_length=12)


class AgencyListing(Listing):
    """Agencies, for the system administrator."""

    name, title, permission = "agencies", _("Agencies"), "platform.manage_agencies"
    filters, order = AgencyFilters, "region"
    adding = ("agency_new", _("New agency"), "platform.manage_agencies")
    columns = (
        Column("code", _("Code"), sort="code", link=lambda row: reverse("agency_edit", args=[row.code])),
        Column("name_zh", _("Name"), sort="name_zh"),
        Column("name_en", _("Name in English"), sort="name_en"),
        Column("kind", _("Kind"), sort="kind", value=lambda row: row.get_kind_display()),
        Column("region", _("Region"), sort="region__path", value=lambda row: row.region.name_zh),
        Column("active", _("Works")),
    )

    def select(self, said: Mapping[str, Any]) -> Any:
        """Return the agencies."""
        return lists.agencies(said)


class RegionFilters(FilterForm):
    """Filters of regions."""

    text = forms.CharField(label=_("Name or code"), max_length=80)
    level = forms.ChoiceField(label=_("Level"), choices=[*ANY, *Region.Level.choices])
    ended = forms.BooleanField(label=_("Ended"))


class RegionListing(Listing):
    """Regions, for the system administrator."""

    name, title, permission = "regions", _("Regions"), "platform.manage_regions"
    filters, order = RegionFilters, "code"
    adding = ("park_new", _("New park"), "platform.manage_regions")
    columns = (
        Column("code", _("Code"), sort="path", value=lambda row: row.code),
        Column("name_zh", _("Name"), sort="name_zh"),
        Column("name_en", _("Name in English"), sort="name_en"),
        Column("level", _("Level"), value=lambda row: row.get_level_display()),
        Column("valid_to", _("Ended"), Kind.DAY, sort="valid_to", nullable=True),
        Column("successor", _("Now"), value=lambda row: row.successor and row.successor.code),
    )

    def select(self, said: Mapping[str, Any]) -> Any:
        """Return the regions."""
        return lists.regions(said)


class AuditFilters(FilterForm):
    """Filters of the audit chain."""

    actor = forms.CharField(label=_("Account"), max_length=150)
    agency = forms.CharField(label=_("Code of the agency"), max_length=40)
    action = forms.ChoiceField(label=_("Act"), choices=[*ANY, *ACTS.items()])
    subject = forms.CharField(label=_("Thing (kind, or kind and number)"), max_length=100)
    since = forms.DateField(label=_("From"), widget=DayInput())
    until = forms.DateField(label=_("To"), widget=DayInput())


class AuditListing(Listing):
    """The audit chain, for the audit administrator."""

    name, title, permission = "audit", _("Audit"), "platform.see_audit"
    filters, order = AuditFilters, "-at"
    exporting = "platform.export_audit"
    note = _("Details of cases are not shown here; their hash is in the chain.")
    columns = (
        Column("at", _("Time"), Kind.TIME, sort="id"),
        Column("seq", _("Number"), Kind.NUMBER),
        Column("actor", _("Account")),
        Column("agency", _("Agency")),
        Column("action", _("Act")),
        Column("subject", _("Thing")),
        Column("details", _("Details")),
    )

    def select(self, said: Mapping[str, Any]) -> Any:
        """Return the entries."""
        return lists.audit_entries(said)

    def present(self, rows: Sequence[Any], _sight: Sight) -> Sequence[Any]:
        """Return entries without the details of cases."""
        return lists.audit_rows(rows)
