"""Packets of a network interface from the kernel's ring (AF_PACKET, TPACKET_V3), without copying them.

The ring is memory that the kernel fills block by block while we read: a block is ours from the moment its
status says so until we give it back. Where we are slow the ring fills and the kernel drops and counts;
nothing grows. Nothing is ever sent. Takes the right CAP_NET_RAW while it is opened, and none afterwards.

Source: Linux, Documentation/networking/packet_mmap.rst, include/uapi/linux/if_packet.h, if_arp.h.
"""

import ctypes
import mmap
import select
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from minewatch.kernels import packets, ring
from minewatch.kernels.records import RECORD_COLUMNS
from minewatch.schema.reasons import Reason, reason
from minewatch.sources.packet_stream import CHUNK_PACKETS, Chunk

BLOCK_BYTES = 1 << 20
RETIRE_MS = 100
"""A block that is not full is handed over after so long."""

_SOL_PACKET = 263
_ADD_MEMBERSHIP, _RX_RING, _STATISTICS, _VERSION, _RESERVE, _IGNORE_OUTGOING = 1, 5, 6, 10, 12, 23
_TPACKET_V3, _PROMISCUOUS = 2, 1
_ALL_PROTOCOLS = 0x0003
_SO_ATTACH_FILTER = 26
_LOOPBACK = 772
_LINK_TYPES = {1: 1, _LOOPBACK: 1, 512: 9, 519: 101, 768: 101, 769: 101, 776: 101, 778: 101, 0xFFFE: 101}
"""ARPHRD number of the interface → link type of captures."""

_LINK_TYPES |= {801: 105, 802: 119, 803: 127}
_NETWORK = Path("/sys/class/net")
_RETURN = 0x06

Instruction = tuple[int, int, int, int]
"""One instruction of a classic BPF program: code, jump if true, jump if false, constant."""


class LiveError(Exception):
    """An interface cannot be listened to; ``text(language)`` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.text("en"))
        self.reason = reason

    def text(self, language: str) -> str:
        """Return the sentence in ``language`` ("en" or "zh")."""
        return self.reason.text(language)


class Losses(NamedTuple):
    """What did not reach us since the source was opened.

    ``kernel_drops``: packets for which the ring had no room; ``ring_freezes``: times it was full;
    ``nic_drops``: packets that the card or its driver lost.
    """

    kernel_drops: int = 0
    ring_freezes: int = 0
    nic_drops: int = 0


@dataclass(frozen=True)
class Listening:
    """How an interface is listened to.

    ``snaplen``: most bytes of a packet that are kept; ``ring_mb``: memory of the ring, MiB; ``program``: what
    packets are wanted, see ``packet_filter``.
    """

    snaplen: int = 262_144
    ring_mb: int = 64
    program: tuple[Instruction, ...] = ()
    promiscuous: bool = True


class Ring:
    """The ring of ``interface``. Raises LiveError where there is none, or no right to open it."""

    def __init__(self, interface: str, listening: Listening) -> None:
        self.interface = interface
        self._link = _link_of(interface)
        self._index = _number_in(interface, "ifindex")
        self._missed_before = _number_in(interface, "statistics/rx_missed_errors")
        self._losses = Losses()
        self._received = 0
        self._blocks = max(4, (listening.ring_mb << 20) // BLOCK_BYTES)
        self._ending = False
        try:
            self._socket = self._opened(listening)
        except OSError as error:
            code = "live_no_right" if isinstance(error, PermissionError) else "live_not_opened"
            raise LiveError(reason(code, interface=interface, error=error.strerror or str(error))) from error

    def chunks(self) -> Iterator[Chunk | None]:
        """Yield packets as they come, None where for a moment nothing did; ends after ``end``.

        A chunk is valid until the next is asked for. Raises LiveError where the interface is gone.
        """
        data = np.frombuffer(self._map, np.uint8)
        status = data.view(np.uint32)[ring.BLOCK_STATUS // 4 :: BLOCK_BYTES // 4]
        number, done = 0, 0
        while True:
            if status[number] & 1:
                for chunk in self._of_block(data, number * BLOCK_BYTES):
                    done += int(chunk.records[:, 1].sum())
                    yield chunk._replace(bytes_done=done)
                status[number] = 0
                number = (number + 1) % self._blocks
            elif self._ending:
                return
            elif not self._waited():
                yield None

    def end(self) -> None:
        """Take no more packets; ``chunks`` ends when those in the ring have been yielded."""
        self._attach(((_RETURN, 0, 0, 0),))
        # What came before lies in a block that the kernel hands over at the latest after ``RETIRE_MS``.
        select.poll().poll(2 * RETIRE_MS)
        self._ending = True

    def losses(self) -> Losses:
        """Return what was lost so far."""
        received, drops, freezes = struct.unpack("III", self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 12))
        self._received += received
        before = self._losses
        missed = _number_in(self.interface, "statistics/rx_missed_errors") - self._missed_before
        nic_drops = max(before.nic_drops, missed)
        self._losses = Losses(before.kernel_drops + drops, before.ring_freezes + freezes, nic_drops)
        return self._losses

    @property
    def offered(self) -> int:
        """Packets that passed the filter until ``losses`` was last asked, those dropped among them."""
        return self._received

    def close(self) -> None:
        """Give the ring back."""
        self._socket.close()

    def _opened(self, listening: Listening) -> socket.socket:
        # Protocol 0: nothing is received before the ring, the filter and the interface are set.
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            opened.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V3)
            opened.setsockopt(_SOL_PACKET, _RESERVE, 4)
            if _number_in(self.interface, "type") == _LOOPBACK:
                opened.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)  # each packet passes twice
            request = (BLOCK_BYTES, self._blocks, 2048, self._blocks * BLOCK_BYTES // 2048, RETIRE_MS, 0, 0)
            opened.setsockopt(_SOL_PACKET, _RX_RING, struct.pack("7I", *request))
            self._map = mmap.mmap(opened.fileno(), self._blocks * BLOCK_BYTES)
            self._socket = opened
            self._attach(listening.program or ((_RETURN, 0, 0, listening.snaplen),))
            if listening.promiscuous:
                membership = struct.pack("iHH8s", self._index, _PROMISCUOUS, 0, b"")
                opened.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, membership)
            opened.bind((self.interface, _ALL_PROTOCOLS))
        except BaseException:
            opened.close()
            raise
        return opened

    def _attach(self, program: tuple[Instruction, ...]) -> None:
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in program))
        pointer = struct.pack("HP", len(program), ctypes.addressof(code))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pointer)

    def _waited(self) -> bool:
        """Wait a little for a block; False where none came. Raises LiveError where the interface is gone."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | select.POLLERR)
        events = poll.poll(2 * RETIRE_MS)
        if any(event & select.POLLERR for _, event in events):
            self._socket.getsockopt(
                socket.SOL_SOCKET, socket.SO_ERROR
            )  # an interface that is down may return
            if _number_in(self.interface, "ifindex") != self._index:
                raise LiveError(reason("live_gone", interface=self.interface))
            return False
        return bool(events)

    def _of_block(self, data: np.ndarray, at: int) -> Iterator[Chunk]:
        walk = np.zeros(2, np.int64)
        records = np.empty((CHUNK_PACKETS, RECORD_COLUMNS), np.int64)
        fields = np.empty((CHUNK_PACKETS, packets.FIELD_COLUMNS), np.int64)
        ring.enter_block(data, at, walk)
        while count := ring.walk_block(data, at + BLOCK_BYTES, self._link, walk, records):
            packets.decode(data, records[:count], fields)
            yield Chunk(cast(bytearray, self._map), data, records[:count], fields[:count], 0)


def _link_of(interface: str) -> int:
    if not (_NETWORK / interface).exists() or "/" in interface:
        known = ", ".join(sorted(path.name for path in _NETWORK.iterdir()))
        raise LiveError(reason("live_no_interface", interface=interface, known=known))
    kind = _number_in(interface, "type")
    if kind not in _LINK_TYPES:
        raise LiveError(reason("live_unknown_link", interface=interface, type=kind))
    return _LINK_TYPES[kind]


def _number_in(interface: str, name: str) -> int:
    """Return a number that the kernel tells of an interface; 0 where it does not (the interface is gone)."""
    try:
        return int((_NETWORK / interface / name).read_text())
    except OSError:
        return 0
