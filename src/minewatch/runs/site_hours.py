"""Power and traffic of sites side by side: readings, leases and counts of lines joined by the hour.

``site_lines`` tells which sites have a line that a carrier counts; ``site_partitions`` writes their hours and
what registers say of them as partitions of ``minewatch.detect.traffic.data_centre.DATA_CENTRE_STEP``, a few
sites at a time, so that memory does not grow with their number.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from minewatch.attribute.lines import SiteLine, lines_of_sites
from minewatch.attribute.sites import Attribution
from minewatch.detect.load.curves import Curves, curves_of
from minewatch.kernels.power.hours import HOURS, fold_hours
from minewatch.runs.partitions import View, after, readings_of
from minewatch.runs.site_records import site_records
from minewatch.schema.analysis_tables import SITE_HOURS, SITE_RECORDS
from minewatch.schema.network_tables import LINE_TRAFFIC
from minewatch.schema.slices import read_slice
from minewatch.schema.steps import Partition, TableSlice

SITES_AT_ONCE = 64
"""Sites of one partition: a year of their hours takes about 50 MB."""

Floats = npt.NDArray[np.float64]
Lines = Mapping[str, Sequence[SiteLine]]
"""Site → its lines."""

_HOUR_US = 3_600_000_000
_COUNTS = ("inbound_bytes", "outbound_bytes", "peers", "local_addresses")
_EPOCH = date(1970, 1, 1)


def site_lines(view: View, attribution: Attribution) -> Lines:
    """Return the sites with accounts and a line that is counted in the run's time, with all their lines."""
    counted = read_slice(view.slice("line_traffic"), ["prefix"])["prefix"].unique().to_pylist()
    known = set(attribution.directory.site_ids)
    lines = lines_of_sites(attribution, frozenset(counted)) if counted else {}
    return {site: own for site, own in lines.items() if site in known}


def site_partitions(view: View, attribution: Attribution, lines: Lines, folder: Path) -> list[Partition]:
    """Write the hours and records of the sites of ``lines`` under ``folder`` and return their partitions.

    Workers have to see ``folder``. The hours are those of the run's readings.
    """
    return [
        _written(folder, number, site_tables(view, attribution, {site: lines[site] for site in batch}))
        for number, batch in enumerate(_batches(lines))
    ]


class SiteTables(NamedTuple):
    """Rows of ``site_hours`` and ``site_records``, ordered by key."""

    hours: pa.Table
    records: pa.Table


def site_tables(view: View, attribution: Attribution, lines: Lines) -> SiteTables:
    """Return the hours and records of the sites of ``lines``, in the time of ``view``.

    A site of which no line was counted while it was its own is left out: an address that moves from one to
    another brings such sites along.
    """
    axis = _axis(view)
    traffic = _traffic(view, lines, axis)
    members = _members(attribution, [site for site in lines if traffic[site].rows])
    power = _power(view, members, axis)
    registers = site_records(view, attribution, members)
    weather = _weather(view, axis)
    hours = [
        _rows(site, axis, power[site], traffic[site], weather.get(registers[site].region_code or ""))
        for site in members
    ]
    records = [
        {
            **registers[site].row,
            "usage_points": len(members[site]),
            "points_read": power[site].points_read,
            "reading_rows": power[site].rows,
            "traffic_rows": traffic[site].rows,
        }
        for site in members
    ]
    return SiteTables(
        pa.concat_tables([SITE_HOURS.empty_table(), *hours]),
        pa.Table.from_pylist(records, schema=SITE_RECORDS),
    )


class _Axis(NamedTuple):
    """Hours from the first local midnight: its microseconds and local day since 1970, their number."""

    start_us: int
    first_day: int
    hours: int

    def places(self, instants: pa.ChunkedArray) -> npt.NDArray[np.int64]:
        """Return the hour of each instant, counted from the start."""
        us = pc.cast(instants, pa.int64()).to_numpy()
        return np.asarray((us - self.start_us) // _HOUR_US)


class _Power(NamedTuple):
    """Power of a site by the hour, kW, NaN where one of its accounts has none."""

    kw: Floats
    points_read: int
    rows: int


class _Traffic(NamedTuple):
    """``counts`` (4, hours) of ``_COUNTS``, NaN where no line was counted; lines known, seen; rows read."""

    counts: Floats
    known: npt.NDArray[np.int32]
    seen: npt.NDArray[np.int32]
    rows: int


def _axis(view: View) -> _Axis:
    first, last = (date.fromisoformat(day) for day in view.days)
    start = datetime.combine(first, time(), view.lake.zone).astimezone(UTC)
    return _Axis(int(start.timestamp()) * 1_000_000, (first - _EPOCH).days, HOURS * (last - first).days)


def _batches(lines: Lines) -> Iterator[list[str]]:
    """Yield sites whose lines lie near each other in the table of counts."""
    order = sorted(lines, key=lambda site: (min(line.prefix for line in lines[site]), site))
    for first in range(0, len(order), SITES_AT_ONCE):
        yield sorted(order[first : first + SITES_AT_ONCE])


def _members(attribution: Attribution, sites: Sequence[str]) -> dict[str, list[str]]:
    """Return site → its usage points."""
    directory = attribution.directory
    ids = pa.array(directory.site_ids, pa.string())
    codes = pc.index_in(pa.array(sites, pa.string()), value_set=ids).to_pylist()
    return {site: directory.grouping.members(code) for site, code in zip(sites, codes, strict=True)}


def _power(view: View, members: Mapping[str, Sequence[str]], axis: _Axis) -> dict[str, _Power]:
    names = [name for points in members.values() for name in points]
    rows = readings_of(view.lake, view.snapshot, names, view.days)
    curves = curves_of(rows.sort_by([("usage_point_id", "ascending"), ("day", "ascending")]))
    hourly = {name: _hourly(curves, place, axis) for place, name in enumerate(curves.usage_point_ids)}
    counts = dict(zip(curves.usage_point_ids, np.diff(curves.point_rows).tolist(), strict=True))
    missing = np.full(axis.hours, np.nan)
    return {
        site: _Power(
            np.sum([hourly.get(name, missing) for name in points], axis=0),
            sum(name in hourly for name in points),
            sum(counts.get(name, 0) for name in points),
        )
        for site, points in members.items()
    }


def _hourly(curves: Curves, place: int, axis: _Axis) -> Floats:
    """Return one customer's hourly means over the whole axis."""
    first, last = int(curves.point_rows[place]), int(curves.point_rows[place + 1])
    begin, days = int(curves.days[first]), int(curves.days[last - 1] - curves.days[first]) + 1
    hourly, wobble = np.empty((2, days * HOURS), np.float32)
    fold_hours(curves.values, curves.row_offsets, curves.days, (first, last), hourly, wobble)
    kw = np.full(axis.hours, np.nan)
    at = (begin - axis.first_day) * HOURS
    kw[at : at + hourly.size] = hourly
    return kw


def _traffic(view: View, lines: Lines, axis: _Axis) -> dict[str, _Traffic]:
    found = {site: _known(own, axis) for site, own in lines.items()}
    by_key: dict[tuple[Any, ...], list[tuple[str, SiteLine]]] = {}
    for site, own in lines.items():
        for line in own:
            by_key.setdefault(line[:4], []).append((site, line))
    for key, rows in _by_line(view, lines):
        places = axis.places(rows["hour"])
        values = np.array([rows[name].cast(pa.float64()).to_numpy() for name in _COUNTS])
        for site, line in by_key.get(key, ()):
            found[site] = _added(found[site], places, values, _within(line, axis))
    return found


def _known(lines: Sequence[SiteLine], axis: _Axis) -> _Traffic:
    known = np.zeros(axis.hours, np.int32)
    for line in lines:
        first, last = _within(line, axis)
        known[first:last] += 1
    return _Traffic(np.full((len(_COUNTS), axis.hours), np.nan), known, np.zeros(axis.hours, np.int32), 0)


def _within(line: SiteLine, axis: _Axis) -> tuple[int, int]:
    """Return the hours (first, last + 1) that begin while the lease is valid."""
    first = -((axis.start_us - _us(line.valid_from)) // _HOUR_US)
    last = axis.hours if line.valid_to is None else -((axis.start_us - _us(line.valid_to)) // _HOUR_US)
    return min(max(first, 0), axis.hours), min(max(last, 0), axis.hours)


def _us(instant: datetime) -> int:
    return int(instant.timestamp()) * 1_000_000


def _by_line(view: View, lines: Lines) -> Iterator[tuple[tuple[Any, ...], pa.Table]]:
    """Yield (prefix, ports, carrier) and the counts of each line that one of the sites may have."""
    prefixes = sorted({line.prefix for own in lines.values() for line in own})
    if not prefixes:
        return
    table_slice = view.slice("line_traffic")
    where = {**table_slice.where, "prefix": (prefixes[0], after(prefixes[-1]))}
    bounded = TableSlice(table_slice.table, table_slice.version, table_slice.files, where)
    rows = read_slice(bounded, LINE_TRAFFIC.names)
    rows = rows.filter(pc.is_in(rows["prefix"], value_set=pa.array(prefixes)))
    key = ("prefix", "port_low", "port_high", "carrier")
    rows = rows.sort_by([(name, "ascending") for name in (*key, "hour")])
    for own in _runs(rows, key):
        first = own.slice(0, 1).to_pylist()[0]
        yield tuple(first[name] for name in key), own


def _runs(rows: pa.Table, key: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the stretches of rows that agree in ``key``."""
    changed = np.zeros(rows.num_rows, bool)
    for name in key:
        codes = rows[name].combine_chunks().dictionary_encode(null_encoding="encode").indices.to_numpy()
        changed[1:] |= codes[1:] != codes[:-1]
    edges = [0, *np.flatnonzero(changed).tolist(), rows.num_rows]
    for first, last in pairwise(edges):
        if last > first:
            yield rows.slice(first, last - first)


def _added(
    traffic: _Traffic, places: npt.NDArray[np.int64], values: Floats, within: tuple[int, int]
) -> _Traffic:
    """Add the counts of one line; several counts within an hour (five minutes each, say) are summed."""
    own = (places >= within[0]) & (places < within[1])
    hours, place = np.unique(places[own], return_inverse=True)
    counts = traffic.counts.copy()
    for row, column in enumerate(values[:, own]):
        total = np.bincount(place, column, minlength=hours.size)
        counts[row, hours] = np.where(np.isnan(counts[row, hours]), 0, counts[row, hours]) + total
    seen = traffic.seen.copy()
    seen[hours] += 1
    return _Traffic(counts, traffic.known, seen, traffic.rows + int(own.sum()))


def _weather(view: View, axis: _Axis) -> dict[str, Floats]:
    """Return region → outside temperature by the hour."""
    rows = read_slice(view.slice("weather"), ["region_code", "hour", "temperature_c"])
    places = axis.places(rows["hour"])
    temperature = rows["temperature_c"].to_numpy()
    regions = np.asarray(rows["region_code"].to_pylist(), dtype=object)
    found = {}
    for region in sorted(set(regions.tolist())):
        own = (regions == region) & (places >= 0) & (places < axis.hours)
        found[region] = np.full(axis.hours, np.nan)
        found[region][places[own]] = temperature[own]
    return found


def _rows(site: str, axis: _Axis, power: _Power, traffic: _Traffic, temperature_c: Floats | None) -> pa.Table:
    """Return the rows of ``site_hours`` of a site; an hour in which a line is not counted has no traffic."""
    whole = traffic.seen >= traffic.known
    counts = [np.where(whole, column, np.nan) for column in traffic.counts]
    hour = axis.start_us + _HOUR_US * np.arange(axis.hours, dtype=np.int64)
    temperature = np.full(axis.hours, np.nan) if temperature_c is None else temperature_c
    columns = [
        pa.array([site]).take(pa.array(np.zeros(axis.hours, np.int64))),
        pa.array(hour).cast(SITE_HOURS.field("hour").type),
        *(pa.array(values, from_pandas=True) for values in (power.kw, *counts)),
        pa.array(traffic.known),
        pa.array(traffic.seen),
        pa.array(temperature, from_pandas=True),
    ]
    return pa.Table.from_arrays(columns, schema=SITE_HOURS)


def _written(folder: Path, number: int, tables: SiteTables) -> Partition:
    slices = {}
    for name, rows in (("site_hours", tables.hours), ("site_records", tables.records)):
        path = folder / f"{name}-{number:05d}.parquet"
        pq.write_table(rows, path, compression="zstd", row_group_size=max(rows.num_rows, 1))
        slices[name] = TableSlice(name, -1, (str(path),))
    return Partition(f"sites-{number:05d}", slices)
