"""``calibrate``: inspections and the evidence on what was inspected → the table ``calibrations``, once."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from minewatch.attribute.leases import host_of
from minewatch.fuse.families import FAMILY_OF, Family
from minewatch.fuse.local import top_start
from minewatch.lake.commits import Snapshot
from minewatch.lake.failures import LakeError
from minewatch.lake.lake import Lake
from minewatch.runs.calibrations import (
    CALIBRATIONS,
    calibrations_as_read,
    newest_rows,
    shipped_calibrations,
    with_rows,
)
from minewatch.runs.evaluation.contradictions import Contradiction, Judged, contradictions, posteriors
from minewatch.runs.evaluation.labelled import BY_LOT, MINING, NOT_MINING, Labels, labels_in
from minewatch.runs.evaluation.scored_subjects import NoScanError, ScannedRun, Subjects, run_of, subjects_of
from minewatch.runs.manifest import Outcome, RunManifest, Version
from minewatch.runs.scan import PRIOR, PeriodError
from minewatch.schema.evidence import SubjectKind
from minewatch.schema.ids import content_id
from minewatch.schema.periods import Period
from minewatch.schema.record_tables import MANIFESTS
from minewatch.schema.tables import TABLES

VERB = "calibrate"
METHOD = "1"
"""Changes whenever rows are chosen in another way."""


class NoLabelError(Exception):
    """No label says anything of a subject of the scan."""

    def __init__(self, run_id: str) -> None:
        self._sentences = {
            "en": f"no label of the lake says anything of a subject of scan {run_id}",
            "zh": f"湖中没有任何标签涉及扫描{run_id}的对象",
        }
        super().__init__(self._sentences["en"])

    def text(self, language: str) -> str:
        """Return the sentence in ``language`` ("en" or "zh")."""
        return self._sentences[language]


FAILURES = (LakeError, PeriodError, NoScanError, NoLabelError)
"""What goes wrong for reasons that the user can act on."""


@dataclass(frozen=True)
class Gain:
    """What calibration did to one family.

    ``mines`` and ``innocents`` were inspected; of the innocents ``in_class`` count in their class and
    ``in_tail`` in the county's top, which begins at ``tail_from`` (None: no top). ``loss_before`` and
    ``loss_after`` are the mean of -log10 P(what the label says) of the detector alone, with every site's own
    labels left out;
    ``least_p_before`` and ``least_p_after`` the smallest p-value that any score can get.
    """

    family: Family
    judged: int
    mines: int
    innocents: int
    in_class: int
    in_tail: int
    tail_from: float | None
    loss_before: float
    loss_after: float
    least_p_before: float
    least_p_after: float


@dataclass(frozen=True)
class Calibrated:
    """What came of it; ``known``: the lake's newest calibration is this one already."""

    calibration_id: str
    run_id: str
    gains: Sequence[Gain]
    contradictions: Sequence[Contradiction]
    conflicts: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
    snapshot: Snapshot
    known: bool


def calibrate_lake(
    lake: Lake, clock: Callable[[], datetime], run_id: str | None = None, period: Period | None = None
) -> Calibrated:
    """Calibrate the detectors of a scan (default: the newest) with the labels of the lake, in one commit.

    The same labels on the same scan change nothing. Raises ``NoScanError``, ``NoLabelError`` and what the
    lake raises.
    """
    started_at, snapshot = clock(), lake.snapshot()
    run = run_of(lake, snapshot, run_id, period)
    subjects = subjects_of(lake, snapshot, run.manifest)
    labels = labels_in(lake.read(snapshot, "labels"), run.manifest.period)
    rows = [row for family in Family for row in _rows(family, subjects, labels)]
    if not any(row["label_id"] for row in rows):
        raise NoLabelError(run.manifest.run_id)
    made = _identified(rows, run, clock())
    old = newest_rows(lake.read(snapshot, CALIBRATIONS).to_pylist())
    known = bool(old) and old[0]["calibration_id"] == made[0]["calibration_id"]
    committed = snapshot if known else _commit(lake, snapshot, run, made, (started_at, clock()))
    before = _judged(lake, run, subjects)
    gains = _gains(before, made)
    return Calibrated(
        made[0]["calibration_id"],
        run.manifest.run_id,
        gains,
        contradictions(lake, snapshot, before, labels),
        labels.conflicts,
        committed,
        known,
    )


def _judged(lake: Lake, run: ScannedRun, subjects: Subjects) -> Judged:
    """Return the run as it was judged: with the calibration that it read."""
    calibrations = calibrations_as_read(lake, run.manifest)
    return Judged(run.manifest, subjects, calibrations, run.value("prior") or PRIOR)


def _rows(family: Family, subjects: Subjects, labels: Labels) -> Iterator[dict[str, Any]]:
    """Yield the rows of one family: what was inspected, and what was not in the top of the county."""
    at = _of_family(family, subjects)
    rows = subjects.rows.take(pa.array(at)).to_pylist()
    found = [labels.of(row["subject_kind"], row["subject_id"]) for row in rows]
    scores = subjects.scores[at]
    start = top_start(scores, np.array([label is not None for label in found], bool))
    for place, row, label in zip(at, rows, found, strict=True):
        in_tail = start is not None and bool(subjects.scores[place] >= start)
        if label is not None or in_tail:
            yield {
                "family": family.value,
                **{name: row[name] for name in ("detector", "detector_version", "evidence_id", "subject_id")},
                "judged": len(at),
                "tail_from": start,
                "site_id": subjects.site_ids[place],
                "score": float(subjects.scores[place]),
                **_told(label),
                "in_tail": in_tail,
            }


def _told(label: Mapping[str, Any] | None) -> dict[str, Any]:
    if label is None:
        return {"label_id": None, "outcome": None, "innocent_class": None, "in_class": False}
    return {
        **{name: label[name] for name in ("label_id", "outcome", "innocent_class")},
        "in_class": label["outcome"] == NOT_MINING and label["selection"] in BY_LOT,
    }


def _of_family(family: Family, subjects: Subjects) -> Any:
    """Return the places of a family's subjects that the archive knows; of a host at a site the strongest."""
    kinds = subjects.rows["subject_kind"].to_pylist()
    names = subjects.rows["subject_id"].to_pylist()
    best: dict[tuple[str, str, str], int] = {}
    for at in np.flatnonzero(subjects.placed).tolist():
        if FAMILY_OF.get(kinds[at]) is family:
            name = host_of(names[at]) if kinds[at] == SubjectKind.ENDPOINT else names[at]
            key = (kinds[at], str(subjects.site_ids[at]), name)
            if key not in best or subjects.scores[at] > subjects.scores[best[key]]:
                best[key] = at
    return np.array(sorted(best.values()), np.int64)


def _identified(rows: Sequence[dict[str, Any]], run: ScannedRun, at: datetime) -> list[dict[str, Any]]:
    """Return the rows with the id of the calibration that they make."""
    names = ("evidence_id", "label_id", "outcome", "innocent_class", "in_class", "in_tail")
    told = [[row[name] for name in names] for row in rows]
    calibration_id = content_id("C", METHOD, run.manifest.run_id, told)
    own = {"calibration_id": calibration_id, "made_at": at, "run_id": run.manifest.run_id}
    return [{**row, **own} for row in rows]


def _commit(
    lake: Lake,
    snapshot: Snapshot,
    run: ScannedRun,
    rows: Sequence[Mapping[str, Any]],
    times: tuple[datetime, datetime],
) -> Snapshot:
    inputs = {
        name: Version(snapshot.versions[name], lake.rows(snapshot, name))
        for name in ("evidence", "labels")
        if name in snapshot.versions
    }
    parameters = {"run_id": run.manifest.run_id, "method": METHOD}
    manifest = RunManifest(VERB, run.manifest.period, inputs, parameters, run.manifest.steps)
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=TABLES[CALIBRATIONS].schema)
    outputs = {CALIBRATIONS: Version(snapshot.versions.get(CALIBRATIONS, 0) + 1, len(rows))}
    outcome = Outcome(outputs, "local", {"calibration_id": rows[0]["calibration_id"]}, *times)
    record = pa.Table.from_pylist([manifest.as_row(outcome)], schema=MANIFESTS)
    return lake.append({CALIBRATIONS: table, "manifests": record}, VERB, times[1], source_id=manifest.run_id)


def _gains(before: Judged, rows: Sequence[Mapping[str, Any]]) -> list[Gain]:
    after = Judged(before.manifest, before.subjects, with_rows(rows), before.prior)
    chances = posteriors(before), posteriors(after)
    places = {name: at for at, name in enumerate(before.subjects.rows["evidence_id"].to_pylist())}
    gains = []
    for family in shipped_calibrations():
        own = [row for row in rows if row["family"] == family]
        told = [row for row in own if row["outcome"] in (MINING, NOT_MINING)]
        if told:
            mine = np.array([row["outcome"] == MINING for row in told])
            at = np.array([places[row["evidence_id"]] for row in told])
            losses = [float(-np.mean(np.log10(np.where(mine, p[at], 1 - p[at]).clip(1e-9)))) for p in chances]
            least = [1 - 1 / (1 + run.calibrations[family].null.heaviest) for run in (before, after)]
            counted = [row for row in told if row["outcome"] == NOT_MINING]
            gains.append(
                Gain(
                    family,
                    own[0]["judged"],
                    int(mine.sum()),
                    len(counted),
                    sum(row["in_class"] for row in counted),
                    sum(row["in_tail"] for row in counted),
                    own[0]["tail_from"],
                    *losses,
                    *least,
                )
            )
    return gains


def summary_of(made: Calibrated) -> dict[str, Any]:
    """Return what a program reads of a calibration, as JSON values."""
    pairs = [{"earlier": a["label_id"], "later": b["label_id"]} for a, b in made.conflicts]
    return json.loads(
        json.dumps(
            {
                "calibration_id": made.calibration_id,
                "run_id": made.run_id,
                "known": made.known,
                "families": [asdict(gain) for gain in made.gains],
                "contradictions": [item.as_json() for item in made.contradictions],
                "label_conflicts": pairs,
            }
        )
    )
