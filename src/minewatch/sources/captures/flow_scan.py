"""The scan of one capture or line: flows enter as packets come, and leave as they are over.

Memory is bounded: ``MOST_FLOWS`` flows of 128 bytes and their slots, 64 MB of messages of quiet connections,
42 MB of desks, 50 MB of names, and the text of the conversations in which words of mining were found. Only
what is used of it is touched. When the table is full, the flows that were silent longest are written out.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minewatch.kernels.traffic import flow_table as table
from minewatch.kernels.traffic import messages, name_store, records
from minewatch.kernels.traffic import scan as kernel
from minewatch.kernels.traffic.desks import LOST_DESKS, SEGMENTS, new_desks, new_spoken
from minewatch.kernels.traffic.mining_words import CARRIER_SIGNS, MINING_SIGNS
from minewatch.kernels.traffic.packets import FIELD_COLUMNS
from minewatch.kernels.traffic.word_search import wanted
from minewatch.schema.reasons import Reason
from minewatch.sources.captures.conversations import Conversations
from minewatch.sources.captures.packet_stream import ByteStream, PacketStream

MOST_FLOWS = 1_250_000
MOST_BLOCKS = 1 << 20
"""Blocks of eight messages."""

_FIRST_SWEEP = 1 << 17
_NEVER = np.iinfo(np.int64).max
_ANSWERS_KEPT_NS = 6 * 3600 * table.SECOND_NS


class Figures(NamedTuple):
    """What the scan holds (``flows``, ``first_ns``, ``last_ns``), what it took, and what it had to drop.

    ``packets_cut``: captured in part. ``flows_forced``: written out because the table was full.
    ``desks_lost``: undecided flows whose text was forgotten. ``messages_refused``, ``names_refused``: flows
    whose messages, and names that, found no room.
    """

    flows: int
    first_ns: int
    last_ns: int
    packets: int
    bytes: int
    packets_cut: int
    flows_forced: int
    desks_lost: int
    messages_refused: int
    names_refused: int


class FlowScan:
    """Takes one capture, or a line that never ends. What becomes of flows that are over: see ``write``.

    ``domains`` are those of known pools: names under them are marked.
    """

    def __init__(self, capture: str, domains: Iterable[str] = ()) -> None:
        self.capture = capture
        self.conversations = Conversations()
        self.notes: list[Reason] = []
        self.memory = _new_memory(domains)
        self._packets = self._forced = 0
        self._sweep_at = _FIRST_SWEEP

    def write(self, numbers: np.ndarray) -> None:
        """Get the rows of flows that are over, before they are given back; here they are dropped."""

    @property
    def flow_count(self) -> int:
        """Number of flows that are open."""
        counts = self.memory.table.counts
        return int(counts[table.ROWS] - counts[table.FREE_ROWS])

    @property
    def figures(self) -> Figures:
        """What is counted."""
        memory, cursor = self.memory, self.memory.cursor
        return Figures(
            self.flow_count,
            int(cursor[kernel.FIRST_NS]),
            int(cursor[kernel.LAST_NS]),
            self._packets,
            int(cursor[kernel.WIRE_BYTES]),
            int(cursor[kernel.CUT]),
            self._forced,
            int(memory.spoken.counts[LOST_DESKS]),
            int(memory.messages.counts[messages.REFUSED]),
            int(memory.names.counts[name_store.REFUSED]),
        )

    def run(self, file: ByteStream, path: Path, head: bytes = b"") -> Iterator[int]:
        """Read ``file`` to its end; yield after each window how many bytes are done.

        ``head`` are bytes that were read before. Raises UnreadableFile where not even the file's header is
        there.
        """
        stream = PacketStream(file, path, head)
        source = kernel.Source(stream.data, stream.span, stream.form, stream.joints)
        cursor = self.memory.cursor
        while True:
            self._take_window(source)
            found, status = int(cursor[kernel.FOUND]), int(cursor[kernel.STATUS])
            cursor[kernel.FOUND], cursor[kernel.STATUS] = 0, records.FULL
            self._packets += found
            goes_on = stream.went_to(int(cursor[kernel.POSITION]), status, found)
            yield stream.bytes_done
            if not goes_on:
                break
        self.notes += stream.notes

    def evict(self, now_ns: int) -> None:
        """Write out the flows that are over at ``now_ns``, and give back what they held."""
        numbers = np.empty(self.memory.table.counts[table.ROWS], np.int32)
        self._leave(numbers[: table.idle_rows(self.memory.table, now_ns, numbers)])
        self._collect_names()

    def cut(self, opened_before_ns: int) -> None:
        """Write out the flows open since before that time, and let each go on in a row of its own.

        What was said so far is still known; counts, messages and first payloads begin anew.
        """
        flows, numbers = self._open()
        numbers = numbers[flows["first_ns"][numbers] < opened_before_ns]
        self.write(numbers)
        self.conversations.begin_anew(numbers, int(self.memory.cursor[kernel.LAST_NS]) // 1000)
        kernel.begin_anew(self.memory, numbers)

    def finish(self) -> None:
        """Write out all flows that are left."""
        self._leave(self._open()[1])

    def _open(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the table's rows and the numbers of those in use."""
        flows = self.memory.table.flows[: self.memory.table.counts[table.ROWS]]
        return flows, np.flatnonzero((flows["seen"] & table.FREE) == 0).astype(np.int32)

    def _take_window(self, source: kernel.Source) -> None:
        due = kernel.FULL
        while due != kernel.DONE:
            due = kernel.scan_window(source, self.memory)
            if self.memory.spoken.counts[SEGMENTS]:
                self.conversations.take(self.memory.spoken, self.memory.table.flows)
            if due == kernel.FULL:
                self._make_room()
            elif due == kernel.CROWDED:
                self.memory = self.memory._replace(table=table.grown(self.memory.table))
        if self.flow_count >= self._sweep_at:
            self.evict(int(self.memory.cursor[kernel.LAST_NS]))
            self._sweep_at = max(_FIRST_SWEEP, 2 * self.flow_count)

    def _make_room(self) -> None:
        """Write out the eighth of the flows that has been silent longest."""
        flows, numbers = self._open()
        last_ns = flows["last_ns"][numbers]
        numbers = numbers[last_ns <= np.partition(last_ns, len(last_ns) // 8)[len(last_ns) // 8]]
        self._forced += len(numbers)
        self._leave(numbers)

    def _leave(self, numbers: np.ndarray) -> None:
        if not len(numbers):
            return
        flows = self.memory.table.flows
        self.conversations.finish(numbers, flows)
        self.write(numbers[(flows["src_packets"][numbers] > 0) | (flows["dst_packets"][numbers] > 0)])
        self.conversations.forget(numbers)
        kernel.let_go(self.memory, numbers)

    def _collect_names(self) -> None:
        names = self.memory.names
        if name_store.is_filling(names):
            flows, numbers = self._open()
            heads = flows["names"][numbers]
            told_ns = int(names.answers[:, name_store.TOLD_NS].max())
            name_store.collect(names, heads, told_ns - _ANSWERS_KEPT_NS)
            if name_store.is_filling(names):
                name_store.collect(names, heads, _NEVER)


def _new_memory(domains: Iterable[str]) -> kernel.Scan:
    names = [domain.encode() for domain in domains]
    text, ends = b"".join(names), np.cumsum([len(name) for name in names], dtype=np.int64)
    return kernel.Scan(
        table.new_table(MOST_FLOWS),
        name_store.new_name_store(name_store.domain_table(np.frombuffer(text, np.uint8), ends)),
        messages.new_messages(MOST_BLOCKS),
        new_desks(),
        new_spoken(2 * kernel.BATCH),
        wanted((*MINING_SIGNS, *CARRIER_SIGNS)),
        np.empty((kernel.WALKED, records.RECORD_COLUMNS), np.int64),
        np.empty((kernel.BATCH, FIELD_COLUMNS), np.int64),
        np.empty(kernel.BATCH, np.uint64),
        np.array([0, 0, 0, records.FULL, 0, 0, 0, 0, 0]),
        np.empty(1 << 14, np.uint8),
        np.zeros((16, 2), np.int64),
    )
