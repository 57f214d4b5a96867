"""Wide files: one row per customer and day."""

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from minewatch.schema.quality import Quality
from minewatch.sources.batch import Batch, Reject
from minewatch.sources.mapping import ColumnMapping
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
ENDS = [f"{m // 60:02d}:{m % 60:02d}" for m in range(15, 1441, 15)]
STARTS = [f"{m // 60:02d}:{m % 60:02d}" for m in range(0, 1440, 15)]


def read(path: Path, options: ReadOptions) -> tuple[pa.Table, list[Reject], list[str]]:
    batches: list[Batch] = list(recognise(path, options).reader(path, options))
    rows = pa.concat_tables([batch.rows for batch in batches])
    rejected = [reject for batch in batches for reject in batch.rejected]
    progress = [batch.bytes_done for batch in batches]
    assert progress == sorted(progress)
    assert progress[-1] <= path.stat().st_size
    return rows, rejected, [note.code for batch in batches for note in batch.notes]


def accounted(rows: pa.Table, rejected: list[Reject]) -> int:
    return sum(rows["source_rows"].to_pylist()) + sum(reject.source_rows for reject in rejected)


def write(path: Path, names: list[str], *rows: list[object], encoding: str = "utf-8") -> Path:
    lines = [",".join(map(str, row)) for row in (names, *rows)]
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


@pytest.mark.parametrize(
    "names",
    [
        ENDS,
        STARTS,
        [f"P{n}" for n in range(1, 97)],
        [f"kw_{n:02d}" for n in range(96)],
        [f"数据点{n}" for n in range(1, 97)],
        [f"第{n}点" for n in range(1, 97)],
        [f"有功功率(kW){n}" for n in range(1, 97)],
        [f"{m // 60:02d}{m % 60:02d}" for m in range(15, 1441, 15)],
        [f"{m // 60}:{m % 60:02d}:00" for m in range(0, 1440, 15)],
        [f"{a}-{b}" for a, b in zip(STARTS, ENDS, strict=True)],
        [f"{m // 60}时{m % 60:02d}分" for m in range(0, 1440, 15)],
        [str(n) for n in range(1, 97)],
    ],
)
def test_headers_of_value_columns(tmp_path: Path, names: list[str]) -> None:
    values = [n / 8 for n in range(96)]
    path = write(tmp_path / "a.csv", ["户号", "数据日期", *names], ["0012345678", "2026/5/1", *values])
    rows, rejected, _ = read(path, ReadOptions(SHANGHAI))
    assert rows["usage_point_id"].to_pylist() == ["0012345678"]
    assert str(rows["day"][0]) == "2026-05-01"
    assert rows["interval_minutes"].to_pylist() == [15]
    assert rows["kw"].to_pylist() == [values]
    assert rows["quality"].to_pylist() == [None]
    assert rejected == []


@pytest.mark.parametrize(("count", "minutes"), [(24, 60), (48, 30), (96, 15), (288, 5)])
def test_intervals(tmp_path: Path, count: int, minutes: int) -> None:
    path = write(
        tmp_path / "a.csv",
        ["台区编号", "日期", *[f"P{n + 1}" for n in range(count)]],
        ["T1", "20260501", *[2] * count],
    )
    rows, _, _ = read(path, ReadOptions(SHANGHAI))
    assert rows["transformer_id"].to_pylist() == ["T1"]
    assert (rows["interval_minutes"][0].as_py(), len(rows["kw"][0])) == (minutes, count)


def test_columns_are_put_in_the_order_of_time(tmp_path: Path) -> None:
    names = ENDS[::-1]
    path = write(tmp_path / "a.csv", ["户号", "日期", *names], ["0012345678", "2026-05-01", *range(96)])
    rows, _, _ = read(path, ReadOptions(SHANGHAI))
    assert rows["kw"][0].as_py() == list(range(95, -1, -1))


def test_energy_becomes_mean_power(tmp_path: Path) -> None:
    header = ["户号", "日期", *[f"电量(kWh){n}" for n in range(1, 97)]]
    path = write(tmp_path / "a.csv", header, ["0012345678", "2026-05-01", *[1.5] * 96])
    assert read(path, ReadOptions(SHANGHAI))[0]["kw"][0].as_py() == [6.0] * 96
    plain = write(tmp_path / "b.csv", ["户号", "日期", *ENDS], ["0012345678", "2026-05-01", *[1.5] * 96])
    rows, _, notes = read(plain, ReadOptions(SHANGHAI, ColumnMapping(unit="kWh")))
    assert rows["kw"][0].as_py() == [6.0] * 96
    assert "unit_taken_as_kw" not in notes
    assert "unit_taken_as_kw" in read(plain, ReadOptions(SHANGHAI))[2]


def test_gbk_and_byte_order_marks(tmp_path: Path) -> None:
    header, row = ["户号", "户名", "日期", *ENDS], ["0012345678", "联通", "2026年5月1日", *[1] * 96]
    for encoding in ("gbk", "utf-8-sig", "utf-16"):
        path = write(tmp_path / f"{encoding}.csv", header, row, row, encoding=encoding)
        rows, rejected, notes = read(path, ReadOptions(SHANGHAI))
        assert (rows.num_rows, rejected) == (2, [])
        assert rows["source_line"].to_pylist() == [2, 3]
        assert "columns_not_used" in notes


def test_missing_and_faulty_values(tmp_path: Path) -> None:
    values: list[object] = [1.0] * 96
    values[3], values[4], values[5], values[6], values[7], values[8] = (
        "",
        "x",
        "-5",
        "1e9",
        "=A1*2",
        "１２．５",
    )
    path = write(tmp_path / "a.csv", ["户号", "日期", *ENDS], ["0012345678", "2026-05-01", *values])
    rows, rejected, _ = read(path, ReadOptions(SHANGHAI))
    kw, quality = rows["kw"][0].as_py(), rows["quality"][0].as_py()
    assert np.isnan(kw[3:8]).all()
    assert kw[8] == 12.5
    implausible = [Quality.IMPLAUSIBLE] * 4
    assert quality[2:9] == [Quality.MEASURED, Quality.MISSING, *implausible, Quality.MEASURED]
    found = {reject.reason.code: (reject.column, reject.value, reject.line) for reject in rejected}
    assert found == {
        "not_a_number": ("01:15", "x", 2),
        "power_negative": ("01:30", "-5", 2),
        "power_absurd": ("01:45", "1e9", 2),
        "formula_cell": ("02:00", "=A1*2", 2),
    }
    assert all(reject.cell_only and reject.row and reject.row["户号"] == "0012345678" for reject in rejected)
    assert accounted(rows, rejected) == 1
    for reject in rejected:
        assert reject.reason.text("en")
        assert reject.reason.text("zh")


def test_many_faulty_values_of_a_row_are_one_entry(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", ["户号", "日期", *ENDS], ["0012345678", "2026-05-01", *[-3] * 96])
    rows, rejected, _ = read(path, ReadOptions(SHANGHAI))
    assert [(r.reason.code, r.reason.values["cells"], r.column) for r in rejected] == [
        ("power_negative", 96, "00:15 … 24:00")
    ]
    fed_in, none, _ = read(path, ReadOptions(SHANGHAI, ColumnMapping(export=True)))
    assert fed_in["kw"][0].as_py() == [-3.0] * 96
    assert none == []
    assert rows.num_rows == 1


def test_rounding_of_a_meter_at_rest_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", ["户号", "日期", *ENDS], ["0012345678", "2026-05-01", *[-0.001] * 96])
    rows, rejected, _ = read(path, ReadOptions(SHANGHAI))
    assert rejected == []
    assert rows["kw"][0].as_py() == pytest.approx([-0.001] * 96)


def test_rows_without_key_are_put_aside_whole(tmp_path: Path) -> None:
    ok = [1] * 96
    path = write(
        tmp_path / "a.csv",
        ["户号", "日期", *ENDS],
        ["", "2026-05-01", *ok],
        ["0012345678", "2026-13-01", *ok],
        ["0012345678", "", *ok],
        ["1.23457E+12", "2026-05-01", *ok],
        ["合计", "", *ok],
        ["0012345678", "2026-05-01", *ok[:-1]],
        ['="0012345679"', "2026-05-01", *ok],
    )
    rows, rejected, _ = read(path, ReadOptions(SHANGHAI))
    assert rows["usage_point_id"].to_pylist() == ["0012345679"]
    codes = {reject.line: reject.reason.code for reject in rejected}
    assert codes == {
        2: "id_missing",
        3: "date_not_read",
        4: "date_missing",
        5: "id_in_scientific_notation",
        6: "date_missing",
        7: "wrong_number_of_cells",
    }
    assert accounted(rows, rejected) == 7


def test_missing_days_are_absent(tmp_path: Path) -> None:
    days = ["2026-05-01", "2026-05-03"]
    path = write(
        tmp_path / "a.csv", ["户号", "日期", *ENDS], *[["0012345678", day, *[1] * 96] for day in days]
    )
    assert list(map(str, read(path, ReadOptions(SHANGHAI))[0]["day"])) == days


def test_clock_put_forward(tmp_path: Path) -> None:
    values: list[object] = [1.0] * 96
    values[8:12] = ["", 0, 7, ""]  # 02:00 to 03:00 does not exist
    path = write(tmp_path / "a.csv", ["户号", "日期", *STARTS], ["0012345678", "2026-03-29", *values])
    rows, rejected, _ = read(path, ReadOptions(BERLIN))
    assert rows["quality"][0].as_py()[7:13] == [0, 4, 4, 4, 4, 0]
    assert np.isnan(rows["kw"][0].as_py()[8:12]).all()
    assert [(r.reason.code, r.column, r.value) for r in rejected] == [("hour_does_not_exist", "02:30", "7")]


def test_clock_put_back(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", ["户号", "日期", *STARTS], ["0012345678", "2026-10-25", *[1.0] * 96])
    rows, rejected, _ = read(path, ReadOptions(BERLIN))
    assert rows["quality"][0].as_py()[7:13] == [0, 1, 1, 1, 1, 0]
    assert rejected == []


def test_intervals_counted_as_they_pass(tmp_path: Path) -> None:
    """Files with 50 or 100 columns number the intervals of the day; a changed clock shifts the later ones."""
    names = [f"P{n}" for n in range(1, 51)]
    counted = [float(n) for n in range(50)]
    path = write(
        tmp_path / "a.csv",
        ["户号", "日期", *names],
        ["0012345678", "2026-03-28", *counted[:48], "", ""],
        ["0012345678", "2026-03-29", *counted[:46], "", "", "", ""],
        ["0012345678", "2026-10-25", *counted],
        ["0012345678", "2026-10-26", *counted],
    )
    rows, rejected, _ = read(path, ReadOptions(BERLIN))
    usual, forward, back, beyond = rows["kw"].to_pylist()
    assert usual == beyond == counted[:48]
    assert np.isnan(forward[4:6]).all()
    assert forward[:4] + forward[6:] == counted[:46]
    assert back[:4] == counted[:4]
    assert back[4:6] == [5.0, 6.0]  # means of 4 and 6, 5 and 7
    assert back[6:] == counted[8:]
    assert rows["quality"][2].as_py()[3:7] == [0, 1, 1, 0]
    assert [(r.reason.code, r.line) for r in rejected] == [("beyond_the_day", 5), ("beyond_the_day", 5)]


def test_other_quantities_beside_the_power(tmp_path: Path) -> None:
    names = [f"{q}{n}" for q in ("P", "Q", "IA", "UB") for n in range(1, 25)]
    values = [value for value in (5, 2, 10, 230) for _ in range(24)]
    path = write(tmp_path / "a.csv", ["户号", "日期", *names], ["0012345678", "2026-05-01", *values])
    row = read(path, ReadOptions(SHANGHAI))[0].to_pylist()[0]
    assert row["kw"] == [5.0] * 24
    assert row["kvar"] == [2.0] * 24
    assert row["current_a"][0] == [10.0] * 24
    assert np.isnan(row["current_a"][1]).all()
    assert row["voltage_v"][1] == [230.0] * 24


def test_rows_of_several_quantities(tmp_path: Path) -> None:
    """A column that names the quantity keeps currents from being taken for power."""
    path = write(
        tmp_path / "a.csv",
        ["户号", "日期", "数据类型", *ENDS],
        ["0012345678", "2026-05-01", "有功功率", *[3] * 96],
        ["0012345678", "2026-05-01", "A相电流", *[10] * 96],
        ["0012345679", "2026-05-01", "电量(kWh)", *[2] * 96],
        ["0012345679", "2026-05-01", "A相电流", *[9] * 96],
    )
    rows, rejected, notes = read(path, ReadOptions(SHANGHAI))
    assert [curve[0] for curve in rows["kw"].to_pylist()] == [3.0, 8.0]
    assert rows["source_line"].to_pylist() == [2, 4]
    assert [(r.reason.code, r.value, r.line, r.source_rows) for r in rejected] == [
        ("quantity_not_read", "A相电流", 3, 2)
    ]
    assert notes == []


def test_supply_of_a_transformer_may_be_negative(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", ["台区编号", "日期", *ENDS], ["T1", "2026-05-01", *[-20] * 96])
    rows, rejected, _ = read(path, ReadOptions(SHANGHAI))
    assert (rejected, rows["kw"][0].as_py()) == ([], [-20.0] * 96)


def test_the_better_known_identifier_counts(tmp_path: Path) -> None:
    header = ["电表资产号", "户号", "日期", *ENDS]
    path = write(tmp_path / "a.csv", header, ["M77", "0012345678", "2026-05-01", *[1] * 96])
    rows, _, notes = read(path, ReadOptions(SHANGHAI))
    assert rows["usage_point_id"].to_pylist() == ["0012345678"]
    assert "columns_not_used" in notes


def test_named_value_columns(tmp_path: Path) -> None:
    names = [f"z{chr(97 + n)}" for n in range(24)]
    path = write(tmp_path / "a.csv", ["Kunde", "Tag", *names], ["0012345678", "01.05.2026", *range(24)])
    mapping = ColumnMapping(
        columns={"Kunde": "usage_point_id", "Tag": "day"}, values=("za", "zx"), date_format="%d.%m.%Y"
    )
    rows, rejected, _ = read(path, ReadOptions(SHANGHAI, mapping))
    assert rejected == []
    assert rows["kw"][0].as_py() == list(range(24))
    assert str(rows["day"][0]) == "2026-05-01"
