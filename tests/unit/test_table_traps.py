"""What goes wrong in real exports: encodings, quotes, formulas, spreadsheets, archives."""

import gzip
import io
import random
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pyarrow as pa
import pytest

from minewatch.sources import csv_records, zipped
from minewatch.sources.batch import Reject
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise
from minewatch.sources.unreadable import UnreadableFile

OPTIONS = ReadOptions(ZoneInfo("Asia/Shanghai"))
HEADER = "户号,户名,用电地址\n"


def read(path: Path) -> tuple[pa.Table, list[Reject], list[str]]:
    batches = list(recognise(path, OPTIONS).reader(path, OPTIONS))
    rejected = [reject for batch in batches for reject in batch.rejected]
    notes = [note.code for batch in batches for note in batch.notes]
    return pa.concat_tables([batch.rows for batch in batches]), rejected, notes


def codes(rejected: list[Reject]) -> dict[int, str]:
    for reject in rejected:
        assert reject.reason.text("en") != reject.reason.text("zh")
    return {reject.line: reject.reason.code for reject in rejected}


def test_line_of_another_encoding_in_a_utf8_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    good = "0000000001,张三,北京路\n".encode()
    path.write_bytes(
        HEADER.encode() + good + "0000000002,李四,上海路\n".encode("gbk") + good.replace(b"1", b"3")
    )
    rows, rejected, _ = read(path)
    assert rows["usage_point_id"].to_pylist() == ["0000000001", "0000000003"]
    assert codes(rejected) == {3: "wrong_encoding"}
    assert rejected[0].row == {"户号": "0000000002", "户名": "李四", "用电地址": "上海路"}


def test_line_of_another_encoding_in_a_gbk_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = ["0000000001,联通,北京路\n", "0000000003,王五,广州路\n", "0000000004,\x80,x\n"]
    path.write_bytes(
        HEADER.encode("gbk")
        + lines[0].encode("gbk")
        + "0000000002,李四,上海路\n".encode()
        + lines[1].encode("gbk")
        + b"0000000004,\xff\xff,x\n"
    )
    rows, rejected, _ = read(path)
    assert rows["customer_name"].to_pylist() == ["联通", "王五"]
    assert codes(rejected) == {3: "wrong_encoding", 5: "wrong_encoding"}
    assert rejected[0].row is not None
    assert rejected[0].row["户名"] == "李四"


def test_encoding_is_decided_where_the_first_text_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_records, "BLOCK_BYTES", 64)
    path = tmp_path / "a.csv"
    lines = [f"{n:010d},a,b\n" for n in range(50)] + ["0000000099,张三丰,武当山路\n"]
    path.write_bytes(("usage_point_id,customer_name,address\n" + "".join(lines)).encode("gbk"))
    rows, rejected, _ = read(path)
    assert rows["customer_name"][-1].as_py() == "张三丰"
    assert rejected == []


def test_line_numbers_with_line_ends_in_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_records, "BLOCK_BYTES", 16)
    path = tmp_path / "a.csv"
    text = (
        '0000000001,"a\nb","he said ""no"", \n twice"\r\n'
        "\n"
        "0000000002,c\n"
        '0000000003,5" pipe,"x"\n'
        '0000000004,"never closed,x\n'
        "0000000005,d,e\n"
    )
    path.write_text(HEADER + text, encoding="utf-8", newline="")
    rows, rejected, _ = read(path)
    assert rows["usage_point_id"].to_pylist() == ["0000000001", "0000000003", "0000000005"]
    assert rows["source_line"].to_pylist() == [2, 7, 9]
    assert rows["address"][0].as_py() == 'he said "no", \n twice'
    assert rows["customer_name"][1].as_py() == '5" pipe'
    assert codes(rejected) == {6: "wrong_number_of_cells", 8: "quote_not_closed"}


def test_a_quote_in_the_wrong_place_does_not_swallow_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = '0000000001,x"y,"z\n' + "".join(f"{n:010d},a,b\n" for n in range(2, 300))
    path.write_text(HEADER + text, encoding="utf-8")
    rows, rejected, _ = read(path)
    assert rows.num_rows + len(rejected) == 299
    assert rows.num_rows >= 298
    assert rows["source_line"][-1].as_py() == 300


def test_a_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_records, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(csv_records, "MOST_BYTES", 10_000)
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "x" * 50_000, encoding="utf-8")
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert caught.value.reason.code == "line_too_long"


def workbook(path: Path, rows: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_workbook_of_readings(tmp_path: Path) -> None:
    clock = [time(m // 60, m % 60) for m in range(15, 1440, 15)] + [datetime(1900, 1, 1)]  # noqa: DTZ001
    row = ["0012345678", date(2026, 5, 1), *[n / 8 for n in range(96)]]
    path = workbook(
        tmp_path / "a.xlsx",
        [["负荷数据"], ["户号", "日期", *clock], row, ["0012345679", date(2026, 5, 2), *range(96)]],
    )
    found = recognise(path, OPTIONS)
    assert (found.format, found.table) == ("readings_wide", "interval_readings")
    rows, rejected, notes = read(path)
    assert rejected == []
    assert rows["kw"].to_pylist() == [[n / 8 for n in range(96)], list(range(96))]
    assert rows["source_line"].to_pylist() == [3, 4]
    assert notes == ["lines_before_header", "unit_taken_as_kw"]


def test_numbers_eaten_by_a_spreadsheet(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx",
        [
            ["户号", "户名", "用电地址"],
            [12345678, "a", "b"],
            [1234567890123456789, "a", "b"],
            ["0012345678", "=1+1", "b"],
        ],
    )
    rows, rejected, notes = read(path)
    assert rows["usage_point_id"].to_pylist() == ["12345678", "0012345678"]
    assert codes(rejected) == {3: "id_lost_digits", 4: "formula_cell"}
    assert notes == ["id_was_number"]


def deflated(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_zip_of_tables(tmp_path: Path) -> None:
    inner = deflated(tmp_path / "inner.zip", {"x.csv": b"a"}).read_bytes()
    archive = (HEADER + "0000000001,a,b\n,c,d\n").encode()
    files = {
        "x/档案.csv": archive,
        "b.csv": "户号,日期,电量\n1,2026-05-01,5\n".encode(),
        "readme.txt": b"hi",
        "inner.zip": inner,
    }
    path = deflated(tmp_path / "a.zip", {**files, "__MACOSX/._b.csv": b"junk"})
    found = recognise(path, OPTIONS)
    assert (found.format, found.table) == ("archive", None)
    batches = list(found.reader(path, OPTIONS))
    assert {batch.table for batch in batches} == {"usage_points", "daily_readings"}
    rejected = [reject for batch in batches for reject in batch.rejected]
    assert [(reject.member, reject.line) for reject in rejected] == [("x/档案.csv", 3)]
    assert [note.values["member"] for batch in batches for note in batch.notes] == ["readme.txt", "inner.zip"]
    assert batches[-1].bytes_done <= path.stat().st_size


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress((HEADER + "0000000001,a,b\n").encode()))
    assert read(path)[0].num_rows == 1


@pytest.mark.parametrize("kind", ["zip", "gzip", "xlsx"])
def test_bombs_are_not_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(zipped, "ARCHIVE", zipped.ARCHIVE._replace(free_bytes=1 << 20))
    monkeypatch.setattr("minewatch.sources.xlsx_sheet.WORKBOOK", zipped.WORKBOOK._replace(free_bytes=1 << 20))
    path, zeros = tmp_path / f"bomb.{kind}", bytes(8 << 20)
    if kind == "gzip":
        path.write_bytes(gzip.compress(zeros))
    elif kind == "zip":
        deflated(path, {"a.csv": zeros})
    else:
        workbook(path, [["户号", "户名", "用电地址"]])
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/media/a.bin", zeros)
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert caught.value.reason.code == "archive_bomb"
    assert "bomb" in caught.value.text("en")
    assert "压缩炸弹" in caught.value.text("zh")


def test_too_large_too_many_protected_and_damaged_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = random.Random(1).randbytes(100_000)
    path = deflated(tmp_path / "a.zip", {"a.csv": noise, "b.csv": noise})

    def code() -> str:
        with pytest.raises(UnreadableFile) as caught:
            read(path)
        return caught.value.reason.code

    monkeypatch.setattr(zipped, "ARCHIVE", zipped.Limits(150_000))
    assert code() == "archive_too_large"
    monkeypatch.setattr(zipped, "ARCHIVE", zipped.Limits(1 << 30, members=1))
    assert code() == "archive_members"
    monkeypatch.setattr(zipped, "ARCHIVE", zipped.Limits(1 << 30))
    content = bytearray(path.read_bytes())
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + at] |= 1
    path.write_bytes(content)
    assert code() == "archive_protected"
    path.write_bytes(content[:1000])
    assert code() == "archive_damaged"


def test_size_is_checked_while_inflating(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive may lie about the size of what it holds."""
    monkeypatch.setattr(zipped, "ARCHIVE", zipped.Limits(1 << 20))
    path = deflated(tmp_path / "a.zip", {"a.csv": bytes(8 << 20)})
    content = path.read_bytes().replace((8 << 20).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        read(path)
    assert caught.value.reason.code in ("archive_damaged", "archive_too_large")


def test_entity_tricks_in_a_workbook(tmp_path: Path) -> None:
    source = workbook(tmp_path / "a.xlsx", [["户号", "户名", "用电地址"], ["0012345678", "a", "b"]])
    tricks = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    out = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            new.writestr(
                member, tricks + content.partition(b"?>")[2] if "sheet1" in member.filename else content
            )
    source.write_bytes(out.getvalue())
    with pytest.raises(UnreadableFile) as caught:
        read(source)
    assert caught.value.reason.code == "workbook_damaged"
