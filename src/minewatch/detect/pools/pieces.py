"""One connection that lies in several rows of ``flows``.

Exporters write a connection down every few minutes (active timeout), a sensor at each of its rolls.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

PAUSE = timedelta(minutes=5)
"""Longest time between two rows of one connection; ports are not given out anew that soon (RFC 6056 §3.2)."""

_ENDS = ("capture", "src_ip", "src_port", "dst_ip", "dst_port", "protocol")
_COUNTS = ("src_packets", "dst_packets", "src_bytes", "dst_bytes")

Row = dict[str, Any]


def joined(rows: Iterable[Row]) -> list[Row]:
    """Return rows of ``flows`` in their order, those of one connection without a dialect as one.

    The joined row stands in the place of the first and has the times, sums and names of all, and of all else
    what the earliest has. ``pieces`` says of how many it is made. What was said in each piece stays apart.
    """
    placed = [(place, {**row, "pieces": 1}) for place, row in enumerate(rows)]
    found = [item for item in placed if item[1]["dialect"] is not None]
    silent = [item for item in placed if item[1]["dialect"] is None]
    silent.sort(key=lambda item: (_ends(item[1]), item[1]["first_at"], item[0]))
    for _, group in groupby(silent, key=lambda item: _ends(item[1])):
        found += _follow_up(list(group))
    return [row for _, row in sorted(found, key=itemgetter(0))]


def _follow_up(group: list[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    place, current = group[0]
    for other_place, row in group[1:]:
        if row["first_at"] - current["last_at"] <= PAUSE and row["opening_seen"] is not True:
            place, current = min(place, other_place), _together(current, row)
        else:
            yield place, current
            place, current = other_place, row
    yield place, current


def _together(one: Row, other: Row) -> Row:
    names = {(item["kind"], item["name"]): item for row in (one, other) for item in row["names"] or ()}
    return {
        **one,
        **{name: _sum(one[name], other[name]) for name in _COUNTS},
        "last_at": max(one["last_at"], other["last_at"]),
        "names": list(names.values()) or None,
        "pieces": one["pieces"] + 1,
    }


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)


def _ends(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _ENDS)
