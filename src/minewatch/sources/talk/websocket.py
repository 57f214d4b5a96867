"""WebSocket: frames unmasked and put together, messages inflated and read as text.

A text message is a text of its own; binary messages are taken as a stream, as relays of TCP over WebSocket
send them. A capture that begins in the middle, or a gap, costs the frames up to the next segment that begins
one. With permessage-deflate a message may point back into earlier ones: what points to a message that the
capture lacks cannot be read.

Sources: RFC 6455 §5 (frames, masking, fragments), RFC 7692 §7.2 (permessage-deflate).
"""

import zlib
from collections.abc import Iterable

from minewatch.sources.talk.carriage import Gap, GarbledError, Reading, Stream
from minewatch.sources.talk.json_text import Piece, Text

MOST_MESSAGE = 1 << 16
"""Bytes kept of a message, and at most given by one that is inflated; longer ones are passed over."""

_MORE, _TEXT, _BINARY = 0, 1, 2
_CONTROL = (8, 9, 10)
_FINAL, _PACKED = 0x80, 0x40
_TAIL = b"\0\0\xff\xff"
_WHOLE_FIRSTS = frozenset({0x81, 0x82, 0x89, 0x8A, 0xC1})
"""First bytes of whole frames that no text begins with."""


def begins_websocket(prefix: bytes) -> bool | None:
    """Tell whether a frame of a connection joined in the middle begins; None: too short to tell."""
    if prefix[0] not in _WHOLE_FIRSTS:
        return False
    return None if len(prefix) < 4 else _is_frame(prefix)


def read_websocket(stream: Stream) -> Reading:
    """Read frames to the end of the connection. Raises GarbledError where they are none."""
    messages = _Messages(stream)
    while True:
        try:
            yield from _frame(stream, messages)
        except Gap:
            messages.gap()
            stream.in_the_middle = True
            yield from _next_frame(stream)


def _next_frame(stream: Stream) -> Reading:
    """Pass over segments until one begins with a frame."""
    while True:
        try:
            while len(stream.buffer) < 4:
                yield from stream.wait()
        except Gap:
            continue
        if _is_frame(stream.buffer):
            return
        stream.buffer.clear()


def _frame(stream: Stream, messages: "_Messages") -> Reading:
    first, second = yield from stream.exactly(2)
    size = second & 0x7F
    if not _is_kind(first, size):
        raise GarbledError
    if size >= 126:
        size = int.from_bytes((yield from stream.exactly(2 if size == 126 else 8)), "big")
    mask = (yield from stream.exactly(4)) if second & 0x80 else b""
    payload = yield from _payload(stream, size)
    if first & 0x0F in _CONTROL:
        return
    messages.take(first, _unmasked(payload, mask), len(payload) == size)


def _payload(stream: Stream, size: int) -> Reading:
    """Return the payload of a frame: up to what is missing of it, and nothing of one that is too long."""
    kept, whole = bytearray(), size <= MOST_MESSAGE
    while size > 0:
        try:
            data = yield from stream.some(size)
        except Gap as gap:
            whole = False
            size -= gap.size
            if size < 0:
                raise Gap(-size) from None
        else:
            size -= len(data)
            if whole:
                kept += data
    return bytes(kept)


def _is_kind(first: int, size: int) -> bool:
    opcode = first & 0x0F
    if first & 0x30 or opcode not in (_MORE, _TEXT, _BINARY, *_CONTROL):
        return False
    return opcode not in _CONTROL or (first & 0xC0 == 0x80 and size < 126)


def _is_frame(prefix: bytes | bytearray) -> bool:
    """Tell by at least 4 bytes whether a frame begins; its length must stand in the shortest form."""
    size = prefix[1] & 0x7F
    if not _is_kind(prefix[0], size):
        return False
    number = int.from_bytes(prefix[2:4], "big")
    return size < 126 or (number >= 126 if size == 126 else number == 0)


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    if not mask:
        return payload
    key = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(len(payload), "big")


class _Messages:
    """Puts the fragments of messages together and reads them."""

    def __init__(self, stream: Stream) -> None:
        self._stream, self._text = stream, Text()
        self._parts = bytearray()
        self._first: int | None = None
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)

    def take(self, first: int, payload: bytes, whole: bool) -> None:
        """Take a frame with its first byte, or what there is of it."""
        if first & 0x0F != _MORE:
            self._first = first
            self._parts.clear()
        if self._first is not None:
            self._parts += payload
            if len(self._parts) <= MOST_MESSAGE and first & _FINAL and (whole or not self._first & _PACKED):
                self._hear(self._first, bytes(self._parts))
        if not whole or len(self._parts) > MOST_MESSAGE:
            self.gap()
        elif first & _FINAL:
            self._first = None

    def gap(self) -> None:
        """Drop the message that is not whole, and what compressed ones may point back to."""
        self._first = None
        self._parts.clear()
        self._give(self._text.cut())
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)

    def _hear(self, first: int, data: bytes) -> None:
        if first & _PACKED:
            data = self._inflate(data)
        if first & 0x0F == _TEXT:
            text = Text()
            self._give(text.feed(data))
            self._give(text.cut())
        else:
            self._give(self._text.feed(data))

    def _give(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            if piece.value is not None:
                self._stream.hear(piece)

    def _inflate(self, data: bytes) -> bytes:
        try:
            out = self._inflater.decompress(data + _TAIL, MOST_MESSAGE)
        except zlib.error:
            self.gap()
            return b""
        self._stream.size += len(out)
        if self._inflater.unconsumed_tail or self._inflater.eof:
            self.gap()
        return out
