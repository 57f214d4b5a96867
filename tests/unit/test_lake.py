from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minewatch.lake import compaction
from minewatch.lake.commits import CommitLog
from minewatch.lake.failures import (
    DiskFullError,
    LakeBusyError,
    LakeExistsError,
    NoLakeError,
    NoRevisionError,
)
from minewatch.lake.lake import Lake
from minewatch.schema.ids import bucket_of
from minewatch.schema.steps import PartResult
from minewatch.schema.tables import TABLES

AT = datetime(2026, 5, 1, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", SHANGHAI, buckets=4)


def features(ids: Sequence[str], value: float = 1.0) -> pa.Table:
    rows = [
        {"usage_point_id": name, "period_start_at": AT, "period_end_at": AT, "features": [value]}
        for name in ids
    ]
    return pa.Table.from_pylist(rows, schema=TABLES["load_features"].schema)


def archive(transformers: dict[str, str | None]) -> pa.Table:
    rows = [{"usage_point_id": name, "transformer_id": place} for name, place in transformers.items()]
    return pa.Table.from_pylist(rows, schema=TABLES["usage_points"].schema)


def test_a_new_lake_is_empty_and_opens_as_it_was_made(lake: Lake) -> None:
    again = Lake.open(lake.path)
    assert (again.zone, again.buckets) == (SHANGHAI, 4)
    assert again.snapshot().revision == 0
    assert again.read(again.snapshot(), "flows").num_rows == 0
    assert again.rows(again.snapshot(), "flows") == 0


def test_no_lake_is_made_over_other_files(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(LakeExistsError):
        Lake.create(tmp_path, SHANGHAI)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_folder_that_is_no_lake_is_named(tmp_path: Path, language: str) -> None:
    with pytest.raises(NoLakeError) as caught:
        Lake.open(tmp_path)
    assert str(tmp_path) in caught.value.text(language)


def test_older_snapshots_stay_readable(lake: Lake) -> None:
    lake.append({"load_features": features(["a", "b"])}, "scan", AT)
    lake.append({"load_features": features(["b", "c"], value=2.0)}, "scan", AT)
    first, second = lake.snapshot(1), lake.snapshot()
    assert lake.read(first, "load_features").column("features").to_pylist() == [[1.0], [1.0]]
    assert lake.read(second, "load_features").column("features").to_pylist() == [[1.0], [2.0], [2.0]]
    assert [lake.rows(shot, "load_features") for shot in (lake.snapshot(0), first, second)] == [0, 2, 3]
    with pytest.raises(NoRevisionError):
        lake.snapshot(3)


def test_one_commit_covers_several_tables(lake: Lake) -> None:
    shot = lake.append({"load_features": features(["a"]), "usage_points": archive({"a": "t"})}, "scan", AT)
    assert shot.revision == 1
    assert shot.versions.keys() == {"load_features", "usage_points"}
    assert (shot.verb, shot.at) == ("scan", AT)


def test_parts_of_an_engine_are_taken_in(lake: Lake, tmp_path: Path) -> None:
    pq.write_table(features(["a", "b"]), tmp_path / "part.parquet")
    part = PartResult("bucket-0", str(tmp_path / "part.parquet"), 2, 1)
    shot = lake.append({"load_features": [part], "evidence": []}, "scan", AT)
    assert lake.rows(shot, "load_features") == 2
    assert "evidence" not in shot.versions


def test_row_groups_hold_one_bucket_each(lake: Lake) -> None:
    lake.append({"usage_points": archive({f"u{n}": f"t{n % 9}" for n in range(100)})}, "ingest", AT)
    lake.append({"load_features": features([f"u{n}" for n in range(100)])}, "scan", AT)
    for table in ("usage_points", "load_features"):
        (file,) = lake.files(lake.snapshot(), table)
        metadata = pq.read_metadata(file.path)
        place = metadata.schema.names.index("bucket")
        bounds = [metadata.row_group(n).column(place).statistics for n in range(metadata.num_row_groups)]
        assert [found.min for found in bounds] == sorted({bucket_of(f"t{n}", 4) for n in range(9)})
        assert all(found.min == found.max for found in bounds)


def test_a_bucket_holds_the_transformer_with_its_customers(lake: Lake) -> None:
    homes = {"a": "t1", "b": "t2", "c": None}
    shot = lake.append({"usage_points": archive(homes)}, "ingest", AT)
    shot = lake.append({"load_features": features(["a", "b", "c", "stranger"])}, "scan", AT)
    for customer, place in [("a", "t1"), ("b", "t2"), ("c", "c"), ("stranger", "stranger")]:
        table_slice = lake.slice(shot, "load_features", bucket=bucket_of(place, 4))
        rows = pq.read_table(list(table_slice.files), filters=[("bucket", "=", table_slice.bucket)])
        assert customer in rows.column("usage_point_id").to_pylist()


def test_a_slice_leaves_out_files_that_cannot_hold_its_days(lake: Lake) -> None:
    for day in (1, 2, 3):
        rows = {"usage_point_id": ["a"], "day": [date(2026, 5, day)], "energy_kwh": [1.0]}
        table = pa.Table.from_pylist(
            [dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True)],
            schema=TABLES["daily_readings"].schema,
        )
        lake.append({"daily_readings": table}, "ingest", AT)
    where = {"day": ("2026-05-02", "2026-05-03")}
    shot = lake.snapshot()
    assert len(lake.slice(shot, "daily_readings", where).files) == 1
    assert lake.read(shot, "daily_readings", where).column("day").to_pylist() == [date(2026, 5, 2)]


def test_a_second_writer_is_told_who_writes(lake: Lake) -> None:
    with (
        lake.writing("ingest", AT),
        pytest.raises(LakeBusyError, match="ingest"),
        lake.writing("scan", AT, wait_s=0),
    ):
        pass


def test_what_is_staged_and_not_committed_is_never_seen(lake: Lake) -> None:
    lake.append({"load_features": features(["a"])}, "scan", AT)
    before = sorted(path for path in lake.path.rglob("*") if path.suffix == ".parquet")
    with lake.writing("scan", AT) as staged:
        staged.new_file().write_bytes(b"half")
    assert lake.snapshot().revision == 1
    assert sorted(path for path in lake.path.rglob("*") if path.suffix == ".parquet") == before


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        RuntimeError("Generic LocalFileSystem: File too large (os error 27)"),
    ],
)
def test_a_full_disk_is_told_whichever_library_met_it(lake: Lake, error: Exception) -> None:
    with pytest.raises(DiskFullError, match="as it was before"), lake.writing("scan", AT):
        raise error
    assert lake.snapshot().revision == 0


def test_a_commit_number_is_taken_once(lake: Lake) -> None:
    log = CommitLog(lake.path / "commits")
    shot = lake.append({"load_features": features(["a"])}, "scan", AT)
    with pytest.raises(FileExistsError):
        log.write(shot)


def test_small_files_are_merged_without_touching_rows(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "MOST_SMALL", 3)
    for number in range(9):
        lake.append({"load_features": features([f"u{number % 4}"], value=float(number))}, "scan", AT)
        assert len(lake.files(lake.snapshot(), "load_features")) <= 5
    values = [lake.read(lake.snapshot(n), "load_features").column("features") for n in (2, 9)]
    assert values[0].to_pylist() == [[0.0], [1.0]]
    assert values[1].to_pylist() == [[8.0], [5.0], [6.0], [7.0]]
    assert sum(file.rows for file in lake.files(lake.snapshot(), "load_features")) == 9
