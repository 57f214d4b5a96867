"""Long work that shows how far it is: a row that the job keeps up to date, and the person can watch."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from minewatch.office.platform.models import User, Work
from minewatch.office.platform.refusals import Refused


def begin(title: str, user: User | None, at: datetime, total: int | None = None) -> Work:
    """Note a piece of work that a job will do; belongs into the transaction that enqueues the job.

    The job names it by its argument ``work_id``: work that no unfinished job names counts as failed.
    """
    return Work.objects.create(title=title, user=user, total=total, began_at=at)


def progress(work: Work, done: int, total: int | None = None) -> None:
    """Note how far the work is. Outside of the job's own transactions, so that it is seen at once."""
    values: dict[str, Any] = {"done": done, "state": Work.State.RUNNING}
    if total is not None:
        values["total"] = total
    Work.objects.filter(pk=work.pk).update(**values)


def end(work: Work, result: Mapping[str, Any], at: datetime, *, failed: bool = False) -> None:
    """Note what came of the work."""
    state = Work.State.FAILED if failed else Work.State.DONE
    Work.objects.filter(pk=work.pk).update(state=state, result=dict(result), ended_at=at)


def fail_lost(named: Callable[[], Collection[int]], at: datetime) -> int:
    """Note as failed what is under way and not ``named`` by an unfinished job; return how many.

    A job whose workers died, or whose code is gone, ends without a word of its own.
    """
    under_way = Work.objects.filter(state__in=(Work.State.WAITING, Work.State.RUNNING))
    if not (ids := set(under_way.values_list("pk", flat=True))):
        return 0
    lost = under_way.filter(pk__in=ids.difference(named()))
    return lost.update(state=Work.State.FAILED, result={"code": "job_lost"}, ended_at=at)


@contextmanager
def failing_with(work: Work, at: datetime) -> Iterator[None]:
    """Note a failure of the block, with its words, before it goes on to the job's runner."""
    try:
        yield
    except Exception as error:
        end(work, {"error": str(error) or type(error).__name__}, at, failed=True)
        raise


@dataclass(frozen=True)
class WorkShown:
    """A piece of work as the person who started it sees it; ``share`` is None where its end is not known."""

    id: int
    title: str
    state: str
    state_title: str
    done: int
    total: int | None
    share: float | None
    result: Mapping[str, Any]
    began_at: datetime
    ended_at: datetime | None

    @property
    def is_running(self) -> bool:
        """Tell whether there is more to come."""
        return self.state in (Work.State.WAITING, Work.State.RUNNING)


def works_of(user: User | None, most: int = 50) -> list[WorkShown]:
    """Return the newest work that an account started."""
    return [_shown(work) for work in Work.objects.filter(user=user).order_by("-pk")[:most]]


def _shown(work: Work) -> WorkShown:
    title = str(Work.State(work.state).label)
    share = min(work.done / work.total, 1.0) if work.total else None
    names = ("id", "title", "state", "done", "total", "began_at", "ended_at")
    values: dict[str, Any] = {name: getattr(work, name) for name in names}
    code = work.result.get("code")
    result = {"error": str(Refused(code))} if code else work.result
    return WorkShown(state_title=title, share=share, result=result, **values)
