"""Rows put aside: rejects, and rows that contradict an earlier line, as rows of ``quarantine``."""

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from math import isnan
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.lake.source import SourceFile
from minewatch.schema.ids import content_id
from minewatch.schema.reasons import reason
from minewatch.schema.tables import TABLES
from minewatch.schema.types import DAY_CURVE
from minewatch.sources.batch import Reject

QUARANTINE = TABLES["quarantine"]
_STAGED = pa.schema(
    [*QUARANTINE.schema, *(QUARANTINE.lake_schema.field(name) for name in ("source_line", "source_rows"))]
)


@dataclass(frozen=True)
class Origin:
    """Where rejects come from: the file, the table they were meant for, what the user said of the file."""

    source: SourceFile
    table: str
    told: str


def quarantine_rows(origin: Origin, rejects: Iterable[Reject], first: int) -> pa.Table:
    """Return the rows of ``quarantine`` for ``rejects``, with ``source_line`` and ``source_rows``.

    ``first`` is how many of the file's rejects came before: line numbers repeat in a file of several parts.
    """
    rows = [_row(origin, each, number) for number, each in enumerate(rejects, first)]
    return pa.Table.from_pylist(rows, schema=_STAGED)


def resolved(rows: pa.Table, ids: Set[str], source_id: str) -> pa.Table:
    """Return the open ones of the quarantined ``rows`` that the file ``source_id`` settles, marked so.

    These are the entries ``ids``, which it corrects, and those of an earlier reading of the same file.
    """
    corrected = pc.is_in(rows.column("quarantine_id"), value_set=pa.array(sorted(ids), pa.string()))
    settled = pc.or_(corrected, pc.equal(rows.column("source_id"), source_id))
    still_open = rows.filter(pc.and_(settled, pc.is_null(rows.column("resolved_by"))))
    place = still_open.schema.get_field_index("resolved_by")
    by = pa.array([source_id] * len(still_open), pa.string())
    return still_open.set_column(place, still_open.schema.field(place), by)


def contradiction_rejects(table: str, rows: pa.Table) -> Sequence[Reject]:
    """Return rejects for ``rows`` of ``table`` whose key stands on ``first_line`` with other values."""
    key = TABLES[table].key
    return [
        Reject(
            line=row["source_line"],
            reason=reason(
                "contradicts_line",
                line=row["source_line"],
                first_line=row["first_line"],
                key=", ".join(str(row[name]) for name in key),
            ),
            row=_as_file_row(table, row),
            source_rows=row["source_rows"],
        )
        for row in rows.to_pylist()
    ]


def _row(origin: Origin, reject: Reject, number: int) -> dict[str, Any]:
    return {
        "quarantine_id": content_id("Q", origin.source.source_id, origin.told, number),
        "source_id": origin.source.source_id,
        "file_name": origin.source.name,
        "table": origin.table,
        "line": reject.line,
        "column": reject.column,
        "value": reject.value,
        "reason": reject.reason.as_row(),
        "row": None if reject.row is None else json.dumps(dict(reject.row), ensure_ascii=False),
        "resolved_by": None,
        "source_line": reject.line,
        "source_rows": 0 if reject.cell_only else reject.source_rows,
    }


def _as_file_row(table: str, row: Mapping[str, Any]) -> dict[str, str | None]:
    """Return a row as a file would have it: one column a value, day curves as kw_0000, kw_0015 and so on."""
    cells: dict[str, str | None] = {}
    for field in TABLES[table].schema:
        value = row[field.name]
        if field.type == DAY_CURVE and value is not None:
            minutes = 1440 // max(len(value), 1)
            for slot, reading in enumerate(value):
                hour, minute = divmod(slot * minutes, 60)
                cells[f"{field.name}_{hour:02d}{minute:02d}"] = "" if isnan(reading) else repr(reading)
        elif isinstance(value, list | dict):
            cells[field.name] = json.dumps(value, ensure_ascii=False, default=str)
        else:
            cells[field.name] = None if value is None else str(value)
    return cells
