"""Long files: one row per reading, in any order."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minewatch.schema.quality import Quality
from minewatch.sources import spill
from minewatch.sources.batch import Batch, Reject
from minewatch.sources.mapping import ColumnMapping
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


def read(path: Path, options: ReadOptions) -> tuple[pa.Table, list[Reject]]:
    batches: list[Batch] = list(recognise(path, options).reader(path, options))
    progress = [batch.bytes_done for batch in batches]
    assert progress == sorted(progress)
    assert progress[-1] == path.stat().st_size
    rows = pa.concat_tables([batch.rows for batch in batches])
    return rows, [reject for batch in batches for reject in batch.rejected]


def accounted(rows: pa.Table, rejected: list[Reject]) -> int:
    return sum(rows["source_rows"].to_pylist()) + sum(reject.source_rows for reject in rejected)


def write(path: Path, header: str, lines: list[str], encoding: str = "utf-8") -> Path:
    path.write_bytes("\n".join([header, *lines, ""]).encode(encoding))
    return path


def times(first: str, count: int, minutes: int = 15) -> list[str]:
    start = datetime.fromisoformat(first)
    return [(start + timedelta(minutes=minutes * n)).strftime("%Y-%m-%d %H:%M") for n in range(count)]


def test_readings_of_a_day(tmp_path: Path) -> None:
    lines = [f"0012345678,{at},{n / 4}" for n, at in enumerate(times("2026-05-01", 96))]
    rows, rejected = read(write(tmp_path / "a.csv", "户号,时间,有功功率(kW)", lines), ReadOptions(SHANGHAI))
    row = rows.to_pylist()[0]
    assert row["usage_point_id"] == "0012345678"
    assert str(row["day"]) == "2026-05-01"
    assert row["kw"] == [n / 4 for n in range(96)]
    assert (row["quality"], row["source_rows"], row["source_line"]) == (None, 96, 2)
    assert rejected == []


def test_order_of_the_file_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days are cut by chunks, blocks and row groups at will; sums must stay right."""
    monkeypatch.setattr(spill, "BLOCK_ROWS", 100)
    rng = np.random.default_rng(1)
    readings = [(f"U{u}", at, u + n / 8) for u in range(5) for n, at in enumerate(times("2026-05-01", 300))]
    rng.shuffle(readings)
    table = pa.table([pa.array(c) for c in zip(*readings, strict=True)], ["series_id", "time", "kw"])
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, row_group_size=37)
    rows, rejected = read(path, ReadOptions(SHANGHAI))
    assert rejected == []
    assert rows.num_rows == 5 * 4
    assert sum(rows["source_rows"].to_pylist()) == 1500
    total = sum(float(np.nansum(curve)) for curve in rows["kw"].to_pylist())
    assert total == pytest.approx(sum(float(value) for _, _, value in readings))
    assert len(set(zip(rows["usage_point_id"].to_pylist(), rows["day"].to_pylist(), strict=True))) == 20


@pytest.mark.parametrize(
    ("header", "first", "shown"),
    [
        ("户号,数据时间,电量(kWh)", "2026-05-01 00:00", "%Y/%m/%d %H:%M:%S"),
        ("户号,采集时间,电量(kWh)", "2026-05-01 00:00", "%Y年%m月%d日 %H时%M分"),
        ("户号,结束时间,电量(kWh)", "2026-05-01 00:15", "%Y-%m-%dT%H:%M"),
        ("usage_point_id,interval end,energy (Wh)", "2026-05-01 00:15", "%Y%m%d %H%M"),
    ],
)
def test_energy_and_notations_of_time(tmp_path: Path, header: str, first: str, shown: str) -> None:
    unit = 1000 if "Wh)" in header and "kWh" not in header else 1
    start = datetime.fromisoformat(first)
    instants = [(start + timedelta(minutes=15 * n)).strftime(shown) for n in range(96)]
    path = write(tmp_path / "a.csv", header, [f"U1,{at},{1.5 * unit}" for at in instants], "gbk")
    rows, rejected = read(path, ReadOptions(SHANGHAI))
    assert rejected == []
    assert rows["kw"].to_pylist() == [[6.0] * 96]


def test_day_and_clock_in_two_columns_up_to_24_hours(tmp_path: Path) -> None:
    clock = [f"{m // 60:02d}:{m % 60:02d}" for m in range(15, 1441, 15)]
    lines = [f"U1,2026-05-01,{at},{n}" for n, at in enumerate(clock)]
    path = write(tmp_path / "a.csv", "户号,日期,时间点,有功功率", lines)
    rows, rejected = read(path, ReadOptions(SHANGHAI, ColumnMapping(interval="end")))
    assert (rejected, rows["kw"].to_pylist()) == ([], [[float(n) for n in range(96)]])


def test_intervals_are_told_by_each_series(tmp_path: Path) -> None:
    lines = [f"A,{at},1" for at in times("2026-05-01", 24, 60)] + [
        f"B,{at},2" for at in times("2026-05-01", 48, 30)
    ]
    rows, _ = read(write(tmp_path / "a.csv", "户号,时间,功率", lines), ReadOptions(SHANGHAI))
    assert sorted(zip(rows["interval_minutes"].to_pylist(), map(len, rows["kw"]), strict=True)) == [
        (30, 48),
        (60, 24),
    ]


def test_hourly_energy_off_the_hour_is_not_taken_for_quarter_hours(tmp_path: Path) -> None:
    lines = [f"A,{at},1" for at in times("2026-05-01 00:15", 24, 60)]
    rows, rejected = read(write(tmp_path / "a.csv", "户号,时间,电量(kWh)", lines), ReadOptions(SHANGHAI))
    assert rows.num_rows == 0
    assert {reject.reason.code for reject in rejected} == {"time_off_grid"}
    assert accounted(rows, rejected) == 24


def test_a_single_reading_needs_its_interval(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "户号,时间,功率", ["A,2026-05-01 00:00,1"])
    rows, rejected = read(path, ReadOptions(SHANGHAI))
    assert [reject.reason.code for reject in rejected] == ["interval_not_known"]
    assert rejected[0].row == {
        "usage_point_id": "A",
        "time": "2026-05-01 00:00",
        "kw": "1",
        "interval_minutes": "0",
    }
    rows, rejected = read(path, ReadOptions(SHANGHAI, ColumnMapping(interval_minutes=15)))
    assert (rows["kw"][0].as_py()[0], rejected) == (1.0, [])


def test_faulty_lines(tmp_path: Path) -> None:
    lines = [f"A,{at},1" for at in times("2026-05-01", 96)]
    lines[4], lines[5], lines[6], lines[7], lines[8] = (
        "A,2026-05-01 01:00,-7",
        "A,2026-05-01 01:15,x",
        "A,2026-05-01 01:30,",
        ",2026-05-01 01:45,1",
        "A,tomorrow,1",
    )
    lines += [lines[0], "A,2026-05-01 00:15,3"]
    rows, rejected = read(write(tmp_path / "a.csv", "户号,时间,功率", lines), ReadOptions(SHANGHAI))
    assert {reject.line: reject.reason.code for reject in rejected} == {
        6: "power_negative",
        7: "not_a_number",
        9: "id_missing",
        10: "time_not_read",
        99: "reading_contradicts_line",
    }
    assert rejected[1].row == {
        "户号": "A",
        "时间": "2026-05-01 01:15",
        "功率": "x",
        "interval_minutes": "15",
    }
    assert "line 99" in rejected[-1].reason.text("en")
    assert "第3行" in rejected[-1].reason.text("zh")
    implausible, missing = Quality.IMPLAUSIBLE, Quality.MISSING
    assert rows["quality"][0].as_py()[3:10] == [0, implausible, implausible, missing, missing, missing, 0]
    assert rows["source_rows"][0].as_py() == 93
    assert accounted(rows, rejected) == 98


def test_clock_put_forward_and_back_without_offsets(tmp_path: Path) -> None:
    forward = [at for at in times("2026-03-29", 96) if not "02:00" <= at[-5:] < "03:00"]
    back = times("2026-10-25", 12) + times("2026-10-25 02:00", 88)
    lines = [f"A,{at},{n}" for n, at in enumerate([*forward, *back])] + ["A,2026-03-29 02:30,5"]
    rows, rejected = read(write(tmp_path / "a.csv", "户号,时间,功率", lines), ReadOptions(BERLIN))
    assert [(r.reason.code, r.line) for r in rejected] == [("time_does_not_exist", 194)]
    spring, autumn = rows.sort_by("day").to_pylist()
    assert spring["quality"][7:13] == [0, 4, 4, 4, 4, 0]
    assert spring["kw"][12] == 8.0
    assert autumn["quality"][7:13] == [0, 1, 1, 1, 1, 0]
    assert autumn["kw"][8:12] == [92 + 8 + 2 + n for n in range(4)]  # means of n and n + 4
    assert autumn["source_rows"] == 100
    assert accounted(rows, rejected) == 193


def test_instants_are_cut_into_local_days(tmp_path: Path) -> None:
    start = datetime.fromisoformat("2026-10-24T22:00+00:00")
    instants = [(start + timedelta(minutes=15 * n)).isoformat().replace("+00:00", "Z") for n in range(100)]
    lines = [f"A,{at},{n}" for n, at in enumerate(instants)] + [f"A,{instants[9]},9", f"A,{instants[13]},8"]
    rows, rejected = read(
        write(tmp_path / "a.csv", "id,time,kw".replace("id", "series_id"), lines), ReadOptions(BERLIN)
    )
    assert rows["kw"][0].as_py() == [*range(8), *range(10, 14), *range(16, 100)]
    assert rows["quality"][0].as_py()[8:12] == [Quality.MERGED] * 4
    assert [reject.reason.code for reject in rejected] == ["reading_contradicts_line"]
    assert accounted(rows, rejected) == 102


def test_zone_of_the_file(tmp_path: Path) -> None:
    lines = [f"A,{at},{n}" for n, at in enumerate(times("2026-05-01 16:00", 96))]
    path = write(tmp_path / "a.csv", "户号,时间,功率", lines)
    rows, _ = read(path, ReadOptions(SHANGHAI, ColumnMapping(zone="UTC")))
    assert (str(rows["day"][0]), rows["kw"][0].as_py()) == ("2026-05-02", [float(n) for n in range(96)])


def registers(
    tmp_path: Path, readings: list[float], mapping: ColumnMapping | None = None
) -> tuple[list[float], list[Reject]]:
    lines = [
        f"A,{at},{value}" for at, value in zip(times("2026-05-01", len(readings)), readings, strict=True)
    ]
    rows, rejected = read(
        write(tmp_path / "a.csv", "户号,数据时间,正向有功总", lines), ReadOptions(SHANGHAI, mapping)
    )
    assert accounted(rows, rejected) == len(readings)
    return [value for curve in rows["kw"].to_pylist() for value in curve][: len(readings) - 1], rejected


def test_registers_are_differenced(tmp_path: Path) -> None:
    power, rejected = registers(tmp_path, [100 + n * 0.5 for n in range(97)])
    assert (power, rejected) == ([2.0] * 96, [])


def test_register_rolls_over(tmp_path: Path) -> None:
    power, rejected = registers(tmp_path, [9998.5, 9999.5, 0.5, 1.5])
    assert (power, rejected) == ([4.0, 4.0, 4.0], [])
    power, rejected = registers(tmp_path, [99998.0, 99999.0, 0.0, 1.0], ColumnMapping(register_digits=5))
    assert (power, rejected) == ([4.0, 4.0, 4.0], [])


def test_register_falls(tmp_path: Path) -> None:
    power, rejected = registers(tmp_path, [5000, 5001, 3, 4])
    assert power[0] == power[2] == 4.0
    assert np.isnan(power[1])
    assert [(r.reason.code, r.line, r.cell_only) for r in rejected] == [("register_fell", 4, True)]


def test_register_dips(tmp_path: Path) -> None:
    power, rejected = registers(tmp_path, [5000, 5001, 0, 5003, 5004])
    assert power[0] == power[3] == 4.0
    assert np.isnan(power[1:3]).all()
    assert [(r.reason.code, r.line) for r in rejected] == [("register_dipped", 4)]


def test_register_leaps(tmp_path: Path) -> None:
    power, rejected = registers(tmp_path, [5000, 5001, 9e9, 9e9 + 1])
    assert np.isnan(power[1])
    assert [reject.reason.code for reject in rejected] == ["register_leapt"]


def test_multiplier_of_registers(tmp_path: Path) -> None:
    lines = [f"A,{at},{n},40" for n, at in enumerate(times("2026-05-01", 5))]
    rows, _ = read(
        write(tmp_path / "a.csv", "户号,数据时间,正向有功总,综合倍率", lines), ReadOptions(SHANGHAI)
    )
    assert rows["kw"][0].as_py()[:4] == [160.0] * 4


def test_one_register_reading_says_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "户号,数据时间,正向有功总,采集间隔", ["A,2026-05-01 00:00,5,15"])
    rows, rejected = read(path, ReadOptions(SHANGHAI))
    assert (rows.num_rows, [reject.reason.code for reject in rejected]) == (0, ["register_alone"])


def test_daily_registers_become_daily_energy(tmp_path: Path) -> None:
    lines = ["A,2026-05-02,110", "A,2026-05-01,100", "A,2026-05-03,125", "A,2026-05-05,150", "B,2026-05-01,7"]
    rows, rejected = read(write(tmp_path / "a.csv", "户号,日期,正向有功总", lines), ReadOptions(SHANGHAI))
    found = [(str(row["day"]), row["energy_kwh"], row["register_kwh"]) for row in rows.to_pylist()]
    assert found == [("2026-05-02", 10.0, 110.0), ("2026-05-03", 15.0, 125.0)]
    assert accounted(rows, rejected) == 5


def test_currents_and_voltages(tmp_path: Path) -> None:
    lines = [f"A,{at},1,10,230" for at in times("2026-05-01", 24, 60)]
    path = write(tmp_path / "a.csv", "户号,时间,有功功率,A相电流,B相电压", lines)
    row = read(path, ReadOptions(SHANGHAI))[0].to_pylist()[0]
    assert row["current_a"][0] == [10.0] * 24
    assert row["voltage_v"][1] == [230.0] * 24
