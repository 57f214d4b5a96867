"""The list of deliveries."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from minewatch.office.intake.models import Delivery
from minewatch.office.intake.selectors import delivery_rows
from minewatch.office.web.listing import Column, Kind, Listing


def _count(name: str) -> Any:
    return lambda row: row.counts.get(name)


class DeliveryListing(Listing):
    """Deliveries of findings, newest first."""

    name, title, permission = "deliveries", _("Findings received"), "intake.deliver_findings"
    order = "-received_at"
    adding = ("deliver", _("Deliver findings"), "intake.deliver_findings")
    columns = (
        Column("name", _("File"), link=lambda row: reverse("delivery", args=[row.pk])),
        Column("origin", _("Origin"), sort="origin"),
        Column("period_start_at", _("From"), Kind.DAY, sort="period_start_at"),
        Column("period_end_at", _("Until"), Kind.DAY, sort="period_end_at"),
        Column("state", _("State"), value=Delivery.get_state_display, sort="state"),
        Column("rows", _("Findings"), Kind.NUMBER, sort="rows"),
        Column("taken", _("New"), Kind.NUMBER, value=_count("taken")),
        Column("aside", _("Put aside"), Kind.NUMBER, value=_count("aside")),
        Column("withdrawn", _("Withdrawn"), Kind.NUMBER, value=_count("withdrawn")),
        Column("received_at", _("Received at"), Kind.TIME, sort="received_at"),
    )

    def select(self, _said: Mapping[str, Any]) -> "QuerySet[Delivery]":
        """Return the deliveries in scope."""
        return delivery_rows()
