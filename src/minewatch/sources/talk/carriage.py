"""Bytes of one direction, read piece by piece: how readers of HTTP, WebSocket and plain text get them.

A reader is a generator: it takes bytes from ``Stream`` and waits for more by yielding. Its value is the
reader of what follows, or None where anything may begin. Where bytes are missing, ``Gap`` is raised inside
it; a reader that knows how long its message is skips as much, any other ends, and the next segment is looked
at anew. Each direction of a connection is read alone, so that one that is missing, or a capture that begins
in the middle, costs nothing else.
"""

from collections.abc import Callable, Generator
from typing import Any

from minewatch.sources.talk.json_text import Piece

MOST_AT_ONCE = 1 << 15
"""Bytes that a reader may ask for at once, for instance the head of an HTTP message."""

Reading = Generator[None, None, Any]
"""A reader, or a request for bytes, at work."""

Reader = Callable[["Stream"], Reading]

Choice = Callable[["Stream"], Reader | None]
"""Tells by the first bytes in ``buffer`` what begins; None: more are needed."""


class Gap(Exception):  # noqa: N818 - an event, not an error
    """So many bytes (``size``) are missing."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class GarbledError(Exception):
    """The bytes are not what the reader took them for."""


class Stream:
    """Bytes of one direction that wait to be read, and what was heard in them.

    ``from_client``: sent by the side that opened the connection. ``is_new``: nothing was read of it yet.
    ``in_the_middle``: bytes are missing before those in ``buffer``. ``size`` counts the bytes that were read
    and those that came out of compression.
    """

    def __init__(self, from_client: bool, choice: Choice) -> None:
        self.from_client = from_client
        self.is_new = True
        self.in_the_middle = False
        self.size = 0
        self.buffer = bytearray()
        self._heard: list[Piece] = []
        self._lost = 0
        self._reading = _read(self, choice)
        next(self._reading)

    def feed(self, data: bytes, lost: int = 0) -> list[Piece]:
        """Take ``data`` that follow after ``lost`` missing bytes; return what is heard with them."""
        if lost:
            self._lost = lost
            next(self._reading)
        if data:
            self.size += len(data)
            self.buffer += data
            next(self._reading)
        heard, self._heard = self._heard, []
        return heard

    def hear(self, piece: Piece) -> None:
        """Take what a reader found."""
        self._heard.append(piece)

    def wait(self) -> Reading:
        """Wait for more bytes. Raises Gap where some are missing before them."""
        yield
        if self._lost:
            lost, self._lost = self._lost, 0
            self.buffer.clear()
            raise Gap(lost)

    def some(self, most: int = MOST_AT_ONCE) -> Reading:
        """Return from 1 to ``most`` bytes."""
        while not self.buffer:
            yield from self.wait()
        return self._pop(most)

    def exactly(self, size: int) -> Reading:
        """Return ``size`` bytes, at most ``MOST_AT_ONCE``."""
        while len(self.buffer) < size:
            yield from self.wait()
        return self._pop(size)

    def until(self, mark: bytes, most: int = MOST_AT_ONCE) -> Reading:
        """Return the bytes up to and with ``mark``. Raises GarbledError where it does not come."""
        while (at := self.buffer.find(mark, 0, most)) < 0:
            if len(self.buffer) >= most:
                raise GarbledError
            yield from self.wait()
        return self._pop(at + len(mark))

    def begins_with(self, mark: bytes) -> Reading:
        """Tell whether ``mark`` comes next."""
        while len(self.buffer) < len(mark) and mark.startswith(self.buffer):
            yield from self.wait()
        return self.buffer.startswith(mark)

    def give_back(self, data: bytes) -> None:
        """Put bytes that were taken back before the others."""
        self.buffer[:0] = data

    def _pop(self, size: int) -> bytes:
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        self.is_new = False
        return taken


def _read(stream: Stream, choice: Choice) -> Reading:
    """Let one reader follow the other, for ever."""
    reader: Reader | None = None
    while True:
        try:
            while reader is None and (not stream.buffer or (reader := choice(stream)) is None):
                yield from stream.wait()
            reader = yield from reader(stream)
            stream.in_the_middle = False
        except (Gap, GarbledError):
            stream.buffer.clear()
            stream.in_the_middle, reader = True, None
