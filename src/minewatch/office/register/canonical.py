"""Keys under which the same thing written in two ways is found: names, addresses, 户号, networks."""

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from minewatch.office.register.models import Enterprise, Line, Premises, Registered, UsagePoint

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NOT_A_LETTER = re.compile(r"[\W_]+")
_LEGAL_FORM = re.compile(r"(有限责任公司|股份有限公司|有限公司|责任公司|公司|COLTD|LTD|INC)$")
_ABOVE_THE_STREET = re.compile(r"^.{2,12}?(县|区|旗)(?=.{2})")


def bare(text: str) -> str:
    """Return letters and digits alone, in capitals and half width."""
    return _NOT_A_LETTER.sub("", unicodedata.normalize("NFKC", text)).upper()


def name_key(name: str) -> str:
    """Return the name of an enterprise without its legal form."""
    letters = bare(name)
    return _LEGAL_FORM.sub("", letters) or letters


def address_key(address: str) -> str:
    """Return an address from the street on: what stands above it is the region's."""
    return _ABOVE_THE_STREET.sub("", bare(address))


def number_key(number: str) -> str:
    """Return a 户号 without the zeros in front, which spreadsheets lose."""
    return bare(number).lstrip("0")


def network(text: str) -> Network:
    """Return an address or prefix as a network; raises ValueError where it is none."""
    return ipaddress.ip_network(text.strip(), strict=False)


def address_sort_key(text: str) -> str:
    """Return a text that sorts as addresses do: the version, then the address in hexadecimal."""
    address = ipaddress.ip_address(text)
    return f"{address.version}{int(address):0{address.max_prefixlen // 4}x}"


def _settle_enterprise(thing: Enterprise) -> None:
    thing.uscc = bare(thing.uscc or "") or None
    thing.name = thing.name.strip()
    thing.name_key = name_key(thing.name)


def _settle_premises(thing: Premises) -> None:
    thing.address = thing.address.strip()
    thing.address_key = address_key(thing.address)


def _settle_usage_point(thing: UsagePoint) -> None:
    thing.number = thing.number.strip()
    thing.number_key = number_key(thing.number)


def _settle_line(thing: Line) -> None:
    known = network(thing.prefix)
    thing.prefix = str(known)
    thing.first_address = address_sort_key(str(known.network_address))


_SETTLE: dict[type[Registered], Callable[[Any], None]] = {
    Enterprise: _settle_enterprise,
    Premises: _settle_premises,
    UsagePoint: _settle_usage_point,
    Line: _settle_line,
}


def settle(thing: Registered) -> None:
    """Bring the fields of a thing into their canonical form and derive its keys from them."""
    if settle_kind := _SETTLE.get(type(thing)):
        settle_kind(thing)
