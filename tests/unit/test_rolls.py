"""Rolls of a sensor: written, read again, cut at every byte."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from minewatch.schema.network_tables import FLOWS
from minewatch.schema.sensor_tables import SENSOR_INTERVALS
from minewatch.sources.batch import Batch
from minewatch.sources.captures.rolls import RollWriter, read_roll
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise
from minewatch.sources.unreadable import UnreadableFile

START = datetime(2026, 5, 1, tzinfo=UTC)
OPTIONS = ReadOptions(ZoneInfo("Asia/Shanghai"))


def flows(first: int, count: int) -> pa.Table:
    rows = [
        {
            "flow_id": f"f{n}",
            "capture": "tap",
            "src_ip": "10.0.0.1",
            "src_port": n,
            "dst_ip": "203.0.113.1",
            "dst_port": 3333,
            "protocol": 6,
            "first_at": START,
            "last_at": START + timedelta(seconds=n),
            "workers": [{"worker": "w", "submitted": n}],
        }
        for n in range(first, first + count)
    ]
    return pa.Table.from_pylist(rows, FLOWS)


def interval(minutes: int, rows: int, ended_by: str = "broken_off") -> dict[str, object]:
    numbers = {field.name: 0 for field in SENSOR_INTERVALS if pa.types.is_integer(field.type)}
    times = {"started_at": START, "ended_at": START + timedelta(minutes=minutes)}
    return {"sensor": "tap", "ended_by": ended_by, **numbers, **times, "rows_written": rows}


def write_roll(path: Path) -> None:
    with path.open("wb") as file:
        writer = RollWriter(file)
        writer.write(flows(0, 3), interval(1, 3))
        writer.write(flows(3, 2), interval(2, 5))
        writer.write(flows(5, 0), interval(5, 5, "roll"))
        writer.close()


def taken(batches: list[Batch]) -> tuple[list[str], list[dict[str, object]]]:
    ids, intervals = [], []
    for batch in batches:
        if batch.table == "flows":
            ids += batch.rows["flow_id"].to_pylist()
        else:
            intervals += batch.rows.to_pylist()
    return ids, intervals


def test_a_roll_is_recognised_and_gives_its_flows_and_its_interval(tmp_path: Path) -> None:
    path = tmp_path / "any-name"
    write_roll(path)
    found = recognise(path, OPTIONS)
    batches = list(found.reader(path, OPTIONS))
    ids, intervals = taken(batches)
    assert found.format == "roll"
    assert ids == [f"f{n}" for n in range(5)]
    assert [each["ended_by"] for each in intervals] == ["roll"]
    assert intervals[0]["rows_written"] == 5
    assert (
        pa.concat_tables(b.rows for b in batches if b.table == "flows")
        .drop(["source_line", "source_rows"])
        .equals(flows(0, 5))
    )
    assert not any(batch.notes for batch in batches)


def test_a_roll_cut_anywhere_gives_its_whole_batches(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    write_roll(whole)
    data, seen = whole.read_bytes(), set()
    for size in range(1, len(data), 61):  # a prime: no alignment is missed
        cut.write_bytes(data[:size])
        try:
            ids, intervals = taken(list(read_roll(cut, OPTIONS)))
        except UnreadableFile:
            ids, intervals = [], []
        assert len(ids) == sum(int(str(each["rows_written"])) for each in intervals)
        seen.add((len(ids), *(each["ended_by"] for each in intervals)))
    assert seen == {(0,), (3, "broken_off"), (5, "broken_off"), (5, "roll")}


def test_what_was_broken_off_says_so(tmp_path: Path) -> None:
    path = tmp_path / "roll"
    with path.open("wb") as file:
        RollWriter(file).write(flows(0, 3), interval(1, 3))
    notes = [note for batch in read_roll(path, OPTIONS) for note in batch.notes]
    assert [note.code for note in notes] == ["roll_broken_off"]
    assert "2026-05-01 00:01:00 UTC" in notes[0].text("en")


def test_a_roll_of_another_version_is_read_with_the_columns_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "roll"
    write_roll(path)
    with path.open("rb") as file:
        reader = pa.ipc.open_stream(file)
        first, metadata = reader.read_next_batch_with_custom_metadata()
    older = first.drop_columns(["machines", "messages"]).append_column("gone_since", pa.array([1, 2, 3]))
    with path.open("wb") as file, pa.ipc.new_stream(file, older.schema) as stream:
        stream.write_batch(older, custom_metadata=metadata)
    flows_read = next(read_roll(path, OPTIONS)).rows
    assert flows_read["machines"].null_count == 3
    assert flows_read["workers"].null_count == 0


def test_an_empty_roll_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "roll"
    with path.open("wb") as file:
        RollWriter(file).close()
    with pytest.raises(UnreadableFile, match="nothing that can be read"):
        list(read_roll(path, OPTIONS))
