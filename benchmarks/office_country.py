"""A country for the office: regions and agencies as they are, and as many things as asked for, from one seed.

The shape is that of a large country: a few counties hold many sites and most hold some; sites are of all
sizes; a few hold thousands of sightings. ``Country`` keeps what later parts refer to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import repeat
from typing import Any

import numpy as np

from benchmarks import office_words as words
from benchmarks.office_pages import PASSWORD
from benchmarks.office_pouring import pour
from minewatch.office.platform.models import Agency, Region, User
from minewatch.office.platform.roles import Role
from minewatch.office.platform.services import AccountGiven, By, open_account
from minewatch.office.register.canonical import address_key, address_sort_key, name_key, number_key
from minewatch.office.register.models import (
    Enterprise,
    EvidenceFile,
    Line,
    Link,
    MachineGroup,
    Merge,
    Party,
    Plant,
    Premises,
    Sighting,
    Site,
    Source,
    Statement,
    UsagePoint,
)

LEVELS = {"nation": "100000", "province": "510000", "city": "510700", "county": "510703"}
"""Regions of the accounts that load pages."""

_KINDS = ("energy", "industry", "market", "grid", "reform")
_MODELS = (("Bitmain", "Antminer S19"), ("MicroBT", "M30S"), ("Innosilicon", "A10"), ("iPollo", "V1"))
_COINS = (("BTC", "sha256d"), ("ETC", "etchash"), ("KAS", "kheavyhash"), ("LTC", "scrypt"))
_POOLS = ("stratum.f2pool.com:3333", "btc.viabtc.io:25", "ethw.antpool.com:443", "unknown.example:8443")


@dataclass
class Country:
    """What was made so far: sizes, the hour it ends in, regions by name, and the ids of rows by model."""

    usage_points: int
    now: datetime
    rng: np.random.Generator
    counties: list[tuple[int, str, str]] = field(default_factory=list)  # id, code, full name
    agencies: dict[int, int] = field(default_factory=dict)  # of a county, by the county's id
    users: list[int] = field(default_factory=list)
    sites: dict[str, Any] = field(default_factory=dict)

    def share(self, per_million: int) -> int:
        """Return how many rows are made where a million usage points have ``per_million``."""
        return max(40, per_million * self.usage_points // 1_000_000)

    def times(self, number: int, days: int) -> list[datetime]:
        """Return times of the last ``days``, oldest first."""
        seconds = np.sort(self.rng.integers(0, days * 86_400, number))[::-1]
        return [self.now - timedelta(seconds=one) for one in seconds.tolist()]

    def one_of(
        self, choices: Sequence[Any], number: int, chances: Sequence[float] | None = None
    ) -> list[Any]:
        """Return draws from ``choices``."""
        drawn = self.rng.choice(len(choices), number, p=chances).tolist()
        return [choices[one] for one in drawn]

    def places(self, number: int) -> list[int]:
        """Return positions in ``counties``, a few of them often."""
        weights = np.random.default_rng(7).lognormal(0, 1.2, len(self.counties))
        return self.rng.choice(len(self.counties), number, p=weights / weights.sum()).tolist()


def settle(country: Country) -> None:
    """Find the counties of the table of regions; add agencies, accounts and those who load pages."""
    names = {row.path: row.name_zh for row in Region.objects.all()}
    for row in Region.objects.filter(level="county", valid_to=None).order_by("path"):
        above = "".join(names[row.path[:end]] for end in range(2 * row.steplen, len(row.path), row.steplen))
        country.counties.append((row.pk, row.code, above + row.name_zh))
    _agencies(country)
    _accounts(country)


def _agencies(country: Country) -> None:
    rows = list(Region.objects.filter(valid_to=None, level__in=list(LEVELS)).order_by("depth", "path"))
    made = [(row, kind) for row in rows for kind in _KINDS]
    ids = pour(
        Agency,
        {
            "code": [f"{kind}-{row.code}" for row, kind in made],
            "kind": [kind for _, kind in made],
            "name_zh": [f"{row.name_zh}{Agency.Kind(kind).label}" for row, kind in made],
            "region_id": [row.pk for row, _ in made],
        },
    )
    country.agencies = {row.pk: pk for (row, kind), pk in zip(made, ids, strict=True) if kind == "energy"}


def _accounts(country: Country) -> None:
    by = By(None, country.now)
    for level, code in LEVELS.items():
        for at in range(5):
            roles = (Role.OFFICER, Role.ANALYST) if at % 2 else (Role.SUPERVISOR, Role.CLERK)
            name = words.people(country.rng, 1)[0]
            agency = f"{_KINDS[at]}-{code}"
            open_account(AccountGiven(f"{level}-{at}", PASSWORD, agency, roles, full_name=name), by)
    for kind in ("system", "security", "audit"):
        open_account(AccountGiven(kind, PASSWORD, "energy-510000", (), kind, kind), by)
    agencies = list(
        Agency.objects.filter(region__level="county").values_list("pk", "region_id")[: country.share(5_000)]
    )
    first = User.objects.order_by("-pk")[0].pk + 1
    made = pour(
        User,
        {
            "username": [f"u{pk:05d}" for pk, _ in agencies],
            "last_name": words.people(country.rng, len(agencies)),
            "agency_id": [pk for pk, _ in agencies],
            "region_id": [region for _, region in agencies],
            "password": "!",
            "is_active": True,
            "date_joined": country.now,
        },
        first,
    )
    country.users = list(made)


def fill_register(country: Country) -> None:
    """Add enterprises, premises, usage points, plants, lines, and sites with all that hangs on them."""
    sources = _sources(country)
    firms = _enterprises(country)
    places = _premises(country)
    points = _usage_points(country, firms, places)
    plants, lines = _plants(country), _lines(country, firms)
    _sites(country, places)
    _links(country, points, lines, plants, sources)
    _parts(country, firms, sources)
    _sightings(country, sources)
    _machines_and_files(country, sources)
    _statements(country, points, sources)


def _regions(country: Country, number: int) -> tuple[list[int], list[str], list[str]]:
    at = country.places(number)
    columns = zip(*(country.counties[one] for one in at), strict=True)
    ids, codes, names = (list(column) for column in columns)
    return ids, codes, names


def _sources(country: Country) -> range:
    number = country.share(50_000)
    return pour(
        Source,
        {
            "kind": country.one_of(Source.Kind.values, number, (0.4, 0.3, 0.05, 0.05, 0.05, 0.1, 0.05)),
            "reference": [f"来源-{at:06d}" for at in range(number)],
            "user_id": country.one_of([None, *country.users[:200]], number),
            "at": country.times(number, 700),
        },
    )


def _enterprises(country: Country) -> range:
    number = country.share(200_000)
    regions, codes, places = _regions(country, number)
    names = words.companies(country.rng, [place.rpartition("市")[2] or place for place in places])
    return pour(
        Enterprise,
        {
            "region_id": regions,
            "uscc": words.credit_codes(codes),
            "name": names,
            "name_key": [name_key(name) for name in names],
            "legal_representative": words.people(country.rng, number),
            "phone": [
                f"1{one}" for one in country.rng.integers(3_000_000_000, 9_999_999_999, number).tolist()
            ],
            "industry_code": country.one_of(("I64", "D44", "C39", "A01", "F51"), number),
            "credit_class": country.one_of(("", "A", "B", "C", "D"), number, (0.5, 0.2, 0.2, 0.08, 0.02)),
            "created_at": country.times(number, 700),
        },
    )


def _premises(country: Country) -> range:
    number = country.share(300_000)
    regions, _, places = _regions(country, number)
    texts = words.addresses(country.rng, places)
    return pour(
        Premises,
        {
            "region_id": regions,
            "address": texts,
            "address_key": [address_key(text) for text in texts],
            "floor_area_m2": country.rng.lognormal(5, 1, number).round(0).tolist(),
            "lon": country.rng.uniform(80, 125, number).round(5).tolist(),
            "lat": country.rng.uniform(22, 48, number).round(5).tolist(),
            "created_at": country.times(number, 700),
        },
    )


def _usage_points(country: Country, firms: range, places: range) -> range:
    number, rng = country.usage_points, country.rng
    regions, codes, _ = _regions(country, number)
    numbers = [f"{code[:4]}{at:09d}" if at % 5 else f"00{at:011d}" for at, code in enumerate(codes)]
    return pour(
        UsagePoint,
        {
            "region_id": regions,
            "number": numbers,
            "number_key": [number_key(one) for one in numbers],
            "customer_name": words.people(rng, number),
            "enterprise_id": _some(rng, firms, number, 0.2),
            "premises_id": rng.integers(places.start, places.stop, number).tolist(),
            "tariff_class": country.one_of(
                ("residential", "large_industry", "agriculture", "general"), number
            ),
            "voltage_kv": country.one_of((0.22, 0.38, 10.0, 35.0), number, (0.7, 0.2, 0.09, 0.01)),
            "contract_kva": rng.lognormal(2.5, 1.5, number).round(1).tolist(),
            "transformer_id": [
                f"T{one:06d}" for one in rng.integers(0, max(1, number // 100), number).tolist()
            ],
            "opened_on": [at.date() for at in country.times(number, 4000)],
            "created_at": country.times(number, 700),
        },
    )


def _some(rng: np.random.Generator, ids: range, number: int, share: float) -> list[int | None]:
    drawn = rng.integers(ids.start, ids.stop, number).tolist()
    return [one if is_set else None for one, is_set in zip(drawn, rng.random(number) < share, strict=True)]


def _plants(country: Country) -> range:
    number = country.share(5_000)
    regions, codes, places = _regions(country, number)
    return pour(
        Plant,
        {
            "region_id": regions,
            "number": [f"P{code}-{at:06d}" for at, code in enumerate(codes)],
            "name": [f"{place[-4:]}水电站" for place in places],
            "kind": country.one_of(("hydro", "wind", "solar"), number),
            "capacity_mw": country.rng.lognormal(2, 1, number).round(1).tolist(),
            "created_at": country.times(number, 700),
        },
    )


def _lines(country: Country, firms: range) -> range:
    number, rng = country.share(200_000), country.rng
    regions, _, _ = _regions(country, number)
    prefixes = [_ip(0x24000000 + at * 4, "/30") for at in range(number)]
    return pour(
        Line,
        {
            "region_id": regions,
            "prefix": prefixes,
            "first_address": [address_sort_key(one[:-3]) for one in prefixes],
            "carrier_id": [country.agencies[region] for region in regions],
            "holder_name": words.people(rng, number),
            "enterprise_id": _some(rng, firms, number, 0.5),
            "valid_from": country.times(number, 900),
            "created_at": country.times(number, 700),
        },
    )


def _ip(number: int, rest: str = "") -> str:
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0)) + rest


def _sites(country: Country, places: range) -> None:
    number, rng = country.share(100_000), country.rng
    at = country.places(number)
    regions = [country.counties[one] for one in at]
    power = rng.lognormal(4.5, 1.4, number).round(1)
    states = country.one_of(Site.State.values, number, (0.35, 0.1, 0.25, 0.05, 0.1, 0.15))
    coins = country.one_of([*_COINS, ("", "")], number)
    seen = country.times(number, 370)
    hash_rates = [_hash_rates(name, kw) for (_, name), kw in zip(coins, power.tolist(), strict=True)]
    closed = [_closed(one, state) for one, state in zip(seen, states, strict=True)]
    is_missing = rng.random(number) < 0.05
    columns = {
        "region_id": [row[0] for row in regions],
        "code": [f"S{code}-{one:06d}" for one, (_, code, _) in enumerate(regions)],
        "name": [f"{name[-3:]}疑似点{one % 97}" for one, (_, _, name) in enumerate(regions)],
        "premises_id": rng.integers(places.start, places.stop, number).tolist(),
        "phase": country.one_of(Site.Phase.values, number, (0.85, 0.15)),
        "kind": country.one_of(Site.Kind.values, number),
        "state": states,
        "power_kw": [None if gap else kw for gap, kw in zip(is_missing, power.tolist(), strict=True)],
        "power_low_kw": (power * 0.8).tolist(),
        "power_high_kw": (power * 1.2).tolist(),
        "energy_week_kwh": (power * 160).round(0).tolist(),
        "hash_rates": hash_rates,
        "posterior": rng.beta(8, 2, number).round(4).tolist(),
        "q_value": rng.beta(1, 20, number).round(4).tolist(),
        "coin": [coin for coin, _ in coins],
        "pool": country.one_of(_POOLS, number),
        "first_seen_at": seen,
        "last_seen_at": [min(country.now, one + timedelta(days=30)) for one in seen],
        "closed_on": closed,
        "recurrences": rng.poisson(0.1, number).tolist(),
        "created_at": seen,
    }  # fmt: skip
    columns["id"] = pour(Site, columns)
    country.sites = columns


def _hash_rates(algorithm: str, kw: float) -> dict[str, dict[str, float]]:
    return {algorithm: {"value": kw * 3e13, "low": kw * 2e13, "high": kw * 4e13}} if algorithm else {}


def _closed(seen: datetime, state: str) -> date | None:
    return (seen + timedelta(days=60)).date() if state == "closed" else None


def _links(country: Country, points: range, lines: range, plants: range, sources: range) -> None:
    rng, sites = country.rng, country.sites["id"]
    number = len(sites)
    site = [*sites, *sites, *sites[: number // 20]]
    own = rng.permutation(len(points))[:number] + points.start
    line = rng.permutation(len(lines))[:number] + lines.start
    plant = rng.integers(plants.start, plants.stop, number // 20)
    ends = [own.tolist(), line.tolist(), plant.tolist()]
    columns = {
        name: [one if at == place else None for at, group in enumerate(ends) for one in group]
        for place, name in enumerate(("usage_point_id", "line_id", "plant_id"))
    }
    pour(
        Link,
        {
            "site_id": site,
            **columns,
            "energy_week_kwh": rng.lognormal(8, 1, len(site)).round(0).tolist(),
            "probability": rng.beta(8, 2, len(site)).round(3).tolist(),
            "source_id": rng.integers(sources.start, sources.stop, len(site)).tolist(),
        },
    )


def _parts(country: Country, firms: range, sources: range) -> None:
    rng, sites = country.rng, country.sites["id"]
    site = [*sites, *sites[::2]]
    number = len(site)
    parts = ["operator"] * len(sites) + ["landlord"] * (number - len(sites))
    pour(
        Party,
        {
            "site_id": site,
            "enterprise_id": rng.integers(firms.start, firms.stop, number).tolist(),
            "part": parts,
            "probability": rng.beta(8, 2, number).round(3).tolist(),
            "source_id": rng.integers(sources.start, sources.stop, number).tolist(),
        },
    )


def _sightings(country: Country, sources: range) -> None:
    rng, sites = country.rng, country.sites["id"]
    number = country.share(400_000)
    many = sites[0]  # one site with thousands
    site = [
        many if at % 80 == 0 else one
        for at, one in enumerate(rng.integers(1, len(sites) + 1, number).tolist())
    ]
    addresses = [
        _ip(0x24000000 + one) for one in rng.integers(0, 4 * country.share(200_000), number).tolist()
    ]
    times = country.times(number, 370)
    coins = country.one_of(_COINS, number)
    pour(
        Sighting,
        {
            "site_id": site,
            "address": addresses,
            "address_key": [address_sort_key(one) for one in addresses],
            "port": rng.integers(1024, 65535, number).tolist(),
            "first_at": times,
            "last_at": [one + timedelta(hours=20) for one in times],
            "pool": country.one_of(_POOLS, number),
            "coin": [coin for coin, _ in coins],
            "algorithm": [name for _, name in coins],
            "wallet": words.wallets(rng, number),
            "worker": [f"rig{one}" for one in rng.integers(0, 400, number).tolist()],
            "submissions": rng.integers(1, 90_000, number).tolist(),
            "source_id": rng.integers(sources.start, sources.stop, number).tolist(),
        },
    )


def _machines_and_files(country: Country, sources: range) -> None:
    rng, sites = country.rng, country.sites["id"]
    number = country.share(60_000)
    models = country.one_of(_MODELS, number)
    pour(
        MachineGroup,
        {
            "site_id": rng.integers(1, len(sites) + 1, number).tolist(),
            "maker": [maker for maker, _ in models],
            "model": [model for _, model in models],
            "number": rng.integers(1, 900, number).tolist(),
            "algorithm": "sha256d",
            "hash_rate_each": 9.5e13,
            "power_each_w": 3250.0,
            "made_year": rng.integers(2018, 2024, number).tolist(),
            "source_id": rng.integers(sources.start, sources.stop, number).tolist(),
            "counted_at": country.times(number, 370),
        },
    )
    number = country.share(30_000)
    at = rng.integers(0, len(sites), number).tolist()
    pour(
        EvidenceFile,
        {
            "region_id": [country.sites["region_id"][one] for one in at],
            "sha256": [f"{one:064x}" for one in range(number)],
            "name": "现场照片.jpg",
            "media_type": "image/jpeg",
            "size": rng.integers(10_000, 4_000_000, number).tolist(),
            "subject_kind": "site",
            "subject_id": [sites[one] for one in at],
            "at": country.times(number, 370),
        },
    )
    number = country.share(2_000)
    pour(
        Merge,
        {
            "region_id": [country.counties[one][0] for one in country.places(number)],
            "kind": "enterprise",
            "kept_id": rng.integers(1, 30, number).tolist(),
            "merged_id": rng.integers(30, 60, number).tolist(),
            "reason": "同一企业",
            "at": country.times(number, 370),
        },
    )


def _statements(country: Country, points: range, sources: range) -> None:
    """Add what was said of each usage point, once, and of each site, time and again."""
    rng, sites = country.rng, country.sites["id"]
    number = len(points)
    values = [
        {"voltage_kv": 10.0, "contract_kva": 315.0, "customer_name": name}
        for name in words.people(rng, number)
    ]
    pour(
        Statement,
        {
            "subject_kind": "usagepoint",
            "subject_id": points,
            "values": values,
            "source_id": rng.integers(sources.start, sources.stop, number).tolist(),
            "at": country.times(number, 700),
        },
    )
    weeks = 6
    power = [one or 1.0 for one in country.sites["power_kw"]]
    said = [
        {"power_kw": kw * (1 + week / 50), "energy_week_kwh": kw * 160, "posterior": 0.9, "last_seen_at": at}
        for week, at in enumerate(_weeks(country, weeks))
        for kw in power
    ]  # fmt: skip
    pour(
        Statement,
        {
            "subject_kind": "site",
            "subject_id": list(sites) * weeks,
            "values": said,
            "source_id": rng.integers(sources.start, sources.stop, len(said)).tolist(),
            "at": [at for at in country.times(weeks, 40) for _ in repeat(None, len(sites))],
            "holds": country.one_of((True, False), len(said), (0.97, 0.03)),
        },
        number + 1,
    )


def _weeks(country: Country, number: int) -> list[str]:
    return [(country.now - timedelta(weeks=number - at)).astimezone(UTC).isoformat() for at in range(number)]
