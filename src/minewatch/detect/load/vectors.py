"""What the load model looks at: the run's features, its block, and what the customer archive says."""

from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from minewatch.detect.load.archive import archive_of, peer_vector
from minewatch.detect.load.curves import Curves, curves_of, meters_of, with_daily
from minewatch.detect.load.world import world_of
from minewatch.kernels.power.blocks import Block
from minewatch.kernels.power.changes import Change
from minewatch.kernels.power.electrical import Electric
from minewatch.kernels.power.hours import HOURS
from minewatch.kernels.power.load_blocks import Coverage, Judged, Ragged, load_blocks
from minewatch.kernels.power.load_features import FEATURES, Feature
from minewatch.kernels.power.responses import Response
from minewatch.kernels.power.steadiness import Steadiness

Floats = npt.NDArray[np.float64]

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


_HOURLY = (
    "load_factor",
    "night_ratio",
    "midday_ratio",
    "evening_ratio",
    "autocorrelation_1h",
    "autocorrelation_24h",
    "profile_spread_ratio",
    "profile_share",
    "change_ratio",
    "calm_ratio",
    "step_share",
    "night_level_ratio",
    "uplift_spread_share",
    "uplift_low_share",
    "rest_load_factor",
    "rest_night_share",
    "rest_midday_share",
    "low_change_1d",
    "low_change_28d",
    "low_ratio",
    "calm_hour_change",
    "low_hour_change",
    "dip_rate",
    "dip_depth",
    "dip_spread",
    "step_rate",
    "step_size_kw",
    "step_size_ratio",
    "step_equal_share",
    "envelope_spread",
    "envelope_low",
    "additive_share",
    "profile_correlation",
    "spread_change",
    "largest_to_contract",
    "price_off_rank",
    "price_correlation",
)
_WITHIN_DAY = [VECTOR.index(name) for name in _HOURLY]
"""Inputs that a reading once a day says nothing of."""


class Vectors(NamedTuple):
    """The model's inputs (customers, ``VECTOR``) and what they were made of, customers in the same order."""

    matrix: Floats
    judged: Judged
    curves: Curves

    @property
    def usage_point_ids(self) -> list[str]:
        """The customers in the order of the rows."""
        return self.curves.usage_point_ids


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
    curves, meters = with_daily(curves_of(tables.readings), meters_of(tables.readings), tables.daily_readings)
    archive = archive_of(curves.usage_point_ids, tables.usage_points)
    world = world_of(curves, archive.regions, tables.weather, tables.prices, tables.zone)
    judged = load_blocks(Ragged(*curves[1:]), meters, world, period_days)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = (
            judged.features,
            _block_vector(judged),
            judged.coverage[:, Coverage.interval_hours],
            _rest_vector(judged.features),
            judged.steadiness,
            judged.changes,
            judged.responses[:, : Response.cooling_slope],
            _archive_vector(judged, archive.numbers),
            peer_vector(judged, archive),
            judged.responses[:, Response.cooling_slope :],
            judged.electrics,
        )
        matrix = np.column_stack(parts)
    daily = judged.coverage[:, Coverage.interval_hours] >= HOURS
    matrix[np.ix_(daily, _WITHIN_DAY)] = np.nan
    return Vectors(matrix, judged, curves)


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


def _rest_vector(features: Floats) -> Floats:
    """Return how the load lies above its second hundredth, relative to all of it or to its spread."""
    of = features.T
    low, high, mean = of[Feature.q02_ratio], of[Feature.q98_ratio], 1 - of[Feature.q02_ratio]
    return np.column_stack(
        (
            1 - low / of[Feature.q10_ratio],
            mean / (1 / of[Feature.load_factor] - low),
            (of[Feature.q25_ratio] - low) / (high - low),
            (of[Feature.q50_ratio] - low) / (high - low),
            (of[Feature.night_ratio] - low) / mean,
            (of[Feature.midday_ratio] - low) / mean,
        )
    )


def _archive_vector(judged: Judged, numbers: Floats) -> Floats:
    mean_kw = judged.features[:, Feature.mean_kw]
    contract_kva = numbers[:, 3]
    sizes = (
        mean_kw,
        mean_kw / judged.features[:, Feature.load_factor],
        judged.block[:, Block.level_kw],
        judged.block[:, Block.step_kw],
    )
    return np.column_stack((numbers, *(size / contract_kva for size in sizes)))
