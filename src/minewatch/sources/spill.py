"""Readings of a long file on their way to day curves: written to disk, sorted, given back series by series.

A file is in no order that could be relied on, and may be larger than memory: so its readings are written to a
temporary Parquet file first and sorted by DuckDB, which spills to disk. A file that turns out to be in order
already is not sorted again.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

MEMORY = "750MB"
BLOCK_ROWS = 500_000

_ORDER = ("id", "minute", "fold", "line")


def readings_schema(extras: Sequence[str]) -> pa.Schema:
    """Return the columns of spilled readings.

    ``minute``: wall-clock minutes since 1970 as the file has them; ``fold``: 1 in the second of a repeated
    hour; ``value``: kW, or kWh for energy and registers, NaN where empty or put aside; ``line`` in the file;
    ``weight``: rows of the file it accounts for (0 where put aside); ``interval``: minutes, 0 unknown;
    ``quality``: of a reading with a value.
    """
    kinds = {
        "id": pa.string(),
        "minute": pa.int64(),
        "fold": pa.int8(),
        "value": pa.float64(),
        "line": pa.int64(),
        "weight": pa.int8(),
        "interval": pa.int16(),
        "quality": pa.uint8(),
        **dict.fromkeys(extras, pa.float32()),
    }
    return pa.schema(list(kinds.items()))


class Spill:
    """Temporary readings. Use as a context manager; the files are gone at its end."""

    def __init__(self, extras: Sequence[str]) -> None:
        self._schema = readings_schema(extras)
        self._in_order = True
        self._last: tuple[str, int] | None = None

    def __enter__(self) -> "Spill":
        self._folder = tempfile.TemporaryDirectory(prefix="minewatch-")
        self._path = Path(self._folder.name) / "readings.parquet"
        self._writer = pq.ParquetWriter(self._path, self._schema, compression="lz4")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        self._folder.cleanup()

    def add(self, readings: pa.Table) -> None:
        """Write readings in the order of the file."""
        if readings.num_rows:
            self._in_order = self._in_order and self._follows(readings)
            self._writer.write_table(readings)

    def series(self) -> Iterator[pa.Table]:
        """Yield readings by id and time, about ``BLOCK_ROWS`` at once; a series (one id) is never cut."""
        self._writer.close()
        waiting: list[pa.Table] = []
        for block in self._sorted():
            waiting.append(block)
            if sum(map(len, waiting)) < BLOCK_ROWS:
                continue
            together = pa.concat_tables(waiting)
            last = together["id"][-1]
            cut = len(together) - pc.sum(pc.equal(together["id"], last)).as_py()
            if cut:
                yield together.slice(0, cut)
            waiting = [together.slice(cut)]
        if waiting:
            yield pa.concat_tables(waiting)

    def _sorted(self) -> Iterator[pa.Table]:
        if self._in_order:
            with pq.ParquetFile(self._path) as file:
                for batch in file.iter_batches(BLOCK_ROWS, use_threads=False):
                    yield pa.Table.from_batches([batch])
            return
        settings: dict[str, str | bool | int | float | list[str]] = {}
        settings |= {"memory_limit": MEMORY, "threads": 2, "temp_directory": self._folder.name}
        try:
            with duckdb.connect(config=settings) as sql:
                ordered = sql.read_parquet(str(self._path)).order(", ".join(_ORDER))
                for batch in ordered.to_arrow_reader(BLOCK_ROWS):
                    yield pa.Table.from_batches([batch]).cast(self._schema)
        except duckdb.Error as error:  # no room left in the temporary folder, as a rule
            raise OSError(str(error)) from error

    def _follows(self, readings: pa.Table) -> bool:
        ids, minutes = readings["id"].combine_chunks(), readings["minute"].combine_chunks()
        last, self._last = self._last, (ids[-1].as_py(), minutes[-1].as_py())
        if last is not None and (ids[0].as_py(), minutes[0].as_py()) < last:
            return False
        same = pc.equal(ids[1:], ids[:-1])
        forward = pc.greater(minutes[1:], minutes[:-1])
        return pc.all(pc.or_(pc.and_(same, forward), pc.greater(ids[1:], ids[:-1]))).as_py() is not False
