"""Partitions over the executors of a Spark standalone cluster, which read and write Parquet themselves."""

import os
import pickle
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache, cached_property, partial
from pathlib import Path
from tempfile import TemporaryFile
from threading import current_thread, main_thread
from typing import Any
from uuid import uuid4

from pyspark import AccumulatorParam, SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway

import minewatch
from minewatch.engines.base import Item, Result
from minewatch.engines.java import java_home
from minewatch.engines.parts import PartTask
from minewatch.engines.spark_failures import (
    MasterUnreachableError,
    NoExecutorError,
    NotSharedError,
    OtherVersionError,
    SparkFailedError,
)
from minewatch.schema.steps import Partition, PartResult, Step

CONNECT_S = 5.0
PATIENCE_S = 120.0
_POLL_S = 0.1

_PASSED_ON = ("NUMBA_CACHE_DIR",)
"""Environment variables that executors get from the driver."""

Outcome = tuple[int, bool, bytes]
"""(position of the item, whether the task failed, pickled result or exception)."""


class SparkEngine:
    """Runs tasks on the cluster of ``master`` (``spark://host:port``), as many at a time as it gives cores.

    A part whose worker dies is done again on another. Exceptions of a task are not tried again: they would
    come back. Workers need Minewatch of the same version under the same interpreter path (``PYSPARK_PYTHON``
    names another), no Django, and the lake's folder at the same path. The driver listens only on the
    interface that reaches the master. Only one can be open at a time in a process.

    Raises NoJavaError and MasterUnreachableError at once, NoExecutorError when no executor was there for
    ``patience_s``.
    """

    name = "spark"

    def __init__(self, master: str, patience_s: float = PATIENCE_S) -> None:
        self.master = master
        self.patience_s = patience_s
        self._java_home = java_home()
        self._own_address = _address_towards(master)

    def map(self, task: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[int, Result]]:
        """See ``Engine.map``. When left early the job is cancelled on the cluster."""
        if not items:
            return
        arrivals = self._context.accumulator([], _Arrivals())
        attempt = partial(_attempt, task, minewatch.__version__, arrivals)
        group = f"minewatch-{uuid4().hex}"
        with ThreadPoolExecutor(1, thread_name_prefix="minewatch-spark") as driver:
            job = driver.submit(self._collect, group, attempt, items)
            try:
                yield from (_received(outcome) for outcome in self._stream(job, arrivals))
            finally:
                if not job.done():
                    self._context.cancelJobGroup(group)

    def run(
        self, step: Step, partitions: Sequence[Partition], parameters: Mapping[str, Any], folder: Path
    ) -> Iterator[PartResult]:
        """See ``Engine.run``."""
        folder.mkdir(parents=True, exist_ok=True)
        for _, part in self.map(PartTask(step, parameters, str(folder)), partitions):
            yield part

    def close(self) -> None:
        """Give the cluster's cores back."""
        if "_context" in vars(self):
            self._context.stop()
            del self._context

    @cached_property
    def _context(self) -> SparkContext:
        os.environ |= {"JAVA_HOME": str(self._java_home), "SPARK_LOCAL_IP": self._own_address}
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        conf = SparkConf().setMaster(self.master).setAppName("minewatch")
        with _own_interrupts():
            try:
                return SparkContext(conf=conf.setAll(_settings(self._own_address)), gateway=_gateway())
            except Exception as error:
                raise SparkFailedError(_first_line(error)) from error

    def _collect(self, group: str, attempt: Callable[..., Any], items: Sequence[Any]) -> list[Outcome]:
        self._context.setJobGroup(group, "minewatch", interruptOnCancel=True)
        numbered = list(enumerate(items))
        return self._context.parallelize(numbered, len(numbered)).mapPartitions(attempt).collect()

    def _stream(self, job: "Future[list[Outcome]]", arrivals: Any) -> Iterator[Outcome]:
        """Yield outcomes as they come in, each position once."""
        seen: set[int] = set()
        taken = 0
        last_executor_s = time.monotonic()
        while not wait([job], timeout=_POLL_S).done:
            arrived = arrivals.value[taken:]
            taken += len(arrived)
            yield from _unseen(arrived, seen)
            if self._executors():
                last_executor_s = time.monotonic()
            elif time.monotonic() - last_executor_s > self.patience_s:
                raise NoExecutorError(self.master, self.patience_s)
        try:
            outcomes = job.result()
        except Exception as error:
            raise SparkFailedError(_first_line(error)) from error
        # An accumulator may lose an update without a sound; what the job returned is complete.
        yield from _unseen(outcomes, seen)

    def _executors(self) -> int:
        try:
            # The driver counts itself.
            return int(self._context._jsc.sc().getExecutorMemoryStatus().size()) - 1
        except Exception:
            # The context has ended, with it the job: that tells why.
            return 0


@cache
def _gateway() -> Any:
    """Start the driver's Java, which lives as long as this process; what it writes stays off the terminal."""
    with TemporaryFile() as log:
        try:
            return launch_gateway(SparkConf(), {"stdout": log, "stderr": log})
        except Exception as error:
            log.seek(0)
            lines = log.read().decode(errors="replace").splitlines()
            raise SparkFailedError(" / ".join(lines[-3:]) or _first_line(error)) from error


@contextmanager
def _own_interrupts() -> Iterator[None]:
    """Keep Ctrl-C as it was: PySpark takes it over for good, and leaving ``map`` cancels the job anyway."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _settings(own_address: str) -> list[tuple[str, str]]:
    host = f"[{own_address}]" if ":" in own_address else own_address
    package = str(Path(minewatch.__file__).parents[1])
    python_path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    # One core for each task: libraries are not to start threads of their own.
    of_workers = {"PYTHONPATH": python_path, "OMP_NUM_THREADS": "1"}
    of_workers |= {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return [
        ("spark.driver.host", host),
        ("spark.driver.bindAddress", host),
        ("spark.ui.enabled", "false"),
        ("spark.ui.showConsoleProgress", "false"),
        ("spark.log.level", "ERROR"),
        *((f"spark.executorEnv.{name}", value) for name, value in of_workers.items()),
    ]


def _address_towards(master: str) -> str:
    """Return the address of the interface that reaches the first answering host of ``master``."""
    reasons = []
    for place in master.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), CONNECT_S) as connection:
                return str(connection.getsockname()[0])
        except (OSError, OverflowError) as error:
            reasons.append(str(error))
    raise MasterUnreachableError(master, "; ".join(reasons))


class _Arrivals(AccumulatorParam[list[Outcome]]):
    """Carries outcomes to the driver while the job still runs."""

    def zero(self, value: list[Outcome]) -> list[Outcome]:  # noqa: ARG002
        return []

    def addInPlace(self, value1: list[Outcome], value2: list[Outcome]) -> list[Outcome]:  # noqa: N802
        value1.extend(value2)
        return value1


def _attempt(
    task: Callable[[Any], Any], version: str, arrivals: Any, numbered: Iterable[tuple[int, Any]]
) -> list[Outcome]:
    """Work on the items of one Spark task, on a worker."""
    outcomes = [_outcome(task, version, place, item) for place, item in numbered]
    arrivals.add(outcomes)
    return outcomes


def _outcome(task: Callable[[Any], Any], version: str, place: int, item: Any) -> Outcome:
    try:
        if version != minewatch.__version__:
            raise OtherVersionError(version, minewatch.__version__)
        return place, False, pickle.dumps(task(item))
    except Exception as error:
        error.add_note(f"on Spark worker {socket.gethostname()}:\n{traceback.format_exc()}")
        return place, True, _pickled(error)


def _pickled(error: Exception) -> bytes:
    try:
        dump = pickle.dumps(error)
        pickle.loads(dump)  # noqa: S301  (made in the line above)
    except Exception:
        return pickle.dumps(RuntimeError("".join(traceback.format_exception(error))))
    return dump


def _received(outcome: Outcome) -> tuple[int, Any]:
    place, failed, dump = outcome
    result = pickle.loads(dump)  # noqa: S301  (from our own workers, over Spark's channel)
    if not failed:
        return place, result
    if isinstance(result, FileNotFoundError):
        raise NotSharedError(result) from result
    raise result


def _unseen(outcomes: Iterable[Outcome], seen: set[int]) -> Iterator[Outcome]:
    for outcome in outcomes:
        if outcome[0] not in seen:
            seen.add(outcome[0])
            yield outcome


def _first_line(error: Exception) -> str:
    return str(getattr(error, "java_exception", error)).partition("\n")[0]
