"""Labels that say otherwise than the scan did: each is shown with its evidence, none is averaged away."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minewatch.fuse.combination import posterior
from minewatch.fuse.families import FAMILY_OF, Family
from minewatch.fuse.strength import Calibration
from minewatch.lake.commits import Snapshot
from minewatch.lake.lake import Lake
from minewatch.runs.evaluation.labelled import MINING, NOT_MINING, Labels
from minewatch.runs.evaluation.scored_subjects import Subjects
from minewatch.runs.evidence_rows import LakeEvidence, rows_by_id
from minewatch.runs.manifest import RunManifest
from minewatch.schema.evidence import SubjectKind

LIKELY = 0.5
"""Posterior from which on a detector says "mining"."""


@dataclass(frozen=True)
class Contradiction:
    """A label against the evidence: ``kind`` is "sign_at_innocent", "no_sign_at_mine" or "refused_at_mine".

    ``posterior`` is that of this evidence alone; None where the detector refused.
    """

    kind: str
    label: Mapping[str, Any]
    evidence: Mapping[str, Any]
    posterior: float | None

    def as_json(self) -> dict[str, Any]:
        """Return what one needs to look it up."""
        label, evidence = self.label, self.evidence
        return {
            "kind": self.kind,
            **{name: label[name] for name in ("label_id", "subject_kind", "subject_id", "outcome")},
            "innocent_class": label["innocent_class"],
            **{name: evidence[name] for name in ("evidence_id", "detector", "log10_lr", "best_alternative")},
            "posterior": self.posterior,
            "reasons": [item["code"] for item in evidence["reasons"]],
        }


@dataclass(frozen=True)
class Judged:
    """A run with what its scores were worth: the calibrations, and the share of sites that mine."""

    manifest: RunManifest
    subjects: Subjects
    calibrations: Mapping[Family, Calibration]
    prior: float


def contradictions(lake: Lake, snapshot: Snapshot, judged: Judged, labels: Labels) -> list[Contradiction]:
    """Return every label that the evidence of the run speaks against, the strongest first."""
    found = [*_of_judged(judged, labels), *_of_refused(judged.subjects, labels)]
    rows = rows_by_id(LakeEvidence(lake, snapshot, judged.manifest), [name for _, _, name, _ in found])
    made = [Contradiction(kind, label, rows[name], chance) for kind, label, name, chance in found]
    return sorted(
        made, key=lambda item: (item.kind, -abs(item.evidence["log10_lr"] or 0), item.label["label_id"])
    )


_Found = tuple[str, Mapping[str, Any], str, float | None]


def _of_judged(judged: Judged, labels: Labels) -> Iterator[_Found]:
    subjects = judged.subjects
    chances = posteriors(judged)
    names = zip(*(subjects.rows[name].to_pylist() for name in _NAMED), strict=True)
    for at, (kind, name, evidence_id) in enumerate(names):
        label = labels.of(kind, name)
        if label is None:
            continue
        chance = float(chances[at])
        if label["outcome"] == NOT_MINING and chance >= LIKELY:
            yield "sign_at_innocent", label, evidence_id, chance
        if label["outcome"] == MINING and subjects.scores[at] <= 0:
            yield "no_sign_at_mine", label, evidence_id, chance


_NAMED = ("subject_kind", "subject_id", "evidence_id")


def _of_refused(subjects: Subjects, labels: Labels) -> Iterator[_Found]:
    names: Sequence[list[str]] = [subjects.refused[name].to_pylist() for name in _NAMED]
    for kind, name, evidence_id in zip(*names, strict=True):
        label = labels.of(kind, name)
        if label is not None and label["outcome"] == MINING:
            yield "refused_at_mine", label, evidence_id, None


def posteriors(judged: Judged) -> Any:
    """Return for each judged subject the probability of mining by its own evidence alone; (n,)."""
    strengths = judged.subjects.scores.copy()
    kinds = judged.subjects.rows["subject_kind"].to_numpy(zero_copy_only=False)
    for kind in SubjectKind:
        calibration = judged.calibrations.get(FAMILY_OF[kind]) if kind in FAMILY_OF else None
        at = kinds == kind.value
        if calibration is not None and at.any():
            sites = judged.subjects.site_ids[at].tolist()
            strengths[at] = calibration.strength(strengths[at], judged.subjects.placed[at], sites)
    return posterior(strengths, judged.prior)
