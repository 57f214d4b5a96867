"""What went into each transformer or feeder and what the meters below it counted, hour by hour."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.detect.load.curves import Curves, curves_of
from minewatch.kernels.power.balance import hourly_curves, metered_sums
from minewatch.kernels.power.hours import HOURS, Floats

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_EPOCH = date(1970, 1, 1)
_NEVER = date(1, 1, 1)
_ALWAYS = date(9999, 1, 1)


SPREAD_DOUBT = 0.3
"""Share of energy known by day only whose hours are in doubt."""


class Member(NamedTuple):
    """What the archive says of a meter: the ``subject_id`` it hangs on, its size and its days of supply."""

    subject_id: str | None
    kva: float | None
    opened_on: date | None = None
    closed_on: date | None = None


class Tree(NamedTuple):
    """Readings of subjects and of the meters below them, ordered by subject or meter, then day.

    ``supply`` has the columns ``id``, ``day``, ``kw``, ``kvar``, ``readings`` the columns ``id``, ``day``,
    ``kw``, and ``daily`` for meters that are read once a day ``id``, ``day``, ``energy_kwh``. ``members`` is
    the archive by meter.
    """

    supply: pa.Table
    readings: pa.Table
    daily: pa.Table | None
    members: Mapping[str, Member]


class Meters(NamedTuple):
    """The meters of one subject by the archive; ``hourly`` (meters, hours) kW, NaN where not read."""

    ids: list[str]
    hourly: Floats


class Below(NamedTuple):
    """What hangs below one subject by the archive.

    ``floors_kw`` (meters,) is the least hour of each meter's mean day, NaN without a reading;
    ``unread_kva`` the sizes of those that are not read at all, NaN where unknown; ``read_daily`` the number
    of those that are read once a day.
    """

    floors_kw: Doubles
    unread_kva: Doubles
    read_daily: int


class Series(NamedTuple):
    """One subject from its first to its last day with supply readings, in hours (hours,).

    ``first_day`` is in days since 1970-01-01. ``supply_kw`` is signed and NaN where unknown; ``supply_kvar``
    too, all NaN where not metered. ``metered_kw`` is the sum of the meters, of which ``filled_kw`` was
    guessed for gaps; ``doubt_kw`` is the standard deviation of what was guessed.
    """

    subject_id: str
    first_day: int
    supply_kw: Doubles
    supply_kvar: Doubles
    metered_kw: Doubles
    filled_kw: Doubles
    doubt_kw: Doubles
    below: Below

    @property
    def days(self) -> int:
        """Number of days."""
        return self.supply_kw.size // HOURS

    @property
    def mean_kw(self) -> float:
        """Mean power that goes in."""
        return float(np.nanmean(self.supply_kw))

    def day(self, number: int) -> date:
        """Return the local day that is ``number`` days after the first."""
        return _EPOCH + timedelta(days=self.first_day + number)

    def hours_of(self, first: int, last: int) -> slice:
        """Return the hours of the days ``first`` to ``last`` (excluded), cut to those that are there."""
        return slice(*(min(max(day, 0), self.days) * HOURS for day in (first, last)))


class _Axis(NamedTuple):
    """Days (subjects,) of the first supply reading and after the last one."""

    first: Ints
    last: Ints


def series_of(tree: Tree) -> list[tuple[Series, Meters]]:
    """Return the series of each subject with supply readings, in their order, with its meters.

    What a subject gets does not depend on which others are in the tables.
    """
    supply = _curves(tree.supply, "kw")
    places = {name: place for place, name in enumerate(supply.usage_point_ids)}
    axis = _Axis(_edges(supply, 0), _edges(supply, 1))
    kw, kvar = _on_axis(supply, axis), _on_axis(_curves(tree.supply, "kvar"), axis)
    metered = _Metered(tree, places, axis)
    return [
        (
            Series(
                subject_id=name,
                first_day=int(axis.first[place]),
                supply_kw=kw[place],
                supply_kvar=kvar[place],
                metered_kw=metered.kw[place, : kw[place].size],
                filled_kw=metered.filled_kw[place, : kw[place].size],
                doubt_kw=metered.doubt_kw[place, : kw[place].size],
                below=metered.below(place),
            ),
            metered.meters(place, kw[place].size),
        )
        for name, place in places.items()
    ]


def columns_of(table: pa.Table, subject: str, *names: str) -> pa.Table:
    """Return the columns ``subject``, now called ``id``, ``day`` and ``names``."""
    return table.select([subject, "day", *names]).rename_columns(["id", "day", *names])


def hours_by_phase(table: pa.Table, series: Series) -> Doubles | None:
    """Return the last column of ``table``, three curves a day, on the hours of ``series``, shape (3, hours).

    ``table`` has the columns ``id``, ``day`` and one of phase curves, and holds one subject; days without
    three curves are left out. None where no day has them.
    """
    name = table.column_names[-1]
    rows = table.filter(pc.equal(pc.list_value_length(table[name]), 3))
    if not rows.num_rows:
        return None
    axis = _Axis(np.array([series.first_day]), np.array([series.first_day + series.days]))
    phases = [pc.list_element(rows[name], place) for place in range(3)]
    curves = [rows.select(["id", "day"]).append_column("kw", values) for values in phases]
    return np.stack([_on_axis(_curves(curve, "kw"), axis)[0] for curve in curves])


def _curves(table: pa.Table, column: str) -> Curves:
    return curves_of(pa.table({"usage_point_id": table["id"], "day": table["day"], "kw": table[column]}))


def _edges(curves: Curves, last: int) -> Ints:
    rows = curves.point_rows[1:] - 1 if last else curves.point_rows[:-1]
    return curves.days[rows].astype(np.int64) + last


def _on_axis(curves: Curves, axis: _Axis) -> list[Doubles]:
    lengths = (axis.last - axis.first) * HOURS
    hourly = np.empty((len(lengths), int(lengths.max(initial=0))), np.float32)
    spans = np.column_stack((axis.first, axis.first, axis.last))
    hourly_curves(*curves[1:], spans, hourly)
    return [row[:length].astype(np.float64) for row, length in zip(hourly, lengths, strict=True)]


class _Metered:
    """Meters of all subjects, each on the axis of its own, and their sums (subjects, hours)."""

    def __init__(self, tree: Tree, places: Mapping[str, int], axis: _Axis) -> None:
        curves = _curves(tree.readings, "kw")
        self._ids, members = curves.usage_point_ids, tree.members
        groups = np.array([_place(members.get(name), places) for name in self._ids], np.int64)
        hours = int((axis.last - axis.first).max(initial=0)) * HOURS
        spans = np.zeros((len(self._ids), 3), np.int64)
        known = groups >= 0
        spans[known] = np.column_stack((axis.first, axis.first, axis.last))[groups[known]]
        self._hourly = np.empty((len(self._ids), hours), np.float32)
        hourly_curves(*curves[1:], spans, self._hourly)
        supplied = np.zeros((len(self._ids), 2), np.int64)
        for point in np.flatnonzero(known):
            supplied[point] = _connected(members[self._ids[point]], spans[point])
        self.kw, self._floors_kw = np.zeros((len(places), hours)), np.empty(len(self._ids))
        self.filled_kw, variance = np.zeros_like(self.kw), np.zeros_like(self.kw)
        sums = (self.kw, self.filled_kw, variance)
        metered_sums(self._hourly, supplied, groups, sums, self._floors_kw)
        self.doubt_kw = np.sqrt(variance)
        self._order = np.argsort(groups, kind="stable")
        self._bounds = np.searchsorted(groups[self._order], np.arange(len(places) + 1))
        daily = _Daily(tree.daily, set(self._ids))
        self._daily, self._unread = _others(members, places, set(self._ids), daily)
        for place, names in self._daily.items():
            self._spread(place, daily.kwh(names, int(axis.first[place]), hours // HOURS))

    def _spread(self, place: int, kwh: Doubles) -> None:
        """Add energy by day (days,) in the shape of the day of meters read by the interval."""
        by_day = self.kw[place].reshape(-1, HOURS)
        mean = by_day.mean(axis=1)
        shape = np.where(mean[:, None] > 0, by_day / np.where(mean > 0, mean, 1.0)[:, None], 1.0)
        added = (kwh / HOURS)[:, None] * shape
        self.kw[place] += added.ravel()
        self.doubt_kw[place] = np.hypot(self.doubt_kw[place], SPREAD_DOUBT * added.ravel())

    def below(self, place: int) -> Below:
        """Return what hangs below subject ``place``."""
        unread = np.array(self._unread.get(place, []), np.float64)
        return Below(self._floors_kw[self._members(place)], unread, len(self._daily.get(place, [])))

    def meters(self, place: int, hours: int) -> Meters:
        """Return the meters of subject ``place``."""
        members = self._members(place)
        return Meters([self._ids[member] for member in members], self._hourly[members, :hours])

    def _members(self, place: int) -> Ints:
        return self._order[self._bounds[place] : self._bounds[place + 1]]


class _Daily:
    """Energy of meters that are read once a day, without those of ``known``."""

    def __init__(self, table: pa.Table | None, known: set[str]) -> None:
        self._rows: dict[str, list[tuple[int, float]]] = {}
        for row in [] if table is None else table.to_pylist():
            if row["id"] not in known:
                day = (row["day"] - _EPOCH).days
                self._rows.setdefault(row["id"], []).append((day, row["energy_kwh"]))

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    def kwh(self, names: list[str], first_day: int, days: int) -> Doubles:
        """Return the energy of ``names`` together by day (days,); a day without a reading has their mean."""
        total = np.zeros(days)
        for name in names:
            one = np.full(days, np.nan)
            for day, energy_kwh in self._rows[name]:
                if first_day <= day < first_day + days:
                    one[day - first_day] = energy_kwh
            if not np.isnan(one).all():
                total += np.where(np.isnan(one), np.nanmean(one), one)
        return total


def _others(
    members: Mapping[str, Member], places: Mapping[str, int], known: set[str], daily: _Daily
) -> tuple[dict[int, list[str]], dict[int, list[float]]]:
    """Return the meters of each subject that are read once a day, and the sizes of those not read."""
    by_day: dict[int, list[str]] = {}
    unread: dict[int, list[float]] = {}
    for name, member in members.items():
        place = _place(member, places)
        if place < 0 or name in known:
            continue
        if name in daily:
            by_day.setdefault(place, []).append(name)
        else:
            unread.setdefault(place, []).append(np.nan if member.kva is None else float(member.kva))
    return by_day, unread


def _place(member: Member | None, places: Mapping[str, int]) -> int:
    return -1 if member is None or member.subject_id is None else places.get(member.subject_id, -1)


def _connected(member: Member, span: Ints) -> tuple[int, int]:
    """Return the hours of the axis from and until which a meter is supplied."""
    first, last = ((member.opened_on or _NEVER) - _EPOCH).days, ((member.closed_on or _ALWAYS) - _EPOCH).days
    begin = int(np.clip(first, span[1], span[2]))
    return (begin - int(span[0])) * HOURS, (int(np.clip(last, begin, span[2])) - int(span[0])) * HOURS
