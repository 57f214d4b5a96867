"""One box for everything: name, code, 户号, credit code, IP address or prefix, wallet, pool account."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from minewatch.office.register.canonical import Network, address_sort_key, bare, network, number_key
from minewatch.office.register.models import (
    Enterprise,
    Line,
    Plant,
    Premises,
    Registered,
    Sighting,
    Site,
    UsagePoint,
)
from minewatch.office.register.protection import Eyes

_FEWEST = 2
_FEWEST_OF_A_NUMBER = 5
_FEWEST_OF_A_WALLET = 8
_FEWEST_OF_A_NAME = 4
_SIGHTINGS_OF_A_SITE = 10


@dataclass(frozen=True)
class Hit:
    """A thing that was found: its key is shown masked; ``field`` says by which field it was found."""

    kind: str
    id: int
    key: str
    title: str
    region: str
    field: str


def search(text: str, eyes: Eyes, most: int = 20) -> list[Hit]:
    """Return what is found in the active scope, up to ``most`` of a kind; sites first. At most 7 queries."""
    wanted = text.strip()
    if len(wanted) < _FEWEST:
        return []
    found = _network(wanted)
    hits = _by_network(found, eyes, most) if found else _by_words(wanted, eyes, most)
    return list(hits)


def _network(text: str) -> Network | None:
    if not {".", ":"} & set(text):
        return None
    try:
        return network(text)
    except ValueError:
        return None


def _by_network(wanted: Network, eyes: Eyes, most: int) -> Iterator[Hit]:
    first, last = (address_sort_key(str(wanted[at])) for at in (0, -1))
    seen = Sighting.objects.filter(address_key__gte=first, address_key__lte=last, site__merged_into=None)
    yield from _sites_of(seen, "address", most)
    above = [str(wanted.supernet(new_prefix=length)) for length in range(wanted.prefixlen)]
    inside = Q(first_address__gte=first, first_address__lte=last)
    yield from _hits(Line, inside | Q(prefix__in=above), ("prefix", "prefix", "holder_name"), eyes, most)


def _by_words(text: str, eyes: Eyes, most: int) -> Iterator[Hit]:
    is_latin = text.isascii()
    yield from _hits(Site, _either("code", text.upper(), "name", text), ("code", "code", "name"), eyes, most)
    if is_latin and len(text) >= _FEWEST_OF_A_WALLET:
        wallets = Sighting.objects.filter(wallet__startswith=text, site__merged_into=None)
        yield from _sites_of(wallets, "wallet", most)
    company = Q(uscc=bare(text)) | Q(name__holds=text)
    yield from _hits(Enterprise, company, ("name", "uscc", "name"), eyes, most)
    account = _person("customer_name", text)
    if text.isalnum() and is_latin:
        account = _number(text)
    yield from _hits(UsagePoint, account, ("number", "number", "customer_name"), eyes, most)
    yield from _hits(Plant, _either("number", text, "name", text), ("name", "number", "name"), eyes, most)
    if not is_latin:
        yield from _hits(Premises, Q(address__holds=text), ("address", "address", "address"), eyes, most)
        held = _person("holder_name", text)
        yield from _hits(Line, held, ("holder_name", "prefix", "holder_name"), eyes, most)


def _either(key: str, key_text: str, name: str, text: str) -> Q:
    return Q(**{f"{key}__startswith": key_text}) | Q(**{f"{name}__holds": text})


def _person(field: str, text: str) -> Q:
    """Match a name that may be a person's: a part of it only where it is longer than most whole names.

    A shorter part would let who sees names masked feel them out character by character.
    """
    held = Q(**{f"{field}__holds": text})
    return held if len(text) >= _FEWEST_OF_A_NAME else held & Q(**{field: text})


def _number(text: str) -> Q:
    """Match a 户号 as it is, without its zeros, and, where enough of it is given, by its beginning.

    A short beginning would let who sees numbers masked feel out digit by digit what is behind the mask.
    """
    exact = Q(number=text) | Q(number_key=number_key(text))
    return exact | Q(number__startswith=text) if len(text) >= _FEWEST_OF_A_NUMBER else exact


def _hits(
    model: type[Registered], wanted: Q, fields: tuple[str, str, str], eyes: Eyes, most: int
) -> Iterator[Hit]:
    found, key, title = fields
    kind = str(model._meta.model_name)
    # an order would have the database find all before it gives the first
    rows: Any = model.objects.filter(wanted, merged_into=None).select_related("region")
    for row in sorted(rows[:most], key=str):
        shown = [eyes.show((kind, row.pk), name, getattr(row, name) or "") for name in (key, title)]
        yield Hit(kind, row.pk, shown[0], shown[1], str(row.region), found)


def _sites_of(seen: Any, field: str, most: int) -> Iterator[Hit]:
    columns = ("site", "site__code", "site__name", "site__region__name_zh")
    found = dict.fromkeys(seen.values_list(*columns)[: most * _SIGHTINGS_OF_A_SITE])
    for number, code, name, region in sorted(found, key=lambda row: row[1])[:most]:
        yield Hit("site", number, code, name, region, field)
