"""The real meter series read by the long reader give the sums that DuckDB finds in the file."""

from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from minewatch.schema.quality import Quality
from minewatch.sources.mapping import ColumnMapping
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise


def test_rows_and_sums_of_the_real_series(shared_data: Path) -> None:
    path = shared_data / "meters" / "readings.parquet"
    options = ReadOptions(ZoneInfo("Europe/Berlin"), ColumnMapping(export=True))
    found = recognise(path, options)
    assert (found.format, found.table) == ("readings_long", "interval_readings")
    batches = list(found.reader(path, options))
    rows = pa.concat_tables([batch.rows for batch in batches])
    rejected = [reject for batch in batches for reject in batch.rejected]
    # Buildings and servers of North America have readings in the hour that Berlin skipped.
    assert {reject.reason.code for reject in rejected} == {"time_does_not_exist"}
    put_aside = [reject.line for reject in rejected]
    with duckdb.connect() as sql:
        sql.register("rows_read", rows)
        sql.register("put_aside", pa.table({"line": put_aside}))
        count = sql.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchall()
        assert count == [(sum(rows["source_rows"].to_pylist()) + len(rejected),)]
        unlike = sql.execute(
            """
            WITH file AS (SELECT series_id, sum(kw) kw, count(kw) n FROM
                (SELECT *, row_number() OVER () line FROM read_parquet(?)) ANTI JOIN put_aside USING (line)
                GROUP BY ALL),
            cells AS (SELECT usage_point_id series_id, unnest(kw) kw, unnest(coalesce(quality,
                list_transform(kw, lambda x: 0))) q FROM rows_read),
            lake AS (SELECT series_id, sum(CASE WHEN isnan(kw) THEN 0 WHEN q = ? THEN 2 * kw ELSE kw END) kw,
                sum(CASE WHEN isnan(kw) THEN 0 WHEN q = ? THEN 2 ELSE 1 END) n FROM cells GROUP BY ALL)
            SELECT * FROM file FULL JOIN lake USING (series_id)
            WHERE file.n IS DISTINCT FROM lake.n OR NOT abs(file.kw - lake.kw) < 1e-5 * (1 + abs(file.kw))
            """,
            [str(path), Quality.MERGED, Quality.MERGED],
        ).fetchall()
    assert unlike == []
    intervals = set(
        zip(rows["usage_point_id"].to_pylist(), rows["interval_minutes"].to_pylist(), strict=True)
    )
    assert {minutes for who, minutes in intervals if who.startswith("simbench/")} == {15}
    assert {minutes for who, minutes in intervals if not who.startswith("simbench/")} == {60}
