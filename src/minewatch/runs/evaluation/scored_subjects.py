"""The subjects of a scan as fusion sees them: family, site, score; read back from the lake."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.lake.commits import Snapshot
from minewatch.lake.lake import Lake
from minewatch.runs.board import board_of
from minewatch.runs.evidence_rows import LakeEvidence, columns_of, is_aside
from minewatch.runs.manifest import RunManifest, manifest_from_row
from minewatch.runs.registers import registers_of
from minewatch.runs.scan import VERB, view_of
from minewatch.runs.wire_facts import wire_facts
from minewatch.schema.periods import Period

READ = (
    "detector",
    "detector_version",
    "subject_kind",
    "subject_id",
    "log10_lr",
    "best_alternative",
    "power_kw",
    "power_kw_low",
    "power_kw_high",
    "onset_at",
    "ended_at",
)


class NoScanError(Exception):
    """The lake holds no scan of that name or period."""

    def __init__(self, wanted: str | None) -> None:
        self._sentences = {
            "en": f"the lake holds no scan {wanted}"
            if wanted
            else "the lake holds no scan; run minewatch scan",
            "zh": f"湖中没有扫描{wanted}" if wanted else "湖中没有扫描;请先运行minewatch scan",
        }
        super().__init__(self._sentences["en"])

    def text(self, language: str) -> str:
        """Return the sentence in ``language`` ("en" or "zh")."""
        return self._sentences[language]


@dataclass(frozen=True)
class ScannedRun:
    """A scan that the lake holds; ``summary`` is what it looked at."""

    manifest: RunManifest
    summary: Mapping[str, Any]

    def value(self, name: str) -> Any:
        """Return a value of the summary, None where it has none."""
        return self.summary.get(name)


@dataclass(frozen=True)
class Subjects:
    """Evidence of a run as fusion took it: ``evidence_id`` and columns ``READ`` of ``rows``, by id.

    ``site_ids[i]`` is the site of row i, ``scores[i]`` its log10 likelihood ratio as it counts in the period,
    ``placed[i]`` tells whether the archive knows its kind (see ``minewatch.runs.board``). ``refused`` are the
    rows without a score. Endpoints without a sign are in neither.
    """

    rows: pa.Table
    site_ids: npt.NDArray[np.object_]
    scores: npt.NDArray[np.float64]
    placed: npt.NDArray[np.bool_]
    refused: pa.Table


def run_of(
    lake: Lake, snapshot: Snapshot, run_id: str | None = None, period: Period | None = None
) -> ScannedRun:
    """Return a scan by its id, else the newest (of ``period``). Raises ``NoScanError``."""
    rows = [row for row in lake.read(snapshot, "manifests").to_pylist() if row["verb"] == VERB]
    if run_id is not None:
        rows = [row for row in rows if row["run_id"] == run_id]
    if period is not None:
        times = (period.start_at, period.end_at)
        rows = [row for row in rows if (row["period_start_at"], row["period_end_at"]) == times]
    if not rows:
        raise NoScanError(run_id or (f"{period.start_at}/{period.end_at}" if period else None))
    newest = max(rows, key=lambda row: (row["finished_at"], row["run_id"]))
    return ScannedRun(manifest_from_row(newest), json.loads(newest["summary"] or "{}"))


def subjects_of(lake: Lake, snapshot: Snapshot, manifest: RunManifest) -> Subjects:
    """Return the subjects that the run ``manifest`` judged, with the sites it gave them."""
    evidence = LakeEvidence(lake, snapshot, manifest)
    as_read = Snapshot(-1, {table: item.version for table, item in manifest.inputs.items()})
    registers = registers_of(lake, as_read, manifest.period)
    connections = wire_facts(view_of(lake, as_read, manifest), evidence).connections
    board = board_of(evidence, registers, manifest.period, connections)
    rows = columns_of(evidence, READ)
    place_of = {name: place for place, name in enumerate(rows["evidence_id"].to_pylist())}
    families = list(board.subjects.values())
    order = np.array([place_of[name] for part in families for name in part.evidence_ids], np.int64)
    codes = np.concatenate([part.sites for part in families])
    by_row = np.argsort(order)
    refused = rows.filter(pc.and_not(rows["log10_lr"].is_null(), is_aside(rows)))
    return Subjects(
        rows.take(pa.array(order[by_row])),
        np.array(board.site_ids, dtype=object)[codes[by_row]],
        np.concatenate([part.scores for part in families])[by_row],
        np.concatenate([part.placed for part in families])[by_row],
        refused,
    )
