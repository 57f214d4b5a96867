"""The pages that are loaded: lists with filters, orders and pages, searches of each kind, pages of things.

``{name}`` in an address is drawn from what the account's region holds (``office_known``), quoted.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np

ACCOUNTS = (
    *(f"{level}-{at}" for level in ("nation", "province", "city") for at in range(5)),
    *("county-0", "county-1", "system", "security", "audit"),
)
"""Twenty: of each level of government in its roles, and the three administrators."""

FLOOR = "healthz"
PASSWORD = "gobi-lantern-42-river"  # noqa: S105 - of accounts that a benchmark makes

# ruff: noqa: E501 - a line a page
_SORTS = "&sort={sort}"
_LISTS: Mapping[str, tuple[str, Sequence[str], Sequence[str]]] = {
    "sites": (
        "/sites/",
        ("", "state=confirmed", "region={region}", "phase=construction&kind=active", "least_kw=300", "text={site_name}", "text={site_code_start}", "text=没有这个", "seen_since=2026-09-01", "state=suspected&region={region}&least_kw=50"),
        ("", "code", "-code", "name", "region", "-region", "state", "kind", "-power_kw", "power_kw", "-energy_week_kwh", "-posterior", "-last_seen_at", "last_seen_at", "-recurrences"),
    ),
    "inventory": ("/inventory/operating/", ("", "region={region}", "state=listed", "least_kw=300", "text={site_name}"), ("", "name", "-energy_week_kwh", "-last_seen_at", "first_seen_at")),
    "inventory_construction": ("/inventory/construction/", ("", "region={region}", "kind=active"), ("", "planned_start_on", "-last_seen_at")),
    "enterprises": ("/enterprises/", ("", "text={firm_word}", "text={uscc}", "region={region}", "credit_class=D", "text=没有这个"), ("", "-name", "uscc", "-uscc", "region", "industry_code", "-credit_class")),
    "usage_points": ("/usage-points/", ("", "region={region}", "least_kva=500", "transformer={transformer}", "region={region}&least_kva=100"), ("", "-number", "region", "contract_kva", "-contract_kva")),
    "plants": ("/plants/", ("", "text=水电", "region={region}"), ("", "name", "-capacity_mw", "kind", "region")),
    "lines": ("/lines/", ("", "region={region}"), ("", "-prefix", "region")),
    "merges": ("/merges/", ("", "kind=enterprise", "kind=site"), ("",)),
    "deliveries": ("/deliveries/", ("",), ("",)),
    "cases": ("/cases/", ("", "state=confirmed", "open=on", "mine=on", "region={region}", "batch={batch}", "text={case_start}", "text={site_name}", "text=没有这个", "mine=on&open=on&state=measures"), ("", "number", "site", "region", "state", "-power_kw", "holder", "moved_at")),
    "batches": ("/batches/", ("", "kind=key"), ("", "number", "due_at", "-due_at")),
    "questions": ("/questions/", ("",), ("", "carrier", "-due_at")),
    "accounts": ("/administration/accounts/", ("", "text=u00", "text=伟", "role=officer", "active=yes"), ("",)),
    "agencies": ("/administration/agencies/", ("", "text=能源", "kind=grid", "region=510000"), ("",)),
    "regions": ("/administration/regions/", ("", "text=涪城", "text=5107", "level=county", "ended=on"), ("",)),
    "audit": ("/audit/", ("", "actor=u00017", "action=case_moved", "subject=site", "subject=site 77", "since=2026-06-01&until=2026-06-30", "agency=energy-510000", "actor=niemand"), ("",)),
}  # fmt: skip
_PAGE_NUMBERS = ("", "&page=2", "&page=40", "&size=200", "&size=100&page=100")
_SEARCHES: Mapping[str, str] = {
    "name": "{firm_word}",
    "person": "{person}",
    "code": "{site_code}",
    "code_start": "{site_code_start}",
    "number": "{number}",
    "number_start": "{number_start}",
    "uscc": "{uscc}",
    "ip": "{ip}",
    "prefix": "{prefix}",
    "wallet": "{wallet}",
    "address": "{address_word}",
    "miss": "查无此名",
    "miss_code": "ZZZZ99999999",
    "miss_ip": "198.51.100.7",
}
_PAGES: Mapping[str, Sequence[str]] = {
    FLOOR: ("/healthz",),
    "home": ("/",),
    "overview: figures": ("/overview/figures/",),
    "overview: weeks": ("/overview/weeks/",),
    "overview: regions": ("/overview/regions/",),
    "overview: queue": ("/overview/queue/",),
    "compare": ("/compare/", "/compare/?region={region}"),
    "map": ("/map/",),
    "map: sites": ("/map/sites.json", "/map/sites.json?box=100,25,110,35", "/map/sites.json?state=confirmed&state=listed", "/map/sites.json?box=104.1,30.1,104.9,30.9"),
    "works": ("/works/",),
    "queue": ("/queue/",),
    "site": ("/sites/{site_code}/", "/sites/{site_code}/", "/sites/{big_site}/"),
    "site: case": ("/sites/{site_code}/panels/case/",),
    "site: evidence": ("/sites/{site_code}/panels/evidence/",),
    "site: history": ("/sites/{site_code}/panels/history/",),
    "site: files": ("/sites/{site_code}/panels/files/",),
    "enterprise": ("/enterprises/{enterprise}/",),
    "usage_point": ("/usage-points/{usage_point}/",),
    "plant": ("/plants/{plant}/",),
    "line": ("/lines/{line}/",),
    "premises": ("/premises/{premises}/",),
    "case": ("/cases/{case}/",),
    "batch": ("/batches/{batch}/",),
    "question": ("/questions/{question}/",),
    "duplicates": tuple(f"/duplicates/{kind}/" for kind in ("enterprise", "premises", "usagepoint", "line", "site")),
    "office_state": ("/administration/state/",),
}  # fmt: skip
_PARTS = ("overview:", "site:")
"""Pages with these beginnings are parts that htmx loads into another page."""


def routes() -> list[str]:
    """Return the names of all that is loaded."""
    return [*_PAGES, *(f"search: {kind}" for kind in _SEARCHES), *_LISTS]


def is_judged(route: str) -> bool:
    """Tell whether the bars hold for a route: every list, search and site page."""
    return route in _LISTS or route.startswith(("search:", "site:")) or route == "site"


def is_part(route: str) -> bool:
    """Tell whether htmx loads a route into a page."""
    return route.startswith(_PARTS)


def address(route: str, known: Mapping[str, Sequence[Any]], rng: np.random.Generator) -> str | None:
    """Return an address of a route as a person would come to it; None where the region has nothing for it."""
    if route in _PAGES:
        pattern = _one(rng, _PAGES[route])
    elif route in _LISTS:
        pattern = _of_list(*_LISTS[route], rng)
    else:
        pattern = f"/search/?q={_SEARCHES[route.removeprefix('search: ')]}"
    return _filled(pattern, known, rng)


def _of_list(path: str, filters: Sequence[str], sorts: Sequence[str], rng: np.random.Generator) -> str:
    sort = _one(rng, sorts)
    query = _one(rng, filters) + (_SORTS.format(sort=sort) if sort else "") + _one(rng, _PAGE_NUMBERS)
    return f"{path}?{query.lstrip('&')}"


def _one(rng: np.random.Generator, choices: Sequence[Any]) -> Any:
    return choices[int(rng.integers(len(choices)))]


def _filled(pattern: str, known: Mapping[str, Sequence[Any]], rng: np.random.Generator) -> str | None:
    while "{" in pattern:
        before, _, rest = pattern.partition("{")
        name, _, after = rest.partition("}")
        if not known.get(name):
            return None
        pattern = before + quote(str(_one(rng, known[name]))) + after
    return pattern
