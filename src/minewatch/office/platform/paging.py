"""Pages of rows that stay fast however many rows there are.

People page by number, as far as ``DEEPEST`` rows; who wants more narrows the filter. Programs go on after the
last id they saw. Neither counts further than it must: a count over a million rows costs more than the page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import QuerySet

DEEPEST = 10_000
"""Rows that can be reached by turning pages; the count stops there too."""

_FAR = 1_000

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows of many. ``total`` is ``DEEPEST`` with ``has_more_than_counted`` where there are more."""

    rows: Sequence[Row]
    number: int
    size: int
    total: int
    has_more_than_counted: bool

    @property
    def pages(self) -> int:
        """Number of pages that can be turned to, at least one."""
        return max(1, -(-self.total // self.size))

    @property
    def first(self) -> int:
        """Position of the first row shown, from 1; 0 where there is none."""
        return (self.number - 1) * self.size + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """Position of the last row shown."""
        return (self.number - 1) * self.size + len(self.rows)


def page_of(
    rows: "QuerySet[Any]", number: int, size: int, present: Callable[[Sequence[Any]], Sequence[Row]]
) -> Page[Row]:
    """Return page ``number`` (from 1; a number beyond the last gives the last) of ordered ``rows``.

    ``present`` turns the rows of the page into what is shown. Two queries, besides those of ``present``; a
    third for a page far back.
    """
    counted = rows.order_by()[: DEEPEST + 1].count()
    total = min(counted, DEEPEST)
    number = min(max(1, number), max(1, -(-total // size)))
    found = _between(rows, (number - 1) * size, min(number * size, DEEPEST)) if total else []
    return Page(present(found), number, size, total, counted > DEEPEST)


def _between(rows: "QuerySet[Any]", first: int, last: int) -> list[Any]:
    """Return rows by their positions; far back by their ids, so that what is passed over is not joined."""
    if first < _FAR:
        return list(rows[first:last])
    ids = list(rows.values_list("pk", flat=True)[first:last])
    found = {row.pk: row for row in rows.order_by().filter(pk__in=ids)}
    return [found[pk] for pk in ids if pk in found]


def after(rows: "QuerySet[Any]", last_id: int, size: int) -> tuple[list[Any], int | None]:
    """Return up to ``size`` rows behind the one of ``last_id`` (0 at first), and the id to go on with."""
    found = list(rows.filter(pk__gt=last_id).order_by("pk")[: size + 1])
    return found[:size], found[size - 1].pk if len(found) > size else None
