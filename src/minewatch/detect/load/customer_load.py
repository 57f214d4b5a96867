"""Detector: a constant block in a customer's curve, weighed against innocent classes of load.

See ``docs/explanation/customer-load.md`` for the method.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from minewatch.detect.load.archive import COLUMNS
from minewatch.detect.load.duty import duty_of
from minewatch.detect.load.model import Scores, shipped_model, shipped_version
from minewatch.detect.load.needs import load_refusal
from minewatch.detect.load.reasons import Row, Seen, Weighed, load_reasons
from minewatch.detect.load.vectors import LoadTables, Vectors, load_vectors
from minewatch.kernels.power.blocks import Block
from minewatch.kernels.power.hours import HOURS
from minewatch.kernels.power.load_blocks import Coverage
from minewatch.schema.evidence import Detector, Estimate, Evidence, SubjectKind, evidence_table, inputs_of
from minewatch.schema.periods import Period
from minewatch.schema.reasons import Reason
from minewatch.schema.steps import Step, asked

_EPOCH = date(1970, 1, 1)
_OTHERS = ("daily_readings", "usage_points", "weather", "prices")

DETECTOR = Detector("customer_load", f"2-{shipped_version()}")
"""Name and version: of the method, then of the trained model."""


def load_evidence(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return one row of ``evidence`` per customer in ``tables["interval_readings"]``.

    Customers with ``daily_readings`` alone come after the others. ``parameters``: see
    ``minewatch.schema.steps.asked``.
    """
    period, zone, versions = asked(parameters)
    daily, points, weather, prices = (tables.get(name) for name in _OTHERS)
    given = LoadTables(tables["interval_readings"], daily, points, weather, prices, zone)
    return evidence_table(judge(given, period, versions))


def judge(tables: LoadTables, period: Period, versions: Mapping[str, int] | None = None) -> list[Evidence]:
    """Return the evidence on each customer of ``tables`` for ``period``, in their order.

    Readings may reach back before the period: the more, the better. ``versions`` of the tables go into
    ``Evidence.inputs``.
    """
    first, last = (_days(day) for day in period.days(tables.zone))
    vectors = load_vectors(tables, (first, last))
    case = _Case(period, tables, vectors, versions or {})
    refusals = [load_refusal(coverage) for coverage in vectors.judged.coverage]
    judged = [place for place, refusal in enumerate(refusals) if refusal is None]
    scores = iter(range(len(judged)))
    result = shipped_model().scores(vectors.matrix[judged])
    return [
        case.refused(place, refusal) if refusal else case.weighed(place, result, next(scores))
        for place, refusal in enumerate(refusals)
    ]


class _Case:
    """What all evidence of one call shares."""

    def __init__(
        self, period: Period, tables: LoadTables, vectors: Vectors, versions: Mapping[str, int]
    ) -> None:
        self._period, self._zone = period, tables.zone
        self._curves, self._vectors, self._versions = vectors.curves, vectors, versions
        self._whole = {
            name: table.num_rows
            for name, table in (("weather", tables.weather), ("prices", tables.prices))
            if table is not None
        }

    def refused(self, place: int, refusal: Reason) -> Evidence:
        """Return the evidence that nothing can be said."""
        return Evidence(**self._subject(place), log10_lr=None, reasons=[refusal])

    def weighed(self, place: int, scores: Scores, row: int) -> Evidence:
        """Return the evidence on customer ``place``, which has ``row`` in ``scores``."""
        judged, classes = self._vectors.judged, shipped_model().classes
        seen = Seen(judged.coverage[place], judged.block[place], self._vectors.matrix[place])
        log10_lr, best = float(scores.log10_lr[row]), classes[scores.best[row]]
        duty = duty_of(seen.coverage, seen.block, judged.responses[place])
        power_kw = _power(block_kw(seen.block), scores.power_ratios[row])
        return Evidence(
            **self._subject(place),
            log10_lr=log10_lr,
            best_alternative=best,
            alternatives=dict(zip(classes, map(float, scores.innocents[row]), strict=True)),
            power_kw=power_kw,
            energy_kwh=_energy(power_kw, seen.block[Block.period_on_hours]),
            onset_at=self._instant(seen, Block.onset_hour),
            ended_at=self._instant(seen, Block.end_hour),
            on_share=_known(seen.block[Block.on_share]),
            duty=duty,
            reasons=load_reasons(seen, Weighed(log10_lr, best, duty)),
        )

    def _subject(self, place: int) -> dict[str, Any]:
        return {
            "detector": DETECTOR,
            "subject_kind": SubjectKind.USAGE_POINT,
            "subject_id": self._curves.usage_point_ids[place],
            "period": self._period,
            "inputs": self._inputs(place),
        }

    def _inputs(self, place: int) -> Sequence[Mapping[str, str | int]]:
        daily = self._vectors.judged.coverage[place, Coverage.interval_hours] >= HOURS
        own = "daily_readings" if daily else "interval_readings"
        rows = {
            own: int(self._curves.point_rows[place + 1] - self._curves.point_rows[place]),
            "usage_points": 1,
            **self._whole,
        }
        return inputs_of(self._versions, rows)

    def _instant(self, seen: Seen, edge: Block) -> datetime | None:
        hour = seen.block[edge]
        if np.isnan(hour):
            return None
        day = _EPOCH + timedelta(days=int(seen.coverage[Coverage.first_day] + hour // HOURS))
        local = datetime(day.year, day.month, day.day, int(hour % HOURS), tzinfo=self._zone)
        return local.astimezone(UTC)


def block_kw(block: Row) -> float:
    """Return the size of the block: its step, or its level where it began before the readings."""
    step_kw = block[Block.step_kw]
    return float(block[Block.level_kw] if np.isnan(step_kw) else step_kw)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _power(size_kw: float, ratios: Row) -> Estimate | None:
    if not size_kw > 0:
        return None
    low, middle, high = (float(size_kw * ratio) for ratio in ratios)
    return Estimate(middle, low, high)


def _energy(power_kw: Estimate | None, hours: float) -> Estimate | None:
    """Return the energy of the hours of the period in which the block is on."""
    if power_kw is None:
        return None
    return Estimate(*(float(value * hours) for value in (power_kw.value, power_kw.low, power_kw.high)))


def _days(day: date) -> int:
    return (day - _EPOCH).days


LOAD_STEP = Step(
    name=DETECTOR.name,
    version=DETECTOR.version,
    inputs=("interval_readings", "daily_readings", "usage_points"),
    group_by="transformer_id",
    output="evidence",
    function=load_evidence,
    whole=("weather", "prices"),
    columns={
        "interval_readings": ("usage_point_id", "day", "kw", "kvar", "current_a", "voltage_v"),
        "daily_readings": ("usage_point_id", "day", "energy_kwh"),
        "usage_points": COLUMNS,
        "weather": ("region_code", "hour", "temperature_c"),
        "prices": ("region_code", "hour", "price_per_kwh"),
    },
    strays=True,
)
"""Evidence on each customer with readings, refusals included; those of one transformer are peers."""
