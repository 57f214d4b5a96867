"""What each mine draws over time, as a share of its machines' rated power: what its hash rate follows."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from minewatch.sim.county import Customer
from minewatch.sim.scene import Floats

_MOST = 1.15
"""Machines run at most this far above their rating; what is more is cooling."""


class Drawn(NamedTuple):
    """Share of the rated power in each interval of ``minutes``, from the period's first local midnight."""

    minutes: int
    share: Floats


def drawn_by_accounts(customers: Iterable[Customer], mining: pa.Table, minutes: int) -> dict[str, Drawn]:
    """Return usage point → what its mine draws, from the truth table of mining power."""
    curves: dict[str, list[Floats]] = {}
    for subject, kw in zip(mining["usage_point_id"].to_pylist(), mining["kw"], strict=True):
        curves.setdefault(subject, []).append(np.asarray(kw.values, dtype=np.float64))
    rated = {customer.usage_point_id: customer.mine.power_kw for customer in customers if customer.mine}
    return {
        subject: Drawn(minutes, np.clip(np.concatenate(days) / rated[subject], 0, _MOST))
        for subject, days in curves.items()
    }


def drawn_on_lines(rated_kw: Mapping[str, float], diverted_mw: Mapping[str, Floats]) -> dict[str, Drawn]:
    """Return plant → what the mine on its private line draws, by the hour."""
    return {
        plant: Drawn(60, np.clip(1000 * megawatts / rated_kw[plant], 0, _MOST))
        for plant, megawatts in diverted_mw.items()
    }
