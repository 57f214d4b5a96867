"""What every page shows: who is logged in, where, and the way through the console."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.models import User


class Way(NamedTuple):
    """An entry of the menu: route, title, icon (of Tabler), permission that shows it, key of its group."""

    route: str
    title: str | Promise
    icon: str
    permission: str = ""
    group: str = ""


class Group(NamedTuple):
    """Entries under one title; a group without a title stands in the menu itself."""

    title: str | Promise
    icon: str
    ways: list[Way]


GROUPS: dict[str, tuple[str | Promise, str]] = {
    "": ("", ""),
    "work": (_("Work"), "checklist"),
    "register": (_("Register"), "database"),
    "oversight": (_("Oversight"), "chart-bar"),
    "office": (_("Office"), "settings"),
}
"""Groups of the menu in their order: title and icon."""

_SEE = "register.see_things"
WAYS: list[Way] = [
    Way("home", _("Overview"), "layout-dashboard"),
    Way("map", _("Map"), "map", _SEE),
    Way("queue", _("Work queue"), "inbox", "verify.see_cases", "work"),
    Way("cases", _("Cases"), "briefcase", "verify.see_cases", "work"),
    Way("batches", _("Batches"), "stack-2", "verify.see_cases", "work"),
    Way("questions", _("Questions to carriers"), "help", "verify.see_cases", "work"),
    Way("inspections_mine", _("My inspections"), "clipboard-check", "verify.do_orders", "work"),
    Way("inspections", _("Inspections"), "clipboard-list", "inspections.see_inspections", "work"),
    Way("plans", _("Plans of inspections"), "route", "inspections.see_inspections", "work"),
    Way("draws", _("Random draws"), "dice", "inspections.see_inspections", "work"),
    Way("inspectors", _("Inspectors"), "id-badge", "inspections.see_inspections", "work"),
    Way("complaints", _("Complaints"), "message-report", "inspections.plan_inspections", "work"),
    Way("field", _("Inspections on site"), "device-mobile", "inspections.carry_out", "work"),
    Way("works", _("Long work"), "progress", "", "work"),
    Way("exports", _("Exports"), "download", "register.export_inventory", "work"),
    Way("compare", _("Comparison of regions"), "chart-bar", _SEE, "oversight"),
    Way("sites", _("Sites"), "building-factory", _SEE, "register"),
    Way("inventory", _("Inventory: operating"), "list-details", _SEE, "register"),
    Way("inventory_construction", _("Inventory: under construction"), "crane", _SEE, "register"),
    Way("enterprises", _("Enterprises"), "building", _SEE, "register"),
    Way("usage_points", _("Usage points"), "plug", _SEE, "register"),
    Way("plants", _("Power plants"), "bolt", _SEE, "register"),
    Way("lines", _("Network lines"), "network", _SEE, "register"),
    Way("imports", _("Imports"), "file-import", "register.import_things", "register"),
    Way("duplicate_entries", _("Duplicates"), "copy", "register.merge_things", "register"),
    Way("deliveries", _("Findings received"), "package-import", "intake.deliver_findings", "register"),
    Way("labels_file", _("Labels"), "tags", "intake.export_labels", "oversight"),
    Way("accounts", _("Accounts"), "users", "platform.manage_users", "office"),
    Way("roles_asked", _("Roles asked for"), "user-check", "platform.manage_users", "office"),
    Way("tokens", _("My tokens"), "key", "platform.use_tokens", "office"),
    Way("hooks", _("Webhooks"), "webhook", "platform.keep_hooks", "office"),
    Way("api_docs", _("Programming interface"), "api", "platform.use_tokens", "office"),
    Way("all_tokens", _("Tokens"), "key", "platform.manage_users", "office"),
    Way("all_hooks", _("Webhooks"), "webhook", "platform.see_hooks", "office"),
    Way("agencies", _("Agencies"), "building", "platform.manage_agencies", "office"),
    Way("regions", _("Regions"), "map-pin", "platform.manage_regions", "office"),
    Way("office_state", _("State of the office"), "activity", "platform.see_work", "office"),
    Way("audit", _("Audit"), "shield-check", "platform.see_audit", "office"),
    Way("audit_check", _("Check of the chain"), "link", "platform.see_audit", "office"),
]
"""Entries of the menu in their order within a group. Who makes a page adds its line here."""


def of_every_page(request: HttpRequest) -> dict[str, Any]:
    """Return the menu of the account and whether a second factor is asked for."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"menu": []}
    return {"menu": list(_menu(user)), "second_factor": settings.SECOND_FACTOR}


def _menu(user: User) -> Iterator[Group]:
    for key, (title, icon) in GROUPS.items():
        ways = [way for way in WAYS if way.group == key and _is_shown(way, user)]
        if ways:
            yield Group(title, icon, ways)


def _is_shown(way: Way, user: User) -> bool:
    return not way.permission or user.has_perm(way.permission)
