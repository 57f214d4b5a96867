"""Homes: workers, retired people, families, farm families, empty flats, with what they run.

Power ratings are name-plate values of usual appliances; numbers of uses and occupancy are assumed. The
target is a Chinese home: 4 to 15 kWh a day without electric heating or car.
"""

import numpy as np
import numpy.typing as npt

from minewatch.sim.loads.shapes import (
    Rng,
    absences,
    at_hours,
    cooling_need,
    cycling,
    heating_need,
    log_uniform,
    rough,
    sessions,
    wander,
)
from minewatch.sim.loads.standing import may_run_on
from minewatch.sim.scene import Floats, Scene

_AT_HOME = {
    "workers": (
        0.95,
        0.95,
        0.95,
        0.95,
        0.95,
        0.95,
        0.9,
        0.7,
        0.3,
        0.15,
        0.12,
        0.15,
        0.25,
        0.2,
        0.15,
        0.15,
        0.2,
        0.4,
        0.7,
        0.85,
        0.9,
        0.95,
        0.95,
        0.95,
    ),
    "retired": (
        0.95,
        0.95,
        0.95,
        0.95,
        0.95,
        0.95,
        0.9,
        0.8,
        0.6,
        0.6,
        0.7,
        0.85,
        0.95,
        0.95,
        0.85,
        0.7,
        0.7,
        0.8,
        0.9,
        0.95,
        0.95,
        0.95,
        0.95,
        0.95,
    ),
    "family": (
        0.98,
        0.98,
        0.98,
        0.98,
        0.98,
        0.98,
        0.95,
        0.8,
        0.5,
        0.45,
        0.5,
        0.6,
        0.65,
        0.55,
        0.5,
        0.55,
        0.7,
        0.85,
        0.95,
        0.98,
        0.98,
        0.98,
        0.98,
        0.98,
    ),
    "night": (
        0.3,
        0.2,
        0.2,
        0.2,
        0.2,
        0.25,
        0.5,
        0.8,
        0.95,
        0.95,
        0.95,
        0.95,
        0.95,
        0.95,
        0.95,
        0.9,
        0.9,
        0.9,
        0.85,
        0.7,
        0.6,
        0.5,
        0.4,
        0.3,
    ),
}
_AWAKE = (
    0.15,
    0.08,
    0.05,
    0.04,
    0.05,
    0.15,
    0.5,
    0.85,
    1,
    1,
    1,
    1,
    0.9,
    0.8,
    0.9,
    1,
    1,
    1,
    1,
    1,
    1,
    0.9,
    0.65,
    0.35,
)
_COOK = (
    0,
    0,
    0,
    0,
    0,
    0.2,
    1.2,
    1.2,
    0.4,
    0.2,
    0.6,
    2,
    1.2,
    0.2,
    0.1,
    0.2,
    0.8,
    2.6,
    2.2,
    0.8,
    0.3,
    0.1,
    0.05,
    0,
)
_WASH = (
    0.02,
    0.01,
    0,
    0,
    0,
    0.05,
    0.3,
    0.8,
    1,
    1,
    0.8,
    0.4,
    0.3,
    0.3,
    0.4,
    0.4,
    0.4,
    0.5,
    0.8,
    1.2,
    1.5,
    1.2,
    0.6,
    0.15,
)
_BATH = (
    0.1,
    0.02,
    0,
    0,
    0,
    0.2,
    0.8,
    0.7,
    0.2,
    0.1,
    0.1,
    0.1,
    0.2,
    0.1,
    0.1,
    0.1,
    0.2,
    0.5,
    1,
    1.6,
    2.4,
    2.6,
    1.5,
    0.5,
)
_PLUG_IN = (
    0.5,
    0.3,
    0.2,
    0.1,
    0.1,
    0.1,
    0.1,
    0.2,
    0.3,
    0.2,
    0.2,
    0.3,
    0.4,
    0.3,
    0.2,
    0.3,
    0.5,
    1,
    1.5,
    1.5,
    1.4,
    1.8,
    1.6,
    1.2,
)


@may_run_on(0.04)
def household(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of one home, kW."""
    kind = str(rng.choice(("workers", "retired", "family", "night"), p=(0.4, 0.2, 0.36, 0.04)))
    away = _away(rng, scene)
    there = at_hours(_AT_HOME[kind], scene.hour, rng.normal(0, 0.7)) * scene.by_day(~away)
    size = float(np.clip(rng.lognormal(0, 0.45), 0.3, 3.5))
    load = _standing(rng, scene, size) + _daily_life(rng, scene, there, ~away, size)
    load += _cooling(rng, scene, there, size)
    load += _heating(rng, scene, there, size, kva)
    if kva >= 8 and rng.random() < 0.06:
        load += _car(rng, scene, ~away)
    return load


def empty_home(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a home where hardly anybody lives: stand-by, perhaps a refrigerator, rare visits."""
    standby = rng.choice((0.0, 0.003, 0.015, 0.05)) * (1 + rough(rng, scene.periods, 0.05))
    if rng.random() < 0.3:
        return standby + _fridge(rng, scene)
    visit = scene.by_day(rng.random(scene.plan.days) < 0.04)
    return standby + visit * household(rng, scene, kva)


def _away(rng: Rng, scene: Scene) -> npt.NDArray[np.bool_]:
    away = absences(rng, scene.plan.days, 1.5, 4)
    if rng.random() < 0.25:  # goes to the home town for Spring Festival
        away |= (scene.new_year > -rng.integers(1, 9)) & (scene.new_year < rng.integers(4, 14))
    return away


def _fridge(rng: Rng, scene: Scene) -> Floats:
    kw, duty = rng.uniform(0.06, 0.16), rng.uniform(0.25, 0.55)
    warm = 1 + 0.02 * (scene.temperature_c - 20)
    return kw * cycling(rng, duty * warm, rng.uniform(25, 90))


def _standing(rng: Rng, scene: Scene, size: float) -> Floats:
    standby = rng.gamma(2.0, 0.018) * size * (1 + rough(rng, scene.periods, 0.04))
    load = np.abs(standby) + _fridge(rng, scene) * (rng.random() < 0.96)
    if rng.random() < 0.08:  # freezer, aquarium, pump, NAS: a second thing that always runs
        load += rng.uniform(0.03, 0.25) * cycling(rng, np.full(scene.periods, rng.uniform(0.5, 1)), 40)
    return load


def _daily_life(rng: Rng, scene: Scene, there: Floats, at_home: npt.NDArray[np.bool_], size: float) -> Floats:
    days = at_home.astype(np.float64) * np.where(scene.workday, 1.0, 1.25)
    dark = 1 - np.clip(4 * scene.sun, 0, 1)
    awake = at_hours(_AWAKE, scene.hour, rng.normal(0, 0.6))
    sets = np.clip(1 + wander(rng, scene.periods, 5, 0.7), 0, 3)
    load = size * there * awake * (rng.uniform(0.02, 0.1) * dark + rng.uniform(0.03, 0.14) * sets)
    electric_stove = rng.random() < 0.35
    meals = rng.uniform(0.6, 2.2)
    load += sessions(rng, scene, days * meals * 2, _COOK, (rng.uniform(0.7, 1.8), 9, 0.6))
    if electric_stove:
        load += sessions(rng, scene, days * meals, _COOK, (rng.uniform(1.2, 2.2), 22, 0.5))
    load += sessions(rng, scene, days * rng.uniform(0.2, 0.9), _WASH, (rng.uniform(0.2, 0.5), 45, 0.3))
    if rng.random() < 0.55:  # electric storage water heater
        duty = rng.uniform(0.7, 2.0)
        load += sessions(rng, scene, days * duty, _BATH, (rng.uniform(1.5, 2.4), 28, 0.5))
    load += sessions(rng, scene, days * rng.uniform(0, 1.5), _AWAKE, (rng.uniform(0.6, 1.6), 6, 0.6))
    return load


def _cooling(rng: Rng, scene: Scene, there: Floats, size: float) -> Floats:
    units = rng.poisson(1.4 * size)
    total = np.zeros(scene.periods)
    for _ in range(min(int(units), 5)):
        chosen = scene.by_day(rng.random(scene.plan.days) < rng.uniform(0.3, 1))
        need = cooling_need(scene, rng.uniform(24.5, 29), rng.uniform(4, 9)) * (
            there > rng.uniform(0.3, 0.92)
        )
        if rng.random() < 0.6:  # inverter: follows the need
            total += rng.uniform(0.5, 1.3) * chosen * need * np.clip(1 + wander(rng, need.size, 4, 0.2), 0, 2)
        else:
            total += rng.uniform(0.7, 1.6) * chosen * cycling(rng, need, rng.uniform(12, 35))
    return total


def _heating(rng: Rng, scene: Scene, there: Floats, size: float, kva: float) -> Floats:
    kinds = ("none", "room", "direct", "pump", "storage")
    odds = (0.45, 0.2, 0.1, 0.15, 0.1) if scene.heated_region else (0.35, 0.55, 0.03, 0.06, 0.01)
    kind = str(rng.choice(kinds, p=odds))
    if kind == "none":
        return np.zeros(scene.periods)
    cap = 0.7 * kva
    if kind == "room":
        need = heating_need(scene, rng.uniform(8, 14), rng.uniform(6, 14)) * (there > rng.uniform(0.5, 0.9))
        return min(rng.uniform(0.6, 2.4) * size, cap) * cycling(rng, need, rng.uniform(10, 40))
    need = heating_need(scene, rng.uniform(13, 17), rng.uniform(15, 30))
    if kind == "direct":
        return min(rng.uniform(2, 8), cap) * cycling(rng, need, rng.uniform(15, 90))
    if kind == "pump":
        kw = min(rng.uniform(1, 4.5), cap)
        return kw * np.clip(need * (1 + rough(rng, need.size, 0.12)), 0, 1)
    night = (scene.hour >= 22) | (scene.hour < rng.uniform(5, 8))
    return min(rng.uniform(2, 9), cap) * night.astype(np.float64) * np.clip(1.6 * need, 0, 1)


def _car(rng: Rng, scene: Scene, at_home: npt.NDArray[np.bool_]) -> Floats:
    kw = float(rng.choice((1.8, 3.3, 7.0)))
    by_hour = np.asarray(_PLUG_IN)
    if rng.random() < 0.4:  # waits for the cheap hours
        by_hour = np.where(np.isin(np.arange(24), (22, 23, 0)), by_hour, 0.03)
    daily = at_home.astype(np.float64) * rng.uniform(0.15, 0.8)
    start_kw = sessions(
        rng, scene, daily, by_hour.tolist(), (kw, log_uniform(rng, 60, 300) * 7 / (kw + 2), 0.5)
    )
    return np.minimum(start_kw, kw)
