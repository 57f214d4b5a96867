"""When a site's miners are at work, how they come back, and what else its addresses do."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from minewatch.fuse.connections import followed
from minewatch.schema.calendar import is_workday

Row = Mapping[str, Any]

_HOUR = timedelta(hours=1)
_FEWEST_HOURS = 8
"""Working hours, and other hours, that must have been watched to compare them (assumed)."""

_WORK = range(8, 18)


@dataclass(frozen=True)
class Presence:
    """What a site's traffic shows beside its mining.

    ``rest_share``: machines at work outside working hours per machine in them; None where too few hours of
    one kind were watched. ``hours``: of work by miners that can be followed, ``returns``: how often one was
    gone and came back within an hour. ``resolves``: look-ups of names by its addresses are seen.
    ``sites_with_account``: other sites, of other owners, with one of its accounts. ``shared_server``: a
    server, no pool, to which its addresses and mining ones of other sites speak, and nobody else.
    """

    rest_share: float | None = None
    hours: float = 0.0
    returns: int = 0
    resolves: bool = False
    sites_with_account: int = 0
    shared_server: str | None = None


def rest_share(wire: Iterable[Row], watched: Iterable[datetime], zone: ZoneInfo) -> float | None:
    """Return machines at work per watched hour outside working hours, as a share of that in them.

    ``watched`` are the hours (their starts) in which any traffic of the site's addresses was seen: a site
    that is not watched by night is not one that rests by night.
    """
    hours = sorted(watched)
    at_work = _machine_hours(wire, hours)
    works = [_is_working_hour(hour.astimezone(zone)) for hour in hours]
    work = [found for found, is_work in zip(at_work, works, strict=True) if is_work]
    rest = [found for found, is_work in zip(at_work, works, strict=True) if not is_work]
    if min(len(work), len(rest)) < _FEWEST_HOURS or not sum(work):
        return None
    return (sum(rest) / len(rest)) / (sum(work) / len(work))


def _is_working_hour(local: datetime) -> bool:
    return local.hour in _WORK and is_workday(local.date())


def hour_of(instant: datetime) -> datetime:
    """Return the start of the hour (UTC) of an instant."""
    return instant.replace(minute=0, second=0, microsecond=0)


def _machine_hours(wire: Iterable[Row], hours: Sequence[datetime]) -> list[float]:
    """Return for each of ``hours``, in order, the hours that connections were at work in it."""
    found = [0.0] * len(hours)
    for row in wire:
        first, last = row["onset_at"], row["ended_at"]
        for place in range(bisect_left(hours, hour_of(first)), bisect_right(hours, last)):
            inside = min(last, hours[place] + _HOUR) - max(first, hours[place])
            found[place] += inside / _HOUR
    return found


def returns(wire: Iterable[Row]) -> tuple[float, int]:
    """Return the hours of work of miners that can be followed, and how often one came back within an hour.

    Of miners that can be followed: see ``minewatch.fuse.connections.followed``.
    """
    hours, times = 0.0, 0
    for own in followed(wire):
        hours += sum((row["ended_at"] - row["onset_at"]) / _HOUR for row in own)
        times += sum(_comes_back(before, after) for before, after in pairwise(own))
    return hours, times


def _comes_back(before: Row, after: Row) -> bool:
    return bool(after["flow"]["opening_seen"]) and after["onset_at"] - before["ended_at"] <= _HOUR
