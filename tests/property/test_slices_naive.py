"""Slices against the obvious way: all rows in a dictionary, the latest of each key, then the bounds."""

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from minewatch.schema.slices import read_slice
from minewatch.schema.steps import TableSlice
from minewatch.schema.tables import LINEAGE, TABLES

SCHEMA = TABLES["interval_readings"].lake_schema
DAYS = [date(2026, 5, 1) + timedelta(days=at) for at in range(5)]
BUCKETS = {"0001": 0, "0002": 1, "户03": 0, "户04": 1}

Row = dict[str, Any]

curves = st.lists(st.integers(0, 9).map(float), min_size=2, max_size=2) | st.lists(
    st.integers(0, 9).map(float), max_size=3
)
rows = st.builds(
    lambda name, day, kw, revision: {
        "usage_point_id": name,
        "day": day,
        "interval_minutes": 15,
        "kw": kw,
        "revision": revision,
        "bucket": BUCKETS[name],
    },
    st.sampled_from(sorted(BUCKETS)),
    st.sampled_from(DAYS),
    curves,
    st.integers(1, 3),
)
files = st.lists(st.tuples(st.lists(rows, max_size=12), st.integers(1, 5), st.booleans()), max_size=3)
bounds = st.fixed_dictionaries(
    {},
    optional={
        "day": st.tuples(*[st.sampled_from([day.isoformat() for day in DAYS])] * 2),
        "usage_point_id": st.tuples(*[st.sampled_from(["", *BUCKETS, "龘"])] * 2),
    },
)


def numbered(drawn: list[tuple[list[Row], int, bool]]) -> list[tuple[list[Row], int]]:
    """Give each row a line of its own; order those of a file by bucket and key where it says so."""
    line = 0
    out = []
    for found, group, ordered in drawn:
        named = []
        for row in found:
            line += 1
            named.append({**dict.fromkeys(LINEAGE.names, 0), "source_id": "made", **row, "source_line": line})
        key = sorted(named, key=lambda row: (row["bucket"], row["usage_point_id"], row["day"]))
        out.append((key if ordered else named, group))
    return out


def naive(all_rows: list[Row], where: dict[str, tuple[str, str]], bucket: int | None) -> list[Row]:
    latest: dict[tuple[str, date], Row] = {}
    for row in sorted(all_rows, key=lambda row: (row["revision"], row["source_line"])):
        latest[row["usage_point_id"], row["day"]] = row
    return [
        {"usage_point_id": row["usage_point_id"], "day": row["day"], "kw": row["kw"]}
        for _, row in sorted(latest.items())
        if bucket in (None, row["bucket"])
        and all(low <= str(row[name]) < high for name, (low, high) in where.items())
    ]


@given(drawn=files, where=bounds, bucket=st.none() | st.integers(0, 2))
def test_a_slice_is_the_latest_row_of_each_key_within_the_bounds(
    drawn: list[tuple[list[Row], int, bool]], where: dict[str, tuple[str, str]], bucket: int | None
) -> None:
    written = numbered(drawn)
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, f"{at}.parquet")) for at in range(len(written))]
        for path, (found, group) in zip(paths, written, strict=True):
            pq.write_table(pa.Table.from_pylist(found, schema=SCHEMA), path, row_group_size=group)
        table = read_slice(
            TableSlice("interval_readings", 1, tuple(paths), where, bucket), ["usage_point_id", "day", "kw"]
        )
    expected = naive([row for found, _ in written for row in found], where, bucket)
    assert table.to_pylist() == expected
    assert table.column("kw").num_chunks <= 1 or not expected
