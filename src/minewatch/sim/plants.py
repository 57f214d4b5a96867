"""Small run-of-river hydro plants: inflow, head, outages, dispatch, spill, and private lines to mines.

Power is 9.81 kN/m3 x efficiency x flow x net head. Assumed: efficiency 0.89, falling to 0.79 at a tenth of
the flow, below which the turbines stand; design flow 1.2 to 2.2 times the yearly mean; inflow wet in summer
with storms that recede over two to six days; tail water takes up to a tenth of the head in floods; dispatch
cuts a plant in wet nights when the line is full. One plant in five feeds a mine over a private line before
the grid's meter (网前供电), which takes what the water gives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.schema.tables import TABLES
from minewatch.sim.county import CountyPlan, Customer, MinePlan
from minewatch.sim.loads.mining import mining_load
from minewatch.sim.loads.shapes import Rng, log_uniform, wander
from minewatch.sim.mines import draw_mine
from minewatch.sim.names import COMPANY, company, credit_code, pick
from minewatch.sim.places import region_names
from minewatch.sim.scene import Floats, Scene, scene_of
from minewatch.sim.streams import stream
from minewatch.sim.truth import TRUTH

GRAVITY = 9.81
_DIVERTING = 5
_CUSTOMERS_PER_PLANT = 500


@dataclass(frozen=True)
class Plant:
    """One plant: design flow (m3/s), gross head (m), rated power (MW), and the mine on its private line."""

    plant_id: str
    plant_name: str
    operator_name: str
    uscc: str
    region_code: str
    lon: float
    lat: float
    design_m3s: float
    head_m: float
    rated_mw: float
    mine: MinePlan | None


class PlantHours(NamedTuple):
    """What a plant did, shape (days * 24,): water and power; ``mw`` is what the grid's meter saw."""

    inflow_m3s: Floats
    head_m: Floats
    available_mw: Floats
    dispatched_mw: Floats
    mw: Floats
    diverted_mw: Floats
    spilled_m3s: Floats


def plants(plan: CountyPlan, number: int) -> tuple[Plant, ...]:
    """Return the plants of partition ``number``: one per 500 customers, three at least in the first."""
    first, last = plan.bounds(number)
    low, high = first // _CUSTOMERS_PER_PLANT, last // _CUSTOMERS_PER_PLANT
    low, high = (0, max(high, 3)) if number == 0 else (max(low, 3), max(high, 3))
    return tuple(_plant(plan, number, plant) for plant in range(low, high))


def run_plant(plan: CountyPlan, plant: Plant) -> PlantHours:
    """Simulate the hours of ``plant``."""
    rng = stream(plan.seed, "plant", plant.plant_id, "water")
    scene = scene_of(plan, plant.region_code)
    inflow = _inflow(rng, scene, plant.design_m3s)
    flood = np.clip(inflow / plant.design_m3s - 1, 0, 3) / 3
    head = plant.head_m * (1 - 0.04 * np.clip(inflow / plant.design_m3s, 0, 1) ** 2 - 0.1 * flood)
    available = plant.rated_mw * (1 - _outages(rng, scene.periods // 4))
    used = np.minimum(inflow, plant.design_m3s)
    water_mw = _power_mw(used, head, plant.design_m3s)
    dispatched = np.where(_curtailed(rng, scene, inflow / plant.design_m3s), rng.uniform(0.3, 0.7), 1.0)
    dispatched = np.round(dispatched * plant.rated_mw, 3)
    made = np.minimum(np.minimum(water_mw, available), dispatched)
    used = used * made / np.maximum(water_mw, 1e-9)
    made = made * np.clip(1 + rng.normal(0, 0.006, made.size), 0, 1)
    diverted = np.minimum(_wanted_mw(plan, scene, plant), 0.97 * made)
    met = np.round(made - diverted, 4)
    return PlantHours(inflow, head, available, dispatched, met, diverted, np.clip(inflow - used, 0, None))


class PlantTables(NamedTuple):
    """Tables and truth of the plants of a partition, and what each private line carried, MW by the hour."""

    tables: dict[str, pa.Table]
    truth: dict[str, pa.Table]
    diverted_mw: dict[str, Floats]


def plant_tables(plan: CountyPlan, number: int) -> PlantTables:
    """Return the plants of partition ``number``: archive, hours, diversions and mines."""
    built = plants(plan, number)
    hours = [run_plant(plan, plant) for plant in built]
    tables = {
        "plants": pa.Table.from_pylist([_plant_row(plant) for plant in built], TABLES["plants"].schema),
        "plant_readings": _readings(plan, built, hours),
    }
    lines = [_line_row(plan, plant, run) for plant, run in zip(built, hours, strict=True) if plant.mine]
    truth = {
        "truth_plants": _truth(plan, built, hours),
        "truth_plant_mines": pa.Table.from_pylist(lines, TRUTH["truth_plant_mines"]),
    }
    diverted = {
        plant.plant_id: run.diverted_mw for plant, run in zip(built, hours, strict=True) if plant.mine
    }
    return PlantTables(tables, truth, diverted)


def _plant(plan: CountyPlan, number: int, plant: int) -> Plant:
    region = plan.region_of(number)
    rng = stream(plan.seed, "county", "plant", plant)
    county = region_names(region)[2]
    river = f"{pick(rng, '清白双大龙云金长红石')}{pick(rng, '溪河水江沟')}"
    design, head = log_uniform(rng, 0.6, 12), log_uniform(rng, 12, 180)
    mine = None
    if plant % _DIVERTING == 2 and plan.share_of_mines > 0:
        mine = draw_mine(
            stream(plan.seed, "county", "plant mine", plant), plan, "plant_line", f"P{plant:06d}"
        )
        design *= max(1.0, 1.6 * mine.power_kw / (8.2 * design * head))
    return Plant(
        plant_id=f"H{region}{plant:05d}",
        plant_name=f"{river}{pick(rng, '一二三')}级水电站",
        operator_name=company(rng, county[:-1], "水电开发"),
        uscc=credit_code(rng, COMPANY, region),
        region_code=region,
        lon=round(102.5 + rng.normal(0, 0.2), 6),
        lat=round(29.3 + rng.normal(0, 0.15), 6),
        design_m3s=design,
        head_m=head,
        rated_mw=round(GRAVITY * 0.836 * design * head / 1000, 3),
        mine=mine,
    )


def _inflow(rng: Rng, scene: Scene, design_m3s: float) -> Floats:
    hours = scene.periods // 4
    day = np.repeat(scene.day_of_year, 24)
    mean = design_m3s / rng.uniform(1.2, 2.2)
    season = 0.35 + 1.5 * np.exp(-(((day - rng.uniform(190, 225)) / rng.uniform(55, 80)) ** 2))
    storms = np.zeros(hours)
    wet = np.repeat(rng.random(scene.plan.days) < 0.06, 24) * season
    starts = np.flatnonzero(wet)[::24]
    fade_h = rng.uniform(48, 144)
    for start in starts:
        length = hours - start
        storms[start:] += wet[start] * rng.exponential(0.8) * np.exp(-np.arange(length) / fade_h)
    return mean * (season + storms) * np.exp(wander(rng, hours, 60, 0.1))


def _power_mw(flow_m3s: Floats, head_m: Floats, design_m3s: float) -> Floats:
    """Turbines need a tenth of the design flow; efficiency falls at part load."""
    share = np.clip(flow_m3s / design_m3s, 0, 1)
    efficiency = 0.89 - 0.12 * (1 - share) ** 2
    power: Floats = np.where(share < 0.1, 0.0, GRAVITY * efficiency * flow_m3s * head_m / 1000)
    return power


def _outages(rng: Rng, hours: int) -> Floats:
    """Share of the plant's two units that is out: faults of hours, an overhaul of weeks."""
    out = np.zeros(hours)
    for unit in (0.5, 0.5):
        for start in rng.integers(0, hours, rng.poisson(hours / 8760 * 6)):
            out[start : start + 1 + int(rng.exponential(14))] += unit
        if rng.random() < 0.6 * hours / 8760:
            start = int(rng.integers(0, hours))
            out[start : start + int(rng.uniform(100, 500))] += unit
    return np.clip(out, 0, 1)


def _curtailed(rng: Rng, scene: Scene, wetness: Floats) -> npt.NDArray[np.bool_]:
    hour = scene.hour[::4]
    nights = np.repeat(rng.random(scene.plan.days) < 0.25, 24)
    result: npt.NDArray[np.bool_] = (wetness > 0.9) & nights & ((hour < 6) | (hour > 22))
    return result


def _wanted_mw(plan: CountyPlan, scene: Scene, plant: Plant) -> Floats:
    if plant.mine is None:
        return np.zeros(scene.periods // 4)
    load_kw = mining_load(stream(plan.seed, "plant", plant.plant_id, "mine"), scene, plant.mine)
    hourly: Floats = load_kw.reshape(-1, 4).mean(axis=1) / 1000
    return hourly


def line_customer(plan: CountyPlan, number: int, plant: Plant) -> Customer:
    """Return the mine on a private line as if it were an account, for its papers, line and traffic."""
    last = plan.bounds(number)[1]
    return Customer(
        number=plan.customers + int(plant.plant_id[-5:]),
        usage_point_id=plant.plant_id,
        kind="office",
        tariff_class="",
        industry_code="6550",
        contract_kva=0.0,
        voltage_kv=10.0,
        transformer_id="",
        claimed_transformer_id="",
        feeder_id="",
        phase=None,
        premises=last - 1,
        region_code=plant.region_code,
        lon=plant.lon,
        lat=plant.lat,
        opened_on=plant.mine.onset_on if plant.mine else plan.start_on,
        closed_on=None,
        mine=plant.mine,
    )


def hours_of(plan: CountyPlan) -> npt.NDArray[np.datetime64]:
    """Return the start of each hour of the period in UTC, shape (days * 24,)."""
    start = datetime.combine(plan.start_on, time(), plan.zone).astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(start, "us") + np.arange(plan.days * 24) * np.timedelta64(1, "h")


def _plant_row(plant: Plant) -> dict[str, Any]:
    names = ("plant_id", "plant_name", "operator_name", "uscc", "rated_mw", "region_code", "lon", "lat")
    return {name: getattr(plant, name) for name in names} | {"kind": "hydro"}


def _readings(plan: CountyPlan, built: Sequence[Plant], hours: Sequence[PlantHours]) -> pa.Table:
    columns = {
        name: np.round(np.concatenate([getattr(run, name) for run in hours] or [np.zeros(0)]), 4)
        for name in ("mw", "inflow_m3s", "head_m", "available_mw", "dispatched_mw")
    }
    return _hourly(plan, built, columns, TABLES["plant_readings"].schema)


def _truth(plan: CountyPlan, built: Sequence[Plant], hours: Sequence[PlantHours]) -> pa.Table:
    columns = {
        name: np.concatenate([getattr(run, name) for run in hours] or [np.zeros(0)])
        for name in ("diverted_mw", "spilled_m3s")
    }
    return _hourly(plan, built, columns, TRUTH["truth_plants"])


def _hourly(
    plan: CountyPlan, built: Sequence[Plant], columns: dict[str, Floats], schema: pa.Schema
) -> pa.Table:
    hour = hours_of(plan)
    ids = np.repeat(np.array([plant.plant_id for plant in built], dtype=object), hour.size)
    arrays = {"plant_id": pa.array(ids, pa.string()), "hour": pa.array(np.tile(hour, len(built)))}
    arrays |= {name: pa.array(values) for name, values in columns.items()}
    nothing = {name: pa.nulls(len(ids)) for name in schema.names}
    arrays = nothing | arrays
    return pa.table([arrays[name].cast(schema.field(name).type) for name in schema.names], schema=schema)


def _line_row(plan: CountyPlan, plant: Plant, run: PlantHours) -> dict[str, Any]:
    mine = plant.mine
    if mine is None:
        raise ValueError(f"{plant.plant_id} has no private line")
    on = np.flatnonzero(run.diverted_mw > 0)
    start = datetime.combine(plan.start_on, time(), plan.zone).astimezone(UTC)
    return {
        "plant_id": plant.plant_id,
        "site": mine.site,
        "machines": [{"model": model, "count": count} for model, count in mine.machines],
        "algorithm": mine.algorithm,
        "power_kw": mine.power_kw,
        "onset_at": start + timedelta(hours=int(on[0])) if on.size else None,
        "ended_at": start + timedelta(hours=int(on[-1]) + 1) if on.size and mine.end_on else None,
        "mining_kwh": round(float(run.diverted_mw.sum()) * 1000, 3),
    }
