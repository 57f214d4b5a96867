"""What else the meter measures: reactive power, phase currents, voltage; of the load and of its block.

Power supplies of machines correct their power factor, so a block of them adds kW with hardly any kvar, where
motors and compressors add 0.5 to 1 kvar for each kW. A few machines sit on one phase.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.power.hours import HOURS, Floats, Ints

Series = npt.NDArray[np.float64]


class Electric(IntEnum):
    """Place of each number of ``electrics``; NaN where the meter does not deliver it."""

    tangent = 0  # reactive energy to active energy of the run
    floor_tangent = 1  # median of kvar to kW in hours at the floor
    floor_tangent_spread = 2  # median distance from it
    block_tangent = 3  # rise of kvar to rise of kW at the block's edge
    imbalance = 4  # largest phase current above the mean of the three, to that mean
    floor_imbalance = 5  # the same in hours at the floor
    block_phase_share = 6  # of the rise of current that the phase with most takes: 1/3 even, 1 single-phase
    voltage_ratio = 7  # median voltage to nominal
    voltage_slope = 8  # relative change of voltage for a mean load more


class Quantity(NamedTuple):
    """One more quantity of the readings: row r holds ``values[row_offsets[r]:row_offsets[r + 1]]``.

    Of a quantity by phase the three phases' days follow each other. A row without it is empty.
    """

    values: Floats
    row_offsets: Ints


class Meters(NamedTuple):
    """Reactive power, kvar, phase currents, A, and phase voltages, V; empty where no customer has them."""

    kvar: Quantity
    current_a: Quantity
    voltage_v: Quantity


class Edge(NamedTuple):
    """Days beside the edge of a block: outside and inside [first, last + 1); both empty without an edge."""

    outside: tuple[int, int]
    inside: tuple[int, int]


PHASES = 3
NOMINAL_V = np.array([57.7, 100.0, 220.0, 380.0, 5774.0, 10_000.0, 20_207.0, 35_000.0])
"""Of one phase or between two: through transformers, low voltage (GB/T 156-2017), 10 kV and 35 kV."""
_AT_FLOOR = 0.05


@njit(nogil=True, cache=True, error_model="numpy")
def fold_phase(
    quantity: Quantity,
    days: npt.NDArray[np.int32],
    rows: tuple[int, int],
    phase: tuple[int, int],
    hourly: Floats,
) -> bool:
    """Fold one customer's rows of a quantity into hourly means, (span * 24,); True where there are any.

    ``phase``: (which, of how many). Signs are kept; an hour without readings is NaN.
    """
    hourly[:] = np.nan
    found = False
    for row in range(rows[0], rows[1]):
        begin, end = quantity.row_offsets[row], quantity.row_offsets[row + 1]
        length = (end - begin) // phase[1]
        if length == 0 or length % HOURS != 0:
            continue
        each, first = length // HOURS, (days[row] - days[rows[0]]) * HOURS
        for hour in range(HOURS):
            total, present = np.float32(0.0), 0
            start = begin + phase[0] * length + hour * each
            for k in range(start, start + each):
                if not np.isnan(quantity.values[k]):
                    total += quantity.values[k]
                    present += 1
            if present:
                hourly[first + hour] = total / np.float32(present)
                found = True
    return found


@njit(nogil=True, cache=True, error_model="numpy")
def near_floor(hourly: Floats, floor: Series) -> npt.NDArray[np.bool_]:
    """Return which hours (days * 24) lie within 5 % of their day's floor."""
    near = np.zeros(hourly.size, np.bool_)
    for k in range(hourly.size):
        level = floor[k // HOURS]
        near[k] = level > 0 and abs(hourly[k] - level) <= _AT_FLOOR * level
    return near


@njit(nogil=True, cache=True, error_model="numpy")
def rise(hourly: Floats, edge: Edge) -> float:
    """Return the mean inside the edge less the mean outside, NaN without an edge."""
    outside = hourly[edge.outside[0] * HOURS : edge.outside[1] * HOURS]
    inside = hourly[edge.inside[0] * HOURS : edge.inside[1] * HOURS]
    return float(np.nanmean(inside) - np.nanmean(outside)) if outside.size and inside.size else np.nan


@njit(nogil=True, cache=True, error_model="numpy")
def reactive(
    kw: Floats, kvar: Floats, near: npt.NDArray[np.bool_], run: tuple[int, int], electric: Series
) -> None:
    """Write the tangents in the days ``run`` of a curve; ``near`` marks the curve's hours at the floor."""
    hours = slice(run[0] * HOURS, run[1] * HOURS)
    known = ~np.isnan(kvar[hours]) & ~np.isnan(kw[hours])
    active = kw[hours][known].sum()
    if active > 0:
        electric[Electric.tangent] = kvar[hours][known].sum() / active
    ratio = kvar[hours][near[hours]] / kw[hours][near[hours]]
    middle = np.nanmedian(ratio)
    electric[Electric.floor_tangent] = middle
    electric[Electric.floor_tangent_spread] = np.nanmedian(np.abs(ratio - middle))


@njit(nogil=True, cache=True, error_model="numpy")
def phases(
    current: Floats, near: npt.NDArray[np.bool_], run: tuple[int, int], edge: Edge, electric: Series
) -> None:
    """Write the imbalance of phase currents (3, hours), A, and how the block's current lies to the phases."""
    hours = slice(run[0] * HOURS, run[1] * HOURS)
    mean, low, more = np.empty(PHASES), np.empty(PHASES), np.empty(PHASES)
    for phase in range(PHASES):
        mean[phase] = np.nanmean(current[phase, hours])
        low[phase] = np.nanmean(current[phase, hours][near[hours]])
        more[phase] = max(rise(current[phase], edge), 0.0)
    electric[Electric.imbalance] = _excess(mean)
    electric[Electric.floor_imbalance] = _excess(low)
    if more.sum() > 0:
        electric[Electric.block_phase_share] = more.max() / more.sum()


@njit(nogil=True, cache=True, error_model="numpy")
def _excess(currents: Series) -> float:
    mean = currents.mean()
    return currents.max() / mean - 1 if mean > 0 else np.nan


@njit(nogil=True, cache=True, error_model="numpy")
def voltage(kw: Floats, volts: Floats, electric: Series) -> None:
    """Write the level of a voltage over the run, V, (hours,), and its answer to the load."""
    known = ~(np.isnan(kw) | np.isnan(volts))
    if known.sum() < HOURS:
        return
    load, level = kw[known].astype(np.float64), volts[known].astype(np.float64)
    middle = np.median(level)
    if not middle > 0:
        return
    nominal = NOMINAL_V[np.argmin(np.abs(np.log(NOMINAL_V / middle)))]
    electric[Electric.voltage_ratio] = middle / nominal
    mean = load.mean()
    centred = load - mean
    spread = (centred * centred).sum()
    if spread > 0 and mean > 0:
        electric[Electric.voltage_slope] = (centred * level).sum() / spread * mean / middle
