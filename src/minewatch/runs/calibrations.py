"""Calibrations of a lake: rows of the table ``calibrations`` beside what comes with the package."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from minewatch.fuse.families import Family
from minewatch.fuse.local import Inspected, calibrated
from minewatch.fuse.strength import Calibration, shipped_calibration
from minewatch.lake.commits import Snapshot
from minewatch.lake.lake import Lake
from minewatch.runs.manifest import CALIBRATIONS, RunManifest

__all__ = [
    "CALIBRATIONS",
    "calibrations_as_read",
    "calibrations_of",
    "inspected",
    "newest_rows",
    "shipped_calibrations",
    "with_rows",
]


@cache
def shipped_calibrations() -> Mapping[Family, Calibration]:
    """Return the calibrations that come with the package; families without one are missing."""
    found = {}
    for family in Family:
        try:
            found[family] = shipped_calibration(family)
        except FileNotFoundError:
            continue
    return found


def calibrations_of(lake: Lake, snapshot: Snapshot, steps: Sequence[str]) -> Mapping[Family, Calibration]:
    """Return the calibrations of ``lake`` by family: shipped, with the newest rows of ``calibrations``.

    ``steps`` are "name@version" of the detectors whose scores are to be calibrated; rows from others are
    left out, since their scores are on another scale.
    """
    rows = newest_rows(lake.read(snapshot, CALIBRATIONS).to_pylist())
    return with_rows([row for row in rows if f"{row['detector']}@{row['detector_version']}" in steps])


def calibrations_as_read(lake: Lake, manifest: RunManifest) -> Mapping[Family, Calibration]:
    """Return the calibrations that the run ``manifest`` read."""
    read = {name: item.version for name, item in manifest.inputs.items() if name == CALIBRATIONS}
    return calibrations_of(lake, Snapshot(-1, read), manifest.steps)


def with_rows(rows: Sequence[Mapping[str, Any]]) -> Mapping[Family, Calibration]:
    """Return the shipped calibrations, each with the ``rows`` of its family."""
    return {
        family: _calibrated(shipped, [row for row in rows if row["family"] == family])
        for family, shipped in shipped_calibrations().items()
    }


def newest_rows(rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return the rows of the calibration that was made last."""
    newest = max(((row["made_at"], row["calibration_id"]) for row in rows), default=None)
    return [row for row in rows if (row["made_at"], row["calibration_id"]) == newest]


def _calibrated(shipped: Calibration, rows: Sequence[Mapping[str, Any]]) -> Calibration:
    return calibrated(shipped, inspected(rows)) if rows else shipped


def inspected(rows: Sequence[Mapping[str, Any]]) -> Inspected:
    """Return the rows of one family, at least one, as arrays."""
    return Inspected(
        sites=[row["site_id"] for row in rows],
        classes=[row["innocent_class"] or "" for row in rows],
        scores=np.array([row["score"] for row in rows], np.float64),
        innocent=np.array([row["outcome"] in (None, "not_mining") for row in rows], bool),
        in_class=_flags(row["in_class"] for row in rows),
        in_tail=_flags(row["in_tail"] for row in rows),
        judged=rows[0]["judged"],
        start=rows[0]["tail_from"],
    )


def _flags(values: Iterable[bool]) -> Any:
    return np.fromiter(values, bool)
