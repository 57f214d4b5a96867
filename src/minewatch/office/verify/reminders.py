"""Reminders, overdue notices and escalation, each once: before the time, after it, to the agency above."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from minewatch.office.platform import audit
from minewatch.office.platform.models import Agency, Region
from minewatch.office.platform.services import By
from minewatch.office.verify import calendar
from minewatch.office.verify.batches import leading_agency
from minewatch.office.verify.flow import RESTING
from minewatch.office.verify.models import Approval, Batch, Case, Notice, Obligation, Order, Owed, Plea

_MODELS: tuple[type[Owed], ...] = (Order, Obligation, Approval, Plea)
_STAGE = Owed.Stage
_BATCH_LOOKED_AT = timedelta(days=14)  # after its deadline


def remind(at: datetime) -> int:
    """Send what is due at an instant; return how many notices are new. In the scope of the office."""
    new = 0
    for model in _MODELS:
        late = model._base_manager.filter(ended_at=None, stage__lt=_STAGE.ESCALATED)
        soon = late.filter(due_at__lte=calendar.working_days_on(at, 1))
        for row in soon.select_related("agency__region", "case__site"):
            new += _remind_of(row, at)
    return new + _remind_of_batches(at)


def _remind_of(row: Any, at: datetime) -> int:
    stage = _stage(row.due_at, at)
    if stage <= row.stage:
        return 0
    type(row)._base_manager.filter(pk=row.pk).update(stage=stage)
    about = {"subject": row._meta.model_name, "subject_id": row.pk, "stage": stage, "at": at}
    notices = [
        Notice(region_id=row.case.site.region_id, agency=agency, case=row.case, **about)
        for agency in _told(row, stage)
    ]
    return len(Notice.objects.bulk_create(notices, ignore_conflicts=True))


def _stage(due_at: datetime, at: datetime) -> int:
    if at < due_at:
        return _STAGE.REMINDED
    escalates = calendar.working_days_on(due_at, calendar.limits()["escalation"])
    return _STAGE.ESCALATED if at >= escalates else _STAGE.OVERDUE


def _told(row: Any, stage: int) -> Iterator[Agency]:
    """Yield who hears of it: the agency that owes it, the one that waits for it, at last the one above."""
    yield row.agency
    if stage >= _STAGE.OVERDUE and isinstance(row, Order) and row.sender_id != row.agency_id:
        yield row.sender
    if stage == _STAGE.ESCALATED and (above := agency_above(row.agency)):
        yield above


def agency_above(agency: Agency) -> Agency | None:
    """Return the agency of the same kind in the nearest region above, or the one that leads there."""
    own, step = agency.region.path, Region.steplen
    paths = [own[:end] for end in range(step, len(own), step)]
    above = Agency.objects.filter(kind=agency.kind, active=True, region__path__in=paths)
    same = above.order_by("-region__depth", "pk").first()
    parent = None if same else Region.objects.filter(path=own[:-step]).first()
    return leading_agency(parent) if parent else same


def _remind_of_batches(at: datetime) -> int:
    """Tell who holds open cases of a batch that is due within a working day, or was."""
    new = 0
    since = calendar.working_days_on(at, 1)
    for batch in Batch._base_manager.filter(due_at__lte=since, due_at__gt=at - _BATCH_LOOKED_AT):
        stage = min(_stage(batch.due_at, at), _STAGE.OVERDUE)
        waiting = Case._base_manager.filter(batches=batch).exclude(state__in=RESTING)
        about = {"subject": "batch", "subject_id": batch.pk, "stage": stage, "at": at}
        told = Notice._base_manager.filter(subject="batch", subject_id=batch.pk, stage=stage)
        holders = Agency.objects.filter(pk__in=waiting.values("holder")).exclude(pk__in=told.values("agency"))
        notices = [
            Notice(region_id=one.region_id, agency=one, batch=batch, **about)
            for one in holders.order_by("pk")
        ]
        new += len(Notice.objects.bulk_create(notices, ignore_conflicts=True))
    return new


@transaction.atomic
def note_seen(by: By) -> None:
    """Note that an account's agency has seen its notices."""
    agency = by.user.agency_id if by.user else None
    seen = Notice.objects.filter(agency=agency, seen_at=None).update(seen_at=by.at)
    if seen:
        audit.record(by.act("notices_seen", ("agency", agency)), {"number": seen})
