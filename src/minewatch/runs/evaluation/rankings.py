"""From labels and the rows of a scan to rankings: by detector over its subjects, fused over sites."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from minewatch.runs.evaluation.figures import Ranking
from minewatch.runs.evaluation.labelled import MINING, NOT_MINING, Labels
from minewatch.runs.evaluation.scored_subjects import Subjects
from minewatch.schema.evidence import SubjectKind

Row = Mapping[str, Any]

SETTLED = timedelta(days=3)
"""A mine that began within so much of the first reading was there from the start of the data."""


class Labelled(NamedTuple):
    """One judged thing with its label: ``score``, ``site``, the stated power and onset, and the label."""

    score: float
    site: str
    stated: Row
    label: Row


def of_detectors(subjects: Subjects, labels: Labels) -> Mapping[str, Sequence[Labelled]]:
    """Return detector → its labelled subjects; victims of trojans are neither mines nor innocents here."""
    found: dict[str, list[Labelled]] = defaultdict(list)
    for row, score, site in zip(
        subjects.rows.to_pylist(), subjects.scores.tolist(), subjects.site_ids.tolist(), strict=True
    ):
        label = labels.of(row["subject_kind"], row["subject_id"])
        if label is not None and label["outcome"] in (MINING, NOT_MINING):
            found[f"{row['detector']}@{row['detector_version']}"].append(Labelled(score, site, row, label))
    return dict(sorted(found.items()))


def site_labels(subjects: Subjects, labels: Labels) -> Mapping[str, Row]:
    """Return site → one label from those of its subjects and its own: mining where any of them says so.

    Powers of different subjects of one kind add up; kinds see the same machines from several sides, and the
    largest sum counts.
    """
    by_site: dict[str, dict[str, Row]] = defaultdict(dict)
    for row, site in zip(subjects.rows.to_pylist(), subjects.site_ids.tolist(), strict=True):
        for kind, name in ((row["subject_kind"], row["subject_id"]), (SubjectKind.SITE, site)):
            label = labels.of(kind, name)
            if label is not None:
                by_site[site][label["label_id"]] = label
    return {site: _together(list(found.values())) for site, found in by_site.items()}


def _together(found: Sequence[Row]) -> Row:
    mines = [label for label in found if label["outcome"] == MINING]
    chosen = mines or sorted(found, key=lambda label: label["outcome"] == NOT_MINING)[:1]
    largest = max(chosen, key=lambda label: (label["power_kw"] or 0.0, label["label_id"]))
    sums = [_sums(chosen, kind) for kind in {label["subject_kind"] for label in chosen}]
    power_kw, rest_kw = max(sums, key=lambda pair: (pair[0] or 0.0, pair[1] or 0.0))
    onsets = [label["onset_at"] for label in chosen if label["onset_at"]]
    return {**largest, "power_kw": power_kw, "rest_kw": rest_kw, "onset_at": min(onsets, default=None)}


def _sums(labels: Sequence[Row], kind: str) -> tuple[float | None, float | None]:
    own = [label for label in labels if label["subject_kind"] == kind]
    return _sum(label["power_kw"] for label in own), _sum(label["rest_kw"] for label in own)


def of_sites(
    assessments: Iterable[Row], findings: Mapping[str, Row], labels: Mapping[str, Row]
) -> Sequence[Labelled]:
    """Return the labelled sites with their fused scores; power and onset are those of listed sites."""
    chosen = [(row, labels[row["site_id"]]) for row in assessments if row["site_id"] in labels]
    return [
        Labelled(row["score"], row["site_id"], findings.get(row["site_id"], {}), label)
        for row, label in chosen
        if label["outcome"] in (MINING, NOT_MINING)
    ]


def ranking_of(found: Sequence[Labelled], first_at: datetime) -> Ranking:
    """Return labelled things as a ranking; ``first_at`` is when the data begin."""
    told = [item.label for item in found]
    mine = np.array([label["outcome"] == MINING for label in told], bool)
    onsets = [label["onset_at"] if label["outcome"] == MINING else None for label in told]
    begun = np.array([at is not None and at > first_at + SETTLED for at in onsets], bool)
    _, sites = np.unique([item.site for item in found], return_inverse=True)
    powers = [[item.stated.get(f"power_kw{end}") for end in ("_low", "", "_high")] for item in found]
    days = [_days(item.stated.get("onset_at"), at) for item, at in zip(found, onsets, strict=True)]
    return Ranking(
        scores=np.array([item.score for item in found], np.float64),
        mine=mine,
        sites=sites,
        classes=_names(told, "innocent_class"),
        kinds=_names(told, "mine_kind"),
        mine_kw=_numbers(label["power_kw"] for label in told),
        rest_kw=_numbers(label["rest_kw"] for label in told),
        power_kw=np.array(powers, np.float64).reshape(len(found), 3),
        begun=begun,
        older=np.array([at is not None for at in onsets], bool) & ~begun,
        onset_days=_numbers(days),
    )


def _days(stated: datetime | None, true: datetime | None) -> float | None:
    return None if stated is None or true is None else (stated - true) / timedelta(days=1)


def _names(rows: Sequence[Row], name: str) -> Any:
    return np.array([row[name] or "" for row in rows], dtype=object)


def _numbers(values: Iterable[float | None]) -> Any:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
