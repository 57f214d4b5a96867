import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from minewatch.lake.ingest import Foreign, ingest_file
from minewatch.lake.lake import Lake
from minewatch.lake.resubmission import as_resubmission, export_rows, open_entries
from minewatch.lake.source import SourceFile
from minewatch.schema.reasons import reason
from minewatch.schema.tables import TABLES
from minewatch.sources.batch import Batch, Reject, batch_schema

AT = datetime(2026, 5, 1, tzinfo=UTC)
SCHEMA = batch_schema(TABLES["daily_readings"].schema)
WHY = reason("series_all_zero", days=1)
TRICKS = ["=1+1", "+1", "-5", "@x", "'=x", "'", "''-", "\t=", "plain", "", 'a,"b"', "两\n行"]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", ZoneInfo("Asia/Shanghai"), buckets=2)


def put_aside(lake: Lake, folder: Path, *rejects: Reject) -> None:
    path = folder / f"raw{len(list(folder.glob('raw*')))}.csv"
    path.write_text(repr(rejects))
    batch = Batch("daily_readings", SCHEMA.empty_table(), rejects)
    ingest_file(lake, Foreign(SourceFile.of(path), "test", "1", [batch]), AT)


def entries(lake: Lake) -> pa.Table:
    return open_entries(lake.read(lake.snapshot(), "quarantine"))


def lines_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


def test_a_spreadsheet_cannot_run_what_is_exported_and_it_comes_back_unharmed(
    lake: Lake, tmp_path: Path
) -> None:
    rows = [{"户号": trick, "=列": "x"} for trick in TRICKS]
    put_aside(lake, tmp_path, *(Reject(n + 2, WHY, row=row) for n, row in enumerate(rows)))
    target = tmp_path / "out.csv"
    assert export_rows(entries(lake), target, "zh").rows == len(TRICKS)
    for line in lines_of(target):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in line)
    (tmp_path / "plain").mkdir()
    back = as_resubmission(target, tmp_path / "plain")
    assert back is not None
    header, *cells = lines_of(back.path)
    assert header == ["户号", "=列"]
    assert cells == [[trick, "x"] for trick in TRICKS]
    assert len(back.ids) == len(TRICKS)


def test_rows_of_other_columns_go_to_files_of_their_own(lake: Lake, tmp_path: Path) -> None:
    put_aside(lake, tmp_path, Reject(2, WHY, row={"a": "1"}), Reject(3, WHY, row={"b": "2"}), Reject(4, WHY))
    exported = export_rows(entries(lake), tmp_path / "out.csv", "en")
    assert [path.name for path in exported.files] == ["out.csv", "out-2.csv"]
    assert (exported.rows, exported.without_row) == (2, 1)


def test_a_row_with_two_bad_cells_is_exported_once(lake: Lake, tmp_path: Path) -> None:
    row = {"a": "x", "b": "y"}
    bad = [Reject(2, WHY, column, row[column], row, cell_only=True, source_rows=0) for column in row]
    put_aside(lake, tmp_path, *bad)
    export_rows(entries(lake), tmp_path / "out.csv", "en")
    header, line = lines_of(tmp_path / "out.csv")
    assert header == ["quarantine_id", "quarantine_reason", "quarantine_column", "a", "b"]
    assert len(line[0].split()) == 2
    assert line[1:] == ["no consumption in 1 days", "a; b", "x", "y"]


@pytest.mark.parametrize(("encoding", "delimiter"), [("utf-8", ","), ("utf-8-sig", ";"), ("gbk", "\t")])
def test_what_a_spreadsheet_saves_is_recognised(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = "\n".join(delimiter.join(line) for line in (["quarantine_id", "户号"], ["Q-1 Q-2", "'-7"], []))
    path = tmp_path / "saved.csv"
    path.write_bytes(text.encode(encoding))
    (tmp_path / "plain").mkdir()
    back = as_resubmission(path, tmp_path / "plain")
    assert back is not None
    assert back.ids == {"Q-1", "Q-2"}
    assert back.path.read_text(encoding="utf-8") == "户号\n-7\n"


@pytest.mark.parametrize(
    "content", [b"", b"usage_point_id,day\n1,2\n", b"\x00\x01quarantine_id,", b"quarantine_id"]
)
def test_other_files_are_no_resubmission(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    assert as_resubmission(path, tmp_path) is None


def corrected(customer: str) -> pa.Table:
    row: dict[str, Any] = {"usage_point_id": customer, "day": date(2026, 5, 1), "energy_kwh": 1.0}
    return pa.Table.from_pylist([{**row, "source_line": 2, "source_rows": 1}], schema=SCHEMA)


def test_a_corrected_row_resolves_its_entry(lake: Lake, tmp_path: Path) -> None:
    put_aside(lake, tmp_path, Reject(2, WHY, row={"a": "1"}), Reject(3, WHY, row={"a": "2"}))
    first, second = entries(lake).column("quarantine_id").to_pylist()
    fixed = tmp_path / "fixed.csv"
    fixed.write_text("fixed")
    source = SourceFile.of(fixed)
    batches = [Batch("daily_readings", corrected("u"))]
    ingest_file(lake, Foreign(source, "test", "1", batches, frozenset({first})), AT)
    assert entries(lake).column("quarantine_id").to_pylist() == [second]
    everything = lake.read(lake.snapshot(), "quarantine").to_pylist()
    assert {row["quarantine_id"]: row["resolved_by"] for row in everything} == {
        first: source.source_id,
        second: None,
    }
    assert [json.loads(row["row"]) for row in everything if row["quarantine_id"] == first] == [{"a": "1"}]
    assert lake.rows(lake.snapshot(), "quarantine") == 2
