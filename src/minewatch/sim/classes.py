"""Classes of customers: tariff, industry, size, power factor, how often they change, and their share.

``county`` shares are assumed from general statistics (about 2 million telecom sites for some 650 million
customers in China, 3 per 1,000) and raised a little for rare classes so that a small county has some;
``training`` shares give every look-alike as much weight as ordinary customers, and have loads of no class,
which no county has. GB/T 4754-2017 industries.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import NamedTuple

from minewatch.sim.loads import households, industry, lookalikes, other, trade
from minewatch.sim.loads.shapes import Rng
from minewatch.sim.scene import Floats, Scene

LoadFunction = Callable[[Rng, Scene, float], Floats]


class Habits(NamedTuple):
    """Probability within a year of: being newly connected, a change of tenant, a lasting step in size."""

    opening: float
    tenant: float
    step: float


class CustomerClass(NamedTuple):
    """One class: contract size range (kVA), power factor range at full load, reactive share that stays."""

    load: LoadFunction
    tariffs: tuple[str, ...]
    industries: tuple[str, ...]
    kva: tuple[float, float]
    power_factor: tuple[float, float]
    habits: Habits
    share: float
    training: float


_HOME, _SHOP, _STAYS, _NEW = (
    Habits(0.02, 0.03, 0.02),
    Habits(0.06, 0.12, 0.05),
    Habits(0.02, 0, 0.06),
    Habits(0.25, 0, 0.15),
)
_C, _T, _A = ("commercial_single",), ("commercial_two_part", "commercial_single"), ("agricultural",)

CLASSES = MappingProxyType(
    {
        "household": CustomerClass(
            households.household, ("residential",), ("",), (4, 12), (0.93, 0.99), _HOME, 0.0, 0.12
        ),
        "empty_home": CustomerClass(
            households.empty_home, ("residential",), ("",), (4, 12), (0.6, 0.95), _HOME, 0.06, 0.01
        ),
        "shop": CustomerClass(
            trade.shop, _C, ("5211", "5212", "5239", "8051"), (5, 80), (0.85, 0.97), _SHOP, 0.05, 0.06
        ),
        "restaurant": CustomerClass(
            trade.restaurant, _C, ("6210", "6220"), (10, 90), (0.88, 0.98), _SHOP, 0.012, 0.03
        ),
        "office": CustomerClass(
            trade.office, _C, ("7211", "9221", "7291", "6513"), (15, 400), (0.88, 0.97), _STAYS, 0.012, 0.04
        ),
        "school": CustomerClass(
            trade.school, ("residential",), ("8321", "8331"), (50, 500), (0.88, 0.97), _STAYS, 0.003, 0.02
        ),
        "hotel": CustomerClass(
            trade.hotel, _C, ("6110", "6121"), (40, 630), (0.88, 0.97), _STAYS, 0.003, 0.02
        ),
        "hospital": CustomerClass(
            trade.hospital, _C, ("8411", "8423"), (60, 2000), (0.88, 0.96), _STAYS, 0.001, 0.02
        ),
        "farm": CustomerClass(
            trade.farm, _A, ("0313", "0321", "0311"), (10, 250), (0.75, 0.95), _SHOP, 0.008, 0.03
        ),
        "irrigation": CustomerClass(
            trade.irrigation, _A, ("0513",), (5, 120), (0.75, 0.88), _STAYS, 0.015, 0.015
        ),
        "construction_site": CustomerClass(
            trade.construction_site, _C, ("4710",), (50, 630), (0.6, 0.85), _NEW, 0.002, 0.015
        ),
        "workshop": CustomerClass(
            industry.workshop, _C, ("3311", "2110", "1830"), (10, 99), (0.65, 0.9), _SHOP, 0.015, 0.03
        ),
        "one_shift": CustomerClass(
            industry.one_shift, _T, ("3311", "2921", "3351"), (50, 1250), (0.8, 0.96), _STAYS, 0.006, 0.03
        ),
        "two_shift": CustomerClass(
            industry.two_shift, _T, ("2921", "3670", "1353"), (80, 2500), (0.82, 0.97), _STAYS, 0.003, 0.03
        ),
        "three_shift": CustomerClass(
            industry.three_shift, _T, ("1711", "2922", "3982"), (100, 4000), (0.85, 0.98), _STAYS, 0.003, 0.04
        ),
        "continuous_process": CustomerClass(
            industry.continuous_process,
            _T,
            ("1711", "2614", "3011", "2221", "2619"),
            (50, 5000),
            (0.85, 0.99),
            _STAYS,
            0.002,
            0.04,
        ),
        "telecom_base_station": CustomerClass(
            lookalikes.telecom_base_station, _C, ("6312",), (8, 50), (0.92, 0.995), _NEW, 0.004, 0.04
        ),
        "server_room": CustomerClass(
            lookalikes.server_room,
            _C,
            ("6550", "6513", "9221", "6311"),
            (8, 200),
            (0.93, 0.995),
            _NEW,
            0.0015,
            0.04,
        ),
        "gpu_server": CustomerClass(
            lookalikes.gpu_server, _C, ("6550", "7310", "8341"), (2, 120), (0.94, 0.995), _NEW, 0.0007, 0.04
        ),
        "data_centre": CustomerClass(
            lookalikes.data_centre, _T, ("6450", "6550"), (100, 6000), (0.93, 0.995), _NEW, 0.0005, 0.03
        ),
        "cold_store": CustomerClass(
            lookalikes.cold_store, _T, ("5930", "1353"), (10, 800), (0.8, 0.97), _NEW, 0.002, 0.04
        ),
        "street_light": CustomerClass(
            lookalikes.street_light, _C, ("7810",), (3, 80), (0.85, 0.98), _STAYS, 0.003, 0.02
        ),
        "ev_charger": CustomerClass(
            lookalikes.ev_charger, ("ev_charging",), ("5267",), (8, 800), (0.95, 0.995), _NEW, 0.003, 0.03
        ),
        "aquaculture": CustomerClass(
            lookalikes.aquaculture, _A, ("0412",), (5, 250), (0.75, 0.93), _SHOP, 0.004, 0.03
        ),
        "electric_heating": CustomerClass(
            lookalikes.electric_heating, ("heating",), ("4430",), (20, 2000), (0.95, 0.999), _NEW, 0.001, 0.03
        ),
        "grow_house": CustomerClass(
            lookalikes.grow_house, _A, ("0141", "0142"), (10, 600), (0.92, 0.995), _NEW, 0.001, 0.03
        ),
        "pumping_station": CustomerClass(
            lookalikes.pumping_station, _T, ("4610", "4620"), (20, 1000), (0.78, 0.96), _STAYS, 0.0015, 0.02
        ),
        "building_services": CustomerClass(
            lookalikes.building_services,
            ("commercial_single", "residential"),
            ("7020",),
            (5, 160),
            (0.8, 0.97),
            _STAYS,
            0.004,
            0.03,
        ),
        "other": CustomerClass(
            other.other,
            (*_C, "residential", "agricultural", "commercial_two_part"),
            ("", "7291", "9221", "3311", "0513", "5990", "8890"),
            (4, 2000),
            (0.7, 0.995),
            _SHOP,
            0.0,
            0.06,
        ),
        "fuel_station": CustomerClass(
            lookalikes.fuel_station, _C, ("5265",), (20, 100), (0.85, 0.97), _STAYS, 0.001, 0.01
        ),
    }
)
"""Every class by name. The share of households is what the others leave."""


def shares(mix: str) -> dict[str, float]:
    """Return class → share of customers in ``mix``; they add up to 1."""
    drawn = {name: (spec.share if mix == "county" else spec.training) for name, spec in CLASSES.items()}
    drawn["household"] = 1 - sum(share for name, share in drawn.items() if name != "household")
    return drawn
