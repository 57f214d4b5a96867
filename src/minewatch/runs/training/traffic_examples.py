"""Simulated sites with power and traffic side by side: of every use, of mines, and of mines inside others.

A light path of the simulator: one site at a time, without transformers, meters and papers. Development,
calibration and evaluation draw from different seeds: ``DEVELOPMENT``, ``CALIBRATION``, ``EVALUATION``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.detect.traffic.features import Declared, SiteHours
from minewatch.sim.classes import CLASSES
from minewatch.sim.county import CountyPlan, MinePlan
from minewatch.sim.loads.mining import mining_load
from minewatch.sim.loads.shapes import Rng, log_uniform
from minewatch.sim.mines import draw_mine
from minewatch.sim.scene import Scene, scene_of
from minewatch.sim.streams import stream
from minewatch.sim.wire.uses import UNATTENDED, USES, Clock, Machines, mine, together

Floats = npt.NDArray[np.float64]

DEVELOPMENT, CALIBRATION, EVALUATION = 301, 302, 303
"""Seeds of the reference, of the scores that calibrate it, and of the figures that are reported."""

_PEOPLE = (
    "office", "school", "shop", "hospital", "workshop", "one_shift", "two_shift", "three_shift",
    "continuous_process", "fuel_station", "farm",
)  # fmt: skip

HOSTS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "data_centre": ("hosting", ("data_centre", "server_room")),
        "private_centre": ("private", ("data_centre", "server_room")),
        "compute_cluster": ("compute", ("gpu_server", "data_centre")),
        "steady_cluster": ("compute", ("server_room", "continuous_process")),
        "backup_site": ("backup", ("data_centre", "server_room")),
        "people": ("people", _PEOPLE),
        "guests": ("guests", ("hotel", "restaurant")),
        "unattended": ("unattended", UNATTENDED),
    }
)
"""Kind of innocent site → what its line is used for, and whose curves it has.

``steady_cluster`` computes without a pause: its power is as even as a mine's.
"""

CLASS_OF: Mapping[str, str] = MappingProxyType({"steady_cluster": "compute_cluster", "guests": "people"})
"""Kinds that the detector does not tell apart."""

ALONE = "alone"
"""Host of a mine with nothing beside it."""

_REGIONS = ("511823", "150802", "330106", "440305")
_YEAR, _SCENES = 365, 3
_MINES = ("whole_farm", "whole_farm", "whole_farm", "price_following", "night_only", "seasonal")


class Site(NamedTuple):
    """One simulated site: its hours, what it declares, and the truth.

    ``kind`` is "mining" or the class of the host; ``host`` what there is beside the mine; ``mine_kw`` the
    mean power of the mine while it is on; ``onset_hour`` place in ``hours``, NaN where it was there before.
    """

    hours: SiteHours
    declared: Declared
    kind: str
    host: str
    mine_kw: float
    onset_hour: float


class Draw(NamedTuple):
    """What to draw: host, whether it mines, lengths in days, share of mines that begin within the window."""

    host: str
    mines: bool
    lengths: Sequence[int] = (60, 120, 240, 365)
    begins: float = 0.0


def simulated_site(seed: int, number: int, draw: Draw) -> Site:
    """Return site ``number`` of ``seed``; the same for the same arguments."""
    rng = stream(seed, "traffic site", draw.host, draw.mines, number)
    scene = _scene(seed, int(rng.integers(_SCENES)), str(rng.choice(_REGIONS)))
    window = _window(rng, scene, int(rng.choice(list(draw.lengths))))
    begins = bool(draw.mines and rng.random() < draw.begins)
    loads = _loads(rng, scene, draw, window if begins else None)
    rest_kw, mine_kw = loads.rest_kw, loads.mine_kw
    clock = Clock(_hourly(scene.hour).astype(np.int64), _hourly(scene.workday.repeat(96)) > 0.5)
    parts = []
    if draw.host != ALONE:
        parts.append(USES[HOSTS[draw.host][0]](rng, clock, rest_kw))
    if draw.mines:
        parts.append(mine(rng, clock, Machines(loads.machines, loads.running)))
    moved, kw = together(parts), rest_kw + mine_kw
    lost = np.where(rng.random(kw.size) < 0.01, np.nan, 1.0)
    ones = np.ones(kw.size)
    hours = SiteHours(
        clock.hour,
        np.arange(kw.size) // 24,
        kw,
        moved.inbound * lost,
        moved.outbound * lost,
        moved.peers * lost,
        moved.addresses * lost,
        ones,
        ones,
        _hourly(scene.temperature_c),
    )
    on = mine_kw[window] > 0.1 * mine_kw.max() if draw.mines else np.zeros(0, bool)
    size_kw = float(mine_kw[window][on].mean()) if on.any() else 0.0
    kind = "mining" if draw.mines else CLASS_OF.get(draw.host, draw.host)
    onset = float(np.argmax(on)) if begins else float("nan")
    return Site(hours.take(window), _declared(rng, draw, kw), kind, draw.host, size_kw, onset)


def _scene(seed: int, number: int, region_code: str) -> Scene:
    first = date(2025, 1, 1) + timedelta(days=122 * number)
    plan = CountyPlan(
        seed=1000 * seed + number, customers=1, days=_YEAR, start_on=first, region_codes=(region_code,)
    )
    return scene_of(plan, region_code)


def _window(rng: Rng, scene: Scene, days: int) -> npt.NDArray[np.int64]:
    first = int(rng.integers(0, scene.plan.days - days + 1))
    return np.arange(24 * first, 24 * (first + days))


class _Loads(NamedTuple):
    """Hourly kW of the host and of the mine, its machines, and the share of them that runs."""

    rest_kw: Floats
    mine_kw: Floats
    machines: int
    running: Floats


def _loads(rng: Rng, scene: Scene, draw: Draw, begin: npt.NDArray[np.int64] | None) -> _Loads:
    """Return the loads; a mine beside something else has 3 to 97 % of the power of both."""
    nothing = np.zeros(24 * scene.plan.days)
    if draw.host != ALONE:
        spec = CLASSES[str(rng.choice(HOSTS[draw.host][1]))]
        rest_kw = _hourly(spec.load(rng, scene, log_uniform(rng, max(spec.kva[0], 20.0), spec.kva[1])))
        if not draw.mines:
            return _Loads(rest_kw, nothing, 0, nothing)
    plan = _mine_plan(rng, scene, begin)
    mine_kw, machines = _hourly(mining_load(rng, scene, plan)), sum(count for _, count in plan.machines)
    running = np.clip(mine_kw / plan.power_kw, 0, 1.1)
    if draw.host == ALONE:
        guard = np.full(mine_kw.size, log_uniform(rng, 0.001, 0.03) * plan.power_kw)
        return _Loads(guard, mine_kw, machines, running)
    share = rng.uniform(0.03, 0.97)
    factor = share / (1 - share) * max(float(rest_kw.mean()), 0.5) / plan.power_kw
    return _Loads(rest_kw, factor * mine_kw, max(round(factor * machines), 1), running)


def _mine_plan(rng: Rng, scene: Scene, begin: npt.NDArray[np.int64] | None) -> MinePlan:
    drawn = draw_mine(rng, scene.plan, str(rng.choice(_MINES)), "S")
    onset = scene.plan.start_on - timedelta(days=int(rng.integers(1, 400)))
    if begin is not None:
        days = begin.size // 24
        first = int(begin[0]) // 24 + int(rng.integers(min(10, days // 3), max(days - 10, days // 3 + 1)))
        onset = scene.plan.start_on + timedelta(days=first)
    return replace(drawn, onset_on=onset, end_on=None)


def _declared(rng: Rng, draw: Draw, kw: Floats) -> Declared:
    """Return what its application says; see ``minewatch.sim.applications`` for the assumptions."""
    kva = float(kw.max()) * rng.uniform(1.1, 2.5)
    if draw.host in ("data_centre", "private_centre", "backup_site"):
        return Declared(kva, log_uniform(rng, 300, 1e5))
    if draw.host == ALONE and rng.random() < 0.3:  # poses as a data centre
        return Declared(kva, log_uniform(rng, 300, 1e4))
    return Declared(kva, log_uniform(rng, 10, 500))


def _hourly(values: npt.NDArray[np.generic]) -> Floats:
    mean: Floats = values.astype(np.float64).reshape(-1, 4).mean(axis=1)
    return mean
