"""How a customer's load and floors answer to rest days, Spring Festival, temperature and price.

Machines know no holidays, little of the weather, and of prices only if somebody lets them: what moves with
these is the occupants'.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.power.hours import HOURS, Floats
from minewatch.kernels.power.load_features import mean_known, quantile

Series = npt.NDArray[np.float64]


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


class World(NamedTuple):
    """What lies outside the meters, from local day ``first_day`` (since 1970-01-01) on.

    ``day_kinds`` (days,): 0 workday, 1 rest, 2 Spring Festival. ``temperature_c`` (regions, days) daily means
    and ``price`` (regions, days * 24), NaN where unknown. ``regions`` (customers, 2): each customer's row in
    the one and in the other, -1 for none.
    """

    first_day: int
    day_kinds: npt.NDArray[np.int8]
    temperature_c: Floats
    price: Floats
    regions: npt.NDArray[np.int32]


REST, FESTIVAL = 1, 2
FESTIVAL_REACH = 35
COOLING_C, HEATING_C = 18.0, 12.0
"""Between these outside temperatures buildings are neither cooled nor heated."""
_LEAST_SPREAD_K = 1.0


@njit(nogil=True, cache=True, error_model="numpy")
def daily_means(hourly: Floats) -> Series:
    """Return the mean of each day, kW, shape (days,)."""
    means = np.empty(hourly.size // HOURS)
    for day in range(means.size):
        means[day] = mean_known(hourly[day * HOURS : (day + 1) * HOURS])
    return means


@njit(nogil=True, cache=True, error_model="numpy")
def calendar_responses(means: Series, floor: Series, kinds: npt.NDArray[np.int8], response: Series) -> None:
    """Write the ratios of rest days and of Spring Festival for daily means and floors, kW, (days,)."""
    response[Response.restday_ratio] = _ratio(means, kinds == REST, kinds == 0)
    response[Response.restday_floor_ratio] = _ratio(floor, kinds == REST, kinds == 0)
    feast = kinds == FESTIVAL
    if feast.any():
        beside = np.zeros(kinds.size, np.bool_)
        for day in range(kinds.size):
            if feast[day]:
                beside[max(day - FESTIVAL_REACH, 0) : day + FESTIVAL_REACH + 1] = True
        beside &= ~feast
        response[Response.festival_ratio] = _ratio(means, feast, beside)
        response[Response.festival_floor_ratio] = _ratio(floor, feast, beside)


@njit(nogil=True, cache=True, error_model="numpy")
def _ratio(series: Series, wanted: npt.NDArray[np.bool_], others: npt.NDArray[np.bool_]) -> float:
    upper, lower = np.nanmean(series[wanted]), np.nanmean(series[others])
    return float(upper / lower) if lower > 0 else np.nan


@njit(nogil=True, cache=True, error_model="numpy")
def temperature_fit(series: Series, temperature_c: Floats) -> tuple[float, float, float]:
    """Return (cooling slope, heating slope, share of variance explained) of a daily series.

    Least squares of series / mean on degrees above 18 and below 12 degC, 1/K. A slope is NaN where the days
    differ by less than a kelvin (standard deviation) in its degrees.
    """
    known = ~(np.isnan(series) | np.isnan(temperature_c))
    number = known.sum()
    level = series[known].mean() if number else np.nan
    if number < 10 or not level > 0:
        return np.nan, np.nan, np.nan
    value = series[known] / level - 1
    warm = np.maximum(temperature_c[known] - COOLING_C, 0.0).astype(np.float64)
    cold = np.maximum(HEATING_C - temperature_c[known], 0.0).astype(np.float64)
    warm, cold = warm - warm.mean(), cold - cold.mean()
    ww, cc, wc = (warm * warm).mean(), (cold * cold).mean(), (warm * cold).mean()
    wv, cv, vv = (warm * value).mean(), (cold * value).mean(), (value * value).mean()
    has_warm, has_cold = ww >= _LEAST_SPREAD_K**2, cc >= _LEAST_SPREAD_K**2
    cooling, heating = np.nan, np.nan
    if has_warm and has_cold:
        determinant = ww * cc - wc * wc
        cooling, heating = (wv * cc - cv * wc) / determinant, (cv * ww - wv * wc) / determinant
    elif has_warm:
        cooling = wv / ww
    elif has_cold:
        heating = cv / cc
    else:
        return np.nan, np.nan, np.nan
    explained = (cooling * wv if has_warm else 0.0) + (heating * cv if has_cold else 0.0)
    return cooling, heating, explained / vv if vv > 0 else np.nan


@njit(nogil=True, cache=True, error_model="numpy")
def weather_responses(means: Series, floor: Series, temperature_c: Floats, response: Series) -> None:
    """Write the slopes of daily means and floors, kW, over daily mean temperatures, degC; (days,)."""
    first = Response.cooling_slope
    response[first : first + 3] = np.array(temperature_fit(means, temperature_c))
    response[first + 3 : first + 6] = np.array(temperature_fit(floor, temperature_c))


@njit(nogil=True, cache=True, error_model="numpy")
def price_responses(
    hourly: Floats, price: Floats, half_kw: float, counts: npt.NDArray[np.int32], response: Series
) -> None:
    """Write how a run's hours (days * 24) above and below ``half_kw`` lie to the price of the hour.

    Prices may be negative; they are shifted to begin at 0 for the quantiles. ``counts``: see
    ``minewatch.kernels.power.load_features.curve_features``.
    """
    lowest = np.float32(np.nanmin(price)) if price.size else np.float32(np.nan)
    if np.isnan(lowest):
        return
    shifted = price - lowest
    dear, middle = quantile(shifted, 0.9, counts), quantile(shifted, 0.5, counts)
    hours, off = np.zeros(2), np.zeros(2)
    dearer, pairs, product, squares, price_squares = 0.0, 0.0, 0.0, 0.0, 0.0
    for day in range(hourly.size // HOURS):
        kw, paid = hourly[day * HOURS : (day + 1) * HOURS], shifted[day * HOURS : (day + 1) * HOURS]
        for k in range(HOURS):
            if np.isnan(kw[k]) or np.isnan(paid[k]):
                continue
            is_off = kw[k] < half_kw
            if paid[k] >= dear:
                hours[0] += 1
                off[0] += is_off
            elif paid[k] <= middle:
                hours[1] += 1
                off[1] += is_off
        wins, number = _dearer_off(kw, paid, half_kw)
        dearer, pairs = dearer + wins, pairs + number
        moments = _moments(kw, paid)
        product, squares, price_squares = (
            product + moments[0],
            squares + moments[1],
            price_squares + moments[2],
        )
    if pairs:
        response[Response.price_off_rank] = dearer / pairs
    if hours[0] and hours[1]:
        response[Response.dear_off_share] = off[0] / hours[0]
        response[Response.cheap_off_share] = off[1] / hours[1]
    if squares > 0 and price_squares > 0:
        response[Response.price_correlation] = product / np.sqrt(squares * price_squares)


@njit(nogil=True, cache=True, error_model="numpy")
def _dearer_off(kw: Floats, price: Floats, half_kw: float) -> tuple[float, float]:
    """Pairs of one hour off and one on in which the one off is dearer (equal: half), and all pairs."""
    wins, pairs = 0.0, 0.0
    for k in range(kw.size):
        if kw[k] < half_kw:
            for j in range(kw.size):
                if kw[j] >= half_kw and not np.isnan(price[j] - price[k]):
                    pairs += 1
                    wins += 1.0 if price[k] > price[j] else 0.5 * (price[k] == price[j])
    return wins, pairs


@njit(nogil=True, cache=True, error_model="numpy")
def _moments(kw: Floats, price: Floats) -> tuple[float, float, float]:
    """Return a day's sums of products of kW and price, and of their squares, about the day's means."""
    number, level, paid = 0, 0.0, 0.0
    for k in range(kw.size):
        if not np.isnan(kw[k] + price[k]):
            number += 1
            level += kw[k]
            paid += price[k]
    product, squares, price_squares = 0.0, 0.0, 0.0
    for k in range(kw.size):
        if not np.isnan(kw[k] + price[k]):
            rise, more = kw[k] - level / number, price[k] - paid / number
            product, squares, price_squares = (
                product + rise * more,
                squares + rise**2,
                price_squares + more**2,
            )
    return product, squares, price_squares
