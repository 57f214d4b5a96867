"""A plant's hours: what it made, what its mine took, and what the grid's meter and the archive saw."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from minewatch.sim.generation.hydro import hydro
from minewatch.sim.generation.plant import Nature, Plant, hourly, hours_in
from minewatch.sim.generation.solar import solar
from minewatch.sim.generation.thermal import thermal
from minewatch.sim.generation.wind import wind
from minewatch.sim.loads.mining import mining_load
from minewatch.sim.loads.shapes import Rng, wander
from minewatch.sim.scene import Floats, Scene
from minewatch.sim.streams import stream

NATURES = {"hydro": hydro, "wind": wind, "solar": solar}
KINDS = (*NATURES, "thermal", "captive")
MOST = 0.97
"""Largest share of its output that a plant gives to a private line."""


class PlantHours(NamedTuple):
    """What a plant did, shape (days * 24,).

    ``columns``: those of ``plant_readings``, NaN where not measured; ``gross_mw`` was made, ``diverted_mw``
    went over the private line, ``aux_mw`` to the plant itself; ``inflow_m3s`` and ``spilled_m3s`` are true
    (zero but for hydro).
    """

    columns: Mapping[str, Floats]
    gross_mw: Floats
    diverted_mw: Floats
    aux_mw: Floats
    inflow_m3s: Floats
    spilled_m3s: Floats


def run_plant(seed: int, scene: Scene, plant: Plant) -> PlantHours:
    """Simulate the hours of ``plant``; the same whatever else is simulated."""
    rng = stream(seed, "plant", plant.plant_id, "nature")
    wanted = _wanted_mw(seed, scene, plant)
    if plant.kind in NATURES:
        return _from_nature(rng, scene, plant, wanted)
    return _from_fuel(rng, scene, plant, wanted)


def _wanted_mw(seed: int, scene: Scene, plant: Plant) -> Floats:
    if plant.mine is None:
        return np.zeros(hours_in(scene))
    return hourly(mining_load(stream(seed, "plant", plant.plant_id, "mine"), scene, plant.mine)) / 1000


def _from_nature(rng: Rng, scene: Scene, plant: Plant, wanted_mw: Floats) -> PlantHours:
    """Run a plant whose water, wind or sun is lost unless used: the mine gets what dispatch leaves."""
    nature = NATURES[plant.kind](rng, scene, plant)
    dispatched = np.round(plant.rated_mw * _dispatch(rng, scene, plant, nature), 3)
    unit = np.clip(1 + rng.normal(0, 0.006, wanted_mw.size), 0, 1.02)
    gross = np.minimum(nature.able_mw * unit, dispatched + wanted_mw)
    diverted = np.minimum(wanted_mw, MOST * gross)
    aux = np.minimum(_self_use(rng, scene, plant.rated_mw * rng.uniform(0.003, 0.008)), gross - diverted)
    used = nature.turbined_m3s * gross / np.maximum(nature.able_mw, 1e-9)
    spilled = np.clip(nature.inflow_m3s - used, 0, None)
    columns = dict(nature.drivers) | {
        "mw": gross - diverted - aux,
        "available_mw": nature.available_mw,
        "dispatched_mw": dispatched,
        "aux_mw": _where_metered(rng, aux, 0.7),
    }
    if plant.kind == "hydro":
        columns["spill_m3s"] = _where_metered(rng, spilled, 0.5) * (1 + rng.normal(0, 0.03, spilled.size))
    return PlantHours(columns, gross, diverted, aux, nature.inflow_m3s, spilled)


def _dispatch(rng: Rng, scene: Scene, plant: Plant, nature: Nature) -> Floats:
    """Share of rated power that dispatch allows: less on wet nights, windy nights and sunny noons."""
    hour = scene.hour[::4]
    days = np.repeat(rng.random(scene.plan.days) < (0.25 if plant.kind == "hydro" else 0.12), 24)
    hours = (hour > 11) & (hour < 15) if plant.kind == "solar" else (hour < 6) | (hour > 22)
    much = nature.able_mw > (0.3 if plant.kind == "solar" else 0.85) * plant.rated_mw
    return np.where(much & days & hours, rng.uniform(0.3, 0.7), 1.0)


def _self_use(rng: Rng, scene: Scene, usual_mw: float) -> Floats:
    """Lamps, pumps, heating; one plant in six adds a consumer for good."""
    hours = hours_in(scene)
    cold = np.clip(10 - hourly(scene.temperature_c), 0, 15) / 15
    added = (np.arange(hours) > rng.integers(0, hours)) * rng.uniform(0.3, 1.5) * (rng.random() < 1 / 6)
    return np.asarray(
        usual_mw * (0.7 + 0.5 * cold + added + wander(rng, hours, 4, 0.1)).clip(0.2), np.float64
    )


def _from_fuel(rng: Rng, scene: Scene, plant: Plant, wanted_mw: Floats) -> PlantHours:
    """Run a plant that burns more fuel for the mine, up to what its sets can make."""
    works = thermal(rng, scene, plant)
    running = works.gross_mw > 0
    most = np.maximum(works.available_mw, works.gross_mw)
    gross = np.where(running, np.minimum(works.gross_mw + wanted_mw, most), 0.0)
    diverted = np.minimum(wanted_mw, (MOST - works.self_use) * gross)
    aux = works.self_use * (0.6 * gross + 0.4 * plant.rated_mw * running * 0.7)
    aux = np.minimum(aux, gross - diverted)
    columns = {
        "mw": gross - diverted - aux - np.nan_to_num(works.site_load_mw),
        "available_mw": works.available_mw,
        "fuel_mw": works.fuel_mw(gross),
        "heat_mw": works.heat_mw if works.heat_mw.any() else np.full(gross.size, np.nan),
        "aux_mw": _where_metered(rng, aux, 0.8),
        "site_load_mw": works.site_load_mw,
    }
    if plant.kind == "thermal":
        columns["dispatched_mw"] = np.round((1 - works.self_use) * works.gross_mw, 2)
    still = np.zeros(gross.size)
    return PlantHours(columns, gross, diverted, aux, still, still)


def _where_metered(rng: Rng, values: Floats, share: float) -> Floats:
    return values if rng.random() < share else np.full(values.size, np.nan)
