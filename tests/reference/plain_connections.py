"""The slow, obvious twin of ``minewatch.fuse.connections``: every instant and every choice is tried."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

Row = Mapping[str, Any]


def most_at_once(rows: Sequence[Row], column: str) -> float:
    """Return the largest sum over all onsets: of each endpoint its largest row that is on."""
    best = 0.0
    for instant in [row["onset_at"] for row in rows]:
        on: dict[str, float] = {}
        for row in rows:
            end = max(row["ended_at"], row["onset_at"] + timedelta(microseconds=1))
            if row["onset_at"] <= instant < end:
                on[row["subject_id"]] = max(on.get(row["subject_id"], 0.0), row[column])
        best = max(best, sum(on.values()))
    return best


def through(host: str, tree: Mapping[str, Sequence[str]], sends: Mapping[str, float]) -> float:
    """Return what passes through a host: what it sends, or what those behind it send, if that is more."""
    behind = sum(through(other, tree, sends) for other in tree.get(host, ()))
    return max(sends[host], behind)
