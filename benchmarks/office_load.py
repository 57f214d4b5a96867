"""Twenty people at an office: a closed loop of requests over loopback, measured by who asks."""

import asyncio
import resource
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from benchmarks.office_pages import ACCOUNTS, PASSWORD, address, is_part, routes

_PATIENCE_S = 60.0
_KEPT_S = 1.0  # less than the server keeps a connection, which would else be gone as it is used again
_PARTS = {"HX-Request": "true"}


@dataclass
class Load:
    """What was measured: seconds by route, answers that were none, and the CPU that asking took."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    slowest: dict[str, tuple[float, str, str]] = field(
        default_factory=dict
    )  # by route: seconds, account, address
    wrong: list[str] = field(default_factory=list)
    wall_s: float = 0.0
    client_cpu_s: float = 0.0

    def note(self, route: str, took_s: float, who: str, where: str) -> None:
        """Keep one answer."""
        self.seconds[route].append(took_s)
        self.slowest[route] = max(self.slowest.get(route, (0.0, "", "")), (took_s, who, where))


class Person:
    """An account in its browser, with one connection kept open."""

    def __init__(self, name: str, base: str, known: Mapping[str, Sequence[Any]], seed: int) -> None:
        self.name, self.known = name, known
        self.rng = np.random.default_rng(seed)
        headers = {"Accept-Language": "zh-hans" if seed % 4 else "en"}
        limits = httpx.Limits(keepalive_expiry=_KEPT_S)
        self.client = httpx.AsyncClient(base_url=base, timeout=_PATIENCE_S, headers=headers, limits=limits)
        self.routes = list(routes())

    async def log_in(self) -> None:
        """Log in as the login page has it done."""
        await self.client.get("/account/login/")
        said = {
            "login": self.name,
            "password": PASSWORD,
            "csrfmiddlewaretoken": self.client.cookies["csrftoken"],
        }
        answer = await self.client.post("/account/login/", data=said)
        if answer.status_code != 302:
            raise RuntimeError(f"{self.name} could not log in: {answer.status_code}")

    async def look_around(self, load: Load) -> None:
        """Load each route once and keep those that the account may see."""
        self.routes = [route for route in self.routes if await self.ask(route, load)]

    async def ask(self, route: str, load: Load) -> bool:
        """Load a page of a route; False where the account may not, or its region has none."""
        where = address(route, self.known, self.rng)
        if where is None:
            return False
        start = time.perf_counter()
        answer = await self.client.get(where, headers=_PARTS if is_part(route) else None)
        took_s = time.perf_counter() - start
        if answer.status_code == 403:
            return False
        if answer.status_code != 200:
            load.wrong.append(f"{answer.status_code} {self.name} {where}")
            return answer.status_code != 404
        load.note(route, took_s, self.name, where)
        return True

    async def work(self, load: Load, until: float, think_s: float) -> None:
        """Load page after page until a time, thinking for ``think_s`` in the mean between two."""
        while time.perf_counter() < until:
            if think_s:
                await asyncio.sleep(self.rng.exponential(think_s))
            await self.ask(self.routes[int(self.rng.integers(len(self.routes)))], load)


async def load(base: str, known: Mapping[str, Any], phases: Mapping[float, float]) -> list[Load]:
    """Log twenty accounts in, let each look around, and measure phases: think time → seconds."""
    people = [Person(name, base, known.get(name, {}), seed) for seed, name in enumerate(ACCOUNTS)]
    for person in people:
        await person.log_in()
    first = Load()
    await asyncio.gather(*(person.look_around(first) for person in people))
    measured = [await _phase(people, think_s, lasts_s) for think_s, lasts_s in phases.items()]
    for person in people:
        await person.client.aclose()
    return [first, *measured]


async def _phase(people: Sequence[Person], think_s: float, lasts_s: float) -> Load:
    found, start, used = Load(), time.perf_counter(), _cpu_s()
    await asyncio.gather(*(person.work(found, start + lasts_s, think_s) for person in people))
    found.wall_s, found.client_cpu_s = time.perf_counter() - start, _cpu_s() - used
    return found


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
