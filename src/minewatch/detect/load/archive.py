"""What the customer archive says of each customer, and who is whose peer."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.kernels.power.blocks import Block
from minewatch.kernels.power.load_blocks import Judged
from minewatch.kernels.power.load_features import Feature

Floats = npt.NDArray[np.float64]

TARIFFS: Mapping[str, float] = {
    "residential": 0.0,
    "agricultural": 1.0,
    "commercial_single": 2.0,
    "commercial_two_part": 3.0,
    "heating": 4.0,
    "ev_charging": 5.0,
}
"""Numbers of tariff classes, ordered so that a tree can part them; any other class counts as unknown."""

COLUMNS = (
    "usage_point_id",
    "tariff_class",
    "industry_code",
    "voltage_kv",
    "contract_kva",
    "region_code",
    "transformer_id",
)
"""What is read of ``usage_points``."""

LEAST_PEERS = 3
"""Of fewer, a median says little."""


class Archive(NamedTuple):
    """``numbers`` (customers, 4): tariff, industry division, voltage kV, contract kVA; NaN where unknown.

    ``regions``: usage point → region code. ``groups`` (customers,): customers with one number supply from one
    transformer at one tariff class; -1 where either is unknown.
    """

    numbers: Floats
    regions: Mapping[str, str]
    groups: npt.NDArray[np.int64]


def archive_of(usage_point_ids: list[str], usage_points: pa.Table | None) -> Archive:
    """Return what ``usage_points`` (None, empty or partial) says of the customers, in their order."""
    numbers = np.full((len(usage_point_ids), 4), np.nan)
    groups = np.full(len(usage_point_ids), -1, np.int64)
    regions: dict[str, str] = {}
    if usage_points is None or usage_points.num_rows == 0:
        return Archive(numbers, regions, groups)
    columns = [name for name in COLUMNS if name in usage_points.column_names]
    known = {row["usage_point_id"]: row for row in usage_points.select(columns).to_pylist()}
    places: dict[tuple[str, str], int] = {}
    for place, usage_point_id in enumerate(usage_point_ids):
        if row := known.get(usage_point_id):
            numbers[place] = _numbers(row)
            if row.get("region_code"):
                regions[usage_point_id] = row["region_code"]
            if row.get("transformer_id") and row["tariff_class"]:
                key = (row["transformer_id"], row["tariff_class"])
                groups[place] = places.setdefault(key, len(places))
    return Archive(numbers, regions, groups)


def _numbers(row: Mapping[str, Any]) -> tuple[float, float, float, float]:
    division = str(row["industry_code"] or "")[:2]
    kva = row["contract_kva"]
    return (
        TARIFFS.get(row["tariff_class"], np.nan),
        float(division) if division.isdigit() else np.nan,
        np.nan if row["voltage_kv"] is None else row["voltage_kv"],
        kva if kva else np.nan,
    )


def peer_vector(judged: Judged, archive: Archive) -> Floats:
    """Return number of peers, mean load and level of the block to the median of theirs, (customers, 3).

    Peers hang on the same transformer at the same tariff class and draw power in the period; fewer than
    ``LEAST_PEERS`` have no ratio. A customer is none of its own peers.
    """
    found = np.full((len(archive.groups), 3), np.nan)
    loads = np.column_stack((judged.features[:, Feature.mean_kw], judged.block[:, Block.level_kw]))
    order = np.argsort(archive.groups, kind="stable")
    starts = np.flatnonzero(np.diff(archive.groups[order], prepend=-2))
    for members in np.split(order, starts[1:]):
        if len(members) and archive.groups[members[0]] >= 0:
            used = members[loads[members, 0] > 0]
            found[used, 0] = len(used) - 1
            if len(used) > LEAST_PEERS:
                found[used, 1:] = loads[used] / _median_of_others(loads[used])
    return found


def _median_of_others(values: Floats) -> Floats:
    """Return for each row of ``values`` (n, k) the medians of the other rows, (n, k)."""
    ordered = np.sort(values, axis=0)
    rank = np.argsort(np.argsort(values, axis=0, kind="stable"), axis=0)
    number = len(values) - 1
    columns = np.arange(values.shape[1])
    middle = [ordered[place + (rank <= place), columns] for place in ((number - 1) // 2, number // 2)]
    return np.mean(middle, axis=0)
