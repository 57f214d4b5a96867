"""``sense``: open, give rights back, listen until the end, leave nothing half done."""

import io
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minewatch.kernels.traffic.ring import copy_block
from minewatch.lake.failures import LakeError
from minewatch.runs.ingest import Settings, open_or_create
from minewatch.runs.sense.committing import Committer
from minewatch.runs.sense.metrics import Metrics, MetricsServer
from minewatch.runs.sense.packet_sources import Clock, PacketSource, open_source
from minewatch.runs.sense.sensor import Pace, Parts, SensedFlows, Sensor, Watcher
from minewatch.runs.sense.service import Notifier, drop_rights
from minewatch.runs.sense.spool import Spool, SpoolBusyError
from minewatch.runs.sense.tally import SensorName, Tally
from minewatch.schema.reasons import reason
from minewatch.sources.captures.captures import CaptureScan
from minewatch.sources.captures.live import Listening, LiveError, pcap_header
from minewatch.sources.unreadable import UnreadableFile

__all__ = ["FAILURES", "Listening", "Pace", "Request", "Tally", "Watcher", "sense"]

FAILURES = (LakeError, LiveError, SpoolBusyError, UnreadableFile, OSError)
"""What goes wrong for reasons that the user can act on."""

SPOOLS = ".sense"


@dataclass(frozen=True)
class Request:
    """What is asked of a sensor.

    ``where``: interface, capture file or ``-``; ``name``: of the sensor (None: the machine's and the
    interface's, or the file's); ``metrics``: address and port of the metrics; ``notify``: NOTIFY_SOCKET.
    """

    lake: Path
    where: str
    name: str | None = None
    filter: str | None = None
    listening: Listening = field(default=Listening())
    pace: Pace = field(default=Pace())
    spool_mb: int = 1024
    metrics: tuple[str, int] | None = None
    user: str | None = None
    notify: str | None = None


def sense(request: Request, clock: Clock, watcher: Watcher) -> Tally:
    """Listen until the source ends, or SIGTERM or SIGINT comes; return what was counted. See FAILURES."""
    _warm_up()
    lake = open_or_create(request.lake, Settings()).path
    with ExitStack() as stack:
        source = open_source(request.where, request.listening, request.filter, clock)
        stack.callback(source.close)
        drop_rights(lake, request.user)
        name = _name(request, source)
        spool = Spool(lake / SPOOLS / name.sensor, name.sensor, request.spool_mb << 20)
        stack.callback(spool.close)
        if left := spool.take_up(source.again):
            watcher.told(
                reason("sense_discarded" if source.again else "sense_completed", rolls=len(left)), False
            )
        metrics = Metrics(name.sensor, name.interface)
        if request.metrics is not None:
            stack.callback(MetricsServer(metrics, *request.metrics).close)
        committer = Committer(lake, spool, clock)
        stack.callback(committer.close)
        parts = Parts(
            source,
            partial(SensedFlows, name.sensor),
            spool,
            committer,
            metrics,
            Notifier(request.notify),
            watcher,
        )
        sensor = Sensor(parts, name, request.pace)
        watcher.told(
            reason("sense_started", sensor=name.sensor, interface=name.interface, lake=str(lake)), False
        )
        with _stopped_by_signals(sensor):
            counted = sensor.run()
        waiting = len(spool.waiting())
        watcher.told(
            reason(
                "sense_ended", packets=counted.packets, rows_written=counted.rows_written, waiting=waiting
            ),
            waiting > 0,
        )
        return counted


def _warm_up() -> None:
    """Have the kernels compiled or loaded before the first packet comes: the ring fills meanwhile."""
    nothing = np.zeros(4096, np.uint8)
    copy_block(nothing, 1, nothing.copy())
    scan = CaptureScan("warm-up")
    for _ in scan.run(io.BytesIO(pcap_header(1, 0)), Path("warm-up")):
        scan.evict(0)
        scan.cut(0)
    scan.finish()


def _name(request: Request, source: PacketSource) -> SensorName:
    is_live = not source.again and request.where != "-"
    sensor = request.name or (f"{socket.gethostname()}-{source.name}" if is_live else source.name)
    return SensorName(sensor, source.name, request.filter, request.listening.snaplen)


@contextmanager
def _stopped_by_signals(sensor: Sensor) -> Iterator[None]:
    def stop(*_: Any) -> None:
        sensor.stop.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
