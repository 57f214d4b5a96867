"""What went into each transformer and what its customers' meters counted, hour by hour."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.detect.curves import Curves, curves_of
from minewatch.kernels.balance import hourly_curves, metered_sums
from minewatch.kernels.hours import HOURS, Floats

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_EPOCH = date(1970, 1, 1)
_NEVER = date(1, 1, 1)
_ALWAYS = date(9999, 1, 1)


class Archive(NamedTuple):
    """What the archive says of one transformer; NaN where it is silent."""

    rated_kva: float
    no_load_loss_kw: float
    load_loss_kw: float
    lon: float
    lat: float


UNKNOWN = Archive(*[np.nan] * len(Archive._fields))
SPREAD_DOUBT = 0.3
"""Share of energy known by day only whose hours are in doubt."""
_COLUMNS = ["usage_point_id", "transformer_id", "contract_kva", "opened_on", "closed_on"]


class Meters(NamedTuple):
    """The customers of one transformer by the archive.

    ``hourly`` (customers, hours) kW, NaN where not read; ``floors_kw`` (customers,) the least hour of their
    mean day. ``unread`` are customers without a reading and their contract size, kVA, NaN where unknown;
    ``daily`` those that are read once a day.
    """

    usage_point_ids: list[str]
    hourly: Floats
    floors_kw: Doubles
    unread: Mapping[str, float]
    daily: Sequence[str]


class Series(NamedTuple):
    """One transformer from its first to its last day with supply readings, in hours (hours,).

    ``first_day`` is in days since 1970-01-01. ``supply_kw`` is signed and NaN where unknown; ``supply_kvar``
    too, all NaN where not metered. ``metered_kw`` is the sum of the customers, of which ``filled_kw`` was
    guessed for gaps.
    """

    transformer_id: str
    first_day: int
    supply_kw: Doubles
    supply_kvar: Doubles
    metered_kw: Doubles
    filled_kw: Doubles
    archive: Archive
    meters: Meters

    @property
    def days(self) -> int:
        """Number of days."""
        return self.supply_kw.size // HOURS


class _Axis(NamedTuple):
    """Days (transformers,) of the first supply reading and after the last one."""

    first: Ints
    last: Ints


def series_of(tables: Mapping[str, pa.Table]) -> list[Series]:
    """Return the series of each transformer with rows in ``tables["transformer_readings"]``, in their order.

    ``tables`` holds ``transformer_readings``, ``usage_points`` and ``interval_readings`` (ordered by their
    keys), and may hold ``transformers`` and ``daily_readings``. What a transformer gets does not depend on
    which others are in the tables.
    """
    supply = _curves(tables["transformer_readings"], "transformer_id", "kw")
    places = {name: place for place, name in enumerate(supply.usage_point_ids)}
    axis = _Axis(_edges(supply, 0), _edges(supply, 1))
    kw = _on_axis(supply, axis)
    kvar = _on_axis(_curves(tables["transformer_readings"], "transformer_id", "kvar"), axis)
    metered = _Metered(tables, places, axis)
    archives = _archives(tables.get("transformers"))
    return [
        Series(
            transformer_id=name,
            first_day=int(axis.first[place]),
            supply_kw=kw[place],
            supply_kvar=kvar[place],
            metered_kw=metered.kw[place, : kw[place].size],
            filled_kw=metered.filled_kw[place, : kw[place].size],
            archive=archives.get(name, UNKNOWN),
            meters=metered.of(place, kw[place].size),
        )
        for name, place in places.items()
    ]


def _curves(table: pa.Table, subject: str, column: str) -> Curves:
    return curves_of(pa.table({"usage_point_id": table[subject], "day": table["day"], "kw": table[column]}))


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
    """Customers of all transformers, each on the axis of its own, and their sums (transformers, hours)."""

    def __init__(self, tables: Mapping[str, pa.Table], places: Mapping[str, int], axis: _Axis) -> None:
        curves = curves_of(tables["interval_readings"])
        rows = {row["usage_point_id"]: row for row in tables["usage_points"].select(_COLUMNS).to_pylist()}
        self._ids = curves.usage_point_ids
        groups = np.array([_place(rows.get(name), places) for name in self._ids], np.int64)
        hours = int((axis.last - axis.first).max(initial=0)) * HOURS
        spans = np.zeros((len(self._ids), 3), np.int64)
        known = groups >= 0
        spans[known] = np.column_stack((axis.first, axis.first, axis.last))[groups[known]]
        self._hourly = np.empty((len(self._ids), hours), np.float32)
        hourly_curves(*curves[1:], spans, self._hourly)
        supplied = np.zeros((len(self._ids), 2), np.int64)
        for point in np.flatnonzero(known):
            supplied[point] = _connected(rows[self._ids[point]], spans[point])
        self.kw, self._floors_kw = np.zeros((len(places), hours)), np.empty(len(self._ids))
        self.filled_kw = np.zeros_like(self.kw)
        metered_sums(self._hourly, supplied, groups, self.kw, self.filled_kw, self._floors_kw)
        self._order = np.argsort(groups, kind="stable")
        self._bounds = np.searchsorted(groups[self._order], np.arange(len(places) + 1))
        daily = _Daily(tables.get("daily_readings"), set(self._ids))
        self._daily, self._unread = _others(rows, places, set(self._ids), daily)
        for place, names in self._daily.items():
            self._spread(place, daily.kwh(names, int(axis.first[place]), hours // HOURS))

    def _spread(self, place: int, kwh: Doubles) -> None:
        """Add energy by day (days,) in the shape of the day of customers read by the interval."""
        by_day = self.kw[place].reshape(-1, HOURS)
        mean = by_day.mean(axis=1)
        shape = np.where(mean[:, None] > 0, by_day / np.where(mean > 0, mean, 1.0)[:, None], 1.0)
        added = (kwh / HOURS)[:, None] * shape
        self.kw[place] += added.ravel()
        self.filled_kw[place] += SPREAD_DOUBT * added.ravel()

    def of(self, place: int, hours: int) -> Meters:
        """Return the customers of transformer ``place``."""
        members = self._order[self._bounds[place] : self._bounds[place + 1]]
        return Meters(
            [self._ids[member] for member in members],
            self._hourly[members, :hours],
            self._floors_kw[members],
            self._unread.get(place, {}),
            self._daily.get(place, []),
        )


class _Daily:
    """Energy of customers that are read once a day, without those of ``known``."""

    def __init__(self, table: pa.Table | None, known: set[str]) -> None:
        self._rows: dict[str, list[tuple[int, float]]] = {}
        for row in [] if table is None else table.select(["usage_point_id", "day", "energy_kwh"]).to_pylist():
            if row["usage_point_id"] not in known:
                day = (row["day"] - _EPOCH).days
                self._rows.setdefault(row["usage_point_id"], []).append((day, row["energy_kwh"]))

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
    rows: Mapping[str, Mapping[str, Any]], places: Mapping[str, int], known: set[str], daily: _Daily
) -> tuple[dict[int, list[str]], dict[int, dict[str, float]]]:
    """Return the customers of each transformer that are read once a day, and those that are not read."""
    by_day: dict[int, list[str]] = {}
    unread: dict[int, dict[str, float]] = {}
    for name, row in rows.items():
        place = _place(row, places)
        if place < 0 or name in known:
            continue
        if name in daily:
            by_day.setdefault(place, []).append(name)
        else:
            kva = row["contract_kva"]
            unread.setdefault(place, {})[name] = np.nan if kva is None else float(kva)
    return by_day, unread


def _place(row: Mapping[str, Any] | None, places: Mapping[str, int]) -> int:
    return -1 if row is None else places.get(str(row["transformer_id"]), -1)


def _connected(row: Mapping[str, date | None], span: Ints) -> tuple[int, int]:
    """Return the hours of the axis from and until which a customer is supplied."""
    first = ((row["opened_on"] or _NEVER) - _EPOCH).days
    last = ((row["closed_on"] or _ALWAYS) - _EPOCH).days
    begin = int(np.clip(first, span[1], span[2]))
    return (begin - int(span[0])) * HOURS, (int(np.clip(last, begin, span[2])) - int(span[0])) * HOURS


def _archives(table: pa.Table | None) -> dict[str, Archive]:
    if table is None:
        return {}
    rows = table.select(["transformer_id", *Archive._fields]).to_pylist()
    return {
        row["transformer_id"]: Archive(
            *(np.nan if row[name] is None else float(row[name]) for name in Archive._fields)
        )
        for row in rows
    }
