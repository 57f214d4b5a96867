"""What the load model looks at: the run's features, its block, and what the customer archive says."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.detect.curves import Curves, curves_of
from minewatch.kernels.blocks import Block
from minewatch.kernels.changes import Change
from minewatch.kernels.electrical import Electric
from minewatch.kernels.load_blocks import Coverage, Judged, load_blocks
from minewatch.kernels.load_features import FEATURES, Feature
from minewatch.kernels.responses import Response
from minewatch.kernels.steadiness import Steadiness

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

BLOCK_VECTOR = (
    "history_days",
    "run_share",
    "has_onset",
    "has_end",
    "level_ratio",
    "step_ratio",
    "base_share",
    "gain_share",
    "sharp_share",
    "level_spread_ratio",
    "on_share",
    "night",
    "night_level_ratio",
    "uplift_ratio",
    "uplift_spread_share",
    "uplift_low_share",
)
REST_VECTOR = (
    "edge_share",
    "rest_load_factor",
    "rest_q25_share",
    "rest_q50_share",
    "rest_night_share",
    "rest_midday_share",
)
"""The load above its lowest hours: what occupants would draw if all below were machines."""
STEADINESS_VECTOR = tuple(item.name for item in Steadiness)
CHANGE_VECTOR = tuple(item.name for item in Change)
CALENDAR_VECTOR = tuple(item.name for item in Response if item < Response.cooling_slope)
CURVE_VECTOR = (
    *FEATURES,
    *BLOCK_VECTOR,
    "interval_hours",
    *REST_VECTOR,
    *STEADINESS_VECTOR,
    *CHANGE_VECTOR,
    *CALENDAR_VECTOR,
)
"""What a file of readings alone tells."""
ARCHIVE_VECTOR = (
    "tariff",
    "industry_division",
    "voltage_kv",
    "contract_kva",
    "mean_to_contract",
    "largest_to_contract",
    "level_to_contract",
    "step_to_contract",
)
PEER_VECTOR = ("peers", "peer_mean_ratio", "peer_level_ratio")
WEATHER_VECTOR = tuple(
    item.name for item in Response if Response.cooling_slope <= item < Response.price_off_rank
)
PRICE_VECTOR = tuple(item.name for item in Response if item >= Response.price_off_rank)
ELECTRIC_VECTOR = tuple(item.name for item in Electric)
CONTEXT_VECTOR = (*ARCHIVE_VECTOR, *PEER_VECTOR, *WEATHER_VECTOR, *PRICE_VECTOR, *ELECTRIC_VECTOR)
"""What only other tables, or other columns of the readings, tell."""
VECTOR = (*CURVE_VECTOR, *CONTEXT_VECTOR)
"""Names of the model's inputs: NaN where a customer lacks one."""


class Vectors(NamedTuple):
    """The model's inputs (customers, ``VECTOR``), what they were made of, and the customers in that order."""

    matrix: Floats
    judged: Judged
    usage_point_ids: list[str]


class LoadTables(NamedTuple):
    """What a customer's load is judged from; tables in their schemas, or the columns that are there.

    ``readings`` (``interval_readings``) ordered by customer and day, days local to ``zone``; the rest may be
    None, empty or lack customers: ``daily_readings`` count for customers without interval readings; weather
    and prices are found by the customer's ``region_code``, else by that of its city or province.
    """

    readings: pa.Table
    daily_readings: pa.Table | None
    usage_points: pa.Table | None
    weather: pa.Table | None
    prices: pa.Table | None
    zone: ZoneInfo


def load_vectors(tables: LoadTables, period_days: tuple[int, int]) -> Vectors:
    """Return the model's inputs of each customer; ``period_days`` (first, last + 1) count from 1970-01-01."""
    return vectors_of(curves_of(tables.readings), period_days, tables.usage_points)


def vectors_of(curves: Curves, period_days: tuple[int, int], usage_points: pa.Table | None) -> Vectors:
    """Return the model's inputs of each customer.

    ``period_days`` (first, last + 1) count from 1970-01-01. Customers that ``usage_points`` lacks, or all
    where it is None, get NaN for what an archive would say.
    """
    judged = load_blocks(curves.values, curves.row_offsets, curves.days, curves.point_rows, period_days)
    archive = _archive(curves.usage_point_ids, usage_points)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = (judged.features, _block_vector(judged), _context_vector(judged, archive))
    columns = dict(
        zip((*FEATURES, *BLOCK_VECTOR, *ARCHIVE_VECTOR), np.concatenate(parts, axis=1).T, strict=True)
    )
    unknown = np.full(len(archive), np.nan)
    matrix = np.column_stack([columns.get(name, unknown) for name in VECTOR])
    return Vectors(matrix, judged, curves.usage_point_ids)


def _block_vector(judged: Judged) -> Floats:
    block, mean_kw = judged.block.T, judged.features[:, Feature.mean_kw]
    days = judged.coverage[:, Coverage.span_days]
    uplift = block[Block.uplift_kw]
    return np.column_stack(
        (
            days,
            (block[Block.end_day] - block[Block.begin_day]) / days,
            block[Block.begin_day] > 0,
            block[Block.end_day] < days,
            block[Block.level_kw] / mean_kw,
            block[Block.step_kw] / mean_kw,
            block[Block.base_kw] / block[Block.level_kw],
            block[Block.gain_share],
            block[Block.sharp_share],
            block[Block.level_spread_kw] / block[Block.level_kw],
            block[Block.on_share],
            block[Block.night],
            block[Block.night_level_kw] / block[Block.day_level_kw],
            uplift / mean_kw,
            block[Block.uplift_spread_kw] / uplift,
            block[Block.uplift_low_kw] / uplift,
        )
    )


def _context_vector(judged: Judged, archive: Floats) -> Floats:
    mean_kw = judged.features[:, Feature.mean_kw]
    contract_kva = archive[:, 3]
    sizes = (
        mean_kw,
        mean_kw / judged.features[:, Feature.load_factor],
        judged.block[:, Block.level_kw],
        judged.block[:, Block.step_kw],
    )
    return np.column_stack((archive, *(size / contract_kva for size in sizes)))


def _archive(usage_point_ids: list[str], usage_points: pa.Table | None) -> Floats:
    """Tariff, industry division, voltage and contract size of each customer, (customers, 4)."""
    archive = np.full((len(usage_point_ids), 4), np.nan)
    if usage_points is None or usage_points.num_rows == 0:
        return archive
    columns = ("usage_point_id", "tariff_class", "industry_code", "voltage_kv", "contract_kva")
    known = {row["usage_point_id"]: row for row in usage_points.select(columns).to_pylist()}
    for place, usage_point_id in enumerate(usage_point_ids):
        if row := known.get(usage_point_id):
            archive[place] = _archive_row(row)
    return archive


def _archive_row(row: Mapping[str, Any]) -> tuple[float, float, float, float]:
    division = str(row["industry_code"] or "")[:2]
    kva = row["contract_kva"]
    return (
        TARIFFS.get(row["tariff_class"], np.nan),
        float(division) if division.isdigit() else np.nan,
        np.nan if row["voltage_kv"] is None else row["voltage_kv"],
        kva if kva else np.nan,
    )
