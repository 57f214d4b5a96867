"""Packet captures, pcap and pcapng, to rows of ``flows``: one pass, a window of the file at a time.

Memory is that of ``flow_scan`` and does not grow with the file. A file that is cut or
damaged gives what precedes the place, and a note that names it.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from minewatch.schema.network_tables import FLOWS
from minewatch.sources.batch import Batch, batch_schema
from minewatch.sources.captures.flow_arrow import flow_table
from minewatch.sources.captures.flow_rows import flow_columns
from minewatch.sources.captures.flow_scan import FlowScan
from minewatch.sources.captures.packet_stream import ByteStream
from minewatch.sources.options import ReadOptions

REPORT_BYTES = 32 << 20
"""An empty batch tells the progress about every so many bytes."""

_EMPTY = batch_schema(FLOWS).empty_table()


def read_capture(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Yield the flows of a capture as they are over; empty batches tell the progress.

    Raises UnreadableFile where not even the file's header is there.
    """
    with path.open("rb", buffering=0) as file:
        yield from read_stream(file, path, options)


def read_stream(file: ByteStream, path: Path, options: ReadOptions, head: bytes = b"") -> Iterator[Batch]:
    """As ``read_capture`` from a file that may be a pipe; ``head`` are bytes of it that were read before."""
    scan = CaptureScan(path.name, options.batch_rows)
    done = reported = line = 0
    for done in scan.run(file, path, head):
        for rows in scan.tables():
            yield Batch("flows", _with_lines(rows, line), bytes_done=done)
            line += len(rows)
        if done - reported >= REPORT_BYTES:
            reported = done
            yield Batch("flows", _EMPTY, bytes_done=done)
    scan.finish()
    for number, rows in enumerate(scan.tables() or [FLOWS.empty_table()]):
        yield Batch("flows", _with_lines(rows, line), (), done, () if number else scan.notes)
        line += len(rows)


class CaptureScan(FlowScan):
    """A scan whose flows become Arrow tables of the schema ``FLOWS`` when they are over."""

    def __init__(self, capture: str, batch_rows: int = 50_000) -> None:
        super().__init__(capture)
        self._batch_rows = batch_rows
        self._tables: list[pa.Table] = []

    def write(self, numbers: np.ndarray) -> None:
        """Make tables of at most ``batch_rows`` rows, in the order in which the flows were opened."""
        order = np.argsort(self.memory.table.flows["first_ns"][numbers], kind="stable")
        for start in range(0, len(numbers), self._batch_rows):
            part = numbers[order[start : start + self._batch_rows]]
            columns = flow_columns(self.capture, self.memory, part, self.conversations)
            self._tables.append(flow_table(columns))

    def tables(self) -> list[pa.Table]:
        """Return the rows that were written since the last call."""
        tables, self._tables = self._tables, []
        return tables


def _with_lines(rows: pa.Table, start: int) -> pa.Table:
    numbers = np.arange(start + 1, start + 1 + len(rows))
    rows = rows.append_column(_EMPTY.schema.field("source_line"), pa.array(numbers))
    ones = pa.array(np.ones(len(rows), np.int64))
    return rows.append_column(_EMPTY.schema.field("source_rows"), ones).cast(_EMPTY.schema)
