"""Mining machines with rated hash rate and power, and the efficiency range of an algorithm."""

import csv
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


@cache
def machines() -> tuple[Machine, ...]:
    """Return the table ``machines.csv``."""
    text = resources.files(__package__).joinpath("machines.csv").read_text(encoding="utf-8")
    return tuple(_machine(row) for row in csv.DictReader(text.splitlines()))


def machines_for(algorithm: str) -> tuple[Machine, ...]:
    """Return the machines that compute ``algorithm``; empty where the table knows none."""
    return tuple(machine for machine in machines() if machine.algorithm == algorithm)


def _machine(row: dict[str, str]) -> Machine:
    hash_rate, power_w = float(row["hash_rate"]), float(row["power_w"])
    return Machine(row["model"], row["maker"], row["algorithm"], hash_rate, power_w, row["source"])
