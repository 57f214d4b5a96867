"""Whatever a file holds, every row of it is taken or put aside, once."""

import csv
import io
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minewatch.sources import csv_records
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise

OPTIONS = ReadOptions(ZoneInfo("Europe/Berlin"))
CELLS = [
    "",
    "1",
    "-1",
    "0012345678",
    "x",
    "=1+1",
    "1e12",
    "inf",
    "２",
    "张三",
    '"a,b"',
    '"a ""b"""',
    "1,5",
    "-",
]
IDS = ["A", "B", "0012345678", "", "=A1", "1.2E+11"]
DAYS = ["2026-03-29", "2026/10/25", "20260501", "2026年5月2日", "", "never"]
TIMES = [
    "2026-03-29 02:30",
    "2026-10-25 02:15",
    "2026-05-01 00:15",
    "2026-05-01 00:30",
    "2026-05-01 00:37",
    "",
    "x",
]


def accounted(text: bytes) -> tuple[int, list[int]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(text)
        batches = list(recognise(path, OPTIONS).reader(path, OPTIONS))
    rows = pa.concat_tables([batch.rows for batch in batches])
    rejected = [reject for batch in batches for reject in batch.rejected]
    lines = [reject.line for reject in rejected if not reject.cell_only]
    assert all(reject.source_rows == 0 for reject in rejected if reject.cell_only)
    assert len(lines) == len(set(lines))
    return sum(rows["source_rows"].to_pylist()) + sum(r.source_rows for r in rejected), sorted(lines)


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(TIMES), st.sampled_from(CELLS)), max_size=30))
@pytest.mark.parametrize("value", ["有功功率", "电量", "正向有功总"])
def test_long_files(value: str, lines: list[tuple[str, str, str]]) -> None:
    text = f"户号,数据时间,{value}\n" + "".join(",".join(line) + "\n" for line in lines)
    assert accounted(text.encode())[0] == len(lines)


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(IDS),
            st.sampled_from(DAYS),
            st.lists(st.sampled_from(CELLS), min_size=23, max_size=25),
        ),
        max_size=8,
    )
)
def test_wide_files(lines: list[tuple[str, str, list[str]]]) -> None:
    header = ",".join(["户号", "日期", *(f"P{n}" for n in range(1, 25))])
    text = "".join(",".join([who, day, *values]) + "\n" for who, day, values in lines)
    assert accounted(f"{header}\n{text}".encode())[0] == len(lines)


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(DAYS), st.sampled_from(CELLS)), max_size=10))
@pytest.mark.parametrize("value", ["电量", "正向有功总"])
def test_daily_files(value: str, lines: list[tuple[str, str, str]]) -> None:
    text = f"户号,日期,{value}\n" + "".join(",".join(line) + "\n" for line in lines)
    assert accounted(text.encode())[0] == len(lines)


HEADERS = {
    "户号,户名,统一社会信用代码,电压等级,合同容量,立户日期,经度": 7,
    "电站编号,时间,出力,水头": 4,
    "户号,数据时间,有功功率,采集间隔,A相电流": 5,
    "户号,日期,时间点,正向有功总,倍率": 5,
    "IP地址,生效时间,失效时间,起始端口,租用单位": 5,
}
TEXTS = st.text(max_size=8) | st.from_regex(r"[-+=@0-9:./年月日 eETZ]{0,20}", fullmatch=True)


@settings(max_examples=25)
@given(st.sampled_from(list(HEADERS)), st.lists(st.lists(TEXTS, min_size=7, max_size=7), max_size=6))
def test_any_text_in_any_cell(header: str, lines: list[list[str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows(line[: HEADERS[header]] for line in lines)
    assert accounted(f"{header}\n{out.getvalue()}".encode())[0] == len(lines)


@settings(max_examples=80)
@given(st.binary(max_size=60) | st.text('",\n\r a1张', max_size=60).map(str.encode), st.integers(1, 40))
def test_any_bytes(tail: bytes, block: int) -> None:
    """Rows are records, however they are cut into blocks; Python's own parser counts them where it can."""
    head = "户号,户名,用电地址\n0000000001,张三,北京路\n".encode()
    whole = accounted(head + tail)
    before, csv_records.BLOCK_BYTES = csv_records.BLOCK_BYTES, block
    try:
        assert accounted(head + tail) == whole
    finally:
        csv_records.BLOCK_BYTES = before
    assert whole[0] >= 1
