"""Evidence, Finding and their vocabularies; rows of the ``evidence`` and ``findings`` tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from minewatch.schema.ids import content_id
from minewatch.schema.periods import Period
from minewatch.schema.reasons import Reason

if TYPE_CHECKING:
    import pyarrow as pa


class SubjectKind(StrEnum):
    """What an evidence speaks of."""

    USAGE_POINT = "usage_point"
    TRANSFORMER = "transformer"
    FEEDER = "feeder"
    PLANT = "plant"
    ENDPOINT = "endpoint"
    APPLICATION = "application"
    ADDRESS = "address"
    SITE = "site"


class Duty(StrEnum):
    """When a mining load runs."""

    FLAT = "flat"
    NIGHT_ONLY = "night_only"
    PRICE_FOLLOWING = "price_following"
    SEASONAL = "seasonal"
    INTERMITTENT = "intermittent"


class FindingKind(StrEnum):
    """How the site mines."""

    ACTIVE = "active"
    PASSIVE_VICTIM = "passive_victim"
    UNMETERED_SUPPLY = "unmetered_supply"
    PLANT_DIVERSION = "plant_diversion"


class SiteClass(StrEnum):
    """Stock or new project, articles (三) and (四)."""

    OPERATING = "operating"
    UNDER_CONSTRUCTION = "under_construction"


@dataclass(frozen=True)
class Detector:
    """Name and version of a detector; the version changes whenever its numbers may."""

    name: str
    version: str


@dataclass(frozen=True)
class Estimate:
    """A quantity with its interval, in the unit its field names (kW at 90 %, H/s at 95 %)."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} lies outside its interval {self.low} to {self.high}")


@dataclass(frozen=True)
class Evidence:
    """What one detector says of one subject in one period.

    ``log10_lr`` is the log10 likelihood ratio of mining against ``best_alternative``; None where the
    detector refused, and then ``reasons`` say why. ``alternatives`` gives the probability of each innocent
    class given that it is not mining. ``energy_kwh`` is what the load took in the period, where it was
    measured. ``places`` are usage points at which a load that no meter shows may sit, with probabilities.
    """

    detector: Detector
    subject_kind: SubjectKind
    subject_id: str
    period: Period
    log10_lr: float | None
    reasons: Sequence[Reason]
    best_alternative: str | None = None
    alternatives: Mapping[str, float] = field(default_factory=dict)
    power_kw: Estimate | None = None
    energy_kwh: Estimate | None = None
    onset_at: datetime | None = None
    ended_at: datetime | None = None
    on_share: float | None = None
    duty: Duty | None = None
    places: Mapping[str, float] = field(default_factory=dict)
    hash_rate: Estimate | None = None
    algorithm: str | None = None
    coin: str | None = None
    inputs: Sequence[Mapping[str, str | int]] = ()

    def __post_init__(self) -> None:
        if not self.reasons:
            raise ValueError(
                f"{self.detector.name} gives no reason for {self.subject_kind} {self.subject_id}"
            )

    @property
    def refused(self) -> bool:
        """Tell whether the detector declined to judge."""
        return self.log10_lr is None

    @property
    def evidence_id(self) -> str:
        """Hash of detector, subject, period and input versions."""
        inputs = [[item["table"], item["version"]] for item in self.inputs]
        subject = (self.subject_kind.value, self.subject_id, self.period.start_at, self.period.end_at)
        return content_id("E", self.detector.name, self.detector.version, *subject, inputs)

    def as_row(self) -> dict[str, Any]:
        """Return the evidence as a row of the ``evidence`` table."""
        return {
            "evidence_id": self.evidence_id,
            "detector": self.detector.name,
            "detector_version": self.detector.version,
            "subject_kind": self.subject_kind.value,
            "subject_id": self.subject_id,
            "period_start_at": self.period.start_at,
            "period_end_at": self.period.end_at,
            "log10_lr": self.log10_lr,
            "best_alternative": self.best_alternative,
            "alternatives": _named(self.alternatives),
            **_estimate_columns("power_kw", self.power_kw),
            **_estimate_columns("energy_kwh", self.energy_kwh),
            "onset_at": self.onset_at,
            "ended_at": self.ended_at,
            "on_share": self.on_share,
            "duty": self.duty.value if self.duty else None,
            "places": _named(self.places),
            **_estimate_columns("hash_rate", self.hash_rate),
            "algorithm": self.algorithm,
            "coin": self.coin,
            "reasons": [item.as_row() for item in self.reasons],
            "inputs": [dict(item) for item in self.inputs],
        }


def evidence_table(evidence: Iterable[Evidence]) -> "pa.Table":
    """Return evidence as a table of the schema ``EVIDENCE``, in the order given."""
    import pyarrow as pa  # evidence on the lines of a capture is shown without Arrow

    from minewatch.schema.analysis_tables import EVIDENCE

    return pa.Table.from_pylist([item.as_row() for item in evidence], schema=EVIDENCE)


def inputs_of(versions: Mapping[str, int], rows: Mapping[str, int]) -> list[dict[str, str | int]]:
    """Return ``Evidence.inputs``: of the tables read (``rows`` by table) those with a version in a lake."""
    return [
        {"table": table, "version": versions[table], "rows": rows[table]}
        for table in sorted(versions.keys() & rows.keys())
    ]


def _named(probabilities: Mapping[str, float]) -> list[dict[str, str | float]]:
    return [{"name": name, "probability": value} for name, value in sorted(probabilities.items())]


def _estimate_columns(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    if estimate is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
