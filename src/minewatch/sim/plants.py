"""Plants of a county: hydro, wind, solar, small thermal and captive, and private lines to mines.

What a plant makes is in ``generation``. Assumed: in the hills of a mining county half of the plants are
run-of-river hydro, a fifth solar. One plant in five feeds a mine over a private line before the grid's meter
(网前供电), which takes what the plant gives.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.schema.tables import TABLES
from minewatch.sim.county import CountyPlan, Customer, MinePlan
from minewatch.sim.generation.hydro import GRAVITY, LINE, turbine_of
from minewatch.sim.generation.plant import Plant
from minewatch.sim.generation.running import KINDS, PlantHours, run_plant
from minewatch.sim.loads.shapes import Rng, log_uniform
from minewatch.sim.mines import draw_mine
from minewatch.sim.names import COMPANY, company, credit_code, pick
from minewatch.sim.places import region_names
from minewatch.sim.scene import Floats, scene_of
from minewatch.sim.streams import stream
from minewatch.sim.truth import TRUTH

KIND_SHARES = (0.5, 0.12, 0.2, 0.1, 0.08)
"""Shares of the kinds, in the order of ``KINDS``."""

_DIVERTING = 5
_CUSTOMERS_PER_PLANT = 500
_RATED_MW = {"wind": (6, 60), "solar": (2, 50), "thermal": (3, 30), "captive": (3, 40)}
_PLACES = dict.fromkeys(KINDS, "坪山岭湾") | {"hydro": "溪河水江沟"}
_NAMES = {
    "hydro": "级水电站",
    "wind": "期风电场",
    "solar": "期光伏电站",
    "thermal": "号热电厂",
    "captive": "号自备电厂",
}
_TRADES = {"hydro": "水电开发", "wind": "风电", "solar": "光伏发电", "thermal": "热电", "captive": "铝业"}


def plants(plan: CountyPlan, number: int) -> tuple[Plant, ...]:
    """Return the plants of partition ``number``: one per 500 customers, three at least in the first."""
    first, last = plan.bounds(number)
    low, high = first // _CUSTOMERS_PER_PLANT, last // _CUSTOMERS_PER_PLANT
    low, high = (0, max(high, 3)) if number == 0 else (max(low, 3), max(high, 3))
    return tuple(_plant(plan, number, plant) for plant in range(low, high))


class PlantTables(NamedTuple):
    """Tables and truth of the plants of a partition, and what each private line carried, MW by the hour."""

    tables: dict[str, pa.Table]
    truth: dict[str, pa.Table]
    diverted_mw: dict[str, Floats]


def plant_tables(plan: CountyPlan, number: int) -> PlantTables:
    """Return the plants of partition ``number``: archive, hours, diversions and mines."""
    built = plants(plan, number)
    hours = [run_plant(plan.seed, scene_of(plan, plant.region_code), plant) for plant in built]
    tables = {
        "plants": pa.Table.from_pylist([_plant_row(plant) for plant in built], TABLES["plants"].schema),
        "plant_readings": readings_table(plan, built, hours),
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
    mine = None
    if plant % _DIVERTING == 2 and plan.share_of_mines > 0:
        rng = stream(plan.seed, "county", "plant mine", plant)
        mine = draw_mine(rng, plan, "plant_line", f"P{plant:06d}")
    kind = str(stream(plan.seed, "county", "plant kind", plant).choice(KINDS, p=KIND_SHARES))
    return plant_of_kind(plan, plan.region_of(number), (kind, plant), mine)


def plant_of_kind(
    plan: CountyPlan, region_code: str, kind_and_number: tuple[str, int], mine: MinePlan | None
) -> Plant:
    """Draw the papers and the nameplate of a plant of some kind, large enough for its mine."""
    kind, number = kind_and_number
    rng = stream(plan.seed, "county", "plant", number)
    county = region_names(region_code)[2]
    place = f"{pick(rng, '清白双大龙云金长红石')}{pick(rng, _PLACES[kind])}"
    return Plant(
        plant_id=f"H{region_code}{number:05d}",
        plant_name=f"{place}{pick(rng, '一二三')}{_NAMES[kind]}",
        operator_name=company(rng, county[:-1], _TRADES[kind]),
        uscc=credit_code(rng, COMPANY, region_code),
        kind=kind,
        region_code=region_code,
        lon=round(102.5 + rng.normal(0, 0.2), 6),
        lat=round(29.3 + rng.normal(0, 0.15), 6),
        **_nameplate(rng, kind, 1.3 * mine.power_kw / 1000 if mine else 0.0),
        mine=mine,
    )


def _nameplate(rng: Rng, kind: str, least_mw: float) -> dict[str, Any]:
    flow = head = efficiency = None
    if kind == "hydro":
        flow, head = log_uniform(rng, 0.6, 12), log_uniform(rng, 12, 180)
        flow *= max(1.0, 1000 * least_mw / (8.2 * flow * head))
        efficiency = round(LINE * turbine_of(head).best, 3)
        rated_mw = GRAVITY * efficiency * flow * head / 1000
    else:
        rated_mw = max(log_uniform(rng, *_RATED_MW[kind]), least_mw)
        efficiency = None if kind in ("wind", "solar") else round(rng.uniform(0.24, 0.36), 3)
    return {
        "rated_mw": round(rated_mw, 3),
        "design_flow_m3s": flow,
        "design_head_m": head,
        "design_efficiency": efficiency,
    }


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
    return {name: getattr(plant, name) for name in TABLES["plants"].schema.names}


def readings_table(plan: CountyPlan, built: Sequence[Plant], hours: Sequence[PlantHours]) -> pa.Table:
    """Return the rows of ``plant_readings`` of plants."""
    schema = TABLES["plant_readings"].schema
    nothing = np.full(plan.days * 24, np.nan)
    columns = {
        name: np.round(
            np.concatenate([run.columns.get(name, nothing) for run in hours] or [np.zeros(0)]),
            4,
        )
        for name in schema.names[2:]
    }
    return _hourly(plan, built, columns, schema)


def _truth(plan: CountyPlan, built: Sequence[Plant], hours: Sequence[PlantHours]) -> pa.Table:
    columns = {
        name: np.concatenate([getattr(run, name) for run in hours] or [np.zeros(0)])
        for name in TRUTH["truth_plants"].names[2:]
    }
    return _hourly(plan, built, columns, TRUTH["truth_plants"])


def _hourly(
    plan: CountyPlan, built: Sequence[Plant], columns: dict[str, Floats], schema: pa.Schema
) -> pa.Table:
    hour = hours_of(plan)
    ids = np.repeat(np.array([plant.plant_id for plant in built], dtype=object), hour.size)
    arrays = {"plant_id": pa.array(ids, pa.string()), "hour": pa.array(np.tile(hour, len(built)))}
    arrays |= {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
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
