"""How the office's own work stands: jobs and events that wait, run or failed. No case is in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min
from django_tasks_db.models import DBTaskResult

from minewatch.office.platform.events import subscribe
from minewatch.office.platform.models import AuditEntry, Event

KEPT_FOR = timedelta(days=90)
"""How long the office remembers a job that came to its end; what it did stands in the audit chain."""


@dataclass(frozen=True)
class FailedJob:
    """A job that failed: which, when, with what."""

    name: str
    at: datetime | None
    error: str


@dataclass(frozen=True)
class StateOfWork:
    """Jobs by state, the last that failed, events that wait and since when, audit entries not sealed."""

    jobs: Mapping[str, int]
    failed: list[FailedJob]
    events_waiting: int
    events_since: datetime | None
    unsealed: int


def state_of_work(most_failed: int = 20) -> StateOfWork:
    """Return how the work stands now."""
    counted = DBTaskResult.objects.order_by().values_list("status").annotate(Count("pk"))
    failed = DBTaskResult.objects.failed().order_by("-finished_at")[:most_failed]
    waiting = Event.objects.filter(delivered_at=None).aggregate(number=Count("pk"), since=Min("at"))
    return StateOfWork(
        dict(counted),
        [FailedJob(job.task_path, job.finished_at, job.exception_class_path) for job in failed],
        waiting["number"],
        waiting["since"],
        AuditEntry.objects.filter(seq=None).count(),
    )


@subscribe("platform.hour_began")
def forget_old_jobs(_payload: Mapping[str, Any], at: datetime) -> None:
    """Forget the jobs that ended long ago."""
    DBTaskResult.objects.finished().filter(finished_at__lt=at - KEPT_FOR).delete()
