"""One partition or region of a county as files, and its truth apart from them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from minewatch.schema.tables import TABLES
from minewatch.sim.assembly import partition
from minewatch.sim.county import CountyPlan, Customer, SimulatedPartition
from minewatch.sim.files import write_csv, write_parquet, write_wide, write_xlsx
from minewatch.sim.labels import labels
from minewatch.sim.leases import CARRIERS, Line, endpoint_rows, lease_rows, lines
from minewatch.sim.medium_voltage import tap_customer, taps
from minewatch.sim.people import Identity, enterprise_rows, identities, line_holder, link_rows, tap_holder
from minewatch.sim.plants import PlantTables, hours_of, line_customer, plant_tables, plants
from minewatch.sim.scene import scene_of
from minewatch.sim.truth import TRUTH
from minewatch.sim.wire.capture import Site, has_tap
from minewatch.sim.wire.drawn import Drawn, drawn_by_day, drawn_on_lines
from minewatch.sim.wire.line_traffic import Sites, curves_by_account, line_traffic
from minewatch.sim.wire.taps import write_tap

READINGS_BY_DAY = ("interval_readings", "transformer_readings", "feeder_readings")
"""Tables of curves."""

_GRID_COMPANY = ("usage_points", "transformers", "feeders", "daily_readings", "applications")

FILE_FORMATS = ("parquet", "csv")
"""Format of the readings: Parquet with all curves, or wide CSV with active power alone."""


class Delivered(NamedTuple):
    """What was written: customers, rows by table, files and bytes."""

    customers: int
    rows: Mapping[str, int]
    files: int
    bytes: int


class People(NamedTuple):
    """The accounts of a partition, mines without an account included, with papers and lines by number."""

    customers: tuple[Customer, ...]
    papers: Mapping[int, Identity]
    lines: Mapping[int, Line]


def people_of(plan: CountyPlan, number: int, customers: tuple[Customer, ...]) -> People:
    """Return the accounts of partition ``number``, the mines on plants' private lines and on feeders."""
    papers = identities(plan, number, customers)
    beyond = []
    for plant in plants(plan, number):
        if plant.mine is not None:
            miner = line_customer(plan, number, plant)
            papers[miner.number] = line_holder(plan, number, miner, plant.plant_name)
            beyond.append(miner)
    for tap in taps(plan, number, customers):
        near = next(customer for customer in customers if customer.feeder_id == tap.feeder_id)
        miner = tap_customer(plan, tap, near)
        papers[miner.number] = tap_holder(plan, number, miner)
        beyond.append(miner)
    everyone = (*customers, *beyond)
    return People(everyone, papers, lines(plan, number, everyone, papers))


def deliver_partition(plan: CountyPlan, number: int, folder: Path, file_format: str) -> Delivered:
    """Simulate partition ``number`` and write its files under ``folder``.

    Raises OSError where the folder cannot be written.
    """
    made, plant = partition(plan, number), plant_tables(plan, number)
    people = people_of(plan, number, made.customers)
    drawn = _drawn(plan, made, people, plant)
    tables = {**made.tables, **plant.tables, **_people_tables(made, people)}
    curves = curves_by_account(made.tables["interval_readings"])
    tables["line_traffic"] = line_traffic(plan, Sites(people.customers, people.lines, curves, drawn))
    sizes = [
        _write(plan, number, folder / "files", name, rows, file_format)
        for name, rows in tables.items()
        if rows.num_rows
    ]
    flows: list[dict[str, Any]] = []
    for carrier in CARRIERS if has_tap(plan, number) else ():
        site = Site(plan, number, carrier, people.customers, people.lines, drawn)
        tapped = write_tap(site, folder / "files")
        sizes += tapped.sizes
        flows += tapped.truth
    truth = {**made.truth, **plant.truth, **_people_truth(people)}
    truth["truth_flows"] = pa.Table.from_pylist(flows, TRUTH["truth_flows"])
    truth["labels"] = labels(plan, people.customers, tables, truth)
    sizes += [
        write_parquet(folder / "truth" / name / f"part-{number:05d}.parquet", rows)
        for name, rows in truth.items()
    ]
    rows = {name: table.num_rows for name, table in {**tables, **truth}.items()}
    return Delivered(len(made.customers), rows, len(sizes), sum(sizes))


def _drawn(
    plan: CountyPlan, made: SimulatedPartition, people: People, plant: PlantTables
) -> dict[str, Drawn]:
    rated = {
        customer.usage_point_id: customer.mine.power_kw for customer in people.customers if customer.mine
    }
    accounts = made.truth["truth_mining"].select(["usage_point_id", "kw"])
    feeders = made.truth["truth_feeders"].select(["feeder_id", "unmetered_kw"])
    return {
        **drawn_by_day(rated, accounts, plan.interval_minutes),
        **drawn_by_day(rated, feeders, plan.interval_minutes),
        **drawn_on_lines(rated, plant.diverted_mw),
    }


def _people_tables(made: SimulatedPartition, people: People) -> dict[str, pa.Table]:
    return {
        "usage_points": _with_papers(made.tables["usage_points"], made.customers, people.papers),
        "applications": _with_applicants(made.tables["applications"], made.customers, people.papers),
        "enterprises": _rows("enterprises", enterprise_rows(people.papers)),
        "ip_leases": _rows("ip_leases", list(lease_rows(people.lines))),
    }


def deliver_region(plan: CountyPlan, region_code: str, folder: Path) -> Delivered:
    """Write weather and prices of one region under ``folder``."""
    tables = scene_tables(plan, region_code)
    sizes = [
        write_csv(folder / "files" / name / f"{name}-{region_code}.csv", name, rows, plan.zone)
        for name, rows in tables.items()
    ]
    return Delivered(0, {name: rows.num_rows for name, rows in tables.items()}, len(sizes), sum(sizes))


def scene_tables(plan: CountyPlan, region_code: str) -> dict[str, pa.Table]:
    """Return the canonical tables weather and prices of one region."""
    scene = scene_of(plan, region_code)
    hour = pa.array(hours_of(plan)).cast(TABLES["weather"].schema.field("hour").type)
    place = pa.array(np.full(len(hour), region_code, dtype=object), pa.string())
    temperature = np.round(scene.temperature_c.reshape(-1, 4).mean(axis=1), 1)
    price = np.round(scene.price.reshape(-1, 4).mean(axis=1), 5)
    currency = pa.array(np.full(len(hour), "CNY", dtype=object), pa.string())
    return {
        "weather": pa.table([place, hour, pa.array(temperature)], schema=TABLES["weather"].schema),
        "prices": pa.table([place, hour, pa.array(price), currency], schema=TABLES["prices"].schema),
    }


def _write(plan: CountyPlan, number: int, folder: Path, name: str, rows: pa.Table, file_format: str) -> int:
    path = folder / name / f"{name}-{number:05d}.csv"
    if name in READINGS_BY_DAY:
        if file_format == "csv":
            return write_wide(path, rows)
        return write_parquet(path.with_suffix(".parquet"), rows)
    if name == "line_traffic":
        return write_parquet(path.with_suffix(".parquet"), rows)
    if name == "enterprises" and number % 2 == 0:  # one of two offices uses a spreadsheet
        return write_xlsx(path.with_suffix(".xlsx"), name, rows, plan.zone)
    encoding = "gbk" if name in _GRID_COMPANY else "utf-8"
    return write_csv(path, name, rows, plan.zone, encoding)


def _with_papers(
    points: pa.Table, customers: tuple[Customer, ...], papers: Mapping[int, Identity]
) -> pa.Table:
    held = [papers[customer.number] for customer in customers]
    columns: dict[str, list[Any]] = {
        "customer_name": [identity.customer_name for identity in held],
        "uscc": [identity.uscc for identity in held],
        "address": [identity.address for identity in held],
    }
    return _replaced(points, columns)


def _with_applicants(
    rows: pa.Table, customers: tuple[Customer, ...], papers: Mapping[int, Identity]
) -> pa.Table:
    by_id = {customer.number: papers[customer.number] for customer in customers}
    held = [by_id[int(application[-9:])] for application in rows["application_id"].to_pylist()]
    columns: dict[str, list[Any]] = {
        "applicant_name": [identity.occupant for identity in held],
        "uscc": [identity.operator.uscc if identity.operator else None for identity in held],
        "address": [identity.address for identity in held],
    }
    return _replaced(rows, columns)


def _replaced(table: pa.Table, columns: Mapping[str, list[Any]]) -> pa.Table:
    for name, values in columns.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
    return table


def _people_truth(people: People) -> dict[str, pa.Table]:
    return {
        "truth_enterprises": pa.Table.from_pylist(
            list(link_rows(people.customers, people.papers)), TRUTH["truth_enterprises"]
        ),
        "truth_endpoints": pa.Table.from_pylist(
            list(endpoint_rows(people.customers, people.lines)), TRUTH["truth_endpoints"]
        ),
    }


def _rows(table: str, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=TABLES[table].schema)
