"""A scan of a site's own network on the site, with authority: which machines answer, and what they say.

Runs on a laptop, without an office and without Django's settings. pyasic knows the machines; the event loop
itself refuses every connection out of the network that was named, whatever a device redirects to. Nothing on
a machine is changed. The record carries the SHA-256 of what it says (``sealed``): it goes into the minutes.
"""

import asyncio
import hashlib
import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from minewatch.office.platform.refusals import Refused
from minewatch.office.verify.inspections import field_refusals

FORMAT = "minewatch-lan-scan/1"
_ = field_refusals  # says what the codes mean
_PRIVATE = [
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128")
]
_MOST_ADDRESSES = 4096
_READ = (
    *("mac", "serial_number", "psu_serial_number", "fw_ver", "hostname", "hashrate", "expected_hashrate"),
    *("hashboards", "wattage", "fans", "uptime", "pools", "is_mining"),
)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Watch = Callable[[int, int, int], None]
"""Is told addresses done, addresses in all, and machines found."""


@dataclass(frozen=True)
class ScanOrder:
    """What is scanned, on whose authority and by whom; seconds for one address, addresses at once."""

    network: str
    authority: str
    operator: str
    seconds: float = 20.0
    at_once: int = 64


def private(network: str) -> Network:
    """Return a network that may be scanned. Raises Refused for any that is not private, or is too wide."""
    try:
        wanted = ipaddress.ip_network(network.strip(), strict=False)
    except ValueError as error:
        raise Refused("scan_network", network=network) from error
    if not any(wanted.version == one.version and wanted.subnet_of(one) for one in _PRIVATE):  # type: ignore[arg-type]
        raise Refused("scan_network", network=network)
    if wanted.num_addresses > _MOST_ADDRESSES:
        raise Refused("scan_too_wide", network=network, most=_MOST_ADDRESSES)
    return wanted


def scan(order: ScanOrder, watch: Watch) -> dict[str, Any]:
    """Scan and return the record, sealed. Interrupted by the keyboard it holds what was found until then."""
    network = private(order.network)
    if len(order.authority.strip()) < 4:
        raise Refused("scan_authority")
    began, found = datetime.now(UTC), list[dict[str, Any]]()
    hosts = list(network.hosts()) or [network.network_address]
    complete = True
    try:
        with asyncio.Runner(loop_factory=lambda: InsideLoop(network)) as runner:
            runner.run(_ask_all([str(host) for host in hosts], order, found, watch))
    except KeyboardInterrupt:
        complete = False
    return sealed(
        {
            "format": FORMAT,
            **asdict(order),
            "pyasic": version("pyasic"),
            "began_at": began.isoformat(),
            "ended_at": datetime.now(UTC).isoformat(),
            "addresses": len(hosts),
            "complete": complete,
            "machines": sorted(
                (one for one in found if "failed" not in one), key=lambda one: _order(one["ip"])
            ),
            "failed": sorted((one for one in found if "failed" in one), key=lambda one: _order(one["ip"])),
        }
    )


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with the SHA-256 of all that it says."""
    plain = {name: value for name, value in record.items() if name != "sha256"}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return plain | {"sha256": hashlib.sha256(text.encode()).hexdigest()}


def is_scan(content: bytes) -> bool:
    """Tell whether a file is a record of a scan, whole or not."""
    return FORMAT.encode() in content[:500] or FORMAT.encode() in content[-500:]


def opened(content: bytes) -> dict[str, Any]:
    """Return the record in a file. Raises Refused where it is none, or was altered after it was sealed."""
    try:
        record = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refused("export_broken") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise Refused("export_broken")
    if sealed(record)["sha256"] != record.get("sha256"):
        raise Refused("scan_altered")
    try:
        datetime.fromisoformat(record["began_at"])
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("export_broken") from error
    return record


class InsideLoop(asyncio.SelectorEventLoop):
    """An event loop that connects to addresses of one network only, and looks no name up."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network
        # pyasic leaves tasks behind whose device answered nonsense: nobody is to hear of them later
        self.set_exception_handler(lambda _loop, _context: None)

    async def sock_connect(self, sock: Any, address: Any) -> None:
        """Connect, where the address lies inside; else it is as if nobody answered."""
        self._keep_inside(address[0])
        await super().sock_connect(sock, address)

    async def getaddrinfo(self, host: Any, port: Any, **named: Any) -> Any:
        """Resolve addresses of the network, which asks nobody."""
        self._keep_inside(host)
        return await super().getaddrinfo(host, port, **named)

    def _keep_inside(self, host: Any) -> None:
        try:
            inside = ipaddress.ip_address(host) in self._network
        except ValueError:
            inside = False
        if not inside:
            raise ConnectionRefusedError(f"{host} lies outside of {self._network}")


async def _ask_all(hosts: list[str], order: ScanOrder, found: list[dict[str, Any]], watch: Watch) -> None:
    import pyasic  # type: ignore[import-untyped]

    for name in ("network_ping_timeout", "factory_get_timeout", "api_function_timeout"):
        pyasic.settings.update(name, max(1, min(5, int(order.seconds / 3))))
    gate = asyncio.Semaphore(order.at_once)

    async def asked(host: str) -> dict[str, Any] | None:
        async with gate:
            return await _ask(host, order.seconds)

    for done, answer in enumerate(asyncio.as_completed([asked(host) for host in hosts]), 1):
        told = await answer
        if told is not None:
            found.append(told)
        watch(done, len(hosts), sum("failed" not in one for one in found))


async def _ask(host: str, seconds: float) -> dict[str, Any] | None:
    """Return what the machine at an address says, what went wrong, or None where nothing answers."""
    from pyasic.network import MinerNetwork  # type: ignore[import-untyped]

    answered = False
    try:
        async with asyncio.timeout(seconds):
            miners = await MinerNetwork([ipaddress.ip_address(host)]).scan()
            if not miners:
                return None
            answered = True
            return _said(await miners[0].get_data(include=list(_READ)))
    except TimeoutError:
        return {"ip": host, "failed": "timeout"} if answered else None
    except Exception as error:  # a device may answer anything, and pyasic raises as many kinds
        return {"ip": host, "failed": f"{type(error).__name__}: {error}"[:200]}


def _said(data: Any) -> dict[str, Any]:
    boards = [board for board in data.hashboards if board is not None]
    algorithm = data.device_info.algo if data.device_info else None
    return {
        "ip": data.ip,
        "mac": (data.mac or "").lower(),
        "serial_number": data.serial_number or "",
        "psu_serial_number": data.psu_serial_number or "",
        "hostname": data.hostname or "",
        "make": data.make or "",
        "model": data.model or "",
        "algorithm": str(algorithm) if algorithm else "",
        "firmware": " ".join(text for text in (data.firmware, data.fw_ver) if text),
        "hash_rate_h_s": _per_second(data.hashrate),
        "expected_hash_rate_h_s": _per_second(data.expected_hashrate),
        "power_w": data.wattage,
        "is_mining": data.is_mining,
        "boards": sum(bool(board.chips) for board in boards),
        "chips": sum(board.chips or 0 for board in boards),
        "expected_chips": data.expected_chips,
        "fans_rpm": [fan.speed for fan in data.fans if fan.speed is not None],
        "uptime_s": data.uptime,
        "pools": [{"url": str(pool.url or ""), "user": pool.user or ""} for pool in data.pools],
    }


def _per_second(rate: Any) -> float | None:
    return None if rate is None else float(rate.rate) * int(rate.unit.value)


def _order(address: str) -> tuple[int, int]:
    parsed = ipaddress.ip_address(address)
    return parsed.version, int(parsed)
