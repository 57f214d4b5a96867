"""What a list is: its columns, its filters, where its rows come from and what can be done with them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.utils.functional import Promise

from minewatch.office.platform.models import Region
from minewatch.office.platform.paging import after
from minewatch.office.platform.scope import active
from minewatch.office.platform.services import By
from minewatch.office.web.forms import OfficeForm
from minewatch.office.web.listing.columns import Column, Kind

_CHUNK = 1_000


class FilterForm(OfficeForm):
    """Base of the filters of a list; no field is required."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        for field in self.fields.values():
            field.required = False


class Sight(NamedTuple):
    """Who looks at rows and when; ``in_the_clear`` in an export that may show protected fields."""

    by: By
    in_the_clear: bool = False


class Action(NamedTuple):
    """Something to do with the rows that were ticked: their ids are posted to ``route`` as ``ids``."""

    route: str
    title: str | Promise
    permission: str
    icon: str = "checks"


class Listing(ABC):
    """A list. A subclass says what follows, and ``listed(Subclass)`` is its view.

    ``order`` is the order without a choice, as ``-power`` (a column's name). ``exporting`` is the permission
    to take the list away as a file, empty where nobody does; ``clearing`` the one that shows protected fields
    in it. ``wide`` filters are shown at once, the others when asked for.
    """

    name: ClassVar[str]
    title: ClassVar[str | Promise]
    permission: ClassVar[str]
    columns: ClassVar[Sequence[Column]]
    filters: ClassVar[type[FilterForm]] = FilterForm
    order: ClassVar[str] = ""
    actions: ClassVar[Sequence[Action]] = ()
    exporting: ClassVar[str] = ""
    clearing: ClassVar[str] = ""
    note: ClassVar[str | Promise] = ""
    adding: ClassVar[tuple[str, str | Promise, str] | None] = None  # route, title, permission

    @abstractmethod
    def select(self, said: Mapping[str, Any]) -> "QuerySet[Any]":
        """Return the rows that the filters (cleaned values; empty ones left out) leave, in scope."""

    def present(self, rows: Sequence[Any], _sight: Sight) -> Sequence[Any]:
        """Return what is shown of ``rows``, masked; the rows themselves where nothing is protected."""
        return rows

    def ordered(self, rows: "QuerySet[Any]", sort: str) -> "QuerySet[Any]":
        """Order rows by a column's name with ``-`` for descending; ties by id."""
        return rows.order_by(*self._orders(sort), "-pk" if sort.startswith("-") else "pk")

    def _orders(self, sort: str) -> Iterator[Any]:
        name = sort.removeprefix("-")
        column = next((column for column in self.columns if column.name == name and column.sort), None)
        if column is None:
            return
        field = _apart(column) if _is_narrow() else F(column.sort)
        nulls: dict[str, Any] = {"nulls_last": True} if column.nullable else {}
        yield field.desc(**nulls) if sort.startswith("-") else field.asc(**nulls)

    def everything(self, rows: "QuerySet[Any]", sight: Sight) -> Iterator[Any]:
        """Give all rows as presented, a thousand at a time, by id."""
        last: int | None = 0
        while last is not None:
            found, last = after(rows, last, _CHUNK)
            yield from self.present(found, sight)


_MEASURED = (Kind.NUMBER, Kind.SHARE, Kind.TIME, Kind.DAY)


def _is_narrow() -> bool:
    """Tell whether the scope is a part of the country."""
    return len(active().region_path) > Region.steplen


def _apart(column: Column) -> Any:
    """Return the field of a column, for a text so that no index is read in its order.

    Numbers, codes and names follow the place: where the rows of one place are ordered by them, an index of
    the country is read through all other places first. Sorting those of the place costs less.
    """
    is_own_text = column.kind not in _MEASURED and "__" not in column.sort
    return Coalesce(column.sort, column.sort) if is_own_text else F(column.sort)
