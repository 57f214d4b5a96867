"""Sites that mine for themselves and sites with infected computers: a week of their flows, without packets.

All figures are assumed. A trojan's campaign has a wallet, a pool and a control server of its own and infects
offices, servers and homes; computers are on while somebody works with them; some guard program kills the
miner, which comes back. Owners keep farms of mining machines, cards at home, servers in a cellar; some are
hard to tell from victims: a teacher who mines on the school's servers, a household with one computer.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa

from minewatch.schema.calendar import is_workday
from minewatch.schema.tables import TABLES
from minewatch.sim.addresses import pool_server, web_server
from minewatch.sim.county import ZONE
from minewatch.sim.loads.shapes import Rng, log_uniform
from minewatch.sim.names import pick
from minewatch.sim.streams import stream
from minewatch.sim.wire.jobs import account_of, hexadecimal

MONDAY = date(2026, 5, 11)
DAYS = 7
CAMPAIGNS = 6
SHARE_S = 30.0

_START = datetime(MONDAY.year, MONDAY.month, MONDAY.day, tzinfo=ZONE).astimezone(UTC)
_HOUR = timedelta(hours=1)
_TOWN = "四川省雅安市汉源县富林镇"


class Story(NamedTuple):
    """What happens at a site. Ranges of machines and of the hash rate of each, H/s; shares are probabilities.

    ``hours``: when a machine is on: office, always, evening or night. ``named``: the pool is looked up by
    name; ``killed``: the miner is killed now and then; ``server``: its control server is seen.
    """

    infected: bool
    places: tuple[str, ...]
    algorithm: str
    machines: tuple[int, int]
    hash_rate: tuple[float, float]
    hours: tuple[str, ...]
    agents: tuple[str, ...]
    named: float = 0.95
    killed: float = 0.03
    server: float = 0.0


_XMRIG = ("XMRig/6.21.0 (Linux x86_64)", "XMRig/6.18.1", "xmrig/6.22.2")
_TROJAN = (*_XMRIG, "", "", "Mozilla/5.0")
_ASIC = ("bmminer/2.0.0", "cgminer/4.12.0", "whatsminer/v1.1")
_CARDS = ("lolMiner 1.88", "TeamRedMiner/0.10.21")

STORIES: Mapping[str, Story] = MappingProxyType(
    {
        "office_trojan": Story(
            True, ("school", "hospital", "bureau", "firm"), "RandomX", (3, 60), (400, 4000),
            ("office", "office", "always"), _TROJAN, 0.4, 0.35, 0.7,
        ),
        "server_trojan": Story(
            True, ("school", "hospital", "bureau", "firm"), "RandomX", (1, 5), (3000, 20_000),
            ("always",), _TROJAN, 0.4, 0.3, 0.7,
        ),
        "home_trojan": Story(
            True, ("home",), "RandomX", (1, 2), (500, 4000), ("evening", "always"), _TROJAN, 0.5, 0.3, 0.7
        ),
        "farm": Story(
            False, ("firm", "shed"), "SHA-256", (20, 120), (9e13, 2.3e14),
            ("always", "always", "night"), _ASIC,
        ),
        "institution_machines": Story(
            False, ("school", "hospital", "bureau"), "SHA-256", (1, 8), (9e13, 2e14),
            ("always", "night"), _ASIC,
        ),
        "institution_servers": Story(
            False, ("school", "hospital", "bureau", "firm"), "RandomX", (2, 16), (15_000, 40_000),
            ("always", "night"), _XMRIG,
        ),
        "processor_farm": Story(
            False, ("shed", "firm"), "RandomX", (20, 80), (12_000, 42_000), ("always",), _XMRIG
        ),
        "home_cards": Story(False, ("home",), "Ethash", (1, 6), (2e8, 5e8), ("always", "night"), _CARDS),
        "home_processor": Story(
            False, ("home",), "RandomX", (1, 3), (4000, 18_000), ("always", "night"), _XMRIG
        ),
    }
)  # fmt: skip
"""Stories by name; each is as probable at a site."""

_PLACES: Mapping[str, tuple[str, str | None, float]] = MappingProxyType(
    {
        "school": ("汉源县第{}中学", None, 60.0),
        "hospital": ("汉源县第{}人民医院", None, 250.0),
        "bureau": ("汉源县第{}管理局", None, 80.0),
        "firm": ("雅安第{}商贸有限公司", None, 120.0),
        "shed": ("户主{}号", None, 3.0),
        "home": ("户主{}号", None, 4.0),
    }
)
"""Name of the customer, and the load there without the mine, kW."""

_DIALECTS = {"RandomX": ("monero_login", "XMR", 1.0), "SHA-256": ("stratum_v1", "BTC", 2.0**32)}
_ETHER = ("ethereum_stratum", "ETC", 1.0)


class Week(NamedTuple):
    """Tables for a lake, and the story of each usage point."""

    tables: Mapping[str, pa.Table]
    stories: Mapping[str, str]


class _Way(NamedTuple):
    """For whom a site mines and how it gets there; ``server``: control server, if seen."""

    account: str
    pool: str
    ip: str
    port: int
    named: bool
    server: tuple[str, int] | None


def week(seed: int, sites: int, campaigns: int = CAMPAIGNS) -> Week:
    """Simulate ``sites`` sites that mine, for themselves or not; the infected ones by so many campaigns."""
    points, leases = [], []
    flows: list[dict[str, Any]] = []
    readings: list[dict[str, Any]] = []
    told: dict[str, str] = {}
    for number in range(sites):
        rng = stream(seed, "owners", number)
        name = pick(rng, tuple(STORIES))
        place = pick(rng, STORIES[name].places)
        point, ip = f"U{number:05d}", f"198.18.{number // 200}.{number % 200 + 1}"
        told[point] = name
        points.append(_point(point, place, number))
        leases.append(_lease(ip, points[-1]))
        readings += _readings(rng, point, _PLACES[place][2])
        flows += _flows((seed, campaigns), rng, STORIES[name], ip)
    made = {"usage_points": points, "ip_leases": leases, "flows": flows, "interval_readings": readings}
    return Week({name: _table(name, rows) for name, rows in made.items()}, told)


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    schema = TABLES[name].schema
    return pa.Table.from_pylist([dict.fromkeys(schema.names) | dict(row) for row in rows], schema=schema)


def _point(point: str, place: str, number: int) -> dict[str, Any]:
    return {
        "usage_point_id": point,
        "customer_name": _PLACES[place][0].format(number),
        "address": f"{_TOWN}江汉路{number + 1}号",
        "region_code": "511823",
        "tariff_class": "residential" if place in ("home", "shed") else "commercial",
    }


def _lease(ip: str, point: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "prefix": ip,
        "port_low": 0,
        "port_high": 65535,
        "valid_from": datetime(2020, 1, 1, tzinfo=UTC),
        "kind": "static",
        "holder_name": point["customer_name"],
        "address": point["address"],
        "region_code": "511823",
    }


def _readings(rng: Rng, point: str, base_kw: float) -> Iterator[dict[str, Any]]:
    """Yield days of a load with working hours, without the mine: a week is too short to judge a curve by."""
    size = base_kw * log_uniform(rng, 0.4, 2.5)
    for day in range(DAYS):
        local = MONDAY + timedelta(days=day)
        busy = 1.0 if is_workday(local) else 0.4
        kw = [size * (busy if 8 <= quarter / 4 < 18 else 0.3) for quarter in range(96)]
        yield {"usage_point_id": point, "day": local, "interval_minutes": 15, "kw": kw}


def _flows(world: tuple[int, int], rng: Rng, story: Story, ip: str) -> Iterator[dict[str, Any]]:
    way = _way(world, rng, story)
    agent, killed = pick(rng, story.agents), rng.random() < story.killed * 2
    worker_names = rng.random() < 0.7
    size = log_uniform(rng, *story.hash_rate)
    ports = iter(range(1100, 65000))
    for machine in range(int(log_uniform(rng, story.machines[0], story.machines[1] + 0.99))):
        rate = float(size * rng.lognormal(0, 0.2))
        worker = hexadecimal(rng, 6) if story.infected else f"m{machine:03d}"
        for first_h, hours in _sessions(rng, pick(rng, story.hours), killed):
            row = _mining(rng, story, way, (ip, next(ports)), (first_h, hours, rate))
            yield row | {"agent": agent or None, "workers": [_worker(worker, row)] if worker_names else []}
        if way.server:
            beacons = [(first_h, 0.02) for first_h in rng.uniform(0, 24 * DAYS, 3)]
            yield from (_other(ip, next(ports), way.server, beacon, "") for beacon in beacons)
    for hour in range(24 * DAYS):
        index = int(rng.integers(506))
        name = f"www.site{index}.example"
        yield _other(ip, next(ports), (web_server(index), 443), (hour + float(rng.random()), 0.01), name)


def _way(world: tuple[int, int], rng: Rng, story: Story) -> _Way:
    seed, campaigns = world
    dialect = _DIALECTS.get(story.algorithm, _ETHER)[0]
    if story.infected:
        number = int(rng.integers(campaigns))
        campaign = stream(seed, "campaign of owners", number)
        account, index = account_of(campaign, story.algorithm, dialect), 100 + number
        control = (f"192.0.2.{number % 250 + 1}", int(campaign.choice((443, 8080, 6667, 9443))))
    else:
        account, index = account_of(rng, story.algorithm, dialect), int(rng.integers(60))
        control = ("", 0)
    port = int(rng.choice((3333, 5555, 14433, 443 if story.infected else 8888)))
    seen = control if rng.random() < story.server else None
    return _Way(account, f"pool{index}.example", pool_server(index), port, rng.random() < story.named, seen)


def _sessions(rng: Rng, pattern: str, killed: bool) -> Iterator[tuple[float, float]]:
    """Yield the connections of one machine: hours from the start of the week, and length."""
    for first, last in _on(rng, pattern):
        at, mean = first, 1.2 if killed else 60.0
        while at < last:
            length = min(float(rng.exponential(mean)) + 0.05, last - at)
            yield at, length
            at += length + float(rng.uniform(0.02, 0.4))


def _on(rng: Rng, pattern: str) -> Iterator[tuple[float, float]]:
    """Yield when a machine is on, hours from the start of the week."""
    if pattern == "always":
        yield float(rng.uniform(0, 3)), 24.0 * DAYS
        return
    for day in range(DAYS):
        works = is_workday(MONDAY + timedelta(days=day))
        if pattern == "office" and works and rng.random() < 0.93:
            yield 24 * day + float(rng.uniform(8, 9.5)), 24 * day + float(rng.uniform(16.5, 20))
        elif pattern == "evening" and rng.random() < 0.8:
            yield 24 * day + float(rng.uniform(17.5, 20)), 24 * day + float(rng.uniform(21, 23.9))
        elif pattern == "night":
            yield 24 * day + float(rng.uniform(21.5, 22.5)), min(24 * day + 31.0, 24.0 * DAYS)


def _worker(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    shares = row["shares_submitted"]
    return {
        "worker": name,
        "submitted": shares,
        "accepted": shares,
        "rejected": 0,
        "stale": 0,
        "expected_hashes": row["expected_hashes"],
    }


def _mining(
    rng: Rng, story: Story, way: _Way, client: tuple[str, int], run: tuple[float, float, float]
) -> dict[str, Any]:
    first_h, hours, rate = run
    dialect, coin, unit = _DIALECTS.get(story.algorithm, _ETHER)
    shares = int(rng.poisson(3600 * hours / SHARE_S))
    row = _other(*client, (way.ip, way.port), (first_h, hours), way.pool if way.named else "")
    return row | {
        "dialect": dialect,
        "coin": coin,
        "algorithm": story.algorithm,
        "pool": way.pool if way.named else way.ip,
        "accounts": [way.account],
        "difficulty": [{"at": row["first_at"], "difficulty": rate * SHARE_S / unit}],
        "expected_hashes": shares * rate * SHARE_S,
        "shares_submitted": shares,
        "shares_accepted": shares,
        "shares_first_at": row["first_at"],
        "shares_last_at": row["last_at"],
        "job_times": [row["first_at"]],
        "src_bytes": 600 + 220 * shares + int(rng.integers(40)),
    }


def _other(
    ip: str, port: int, server: tuple[str, int], run: tuple[float, float], name: str
) -> dict[str, Any]:
    first = _START + run[0] * _HOUR
    return {
        "flow_id": f"{ip}:{port}",
        "capture": "tap-1",
        "src_ip": ip,
        "src_port": port,
        "dst_ip": server[0],
        "dst_port": server[1],
        "protocol": 6,
        "opening_seen": True,
        "first_at": first,
        "last_at": first + run[1] * _HOUR,
        "src_packets": 20,
        "dst_packets": 20,
        "src_bytes": 3000,
        "dst_bytes": 9000,
        "names": [{"kind": "dns", "name": name}] if name else [],
    }
