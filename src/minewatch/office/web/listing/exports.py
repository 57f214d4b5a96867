"""Lists as files, made by a worker in the scope and with the masks that the account had when it asked."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import override
from django_tasks import task

from minewatch.office.platform import work
from minewatch.office.platform.services import By
from minewatch.office.register.exports import services
from minewatch.office.register.exports.models import Export
from minewatch.office.register.exports.services import Asked
from minewatch.office.web.listing.files import write_csv, write_xlsx
from minewatch.office.web.listing.listing import FilterForm, Listing, Sight

__all__ = ["LISTINGS", "Asked", "begin", "cleaned", "make"]

LISTINGS: dict[str, type[Listing]] = {}
"""Lists by name; ``listed`` adds each."""

_TELLS_EVERY = 5_000


@transaction.atomic
def begin(asked: Asked, by: By) -> Export:
    """Note an export and enqueue it."""
    export = services.ask(asked, by)
    make.enqueue(export.pk, export.work.pk)
    return export


@task()
def make(export_id: int, work_id: int) -> None:
    """Make the file of an export; run again after a crash it is made anew."""
    import_module(settings.ROOT_URLCONF)  # the lists are named where their routes are
    export = Export.objects.select_related("user__agency", "region", "work").get(pk=export_id, work=work_id)
    now = datetime.now(UTC)
    with work.failing_with(export.work, now), services.as_asked(export) as by, override(export.language):
        services.make(export, lambda path: _write(export, by, path), now)
    result = {"address": reverse("export", args=[export.pk])}
    work.end(export.work, result, datetime.now(UTC))


def _write(export: Export, by: By, path: Path) -> int:
    listing = LISTINGS[export.page]()
    query = QueryDict(mutable=True)
    for name, values in export.query.items():
        query.setlist(name, values)
    rows = listing.everything(listing.select(cleaned(listing.filters(query))), Sight(by, export.in_the_clear))
    write = write_xlsx if export.form == "xlsx" else write_csv
    return write(path, listing.columns, _counted(rows, export))


def _counted(rows: Iterable[Any], export: Export) -> Iterator[Any]:
    """Pass rows on and keep the work's row up to date."""
    for number, row in enumerate(rows, 1):
        if number % _TELLS_EVERY == 0:
            work.progress(export.work, number)
        yield row


def cleaned(filters: FilterForm) -> dict[str, Any]:
    """Return what the filters of a list say; empty ones are left out."""
    filters.is_valid()
    return {name: value for name, value in filters.cleaned_data.items() if value not in (None, "", [], False)}
