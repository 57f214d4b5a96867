"""Packet captures, pcap and pcapng, to rows of ``flows``: one pass, a window of the file at a time.

Memory is bounded by the window (8 MiB), 144 bytes a flow, and the text of at most ``MOST_FOLLOWED``
conversations; it does not grow with the file. A file that is cut or damaged gives what precedes the place,
and a note that names it.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from minewatch.kernels import flow_table as table
from minewatch.kernels import packets, records
from minewatch.kernels.records import DAMAGED, MORE, RECORD_COLUMNS
from minewatch.schema.network_tables import FLOWS
from minewatch.schema.reasons import Reason, reason
from minewatch.sources.batch import Batch, batch_schema
from minewatch.sources.conversations import Conversations
from minewatch.sources.flow_rows import flow_rows
from minewatch.sources.names import Names
from minewatch.sources.network_formats import PCAP_MAGIC
from minewatch.sources.options import ReadOptions
from minewatch.sources.unreadable import UnreadableFile

WINDOW_BYTES = 8 << 20
CHUNK_PACKETS = 8192
REPORT_BYTES = 64 << 20
"""An empty batch tells the progress about every so many bytes."""


def read_capture(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Yield the flows of a capture; empty batches before them tell the progress.

    Raises UnreadableFile where not even the file's header is there.
    """
    scan = CaptureScan(path.name)
    with path.open("rb") as file:
        for done in scan.run(file, path):
            yield Batch("flows", _EMPTY, bytes_done=done)
    yield from scan.batches(options.batch_rows)


_EMPTY = batch_schema(FLOWS).empty_table()


@dataclass
class Window:
    """A piece of the file in memory; ``base`` is the offset of its first byte in the file."""

    file: BinaryIO
    store: bytearray = field(default_factory=lambda: bytearray(WINDOW_BYTES))
    base: int = 0
    filled: int = 0
    ended: bool = False

    def advance(self, position: int) -> None:
        """Drop what precedes ``position`` (it may lie beyond the window) and read on."""
        kept = self.store[position : self.filled] if position < self.filled else b""
        self._skip(position - self.filled)
        self.base += position
        self.store[: len(kept)] = kept
        with memoryview(self.store) as view:
            count = self.file.readinto(view[len(kept) :])  # type: ignore[attr-defined]
        self.filled = len(kept) + count
        self.ended = count == 0

    def _skip(self, size: int) -> None:
        while size > 0 and (chunk := self.file.read(min(size, 1 << 20))):
            size -= len(chunk)


@dataclass
class Tally:
    """What became of the packets."""

    packets: int = 0
    by_status: np.ndarray = field(default_factory=lambda: np.zeros(5, np.int64))
    links: set[int] = field(default_factory=set)


class CaptureScan:
    """Walks one capture and keeps its flow table, names and conversations."""

    def __init__(self, capture: str) -> None:
        self.capture = capture
        self.flows = np.empty((4096, table.FLOW_COLUMNS), np.int64)
        self.count = np.zeros(1, np.int64)
        self.slots = np.full(16384, -1, np.int32)
        self.names = Names()
        self.conversations = Conversations()
        self.tally = Tally()
        self.notes: list[Reason] = []
        self._done = 0
        self._records = np.empty((CHUNK_PACKETS, RECORD_COLUMNS), np.int64)
        self._fields = np.empty((CHUNK_PACKETS, packets.FIELD_COLUMNS), np.int64)
        self._segments = np.empty((CHUNK_PACKETS, table.SEGMENT_COLUMNS), np.int64)

    @property
    def found(self) -> np.ndarray:
        """Rows of the flow table that are in use."""
        return self.flows[: self.count[0]]

    def run(self, file: BinaryIO, path: Path) -> Iterator[int]:
        """Read ``file`` to its end; yield now and then how many bytes are done."""
        window = Window(file)
        window.advance(0)
        walk, position = self._walker(window, path)
        data = np.frombuffer(window.store, np.uint8)
        reported = 0
        while True:
            found, position, status = walk(data, np.array([position, window.filled]), self._records)
            self._take(data, window.store, found)
            if status == DAMAGED:
                self._note_place("capture_damaged", window.base + position)
                break
            if status == MORE:
                if window.ended:
                    if position != window.filled:
                        self._note_place("capture_cut", window.base + position)
                    break
                window.advance(position)
                position = 0
            if window.base - reported >= REPORT_BYTES:
                reported = window.base
                yield reported
        self._done = window.base + window.filled
        self._note_packets()

    def batches(self, batch_rows: int) -> Iterator[Batch]:
        """Yield the rows of all flows."""
        numbers = np.arange(self.count[0])
        for start in range(0, max(len(numbers), 1), batch_rows):
            chosen = numbers[start : start + batch_rows]
            notes = self.notes if start == 0 else []
            yield Batch("flows", self._batch_rows(chosen), (), self._done, notes)

    def rows(self, numbers: np.ndarray) -> pa.Table:
        """Return rows of ``flows`` for flow ``numbers``, in that order."""
        return flow_rows(self.capture, self.flows, numbers, self.names, self.conversations)

    def _batch_rows(self, numbers: np.ndarray) -> pa.Table:
        rows = self.rows(numbers)
        rows = rows.append_column(_EMPTY.schema.field("source_line"), pa.array(numbers + 1))
        ones = pa.array(np.ones(len(numbers), np.int64))
        return rows.append_column(_EMPTY.schema.field("source_rows"), ones).cast(_EMPTY.schema)

    def _walker(self, window: Window, path: Path) -> tuple["Walk", int]:
        head = bytes(window.store[: min(window.filled, 24)])
        if head[:4] in PCAP_MAGIC:
            if len(head) < 24:
                raise UnreadableFile(path, reason("capture_header_cut"))
            swapped, tick_ns = PCAP_MAGIC[head[:4]]
            link = struct.unpack(">I" if swapped else "<I", head[20:24])[0] & 0xFFFF
            return ClassicWalk(np.array([swapped, tick_ns, link])), 24
        if len(head) < 12:
            raise UnreadableFile(path, reason("capture_header_cut"))
        return BlockWalk(), 0

    def _take(self, data: np.ndarray, store: bytearray, found: int) -> None:
        chunk, fields = self._records[:found], self._fields[:found]
        packets.decode(data, chunk, fields)
        self.tally.packets += found
        self.tally.by_status += np.bincount(fields[:, packets.STATUS], minlength=5)
        without_ip = fields[:, packets.STATUS] == packets.NOT_IP
        if without_ip.any():
            self.tally.links |= set(np.unique(chunk[without_ip, records.LINK]).tolist())
        first = 0
        while first < found:
            first = self._track(data, store, (chunk, fields, first))

    def _track(self, data: np.ndarray, store: bytearray, taken: tuple[np.ndarray, np.ndarray, int]) -> int:
        if self.count[0] == len(self.flows):
            self._grow()
        filled = np.zeros(3, np.int64)
        state = (self.flows, self.slots, self.count)
        first = table.track(data, taken, state, self._segments, self.names.store, filled)
        self.names.take(filled)
        if filled[0]:
            self.conversations.take(store, self._segments[: filled[0]], self.flows, self.names)
        return int(first)

    def _grow(self) -> None:
        larger = np.empty((2 * len(self.flows), table.FLOW_COLUMNS), np.int64)
        larger[: len(self.flows)] = self.flows
        self.flows = larger
        self.slots = np.empty(4 * len(larger), np.int32)
        table.rebuild_slots(self.flows, self.count[0], self.slots)

    def _note_place(self, code: str, offset: int) -> None:
        self.notes.append(reason(code, offset=offset, packets=self.tally.packets))

    def _note_packets(self) -> None:
        total = self.tally.packets
        for status, code in ((packets.CUT, "capture_packets_short"), (packets.FRAGMENT, "capture_fragments")):
            if number := int(self.tally.by_status[status]):
                self.notes.append(reason(code, packets=number, total=total))
        if number := int(self.tally.by_status[packets.NOT_IP]):
            links = ", ".join(map(str, sorted(self.tally.links)))
            self.notes.append(reason("capture_no_ip", packets=number, total=total, links=links))


class ClassicWalk:
    """Finds the packets of a classic pcap file; ``form`` as in ``kernels.records.walk_pcap``."""

    def __init__(self, form: np.ndarray) -> None:
        self._form = form

    def __call__(self, data: np.ndarray, window: np.ndarray, rows: np.ndarray) -> tuple[int, int, int]:
        """Fill ``rows`` from ``window`` (position, limit); return (packets, next position, status)."""
        return records.walk_pcap(data, window, self._form, rows)


class BlockWalk:
    """Finds the packets of a pcapng file."""

    def __init__(self) -> None:
        self._state = np.zeros(3, np.int64)
        self._interfaces = np.zeros((records.MAX_INTERFACES, 5), np.int64)

    def __call__(self, data: np.ndarray, window: np.ndarray, rows: np.ndarray) -> tuple[int, int, int]:
        """Fill ``rows`` from ``window`` (position, limit); return (packets, next position, status)."""
        return records.walk_pcapng(data, window, self._state, self._interfaces, rows)


Walk = ClassicWalk | BlockWalk
