"""NetFlow v5, v9 and IPFIX export packets from a file to rows of ``flows``.

The file holds the packets one after the other, as ``socat`` or a collector writes them, or is a capture of
the UDP datagrams to a collector. Templates are kept per exporter domain. Two one-way records of one
connection become one flow where both lie in the same batch of records; biflow records (RFC 5103) are one. Of
a connection whose other direction was not recorded the ports tell who opened it. Counts of sampled packets
are multiplied where header or record tell by what; sampling told in options alone is not read.

Sources: Cisco NetFlow v5 datagram format, RFC 3954 (v9), RFC 7011, 7012 and 5655 (IPFIX), RFC 5103.
"""

import ipaddress
import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, NamedTuple

from minewatch.schema.reasons import Reason, reason
from minewatch.sources.batch import Batch
from minewatch.sources.captures.names import NameSeen
from minewatch.sources.logs.export_datagrams import datagrams_in_capture
from minewatch.sources.logs.log_flows import LogFlow, flows_batch, note_name, oriented, vlan
from minewatch.sources.network_signatures import EXPORT_VERSIONS, is_pcap, is_pcapng
from minewatch.sources.options import ReadOptions

_REVERSE_PEN = 29305
_VARIABLE = 0xFFFF
_SRC, _DST = (8, 27), (12, 28)
_SPORT, _DPORT, _PROTOCOL, _VLAN = 7, 11, 4, 58
_PACKETS, _BYTES = (2, 86), (1, 85)
_SAMPLING = (34, 305)
"""One packet of so many was looked at: samplingInterval, samplingPacketInterval."""

_START = {150: 1_000_000, 152: 1000, 154: -1, 156: -1}
_END = {151: 1_000_000, 153: 1000, 155: -1, 157: -1}
"""Information elements of start and end with microseconds per unit; -1: NTP format of 64 bits."""

_SWITCHED = {22: "start", 21: "end"}
"""Milliseconds of the exporter's uptime."""

_NTP_EPOCH_S = 2_208_988_800
_MOST_DATAGRAM = 1 << 16
_MOST_COUNT = (1 << 63) - 1
_MOST_US = 1 << 53
"""A time in the year 2255."""


_NAMES = {(0, 460): "host", (39499, 1): "host", (8057, 808): "sni"}
"""Elements with the name of the server: IANA's httpRequestHost, and those of Flowmon and CESNET probes."""

Element = tuple[int, int, int]
"""Enterprise number (0: IANA), element, length."""

Fields = dict[tuple[int, int], int]
"""Values by (enterprise number, element), as unsigned integers."""


class Record(NamedTuple):
    """A data record: its numbers, and the names of the server in it."""

    fields: Fields
    names: list[NameSeen]


class Header(NamedTuple):
    """Of an export packet: version, domain, the exporter's boot time (v5, v9) and the packet's own, µs."""

    version: int
    domain: int
    boot_us: int
    exported_us: int


def read_exports(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Yield the flows of a file of export packets, or of a capture of them."""
    exports = Exports()
    with path.open("rb") as file:
        for packet, bytes_done in packets_of(file, path, exports.notes):
            exports.take(packet)
            if len(exports.flows) >= options.batch_rows:
                yield exports.batch(path.name, bytes_done)
    last = exports.batch(path.name, path.stat().st_size)
    yield Batch(last.table, last.rows, last.rejected, last.bytes_done, exports.closing_notes())


def packets_of(file: BufferedReader, path: Path, notes: list[Reason]) -> Iterator[tuple[bytes, int]]:
    """Yield (export packet, offset after it) of a file of such packets, or of a capture of them."""
    head = file.read(12)
    file.seek(0)
    captured = is_pcap(head, path) or is_pcapng(head, path)
    return datagrams_in_capture(file, path) if captured else _datagrams(file, notes)


class Exports:
    """Templates seen so far, and the flows read since the last batch."""

    def __init__(self) -> None:
        self.flows: list[LogFlow] = []
        self.notes: list[Reason] = []
        self._templates: dict[tuple[int, int, int], list[Element]] = {}
        self._record = 0
        self._without_template = 0
        self._no_flows: dict[int, int] = {}

    def take(self, packet: bytes) -> None:
        """Read one export packet; what is odd in it is skipped."""
        version = struct.unpack_from(">H", packet)[0]
        if version == 5:
            self._take_v5(packet)
            return
        header, at = _header(packet, version)
        while at + 4 <= len(packet):
            number, size = struct.unpack_from(">HH", packet, at)
            if size < 4 or at + size > len(packet):
                return
            self._take_set(header, number, packet[at + 4 : at + size])
            at += size

    def batch(self, capture: str, bytes_done: int) -> Batch:
        """Return what was read as a batch, both directions of a connection joined."""
        flows, self.flows = joined(self.flows), []
        return flows_batch(capture, [oriented(flow) for flow in flows], (), bytes_done)

    def closing_notes(self) -> list[Reason]:
        """Return what was noticed in the whole file."""
        notes = list(self.notes)
        if self._without_template:
            notes.append(reason("export_without_template", sets=self._without_template))
        if self._no_flows:
            names = ", ".join(map(str, sorted(self._no_flows)))
            number = sum(self._no_flows.values())
            notes.append(reason("export_without_addresses", records=number, templates=names))
        return notes

    def _take_v5(self, packet: bytes) -> None:
        count, uptime_ms, seconds, nanos = struct.unpack_from(">HIII", packet, 2)
        one_of = max(1, struct.unpack_from(">H", packet, 22)[0] & 0x3FFF)
        boot_us = seconds * 1_000_000 + nanos // 1000 - uptime_ms * 1000
        for at in range(24, min(24 + 48 * count, len(packet) - 47), 48):
            src, dst, _, _, packets, size, start, end = struct.unpack_from(">IIIHxxIIII", packet, at)[:8]
            sport, dport, _, _, protocol = struct.unpack_from(">HHBBB", packet, at + 32)
            self._record += 1
            self.flows.append(
                LogFlow(
                    self._record,
                    (str(ipaddress.IPv4Address(src)), sport),
                    (str(ipaddress.IPv4Address(dst)), dport),
                    protocol,
                    (boot_us + start * 1000, boot_us + end * 1000),
                    (packets * one_of, None),
                    (size * one_of, None),
                )
            )

    def _take_set(self, header: Header, number: int, body: bytes) -> None:
        if number == (0 if header.version == 9 else 2):
            self._take_templates(header, body)
        elif number > 255:
            template = self._templates.get((header.version, header.domain, number))
            if template is None:
                self._without_template += 1
            else:
                self._take_records(header, number, template, body)

    def _take_templates(self, header: Header, body: bytes) -> None:
        at = 0
        while at + 4 <= len(body):
            number, count = struct.unpack_from(">HH", body, at)
            elements, at = _elements(body, at + 4, count)
            if number < 256 or len(elements) < count:
                return
            if elements:
                self._templates[header.version, header.domain, number] = elements

    def _take_records(self, header: Header, number: int, template: list[Element], body: bytes) -> None:
        at = 0
        smallest = max(1, sum(1 if length == _VARIABLE else length for _, _, length in template))
        while at + smallest <= len(body):
            record, at = _values(body, at, template)
            if at > len(body):
                return
            self._record += 1
            if not self.hear(header, record, self._record):
                self._no_flows[number] = self._no_flows.get(number, 0) + 1

    def hear(self, header: Header, record: Record, number: int) -> bool:
        """Take record ``number`` of the file. Return False where it tells of no flow."""
        flow = _flow(header, record, number)
        if flow is not None:
            self.flows.append(flow)
        return flow is not None


def joined(flows: list[LogFlow]) -> list[LogFlow]:
    """Join the two one-way records of a connection whose times overlap; the earlier is its source side.

    Records of one direction that follow each other (active timeout) stay apart.
    """
    waiting: dict[tuple[object, ...], int] = {}
    result: list[LogFlow] = []
    for flow in flows:
        back = waiting.pop((flow.dst, flow.src, flow.protocol), None)
        other = None if back is None else result[back]
        if other is None or back is None or other.bytes[1] is not None or flow.bytes[1] is not None:
            waiting[flow.src, flow.dst, flow.protocol] = len(result)
            result.append(flow)
        elif _overlap(flow, other):
            first, second = sorted((other, flow), key=lambda each: _rank(each, other))
            result[back] = _pair(first, second)
        else:
            waiting[flow.src, flow.dst, flow.protocol] = len(result)
            result.append(flow)
    return result


def _overlap(one: LogFlow, other: LogFlow) -> bool:
    return one.span_us[0] <= other.span_us[1] and other.span_us[0] <= one.span_us[1]


def _rank(flow: LogFlow, recorded_first: LogFlow) -> tuple[int, bool, bool]:
    """Order the sides: who began, else who has the higher port, else who was recorded first."""
    return flow.span_us[0], flow.src[1] < flow.dst[1], flow is not recorded_first


def _pair(first: LogFlow, second: LogFlow) -> LogFlow:
    return replace(
        first,
        line=min(first.line, second.line),
        rows=first.rows + second.rows,
        span_us=(first.span_us[0], max(first.span_us[1], second.span_us[1])),
        packets=(first.packets[0], second.packets[0]),
        bytes=(first.bytes[0], second.bytes[0]),
        names=list(dict.fromkeys([*first.names, *second.names])),
    )


def _header(packet: bytes, version: int) -> tuple[Header, int]:
    if version == 9:
        uptime_ms, seconds, _, domain = struct.unpack_from(">IIII", packet, 4)
        return Header(9, domain, seconds * 1_000_000 - uptime_ms * 1000, seconds * 1_000_000), 20
    seconds, _, domain = struct.unpack_from(">III", packet, 4)
    return Header(10, domain, 0, seconds * 1_000_000), 16


def _elements(body: bytes, at: int, count: int) -> tuple[list[Element], int]:
    elements: list[Element] = []
    while len(elements) < count and at + 4 <= len(body):
        element, length = struct.unpack_from(">HH", body, at)
        at += 4
        enterprise = 0
        if element & 0x8000 and at + 4 <= len(body):
            enterprise = struct.unpack_from(">I", body, at)[0]
            at += 4
        elements.append((enterprise, element & 0x7FFF, length))
    return elements, at


def _values(body: bytes, at: int, template: list[Element]) -> tuple[Record, int]:
    record = Record({}, [])
    for enterprise, element, length in template:
        if length == _VARIABLE:
            at, length = _variable_length(body, at)  # noqa: PLW2901
        if at + length > len(body):
            return record, len(body) + 1
        value = body[at : at + length]
        if (enterprise, element) in _NAMES:
            name = value.rstrip(b"\0").decode("ascii", "replace").partition(":")[0]
            note_name(record.names, _NAMES[enterprise, element], name)
        elif length <= 16:
            record.fields[enterprise, element] = int.from_bytes(value, "big")
        at += length
    return record, at


def _variable_length(body: bytes, at: int) -> tuple[int, int]:
    if at < len(body) and body[at] < 255:
        return at + 1, body[at]
    if at + 3 <= len(body):
        return at + 3, struct.unpack_from(">H", body, at + 1)[0]
    return at, len(body) + 1


def _flow(header: Header, record: Record, number: int) -> LogFlow | None:
    fields = record.fields
    src, dst = address_of(fields, _SRC), address_of(fields, _DST)
    start_us, end_us = _instants(header, fields)
    if src is None or dst is None or start_us is None or end_us is None:
        return None
    biflow = any(enterprise == _REVERSE_PEN for enterprise, _ in fields)
    back = _REVERSE_PEN if biflow else -1
    one_of = _first(fields, 0, _SAMPLING) or 1
    return LogFlow(
        number,
        (src, fields.get((0, _SPORT), 0) & 0xFFFF),
        (dst, fields.get((0, _DPORT), 0) & 0xFFFF),
        fields.get((0, _PROTOCOL), 0) & 0xFF,
        (start_us, max(start_us, end_us)),
        (_counted(fields, 0, _PACKETS, one_of), _counted(fields, back, _PACKETS, one_of)),
        (_counted(fields, 0, _BYTES, one_of), _counted(fields, back, _BYTES, one_of)),
        vlan(fields.get((0, _VLAN))),
        names=record.names,
    )


def _counted(fields: Fields, enterprise: int, elements: tuple[int, ...], one_of: int) -> int | None:
    """Return an estimated count; None where it is unknown, or none was met among the packets looked at."""
    count = _first(fields, enterprise, elements)
    if count is None or (count == 0 and one_of > 1):
        return None
    return min(count * one_of, _MOST_COUNT)


def _first(fields: Mapping[tuple[int, int], int], enterprise: int, elements: tuple[int, ...]) -> int | None:
    return next((fields[enterprise, e] for e in elements if (enterprise, e) in fields), None)


def address_of(fields: Fields, elements: tuple[int, int]) -> str | None:
    """Return the address in one of two elements, of IPv4 and of IPv6; None where neither is there."""
    four, six = elements
    if (0, four) in fields:
        return str(ipaddress.IPv4Address(fields[0, four] & 0xFFFFFFFF))
    return str(ipaddress.IPv6Address(fields[0, six])) if (0, six) in fields else None


def _instants(header: Header, fields: Fields) -> tuple[int | None, int | None]:
    if header.version == 9 and all((0, element) in fields for element in _SWITCHED):
        start_us, end_us = (header.boot_us + fields[0, element] * 1000 for element in (22, 21))
        return min(start_us, _MOST_US), min(end_us, _MOST_US)
    return _instant(fields, _START), _instant(fields, _END)


def _instant(fields: Fields, units: Mapping[int, int]) -> int | None:
    for element, unit_us in units.items():
        if (value := fields.get((0, element))) is not None:
            if unit_us > 0:
                return min(value * unit_us, _MOST_US)
            seconds, fraction = (value >> 32) - _NTP_EPOCH_S, (value & 0xFFFFFFFF) * 1_000_000 >> 32
            return min(max(0, seconds * 1_000_000 + fraction), _MOST_US)
    return None


def _datagrams(file: BinaryIO, notes: list[Reason]) -> Iterator[tuple[bytes, int]]:
    """Yield (export packet, offset after it) from packets written one after the other."""
    kept, base = b"", 0
    while True:
        more = file.read(1 << 20)
        kept += more
        at = 0
        while at + 20 <= len(kept):
            size = _size_of(kept, at)
            if size == 0:
                notes.append(reason("export_damaged", offset=base + at))
                return
            if size < 0 or at + size > len(kept):
                break
            yield kept[at : at + size], base + at + size
            at += size
        kept, base = kept[at:], base + at
        if not more:
            yield from _rest(kept, base, notes)
            return


def _rest(kept: bytes, base: int, notes: list[Reason]) -> Iterator[tuple[bytes, int]]:
    """Yield a last v9 packet, whose end only the end of the file shows; note what is cut."""
    if len(kept) >= 24 and kept[:2] == b"\x00\x09" and -len(kept) == _size_of(kept, 0):
        yield kept, base + len(kept)
    elif kept:
        notes.append(reason("export_cut", offset=base))


def _size_of(data: bytes, at: int) -> int:
    """Return the size of the packet at ``at``; 0 where there is none, negative where more must be read.

    A v9 packet does not tell its size: its sets are passed until another header comes. Where the data end
    with a whole set, minus the size so far.
    """
    version, count = struct.unpack_from(">HH", data, at)
    if version not in EXPORT_VERSIONS:
        return 0
    if version == 5:
        return 24 + 48 * count
    if version == 10:
        return count if count >= 16 else 0
    position = at + 20
    while position + 4 <= len(data) and position - at < _MOST_DATAGRAM:
        number, size = struct.unpack_from(">HH", data, position)
        if number in EXPORT_VERSIONS:
            return position - at
        if size < 4:
            return 0
        position += size
    return -(position - at) if position <= len(data) else -_MOST_DATAGRAM
