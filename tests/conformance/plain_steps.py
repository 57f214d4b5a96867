"""Steps of the tests themselves: by customer with a kernel, by transformer, by capture, slow, failing."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.schema.steps import Step
from minewatch.schema.tables import TABLES

FEATURES = TABLES["load_features"].schema


@numba.njit(nogil=True, cache=True)
def bases_kw(values: np.ndarray, offsets: np.ndarray, passes: int) -> np.ndarray:  # type: ignore[type-arg]
    """Return for each curve a smoothed least value; ``passes`` sets how much work that is."""
    bases = np.empty(len(offsets) - 1)
    for row in range(len(bases)):
        least = np.inf
        for _ in range(passes):
            mean = 0.0
            for at in range(offsets[row], offsets[row + 1]):
                if not np.isnan(values[at]):
                    mean += (values[at] - mean) / 4.0
                    least = min(least, mean)
        bases[row] = least
    return bases


def _features(rows: list[tuple[str, list[float]]], parameters: Mapping[str, Any]) -> pa.Table:
    columns = {
        "usage_point_id": [name for name, _ in rows],
        "period_start_at": [parameters["start_at"]] * len(rows),
        "period_end_at": [parameters["end_at"]] * len(rows),
        "features": [values for _, values in rows],
    }
    return pa.table(columns, schema=FEATURES)


def customer_bases(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return the base of each customer's days, with how many rows of context were there."""
    readings = tables["interval_readings"]
    kw = readings.column("kw").combine_chunks()
    bases = bases_kw(kw.values.to_numpy(), kw.offsets.to_numpy(), parameters.get("passes", 1))
    table = pa.table({"id": readings.column("usage_point_id"), "base": bases})
    # By hand, since a group_by of Arrow does not promise an order.
    groups: dict[str, list[float]] = {}
    for name, base in zip(table.column("id").to_pylist(), table.column("base").to_pylist(), strict=True):
        groups.setdefault(name, []).append(base)
    context = [float(len(tables["usage_points"])), float(len(tables["weather"]))]
    rows = [(name, [float(len(found)), min(found), sum(found), context[1]]) for name, found in groups.items()]
    assert context[0] >= len(rows)
    return _features(rows, parameters)


def transformer_sums(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return for each transformer what went in and what its customers used; needs both in one chunk."""
    supplied = tables["transformer_readings"]
    customers = tables["usage_points"]
    totals: dict[str, list[float]] = {}
    for name, kw in zip(supplied.column(0).to_pylist(), supplied.column("kw").to_pylist(), strict=True):
        totals.setdefault(name, [0.0, 0.0])[0] += float(np.nansum(kw))
    of = dict(
        zip(customers.column(0).to_pylist(), customers.column("transformer_id").to_pylist(), strict=True)
    )
    readings = tables["interval_readings"]
    for name, kw in zip(readings.column(0).to_pylist(), readings.column("kw").to_pylist(), strict=True):
        totals[of[name]][1] += float(np.nansum(kw))
    return _features(sorted(totals.items()), parameters)


def capture_counts(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return the number of flows and of runs of each capture; one run where rows are together."""
    captures = tables["flows"].column("capture").to_pylist()
    runs = [name for at, name in enumerate(captures) if at == 0 or captures[at - 1] != name]
    rows = [
        (name, [float(captures.count(name)), float(runs.count(name))]) for name in dict.fromkeys(captures)
    ]
    return _features(rows, parameters)


def slow_bases(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Do ``customer_bases`` slowly and leave a file for each time that work was begun."""
    Path(parameters["begun"], uuid4().hex).touch()
    time.sleep(parameters["seconds"])
    return customer_bases(tables, parameters)


def failing(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Fail on the chunk that holds the customer ``parameters["bad"]``."""
    if pc.any(pc.equal(tables["interval_readings"].column(0), parameters["bad"])).as_py():
        raise ZeroDivisionError("no base")
    return customer_bases(tables, parameters)


CUSTOMER_STEP = Step(
    name="customer_bases",
    version="1",
    inputs=("interval_readings", "usage_points"),
    whole=("weather",),
    group_by="usage_point_id",
    output="load_features",
    function=customer_bases,
    columns={"interval_readings": ("usage_point_id", "day", "kw")},
)
TRANSFORMER_STEP = Step(
    name="transformer_sums",
    version="1",
    inputs=("transformer_readings", "usage_points", "interval_readings"),
    group_by="transformer_id",
    output="load_features",
    function=transformer_sums,
)
CAPTURE_STEP = Step("capture_counts", "1", ("flows",), "capture", "load_features", capture_counts)
PLAIN_STEPS = (CUSTOMER_STEP, TRANSFORMER_STEP, CAPTURE_STEP)
