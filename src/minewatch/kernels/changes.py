"""What happens at the edge of a block: a constant added to each hour, or another life behind the meter."""

from enum import IntEnum


class Change(IntEnum):
    """Place of each number of ``change``; NaN for a block without an edge. Ratios are to the step."""

    envelope_uplift = 0  # median over 24 hours of the rise of the hour's lower quantile
    envelope_spread = 1  # standard deviation over the 24 hours
    envelope_low = 2  # smallest of the 24
    upper_uplift = 3  # median rise of the hour's upper quantile
    additive_share = 4  # 1: the mean day is shifted by a constant; 0: multiplied
    profile_correlation = 5  # of the mean day outside with that inside
    spread_change = 6  # ln of what hours vary within their day, inside to outside
    vacant_share = 7  # days of the month beside the edge with next to no load
    gap_days = 8  # days without readings beside the edge
    other_step = 9  # the next largest step in the floors
