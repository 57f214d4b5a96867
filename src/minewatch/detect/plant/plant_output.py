"""Detector: output that a plant should have made and no meter saw, weighed against innocent reasons.

See ``docs/explanation/plant-output.md`` for the method.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from minewatch.detect.plant.analysis import analyse
from minewatch.detect.plant.causes import weigh_causes
from minewatch.detect.plant.drivers import KINDS, Flags, Floats
from minewatch.detect.plant.episodes import TO_90, Episode, find_episode
from minewatch.detect.plant.needs import plant_refusal
from minewatch.detect.plant.reasons import Judged, plant_reasons
from minewatch.schema.evidence import Detector, Estimate, Evidence, SubjectKind, evidence_table, inputs_of
from minewatch.schema.grid_tables import PLANT_READINGS
from minewatch.schema.periods import Period
from minewatch.schema.reasons import Reason
from minewatch.schema.steps import Step, asked

DETECTOR = Detector("plant_output", "1")
"""Name and version; the version changes whenever the numbers may."""

_HOUR_US = 3_600_000_000
_DRIVERS = tuple(PLANT_READINGS.names[2:])
_PLATE = ("plant_id", "kind", "rated_mw", "design_flow_m3s", "design_head_m", "design_efficiency")
_EDGE_H = 24
"""An episode that ends this close to the last reading goes on."""


class Series(NamedTuple):
    """Hours of one plant without gaps: ``first_hour`` since 1970, ``columns`` of ``plant_readings``."""

    plant_id: str
    first_hour: int
    columns: Mapping[str, Floats]
    rows: int

    @property
    def hours(self) -> int:
        """Length of the grid."""
        return self.columns["mw"].size

    def instant(self, hour: int) -> datetime:
        """Return the start of an hour of the grid."""
        return datetime.fromtimestamp((self.first_hour + hour) * 3600, UTC)

    def inside(self, period: Period) -> Flags:
        """Tell which hours begin in the period."""
        start, end = (
            instant.timestamp() / 3600 - self.first_hour for instant in (period.start_at, period.end_at)
        )
        place = np.arange(self.hours)
        flags: Flags = (place >= start) & (place < end)
        return flags


def plant_evidence(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return one row of ``evidence`` per plant in ``tables["plant_readings"]``.

    ``parameters``: see ``minewatch.schema.steps.asked``.
    """
    return evidence_table(judge(tables["plant_readings"], tables.get("plants"), *asked(parameters)))


def judge(
    readings: pa.Table,
    plants: pa.Table | None,
    period: Period,
    zone: ZoneInfo,
    versions: Mapping[str, int] | None = None,
) -> list[Evidence]:
    """Return the evidence on each plant of ``readings`` for ``period``, in their order.

    ``readings`` (rows of ``plant_readings``, ordered by plant and hour) may reach back before the period: a
    year or more shows all of the plant's curve. ``versions`` of the tables go into ``Evidence.inputs``.
    """
    plates = {row["plant_id"]: row for row in plants.select(_PLATE).to_pylist()} if plants else {}
    case = _Case(period, zone, versions or {})
    return [case.judged(series, plates.get(series.plant_id)) for series in series_of(readings)]


def series_of(readings: pa.Table) -> Iterator[Series]:
    """Yield the hours of each plant of ``readings``, which are ordered by plant and hour."""
    if not readings.num_rows:
        return
    names = readings["plant_id"].combine_chunks()
    hours = readings["hour"].cast(pa.int64()).to_numpy() // _HOUR_US
    columns = {name: readings[name].to_numpy().astype(np.float64) for name in _DRIVERS}
    runs = pa.compute.run_end_encode(names)
    begin = 0
    for name, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        place = hours[begin:end] - hours[begin]
        filled = {}
        for column, values in columns.items():
            filled[column] = np.full(int(place[-1]) + 1, np.nan)
            filled[column][place] = values[begin:end]
        yield Series(name, int(hours[begin]), filled, end - begin)
        begin = end


class _Case(NamedTuple):
    """What all evidence of one call shares."""

    period: Period
    zone: ZoneInfo
    versions: Mapping[str, int]

    def judged(self, series: Series, plate: Mapping[str, Any] | None) -> Evidence:
        """Return the evidence on one plant, a refusal included."""
        in_period = series.inside(self.period)
        refusal = plant_refusal(plate, series.columns, in_period)
        if refusal or plate is None:
            return self._evidence(series, None, [refusal] if refusal else [])
        found = analyse(KINDS[plate["kind"]], series.columns, plate, in_period)
        causes = weigh_causes(plate["kind"], plate["rated_mw"], series.columns, found, in_period)
        episode = find_episode(found, in_period, self._hour_of_day(series))
        best = max(causes, key=lambda name: causes[name])
        reasons = plant_reasons(
            Judged(found, episode, best, plate["rated_mw"]),
            series.columns,
            in_period,
            lambda hour: self._day(series, hour),
        )
        return self._evidence(
            series,
            found.log10_lr,
            reasons,
            best_alternative=best,
            alternatives=causes,
            **(self._sized(series, episode) if episode else {}),
        )

    def _evidence(
        self, series: Series, log10_lr: float | None, reasons: Sequence[Reason], **more: Any
    ) -> Evidence:
        rows = {"plant_readings": series.rows, "plants": 1}
        return Evidence(
            detector=DETECTOR,
            subject_kind=SubjectKind.PLANT,
            subject_id=series.plant_id,
            period=self.period,
            log10_lr=log10_lr,
            reasons=reasons,
            inputs=inputs_of(self.versions, rows),
            **more,
        )

    def _sized(self, series: Series, episode: Episode) -> dict[str, Any]:
        kw, sigma_kw = 1000 * episode.level_mw, 1000 * TO_90 * episode.level_sigma_mw
        power = Estimate(kw, max(kw - sigma_kw, 0.0), kw + sigma_kw)
        kwh = 1000 * episode.energy_mwh
        goes_on = episode.end >= series.hours - _EDGE_H
        return {
            "power_kw": power,
            "energy_kwh": Estimate(kwh, kwh * power.low / kw, kwh * power.high / kw),
            "onset_at": series.instant(episode.begin) if episode.begin > 0 else None,
            "ended_at": None if goes_on else series.instant(episode.end),
            "on_share": episode.on_share,
            "duty": episode.duty,
        }

    def _hour_of_day(self, series: Series) -> Floats:
        offset = self.zone.utcoffset(series.instant(0).replace(tzinfo=None))
        shift = offset.total_seconds() / 3600 if offset else 0.0
        return np.asarray((series.first_hour + shift + np.arange(series.hours)) % 24, np.float64)

    def _day(self, series: Series, hour: int) -> date:
        return series.instant(hour).astimezone(self.zone).date()


PLANT_STEP = Step(
    name=DETECTOR.name,
    version=DETECTOR.version,
    inputs=("plants", "plant_readings"),
    group_by="plant_id",
    output="evidence",
    function=plant_evidence,
    columns={"plants": _PLATE},
)
"""Evidence on each plant with readings, refusals included."""
