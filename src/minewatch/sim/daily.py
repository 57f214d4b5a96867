"""Meters that are read once a day: the register at midnight and the energy since the last one."""

import numpy as np
import pyarrow as pa

from minewatch.schema.tables import TABLES
from minewatch.sim.county import CountyPlan, Customer
from minewatch.sim.loads.shapes import Rng, log_uniform
from minewatch.sim.scene import PER_DAY, STEP_MINUTES, Floats

REGISTER_STEP_KWH = 0.01


def daily_rows(rng: Rng, plan: CountyPlan, customer: Customer, net_kw: Floats) -> pa.Table:
    """Return rows of ``daily_readings`` for a true load ``net_kw`` (periods,).

    A day is left out where its reading or the one before did not come: on one day in 100 to one in 10.
    """
    taken_kwh = np.clip(net_kw, 0, None).reshape(-1, PER_DAY).sum(axis=1) * STEP_MINUTES / 60
    true_kwh = rng.uniform(0, 30_000) + np.concatenate(([0.0], np.cumsum(taken_kwh)))
    register = np.round(np.floor(true_kwh / REGISTER_STEP_KWH) * REGISTER_STEP_KWH, 2)
    came = rng.random(register.size) > log_uniform(rng, 0.005, 0.05)
    came[: max((customer.opened_on - plan.start_on).days, 0)] = False
    kept = np.flatnonzero(came[1:] & came[:-1])
    columns = {
        "usage_point_id": pa.array(np.full(kept.size, customer.usage_point_id, dtype=object), pa.string()),
        "day": pa.array((np.datetime64(plan.start_on) + kept).astype("datetime64[D]"), pa.date32()),
        "energy_kwh": pa.array(np.round(np.diff(register)[kept], 2)),
        "register_kwh": pa.array(register[kept + 1]),
    }
    return pa.table(columns, schema=TABLES["daily_readings"].schema)
