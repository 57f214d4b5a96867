"""Detector: power that leaves a feeder's head and reaches no transformer, as when a mine taps its line.

The method is that of a transformer: the meters below are the transformers' supplies, the loss is that of the
medium-voltage line. See ``docs/explanation/transformer-balance.md``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from minewatch.detect.balance.evidence import Case, Opened, case_of, judged, opened, refused
from minewatch.detect.balance.known import Known, Strangers, apparent_kva
from minewatch.detect.balance.model import leftovers_of
from minewatch.detect.balance.needs import balance_refusal
from minewatch.detect.balance.reasons import Moved
from minewatch.detect.balance.series import Member, Meters, Series, Tree, columns_of, series_of
from minewatch.detect.balance.strays import Stray, strays_of, without_strays
from minewatch.schema.evidence import Detector, Evidence, SubjectKind, evidence_table
from minewatch.schema.reasons import reason
from minewatch.schema.steps import Step

DETECTOR = Detector("feeder_balance", "1")
LINE_KV, LINE_OHM = 10.0, 1.0
"""Voltage and resistance of a feeder where the archive does not say."""
OHM_ERROR, TYPICAL_OHM_ERROR = 0.2, 0.7
"""Standard deviation of losses about those by the archive's resistance, and where it has none: loads are
spread along a line, so that its loss is not that of its load at one place."""
SHARE_ERROR = 0.005
"""Of meters at supply sides, class 0.5 with their transformers."""


def feeder_evidence(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return one row of ``evidence`` per feeder with readings of its head or in the archive.

    ``tables``: those of ``FEEDER_STEP.inputs``, with all transformers of each feeder. ``parameters``: see
    ``minewatch.schema.steps.asked``.
    """
    return evidence_table(judge_feeders(tables, case_of(DETECTOR, SubjectKind.FEEDER, parameters)))


def judge_feeders(tables: Mapping[str, pa.Table], case: Case) -> list[Evidence]:
    """Return the evidence on each feeder; those without readings of their head come last."""
    subjects = open_feeders(tables, case)
    read = {subject.series.subject_id for subject in subjects}
    silent = [name for name in tables["feeders"]["feeder_id"].to_pylist() if name not in read]
    nothing = reason("balance_no_supply")
    return [judged(subject, case) for subject in subjects] + [
        refused(name, case, {"feeders": 1}, nothing) for name in silent
    ]


def open_feeders(tables: Mapping[str, pa.Table], case: Case) -> list[Opened]:
    """Open the books of each feeder with readings of its head."""
    archive = {row["feeder_id"]: row for row in tables["feeders"].to_pylist()}
    every = series_of(_tree(tables))
    return [_open(series, meters, archive.get(series.subject_id, {}), case) for series, meters in every]


def _open(series: Series, meters: Meters, archive: Mapping[str, Any], case: Case) -> Opened:
    strays: list[Stray] = []
    if balance_refusal(series, case.days_of(series)) is None:
        strays = strays_of(series, meters, leftovers_of(series, feeder_known(series, archive)))
    fed = without_strays(series, strays)
    return opened(fed, feeder_known(fed, archive), Moved(strays, []), case, _rows(series))


def feeder_known(series: Series, archive: Mapping[str, Any]) -> Known:
    """Return what is known of a feeder: ``load_loss`` is in times the loss by the archive's resistance."""
    kv, ohm = archive.get("voltage_kv") or LINE_KV, archive.get("resistance_ohm")
    kva = apparent_kva(series)
    return Known(
        rated_kva=1.3 * float(np.quantile(kva, 0.999)),
        iron_kw=(0.0, 1e-9),
        load_kw=kva**2 / kv**2 * (ohm or LINE_OHM) / 1000,
        load_loss=(1.0, OHM_ERROR if ohm else TYPICAL_OHM_ERROR),
        share_error=SHARE_ERROR,
        sun_share=0.0,
        dark_share=0.0,
        sun_height=np.zeros(kva.size),
        strangers=Strangers(box=1, moved=0.02, moves=0.01),
        nameplate_kw=None,
    )


def _tree(tables: Mapping[str, pa.Table]) -> Tree:
    transformers = tables["transformers"].to_pylist()
    return Tree(
        supply=columns_of(tables["feeder_readings"], "feeder_id", "kw", "kvar"),
        readings=columns_of(tables["transformer_readings"], "transformer_id", "kw"),
        daily=None,
        members={row["transformer_id"]: Member(row["feeder_id"], row["rated_kva"]) for row in transformers},
    )


def _rows(series: Series) -> dict[str, int]:
    below = series.below
    return {
        "feeder_readings": series.days,
        "feeders": 1,
        "transformer_readings": below.floors_kw.size * series.days,
        "transformers": below.floors_kw.size + below.unread_kva.size,
    }


FEEDER_STEP = Step(
    name=DETECTOR.name,
    version=DETECTOR.version,
    inputs=("feeder_readings", "feeders", "transformers", "transformer_readings"),
    group_by="feeder_id",
    output="evidence",
    function=feeder_evidence,
    columns={
        "feeder_readings": ("feeder_id", "day", "kw", "kvar"),
        "feeders": ("feeder_id", "voltage_kv", "resistance_ohm"),
        "transformers": ("transformer_id", "feeder_id", "rated_kva"),
        "transformer_readings": ("transformer_id", "day", "kw"),
    },
)
"""Evidence on each feeder. A partition holds all transformers of its feeders: its slices have no bucket."""
