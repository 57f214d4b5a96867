"""Detector: power that goes into a transformer and is neither metered nor lost.

See ``docs/explanation/transformer-balance.md`` for the method.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from minewatch.detect.balance_model import balance_of
from minewatch.detect.balance_needs import balance_refusal
from minewatch.detect.balance_reasons import balance_reasons, day_of, hours_of
from minewatch.detect.balance_series import Series, series_of
from minewatch.detect.balance_weight import Block, weigh
from minewatch.kernels.hours import HOURS
from minewatch.schema.evidence import Detector, Duty, Estimate, Evidence, SubjectKind, evidence_table
from minewatch.schema.periods import Period
from minewatch.schema.reasons import Reason, reason
from minewatch.schema.steps import Step

DETECTOR = Detector("transformer_balance", "1")
LEVEL = 1.645
"""Standard errors on either side of an interval of 90 %."""
ON_SHARE, FLAT_SHARE, NIGHT_RATIO = 0.5, 0.9, 3.0
"""A block is on above this share of its power; flat if on for that share of its hours; of the night if it takes
so many times as much then as by day."""
_EPOCH = date(1970, 1, 1)


def balance_evidence(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return one row of ``evidence`` per transformer with supply readings or in the archive.

    ``tables``: see ``minewatch.detect.balance_series.series_of``. ``parameters``: ``period_start_at``,
    ``period_end_at`` (ISO 8601 with zone), ``zone`` (IANA name) and, where the tables come from a lake,
    ``inputs`` (table → [version, rows]).
    """
    start_at, end_at = (datetime.fromisoformat(parameters[f"period_{end}_at"]) for end in ("start", "end"))
    case = Case(Period(start_at, end_at), ZoneInfo(parameters["zone"]), parameters.get("inputs", {}))
    return evidence_table(judge_transformers(tables, case))


class Case(NamedTuple):
    """What all evidence of one call shares: ``inputs`` are table → [version, rows of the lake]."""

    period: Period
    zone: ZoneInfo
    inputs: Mapping[str, Any]

    def days_of(self, series: Series) -> tuple[int, int]:
        """Return the days of the period (first, last + 1), counted from the first of ``series``."""
        first, last = ((day - _EPOCH).days - series.first_day for day in self.period.days(self.zone))
        return first, last

    def utc_offset_h(self) -> float:
        """Return how far local time is ahead of UTC at the period's end."""
        offset = self.period.end_at.astimezone(self.zone).utcoffset() or timedelta()
        return offset.total_seconds() / 3600

    def instant(self, series: Series, hour: int) -> datetime:
        """Return the instant at which an hour of the series begins."""
        day = day_of(series, hour // HOURS)
        local = datetime(day.year, day.month, day.day, hour % HOURS, tzinfo=self.zone)
        return local.astimezone(UTC)

    def rows(self, rows: Mapping[str, int]) -> list[dict[str, str | int]]:
        """Return ``Evidence.inputs`` for ``rows`` by table, of the tables that come from a lake."""
        return [
            {"table": table, "version": int(self.inputs[table][0]), "rows": rows[table]}
            for table in sorted(rows.keys() & self.inputs.keys())
        ]


def judge_transformers(tables: Mapping[str, pa.Table], case: Case) -> list[Evidence]:
    """Return the evidence on each transformer; those without supply readings come last."""
    found = series_of(tables)
    judged = [_judge(series, case) for series in found]
    known = {series.transformer_id for series in found}
    archived = tables["transformers"]["transformer_id"].to_pylist() if "transformers" in tables else []
    silent = [name for name in archived if name not in known]
    return judged + [
        _refused(name, case, {"transformers": 1}, reason("balance_no_supply")) for name in silent
    ]


def _refused(name: str, case: Case, rows: Mapping[str, int], refusal: Reason) -> Evidence:
    return Evidence(
        detector=DETECTOR,
        subject_kind=SubjectKind.TRANSFORMER,
        subject_id=name,
        period=case.period,
        log10_lr=None,
        reasons=[refusal],
        inputs=case.rows(rows),
    )


def _rows(series: Series) -> dict[str, int]:
    meters = series.meters
    return {
        "transformer_readings": series.days,
        "interval_readings": len(meters.usage_point_ids) * series.days,
        "daily_readings": len(meters.daily) * series.days,
        "usage_points": len(meters.usage_point_ids) + len(meters.unread) + len(meters.daily),
        "transformers": 1,
    }


def _judge(series: Series, case: Case) -> Evidence:
    period_days = case.days_of(series)
    if refusal := balance_refusal(series, period_days):
        return _refused(series.transformer_id, case, _rows(series), refusal)
    balance = balance_of(series, period_days, case.utc_offset_h())
    weighed = weigh(balance)
    block = weighed.block
    on_share = _on_share(block)
    return Evidence(
        detector=DETECTOR,
        subject_kind=SubjectKind.TRANSFORMER,
        subject_id=series.transformer_id,
        period=case.period,
        log10_lr=weighed.log10_lr,
        best_alternative=weighed.best.value,
        alternatives={cause.value: share for cause, share in weighed.causes.items()},
        power_kw=_positive(block.power_kw, block.error_kw, on_share or 1.0),
        energy_kwh=_energy(series, block, period_days),
        onset_at=_edge(series, case, block, first=True),
        ended_at=_edge(series, case, block, first=False),
        on_share=on_share,
        duty=_duty(block, on_share),
        reasons=balance_reasons(balance, weighed),
        inputs=case.rows(_rows(series)),
    )


def _positive(value: float, error: float, share: float) -> Estimate | None:
    """Return the estimate of ``value`` / ``share`` at 90 %, cut at 0; None for nothing."""
    if value <= 0:
        return None
    return Estimate(value / share, max(value - LEVEL * error, 0.0) / share, (value + LEVEL * error) / share)


def _energy(series: Series, block: Block, period_days: tuple[int, int]) -> Estimate | None:
    hours = float(block.run[hours_of(series, *period_days)].sum())
    return _positive(hours * block.power_kw, hours * block.error_kw, 1.0)


def _on_share(block: Block) -> float | None:
    """Return the share of the run in which the block is on; None where the noise hides it."""
    chosen = (block.run > 0) & (block.fit.weights > 0)
    noise = 1 / np.sqrt(np.median(block.fit.weights[chosen]))
    if not block.power_kw > 4 * noise:
        return None
    drawn = block.fit.residual[chosen] + block.power_kw
    return float(np.mean(drawn > ON_SHARE * np.quantile(drawn, 0.9)))


def _edge(series: Series, case: Case, block: Block, *, first: bool) -> datetime | None:
    """Return when the run begins or ends; None where it goes beyond the data."""
    if block.pulse is None or not block.seen:
        return None
    day = block.pulse.begin if first else block.pulse.end
    if day in (0, series.days):
        return None
    return case.instant(series, edge_hour(block, day, first=first))


def edge_hour(block: Block, day: int, *, first: bool) -> int:
    """Return the hour within a day of ``day`` at which the books change most, as a step of two days shows."""
    left = np.nan_to_num(block.fit.residual) + block.power_kw * block.run
    begin, end = max(day - 1, 0) * HOURS, min(day + 2, block.run.size // HOURS) * HOURS
    change = np.cumsum(left[begin:end] - block.power_kw / 2)
    hour = int(np.argmin(change) if first else np.argmax(change))
    return min(begin + hour + 1, block.run.size - 1)


def _duty(block: Block, on_share: float | None) -> Duty | None:
    if not block.seen:
        return None
    night = float(np.nanmean(block.uplift_kw[[22, 23, 0, 1, 2, 3, 4, 5]]))
    day = block.uplift_kw[9:17]
    if not np.isnan(day).all() and night > NIGHT_RATIO * max(float(np.nanmean(day)), 0.0) > 0:
        return Duty.NIGHT_ONLY
    if on_share is None:
        return None
    return Duty.FLAT if on_share >= FLAT_SHARE else Duty.INTERMITTENT


TRANSFORMER_STEP = Step(
    name=DETECTOR.name,
    version=DETECTOR.version,
    inputs=("transformer_readings", "transformers", "usage_points", "interval_readings", "daily_readings"),
    group_by="transformer_id",
    output="evidence",
    function=balance_evidence,
    columns={
        "transformer_readings": ("transformer_id", "day", "kw", "kvar"),
        "transformers": (
            "transformer_id",
            "rated_kva",
            "no_load_loss_kw",
            "load_loss_kw",
            "lon",
            "lat",
        ),
        "usage_points": ("usage_point_id", "transformer_id", "contract_kva", "opened_on", "closed_on"),
        "interval_readings": ("usage_point_id", "day", "kw"),
        "daily_readings": ("usage_point_id", "day", "energy_kwh"),
    },
)
"""Evidence on each transformer: an unmetered block in what its customers and losses leave of the supply."""
