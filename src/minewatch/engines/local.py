"""Partitions over this machine's cores: threads for kernels, which release the GIL, or processes."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa

from minewatch.engines.base import Item, Result
from minewatch.engines.failures import EngineError
from minewatch.engines.parts import PartTask
from minewatch.schema.steps import Partition, PartResult, Step

DEATHS_WITHOUT_PROGRESS = 3
"""How often worker processes may die in a row before anything is finished."""


class WorkersDiedError(EngineError):
    """Worker processes were killed again and again, most often for want of memory."""

    def __init__(self, items: int) -> None:
        super().__init__(
            f"worker processes died {DEATHS_WITHOUT_PROGRESS} times in a row with {items} parts to go, most "
            "often for want of memory; try fewer workers, as in --engine local-processes[1]",
            f"工作进程连续{DEATHS_WITHOUT_PROGRESS}次异常终止,尚有{items}个分区未完成,多因内存不足;"
            "请减少并行数,例如 --engine local-processes[1]",
        )


class LocalEngine:
    """Runs up to ``workers`` tasks at a time in threads, or with ``processes`` in processes of their own.

    Threads start at once and share what is loaded; they suit tasks that spend their time in Arrow and in
    kernels. Processes suit tasks that are mostly Python, such as the simulator; one that dies is replaced
    and its parts are done again.
    """

    name = "local"

    def __init__(self, workers: int, *, processes: bool = False) -> None:
        self.workers = workers
        self.processes = processes

    def map(self, task: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[int, Result]]:
        """See ``Engine.map``. When left early, running threads finish their part; processes are stopped."""
        return (
            _over_processes(task, items, self.workers) if self.processes else self._over_threads(task, items)
        )

    def run(
        self, step: Step, partitions: Sequence[Partition], parameters: Mapping[str, Any], folder: Path
    ) -> Iterator[PartResult]:
        """See ``Engine.run``."""
        folder.mkdir(parents=True, exist_ok=True)
        for _, part in self.map(PartTask(step, parameters, str(folder)), partitions):
            yield part

    def close(self) -> None:
        """Workers live only as long as a ``map``; nothing is left to give back."""

    def _over_threads(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="minewatch")
        try:
            yield from _finished({pool.submit(task, item): place for place, item in enumerate(items)})
        finally:
            pool.shutdown(cancel_futures=True)


def _finished(places: dict["Future[Result]", int]) -> Iterator[tuple[int, Result]]:
    for future in as_completed(places):
        # A result is not kept here once it is handed on.
        yield places.pop(future), future.result()


def _over_processes(
    task: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[tuple[int, Result]]:
    left = dict(enumerate(items))
    deaths = 0
    while left:
        before = len(left)
        try:
            for place, result in _one_pool(task, dict(left), workers):
                del left[place]
                yield place, result
        except BrokenProcessPool as error:
            deaths = 1 if len(left) < before else deaths + 1
            if deaths == DEATHS_WITHOUT_PROGRESS:
                raise WorkersDiedError(len(left)) from error


def _one_pool(
    task: Callable[[Item], Result], items: Mapping[int, Item], workers: int
) -> Iterator[tuple[int, Result]]:
    # Forking a process with threads in it can deadlock; a spawned one starts clean on every platform.
    context = get_context("spawn")
    far_end, near_end = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(min(workers, len(items)), context, _start_worker, (far_end,))
    try:
        yield from _finished({pool.submit(task, item): place for place, item in items.items()})
        pool.shutdown()
    except Exception:
        pool.shutdown(cancel_futures=True)  # what is half written is finished, not left lying
        raise
    finally:
        near_end.close()
        pool.shutdown(cancel_futures=True)
        far_end.close()


def _start_worker(lifeline: Connection) -> None:
    # Ctrl-C reaches the whole terminal group; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_die_with_parent, args=(lifeline,), daemon=True).start()
    # One core for each worker: libraries are not to start threads of their own.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    pa.set_cpu_count(1)


def _die_with_parent(lifeline: Connection) -> None:
    """End this process when the parent closes its end, on purpose or by dying."""
    try:
        lifeline.recv()
    except EOFError:
        os._exit(1)
