"""Loads of no class: random days, weeks and seasons, so that no detector lives on what the classes share.

No use is meant by them. They spread wider than the classes do: smooth as the sum of a village or rough as one
machine, with a base of anything from nothing to most of the load (domain randomisation: Tobin et al., IROS
2017).
"""

import numpy as np

from minewatch.sim.loads.shapes import Rng, cooling_need, heating_need, log_uniform, rough, sessions, wander
from minewatch.sim.scene import PER_DAY, Floats, Scene


def other(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a customer of no class: a base, activity by hour and day, weather, noise, steps."""
    base = rng.beta(0.9, 1.8)
    standing = base * _slow(rng, scene) * (1 + rough(rng, scene.periods, log_uniform(rng, 0.003, 0.08)))
    active = (1 - base) * _activity(rng, scene) * _slow(rng, scene)
    active *= 1 + rough(rng, scene.periods, log_uniform(rng, 0.005, 0.6))
    load = np.clip(standing, 0, None) + np.clip(active, 0, None) + _weather(rng, scene)
    if rng.random() < 0.3:
        by_hour = tuple(rng.uniform(0, 1, 24))
        use = (rng.uniform(0.1, 1.5), log_uniform(rng, 10, 300), 0.7)
        load += sessions(rng, scene, np.full(scene.plan.days, rng.uniform(0.5, 8)), by_hour, use)
    for _ in range(rng.poisson(0.4 * scene.plan.days / 365)):
        at = int(rng.integers(0, scene.plan.days))
        load = np.where(scene.day < at, load, load * rng.uniform(0.5, 1.6))
    return np.asarray(np.minimum(kva * log_uniform(rng, 0.05, 0.7) * load, 1.1 * kva))


def _slow(rng: Rng, scene: Scene) -> Floats:
    """Season and slow change around 1."""
    season = np.cos(2 * np.pi * (scene.day_of_year - rng.uniform(0, 365)) / 365.25)
    slow = 1 + rng.beta(1, 3) * scene.by_day(season)
    days = log_uniform(rng, 0.003, 0.3)
    slow += wander(rng, scene.periods, log_uniform(rng, 1, 40) * PER_DAY, days)
    return np.clip(slow, 0.02, None)


def _activity(rng: Rng, scene: Scene) -> Floats:
    """Up to four humps of the day, lower or other ones on rest days, more or less from day to day."""
    workday = _humps(rng, scene)
    restday = _humps(rng, scene) if rng.random() < 0.3 else workday * rng.choice((1.0, rng.uniform(0, 1.1)))
    shape = np.where(scene.by_day(scene.workday) > 0, workday, restday)
    return shape * scene.by_day(np.exp(rng.normal(0, log_uniform(rng, 0.005, 0.4), scene.plan.days)))


def _humps(rng: Rng, scene: Scene) -> Floats:
    total = np.zeros(scene.periods)
    for _ in range(int(rng.integers(1, 5))):
        width_h = log_uniform(rng, 0.5, 6)
        angle = 2 * np.pi * (scene.hour - rng.uniform(0, 24)) / 24
        hump = np.exp((np.cos(angle) - 1) * (24 / (2 * np.pi * width_h)) ** 2)
        total += rng.uniform(0.2, 1) * (np.minimum(1, 3 * hump) if rng.random() < 0.4 else hump)
    return total


def _weather(rng: Rng, scene: Scene) -> Floats:
    need = cooling_need(scene, rng.uniform(15, 27), rng.uniform(5, 15)) if rng.random() < 0.4 else 0.0
    if rng.random() < 0.4:
        need = need + heating_need(scene, rng.uniform(5, 18), rng.uniform(8, 25))
    return np.asarray(rng.uniform(0, 1.2) * need * np.clip(1 + rough(rng, scene.periods, 0.1), 0, 2))
