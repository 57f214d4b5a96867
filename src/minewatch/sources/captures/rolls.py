"""Rolls: what a sensor writes, a stream of Arrow record batches of ``flows`` (Arrow IPC streaming format).

Each batch carries, as its own metadata, the row of ``sensor_intervals`` as it stands by then. So a roll
that its sensor did not end (it was killed, the machine lost power) is good up to its last whole batch, and
says so.

Source: Apache Arrow columnar format, IPC streaming format.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from minewatch.schema.network_tables import FLOWS
from minewatch.schema.reasons import reason
from minewatch.schema.sensor_tables import SENSOR_INTERVALS
from minewatch.sources.batch import Batch, batch_schema
from minewatch.sources.network_signatures import ROLL_MARK
from minewatch.sources.options import ReadOptions
from minewatch.sources.unreadable import UnreadableFile

BROKEN_OFF = "broken_off"
"""``ended_by`` of every batch but the last of a roll that was ended."""

_INTERVAL = b"interval"
_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")
_SCHEMA = FLOWS.remove_metadata().with_metadata({ROLL_MARK: b"1"})


class RollWriter:
    """Writes one roll into ``file``; nothing is kept in memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._writer = pa.ipc.new_stream(file, _SCHEMA, options=_OPTIONS)

    def write(self, rows: pa.Table, interval: Mapping[str, Any]) -> None:
        """Append ``rows`` (schema ``FLOWS``; may be none) with the row of ``sensor_intervals`` so far."""
        metadata = {_INTERVAL: json.dumps(dict(interval), default=_as_text).encode()}
        whole = rows.cast(_SCHEMA).combine_chunks()
        batches = whole.to_batches() or [pa.RecordBatch.from_pylist([], _SCHEMA)]
        for batch in batches:
            self._writer.write_batch(batch, custom_metadata=metadata)

    def close(self) -> None:
        """Write the end of the stream; the file stays open."""
        self._writer.close()


def read_roll(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Yield the flows of a roll, then its interval. Raises UnreadableFile where no batch is whole."""
    _ = options
    lines, interval = 0, None
    with path.open("rb") as file:
        for rows, interval in _batches(file):  # noqa: B007 - the last one counts
            yield Batch("flows", _with_lines(rows, FLOWS, lines), bytes_done=file.tell())
            lines += len(rows)
    if interval is None:
        raise UnreadableFile(path, reason("roll_empty"))
    found = pa.Table.from_pylist([interval], SENSOR_INTERVALS)
    notes = []
    if interval["ended_by"] == BROKEN_OFF:
        notes = [reason("roll_broken_off", ended_at=f"{interval['ended_at']:%Y-%m-%d %H:%M:%S} UTC")]
    size = path.stat().st_size
    yield Batch("sensor_intervals", _with_lines(found, SENSOR_INTERVALS, lines), (), size, notes)


def _batches(file: BinaryIO) -> Iterator[tuple[pa.Table, dict[str, Any]]]:
    """Yield the whole batches, each in the schema of today, with its interval."""
    try:
        reader = pa.ipc.open_stream(file)
        while True:
            batch, metadata = reader.read_next_batch_with_custom_metadata()
            batch.validate(full=True)
            rows = pa.Table.from_batches([batch])
            yield _as_of_today(rows), _interval(metadata[_INTERVAL])
    except StopIteration:
        return
    except (pa.ArrowInvalid, pa.ArrowTypeError, OSError, KeyError, ValueError, TypeError):
        return  # cut or damaged here; what came before is good


def _as_of_today(rows: pa.Table) -> pa.Table:
    """Return ``rows`` with the columns of this version; one that the roll's version lacked is null."""
    columns = [
        rows.column(field.name).cast(field.type)
        if field.name in rows.column_names
        else pa.nulls(len(rows), field.type)
        for field in FLOWS
    ]
    return pa.table(columns, schema=FLOWS)


def _interval(text: bytes) -> dict[str, Any]:
    row = json.loads(text)
    return {**row, **{name: datetime.fromisoformat(row[name]) for name in ("started_at", "ended_at")}}


def _as_text(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()


def _with_lines(rows: pa.Table, schema: pa.Schema, before: int) -> pa.Table:
    numbers = np.arange(before + 1, before + 1 + len(rows))
    columns = [*rows.columns, pa.array(numbers), pa.array(np.ones(len(rows), np.int64))]
    return pa.table(columns, schema=batch_schema(schema))
