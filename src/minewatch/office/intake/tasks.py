"""The job that takes deliveries in; run again after a crash, it goes on where it stopped."""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django_tasks import task

from minewatch.office.intake.models import Delivery
from minewatch.office.intake.services import Watch, take_in
from minewatch.office.platform import work
from minewatch.office.platform.models import Work
from minewatch.office.platform.services import By


@transaction.atomic
def begin(deliveries: Sequence[Delivery], by: By) -> Work:
    """Enqueue the taking in of deliveries; return the work to watch."""
    total = sum(delivery.rows for delivery in deliveries)
    title = _("Findings: %(name)s") % {"name": deliveries[0].name}
    begun = work.begin(title[:200], by.user, by.at, total)
    take_in_all.enqueue([delivery.pk for delivery in deliveries], begun.pk)
    return begun


@task()
def take_in_all(delivery_ids: list[int], work_id: int) -> None:
    """Take deliveries in, oldest run first, and keep the work's row up to date."""
    begun = Work.objects.get(pk=work_id)
    now = datetime.now(UTC)
    counts: dict[str, int] = {}
    with work.failing_with(begun, now):
        done = 0
        for delivery_id in delivery_ids:
            delivery = Delivery._base_manager.get(pk=delivery_id)
            taken = take_in(delivery, now, _watcher(begun, done))
            done += taken.rows
            for name, number in taken.counts.items():
                counts[name] = counts.get(name, 0) + number
    work.end(begun, counts, datetime.now(UTC))


def _watcher(begun: Work, before: int) -> Watch:
    return lambda rows: work.progress(begun, before + rows)
