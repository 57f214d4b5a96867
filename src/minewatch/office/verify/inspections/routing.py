"""Which sites to visit within a budget: ways of teams from a start and back, of the greatest value.

A site is worth ``probability × power × 24 h`` of energy a day. Ways are built by inserting what brings most
for its share of the budget, several times with different weight on the value and from different first sites,
shortened by reversing parts, and improved by exchanging sites. ``exact`` tries everything: for a few sites,
to measure what this gives away.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise, permutations
from typing import NamedTuple

_EARTH_KM = 6371.0
_POWERS = (0.7, 1.0, 1.4, 2.0, 4.0)
_TINY = 1e-9
_MOST_EXCHANGES, _MOST_BEGUN = 40, 12
HOURS_A_DAY = 24


class Place(NamedTuple):
    """A place on the earth, in degrees."""

    lon: float
    lat: float


class Stop(NamedTuple):
    """A site that may be visited: what it is worth (kWh a day) and how long the visit takes (h)."""

    place: Place
    value_kwh_day: float
    visit_h: float
    barred: frozenset[int] = frozenset()  # ways that it must not be in: an inspector keeps away


@dataclass(frozen=True)
class Terms:
    """Budget and assumptions.

    ``inspector_hours`` and ``kilometres`` are for all ways together; ``day_hours`` is how long a team is out
    on one day. A way by road is ``detour`` times the straight line.
    """

    start: Place
    ways: int = 1  # days × teams
    day_hours: float = 8.0
    inspector_hours: float = 32.0
    kilometres: float = 400.0
    inspectors_each: int = 2
    speed_kmh: float = 45.0
    detour: float = 1.3


@dataclass
class Ways:
    """Ways of teams as lists of stops by number, each from the start and back."""

    stops: Sequence[Stop]
    terms: Terms
    km: Sequence[Sequence[float]]  # by road between stops; the last row and column are the start
    ways: list[list[int]] = field(default_factory=list)

    def kilometres(self, way: Sequence[int]) -> float:
        """Return the length of a way by road."""
        start = len(self.stops)
        return sum(self.km[a][b] for a, b in pairwise([start, *way, start])) if way else 0.0

    def hours(self, way: Sequence[int]) -> float:
        """Return how long a team is out on a way: driving and visiting."""
        visits = sum(self.stops[one].visit_h for one in way)
        return self.kilometres(way) / self.terms.speed_kmh + visits

    @property
    def total_km(self) -> float:
        """Return the length of all ways."""
        return sum(map(self.kilometres, self.ways))

    @property
    def inspector_hours(self) -> float:
        """Return the hours of all inspectors."""
        return self.terms.inspectors_each * sum(map(self.hours, self.ways))

    @property
    def value_kwh_day(self) -> float:
        """Return what all visits are worth."""
        return sum(self.stops[one].value_kwh_day for way in self.ways for one in way)

    def copy(self) -> "Ways":
        """Return ways that can be changed on their own."""
        return replace(self, ways=[list(way) for way in self.ways])


class Insertion(NamedTuple):
    """A stop put into a way at a position, and what it adds."""

    stop: int
    way: int
    position: int
    km: float
    hours: float  # of the team
    excess: str = ""  # the limit that it would break: ``day``, ``hours`` or ``kilometres``


def distance_km(one: Place, other: Place) -> float:
    """Return the great-circle distance (haversine)."""
    lat_1, lat_2 = math.radians(one.lat), math.radians(other.lat)
    d_lat, d_lon = lat_2 - lat_1, math.radians(other.lon - one.lon)
    a = math.sin(d_lat / 2) ** 2 + math.cos(lat_1) * math.cos(lat_2) * math.sin(d_lon / 2) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(a))


def value_kwh_day(probability: float, power_kw: float) -> float:
    """Return the energy a day that a visit is expected to find."""
    return probability * power_kw * HOURS_A_DAY


def empty(stops: Sequence[Stop], terms: Terms) -> Ways:
    """Return ways without stops."""
    places = [*(one.place for one in stops), terms.start]
    km = [[terms.detour * distance_km(one, other) for other in places] for one in places]
    return Ways(stops, terms, km, [[] for _ in range(terms.ways)])


def choose(stops: Sequence[Stop], terms: Terms) -> Ways:
    """Return good ways within the budget."""
    base = empty(stops, terms)
    tries = [_filled(base.copy(), power) for power in _POWERS]
    tries += [_filled(begun, 1.0) for begun in _begun(base)]
    return _exchanged(max(tries, key=_worth))


def insertion(ways: Ways, stop: int) -> Insertion:
    """Return the cheapest way to put a stop in, or into which way it would go and the limit in its way.

    The stop must not be barred from all ways.
    """
    found = list(_insertions(ways, stop))
    fitting = [one for one in found if not one.excess]
    return min(fitting or found, key=lambda one: one.km)


def exact(stops: Sequence[Stop], terms: Terms) -> float:
    """Return the greatest value that is possible, by trying everything. For at most about eight stops."""
    base = empty(stops, terms)
    shortest = {
        subset: min(permutations(subset), key=base.kilometres)
        for size in range(len(stops) + 1)
        for subset in combinations(range(len(stops)), size)
    }
    reachable = [way for way in shortest.values() if base.hours(way) <= terms.day_hours + _TINY]
    return max(_values(replace(base, ways=[]), reachable, frozenset()))


def _values(base: Ways, reachable: Sequence[Sequence[int]], taken: frozenset[int]) -> Iterator[float]:
    """Yield the value of every choice of further ways that share no stop and keep to the budget."""
    if len(base.ways) == base.terms.ways:
        yield base.value_kwh_day
        return
    for way in reachable:
        barred = any(len(base.ways) in base.stops[one].barred for one in way)
        if not barred and not taken.intersection(way):
            more = replace(base, ways=[*base.ways, list(way)])
            if _fits(more):
                yield from _values(more, reachable, taken.union(way))


def _fits(ways: Ways) -> bool:
    terms = ways.terms
    return ways.inspector_hours <= terms.inspector_hours + _TINY and ways.total_km <= terms.kilometres + _TINY


def _worth(ways: Ways) -> tuple[float, float]:
    return ways.value_kwh_day, -ways.total_km


def _insertions(ways: Ways, stop: int) -> Iterator[Insertion]:
    left_h = ways.terms.inspector_hours - ways.inspector_hours
    left_km = ways.terms.kilometres - ways.total_km
    start, km, is_empty_seen = len(ways.stops), ways.km, False
    for number, way in enumerate(ways.ways):
        if number in ways.stops[stop].barred or (not way and is_empty_seen):
            continue  # empty ways are alike
        is_empty_seen = is_empty_seen or not way
        out_h, ends = ways.hours(way), [start, *way, start]
        for position, (a, b) in enumerate(pairwise(ends)):
            more_km = km[a][stop] + km[stop][b] - km[a][b]
            more_h = more_km / ways.terms.speed_kmh + ways.stops[stop].visit_h
            excess = _excess(ways.terms, out_h + more_h, (more_h, left_h), (more_km, left_km))
            yield Insertion(stop, number, position, more_km, more_h, excess)


def _excess(terms: Terms, out_h: float, hours: tuple[float, float], km: tuple[float, float]) -> str:
    """Return which limit an insertion would break; ``hours`` and ``km`` are what it adds and what is left."""
    if terms.inspectors_each * hours[0] > hours[1] + _TINY:
        return "hours"
    if km[0] > km[1] + _TINY:
        return "kilometres"
    return "day" if out_h > terms.day_hours + _TINY else ""


def _filled(ways: Ways, power: float) -> Ways:
    """Insert stops, the best for its share of the budget first, until none fits."""
    terms = ways.terms
    waiting = set(range(len(ways.stops))) - {one for way in ways.ways for one in way}
    while True:
        fitting = [one for one in (insertion(ways, stop) for stop in sorted(waiting)) if not one.excess]
        if not fitting:
            return ways

        def ratio(one: Insertion) -> float:
            share = terms.inspectors_each * one.hours / terms.inspector_hours + one.km / terms.kilometres
            return math.pow(ways.stops[one.stop].value_kwh_day, power) / max(share, _TINY)

        best = max(fitting, key=ratio)
        ways.ways[best.way].insert(best.position, best.stop)
        ways.ways[best.way] = _shortened(ways, ways.ways[best.way])
        waiting.remove(best.stop)


def _shortened(ways: Ways, way: list[int]) -> list[int]:
    """Reverse parts of a way as long as that makes it shorter (2-opt)."""
    length = ways.kilometres(way)
    while True:
        turned = [
            way[:a] + way[a:b][::-1] + way[b:] for a, b in combinations(range(len(way) + 1), 2) if b - a > 1
        ]
        best = min(turned, key=ways.kilometres, default=way)
        shorter = ways.kilometres(best)
        if shorter > length - _TINY:
            return way
        way, length = best, shorter


def _begun(base: Ways) -> Iterator[Ways]:
    """Yield ways that begin with one of the stops that are worth most."""
    ranked = sorted(range(len(base.stops)), key=lambda one: -base.stops[one].value_kwh_day)
    for stop in ranked[:_MOST_BEGUN]:
        if not insertion(base, stop).excess:
            begun = base.copy()
            begun.ways[insertion(base, stop).way] = [stop]
            yield begun


def _exchanged(ways: Ways) -> Ways:
    """Take one or two stops out and fill up with others, as long as that is worth more."""
    for _ in range(_MOST_EXCHANGES):
        better = max(
            (_filled(one, power) for one in _without(ways) for power in (1.0, 4.0)), key=_worth, default=ways
        )
        if better.value_kwh_day <= ways.value_kwh_day + _TINY:
            break
        ways = better
    return ways


def _without(ways: Ways) -> Iterator[Ways]:
    chosen = [one for way in ways.ways for one in way]
    for stop in chosen:
        fewer = ways.copy()
        fewer.ways = [[one for one in way if one != stop] for way in fewer.ways]
        yield fewer
