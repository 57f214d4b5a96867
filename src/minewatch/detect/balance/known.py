"""What is known of losses, light and strangers before the books of a transformer or feeder are opened."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.detect.balance.series import Series
from minewatch.kernels.power.hours import HOURS

Doubles = npt.NDArray[np.float64]

IRON_TOLERANCE = 0.07
"""Standard deviation of iron losses about the nameplate: +15 % at most is allowed (IEC 60076-1, 10)."""
TYPICAL_IRON, TYPICAL_IRON_SPREAD = 0.0016, 0.0008
"""Iron loss over rated power where the nameplate is unknown (GB 20052, S9 to S20, 30 to 2500 kVA)."""
TYPICAL_COPPER = 1.3
"""Load loss, % of rated power, where the nameplate is unknown (GB 20052)."""
LINE_LOSS, LINE_LOSS_SPREAD = 1.6, 1.2
"""Loss of low-voltage lines at rated load, % (assumed; 0.2 to 3)."""
USUAL_TANGENT = 0.3
"""Reactive over active power where it is not metered."""
DUSK = -0.05
"""Sine of the sun's height at which street lights go on (3 degrees below the horizon)."""
MIDDLE_LATITUDE = 33.0
NAMEPLATE = ("rated_kva", "no_load_loss_kw", "load_loss_kw", "lon", "lat")


class Strangers(NamedTuple):
    """Meters that hang elsewhere than the archive says come by the ``box``, with these probabilities.

    ``moved``: there is one; ``moves``: one is moved, or changes its load for good, within the data.
    """

    box: int
    moved: float
    moves: float


class Known(NamedTuple):
    """What is known beforehand, means with standard deviations.

    ``iron_kw``: losses without load. ``load_kw`` (hours,): what one unit of ``load_loss`` loses, a square of
    the current. ``share_error``: load like that of the meters, over theirs. ``sun_share``, ``dark_share``:
    of the mean supply, fed in by the sun and burnt at night. ``sun_height`` (hours,): sine of the sun's
    height. ``nameplate_kw``: iron loss by the nameplate, None where unknown.
    """

    rated_kva: float
    iron_kw: tuple[float, float]
    load_kw: Doubles
    load_loss: tuple[float, float]
    share_error: float
    sun_share: float
    dark_share: float
    sun_height: Doubles
    strangers: Strangers
    nameplate_kw: float | None


def transformer_known(series: Series, archive: Mapping[str, Any], utc_offset_h: float) -> Known:
    """Return what is known of a transformer.

    ``archive`` has values of ``NAMEPLATE`` where they are known; ``load_loss`` is in % of rated power lost at
    rated current, in windings and low-voltage lines. ``utc_offset_h`` tells where the sun stands.
    """
    rated = archive.get("rated_kva") or 1.3 * float(np.nanquantile(np.abs(series.supply_kw), 0.999))
    nameplate, copper_kw = archive.get("no_load_loss_kw"), archive.get("load_loss_kw")
    iron_kw = (TYPICAL_IRON * rated, TYPICAL_IRON_SPREAD * rated)
    if nameplate:
        iron_kw = (nameplate, IRON_TOLERANCE * nameplate)
    copper = 100 * copper_kw / rated if copper_kw else TYPICAL_COPPER
    alone = series.below.floors_kw.size <= 2
    return Known(
        rated_kva=rated,
        iron_kw=iron_kw,
        load_kw=apparent_kva(series) ** 2 / rated / 100,
        load_loss=(copper + LINE_LOSS, LINE_LOSS_SPREAD),
        share_error=0.03,
        sun_share=0.5,
        dark_share=0.05,
        sun_height=sun_height(series, (archive.get("lon"), archive.get("lat")), utc_offset_h),
        strangers=Strangers(6, 0.01, 0.01) if alone else Strangers(6, 0.05, 0.02),
        nameplate_kw=nameplate or None,
    )


def apparent_kva(series: Series) -> Doubles:
    """Return the apparent power that goes in, 0 where unknown; (hours,)."""
    kvar = np.where(np.isnan(series.supply_kvar), USUAL_TANGENT * series.supply_kw, series.supply_kvar)
    return np.nan_to_num(np.hypot(series.supply_kw, kvar))


def sun_height(series: Series, place: tuple[float | None, float | None], utc_offset_h: float) -> Doubles:
    """Return the sine of the sun's height in the middle of each hour at ``place`` (longitude, latitude, deg).

    Without a place that of mid China, at noon by the clock.
    """
    longitude, latitude = place
    phi = np.radians(MIDDLE_LATITUDE if latitude is None else latitude)
    ahead_h = 0.0 if longitude is None else longitude / 15 - utc_offset_h
    day = np.repeat(np.arange(series.days) + series.first_day, HOURS)
    hour = np.tile(np.arange(HOURS) + 0.5, series.days) + ahead_h
    # 1970-01-01 began a year; leap days move the sun by less than a quarter degree.
    declination = np.radians(-23.44) * np.cos(2 * np.pi * (day % 365.2425 + 10) / 365.2425)
    angle = np.radians(15 * (hour - 12))
    across: Doubles = np.cos(phi) * np.cos(declination) * np.cos(angle)
    return np.sin(phi) * np.sin(declination) + across
