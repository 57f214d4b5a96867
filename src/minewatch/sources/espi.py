"""Green Button (NAESB REQ.21 ESPI) XML: interval readings of usage points, streamed.

A feed is read twice: first for what links the parts (usage point, meter reading, reading type), then for the
interval blocks, whose entries may come before the others.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError

import numpy as np
import pyarrow as pa
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from minewatch.schema.quality import Quality
from minewatch.schema.reasons import Reason, reason
from minewatch.schema.tables import INGESTED
from minewatch.schema.types import INSTANT
from minewatch.sources.batch import Batch, Reject, batch_schema
from minewatch.sources.cells import moments
from minewatch.sources.curves import absurd
from minewatch.sources.mapping import INTERVALS
from minewatch.sources.noticed import Noticed
from minewatch.sources.options import ReadOptions
from minewatch.sources.series import Kind, SeriesTerms, day_batch
from minewatch.sources.spill import Spill, readings_schema
from minewatch.sources.unreadable import UnreadableFile

_TABLE = "interval_readings"
_WATT, _WATT_HOUR = 38, 72
_FORWARD = (0, 1)
_DELTA_OR_MEAN = (0, 4, 6, 12)  # none, deltaData, indicating, instantaneous
_ESTIMATED = {8, 9, 11}  # estimated by reference day, by interpolation; derived
_POINT = re.compile(r"/UsagePoint/([^/]+)")


def read_espi(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Yield day curves of a Green Button feed; times are instants, cut into the lake's local days.

    ``line`` of a reject is the number of the IntervalReading in the file. Raises UnreadableFile for XML that
    is damaged or declares entities.
    """
    parts, noticed = _parts(path), Noticed()
    for note in parts.notes(options):
        noticed.add(note)
    terms = SeriesTerms(_TABLE, options.zone, Kind.POWER, False, None, None, (), times_known=True)
    nothing = batch_schema(INGESTED[_TABLE].schema).empty_table()
    size, rows, done = path.stat().st_size, 0, 0
    with Spill(()) as spill:
        for block, done in _blocks(path):
            readings, rejected = _readings(block, parts, options)
            spill.add(readings)
            rows += readings.num_rows
            yield Batch(_TABLE, nothing, rejected, done // 2, noticed.take())
        left, total = size - done // 2, max(rows, 1)
        for series in spill.series():
            rows -= series.num_rows
            table, rejected = day_batch(series, terms)
            yield Batch(_TABLE, table, rejected, done // 2 + left * (total - rows) // total)


class _ReadingType(NamedTuple):
    uom: int
    power_of_ten: int
    direction: int
    behaviour: int
    interval_s: int


@dataclass
class _Parts:
    """What links blocks to usage points and units: link of an entry → what it stands for."""

    types: dict[str, _ReadingType] = field(default_factory=dict)
    type_of_meter_reading: dict[str, str] = field(default_factory=dict)
    points: set[str] = field(default_factory=set)
    offsets_s: set[int] = field(default_factory=set)

    def type_of(self, block: "_Block") -> _ReadingType | None:
        for link in block.links:
            for meter_reading, type_link in self.type_of_meter_reading.items():
                if link.startswith(meter_reading) and type_link in self.types:
                    return self.types[type_link]
        return next(iter(self.types.values())) if len(self.types) == 1 else None

    def point_of(self, block: "_Block") -> str | None:
        found = next((match[1] for link in block.links if (match := _POINT.search(link))), None)
        return found or (next(iter(self.points)) if len(self.points) == 1 else None)

    def notes(self, options: ReadOptions) -> list[Reason]:
        """Return a note where the feed's own time is not the lake's."""
        offset = datetime(2024, 1, 1, tzinfo=UTC).astimezone(options.zone).utcoffset()
        others = [each for each in self.offsets_s if offset and each != offset.total_seconds()]
        return [
            reason("espi_other_zone", hours=each / 3600, zone=str(options.zone)) for each in sorted(others)
        ]


class _Block(NamedTuple):
    """Readings of one entry: (number, start in s since 1970, duration in s, value, estimated)."""

    links: tuple[str, ...]
    readings: list[tuple[int, int, int, str, bool]]


def _parts(path: Path) -> _Parts:
    parts = _Parts()
    for entry, links in _entries(path):
        own, related = links.get("self", [""])[0], links.get("related", [])
        for element in entry.iter():
            name = _name(element)
            if name == "ReadingType":
                parts.types[own] = _reading_type(element)
            elif name == "MeterReading":
                for link in related:
                    parts.type_of_meter_reading[own] = link if "ReadingType" in link else own
            elif name == "UsagePoint" and (match := _POINT.search(own)):
                parts.points.add(match[1])
            elif name == "tzOffset":
                parts.offsets_s.add(_whole(element.text))
    return parts


def _blocks(path: Path) -> Iterator[tuple[_Block, int]]:
    """Yield the blocks of readings of each entry, and how far in the file it is."""
    number = 0
    with path.open("rb") as file:
        readings: list[tuple[int, int, int, str, bool]] = []
        for element in _elements(path, file):
            name = _name(element)
            if name == "IntervalReading":
                number += 1
                readings.append(_reading(number, element))
                element.clear()
            elif name == "entry":
                links = tuple(link for links in _links(element).values() for link in links)
                if readings:
                    yield _Block(links, readings), file.tell()
                readings = []
                element.clear()
        if readings:
            yield _Block((), readings), file.tell()


def _entries(path: Path) -> Iterator[tuple[Element, dict[str, list[str]]]]:
    with path.open("rb") as file:
        for element in _elements(path, file):
            name = _name(element)
            if name == "IntervalReading":
                element.clear()
            elif name == "entry":
                yield element, _links(element)
                element.clear()


def _elements(path: Path, file: IO[bytes]) -> Iterator[Element]:
    """Yield elements at their end. Raises UnreadableFile for XML that is damaged or plays tricks."""
    root: Any = None
    try:
        for event, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
            root = element if root is None else root
            if event == "end":
                yield element
                if _name(element) == "entry":
                    root.clear()
    except ParseError as error:
        raise UnreadableFile(path, reason("xml_damaged", error=str(error))) from error
    except DefusedXmlException as error:
        raise UnreadableFile(path, reason("xml_entities")) from error


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _links(entry: Element) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for child in entry:
        if _name(child) == "link":
            found.setdefault(child.get("rel", ""), []).append(child.get("href", "").rstrip("/"))
    return found


def _whole(text: str | None) -> int:
    try:
        return int(text or "0")
    except ValueError:
        return 0


def _reading_type(element: Element) -> _ReadingType:
    found = {_name(child): _whole(child.text) for child in element}
    names = ("uom", "powerOfTenMultiplier", "flowDirection", "accumulationBehaviour", "intervalLength")
    return _ReadingType(*(found.get(name, 0) for name in names))


def _reading(number: int, element: Element) -> tuple[int, int, int, str, bool]:
    found = {_name(child): child.text or "" for child in element.iter()}
    estimated = _whole(found.get("quality")) in _ESTIMATED
    return (
        number,
        _whole(found.get("start")),
        _whole(found.get("duration")),
        found.get("value", ""),
        estimated,
    )


def _readings(block: _Block, parts: _Parts, options: ReadOptions) -> tuple[pa.Table, list[Reject]]:
    """Return the readings of a block in kW, or the whole block put aside where it is no use of power."""
    schema = readings_schema(())
    kind, point = parts.type_of(block), parts.point_of(block)
    why = _not_usable(kind, point)
    if why or kind is None:
        first = block.readings[0][0]
        reject = Reject(first, why or reason("espi_no_reading_type"), source_rows=len(block.readings))
        return schema.empty_table(), [reject]
    number, start, duration, text, estimated = (list(each) for each in zip(*block.readings, strict=True))
    seconds = np.array(duration) + (np.array(duration) == 0) * kind.interval_s
    raw = np.array([_value(each) for each in text]) * 10.0**kind.power_of_ten / 1000
    kw = raw if kind.uom == _WATT else raw * 3600 / np.maximum(seconds, 1)
    lines = np.array(number, np.int64)
    at = moments(pa.array(np.array(start) * 1_000_000).cast(INSTANT), options.zone, options.zone)
    faults = {
        "interval_not_known": ~np.isin(seconds, np.array(INTERVALS) * 60),
        "time_off_grid": at.wall % 60_000_000 != 0,
        "not_a_number": np.isnan(kw),
        "power_absurd": absurd(kw),
        "power_negative": kw < 0,
    }
    bad = np.logical_or.reduce(list(faults.values()))
    lost = faults["interval_not_known"] | faults["time_off_grid"]
    columns = {
        "id": pa.array([point] * len(lines)),
        "minute": pa.array(at.wall // 60_000_000),
        "fold": pa.array(at.fold),
        "value": pa.array(np.where(bad, np.nan, kw)),
        "line": pa.array(lines),
        "weight": pa.array(np.where(bad, 0, 1)),
        "interval": pa.array(seconds // 60),
        "quality": pa.array(np.where(estimated, Quality.ESTIMATED, Quality.MEASURED)),
    }
    rows = pa.table(
        [columns[each.name].filter(pa.array(~lost)).cast(each.type) for each in schema], schema=schema
    )
    return rows, [_reject(block, row, faults) for row in np.flatnonzero(bad).tolist()]


def _not_usable(kind: _ReadingType | None, point: str | None) -> Reason | None:
    if point is None:
        return reason("espi_no_usage_point")
    if kind is None:
        return reason("espi_no_reading_type")
    if kind.uom not in (_WATT, _WATT_HOUR):
        return reason("espi_other_quantity", uom=kind.uom)
    if kind.direction not in _FORWARD:
        return reason("espi_not_delivered", direction=kind.direction)
    return None if kind.behaviour in _DELTA_OR_MEAN else reason("espi_cumulative")


def _reject(block: _Block, row: int, faults: dict[str, Any]) -> Reject:
    number, start, duration, value, _ = block.readings[row]
    code = next(code for code, wrong in faults.items() if wrong[row])
    with_value = code in ("not_a_number", "power_absurd", "power_negative")
    why = reason(code, cells=1, value=value) if with_value else reason(code)
    row_text = {"start": str(start), "duration": str(duration), "value": value}
    return Reject(number, why, "value" if with_value else "timePeriod", value, row_text)


def _value(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
