"""Names of mining pools: which hosts are a pool's mining servers, and which its web site.

``pools.csv`` lists domains as facts with date and source; it is loaded, never fetched. Nobody is asked
whether a name is a pool.
"""

import csv
from functools import cache
from importlib import resources
from typing import NamedTuple

_SITE_LABELS = frozenset(
    [
        "www",
        "api",
        "app",
        "account",
        "accounts",
        "admin",
        "assets",
        "blog",
        "cdn",
        "chat",
        "dashboard",
        "dev",
        "docs",
        "download",
        "explorer",
        "forum",
        "help",
        "img",
        "images",
        "m",
        "mail",
        "news",
        "pay",
        "shop",
        "static",
        "stats",
        "status",
        "support",
        "test",
        "wallet",
        "web",
    ]
)
"""First labels under which pools serve pages, not work."""


class PoolName(NamedTuple):
    """A ``name`` under the pool's ``domain``; ``serves_work`` is False for the web site's names."""

    name: str
    domain: str
    as_of: str
    serves_work: bool


def pool_of(name: str) -> PoolName | None:
    """Return what ``name`` (a host name in lower case) is to a known pool, None where it is nobody's."""
    host = name.rstrip(".")
    labels = host.split(".")
    for start in range(len(labels) - 1):
        domain = ".".join(labels[start:])
        if domain in _pools():
            sub = labels[:start]
            return PoolName(host, domain, _pools()[domain], bool(sub) and sub[0] not in _SITE_LABELS)
    return None


@cache
def _pools() -> dict[str, str]:
    text = resources.files(__package__).joinpath("pools.csv").read_text(encoding="utf-8")
    return {row["domain"]: row["as_of"] for row in csv.DictReader(text.splitlines())}
