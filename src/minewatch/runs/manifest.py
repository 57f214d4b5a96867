"""What a run follows from: input versions, parameters, steps, software and models; its id is their hash."""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

from minewatch import __version__
from minewatch.schema.ids import content_id
from minewatch.schema.periods import Period

_STANDS_ON = ("numpy", "pyarrow", "numba", "lightgbm", "scipy", "duckdb", "splink")
_DATA_ROOMS = ("schema", "detect", "attribute", "fuse")
_DATA = (".json", ".txt", ".csv", ".toml", ".parquet")
_CODE_ROOMS = ("schema", "kernels", "detect", "attribute", "fuse")
CALIBRATIONS = "calibrations"
"""The one input that bears on the list and not on the evidence."""

_NO_NUMBERS = {"__pycache__", "reason_texts"}


@cache
def software_versions() -> Mapping[str, str]:
    """Return the versions of Minewatch, Python and the libraries that compute."""
    versions = {name: metadata.version(name) for name in _STANDS_ON}
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return {"minewatch": __version__, "code": _code_hash(), "python": python, **versions}


def _code_hash() -> str:
    """Return the SHA-256 of the modules that compute: a version number does not change with every edit."""
    root = resources.files("minewatch")
    rooms = [item for room in _CODE_ROOMS for item in _files(root.joinpath(room), room, (".py",))]
    own = [
        (f"runs/{name}", root.joinpath("runs", name))
        for name in ("board.py", "calibrations.py", "judgement.py")
    ]
    digest = hashlib.sha256()
    for name, file in (*rooms, *own):
        digest.update(f"{name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def model_hashes() -> Mapping[str, str]:
    """Return path in the package → SHA-256 of each data file of the rooms that compute."""
    root = resources.files("minewatch")
    files = (item for room in _DATA_ROOMS for item in _files(root.joinpath(room), room, _DATA))
    return {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files}


def _files(folder: Traversable, name: str, endings: tuple[str, ...]) -> Iterator[tuple[str, Traversable]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir() and item.name not in _NO_NUMBERS:
            yield from _files(item, f"{name}/{item.name}", endings)
        elif item.is_file() and item.name.endswith(endings):
            yield f"{name}/{item.name}", item


class Version(NamedTuple):
    """A table version and its number of valid rows."""

    version: int
    rows: int


@dataclass(frozen=True)
class RunManifest:
    """Everything that the numbers of a run follow from, and nothing else: neither clock nor engine.

    ``inputs`` are the table versions read; ``parameters`` JSON values; ``steps`` "name@version".
    ``software`` names versions and the hash of our own code, ``models`` the SHA-256 of each data file that
    the numbers come from.
    """

    verb: str
    period: Period
    inputs: Mapping[str, Version]
    parameters: Mapping[str, Any]
    steps: tuple[str, ...]
    software: Mapping[str, str] = field(default_factory=software_versions)
    models: Mapping[str, str] = field(default_factory=model_hashes)

    @property
    def run_id(self) -> str:
        """Hash of the manifest."""
        return content_id("R", self.verb, *self._period, self._inputs, self._texts, list(self.steps))

    @property
    def evidence_id(self) -> str:
        """Hash of what the evidence follows from: runs that share it share their evidence."""
        detection = {name: value for name, value in self.models.items() if not name.startswith("fuse/")}
        parts = [_json(self.parameters["evidence"]), _json(self.software), _json(detection)]
        read = [item for item in self._inputs if item[0] != CALIBRATIONS]
        return content_id("V", *self._period, read, parts, list(self.steps))

    @property
    def _period(self) -> tuple[datetime, datetime]:
        return self.period.start_at, self.period.end_at

    @property
    def _inputs(self) -> list[list[Any]]:
        return [[table, item.version, item.rows] for table, item in sorted(self.inputs.items())]

    @property
    def _texts(self) -> list[str]:
        return [_json(self.parameters), _json(self.software), _json(self.models)]

    def differences(self, other: "RunManifest") -> Mapping[str, tuple[str, str]]:
        """Return name → (here, there) of the software, models and steps in which the manifests differ."""
        here = {**self.software, **self.models, "steps": ", ".join(self.steps)}
        there = {**other.software, **other.models, "steps": ", ".join(other.steps)}
        names = sorted(here.keys() | there.keys())
        pairs = {name: (here.get(name, "-"), there.get(name, "-")) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    def as_row(self, outcome: "Outcome") -> dict[str, Any]:
        """Return the manifest as a row of the table ``manifests``."""
        return {
            "run_id": self.run_id,
            "verb": self.verb,
            "period_start_at": self.period.start_at,
            "period_end_at": self.period.end_at,
            "inputs": _input_rows(self.inputs),
            "outputs": _input_rows(outcome.outputs),
            "steps": list(self.steps),
            "parameters": _json(self.parameters),
            "software": _json(self.software),
            "models": _json(self.models),
            "engine": outcome.engine,
            "summary": _json(outcome.summary),
            "started_at": outcome.started_at,
            "finished_at": outcome.finished_at,
        }


class Outcome(NamedTuple):
    """What came of a run and where it ran; nothing of it enters the id."""

    outputs: Mapping[str, Version]
    engine: str
    summary: Mapping[str, Any]
    started_at: datetime
    finished_at: datetime


def manifest_from_row(row: Mapping[str, Any]) -> RunManifest:
    """Read a manifest back from a row of ``manifests``."""
    return RunManifest(
        verb=row["verb"],
        period=Period(row["period_start_at"], row["period_end_at"]),
        inputs={item["table"]: Version(item["version"], item["rows"]) for item in row["inputs"]},
        parameters=json.loads(row["parameters"]),
        steps=tuple(row["steps"]),
        software=json.loads(row["software"]),
        models=json.loads(row["models"]),
    )


def _input_rows(versions: Mapping[str, Version]) -> list[dict[str, Any]]:
    return [{"table": table, **item._asdict()} for table, item in sorted(versions.items())]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
