"""The scan of a sensor: ``CaptureScan`` over a source that never ends, with what it counts on the way."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from minewatch.kernels.ring import copy_block
from minewatch.sources.captures import CaptureScan
from minewatch.sources.live import pcap_header
from minewatch.sources.packet_stream import ByteStream


class LiveScan:
    """Flows of one sensor. Times are microseconds since 1970, 0 before the first packet."""

    def __init__(self, sensor: str) -> None:
        self._scan = CaptureScan(sensor)

    @property
    def first_us(self) -> int:
        """Time of the first packet."""
        return self._scan.figures.first_ns // 1000

    @property
    def last_us(self) -> int:
        """Latest time of a packet."""
        return self._scan.figures.last_ns // 1000

    def run(self, file: ByteStream, path: Path) -> Iterator[int]:
        """Read ``file`` to its end; yield after each window and wherever nothing came for a moment."""
        return self._scan.run(file, path)

    def evict(self, now_us: int, opened_before_us: int) -> Iterator[pa.Table]:
        """Return the rows of flows that are over, and of those open since before ``opened_before_us``."""
        self._scan.evict(now_us * 1000)
        self._scan.cut(opened_before_us * 1000)
        yield from self._scan.tables()

    def finish(self) -> Iterator[pa.Table]:
        """Return the rows of all flows that are left."""
        self._scan.finish()
        yield from self._scan.tables()

    def counts(self) -> Mapping[str, int]:
        """Return what was counted."""
        figures = self._scan.figures
        return {
            "packets": figures.packets,
            "bytes": figures.bytes,
            "packets_cut": figures.packets_cut,
            "flows_forced": figures.flows_forced,
            "segments_lost": figures.desks_lost,
            "flows": figures.flows,
        }


def warm_up() -> None:
    """Have the kernels compiled or loaded before the first packet comes: the ring fills meanwhile."""
    nothing = np.zeros(4096, np.uint8)
    copy_block(nothing, 1, nothing.copy())
    scan, empty = LiveScan("warm-up"), pcap_header(1, 0)
    for _ in scan.run(io.BytesIO(empty), Path("warm-up")):
        pass
    list(scan.evict(0, 0))
