"""What a finding was computed from: table versions, steps, models, software, and how to do it again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minewatch.runs.report.data import Row
from minewatch.runs.report.foreign_text import each_text, visible


@dataclass(frozen=True)
class Provenance:
    """The run as pairs of name and value; ``inputs`` are (table, version, rows)."""

    run_id: str
    engine: str
    steps: list[str]
    inputs: list[tuple[str, int, int]]
    parameters: list[tuple[str, str]]
    software: list[tuple[str, str]]
    models: list[tuple[str, str]]


def provenance(manifest: Mapping[str, Any]) -> Provenance:
    """Return what a row of ``manifests`` says; fields it lacks are empty."""
    return Provenance(
        run_id=visible(str(manifest.get("run_id") or "–")),
        engine=visible(str(manifest.get("engine") or "–")),
        steps=[visible(step) for step in manifest.get("steps") or ()],
        inputs=_inputs(manifest.get("inputs") or ()),
        parameters=_pairs(manifest.get("parameters")),
        software=_pairs(manifest.get("software")),
        models=_pairs(manifest.get("models")),
    )


def table_versions(evidence: Sequence[Row], run: Provenance) -> list[tuple[str, int, int | None, int | None]]:
    """Return (table, version, rows that one evidence names at most, rows of the run), by table."""
    own = {(table, version): rows for table, version, rows in _inputs(_inputs_of(evidence))}
    whole = {(table, version): rows for table, version, rows in run.inputs}
    return [(*key, own.get(key), whole.get(key)) for key in sorted(own.keys() | whole.keys())]


def _inputs_of(evidence: Sequence[Row]) -> list[Mapping[str, Any]]:
    return [item for row in evidence for item in row["inputs"] or ()]


def replay_command(finding_id: str) -> str:
    """Return the command that recomputes a finding."""
    return f"minewatch replay LAKE {finding_id}"


def _inputs(items: Sequence[Mapping[str, Any]]) -> list[tuple[str, int, int]]:
    rows: dict[tuple[str, int], int] = {}
    for item in items:
        key = (visible(item["table"]), item["version"])
        rows[key] = max(rows.get(key, 0), item["rows"])
    return [(table, version, count) for (table, version), count in sorted(rows.items())]


def _pairs(value: Any) -> list[tuple[str, str]]:
    entries = json.loads(value) if isinstance(value, str) and value else (value or {})
    return sorted((visible(str(name)), _text(item)) for name, item in entries.items())


def _text(item: Any) -> str:
    if isinstance(item, str):
        return visible(item)
    return json.dumps(each_text(item, visible), ensure_ascii=False, sort_keys=True, default=str)
