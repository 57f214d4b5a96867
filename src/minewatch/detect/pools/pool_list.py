"""Lists of mining pools: domains, addresses and certificate names, each with its source and day.

``pools.csv`` is shipped; rows of the table ``pool_endpoints`` come beside it. Both are loaded, never fetched:
nobody is asked whether a name or an address is a pool.
"""

import csv
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache, cached_property
from importlib import resources
from socket import AF_INET, AF_INET6, inet_pton
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

DOMAIN, ADDRESS, CERTIFICATE = "domain", "address", "certificate"
"""Kinds of entries."""

_SITE_LABELS = frozenset(
    {
        *("www", "api", "app", "account", "accounts", "admin", "assets", "blog", "cdn", "chat", "dashboard"),
        *("dev", "docs", "download", "explorer", "forum", "help", "img", "images", "m", "mail", "news"),
        *("pay", "shop", "static", "stats", "status", "support", "test", "wallet", "web"),
    }
)
"""First labels under which pools serve pages, not work."""

_MAPPED = 0xFFFF << 32
"""An IPv4 address is held as ::ffff:a.b.c.d, as in the table of flows."""

_HALF = (1 << 64) - 1
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Entry(NamedTuple):
    """A row of ``pool_endpoints``; ``port`` 0 stands for any."""

    kind: str
    endpoint: str
    port: int
    pool: str | None
    coin: str | None
    source: str
    as_of: date


class Match(NamedTuple):
    """What was found in the list for ``name`` (a host name or an address).

    ``serves_work``: the port is listed, or the name is one of the hosts that give out work; False for the
    names of a pool's web site. ``on_listed_port``: the entry names the very port.
    """

    entry: Entry
    name: str
    serves_work: bool
    on_listed_port: bool


class PoolList:
    """Entries in a form that is quick to ask. Of several for one endpoint the latest counts.

    ``unread``: entries of a kind that is none, or whose address is none.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.unread: list[Entry] = []
        self._names: dict[str, dict[str, list[Entry]]] = {DOMAIN: {}, CERTIFICATE: {}}
        self._networks: dict[tuple[int, int], dict[int, list[Entry]]] = {}
        for entry in sorted(entries, key=_latest_first):
            self._add(entry)

    def of_name(self, name: str, port: int = 0) -> Match | None:
        """Return what a host name is to a known pool, None where it is nobody's; ``port`` 0: not known."""
        host = folded(name)
        labels = host.split(".")
        for start in range(len(labels)):
            listed = self._names[DOMAIN].get(".".join(labels[start:]))
            if listed and (entry := _on_port(listed, port)):
                on_port = _is_listed(entry, port)
                return Match(entry, host, on_port or _gives_work(labels, start), on_port)
        return None

    def of_certificate(self, name: str, port: int = 0) -> Match | None:
        """Return what a name in a server's certificate is to a known pool; ``*.`` stands for all below."""
        entry = _on_port(self._names[CERTIFICATE].get(folded(name), ()), port)
        if entry is not None:
            return Match(entry, name, serves_work=True, on_listed_port=_is_listed(entry, port))
        found = self.of_name(name.removeprefix("*."), port)
        return found and found._replace(name=name)

    def of_address(self, address: str, port: int = 0) -> Match | None:
        """Return the narrowest listed prefix that holds ``address``, None where none does."""
        if not self._networks:
            return None
        value, bits = _number(address)
        for (size, length), networks in self._networks.items():
            listed = networks.get(value >> (bits - length)) if size == bits else None
            if listed and (entry := _on_port(listed, port)):
                on_port = _is_listed(entry, port)
                return Match(entry, address, on_port, on_port)
        return None

    @property
    def names(self) -> frozenset[str]:
        """All listed domains and certificate names, folded; whatever matches ends with one of them."""
        return frozenset(name for names in self._names.values() for name in names)

    @cached_property
    def ranges(self) -> npt.NDArray[np.int64]:
        """All listed addresses as ranges for ``kernels.traffic.addresses``, (n, 4) int64, apart and in order.

        Columns: high and low half of the first and of the last address.
        """
        spans = sorted(
            _span(value, size, length) for (size, length), nets in self._networks.items() for value in nets
        )
        merged: list[list[int]] = []
        for first, last in spans:
            if merged and first <= merged[-1][1] + 1:
                merged[-1][1] = max(merged[-1][1], last)
            else:
                merged.append([first, last])
        halves = [[first >> 64, first & _HALF, last >> 64, last & _HALF] for first, last in merged]
        return np.array(halves, np.uint64).reshape(-1, 4).view(np.int64)

    def _add(self, entry: Entry) -> None:
        name = folded(entry.endpoint)
        if entry.kind == CERTIFICATE:
            self._names[CERTIFICATE].setdefault(name, []).append(entry)
        elif entry.kind == DOMAIN and "." in name:
            self._names[DOMAIN].setdefault(name.removeprefix("*."), []).append(entry)
        elif entry.kind == ADDRESS and (network := _network(name)) is not None:
            self._add_network(network, entry)
        else:
            self.unread.append(entry)

    def _add_network(self, network: _Network, entry: Entry) -> None:
        shape = (network.max_prefixlen, network.prefixlen)
        value = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
        if shape not in self._networks:  # the narrowest is asked first
            self._networks = dict(sorted([*self._networks.items(), (shape, {})], reverse=True, key=_shape))
        self._networks[shape].setdefault(value, []).append(entry)


def folded(name: str) -> str:
    """Return a name as it is compared: lower case, without the root's dot."""
    return name.strip().lower().rstrip(".")


def entries_of(rows: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """Return rows of ``pool_endpoints`` as entries."""
    return [Entry._make(row[name] for name in Entry._fields) for row in rows]


@cache
def shipped_entries() -> tuple[Entry, ...]:
    """Return the entries of ``pools.csv``."""
    text = resources.files(__package__).joinpath("pools.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(
        Entry(
            row["kind"],
            row["endpoint"],
            int(row["port"]),
            row["pool"] or None,
            row["coin"] or None,
            row["source"],
            date.fromisoformat(row["as_of"]),
        )
        for row in rows
    )


@cache
def shipped() -> PoolList:
    """Return the list that comes with the package."""
    return PoolList(shipped_entries())


def with_rows(rows: Sequence[Mapping[str, Any]]) -> PoolList:
    """Return the shipped list with rows of ``pool_endpoints`` beside it."""
    return PoolList([*shipped_entries(), *entries_of(rows)]) if rows else shipped()


def _on_port(listed: Sequence[Entry], port: int) -> Entry | None:
    """Return the entry for ``port``: one that names it, else the latest that names none."""
    exact = next((entry for entry in listed if _is_listed(entry, port)), None)
    return exact or next((entry for entry in listed if not (entry.port and port)), None)


def _is_listed(entry: Entry, port: int) -> bool:
    return bool(port) and entry.port == port


def _gives_work(labels: Sequence[str], start: int) -> bool:
    """Tell whether a name of ``labels``, listed from ``start`` on, is that of a host and not of pages."""
    is_host = start > 0 or len(labels) > 2
    return is_host and labels[0] not in _SITE_LABELS


def _shape(item: tuple[tuple[int, int], object]) -> tuple[int, int]:
    return item[0]


def _latest_first(entry: Entry) -> tuple[int, str, str, int, str]:
    return -entry.as_of.toordinal(), entry.kind, entry.endpoint, entry.port, entry.source


def _network(prefix: str) -> _Network | None:
    try:
        return ipaddress.ip_network(prefix, strict=False)
    except ValueError:
        return None


def _number(address: str) -> tuple[int, int]:
    """Return an address as a number and its length in bits; ten times faster than ``ipaddress``."""
    family, bits = (AF_INET6, 128) if ":" in address else (AF_INET, 32)
    return int.from_bytes(inet_pton(family, address), "big"), bits


def _span(value: int, bits: int, length: int) -> tuple[int, int]:
    first = value << (bits - length)
    base = _MAPPED if bits == 32 else 0
    return base + first, base + first + (1 << (bits - length)) - 1
