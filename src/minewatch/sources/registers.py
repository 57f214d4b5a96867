"""Cumulative meter registers: what was used between two readings, with roll-over told from faults."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_NEARLY_FULL, _NEARLY_EMPTY = 0.9, 0.1


class Differences(NamedTuple):
    """``used``: kWh from each reading to the next of its series; NaN for the last and where it fell.

    ``fell``: the register is lower at the next reading and that is no roll-over. ``rolled``: it is one.
    """

    used: Values
    fell: Mask
    rolled: Mask


def glitches(register: Values, series: npt.NDArray[np.int64]) -> Mask:
    """Tell which readings are lower than the one before while the next is not: a fault of transmission."""
    wrong = np.zeros(len(register), bool)
    if len(register) > 2:
        before, at, after = register[:-2], register[1:-1], register[2:]
        one_series = (series[:-2] == series[1:-1]) & (series[1:-1] == series[2:])
        wrong[1:-1] = one_series & (at < before) & (after >= before)
    return wrong


def differences(register: Values, series: npt.NDArray[np.int64], digits: int | None) -> Differences:
    """Return the use between readings of one ``series`` (numbers, in order).

    The register has ``digits`` whole digits; where that is not known it is taken to have as many as the
    reading before, and to have rolled over only from its last to its first tenth.
    """
    used = np.full(len(register), np.nan)
    used[:-1] = np.where(series[1:] == series[:-1], np.diff(register), np.nan)
    fell = used < 0
    rolled = np.zeros(len(register), bool)
    at = np.flatnonzero(fell)
    if len(at):
        before, after = register[at], register[at + 1]
        whole = np.full(len(at), digits) if digits else np.floor(np.log10(np.maximum(before, 1))) + 1
        full = 10.0**whole
        rolls = (before <= full) & (before >= _NEARLY_FULL * full) & (after <= _NEARLY_EMPTY * full)
        rolled[at] = rolls
        used[at] = np.where(rolls, used[at] + full, np.nan)
        fell[at] = ~rolls
    return Differences(used, fell, rolled)
