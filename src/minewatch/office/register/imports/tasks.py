"""The job that checks and applies imports; run again after a crash, it goes on where it stopped."""

from datetime import UTC, datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django_tasks import task

from minewatch.office.platform import work
from minewatch.office.platform.models import Work
from minewatch.office.platform.services import By
from minewatch.office.register.imports import services
from minewatch.office.register.imports.models import Import


@transaction.atomic
def check(one: Import, columns: dict[str, str], by: By) -> Import:
    """Map the columns of an import and enqueue its check."""
    mapped = services.map_columns(one, columns, by)
    return _enqueue(mapped, _("Check of %(name)s") % {"name": one.name}, by, None)


@transaction.atomic
def apply(one: Import, by: By) -> Import:
    """Confirm an import and enqueue its application."""
    confirmed = services.confirm(one, by)
    counts = confirmed.counts
    total = sum(number for outcome, number in counts.items() if outcome in ("new", "changed", "disputed"))
    return _enqueue(confirmed, _("Import of %(name)s") % {"name": one.name}, by, total)


def _enqueue(one: Import, title: str, by: By, total: int | None) -> Import:
    one.work = work.begin(title[:200], by.user, by.at, total)
    one.save(update_fields=["work"])
    run.enqueue(one.pk, one.work.pk)
    return one


@task()
def run(import_id: int, work_id: int) -> None:
    """Check or apply an import, and keep the work's row up to date."""
    begun = Work.objects.get(pk=work_id)
    one = Import._base_manager.select_related("region", "user__agency", "source").get(pk=import_id)
    with work.failing_with(begun, datetime.now(UTC)):
        done = services.go_on(one, datetime.now(UTC), lambda rows: work.progress(begun, rows))
    result = {"error": done.failure} if done.failure else {**done.counts, "address": f"/imports/{one.pk}/"}
    work.end(begun, result, datetime.now(UTC), failed=bool(done.failure))
