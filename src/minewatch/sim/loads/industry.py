"""Workshops and factories in one, two and three shifts, and continuous processes. Parameters are assumed."""

import numpy as np

from minewatch.sim.loads.shapes import (
    DAY_MINUTES,
    Rng,
    blocks,
    cycling,
    log_uniform,
    open_between,
    rough,
    wander,
)
from minewatch.sim.loads.standing import may_run_on
from minewatch.sim.scene import PER_DAY, Floats, Scene


def _working_days(rng: Rng, scene: Scene, shifts: int) -> np.ndarray:
    weekend = {1: (0.1, 0.9), 2: (0.3, 0.95), 3: (0.7, 1.0)}[shifts]
    saturday = rng.uniform(*weekend)
    days = scene.workday | (rng.random(scene.plan.days) < saturday)
    before, after = rng.integers(1, 14), rng.integers(4, 22)
    shut = (scene.new_year > -before) & (scene.new_year < after)
    if shifts == 3 and rng.random() < 0.35:
        shut &= False
    idle = rng.random(scene.plan.days) < rng.uniform(0, 0.05)
    working: np.ndarray = days & ~shut & ~idle
    return working


def _lines(rng: Rng, scene: Scene, busy: Floats, number: int) -> Floats:
    """Machine lines that come and go with the order book while the works run, as a share of all lines."""
    total = np.zeros(scene.periods)
    weights = rng.dirichlet(np.full(number, 1.5))
    for weight in weights:
        booked = wander(rng, scene.periods, rng.uniform(40, 700), 1.0) > rng.uniform(-2.2, 0.6)
        cycle = rng.uniform(20, 240)
        beat = cycling(rng, np.full(scene.periods, rng.uniform(0.45, 0.98)), cycle)
        total += weight * busy * booked * (0.35 + 0.65 * beat)
    return total


def _works(rng: Rng, scene: Scene, kva: float, shifts: int) -> Floats:
    peak = kva * rng.uniform(0.2, 0.8)
    start = rng.uniform(6.5, 8.6)
    length = {1: rng.uniform(8, 11), 2: rng.uniform(15, 17.5), 3: 24.0}[shifts]
    days = _working_days(rng, scene, shifts)
    busy = open_between(rng, scene, (start, start + length), 0 if shifts == 3 else 8, days)
    noon = rng.uniform(0.1, 0.9) if shifts == 1 else rng.uniform(0.6, 1)
    busy = busy * np.where((scene.hour > 12) & (scene.hour < 13), noon, 1)
    lines = _lines(rng, scene, busy, int(rng.integers(1, 9)))
    air = rng.uniform(0.05, 0.25) * busy * (1 + rough(rng, scene.periods, 0.06))
    base = rng.uniform(0.01, 0.12) * (1 + rough(rng, scene.periods, 0.03))
    orders = np.clip(1 + wander(rng, scene.periods, 20 * PER_DAY, 0.12), 0.3, 1.5)
    return peak * np.clip(
        orders * (0.75 * lines + air) * (1 + rough(rng, scene.periods, 0.03)) + base, 0, None
    )


@may_run_on(0.1)
def workshop(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a small workshop: a few machines by day, spiky."""
    days = _working_days(rng, scene, 1)
    open_now = open_between(rng, scene, (rng.uniform(7, 9), rng.uniform(17, 21)), 25, days)
    machines = np.zeros(scene.periods)
    for _ in range(int(rng.integers(1, 5))):
        used = wander(rng, scene.periods, rng.uniform(2, 16), 1.0) > rng.uniform(-0.6, 1.2)
        machines += rng.uniform(0.1, 0.5) * used * np.clip(1 + rough(rng, scene.periods, 0.25), 0.1, 2)
    return kva * rng.uniform(0.2, 0.8) * (open_now * machines + rng.uniform(0.005, 0.05))


@may_run_on(0.1)
def one_shift(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a factory that works one shift."""
    return _works(rng, scene, kva, 1)


@may_run_on(0.1)
def two_shift(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a factory that works two shifts."""
    return _works(rng, scene, kva, 2)


@may_run_on(0.1)
def three_shift(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a factory that works round the clock."""
    return _works(rng, scene, kva, 3)


def continuous_process(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a process that runs for weeks: spinning, chemistry, kilns, paper, water works.

    The innocent curve nearest to a farm: load factor up to 0.97, night as day. It differs by trips,
    throughput that follows orders, batches, and stops for maintenance.
    """
    steady = log_uniform(rng, 0.003, 0.08)
    level = np.clip(1 + wander(rng, scene.periods, rng.uniform(2, 20) * PER_DAY, 2.5 * steady), 0.3, 1.3)
    load = level * (1 + rough(rng, scene.periods, steady))
    if rng.random() < 0.5:  # batches: charge, heat, discharge
        period_h = rng.uniform(3, 40)
        phase = (np.arange(scene.periods) / 4 + rng.uniform(0, 99)) % period_h / period_h
        load *= 1 - rng.uniform(0.05, 0.5) * (phase < rng.uniform(0.05, 0.3))
    if rng.random() < 0.4:  # less in the dear hours
        load *= np.where((scene.hour >= 18) & (scene.hour < 22), rng.uniform(0.6, 0.97), 1.0)
    day_share = rng.uniform(0, 0.12) * open_between(rng, scene, (8, 18), 10, scene.workday)
    trips = rng.poisson(scene.plan.days * log_uniform(rng, 0.005, 0.2))
    lost = blocks(
        rng.uniform(0, scene.plan.days * DAY_MINUTES, trips),
        rng.lognormal(4.5, 1.0, trips),
        1.0,
        scene.periods,
    )
    load *= 1 - np.clip(lost * rng.uniform(0.2, 1), 0, 1)
    if rng.random() < 0.35:  # yearly maintenance or Spring Festival
        centre = rng.integers(-5, 60)
        load *= np.where(
            np.abs(scene.by_day(scene.new_year) - centre) < rng.integers(2, 12), rng.uniform(0.02, 0.4), 1
        )
    base = rng.uniform(0.02, 0.1)
    return kva * rng.uniform(0.3, 0.85) * np.clip((1 - base) * load + base + day_share, 0.01, 1.3)
