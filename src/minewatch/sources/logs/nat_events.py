"""Logs of translated addresses as NetFlow v9 or IPFIX export packets, to rows of ``ip_leases``.

A translation, a session or a block of ports is logged when it begins and when it ends; both together are one
lease of the outer address and its ports, behind which the inner address lies. What has not ended by the end
of the file is taken to hold until the last event of the file, and no longer: a log says nothing of later.

Events are numbered as by IANA's registry (RFC 8158) or by the drafts before it; in both, of the events with
an outer and an inner address, those that begin something are 1 or even and those that end it 2 or odd.
Sources: RFC 8158, IANA's registry of NAT event types, Juniper's field mapping of its NAT logs.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from minewatch.schema.reasons import Reason, reason
from minewatch.schema.tables import TABLES
from minewatch.sources.batch import Batch, batch_schema
from minewatch.sources.logs.ipfix import Exports, Fields, Header, Record, address_of, packets_of
from minewatch.sources.options import ReadOptions

_EVENT, _INNER, _OUTER = 230, (8, 27), (225, 281)
_PORT, _OUTER_PORT, _FROM, _TO, _SIZE = 7, 227, 361, 362, 363
_INSTANTS = {323: 1000, 322: 1_000_000}
"""Elements of the instant of an event (observationTime in milliseconds and seconds), µs per unit."""

_STARTED_FIRST, _ENDED_FIRST = 1, 2
_ALL_PORTS = (0, 65_535)
MOST_OPEN = 1_000_000
"""Translations kept open at once; the oldest are closed first, as far as they were seen (about 200 MB)."""

_SCHEMA = batch_schema(TABLES["ip_leases"].schema)


class Translation(NamedTuple):
    """Ports of an outer address that lead to an inner one."""

    outer: str
    inner: str
    port_low: int
    port_high: int


class _Begun(NamedTuple):
    """When a translation began, µs, by which record of the file; 0 µs is not known."""

    at_us: int
    record: int


def read_nat_log(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Yield the leases of a log of translations."""
    log = _NatLog()
    with path.open("rb") as file:
        for packet, bytes_done in packets_of(file, path, log.notes):
            log.take(packet)
            if len(log.rows) >= options.batch_rows:
                yield log.leases(bytes_done)
    log.close()
    last = log.leases(path.stat().st_size)
    yield Batch(last.table, last.rows, last.rejected, last.bytes_done, log.closing_notes())


class _NatLog(Exports):
    """Translations that are open, and leases of those that ended since the last batch."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, Any]] = []
        self._open: dict[Translation, _Begun] = {}
        self._last_us = 0
        self._unended = self._unbegun = 0

    def hear(self, header: Header, record: Record, number: int) -> bool:
        """Take one event. Return False where it tells of no translation."""
        event, at_us = record.fields.get((0, _EVENT)), _instant(header, record.fields)
        translation = _translation(record.fields)
        if event is None or at_us is None or translation is None:
            return False
        self._last_us = max(self._last_us, at_us)
        begins = event == _STARTED_FIRST or (event > _ENDED_FIRST and event % 2 == 0)
        begun = self._open.pop(translation, None)
        if begins:
            self._begin(translation, _Begun(at_us, number), begun)
        elif begun is None:
            self._unbegun += 1
            self._lease(translation, _Begun(at_us, number), at_us)
        else:
            self._lease(translation, begun, at_us, rows=2)
        return True

    def _begin(self, translation: Translation, begun: _Begun, before: _Begun | None) -> None:
        if before is not None:  # its end was not logged
            self._lease(translation, before, begun.at_us)
        elif len(self._open) >= MOST_OPEN:
            oldest = next(iter(self._open))
            self._lease(oldest, self._open.pop(oldest), self._last_us)
        self._open[translation] = begun

    def close(self) -> None:
        """Close what has not ended."""
        self._unended = len(self._open)
        for translation, begun in self._open.items():
            self._lease(translation, begun, self._last_us)
        self._open.clear()

    def leases(self, bytes_done: int) -> Batch:
        """Return the leases since the last batch."""
        rows, self.rows = self.rows, []
        return Batch("ip_leases", pa.Table.from_pylist(rows, schema=_SCHEMA), (), bytes_done)

    def closing_notes(self) -> list[Reason]:
        """Return what was noticed in the whole file."""
        notes = super().closing_notes()
        if self._unended or self._unbegun:
            notes.append(reason("nat_log_open", unended=self._unended, unbegun=self._unbegun))
        return notes

    def _lease(self, translation: Translation, begun: _Begun, end_us: int, rows: int = 1) -> None:
        """Add a lease; its end is part of the translation's time, so a row ends a moment after it."""
        row = dict.fromkeys(_SCHEMA.names) | {
            "prefix": translation.outer,
            "port_low": translation.port_low,
            "port_high": translation.port_high,
            "valid_from": _moment(begun.at_us),
            "valid_to": _moment(max(end_us, begun.at_us) + 1),
            "kind": "nat",
            "next_prefix": translation.inner,
            "source_line": begun.record,
            "source_rows": rows,
        }
        self.rows.append(row)


def _translation(fields: Fields) -> Translation | None:
    inner, outer = address_of(fields, _INNER), address_of(fields, _OUTER)
    if inner is None or outer is None:
        return None
    low = fields.get((0, _FROM))
    if low is not None:
        high = fields.get((0, _TO), low + max(fields.get((0, _SIZE), 1), 1) - 1)
        return Translation(outer, inner, low & 0xFFFF, min(max(low, high), 0xFFFF))
    port = fields.get((0, _OUTER_PORT), fields.get((0, _PORT)))
    return Translation(outer, inner, *((port & 0xFFFF, port & 0xFFFF) if port else _ALL_PORTS))


def _instant(header: Header, fields: Fields) -> int | None:
    """Return when an event was, µs since the epoch; the packet's own time where the event does not say."""
    for element, unit_us in _INSTANTS.items():
        if (value := fields.get((0, element))) is not None:
            return min(value * unit_us, 1 << 53)
    return header.exported_us or None


def _moment(at_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
