"""HTTP/1.1 messages: heads as lines, bodies put together, inflated and read as text.

Read: bodies by Content-Length, chunked, and to the end of the connection; gzip and deflate; requests one
after the other without waiting (pipelining); 100 Continue; what follows a CONNECT; the change to WebSocket. A
body that was compressed in a way that is not read here (br, zstd) is passed over.

A body is inflated in pieces, up to ``MOST_INFLATED`` bytes and not beyond ``MOST_RATIO`` times what it takes
on the wire, so that a few bytes cannot become endless work.

Sources: RFC 9110 (semantics, §8.4 codings, §9.3.6 CONNECT, §15 status), RFC 9112 (§6 message body, §7.1
chunks), RFC 1950 to 1952 (deflate, gzip).
"""

import re
import zlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from minewatch.sources.talk.carriage import Gap, GarbledError, Reading, Stream
from minewatch.sources.talk.json_text import Piece, Text
from minewatch.sources.talk.websocket import read_websocket

START_LINE = re.compile(
    r"(?P<method>POST|GET|PUT|HEAD|OPTIONS|CONNECT) [!-~]{1,8000} HTTP/1\.[01]|"
    r"HTTP/1\.[01] (?P<status>[0-9]{3})"
)
"""The line a message begins with, of the methods that mining and its proxies use."""

_BEGINNINGS = (b"POST ", b"GET ", b"PUT ", b"HEAD ", b"OPTIONS ", b"CONNECT ", b"HTTP/1.")

MOST_INFLATED = 4 << 20
MOST_RATIO = 64
_ALWAYS_INFLATED = 1 << 16
_PIECE = 1 << 14
_GZIP_OR_ZLIB = 47
_RAW = -15


def begins_http(prefix: bytes) -> bool | None:
    """Tell whether ``prefix`` begins a message; None where it is too short to tell."""
    if prefix.startswith(_BEGINNINGS):
        return True
    return None if any(each.startswith(prefix) for each in _BEGINNINGS) else False


class Sink(Protocol):
    """Takes the bytes of a body in order."""

    def take(self, data: bytes) -> None:
        """Take more of the body."""

    def gap(self) -> None:
        """Note that bytes are missing."""


class _Ignored:
    def take(self, data: bytes) -> None:
        _ = data

    def gap(self) -> None:
        pass


class _Readable:
    """A body: where it begins as JSON, its values are heard; a page that shows some in it is none."""

    def __init__(self, stream: Stream) -> None:
        self._stream, self._text = stream, Text()
        self._begins_as_json: bool | None = None

    def take(self, data: bytes) -> None:
        if self._begins_as_json is None and (begun := data.lstrip()):
            self._begins_as_json = begun.startswith((b"{", b"["))
        self._hear(self._text.feed(data) if self._begins_as_json else ())

    def gap(self) -> None:
        self._hear(self._text.cut())

    def _hear(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            if piece.value is not None:
                self._stream.hear(piece)


class _Inflated:
    """Inflates a gzip, zlib or raw deflate body within bounds; behind a gap it cannot be read on."""

    def __init__(self, stream: Stream) -> None:
        self._stream, self._readable = stream, _Readable(stream)
        self._inflater: zlib._Decompress | None = None
        self._begun = b""
        self._is_readable = True
        self._taken = self._given = 0

    def take(self, data: bytes) -> None:
        self._taken += len(data)
        if self._inflater is None:
            data = self._begun = self._begun + data
            if len(data) < 2:
                return
            self._inflater = zlib.decompressobj(_RAW if _is_bare(data) else _GZIP_OR_ZLIB)
        while data and self._is_readable:
            data = self._inflate(self._inflater, data)
            most = min(MOST_INFLATED, max(MOST_RATIO * self._taken, _ALWAYS_INFLATED))
            self._is_readable &= self._given <= most

    def gap(self) -> None:
        self._is_readable = False
        self._readable.gap()

    def _inflate(self, inflater: "zlib._Decompress", data: bytes) -> bytes:
        """Pass a piece on and return what is still to be inflated."""
        try:
            out = inflater.decompress(data, _PIECE)
        except zlib.error:
            self._is_readable = False
            return b""
        self._given += len(out)
        self._stream.size += len(out)
        self._readable.take(out)
        if not inflater.eof:
            return inflater.unconsumed_tail
        self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)  # another member may follow
        return inflater.unused_data


def _is_bare(data: bytes) -> bool:
    """Tell deflate without a frame, as some servers send it, from zlib and gzip (RFC 1950 §2.2)."""
    is_zlib = data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0
    return not is_zlib and data[:2] != b"\x1f\x8b"


class _Head(NamedTuple):
    method: str | None
    status: int | None
    fields: Mapping[str, str]
    lines: list[str]

    @property
    def length(self) -> int | None:
        text = self.fields.get("content-length", "").partition(",")[0].strip()
        return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else None

    @property
    def is_chunked(self) -> bool:
        return "chunked" in self.fields.get("transfer-encoding", "").lower()

    @property
    def opens_websocket(self) -> bool:
        return self.fields.get("upgrade", "").lower() == "websocket" and self.status in (None, 101)

    @property
    def opens_tunnel(self) -> bool:
        """A CONNECT, or an answer to one: it has no body and says nothing of one."""
        says = self.is_chunked or self.length is not None or "content-type" in self.fields
        return self.method == "CONNECT" or (self.status == 200 and not says)

    @property
    def has_no_body(self) -> bool:
        if self.status is None:
            return self.length is None
        return self.status < 200 or self.status in (204, 304)


def read_http(stream: Stream) -> Reading:
    """Read one message."""
    head = yield from _head(stream)
    changes = head.opens_websocket or head.opens_tunnel
    for line in head.lines[1:] if changes and head.status else head.lines:
        stream.hear(Piece(line, None))
    if head.opens_websocket:
        return read_websocket
    if head.opens_tunnel:
        return None
    sink = _sink(stream, head)
    if head.is_chunked:
        yield from _chunks(stream, sink)
    elif head.length is not None:
        yield from _counted(stream, sink, head.length)
    elif not head.has_no_body:
        yield from _endless(stream, sink)
    return None


def _head(stream: Stream) -> Reading:
    lines: list[str] = []
    fields: dict[str, str] = {}
    size = 0
    while line := (yield from stream.until(b"\n")).decode("latin-1").strip():
        size += len(line)
        lines.append(line)
        name, _, value = line.partition(":")
        fields.setdefault(name.lower(), value.strip())
        if size > 1 << 15:
            raise GarbledError
    start = START_LINE.match(lines[0]) if lines else None
    if start is None:
        raise GarbledError
    status = start["status"]
    return _Head(start["method"], int(status) if status else None, fields, lines)


def _sink(stream: Stream, head: _Head) -> Sink:
    coding = head.fields.get("content-encoding", "").lower()
    coding += "," + head.fields.get("transfer-encoding", "").lower()
    for name in filter(None, (part.strip() for part in coding.split(","))):
        if name in ("gzip", "x-gzip", "deflate"):
            return _Inflated(stream)
        if name not in ("identity", "chunked"):
            return _Ignored()
    return _Readable(stream)


def _counted(stream: Stream, sink: Sink, size: int) -> Reading:
    """Read ``size`` bytes of a body; a message in their place answers HEAD, which gives none."""
    first = True
    while size > 0:
        try:
            if first and (yield from stream.begins_with(b"HTTP/1.")):
                return
            data = yield from stream.some(size)
        except Gap as gap:
            sink.gap()
            size -= gap.size
            if size < 0:
                raise Gap(-size) from None
        else:
            sink.take(data)
            size -= len(data)
        first = False


def _chunks(stream: Stream, sink: Sink) -> Reading:
    while size := _chunk_size((yield from stream.until(b"\n", 1024))):
        yield from _counted(stream, sink, size)
        yield from stream.until(b"\n", 16)
    while (yield from stream.until(b"\n")).strip():  # trailer fields
        pass


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not re.fullmatch(rb"[0-9a-fA-F]{1,12}", digits):
        raise GarbledError
    return int(digits, 16)


def _endless(stream: Stream, sink: Sink) -> Reading:
    """Read to the end of the connection, or to a message where the body was none."""
    while not (yield from stream.begins_with(b"HTTP/1.")):
        sink.take((yield from stream.some()))
