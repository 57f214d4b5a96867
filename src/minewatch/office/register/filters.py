"""Filters of lists that an account keeps, for itself or for its agency."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q

from minewatch.office.platform import audit
from minewatch.office.platform.models import User
from minewatch.office.platform.services import By
from minewatch.office.register.models import SavedFilter

Query = Mapping[str, Sequence[str]]


class Kept(NamedTuple):
    """A kept filter: ``query`` maps a name of a field to its values; ``is_own`` where it may be dropped."""

    id: int
    name: str
    query: Query
    is_own: bool


def filters_of(user: User, page: str) -> list[Kept]:
    """Return the filters that an account or its agency keeps for a page."""
    shared = Q(for_agency=True, user__agency_id=user.agency_id) if user.agency_id else Q()
    rows = SavedFilter.objects.filter(Q(user=user) | shared, page=page).order_by("name", "id")
    return [Kept(row.pk, row.name, row.query, row.user_id == user.pk) for row in rows]


@transaction.atomic
def keep_filter(page: str, name: str, query: Query, by: By, *, for_agency: bool = False) -> None:
    """Keep a filter under a name; one of the same name and account is replaced."""
    values = {"query": {key: list(values) for key, values in query.items()}, "for_agency": for_agency}
    kept, _is_new = SavedFilter.objects.update_or_create(
        user=by.user, page=page, name=name.strip(), defaults=values
    )
    audit.record(by.act("filter_kept", ("filter", kept.pk)), {"page": page, "name": kept.name})


@transaction.atomic
def drop_filter(number: int, by: By) -> None:
    """Drop a filter of the account's own; one that is not is left alone."""
    if SavedFilter.objects.filter(pk=number, user=by.user).delete()[0]:
        audit.record(by.act("filter_dropped", ("filter", number)), {})
