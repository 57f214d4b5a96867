"""What the traffic of a listed site shows beside the mining, and with which sites it shares accounts."""

from collections.abc import Iterator, Mapping, Sequence

from minewatch.attribute.accounts import AccountSeen, SharedAccount, shared_accounts
from minewatch.attribute.leases import host_of
from minewatch.attribute.names import name_key
from minewatch.attribute.sites import Attribution
from minewatch.fuse.families import Family
from minewatch.fuse.farm import Signs
from minewatch.fuse.presence import Presence, rest_share, returns
from minewatch.runs.wire_facts import WireFacts
from minewatch.schema.sites import Site

_OWNER = 0.5
"""Probability of a link from which an enterprise is taken for a site's owner."""


def presence_of(signs: Signs, site: Site, facts: WireFacts) -> Presence:
    """Return the presence of a site; its accounts elsewhere are counted by ``other_owners``."""
    wire = signs.get(Family.WIRE, ())
    addresses = {host_of(name) for name in site.endpoints}
    watched = {hour for ip in addresses for hour in facts.watched.get(ip, ())}
    hours, times = returns(wire)
    return Presence(
        rest_share=rest_share(wire, watched, facts.zone),
        hours=hours,
        returns=times,
        resolves=bool(addresses & facts.resolving),
        shared_server=next(_shared_servers(addresses, facts), None),
    )


def _shared_servers(addresses: set[str], facts: WireFacts) -> Iterator[str]:
    """Yield the servers to which the site and another address with a sign speak, and nobody else."""
    for server, hosts in facts.lone_servers.items():
        if hosts & addresses and hosts - addresses:
            yield server


def accounts_of(attribution: Attribution, facts: WireFacts) -> Mapping[str, Sequence[SharedAccount]]:
    """Return site → its accounts that other sites of the run have as well."""
    return shared_accounts(_seen(attribution, facts))


def _seen(attribution: Attribution, facts: WireFacts) -> Iterator[AccountSeen]:
    for item in attribution.endpoints:
        flow = facts.connections.get((item.endpoint.name, item.endpoint.at))
        for account in (flow or {}).get("accounts") or ():
            yield AccountSeen(item.site_id, item.endpoint.name, account, (flow or {}).get("pool"))


def owners_of(site: Site) -> frozenset[str]:
    """Return names and enterprises by which two sites are known to have one owner."""
    firms = {name for name, probability in site.enterprises.items() if probability >= _OWNER}
    name = name_key(site.enterprise_name)
    return frozenset(firms | ({name} if name else set()))
