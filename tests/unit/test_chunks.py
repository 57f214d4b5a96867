"""Partitions in chunks: groups whole and in order, nothing twice, nothing lost; files whole or not at all."""

import time
from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minewatch.engines.chunks import chunks_of
from minewatch.engines.local import LocalEngine
from minewatch.engines.parts import PartTask, write_whole
from minewatch.schema.slices import slice_bytes
from minewatch.schema.steps import Partition, Step, TableSlice
from minewatch.schema.tables import LINEAGE, TABLES

CUSTOMERS = [f"客户{at:03d}" for at in range(30)]
DAYS = 10


def write(path: Path, table: str, rows: list[dict[str, Any]], group: int) -> TableSlice:
    lineage = dict.fromkeys(LINEAGE.names, 0) | {"source_id": "made"}
    schema = TABLES[table].lake_schema
    pq.write_table(
        pa.Table.from_pylist([row | lineage for row in rows], schema=schema), path, row_group_size=group
    )
    return TableSlice(table, 1, (str(path),))


@pytest.fixture
def partition(tmp_path: Path) -> Partition:
    days = [date(2026, 5, 1) + timedelta(days=at) for at in range(DAYS)]
    readings = [
        {"usage_point_id": name, "day": day, "interval_minutes": 60, "kw": [float(at)] * 24}
        for at, name in enumerate(CUSTOMERS)
        for day in days
    ]
    # More customers in the archive than with readings, at both ends of the order.
    archive = [{"usage_point_id": name} for name in ["", *CUSTOMERS, "龘"]]
    slices = [
        write(tmp_path / "readings.parquet", "interval_readings", readings, group=37),
        write(tmp_path / "archive.parquet", "usage_points", archive, group=8),
        TableSlice("weather", 1, ()),
    ]
    return Partition("0/1", {found.table: found for found in slices})


def sums(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return one row for each customer of the archive with the number and sum of its readings."""
    found = {name: [0.0, 0.0] for name in tables["usage_points"].column(0).to_pylist()}
    rows = tables["interval_readings"].select(["usage_point_id", "kw"]).to_pylist()
    for row in rows:
        found[row["usage_point_id"]][0] += 1
        found[row["usage_point_id"]][1] += sum(row["kw"])
    at = parameters["at"]
    columns = {
        "usage_point_id": [*found],
        "period_start_at": [at] * len(found),
        "features": [*found.values()],
    }
    return pa.table({**columns, "period_end_at": [at] * len(found)})


STEP = Step(
    "sums", "1", ("interval_readings", "usage_points"), "usage_point_id", "load_features", sums, ("weather",)
)
PARAMETERS = {"at": 0}


@pytest.mark.parametrize("chunk_bytes", [1, 3_000, 10_000, 1_000_000])
def test_chunks_hold_whole_groups_and_all_rows_once(partition: Partition, chunk_bytes: int) -> None:
    chunks = list(chunks_of(STEP, partition, chunk_bytes))
    assert (len(chunks) == 1) == (chunk_bytes == 1_000_000)
    per_chunk = [chunk["interval_readings"].column(0).to_pylist() for chunk in chunks]
    assert [name for names in per_chunk for name in names] == [
        name for name in CUSTOMERS for _ in range(DAYS)
    ]
    assert sum(len(set(names)) for names in per_chunk) == len(CUSTOMERS)
    archive = [name for chunk in chunks for name in chunk["usage_points"].column(0).to_pylist()]
    assert archive == ["", *CUSTOMERS, "龘"]
    assert all(set(chunk) == {"interval_readings", "usage_points", "weather"} for chunk in chunks)


def test_the_size_of_a_slice_is_near_what_it_takes(partition: Partition) -> None:
    found = slice_bytes(partition.slices["interval_readings"], ["kw"])
    assert found == len(CUSTOMERS) * DAYS * 24 * 4


def test_a_step_by_something_that_no_input_names_gets_its_partition_whole(partition: Partition) -> None:
    step = Step("by_transformer", "1", ("interval_readings",), "transformer_id", "load_features", sums)
    (chunk,) = chunks_of(step, partition, 1)
    assert len(chunk["interval_readings"]) == len(CUSTOMERS) * DAYS


def transformer_of(at: int) -> str | None:
    """Return the transformer of a customer: those of one are scattered over the order; one has none."""
    return f"T{at % 7}" if at else None


@pytest.mark.parametrize("chunk_bytes", [1, 3_000, 1_000_000])
def test_rows_follow_the_group_that_another_table_names(
    partition: Partition, tmp_path: Path, chunk_bytes: int
) -> None:
    archive = [
        {"usage_point_id": name, "transformer_id": transformer_of(at)} for at, name in enumerate(CUSTOMERS)
    ]
    slices = {
        **partition.slices,
        "usage_points": write(tmp_path / "linked.parquet", "usage_points", archive, 8),
    }
    step = Step("by_transformer", "1", STEP.inputs, "transformer_id", "load_features", sums)
    chunks = list(chunks_of(step, Partition("0", slices), chunk_bytes))
    assert (len(chunks) == 1) == (chunk_bytes == 1_000_000)
    read = []
    for chunk in chunks:
        members = chunk["usage_points"]["usage_point_id"].to_pylist()
        names = chunk["interval_readings"]["usage_point_id"].to_pylist()
        assert set(names) == set(members)
        groups = chunk["usage_points"]["transformer_id"].to_pylist()
        assert groups == sorted(groups)
        read += names
    assert sorted(read) == [name for name in CUSTOMERS[1:] for _ in range(DAYS)]


@pytest.mark.parametrize("chunk_bytes", [1, 3_000, 1_000_000])
def test_strays_come_too_where_a_step_wants_them(
    partition: Partition, tmp_path: Path, chunk_bytes: int
) -> None:
    """Customers without a transformer, or whom the archive does not know, are in some chunk, once."""
    archive = [
        {"usage_point_id": name, "transformer_id": transformer_of(at % 3)}
        for at, name in enumerate(CUSTOMERS[:20])
    ]
    slices = {
        **partition.slices,
        "usage_points": write(tmp_path / "linked.parquet", "usage_points", archive, 8),
    }
    step = Step("by_transformer", "1", STEP.inputs, "transformer_id", "load_features", sums, strays=True)
    chunks = list(chunks_of(step, Partition("0", slices), chunk_bytes))
    assert (len(chunks) == 1) == (chunk_bytes == 1_000_000)
    names = [set(chunk["interval_readings"]["usage_point_id"].to_pylist()) for chunk in chunks]
    assert sorted(name for each in names for name in each) == CUSTOMERS
    assert sum(len(chunk["interval_readings"]) for chunk in chunks) == len(CUSTOMERS) * DAYS
    assert sum(len(chunk["usage_points"]) for chunk in chunks) == 20
    of_one = {name for at, name in enumerate(CUSTOMERS[:20]) if at % 3 == 1}
    assert any(of_one <= each for each in names)


def test_only_the_named_columns_are_read(partition: Partition) -> None:
    step = Step(*vars(STEP).values())
    narrow = Step(**vars(step) | {"columns": {"interval_readings": ("kw",)}})
    (chunk,) = chunks_of(narrow, partition)
    assert chunk["interval_readings"].column_names == ["kw"]
    assert chunk["usage_points"].schema.equals(TABLES["usage_points"].schema)


def test_rows_are_together_by_a_group_that_does_not_lead_the_key(tmp_path: Path) -> None:
    at = {
        "protocol": 6,
        "first_at": 0,
        "last_at": 1,
        "src_ip": "",
        "dst_ip": "",
        "src_port": 1,
        "dst_port": 2,
    }
    flows = [{"flow_id": f"{at_:02d}", "capture": "ba"[at_ % 2], **at} for at_ in range(6)]
    partition = Partition("0", {"flows": write(tmp_path / "flows.parquet", "flows", flows, group=2)})
    step = Step("flows", "1", ("flows",), "capture", "evidence", sums, columns={"flows": ("flow_id",)})
    (whole,) = chunks_of(step, partition)
    assert whole["flows"].column("flow_id").to_pylist() == ["01", "03", "05", "00", "02", "04"]
    chunks = [chunk["flows"].column("flow_id").to_pylist() for chunk in chunks_of(step, partition, 1)]
    assert chunks == [["01", "03", "05"], ["00", "02", "04"]]


def test_a_partition_becomes_one_file_with_the_same_bytes_each_time(
    partition: Partition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = PartTask(STEP, PARAMETERS, str(tmp_path))(partition)
    first = Path(part.path).read_bytes()
    assert Path(part.path) == tmp_path / "0%2F1.parquet"
    assert (part.partition_id, part.rows, part.bytes) == ("0/1", len(CUSTOMERS) + 2, len(first))
    table = pq.ParquetFile(part.path).read()
    assert table.schema.equals(TABLES["load_features"].schema)
    assert table.column(0).to_pylist() == ["", *CUSTOMERS, "龘"]
    monkeypatch.setattr("minewatch.engines.parts.chunks_of", partial(chunks_of, chunk_bytes=1))
    assert Path(PartTask(STEP, PARAMETERS, str(tmp_path))(partition).path).read_bytes() == first


def test_a_step_whose_rows_break_the_schema_writes_nothing(partition: Partition, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(ValueError, match="period_start_at") as failure:
        PartTask(STEP, {"at": None}, str(folder))(partition)
    assert "in step sums on partition 0/1" in failure.value.__notes__
    assert list(folder.iterdir()) == []


def test_a_failed_write_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    rows = pa.table({"a": [1]})
    write_whole(rows, path)
    whole = path.read_bytes()
    unwritable = pa.table({"a": pa.array([pa.MonthDayNano([1, 2, 3])])})
    with pytest.raises(pa.ArrowNotImplementedError):
        write_whole(unwritable, path)
    assert path.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_in_a_thread_stops_the_hand_out_of_work() -> None:
    begun: list[int] = []

    def task(item: int) -> int:
        begun.append(item)
        time.sleep(0.002 * (item > 1))
        return 1 // item

    with pytest.raises(ZeroDivisionError):
        list(LocalEngine(1).map(task, [1, 0, *range(1, 500)]))
    assert len(begun) < 100
