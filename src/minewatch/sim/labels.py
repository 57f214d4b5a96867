"""The truth as labels: what an inspection of every account, transformer, feeder and plant would have found.

A mine's label is valid while it mines; before and after, the same subject has one that says it does not. A
transformer or feeder is labelled as mining where power is taken past its meters, not for a mine that pays.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.schema.tables import TABLES
from minewatch.sim.archives import ON_SHARE
from minewatch.sim.county import CountyPlan, Customer, MinePlan
from minewatch.sim.scene import Floats

Tables = Mapping[str, pa.Table]


@dataclass(frozen=True)
class _Mine:
    """Mining at a subject: kW while it is on, from when, to when (None: goes on)."""

    kind: str
    power_kw: float
    onset_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class _Subject:
    """A subject with the mean of its other load, its mine, and what it is where it does not mine."""

    kind: str
    subject_id: str
    rest_kw: float | None
    mine: _Mine | None
    outcome: str = "not_mining"
    innocent_class: str | None = None


def labels(plan: CountyPlan, miners: Sequence[Customer], tables: Tables, truth: Tables) -> pa.Table:
    """Return rows of ``labels`` on all of a partition; ``miners`` are its accounts and mines without one."""
    mines = {customer.usage_point_id: customer.mine for customer in miners if customer.mine}
    subjects = [
        *_accounts(plan, mines, truth),
        *_transformers(plan, mines, tables, truth),
        *_feeders(plan, mines, tables, truth),
        *_plants(plan, mines, tables, truth),
    ]
    rows = [row for subject in subjects for row in _rows(subject, _midnight(plan))]
    return pa.Table.from_pylist(rows, schema=TABLES["labels"].schema)


def _rows(subject: _Subject, decided_at: datetime) -> Iterator[dict[str, Any]]:
    """Yield the labels of one subject, one after the other in time."""
    row = {
        "subject_kind": subject.kind,
        "subject_id": subject.subject_id,
        "rest_kw": None if subject.rest_kw is None else round(subject.rest_kw, 4),
        "selection": "census",
        "decided_at": decided_at,
    }
    innocent = row | {"outcome": subject.outcome, "innocent_class": subject.innocent_class}
    name, mine = f"{subject.kind}-{subject.subject_id}", subject.mine
    if mine is None:
        yield innocent | {"label_id": f"{name}-0"}
        return
    yield innocent | {"label_id": f"{name}-0", "valid_to": mine.onset_at}
    yield row | {
        "label_id": f"{name}-1",
        "outcome": "mining",
        "mine_kind": mine.kind,
        "power_kw": round(mine.power_kw, 3),
        "onset_at": mine.onset_at,
        "valid_from": mine.onset_at,
        "valid_to": mine.ended_at,
    }
    if mine.ended_at is not None:
        yield innocent | {"label_id": f"{name}-2", "valid_from": mine.ended_at}


def _accounts(plan: CountyPlan, mines: Mapping[str, MinePlan], truth: Tables) -> Iterator[_Subject]:
    power_kw = _on_kw(mines, _curves(truth["truth_mining"], "kw"))
    for row in truth["truth_usage_points"].to_pylist():
        name, mine = row["usage_point_id"], None
        if name in mines and row["onset_at"] is not None:
            mine = _mine(plan, mines[name], power_kw[name], row)
        outcome = "victim" if row["infected"] else "not_mining"
        yield _Subject("usage_point", name, row["rest_kw"], mine, outcome, row["kind"])


def _transformers(
    plan: CountyPlan, mines: Mapping[str, MinePlan], tables: Tables, truth: Tables
) -> Iterator[_Subject]:
    power_kw = _on_kw(mines, _curves(truth["truth_mining"], "kw"))
    behind: dict[str, list[_Mine]] = {}
    for row in truth["truth_usage_points"].to_pylist():
        name = row["usage_point_id"]
        if row["metered"] is False and row["onset_at"] is not None:
            mine = _mine(plan, mines[name], power_kw[name], row)
            behind.setdefault(row["true_transformer_id"], []).append(mine)
    lights, unmetered = (_curves(truth["truth_transformers"], name) for name in ("lights_kw", "unmetered_kw"))
    for name, supplied in _curves(tables["transformer_readings"], "kw").items():
        mining = float((unmetered[name] - lights[name]).mean())
        innocent = "street_light" if lights[name].any() else None
        rest_kw = _mean(supplied) - mining
        yield _Subject("transformer", name, rest_kw, _together(behind.get(name, [])), innocent_class=innocent)


def _feeders(
    plan: CountyPlan, mines: Mapping[str, MinePlan], tables: Tables, truth: Tables
) -> Iterator[_Subject]:
    tapped = _curves(truth["truth_feeders"], "unmetered_kw")
    power_kw, rows = _on_kw(mines, tapped), truth["truth_feeder_mines"].to_pylist()
    found = _found(plan, mines, power_kw, {row["feeder_id"]: row for row in rows})
    for name, head in _curves(tables["feeder_readings"], "kw").items():
        yield _Subject("feeder", name, _mean(head) - float(tapped[name].mean()), found.get(name))


def _plants(
    plan: CountyPlan, mines: Mapping[str, MinePlan], tables: Tables, truth: Tables
) -> Iterator[_Subject]:
    """Rest of a plant is what its meter saw."""
    diverted = {name: 1000 * mw for name, mw in _curves(truth["truth_plants"], "diverted_mw").items()}
    power_kw, rows = _on_kw(mines, diverted), truth["truth_plant_mines"].to_pylist()
    found = _found(plan, mines, power_kw, {row["plant_id"]: row for row in rows})
    kinds = dict(zip(*(tables["plants"][name].to_pylist() for name in ("plant_id", "kind")), strict=True))
    for name, mw in _curves(tables["plant_readings"], "mw").items():
        yield _Subject("plant", name, 1000 * _mean(mw), found.get(name), innocent_class=kinds[name])


def _found(
    plan: CountyPlan,
    mines: Mapping[str, MinePlan],
    power_kw: Mapping[str, float],
    told: Mapping[str, Mapping[str, Any]],
) -> dict[str, _Mine]:
    """Return subject → its mine, where it ran in the period."""
    ran = {name: row for name, row in told.items() if row["onset_at"] is not None}
    return {name: _mine(plan, mines[name], power_kw[name], row) for name, row in ran.items()}


def _mine(plan: CountyPlan, mine: MinePlan, power_kw: float, told: Mapping[str, Any]) -> _Mine:
    """Return a mine with its onset: by ``told`` in the period, by its plan where it is older."""
    older = mine.onset_on < plan.start_on
    onset_at = datetime.combine(mine.onset_on, time(), plan.zone).astimezone(UTC)
    return _Mine(mine.kind, power_kw, onset_at if older else told["onset_at"], told["ended_at"])


def _together(mines: Iterable[_Mine]) -> _Mine | None:
    """Return several mines behind one meter as one."""
    mines = list(mines)
    if not mines:
        return None
    ends = [mine.ended_at for mine in mines]
    last = None if None in ends else max(end for end in ends if end is not None)
    onset_at = min(mine.onset_at for mine in mines)
    return _Mine(mines[0].kind, sum(mine.power_kw for mine in mines), onset_at, last)


def _on_kw(mines: Mapping[str, MinePlan], drawn: Mapping[str, Floats]) -> dict[str, float]:
    """Return what each mine draws while it is on: the median, kW."""
    power_kw = {}
    for name, kw in drawn.items():
        if name in mines:
            on = kw[kw > ON_SHARE * mines[name].power_kw]
            power_kw[name] = float(np.median(on)) if on.size else 0.0
    return power_kw


def _curves(table: pa.Table, column: str) -> dict[str, Floats]:
    """Return subject → values in the order of the rows; the first column names the subject, rows together."""
    if table.num_rows == 0:
        return {}
    values = table[column].combine_chunks()
    per_row = len(values[0]) if pa.types.is_list(values.type) else 1
    flat = np.asarray(values.flatten() if per_row > 1 else values, dtype=np.float64)
    runs = pc.run_end_encode(table[0].combine_chunks())
    ends = np.asarray(runs.run_ends) * per_row
    return dict(zip(runs.values.to_pylist(), np.split(flat, ends[:-1]), strict=True))


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else 0.0


def _midnight(plan: CountyPlan) -> datetime:
    return datetime.combine(plan.end_on, time(), plan.zone).astimezone(UTC)
