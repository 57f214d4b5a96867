"""Workers over all their connections, and the hash rate over time."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from minewatch.runs.report.dossier import Dossier
from minewatch.runs.report.miners import rate_drawing, workers
from minewatch.runs.report.scales import instant_ticks

START = datetime(2026, 5, 11, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONE = ZoneInfo("Asia/Shanghai")


def flow(port: int, first_h: float, hours: float, rate: float, name: str = "w1") -> dict[str, Any]:
    shares = round(hours * 120)
    told = {"submitted": shares + 2, "accepted": shares, "stale": 2, "expected_hashes": rate * hours * 3600}
    first = START + first_h * HOUR
    return {
        "src_ip": "10.0.0.1",
        "src_port": port,
        "dst_ip": "203.0.113.7",
        "dst_port": 3333,
        "protocol": 6,
        "capture": "a",
        "first_at": first,
        "last_at": first + hours * HOUR,
        "machines": None,
        "shares_first_at": first,
        "shares_last_at": first + hours * HOUR,
        "shares_submitted": shares,
        "src_packets": 1,
        "dst_packets": 1,
        "src_bytes": port,
        "dst_bytes": 1,
        "accounts": ["acc"],
        "workers": [{"worker": name, **told}],
    }


def dossier(flows: list[dict[str, Any]]) -> Dossier:
    rows = [
        {
            "evidence_id": f"E{n}",
            "subject_kind": "endpoint",
            "subject_id": f"10.0.0.1:{row['src_port']}",
            "onset_at": row["first_at"],
            "ended_at": row["last_at"],
            "hash_rate": 1e6,
            "hash_rate_low": 0.9e6,
            "hash_rate_high": 1.1e6,
        }
        for n, row in enumerate(flows)
    ]
    return Dossier({"links": []}, tuple(rows), tuple(flows), ())


def test_a_worker_that_comes_back_is_one_with_the_rate_of_all_its_time() -> None:
    (found,) = workers([flow(1, 0, 2, 3e6), flow(2, 10, 1, 6e6)])
    assert (found.account, found.name, found.connections) == ("acc", "w1", 2)
    assert (found.submitted, found.accepted, found.stale) == (364, 360, 4)
    assert found.rate is not None
    assert found.rate.value == pytest.approx(4e6)
    assert found.rate.low < 4e6 < found.rate.high


def test_one_name_on_two_connections_at_once_adds_up() -> None:
    (found,) = workers([flow(1, 0, 2, 3e6), flow(2, 0, 2, 3e6)])
    assert found.rate is not None
    assert found.rate.value == pytest.approx(6e6)


def test_workers_without_expected_hashes_have_no_rate() -> None:
    row = flow(1, 0, 2, 3e6)
    row["workers"] = [
        {"worker": "w", "submitted": 4, "accepted": None, "stale": None, "expected_hashes": None}
    ]
    (found,) = workers([row])
    assert (found.rate, found.accepted) == (None, None)
    assert workers([]) == []


def test_the_rate_is_the_sum_of_what_is_at_work() -> None:
    drawn = rate_drawing(dossier([flow(1, 0, 4, 1e6), flow(2, 2, 4, 1e6, "w2")]), ZONE)
    assert drawn is not None
    assert drawn.unit == "MH/s"
    rates = [value for _, value, _, _ in drawn.table]
    assert rates[0] == pytest.approx(1e6)
    assert max(rates) == pytest.approx(2e6)
    low, high = next((low, high) for _, value, low, high in drawn.table if value == max(rates))
    assert (low, high) == (pytest.approx(2e6 - 0.1e6 * 2**0.5), pytest.approx(2e6 + 0.1e6 * 2**0.5))
    assert rate_drawing(dossier([]), ZONE) is None


@pytest.mark.parametrize(
    ("hours", "first"), [(0.2, "08:02"), (5, "08:00"), (30, "12:00"), (24 * 5, "5/12"), (24 * 200, "6月")]
)
def test_marks_stand_at_round_local_times(hours: float, first: str) -> None:
    ticks = instant_ticks(START, START + hours * HOUR, ZONE)
    assert 2 <= len(ticks) <= 8
    assert all(0 <= tick.at <= 100 for tick in ticks)
    assert any(tick.zh == first for tick in ticks[:2]), [tick.zh for tick in ticks]
