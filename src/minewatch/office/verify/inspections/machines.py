"""Machines one by one, as an export or a scan names them, and counted by model; what a model is known for.

Hash rates are added up only within one algorithm (``hash_rates``).
"""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from statistics import fmean
from typing import NamedTuple

_DATA = "minewatch.office.verify.inspections"
_MAKERS = re.compile(
    r"\b(bitmain|antminer|microbt|whatsminer|canaan|avalonminer|avalon|iceriver)\b|[((].*?[))]",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Machine:
    """One machine, or ``number`` alike, on a line of a file; hash rate in H/s, power in W, of each."""

    line: int
    model: str
    maker: str = ""
    algorithm: str = ""
    hash_rate: float | None = None
    power_w: float | None = None
    mac: str = ""
    serial: str = ""
    ip: str = ""
    firmware: str = ""
    number: int = 1


@dataclass(frozen=True)
class ModelCount:
    """Machines of one model: how many, how many of them hash, and the mean of those that do.

    ``serials`` are what tells them apart: serial numbers, else MAC addresses.
    """

    model: str
    maker: str
    algorithm: str
    number: int
    running: int | None
    hash_rate_each: float | None
    power_each_w: float | None
    serials: tuple[str, ...] = ()


class Family(NamedTuple):
    """What a family of models is known for."""

    model: str
    maker: str
    algorithm: str


def family(text: str) -> Family | None:
    """Return the family of models that ``text`` names; None where it names none that is known."""
    for pattern, maker, algorithm in _families():
        found = pattern.search(text)
        if found:
            return Family(found.group().strip(), maker, algorithm)
    return None


def algorithm(text: str) -> str:
    """Return the proof-of-work function that a name of it, or a coin, stands for; empty where unknown."""
    plain = text.strip().casefold()
    for name in (plain, *re.findall(r"[\w-]+", plain)):
        if name in _algorithms():
            return _algorithms()[name]
    return ""


def count(machines: Iterable[Machine]) -> list[ModelCount]:
    """Count machines by model and algorithm, the most first."""
    groups: dict[tuple[str, str], list[Machine]] = defaultdict(list)
    for machine in machines:
        groups[model_key(machine.model), machine.algorithm].append(machine)
    counts = [_counted(group) for group in groups.values()]
    return sorted(counts, key=lambda one: (-one.number, one.model))


def hash_rates(counts: Iterable[ModelCount]) -> Mapping[str, float]:
    """Return the hash rate by algorithm, H/s; those of two algorithms have no sum."""
    sums: dict[str, float] = defaultdict(float)
    for one in counts:
        if one.hash_rate_each is not None:
            running = one.number if one.running is None else one.running
            sums[one.algorithm] += one.hash_rate_each * running
    return dict(sums)


def model_key(model: str) -> str:
    """Return a model without its maker, case and spaces, under which ways of writing it meet."""
    return re.sub(r"[\s_-]", "", _MAKERS.sub("", model)).casefold() or model.casefold()


def _counted(group: list[Machine]) -> ModelCount:
    measured = [one for one in group if one.hash_rate is not None]
    running = [one for one in measured if one.hash_rate]
    powers = [one for one in group if one.power_w]
    return ModelCount(
        model=Counter(one.model for one in group).most_common(1)[0][0],
        maker=next((one.maker for one in group if one.maker), ""),
        algorithm=group[0].algorithm,
        number=sum(one.number for one in group),
        running=sum(one.number for one in running) if measured else None,
        hash_rate_each=_mean([(one.hash_rate or 0, one.number) for one in running]),
        power_each_w=_mean([(one.power_w or 0, one.number) for one in powers]),
        serials=tuple(name for one in group if (name := one.serial or one.mac)),
    )


def _mean(values: list[tuple[float, int]]) -> float | None:
    return fmean([value for value, _ in values], [number for _, number in values]) if values else None


@cache
def _families() -> tuple[tuple[re.Pattern[str], str, str], ...]:
    rows = table("machine_families.csv")
    return tuple((re.compile(row["pattern"], re.I), row["maker"], row["algorithm"]) for row in rows)


@cache
def _algorithms() -> Mapping[str, str]:
    names = {}
    for row in table("algorithms.csv"):
        for name in (row["algorithm"], *row["also"].split("|")):
            names[name.casefold()] = row["algorithm"]
    return names


def table(name: str) -> list[dict[str, str]]:
    """Return the rows of a table in ``data``."""
    text = resources.files(_DATA).joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
