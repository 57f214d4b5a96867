"""No real home, server or profile is put on a list by its curve."""

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from minewatch.detect.load.customer_load import judge
from minewatch.detect.load.vectors import LoadTables
from minewatch.fuse.discovery import q_values
from minewatch.fuse.strength import shipped_calibration
from minewatch.runs.look_readings import reading_records
from minewatch.schema.periods import day_period
from minewatch.sources.mapping import ColumnMapping
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise

ZONE = ZoneInfo("UTC")


@pytest.fixture(scope="module")
def readings(shared_data: Path) -> pa.Table:
    path = shared_data / "meters" / "readings.parquet"
    options = ReadOptions(ZONE, ColumnMapping(export=True))
    batches = recognise(path, options).reader(path, options)
    rows = pa.concat_tables([batch.rows for batch in batches])
    return rows.sort_by([("usage_point_id", "ascending"), ("day", "ascending")])


def last_days(readings: pa.Table) -> dict[str, date]:
    ends = readings.group_by("usage_point_id").aggregate([("day", "max")]).to_pylist()
    return {row["usage_point_id"]: row["day_max"] for row in ends}


@pytest.mark.parametrize("period_days", [7, 30])
def test_nobody_is_listed_at_one_in_ten(readings: pa.Table, period_days: int) -> None:
    """Each series with the year before its end, as a scan of its last week or month would judge it."""
    scores = []
    for name, last in last_days(readings).items():
        day = readings["day"]
        wanted = pc.and_(
            pc.equal(readings["usage_point_id"], name),
            pc.and_(pc.greater(day, last - timedelta(days=365)), pc.less_equal(day, last)),
        )
        end = last + timedelta(days=1)
        period = day_period(end - timedelta(days=period_days), end, ZONE)
        (evidence,) = judge(LoadTables(readings.filter(wanted), None, None, None, None, ZONE), period)
        scores.append(evidence.log10_lr)
    known = np.array([score for score in scores if score is not None])
    assert len(known) == len(scores) > 50
    p_values = shipped_calibration("meter").null.exceedance(known)
    assert q_values(p_values, len(p_values)).min() > 0.1


def test_look_gives_every_series_a_record_and_calls_none_a_mine(readings: pa.Table) -> None:
    records = list(reading_records({"readings.parquet": readings}, None, ZONE, "en"))
    assert len(records) == len(last_days(readings))
    assert max(record["probability"] or 0.0 for record in records) < 0.5
