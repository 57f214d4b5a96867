"""Where an unmetered block sits: on which phases of a transformer, and near which customers' meters.

When the block draws more, the voltage falls along the line that it hangs on, most of all at its place and
behind it. Each customer's fall of voltage below the transformer is fitted by the customer's own load, the
whole load and the block; what a kilowatt of the block costs there points at the place. A row says nothing of
whether the block is a mine (``log10_lr`` is null). See ``docs/explanation/transformer-balance.md``.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.detect.balance.books import BOOKS_STEP, nameplates_of, tree_of
from minewatch.detect.balance.evidence import Case, case_of
from minewatch.detect.balance.known import transformer_known
from minewatch.detect.balance.model import balance_of, leftovers_of
from minewatch.detect.balance.needs import balance_refusal
from minewatch.detect.balance.series import Meters, Series, columns_of, hours_by_phase, series_of
from minewatch.detect.balance.strays import strays_of, without_strays
from minewatch.detect.balance.weight import weigh
from minewatch.kernels.power.balance import robust_fit
from minewatch.schema.evidence import Detector, Evidence, SubjectKind, evidence_table
from minewatch.schema.reasons import Reason, reason
from minewatch.schema.steps import Step

DETECTOR = Detector("block_place", "1")
Doubles = npt.NDArray[np.float64]

PHASE_KV = 0.22
PHASES = "ABC"
FREE = 1e3
"""Standard deviation of a coefficient of which nothing is known."""
FLICKER_V, STEP_KVA = 0.05, 0.01
"""Least standard deviation of an hour's voltage and of a phase's apparent power."""
SEEN_ERRORS = 3.0
"""What a kilowatt costs has to stand out so many standard errors from nothing at one customer at least."""
LEAST_PROBABILITY, MOST_PLACES = 0.01, 20
_BLOCK = 3


class Found(NamedTuple):
    """The block of one transformer: ``block_kw`` (hours,) is what it draws, NaN where unknown."""

    series: Series
    meters: Meters
    block_kw: Doubles


def place_evidence(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return a row of ``evidence`` for each transformer with an unmetered block that is more likely than not.

    ``tables``: those of ``PLACE_STEP.inputs``. ``parameters``: see
    ``minewatch.schema.steps.asked``. Customers who hang elsewhere than the archive
    says are told, but those of other transformers are not looked for.
    """
    case = case_of(DETECTOR, SubjectKind.TRANSFORMER, parameters)
    archive = nameplates_of(tables)
    evidence = []
    for series, meters in series_of(tree_of(tables)):
        found = _block(series, meters, archive.get(series.subject_id, {}), case)
        if found is not None:
            evidence.append(_judge(found, tables, case))
    return evidence_table(evidence)


def _block(series: Series, meters: Meters, archive: Mapping[str, Any], case: Case) -> Found | None:
    days = case.days_of(series)
    if balance_refusal(series, days) is not None:
        return None
    known = transformer_known(series, archive, case.utc_offset_h())
    series = without_strays(series, strays_of(series, meters, leftovers_of(series, known)))
    weighed = weigh(balance_of(series, known, days))
    block = weighed.block
    if not block.seen or weighed.log10_lr <= 0:
        return None
    return Found(series, meters, block.fit.residual + block.power_kw * block.run)


def _judge(found: Found, tables: Mapping[str, pa.Table], case: Case) -> Evidence:
    supply = tables["transformer_readings"]
    own = supply.filter(pc.equal(supply["transformer_id"], found.series.subject_id))
    phases = _phases(found, hours_by_phase(columns_of(own, "transformer_id", "current_a"), found.series))
    bus_v = hours_by_phase(columns_of(own, "transformer_id", "voltage_v"), found.series)
    places = _places(found, tables["interval_readings"], bus_v)
    return Evidence(
        detector=DETECTOR,
        subject_kind=case.kind,
        subject_id=found.series.subject_id,
        period=case.period,
        log10_lr=None,
        places=places,
        reasons=[*_phase_reasons(phases), *_place_reasons(places)],
        inputs=case.rows({"transformer_readings": found.series.days, "transformers": 1}),
    )


def _phases(found: Found, current_a: Doubles | None) -> Doubles | None:
    """Return the share of the block on each phase with standard error, shape (2, 3); None if unknown."""
    if current_a is None:
        return None
    columns = np.stack((np.ones(found.block_kw.size), found.series.metered_kw, np.nan_to_num(found.block_kw)))
    fits = [_fit(PHASE_KV * amps, columns, found.block_kw, STEP_KVA) for amps in current_a]
    taken = np.array([(coefficients[-1], errors[-1]) for coefficients, errors in fits]).T
    total = float(taken[0].sum())
    return taken / total if total > 0 else None


def _places(found: Found, readings: pa.Table, bus_v: Doubles | None) -> dict[str, float]:
    """Return the probability that the block sits at each customer; nothing where no voltage tells."""
    if bus_v is None:
        return {}
    mine = readings.filter(pc.is_in(readings["usage_point_id"], value_set=pa.array(found.meters.ids)))
    costs: dict[str, tuple[float, float]] = {}
    for name, own_kw in zip(found.meters.ids, found.meters.hourly, strict=True):
        rows = mine.filter(pc.equal(mine["usage_point_id"], name))
        volts = hours_by_phase(columns_of(rows, "usage_point_id", "voltage_v"), found.series)
        if volts is not None:
            costs[name] = _cost(found, own_kw.astype(np.float64), volts, bus_v)
    return _probabilities(costs)


def _cost(found: Found, own_kw: Doubles, volts: Doubles, bus_v: Doubles) -> tuple[float, float]:
    """Return what the voltage at a customer falls by for a kilowatt of the block, V/kW, with standard error.

    A meter of one phase does not know which it is: that of the phase whose voltage it follows best.
    """
    total_kw = np.nan_to_num(found.series.supply_kw) - np.nan_to_num(own_kw) - np.nan_to_num(found.block_kw)
    ones = np.ones(own_kw.size)
    columns = np.stack((ones, np.nan_to_num(own_kw), total_kw, np.nan_to_num(found.block_kw)))
    known = np.where(np.isnan(own_kw), np.nan, found.block_kw)
    three = np.isfinite(volts).any(axis=1).sum() == len(PHASES)
    falls = [np.mean(bus_v - volts, axis=0)] if three else [bus - volts[0] for bus in bus_v]
    best = min(falls, key=_unsteadiness)
    coefficients, errors = _fit(best, columns, known, FLICKER_V)
    return float(coefficients[_BLOCK]), float(errors[_BLOCK])


def _unsteadiness(fall: Doubles) -> float:
    """Return the spread of the changes from hour to hour; infinite where none is known."""
    changes = np.diff(fall)
    known = changes[np.isfinite(changes)]
    return float(known.std()) if known.size else np.inf


def _fit(target: Doubles, columns: Doubles, known: Doubles, least: float) -> tuple[Doubles, Doubles]:
    """Return coefficients and standard errors of a robust fit over the hours in which all is known."""
    doubt = np.where(np.isnan(known) | np.isnan(target), np.nan, least)
    prior = np.column_stack((np.zeros(len(columns)), np.full(len(columns), FREE)))
    residual, weights = np.empty(target.size), np.empty(target.size)
    coefficients, covariance, _ = robust_fit(np.nan_to_num(target), columns, doubt, prior, residual, weights)
    return coefficients, np.sqrt(np.diag(covariance))


def _probabilities(costs: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Return probabilities of places: those where a kilowatt costs as much as where it costs most.

    At the place and behind it the cost is the largest, as all of the line to the place is shared.
    """
    sure = [cost for cost, error in costs.values() if cost > SEEN_ERRORS * error]
    if not sure:
        return {}
    largest = max(sure)
    weights = {
        name: float(np.exp(-0.5 * ((largest - cost) / error) ** 2)) for name, (cost, error) in costs.items()
    }
    total = sum(weights.values())
    shares = sorted(((weight / total, name) for name, weight in weights.items()), reverse=True)
    return {name: share for share, name in shares[:MOST_PLACES] if share >= LEAST_PROBABILITY}


def _phase_reasons(phases: Doubles | None) -> list[Reason]:
    if phases is None:
        return []
    values = {f"{name}_percent": 100 * float(share) for name, share in zip("abc", phases[0], strict=True)}
    return [reason("block_phases", error_percent=100 * float(phases[1].max()), **values)]


def _place_reasons(places: Mapping[str, float]) -> list[Reason]:
    if not places:
        return [reason("block_no_place")]
    customers = ", ".join(f"{name} ({100 * share:.0f} %)" for name, share in list(places.items())[:5])
    return [reason("block_places", customers=customers)]


PLACE_STEP = Step(
    name=DETECTOR.name,
    version=DETECTOR.version,
    inputs=BOOKS_STEP.inputs,
    group_by="transformer_id",
    output="evidence",
    function=place_evidence,
    columns={
        **BOOKS_STEP.columns,
        "transformer_readings": ("transformer_id", "day", "kw", "kvar", "current_a", "voltage_v"),
        "interval_readings": ("usage_point_id", "day", "kw", "voltage_v"),
    },
)
"""Places of unmetered blocks: reads voltages, so it is meant for the few transformers that have a block."""
