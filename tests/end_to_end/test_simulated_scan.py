"""From foreign files of a simulated county to a list whose false-discovery rate is what it states."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minewatch.engines.local import LocalEngine
from minewatch.lake.lake import Lake
from minewatch.runs.ingest import Headway, Outcome, Settings, ingest, open_or_create
from minewatch.runs.scan import Request, Scanned, scan_lake
from minewatch.schema.periods import day_period
from minewatch.sim.county import CountyPlan
from minewatch.sim.delivery import deliver_partition
from scan_lake import Silent

CUSTOMERS = 1000
RATE = 0.10
AT = datetime(2026, 7, 1, tzinfo=UTC)


class Unwatched:
    """Nobody watches the ingest."""

    def planned(self, files: int, bytes_: int) -> None: ...
    def started(self, path: Path) -> None: ...
    def read(self, headway: Headway) -> None: ...
    def finished(self, outcome: Outcome, bytes_: int) -> None: ...


class Truth(NamedTuple):
    """Accounts that mine in the period, those with infected computers, all, and holders of addresses.

    ``hidden``: transformers, feeders and plants with a load that no meter shows.
    """

    mines: set[str]
    victims: set[str]
    accounts: set[str]
    hidden: set[str]
    held: Mapping[str, Sequence[Mapping[str, Any]]]

    def behind(self, endpoint: str, at: datetime) -> set[str]:
        """Return who was really behind an endpoint."""
        ip, _, port = endpoint.rpartition(":")
        return {
            row["subject_id"]
            for row in self.held[ip]
            if row["port_low"] <= int(port) <= row["port_high"]
            and row["valid_from"] <= at
            and (row["valid_to"] is None or at < row["valid_to"])
        }


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Lake, Scanned]:
    folder = tmp_path_factory.mktemp("county")
    plan = CountyPlan(seed=77, customers=CUSTOMERS, days=100, start_on=date(2026, 1, 1))
    deliver_partition(plan, 0, folder, "parquet")
    lake = open_or_create(folder / "lake", Settings())
    outcomes = ingest(lake, [folder / "files"], Settings(), AT, Unwatched())
    assert [outcome.path for outcome in outcomes if outcome.error] == []
    assert sum(outcome.result.quarantined for outcome in outcomes if outcome.result) == 0
    flows = lake.read(lake.snapshot(), "flows", columns=["first_at"])["first_at"].to_pylist()
    day = max(flows).astimezone(plan.zone).date()
    period = day_period(day - timedelta(days=6), day + timedelta(days=1), plan.zone)
    return folder, lake, scan_lake(lake, Request(period, RATE), LocalEngine(2), lambda: AT, Silent())


def truth_of(folder: Path, scanned: Scanned) -> Truth:
    period = scanned.manifest.period
    rows = read(folder, "truth_usage_points")
    on = [row for row in rows if row["mine_kind"] and row["onset_at"] and row["onset_at"] < period.end_at]
    held = defaultdict(list)
    for row in read(folder, "truth_endpoints"):
        held[row["ip"]].append(row)
    return Truth(
        {r["usage_point_id"] for r in on if r["ended_at"] is None or r["ended_at"] > period.start_at},
        {row["usage_point_id"] for row in rows if row["infected"]},
        {row["usage_point_id"] for row in rows},
        {row["true_transformer_id"] for row in on if not row["metered"]}
        | {row["feeder_id"] for row in read(folder, "truth_feeder_mines")}
        | {row["plant_id"] for row in read(folder, "truth_plant_mines")},
        held,
    )


def read(folder: Path, table: str) -> list[dict[str, Any]]:
    files = sorted((folder / "truth" / table).glob("*.parquet"))
    return list(pa.concat_tables([pq.read_table(file) for file in files]).to_pylist())


def named_by(finding: Mapping[str, Any], truth: Truth, at: Mapping[str, datetime]) -> set[str]:
    """Return the accounts that a finding speaks of, and parts of the grid; else who was behind its endpoints.

    Customers at whom the load of a transformer may sit are not accused.
    """
    grid = {item["name"] for kind in ("transformers", "feeders", "plants") for item in finding[kind]}
    if grid & truth.hidden or (grid and not finding["endpoints"]):
        return grid
    points = {item["name"] for item in finding["usage_points"]}
    ends = [item["name"] for item in finding["endpoints"]]
    return points or {name for end in ends for name in truth.behind(end, at[end])}


def test_the_list_keeps_its_rate_and_finds_mines(
    county: tuple[Path, Lake, Scanned], record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, lake, scanned = county
    truth = truth_of(folder, scanned)
    evidence = lake.read(scanned.snapshot, "evidence", columns=["subject_id", "onset_at"])
    at = dict(zip(evidence["subject_id"].to_pylist(), evidence["onset_at"].to_pylist(), strict=True))
    listed = [named_by(row, truth, at) for row in scanned.findings.to_pylist()]
    guilty = [names & (truth.mines | truth.victims | truth.hidden) for names in listed]
    false = sum(not names for names in guilty)
    found = set().union(*guilty) & truth.mines
    recall, proportion = len(found) / len(truth.mines), false / max(1, len(listed))
    record_property("recall", recall)
    record_property("false_discovery_proportion", proportion)
    with capsys.disabled():
        print(f"\nlisted {len(listed)}, false {false}; found {len(found)} of {len(truth.mines)} mines")  # noqa: T201
    assert proportion <= RATE + 0.1  # one list is one draw around the rate
    assert recall >= 0.5


def test_a_victim_is_not_called_a_miner(county: tuple[Path, Lake, Scanned]) -> None:
    folder, _, scanned = county
    truth = truth_of(folder, scanned)
    kinds = [
        row["kind"]
        for row in scanned.findings.to_pylist()
        if {item["name"] for item in row["usage_points"]} & (truth.victims - truth.mines)
    ]
    assert set(kinds) <= {"passive_victim"}


def test_power_is_within_its_interval_for_most(county: tuple[Path, Lake, Scanned]) -> None:
    folder, _, scanned = county
    kw: dict[str, float] = {r["usage_point_id"]: r["power_kw"] for r in read(folder, "truth_usage_points")}
    mines = truth_of(folder, scanned).mines
    ratios = []
    for row in scanned.findings.to_pylist():
        true = sum(kw[item["name"]] for item in row["usage_points"] if item["name"] in mines)
        if true and row["power_kw"]:
            ratios.append(row["power_kw"] / true)
    assert sum(0.5 <= ratio <= 2 for ratio in ratios) >= 0.6 * len(ratios)
