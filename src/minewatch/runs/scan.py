"""``scan``: from a lake and a period to evidence, assessments, findings and manifest, in one commit."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from minewatch.engines.base import Engine
from minewatch.engines.failures import EngineError
from minewatch.fuse.combination import ASSUMED_SHARE
from minewatch.lake.commits import Snapshot
from minewatch.lake.failures import LakeError
from minewatch.lake.lake import Lake
from minewatch.runs.branches import BRANCHES
from minewatch.runs.calibrations import CALIBRATIONS, calibrations_as_read
from minewatch.runs.evidence_rows import EvidenceRows, LakeEvidence, PartEvidence
from minewatch.runs.judgement import Conclusion, Question, conclude
from minewatch.runs.manifest import Outcome, RunManifest, Version, manifest_from_row
from minewatch.runs.partitions import View, after, readings_of
from minewatch.runs.registers import REGISTERS, registers_of
from minewatch.runs.wire_facts import wire_facts
from minewatch.runs.work import Watcher, Work
from minewatch.schema.analysis_tables import ASSESSMENTS
from minewatch.schema.periods import Period, parse_period
from minewatch.schema.record_tables import MANIFESTS
from minewatch.schema.steps import PartResult

VERB = "scan"
HISTORY_DAYS = 365
RATE = 0.10
PRIOR = ASSUMED_SHARE
"""Share of mining sites where there is no run to estimate it from."""

_WORK = ".scan"
"""Folder inside the lake for files of a run that is not committed yet: workers share it."""


class PeriodError(Exception):
    """What a user wrote is no period."""

    def __init__(self, written: str) -> None:
        super().__init__(self._sentence("en").format(written))
        self._written = written

    def text(self, language: str) -> str:
        """Return the sentence in ``language`` ("en" or "zh")."""
        return self._sentence(language).format(self._written)

    @staticmethod
    def _sentence(language: str) -> str:
        if language == "zh":
            return "“{}”不是时段;请写成2026-W20、2026-05、2026-05-01或2026-05-01/2026-06-01(不含末日)"
        return (
            "{!r} is not a period; write 2026-W20, 2026-05, 2026-05-01 or 2026-05-01/2026-06-01 "
            "(last day excluded)"
        )


FAILURES = (LakeError, EngineError, PeriodError)
"""What goes wrong for reasons that the user can act on."""


@dataclass(frozen=True)
class Request:
    """What to scan for: the period, the false-discovery rate of the list, the prior share of mining sites.

    ``prior`` None: estimated from the run itself. ``history_days``: how far before the period's end
    readings are used.
    """

    period: Period
    rate: float = RATE
    prior: float | None = None
    history_days: int = HISTORY_DAYS


@dataclass(frozen=True)
class Scanned:
    """A run and where its rows are: ``snapshot`` holds them; ``known``: it had been scanned before."""

    manifest: RunManifest
    findings: pa.Table
    summary: Mapping[str, Any]
    snapshot: Snapshot
    known: bool


def plan(lake: Lake, snapshot: Snapshot, request: Request) -> RunManifest:
    """Return the manifest of a scan of ``snapshot``: what its numbers follow from."""
    tables = {*REGISTERS, CALIBRATIONS, *(name for branch in BRANCHES for name in branch.tables)}
    inputs = {
        name: Version(snapshot.versions[name], lake.rows(snapshot, name))
        for name in sorted(tables & snapshot.versions.keys())
    }
    parameters = {
        "evidence": {"zone": lake.zone.key, "history_days": request.history_days},
        "rate": request.rate,
        "prior": request.prior,
    }
    steps = tuple(f"{step.name}@{step.version}" for branch in BRANCHES for step in branch.steps)
    return RunManifest(VERB, request.period, inputs, parameters, steps)


def open_lake(path: Path) -> Lake:
    """Open a lake. Raises LakeError where there is none."""
    return Lake.open(path)


def period_of(text: str, zone: ZoneInfo) -> Period:
    """Read a period as a user writes it. Raises ``PeriodError``."""
    try:
        return parse_period(text, zone)
    except ValueError as error:
        raise PeriodError(text) from error


def scan_lake(
    lake: Lake, request: Request, engine: Engine, clock: Callable[[], datetime], watcher: Watcher
) -> Scanned:
    """Scan the newest snapshot of ``lake`` and commit what was found, once.

    A run that the lake holds already is returned as it stands. Evidence that an earlier run made from the
    same versions is used again. ``clock`` tells the time for the manifest. Raises what the engine and the
    lake raise.
    """
    started_at, snapshot = clock(), lake.snapshot()
    manifest = plan(lake, snapshot, request)
    earlier = _manifests(lake, snapshot)
    if known := earlier.get(manifest.run_id):
        return _stored(lake, snapshot, manifest, known)
    shared = any(manifest_from_row(row).evidence_id == manifest.evidence_id for row in earlier.values())
    with _folder(lake, manifest) as folder:
        parts = [] if shared else _detect(lake, snapshot, manifest, engine, folder, watcher)
        evidence = LakeEvidence(lake, snapshot, manifest) if shared else PartEvidence(parts)
        watcher.stage("sites", 1)
        result = judge(lake, snapshot, manifest, evidence)
        watcher.part(result.assessments.num_rows)
        watcher.stage("commit", 1)
        tables: dict[str, Sequence[PartResult] | pa.Table] = {
            "evidence": parts,
            "assessments": result.assessments,
            "findings": result.findings,
        }
        outcome = Outcome(_outputs(snapshot, tables), engine.name, result.summary, started_at, clock())
        tables["manifests"] = pa.Table.from_pylist([manifest.as_row(outcome)], schema=MANIFESTS)
        committed = lake.append(tables, VERB, outcome.finished_at, source_id=manifest.run_id)
        watcher.part(result.findings.num_rows)
    return Scanned(manifest, result.findings, result.summary, committed, known=False)


def judge(
    lake: Lake,
    snapshot: Snapshot,
    manifest: RunManifest,
    evidence: EvidenceRows,
) -> Conclusion:
    """Attribute and combine ``evidence`` with the registers of ``snapshot``, as the manifest says."""
    wire = wire_facts(view_of(lake, snapshot, manifest), evidence)
    question = Question(
        manifest.run_id,
        manifest.period,
        manifest.parameters["rate"],
        manifest.parameters["prior"],
        calibrations_as_read(lake, manifest),
        wire.hosts,
        lambda names: peak_kw(lake, snapshot, names, manifest.period),
        wire,
    )
    result = conclude(evidence, registers_of(lake, snapshot, manifest.period), question)
    return Conclusion(result.assessments, result.findings, {**result.summary, "flows": wire.flows})


def view_of(lake: Lake, snapshot: Snapshot, manifest: RunManifest) -> View:
    """Return what a run reads of ``snapshot``."""
    return View(lake, snapshot, manifest.period, manifest.parameters["evidence"]["history_days"])


def step_parameters(manifest: RunManifest) -> dict[str, Any]:
    """Return the parameters that every step of a run gets."""
    return {
        "period_start_at": manifest.period.start_at.isoformat(),
        "period_end_at": manifest.period.end_at.isoformat(),
        "zone": manifest.parameters["evidence"]["zone"],
        "inputs": {table: [item.version, item.rows] for table, item in manifest.inputs.items()},
    }


def peak_kw(lake: Lake, snapshot: Snapshot, usage_points: Sequence[str], period: Period) -> dict[str, float]:
    """Return the largest load, kW, that each usage point showed in the period; none without a reading."""
    first, last = period.days(lake.zone)
    rows = readings_of(lake, snapshot, usage_points, (first.isoformat(), last.isoformat()))
    peaks: dict[str, float] = {}
    for name, kw in zip(rows["usage_point_id"].to_pylist(), rows["kw"], strict=True):
        values = kw.values.to_numpy(zero_copy_only=False)
        if not np.all(np.isnan(values)):
            peaks[name] = max(peaks.get(name, -np.inf), float(np.nanmax(values)))
    return peaks


def _detect(
    lake: Lake,
    snapshot: Snapshot,
    manifest: RunManifest,
    engine: Engine,
    folder: Path,
    watcher: Watcher,
) -> list[PartResult]:
    parts: list[PartResult] = []
    view, evidence = view_of(lake, snapshot, manifest), PartEvidence(parts)
    work = Work(view, engine, step_parameters(manifest), folder, evidence, watcher)
    for branch in BRANCHES:
        parts += branch.evidence(work)
    return sorted(parts, key=lambda part: part.partition_id)


def _outputs(snapshot: Snapshot, tables: Mapping[str, Sequence[PartResult] | pa.Table]) -> dict[str, Version]:
    """Return the versions that the commit makes of the tables it adds rows to."""
    sizes = {
        name: rows.num_rows if isinstance(rows, pa.Table) else sum(part.rows for part in rows)
        for name, rows in tables.items()
    }
    return {name: Version(snapshot.versions.get(name, 0) + 1, size) for name, size in sizes.items() if size}


def _manifests(lake: Lake, snapshot: Snapshot) -> dict[str, Mapping[str, Any]]:
    rows = lake.read(snapshot, "manifests").to_pylist()
    return {row["run_id"]: row for row in rows if row["verb"] == VERB}


def _stored(lake: Lake, snapshot: Snapshot, manifest: RunManifest, row: Mapping[str, Any]) -> Scanned:
    findings = lake.read(snapshot, "findings", where={"run_id": (manifest.run_id, after(manifest.run_id))})
    ordered = findings.sort_by(
        [("q_value", "ascending"), ("posterior", "descending"), ("site_id", "ascending")]
    )
    return Scanned(manifest, ordered, json.loads(row["summary"] or "{}"), snapshot, known=True)


@contextmanager
def _folder(lake: Lake, manifest: RunManifest) -> Iterator[Path]:
    folder = lake.path / _WORK / manifest.run_id
    shutil.rmtree(folder, ignore_errors=True)  # what a killed run left
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def assessments_of(lake: Lake, snapshot: Snapshot, run_id: str) -> pa.Table:
    """Return the assessments of a run, ordered by site."""
    rows = lake.read(snapshot, "assessments", where={"run_id": (run_id, after(run_id))})
    return rows.select(ASSESSMENTS.names)
