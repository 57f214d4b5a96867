"""Innocent constants inside ordinary loads: what runs on for days or months without anybody minding it.

A cabinet of servers and cameras, frost protection, a circulation or dewatering pump, fans: each is a small
block with an onset of its own. Their shares are assumed.
"""

from collections.abc import Callable
from functools import wraps

import numpy as np

from minewatch.sim.loads.shapes import Rng, blocks, cycling, heating_need, log_uniform, rough
from minewatch.sim.scene import PER_DAY, Floats, Scene

LoadFunction = Callable[[Rng, Scene, float], Floats]


def may_run_on(probability: float) -> Callable[[LoadFunction], LoadFunction]:
    """Return a decorator that adds a standing load to a class's load, with ``probability``."""

    def decorated(load: LoadFunction) -> LoadFunction:
        @wraps(load)
        def with_standing(rng: Rng, scene: Scene, kva: float) -> Floats:
            kw = load(rng, scene, kva)
            if rng.random() >= probability:
                return kw
            return np.asarray(kw + kw.mean() * log_uniform(rng, 0.03, 0.4) * standing(rng, scene))

        return with_standing

    return decorated


def standing(rng: Rng, scene: Scene) -> Floats:
    """Return a load that stands at 1 while it is on."""
    kind = rng.random()
    steady = 1 + rough(rng, scene.periods, log_uniform(rng, 0.001, 0.03))
    if kind < 0.35:  # servers, cameras, a showcase: put in one day, or there before
        since = int(rng.integers(-scene.plan.days, scene.plan.days))
        return steady * (scene.day >= since)
    if kind < 0.6:  # frost protection, circulation of the heating: a season, or while it is cold
        cold = scene.by_day(heating_need(scene, rng.uniform(8, 16), 3)[PER_DAY // 4 :: PER_DAY])
        return steady * ((cold > 0.3) if rng.random() < 0.5 else _season(rng, scene))
    start = rng.uniform(-30, scene.plan.days, 1 + rng.poisson(scene.plan.days / 120)) * 1440
    minutes = 1440 * rng.exponential(rng.uniform(5, 60), start.size)  # pumps, fans, drying
    running = np.clip(blocks(start, minutes, 1.0, scene.periods), 0, 1)
    if rng.random() < 0.4:  # by a float switch
        running = running * cycling(rng, np.full(scene.periods, rng.uniform(0.4, 0.95)), rng.uniform(20, 240))
    return steady * running


def _season(rng: Rng, scene: Scene) -> Floats:
    """From a day in autumn to one in spring."""
    first, last = rng.uniform(290, 335), rng.uniform(60, 110)
    return scene.by_day((scene.day_of_year >= first) | (scene.day_of_year < last))
