"""Calendar, weather and prices as arrays over the days of a set of curves."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.detect.load.curves import Curves
from minewatch.kernels.power.hours import HOURS, Floats
from minewatch.kernels.power.responses import World
from minewatch.schema.calendar import day_kind

_EPOCH = date(1970, 1, 1)
_HOUR_US = 3_600_000_000


def world_of(
    curves: Curves,
    region_of: Mapping[str, str],
    weather: pa.Table | None,
    prices: pa.Table | None,
    zone: ZoneInfo,
) -> World:
    """Return what lies outside the meters of ``curves``, whose days are local to ``zone``.

    ``region_of``: usage point → region code (GB/T 2260). A customer has the weather and the prices of its
    county, else of its city, else of its province; where the table holds one region alone, of that.
    """
    first, days = (int(curves.days.min()), int(np.ptp(curves.days)) + 1) if curves.days.size else (0, 0)
    temperature_c, weather_regions = _hourly(weather, "temperature_c", (first, days), zone)
    price, price_regions = _hourly(prices, "price_per_kwh", (first, days), zone)
    regions = [region_of.get(name) for name in curves.usage_point_ids]
    places = [_places(regions, weather_regions), _places(regions, price_regions)]
    by_day = temperature_c.reshape(len(temperature_c), days, HOURS)
    known = np.isfinite(by_day).sum(axis=2)
    mean_c = np.where(2 * known >= HOURS, np.nansum(by_day, axis=2) / np.maximum(known, 1), np.nan)
    return World(first, _kinds(first, days), mean_c.astype(np.float32), price, np.stack(places, axis=1))


@cache
def _kinds(first: int, days: int) -> npt.NDArray[np.int8]:
    start_on = _EPOCH + timedelta(days=first)
    return np.array([day_kind(start_on + timedelta(days=n)) for n in range(days)], np.int8)


def _hourly(
    table: pa.Table | None, column: str, span: tuple[int, int], zone: ZoneInfo
) -> tuple[Floats, list[str]]:
    """Return values by region and local hour, (regions, days * 24), NaN where unknown, and the regions."""
    first, days = span
    if table is None or table.num_rows == 0:
        return np.full((0, days * HOURS), np.nan, np.float32), []
    encoded = table["region_code"].combine_chunks().dictionary_encode()
    local = pc.local_timestamp(table["hour"].cast(pa.timestamp("us", zone.key))).cast(pa.int64()).to_numpy()
    hour = local // _HOUR_US - first * HOURS
    inside = (hour >= 0) & (hour < days * HOURS)
    values = np.full((len(encoded.dictionary), days * HOURS), np.nan, np.float32)
    region = encoded.indices.to_numpy(zero_copy_only=False)
    values[region[inside], hour[inside]] = table[column].to_numpy()[inside]
    return values, encoded.dictionary.to_pylist()


def _places(codes: Sequence[str | None], known: Sequence[str]) -> npt.NDArray[np.int32]:
    place = {code: number for number, code in enumerate(known)}
    alone = 0 if len(known) == 1 else -1
    found = {code: _place(code or "", place, alone) for code in set(codes)}
    return np.array([found[code] for code in codes], np.int32)


def _place(code: str, place: Mapping[str, int], otherwise: int) -> int:
    levels = (code, code[:4] + "00", code[:2] + "0000")
    return next((place[level] for level in levels if level in place), otherwise)
