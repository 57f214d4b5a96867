"""A job whose worker died is run again; one that kills each worker ends."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from minewatch.office import jobs
from minewatch.office.conftest import AT
from minewatch.office.intake.tasks import take_in_all
from minewatch.office.platform import events, work
from minewatch.office.platform.models import Work


def running(*worker_ids: str, path: str = "nowhere.task", args: tuple[object, ...] = ()) -> DBTaskResult:
    return DBTaskResult.objects.create(
        status=TaskResultStatus.RUNNING,
        started_at=timezone.now(),
        args_kwargs={"args": list(args), "kwargs": {}},
        task_path=path,
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


@pytest.mark.django_db
def test_work_whose_job_never_ends_is_seen_to_have_failed(tmp_path: Path) -> None:
    lost, under_way, done = (work.begin(title, None, AT) for title in ("lost", "under way", "done"))
    work.end(done, {}, AT)
    path = "minewatch.office.intake.tasks.take_in_all"
    dead = tuple(f"gone-{number}" for number in range(jobs.MOST_TRIES))
    running(*dead, path=path, args=([], lost.pk))
    take_in_all.enqueue([], under_way.pk)
    assert jobs.fail_lost_works(AT) == 0
    assert jobs.requeue_orphans(tmp_path) == 1
    assert jobs.fail_lost_works(AT) == 1
    states = dict(Work.objects.values_list("title", "state"))
    assert states == {"lost": "failed", "under way": "waiting", "done": "done"}
    shown = next(shown for shown in work.works_of(None) if shown.title == "lost")
    assert not shown.is_running
    assert "error" in shown.result


@pytest.mark.django_db
def test_old_jobs_are_forgotten_and_unfinished_ones_are_not() -> None:
    old, fresh, unfinished = running("a"), running("b"), running("c")
    for job, age in ((old, timedelta(days=91)), (fresh, timedelta(days=89))):
        job.set_failed(RuntimeError())
        DBTaskResult.objects.filter(pk=job.pk).update(finished_at=AT - age)
    events.hour_began(AT)
    events.deliver(AT)
    assert set(DBTaskResult.objects.values_list("pk", flat=True)) == {fresh.pk, unfinished.pk}
