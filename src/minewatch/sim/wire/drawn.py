"""What each mine draws over time, as a share of its machines' rated power: what its hash rate follows."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from minewatch.sim.scene import Floats

_MOST = 1.15
"""Machines run at most this far above their rating; what is more is cooling."""


class Drawn(NamedTuple):
    """Share of the rated power in each interval of ``minutes``, from the period's first local midnight."""

    minutes: int
    share: Floats


def drawn_by_day(rated_kw: Mapping[str, float], days: pa.Table, minutes: int) -> dict[str, Drawn]:
    """Return subject → what its mine draws, for the subjects of ``rated_kw`` that ``days`` speaks of.

    ``days`` has one row per subject and day, in order: first the subject, last the mine's power, kW.
    """
    curves: dict[str, list[Floats]] = {}
    for subject, kw in zip(days[0].to_pylist(), days[-1], strict=True):
        if subject in rated_kw:
            curves.setdefault(subject, []).append(np.asarray(kw.values, dtype=np.float64))
    return {
        subject: Drawn(minutes, np.clip(np.concatenate(kw) / rated_kw[subject], 0, _MOST))
        for subject, kw in curves.items()
    }


def drawn_on_lines(rated_kw: Mapping[str, float], diverted_mw: Mapping[str, Floats]) -> dict[str, Drawn]:
    """Return plant → what the mine on its private line draws, by the hour."""
    return {
        plant: Drawn(60, np.clip(1000 * megawatts / rated_kw[plant], 0, _MOST))
        for plant, megawatts in diverted_mw.items()
    }
