"""Lines of the carriers: who holds which address and ports when, behind how many translations.

Assumed: three carriers; most homes sit behind the carrier's address translation with a block of 1,024 ports,
some get a public address that changes; companies have fixed addresses. Dynamic addresses are dealt anew every
35 to 75 days. Routers keep the port where they can (RFC 4787, port preservation), so each layer is found by
the same port.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from minewatch.sim.addresses import own, public, shared
from minewatch.sim.county import CountyPlan, Customer
from minewatch.sim.loads.shapes import Rng
from minewatch.sim.mines import nothing_else
from minewatch.sim.names import person
from minewatch.sim.people import Identity
from minewatch.sim.places import CARRIER, written
from minewatch.sim.streams import stream

CARRIERS = ("天枢宽带", "瑶光通信", "开阳网络")
"""Invented carriers."""

_BLOCK, _BLOCKS, _PORTS = 1024, 63, 65536
_ONLINE = {
    "empty_home": 0.25, "irrigation": 0.05, "street_light": 0.1, "telecom_base_station": 0.0, "farm": 0.6,
    "construction_site": 0.5, "pumping_station": 0.5, "aquaculture": 0.5, "household": 0.86, "workshop": 0.8,
}  # fmt: skip
"""Share of accounts with a line of their own; 0.95 for all others. A base station is on its carrier's net."""

_SMALL = ("household", "empty_home", "shop", "restaurant", "farm", "workshop", "irrigation", "aquaculture")


class Hop(NamedTuple):
    """One layer seen from outside: an address with a range of ports, and what lies behind."""

    ip: str
    port_low: int
    port_high: int
    kind: str


class Stay(NamedTuple):
    """One time of validity: layers from outside to inside; ``valid_to`` is None where it goes on."""

    valid_from: datetime
    valid_to: datetime | None
    hops: tuple[Hop, ...]


@dataclass(frozen=True)
class Line:
    """One account's line: its carrier, its holder as the carrier writes it, its addresses over time."""

    carrier: str
    holder_name: str
    uscc: str | None
    address: str
    region_code: str
    stays: tuple[Stay, ...]

    def at(self, instant: datetime) -> Stay | None:
        """Return the addresses valid at ``instant``."""
        for stay in self.stays:
            if stay.valid_from <= instant and (stay.valid_to is None or instant < stay.valid_to):
                return stay
        return None


def lines(
    plan: CountyPlan, number: int, customers: Sequence[Customer], papers: Mapping[int, Identity]
) -> dict[int, Line]:
    """Return customer number → line for the customers of partition ``number`` that have one."""
    wired: dict[tuple[str, str], list[Customer]] = {}
    for customer in customers:
        rng = stream(plan.seed, number, customer.number, "line")
        if rng.random() < (0.98 if customer.mine else _ONLINE.get(customer.kind, 0.95)):
            carrier = str(rng.choice(CARRIERS, p=(0.5, 0.3, 0.2)))
            wired.setdefault((carrier, _access(rng, customer)), []).append(customer)
    dealer, held = _Dealer(plan, number), {}
    deal = {
        "static": dealer.fixed,
        "dhcp": dealer.moving,
        "nat": dealer.translated,
        "double": dealer.twice_translated,
    }
    for (carrier, access), members in sorted(wired.items()):
        stays = deal[access](members)
        for customer in members:
            holder = _holder(plan, number, customer, papers[customer.number])
            held[customer.number] = Line(carrier, *holder, customer.region_code, stays[customer.number])
    return {key: held[key] for key in sorted(held)}


def lease_rows(held: Mapping[int, Line]) -> Iterator[dict[str, Any]]:
    """Yield rows of the table ``ip_leases``: one per layer and time of validity, a common layer once."""
    told: set[tuple[Any, ...]] = set()
    for line in held.values():
        for stay in line.stays:
            for hop, inner in zip(stay.hops, (*stay.hops[1:], None), strict=True):
                row = _lease_row(line, stay, hop, inner)
                key = (hop, stay.valid_from, row["next_prefix"])
                if key not in told:
                    told.add(key)
                    yield row


def _lease_row(line: Line, stay: Stay, hop: Hop, inner: Hop | None) -> dict[str, Any]:
    return {
        "prefix": hop.ip,
        "port_low": hop.port_low,
        "port_high": hop.port_high,
        "valid_from": stay.valid_from,
        "valid_to": stay.valid_to,
        "kind": hop.kind,
        "next_prefix": inner.ip if inner else None,
        "holder_name": None if inner else line.holder_name,
        "uscc": None if inner else line.uscc,
        "address": None if inner else line.address,
        "region_code": line.region_code,
        "carrier": line.carrier,
    }


def endpoint_rows(customers: Sequence[Customer], held: Mapping[int, Line]) -> Iterator[dict[str, Any]]:
    """Yield rows of ``truth_endpoints``: which account was really behind an outer address and its ports."""
    for customer in customers:
        for stay in held[customer.number].stays if customer.number in held else ():
            outer, inside = stay.hops[0], stay.hops[-2] if len(stay.hops) > 1 else stay.hops[0]
            yield {
                "ip": outer.ip,
                "port_low": inside.port_low,
                "port_high": inside.port_high,
                "valid_from": stay.valid_from,
                "valid_to": stay.valid_to,
                "subject_id": customer.usage_point_id,
            }


def _access(rng: Rng, customer: Customer) -> str:
    draw = rng.random()
    if customer.mine is not None and customer.mine.hiding == "double_nat":
        return "double"
    if customer.kind in _SMALL and (customer.mine is None or not nothing_else(customer.mine.kind)):
        return "nat" if draw < 0.8 else "dhcp" if draw < 0.97 else "static"
    if customer.mine is None and draw > 0.99:
        return "double"
    return "static" if draw < 0.6 else "dhcp" if draw < 0.75 else "nat"


class _Dealer:
    """Deals the addresses of one partition; no two lines hold one at the same time."""

    def __init__(self, plan: CountyPlan, number: int) -> None:
        self._plan, self._number = plan, number
        self._public = self._shared = self._own = 0
        self._rng = stream(plan.seed, number, "carrier")
        first = plan.start_on - timedelta(days=int(self._rng.integers(1, 40)))
        days = [first]
        while days[-1] < plan.end_on:
            days.append(days[-1] + timedelta(days=int(self._rng.integers(35, 75))))
        self._epochs = [_instant(plan, day) for day in days[:-1]]

    def fixed(self, customers: Sequence[Customer]) -> dict[int, tuple[Stay, ...]]:
        """Give one public address for good."""
        stays: dict[int, tuple[Stay, ...]] = {}
        for customer in customers:
            since = _instant(self._plan, max(customer.opened_on, date(2012, 1, 1)))
            stays[customer.number] = (Stay(since, None, (Hop(self._next(1)[0], 0, _PORTS - 1, "static"),)),)
        return stays

    def moving(self, customers: Sequence[Customer]) -> dict[int, tuple[Stay, ...]]:
        """Give a public address that changes."""
        pool = self._next(len(customers))
        return self._dealt(customers, [(Hop(ip, 0, _PORTS - 1, "dhcp"),) for ip in pool])

    def translated(self, customers: Sequence[Customer]) -> dict[int, tuple[Stay, ...]]:
        """Give a block of ports of a public address, which leads to an inner address."""
        outer = self._next(-(-len(customers) // _BLOCKS))
        seats = []
        for n in range(len(customers)):
            low = _BLOCK * (n % _BLOCKS + 1)
            seats.append(
                (
                    Hop(outer[n // _BLOCKS], low, low + _BLOCK - 1, "nat"),
                    Hop(self._inner(), 0, _PORTS - 1, "dhcp"),
                )
            )
        return self._dealt(customers, seats)

    def twice_translated(self, customers: Sequence[Customer]) -> dict[int, tuple[Stay, ...]]:
        """Put four at a time behind a landlord's router, itself behind the carrier's translation."""
        stays: dict[int, tuple[Stay, ...]] = {}
        for first in range(0, len(customers), 4):
            group = customers[first : first + 4]
            low = _BLOCK * 4 * (1 + first // 4 % 14)
            outer = Hop(self._next(1)[0], low, low + 4 * _BLOCK - 1, "nat")
            router = self._inner()
            since = _instant(self._plan, max(min(c.opened_on for c in group), date(2012, 1, 1)))
            for n, customer in enumerate(group):
                port = low + n * _BLOCK
                middle = Hop(router, port, port + _BLOCK - 1, "nat")
                self._own += 1
                last = Hop(own(self._number, self._own), 0, _PORTS - 1, "static")
                stays[customer.number] = (Stay(since, None, (outer, middle, last)),)
        return stays

    def _dealt(
        self, customers: Sequence[Customer], seats: Sequence[tuple[Hop, ...]]
    ) -> dict[int, tuple[Stay, ...]]:
        stays: dict[int, list[Stay]] = {customer.number: [] for customer in customers}
        ends = [*self._epochs[1:], None]
        for start, end in zip(self._epochs, ends, strict=True):
            order = self._rng.permutation(len(seats))
            for customer, seat in zip(customers, order, strict=True):
                since = max(start, _instant(self._plan, customer.opened_on))
                if end is None or since < end:
                    stays[customer.number].append(Stay(since, end, seats[int(seat)]))
        return {key: tuple(value) for key, value in stays.items()}

    def _next(self, count: int) -> list[str]:
        self._public += count
        return [public(self._plan, self._number, n) for n in range(self._public - count, self._public)]

    def _inner(self) -> str:
        self._shared += 1
        return shared(self._plan, self._number, self._shared - 1)


def _holder(
    plan: CountyPlan, number: int, customer: Customer, identity: Identity
) -> tuple[str, str | None, str]:
    """Return the carrier's name, credit code, address; a mine's line is often in another's name."""
    rng = stream(plan.seed, number, customer.number, "holder")
    operator, draw = identity.operator, rng.random()
    stranger = 0.35 if customer.mine is not None and customer.mine.kind != "institution" else 0.12
    name, uscc = identity.occupant, operator.uscc if operator and rng.random() < 0.5 else None
    if draw < stranger:
        name, uscc = person(rng), None
    elif draw < stranger + 0.1:
        name, uscc = identity.customer_name, identity.uscc
    return name, uscc, written(rng, identity.place, CARRIER)


def _instant(plan: CountyPlan, day: date) -> datetime:
    return datetime.combine(day, time(2), plan.zone).astimezone(UTC)
