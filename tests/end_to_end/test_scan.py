"""A scan of a small lake: one farm seen by meter and wire, a contradiction, a stranger, innocents."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from minewatch.cli.app import app
from minewatch.cli.scan import Display
from minewatch.engines.local import LocalEngine
from minewatch.lake.commits import Snapshot
from minewatch.lake.lake import Lake
from minewatch.runs.branches import BRANCHES, Branch, subject_name
from minewatch.runs.evidence_rows import LakeEvidence
from minewatch.runs.replay import ReplayError, replay
from minewatch.runs.scan import Scanned, period_of, step_parameters, view_of
from minewatch.runs.work import Work
from minewatch.schema.analysis_tables import EVIDENCE, FINDINGS
from minewatch.schema.tables import TABLES
from scan_lake import PERIOD, STRANGER, ZONE, cast, county, make_lake, scanned

Row = dict[str, Any]
GRID_KINDS = {"transformer", "feeder", "plant"}
NOT_HERE = {"places", "traffic", "timing"}
"""Stages that may have nothing to judge: no unmetered load found, no line counted, no quiet connection."""


@pytest.fixture(scope="module")
def run(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Scanned]:
    folder = tmp_path_factory.mktemp("scan") / "lake"
    shutil.copytree(fresh, folder)
    lake = Lake.open(folder)
    return lake, scanned(lake)


def finding_at(result: Scanned, usage_point_id: str) -> Row:
    for row in result.findings.to_pylist():
        if usage_point_id in {item["name"] for item in row["usage_points"]}:
            return dict(row)
    raise AssertionError(f"{usage_point_id} is not on the list")


def true_kwh(usage_point_id: str) -> float:
    """Mining energy of the period, by the simulator's truth."""
    first, last = period_of(PERIOD, ZONE).days(ZONE)
    rows = county().truth["truth_mining"].to_pylist()
    days = [r for r in rows if r["usage_point_id"] == usage_point_id and first <= r["day"] < last]
    return float(sum(sum(row["kw"]) for row in days) * 24 / len(days[0]["kw"]))


@pytest.fixture
def copied(run: tuple[Lake, Scanned], tmp_path: Path) -> Lake:
    """Return a copy of the scanned lake, to spoil."""
    shutil.copytree(run[0].path, tmp_path / "copy")
    return Lake.open(tmp_path / "copy")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a lake that was not scanned, to copy."""
    return make_lake(tmp_path_factory.mktemp("fresh") / "lake").path


def codes(items: list[Row]) -> set[str]:
    return {item["code"] for item in items}


def test_a_farm_that_meter_and_wire_see_is_near_certain_and_linked(run: tuple[Lake, Scanned]) -> None:
    row, players = finding_at(run[1], cast().farm), cast()
    assert row["posterior"] > 0.999
    assert row["q_value"] < 0.01
    assert row["kind"] == "active"
    assert row["power_kw"] == pytest.approx(players.farm_kw, rel=0.5)
    assert row["hash_rate"] > 0
    assert "meter_and_wire_agree" in codes(row["reasons"])
    assert row["contradictions"] == []
    assert row["enterprise_name"] == "汉源云上数据有限公司"
    kinds = [(link["from_kind"], link["to_kind"]) for link in row["links"]]
    assert kinds[:3] == [("endpoint", "lease"), ("lease", "holder"), ("holder", "usage_point")]
    assert row["energy_kwh"] == pytest.approx(true_kwh(players.farm), rel=0.5)


def test_more_on_the_wire_than_the_meter_ever_showed_is_a_contradiction(run: tuple[Lake, Scanned]) -> None:
    row = finding_at(run[1], cast().home)
    assert row["kind"] == "unmetered_supply"
    assert {"wire_above_supply", "wire_without_meter"} <= codes(row["contradictions"])


def test_an_endpoint_without_lease_is_on_the_list_without_address(run: tuple[Lake, Scanned]) -> None:
    rows = [row for row in run[1].findings.to_pylist() if row["endpoints"] and not row["usage_points"]]
    assert [row["endpoints"][0]["name"] for row in rows] == [f"{STRANGER}:40000"]
    assert rows[0]["address"] is None
    assert "lease_unknown" in codes(rows[0]["reasons"])


def test_no_innocent_is_listed(run: tuple[Lake, Scanned]) -> None:
    players, truth = cast(), county().truth
    rows = run[1].findings.to_pylist()
    named = {item["name"] for row in rows if not row["transformers"] for item in row["usage_points"]}
    assert named <= players.mines | {players.home}
    points = truth["truth_usage_points"].to_pylist()
    bypassed = {row["true_transformer_id"] for row in points if row["mine_kind"] and not row["metered"]}
    assert {item["name"] for row in rows for item in row["transformers"]} <= bypassed
    tapped = {row["feeder_id"] for row in truth["truth_feeder_mines"].to_pylist()}
    assert {item["name"] for row in rows for item in row["feeders"]} <= tapped


def test_every_judged_usage_point_is_in_one_assessed_site(run: tuple[Lake, Scanned]) -> None:
    lake, result = run
    assessed = lake.read(result.snapshot, "assessments")
    assert assessed.num_rows == result.summary["sites_tested"]
    assert len(set(assessed["site_id"].to_pylist())) == assessed.num_rows
    subjects = lake.read(result.snapshot, "evidence", columns=["subject_kind", "subject_id"]).to_pylist()
    points = {row["subject_id"] for row in subjects if row["subject_kind"] == "usage_point"}
    grid = {
        row["subject_id"] for row in subjects if row["subject_kind"] in ("transformer", "feeder", "plant")
    }
    assert points >= set(county().tables["interval_readings"]["usage_point_id"].to_pylist())
    # Split accounts share a door in the simulation, but not the addresses given here.
    sites = len(points) + len(grid) - result.summary["loads_given_to_customers"] + 1
    assert assessed.num_rows + result.summary["sites_refused"] == sites


def test_the_run_is_one_commit_and_scanning_again_adds_nothing(run: tuple[Lake, Scanned]) -> None:
    lake, first = run
    assert first.snapshot.revision == 3
    again = scanned(lake)
    assert again.known
    assert again.manifest.run_id == first.manifest.run_id
    assert lake.snapshot().revision == 3
    assert again.findings.select(FINDINGS.names).equals(first.findings.select(FINDINGS.names))
    manifest = lake.read(first.snapshot, "manifests").to_pylist()[0]
    outputs = {item["table"]: item for item in manifest["outputs"]}
    for table in ("evidence", "assessments", "findings"):
        assert outputs[table]["version"] == first.snapshot.versions[table]
        assert outputs[table]["rows"] == lake.rows(first.snapshot, table)


def test_another_rate_uses_the_evidence_again(run: tuple[Lake, Scanned], copied: Lake) -> None:
    lake, first = copied, run[1]
    second = scanned(lake, rate=0.5)
    assert second.manifest.run_id != first.manifest.run_id
    assert lake.rows(second.snapshot, "evidence") == lake.rows(first.snapshot, "evidence")
    assert second.findings.num_rows >= first.findings.num_rows
    assert not (lake.path / ".scan").exists() or not list((lake.path / ".scan").iterdir())


def test_more_workers_make_the_same_rows(run: tuple[Lake, Scanned], fresh: Path, tmp_path: Path) -> None:
    shutil.copytree(fresh, tmp_path / "lake")
    other = scanned(Lake.open(tmp_path / "lake"), workers=3)
    assert other.manifest.run_id == run[1].manifest.run_id
    assert other.findings.equals(run[1].findings)
    assert other.summary == run[1].summary


def test_findings_of_meter_and_wire_replay_bit_for_bit(run: tuple[Lake, Scanned]) -> None:
    lake, result = run
    stranger = next(row for row in result.findings.to_pylist() if not row["usage_points"])
    for row in (finding_at(result, cast().farm), finding_at(result, cast().home), stranger):
        replayed = replay(lake, row["finding_id"], LocalEngine(1))
        assert replayed.differences == ()
        assert {item.table for item in replayed.comparisons} == {"findings", "assessments", "evidence"}


@pytest.mark.parametrize("branch", BRANCHES, ids=lambda branch: branch.stage)
def test_every_detector_computes_a_subject_again_bit_for_bit(
    run: tuple[Lake, Scanned], tmp_path: Path, branch: Branch
) -> None:
    """Alone, with only what its evidence follows from, as for a replay."""
    lake, result = run
    manifest = result.manifest
    snapshot = Snapshot(-1, {name: item.version for name, item in manifest.inputs.items()})
    stored = LakeEvidence(lake, result.snapshot, manifest)
    every = {row["evidence_id"]: row for table in stored.read(EVIDENCE.names) for row in table.to_pylist()}
    own = [row for row in every.values() if row["detector"] == branch.step.name]
    own.sort(key=lambda row: (row["log10_lr"] is None, -(row["log10_lr"] or 0), row["evidence_id"]))
    view = view_of(lake, snapshot, manifest)
    work = Work(view, LocalEngine(1), step_parameters(manifest), tmp_path, stored)
    for row in own[:2]:
        name = subject_name(branch.kind, row["subject_id"])
        parts = branch.evidence(work, [name])
        anew = [found for part in parts for found in pq.read_table(part.path).cast(EVIDENCE).to_pylist()]
        assert [found for found in anew if found["evidence_id"] == row["evidence_id"]] == [row]
        assert all(every[found["evidence_id"]] == found for found in anew)
    assert own or branch.stage in NOT_HERE


def test_every_stage_has_a_name_in_both_languages() -> None:
    stages = {"books", "sites", "commit", "report", *(branch.stage for branch in BRANCHES)}
    assert stages <= Display.NAMES.keys()
    assert all(en and zh for en, zh in Display.NAMES.values())


def test_every_table_that_a_branch_reads_is_an_input_of_the_run(run: tuple[Lake, Scanned]) -> None:
    lake, result = run
    read = {name for branch in BRANCHES for name in branch.tables}
    assert read & lake.snapshot().versions.keys() <= result.manifest.inputs.keys()
    steps = [step for branch in BRANCHES for step in branch.steps]
    assert result.manifest.steps == tuple(f"{step.name}@{step.version}" for step in steps)


def tamper(lake: Lake, table: str, column: str) -> None:
    """Add a little to every stored number of ``column``, in place."""
    for file in lake.files(lake.snapshot(), table):
        rows = pq.read_table(file.path)
        place = rows.schema.get_field_index(column)
        changed = [None if v is None else v * (1 + 2**-50) for v in rows[column].to_pylist()]
        rows = rows.set_column(
            place, rows.schema.field(place), pa.array(changed, rows.schema.field(place).type)
        )
        pq.write_table(rows, file.path)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("findings", "power_kw"),
        ("assessments", "q_value"),
        ("evidence", "log10_lr"),
        ("evidence", "power_kw_low"),
    ],
)
def test_a_number_that_was_changed_afterwards_is_discovered(
    run: tuple[Lake, Scanned], copied: Lake, table: str, column: str
) -> None:
    row = finding_at(run[1], cast().farm)
    tamper(copied, table, column)
    differences = replay(Lake.open(copied.path), row["finding_id"], LocalEngine(1)).differences
    assert (table, column) in {(item.table, item.name) for item in differences}


def test_a_reading_that_was_changed_afterwards_is_discovered(run: tuple[Lake, Scanned], copied: Lake) -> None:
    lake, row = copied, finding_at(run[1], cast().farm)
    for file in lake.files(lake.snapshot(), "interval_readings"):
        rows = pq.read_table(file.path)
        curves = [[value * 2 for value in day] for day in rows["kw"].to_pylist()]
        place = rows.schema.get_field_index("kw")
        field = TABLES["interval_readings"].schema.field("kw")
        pq.write_table(
            rows.set_column(place, rows.schema.field(place), pa.array(curves, field.type)), file.path
        )
    names = {
        item.name for item in replay(Lake.open(lake.path), row["finding_id"], LocalEngine(1)).differences
    }
    assert "power_kw" in names


def test_a_replay_that_cannot_be_says_why(
    run: tuple[Lake, Scanned], copied: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, row = copied, finding_at(run[1], cast().farm)
    with pytest.raises(ReplayError, match="holds no finding F-nothing"):
        replay(lake, "F-nothing", LocalEngine(1))
    with monkeypatch.context() as patch:
        patch.setattr("minewatch.runs.scan.BRANCHES", ())
        with pytest.raises(ReplayError, match="steps was customer_load"):
            replay(lake, row["finding_id"], LocalEngine(1))
    for file in lake.files(lake.snapshot(), "interval_readings"):
        file.path.unlink()
    with pytest.raises(ReplayError, match="are gone"):
        replay(lake, row["finding_id"], LocalEngine(1))


def test_the_verbs(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(fresh, tmp_path / "lake")
    lake, runner = Lake.open(tmp_path / "lake"), CliRunner()
    out = tmp_path / "out"
    result = runner.invoke(
        app, ["scan", str(lake.path), "--period", PERIOD, "--engine", "local[1]", "--out", str(out), "--json"]
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["findings"]
    assert Path(told["list"]).is_file()
    assert len(list((out / "evidence").glob("*.html"))) == len(told["findings"])
    finding = told["findings"][0]
    assert runner.invoke(app, ["replay", str(lake.path), finding]).exit_code == 0
    monkeypatch.setenv("MINEWATCH_LAKE", str(lake.path))
    shown = runner.invoke(app, ["replay", finding, "--json"])
    assert json.loads(shown.stdout)["same"] is True
    tamper(lake, "findings", "energy_kwh")
    assert runner.invoke(app, ["replay", finding]).exit_code == 1
    assert runner.invoke(app, ["replay", str(lake.path), "F-nothing"]).exit_code == 2
    plain = runner.invoke(app, ["scan", str(lake.path), "--period", PERIOD, "--out", str(out)])
    assert "in the lake already" in plain.stdout


def test_an_empty_list_says_what_was_looked_at(run: tuple[Lake, Scanned], tmp_path: Path) -> None:
    runner = CliRunner()
    arguments = ["scan", str(run[0].path), "--out", str(tmp_path / "out"), "--period"]
    result = runner.invoke(app, [*arguments, "2024-W01"])
    assert result.exit_code == 0, result.output
    assert "nothing to look at" in result.stdout
    wrong = runner.invoke(app, [*arguments, "last week"])
    assert wrong.exit_code == 2
    assert runner.invoke(app, ["scan", str(tmp_path), "--period", PERIOD]).exit_code == 2
