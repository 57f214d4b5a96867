"""A capture file as a stream of decoded packets, a window of the file at a time."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from minewatch.kernels import packets, records
from minewatch.kernels.records import DAMAGED, MORE, RECORD_COLUMNS
from minewatch.schema.reasons import Reason, reason
from minewatch.sources.network_signatures import PCAP_MAGIC
from minewatch.sources.unreadable import UnreadableFile

WINDOW_BYTES = 8 << 20
CHUNK_PACKETS = 8192

Walk = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[int, int, int]]
"""(data, (position, limit), records to fill) → (packets, next position, status); see ``kernels.records``."""


class Chunk(NamedTuple):
    """Packets of one window, valid until the next chunk is asked for.

    ``store`` holds the bytes, ``data`` is an array over them; ``records`` and ``fields`` as in the kernels.
    """

    store: bytearray
    data: np.ndarray
    records: np.ndarray
    fields: np.ndarray
    bytes_done: int


class PacketStream:
    """Packets of ``file`` in order; ``notes`` say where it is cut or damaged and what was left out.

    Raises UnreadableFile where not even the file's header is there.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.packets = 0
        self.notes: list[Reason] = []
        self._by_status = np.zeros(5, np.int64)
        self._links: set[int] = set()
        self._window = _Window(file)
        self._window.advance(0)
        self._walk, self._position = _walk_of(self._window, path)

    def chunks(self) -> Iterator[Chunk]:
        """Yield the packets, at most ``CHUNK_PACKETS`` at a time."""
        window = self._window
        data = np.frombuffer(window.store, np.uint8)
        rows = np.empty((CHUNK_PACKETS, RECORD_COLUMNS), np.int64)
        fields = np.empty((CHUNK_PACKETS, packets.FIELD_COLUMNS), np.int64)
        while True:
            found, position, status = self._walk(data, np.array([self._position, window.filled]), rows)
            packets.decode(data, rows[:found], fields)
            self._count(rows[:found], fields[:found])
            done = window.base + min(position, window.filled)
            yield Chunk(window.store, data, rows[:found], fields[:found], done)
            if status == DAMAGED:
                self._note_place("capture_damaged", window.base + position)
            self._position = position
            if status == DAMAGED or (status == MORE and not self._read_on()):
                break
        self._note_packets()

    def _read_on(self) -> bool:
        """Move the window on; False at the end of the file."""
        window = self._window
        if window.ended:
            if self._position != window.filled:
                self._note_place("capture_cut", window.base + min(self._position, window.filled))
            return False
        window.advance(self._position)
        self._position = 0
        return True

    def _count(self, rows: np.ndarray, fields: np.ndarray) -> None:
        status = fields[:, packets.STATUS]
        self.packets += len(rows)
        self._by_status += np.bincount(status, minlength=5)
        without_ip = status == packets.NOT_IP
        if without_ip.any():
            self._links |= set(np.unique(rows[without_ip, records.LINK]).tolist())

    def _note_place(self, code: str, offset: int) -> None:
        self.notes.append(reason(code, offset=offset, packets=self.packets))

    def _note_packets(self) -> None:
        for status, code in ((packets.CUT, "capture_packets_short"), (packets.FRAGMENT, "capture_fragments")):
            if number := int(self._by_status[status]):
                self.notes.append(reason(code, packets=number, total=self.packets))
        if number := int(self._by_status[packets.NOT_IP]):
            links = ", ".join(map(str, sorted(self._links)))
            self.notes.append(reason("capture_no_ip", packets=number, total=self.packets, links=links))


@dataclass
class _Window:
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


def _walk_of(window: _Window, path: Path) -> tuple[Walk, int]:
    """Return how to find packets, and where the first is."""
    head = bytes(window.store[: min(window.filled, 24)])
    if head[:4] in PCAP_MAGIC and len(head) == 24:
        swapped, tick_ns = PCAP_MAGIC[head[:4]]
        link = struct.unpack(">I" if swapped else "<I", head[20:24])[0] & 0xFFFF
        return _classic_walk(np.array([swapped, tick_ns, link])), 24
    if head[:4] in PCAP_MAGIC or len(head) < 12:
        raise UnreadableFile(path, reason("capture_header_cut"))
    return _block_walk(), 0


def _classic_walk(form: np.ndarray) -> Walk:
    def walk(data: np.ndarray, window: np.ndarray, rows: np.ndarray) -> tuple[int, int, int]:
        return records.walk_pcap(data, window, form, rows)

    return walk


def _block_walk() -> Walk:
    state = np.zeros(3, np.int64)
    interfaces = np.zeros((records.MAX_INTERFACES, 5), np.int64)

    def walk(data: np.ndarray, window: np.ndarray, rows: np.ndarray) -> tuple[int, int, int]:
        return records.walk_pcapng(data, window, state, interfaces, rows)

    return walk
