"""Owner or victim: whether a site's traffic is of machines kept for mining or of infected computers.

A likelihood ratio for each clue and a prior, combined as if clues were independent (naive Bayes). All values
are assumed, the prior of public bodies excepted (Zhejiang: 32 of 78 state units; Jiangsu: a fifth of all
addresses). What they are worth was measured on simulated sites: ``docs/explanation/fusion.md``.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from minewatch.fuse.connections import busiest, machines_of
from minewatch.fuse.presence import Presence
from minewatch.schema.reasons import Reason, reason

Row = Mapping[str, Any]

PUBLIC, BESIDE, ELSEWHERE = 32 / 78, 0.3, 0.1
"""Share of infected sites among those that mine: public bodies, traffic beside a far larger load, others."""

CPU_ALGORITHMS = frozenset({"RandomX", "CryptoNight", "GhostRider", "VerusHash"})
"""Proof-of-work functions that ordinary computers are made to compute by a trojan."""

_ALGORITHMS = MappingProxyType(
    {
        "XMR": "RandomX",
        "BTC": "SHA-256",
        "LTC": "scrypt",
        "ETC": "Ethash",
        "KAS": "kHeavyHash",
        "ZEC": "Equihash",
        "RVN": "KawPow",
    }
)
"""Proof of work by coin, where only its blocks told which coin it is."""

MANY_KW = 5.0
"""Infected computers rarely take more together (about 50 of them at 0.1 kW)."""

UNSURE = (0.2, 0.8)
"""Between these probabilities the finding says that the question is open."""

RATIOS: Mapping[str, float] = MappingProxyType(
    {
        "kind_algorithm_cpu": 3.0,
        "kind_algorithm_machine": 0.015,
        "kind_agent_machine": 0.05,
        "kind_agent_hidden": 2.0,
        "kind_browser": 10.0,
        "kind_office_hours": 4.0,
        "kind_odd_hours": 1.5,
        "kind_steady": 0.4,
        "kind_comes_back": 3.0,
        "kind_stays_on": 0.6,
        "kind_bare_address": 5.0,
        "kind_named_pool": 0.6,
        "kind_account_elsewhere": 4.0,
        "kind_shared_server": 6.0,
        "kind_meter_agrees": 0.03,
    }
)
"""P(clue | infected) / P(clue | own), by reason."""

_CAMPAIGN_SITES, _CAMPAIGN = 3, 12.0
"""From so many other sites on, one account is a campaign's, and its ratio."""

_INFECTED_KW, _OWN_KW, _SPREAD_KW = 0.08, 0.5, math.log(3.0)
_INFECTED_H, _OWN_H, _SPREAD_H = 2e3, 15e3, math.log(2.5)
"""Power (kW) and rate on RandomX (H/s) of one machine, infected and kept for mining: medians, and the spread
of the logarithm. Of a desktop of 2 to 8 cores and a server or large desktop of 16 to 64 (``rigs.csv``)."""

_ONE_MACHINE_KW = 6.0
"""No machine takes more: such a connection is a proxy's, which does not tell its machines apart."""

_WIDEST = 30.0
"""The power of machines says no more than this, since the energy of a hash is known roughly only."""

_FIRMWARE = re.compile(
    r"bmminer|cgminer|bfgminer|whatsminer|btcminer|bosminer|braiins|luxminer|vnish|antminer|avalon|iceriver"
    r"|goldshell|innosilicon|hiveon|epic",
    re.IGNORECASE,
)
_NO_MINER = re.compile(r"mozilla|curl|wget|python|go-http|java|windows-update|svchost", re.IGNORECASE)


_INTRODUCED = frozenset({"monero_login", "stratum_v1", "ethereum_nicehash"})
"""Dialects in which the software says its name when it begins."""


@dataclass(frozen=True)
class Owner:
    """What is known of whose machines they may be.

    ``presence``: what the site's traffic shows beside the mining. ``beside_much``: the traffic needs less
    than a tenth of a load that looks like no farm. ``meter_agrees``: a block in the curve may be the same
    load. ``power_kw``: that the traffic stands for.
    """

    presence: Presence
    public_body: bool
    beside_much: bool
    meter_agrees: bool
    power_kw: float | None


class Clue(NamedTuple):
    """One reason and its likelihood ratio, infected : own."""

    ratio: float
    reason: Reason


@dataclass(frozen=True)
class Opinion:
    """Probability that the machines were infected, given that they mine, and why."""

    probability: float
    reasons: Sequence[Reason]


def opinion(wire: Sequence[Row], owner: Owner) -> Opinion:
    """Weigh the evidence on a site's connections, at least one, with the flows it speaks of."""
    prior, why = _prior(owner)
    clues = list(_clues(wire, owner))
    log_odds = math.log(prior / (1 - prior)) + sum(math.log(clue.ratio) for clue in clues)
    probability = 1 / (1 + math.exp(-log_odds))
    reasons = [why, *(clue.reason for clue in clues)]
    if UNSURE[0] < probability < UNSURE[1]:
        reasons.insert(0, reason("kind_unsure", percent=100 * probability))
    return Opinion(probability, reasons)


def _prior(owner: Owner) -> tuple[float, Reason]:
    if owner.public_body:
        return PUBLIC, reason("kind_prior_public", percent=100 * PUBLIC)
    if owner.beside_much:
        return BESIDE, reason("kind_prior_beside", percent=100 * BESIDE)
    return ELSEWHERE, reason("kind_prior", percent=100 * ELSEWHERE)


def _clues(wire: Sequence[Row], owner: Owner) -> Iterator[Clue]:
    flows = [row["flow"] for row in wire if row.get("flow")]
    leading = max(wire, key=lambda row: row["hash_rate"] or 0.0)
    algorithm = leading["algorithm"] or _ALGORITHMS.get(leading["coin"])
    on_processors = algorithm in CPU_ALGORITHMS
    if algorithm:
        code = "kind_algorithm_cpu" if on_processors else "kind_algorithm_machine"
        yield _clue(code, algorithm=algorithm)
    yield from _software(flows)
    yield from _size(wire, owner)
    yield from _hours(owner.presence)
    yield from _returns(owner.presence)
    yield from _way_to_pool(flows, owner.presence)
    if on_processors or not algorithm:
        yield from _company(owner.presence)
    if owner.meter_agrees:
        yield _clue("kind_meter_agrees")


def _clue(code: str, ratio: float | None = None, **values: Any) -> Clue:
    worth = RATIOS[code] if ratio is None else ratio
    return Clue(worth, reason(code, ratio=worth, **values))


def _software(flows: Sequence[Row]) -> Iterator[Clue]:
    agents = sorted({flow["agent"] for flow in flows if flow["agent"]})
    firmware = [agent for agent in agents if _FIRMWARE.search(agent)]
    spoken = [flow for flow in flows if flow["dialect"] in _INTRODUCED and flow["opening_seen"]]
    if firmware:
        yield _clue("kind_agent_machine", agent=firmware[0])
    elif any(flow["dialect"] == "browser_miner" for flow in flows):
        yield _clue("kind_browser")
    elif spoken and all(_NO_MINER.search(agent) for agent in agents):
        yield _clue("kind_agent_hidden", agent=agents[0] if agents else "-")


def _size(wire: Sequence[Row], owner: Owner) -> Iterator[Clue]:
    at_once = busiest(wire, "power_kw")
    total_kw, machines = sum(row["power_kw"] for row in at_once), sum(map(machines_of, at_once))
    told_apart = bool(at_once) and all(row.get("flow") for row in at_once)
    if told_apart and 0 < total_kw <= _ONE_MACHINE_KW * machines:
        yield _each(at_once, total_kw, machines)
    elif owner.power_kw and owner.power_kw > MANY_KW:
        yield _clue("kind_power", (MANY_KW / owner.power_kw) ** 2, power_kw=owner.power_kw)


def _each(at_once: Sequence[Row], total_kw: float, machines: int) -> Clue:
    """Return what the size of one machine says: by its rate where that tells processors apart."""
    rates = [row["hash_rate"] for row in at_once if row["algorithm"] == "RandomX" and row["hash_rate"]]
    if len(rates) == len(at_once):
        each_h = sum(rates) / machines
        ratio = _ratio(each_h, (_INFECTED_H, _OWN_H), _SPREAD_H)
        return _clue("kind_machine_rate", ratio, machines=machines, each_kh=each_h / 1000)
    each_kw = total_kw / machines
    ratio = _ratio(each_kw, (_INFECTED_KW, _OWN_KW), _SPREAD_KW)
    return _clue("kind_machine_power", ratio, machines=machines, each_w=1000 * each_kw)


def _ratio(value: float, medians: tuple[float, float], spread: float) -> float:
    """Return the ratio of two log-normal densities of one spread, no more than ``_WIDEST`` either way."""
    infected, own = (0.5 * (math.log(value / median) / spread) ** 2 for median in medians)
    return math.exp(min(max(own - infected, -math.log(_WIDEST)), math.log(_WIDEST)))


def _hours(presence: Presence) -> Iterator[Clue]:
    share = presence.rest_share
    if share is None:
        return
    if share < 0.5:
        yield _clue("kind_office_hours", share=100 * share)
    elif share > 2:
        yield _clue("kind_odd_hours", share=100 * share)
    elif 0.8 <= share <= 1.25:
        yield _clue("kind_steady", share=100 * share)


def _returns(presence: Presence) -> Iterator[Clue]:
    if presence.hours <= 0:
        return
    rate = presence.returns / presence.hours
    if presence.returns >= 3 and rate > 0.25:
        yield _clue("kind_comes_back", returns=presence.returns, rate=rate)
    elif presence.hours >= 48 and rate < 1 / 24:
        yield _clue("kind_stays_on", returns=presence.returns, hours=presence.hours)


def _way_to_pool(flows: Sequence[Row], presence: Presence) -> Iterator[Clue]:
    opened = [flow for flow in flows if flow["opening_seen"]]
    if not (presence.resolves and opened):
        return
    names = sorted({item["name"] for flow in opened for item in flow["names"] or ()})
    if names:
        yield _clue("kind_named_pool", name=names[0])
    else:
        yield _clue("kind_bare_address", server=f"{opened[0]['dst_ip']}:{opened[0]['dst_port']}")


def _company(presence: Presence) -> Iterator[Clue]:
    if presence.sites_with_account:
        many = presence.sites_with_account >= _CAMPAIGN_SITES
        ratio = _CAMPAIGN if many else RATIOS["kind_account_elsewhere"]
        yield _clue("kind_account_elsewhere", ratio, sites=presence.sites_with_account)
    if presence.shared_server:
        yield _clue("kind_shared_server", server=presence.shared_server)
