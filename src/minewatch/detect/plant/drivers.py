"""What each kind of plant can make from its drivers, by physics and nameplate, before anything is learnt.

Hydro: 9.81 kN/m3 x efficiency x flow x net head, turbines weaker at part load (ESHA, *Guide on how to develop
a small hydropower plant*, 2004, ch. 6). Wind: a farm's curve at the wind of standard density (IEC
61400-12-1). Solar: irradiance x (1 - 0.4 %/K above 25 degC of the cell), cell 28 K above the air at
1000 W/m2, less in dim light, up to the inverters' limit (IEC 61724-1). Thermal and captive: the Willans line,
output = slope x (fuel - fuel for heat) - what a tenth of the fuel at rated power would give, which flows
without output.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Columns = Mapping[str, Floats]
Nameplate = Mapping[str, Any]

GRAVITY = 9.81
LOW_LOAD = 0.35
"""Below this share of the design flow the last turbine runs badly or stands, each plant in its way."""
KELVIN = 273.15


class Physics(NamedTuple):
    """Expected output and how far a plant's own curve may lie from it; arrays of shape (hours,).

    ``expected_mw`` by nameplate (NaN where a driver is missing); ``place``: where on the curve, 0 to about 1;
    ``unit_mw``: what a relative deviation of the curve is of; ``extras``: further terms, each with the spread
    of its coefficient; ``cap_mw``: capacity in service where it cuts the output off;
    ``unsure_mw``: error of an hour (1 sigma) beyond the usual.
    """

    expected_mw: Floats
    place: Floats
    unit_mw: Floats
    cap_mw: Floats
    extras: tuple[tuple[Floats, float], ...] = ()
    unsure_mw: Floats | float = 0.0


@dataclass(frozen=True)
class Kind:
    """A kind of plant: how its output follows its drivers, and how far a plant may differ.

    ``needs``: columns without which nothing is expected; ``scaled``: the column that losses and gauge errors
    scale (None: the output itself); ``bound``: dispatch cuts the output off; ``line``: physics is a
    line through the origin, so that a flat load older than the readings can be told from the curve;
    ``jump_h``: mean hours between jumps of the factor (gates, racks, units come and go at hydro plants).
    ``knots`` of the curve, what is known beforehand (1 sigma) of it at each knot and of its scale as a whole.
    """

    needs: tuple[str, ...]
    scaled: str | None
    physics: Callable[[Columns, Nameplate], Physics]
    bound: bool
    knots: tuple[float, ...]
    spread: tuple[float, ...]
    scale_spread: float
    line: bool = False
    jump_h: float = 1000.0


def hydro(columns: Columns, plate: Nameplate) -> Physics:
    """Return what the water allows the units in service; spill is taken off where a gauge tells it.

    Beyond the design flow the place goes on, since tail water rises.
    """
    rated, efficiency = plate["rated_mw"], plate["design_efficiency"] or 0.86
    head = columns["head_m"]
    usual_head = plate["design_head_m"] or _usual(head)
    head = np.where(np.isnan(head), usual_head, head)
    design = plate["design_flow_m3s"] or 1000 * rated / (GRAVITY * efficiency * usual_head)
    inflow = columns["inflow_m3s"]
    beyond = np.clip(inflow - design, 0, None)  # spills in any case; its gauge errors must not count
    lost = np.clip(np.nan_to_num(columns["spill_m3s"]) - 1.1 * beyond, 0, None)
    place = np.clip((inflow - np.where(lost > 0, lost + beyond, 0.0)) / design, 0, 4)
    in_service = _cap(columns, rated) / rated
    cut = (in_service < 0.999) & (place > 0.98 * in_service)
    place = np.where(cut, in_service, place)
    full = GRAVITY * efficiency * design * head / 1000
    used = np.minimum(place, 1.0)
    expected = full * used * (1 - 0.15 * (1 - used) ** 2)
    return Physics(
        expected,
        place,
        expected + 0.01 * rated,
        np.full(place.size, 1.2 * rated),
        unsure_mw=expected * np.where(cut, 0.03, np.where(place < LOW_LOAD, 0.1, 0.0)),
    )


def wind(columns: Columns, plate: Nameplate) -> Physics:
    """Return what the wind allows the turbines in service."""
    rated = plate["rated_mw"]
    air_c = np.nan_to_num(columns["temperature_c"], nan=15.0)
    speed = columns["wind_ms"] * (288.15 / (KELVIN + air_c)) ** (1 / 3)
    share = np.clip((1 / (1 + np.exp(-(speed - 8.4) / 1.3)) - 0.012) / 0.988, 0, 1)
    share = share / (1 + np.exp((speed - 24.5) / 0.7))
    in_service = _cap(columns, rated)
    return Physics(in_service * share, speed / 12, in_service, np.full(speed.size, rated * 1.05))


def solar(columns: Columns, plate: Nameplate) -> Physics:
    """Return what the sun allows the inverters in service."""
    rated = plate["rated_mw"]
    sun = columns["irradiance_w_m2"] / 1000
    cell_c = np.nan_to_num(columns["temperature_c"], nan=15.0) + 28 * sun
    share = sun * (1 - 0.004 * (cell_c - 25)) * sun / (sun + 0.012)
    in_service = _cap(columns, rated)
    expected = in_service * np.minimum(share, 1.0)
    return Physics(expected, share, expected, in_service)


def thermal(columns: Columns, plate: Nameplate) -> Physics:
    """Return what the fuel gives beyond the heat delivered."""
    rated, efficiency = plate["rated_mw"], plate["design_efficiency"] or 0.3
    slope = efficiency / 0.9
    fuel = columns["fuel_mw"]
    heat = slope * np.nan_to_num(columns["heat_mw"]) / 0.88
    running = fuel > 0.02 * rated / efficiency
    expected = np.where(running, slope * fuel - heat - 0.111 * rated, 0.0)
    expected = np.where(np.isnan(fuel), np.nan, np.clip(expected, 0, None))
    place = expected / rated
    extras = ((np.where(running, heat, 0.0), 0.1), (np.where(running, rated, 0.0), 0.04))
    return Physics(expected, place, expected, np.full(fuel.size, 1.2 * rated), extras)


def _usual(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else 1.0


def _cap(columns: Columns, rated_mw: float) -> Floats:
    return np.where(np.isnan(columns["available_mw"]), rated_mw, columns["available_mw"])


_PARTS = (0.0, 0.06, 0.12, 0.18, 0.25, 0.32, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.5)
_FLOWS = (*_PARTS[:-1], 1.5, 2.2, 4.0)
_WINDS = (0.0, 0.2, 0.25, 0.3, 0.36, 0.42, 0.48, 0.55, 0.62, 0.7, 0.8, 0.9, 1.0, 1.2, 1.7, 2.0, 2.2)
_SUNS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0, 1.1, 1.3)

KINDS: Mapping[str, Kind] = {
    "hydro": Kind(
        ("inflow_m3s",), "inflow_m3s", hydro, True, _FLOWS,
        (0.6, 0.6, 0.6, 0.4, 0.25, 0.15, 0.08, 0.05, 0.04, *(0.03,) * 5, 0.05, 0.07, 0.1), 0.05, jump_h=300.0,
    ),
    "wind": Kind(
        ("wind_ms",), None, wind, True, _WINDS,
        (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, *(0.06,) * 4, 0.05, 0.03, 0.03, 0.03, 0.1, 0.3),
        0.04,
    ),
    "solar": Kind(
        ("irradiance_w_m2",), "irradiance_w_m2", solar, True, _SUNS,
        (0.3, 0.2, 0.12, 0.05, 0.03, 0.02, 0.015, 0.015, 0.02, 0.03, 0.04, 0.06, 0.1), 0.1, line=True,
    ),
    "thermal": Kind(("fuel_mw",), "fuel_mw", thermal, False, _PARTS, (0.1,) * 4 + (0.03,) * 11, 0.05),
    "captive": Kind(
        ("fuel_mw", "site_load_mw"), "fuel_mw", thermal, False, _PARTS, (0.1,) * 4 + (0.03,) * 11, 0.05
    ),
}  # fmt: skip
"""What is known beforehand of each kind's curve; the widths are assumptions, stated in the docs."""


def scaled_by(kind: Kind, columns: Columns, factor: float) -> Columns:
    """Return the columns as they are if the driver counts by ``factor``."""
    if kind.scaled is None:
        return columns
    return {**columns, kind.scaled: factor * columns[kind.scaled]}


def met_output(columns: Columns) -> Floats:
    """Return output that meters account for, MW: to the grid, the plant itself, the owner's works."""
    total = columns["mw"].copy()
    for name in ("aux_mw", "site_load_mw"):
        if not np.isnan(columns[name]).all():
            total = total + columns[name]
    return total


def hindered(columns: Columns, kind: Kind, able_mw: Floats) -> Flags:
    """Tell at which hours dispatch asked for less than the plant could make: they say nothing."""
    if not kind.bound:
        return np.zeros(able_mw.size, np.bool_)
    asked = np.where(np.isnan(columns["dispatched_mw"]), np.inf, columns["dispatched_mw"])
    limited: Flags = asked < 1.04 * able_mw
    return limited


def idle(kind: Kind, physics: Physics, met_mw: Floats) -> Flags:
    """Tell at which hours the water is so low that turbines may stand, and do: they say nothing."""
    if kind.scaled != "inflow_m3s":
        return np.zeros(met_mw.size, np.bool_)
    standing: Flags = (physics.place < LOW_LOAD) & (met_mw < 0.05 * np.nanmax(physics.expected_mw))
    return standing
