"""What the header of a table means: its canonical table, its shape, and what each column is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import pyarrow as pa

from minewatch.schema.tables import INGESTED
from minewatch.sources.headers import (
    READING_COLUMNS,
    Unit,
    fallbacks,
    meaning,
    parse_header,
    plain,
    unit_of_text,
)
from minewatch.sources.mapping import ColumnMapping
from minewatch.sources.value_columns import ValueColumns, between, find_value_columns

READINGS = {
    "interval_readings": "usage_point_id",
    "transformer_readings": "transformer_id",
    "feeder_readings": "feeder_id",
}
"""Tables of curves → column that says whose curve it is."""

EXTRAS = (
    "kvar",
    "current_l1_a",
    "current_l2_a",
    "current_l3_a",
    "voltage_l1_v",
    "voltage_l2_v",
    "voltage_l3_v",
)
"""Quantities that may come beside the power."""

_MAIN = ("kw", "kwh", "register_kwh")
DEFAULTS: Mapping[tuple[str, str], int] = {
    (table, column): port
    for table in ("ip_leases", "line_traffic")
    for column, port in (("port_low", 0), ("port_high", 65_535))
} | {("pool_endpoints", "port"): 0}
"""(table, column) → value where the file lacks the column."""


class Shape(StrEnum):
    """How rows of the file relate to rows of the table."""

    WIDE = "wide"  # one row per day, one column per interval
    LONG = "long"  # one row per reading
    LISTS = "lists"  # rows of the canonical table, with list columns
    REGISTERS = "registers"  # one register reading per day, to be differenced
    ROWS = "rows"  # one row is one row


@dataclass(frozen=True)
class Use:
    """A column of the file and what it is: ``position`` and ``header`` in the file, ``unit`` if written."""

    position: int
    header: str
    unit: Unit | None = None


@dataclass(frozen=True)
class Layout:
    """A file's header understood. ``columns``: canonical (or reading) column → where it stands."""

    table: str
    shape: Shape
    columns: Mapping[str, Use]
    curves: tuple[ValueColumns, ...] = ()
    unknown: tuple[str, ...] = ()
    mapping: ColumnMapping = field(default_factory=ColumnMapping)

    @property
    def key_column(self) -> str:
        """Column that says whose reading it is (readings only)."""
        return READINGS.get(self.table, "usage_point_id")

    @property
    def may_feed_back(self) -> bool:
        """Tell whether negative power is meant: by the user, or at a meter of the grid itself."""
        return self.mapping.export or self.table in ("transformer_readings", "feeder_readings")


def find_layout(
    names: Sequence[str],
    mapping: ColumnMapping | None = None,
    table: str | None = None,
    types: Sequence[pa.DataType] = (),
) -> Layout | None:
    """Return what the headers ``names`` mean, or None. ``types`` are the columns' types in Parquet files."""
    mapping = mapping or ColumnMapping()
    table = mapping.table or table
    headers = _Headers(names, mapping, types)
    tables = [table] if table else [name for name in INGESTED if name != "flows"]
    shapes: tuple[Callable[[str, _Headers], Layout | None], ...] = (_lists, _wide, _long)
    for shape in shapes:
        found = [layout for name in tables if name in READINGS and (layout := shape(name, headers))]
        if found:
            return found[0]
    rows = [layout for name in tables if name not in READINGS and (layout := _rows(name, headers))]
    return max(rows, key=lambda layout: len(layout.columns), default=None)


@dataclass(frozen=True)
class _Headers:
    names: Sequence[str]
    mapping: ColumnMapping
    types: Sequence[pa.DataType]

    def uses(
        self, table: str, columns: frozenset[str], apart: frozenset[int] = frozenset()
    ) -> dict[str, Use]:
        """Return canonical column → use; positions ``apart`` are left out.

        Of several headers for one column the user's mapping wins, then the better-known name, then the
        first.
        """
        found: dict[str, Use] = {}
        ranks: dict[str, int] = {}
        for position, name in enumerate(self.names):
            column, rank, unit = self._meaning(name, table, columns)
            if position not in apart and column in columns and rank < ranks.get(column, 1_000):
                found[column], ranks[column] = Use(position, name, unit), rank
        return found

    def _meaning(self, name: str, table: str, columns: frozenset[str]) -> tuple[str, int, Unit | None]:
        parsed, unit = parse_header(name), self.mapping.units.get(plain(name))
        mapped = self.mapping.columns.get(plain(name))
        column, rank = (mapped, -1) if mapped else meaning(parsed.name, table, columns) or ("", 0)
        return column, rank, unit_of_text(unit) if unit else parsed.unit

    def unknown(self, used: set[int]) -> tuple[str, ...]:
        return tuple(name for position, name in enumerate(self.names) if position not in used and name)

    def is_list(self, use: Use | None) -> bool:
        return use is not None and bool(self.types) and pa.types.is_nested(self.types[use.position])


def _finish(
    headers: _Headers, layout_of: tuple[str, Shape], uses: Mapping[str, Use], curves: tuple[ValueColumns, ...]
) -> Layout:
    table, shape = layout_of
    used = {use.position for use in uses.values()} | {p for curve in curves for p in curve.positions}
    return Layout(table, shape, uses, curves, headers.unknown(used), headers.mapping)


def _lists(table: str, headers: _Headers) -> Layout | None:
    columns = frozenset(INGESTED[table].schema.names)
    uses = headers.uses(table, columns)
    if not headers.is_list(uses.get("kw")) or not {READINGS[table], "day"} <= uses.keys():
        return None
    return _finish(headers, (table, Shape.LISTS), uses, ())


def _wide(table: str, headers: _Headers) -> Layout | None:
    mapping = headers.mapping
    if mapping.values:
        chosen = between(headers.names, *mapping.values)
        curves = [chosen] if chosen else []
    else:
        curves = find_value_columns(headers.names)
    apart = frozenset(position for curve in curves for position in curve.positions)
    uses = headers.uses(
        table, frozenset({READINGS[table], "day", "interval_minutes", "multiplier", "quantity"}), apart
    )
    if not {READINGS[table], "day"} <= uses.keys():
        return None
    chosen_curves = _one_main(curves)
    return _finish(headers, (table, Shape.WIDE), uses, chosen_curves) if chosen_curves else None


def _one_main(curves: list[ValueColumns]) -> tuple[ValueColumns, ...]:
    """Return the main curve first, then the others of the same interval; empty without a main one."""
    mains = sorted((c for c in curves if c.quantity not in EXTRAS), key=lambda c: c.quantity == "value")
    if not mains:
        return ()
    main = mains[0]
    same = [c for c in curves if c.quantity in EXTRAS and len(c.positions) == len(main.positions)]
    return (main, *same)


def _long(table: str, headers: _Headers) -> Layout | None:
    uses = headers.uses(table, READING_COLUMNS | {READINGS[table]})
    timed = uses.keys() & {"time", "end_time"} or {"day", "time_of_day"} <= uses.keys()
    if READINGS[table] not in uses or not timed or not uses.keys() & set(_MAIN):
        return None
    return _finish(headers, (table, Shape.LONG), uses, ())


def _rows(table: str, headers: _Headers) -> Layout | None:
    spec = INGESTED[table]
    uses = headers.uses(table, frozenset(spec.schema.names))
    for column, other in fallbacks().get(table, {}).items():
        if column not in uses and other in uses:
            uses[column] = uses[other]
    required = {field.name for field in spec.schema if not field.nullable}
    required -= {column for name, column in DEFAULTS if name == table}
    shape = Shape.ROWS
    if table == "daily_readings" and "energy_kwh" not in uses and "register_kwh" in uses:
        shape, required = Shape.REGISTERS, {"usage_point_id", "day"}
    if not required <= uses.keys() or uses.keys() <= set(spec.key):
        return None
    return _finish(headers, (table, shape), uses, ())


def reading_unit(layout: Layout, written: Unit | None) -> Unit | None:
    """Return the unit of the readings: as the mapping says, else as ``written`` in the header."""
    if layout.mapping.unit and layout.mapping.unit != "register":
        return unit_of_text(layout.mapping.unit)
    return written
