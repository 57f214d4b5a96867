"""Evidence from the books of a transformer or feeder."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from minewatch.detect.balance.known import Known
from minewatch.detect.balance.model import Balance, balance_of
from minewatch.detect.balance.needs import balance_refusal
from minewatch.detect.balance.reasons import Moved, balance_reasons
from minewatch.detect.balance.series import Doubles, Series
from minewatch.detect.balance.weight import Block, Constant, weigh
from minewatch.kernels.power.hours import HOURS
from minewatch.schema.evidence import Detector, Duty, Estimate, Evidence, SubjectKind, inputs_of
from minewatch.schema.periods import Period
from minewatch.schema.reasons import Reason
from minewatch.schema.steps import asked

LEVEL = 2.3
"""Standard errors on either side of an interval of 90 %: 1.645, widened for blocks that grow or are two, so
that it held about 90 % of simulated ones that are in no figure."""
ON_SHARE, FLAT_SHARE, NIGHT_RATIO = 0.5, 0.9, 3.0
"""A block is on above this share of its power; flat if on for that share of its hours; of the night if it
takes so many times as much then as by day."""
_EPOCH = date(1970, 1, 1)


class Case(NamedTuple):
    """What all evidence of one call shares; ``versions`` of the lake's tables."""

    detector: Detector
    kind: SubjectKind
    period: Period
    zone: ZoneInfo
    versions: Mapping[str, int]

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
        day = series.day(hour // HOURS)
        local = datetime(day.year, day.month, day.day, hour % HOURS, tzinfo=self.zone)
        return local.astimezone(UTC)

    def rows(self, rows: Mapping[str, int]) -> list[dict[str, str | int]]:
        """Return ``Evidence.inputs`` for ``rows`` by table, of the tables that come from a lake."""
        return inputs_of(self.versions, rows)


def case_of(detector: Detector, kind: SubjectKind, parameters: Mapping[str, Any]) -> Case:
    """Return the case of a call of a step with ``parameters``: see ``minewatch.schema.steps.asked``."""
    return Case(detector, kind, *asked(parameters))


def refused(subject_id: str, case: Case, rows: Mapping[str, int], refusal: Reason) -> Evidence:
    """Return the evidence that nothing can be said of a subject; ``rows`` were read, by table."""
    return Evidence(
        detector=case.detector,
        subject_kind=case.kind,
        subject_id=subject_id,
        period=case.period,
        log10_lr=None,
        reasons=[refusal],
        inputs=case.rows(rows),
    )


class Opened(NamedTuple):
    """A subject before it is weighed: its ``balance``, or why there is none; ``rows`` were read, by table.

    ``series`` is without ``moved.strays`` and with ``moved.newcomers``.
    """

    series: Series
    moved: Moved
    rows: Mapping[str, int]
    balance: Balance | Reason


def opened(series: Series, known: Known, moved: Moved, case: Case, rows: Mapping[str, int]) -> Opened:
    """Open the books of ``series``."""
    days = case.days_of(series)
    return Opened(series, moved, rows, balance_refusal(series, days) or balance_of(series, known, days))


def judged(subject: Opened, case: Case, missing: Sequence[Constant] = ()) -> Evidence:
    """Return the evidence on a subject; ``missing`` are constant powers that its neighbours' books lack."""
    series, balance = subject.series, subject.balance
    if isinstance(balance, Reason):
        return refused(series.subject_id, case, subject.rows, balance)
    weighed = weigh(balance, missing)
    period_days = case.days_of(series)
    block = weighed.block
    on_share = _on_share(block)
    return Evidence(
        detector=case.detector,
        subject_kind=case.kind,
        subject_id=series.subject_id,
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
        reasons=balance_reasons(balance, weighed, subject.moved),
        inputs=case.rows(subject.rows),
    )


def unexplained_kw(subject: Opened) -> Doubles | None:
    """Return what losses and customers leave of the supply, kW (hours,), the block within; None if refused.

    NaN in hours that the books leave out.
    """
    if isinstance(subject.balance, Reason):
        return None
    block = weigh(subject.balance).block
    return np.where(block.fit.weights > 0, block.fit.residual + block.power_kw * block.run, np.nan)


def _positive(value: float, error: float, share: float) -> Estimate | None:
    """Return the estimate of ``value`` / ``share`` at 90 %, cut at 0; None for nothing."""
    if value <= 0:
        return None
    return Estimate(value / share, max(value - LEVEL * error, 0.0) / share, (value + LEVEL * error) / share)


def _energy(series: Series, block: Block, period_days: tuple[int, int]) -> Estimate | None:
    """Return what the block took in the period: its hours there with what the books leave in them."""
    period = series.hours_of(*period_days)
    run = block.run[period]
    left_kw = block.fit.residual[period][(run > 0) & (block.fit.weights[period] > 0)]
    if not left_kw.size:
        return None
    # Without the robust weights: hours in which machines stand still count as well.
    error_kw = np.hypot(block.error_kw, left_kw.std() * np.sqrt(block.fit.clumping / left_kw.size))
    hours = float(run.sum())
    return _positive(hours * (block.power_kw + float(left_kw.mean())), hours * float(error_kw), 1.0)


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
