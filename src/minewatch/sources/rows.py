"""Archives and other tables in which one row of the file is one row of the table."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.schema.columns import unit_of
from minewatch.schema.reasons import reason
from minewatch.schema.tables import INGESTED
from minewatch.sources.batch import Batch, Reject, batch_schema
from minewatch.sources.cells import Parsed, days, instants, is_formula, mask, numbers_with_units, texts
from minewatch.sources.curves import MOST_KW
from minewatch.sources.headers import plain, unit_factor, words
from minewatch.sources.identifiers import Faults, identifiers, text_at
from minewatch.sources.layout import DEFAULTS, Layout, Use
from minewatch.sources.noticed import Noticed, unknown_columns
from minewatch.sources.options import ReadOptions
from minewatch.sources.reading_keys import rejects
from minewatch.sources.sheet import Chunk, Sheet
from minewatch.sources.uscc import is_uscc

_BOUNDS: Mapping[str, tuple[float, float]] = {
    "lon": (-180, 180),
    "lat": (-90, 90),
    "voltage_kv": (0, 1_500),
    "contract_kva": (0, 1e7),
    "rated_kva": (0, 1e7),
    "no_load_loss_kw": (0, 1e5),
    "load_loss_kw": (0, 1e5),
    "energy_kwh": (0, 24 * MOST_KW),
    "register_kwh": (0, 1e13),
    "rated_mw": (0, 30_000),
    "mw": (-30_000, 30_000),
    "inflow_m3s": (0, 1e6),
    "head_m": (0, 3_000),
    "available_mw": (0, 30_000),
    "dispatched_mw": (-30_000, 30_000),
    "temperature_c": (-90, 65),
    "price_per_kwh": (-100, 1_000),
    "port_low": (0, 65_535),
    "port_high": (0, 65_535),
    "inbound_bytes": (0, 1e17),
    "outbound_bytes": (0, 1e17),
    "peers": (0, 1e10),
    "local_addresses": (0, 1e10),
    "requested_kva": (0, 1e7),
    "floor_area_m2": (0, 1e8),
    "bandwidth_mbps": (0, 1e9),
    "machines_seen": (0, 1e7),
    "power_kw": (0, MOST_KW),
}
"""Column → what is physically possible, in its unit; other values are put aside."""


def read_rows(sheet: Sheet, layout: Layout, options: ReadOptions) -> Iterator[Batch]:
    """Yield the rows of an archive, typed; a cell that cannot be read is put aside and left empty.

    A row is put aside as a whole where the cell is required.
    """
    rows = _Rows(layout, options, Noticed())
    for note in (*sheet.notes, *unknown_columns(layout.unknown)):
        rows.noticed.add(note)
    rows.note_units()
    for chunk in sheet.chunks(sorted({use.position for use in layout.columns.values()})):
        yield rows.batch(chunk)


@dataclass(frozen=True)
class _Rows:
    layout: Layout
    options: ReadOptions
    noticed: Noticed

    def note_units(self) -> None:
        """Note units in the header that cannot be brought to those of the table."""
        for field in INGESTED[self.layout.table].schema:
            use = self.layout.columns.get(field.name)
            if use and use.unit and unit_of(field) and unit_factor(use.unit, unit_of(field)) is None:
                wanted = unit_of(field)
                why = reason("unit_not_usable", unit=use.unit.name, column=use.header, wanted=wanted)
                self.noticed.add(why, use.header)

    def batch(self, chunk: Chunk) -> Batch:
        schema = batch_schema(INGESTED[self.layout.table].schema)
        faults, cells = Faults(), list[Reject]()
        columns = {
            field.name: self._column(chunk, field, faults, cells)
            for field in INGESTED[self.layout.table].schema
        }
        columns["source_line"] = pa.array(chunk.lines)
        columns["source_rows"] = pa.array(np.ones(len(chunk), np.int64))
        good = np.ones(len(chunk), bool)
        good[sorted(faults.by_row)] = False
        plain_schema = pa.schema([field.with_nullable(True) for field in schema])
        rows = pa.table([columns[name] for name in schema.names], schema=plain_schema).filter(pa.array(good))
        bad_lines = {int(chunk.lines[row]) for row in faults.by_row}
        rejected = [*chunk.rejected, *rejects(chunk, faults), *(c for c in cells if c.line not in bad_lines)]
        return Batch(self.layout.table, rows.cast(schema), rejected, chunk.bytes_done, self.noticed.take())

    def _column(self, chunk: Chunk, field: pa.Field, faults: Faults, cells: list[Reject]) -> pa.Array:
        """Return one column, typed; faults of required columns go to ``faults``, others to ``cells``."""
        use = self.layout.columns.get(field.name)
        if use is None:
            default = DEFAULTS.get((self.layout.table, field.name))
            return pa.array([default] * len(chunk), field.type)
        if _is_identifier(field):
            return identifiers(chunk, use, faults, self.noticed)
        parsed, code = self._parse(chunk, field, use)
        if field.nullable:
            cells.extend(_cell_rejects(chunk, use, parsed.bad, code))
            return parsed.values
        missing = mask(pc.is_null(parsed.values)) & ~parsed.bad
        faults.add(parsed.bad, _whole_row_reason(code, chunk, use, parsed.bad), chunk, use)
        faults.add(missing, reason("cell_missing", column=use.header), chunk, use)
        return parsed.values

    def _parse(self, chunk: Chunk, field: pa.Field, use: Use) -> tuple[Parsed, str]:
        cells, kind = chunk.columns[use.position], field.type
        if pa.types.is_timestamp(kind):
            return instants(cells, self.options.zone, self._written_in(), self._form()), "time_not_read"
        if pa.types.is_date(kind):
            return days(cells, self._form()), "date_not_read"
        if pa.types.is_string(kind):
            return _text_column(field.name, cells)
        if pa.types.is_floating(kind) or pa.types.is_integer(kind):
            factor = unit_factor(use.unit, unit_of(field)) if use.unit and unit_of(field) else None
            return _number_column(cells, field, factor or 1.0), "not_a_number"
        return Parsed(cells.cast(kind), np.zeros(len(cells), bool)), "not_a_number"

    def _written_in(self) -> ZoneInfo:
        zone = self.layout.mapping.zone
        return ZoneInfo(zone) if zone else self.options.zone

    def _form(self) -> str | None:
        return self.layout.mapping.date_format


def _is_identifier(field: pa.Field) -> bool:
    return not field.nullable and pa.types.is_string(field.type) and field.name not in words()


def _number_column(cells: pa.Array, field: pa.Field, factor: float) -> Parsed:
    parsed, kind = numbers_with_units(cells, unit_of(field), factor), field.type
    values = parsed.values.to_numpy(zero_copy_only=False).astype(np.float64)
    low, high = _BOUNDS.get(field.name, (-np.inf, np.inf))
    wrong = np.isinf(values) | (values < low) | (values > high)
    if pa.types.is_integer(kind):
        wrong |= (values != np.round(values)) & ~np.isnan(values)
    empty = np.isnan(values) | wrong
    return Parsed(pa.array(values, mask=empty).cast(kind), parsed.bad | wrong)


def _text_column(name: str, cells: pa.Array) -> tuple[Parsed, str]:
    parsed = texts(cells)
    if name == "uscc":
        return _checked(parsed, lambda code: code.upper().replace(" ", ""), is_uscc), "uscc_wrong"
    if name in words():
        known = words()[name]
        return _checked(parsed, lambda text: known.get(plain(text), text), lambda _: True), "formula_cell"
    return parsed, "formula_cell"


def _checked(parsed: Parsed, tidy: Callable[[str], str], is_right: Callable[[str], bool]) -> Parsed:
    """Tidy each distinct text and keep the right ones."""
    coded = parsed.values.dictionary_encode()
    tidied = [tidy(text) for text in coded.dictionary.to_pylist()]
    values = pa.array([text if is_right(text) else None for text in tidied], pa.string()).take(coded.indices)
    wrong = mask(pc.and_(pc.is_valid(parsed.values), pc.is_null(values)))
    return Parsed(values, parsed.bad | wrong)


def _cell_rejects(chunk: Chunk, use: Use, bad: Any, code: str) -> Iterator[Reject]:
    for row in np.flatnonzero(bad).tolist():
        value = text_at(chunk, use.position, row)
        why = _reason(code, value)
        yield Reject(int(chunk.lines[row]), why, use.header, value, chunk.row_of(row), True, 0)


def _whole_row_reason(code: str, chunk: Chunk, use: Use, bad: Any) -> Any:
    row = int(np.argmax(bad)) if bad.any() else -1
    return _reason(code, text_at(chunk, use.position, row) if row >= 0 else "")


def _reason(code: str, value: str | None) -> Any:
    if is_formula(value):
        return reason("formula_cell")
    return reason(code, cells=1, value=value) if code == "not_a_number" else reason(code)
