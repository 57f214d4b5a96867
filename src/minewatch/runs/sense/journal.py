"""The sensor's book: rows on their way into rolls, and the interval that each roll speaks of."""

import pyarrow as pa

from minewatch.runs.sense.spool import Draft, Spool
from minewatch.runs.sense.tally import SensorName, Tally, instant, interval_row
from minewatch.schema.network_tables import FLOWS
from minewatch.sources.captures.rolls import BROKEN_OFF

MOST_ROWS_HELD = 20_000
FLUSH_US = 10_000_000
"""Rows wait at most so long, or until there are so many, before they are written."""


class Journal:
    """Writes rows of ``flows`` into rolls of ``spool``; an interval begins at ``start_us``.

    ``rows_written`` and ``rows_lost`` (the disk or the spool had no room) only grow. Times are microseconds
    since 1970.
    """

    def __init__(self, spool: Spool, name: SensorName, start_us: int) -> None:
        self._spool, self._name = spool, name
        self._draft: Draft | None = None
        self._held: list[pa.Table] = []
        self._held_rows = 0
        self._flushed_us = start_us
        self._written = (start_us, Tally())  # up to here the rolls tell
        self._begun = self._written  # where the interval began, and the counts by then
        self.rows_written = self.rows_lost = 0

    def add(self, rows: pa.Table) -> None:
        """Take rows of ``flows``."""
        self._held.append(rows)
        self._held_rows += len(rows)

    def flush_if_due(self, now_us: int, seen: Tally) -> None:
        """Write the rows that wait, if they are many or wait long; ``seen``: the counts up to ``now_us``."""
        if self._held_rows >= MOST_ROWS_HELD or now_us - self._flushed_us >= FLUSH_US:
            self._flush(now_us, seen, BROKEN_OFF)

    def roll(self, now_us: int, seen: Tally, ended_by: str) -> Tally:
        """End the interval and its roll at ``now_us``; return what the interval counted."""
        begun = self._begun[1]
        self._flush(now_us, seen, ended_by)
        self._end_roll()
        return self._written[1].since(begun)

    def _flush(self, now_us: int, seen: Tally, ended_by: str) -> None:
        rows = pa.concat_tables([FLOWS.empty_table(), *self._held])
        self._held, self._held_rows, self._flushed_us = [], 0, now_us
        kept = rows if self._spool.has_room() else rows.slice(0, 0)
        tally = seen._replace(
            rows_written=self.rows_written + len(kept), rows_lost=self.rows_lost + len(rows) - len(kept)
        )
        try:
            self._write(kept, (now_us, tally), ended_by)
        except OSError:
            self.rows_lost += len(rows)
            self._end_roll()
        else:
            self.rows_written, self.rows_lost = tally.rows_written, tally.rows_lost

    def _write(self, rows: pa.Table, told: tuple[int, Tally], ended_by: str) -> None:
        (start_us, before), (now_us, tally) = self._begun, told
        if self._draft is None:
            self._draft = self._spool.begin(instant(start_us))
        self._draft.write(rows, interval_row(self._name, (start_us, now_us), tally.since(before), ended_by))
        self._written = told

    def _end_roll(self) -> None:
        """Let the roll go to the lake; the next interval begins where this one was last told."""
        if self._draft is not None:
            self._draft.end()
            self._draft = None
        self._begun = self._written
