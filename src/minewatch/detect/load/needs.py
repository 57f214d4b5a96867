"""What a detector needs before it judges. A refusal is a reason with the numbers that show it."""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.kernels.power.hours import HOURS
from minewatch.kernels.power.load_blocks import Coverage
from minewatch.schema.reasons import Reason, reason

_EPOCH = date(1970, 1, 1)


class LoadNeeds(NamedTuple):
    """What a curve must have: days from the first to the last reading, and how much may be missing.

    Two weeks show each weekday twice; with more than half the hours gone daily floors are no longer floors.
    Of meters read once a day four weeks are needed (``daily_days``): a day tells one number, not a shape.
    """

    days: int = 14
    daily_days: int = 28
    missing_share: float = 0.5


LOAD_NEEDS = LoadNeeds()


def load_refusal(coverage: npt.NDArray[np.float64], needs: LoadNeeds = LOAD_NEEDS) -> Reason | None:
    """Return why a curve cannot be judged, or None. ``coverage`` is in the order of ``Coverage``."""
    days = int(np.nan_to_num(coverage[Coverage.span_days]))
    once_a_day = coverage[Coverage.interval_hours] >= HOURS
    needed = needs.daily_days if once_a_day else needs.days
    if days < needed:
        return reason("series_too_short", days=days, needed=needed)
    missing = 1 - coverage[Coverage.known_hours] / (days * HOURS)
    if missing > needs.missing_share:
        percents = {"missing_percent": 100 * float(missing), "allowed_percent": 100 * needs.missing_share}
        return reason("series_too_gappy", **percents)
    if not coverage[Coverage.total_kw] > 0:
        return reason("series_all_zero", days=days)
    if not coverage[Coverage.period_hours] > 0:
        last_day = _EPOCH + timedelta(days=int(coverage[Coverage.first_day]) + days - 1)
        return reason("load_none_in_period", last_day=last_day.isoformat())
    return None
