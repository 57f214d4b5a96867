"""The load of mining machines: boot, failures, firmware modes, heat, curtailment, growth.

Rated powers are those of ``minewatch.schema.machines`` (manufacturers). Assumed: a machine differs from its
rating by 3 % (1 sigma, power supplies and chips); air-cooled power rises 0.05 to 0.25 % per kelvin (leakage
and fans); a machine restarts every 5 to 60 days and needs 3 to 12 minutes to come up; one in 20 to 300
machine-days a board or supply fails for hours to weeks; cooling takes 2 to 10 % (air-cooled farms
have a PUE of 1.02 to 1.1), in homes with an air conditioner up to 40 %.
"""

from datetime import date
from typing import NamedTuple

import numpy as np

from minewatch.schema.machines import machines
from minewatch.sim.county import MinePlan
from minewatch.sim.loads.shapes import (
    DAY_MINUTES,
    Rng,
    blocks,
    cooling_need,
    cycling,
    log_uniform,
    open_between,
    rough,
    wander,
)
from minewatch.sim.scene import PER_DAY, Floats, Scene

RIGS_W = {"GPU rig 8x": 1250.0, "CPU server": 420.0}
"""Machines outside the manufacturers' table, power in W: assumed (eight 6600 XT class cards; one EPYC)."""


class Fleet(NamedTuple):
    """Machines of one site: power of each at the wall and when it was switched on, minutes."""

    kw: Floats
    start_min: Floats


def rated_w(model: str) -> float:
    """Return the rated power of a model, W. Raises KeyError for an unknown one."""
    return RIGS_W[model] if model in RIGS_W else _POWER_W[model]


_POWER_W = {machine.model: machine.power_w for machine in machines()}


def mining_load(rng: Rng, scene: Scene, mine: MinePlan) -> Floats:
    """Return the power of the mine behind one account, kW, zero outside its life."""
    fleet = _fleet(rng, scene, mine)
    end_min = (
        _minutes(scene, mine.end_on) + rng.uniform(480, 1200)
        if mine.end_on
        else scene.plan.days * DAY_MINUTES
    )
    running = blocks(fleet.start_min, np.maximum(end_min - fleet.start_min, 0), fleet.kw, scene.periods)
    running -= _failures(rng, fleet, end_min, scene.periods)
    schedule = _schedule(rng, scene, mine.kind) * _interruptions(rng, scene)
    power = np.clip(running, 0, None) * schedule * _firmware(rng, scene) * _heat(rng, scene)
    power *= 1 + wander(rng, scene.periods, 8, log_uniform(rng, 0.0005, 0.006))
    idle = rng.uniform(0.004, 0.05) * np.clip(running, 0, None) * (schedule < 0.5)
    return power + idle + _cooling(rng, scene, mine, power)


def _minutes(scene: Scene, day: date) -> float:
    return (day - scene.plan.start_on).days * DAY_MINUTES


def _fleet(rng: Rng, scene: Scene, mine: MinePlan) -> Fleet:
    kw = np.concatenate([np.full(count, rated_w(model) / 1000) for model, count in mine.machines])
    kw = kw * rng.uniform(0.93, 1.04) * (1 + rng.normal(0, 0.03, kw.size))
    first = _minutes(scene, mine.onset_on) + rng.uniform(480, 1320)
    start = np.full(kw.size, first) + rng.uniform(0, 90, kw.size) * (kw.size > 3)
    if mine.kind == "under_construction" or (kw.size > 5 and rng.random() < 0.4):  # comes in lorry loads
        slow = 2.0 if mine.kind == "under_construction" else 1.0
        gaps = rng.exponential(slow * rng.uniform(1, 14) * DAY_MINUTES, int(rng.integers(2, 9)))
        start += np.cumsum(gaps)[rng.integers(0, gaps.size, kw.size)] - gaps[0]
    return Fleet(kw, start)


def _failures(rng: Rng, fleet: Fleet, end_min: float, periods: int) -> Floats:
    span = np.clip(end_min - np.maximum(fleet.start_min, 0), 0, None)
    restarts = rng.poisson(span / DAY_MINUTES * rng.uniform(0.015, 0.2))
    defects = rng.poisson(span / DAY_MINUTES / log_uniform(rng, 20, 300))
    number = np.concatenate(
        (np.repeat(np.arange(span.size), restarts), np.repeat(np.arange(span.size), defects))
    )
    short = np.arange(number.size) < restarts.sum()
    at = np.maximum(fleet.start_min[number], 0) + rng.random(number.size) * span[number]
    minutes = np.where(short, rng.uniform(3, 12, number.size), rng.lognormal(6.5, 1.3, number.size))
    minutes = np.minimum(minutes, np.maximum(end_min - at, 0))
    share = np.where(short | (rng.random(number.size) < 0.5), 1.0, 1 / 3)  # one of three boards
    return blocks(at, minutes, fleet.kw[number] * share, periods)


def _schedule(rng: Rng, scene: Scene, kind: str) -> Floats:
    """Share of the machines wanted on."""
    if kind == "night_only":
        days = rng.random(scene.plan.days) < rng.uniform(0.9, 1)
        return open_between(
            rng, scene, (rng.uniform(20, 24.5), rng.uniform(28.5, 33)), rng.uniform(1, 25), days
        )
    if kind == "price_following":
        return _price_following(rng, scene)
    if kind == "seasonal":
        first, last = rng.uniform(100, 150), rng.uniform(285, 325)
        return scene.by_day((scene.day_of_year >= first) & (scene.day_of_year < last))
    if rng.random() < 0.12:  # hides from the evening peak
        peak = (scene.hour >= rng.uniform(17, 19)) & (scene.hour < rng.uniform(20, 22.5))
        return 1.0 - rng.uniform(0.2, 1) * peak.astype(np.float64)
    return np.ones(scene.periods)


def _price_following(rng: Rng, scene: Scene) -> Floats:
    hourly = scene.price.reshape(-1, 4).mean(axis=1)
    limit = np.quantile(hourly, rng.uniform(0.6, 0.93))
    off = np.repeat(hourly > limit, 4)
    if rng.random() < 0.5:
        off |= scene.temperature_c > rng.uniform(30, 36)
    remaining = rng.choice((0.0, 0.0, 0.1, 0.35))
    return np.where(off, remaining, 1.0)


def _interruptions(rng: Rng, scene: Scene) -> Floats:
    """Lost pool or internet, tripped breaker, cleaning: the whole site falls to little for a while."""
    number = rng.poisson(scene.plan.days * log_uniform(rng, 0.01, 0.25))
    start = rng.uniform(0, scene.plan.days * DAY_MINUTES, number)
    depth = rng.uniform(0.3, 1.0, number)
    return 1 - np.clip(blocks(start, rng.lognormal(3.6, 1.1, number), depth, scene.periods), 0, 1)


def _firmware(rng: Rng, scene: Scene) -> Floats:
    """Power modes: mostly one for the whole period, some change it, a few tune all the time."""
    level = np.full(scene.periods, rng.choice((1.0, 1.0, 1.0, 0.85, 0.7, 1.12)))
    if rng.random() < 0.2:
        level[int(rng.integers(0, scene.periods)) :] *= rng.choice((0.75, 0.85, 1.1))
    if rng.random() < 0.08:
        level *= np.where(scene.by_day(rng.random(scene.plan.days) < 0.5) > 0, 1.0, rng.uniform(0.8, 0.95))
    return level


def _heat(rng: Rng, scene: Scene) -> Floats:
    slope = rng.uniform(0.0005, 0.0025)
    indoor = np.clip(scene.temperature_c + rng.uniform(0, 12), 12, 45)
    return 1 + slope * (indoor - 25)


def _cooling(rng: Rng, scene: Scene, mine: MinePlan, power: Floats) -> Floats:
    if mine.kind in ("home", "institution") and rng.random() < 0.5:
        need = cooling_need(scene, rng.uniform(10, 24), rng.uniform(8, 15))
        share: Floats = rng.uniform(0.15, 0.4) * cycling(rng, need, rng.uniform(10, 40))
        return power * share
    fans = rng.uniform(0.01, 0.05)
    curtain = rng.uniform(0, 0.06) * np.round(2 * cooling_need(scene, 20, 10)) / 2
    return power * np.clip(fans + curtain + rough(rng, PER_DAY * scene.plan.days, 0.002), 0, None)
