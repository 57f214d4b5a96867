"""A job whose worker died is run again; one that kills each worker ends."""

from pathlib import Path

import pytest
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from minewatch.office import jobs


def running(*worker_ids: str) -> DBTaskResult:
    return DBTaskResult.objects.create(
        status=TaskResultStatus.RUNNING,
        started_at=timezone.now(),
        args_kwargs={"args": [], "kwargs": {}},
        task_path="nowhere.task",
        worker_ids=list(worker_ids),
        backend_name="default",
        run_after=timezone.now(),
        exception_class_path="",
        traceback="",
    )


@pytest.mark.django_db
def test_a_job_waits_for_its_living_worker_and_not_for_a_dead_one(tmp_path: Path) -> None:
    job = running("gone", "here")
    with jobs.hold(tmp_path, "here"):
        assert jobs.lives(tmp_path, "here")
        assert jobs.requeue_orphans(tmp_path) == 0
    assert jobs.requeue_orphans(tmp_path) == 1
    job.refresh_from_db()
    assert job.status == TaskResultStatus.READY
    assert list(tmp_path.iterdir()) == []
    assert jobs.requeue_orphans(tmp_path) == 0


@pytest.mark.django_db
def test_a_job_that_kills_its_workers_fails_in_the_end(tmp_path: Path) -> None:
    job = running(*(f"gone-{number}" for number in range(jobs.MOST_TRIES)))
    assert jobs.requeue_orphans(tmp_path) == 1
    job.refresh_from_db()
    assert job.status == TaskResultStatus.FAILED
    assert job.exception_class_path.endswith("WorkersDied")
