"""Solar plants: irradiance in the modules' plane, heat, soiling, inverters out, clipping, degradation.

Assumed: cell 25 to 32 K above the air at 1000 W/m2, -0.35 to -0.42 %/K (IEC 61724-1, IEC 60891); modules of
1.05 to 1.3 times the inverters' power; dust takes 0.05 to 0.3 % a day until rain or washing (Ilse et al.,
*Joule* 2019); modules lose 0.6 % a year; 4 to 40 inverters, of whose faults one in three is not reported, for
days; snow covers cold plants for a day or two; the pyranometer is off by 1.5 %.
"""

import numpy as np

from minewatch.sim.generation.plant import Nature, Plant, gauge, hourly, hours_in, outages, spells
from minewatch.sim.loads.shapes import Rng, wander
from minewatch.sim.scene import Floats, Scene


def solar(rng: Rng, scene: Scene, plant: Plant) -> Nature:
    """Simulate the sun at ``plant`` and what its modules make of it."""
    hours = hours_in(scene)
    air_c = hourly(scene.temperature_c)
    cloud = np.clip(1 + wander(rng, hours, 3, 0.25) * (1 - hourly(scene.clear_sky)), 0, 1.2)
    sun_w_m2 = np.clip(1080 * hourly(scene.sun) ** 1.05 * cloud, 0, 1200)
    cell_c = air_c + rng.uniform(25, 32) * sun_w_m2 / 1000
    heat = 1 - rng.uniform(0.0035, 0.0042) * (cell_c - 25)
    low_sun = sun_w_m2 / (sun_w_m2 + rng.uniform(5, 20))
    out = outages(rng, hours, int(rng.integers(4, 41)), reported=0.67)
    modules = plant.rated_mw * rng.uniform(1.05, 1.3) * rng.uniform(0.84, 0.9)
    made = modules * sun_w_m2 / 1000 * heat * low_sun * _clean(rng, hours) * _snow(rng, air_c)
    made *= 1 - 0.006 * np.arange(hours) / 8760
    able = np.minimum(made, plant.rated_mw) * out.true * (1 + wander(rng, hours, 3, 0.01))
    drivers = {
        "irradiance_w_m2": sun_w_m2 * gauge(rng, hours, 0.015, 0.004, 0.008),
        "temperature_c": air_c + rng.normal(0, 0.3, hours),
    }
    still = np.zeros(hours)
    return Nature(able, plant.rated_mw * out.reported, drivers, still, still)


def _clean(rng: Rng, hours: int) -> Floats:
    """Share of light that dust lets through: a saw, whose teeth end with rain or washing."""
    pace = rng.uniform(0.0005, 0.003) / 24
    hour = np.arange(hours)
    washed = np.maximum.accumulate(np.where(rng.random(hours) < 1 / rng.uniform(150, 900), hour, 0))
    since = hour - washed
    return np.asarray(1 - np.minimum(pace * since, 0.12), np.float64)


def _snow(rng: Rng, air_c: Floats) -> Floats:
    left = np.ones(air_c.size)
    for spell in spells(rng, air_c.size, 8, (8, 60)):
        if air_c[spell].mean() < 0:
            left[spell] *= rng.uniform(0, 0.7)
    return left
