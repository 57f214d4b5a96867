"""Small thermal and captive plants: fuel in, power, heat and the works' own load out.

Gross power follows heat (a back-pressure set) or a plan (condensing). Fuel is no-load fuel + gross / slope +
heat: the Willans line (straight within 2 % from 30 % load on; Church, *Steam Turbines*, ch. 12). Assumed:
efficiency 0.24 to 0.36; coal is weighed and its heating value is off by 2 % for weeks, gas is metered to
0.5 %; fuel use grows by 1 % a year until overhaul; self-use 6 to 9 % of gross. A captive plant (自备电厂)
feeds a works of 60 to 140 % of its power and buys or sells the rest.
"""

from typing import NamedTuple

import numpy as np

from minewatch.sim.generation.plant import Plant, gauge, hourly, hours_in, outages
from minewatch.sim.loads.shapes import Rng, wander
from minewatch.sim.scene import Floats, Scene


class Works(NamedTuple):
    """A thermal plant before its mine: gross power the plan asks for, its limit, and what surrounds it, MW.

    ``slope``: MW of power for a further MW of fuel; ``idle``: fuel without power; ``wear``: growth of the
    fuel; ``reading``: factor of the fuel meter.
    """

    gross_mw: Floats
    available_mw: Floats
    heat_mw: Floats
    site_load_mw: Floats
    self_use: float
    slope: float
    idle: float
    wear: Floats
    reading: Floats

    def fuel_mw(self, gross_mw: Floats) -> Floats:
        """Return the fuel as metered for a gross power."""
        burnt = (self.idle * (gross_mw > 0) + gross_mw / self.slope + self.heat_mw / 0.88) * self.wear
        return np.asarray(burnt * self.reading, np.float64)


def thermal(rng: Rng, scene: Scene, plant: Plant) -> Works:
    """Simulate the plan, the heat and the machines of ``plant`` ("thermal" or "captive")."""
    hours, rated = hours_in(scene), plant.rated_mw
    efficiency = plant.design_efficiency or 0.3
    out = outages(rng, hours, int(rng.integers(1, 3)))
    captive = plant.kind == "captive"
    need = _works_need(rng, scene) if captive else _plan(rng, scene)
    heat = rated * (_heat(rng, scene) if rng.random() < (0.3 if captive else 0.6) else np.zeros(hours))
    led = heat.any() and not captive and rng.random() < 0.6
    share = np.clip(heat / rated / 1.6, 0.3, 1) if led else need
    limit = out.true
    gross = rated * np.where(limit > 0, np.minimum(share, limit), 0.0)
    slope = efficiency * 1.12
    idle = rated / efficiency - rated / slope
    site = rated * rng.uniform(0.6, 1.4) * _works_need(rng, scene) if captive else np.full(hours, np.nan)
    return Works(
        gross_mw=gross * (1 + wander(rng, hours, 3, 0.004)),
        available_mw=rated * out.reported,
        heat_mw=heat * (out.true > 0),
        site_load_mw=site,
        self_use=rng.uniform(0.06, 0.09),
        slope=slope,
        idle=idle,
        wear=1 + 0.01 * ((np.arange(hours) / 8760 + rng.random()) % 3.0),
        reading=gauge(rng, hours, 0.02, *_fuel_error(rng)) * (1 + rng.normal(0, 0.004, hours)),
    )


def _fuel_error(rng: Rng) -> tuple[float, float]:
    """Drift and noise of gas, or of coal and biomass whose heating value varies."""
    return (0.004, 0.004) if rng.random() < 0.35 else (0.012, 0.015)


def _plan(rng: Rng, scene: Scene) -> Floats:
    """Return the share of rated power that a dispatcher asks of a condensing set."""
    hour = scene.hour[::4]
    day = rng.uniform(0.75, 1) - rng.uniform(0.1, 0.4) * ((hour < 6) | (hour > 22))
    return np.clip(day + wander(rng, hour.size, 24, 0.1), 0.35, 1)


def _works_need(rng: Rng, scene: Scene) -> Floats:
    """Return the load of a continuous works as a share of its largest."""
    hours = hours_in(scene)
    shifts = rng.uniform(0, 0.25) * ((scene.hour[::4] < 7) | (scene.hour[::4] > 20))
    return np.clip(0.9 - shifts + wander(rng, hours, 60, 0.08) + wander(rng, hours, 4, 0.04), 0.3, 1)


def _heat(rng: Rng, scene: Scene) -> Floats:
    """Return heat for houses and steam for works as a share of rated power."""
    cold = np.clip(16 - hourly(scene.temperature_c), 0, None) / 20
    steam = np.clip(rng.uniform(0.2, 0.8) + wander(rng, hours_in(scene), 12, 0.15), 0.05, None)
    return np.asarray(rng.uniform(0.3, 1.5) * cold + steam, np.float64)
