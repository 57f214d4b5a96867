"""Packet captures, pcap and pcapng, to rows of ``flows``: one pass, a window of the file at a time.

Memory is bounded by the window (8 MiB), 160 bytes a flow and its names, and the text of at most
``MOST_FOLLOWED`` conversations that have not shown yet what they are; it does not grow with the file's size.
A file that is cut or damaged gives what precedes the place, and a note that names it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from minewatch.kernels import flow_table as table
from minewatch.schema.network_tables import FLOWS
from minewatch.schema.reasons import Reason
from minewatch.sources.batch import Batch, batch_schema
from minewatch.sources.conversations import Conversations
from minewatch.sources.flow_rows import flow_rows
from minewatch.sources.names import Names
from minewatch.sources.options import ReadOptions
from minewatch.sources.packet_stream import CHUNK_PACKETS, Chunk, PacketStream

REPORT_BYTES = 32 << 20
"""An empty batch tells the progress about every so many bytes."""

_EMPTY = batch_schema(FLOWS).empty_table()


def read_capture(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Yield the flows of a capture; empty batches before them tell the progress.

    Raises UnreadableFile where not even the file's header is there.
    """
    scan = CaptureScan(path.name)
    with path.open("rb") as file:
        for done in scan.run(file, path):
            yield Batch("flows", _EMPTY, bytes_done=done)
    yield from scan.batches(options.batch_rows)


class CaptureScan:
    """Takes one capture and keeps its flow table, names and conversations."""

    def __init__(self, capture: str) -> None:
        self.capture = capture
        self.names = Names()
        self.conversations = Conversations()
        self.notes: list[Reason] = []
        self._flows = np.empty((4096, table.FLOW_COLUMNS), np.int64)
        self._slots = np.full(16384, -1, np.int32)
        self._count = np.zeros(1, np.int64)
        self._segments = np.empty((CHUNK_PACKETS, table.SEGMENT_COLUMNS), np.int64)
        self._done = 0

    @property
    def flow_count(self) -> int:
        """Number of flows found so far."""
        return int(self._count[0])

    def run(self, file: BinaryIO, path: Path) -> Iterator[int]:
        """Read ``file`` to its end; yield now and then how many bytes are done."""
        stream = PacketStream(file, path)
        reported = 0
        for chunk in stream.chunks():
            first = 0
            while first < len(chunk.records):
                first = self._track(chunk, first)
            self._done = chunk.bytes_done
            if self._done - reported >= REPORT_BYTES:
                reported = self._done
                yield reported
        self.conversations.finish(self._flows)
        self.notes = stream.notes

    def rows(self, numbers: np.ndarray) -> pa.Table:
        """Return rows of ``flows`` for flow ``numbers`` (from 0 in order of opening), in that order."""
        return flow_rows(self.capture, self._flows, numbers, self.names, self.conversations)

    def batches(self, batch_rows: int) -> Iterator[Batch]:
        """Yield the rows of all flows."""
        numbers = np.arange(self.flow_count)
        for start in range(0, max(len(numbers), 1), batch_rows):
            rows = _with_lines(self.rows(numbers[start : start + batch_rows]), start)
            yield Batch("flows", rows, (), self._done, self.notes if start == 0 else ())

    def _track(self, chunk: Chunk, first: int) -> int:
        if self.flow_count == len(self._flows):
            self._grow()
        filled = np.zeros(3, np.int64)
        packets = (chunk.records, chunk.fields, first)
        state = (self._flows, self._slots, self._count)
        first = table.track(chunk.data, packets, state, self._segments, self.names.store, filled)
        self.names.take(filled)
        if filled[0]:
            self.conversations.take(chunk.store, self._segments[: filled[0]], self._flows, self.names)
        return int(first)

    def _grow(self) -> None:
        larger = np.empty((2 * len(self._flows), table.FLOW_COLUMNS), np.int64)
        larger[: len(self._flows)] = self._flows
        self._flows = larger
        self._slots = np.empty(4 * len(larger), np.int32)
        table.rebuild_slots(self._flows, self.flow_count, self._slots)


def _with_lines(rows: pa.Table, start: int) -> pa.Table:
    numbers = np.arange(start + 1, start + 1 + len(rows))
    rows = rows.append_column(_EMPTY.schema.field("source_line"), pa.array(numbers))
    ones = pa.array(np.ones(len(rows), np.int64))
    return rows.append_column(_EMPTY.schema.field("source_rows"), ones).cast(_EMPTY.schema)
