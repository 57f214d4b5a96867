"""Plans of mines: which kind, on whose account, with what machines, since when, and how they hide."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from minewatch.sim.county import CountyPlan, MinePlan
from minewatch.sim.loads.mining import RIGS_W, rated_w
from minewatch.sim.loads.shapes import Rng, log_uniform
from minewatch.sim.streams import stream


class MineKind(NamedTuple):
    """``hosts``: what the account pretends to be, with how many kVA; ``kw``: range of the mine's power.

    ``empty``: nothing but the mine behind the account. ``tariff``: replaces the host's, where it is cheated.
    """

    hosts: tuple[str, ...]
    kw: tuple[float, float]
    empty: bool = False
    tariff: str | None = None
    accounts: int = 1


MINE_KINDS: Mapping[str, MineKind] = MappingProxyType(
    {
        "whole_farm": MineKind(("office", "data_centre", "server_room"), (90, 4000), empty=True),
        "home": MineKind(("household",), (0.9, 12)),
        "factory": MineKind(("one_shift", "two_shift", "three_shift", "workshop"), (15, 800)),
        "data_centre": MineKind(("data_centre", "server_room"), (40, 2500)),
        "night_only": MineKind(("workshop", "shop", "one_shift", "office"), (4, 200)),
        "price_following": MineKind(("office", "data_centre", "continuous_process"), (60, 3000), empty=True),
        "seasonal": MineKind(("office", "workshop"), (60, 2500), empty=True),
        "split_accounts": MineKind(("shop", "office", "workshop"), (20, 70), empty=True, accounts=3),
        "farm_tariff": MineKind(
            ("farm", "irrigation", "aquaculture", "grow_house"), (8, 300), tariff="agricultural"
        ),
        "heating_tariff": MineKind(("electric_heating",), (15, 600), empty=True, tariff="heating"),
        "ev_tariff": MineKind(("ev_charger",), (10, 300), tariff="ev_charging"),
        "bypass": MineKind(("household", "shop", "workshop", "farm"), (6, 90)),
        "under_construction": MineKind(("construction_site",), (80, 1500)),
        "institution": MineKind(("office", "school", "hospital", "server_room"), (1, 30)),
    }
)
"""Kinds of mines behind a customer's account; mines on a plant's private line are in ``plants``."""

BEYOND_METERS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"plant_line": (200.0, 4000.0), "feeder_tap": (120.0, 1500.0)}
)
"""Mines behind no account, on a plant's private line or on the line of a feeder, and their power, kW."""


def nothing_else(kind: str) -> bool:
    """Tell whether there is nothing but the mine behind an account of this kind."""
    return kind in BEYOND_METERS or MINE_KINDS[kind].empty


DIALECTS = ("stratum_v1", "http_getwork", "ethereum_stratum", "monero_login", "stratum_v2")
"""Protocols to the pool."""

HIDINGS = ("none", "tls", "proxy", "vpn", "double_nat")
"""How traffic hides: not, TLS to the pool, one proxy for all machines, tunnel, two address translations."""

_ALGORITHM_DIALECTS = {
    "SHA-256": (("stratum_v1", "http_getwork", "stratum_v2"), (0.88, 0.04, 0.08)),
    "scrypt": (("stratum_v1",), (1.0,)),
    "kHeavyHash": (("stratum_v1",), (1.0,)),
    "Ethash": (("ethereum_stratum", "http_getwork"), (0.85, 0.15)),
    "RandomX": (("monero_login",), (1.0,)),
}


def mine_kind(plan: CountyPlan, number: int) -> str:
    """Return the kind of the county's mine ``number``: every kind comes before one comes again."""
    names = tuple(MINE_KINDS)
    order = stream(plan.seed, "county", "mine kinds", number // len(names)).permutation(len(names))
    return names[int(order[number % len(names)])]


def draw_mine(rng: Rng, plan: CountyPlan, kind: str, site: str) -> MinePlan:
    """Draw one mine of any kind; ``power_kw`` is its machines' and 4 % for the rest."""
    low, high = BEYOND_METERS[kind] if kind in BEYOND_METERS else MINE_KINDS[kind].kw
    fleet, algorithm = _machines(rng, kind, log_uniform(rng, low, high))
    power_kw = 1.04 * sum(rated_w(model) * count for model, count in fleet) / 1000
    dialects, odds = _ALGORITHM_DIALECTS[algorithm]
    onset = _onset_day(rng, plan, kind)
    end = onset + int(rng.exponential(200)) + 20
    ends = rng.random() < 0.25 and 0 < end < plan.days
    return MinePlan(
        site=site,
        kind=kind,
        machines=fleet,
        algorithm=algorithm,
        power_kw=round(power_kw, 3),
        onset_on=plan.start_on + timedelta(days=onset),
        end_on=plan.start_on + timedelta(days=end) if ends else None,
        dialect=str(rng.choice(dialects, p=odds)),
        hiding=str(rng.choice(HIDINGS, p=(0.4, 0.2, 0.15, 0.1, 0.15))),
        metered=kind != "bypass",
    )


_MODELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "SHA-256": (
            *("Antminer S9", "Antminer S17 Pro", "WhatsMiner M21S", "WhatsMiner M30S", "Antminer S19"),
            *("Antminer S19 Pro", "WhatsMiner M50S", "Antminer S19 XP", "Antminer T21", "WhatsMiner M60"),
            *("Antminer S21", "Antminer S21 Pro", "Antminer S21 XP", "Antminer S21 XP Hyd"),
        ),
        "scrypt": ("Antminer L7",),
        "kHeavyHash": ("Antminer KS5 Pro",),
        "Ethash": ("Antminer E9 Pro",),
        "RandomX": ("CPU server",),
    }
)
"""What simulated mines buy (assumed)."""


def _onset_day(rng: Rng, plan: CountyPlan, kind: str) -> int:
    if kind == "under_construction":
        return int(rng.uniform(0.45, 0.9) * plan.days)
    return int(rng.integers(0, plan.days)) if rng.random() < 0.45 else -int(rng.integers(1, 700))


def _machines(rng: Rng, kind: str, wanted_kw: float) -> tuple[tuple[tuple[str, int], ...], str]:
    algorithm = _algorithm(rng, kind, wanted_kw)
    models = _MODELS[algorithm]
    if algorithm == "Ethash" and rng.random() < 0.6:
        models = ("GPU rig 8x",)
    chosen = rng.choice(models, size=min(len(models), 1 + int(rng.geometric(0.6))), replace=False)
    parts = rng.dirichlet(np.full(chosen.size, 2.0)) * wanted_kw * 1000
    counts = [
        max(round(part / rated_w(model)), int(n == 0))
        for n, (model, part) in enumerate(zip(chosen, parts, strict=True))
    ]
    fleet = tuple((str(model), int(count)) for model, count in zip(chosen, counts, strict=True) if count)
    return fleet, algorithm


def _algorithm(rng: Rng, kind: str, wanted_kw: float) -> str:
    if wanted_kw < min(RIGS_W.values()) * 3 / 1000 or (kind == "institution" and rng.random() < 0.6):
        return str(rng.choice(("Ethash", "RandomX")))
    names = ("SHA-256", "scrypt", "kHeavyHash", "Ethash", "RandomX")
    return str(rng.choice(names, p=(0.74, 0.1, 0.05, 0.08, 0.03)))
