"""What flows say beside evidence: connections, watched hours, look-ups, servers that nobody else asks."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from minewatch.lake.lake import Lake
from minewatch.runs.partitions import View
from minewatch.runs.wire_facts import WireFacts, wire_facts
from minewatch.schema.evidence import Detector, Evidence, SubjectKind, evidence_table
from minewatch.schema.periods import Period
from minewatch.schema.reasons import reason
from minewatch.schema.tables import TABLES

START = datetime(2026, 5, 11, tzinfo=UTC)
WEEK = Period(START, START + timedelta(days=7))
HOUR = timedelta(hours=1)
CONTROL = ("192.0.2.9", 8080)
POOL = ("203.0.113.7", 3333)


class InMemory(NamedTuple):
    """Rows of evidence that lie nowhere."""

    table: pa.Table

    def read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """See ``EvidenceRows.read``."""
        yield self.table.select(list(columns))


def flow(ip: str, port: int, server: tuple[str, int], first_h: float, hours: float = 0.1, **more: Any) -> Any:
    first = START + first_h * HOUR
    sides = {"src_ip": ip, "src_port": port, "dst_ip": server[0], "dst_port": server[1], "protocol": 6}
    times = {"first_at": first, "last_at": first + hours * HOUR}
    row = {"flow_id": f"{ip}:{port}", "capture": "tap", "names": [], **sides, **times, **more}
    return dict.fromkeys(TABLES["flows"].schema.names) | row


FLOWS = [
    flow("198.18.0.1", 1000, POOL, 2, 3, accounts=["a"], dialect="monero_login"),
    flow("198.18.0.2", 1000, POOL, 5, 1, accounts=["a"], dialect="monero_login"),
    flow("198.18.0.1", 1001, CONTROL, 9),
    flow("198.18.0.2", 1001, CONTROL, 10),
    flow("198.18.0.1", 1002, ("192.0.2.53", 53), 11),
    flow("198.18.0.2", 1002, ("192.0.2.53", 53), 11),
    flow("198.18.0.1", 1003, ("192.0.2.80", 443), 12, names=[{"kind": "dns", "name": "a.example"}]),
    flow("198.18.0.2", 1003, ("192.0.2.80", 443), 12, names=[{"kind": "sni", "name": "a.example"}]),
    flow("198.18.0.3", 1003, ("192.0.2.80", 443), 13),
    flow("198.18.0.3", 1004, ("192.0.2.81", 443), 13),
]


@pytest.fixture
def facts(tmp_path: Path) -> WireFacts:
    lake = Lake.create(tmp_path / "lake", ZoneInfo("Asia/Shanghai"), buckets=4)
    lake.append({"flows": pa.Table.from_pylist(FLOWS, schema=TABLES["flows"].schema)}, "ingest", START)
    signs = [
        Evidence(
            Detector("d", "1"),
            SubjectKind.ENDPOINT,
            f"{row['src_ip']}:{row['src_port']}",
            WEEK,
            score,
            [reason("series_all_zero", days=3)],
            onset_at=row["first_at"],
        )
        for row, score in ((FLOWS[0], 5.0), (FLOWS[1], 5.0), (FLOWS[8], -1.0))
    ]
    return wire_facts(View(lake, lake.snapshot(), WEEK, 30), InMemory(evidence_table(signs)))


def test_the_flows_of_evidence_with_a_sign_are_kept(facts: WireFacts) -> None:
    assert set(facts.connections) == {(f"198.18.0.{n}:1000", FLOWS[n - 1]["first_at"]) for n in (1, 2)}
    assert facts.connections["198.18.0.1:1000", FLOWS[0]["first_at"]]["accounts"] == ["a"]
    assert (facts.hosts, facts.flows) == (["198.18.0.1", "198.18.0.2", "198.18.0.3"], len(FLOWS))
    assert facts.zone.key == "Asia/Shanghai"


def test_hours_of_any_flow_are_watched_and_those_that_a_connection_lasts(facts: WireFacts) -> None:
    assert facts.watched["198.18.0.1"] == {START + n * HOUR for n in (2, 3, 4, 5, 9, 11, 12)}
    assert set(facts.watched) == {"198.18.0.1", "198.18.0.2"}


def test_look_ups_are_seen_only_where_a_name_came_from_one(facts: WireFacts) -> None:
    assert facts.resolving == {"198.18.0.1"}


def test_only_servers_that_mining_addresses_alone_speak_to_are_in_question(facts: WireFacts) -> None:
    assert facts.lone_servers == {"192.0.2.9:8080": frozenset({"198.18.0.1", "198.18.0.2"})}


def test_a_lake_without_flows_says_nothing(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", ZoneInfo("Asia/Shanghai"), buckets=4)
    found = wire_facts(View(lake, lake.snapshot(), WEEK, 30), InMemory(evidence_table([])))
    assert (found.flows, found.hosts, found.lone_servers) == (0, [], {})
