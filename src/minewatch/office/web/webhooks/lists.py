"""Lists of webhooks: an agency's own, and all of them for the system administrator."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform import programs
from minewatch.office.platform.scope import active
from minewatch.office.web.listing import Column, Kind, Listing, Sight


def _state(row: programs.HookRow) -> str:
    if not row.active:
        return _now("Stopped")
    return _now("Failing") if row.failures else _now("Works")


def _colour(row: programs.HookRow) -> str:
    if not row.active:
        return "secondary"
    return "red" if row.failures else "green"


class HookListing(Listing):
    """The subscriptions of the own agency."""

    name, title, permission = "hooks", _("Webhooks"), "platform.keep_hooks"
    order = "name"
    adding: ClassVar[tuple[str, str | Promise, str] | None] = (
        "hook_new",
        _("New webhook"),
        "platform.keep_hooks",
    )
    note = _("Your agency's own system is told of events, with ids and links only.")
    columns: ClassVar[Sequence[Column]] = (
        Column("name", _("Name"), sort="name", link=lambda row: reverse("hook", args=[row.id])),
        Column("url", _("Address"), sort="url"),
        Column("region", _("Region"), sort="region__path"),
        Column("state", _("State"), value=_state, colour=_colour),
        Column("kinds", _("Kinds of events"), Kind.NUMBER, value=lambda row: len(row.kinds)),
        Column("waiting", _("Waiting"), Kind.NUMBER),
        Column("done", _("Delivered"), Kind.NUMBER),
        Column("dead", _("Given up"), Kind.NUMBER),
        Column("made_at", _("Created"), Kind.DAY, sort="made_at"),
    )

    def select(self, _said: Mapping[str, Any]) -> Any:
        """Return the subscriptions of the agency."""
        return programs.hooks({"agency": active().agency_id})

    def present(self, rows: Sequence[Any], _sight: Sight) -> Sequence[Any]:
        """Return subscriptions with how their deliveries stand."""
        return programs.hook_rows(list(rows))


class AllHookListing(HookListing):
    """All subscriptions, for the system administrator; what was sent is not shown."""

    name, permission, adding = "all_hooks", "platform.see_hooks", None
    note = _("What is sent is not shown here. A webhook that does harm can be stopped.")
    columns = (
        Column(
            "name",
            _("Name"),
            sort="name",
            link=lambda row: reverse("hook_stop", args=[row.id]) if row.active else "",
        ),
        Column("agency", _("Agency"), sort="agency__name_zh"),
        *HookListing.columns[1:],
    )

    def select(self, _said: Mapping[str, Any]) -> Any:
        """Return all subscriptions."""
        return programs.hooks({})
