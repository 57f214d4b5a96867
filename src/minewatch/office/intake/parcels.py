"""Parcels: the findings of a run as they cross from the analysis to the office, with the rows that show them.

A parcel is a ZIP of Parquet files named for their tables; a bare Parquet or Arrow file is one of findings
alone. Columns are read by name: more than the office knows are let be, and those that an older analysis lacks
are empty.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from minewatch.office.platform.refusals import Refused
from minewatch.schema.tables import TABLES

FINDINGS, MANIFESTS = "findings", "manifests"
MOST_BYTES = 2 << 30
"""Bytes that a parcel may have, unpacked."""

_ARROW_FILE, _ZIP, _PARQUET = b"ARROW1", b"PK\x03\x04", b"PAR1"
_ERRORS = (pa.ArrowException, zipfile.BadZipFile, OSError, EOFError, KeyError)


class Parcel(NamedTuple):
    """Tables by name, and the bytes that they were read from."""

    name: str
    sha256: str
    tables: Mapping[str, pa.Table]

    def table(self, name: str) -> pa.Table:
        """Return a table, without rows where the parcel has none."""
        return self.tables[name] if name in self.tables else TABLES[name].schema.empty_table()


def opened(content: bytes, name: str) -> Parcel:
    """Read a parcel. Raises Refused where it is none."""
    try:
        tables = {table: _canonical(table, rows) for table, rows in _tables(content, name).items()}
    except _ERRORS as error:
        raise Refused("parcel_unreadable", name=name) from error
    if FINDINGS not in tables:
        raise Refused("parcel_without_findings", name=name)
    for field in TABLES[FINDINGS].schema:
        if not field.nullable and field.name not in tables[FINDINGS].schema.names:
            raise Refused("parcel_column_missing", name=name, column=field.name)
    return Parcel(name, hashlib.sha256(content).hexdigest(), tables)


def _tables(content: bytes, name: str) -> dict[str, pa.Table]:
    if content.startswith(_PARQUET):
        return {FINDINGS: _parquet(content, name)}
    if content.startswith(_ARROW_FILE):
        return {FINDINGS: pa.ipc.open_file(pa.py_buffer(content)).read_all()}
    if not content.startswith(_ZIP):
        return {FINDINGS: pa.ipc.open_stream(pa.py_buffer(content)).read_all()}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [entry for entry in archive.infolist() if _table_of(entry.filename) in TABLES]
        _refuse_larger(sum(entry.file_size for entry in members), name)
        return {_table_of(entry.filename): _parquet(archive.read(entry), name) for entry in members}


def _table_of(filename: str) -> str:
    return filename.removesuffix(".parquet") if filename.endswith(".parquet") else ""


def _parquet(content: bytes, name: str) -> pa.Table:
    with pq.ParquetFile(pa.BufferReader(content)) as file:
        groups = (file.metadata.row_group(number) for number in range(file.num_row_groups))
        _refuse_larger(sum(group.total_byte_size for group in groups), name)
        return file.read()


def _refuse_larger(size: int, name: str) -> None:
    if size > MOST_BYTES:
        raise Refused("parcel_too_large", name=name, most_mb=MOST_BYTES >> 20)


def _canonical(table: str, rows: pa.Table) -> pa.Table:
    """Return rows with the columns that the office knows in the types of the schema."""
    known = TABLES[table].schema
    fields = [known.field(one.name) if one.name in known.names else one for one in rows.schema]
    return rows.cast(pa.schema([field.with_nullable(True) for field in fields]))
