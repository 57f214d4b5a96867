"""Completing addresses from what an archive's own addresses say, and only where they say one thing."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from minewatch.attribute.addresses import Address

Key = TypeVar("Key")

_TOWN_ENDINGS = ("街道办事处", "办事处", "街道", "镇", "乡")


class PlaceKeys(NamedTuple):
    """Keys of one address, from large to small.

    ``place`` is a road, estate or village, ``premises`` a building or number in it, ``door`` a door of that.
    Where one is None ``refusal``, a code of ``reason_texts/attribution.toml``, says why; ``door`` alone is
    None where a flat's room is missing.
    """

    place: str | None = None
    premises: str | None = None
    door: str | None = None
    refusal: str | None = None


class Gazetteer:
    """Which county a county's name means, and which towns and places lie in it.

    Learnt from the addresses (and GB/T 2260 codes) of one archive. Towns are learnt from addresses that
    name their county, so that a town's name is not taken with a county's short form before it.
    """

    def __init__(self, addresses: Sequence[Address], region_codes: Sequence[str | None]) -> None:
        self._regions: dict[str, str | None] = {}
        self._towns: dict[tuple[str, str], str | None] = {}
        self._stems: set[tuple[str, str]] = set()
        self._counties: dict[str, set[str]] = defaultdict(set)
        known = [(a, r) for a, r in zip(addresses, region_codes, strict=True) if r]
        for address, region in known:
            if address.county:
                _learn(self._regions, address.county, region)
                self._counties[region].add(address.county[:-1])
                if address.town:
                    self._stems.add((region, _stem(address.town)))
        for address, region in known:
            if address.town and address.place:
                _learn(self._towns, (region, address.place), self._town(region, address.town))

    def keys(self, address: Address, region_code: str | None) -> PlaceKeys:
        """Return the keys of ``address``, or the code of the reason why there are none."""
        if address.relative:
            return PlaceKeys(refusal="address_relative")
        region = region_code or self._regions.get(address.county or "")
        if address.place is None or region is None:
            return PlaceKeys(refusal="address_region_unknown" if address.place else "address_incomplete")
        town, name = self._within(region, address)
        if town is None:
            return PlaceKeys(refusal="address_town_ambiguous")
        place = f"{region}|{town}|{name}"
        if address.number is None:
            return PlaceKeys(place, refusal="address_incomplete")
        premises = f"{place}|{address.number}"
        return PlaceKeys(place, premises, f"{premises}|{address.unit}" if address.whole_door else None)

    def _within(self, region: str, address: Address) -> tuple[str | None, str]:
        """Return (town's stem, place); None where several towns have that place."""
        place = address.place or ""
        if address.town:
            return self._town(region, address.town), place
        if (region, place) in self._towns:
            return self._towns[region, place], place
        for start in range(len(place) - 3):  # 汉源富林江汉路: county and town in short before the road
            for end in range(start + 2, len(place) - 1):
                if (region, place[start:end]) in self._stems:
                    return place[start:end], place[end:]
        return self._without_county(region, place)

    def _without_county(self, region: str, place: str) -> tuple[str | None, str]:
        for length in range(2, len(place) - 2):
            if place[:length] in self._counties.get(region, ()):
                return self._towns.get((region, place[length:]), ""), place[length:]
        return "", place

    def _town(self, region: str, written: str) -> str:
        """Return a town's stem without the province and county that were written before it in short."""
        stem = _stem(written)
        tails = (stem[start:] for start in range(len(stem) - 1))
        return next((tail for tail in tails if (region, tail) in self._stems), stem)


def _stem(town: str) -> str:
    for ending in _TOWN_ENDINGS:
        if town.endswith(ending) and len(town) > len(ending) + 1:
            return town[: -len(ending)]
    return town


def _learn(book: dict[Key, str | None], key: Key, value: str) -> None:
    if book.setdefault(key, value) != value:
        book[key] = None
