"""What files with readings show, one record per customer, without a lake."""

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.detect.load.customer_load import judge
from minewatch.detect.load.vectors import LoadTables
from minewatch.fuse.combination import posterior
from minewatch.fuse.strength import shipped_calibration
from minewatch.runs.look_records import reason_records
from minewatch.runs.scan import PRIOR
from minewatch.schema.evidence import Evidence
from minewatch.schema.periods import Period, day_period

READING_KEYS = (
    "file",
    "usage_point_id",
    "probability",
    "log10_lr",
    "best_alternative",
    "power_kw",
    "power_kw_low",
    "power_kw_high",
    "onset_at",
    "ended_at",
    "duty",
    "reasons",
)
"""Keys of a record, in order; a key without a value is None, never left out."""


def reading_records(
    tables: Mapping[str, pa.Table], usage_points: pa.Table | None, zone: ZoneInfo, language: str
) -> Iterator[dict[str, Any]]:
    """Yield a record for each customer in ``tables`` (file → rows of ``interval_readings``), in their order.

    A customer whose days lie in several files is judged once, on all of them, under the first file. Of a
    day that comes twice the later file's counts. ``probability`` is the posterior of a scan at its prior
    share of mines: a customer that ``usage_points`` does not place is held against the worst class.
    """
    readings, files = _gathered(tables)
    if not len(readings):
        return
    given = LoadTables(readings, None, usage_points, None, None, zone)
    found = judge(given, _whole_period(readings, zone))
    known = set() if usage_points is None else set(usage_points["usage_point_id"].to_pylist())
    for evidence, probability in zip(found, _probabilities(found, known), strict=True):
        values = (files[evidence.subject_id], evidence.subject_id, probability)
        yield dict(zip(READING_KEYS, (*values, *_values(evidence, language)), strict=True))


def _gathered(tables: Mapping[str, pa.Table]) -> tuple[pa.Table, dict[str, str]]:
    files: dict[str, str] = {}
    for file, rows in tables.items():
        for name in pc.unique(rows["usage_point_id"]).to_pylist():
            files.setdefault(name, file)
    if not tables:
        return pa.table({"usage_point_id": pa.array([], pa.string())}), files
    everything = pa.concat_tables(tables.values())
    order = pa.array(np.arange(len(everything)))
    keys = pa.table(
        [everything["usage_point_id"], everything["day"], order], ["usage_point_id", "day", "row"]
    )
    last = keys.group_by(["usage_point_id", "day"], use_threads=False).aggregate([("row", "max")])
    last = last.sort_by([("usage_point_id", "ascending"), ("day", "ascending")])
    return everything.take(last["row_max"]).combine_chunks(), files


def _whole_period(readings: pa.Table, zone: ZoneInfo) -> Period:
    bounds = pc.min_max(readings["day"]).as_py()
    return day_period(bounds["min"], bounds["max"] + timedelta(days=1), zone)


def _probabilities(found: Sequence[Evidence], known: Container[str]) -> list[float | None]:
    scores = np.array([math.nan if each.log10_lr is None else each.log10_lr for each in found])
    placed = np.array([each.subject_id in known for each in found])
    judged = np.isfinite(scores)
    result = np.full(len(found), math.nan)
    strength = shipped_calibration("meter").strength(scores[judged], placed[judged])
    result[judged] = posterior(strength, PRIOR)
    return [float(value) if is_judged else None for value, is_judged in zip(result, judged, strict=True)]


def _values(evidence: Evidence, language: str) -> tuple[Any, ...]:
    power = evidence.power_kw
    return (
        evidence.log10_lr,
        evidence.best_alternative,
        power.value if power else None,
        power.low if power else None,
        power.high if power else None,
        evidence.onset_at,
        evidence.ended_at,
        evidence.duty.value if evidence.duty else None,
        reason_records(list(evidence.reasons), language),
    )
