import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minewatch.lake import staging
from minewatch.lake.failures import FileChangedError
from minewatch.lake.ingest import Foreign, ingest_file
from minewatch.lake.lake import Lake
from minewatch.lake.source import Reconciliation, SourceFile
from minewatch.schema.ids import bucket_of
from minewatch.schema.quality import Quality
from minewatch.schema.reasons import reason
from minewatch.schema.tables import TABLES
from minewatch.sources.batch import Batch, Reject, batch_schema

AT = datetime(2026, 5, 1, tzinfo=UTC)
DAY = date(2026, 5, 1)
NAN = math.nan
WHY = reason("series_all_zero", days=3)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", ZoneInfo("Asia/Shanghai"), buckets=4)


class Folder:
    """Makes files whose bytes are the rows that their reader gives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, *batches: Batch) -> Foreign:
        path = self.folder / name
        path.write_text(repr([(batch.table, batch.rows.to_pylist(), batch.rejected) for batch in batches]))
        return Foreign(SourceFile.of(path), "test", "1", batches)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def batch(table: str, rows: Sequence[Mapping[str, Any]], rejected: Sequence[Reject] = ()) -> Batch:
    lines = [{"source_line": n + 2, "source_rows": 1, **row} for n, row in enumerate(rows)]
    return Batch(table, pa.Table.from_pylist(lines, schema=batch_schema(TABLES[table].schema)), rejected)


def energy(customer: str, energy_kwh: float, **others: Any) -> dict[str, Any]:
    return {"usage_point_id": customer, "day": DAY, "energy_kwh": energy_kwh, **others}


def curve(customer: str, kw: Sequence[float], **others: Any) -> dict[str, Any]:
    day = {"day": DAY, "interval_minutes": 1440 // len(kw)}
    return {"usage_point_id": customer, "kw": list(kw), **day, **others}


def counts(result: Reconciliation) -> tuple[int, int, int, int, int]:
    return result.rows_in, result.accepted, result.corrected, result.duplicate, result.quarantined


def valid(lake: Lake, table: str) -> list[dict[str, Any]]:
    rows = lake.read(lake.snapshot(), table).to_pylist()
    assert lake.rows(lake.snapshot(), table) == len(rows)
    return rows


def test_the_same_bytes_bring_nothing_new(lake: Lake, folder: Folder) -> None:
    foreign = folder.file("a.csv", batch("daily_readings", [energy("a", 1.0), energy("b", 2.0)]))
    first = ingest_file(lake, foreign, AT)
    again = ingest_file(lake, foreign, AT)
    assert counts(first) == counts(again) == (2, 2, 0, 0, 0)
    assert (first.is_known, again.is_known) == (False, True)
    assert lake.snapshot().revision == 1


def test_another_word_on_the_same_bytes_has_them_read_again(lake: Lake, folder: Folder) -> None:
    wrong = folder.file(
        "a.csv", batch("daily_readings", [energy("a", 1.0)], [Reject(9, WHY, row={"a": "1"})])
    )
    ingest_file(lake, wrong, AT)
    right = batch("daily_readings", [energy("a", 4.0), energy("b", 2.0)])
    mapped = replace(wrong, batches=[right], told='{"unit": "kWh"}')
    assert counts(ingest_file(lake, mapped, AT)) == (2, 2, 1, 0, 0)
    assert [row["energy_kwh"] for row in valid(lake, "daily_readings")] == [4.0, 2.0]
    assert [row["resolved_by"] for row in valid(lake, "quarantine")] == [wrong.source.source_id]
    assert [row["told"] for row in valid(lake, "files")] == [mapped.told]
    for again in (mapped, wrong):
        assert ingest_file(lake, again, AT).is_known


def test_later_values_win_and_earlier_ones_stay(lake: Lake, folder: Folder) -> None:
    ingest_file(lake, folder.file("a", batch("daily_readings", [energy("a", 1.0), energy("b", NAN)])), AT)
    rows = [energy("a", 1.5), energy("b", NAN), energy("c", 3.0)]
    result = ingest_file(lake, folder.file("b", batch("daily_readings", rows)), AT)
    assert counts(result) == (3, 2, 1, 1, 0)
    assert [row["energy_kwh"] for row in valid(lake, "daily_readings")][::2] == [1.5, 3.0]
    before = lake.read(lake.snapshot(1), "daily_readings").column("energy_kwh").to_pylist()
    assert before[0] == 1.0
    back = ingest_file(lake, folder.file("c", batch("daily_readings", [energy("a", 1.0)])), AT)
    assert counts(back) == (1, 1, 1, 0, 0)


def test_the_first_of_contradicting_lines_is_taken(lake: Lake, folder: Folder) -> None:
    rows = [energy("a", 1.0), energy("a", 1.0), energy("a", 9.0)]
    result = ingest_file(lake, folder.file("a.csv", batch("daily_readings", rows)), AT)
    assert counts(result) == (3, 1, 0, 1, 1)
    (entry,) = valid(lake, "quarantine")
    assert (entry["file_name"], entry["line"]) == ("a.csv", 4)
    assert entry["reason"]["text_en"] == (
        "line 4 has the same key (a, 2026-05-01) as line 2 but other values; the first was taken"
    )
    assert json.loads(entry["row"])["energy_kwh"] == "9.0"


def test_repeats_are_found_over_chunks(lake: Lake, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "CHUNK_ROWS", 2)
    rows = [energy(name, 1.0) for name in "cabcab"]
    result = ingest_file(lake, folder.file("a", *(batch("daily_readings", [row]) for row in rows)), AT)
    assert counts(result) == (6, 3, 0, 3, 0)
    assert [row["usage_point_id"] for row in valid(lake, "daily_readings")] == ["a", "b", "c"]


def test_null_in_a_key_is_a_value(lake: Lake, folder: Folder) -> None:
    lease = {"prefix": "1.2.3.4", "port_low": 0, "port_high": 65535, "valid_from": AT}
    first = ingest_file(lake, folder.file("a", batch("ip_leases", [lease, lease])), AT)
    again = ingest_file(lake, folder.file("b", batch("ip_leases", [{**lease, "carrier": "x"}])), AT)
    assert (counts(first), counts(again)) == ((2, 1, 0, 1, 0), (1, 1, 1, 0, 0))
    assert [row["carrier"] for row in valid(lake, "ip_leases")] == ["x"]


def test_rejects_keep_file_line_column_value_and_reason(lake: Lake, folder: Folder) -> None:
    rejects = [
        Reject(7, WHY, "电量", "=1+1", {"户号": "a", "电量": "=1+1"}),
        Reject(8, WHY, "kw", "x", {"户号": "b"}, cell_only=True, source_rows=0),
    ]
    result = ingest_file(
        lake, folder.file("坏.csv", batch("daily_readings", [energy("b", 1.0)], rejects)), AT
    )
    assert (*counts(result), result.cells_put_aside) == (2, 1, 0, 0, 1, 1)
    entries = sorted(valid(lake, "quarantine"), key=lambda entry: entry["line"])
    assert [(e["file_name"], e["line"], e["column"], e["value"]) for e in entries] == [
        ("坏.csv", 7, "电量", "=1+1"),
        ("坏.csv", 8, "kw", "x"),
    ]
    assert json.loads(entries[0]["row"]) == {"户号": "a", "电量": "=1+1"}


def test_the_second_half_of_a_day_does_not_wipe_out_the_first(lake: Lake, folder: Folder) -> None:
    missing, measured = Quality.MISSING, Quality.MEASURED
    morning = curve("a", [1.0, 2.0, NAN, NAN], quality=[measured, measured, missing, missing])
    evening = curve("a", [NAN, NAN, 3.0, 4.0], quality=[missing, missing, measured, measured])
    ingest_file(lake, folder.file("a", batch("interval_readings", [morning])), AT)
    result = ingest_file(lake, folder.file("b", batch("interval_readings", [evening])), AT)
    assert counts(result) == (1, 1, 1, 0, 0)
    (row,) = valid(lake, "interval_readings")
    assert row["kw"] == [1.0, 2.0, 3.0, 4.0]
    assert row["quality"] == [0, 0, 0, 0]
    again = ingest_file(lake, folder.file("c", batch("interval_readings", [morning, curve("b", [1.0])])), AT)
    assert counts(again) == (2, 1, 0, 1, 0)


def test_a_correction_of_one_reading_keeps_the_others_and_their_phases(lake: Lake, folder: Folder) -> None:
    phases = [[1.0, NAN], [3.0, 4.0]]
    ingest_file(
        lake, folder.file("a", batch("interval_readings", [curve("a", [1.0, 2.0], current_a=phases)])), AT
    )
    later = curve("a", [NAN, 5.0], current_a=[[NAN, 2.0], [NAN, NAN]])
    ingest_file(lake, folder.file("b", batch("interval_readings", [later])), AT)
    (row,) = valid(lake, "interval_readings")
    assert (row["kw"], row["current_a"]) == ([1.0, 5.0], [[1.0, 2.0], [3.0, 4.0]])


def test_a_day_cut_otherwise_replaces_the_whole_day(lake: Lake, folder: Folder) -> None:
    ingest_file(lake, folder.file("a", batch("interval_readings", [curve("a", [1.0, 2.0])])), AT)
    ingest_file(lake, folder.file("b", batch("interval_readings", [curve("a", [NAN, 1.0, 1.0, 1.0])])), AT)
    (row,) = valid(lake, "interval_readings")
    assert row["interval_minutes"] == 360
    assert math.isnan(row["kw"][0])


def test_an_archive_without_a_column_does_not_empty_it(lake: Lake, folder: Folder) -> None:
    full = {"usage_point_id": "a", "customer_name": "张三", "transformer_id": "t1", "opened_on": DAY}
    ingest_file(lake, folder.file("a", batch("usage_points", [full])), AT)
    moved = {"usage_point_id": "a", "transformer_id": "t2"}
    assert counts(ingest_file(lake, folder.file("b", batch("usage_points", [moved])), AT))[2] == 1
    (row,) = valid(lake, "usage_points")
    assert (row["customer_name"], row["transformer_id"], row["opened_on"]) == ("张三", "t2", DAY)
    assert customers_by_bucket(lake, "usage_points") == {bucket_of("t2", 4): {"a"}}


def test_a_flow_seen_in_full_later_keeps_all_its_types(lake: Lake, folder: Folder) -> None:
    flow = {"flow_id": "F", "capture": "c", "src_ip": "1.1.1.1", "src_port": 1, "dst_ip": "2.2.2.2"}
    flow |= {"dst_port": 2, "protocol": 6, "first_at": AT, "last_at": AT, "job_times": [AT]}
    flow |= {"names": [{"kind": "sni", "name": "pool"}], "difficulty": [{"at": AT, "difficulty": 2.0}]}
    ingest_file(lake, folder.file("a", batch("flows", [flow])), AT)
    ingest_file(lake, folder.file("b", batch("flows", [{**flow, "names": None, "src_bytes": 7}])), AT)
    (row,) = valid(lake, "flows")
    assert {name: row[name] for name in flow} == flow
    assert row["src_bytes"] == 7
    buckets = [pq.read_table(file.path).column("bucket") for file in lake.files(lake.snapshot(), "flows")]
    assert {bucket for column in buckets for bucket in column.to_pylist()} == {bucket_of("c", 4)}


def customers_by_bucket(lake: Lake, table: str) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for file in lake.files(lake.snapshot(), table):
        for row in pq.read_table(file.path).to_pylist():
            found.setdefault(row["bucket"], set()).add(row["usage_point_id"])
    return found


def test_readings_follow_their_customer_when_the_archive_comes_or_changes(lake: Lake, folder: Folder) -> None:
    names = [f"u{n}" for n in range(20)]
    ingest_file(lake, folder.file("r", batch("daily_readings", [energy(name, 1.0) for name in names])), AT)
    for transformer in ("t1", "t2"):
        archive = [{"usage_point_id": name, "transformer_id": transformer} for name in names]
        ingest_file(lake, folder.file(transformer, batch("usage_points", archive)), AT)
        home = bucket_of(transformer, 4)
        assert customers_by_bucket(lake, "daily_readings") == {home: set(names)}
        assert customers_by_bucket(lake, "usage_points") == {home: set(names)}
    assert len(valid(lake, "usage_points")) == len(valid(lake, "daily_readings")) == 20
    ingest_file(lake, folder.file("r2", batch("daily_readings", [energy("u1", 2.0)])), AT)
    assert customers_by_bucket(lake, "daily_readings") == {home: set(names)}


def test_archive_and_readings_of_one_file_meet_in_one_bucket(lake: Lake, folder: Folder) -> None:
    archive = batch("usage_points", [{"usage_point_id": "a", "transformer_id": "t3"}])
    ingest_file(lake, folder.file("x", batch("daily_readings", [energy("a", 1.0)]), archive), AT)
    assert list(customers_by_bucket(lake, "daily_readings")) == [bucket_of("t3", 4)]


def test_rows_that_cannot_meet_are_not_compared(lake: Lake, folder: Folder) -> None:
    ingest_file(lake, folder.file("a", batch("daily_readings", [energy("a", 1.0)])), AT)
    for file in lake.files(lake.snapshot(), "daily_readings"):
        file.path.write_bytes(b"whoever opens this fails")
    other_day = [{**energy("a", 1.0), "day": date(2026, 5, 2)}]
    assert counts(ingest_file(lake, folder.file("b", batch("daily_readings", other_day)), AT))[1] == 1


def test_a_file_that_is_still_being_written_is_refused(lake: Lake, folder: Folder) -> None:
    foreign = folder.file("a", batch("daily_readings", [energy("a", 1.0)]))
    with foreign.source.path.open("a") as stream:
        stream.write("more")
    with pytest.raises(FileChangedError):
        ingest_file(lake, foreign, AT)
    assert lake.snapshot().revision == 0
    assert not list(lake.path.rglob("*.parquet"))


def test_rows_that_do_not_add_up_are_never_committed(folder: Folder) -> None:
    source = SourceFile.of(folder.file("a").source.path)
    with pytest.raises(ValueError, match="3 rows in, but 1 accepted"):
        Reconciliation(source, "csv", ["flows"], 3, 1, 0, 1, 0, 0)


@pytest.mark.parametrize("name", ["..\\evil", "a\nb.csv", "a\u202eb.csv", "..."])
def test_a_file_name_is_stored_without_tricks(lake: Lake, folder: Folder, name: str) -> None:
    ingest_file(lake, folder.file(name, batch("daily_readings", [energy("a", 1.0)])), AT)
    (entry,) = valid(lake, "files")
    assert entry["file_name"].isprintable()
    assert "/" not in entry["file_name"]
