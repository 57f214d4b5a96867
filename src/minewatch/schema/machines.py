"""Mining machines with rated hash rate and power, and the efficiency range of an algorithm."""

import csv
import math
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Machine:
    """A model with its rated ``hash_rate`` (H/s) and ``power_w`` (W at the wall)."""

    model: str
    maker: str
    algorithm: str
    hash_rate: float
    power_w: float
    source: str

    @property
    def joule_per_hash(self) -> float:
        """Energy for one hash, J/H (1 J/TH = 1e-12 J/H)."""
        return self.power_w / self.hash_rate


@dataclass(frozen=True)
class Efficiency:
    """Energy for one hash, J/H: of the ``best`` and ``worst`` hardware, and their geometric mean."""

    best: float
    typical: float
    worst: float


@cache
def machines() -> tuple[Machine, ...]:
    """Return the table ``machines.csv``."""
    text = resources.files(__package__).joinpath("machines.csv").read_text(encoding="utf-8")
    return tuple(_machine(row) for row in csv.DictReader(text.splitlines()))


@cache
def rigs() -> tuple[Machine, ...]:
    """Return the table ``rigs.csv``: graphics cards and processors, which are no mining machines by make."""
    text = resources.files(__package__).joinpath("rigs.csv").read_text(encoding="utf-8")
    return tuple(_machine(row) for row in csv.DictReader(text.splitlines()))


def efficiency(algorithm: str, agent: str | None = None) -> Efficiency | None:
    """Return the energy for one hash of ``algorithm``; None where no table knows it.

    What ``agent`` (what the miner calls itself) tells narrows it: a model of the table, else the maker of the
    machine by its firmware, else software that runs on graphics cards and processors only.
    """
    known = _hardware_of(algorithm, _plain(agent or ""))
    energies = [each.joule_per_hash for each in known]
    if not energies:
        return None
    best, worst = min(energies), max(energies)
    return Efficiency(best, math.sqrt(best * worst), worst)


_FIRMWARE = {
    "Bitmain": ("antminer", "bmminer", "braiins", "bosminer", "boser", "luxos", "luxminer", "vnish"),
    "MicroBT": ("whatsminer", "btminer", "microbt"),
    "Canaan": ("avalon", "canaan"),
    "IceRiver": ("iceriver",),
    "Goldshell": ("goldshell",),
    "Jasminer": ("jasminer",),
    "ElphaPex": ("elphapex",),
}
"""Makers by words in the names that firmware gives itself; Braiins OS, LuxOS and VNish run on Antminers."""

_RIG_SOFTWARE = (
    *("xmrig", "xmrstak", "cpuminer", "ccminer", "ethminer", "claymore", "phoenixminer", "teamredminer"),
    *("lolminer", "nbminer", "gminer", "trex", "srbminer", "bzminer", "rigel", "onezerominer", "wildrig"),
    *("kawpowminer", "nanominer", "miniz", "bminer", "ewbf", "excavator", "nicehashquickminer", "optiminer"),
)
"""Miners for graphics cards and processors."""


def _hardware_of(algorithm: str, agent: str) -> list[Machine]:
    asics = [each for each in machines() if each.algorithm == algorithm]
    general = [each for each in rigs() if each.algorithm == algorithm]
    named = [each for each in (*asics, *general) if _plain(each.model) in agent and len(each.model) > 4]
    longest = max((len(each.model) for each in named), default=0)
    made = [each for each in asics if any(word in agent for word in _FIRMWARE.get(each.maker, ()))]
    runs_on_rigs = general if any(word in agent for word in _RIG_SOFTWARE) else []
    narrowed = [each for each in named if len(each.model) == longest] or made or runs_on_rigs
    return narrowed or [*asics, *general]


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _machine(row: dict[str, str]) -> Machine:
    hash_rate, power_w = float(row["hash_rate"]), float(row["power_w"])
    return Machine(row["model"], row["maker"], row["algorithm"], hash_rate, power_w, row["source"])
