"""What a balance needs before it is judged. A refusal is a reason with the numbers that show it."""

from typing import NamedTuple

import numpy as np

from minewatch.detect.balance.series import Series
from minewatch.schema.reasons import Reason, reason


class BalanceNeeds(NamedTuple):
    """Days from the first to the last supply reading, what may be missing of it, and customers with readings.

    Two weeks show each weekday twice, which is what telling losses from a block needs. With more than three
    in ten customers unread what they use is larger than any block worth finding.
    """

    days: int = 14
    missing_share: float = 0.5
    read_share: float = 0.7


BALANCE_NEEDS = BalanceNeeds()


def balance_refusal(
    series: Series, period_days: tuple[int, int], needs: BalanceNeeds = BALANCE_NEEDS
) -> Reason | None:
    """Return why ``series`` cannot be judged for the days ``period_days`` (first, last + 1), or None.

    Days are counted from the first of the series.
    """
    if series.days == 0:
        return reason("balance_no_supply")
    if series.days < needs.days:
        return reason("series_too_short", days=series.days, needed=needs.days)
    missing = float(np.isnan(series.supply_kw).mean())
    if missing > needs.missing_share:
        percents = {"missing_percent": 100 * missing, "allowed_percent": 100 * needs.missing_share}
        return reason("series_too_gappy", **percents)
    if not np.nanmax(series.supply_kw) > 0:
        return reason("series_all_zero", days=series.days)
    if np.isnan(series.supply_kw[series.hours_of(*period_days)]).all():
        return reason("balance_none_in_period", last_day=series.day(series.days - 1).isoformat())
    return _customers_refusal(series, needs)


def _customers_refusal(series: Series, needs: BalanceNeeds) -> Reason | None:
    below = series.below
    read = int(np.isfinite(below.floors_kw).sum()) + below.read_daily
    customers = below.floors_kw.size + below.read_daily + below.unread_kva.size
    if read == 0:
        return reason("balance_no_customers")
    if read < needs.read_share * customers:
        percent = 100 * needs.read_share
        return reason("balance_too_few_read", read=read, customers=customers, needed_percent=percent)
    return None
