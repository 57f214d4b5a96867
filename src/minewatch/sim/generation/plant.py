"""A plant, and what water, wind, sun or fuel let it do by the hour."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minewatch.sim.county import MinePlan
from minewatch.sim.loads.shapes import Rng, wander
from minewatch.sim.scene import Floats, Scene


@dataclass(frozen=True)
class Plant:
    """One plant: rated power (MW), for hydro flow (m3/s) and net head (m) at it, and the mine on its line.

    ``design_efficiency``: of the water's or fuel's energy at rated power; None for wind and sun.
    """

    plant_id: str
    plant_name: str
    operator_name: str
    uscc: str
    kind: str
    region_code: str
    lon: float
    lat: float
    rated_mw: float
    design_flow_m3s: float | None
    design_head_m: float | None
    design_efficiency: float | None
    mine: MinePlan | None


class Nature(NamedTuple):
    """What a plant could do, shape (hours,).

    ``able_mw``: gross output that water, wind or sun allow the units in service; ``available_mw``: capacity
    that the operator reports; ``drivers``: columns of ``plant_readings`` as measured, NaN where not;
    ``inflow_m3s`` and ``turbined_m3s``: water there is and water for ``able_mw`` (zero but for hydro).
    """

    able_mw: Floats
    available_mw: Floats
    drivers: Mapping[str, Floats]
    inflow_m3s: Floats
    turbined_m3s: Floats


def hourly(values: Floats) -> Floats:
    """Return means over the hour of 15-minute values; (hours * 4,) → (hours,)."""
    means: Floats = values.reshape(-1, 4).mean(axis=1)
    return means


def hours_in(scene: Scene) -> int:
    """Return the number of hours of the scene."""
    return scene.periods // 4


def _share(units: Floats) -> Floats:
    return np.asarray(np.round(np.clip(units, 0, 1), 6), np.float64)


class Outages(NamedTuple):
    """Units in service, and as the operator reports them; share of all, shape (hours,)."""

    true: Floats
    reported: Floats


def outages(rng: Rng, hours: int, units: int, reported: float = 0.85) -> Outages:
    """Draw faults of hours and overhauls of weeks; the share ``reported`` of faults reaches the archive."""
    true, told = np.ones(hours), np.ones(hours)
    share = 1 / units
    for _ in range(units):
        for start in rng.integers(0, hours, rng.poisson(hours / 8760 * 5)):
            stop = start + 1 + int(rng.exponential(14))
            true[start:stop] -= share
            if rng.random() < reported:
                told[start:stop] -= share
        for start in rng.integers(0, hours, rng.poisson(0.5 * hours / 8760)):
            stop = start + int(rng.uniform(72, 400))
            true[start:stop] -= share
            told[start:stop] -= share
    return Outages(_share(true), _share(told))


def spells(rng: Rng, hours: int, yearly: float, length_h: tuple[float, float]) -> list[slice]:
    """Draw spells: ``yearly`` a year on average, each of a length between the two, log-uniformly."""
    starts = rng.integers(0, hours, rng.poisson(yearly * hours / 8760))
    low, high = np.log(length_h)
    return [slice(start, start + int(np.exp(rng.uniform(low, high)))) for start in np.sort(starts)]


def gauge(rng: Rng, hours: int, bias: float, drift: float, noise: float) -> Floats:
    """Return the factor by which a gauge reads wrong: a bias, a slow drift (weeks), noise of hours.

    All are standard deviations. Once in four years the gauge is set anew, with another bias.
    """
    factor = 1 + rng.normal(0, bias) + wander(rng, hours, 1000, drift) + wander(rng, hours, 6, noise)
    for start in rng.integers(0, hours, rng.poisson(hours / 8760 / 4)):
        factor[start:] += rng.normal(0, bias)
    return factor + rng.normal(0, noise / 2, hours)
