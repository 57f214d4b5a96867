"""Which workers live, and the jobs of those that died: they are run again by the next worker.

A worker holds a lock on a file of its own in the office's home for as long as its process lives; the system
lets go of it however the process ends. Who can take the lock knows that the worker is gone. Workers on
several machines share the home (it holds the evidence files too).
"""

import fcntl
import os
from contextlib import suppress
from datetime import datetime
from inspect import signature
from pathlib import Path
from typing import Any, BinaryIO

from django.db import transaction
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from minewatch.office.platform import work

MOST_TRIES = 5
"""Workers that a job may take with it before it counts as failed."""


class WorkersDied(RuntimeError):  # noqa: N818 - named for what happened
    """A job ended the process of each worker that tried it."""


def hold(folder: Path, worker_id: str) -> BinaryIO:
    """Lock the file of a worker; the lock lasts until the returned file is closed or the process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    file = _path(folder, worker_id).open("ab")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def lives(folder: Path, worker_id: str) -> bool:
    """Tell whether a worker's process lives; takes the file of a dead one away."""
    path = _path(folder, worker_id)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        with suppress(FileNotFoundError):
            path.unlink()
        return False


def requeue_orphans(folder: Path) -> int:
    """Make jobs ready again whose worker died at them, or fail those that keep killing; return how many."""
    orphans = [job for job in DBTaskResult.objects.running() if not lives(folder, job.worker_ids[-1])]
    return sum(_requeue(job) for job in orphans)


def fail_lost_works(now: datetime) -> int:
    """Note as failed each piece of work whose job ended without a word of its own; return how many."""
    return work.fail_lost(_works_named, now)


def _works_named() -> set[int]:
    unfinished = DBTaskResult.objects.filter(status__in=(TaskResultStatus.READY, TaskResultStatus.RUNNING))
    return {number for job in unfinished if (number := _work_of(job)) is not None}


def _work_of(job: DBTaskResult[Any, Any]) -> int | None:
    """Return the ``work_id`` that a job was given; None where it has none, or its code is gone."""
    with suppress(ImportError, TypeError):
        given = signature(job.task.func).bind(*job.args_kwargs["args"], **job.args_kwargs["kwargs"])
        return given.arguments.get("work_id")
    return None


@transaction.atomic
def _requeue(orphan: DBTaskResult[Any, Any]) -> bool:
    job = DBTaskResult.objects.select_for_update().get(pk=orphan.pk)
    if job.status != TaskResultStatus.RUNNING or job.worker_ids != orphan.worker_ids:
        return False  # another worker was quicker
    if len(job.worker_ids) >= MOST_TRIES:
        job.set_failed(WorkersDied(f"{len(job.worker_ids)} workers died at it"))
        return True
    job.status = TaskResultStatus.READY
    job.save(update_fields=["status"])
    return True


def _path(folder: Path, worker_id: str) -> Path:
    return folder / f"{os.path.basename(worker_id)}.lock"
