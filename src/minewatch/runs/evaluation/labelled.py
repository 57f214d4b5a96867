"""What labels say of the subjects of a scan: one outcome each, and where labels contradict each other."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from minewatch.attribute.leases import host_of
from minewatch.schema.evidence import SubjectKind
from minewatch.schema.periods import Period

Row = Mapping[str, Any]
Subject = tuple[str, str]
"""Kind and id."""

MINING, VICTIM, NOT_MINING = "mining", "victim", "not_mining"
_WEIGHT = {MINING: 2, VICTIM: 1, NOT_MINING: 0}

_EVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

BY_LOT = frozenset({"random", "census"})
"""Selections that do not depend on any score."""


@dataclass(frozen=True)
class Labels:
    """Labels of a period: the row that counts for each subject, and pairs that exclude each other."""

    by_subject: Mapping[Subject, Row]
    conflicts: Sequence[tuple[Row, Row]]

    def of(self, kind: str, name: str) -> Row | None:
        """Return the label of a subject; an endpoint ("ip:port") may be labelled by its address alone."""
        found = self.by_subject.get((kind, name))
        if found is None and kind == SubjectKind.ENDPOINT:
            return self.by_subject.get((kind, host_of(name)))
        return found


def labels_in(table: pa.Table, period: Period) -> Labels:
    """Read the labels that say something of ``period``.

    Of two judgements on one time the later counts, and both are shown. Of several times in the period the
    one with mining counts: a subject that mined on one day of it is a mine.
    """
    rows = sorted(table.to_pylist(), key=_decided)
    by_subject: dict[Subject, list[Row]] = defaultdict(list)
    conflicts: list[tuple[Row, Row]] = []
    for row in rows:
        known = row["outcome"] in _WEIGHT
        if known and _overlap(_time_of(row), (period.start_at, period.end_at)):
            subject = (row["subject_kind"], row["subject_id"])
            overruled = [old for old in by_subject[subject] if _overlap(_time_of(old), _time_of(row))]
            conflicts += [(old, row) for old in overruled if old["outcome"] != row["outcome"]]
            by_subject[subject] = [old for old in by_subject[subject] if old not in overruled] + [row]
    return Labels({name: _leading(found) for name, found in by_subject.items()}, conflicts)


def _leading(rows: Iterable[Row]) -> Row:
    return max(rows, key=lambda row: (_WEIGHT[row["outcome"]], *_decided(row)))


def _decided(row: Row) -> tuple[datetime, str]:
    return row["decided_at"] or _EVER[0], row["label_id"]


def _time_of(row: Row) -> tuple[datetime, datetime]:
    return row["valid_from"] or _EVER[0], row["valid_to"] or _EVER[1]


def _overlap(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
