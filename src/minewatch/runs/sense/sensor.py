"""The sensor's loop: packets through the scan, flows that are over into the journal, rolls into the lake."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.runs.sense.committing import Committed, Committer
from minewatch.runs.sense.journal import Journal
from minewatch.runs.sense.metrics import Metric, Metrics, resident_bytes
from minewatch.runs.sense.packet_sources import PacketSource
from minewatch.runs.sense.service import Notifier
from minewatch.runs.sense.spool import Spool
from minewatch.runs.sense.tally import SensorName, Tally, instant
from minewatch.schema.columns import doc_of
from minewatch.schema.reasons import Reason, reason
from minewatch.schema.sensor_tables import SENSOR_INTERVALS
from minewatch.sources.captures.captures import CaptureScan
from minewatch.sources.captures.flow_scan import Figures
from minewatch.sources.captures.packet_stream import ByteStream

TICK_US, SWEEP_US = 1_000_000, 5_000_000
"""The book is looked at so often; flows that are over leave the table so often."""

_PAUSE_S, _ROWS_AT_ONCE = 0.1, 8192
_LOSSES = (
    "kernel_drops",
    "nic_drops",
    "flows_forced",
    "texts_lost",
    "timings_lost",
    "names_lost",
    "rows_lost",
)
_MEANINGS = {field.name: doc_of(field) for field in SENSOR_INTERVALS}


class Scan(Protocol):
    """What the sensor needs of ``sources.captures.captures.CaptureScan``; times are ns since 1970."""

    @property
    def figures(self) -> Figures:
        """What the scan holds, took and had to drop."""
        ...

    def run(self, file: ByteStream, path: Path) -> Iterator[int]:
        """Read ``file`` to its end; yield after each window and wherever nothing came for a moment."""
        ...

    def evict(self, now_ns: int) -> None:
        """Write the flows that are over at ``now_ns``."""
        ...

    def cut(self, opened_before_ns: int) -> None:
        """Write the flows that are open since before then, and let them go on as new ones."""
        ...

    def finish(self) -> None:
        """Write all flows that are left."""
        ...


Taker = Callable[[pa.Table], None]
"""Gets rows of ``flows`` as they are over."""


class SensedFlows(CaptureScan):
    """A scan that hands on its rows at once, some thousand at a time, so that none pile up."""

    def __init__(self, sensor: str, take: Taker) -> None:
        super().__init__(sensor)
        self._take = take

    def write(self, numbers: np.ndarray) -> None:
        """Hand on the rows of flows that are over."""
        for start in range(0, len(numbers), _ROWS_AT_ONCE):
            super().write(numbers[start : start + _ROWS_AT_ONCE])
            for rows in self.tables():
                self._take(rows)


class Watcher(Protocol):
    """Who is told what a person should know."""

    def told(self, note: Reason, grave: bool) -> None:
        """Learn ``note``; ``grave``: something is lost or does not work."""
        ...


class Pace(NamedTuple):
    """How often things are done, seconds.

    ``roll_s``: a roll goes to the lake; ``active_s``: a flow that stays open is written.
    """

    roll_s: float = 300.0
    active_s: float = 3600.0


class Parts(NamedTuple):
    """What a sensor is put together from."""

    source: PacketSource
    new_scan: Callable[[Taker], Scan]
    spool: Spool
    committer: Committer
    metrics: Metrics
    notifier: Notifier
    watcher: Watcher


class Sensor:
    """Runs until its source ends or ``stop`` is set."""

    def __init__(self, parts: Parts, name: SensorName, pace: Pace) -> None:
        self.stop = threading.Event()
        self._parts, self._name = parts, name
        self._scan = parts.new_scan(self._take)
        self._roll_us, self._active_us = (round(1_000_000 * seconds) for seconds in pace)
        self._journal: Journal | None = None
        self._now_us = self._swept_us = self._next_roll_us = 0
        self._rolls = self._committed_rows = self._mining_rows = self._refusals = self._failures = 0

    def run(self) -> Tally:
        """Hear the source out and return all counts; every roll is in the lake, or waits for the next run.

        Raises LiveError where the interface is gone, when what was heard is written.
        """
        notifier = self._parts.notifier
        notifier.tell(ready="1", status=f"listening on {self._name.interface}")
        try:
            self._listen()
        finally:
            notifier.tell(stopping="1", status="writing the last roll")
            self._finish()
        return self._tally()

    def _listen(self) -> None:
        source = self._parts.source
        for _ in self._scan.run(source, Path(source.name)):
            now_us = source.now_us(self._scan.figures.last_ns // 1000)
            if abs(now_us - self._now_us) >= TICK_US:
                self._tick(max(now_us, self._now_us))  # a clock that is set back stands still meanwhile
            if self.stop.is_set():
                self.stop.clear()
                source.end()

    def _tick(self, now_us: int) -> None:
        journal, self._now_us = self._book(now_us), now_us
        if now_us - self._swept_us >= SWEEP_US:
            self._swept_us = now_us
            self._scan.evict(now_us * 1000)
            self._scan.cut((now_us - self._active_us) * 1000)
        if now_us >= self._next_roll_us:
            self._roll(now_us, "roll")
        else:
            journal.flush_if_due(now_us, self._tally())
        self._commit()
        while self._parts.source.waits and self._parts.spool.waiting() and not self._parts.spool.has_room():
            self._pause()

    def _book(self, now_us: int) -> Journal:
        if self._journal is None:
            start_us = self._scan.figures.first_ns // 1000 if self._parts.source.waits else now_us
            self._journal = Journal(self._parts.spool, self._name, start_us)
            self._next_roll_us = self._roll_end(start_us)
        return self._journal

    def _roll(self, now_us: int, ended_by: str) -> None:
        counted = self._book(now_us).roll(now_us, self._tally(), ended_by)
        self._rolls += 1
        self._next_roll_us = self._roll_end(now_us)
        told = self._parts.watcher.told
        told(reason("sense_rolled", until=f"{instant(now_us):%Y-%m-%d %H:%M:%S}", **counted._asdict()), False)
        lost = {name: getattr(counted, name) for name in _LOSSES if getattr(counted, name)}
        if lost:
            told(reason("sense_lost", what=", ".join(f"{name} {n:,}" for name, n in lost.items())), True)

    def _roll_end(self, now_us: int) -> int:
        """Return the end of the roll of ``now_us``: rolls end at round times, so that sensors agree."""
        return (now_us // self._roll_us + 1) * self._roll_us

    def _finish(self) -> None:
        now_us = self._parts.source.now_us(self._scan.figures.last_ns // 1000)
        if now_us:
            self._now_us = max(now_us, self._now_us)
            self._scan.finish()
            self._roll(self._now_us, "stop")
        committer = self._parts.committer
        while (committer.is_busy or self._parts.spool.waiting()) and not committer.rests:
            self._pause()

    def _pause(self) -> None:
        """Wait a little for the lake."""
        self._commit()
        time.sleep(_PAUSE_S)

    def _commit(self) -> None:
        if done := self._parts.committer.step():
            self._note(done)
        self._parts.notifier.tell(watchdog="1")
        self._parts.metrics.publish(self._metrics())

    def _note(self, done: Committed) -> None:
        told = self._parts.watcher.told
        self._committed_rows += done.rows
        self._refusals += len(done.refused)
        if done.rolls:
            told(reason("sense_committed", rolls=done.rolls, rows=done.rows), False)
        for refusal in done.refused:
            told(reason("sense_refused", error=refusal), True)
        if done.failure is not None:
            self._failures += 1
            waiting = len(self._parts.spool.waiting())
            told(reason("sense_not_committed", error=done.failure, waiting=waiting), True)

    def _take(self, rows: pa.Table) -> None:
        self._mining_rows += pc.count(rows.column("dialect")).as_py()
        now_us = self._now_us or self._scan.figures.last_ns // 1000
        journal = self._book(now_us)
        journal.add(rows)
        journal.flush_if_due(now_us, self._tally())

    def _tally(self) -> Tally:
        """Return all counts but those of rows in the making, which the journal adds."""
        lost, taken = self._parts.source.losses(), self._scan.figures
        rows = (self._journal.rows_written, self._journal.rows_lost) if self._journal else (0, 0)
        return Tally(
            packets=taken.packets,
            bytes=taken.bytes,
            packets_cut=taken.packets_cut,
            kernel_drops=lost.kernel_drops,
            ring_freezes=lost.ring_freezes,
            nic_drops=lost.nic_drops,
            flows_forced=taken.flows_forced,
            texts_lost=taken.desks_lost,
            timings_lost=taken.messages_refused,
            names_lost=taken.names_refused,
            rows_written=rows[0],
            rows_lost=rows[1],
        )

    def _metrics(self) -> dict[str, Metric]:
        spool, figures = self._parts.spool, self._scan.figures
        counters = {name: Metric(n, _MEANINGS[name]) for name, n in self._tally()._asdict().items()}
        return counters | {
            "flows": Metric(figures.flows, "flows open now", False),
            "mining_rows": Metric(self._mining_rows, "rows of flows in which a mining dialect was heard"),
            "rolls": Metric(self._rolls, "rolls ended"),
            "rows_committed": Metric(self._committed_rows, "rows taken into the lake"),
            "commit_failures": Metric(self._failures, "times that rolls could not be taken into the lake"),
            "rolls_refused": Metric(self._refusals, "rolls put aside because they could not be read"),
            "rolls_waiting": Metric(len(spool.waiting()), "rolls that wait for the lake", False),
            "spool_bytes": Metric(spool.waiting_bytes(), "size of the rolls that wait", False),
            "last_packet_seconds": Metric(
                figures.last_ns / 1e9, "time of the last packet, since 1970", False
            ),
            "resident_bytes": Metric(resident_bytes(), "largest memory so far", False),
        }
