"""What a lake holds, and the rows that it put aside."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.lake.failures import LakeError
from minewatch.lake.lake import Lake
from minewatch.lake.resubmission import Exported, export_rows, open_entries

__all__ = [
    "FAILURES",
    "Exported",
    "LakeState",
    "TableState",
    "export",
    "lake_state",
    "quarantined",
    "reasons_of",
]

FAILURES = (LakeError, OSError)
"""What goes wrong for reasons that the user can act on."""

_TIMES = {"day", "hour", "first_at", "period_start_at", "valid_from"}


@dataclass(frozen=True)
class TableState:
    """One table: valid rows, Delta version, files, bytes, first and last time (ISO; None: it has none)."""

    table: str
    rows: int
    version: int
    files: int
    bytes: int
    first: str | None
    last: str | None


@dataclass(frozen=True)
class LakeState:
    """The newest commit of a lake."""

    path: Path
    zone: str
    buckets: int
    revision: int
    verb: str
    at: datetime
    tables: Sequence[TableState]


def lake_state(path: Path) -> LakeState:
    """Return what the newest commit of the lake in ``path`` holds. Raises LakeError."""
    lake = Lake.open(path)
    shot = lake.snapshot()
    tables = [_table_state(lake, name) for name in shot.versions]
    return LakeState(lake.path, lake.zone.key, lake.buckets, shot.revision, shot.verb, shot.at, tables)


def quarantined(path: Path) -> pa.Table:
    """Return the open entries of ``quarantine`` of the lake in ``path``. Raises LakeError."""
    lake = Lake.open(path)
    return open_entries(lake.read(lake.snapshot(), "quarantine"))


def reasons_of(entries: pa.Table) -> Mapping[tuple[str, str, str], int]:
    """Return (file, table, reason code) → number of entries, most frequent first."""
    codes = pc.struct_field(entries.column("reason"), "code")
    columns = (entries.column("file_name"), entries.column("table"), codes)
    counted = Counter(zip(*(column.to_pylist() for column in columns), strict=True))
    return dict(counted.most_common())


def export(path: Path, target: Path, language: str) -> Exported:
    """Write the open rows of the lake in ``path`` to the CSV file ``target``. Raises LakeError, OSError."""
    return export_rows(quarantined(path), target, language)


def _table_state(lake: Lake, table: str) -> TableState:
    shot = lake.snapshot()
    files = lake.files(shot, table)
    bounds = [ends for file in files for name, ends in file.bounds.items() if name in _TIMES]
    return TableState(
        table=table,
        rows=lake.rows(shot, table),
        version=shot.versions[table],
        files=len(files),
        bytes=sum(file.path.stat().st_size for file in files),
        first=min(low for low, _ in bounds).isoformat() if bounds else None,
        last=max(high for _, high in bounds).isoformat() if bounds else None,
    )
