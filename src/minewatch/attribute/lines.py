"""Which leased lines lead to which site: from the carriers' counts to the premises whose power is known."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from minewatch.attribute.endpoints import Holder, certain_sites, holder_of
from minewatch.attribute.leases import Lease
from minewatch.attribute.parties import Records, parties
from minewatch.attribute.sites import Attribution


class SiteLine(NamedTuple):
    """A line of a site and when it was its: the lease that names the holder, under which counts come."""

    prefix: str
    port_low: int
    port_high: int
    carrier: str | None
    valid_from: datetime
    valid_to: datetime | None


def lines_of_sites(attribution: Attribution, counted: Collection[str]) -> Mapping[str, Sequence[SiteLine]]:
    """Return site → its lines, for the sites that a line of the ``counted`` prefixes leads to for certain.

    All other leases to the door or credit code of such a site are lines of it too, counted or not: traffic
    that nobody counts must not be taken for none.
    """
    leases = [lease for lease in _leases(attribution) if lease.names_holder and not lease.next_prefix]
    holders = sorted({holder_of(lease) for lease in leases if lease.prefix in counted}, key=str)
    places = dict(zip(holders, certain_sites(holders, attribution.directory), strict=True))
    found: dict[str, list[SiteLine]] = defaultdict(list)
    known = _by_keys(attribution, {site for site in places.values() if site})
    others = sorted({holder_of(lease) for lease in leases} - places.keys(), key=str)
    places |= dict(zip(others, _places(others, known, attribution), strict=True))
    for lease in leases:
        site = places[holder_of(lease)]
        if site:
            found[site].append(SiteLine(*(getattr(lease, name) for name in SiteLine._fields)))
    return {site: sorted(found[site], key=str) for site in sorted(found)}


def _leases(attribution: Attribution) -> list[Lease]:
    columns = [attribution.registers.ip_leases[name].to_pylist() for name in Lease._fields]
    return [Lease(*values) for values in zip(*columns, strict=True)]


def _by_keys(attribution: Attribution, sites: Collection[str]) -> Mapping[str, str]:
    """Return door or credit code → site, for the accounts of some sites; what two sites share is left out."""
    directory = attribution.directory
    codes = directory.grouping.codes_of(directory.table["unique_id"].combine_chunks())
    found: dict[str, set[str]] = defaultdict(set)
    doors, uscc = (directory.table[name].to_pylist() for name in ("door", "uscc"))
    for code, *keys in zip(codes.tolist(), doors, uscc, strict=True):
        for key in keys:
            if key:
                found[key].add(directory.site_ids[code])
    return {key: next(iter(own)) for key, own in found.items() if len(own) == 1 and own <= set(sites)}


def _places(
    holders: Sequence[Holder], known: Mapping[str, str], attribution: Attribution
) -> list[str | None]:
    columns = zip(*holders, strict=True) if holders else ((), (), (), ())
    names, codes, addresses, regions = columns
    ids = [str(n) for n in range(len(holders))]
    keys = parties(Records(ids, names, codes, addresses, regions), attribution.directory.gazetteer).table
    doors, uscc = (keys[name].to_pylist() for name in ("door", "uscc"))
    return [known.get(door) or known.get(code) for door, code in zip(doors, uscc, strict=True)]
