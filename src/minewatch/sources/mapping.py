"""The user's own mapping of a file's columns (``--mapping FILE.yaml``), checked entry by entry."""

import codecs
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from minewatch.schema.faults import Fault
from minewatch.schema.reasons import Reason, reason
from minewatch.schema.tables import INGESTED
from minewatch.sources.headers import READING_COLUMNS, plain, unit_of_text

INTERVALS = (1, 5, 10, 15, 20, 30, 60)
"""Minutes that an interval may have."""


class BadMapping(Fault):
    """A mapping file that cannot be used; ``text(language)`` names the entry at fault."""

    def __init__(self, path: Path, why: Reason) -> None:
        super().__init__(f"{path.name}: {why.text('en')}")
        self.path = path
        self.reason = why

    def text(self, language: str) -> str:
        """Return the sentence in ``language`` ("en" or "zh")."""
        return f"{self.path}: {self.reason.text(language)}"


@dataclass(frozen=True)
class ColumnMapping:
    """What the user says of a file.

    ``columns``: the file's header → canonical column (``usage_point_id``, ``day``, ``time``, ``kw``, …).
    ``units``: header → unit of that column. ``unit``: unit of the reading values ("kW", "kWh", "W", …;
    "register" for a cumulative kWh register). ``interval``: whether a time names the "start" or the "end"
    of its interval. ``interval_minutes``: its length. ``zone``: zone of times without offset.
    ``date_format``: as for ``datetime.strptime``. ``register_digits``: whole digits of the register before
    it rolls over. ``export``: negative power is meant (the customer feeds in). ``values``: first and last
    of the value columns of a wide file.
    """

    table: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    interval: str | None = None
    interval_minutes: int | None = None
    zone: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    date_format: str | None = None
    register_digits: int | None = None
    export: bool = False
    values: tuple[str, str] | None = None


def read_mapping(path: Path) -> ColumnMapping:
    """Read and check a mapping file. Raises BadMapping that names the entry at fault and what may stand."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadMapping(path, reason("mapping_not_yaml", error=str(error))) from error
    if not isinstance(content, dict):
        raise BadMapping(path, reason("mapping_not_yaml", error=type(content).__name__))
    known = [each.name for each in fields(ColumnMapping) if each.name != "units"]
    for entry, value in content.items():
        if entry not in known:
            raise BadMapping(path, _wrong(entry, value, ", ".join(known)))
        is_right, wanted = _CHECKS[entry]
        if not is_right(value):
            raise BadMapping(path, _wrong(entry, value, wanted))
    return _mapping(path, content)


def _mapping(path: Path, content: dict[str, Any]) -> ColumnMapping:
    columns, units = dict[str, str](), dict[str, str]()
    for header, meant in content.get("columns", {}).items():
        entry = meant if isinstance(meant, dict) else {"column": meant}
        column, unit = entry.get("column"), entry.get("unit")
        if column not in _all_columns() or set(entry) - {"column", "unit"}:
            raise BadMapping(path, _wrong(f"columns: {header}", column, ", ".join(sorted(_all_columns()))))
        columns[plain(str(header))] = column
        if unit is not None:
            if not _is_unit(unit):
                raise BadMapping(path, _wrong(f"columns: {header}: unit", unit, "kW, kWh, MW, kVA …"))
            units[plain(str(header))] = unit
    values = content.get("values")
    others = {name: value for name, value in content.items() if name not in ("columns", "values")}
    ends = (plain(str(values[0])), plain(str(values[1]))) if values else None
    return ColumnMapping(columns=columns, units=units, values=ends, **others)


def _wrong(entry: str, value: object, wanted: str) -> Reason:
    return reason("mapping_entry_wrong", entry=str(entry), value=str(value), wanted=wanted)


def _all_columns() -> frozenset[str]:
    tables = (spec.schema.names for name, spec in INGESTED.items() if name != "flows")
    return frozenset(name for names in tables for name in names) | READING_COLUMNS


def _is_unit(value: object) -> bool:
    return isinstance(value, str) and unit_of_text(value) is not None


def _is_zone(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(ZoneInfo(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _is_encoding(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(codecs.lookup(value))
    except LookupError:
        return False


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2


def _is_digits(value: object) -> bool:
    return type(value) is int and 3 <= value <= 12


_CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "table": (
        lambda value: value in INGESTED and value != "flows",
        ", ".join(n for n in INGESTED if n != "flows"),
    ),
    "columns": (lambda value: isinstance(value, dict), "header: column"),
    "unit": (lambda value: value == "register" or _is_unit(value), "kW, kWh, W, MW, Wh, MWh, register"),
    "interval": (lambda value: value in ("start", "end"), "start, end"),
    "interval_minutes": (lambda value: value in INTERVALS, ", ".join(map(str, INTERVALS))),
    "zone": (_is_zone, "Asia/Shanghai, Europe/Berlin …"),
    "encoding": (_is_encoding, "utf-8, gbk, gb18030 …"),
    "delimiter": (lambda value: isinstance(value, str) and len(value) == 1, "one character"),
    "date_format": (lambda value: isinstance(value, str) and "%" in value, "%d/%m/%Y %H:%M …"),
    "register_digits": (_is_digits, "3 … 12"),
    "export": (lambda value: isinstance(value, bool), "true, false"),
    "values": (_is_pair, "[first header, last header]"),
}
