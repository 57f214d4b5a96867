"""Archives and other tables by their headers, and what a file is."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minewatch.schema.tables import INGESTED
from minewatch.sources.batch import Reject
from minewatch.sources.files import files_of
from minewatch.sources.layout import READINGS
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise
from minewatch.sources.unreadable import UnreadableFile
from minewatch.sources.uscc import is_uscc

OPTIONS = ReadOptions(ZoneInfo("Asia/Shanghai"))
CODES = ["91511823MA300LA384", "91511823MAU3NEXP2D", "91511823MA3QEWT209"]


def read(path: Path, options: ReadOptions = OPTIONS) -> tuple[pa.Table, list[Reject], list[str]]:
    batches = list(recognise(path, options).reader(path, options))
    rejected = [reject for batch in batches for reject in batch.rejected]
    notes = [note.code for batch in batches for note in batch.notes]
    rows = pa.concat_tables([batch.rows for batch in batches])
    assert rows.schema.names[:-2] == INGESTED[batches[0].table].schema.names
    return rows, rejected, notes


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_customer_archive(tmp_path: Path) -> None:
    text = (
        "某供电公司用户档案\n"
        "户号,户名,统一社会信用代码,用电地址,台区编号,用电类别,电压等级(kV),合同容量(MVA),立户日期,销户日期,经度\n"
        f'0000012345,三峰机械厂,{CODES[0].lower()},"解放路１号, 2栋",T1,大工业,'
        '交流10kV,"1.25",2019年3月7日,,１０２．５\n'
        "0000012346,李四,,新村,T1,居民生活,０．４,0.008,20200101,2021/2/3,\n"
    )
    rows, rejected, notes = read(write(tmp_path / "档案.csv", text, "gbk"))
    assert (rejected, notes) == ([], ["lines_before_header"])
    first, second = rows.to_pylist()
    assert first["usage_point_id"] == "0000012345"
    assert first["address"] == "解放路１号, 2栋"
    assert first["uscc"] == CODES[0]
    assert (first["tariff_class"], second["tariff_class"]) == ("large_industry", "residential")
    assert (first["voltage_kv"], second["voltage_kv"]) == (10.0, 0.4)
    assert (first["contract_kva"], second["contract_kva"]) == (1250.0, 8.0)
    assert (first["opened_on"], second["opened_on"]) == (date(2019, 3, 7), date(2020, 1, 1))
    assert (first["closed_on"], second["closed_on"]) == (None, date(2021, 2, 3))
    assert first["lon"] == 102.5
    assert first["source_line"] == 3


def test_cells_that_cannot_be_read_are_left_empty(tmp_path: Path) -> None:
    text = (
        "户号,户名,统一社会信用代码,合同容量,立户日期,经度\n"
        f"1000012345,=HYPERLINK(1),{CODES[0][:-1]}X,much,2019-02-30,999\n"
        '1000012346,@SUM(A1),91511823MA300LA394,"1,250",2019-02-28,1\n'
    )
    rows, rejected, _ = read(write(tmp_path / "a.csv", text))
    assert rows.num_rows == 2
    found = {(reject.line, reject.column): reject.reason.code for reject in rejected}
    assert found == {
        (2, "户名"): "formula_cell",
        (2, "统一社会信用代码"): "uscc_wrong",
        (2, "合同容量"): "not_a_number",
        (2, "立户日期"): "date_not_read",
        (2, "经度"): "not_a_number",
        (3, "户名"): "formula_cell",
        (3, "统一社会信用代码"): "uscc_wrong",
    }
    assert all(reject.cell_only and reject.source_rows == 0 for reject in rejected)
    assert rows["contract_kva"].to_pylist() == [None, 1250.0]


def test_credit_codes() -> None:
    assert all(is_uscc(code) for code in CODES)
    assert is_uscc("91350100M000100Y43")  # worked example of GB 32100-2015
    for place in range(18):
        wrong = CODES[0][:place] + ("1" if CODES[0][place] != "1" else "2") + CODES[0][place + 1 :]
        assert not is_uscc(wrong), place


@pytest.mark.parametrize(
    ("header", "row", "table", "column", "value"),
    [
        ("台区编号,线路编号,额定容量(kVA)", "T1,L1,400", "transformers", "rated_kva", 400.0),
        ("户号,日期,电量(万千瓦时)", "A1,2026-05-01,0.5", "daily_readings", "energy_kwh", 5000.0),
        ("电站编号,电站名称,装机容量(千瓦)", "P1,小水电,630", "plants", "rated_mw", 0.63),
        ("电站编号,时间,出力(kW)", "P1,2026-05-01 08:00,500", "plant_readings", "mw", 0.5),
        ("区划代码,时间,气温(℃)", "511823,2026-05-01 08:00:00,21.5", "weather", "temperature_c", 21.5),
        ("region,hour,price (元/MWh)", "SC,2026-05-01 08:00,400", "prices", "price_per_kwh", 0.4),
        (
            "IP地址,起始端口,结束端口,生效时间,租用单位",
            "1.2.3.4,0,1023,2026-01-01,甲",
            "ip_leases",
            "port_high",
            1023,
        ),
        ("IP,生效时间,租用单位", "1.2.3.0/24,2026-01-01,甲", "ip_leases", "port_high", 65535),
        (
            "企业名称,统一社会信用代码,经营范围",
            f"甲公司,{CODES[0]},制造",
            "enterprises",
            "enterprise_id",
            CODES[0],
        ),
        ("申请编号,业务类型,申请容量(kVA)", "S1,新装,500", "applications", "kind", "power_connection"),
        ("举报编号,举报时间,矿机数量", "J1,2026-05-01 08:00,12", "tips", "machines_seen", 12),
        ("币种,区块高度,出块时间", "BTC,925000,2026-05-01 08:00:01", "block_times", "height", 925_000),
        ("coin,height,at,clock", "XMR,3500000,2026-05-01T00:00:01Z,node", "block_times", "clock", "seen"),
        ("label_id,subject_kind,subject_id,结论", "1,usage_point,A1,挖矿", "labels", "outcome", "mining"),
    ],
)
def test_tables_are_told_by_their_header(
    tmp_path: Path, header: str, row: str, table: str, column: str, value: object
) -> None:
    path = write(tmp_path / "a.csv", f"{header}\n{row}\n")
    found = recognise(path, OPTIONS)
    assert (found.format, found.table) == (f"archive:{table}", table)
    rows, rejected, _ = read(path)
    assert rejected == []
    assert rows[column].to_pylist() == ([pytest.approx(value)] if isinstance(value, float) else [value])


def test_hours_are_instants(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "区划代码,时间,气温\n1,2026-03-29 01:00,1\n1,2026-03-29 02:00,2\n1,2026-03-29 03:00,3\n",
    )
    rows, rejected, _ = read(path, ReadOptions(ZoneInfo("Europe/Berlin")))
    assert rows["hour"].to_pylist() == [
        datetime(2026, 3, 29, 0, tzinfo=UTC),
        datetime(2026, 3, 29, 1, tzinfo=UTC),
    ]
    assert [(reject.line, reject.reason.code) for reject in rejected] == [(3, "time_not_read")]


def test_required_cells(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.csv",
        "电站编号,时间,出力\nP1,2026-05-01 08:00,\nP1,,1\n,2026-05-01 08:00,1\nP1,2026-05-01 08:00,1\n",
    )
    rows, rejected, _ = read(path)
    assert rows["source_line"].to_pylist() == [5]
    assert [(r.line, r.reason.code) for r in rejected] == [
        (2, "cell_missing"),
        (3, "cell_missing"),
        (4, "id_missing"),
    ]
    assert all(reject.source_rows == 1 and not reject.cell_only for reject in rejected)


@pytest.mark.parametrize("name", [n for n in INGESTED if n != "flows" and n not in READINGS])
def test_canonical_tables_come_back_from_parquet(tmp_path: Path, name: str) -> None:
    schema = INGESTED[name].schema
    samples = {
        pa.string(): "a1",
        pa.float64(): 1.5,
        pa.int32(): 7,
        pa.int64(): 7,
        pa.date32(): date(2026, 5, 1),
    }
    moment = datetime(2026, 5, 1, 3, tzinfo=UTC)
    row = {field.name: samples.get(field.type, moment) for field in schema}
    row |= {"uscc": CODES[0]} if "uscc" in row else {}
    pq.write_table(pa.Table.from_pylist([row], schema=schema), tmp_path / "a.parquet")
    rows, rejected, notes = read(tmp_path / "a.parquet")
    assert (rejected, notes) == ([], [])
    assert rows.select(schema.names).to_pylist() == [row]


def test_leading_zeros_lost_are_noted(tmp_path: Path) -> None:
    rows, _, notes = read(write(tmp_path / "a.csv", "户号,户名,地址\n1234567890,a,b\n123456789,c,d\n"))
    assert notes == ["ids_of_unequal_length"]
    assert rows.num_rows == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"\x00\x01\x02\xff" * 100, "file_not_recognised"),
        (b"hello world\n", "file_not_recognised"),
        ("甲,乙,丙\n1,2,3\n".encode(), "header_not_recognised"),
        (b"\xd0\xcf\x11\xe0" + bytes(512), "xls_not_read"),
        (b"PAR1" + bytes(100), "parquet_damaged"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as caught:
        recognise(path, OPTIONS)
    assert caught.value.reason.code == code
    assert str(path) in caught.value.text("en")
    assert caught.value.text("zh") != caught.value.text("en")


def test_a_header_without_rows(tmp_path: Path) -> None:
    rows, rejected, _ = read(write(tmp_path / "a.csv", "户号,户名,地址"))
    assert (rows.num_rows, rejected) == (0, [])


def test_files_of_folders(tmp_path: Path) -> None:
    for name in ("b/2.csv", "b/1.csv", ".hidden/x.csv", "b/.y.csv", "b/~$1.xlsx", "a.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    found = files_of([tmp_path, tmp_path / "a.csv"])
    assert [str(path.relative_to(tmp_path)) for path in found] == ["a.csv", "b/1.csv", "b/2.csv"]
    with pytest.raises(UnreadableFile):
        files_of([tmp_path / "nothing"])


def test_implausible_values_in_lists(tmp_path: Path) -> None:
    curve = [1.0] * 24
    rows = [
        {"usage_point_id": "A", "day": date(2026, 5, 1), "kw": [*curve[:5], -7.0, float("inf"), *curve[7:]]},
        {"usage_point_id": "B", "day": date(2026, 5, 1), "kw": [*curve[:3], None, *curve[4:]]},
        {"usage_point_id": "C", "day": date(2026, 5, 1), "kw": curve[:23]},
        {"usage_point_id": "D", "day": date(2026, 5, 1), "kw": curve},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    taken, rejected, _ = read(tmp_path / "a.parquet")
    assert taken["usage_point_id"].to_pylist() == ["A", "B", "D"]
    assert taken["interval_minutes"].to_pylist() == [60, 60, 60]
    first, second, third = taken["quality"].to_pylist()
    assert first == [0] * 5 + [5, 5] + [0] * 17
    assert second == [0] * 3 + [3] + [0] * 20
    assert third is None
    assert [str(value) for value in taken["kw"][0].as_py()[4:8]] == ["1.0", "nan", "nan", "1.0"]
    found = {reject.reason.code: (reject.line, reject.cell_only, reject.source_rows) for reject in rejected}
    assert found == {
        "power_absurd": (1, True, 0),
        "power_negative": (1, True, 0),
        "curve_does_not_cover_the_day": (3, False, 1),
    }
    again = next(reject.row for reject in rejected if reject.reason.code == "power_negative")
    assert again is not None
    lines = [",".join(again), ",".join(cell or "" for cell in again.values()).replace("-7.0", "7.0")]
    corrected, _, _ = read(write(tmp_path / "b.csv", "\n".join(lines)))
    assert corrected["kw"][0].as_py()[5] == 7.0
