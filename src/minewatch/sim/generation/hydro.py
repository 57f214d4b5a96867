"""Run-of-river hydro: units with efficiency curves, tail water, gauge errors, flushing, spill.

Power is 9.81 kN/m3 x efficiency x flow x net head. Assumed: one to four equal units; a Francis turbine has
its best efficiency near full load and stands below 0.3 of its flow, Pelton and Kaplan turbines are flatter
(shapes after ESHA, *Guide on how to develop a small hydropower plant*, 2004, ch. 6); as many units run as
the water fills; inflow is wet in summer with storms that recede over two to six days; a tenth of the mean
flow stays in the river by law (生态流量); tail water takes up to a tenth of the head in floods, friction 4 %
at full flow; racks clog in floods and are cleaned; basins are flushed of sediment (冲沙); gates leak or stand
open for days, which is gauged at half of the plants; the inflow gauge is off by 3 %, drifts and is noisy.
"""

from typing import NamedTuple

import numpy as np

from minewatch.sim.generation.plant import Nature, Plant, gauge, hours_in, outages, spells
from minewatch.sim.loads.shapes import Rng, wander
from minewatch.sim.scene import Floats, Scene

GRAVITY = 9.81
LINE = 0.985
"""Efficiency of generator bus and transformer together, beyond the turbine set's own."""


class Turbine(NamedTuple):
    """Efficiency is ``best`` · (1 - ``fall`` · (1 - load) ** ``bend``); below ``least`` load it stands."""

    best: float
    fall: float
    bend: float
    least: float


TURBINES = {
    "francis": Turbine(0.89, 0.45, 2.2, 0.3),
    "pelton": Turbine(0.875, 0.10, 3.0, 0.12),
    "kaplan": Turbine(0.89, 0.18, 2.5, 0.2),
}


def turbine_of(head_m: float) -> Turbine:
    """Return the kind of turbine that suits a head."""
    return TURBINES["pelton" if head_m > 130 else "francis" if head_m > 25 else "kaplan"]


def hydro(rng: Rng, scene: Scene, plant: Plant) -> Nature:
    """Simulate the water of ``plant`` and what its units make of it."""
    if plant.design_flow_m3s is None or plant.design_head_m is None:
        raise ValueError(f"{plant.plant_id} has no design flow or head")
    hours, design = hours_in(scene), plant.design_flow_m3s
    inflow, mean = _inflow(rng, scene, design)
    wet = np.clip(inflow / design, 0, 4)
    gross = plant.design_head_m / 0.96 * (1 + wander(rng, hours, 20, 0.003))
    head = gross * (1 - 0.04 * np.clip(wet, 0, 1) ** 2 - 0.1 * np.clip(wet - 1, 0, 3) / 3)
    units = int(rng.integers(1, 5))
    out = outages(rng, hours, units)
    flushing, told = _flushed(rng, wet)
    usable = np.clip(inflow - rng.choice((0.0, 0.1)) * mean, 0, None) * _gates(rng, hours) * _racks(rng, wet)
    turbined, able = _made(turbine_of(plant.design_head_m), usable, head, design / units, units * out.true)
    drivers = {
        "inflow_m3s": inflow * gauge(rng, hours, 0.03, 0.012, 0.01),
        "head_m": head * (1 + rng.normal(0, 0.002, hours)) if rng.random() < 0.9 else np.full(hours, np.nan),
    }
    available = plant.rated_mw * out.reported * told
    return Nature(able * flushing, available, drivers, inflow, turbined * flushing)


def _inflow(rng: Rng, scene: Scene, design_m3s: float) -> tuple[Floats, float]:
    hours = hours_in(scene)
    day = np.repeat(scene.day_of_year, 24)
    mean = design_m3s / rng.uniform(1.2, 2.2)
    season = 0.35 + 1.5 * np.exp(-(((day - rng.uniform(190, 225)) / rng.uniform(55, 80)) ** 2))
    storms = np.zeros(hours)
    wet = np.repeat(rng.random(scene.plan.days) < 0.06, 24) * season
    fade_h = rng.uniform(48, 144)
    for start in np.flatnonzero(wet)[::24]:
        storms[start:] += wet[start] * rng.exponential(0.8) * np.exp(-np.arange(hours - start) / fade_h)
    return mean * (season + storms) * np.exp(wander(rng, hours, 60, 0.1)), mean


def _flushed(rng: Rng, wet: Floats) -> tuple[Floats, Floats]:
    """Share of the output left while the basin is flushed, and as the operator reports it."""
    true, told = np.ones(wet.size), np.ones(wet.size)
    for spell in spells(rng, wet.size, 9, (5, 36)):
        if wet[spell].mean() > 0.7:
            true[spell] = left = rng.choice((0.0, rng.uniform(0.1, 0.5)))
            told[spell] = left if rng.random() < 0.6 else 1.0
    return true, told


def _gates(rng: Rng, hours: int) -> Floats:
    left = np.ones(hours)
    for spell in spells(rng, hours, 1.2, (8, 240)):
        left[spell] *= 1 - rng.uniform(0.04, 0.4)
    return left


def _racks(rng: Rng, wet: Floats) -> Floats:
    dirt = np.zeros(wet.size)
    pace = rng.uniform(0, 0.0004)
    for hour in range(1, wet.size):
        dirt[hour] = 0.0 if dirt[hour - 1] > 0.05 else dirt[hour - 1] + pace * max(wet[hour] - 0.5, 0)
    return 1 - dirt


def _made(
    turbine: Turbine, flow_m3s: Floats, head_m: Floats, unit_m3s: float, units: Floats
) -> tuple[Floats, Floats]:
    """Water through the turbines (m3/s) and power at the grid (MW) with so many ``units`` in service."""
    running = np.minimum(np.ceil(flow_m3s / unit_m3s), np.round(units))
    load = np.clip(flow_m3s / np.maximum(running, 1) / unit_m3s, 0, 1)
    load = np.where((load < turbine.least) | (running == 0), 0.0, load)
    efficiency = turbine.best * (1 - turbine.fall * (1 - load) ** turbine.bend)
    turbined: Floats = load * running * unit_m3s
    return turbined, GRAVITY * LINE * efficiency * turbined * head_m / 1000
