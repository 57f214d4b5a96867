"""What evidence pages draw of plants and sites, in whole local days."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from minewatch.runs.pictures import site_traffic, whole_days
from minewatch.schema.analysis_tables import SITE_HOURS

ZONE = ZoneInfo("Asia/Shanghai")
MIDNIGHT = datetime(2026, 5, 10, 16, tzinfo=UTC)


@pytest.mark.parametrize("late", [0, 1, 23])
def test_hours_are_filled_up_to_whole_days(late: int) -> None:
    values = np.arange(30.0)
    pair = whole_days(MIDNIGHT + timedelta(hours=late), (values, -values), ZONE)
    assert pair.start_at == MIDNIGHT
    assert len(pair.first) == len(pair.second)
    assert len(pair.first) % 24 == 0
    assert np.isnan(pair.first[:late]).all()
    assert pair.first[late : late + 30].tolist() == values.tolist()
    assert np.isnan(pair.second[late + 30 :]).all()


def test_bytes_an_hour_become_megabits_a_second() -> None:
    rows = [
        {
            "site_id": site,
            "hour": MIDNIGHT + timedelta(hours=hour),
            "kw": kw,
            "inbound_bytes": inbound,
            "outbound_bytes": 450e6,
            "lines_known": 1,
            "lines_seen": 1,
        }
        for site, kw, inbound in (("S-a", 5.0, 450e6), ("S-b", 7.0, None))
        for hour in range(24)
    ]
    found = dict(site_traffic(pa.Table.from_pylist(rows, schema=SITE_HOURS), ZONE))
    assert {subject.name for subject in found} == {"S-a", "S-b"}
    first, second = found.values()
    assert first.first.tolist() == [5.0] * 24
    assert first.second == pytest.approx([2.0] * 24)
    assert np.isnan(second.second).all()
