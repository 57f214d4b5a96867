"""Which IP addresses the county uses: only ranges that belong to nobody on the internet.

Public sides come from 198.18.0.0/15 (benchmarking, RFC 2544) and, for large counties, from 240.0.0.0/4
(reserved, RFC 1112); carriers' inner sides from 100.64.0.0/10 (RFC 6598), then 10.0.0.0/8; inner sides of
customers' own routers from 172.16.0.0/12; servers and pools from the documentation blocks of RFC 5737.
"""

from ipaddress import IPv4Address

from minewatch.sim.county import CountyPlan

_PUBLIC, _PUBLIC_SIZE, _RESERVED = int(IPv4Address("198.18.0.0")), 1 << 17, int(IPv4Address("240.0.0.0"))
_SHARED, _SHARED_SIZE, _TEN = int(IPv4Address("100.64.0.0")), 1 << 22, int(IPv4Address("10.0.0.0"))
_OWN = int(IPv4Address("172.16.0.0"))
_OWN_SIZE = 64
_WEB = (int(IPv4Address("192.0.2.0")), int(IPv4Address("198.51.100.0")))
_POOLS = int(IPv4Address("203.0.113.0"))


def public(plan: CountyPlan, number: int, index: int) -> str:
    """Return the public address ``index`` of partition ``number``."""
    return _in_two(plan, number, index, (_PUBLIC, _PUBLIC_SIZE, _RESERVED))


def shared(plan: CountyPlan, number: int, index: int) -> str:
    """Return the address ``index`` on the inner side of the carrier's translation."""
    return _in_two(plan, number, index, (_SHARED, _SHARED_SIZE, _TEN))


def own(number: int, index: int) -> str:
    """Return the address ``index`` behind a customer's own router."""
    return str(IPv4Address(_OWN + (number * _OWN_SIZE + index % _OWN_SIZE) % (1 << 20)))


def web_server(index: int) -> str:
    """Return the address of an ordinary server."""
    which, low = divmod(index % 506, 253)
    return str(IPv4Address(_WEB[which] + 1 + low))


def pool_server(index: int) -> str:
    """Return the address of a mining pool's server."""
    return str(IPv4Address(_POOLS + 1 + index % 253))


def _in_two(plan: CountyPlan, number: int, index: int, ranges: tuple[int, int, int]) -> str:
    first, size, second = ranges
    chunk = 1 << (plan.partition_customers - 1).bit_length()
    if index >= chunk:
        raise ValueError(f"partition {number} needs more than {chunk} addresses")
    offset = number * chunk + index
    return str(IPv4Address(first + offset if (number + 1) * chunk <= size else second + offset))
