"""One account's true load through the period: its class, what changes in its life, sun, and its mine."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from minewatch.sim.classes import CLASSES, CustomerClass
from minewatch.sim.county import CountyPlan, Customer
from minewatch.sim.loads.mining import mining_load
from minewatch.sim.loads.shapes import (
    Rng,
    cooling_need,
    cycling,
    heating_need,
    log_uniform,
    open_between,
    rough,
    wander,
)
from minewatch.sim.mines import MINE_KINDS
from minewatch.sim.scene import PER_DAY, Floats, Scene
from minewatch.sim.streams import stream

HEAT_PUMPS: Mapping[str, float] = MappingProxyType(
    {"household": 0.03, "farm": 0.03, "shop": 0.02, "restaurant": 0.03, "office": 0.03, "school": 0.04}
    | {"hotel": 0.05, "workshop": 0.02}
)
"""Probability within a year that an account gets a heat pump; assumed."""


@dataclass(frozen=True)
class History:
    """True load of one account, shape (days * 96,): at the meter and of its mine.

    ``net_kw`` includes the mine where it is metered; ``bypass_kw`` is what passes the meter by. The phase
    shares (3,) are of the rest and of the mine.
    """

    net_kw: Floats
    kvar: Floats
    mine_kw: Floats
    bypass_kw: Floats
    bypass_kvar: Floats
    rest_share: Floats
    mine_share: Floats
    changes: tuple[str, ...]


def history(plan: CountyPlan, number: int, scene: Scene, customer: Customer) -> History:
    """Return the true load of ``customer`` of partition ``number``."""
    rng = stream(plan.seed, number, customer.number, "load")
    spec = CLASSES[customer.kind]
    rest, changes = _rest(rng, scene, customer, spec)
    if customer.kind in HEAT_PUMPS and (customer.mine is None or not MINE_KINDS[customer.mine.kind].empty):
        pump = heat_pump(stream(plan.seed, number, customer.number, "heat pump"), scene, customer)
        rest, changes = (rest, changes) if pump is None else (rest + pump, (*changes, "heat_pump"))
    mine = np.zeros(scene.periods)
    if customer.mine is not None:
        mine = mining_load(stream(plan.seed, number, customer.number, "mine"), scene, customer.mine)
    metered = customer.mine is None or customer.mine.metered
    kvar = _kvar(rng, rest, spec.power_factor)
    mine_kvar = mine * np.tan(np.arccos(rng.uniform(0.965, 0.998)))
    return History(
        net_kw=rest + mine * metered,
        kvar=kvar + mine_kvar * metered,
        mine_kw=mine,
        bypass_kw=mine * (not metered),
        bypass_kvar=mine_kvar * (not metered),
        rest_share=_rest_share(rng, customer),
        mine_share=_mine_share(rng, customer, metered),
        changes=changes,
    )


def _rest(rng: Rng, scene: Scene, customer: Customer, spec: CustomerClass) -> tuple[Floats, tuple[str, ...]]:
    mine = customer.mine
    if mine is not None and MINE_KINDS[mine.kind].empty:
        guard = log_uniform(rng, 0.001, 0.03) * mine.power_kw
        return guard * np.clip(1 + rough(rng, scene.periods, 0.4), 0, None), ()
    kva = customer.contract_kva
    if mine is not None and mine.metered:
        kva = float(np.clip(kva - mine.power_kw, min(spec.kva[0], 0.5 * kva), spec.kva[1]))
    load = np.minimum(spec.load(rng, scene, kva), 1.1 * kva)
    load, changes = _changed(rng, scene, spec, load, kva)
    if customer.opened_on > scene.plan.start_on:
        begin = (customer.opened_on - scene.plan.start_on).days * PER_DAY + int(rng.integers(28, 80))
        load = load * _ramp(rng, scene.periods, begin)
        changes = (*changes, "opening")
    if customer.kind in ("household", "farm", "one_shift", "school") and mine is None and rng.random() < 0.05:
        load = load - _solar(rng, scene, kva)
        changes = (*changes, "solar")
    return load, changes


def _changed(
    rng: Rng, scene: Scene, spec: CustomerClass, load: Floats, kva: float
) -> tuple[Floats, tuple[str, ...]]:
    years = scene.plan.days / 365
    changes: tuple[str, ...] = ()
    if rng.random() < spec.habits.tenant * years:
        out = int(rng.integers(0, scene.periods))
        back = out + int(rng.exponential(30) * PER_DAY)
        other = np.minimum(spec.load(rng, scene, kva * rng.uniform(0.4, 1)), 1.1 * kva)
        time = np.arange(scene.periods)
        load = np.where(time < out, load, np.where(time < back, 0.01 * load, other))
        changes = ("tenant",)
    if rng.random() < spec.habits.step * years:
        at = int(rng.integers(0, scene.periods))
        load = load * np.where(np.arange(scene.periods) < at, 1.0, rng.lognormal(0.1, 0.4))
        changes = (*changes, "step")
    return load, changes


def heat_pump(rng: Rng, scene: Scene, customer: Customer) -> Floats | None:
    """Return the load of a heat pump that ``customer`` gets in the period, kW, shape (periods,), or None.

    Assumed: rated at a fifth to a half of the contract. Half of them heat rooms, some cool them too, by
    inverter or on and off in cycles of 15 to 45 minutes, and need 2.5 % more power for each kelvin below
    7 degC (as catalogues of air-to-water pumps have it); the others heat a tank for hours of each day.
    """
    if rng.random() >= HEAT_PUMPS[customer.kind] * scene.plan.days / 365:
        return None
    opened = max((customer.opened_on - scene.plan.start_on).days, 0) * PER_DAY
    begun = np.arange(scene.periods) >= max(int(rng.integers(0, scene.periods)), opened + PER_DAY)
    if rng.random() < 0.5:
        need = heating_need(scene, rng.uniform(12, 18), rng.uniform(12, 20))
        if rng.random() < 0.5:
            need = need + cooling_need(scene, rng.uniform(24, 28), rng.uniform(8, 14))
        duty = need if rng.random() < 0.6 else cycling(rng, need, rng.uniform(15, 45))
        duty = duty * (1 + 0.025 * np.clip(7 - scene.temperature_c, 0, 20))
    else:
        start = rng.uniform(-1, 16)
        duty = open_between(
            rng, scene, (start, start + rng.uniform(2, 7)), rng.uniform(2, 40), np.ones(scene.plan.days, bool)
        )
    idle = rng.uniform(0.005, 0.03)
    return rng.uniform(0.2, 0.5) * customer.contract_kva * np.clip(duty, idle, 1.0) * begun


def _ramp(rng: Rng, periods: int, begin: int) -> Floats:
    """From nothing to full: at once, or over weeks in steps or evenly."""
    time = np.arange(periods) - begin
    if rng.random() < 0.5:
        return (time >= 0).astype(np.float64)
    length = rng.uniform(2, 60) * PER_DAY
    share = np.clip(time / length, 0, 1)
    if rng.random() < 0.5:
        steps = int(rng.integers(2, 6))
        share = np.ceil(share * steps) / steps
    return np.asarray(np.where(time < 0, 0.0, np.maximum(share, 0.1)))


def _solar(rng: Rng, scene: Scene, kva: float) -> Floats:
    clouds = np.clip(1 + wander(rng, scene.periods, 3, 0.3), 0.2, 1.2)
    facing = np.clip(np.roll(scene.sun, int(rng.integers(-4, 5))), 0, None)
    return float(kva * rng.uniform(0.3, 1.0)) * facing * clouds


def _kvar(rng: Rng, kw: Floats, power_factor: tuple[float, float]) -> Floats:
    """Reactive power: a part that stays (magnetising) and a part that follows the load."""
    tangent = np.tan(np.arccos(rng.uniform(*power_factor)))
    stays = rng.uniform(0.05, 0.4)
    used = np.abs(kw)
    level = stays * used.mean() * (used > 0) + (1 - stays) * used
    return np.asarray(tangent * level * (1 + wander(rng, kw.size, 10, 0.03)))


def _one(phase: int) -> npt.NDArray[np.float64]:
    share = np.zeros(3)
    share[phase] = 1.0
    return share


def _rest_share(rng: Rng, customer: Customer) -> Floats:
    if customer.phase is not None:
        return _one(customer.phase)
    return rng.dirichlet(np.full(3, log_uniform(rng, 8, 400)))


def _mine_share(rng: Rng, customer: Customer, metered: bool) -> Floats:
    """Machines are single-phase: whole machines per phase, evenly spread when the electrician was careful."""
    if customer.mine is None or (customer.phase is not None and metered):
        return _rest_share(rng, customer)
    number = sum(count for _, count in customer.mine.machines)
    if number < 3:
        return _one(int(rng.integers(0, 3)))
    careful = rng.random() < 0.7
    counts = (
        np.bincount(np.arange(number) % 3, minlength=3) if careful else rng.multinomial(number, [1 / 3] * 3)
    )
    return np.asarray(counts / counts.sum(), dtype=np.float64)
