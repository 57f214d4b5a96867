"""Curves written in any of the foreign shapes come back as the same canonical rows."""

import io
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from minewatch.schema.tables import INGESTED
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise

OPTIONS = ReadOptions(ZoneInfo("Asia/Shanghai"))
KEYS = ["usage_point_id", "day", "interval_minutes", "kw"]
Curve = tuple[str, date, list[float | None]]


@st.composite
def curves(draw: st.DrawFn) -> tuple[int, list[Curve]]:
    """Draw an interval and day curves of several customers with missing values (never a whole day)."""
    minutes = draw(st.sampled_from([60, 30, 15]))
    count = 1440 // minutes
    keys = draw(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=5, unique=True)
    )
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    rows: list[Curve] = []
    for customer, day in keys:
        values = np.round(rng.random(count) * 10.0 ** rng.integers(-2, 5), 3).astype(np.float32)
        gone = rng.random(count) < rng.choice([0.0, 0.3])
        kept = [None if missing else float(str(value)) for value, missing in zip(values, gone, strict=True)]
        kept[0], kept[1] = kept[0] or 0.5, kept[1] or 0.25
        rows.append((f"{customer:010d}", date(2026, 5, 1) + timedelta(days=day), kept))
    return minutes, rows


def canonical(rows: list[Curve], minutes: int) -> list[tuple[str, date, int, bytes]]:
    return sorted((who, day, minutes, as_bytes(values)) for who, day, values in rows)


def as_bytes(values: list[float | None]) -> bytes:
    return np.array([np.nan if value is None else value for value in values], np.float32).tobytes()


def read(path: Path) -> list[tuple[str, date, int, bytes]]:
    batches = list(recognise(path, OPTIONS).reader(path, OPTIONS))
    assert [reject.reason.text("en") for batch in batches for reject in batch.rejected] == []
    rows = [row for batch in batches for row in batch.rows.select(KEYS).to_pylist()]
    return sorted((*(row[key] for key in KEYS[:3]), as_bytes(row["kw"])) for row in rows)


def clock(minutes: int) -> list[str]:
    return [f"{m // 60:02d}:{m % 60:02d}" for m in range(minutes, 1441, minutes)]


def wide(rows: list[Curve], minutes: int) -> list[list[object]]:
    return [["户号", "日期", *clock(minutes)], *([who, day, *values] for who, day, values in rows)]


def long(rows: list[Curve], minutes: int) -> list[list[object]]:
    lines: list[list[object]] = [["户号", "时间", "有功功率(kW)", "采集间隔"]]
    for who, day, values in rows:
        start = datetime(day.year, day.month, day.day)  # noqa: DTZ001
        for n, value in enumerate(values):
            at = (start + timedelta(minutes=n * minutes)).isoformat(" ")
            lines.append([who, at, value, minutes])
    return lines


def csv(cells: list[list[object]]) -> str:
    return "".join(",".join("" if cell is None else str(cell) for cell in row) + "\r\n" for row in cells)


@settings(max_examples=15)
@given(curves(), st.sampled_from(["utf-8", "utf-8-sig", "gbk", "utf-16"]), st.booleans(), st.randoms())
def test_csv(drawn: tuple[int, list[Curve]], encoding: str, is_wide: bool, random: object) -> None:
    minutes, rows = drawn
    header, *lines = wide(rows, minutes) if is_wide else long(rows, minutes)
    random.shuffle(lines)  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "readings.csv"
        path.write_bytes(csv([header, *lines]).encode(encoding))
        assert read(path) == canonical(rows, minutes)


@settings(max_examples=10)
@given(curves(), st.booleans())
def test_xlsx(drawn: tuple[int, list[Curve]], is_wide: bool) -> None:
    minutes, rows = drawn[0], drawn[1][:2]
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in wide(rows, minutes) if is_wide else long(rows, minutes):
        book.active.append(row)
    book.save(out)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "readings.xlsx"
        path.write_bytes(out.getvalue())
        assert read(path) == canonical(rows, minutes)


@settings(max_examples=15)
@given(curves(), st.sampled_from(["lists", "wide", "long"]))
def test_parquet(drawn: tuple[int, list[Curve]], shape: str) -> None:
    minutes, rows = drawn
    if shape == "lists":
        schema = pa.schema([INGESTED["interval_readings"].schema.field(name) for name in KEYS])
        columns = [
            dict(zip(KEYS, (who, day, minutes, [np.nan if v is None else v for v in values]), strict=True))
            for who, day, values in rows
        ]
        table = pa.Table.from_pylist(columns, schema=schema)
    else:
        header, *lines = wide(rows, minutes) if shape == "wide" else long(rows, minutes)
        table = pa.table(
            [list(cells) for cells in zip(*lines, strict=True)], names=[str(name) for name in header]
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "readings.parquet"
        pq.write_table(table, path, row_group_size=7)
        assert read(path) == canonical(rows, minutes)
