"""How protected fields are shown: enough to tell two apart, not enough to use."""

import ipaddress
from collections.abc import Callable, Mapping

_STAR = "*"


def mask_name(name: str) -> str:
    """Show the first character of a person's name; of an organisation the first four."""
    shown = 1 if len(name) <= 4 else 4
    return name[:shown] + _STAR * (min(len(name), 8) - shown) if name else ""


def mask_ip(address: str) -> str:
    """Show the /16 of an IPv4 and the /32 of an IPv6 address; text that is none is hidden."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return _STAR * 4
    if known.version == 4:
        return ".".join([*address.split(".")[:2], _STAR, _STAR])
    return ":".join([*known.exploded.split(":")[:2], _STAR])


def mask_address(address: str) -> str:
    """Show an address as far as the county or district, else its first six characters."""
    ends = [address.find(end) + 1 for end in ("县", "区", "旗", "市")]
    shown = max((end for end in ends if 0 < end <= 16), default=min(6, len(address) // 2))
    return address[:shown] + _STAR * 4 if address else ""


def mask_number(number: str) -> str:
    """Show the last four characters of a number (户号, phone, code)."""
    return _STAR * max(len(number) - 4, 0) + number[-4:] if len(number) > 4 else _STAR * len(number)


MASKS: Mapping[str, Callable[[str], str]] = {
    "name": mask_name,
    "ip": mask_ip,
    "address": mask_address,
    "number": mask_number,
}
"""By class of the field."""
