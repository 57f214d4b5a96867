"""What evidence pages draw of the grid and of sites: residuals of balances, output of plants, traffic.

Computed anew for the few subjects that a list speaks of, by the detectors' own steps.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.detect.balance import feeders as feeder_balance
from minewatch.detect.balance import transformers as transformer_balance
from minewatch.detect.balance.evidence import Opened, case_of, unexplained_kw
from minewatch.detect.plant import plant_output
from minewatch.detect.plant.analysis import analyse
from minewatch.detect.plant.drivers import KINDS
from minewatch.detect.plant.needs import plant_refusal
from minewatch.detect.traffic.data_centre import DATA_CENTRE_STEP
from minewatch.engines.chunks import chunks_of
from minewatch.engines.local import LocalEngine
from minewatch.runs.branches import BRANCHES, Branch
from minewatch.runs.evidence_rows import EvidenceRows
from minewatch.runs.partitions import View
from minewatch.runs.report.data import Curve, Pair, Subject
from minewatch.runs.work import Work
from minewatch.schema.evidence import SubjectKind
from minewatch.schema.periods import Period

Floats = npt.NDArray[np.float64]
Tables = Mapping[str, pa.Table]
_HOURS = 24
_DRAWN = (
    transformer_balance.TRANSFORMER_STEP,
    feeder_balance.FEEDER_STEP,
    plant_output.PLANT_STEP,
    DATA_CENTRE_STEP,
)


def pictures(
    view: View, parameters: Mapping[str, Any], evidence: EvidenceRows, subjects: Sequence[Subject]
) -> tuple[dict[Subject, Curve], dict[Subject, Pair]]:
    """Return the residuals and pairs of ``subjects``; of those that no branch can draw there is none."""
    curves: dict[Subject, Curve] = {}
    pairs: dict[Subject, Pair] = {}
    with tempfile.TemporaryDirectory(dir=view.lake.path, prefix=".report-") as folder:
        work = Work(view, LocalEngine(1), parameters, Path(folder), evidence)
        for branch in BRANCHES:
            names = sorted({name for kind, name in subjects if kind == branch.kind})
            for tables in _tables(branch, work, names):
                curves |= dict(_residuals(branch.kind, tables, parameters, names))
                pairs |= dict(_pairs(branch.kind, tables, view, names))
    return curves, pairs


def _tables(branch: Branch, work: Work, names: Sequence[str]) -> Iterator[Tables]:
    """Yield the tables that the branch's step is given for some subjects."""
    if names and branch.step in _DRAWN:
        for partition in branch.partitions(branch.step, work, names):
            yield from chunks_of(branch.step, partition)


def _residuals(
    kind: SubjectKind, tables: Tables, parameters: Mapping[str, Any], names: Sequence[str]
) -> Iterator[tuple[Subject, Curve]]:
    zone = ZoneInfo(parameters["zone"])
    for opened in _opened(kind, tables, parameters):
        kw = unexplained_kw(opened)
        if kw is not None and opened.series.subject_id in names:
            yield Subject(kind.value, opened.series.subject_id), _curve(opened, kw, zone)


def _opened(kind: SubjectKind, tables: Tables, parameters: Mapping[str, Any]) -> Iterator[Opened]:
    if kind is SubjectKind.FEEDER:
        case = case_of(feeder_balance.DETECTOR, kind, parameters)
        yield from feeder_balance.open_feeders(tables, case)
    if kind is SubjectKind.TRANSFORMER:
        case = case_of(transformer_balance.DETECTOR, kind, parameters)
        for area_id, rows in transformer_balance.by_area(tables["balance_books"]):
            yield from transformer_balance.open_area(rows, case, exchange=bool(area_id))


def _curve(opened: Opened, kw: Floats, zone: ZoneInfo) -> Curve:
    start_at = datetime.combine(opened.series.day(0), time(), zone).astimezone(UTC)
    return Curve(start_at, 60, kw)


def _pairs(
    kind: SubjectKind, tables: Tables, view: View, names: Sequence[str]
) -> Iterator[tuple[Subject, Pair]]:
    if kind is SubjectKind.PLANT:
        yield from _outputs(tables, view.period, view.lake.zone, names)
    if kind is SubjectKind.SITE:
        yield from site_traffic(tables["site_hours"], view.lake.zone)


def _outputs(
    tables: Tables, period: Period, zone: ZoneInfo, names: Sequence[str]
) -> Iterator[tuple[Subject, Pair]]:
    """Yield expected and met output of plants, MW."""
    plates = {row["plant_id"]: row for row in tables["plants"].to_pylist()}
    for series in plant_output.series_of(tables["plant_readings"]):
        plate, inside = plates.get(series.plant_id), series.inside(period)
        if plate is None or series.plant_id not in names or plant_refusal(plate, series.columns, inside):
            continue
        found = analyse(KINDS[plate["kind"]], series.columns, plate, inside)
        expected = np.where(found.free, found.made_mw, found.met_mw)
        pair = whole_days(series.instant(0), (expected, found.met_mw), zone)
        yield Subject(SubjectKind.PLANT.value, series.plant_id), pair


def site_traffic(hours: pa.Table, zone: ZoneInfo) -> Iterator[tuple[Subject, Pair]]:
    """Yield power, kW, and traffic both ways, Mbit/s, of sites."""
    ids = np.asarray(hours["site_id"].to_pylist(), dtype=object)
    columns = ("kw", "inbound_bytes", "outbound_bytes")
    kw, inbound, outbound = (hours[name].to_numpy().astype(np.float64) for name in columns)
    mbit_s = (inbound + outbound) * 8 / 3600 / 1e6
    starts = hours["hour"].to_pylist()
    for name in dict.fromkeys(ids.tolist()):
        own = np.flatnonzero(ids == name)
        pair = whole_days(starts[int(own[0])], (kw[own], mbit_s[own]), zone)
        yield Subject(SubjectKind.SITE.value, name), pair


def whole_days(start_at: datetime, values: tuple[Floats, Floats], zone: ZoneInfo) -> Pair:
    """Return hourly values from the local midnight before ``start_at`` to the end of the last day."""
    before = start_at.astimezone(zone).hour
    after = -(before + len(values[0])) % _HOURS
    first, second = (np.pad(series, (before, after), constant_values=np.nan) for series in values)
    return Pair(start_at - timedelta(hours=before), first, second)
