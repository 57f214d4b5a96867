"""The scan of a sensor: ``CaptureScan`` over a source that never ends, with what it counts on the way."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from minewatch.kernels import fragments, packets, records
from minewatch.kernels.ring import copy_block
from minewatch.sources.captures import CaptureScan
from minewatch.sources.live import pcap_header
from minewatch.sources.packet_stream import CHUNK_PACKETS, ByteStream, Chunk, PacketStream


class LiveScan:
    """Flows of one sensor. Times are microseconds since 1970, 0 before the first packet."""

    def __init__(self, sensor: str) -> None:
        self.first_us = self.last_us = 0
        self._scan = CaptureScan(sensor)
        self._packets = self._bytes = self._cut = 0

    def run(self, file: ByteStream, path: Path) -> Iterator[int]:
        """Read ``file`` to its end; yield after each window and wherever nothing came for a moment."""
        stream = PacketStream(file, path)
        rows = np.empty((CHUNK_PACKETS, records.RECORD_COLUMNS), np.int64)
        fields = np.empty((CHUNK_PACKETS, packets.FIELD_COLUMNS), np.int64)
        goes_on = True
        while goes_on:
            found, position, status = records.walk(stream.data, stream.span, stream.form, rows)
            stream.span[0] = position
            self._count(rows[:found])
            taken = 0
            while taken < found:
                here = rows[taken:found]
                number = fragments.decode(stream.data, here, fields, stream.joints)
                first, chunk = 0, Chunk(stream.store, stream.data, here[:number], fields[:number], 0)
                while first < number:
                    first = self._scan._track(chunk, first)
                taken += number
            goes_on = stream.went_to(position, status, found)
            yield stream.bytes_done

    def evict(self, now_us: int, opened_before_us: int) -> Iterator[pa.Table]:
        """Return nothing."""
        _ = now_us, opened_before_us
        yield from ()

    def finish(self) -> Iterator[pa.Table]:
        """Return the rows of all flows that are left."""
        self._scan.conversations.finish(self._scan._flows)
        yield self._scan.rows(np.arange(self._scan.flow_count))

    def counts(self) -> Mapping[str, int]:
        """Return what was counted."""
        return {
            "packets": self._packets,
            "bytes": self._bytes,
            "packets_cut": self._cut,
            "flows_forced": 0,
            "segments_lost": 0,
            "flows": self._scan.flow_count,
        }

    def _count(self, rows: np.ndarray) -> None:
        if not len(rows):
            return
        self._packets += len(rows)
        self._bytes += int(rows[:, records.ORIGINAL].sum())
        self._cut += int((rows[:, records.CAPTURED] < rows[:, records.ORIGINAL]).sum())
        self.first_us = self.first_us or int(rows[0, records.TIME_NS]) // 1000
        self.last_us = max(self.last_us, int(rows[:, records.TIME_NS].max()) // 1000)


def warm_up() -> None:
    """Have the kernels compiled or loaded before the first packet comes: the ring fills meanwhile."""
    nothing = np.zeros(4096, np.uint8)
    copy_block(nothing, 1, nothing.copy())
    scan, empty = LiveScan("warm-up"), pcap_header(1, 0)
    for _ in scan.run(io.BytesIO(empty), Path("warm-up")):
        pass
    list(scan.evict(0, 0))
