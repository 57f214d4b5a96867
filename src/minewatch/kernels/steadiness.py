"""How steady the lowest hours of a curve are, and by what steps they change: machines against habits."""

from enum import IntEnum


class Steadiness(IntEnum):
    """Place of each number of ``steadiness``; ratios are to the floor, the median of the daily floors."""

    floor_change_1d = 0  # median change of the daily floor from one day to the next
    floor_change_7d = 1  # to the same day of the next week
    floor_change_28d = 2
    floor_change_91d = 3
    floor_low_ratio = 4  # tenth of the daily floors
    floor_high_ratio = 5  # nine tenths
    low_change_1d = 6  # median change of the day's second lowest hour
    low_change_28d = 7
    low_ratio = 8  # median of the second lowest hours
    calm_wobble = 9  # tenth of the deviations of readings from their hour's mean
    low_wobble = 10  # median of them in the hours at the floor
    calm_hour_change = 11  # tenth of the changes from one hour to the next
    low_hour_change = 12  # median of them between hours at the floor
    dip_rate = 13  # falls from the floor by a quarter at least that come back within a day, per 30 days
    dip_depth = 14  # median depth of them
    dip_spread = 15  # median distance of depths from their median
    step_rate = 16  # lasting changes between calm hours, per 30 days
    step_size_kw = 17  # commonest size of them
    step_size_ratio = 18
    step_equal_share = 19  # share of the changes that have it
