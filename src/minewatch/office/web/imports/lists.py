"""Lists of imports and of the own exports."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from minewatch.office.register.imports.models import Import
from minewatch.office.register.imports.selectors import import_rows, shown
from minewatch.office.web.listing import Column, Kind, Listing, Sight

COLOURS: Mapping[str, str] = {
    Import.State.RECEIVED: "yellow",
    Import.State.CHECKED: "yellow",
    Import.State.CHECKING: "blue",
    Import.State.APPLYING: "blue",
    Import.State.DONE: "green",
    Import.State.FAILED: "red",
    Import.State.DROPPED: "secondary",
}


def _count(name: str) -> Any:
    return lambda row: row.counts.get(name)


class ImportListing(Listing):
    """Imports of the account's agency, newest first."""

    name, title, permission = "imports", _("Imports"), "register.import_things"
    order = "-received_at"
    adding = ("import_new", _("Import a file"), "register.import_things")
    columns = (
        Column("name", _("File"), link=lambda row: reverse("import", args=[row.id])),
        Column("kind_title", _("Holds")),
        Column("state_title", _("State"), colour=lambda row: COLOURS[row.state]),
        Column("new", _("New"), Kind.NUMBER, value=_count("new")),
        Column("changed", _("Changed"), Kind.NUMBER, value=_count("changed")),
        Column("disputed", _("Overruled"), Kind.NUMBER, value=_count("disputed")),
        Column("same", _("The same"), Kind.NUMBER, value=_count("same")),
        Column("wrong", _("In error"), Kind.NUMBER, value=_count("wrong")),
        Column("by", _("By")),
        Column("received_at", _("Brought"), Kind.TIME, sort="received_at"),
    )

    def select(self, _said: Mapping[str, Any]) -> "QuerySet[Any]":
        """Return the imports of the account's agency."""
        return import_rows()

    def present(self, rows: Sequence[Any], sight: Sight) -> Sequence[Any]:
        """Return what is shown of imports."""
        return [shown(row, sight.by) for row in rows]
