"""Wind farms: mast wind, farm power curve, wakes, air density, icing, turbines out.

Assumed: cut-in 3 m/s, rated near 12, out above 25; the farm's curve is smooth since turbines see unlike winds
(IEC 61400-12-1 gives the correction of wind speed for air density); wakes and turbulence scatter the steep
part by some 5 % of rated power, hours alike; below 1 degC ice takes 10 to 80 % for hours to days; one fault
in seven is not reported; blades age by 0.2 % a year; the anemometer is off by 2 % and is exchanged at times.
"""

import numpy as np

from minewatch.sim.generation.plant import Nature, Plant, gauge, hourly, hours_in, outages, spells
from minewatch.sim.loads.shapes import Rng, wander
from minewatch.sim.scene import Floats, Scene


def wind(rng: Rng, scene: Scene, plant: Plant) -> Nature:
    """Simulate the wind at ``plant`` and what its turbines make of it."""
    hours = hours_in(scene)
    speed = _speed(rng, scene)
    air_c = hourly(scene.temperature_c) - rng.uniform(0, 6)
    share = _curve(speed * (288.15 / (273.15 + air_c)) ** (1 / 3))
    steep = share * (1 - share)
    share += steep * (wander(rng, hours, 4, 0.16) + wander(rng, hours, 24, 0.12))
    turbines = max(2, round(plant.rated_mw / rng.uniform(1.5, 4)))
    out = outages(rng, hours, turbines)
    aging = 1 - 0.002 * np.arange(hours) / 8760
    able = plant.rated_mw * np.clip(share, 0, 1) * out.true * aging * _ice(rng, air_c)
    drivers = {
        "wind_ms": np.clip(speed * gauge(rng, hours, 0.02, 0.006, 0.01), 0, None),
        "temperature_c": air_c + rng.normal(0, 0.3, hours),
    }
    still = np.zeros(hours)
    return Nature(able, plant.rated_mw * out.reported, drivers, still, still)


def _speed(rng: Rng, scene: Scene) -> Floats:
    hours = hours_in(scene)
    season = 0.12 * np.cos(2 * np.pi * (np.repeat(scene.day_of_year, 24) - 30) / 365.25)
    daily = 0.08 * np.cos(2 * np.pi * (scene.hour[::4] - 21) / 24)
    weather = sum(wander(rng, hours, scale, depth) for scale, depth in ((5, 0.25), (36, 0.45), (150, 0.3)))
    return np.asarray(rng.uniform(5.0, 7.2) * np.exp(season + daily + weather), np.float64)


def _curve(speed_ms: Floats) -> Floats:
    """Share of rated power of a farm at a wind speed (of standard density)."""
    rising = (1 / (1 + np.exp(-(speed_ms - 8.4) / 1.25)) - 0.013) / 0.987
    share: Floats = np.clip(rising, 0, 1) * (speed_ms > 2.8) / (1 + np.exp((speed_ms - 24.5) / 0.7))
    return share


def _ice(rng: Rng, air_c: Floats) -> Floats:
    left = np.ones(air_c.size)
    for spell in spells(rng, air_c.size, 12, (6, 72)):
        if air_c[spell].mean() < 1:
            left[spell] *= 1 - rng.uniform(0.1, 0.8)
    return left
