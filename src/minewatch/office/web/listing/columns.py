"""Columns of a list: what is in a cell on the page and in an exported file."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from html import escape
from typing import Any, NamedTuple

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _


class Kind(Enum):
    """What a column holds; it decides alignment and how a value is written."""

    TEXT = "text"
    CODE = "code"
    NUMBER = "number"
    SHARE = "share"
    TIME = "time"
    DAY = "day"


@dataclass(frozen=True)
class Column:
    """A column: ``name`` is the attribute of the presented row, unless ``value`` takes it from there.

    ``sort`` is the field to order by (with ``__`` through relations), empty where it cannot be sorted;
    ``nullable`` puts rows without a value last. ``link`` gives the address that a cell leads to, ``colour``
    the colour (of Tabler) of a badge. ``digits`` are decimal places.
    """

    name: str
    title: str | Promise
    kind: Kind = Kind.TEXT
    sort: str = ""
    nullable: bool = False
    value: Callable[[Any], Any] | None = None
    link: Callable[[Any], str] | None = None
    colour: Callable[[Any], str] | None = None
    digits: int = 0

    def of(self, row: Any) -> Any:
        """Return the value of the column in a presented row."""
        return self.value(row) if self.value else getattr(row, self.name)

    def cell(self, row: Any) -> "Cell":
        """Return the cell of a row as the page shows it."""
        value = self.of(row)
        has_value = value is not None and value != ""
        link = self.link(row) if self.link and has_value else ""
        colour = self.colour(row) if self.colour and has_value else ""
        return Cell(self, written(self, value), link, colour)


class Cell(NamedTuple):
    """A value as text, where it leads, and the colour of its badge."""

    column: Column
    text: str
    link: str
    colour: str

    def html(self, opening: str) -> str:
        """Return the cell as it stands in the table, behind the ``opening`` tag of its column."""
        text = escape(self.text)
        if self.link:
            text = f'<a href="{escape(self.link)}">{text}</a>'
        elif self.colour:
            text = f'<span class="badge bg-{escape(self.colour)}-lt">{text}</span>'
        return f"{opening}{text}</td>"


class Line(NamedTuple):
    """A row of the table: the id of what it shows, its cells, and these as they stand in the page.

    A page may have ten thousand cells: written here they cost a tenth of what they cost in a template.
    """

    id: Any
    cells: list[Cell]
    html: SafeString


def lines(columns: Sequence[Column], ids: Iterable[Any], presented: Iterable[Any]) -> list[Line]:
    """Return the rows of a table; ``ids`` are those of what is ``presented``."""
    openings = [
        f'<td class="office-{column.kind.value}" data-label="{escape(str(column.title))}">'
        for column in columns
    ]
    found = []
    for pk, row in zip(ids, presented, strict=True):
        cells = [column.cell(row) for column in columns]
        parts = [cell.html(opening) for cell, opening in zip(cells, openings, strict=True)]
        found.append(Line(pk, cells, mark_safe("".join(parts))))  # noqa: S308 - each part is escaped
    return found


def written(column: Column, value: Any) -> str:
    """Write a value for a person; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, datetime):
        pattern = "%Y-%m-%d" if column.kind is Kind.DAY else "%Y-%m-%d %H:%M"
        return timezone.localtime(value).strftime(pattern)
    if column.kind is Kind.SHARE:
        return per_cent(value, column.digits)
    return f"{value:,.{column.digits}f}" if column.kind is Kind.NUMBER else str(value)


def per_cent(share: float, digits: int) -> str:
    """Write a share of 1 in per cent; what is less than all is never rounded to all of it."""
    least_off = 0.5 * 10 ** -(digits + 2)
    if 1 - least_off <= share < 1:
        return f">{1 - 2 * least_off:.{digits}%}"
    return f"{share:.{digits}%}"
