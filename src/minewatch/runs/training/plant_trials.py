"""Simulated plants, innocent ones and ones with a private line, judged: how often, how large, since when.

``python -m minewatch.runs.training.plant_trials`` prints what is reached on the evaluation seed: false alarms
per plant-decade, and of the diversions how many are found, by kind of plant, size and length.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from minewatch.detect.plant.plant_output import judge
from minewatch.engines.base import Engine
from minewatch.engines.local import LocalEngine
from minewatch.schema.machines import machines
from minewatch.schema.periods import day_period
from minewatch.schema.tables import TABLES
from minewatch.sim.county import CountyPlan, MinePlan
from minewatch.sim.generation.plant import Plant
from minewatch.sim.generation.running import KINDS, PlantHours, run_plant
from minewatch.sim.loads.mining import rated_w
from minewatch.sim.plants import plant_of_kind, readings_table
from minewatch.sim.scene import scene_of
from minewatch.sim.streams import stream

DEVELOPMENT, CALIBRATION, EVALUATION = 31, 47, 61
"""Seeds: rates and thresholds were chosen on the first, the shipped scores come from the second."""
FIRST_DAY, DAYS, JUDGED_FROM = date(2024, 1, 1), 730, 365
"""Two years, of which the second is judged."""
ALARMS = dict.fromkeys(KINDS, 1.0) | {"hydro": 4.0}
"""Strength from which a plant counts as an alarm in the figures, chosen on the first seed."""
SIZES, LENGTHS = (0.05, 0.1, 0.2, 0.4), (3, 10, 30, 120)


class Trial(NamedTuple):
    """A plant of a kind; ``size``: of the diversion, as a share of the output of its ``days``; 0: none.

    ``days`` 0: since before the readings begin, until their end.
    """

    seed: int
    kind: str
    number: int
    size: float = 0.0
    days: int = 0


class Outcome(NamedTuple):
    """What was judged; powers in kW, days of error; NaN where there is no diversion or none was seen."""

    kind: str
    size: float
    days: int
    log10_lr: float
    true_kw: float
    power_kw: float
    low_kw: float
    high_kw: float
    onset_days: float
    spill_gauged: bool


def innocents(seed: int, count: int) -> list[Trial]:
    """Return ``count`` plants of each kind without a private line."""
    return [Trial(seed, kind, number) for kind in KINDS for number in range(count)]


def diversions(seed: int, count: int) -> list[Trial]:
    """Return ``count`` plants for each kind, size and length of diversion."""
    sizes = [(size, days) for size in SIZES for days in (*LENGTHS, 0)]
    return [
        Trial(seed, kind, 1000 + number * len(sizes) + at, size, days)
        for kind in KINDS
        for at, (size, days) in enumerate(sizes)
        for number in range(count)
    ]


def plan_of(seed: int) -> CountyPlan:
    """Return the county whose weather the plants share."""
    return CountyPlan(seed=seed, customers=1, days=DAYS, start_on=FIRST_DAY)


def simulated(trial: Trial) -> tuple[Plant, PlantHours]:
    """Return the plant of a trial and its hours."""
    plan = plan_of(trial.seed)
    region = plan.region_codes[0]
    plant = plant_of_kind(plan, region, (trial.kind, trial.number), None)
    hours = run_plant(plan.seed, scene_of(plan, region), plant)
    if not trial.size:
        return plant, hours
    rng = stream(trial.seed, "trial", *trial[1:])
    first = int(rng.integers(JUDGED_FROM, DAYS - trial.days)) if trial.days else -30
    last = first + trial.days if trial.days else DAYS
    made = hours.gross_mw[24 * max(first, 0) : 24 * last].mean()
    mine = _mine(plan, 1000 * trial.size * max(float(made), 0.01), (first, last))
    plant = replace(plant, mine=mine)
    return plant, run_plant(plan.seed, scene_of(plan, region), plant)


def _mine(plan: CountyPlan, power_kw: float, days: tuple[int, int]) -> MinePlan:
    model = next(machine.model for machine in machines() if machine.algorithm == "SHA-256")
    count = max(1, round(power_kw * 1000 / 1.04 / rated_w(model)))
    first, last = (plan.start_on + timedelta(days=day) for day in days)
    return MinePlan(
        site="trial",
        kind="plant_line",
        machines=((model, count),),
        algorithm="SHA-256",
        power_kw=1.04 * count * rated_w(model) / 1000,
        onset_on=first,
        end_on=last if last < plan.end_on else None,
        dialect="stratum_v1",
        hiding="none",
    )


def tried(trial: Trial) -> Outcome:
    """Simulate and judge one plant."""
    plan = plan_of(trial.seed)
    plant, hours = simulated(trial)
    schema = TABLES["plants"].schema
    plate = pa.Table.from_pylist([{name: getattr(plant, name) for name in schema.names}], schema)
    judged = day_period(plan.start_on + timedelta(days=JUDGED_FROM), plan.end_on, plan.zone)
    (evidence,) = judge(readings_table(plan, [plant], [hours]), plate, judged, plan.zone)
    size = evidence.power_kw
    drawn = hours.diverted_mw > 0.3 * max(float(hours.diverted_mw.max()), 1e-9)
    start = datetime.combine(plan.start_on, time(), plan.zone).astimezone(UTC)
    onset = start + timedelta(hours=int(np.argmax(drawn)))
    late = (evidence.onset_at - onset).total_seconds() / 86400 if evidence.onset_at and size else np.nan
    true_kw = 1000 * float(hours.diverted_mw[drawn].mean()) if drawn.any() else np.nan
    return Outcome(
        trial.kind,
        trial.size,
        trial.days,
        np.nan if evidence.log10_lr is None else evidence.log10_lr,
        true_kw,
        *((size.value, size.low, size.high) if size else (np.nan,) * 3),
        late,
        bool(np.isfinite(hours.columns.get("spill_m3s", np.full(1, np.nan))).any()),
    )


def outcomes(engine: Engine, trials: Sequence[Trial]) -> list[Outcome]:
    """Return the outcomes in the order of the trials."""
    found = dict(engine.map(tried, list(trials)))
    return [found[place] for place in sorted(found)]


def lines_of(rows: Sequence[Outcome]) -> Iterator[str]:
    """Yield a line for each kind: false alarms, then what was found by size and length."""
    for kind in KINDS:
        ours = [row for row in rows if row.kind == kind]
        innocent = np.array([row.log10_lr for row in ours if not row.size])
        if innocent.size:
            alarms = 10 * np.mean(innocent >= ALARMS[kind])
            yield f"{kind}: {alarms:.2f} false alarms per plant-decade ({innocent.size} years)"
        yield from _found(kind, [row for row in ours if row.size])


def _found(kind: str, rows: Sequence[Outcome]) -> Iterator[str]:
    for days in (*LENGTHS, 0):
        cells = []
        for size in SIZES:
            scores = np.array([row.log10_lr for row in rows if (row.size, row.days) == (size, days)])
            if scores.size:
                cells.append(f"{size:.0%} {np.mean(scores >= ALARMS[kind]):.2f} ({scores.size})")
        if cells:
            yield f"  {kind}, {days or 'all'} days: " + ", ".join(cells)
    seen = [row for row in rows if row.log10_lr >= ALARMS[kind] and np.isfinite(row.power_kw) and row.days]
    if seen:
        off = np.array([row.power_kw / row.true_kw - 1 for row in seen])
        held = np.mean([row.low_kw <= row.true_kw <= row.high_kw for row in seen])
        late = np.array([abs(row.onset_days) for row in seen])
        yield (
            f"  {kind}, found: kW off by {np.median(np.abs(off)):.1%} (median), {held:.0%} in their 90 %"
            f" intervals, onset off by {np.nanmedian(late):.1f} days (median)"
        )


def main(seed: int = EVALUATION, innocent_count: int = 60, diversion_count: int = 2) -> None:
    """Print the figures of a seed."""
    engine = LocalEngine(2, processes=True)
    trials = [*innocents(seed, innocent_count), *diversions(seed, diversion_count)]
    for line in lines_of(outcomes(engine, trials)):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
