"""One message to an address outside: never into the office's own network, except to hosts that it names.

The name is resolved once, every address it has is looked at, and the connection goes to the address that was
looked at: a name that resolves to something else a moment later leads nowhere. Redirects are not followed.
"""

import ipaddress
import socket
import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import urllib3
from django.conf import settings

from minewatch.office.platform.refusals import Refused

_TIMEOUT = urllib3.Timeout(connect=5, read=10)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}


class Target(NamedTuple):
    """Where a message goes: the address that was looked at, and what the URL says."""

    address: str
    port: int
    url: SplitResult


def target_of(url: str) -> Target:
    """Resolve a URL. Raises Refused where it is no https address, or leads into the office's own network.

    A host that ``webhook_hosts`` names may lie there, and may be called by http.
    """
    parts = _split(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    is_named = bool({host, f"{host}:{port}"} & settings.WEBHOOK_HOSTS)
    if parts.scheme != "https" and not is_named:
        raise Refused("hook_url", url=url)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Refused("hook_host_unknown", host=host) from error
    addresses = [str(entry[4][0]) for entry in found]
    if not is_named and not all(is_outside(address) for address in addresses):
        raise Refused("hook_host_inside", host=host)
    return Target(addresses[0], port, parts)


def is_outside(address: str) -> bool:
    """Tell whether an address is one of the public internet, also where IPv6 wraps an IPv4 address."""
    known = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(known, ipaddress.IPv6Address):
        wrapped = [known.ipv4_mapped, known.sixtofour, *(known.teredo or ())]
        if known in _NAT64:
            wrapped.append(ipaddress.IPv4Address(int(known) & 0xFFFFFFFF))
        if any(inner is not None and not _is_public(inner) for inner in wrapped):
            return False
    return _is_public(known)


def post(url: str, content: bytes, headers: Mapping[str, str]) -> int:
    """Post to a URL and return the status of the answer; its content is not read.

    Raises Refused as ``target_of`` does, and urllib3's HTTPError where nobody answers.
    """
    target = target_of(url)
    told = {**headers, "Host": target.url.netloc.rpartition("@")[2], "User-Agent": "minewatch-webhook"}
    path = (target.url.path or "/") + (f"?{target.url.query}" if target.url.query else "")
    with _pool(target) as pool:
        answer = pool.request(
            "POST", path, body=content, headers=told, redirect=False, retries=False, preload_content=False
        )
        answer.close()
        return int(answer.status)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Refused("hook_url", url=url) from error
    if parts.scheme not in _PORTS or not parts.hostname or parts.username or parts.password:
        raise Refused("hook_url", url=url)
    return parts


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_global and not address.is_multicast


def _pool(target: Target) -> urllib3.HTTPConnectionPool:
    """Return a pool that connects to the address and speaks TLS with the name."""
    if target.url.scheme == "http":
        return urllib3.HTTPConnectionPool(target.address, target.port, timeout=_TIMEOUT)
    return urllib3.HTTPSConnectionPool(
        target.address,
        target.port,
        timeout=_TIMEOUT,
        ssl_context=ssl.create_default_context(),
        server_hostname=target.url.hostname,
        assert_hostname=target.url.hostname,
    )
