"""What a capture shows, without a lake and without Arrow: only flows with a sign become rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from minewatch.detect.pools.pool_list import PoolList
from minewatch.detect.pools.weighing import Row, weighed
from minewatch.kernels.traffic.scan import shows_sign
from minewatch.runs.look_records import flow_records
from minewatch.runs.look_sights import FLOWS, Sight, Watcher
from minewatch.sources.captures.flow_rows import as_python, flow_columns, is_long
from minewatch.sources.captures.flow_scan import FlowScan
from minewatch.sources.captures.packet_stream import ByteStream
from minewatch.sources.network_signatures import is_capture
from minewatch.sources.pipes import first_bytes, is_pipe, open_pipe

if TYPE_CHECKING:
    from minewatch.runs.look_quiet import QuietFlows

_HEAD_BYTES = 512
_REPORT_BYTES = 32 << 20
_ROWS_AT_ONCE = 1024


class Judging(NamedTuple):
    """By what captures are judged; ``block_times`` (a table of that name) is None where there are none."""

    pools: PoolList
    block_times: Any
    zone: ZoneInfo
    language: str


class Opened(NamedTuple):
    """A capture that is open, with the bytes of it that were read."""

    file: ByteStream
    head: bytes


class SignedFlows(FlowScan):
    """A scan that keeps rows of the flows with a sign of mining, and of the quiet ones that are long."""

    def __init__(self, capture: str, judging: Judging) -> None:
        super().__init__(capture, judging.pools.names)
        self.rows: list[Row] = []
        self.looked_at = 0
        self.quiet: QuietFlows | None = None
        self._judging = judging

    def write(self, numbers: np.ndarray) -> None:
        """Make rows of the flows with a sign."""
        self.looked_at += len(numbers)
        flows = self.memory.table.flows
        numbers = numbers[np.argsort(flows["first_ns"][numbers], kind="stable")]
        signed = np.empty(len(numbers), np.bool_)
        shows_sign(self.memory, numbers, self._judging.pools.ranges, signed)
        signed |= self.conversations.is_mining(numbers)
        for part in _parts(numbers[signed]):
            self.rows += as_python(flow_columns(self.capture, self.memory, part, self.conversations))
        for part in _parts(numbers[is_long(flows, numbers)]):
            self._keep_quiet(part)

    def _keep_quiet(self, numbers: np.ndarray) -> None:
        from minewatch.runs.look_quiet import QuietFlows
        from minewatch.sources.captures.flow_arrow import flow_table

        if self.quiet is None:
            self.quiet = QuietFlows(self._judging.block_times, self._judging.zone)
        self.quiet.take(flow_table(flow_columns(self.capture, self.memory, numbers, self.conversations)))


@contextmanager
def opened_capture(path: Path) -> Iterator[Opened | None]:
    """Open ``path`` where it is a capture, else give None. Raises OSError."""
    with open_pipe(path) if is_pipe(path) else path.open("rb", buffering=0) as file:
        head = first_bytes(file, _HEAD_BYTES)
        yield Opened(file, head) if is_capture(head, path) else None


def look_at_capture(path: Path, opened: Opened, judging: Judging, watcher: Watcher) -> Sight:
    """Return what a capture shows. Raises UnreadableFile and OSError."""
    scan = SignedFlows(path.name, judging)
    reported = 0
    for done in scan.run(opened.file, path, opened.head):
        if done - reported >= _REPORT_BYTES:
            reported = done
            watcher.read(path, done)
    scan.finish()
    records = list(flow_records(str(path), weighed(scan.rows, judging.pools), judging.language))
    if scan.quiet is not None:
        records += scan.quiet.records(str(path), judging.language)
    return Sight(path, FLOWS, scan.looked_at, records, notes=scan.notes)


def _parts(numbers: np.ndarray) -> list[np.ndarray]:
    return [numbers[start : start + _ROWS_AT_ONCE] for start in range(0, len(numbers), _ROWS_AT_ONCE)]
