"""Feeders of 10 kV: what their head supplies, what the line loses, the bus's voltage, mines on the line.

A feeder's head supplies its transformers, the loss of its line (three times current squared times
resistance) and whatever taps the line without a meter. Assumed: insulated aluminium of 120 to 240 mm2 (0.13
to 0.27 ohm/km) and 2 to 9 km to the load centre, chosen so that at most 5 % of the voltage falls at the usual
peak (GB/T 12325 allows 7 %); the bus at 10.0 to 10.5 kV, with steps of 1.25 % where the substation changes
its tap. Customers' voltages follow the bus and the line. One feeder in about six feeds a mine (in nature far
fewer).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minewatch.sim.county import CountyPlan, Customer, MinePlan
from minewatch.sim.loads.mining import mining_load
from minewatch.sim.loads.shapes import Rng, log_uniform, wander
from minewatch.sim.mines import draw_mine
from minewatch.sim.scene import PER_DAY, Floats, Scene
from minewatch.sim.streams import stream

LINE_KV = 10.0
_X_PER_R, _CUSTOMERS_PER_TAP = 1.6, 2000
_TAP_TANGENT = 0.17
"""Reactive power of a tapping mine with its transformer as a share of its active power."""


@dataclass(frozen=True)
class Tap:
    """A mine on a transformer of its own that hangs on a feeder's line, known to no archive and no meter."""

    number: int
    feeder_id: str
    mine: MinePlan


class Head(NamedTuple):
    """The head of a feeder, shape (periods,): its power, the loss of the line, its voltage.

    ``bus`` and ``fallen``, what of it falls down to the load centre, are shares of the nominal voltage;
    ``line_ohm`` is what the archive says.
    """

    line_ohm: float
    kw: Floats
    kvar: Floats
    loss_kw: Floats
    bus: Floats
    fallen: Floats


def taps(plan: CountyPlan, number: int, customers: Sequence[Customer]) -> tuple[Tap, ...]:
    """Return the taps of partition ``number``: one per 2,000 customers, one at least in the first."""
    first, last = (edge // _CUSTOMERS_PER_TAP for edge in plan.bounds(number))
    first, last = (0, max(last, 1)) if number == 0 else (max(first, 1), max(last, 1))
    feeders = sorted({customer.feeder_id for customer in customers})
    numbers = range(first, min(last, first + len(feeders)) if plan.share_of_mines > 0 else first)
    places = stream(plan.seed, number, "taps").permutation(len(feeders))
    return tuple(
        Tap(tap, feeders[int(place)], _tapping(plan, tap))
        for tap, place in zip(numbers, places, strict=False)
    )


def _tapping(plan: CountyPlan, tap: int) -> MinePlan:
    return draw_mine(stream(plan.seed, "county", "tap", tap), plan, "feeder_tap", f"V{tap:06d}")


def tap_kw(plan: CountyPlan, scene: Scene, tap: Tap) -> Floats:
    """Return what a tap draws from the line, kW, shape (periods,)."""
    return mining_load(stream(plan.seed, "tap", tap.number, "mine"), scene, tap.mine)


def tap_customer(plan: CountyPlan, tap: Tap, of_feeder: Customer) -> Customer:
    """Return a tapping mine as if it were an account near ``of_feeder``: for its papers, line and traffic."""
    place = stream(plan.seed, "tap", tap.number, "place")
    return Customer(
        number=plan.customers + 100_000 + tap.number,
        usage_point_id=tap.feeder_id,
        kind="office",
        tariff_class="",
        industry_code="6550",
        contract_kva=0.0,
        voltage_kv=LINE_KV,
        transformer_id="",
        claimed_transformer_id="",
        feeder_id=tap.feeder_id,
        phase=None,
        premises=of_feeder.premises,
        region_code=of_feeder.region_code,
        lon=round(of_feeder.lon + place.normal(0, 0.02), 6),
        lat=round(of_feeder.lat + place.normal(0, 0.02), 6),
        opened_on=tap.mine.onset_on,
        closed_on=None,
        mine=tap.mine,
    )


def head_of(rng: Rng, bus: Floats, load: tuple[Floats, Floats], tapped_kw: Floats) -> Head:
    """Return the head of a feeder whose transformers take ``load`` (kW, kvar); each shape (periods,)."""
    kw, kvar = load[0] + tapped_kw, load[1] + _TAP_TANGENT * tapped_kw
    kva = np.hypot(kw, kvar)
    usual_peak = max(float(np.quantile(np.hypot(*load), 0.999)), 1.0)
    designed = 0.05 * 1000 * LINE_KV**2 / usual_peak
    ohm = min(log_uniform(rng, 0.13, 0.27) * log_uniform(rng, 2, 9), designed)
    loss = kva**2 / LINE_KV**2 * ohm * rng.uniform(0.85, 1.15) / 1000
    fallen = ohm * (kw + _X_PER_R * kvar) / (1000 * LINE_KV**2)
    return Head(round(ohm, 3), kw + loss, kvar + _X_PER_R * loss, loss, bus, fallen)


def bus_voltage(rng: Rng, scene: Scene) -> Floats:
    """Return a substation's 10 kV bus as a share of 10 kV, shape (periods,)."""
    evening = np.cos(2 * np.pi * (scene.hour - 19.5) / 24)
    steps = 0.0125 * np.round(wander(rng, scene.periods, PER_DAY / 4, 0.012) / 0.0125)
    slow = wander(rng, scene.periods, 2 * PER_DAY, 0.005) + wander(rng, scene.periods, 3, 0.0012)
    return np.clip(rng.uniform(1.005, 1.035) - rng.uniform(0.002, 0.012) * evening + steps + slow, 0.94, 1.07)


def feeder_row(feeder_id: str, number: int, region_code: str, head: Head) -> dict[str, Any]:
    """Return a row of the table ``feeders``; the feeders of a partition leave one substation."""
    return {
        "feeder_id": feeder_id,
        "substation_id": f"B{region_code}-{number:05d}",
        "region_code": region_code,
        "voltage_kv": LINE_KV,
        "resistance_ohm": head.line_ohm,
    }
