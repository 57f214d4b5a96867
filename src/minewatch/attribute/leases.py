"""Who held an external address and port at an instant, through every layer of address translation.

A layer is a row of ``ip_leases``. The most specific prefix that is valid at the instant and holds the port
decides. Behind a translation (``next_prefix``) the inner port may be another one: routers keep it where they
can (RFC 4787, section 4.2.1), so an inner layer that is cut by ports leaves several candidates, of which the
one that owns the outer port is the most probable. Whatever is not certain enough is refused: the reason
says which layer failed.
"""

import ipaddress
import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import pyarrow as pa

from minewatch.schema.reasons import Reason, reason

MOST_LAYERS = 8
"""Longer chains are refused: they are circles or mistakes in the records."""

PORT_KEPT = 0.95
"""Probability that an inner layer sees the outer port (assumed; RFC 4787 recommends to keep it)."""


_FEW, _PORTS_TOGETHER, _WIDE = 64, 64, 64
"""Blocks with more leases are looked up by 64 ports at a time; a lease of 4,096 ports and more by itself."""


class Endpoint(NamedTuple):
    """The mining side of a flow: external ``ip`` and ``port`` at the instant ``at``."""

    ip: str
    port: int
    at: datetime

    @property
    def name(self) -> str:
        """Return "ip:port", the subject of wire evidence."""
        return f"{self.ip}:{self.port}"


def endpoint_of(name: str, at: datetime) -> Endpoint:
    """Read "ip:port" (IPv6 with or without brackets). Raises ValueError for anything else."""
    ip, _, port = name.rpartition(":")
    return Endpoint(ip.strip("[]"), int(port), at)


def host_of(name: str) -> str:
    """Return the address of "ip:port"."""
    return name.rpartition(":")[0].strip("[]")


class Lease(NamedTuple):
    """One row of ``ip_leases``; see ``minewatch.schema.network_tables.IP_LEASES``."""

    prefix: str
    port_low: int
    port_high: int
    valid_from: datetime
    valid_to: datetime | None
    kind: str | None
    next_prefix: str | None
    holder_name: str | None
    uscc: str | None
    address: str | None
    region_code: str | None
    carrier: str | None

    @property
    def lease_id(self) -> str:
        """Return a name for links: prefix, ports and start of validity."""
        return f"{self.prefix}:{self.port_low}-{self.port_high}@{self.valid_from:%Y-%m-%dT%H:%MZ}"

    @property
    def names_holder(self) -> bool:
        """Tell whether the row says who or where."""
        return bool(self.holder_name or self.uscc or self.address)

    @property
    def single_address(self) -> str | None:
        """The address of the lease, None where it is of a block."""
        network = ipaddress.ip_network(self.prefix, strict=False)
        return str(network.network_address) if network.num_addresses == 1 else None

    def valid_at(self, instant: datetime) -> bool:
        """Tell whether the lease holds at ``instant`` (half-open)."""
        return self.valid_from <= instant and (self.valid_to is None or instant < self.valid_to)

    def has_port(self, port: int) -> bool:
        """Tell whether the lease holds ``port``."""
        return self.port_low <= port <= self.port_high

    def basis(self) -> Reason:
        """Return the sentence that shows this layer."""
        code = "lease_translation" if self.next_prefix else "lease_layer"
        until = f"{self.valid_to:%Y-%m-%d %H:%M} UTC" if self.valid_to else "-"
        return reason(
            code,
            prefix=self.prefix,
            low=self.port_low,
            high=self.port_high,
            inner=self.next_prefix or "",
            carrier=self.carrier or "-",
            since=f"{self.valid_from:%Y-%m-%d %H:%M} UTC",
            until=until,
        )


class Claim(NamedTuple):
    """A possible holder: the layers from outside to inside, and how probable this chain is."""

    layers: tuple[Lease, ...]
    probability: float

    @property
    def lease(self) -> Lease:
        """Return the innermost layer, which names the holder."""
        return self.layers[-1]


@dataclass(frozen=True)
class Resolution:
    """Possible holders of one endpoint, most probable first; ``refusal`` says why there is none."""

    endpoint: Endpoint
    claims: tuple[Claim, ...]
    refusal: Reason | None = None


class _Span(NamedTuple):
    """An address block as integers, half-open."""

    version: int
    length: int
    first: int
    end: int


class LeaseIndex:
    """Leases by address block, for many look-ups.

    ``leases`` is a table of ``IP_LEASES``. A look-up costs one dictionary access for each prefix length in
    use; inner blocks are found by bisection. Raises ValueError for a prefix that is no address block.
    """

    def __init__(self, leases: pa.Table) -> None:
        columns = [leases[name].to_pylist() for name in Lease._fields]
        self._by_span: dict[_Span, list[Lease]] = defaultdict(list)
        for values in zip(*columns, strict=True):
            lease = Lease(*values)
            self._by_span[_span(lease.prefix)].append(lease)
        self._lengths = sorted({(span.version, span.length) for span in self._by_span}, reverse=True)
        self._spans = sorted(self._by_span, key=lambda span: (span.version, span.first, span.end))
        self._starts = [(span.version, span.first) for span in self._spans]
        self._by_port: dict[_Span, dict[int, list[Lease]]] = {}

    def resolve(self, endpoint: Endpoint) -> Resolution:
        """Return who may have held ``endpoint``, or why nobody can be named."""
        span = _span(endpoint.ip)
        first = self._outer(span, endpoint)
        if not first:
            return Resolution(endpoint, (), self._why_unknown(span, endpoint))
        chains = list(self._chains(first, endpoint, ()))
        named: dict[tuple[Lease, ...], float] = defaultdict(float)
        for chain in chains:
            if layers := _to_holder(chain.layers):
                named[layers] += chain.probability
        claims = sorted(itertools.starmap(Claim, named.items()), key=_order)
        refusal = None if claims else _why_no_holder(endpoint, chains)
        return Resolution(endpoint, tuple(claims), refusal)

    def covers(self, ip: str) -> bool:
        """Tell whether any lease, valid or not, is of a block around ``ip``."""
        return next(self._covering(_span(ip)), None) is not None

    def _chains(
        self, layer: Sequence[tuple[Lease, float]], endpoint: Endpoint, outer: tuple[Lease, ...]
    ) -> Iterator[Claim]:
        """Yield every chain to its innermost layer with its probability."""
        for lease, share in layer:
            path = (*outer, lease)
            ends = lease in outer or len(path) == MOST_LAYERS
            inner = () if ends else self._inner(lease, endpoint)
            if not inner:
                yield Claim(path, share)
            for claim in self._chains(inner, endpoint, path):
                yield Claim(claim.layers, share * claim.probability)

    def _outer(self, span: _Span, endpoint: Endpoint) -> Sequence[tuple[Lease, float]]:
        """Return the leases of the most specific block that hold the port, equally probable."""
        for around in self._spans_around(span):
            found = self._near_port(around, endpoint.port)
            valid = [x for x in found if x.valid_at(endpoint.at) and x.has_port(endpoint.port)]
            if valid:
                return [(lease, 1 / len(valid)) for lease in valid]
        return ()

    def _near_port(self, span: _Span, port: int) -> Sequence[Lease]:
        """Return the leases of a block that may hold ``port``, without a look at each of a day's sessions."""
        if len(self._by_span[span]) <= _FEW:
            return self._by_span[span]
        if span not in self._by_port:
            parts: dict[int, list[Lease]] = defaultdict(list)
            for lease in self._by_span[span]:
                first, last = lease.port_low // _PORTS_TOGETHER, lease.port_high // _PORTS_TOGETHER
                for part in range(first, last + 1) if last - first < _WIDE else (-1,):
                    parts[part].append(lease)
            self._by_port[span] = parts
        parts = self._by_port[span]
        return [*parts.get(-1, ()), *parts.get(port // _PORTS_TOGETHER, ())]

    def _inner(self, lease: Lease, endpoint: Endpoint) -> Sequence[tuple[Lease, float]]:
        """Return the leases behind a translation: of the block around it, else of the blocks inside it."""
        if not lease.next_prefix:
            return ()
        span = _span(lease.next_prefix)
        for found in self._covering(span):
            if valid := [x for x in found if x.valid_at(endpoint.at)]:
                return _shares(_of_carrier(valid, lease.carrier), span, endpoint.port)
        within = [x for s in self._within(span) for x in self._by_span[s] if x.valid_at(endpoint.at)]
        return _shares(_of_carrier(within, lease.carrier), span, endpoint.port)

    def _covering(self, span: _Span) -> Iterator[list[Lease]]:
        """Yield the leases of each block around ``span``, most specific first."""
        return (self._by_span[around] for around in self._spans_around(span))

    def _spans_around(self, span: _Span) -> Iterator[_Span]:
        for version, length in self._lengths:
            if version == span.version and length <= span.length:
                size = 1 << (_bits(version) - length)
                first = span.first // size * size
                if (around := _Span(version, length, first, first + size)) in self._by_span:
                    yield around

    def _within(self, span: _Span) -> Sequence[_Span]:
        low = bisect_left(self._starts, (span.version, span.first))
        high = bisect_left(self._starts, (span.version, span.end))
        return self._spans[low:high]

    def _why_unknown(self, span: _Span, endpoint: Endpoint) -> Reason:
        known = [lease for found in self._covering(span) for lease in found]
        at = f"{endpoint.at:%Y-%m-%d %H:%M} UTC"
        if not known:
            return reason("lease_unknown", ip=endpoint.ip)
        if any(lease.has_port(endpoint.port) for lease in known):
            return reason("lease_expired", ip=endpoint.ip, port=endpoint.port, at=at)
        return reason("lease_port_unassigned", ip=endpoint.ip, port=endpoint.port)


def _why_no_holder(endpoint: Endpoint, chains: Sequence[Claim]) -> Reason:
    last = max(chains, key=lambda claim: claim.probability)
    if len(last.layers) >= MOST_LAYERS or last.lease in last.layers[:-1]:
        return reason("lease_chain_circular", ip=endpoint.ip, layers=len(last.layers))
    if last.lease.next_prefix:
        return reason("lease_inner_unknown", ip=endpoint.ip, inner=last.lease.next_prefix)
    return reason("lease_without_holder", ip=endpoint.ip, prefix=last.lease.prefix)


def _to_holder(layers: tuple[Lease, ...]) -> tuple[Lease, ...]:
    """Cut a chain after the innermost layer that names a holder."""
    named = [n for n, lease in enumerate(layers) if lease.names_holder]
    return layers[: named[-1] + 1] if named else ()


def _of_carrier(leases: Sequence[Lease], carrier: str | None) -> Sequence[Lease]:
    """Keep the leases of one carrier where it has any: inner addresses repeat from network to network."""
    return [lease for lease in leases if carrier and lease.carrier == carrier] or leases


def _shares(leases: Sequence[Lease], span: _Span, port: int) -> Sequence[tuple[Lease, float]]:
    """Weigh leases behind a translation to ``span`` that came from ``port``; the weights sum to 1."""
    sizes = [_size(lease, span) for lease in leases]
    kept = [size if lease.has_port(port) else 0.0 for lease, size in zip(leases, sizes, strict=True)]
    moved = [size * (x.port_high - x.port_low + 1) for x, size in zip(leases, sizes, strict=True)]
    share = PORT_KEPT if sum(kept) else 0.0
    parts = zip(leases, _normal(kept), _normal(moved), strict=True)
    return [(lease, share * k + (1 - share) * m) for lease, k, m in parts]


def _size(lease: Lease, span: _Span) -> float:
    own = _span(lease.prefix)
    return float(min(own.end, span.end) - max(own.first, span.first))


def _normal(weights: Sequence[float]) -> Sequence[float]:
    total = sum(weights)
    return [weight / total if total else 0.0 for weight in weights]


def _order(claim: Claim) -> Any:
    return -claim.probability, [layer.lease_id for layer in claim.layers]


def _bits(version: int) -> int:
    return 32 if version == 4 else 128


@lru_cache(maxsize=65_536)
def _span(prefix: str) -> _Span:
    network = ipaddress.ip_network(prefix, strict=False)
    first = int(network.network_address)
    return _Span(network.version, network.prefixlen, first, first + network.num_addresses)
