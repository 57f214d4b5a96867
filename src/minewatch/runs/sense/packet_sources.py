"""Where a sensor's packets come from: an interface, a capture file, or a pipe from another program."""

import io
import os
import select
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from stat import S_ISREG
from typing import Protocol

from minewatch.sources.captures.live import Listening, Losses, Ring, interfaces
from minewatch.sources.captures.packet_filter import packet_filter

Clock = Callable[[], datetime]

_WAIT_MS = 200


class PacketSource(Protocol):
    """Where packets come from: a raw file that gives None where for a moment nothing came, 0 at its end.

    ``name`` is the interface or file. ``again`` tells that the same packets can be read again after a crash,
    ``waits`` that they wait while we do not read.
    """

    name: str
    again: bool
    waits: bool

    def readinto(self, view: memoryview, /) -> int | None:
        """Fill ``view``; return the number of bytes."""
        ...

    def now_us(self, last_us: int) -> int:
        """Return the time of the source; ``last_us`` is that of the last packet. Microseconds since 1970."""
        ...

    def losses(self) -> Losses:
        """Return what was lost on the way so far."""
        ...

    def end(self) -> None:
        """Let the file end."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


class InterfaceSource:
    """An interface, heard live."""

    again = waits = False

    def __init__(self, ring: Ring, clock: Clock) -> None:
        self.name = ring.interface
        self._clock = clock
        self.readinto, self.losses, self.end, self.close = ring.readinto, ring.losses, ring.end, ring.close

    def now_us(self, last_us: int) -> int:
        """Return the time of the clock: an idle line has rolls too."""
        _ = last_us
        return int(self._clock().timestamp() * 1_000_000)


class StreamSource:
    """A capture file, or a pipe; its time is that of its packets."""

    waits = True

    def __init__(self, path: Path, file: io.RawIOBase) -> None:
        self.name = path.name
        self.again = S_ISREG(os.fstat(file.fileno()).st_mode)
        self._raw = file
        self._ended = False

    def readinto(self, view: memoryview, /) -> int | None:
        """Fill ``view``; None where the pipe has nothing now, 0 at the end."""
        if self._ended:
            return 0
        if not self.again and not select.select([self._raw], [], [], _WAIT_MS / 1000)[0]:
            return None
        return self._raw.readinto(view)

    def now_us(self, last_us: int) -> int:
        """Return the time of the last packet."""
        return last_us

    def losses(self) -> Losses:
        """Return none: what the other program lost, it knows itself."""
        return Losses()

    def end(self) -> None:
        """Let the file end here."""
        self._ended = True

    def close(self) -> None:
        """Close the file."""
        self._raw.close()


def open_source(where: str, listening: Listening, expression: str | None, clock: Clock) -> PacketSource:
    """Open ``where``: an interface of this machine, else ``-`` for standard input, else a file.

    ``expression``: which packets are wanted of an interface, in tcpdump's language. Raises LiveError,
    OSError.
    """
    if where == "-":
        return StreamSource(Path("standard input"), io.FileIO(sys.stdin.fileno(), closefd=False))
    if where not in interfaces() and Path(where).exists():
        return StreamSource(Path(where), io.FileIO(where))
    if expression:
        listening = listening._replace(program=packet_filter(where, expression, listening.snaplen))
    return InterfaceSource(Ring(where, listening), clock)
