"""Accounts that collect at several sites: a link between them, which merges nothing.

A wallet is one beneficiary wherever it appears; the name of a pool's account only at that pool. Both are
personal data: links carry a hash, from which the same account is known again but not read.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from minewatch.schema.ids import content_id
from minewatch.schema.reasons import reason
from minewatch.schema.sites import Link

WALLET, NAMED = 0.99, 0.95
"""Probability that one wallet, or one account of one pool, has one beneficiary (assumed)."""

MOST_SITES, MOST_ENDPOINTS = 20, 5
"""Other sites, and endpoints of a site, named in links of an account; of sites the number is told in full."""

_WALLET = re.compile(r"(?:0x)?[0-9a-z:]{26,}", re.IGNORECASE)
_HEX = re.compile(r"0x[0-9a-f]+|(?:bc1|ltc1|kaspa:)[0-9a-z]+", re.IGNORECASE)
"""Forms in which capitals say nothing (EIP-55 uses them as a check; BIP 173 forbids mixing them)."""

_NOBODY = frozenset(
    {"x", "test", "user", "username", "worker", "default", "anonymous", "anon", "root", "123", "na"}
)
"""Names that are filled in without meaning anybody."""


class AccountSeen(NamedTuple):
    """An account on a connection of an endpoint of a site; ``pool`` is a name or an address."""

    site_id: str
    endpoint: str
    account: str
    pool: str | None


class SharedAccount(NamedTuple):
    """An account of a site that other sites have too; ``probability`` that its beneficiary is one."""

    account_id: str
    pool: str | None
    endpoints: tuple[str, ...]
    elsewhere: tuple[str, ...]
    probability: float


def account_key(account: str, pool: str | None) -> str | None:
    """Return by what an account is known again; None for a name that stands for nobody."""
    text = account.strip()
    if _WALLET.fullmatch(text):
        return text.lower() if _HEX.fullmatch(text) else text
    name = text.lower()
    if len(name) < 3 or name in _NOBODY or not pool:
        return None
    return f"{name}@{_domain(pool)}"


def _domain(pool: str) -> str:
    """Return the last two labels of a name; an address as it is."""
    labels = pool.lower().rstrip(".").split(".")
    return pool if labels[-1].isdigit() or ":" in pool else ".".join(labels[-2:])


def shared_accounts(seen: Iterable[AccountSeen]) -> dict[str, list[SharedAccount]]:
    """Return site → its accounts that other sites have as well, ordered by id."""
    by_key: dict[str, list[AccountSeen]] = defaultdict(list)
    for item in seen:
        if key := account_key(item.account, item.pool):
            by_key[key].append(item)
    found: dict[str, list[SharedAccount]] = defaultdict(list)
    for key, items in sorted(by_key.items()):
        sites = sorted({item.site_id for item in items})
        for site in sites if len(sites) > 1 else ():
            found[site].append(_shared(key, site, sites, items))
    return {site: sorted(accounts) for site, accounts in found.items()}


def _shared(key: str, site: str, sites: Sequence[str], items: Sequence[AccountSeen]) -> SharedAccount:
    own = [item for item in items if item.site_id == site]
    return SharedAccount(
        content_id("A", key),
        next((item.pool for item in own if item.pool), None),
        tuple(sorted({item.endpoint for item in own})),
        tuple(other for other in sites if other != site),
        NAMED if "@" in key else WALLET,
    )


def account_links(accounts: Iterable[SharedAccount]) -> Iterator[Link]:
    """Yield the links of a site's endpoints to accounts, and of these to the other sites."""
    for item in accounts:
        used = reason("account_used", account=item.account_id, pool=item.pool or "-")
        for endpoint in item.endpoints[:MOST_ENDPOINTS]:
            yield Link("endpoint", endpoint, "account", item.account_id, 1.0, used)
        elsewhere = reason("account_elsewhere", account=item.account_id, sites=len(item.elsewhere))
        for site in item.elsewhere[:MOST_SITES]:
            yield Link("account", item.account_id, "site", site, item.probability, elsewhere)


def other_owners(
    site_id: str, accounts: Iterable[SharedAccount], owners: Mapping[str, frozenset[str]]
) -> int:
    """Return how many other sites have one of the accounts and no owner in common with this one.

    ``owners``: site → names and enterprises of its owners, of the sites where they are known.
    """
    own = owners.get(site_id, frozenset())
    others = {other for item in accounts for other in item.elsewhere}
    return sum(1 for other in others if not own & owners.get(other, frozenset()))
