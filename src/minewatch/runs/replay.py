"""``replay``: recompute a finding from the stored versions and compare every number bit for bit.

The evidence on all that the finding names is computed anew, by every detector, from the tables that the run
read; attribution and fusion are done anew over all evidence of the run, in which these rows replace the
stored ones. What comes out must be what the lake holds.
"""

import json
import math
import struct
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from minewatch.engines.base import Engine
from minewatch.lake.commits import Snapshot
from minewatch.lake.lake import Lake
from minewatch.runs.branches import BRANCHES, Branch, subject_name, subjects_of
from minewatch.runs.evidence_rows import LakeEvidence, RecomputedEvidence, rows_by_id
from minewatch.runs.manifest import RunManifest, manifest_from_row
from minewatch.runs.partitions import after
from minewatch.runs.scan import Request, assessments_of, judge, plan, step_parameters, view_of
from minewatch.runs.work import Work
from minewatch.schema.analysis_tables import EVIDENCE
from minewatch.schema.steps import PartResult


class ReplayError(Exception):
    """A finding cannot be recomputed, and why; ``text`` gives the sentence in either language."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self._sentences = {"en": en, "zh": zh}

    def text(self, language: str) -> str:
        """Return the sentence in ``language`` ("en" or "zh")."""
        return self._sentences[language]


class Comparison(NamedTuple):
    """One stored value beside the recomputed one; ``record`` is an id, ``name`` a column."""

    table: str
    record: str
    name: str
    stored: Any
    recomputed: Any

    @property
    def same(self) -> bool:
        """Tell whether the values are the same bits."""
        return _bits(self.stored) == _bits(self.recomputed)


@dataclass(frozen=True)
class Replay:
    """What came of recomputing a finding."""

    manifest: RunManifest
    comparisons: tuple[Comparison, ...]

    @property
    def differences(self) -> tuple[Comparison, ...]:
        """The values that are not the same."""
        return tuple(item for item in self.comparisons if not item.same)


def replay(lake: Lake, finding_id: str, engine: Engine) -> Replay:
    """Recompute the finding and compare. Raises ``ReplayError`` where that cannot be done."""
    newest = lake.snapshot()
    finding = _row(lake, newest, "findings", "finding_id", finding_id)
    if finding is None:
        raise ReplayError(f"{lake.path} holds no finding {finding_id}", f"{lake.path}中没有结果{finding_id}")
    manifest = _manifest(lake, newest, finding)
    snapshot = _as_read(manifest)
    _check(lake, manifest, snapshot)
    stored = LakeEvidence(lake, newest, manifest)
    with tempfile.TemporaryDirectory(dir=lake.path, prefix=".replay-") as folder:
        view = view_of(lake, snapshot, manifest)
        work = Work(view, engine, step_parameters(manifest), Path(folder), stored)
        anew = _recomputed(work, finding)
    result = judge(lake, snapshot, manifest, RecomputedEvidence(stored, anew))
    kept = rows_by_id(stored, [*anew["evidence_id"].to_pylist(), *finding["evidence_ids"]])
    assessments = assessments_of(lake, newest, manifest.run_id)
    comparisons = [
        *_compared("findings", "finding_id", [finding], _only(result.findings, "finding_id", finding_id)),
        *_compared(
            "assessments",
            "site_id",
            _only(assessments, "site_id", finding["site_id"]),
            _only(result.assessments, "site_id", finding["site_id"]),
        ),
        *_compared("evidence", "evidence_id", list(kept.values()), anew.to_pylist()),
    ]
    return Replay(manifest, tuple(comparisons))


def _manifest(lake: Lake, snapshot: Snapshot, finding: Mapping[str, Any]) -> RunManifest:
    row = _row(lake, snapshot, "manifests", "run_id", finding["run_id"])
    if row is None:
        run = finding["run_id"]
        raise ReplayError(f"the manifest of run {run} is not in the lake", f"湖中没有运行{run}的清单")
    return manifest_from_row(row)


def _as_read(manifest: RunManifest) -> Snapshot:
    versions = {table: item.version for table, item in manifest.inputs.items()}
    return Snapshot(-1, versions, {table: item.rows for table, item in manifest.inputs.items()})


def _check(lake: Lake, manifest: RunManifest, snapshot: Snapshot) -> None:
    """Raise where software, models or data are not those of the run."""
    parameters = manifest.parameters
    request = Request(
        manifest.period, parameters["rate"], parameters["prior"], parameters["evidence"]["history_days"]
    )
    changed = manifest.differences(plan(lake, snapshot, request))
    if changed:
        en = "; ".join(f"{name} was {then[:40]}, is {now[:40]}" for name, (then, now) in changed.items())
        zh = ";".join(f"{name}当时为{then[:40]},现为{now[:40]}" for name, (then, now) in changed.items())
        raise ReplayError(
            f"the run cannot be repeated bit for bit, its versions are not installed: {en}",
            f"无法逐位重算,当时的版本未安装:{zh}",
        )
    gone = [str(path) for path in _missing(lake, snapshot)]
    if gone:
        raise ReplayError(
            f"{len(gone)} files that the run read are gone, the first is {gone[0]}",
            f"当时读取的文件已有{len(gone)}个不存在,首个为{gone[0]}",
        )


def _missing(lake: Lake, snapshot: Snapshot) -> Iterator[Path]:
    for table in snapshot.versions:
        yield from (file.path for file in lake.files(snapshot, table) if not file.path.exists())


def _recomputed(work: Work, finding: Mapping[str, Any]) -> pa.Table:
    """Return the evidence on all that the finding names, computed anew by every detector."""
    tables = [EVIDENCE.empty_table()]
    for branch in BRANCHES:
        if names := subjects_of(finding, branch.kind):
            tables += [_only_of(branch, names, part) for part in branch.evidence(work, names)]
    return pa.concat_tables(tables)


def _only_of(branch: Branch, names: Sequence[str], part: PartResult) -> pa.Table:
    """Return the evidence on ``names`` without that which came along."""
    rows = pq.read_table(part.path, use_threads=False).cast(EVIDENCE)
    own = [subject_name(branch.kind, name) in names for name in rows["subject_id"].to_pylist()]
    return rows.filter(pa.array(own, pa.bool_()))


def _row(lake: Lake, snapshot: Snapshot, table: str, column: str, value: str) -> dict[str, Any] | None:
    rows = lake.read(snapshot, table, where={column: (value, after(value))}).to_pylist()
    return rows[0] if rows else None


def _only(table: pa.Table, column: str, value: str) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if row[column] == value]


def _compared(
    table: str, key: str, stored: Iterable[Mapping[str, Any]], recomputed: Iterable[Mapping[str, Any]]
) -> Iterator[Comparison]:
    """Compare rows column by column; a row that one side lacks differs as a whole."""
    there, here = ({row[key]: row for row in rows} for rows in (stored, recomputed))
    for record in sorted(there.keys() | here.keys()):
        if record not in there or record not in here:
            yield Comparison(table, record, "*", record in there or None, record in here or None)
            continue
        for name in there[record]:
            yield Comparison(table, record, name, there[record][name], here[record][name])


def _bits(value: Any) -> Any:
    """Return a value such that equal means the same bits; reasons by code and values, not by wording."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack(">d", value)
    if isinstance(value, dict):
        shown = {name: item for name, item in value.items() if name not in ("text_en", "text_zh")}
        return {name: _bits(item) for name, item in shown.items()}
    return [_bits(item) for item in value] if isinstance(value, list) else value


def shown(value: Any) -> str:
    """Return a value as text that tells any two apart: floats with all their digits."""
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False, default=str)
