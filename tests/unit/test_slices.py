"""Reading slices: pruning, bounds, revisions, nulls of keys, and the shape that kernels rely on."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minewatch.schema.slices import read_slice
from minewatch.schema.steps import TableSlice
from minewatch.schema.tables import LINEAGE, TABLES

DAY = date(2026, 5, 1)


def lineage(bucket: int = 0, revision: int = 1, line: int = 1) -> dict[str, Any]:
    stored = dict.fromkeys(LINEAGE.names, 1)
    return stored | {"source_id": "file", "source_line": line, "revision": revision, "bucket": bucket}


def reading(customer: str, day: int, kw: Sequence[float], **at: int) -> dict[str, Any]:
    day_of = DAY + timedelta(days=day)
    return {
        "usage_point_id": customer,
        "day": day_of,
        "interval_minutes": 15,
        "kw": list(kw),
        **lineage(**at),
    }


def write(path: Path, table: str, groups: Sequence[Sequence[dict[str, Any]]]) -> str:
    """Write one row group for each of ``groups``."""
    schema = TABLES[table].lake_schema
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in groups:
            writer.write_table(pa.Table.from_pylist(list(rows), schema=schema))
    return str(path)


def readings(tmp_path: Path, *files: Sequence[Sequence[dict[str, Any]]], **of: Any) -> pa.Table:
    columns = of.pop("columns", None)
    paths = [write(tmp_path / f"{at}.parquet", "interval_readings", file) for at, file in enumerate(files)]
    return read_slice(TableSlice("interval_readings", 1, tuple(paths), **of), columns)


def seen(table: pa.Table) -> list[tuple[str, int, list[float]]]:
    return [(row["usage_point_id"], (row["day"] - DAY).days, row["kw"]) for row in table.to_pylist()]


def test_no_files_give_an_empty_table_of_the_schema() -> None:
    table = read_slice(TableSlice("interval_readings", 1, ()))
    assert table.num_rows == 0
    assert table.schema.equals(TABLES["interval_readings"].schema, check_metadata=True)
    assert read_slice(TableSlice("flows", 1, (), bucket=3), ["capture"]).column_names == ["capture"]


def test_a_bucket_is_its_row_groups_and_no_other_rows(tmp_path: Path) -> None:
    mixed = [reading("A", 0, [1.0], bucket=0), reading("B", 0, [2.0], bucket=1)]
    file = [mixed, [reading("C", 0, [3.0], bucket=2)]]
    assert seen(readings(tmp_path, file, bucket=1)) == [("B", 0, [2.0])]
    assert seen(readings(tmp_path, file, bucket=2)) == [("C", 0, [3.0])]
    assert seen(readings(tmp_path, file, bucket=9)) == []
    assert len(seen(readings(tmp_path, file))) == 3


def test_row_groups_outside_the_slice_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[list[int]] = []
    original = pq.ParquetFile.iter_batches

    def watched(self: pq.ParquetFile, rows: int, groups: list[int], *args: Any, **named: Any) -> Any:
        read.append(list(groups))
        assert named["use_threads"] is False
        return original(self, rows, groups, *args, **named)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", watched)
    file = [[reading(f"C{at}", at, [1.0], bucket=at)] for at in range(5)]
    readings(tmp_path, file, bucket=3)
    readings(tmp_path, file, where={"day": ("2026-05-02", "2026-05-04")})
    assert {tuple(groups) for groups in read} == {(3,), (1, 2)}


def test_bounds_are_half_open_for_days_instants_and_text(tmp_path: Path) -> None:
    file = [[reading("A", at, [1.0]) for at in range(4)]]
    table = readings(tmp_path, file, where={"day": ("2026-05-02", "2026-05-04")})
    assert [day for _, day, _ in seen(table)] == [1, 2]
    hours = [
        {"region_code": "5133", "hour": datetime(2026, 5, 1, at, tzinfo=UTC), **lineage()} for at in range(4)
    ]
    weather = write(tmp_path / "weather.parquet", "weather", [hours])
    # Bounds in local time: 09:00 in Beijing is 01:00 UTC.
    where = {"hour": ("2026-05-01T09:00:00+08:00", "2026-05-01T11:00:00+08:00"), "region_code": ("51", "52")}
    assert read_slice(TableSlice("weather", 1, (weather,), where)).num_rows == 2
    where["region_code"] = ("52", "53")
    assert read_slice(TableSlice("weather", 1, (weather,), where)).num_rows == 0


def test_bounds_that_cannot_be_compared_are_refused(tmp_path: Path) -> None:
    file = [[reading("A", 0, [1.0])]]
    with pytest.raises(ValueError, match="interval_minutes"):
        readings(tmp_path, file, where={"interval_minutes": ("1", "2")})
    with pytest.raises(ValueError, match="time zone"):
        read_slice(TableSlice("weather", 1, (), {"hour": ("2026-05-01T00:00:00", "2026-05-02T00:00:00")}))
    with pytest.raises(KeyError):
        readings(tmp_path, file, columns=["volts"])


def test_the_highest_revision_of_a_key_is_valid_and_then_the_later_line(tmp_path: Path) -> None:
    first = [[reading("A", 0, [1.0]), reading("A", 1, [2.0]), reading("B", 0, [3.0])]]
    later = [[reading("A", 1, [9.0], revision=3)]]
    between = [[reading("A", 1, [5.0], revision=2, line=9), reading("B", 0, [7.0], revision=1, line=4)]]
    expected = [("A", 0, [1.0]), ("A", 1, [9.0]), ("B", 0, [7.0])]
    for files in ([first, later, between], [between, later, first]):
        assert seen(readings(tmp_path, *files)) == expected


def test_a_bound_outside_the_key_never_brings_a_corrected_row_back(tmp_path: Path) -> None:
    rows = [
        [{"usage_point_id": "A", "region_code": "5133", **lineage()}],
        [{"usage_point_id": "A", "region_code": "6540", **lineage(revision=2)}],
    ]
    path = write(tmp_path / "archive.parquet", "usage_points", rows)
    where = {"region_code": ("5133", "5134")}
    assert read_slice(TableSlice("usage_points", 1, (path,), where)).num_rows == 0


def test_files_that_follow_each_other_in_time_are_merged_in_key_order(tmp_path: Path) -> None:
    weeks = [[[reading(customer, day, [float(day)]) for customer in "AB"]] for day in (2, 0, 1)]
    days = [(customer, day, [float(day)]) for customer in "AB" for day in (0, 1, 2)]
    assert seen(readings(tmp_path, *weeks)) == days


def test_nulls_of_a_key_are_equal_and_come_last(tmp_path: Path) -> None:
    def lease(next_prefix: str | None, kind: str, revision: int) -> dict[str, Any]:
        start = datetime(2026, 5, 1, tzinfo=UTC)
        row = {"prefix": "203.0.113.7", "port_low": 0, "port_high": 65535, "valid_from": start}
        return row | {"next_prefix": next_prefix, "kind": kind} | lineage(revision=revision)

    rows = [[lease(None, "static", 1), lease("10.0.0.1", "nat", 1)], [lease(None, "dhcp", 2)]]
    path = write(tmp_path / "leases.parquet", "ip_leases", rows)
    table = read_slice(TableSlice("ip_leases", 1, (path,)), ["kind"])
    assert table.column("kind").to_pylist() == ["nat", "dhcp"]


def test_columns_choose_and_order(tmp_path: Path) -> None:
    table = readings(tmp_path, [[reading("A", 0, [1.5])]], columns=["kw", "day"])
    assert table.column_names == ["kw", "day"]
    assert table.to_pylist() == [{"kw": [1.5], "day": DAY}]


@pytest.mark.parametrize("lengths", [(4, 4, 4), (4, 0, 2)])
def test_lists_keep_their_values_in_one_buffer(tmp_path: Path, lengths: tuple[int, ...]) -> None:
    curves = [[float(10 * day + at) for at in range(length)] for day, length in enumerate(lengths)]
    in_order = [[reading("A", day, curve)] for day, curve in enumerate(curves)]
    for files in ([in_order], [[group] for group in reversed(in_order)]):
        kw = readings(tmp_path, *files).column("kw")
        assert kw.num_chunks == 1
        assert kw.type == pa.list_(pa.float32())
        assert kw.chunk(0).flatten().to_pylist() == [value for curve in curves for value in curve]
        assert kw.to_pylist() == curves


def test_columns_that_a_file_lacks_are_null_and_stored_types_are_brought_back(tmp_path: Path) -> None:
    stored = pa.table(
        {
            "usage_point_id": pa.array(["A"], pa.large_string()),
            "day": pa.array([DAY]),
            "interval_minutes": pa.array([15], pa.int32()),
            "kw": pa.array([[1.0]], pa.list_(pa.field("element", pa.float32()))),
            "quality": pa.array([[3]], pa.list_(pa.int16())),
        }
    )
    pq.write_table(stored, tmp_path / "plain.parquet")
    table = read_slice(TableSlice("interval_readings", 1, (str(tmp_path / "plain.parquet"),)))
    assert table.schema.equals(TABLES["interval_readings"].schema, check_metadata=True)
    assert table.column("kvar").null_count == 1
    assert table.column("quality").to_pylist() == [[3]]
    only_lacking = read_slice(
        TableSlice("interval_readings", 1, (str(tmp_path / "plain.parquet"),)), ["kvar"]
    )
    assert only_lacking.to_pylist() == [{"kvar": None}]
