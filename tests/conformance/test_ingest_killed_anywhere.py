"""Any files in any order, killed at any step: against a slow model of what ingest means."""

import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from minewatch.lake import compaction, staging
from minewatch.lake.ingest import Foreign, ingest_file
from minewatch.lake.lake import Lake
from minewatch.lake.source import Reconciliation, SourceFile
from minewatch.schema.ids import bucket_of
from minewatch.schema.reasons import reason
from minewatch.schema.tables import TABLES
from minewatch.sources.batch import Batch, Reject, batch_schema

AT = datetime(2026, 5, 1, tzinfo=UTC)
BUCKETS = 3
READINGS, ARCHIVE = "interval_readings", "usage_points"
NAN = math.nan

curves = st.lists(st.sampled_from([1.0, 2.0, NAN]), min_size=2, max_size=2)
reading_rows = st.builds(
    lambda name, day, kw: {
        "usage_point_id": name,
        "day": day,
        "interval_minutes": 720,
        "kw": kw,
    },
    st.sampled_from("abc"),
    st.sampled_from([date(2026, 5, 1), date(2026, 5, 2)]),
    curves,
)
archive_rows = st.builds(
    lambda name, place: {"usage_point_id": name, "transformer_id": place},
    st.sampled_from("abc"),
    st.sampled_from(["t1", "t2", "t3", None]),
)
files = st.one_of(
    st.tuples(st.just(READINGS), st.lists(reading_rows, max_size=5), st.integers(0, 2)),
    st.tuples(st.just(ARCHIVE), st.lists(archive_rows, max_size=3), st.integers(0, 1)),
)
Content = tuple[str, list[dict[str, Any]], int]
Rows = dict[tuple[Any, ...], dict[str, Any]]
COLUMNS = {
    READINGS: ["usage_point_id", "day", "interval_minutes", "kw"],
    ARCHIVE: ["usage_point_id", "transformer_id"],
}


def foreign(folder: Path, number: int, content: Content) -> Foreign:
    table, rows, rejects = content
    path = folder / f"{number}.csv"
    path.write_text(repr(content))
    why = [
        Reject(line, reason("series_all_zero", days=1), row={"x": "y"}) for line in range(100, 100 + rejects)
    ]
    schema = batch_schema(TABLES[table].schema)
    lines = [{**row, "source_line": n + 2, "source_rows": 1} for n, row in enumerate(rows)]
    halves = [lines[: len(lines) // 2], lines[len(lines) // 2 :]]
    batches = [Batch(table, pa.Table.from_pylist(half, schema=schema)) for half in halves]
    return Foreign(SourceFile.of(path), "test", "1", [*batches, Batch(table, schema.empty_table(), why)])


@dataclass
class Model:
    """What the lake means, row by row in plain Python."""

    rows: dict[str, Rows] = field(default_factory=lambda: {READINGS: {}, ARCHIVE: {}})
    known: set[str] = field(default_factory=set)

    def take(self, content: Content) -> tuple[int, int, int, int, int] | None:
        if repr(content) in self.known:
            return None
        self.known.add(repr(content))
        table, rows, rejects = content
        first: Rows = {}
        accepted = corrected = duplicate = 0
        quarantined = rejects
        for row in rows:
            key = tuple(row[name] for name in TABLES[table].key)
            if key in first:
                same = repr(first[key]) == repr(row)
                duplicate, quarantined = duplicate + same, quarantined + (not same)
                continue
            first[key] = row
            old = self.rows[table].get(key)
            new = merged(row, old)
            if repr(new) == repr(old):
                duplicate += 1
                continue
            accepted, corrected = accepted + 1, corrected + (old is not None)
            self.rows[table][key] = new
        return len(rows) + rejects, accepted, corrected, duplicate, quarantined

    def state(self) -> dict[str, str]:
        return {table: repr([rows[key] for key in sorted(rows)]) for table, rows in self.rows.items()}


def merged(row: dict[str, Any], old: dict[str, Any] | None) -> dict[str, Any]:
    if old is None:
        return row
    if "kw" not in row:
        return {name: old[name] if value is None else value for name, value in row.items()}
    kw = [before if math.isnan(now) else now for now, before in zip(row["kw"], old["kw"], strict=True)]
    return {**row, "kw": kw}


def state_of(lake: Lake) -> dict[str, str]:
    shot = lake.snapshot()
    tables = {table: lake.read(shot, table, columns=columns) for table, columns in COLUMNS.items()}
    assert all(len(rows) == lake.rows(shot, table) for table, rows in tables.items())
    return {table: repr(rows.to_pylist()) for table, rows in tables.items()}


def counts(result: Reconciliation) -> tuple[int, int, int, int, int]:
    return result.rows_in, result.accepted, result.corrected, result.duplicate, result.quarantined


@contextmanager
def stepping(step: Callable[[], None]) -> Iterator[None]:
    """Call ``step`` before each change that the lake makes to the disk."""

    def before(function: Any) -> Any:
        def stepped(*args: Any, **kwargs: Any) -> Any:
            step()
            return function(*args, **kwargs)

        return stepped

    places = [(os, name) for name in ("replace", "link", "fsync", "mkdir", "unlink")]
    places += [(shutil, "rmtree"), (pq.ParquetWriter, "close")]
    places += [(DeltaTable, name) for name in ("create", "create_write_transaction", "restore")]
    patches = [mock.patch.object(owner, name, before(getattr(owner, name))) for owner, name in places]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def check_buckets(lake: Lake, model: Model) -> None:
    homes = {key[0]: row["transformer_id"] for key, row in model.rows[ARCHIVE].items()}
    for table in (READINGS, ARCHIVE):
        for file in lake.files(lake.snapshot(), table):
            for row in pq.read_table(file.path, columns=["usage_point_id", "bucket"]).to_pylist():
                name = row["usage_point_id"]
                assert row["bucket"] == bucket_of(homes.get(name) or name, BUCKETS)


def check_ledger(lake: Lake) -> None:
    """The sums of the ledger can be counted again from the stored rows."""
    shot = lake.snapshot()
    ledger = lake.read(shot, "files").to_pylist()
    stored = {
        table: pa.concat_tables([pq.read_table(file.path) for file in lake.files(shot, table)])
        for table in shot.versions
    }
    for entry in ledger:
        assert entry["rows_in"] == entry["accepted"] + entry["duplicate"] + entry["quarantined"]
        for names, column in (((READINGS, ARCHIVE), "accepted"), (("quarantine",), "quarantined")):
            rows = [row for name in names if name in stored for row in stored[name].to_pylist()]
            found = sum(row["source_rows"] for row in rows if row["source_id"] == entry["source_id"])
            assert found == entry[column]


def check_nothing_stray(lake: Lake) -> None:
    with lake.writing("check", AT):  # whoever writes next cleans up
        pass
    shot = lake.snapshot()
    assert not (lake.path / ".staging").exists()
    assert not list((lake.path / "commits").glob(".*"))
    for path in lake.path.glob("*/*.parquet"):
        assert int(path.name.split("-")[0]) <= shot.revision


def run(lake: Lake, contents: Sequence[Content], folder: Path) -> list[Reconciliation]:
    return [ingest_file(lake, foreign(folder, n, content), AT) for n, content in enumerate(contents)]


@settings(max_examples=10)
@given(
    st.lists(files, min_size=1, max_size=4),
    st.integers(0, 10_000),
    st.sampled_from([1, 3, 1000]),
    st.sampled_from([1, 1000]),
)
def test_any_files_killed_anywhere(contents: list[Content], kill: int, chunk_rows: int, small: int) -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        mock.patch.object(staging, "CHUNK_ROWS", chunk_rows),
        mock.patch.object(compaction, "MOST_SMALL", small),
    ):
        killed_anywhere(contents, kill, Path(name))


def killed_anywhere(contents: list[Content], kill: int, folder: Path) -> None:
    model, states, steps = Model(), [Model().state()], 0
    lake = Lake.create(folder / "lake", ZoneInfo("Asia/Shanghai"), BUCKETS)
    image = folder / "image"

    def count() -> None:
        nonlocal steps
        steps += 1

    with stepping(count):
        for n, content in enumerate(contents):
            expected = model.take(content)
            result = ingest_file(lake, foreign(folder, n, content), AT)
            assert result.is_known == (expected is None)
            if expected is not None:
                assert counts(result) == expected
                states.append(model.state())
            assert state_of(lake) == states[lake.snapshot().revision] == model.state()
    check_buckets(lake, model)
    check_ledger(lake)
    check_nothing_stray(lake)

    # The same again, with an image of the disk at one step: that is what a kill would leave behind.
    left = kill % steps

    def copy_at_step() -> None:
        nonlocal left
        left -= 1
        if left == -1:
            shutil.copytree(folder / "again", image)

    again = Lake.create(folder / "again", ZoneInfo("Asia/Shanghai"), BUCKETS)
    with stepping(copy_at_step):
        run(again, contents, folder)
    revived = Lake.open(image)
    assert state_of(revived) == states[revived.snapshot().revision]
    run(revived, contents, folder)
    assert state_of(revived) == states[-1]
    check_buckets(revived, model)
    check_ledger(revived)
    check_nothing_stray(revived)
