"""What all customers of a county share: clock, calendar, weather, daylight, price."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.sim.county import CountyPlan
from minewatch.sim.days import days_to_new_year, workdays
from minewatch.sim.streams import stream

Floats = npt.NDArray[np.float64]
PER_DAY = 96
STEP_MINUTES = 15


class Climate(NamedTuple):
    """Mean and half range over the year (degC), mean daily range (degC), latitude (deg)."""

    mean_c: float
    season_c: float
    daily_c: float
    latitude: float


BASIN, COAST, NORTH, SOUTH = (
    Climate(17.0, 10.5, 7.0, 29.5),
    Climate(17.0, 12.5, 7.5, 30.5),
    Climate(7.0, 18.0, 11.0, 41.0),
    Climate(22.5, 8.0, 7.0, 23.0),
)
"""Assumed from general climatology: Sichuan basin, eastern coast, northern steppe, south."""

_NORTHERN = frozenset(("11", "12", "13", "14", "15", "21", "22", "23", "37", "61", "62", "63", "64", "65"))


def climate_of(region_code: str) -> Climate:
    """Return the climate of a county by its province (first two digits)."""
    province = region_code[:2]
    if province in _NORTHERN:
        return NORTH
    if province in ("50", "51", "52", "53", "54"):
        return BASIN
    return SOUTH if province in ("44", "45", "46", "35") else COAST


@dataclass(frozen=True)
class Scene:
    """The county's outside world at 15-minute intervals: arrays of shape (days * 96,) or (days,).

    ``hour`` is the local time of the interval's middle, ``clear_sky`` the sun's height as a share of the
    zenith (0 at night), ``sun`` the same behind clouds, ``price`` CNY/kWh of energy in the spot market.
    """

    plan: CountyPlan
    region_code: str
    hour: Floats
    day: npt.NDArray[np.int64]
    workday: npt.NDArray[np.bool_]
    new_year: Floats
    day_of_year: Floats
    temperature_c: Floats
    clear_sky: Floats
    sun: Floats
    price: Floats

    @property
    def periods(self) -> int:
        """Number of 15-minute intervals."""
        return self.plan.days * PER_DAY

    @property
    def heated_region(self) -> bool:
        """Whether homes there are heated all winter."""
        return climate_of(self.region_code) is NORTH

    def by_day(self, values: npt.NDArray[np.generic]) -> Floats:
        """Spread one value per day over the day's intervals."""
        return np.repeat(values.astype(np.float64), PER_DAY)


@lru_cache(maxsize=8)
def scene_of(plan: CountyPlan, region_code: str) -> Scene:
    """Return the scene of one region of the county; the same in every partition."""
    hour = np.tile((np.arange(PER_DAY) + 0.5) / 4, plan.days)
    day = np.repeat(np.arange(plan.days), PER_DAY)
    start_of_year = plan.start_on.replace(month=1, day=1)
    day_of_year = np.asarray(
        ((plan.start_on - start_of_year).days + np.arange(plan.days)) % 365.25, np.float64
    )
    rng = stream(plan.seed, "county", region_code, "weather")
    climate = climate_of(region_code)
    cloud = np.clip(0.45 + _wander(rng, plan.days * PER_DAY, 2 * PER_DAY, 0.45), 0.02, 1.0)
    clear_sky = _clear_sky(climate.latitude, np.repeat(day_of_year, PER_DAY), hour)
    temperature = _temperature(rng, climate, np.repeat(day_of_year, PER_DAY), hour, cloud)
    return Scene(
        plan=plan,
        region_code=region_code,
        hour=hour,
        day=day,
        workday=workdays(plan.start_on, plan.days),
        new_year=days_to_new_year(plan.start_on, plan.days),
        day_of_year=day_of_year,
        temperature_c=temperature,
        clear_sky=clear_sky,
        sun=clear_sky * (1 - 0.75 * cloud),
        price=_price(stream(plan.seed, "county", region_code, "price"), day_of_year, hour),
    )


def _wander(rng: np.random.Generator, periods: int, scale: int, sigma: float) -> Floats:
    knots = rng.normal(0, sigma, periods // scale + 3)
    return np.interp(np.arange(periods) / scale + rng.random(), np.arange(knots.size), knots)


def _clear_sky(latitude: float, day_of_year: Floats, hour: Floats) -> Floats:
    declination = np.radians(-23.44) * np.cos(2 * np.pi * (day_of_year + 10) / 365.25)
    angle = np.radians(15 * (hour - 12.6))  # the sun culminates about 12:40 by Beijing time in mid China
    phi = np.radians(latitude)
    height = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle)
    return np.clip(height, 0, None)


def _temperature(
    rng: np.random.Generator, climate: Climate, day_of_year: Floats, hour: Floats, cloud: Floats
) -> Floats:
    season = climate.mean_c - climate.season_c * np.cos(2 * np.pi * (day_of_year - 20) / 365.25)
    fronts = _wander(rng, hour.size, 3 * PER_DAY, 3.2) + _wander(rng, hour.size, PER_DAY, 1.3)
    daily = climate.daily_c * (1.25 - 0.8 * cloud) / 2 * np.cos(2 * np.pi * (hour - 15) / 24)
    return season + fronts + daily + _wander(rng, hour.size, 6, 0.35)


_PRICE_SHAPE = (
    0.92, 0.86, 0.82, 0.80, 0.82, 0.88, 1.00, 1.12, 1.10, 0.98, 0.86, 0.76,
    0.70, 0.72, 0.80, 0.92, 1.10, 1.32, 1.46, 1.44, 1.34, 1.20, 1.06, 0.98,
)  # fmt: skip


def _price(rng: np.random.Generator, day_of_year: Floats, hour: Floats) -> Floats:
    """Spot price, assumed: 0.36 CNY/kWh, less in the wet season, evening peak, noon valley, rare spikes."""
    wet = 1 - 0.3 * np.exp(-(((day_of_year - 215) / 55) ** 2))
    level = wet * np.exp(rng.normal(0, 0.12, wet.size))
    spike = np.where(rng.random(wet.size) < 0.06, rng.uniform(1.5, 3.5, wet.size), 1.0)
    shape = np.array(_PRICE_SHAPE)[hour.astype(np.int64)]
    peak = np.where((hour >= 17) & (hour < 21), np.repeat(spike, PER_DAY), 1.0)
    hourly = np.repeat(np.exp(rng.normal(0, 0.06, hour.size // 4)), 4)
    price: Floats = 0.36 * np.repeat(level, PER_DAY) * shape * peak * hourly
    return price
