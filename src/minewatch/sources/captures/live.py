"""Packets of a network interface from the kernel's ring (AF_PACKET, TPACKET_V3), as the bytes of a pcap file.

The ring is memory that the kernel fills block by block. We copy a block out and give it back at once. Where
we are slow the ring fills, and the kernel drops and counts; nothing grows. Nothing is ever sent. Takes the
right CAP_NET_RAW while it is opened, and none afterwards.

Source: Linux, Documentation/networking/packet_mmap.rst, include/uapi/linux/if_packet.h, if_arp.h.
"""

import ctypes
import mmap
import select
import socket
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minewatch.kernels.traffic.ring import BLOCK_STATUS, copy_block
from minewatch.schema.reasons import Reason, reason

BLOCK_BYTES = 1 << 18
RETIRE_MS = 100
"""A block that is not full is handed over after so long. On a quiet line it is time that fills the ring: 64
MiB in small blocks last 25 s."""

_SOL_PACKET = 263
_ADD_MEMBERSHIP, _RX_RING, _STATISTICS, _VERSION, _IGNORE_OUTGOING = 1, 5, 6, 10, 23
_TPACKET_V3, _PROMISCUOUS = 2, 1
_ALL_PROTOCOLS = 0x0003
_SO_ATTACH_FILTER = 26
_LOOPBACK = 772
_LINK_TYPES = {1: 1, _LOOPBACK: 1, 512: 9, 801: 105, 802: 119, 803: 127} | dict.fromkeys(
    (519, 768, 769, 776, 778, 0xFFFE), 101
)
"""ARPHRD number of the interface → link type of captures; tunnels and what has no link layer are raw IP."""

_NETWORK = Path("/sys/class/net")
_RETURN = 0x06
_NOTHING = ((_RETURN, 0, 0, 0),)
_LEAST_BLOCKS, _FRAME_BYTES = 4, 2048
_HEADER = struct.Struct("<IHHiIII")

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

    ``offered``: packets that passed the filter, those dropped among them; ``kernel_drops``: packets for which
    the ring had no room; ``ring_freezes``: times it was full; ``nic_drops``: packets that the card or its
    driver lost.
    """

    offered: int = 0
    kernel_drops: int = 0
    ring_freezes: int = 0
    nic_drops: int = 0


class Listening(NamedTuple):
    """How an interface is listened to.

    ``snaplen``: most bytes of a packet that are kept; ``ring_mb``: memory of the ring, MiB; ``program``: what
    packets are wanted, see ``packet_filter``.
    """

    snaplen: int = 262_144
    ring_mb: int = 64
    program: tuple[Instruction, ...] = ()
    promiscuous: bool = True


class Ring:
    """The ring of ``interface``, read like a pipe that gives a pcap file with nanoseconds.

    Raises LiveError where there is no such interface, or no right to open it.
    """

    def __init__(self, interface: str, listening: Listening) -> None:
        self.interface = interface
        self._link = _link_of(interface)
        self._index = _number_in(interface, "ifindex")
        self._missed_before = _number_in(interface, "statistics/rx_missed_errors")
        self._losses = Losses()
        self._ending = False
        self._waiting = memoryview(pcap_header(self._link, listening.snaplen))
        self._copy = np.empty(BLOCK_BYTES, np.uint8)
        self._block = 0
        blocks = max(_LEAST_BLOCKS, (listening.ring_mb << 20) // BLOCK_BYTES)
        try:
            self._socket, memory = _opened(interface, listening, blocks)
        except OSError as error:
            code = "live_no_right" if isinstance(error, PermissionError) else "live_not_opened"
            raise LiveError(reason(code, interface=interface, error=error.strerror or str(error))) from error
        self._ring = np.frombuffer(memory, np.uint8).reshape(blocks, BLOCK_BYTES)
        self._status = self._ring.view(np.uint32)[:, BLOCK_STATUS // 4]

    def readinto(self, view: memoryview) -> int | None:
        """Fill ``view`` with what comes next of the pcap stream; return the number of bytes.

        None where for a moment nothing came, 0 at the end (after ``end``). Raises LiveError where the
        interface is gone.
        """
        if not self._waiting and not self._next_block():
            return 0 if self._ending else None
        taken, self._waiting = self._waiting[: len(view)], self._waiting[len(view) :]
        view[: len(taken)] = taken
        return len(taken)

    def end(self) -> None:
        """Take no more packets; the stream ends with those that are in the ring."""
        _attach(self._socket, _NOTHING)
        # What came before lies in a block that the kernel hands over at the latest after ``RETIRE_MS``.
        select.poll().poll(2 * RETIRE_MS)
        self._ending = True

    def losses(self) -> Losses:
        """Return what was offered and lost so far."""
        offered, drops, freezes = struct.unpack("III", self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 12))
        before = self._losses
        missed = _number_in(self.interface, "statistics/rx_missed_errors") - self._missed_before
        self._losses = Losses(
            before.offered + offered,
            before.kernel_drops + drops,
            before.ring_freezes + freezes,
            max(before.nic_drops, missed),
        )
        return self._losses

    def close(self) -> None:
        """Give the ring back."""
        self._socket.close()

    def _next_block(self) -> bool:
        """Copy the next block that holds packets; False where none comes for a moment, or any more."""
        if not self._is_ours() and not self._ending:
            self._wait()
        while self._is_ours():
            filled = copy_block(self._ring[self._block], self._link, self._copy)
            self._status[self._block] = 0
            self._block = (self._block + 1) % len(self._ring)
            self._waiting = self._copy.data[:filled]
            if filled:
                return True
        return False

    def _is_ours(self) -> bool:
        return bool(self._status[self._block] & 1)

    def _wait(self) -> None:
        """Wait a little for a block. Raises LiveError where the interface is gone."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN | select.POLLERR)
        events = [event for _, event in poll.poll(2 * RETIRE_MS)]
        if any(event & select.POLLERR for event in events):
            # The error is cleared: an interface that is down may come up again.
            self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if events != [select.POLLIN] and _number_in(self.interface, "ifindex") != self._index:
            raise LiveError(reason("live_gone", interface=self.interface))


def _opened(interface: str, listening: Listening, blocks: int) -> tuple[socket.socket, mmap.mmap]:
    # Protocol 0: nothing is received before the ring, the filter and the interface are set.
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        opened.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V3)
        if _number_in(interface, "type") == _LOOPBACK:
            opened.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)  # each packet passes twice
        request = (BLOCK_BYTES, blocks, _FRAME_BYTES, blocks * BLOCK_BYTES // _FRAME_BYTES, RETIRE_MS, 0, 0)
        opened.setsockopt(_SOL_PACKET, _RX_RING, struct.pack("7I", *request))
        memory = mmap.mmap(opened.fileno(), blocks * BLOCK_BYTES)
        _attach(opened, listening.program or ((_RETURN, 0, 0, listening.snaplen),))
        if listening.promiscuous:
            membership = struct.pack("iHH8s", _number_in(interface, "ifindex"), _PROMISCUOUS, 0, b"")
            opened.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, membership)
        opened.bind((interface, _ALL_PROTOCOLS))
    except BaseException:
        opened.close()
        raise
    return opened, memory


def _attach(opened: socket.socket, program: tuple[Instruction, ...]) -> None:
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in program))
    pointer = struct.pack("HP", len(program), ctypes.addressof(code))
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pointer)


def pcap_header(link: int, snaplen: int) -> bytes:
    """Return the head of a little-endian pcap file with nanoseconds."""
    return _HEADER.pack(0xA1B23C4D, 2, 4, 0, 0, snaplen, link)


def interfaces() -> list[str]:
    """Return the names of the interfaces of this machine."""
    return sorted(path.name for path in _NETWORK.iterdir())


def _link_of(interface: str) -> int:
    known = interfaces()
    if interface not in known:
        raise LiveError(reason("live_no_interface", interface=interface, known=", ".join(known)))
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
