"""How a customer's load and floors answer to rest days, Spring Festival, temperature and price."""

from enum import IntEnum


class Response(IntEnum):
    """Place of each number of ``responses``; slopes: per kelvin, relative to the mean of what is fitted."""

    restday_ratio = 0  # daily means on rest days to those on workdays
    restday_floor_ratio = 1  # the same of floors
    festival_ratio = 2  # days of Spring Festival to the other days within five weeks
    festival_floor_ratio = 3
    cooling_slope = 4  # of daily means above 18 degC
    heating_slope = 5  # below 12 degC, positive where more is drawn in the cold
    temperature_share = 6  # of the variance of daily means that temperature explains
    floor_cooling_slope = 7
    floor_heating_slope = 8
    floor_temperature_share = 9
    price_off_rank = 10  # probability that an hour off is dearer than one of the same day on
    dear_off_share = 11  # hours off among the dearest tenth of the run's hours
    cheap_off_share = 12  # hours off among the cheaper half
    price_correlation = 13  # of hourly load with price, within days
