"""A capture file or pipe as a stream of packets, a window of it at a time."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from minewatch.kernels.traffic import fragments, packets, records
from minewatch.kernels.traffic.records import DAMAGED, MORE, RECORD_COLUMNS
from minewatch.schema.reasons import Reason, reason
from minewatch.sources.network_signatures import PCAP_MAGIC
from minewatch.sources.unreadable import UnreadableFile

READ_BYTES = 512 << 10
"""Most bytes read at once; what is worked on stays in the processor's cache."""

CHUNK_PACKETS = 4096
_LONGEST_RECORD = records.MAX_RECORD + 32
_HEAD_BYTES = 24


class ByteStream(Protocol):
    """A file, pipe or interface that gives bytes in order; it is never asked to seek."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill ``buffer`` as far as bytes are there; 0 at the end, None where for a moment there are none."""


class Chunk(NamedTuple):
    """Decoded packets, valid until the next chunk is asked for.

    ``store`` holds the bytes, ``data`` is an array over them; ``records`` and ``fields`` as in the kernels.
    """

    store: bytearray
    data: np.ndarray
    records: np.ndarray
    fields: np.ndarray
    bytes_done: int


class PacketStream:
    """Packets of ``file`` in order; ``notes`` say where it is cut or damaged and what was left out.

    Whoever walks it takes packets from ``data`` between the two positions ``span`` with
    ``records.walk`` and ``form``, decodes them with ``joints``, tells ``went_to`` how far that was,
    and so on until it says False. ``data`` has the window and behind it the scratch of ``fragments``.
    ``head`` are bytes of the file that were read before. Raises UnreadableFile where not even the file's
    header is there.
    """

    def __init__(self, file: ByteStream, path: Path, head: bytes = b"") -> None:
        self.packets = 0
        self.notes: list[Reason] = []
        self.joints = fragments.new_joints()
        self._window = _Window(file)
        self._window.begin(head)
        self.store = self._window.store
        self.data = np.frombuffer(self.store, np.uint8)
        self.form, position = _form_of(self._window, path)
        self.span = np.array([position, self._window.filled])
        self._is_over = False

    @property
    def bytes_done(self) -> int:
        """How far the file is."""
        return self._window.base + int(min(self.span[0], self._window.filled))

    def went_to(self, position: int, status: int, found: int) -> bool:
        """Learn what a walk returned; read on. False at the end.

        Datagrams that are not whole by then come at the end, as packets of a raw IP capture.
        """
        if self._is_over:
            return self._release()
        self.packets += found
        self.span[0] = position
        if status == DAMAGED:
            self._note_place("capture_damaged", self._window.base + position)
        elif status != MORE or self._read_on():
            return True
        self._is_over = True
        self._window.base, self._window.filled = self.bytes_done, 0
        self.form.head[:] = _RELEASED
        return self._release()

    def chunks(self) -> Iterator[Chunk]:
        """Yield the packets decoded, at most ``CHUNK_PACKETS`` at a time."""
        rows = np.empty((CHUNK_PACKETS, RECORD_COLUMNS), np.int64)
        fields = np.empty((CHUNK_PACKETS, packets.FIELD_COLUMNS), np.int64)
        goes_on = True
        while goes_on:
            found, position, status = records.walk(self.data, self.span, self.form, rows)
            self.span[0] = position
            taken = 0
            while taken < found:
                here = rows[taken:found]
                number = fragments.decode(self.data, here, fields, self.joints)
                yield Chunk(self.store, self.data, here[:number], fields[:number], self.bytes_done)
                taken += number
            goes_on = self.went_to(position, status, found)

    def _read_on(self) -> bool:
        """Move the window on; False at the end of the file."""
        window, position = self._window, int(self.span[0])
        if window.ended:
            if position != window.filled or window.missing:
                self._note_place("capture_cut", window.base + min(position, window.filled))
            return False
        window.advance(position)
        self.span[:] = 0, window.filled
        return True

    def _release(self) -> bool:
        """Put datagrams that were given up into the window, which is not needed any more."""
        limit = len(self.store) - fragments.SCRATCH_BYTES
        self.span[:] = 0, fragments.release(self.data, limit, self.joints)
        if not self.span[1]:
            self._note_packets()
        return bool(self.span[1])

    def _note_place(self, code: str, offset: int) -> None:
        self.notes.append(reason(code, offset=offset, packets=self.packets))

    def _note_packets(self) -> None:
        counts = self.joints.counts
        for status, code in ((packets.CUT, "capture_packets_short"), (packets.FRAGMENT, "capture_fragments")):
            if number := int(counts[status]):
                self.notes.append(reason(code, packets=number, total=self.packets))
        if number := int(counts[packets.NOT_IP]):
            links = ", ".join(map(str, np.flatnonzero(self.joints.links).tolist()))
            self.notes.append(reason("capture_no_ip", packets=number, total=self.packets, links=links))


_RELEASED = (records.PCAP, 0, 1, packets.RAW_IP, 16)


@dataclass
class _Window:
    """A piece of the file in memory; ``base`` is the offset of its first byte in the file."""

    file: ByteStream
    store: bytearray = field(
        default_factory=lambda: bytearray(_LONGEST_RECORD + READ_BYTES + fragments.SCRATCH_BYTES)
    )
    base: int = 0
    filled: int = 0
    ended: bool = False
    missing: int = 0
    """Bytes of a skipped block that the file does not have."""

    def begin(self, head: bytes) -> None:
        """Read until the head of a file is there."""
        self.store[: len(head)] = head
        self.filled = len(head)
        while self.filled < _HEAD_BYTES and not self.ended:
            self._read()

    def advance(self, position: int) -> None:
        """Drop what precedes ``position`` (it may lie beyond the window) and read on."""
        kept = self.store[position : self.filled]
        self.store[: len(kept)] = kept
        self.missing = max(position - self.filled, 0)
        self.base, self.filled = self.base + min(position, self.filled), len(kept)
        while self.missing and not self.ended:
            self._read(self.missing)
            self.missing -= self.filled
            self.base, self.filled = self.base + self.filled, 0
        if not self.ended:
            self._read()

    def _read(self, most: int = READ_BYTES) -> None:
        with memoryview(self.store) as view:
            count = self.file.readinto(view[self.filled : self.filled + min(most, READ_BYTES)])
        self.ended = count == 0
        self.filled += count or 0


def _form_of(window: _Window, path: Path) -> tuple[records.Form, int]:
    """Return the form of the file, and where the first record is."""
    head = bytes(window.store[: min(window.filled, _HEAD_BYTES)])
    if len(head) < _HEAD_BYTES:
        raise UnreadableFile(path, reason("capture_header_cut"))
    if head[:4] not in PCAP_MAGIC:
        return records.new_form((records.PCAPNG, 0, 0, 0, 0)), 0
    big_endian, tick_ns, header_bytes = PCAP_MAGIC[head[:4]]
    link = struct.unpack(">I" if big_endian else "<I", head[20:24])[0] & 0xFFFF
    return records.new_form((records.PCAP, big_endian, tick_ns, link, header_bytes)), _HEAD_BYTES
