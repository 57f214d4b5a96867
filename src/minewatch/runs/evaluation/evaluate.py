"""``evaluate``: what labels say of a scan, for each detector and for the list."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from minewatch.lake.commits import Snapshot
from minewatch.lake.failures import LakeError
from minewatch.lake.lake import Lake
from minewatch.runs.calibrations import calibrations_as_read
from minewatch.runs.evaluation.contradictions import Contradiction, Judged, contradictions
from minewatch.runs.evaluation.figures import Ranking, figures, list_figures
from minewatch.runs.evaluation.labelled import BY_LOT, MINING, VICTIM, Labels, labels_in
from minewatch.runs.evaluation.rankings import (
    Labelled,
    of_detectors,
    of_sites,
    ranking_of,
    site_labels,
)
from minewatch.runs.evaluation.scored_subjects import NoScanError, ScannedRun, Subjects, run_of, subjects_of
from minewatch.runs.manifest import RunManifest
from minewatch.runs.partitions import after
from minewatch.runs.scan import PRIOR, PeriodError, assessments_of
from minewatch.schema.periods import Period
from minewatch.schema.reasons import Reason, reason
from minewatch.schema.record_tables import LABELS
from minewatch.sources.files import files_of
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise
from minewatch.sources.unreadable import UnreadableFile

FUSED = "fused"
COMPLETE, ENOUGH_BY_LOT = 0.95, 30
"""Share of labels from which on they count as complete; labels by lot that tell the share of mines."""


class NoMatchError(Exception):
    """No label says anything of a subject of the scan."""

    def __init__(self, labels: int, run_id: str) -> None:
        self._sentences = {
            "en": f"of {labels} labels none says anything of a subject that scan {run_id} judged; "
            "ingest labels into the lake or name a file of them with --labels",
            "zh": f"{labels}条标签中没有一条涉及扫描{run_id}所判定的对象;"
            "请将标签导入数据湖,或用--labels指定标签文件",
        }
        super().__init__(self._sentences["en"])

    def text(self, language: str) -> str:
        """Return the sentence in ``language`` ("en" or "zh")."""
        return self._sentences[language]


FAILURES = (LakeError, PeriodError, NoScanError, NoMatchError, UnreadableFile, OSError)
"""What goes wrong for reasons that the user can act on."""


@dataclass(frozen=True)
class Asked:
    """What to evaluate: a scan (default: the newest), labels of a file, a known share of mines."""

    run_id: str | None = None
    period: Period | None = None
    labels: Path | None = None
    prevalence: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """Figures by detector and ``FUSED``, nested (see ``evaluation_figures``), and what they rest on."""

    run_id: str
    period: Period
    judged: Mapping[str, int]
    figures: Mapping[str, Mapping[str, Any]]
    notes: Sequence[Reason]
    contradictions: Sequence[Contradiction]
    conflicts: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "run_id": self.run_id,
            "period": [self.period.start_at.isoformat(), self.period.end_at.isoformat()],
            "figures": dict(self.figures),
            "notes": [item.as_row() for item in self.notes],
            "contradictions": [item.as_json() for item in self.contradictions],
            "label_conflicts": [
                {"earlier": earlier["label_id"], "later": later["label_id"]}
                for earlier, later in self.conflicts
            ],
        }


def evaluate_lake(lake: Lake, asked: Asked) -> Evaluation:
    """Compare a scan of ``lake`` with labels: its own, or those of a file or folder.

    Raises ``NoScanError``, ``NoMatchError``, ``UnreadableFile`` and what the lake raises.
    """
    snapshot = lake.snapshot()
    run = run_of(lake, snapshot, asked.run_id, asked.period)
    table = labels_from(asked.labels, lake) if asked.labels else lake.read(snapshot, "labels")
    labels = labels_in(table, run.manifest.period)
    subjects = subjects_of(lake, snapshot, run.manifest)
    rankings, judged = _rankings(lake, snapshot, run.manifest, (subjects, labels))
    if not any(rankings.values()):
        raise NoMatchError(table.num_rows, run.manifest.run_id)
    first_at = _first_reading(lake, snapshot, run.manifest)
    shown, notes = {}, list(_notes_on_labels(subjects, labels))
    for name, found in rankings.items():
        basis = _prevalence(found, judged[name], run, asked.prevalence)
        notes += _notes_on(name, found, judged[name])
        shown[name] = _shown(ranking_of(found, first_at), basis, judged[name])
    shown[FUSED]["list"] = _list(lake, snapshot, run.manifest, rankings[FUSED])
    against = contradictions(lake, snapshot, _as_judged(lake, run, subjects), labels)
    return Evaluation(
        run.manifest.run_id, run.manifest.period, judged, shown, notes, against, labels.conflicts
    )


def labels_from(path: Path, lake: Lake) -> pa.Table:
    """Read the labels in a file, or in the files of a folder. Raises ``UnreadableFile``, OSError."""
    options = ReadOptions(lake.zone, table="labels")
    batches = (batch for file in files_of([path]) for batch in recognise(file, options).reader(file, options))
    rows = [batch.rows.select(LABELS.names) for batch in batches if batch.table == "labels"]
    return pa.concat_tables([LABELS.empty_table(), *rows], promote_options="permissive")


def _rankings(
    lake: Lake, snapshot: Snapshot, manifest: RunManifest, joined: tuple[Subjects, Labels]
) -> tuple[dict[str, Sequence[Labelled]], dict[str, int]]:
    """Return the labelled things of each detector and of the list, and how many each judged."""
    subjects, labels = joined
    by_detector = of_detectors(subjects, labels)
    assessments = assessments_of(lake, snapshot, manifest.run_id).to_pylist()
    findings = {row["site_id"]: row for row in _findings(lake, snapshot, manifest)}
    sites = of_sites(assessments, findings, site_labels(subjects, labels))
    versions = zip(
        *(subjects.rows[name].to_pylist() for name in ("detector", "detector_version")), strict=True
    )
    judged = Counter(f"{detector}@{version}" for detector, version in versions)
    return {**by_detector, FUSED: sites}, {**judged, FUSED: len(assessments)}


def _findings(lake: Lake, snapshot: Snapshot, manifest: RunManifest) -> list[Mapping[str, Any]]:
    run = {"run_id": (manifest.run_id, after(manifest.run_id))}
    found: list[Mapping[str, Any]] = lake.read(snapshot, "findings", where=run).to_pylist()
    return found


def _first_reading(lake: Lake, snapshot: Snapshot, manifest: RunManifest) -> datetime:
    """Return when the data of a run begin: its history, or the first reading of the lake."""
    days = manifest.parameters["evidence"]["history_days"]
    start_at = manifest.period.end_at - timedelta(days=days)
    firsts = [
        file.bounds["day"][0] for file in lake.files(snapshot, "interval_readings") if "day" in file.bounds
    ]
    if not firsts:
        return start_at
    return max(start_at, datetime.combine(min(firsts), time(), lake.zone).astimezone(UTC))


def _prevalence(
    found: Sequence[Labelled], judged: int, run: ScannedRun, stated: float | None
) -> tuple[float, str]:
    """Return the share of mines among what was judged, and where it comes from."""
    if stated is not None:
        return stated, "stated"
    by_lot = [item.label["outcome"] == MINING for item in found if item.label["selection"] == "random"]
    every = [item.label["outcome"] == MINING for item in found]
    if len(every) >= COMPLETE * judged and any(every):
        return sum(every) / len(every), "labels"
    if len(by_lot) >= ENOUGH_BY_LOT and any(by_lot):
        return sum(by_lot) / len(by_lot), "lot"
    return run.value("prior") or PRIOR, "scan"


def _shown(ranking: Ranking, basis: tuple[float, str], judged: int) -> dict[str, Any]:
    prevalence, source = basis
    mines = int(ranking.mine.sum())
    return {
        "judged": judged,
        "labelled": len(ranking.mine),
        "mines": mines,
        "innocents": len(ranking.mine) - mines,
        "sites": len(set(ranking.sites.tolist())),
        "prevalence": prevalence,
        "prevalence_from": source,
        **figures(ranking, prevalence),
    }


def _list(lake: Lake, snapshot: Snapshot, manifest: RunManifest, found: Sequence[Labelled]) -> dict[str, Any]:
    """Return what inspections confirmed of that part of the list that was inspected."""
    listed = {row["site_id"] for row in _findings(lake, snapshot, manifest)}
    on = np.array([item.site in listed for item in found], bool)
    return {"listed": len(listed), **list_figures(ranking_of(found, manifest.period.start_at), on)}


def _as_judged(lake: Lake, run: ScannedRun, subjects: Subjects) -> Judged:
    """Return the run as it was judged: with the calibration that it read."""
    return Judged(
        run.manifest, subjects, calibrations_as_read(lake, run.manifest), run.value("prior") or PRIOR
    )


def _notes_on(name: str, found: Sequence[Labelled], judged: int) -> Iterator[Reason]:
    """Yield what one must know to read the figures of one detector, or of the list."""
    if found and len(found) < COMPLETE * judged:
        percent = 100 * len(found) / judged
        yield reason("evaluate_labelled", name=name, labelled=len(found), judged=judged, percent=percent)
    chosen = Counter(item.label["selection"] for item in found)
    by_lot = sum(chosen[selection] for selection in BY_LOT)
    if found and by_lot < len(found):
        listed, tip = chosen["listed"], chosen["tip"]
        unknown = len(found) - by_lot - listed - tip
        yield reason("evaluate_chosen", name=name, listed=listed, tip=tip, unknown=unknown, by_lot=by_lot)


def _notes_on_labels(subjects: Subjects, labels: Labels) -> Iterator[Reason]:
    outcomes = Counter(label["outcome"] for label in labels.by_subject.values())
    if outcomes[VICTIM]:
        yield reason("evaluate_victims", victims=outcomes[VICTIM])
    judged = _subjects_in(subjects.rows)
    mines = [name for name, label in labels.by_subject.items() if label["outcome"] == MINING]
    refused = len(set(mines) & _subjects_in(subjects.refused) - judged)
    unseen = len(set(mines) - judged) - refused
    if refused or unseen:
        yield reason("evaluate_unjudged", refused=refused, unseen=unseen, mines=len(mines))


def _subjects_in(rows: pa.Table) -> set[tuple[str, str]]:
    return set(zip(rows["subject_kind"].to_pylist(), rows["subject_id"].to_pylist(), strict=True))
