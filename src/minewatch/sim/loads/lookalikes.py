"""Innocent loads that look like mining: flat, round the clock, built of equal units, or begun lately.

Sizes and behaviour are assumed within what operators publish (a 4G/5G site 1.5 to 15 kW of which up to half
varies with traffic; data centres with PUE 1.2 to 1.8; cold stores with defrost and door losses), and spread
widely on purpose: a detector must not live on flatness or on an onset alone.
"""

import numpy as np

from minewatch.sim.loads.shapes import (
    DAY_MINUTES,
    Rng,
    at_hours,
    blocks,
    cooling_need,
    cycling,
    events,
    heating_need,
    log_uniform,
    open_between,
    rough,
    sessions,
    wander,
)
from minewatch.sim.scene import PER_DAY, Floats, Scene

_TRAFFIC = (
    0.45,
    0.3,
    0.2,
    0.15,
    0.13,
    0.15,
    0.25,
    0.45,
    0.65,
    0.75,
    0.8,
    0.85,
    0.9,
    0.85,
    0.8,
    0.8,
    0.82,
    0.88,
    0.92,
    0.97,
    1,
    1,
    0.9,
    0.7,
)
_DOORS = (
    0.2,
    0.1,
    0.1,
    0.2,
    0.6,
    1,
    1.4,
    1.5,
    1.3,
    1.2,
    1,
    0.8,
    0.6,
    0.7,
    0.9,
    1,
    1.1,
    1,
    0.8,
    0.6,
    0.5,
    0.4,
    0.3,
    0.2,
)
_CHARGE = (
    0.8,
    0.6,
    0.4,
    0.3,
    0.25,
    0.3,
    0.4,
    0.6,
    0.7,
    0.8,
    0.9,
    1.2,
    1.3,
    1,
    0.9,
    0.9,
    1,
    1.1,
    1.1,
    1,
    1.1,
    1.2,
    1.3,
    1.1,
)


def _cooled(rng: Rng, scene: Scene, it_kw: Floats, overhead: tuple[float, float]) -> Floats:
    """Add air conditioning to an IT load: a fixed part and one that grows with outside heat."""
    fixed, hot = overhead
    need = np.clip((scene.temperature_c - rng.uniform(-5, 18)) / rng.uniform(12, 30), 0, 1.3)
    cooling = it_kw * (fixed + hot * need)
    if rng.random() < 0.45:  # a room unit that switches
        share = cycling(rng, np.full(scene.periods, 0.5), rng.uniform(8, 60))
        cooling *= 0.6 + 0.8 * share
    return it_kw + cooling


def telecom_base_station(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a base station: rectifiers, traffic by hour, cabinet cooling, battery charging."""
    it = kva * rng.uniform(0.12, 0.6)
    varying = rng.beta(1.2, 3.0) * 0.6
    shape = at_hours(_TRAFFIC, scene.hour, rng.normal(0, 0.6)) * scene.by_day(
        np.exp(rng.normal(0, 0.05, scene.plan.days)) * np.where(scene.workday, 1, rng.uniform(0.7, 1.3))
    )
    load = (
        it * (1 - varying + varying * shape) * (1 + rough(rng, scene.periods, log_uniform(rng, 0.002, 0.05)))
    )
    if rng.random() < 0.3:  # carriers put to sleep at night
        asleep = open_between(
            rng, scene, (rng.uniform(0, 1.5), rng.uniform(4.5, 6.5)), 1, np.ones(scene.plan.days, bool)
        )
        load *= 1 - rng.uniform(0.05, 0.35) * asleep
    if rng.random() < 0.3:  # another operator or a 5G sector is added
        load = load + it * rng.uniform(0.15, 1.0) * (scene.day >= rng.integers(0, scene.plan.days))
    load = _cooled(rng, scene, load, (rng.uniform(0, 0.1), rng.choice((0.0, 0.1, 0.35, 0.6))))
    charges = rng.poisson(scene.plan.days / 45)
    start = rng.uniform(0, scene.plan.days * DAY_MINUTES, charges)
    return load + blocks(start, rng.uniform(60, 500, charges), it * rng.uniform(0.1, 0.4), scene.periods)


def server_room(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a server room: near-flat IT, backup windows, own air conditioning, slow growth."""
    it = kva * rng.uniform(0.05, 0.55)
    busy = at_hours(_TRAFFIC, scene.hour) * scene.by_day(np.where(scene.workday, 1, rng.uniform(0.4, 1)))
    load = (
        it
        * (1 + rng.beta(1, 4) * 0.3 * (busy - 0.6))
        * (1 + rough(rng, scene.periods, log_uniform(rng, 0.001, 0.03)))
    )
    if rng.random() < 0.4:
        backup = open_between(
            rng, scene, (rng.uniform(20, 26), rng.uniform(27, 30)), 5, np.ones(scene.plan.days, bool)
        )
        load *= 1 + rng.uniform(0.01, 0.08) * backup
    load = load * _growth(rng, scene)
    return _cooled(rng, scene, load, (rng.uniform(0.03, 0.3), rng.uniform(0.02, 0.35)))


def _growth(rng: Rng, scene: Scene) -> Floats:
    level = np.full(scene.periods, 1.0)
    for _ in range(rng.poisson(scene.plan.days / 90)):
        level += rng.normal(0.03, 0.1) * (scene.day >= rng.integers(0, scene.plan.days))
    return np.clip(level, 0.3, 3)


def gpu_server(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of GPU servers: jobs of minutes to days between idle and full, one machine or racks.

    Between jobs an accelerator server idles at a fifth to a half of its full power.
    """
    servers = int(np.clip(kva * rng.uniform(0.1, 0.7) / rng.uniform(0.8, 7), 1, 60))
    each = kva * rng.uniform(0.15, 0.75) / servers
    idle = rng.uniform(0.15, 0.55)
    demand = np.clip(rng.uniform(0.1, 1.0) + wander(rng, scene.plan.days, rng.uniform(3, 20), 0.35), 0, 1.3)
    length = log_uniform(rng, 20, 3000)
    total = np.zeros(scene.periods)
    for _ in range(servers):
        start, minutes = events(rng, demand * DAY_MINUTES / length * 1.2, np.ones(24).tolist(), (length, 1.1))
        jobs = blocks(start, minutes, rng.uniform(0.2, 1, start.size), scene.periods)
        total += each * (idle + (1 - idle) * np.clip(jobs, 0, 1))
    total *= 1 + rough(rng, scene.periods, log_uniform(rng, 0.003, 0.05))
    return _cooled(rng, scene, total, (rng.uniform(0, 0.25), rng.uniform(0, 0.3)))


def data_centre(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a data centre: tenants' diurnal IT, migration steps, PUE by the weather."""
    it = kva * rng.uniform(0.1, 0.6)
    swing = rng.uniform(0.0, 0.25)
    busy = at_hours(_TRAFFIC, scene.hour, rng.normal(0, 0.5)) - 0.65
    load = (
        it
        * (1 + swing * busy)
        * _growth(rng, scene)
        * (1 + rough(rng, scene.periods, log_uniform(rng, 0.002, 0.02)))
    )
    if rng.random() < 0.4:  # rented out month by month: it fills up
        load *= np.linspace(rng.uniform(0.5, 1), 1, scene.periods)
    return _cooled(rng, scene, load, (rng.uniform(0.08, 0.3), rng.uniform(0.05, 0.5)))


def cold_store(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a cold store: compressors, defrost by the clock, doors and goods, cheap nights."""
    stock = np.clip(0.7 + wander(rng, scene.periods, rng.uniform(3, 25) * PER_DAY, 0.25), 0.1, 1.2)
    duty = (
        rng.uniform(0.3, 0.85) * (1 + rng.uniform(0, 0.03) * (scene.temperature_c - 15)) * (0.6 + 0.4 * stock)
    )
    doors = sessions(
        rng, scene, np.full(scene.plan.days, rng.uniform(0, 12)), _DOORS, (rng.uniform(0.02, 0.15), 40, 0.7)
    )
    duty = np.clip(duty + doors, 0.02, 1)
    if rng.random() < 0.3:  # freezes with cheap night power
        duty = np.clip(duty * np.where((scene.hour >= 23) | (scene.hour < 7), 1.4, 0.75), 0, 1)
    if rng.random() < 0.35:
        plant = duty * (1 + rough(rng, scene.periods, 0.05))
    else:
        number = int(rng.integers(1, 5))
        plant = np.mean([cycling(rng, duty, log_uniform(rng, 15, 400)) for _ in range(number)], axis=0)
    every_h = float(rng.choice((4, 6, 8, 12)))
    start = np.arange(0, scene.plan.days * 24, every_h) * 60 + rng.uniform(0, every_h * 60)
    defrost = blocks(start, rng.uniform(15, 45), rng.uniform(0, 0.25), scene.periods)
    fans = rng.uniform(0.05, 0.25)
    return kva * rng.uniform(0.25, 0.8) * np.clip(fans + (1 - fans) * plant + defrost, 0, None)


def street_light(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of street lights: dusk to dawn, some dimmed after midnight, some signs all day."""
    dark = np.clip((0.06 - scene.clear_sky) / 0.05, 0, 1)
    load = dark * (1 + wander(rng, scene.periods, 30, 0.01))
    if rng.random() < 0.5:
        late = (scene.hour > rng.uniform(22, 24)) | (scene.hour < rng.uniform(4, 6))
        load *= np.where(late, rng.uniform(0.3, 0.8), 1.0)
    failed = 1 - 0.03 * np.abs(wander(rng, scene.periods, 10 * PER_DAY, 1.0))
    return kva * rng.uniform(0.2, 0.8) * (load * failed + rng.choice((0.0, 0.01, 0.1)))


def ev_charger(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of public chargers, or of a depot that fills its buses every night."""
    if rng.random() < 0.25:
        return _depot(rng, scene, kva)
    kw = float(rng.choice((7.0, 30.0, 60.0, 120.0), p=(0.4, 0.25, 0.25, 0.1)))
    kw = min(kw, 0.9 * kva)
    plugs = max(int(kva / kw), 1)
    each_day = plugs * log_uniform(rng, 0.4, 12) * np.exp(rng.normal(0, 0.15, scene.plan.days))
    start, minutes = events(rng, each_day, _CHARGE, (np.clip(2500 / kw, 25, 240), 0.5))
    power = blocks(start, minutes, kw * rng.uniform(0.4, 1, start.size), scene.periods)
    return np.minimum(power, 0.95 * kva) + rng.uniform(0.02, 0.1) * plugs


def _depot(rng: Rng, scene: Scene, kva: float) -> Floats:
    hours = (rng.uniform(20, 23.5), rng.uniform(28, 31))
    night = open_between(rng, scene, hours, 12, np.ones(scene.plan.days, bool))
    falling = 1 - rng.uniform(0, 0.9) * np.clip(((scene.hour - hours[0]) % 24) / (hours[1] - hours[0]), 0, 1)
    noon = rng.uniform(0, 0.5) * open_between(rng, scene, (11.5, 14), 15, scene.workday)
    return (
        kva * rng.uniform(0.3, 0.85) * (night * falling + noon) * (1 + rough(rng, scene.periods, 0.04)) + 0.3
    )


def aquaculture(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a fish farm: aerators at night and on hot days, blowers of tanks round the clock."""
    warm = np.clip((scene.temperature_c - rng.uniform(0, 12)) / 18, 0.1, 1)
    if rng.random() < 0.4:  # recirculating tanks: pumps and blowers never stop
        load = rng.uniform(0.5, 1) * (1 + rough(rng, scene.periods, log_uniform(rng, 0.002, 0.04)))
        load += (
            0.2
            * heating_need(scene, 20, 20)
            * rng.choice((0, 1))
            * cycling(rng, np.full(scene.periods, 0.6), 40)
        )
        feed = sessions(
            rng, scene, np.full(scene.plan.days, 4.0), (0,) * 6 + (1,) * 12 + (0,) * 6, (0.05, 20, 0.3)
        )
        return kva * rng.uniform(0.2, 0.7) * (load + feed)
    number = int(rng.integers(1, 7))
    total = np.zeros(scene.periods)
    for _ in range(number):
        days = rng.random(scene.plan.days) < np.clip(1.5 * warm[::PER_DAY], 0, 1)
        total += open_between(rng, scene, (rng.uniform(18, 27), rng.uniform(28, 34)), 25, days)
        total += open_between(
            rng,
            scene,
            (rng.uniform(11.5, 13), rng.uniform(13.5, 16)),
            20,
            days & (rng.random(scene.plan.days) < 0.5),
        )
    return kva * rng.uniform(0.3, 0.8) * total / number * (1 + wander(rng, scene.periods, 20, 0.03)) + 0.02


def electric_heating(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a clean-heating customer: electric boilers, storage at night, or heat pumps."""
    need = heating_need(scene, rng.uniform(14, 19), rng.uniform(16, 30))
    season = scene.by_day(
        (scene.day_of_year < rng.uniform(70, 105)) | (scene.day_of_year > rng.uniform(295, 325))
    )
    kind = rng.random()
    if kind < 0.35:
        night = open_between(
            rng, scene, (rng.uniform(20, 23), rng.uniform(29, 32)), 5, np.ones(scene.plan.days, bool)
        )
        load = night * np.clip(1.5 * need, 0, 1)
    elif kind < 0.65:
        steps = int(rng.integers(2, 12))
        load = np.round(np.clip(need * (1 + rough(rng, scene.periods, 0.1)), 0, 1) * steps) / steps
    else:
        load = need * np.where(rng.random() < 0.5, 1.0, cycling(rng, need, rng.uniform(20, 120)))
    pumps = rng.uniform(0.02, 0.1)
    return kva * rng.uniform(0.4, 0.85) * season * (pumps + load * (1 + rough(rng, scene.periods, 0.02)))


def grow_house(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a plant or mushroom house: lamps in long photoperiods, ventilation, cooling."""
    day_h = float(rng.choice((12, 14, 16, 18, 20, 22)))
    start_h = rng.uniform(0, 24) if rng.random() < 0.6 else 22.0
    crops = ((scene.day + rng.integers(0, 40)) % rng.integers(25, 80)) > rng.integers(0, 5)
    rooms = int(rng.integers(1, 6))
    lamps = np.zeros(scene.periods)
    for room in range(rooms):
        shift = 0.0 if rng.random() < 0.5 else room * 24 / rooms
        begin_h = (start_h + shift) % 24
        hours = (begin_h, begin_h + day_h)
        lamps += open_between(rng, scene, hours, 0.5, np.ones(scene.plan.days, bool)) / rooms
    cooling = rng.uniform(0.05, 0.4) * lamps * np.clip(0.4 + cooling_need(scene, 10, 20), 0, 1)
    fans = rng.uniform(0.05, 0.2) * (1 + rough(rng, scene.periods, 0.03))
    steady = 1 + rough(rng, scene.periods, log_uniform(rng, 0.001, 0.02))
    return kva * rng.uniform(0.3, 0.85) * (crops * (0.7 * lamps * steady + cooling) + fans)


def pumping_station(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of water works or sewage: blowers that never stop, pumps in steps by demand."""
    blowers = rng.uniform(0.2, 0.9)
    demand = at_hours(_TRAFFIC, scene.hour, -1.0) * np.clip(1 + rough(rng, scene.periods, 0.12), 0.2, 2)
    steps = int(rng.integers(1, 6))
    pumps = np.ceil(np.clip(demand, 0, 1) * steps) / steps
    steady = 1 + rough(rng, scene.periods, log_uniform(rng, 0.003, 0.05))
    return kva * rng.uniform(0.2, 0.7) * (blowers + (1 - blowers) * pumps) * steady


def fuel_station(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return the load of a filling station or toll gate: canopy lights at night, a base all day."""
    dark = np.clip((0.08 - scene.clear_sky) / 0.06, 0, 1)
    base = rng.uniform(0.15, 0.5) * (1 + rough(rng, scene.periods, 0.06))
    comfort = 0.3 * cycling(
        rng, cooling_need(scene, 23, 8) + heating_need(scene, 10, 12), rng.uniform(12, 40)
    )
    pumps = sessions(rng, scene, np.full(scene.plan.days, 30.0), _CHARGE, (0.05, 6, 0.5))
    return kva * rng.uniform(0.15, 0.5) * (base + rng.uniform(0.1, 0.5) * dark + comfort + pumps)


def building_services(rng: Rng, scene: Scene, kva: float) -> Floats:
    """Return what the residents of a block share: garage and stair lights, fans, lifts, booster pumps."""
    lights = np.ones(scene.periods)
    if rng.random() < 0.4:  # every second lamp off at night
        lights *= np.where((scene.hour < rng.uniform(5, 7)) | (scene.hour > rng.uniform(22, 24)), 0.5, 1.0)
    stairs = np.clip((0.06 - scene.clear_sky) / 0.05, 0, 1)
    fans = open_between(
        rng, scene, (rng.uniform(5, 8), rng.uniform(20, 24)), 5, np.ones(scene.plan.days, bool)
    )
    moving = at_hours(_TRAFFIC, scene.hour, -1.5) * np.clip(1 + rough(rng, scene.periods, 0.3), 0, 3)
    shares = rng.dirichlet((3.0, 1.0, 0.7, 1.5))
    parts = (lights, stairs, fans, moving)
    load = sum(share * part for share, part in zip(shares, parts, strict=True))
    steady = 1 + rough(rng, scene.periods, log_uniform(rng, 0.003, 0.03))
    return np.asarray(kva * rng.uniform(0.1, 0.5) * load * steady)
