"""Shops, offices, schools, restaurants, hotels, hospitals, farms, irrigation. All parameters are assumed."""

import numpy as np

from minewatch.sim.loads.shapes import (
    Rng,
    absences,
    at_hours,
    blocks,
    cooling_need,
    cycling,
    events,
    heating_need,
    open_between,
    rough,
    sessions,
    wander,
)
from minewatch.sim.loads.standing import may_run_on
from minewatch.sim.scene import Floats, Scene

_GUESTS = (
    0.35,
    0.3,
    0.28,
    0.27,
    0.27,
    0.32,
    0.55,
    0.8,
    0.75,
    0.6,
    0.55,
    0.55,
    0.6,
    0.55,
    0.5,
    0.5,
    0.55,
    0.7,
    0.85,
    0.95,
    1,
    1,
    0.85,
    0.55,
)
_MEALS = (
    0.02,
    0.01,
    0.01,
    0.01,
    0.05,
    0.2,
    0.5,
    0.5,
    0.35,
    0.5,
    0.9,
    1,
    1,
    0.6,
    0.4,
    0.4,
    0.7,
    1,
    1,
    0.9,
    0.7,
    0.4,
    0.15,
    0.05,
)
_PEOPLE = (
    0,
    0,
    0,
    0,
    0,
    0.02,
    0.05,
    0.3,
    0.9,
    1,
    1,
    0.95,
    0.6,
    0.75,
    0.95,
    1,
    1,
    0.85,
    0.5,
    0.25,
    0.15,
    0.1,
    0.05,
    0,
)


def _comfort(rng: Rng, scene: Scene, open_now: Floats) -> Floats:
    """Air conditioning of rooms while open, as a share of the connected cooling power."""
    cool = cooling_need(scene, rng.uniform(22, 27), rng.uniform(5, 11))
    heat = rng.uniform(0, 1) * heating_need(scene, rng.uniform(9, 15), rng.uniform(8, 18))
    need = np.clip((cool + heat) * open_now, 0, 1)
    if rng.random() < 0.5:
        return cycling(rng, need, rng.uniform(10, 45))
    return need * np.clip(1 + wander(rng, need.size, 5, 0.15), 0, 1.5)


def _open_days(rng: Rng, scene: Scene, weekend: float) -> np.ndarray:
    days = scene.workday | (rng.random(scene.plan.days) < weekend)
    shut = int(rng.integers(0, 16)) if rng.random() < 0.6 else 0
    holiday = (scene.new_year >= -shut / 3) & (scene.new_year < shut)
    open_days: np.ndarray = days & ~holiday & ~absences(rng, scene.plan.days, 0.7, 2)
    return open_days


@may_run_on(0.1)
def shop(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a shop: lights and tills while open, chillers always, air conditioning."""
    peak = kva * rng.uniform(0.12, 0.7)
    hours = (rng.uniform(6.5, 10), rng.uniform(18.5, 23))
    if rng.random() < 0.06:  # convenience store, open all night
        hours = (0.0, 24.0)
    open_now = open_between(rng, scene, hours, rng.uniform(3, 30), _open_days(rng, scene, 0.95))
    light, chill, comfort, base = rng.dirichlet((2.5, 1.2, 2.0, 0.5))
    load = light * open_now * (1 + rough(rng, scene.periods, rng.uniform(0.02, 0.12)))
    chill_duty = rng.uniform(0.4, 0.8) * (1 + 0.02 * (scene.temperature_c - 20))
    if rng.random() < 0.6:
        load += chill * cycling(rng, chill_duty, rng.uniform(15, 80))
    load += comfort * _comfort(rng, scene, open_now) + 0.4 * base
    kw = sessions(rng, scene, np.full(scene.plan.days, rng.uniform(0, 6)), _MEALS, (0.12, 15, 0.8))
    return peak * np.clip(load + kw * open_now, 0, None)


@may_run_on(0.1)
def restaurant(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a restaurant: two or three meal peaks, cold room, ventilation."""
    peak = kva * rng.uniform(0.2, 0.75)
    open_now = open_between(
        rng, scene, (rng.uniform(5, 10), rng.uniform(20, 26)), 15, _open_days(rng, scene, 0.97)
    )
    meals = at_hours(_MEALS, scene.hour, rng.normal(0, 0.5))
    trade = scene.by_day(np.exp(rng.normal(0, 0.2, scene.plan.days)))
    kitchen = rng.uniform(0.3, 0.6) * meals * trade * np.clip(1 + rough(rng, scene.periods, 0.25), 0.2, 2.5)
    comfort = rng.uniform(0.1, 0.4) * _comfort(rng, scene, open_now)
    cold = rng.uniform(0.05, 0.25) * cycling(
        rng, np.full(scene.periods, rng.uniform(0.4, 0.8)), rng.uniform(20, 60)
    )
    return peak * (open_now * kitchen + comfort + cold + rng.uniform(0.01, 0.06))


@may_run_on(0.15)
def office(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of an office: people on workdays, servers and lights at night."""
    peak = kva * rng.uniform(0.15, 0.65)
    days = _open_days(rng, scene, rng.choice((0.05, 0.15, 0.5)))
    people = at_hours(_PEOPLE, scene.hour, rng.normal(0, 0.5))
    there = scene.by_day(np.where(days, rng.uniform(0.75, 1.0, scene.plan.days), rng.uniform(0.02, 0.15)))
    base = rng.uniform(0.03, 0.35)
    load = base * (1 + rough(rng, scene.periods, 0.02)) + 0.5 * there * people * (
        1 + rough(rng, scene.periods, 0.05)
    )
    return peak * np.clip(
        load + rng.uniform(0.1, 0.5) * _comfort(rng, scene, there * (people > 0.15)), 0, None
    )


@may_run_on(0.1)
def school(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a school: terms and vacations, evening classes, boarding."""
    peak = kva * rng.uniform(0.12, 0.5)
    winter = (scene.new_year > -rng.integers(14, 25)) & (scene.new_year < rng.integers(10, 18))
    summer = (scene.day_of_year > 188) & (scene.day_of_year < 243)
    days = scene.workday & ~winter & ~summer
    evening = rng.uniform(0.1, 0.9)
    people = np.clip(
        at_hours(_PEOPLE, scene.hour, -0.6)
        + evening * at_hours((0,) * 18 + (0.6, 1, 1, 0.5, 0.1, 0), scene.hour),
        0,
        1,
    )
    there = scene.by_day(np.where(days, rng.uniform(0.85, 1, scene.plan.days), rng.uniform(0.02, 0.12)))
    load = rng.uniform(0.03, 0.12) + 0.6 * people * there * (1 + rough(rng, scene.periods, 0.08))
    return peak * np.clip(load + 0.4 * _comfort(rng, scene, there * people), 0, None)


@may_run_on(0.15)
def hotel(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a hotel: evening peak, all night, occupancy by day."""
    peak = kva * rng.uniform(0.2, 0.6)
    filled = scene.by_day(np.clip(0.6 + rng.normal(0, 0.15, scene.plan.days) + 0.15 * ~scene.workday, 0.1, 1))
    guests = at_hours(_GUESTS, scene.hour, rng.normal(0, 0.4))
    rooms = 0.45 * filled * guests * (1 + rough(rng, scene.periods, 0.08))
    return peak * np.clip(
        rng.uniform(0.12, 0.35) + rooms + 0.45 * filled * _comfort(rng, scene, guests), 0, None
    )


@may_run_on(0.15)
def hospital(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a hospital: a high base round the clock, day clinic, ventilation, machines."""
    peak = kva * rng.uniform(0.25, 0.6)
    there = scene.by_day(np.where(scene.workday, 1.0, rng.uniform(0.5, 0.85)))
    day = at_hours(_PEOPLE, scene.hour) * there * rng.uniform(0.25, 0.5)
    scanner = sessions(rng, scene, np.full(scene.plan.days, 20.0), _PEOPLE, (0.06, 12, 0.4))
    load = rng.uniform(0.25, 0.45) + day * (1 + rough(rng, scene.periods, 0.06)) + scanner
    return peak * (load + 0.35 * _comfort(rng, scene, 0.5 + 0.5 * at_hours(_PEOPLE, scene.hour)))


@may_run_on(0.1)
def farm(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a livestock farm: ventilation by heat, brooding heat, feeding, pumps, lights."""
    peak = kva * rng.uniform(0.15, 0.7)
    fans = np.clip(0.15 + cooling_need(scene, rng.uniform(12, 20), rng.uniform(8, 15)), 0, 1)
    stages = np.ceil(rng.uniform(2, 9) * fans) / 9 * (1 + rough(rng, scene.periods, 0.03))
    brood = heating_need(scene, 18, 20) * rng.choice((0, 0, 0.5, 1.0))
    batch = np.clip(1.3 - ((scene.day + rng.integers(0, 60)) % rng.integers(40, 75)) / 45, 0.05, 1)
    feed = sessions(rng, scene, np.full(scene.plan.days, rng.uniform(2, 8)), _MEALS, (0.25, 25, 0.5))
    lamps = 0.1 * ((scene.hour > 4.5) & (scene.hour < rng.uniform(17, 23)))
    load = 0.5 * stages + brood * batch * cycling(rng, np.full(scene.periods, 0.8), 30) + feed + lamps
    return peak * np.clip(load + rng.uniform(0.01, 0.08), 0, None)


@may_run_on(0.1)
def irrigation(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of an irrigation pump: long blocks in the dry growing season, nothing otherwise."""
    kw = kva * rng.uniform(0.35, 0.85)
    season = np.exp(-(((scene.day_of_year - rng.uniform(110, 220)) / rng.uniform(25, 60)) ** 2))
    hours = np.where(
        rng.random() < 0.5,
        np.ones(24),
        at_hours((2, 2, 2, 2, 2, 2, 1, 1) + (0.4,) * 14 + (2, 2), np.linspace(0.5, 23.5, 24)),
    )
    start, minutes = events(rng, season * rng.uniform(0.3, 1.2), hours.tolist(), (rng.uniform(90, 900), 0.6))
    running = np.clip(blocks(start, minutes, 1.0, scene.periods), 0, 1)
    return running * kw * (1 + wander(rng, scene.periods, 40, 0.03)) + rng.choice((0.0, 0.005, 0.02))


@may_run_on(0.25)
def construction_site(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a building site: cranes and pumps by day, site huts, phases of weeks."""
    days = _open_days(rng, scene, 0.7)
    work = open_between(rng, scene, (rng.uniform(6, 7.5), rng.uniform(17.5, 21)), 20, days)
    phase = np.clip(0.5 + wander(rng, scene.periods, 14 * 96, 0.4), 0.05, 1)
    tools = np.abs(rough(rng, scene.periods, 0.35)) + 0.3
    huts = 0.05 * at_hours(_GUESTS, scene.hour) * (1 + rough(rng, scene.periods, 0.1))
    return kva * rng.uniform(0.2, 0.6) * (work * phase * tools + np.abs(huts))
