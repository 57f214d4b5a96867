"""Quarantined rows out to a CSV file that a person corrects, and back in through ingest.

A spreadsheet runs a cell that begins with =, +, - or @: such cells get an apostrophe in front, which is
taken off again on the way in (a cell that begins with an apostrophe of its own gets a second one).
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

ID = "quarantine_id"
_OWN = (ID, "quarantine_reason", "quarantine_column")
_RISKY = ("=", "+", "-", "@", "\t", "\r", "'")
_HEAD_BYTES = 4096
_FIELD_BYTES = 1 << 24


@dataclass(frozen=True)
class Exported:
    """Files written, rows in them, and open entries without a row (of captures and the like)."""

    files: Sequence[Path]
    rows: int
    without_row: int


@dataclass(frozen=True)
class Resubmission:
    """A corrected export: ``path`` is the file without our columns, ``ids`` the entries it corrects."""

    path: Path
    ids: frozenset[str]


def open_entries(quarantine: pa.Table) -> pa.Table:
    """Return the entries of ``quarantine`` that nothing resolved yet, in the order of their files."""
    unresolved = quarantine.filter(pc.is_null(quarantine.column("resolved_by")))
    order = [(name, "ascending") for name in ("file_name", "source_id", "table", "line", "column")]
    return unresolved.sort_by(order)


def export_rows(entries: pa.Table, path: Path, language: str) -> Exported:
    """Write ``entries`` to ``path``, one line per row put aside; one file (``path``-2, …) per set of columns.

    A row with several bad cells is written once, with all their ids. Raises OSError.
    """
    writers: dict[tuple[str, ...], Any] = {}
    files: list[Path] = []
    rows = without_row = 0
    with ExitStack() as stack:
        for group in _by_line(entries):
            if group[0]["row"] is None:
                without_row += len(group)
                continue
            cells = json.loads(group[0]["row"])
            shape = (group[0]["table"], *cells)
            if shape not in writers:
                files.append(path if not files else path.with_stem(f"{path.stem}-{len(files) + 1}"))
                stream = stack.enter_context(files[-1].open("w", encoding="utf-8-sig", newline=""))
                writers[shape] = csv.writer(stream, lineterminator="\n")
                writers[shape].writerow([*_OWN, *(_escaped(name) for name in cells)])
            writers[shape].writerow([*_own_cells(group, language), *map(_escaped, cells.values())])
            rows += 1
    return Exported(files, rows, without_row)


def as_resubmission(path: Path, folder: Path) -> Resubmission | None:
    """Return ``path`` as a corrected export, its plain copy in ``folder``; None where it is another file.

    Spreadsheets save such a file as UTF-8 or GBK, with commas, semicolons or tabs. Raises OSError.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip(b'"')
    if not head.startswith(ID.encode()):
        return None
    delimiter = head[len(ID) :].lstrip(b'"')[:1].decode("ascii", "replace")
    if delimiter not in {",", ";", "\t"}:
        return None
    plain = folder / path.name
    encoding = _encoding(path)
    with (
        path.open(encoding=encoding, newline="") as source,
        plain.open("w", encoding="utf-8", newline="") as target,
    ):
        return Resubmission(plain, frozenset(_copied(source, target, delimiter)))


def _copied(source: Any, target: Any, delimiter: str) -> Iterator[str]:
    """Copy all but our own columns, line for line, and yield the ids."""
    csv.field_size_limit(_FIELD_BYTES)
    reader, writer = csv.reader(source, delimiter=delimiter), csv.writer(target, lineterminator="\n")
    header = next(reader)
    kept = [place for place, name in enumerate(header) if name not in _OWN]
    writer.writerow([_unescaped(header[place]) for place in kept])
    for row in reader:
        yield from row[0].split() if row else ()
        writer.writerow([_unescaped(row[place]) for place in kept if place < len(row)])


def _encoding(path: Path) -> str:
    with path.open(encoding="utf-8-sig") as stream:
        try:
            while stream.read(1 << 20):
                pass
        except UnicodeDecodeError:
            return "gb18030"
    return "utf-8-sig"


def _by_line(entries: pa.Table) -> Iterator[list[Mapping[str, Any]]]:
    rows = (row for batch in entries.to_batches(max_chunksize=10_000) for row in batch.to_pylist())
    for _, group in groupby(rows, key=lambda row: (row["source_id"], row["table"], row["line"], row["row"])):
        yield list(group)


def _own_cells(group: Sequence[Mapping[str, Any]], language: str) -> tuple[str, str, str]:
    reasons = dict.fromkeys(entry["reason"][f"text_{language}"] for entry in group)
    columns = dict.fromkeys(entry["column"] for entry in group if entry["column"])
    ids = " ".join(entry["quarantine_id"] for entry in group)
    return ids, _escaped("; ".join(reasons)), _escaped("; ".join(columns))


def _escaped(cell: str | None) -> str:
    text = cell or ""
    return f"'{text}" if text.startswith(_RISKY) else text


def _unescaped(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_RISKY) else cell
