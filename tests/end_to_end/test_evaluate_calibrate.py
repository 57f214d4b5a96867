"""A scan, inspections, figures, a calibration, the next scan, and the replay of both."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from typer.testing import CliRunner

import scan_lake
from minewatch.cli.app import app
from minewatch.engines.local import LocalEngine
from minewatch.lake.lake import Lake
from minewatch.runs.evaluation.calibrate import Calibrated, NoLabelError, calibrate_lake
from minewatch.runs.evaluation.evaluate import Asked, Evaluation, NoMatchError, evaluate_lake
from minewatch.runs.evaluation.scored_subjects import subjects_of
from minewatch.runs.evidence_rows import is_aside
from minewatch.runs.replay import replay
from minewatch.runs.scan import Scanned
from minewatch.schema.tables import TABLES


class Told(NamedTuple):
    lake: Lake
    before: Scanned
    evaluation: Evaluation
    calibrated: Calibrated
    after: Scanned


def truth_labels(selection: str = "census") -> list[dict[str, Any]]:
    """What inspections of every account would have found."""
    rows = []
    for row in scan_lake.county().truth["truth_usage_points"].to_pylist():
        name, mines = row["usage_point_id"], row["mine_kind"] and row["onset_at"]
        base = {"subject_kind": "usage_point", "subject_id": name, "selection": selection}
        outcome = "victim" if row["infected"] else "not_mining"
        innocent = {"label_id": f"{name}-0", "outcome": outcome, "innocent_class": row["kind"]}
        rows.append(base | innocent | {"valid_to": row["onset_at"] if mines else None})
        if mines:
            mine = {name: row[name] for name in ("mine_kind", "power_kw", "onset_at")}
            times = {"valid_from": row["onset_at"], "valid_to": row["ended_at"]}
            rows.append(base | mine | times | {"label_id": f"{name}-1", "outcome": "mining"})
    return rows


def with_labels(lake: Lake, rows: list[dict[str, Any]]) -> None:
    lake.append({"labels": pa.Table.from_pylist(rows, TABLES["labels"].schema)}, "ingest", scan_lake.AT)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    lake = scan_lake.make_lake(tmp_path_factory.mktemp("calibrated") / "lake")
    before = scan_lake.scanned(lake)
    with pytest.raises(NoMatchError):
        evaluate_lake(lake, Asked())
    with pytest.raises(NoLabelError):
        calibrate_lake(lake, lambda: scan_lake.AT)
    players, rows = scan_lake.cast(), truth_labels()
    wrong = {players.farm: "not_mining", players.home: "mining"}
    for row in rows:
        if row["subject_id"] in wrong and row.get("valid_from") is None:
            row |= {"outcome": wrong[row["subject_id"]], "label_id": f"wrong-{row['subject_id']}"}
    rows = [row for row in rows if not (row["subject_id"] == players.farm and row["outcome"] == "mining")]
    with_labels(
        lake, [row if row["subject_id"] != players.farm else row | {"valid_to": None} for row in rows]
    )
    evaluation = evaluate_lake(lake, Asked())
    calibrated = calibrate_lake(lake, lambda: scan_lake.AT)
    return Told(lake, before, evaluation, calibrated, scan_lake.scanned(lake))


def test_figures_of_detector_and_list(told: Told) -> None:
    names = [name.split("@")[0] for name in told.evaluation.figures]
    assert names == ["customer_load", "fused"]
    for figures in told.evaluation.figures.values():
        assert 0.8 < figures["roc_auc"]["value"] <= 1
        assert figures["roc_auc"]["low"] <= figures["roc_auc"]["value"] <= figures["roc_auc"]["high"]
        assert figures["by_kind"]
    assert told.evaluation.figures["fused"]["list"]["listed"] == told.before.findings.num_rows
    assert not any(note.code == "evaluate_chosen" for note in told.evaluation.notes)


def test_wrong_labels_are_shown_with_their_evidence(told: Told) -> None:
    players = scan_lake.cast()
    for found in (told.evaluation.contradictions, told.calibrated.contradictions):
        kinds = {item.label["subject_id"]: item.kind for item in found}
        assert kinds[players.farm] == "sign_at_innocent"
        assert kinds[players.home] == "no_sign_at_mine"
        evidence = {item.evidence["evidence_id"]: item.evidence["subject_id"] for item in found}
        assert set(evidence.values()) == set(kinds)
        assert all(item.evidence["reasons"] for item in found)


def test_where_a_load_sits_is_no_refusal(told: Told) -> None:
    rows = told.lake.read(told.lake.snapshot(), "evidence")
    aside = set(rows.filter(is_aside(rows))["evidence_id"].to_pylist())
    refused = subjects_of(told.lake, told.lake.snapshot(), told.before.manifest).refused
    assert aside
    assert not aside & set(refused["evidence_id"].to_pylist())


def test_calibration_is_one_commit_and_again_none(told: Told) -> None:
    rows = told.lake.read(told.lake.snapshot(), "calibrations").to_pylist()
    assert {row["calibration_id"] for row in rows} == {told.calibrated.calibration_id}
    revision = told.lake.snapshot().revision
    again = calibrate_lake(told.lake, lambda: scan_lake.AT, run_id=told.before.manifest.run_id)
    assert (again.known, again.calibration_id) == (True, told.calibrated.calibration_id)
    assert told.lake.snapshot().revision == revision
    gain = {gain.family: gain for gain in told.calibrated.gains}["meter"]
    assert gain.mines + gain.innocents <= gain.judged
    assert gain.in_class == gain.in_tail == gain.innocents


def test_the_next_scan_uses_it_and_keeps_its_evidence(told: Told) -> None:
    assert told.after.manifest.run_id != told.before.manifest.run_id
    assert told.after.manifest.inputs["calibrations"].rows > 0
    assert "calibrations" not in told.before.manifest.inputs
    versions = [run.snapshot.versions["evidence"] for run in (told.before, told.after)]
    assert versions[0] == versions[1]
    lake, revision = told.lake, told.lake.snapshot()
    scores = []
    for run in (told.before, told.after):
        rows = lake.read(revision, "assessments").to_pylist()
        scores.append(
            {row["site_id"]: row["p_value"] for row in rows if row["run_id"] == run.manifest.run_id}
        )
    assert scores[0].keys() == scores[1].keys()
    assert scores[0] != scores[1]


def test_findings_of_both_scans_are_replayed(told: Told) -> None:
    for run in (told.before, told.after):
        finding = run.findings["finding_id"][0].as_py()
        assert replay(told.lake, finding, LocalEngine(1)).differences == ()


def test_labels_of_a_file_that_a_list_led_to(told: Told, tmp_path: Path) -> None:
    listed = {item["name"] for row in told.before.findings.to_pylist() for item in row["usage_points"]}
    rows = [row for row in truth_labels("listed") if row["subject_id"] in listed]
    path = tmp_path / "labels.csv"
    names = ("label_id", "subject_kind", "subject_id", "outcome", "innocent_class", "power_kw", "selection")
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, (*names, "valid_from", "valid_to"), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    found = _json(
        "evaluate", str(told.lake.path), "--labels", str(path), "--run", told.before.manifest.run_id
    )
    codes = [note["code"] for note in found["notes"]]
    assert "evaluate_chosen" in codes
    assert "evaluate_labelled" in codes
    assert found["figures"]["fused"]["list"]["confirmed"]["n"] >= 5
    assert found["figures"]["fused"]["prevalence_from"] == "scan"


def _json(*words: str) -> Mapping[str, Any]:
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    found: Mapping[str, Any] = json.loads(result.stdout)
    return found


def test_the_verbs_speak(told: Told) -> None:
    lake, run = str(told.lake.path), told.before.manifest.run_id
    shown = CliRunner().invoke(app, ["evaluate", lake, "--run", run, "--prevalence", "0.01"])
    assert shown.exit_code == 0, shown.output
    assert "ROC-AUC" in shown.stdout
    again = CliRunner().invoke(app, ["calibrate", lake, "--run", run])
    assert again.exit_code == 0, again.output
    assert told.calibrated.calibration_id in again.stdout
    assert _json("calibrate", lake, "--run", run)["known"]
    missing = CliRunner().invoke(app, ["evaluate", lake, "--run", "R-0"])
    assert missing.exit_code == 2
