"""Sites counted: by state, by region below, by week; what the overview, the comparison and the map show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Substr, TruncWeek

from minewatch.office.platform.models import Region
from minewatch.office.platform.scope import active
from minewatch.office.platform.selectors import region_by_code
from minewatch.office.register.models import Site

_OPEN = (Site.State.SUSPECTED, Site.State.LISTED, Site.State.CONFIRMED)
_PLACES = 2
"""Decimals of a coordinate on the map: about a kilometre, for an address is protected."""


@dataclass(frozen=True)
class Figures:
    """Sites of a region in numbers; power and energy are those of sites that are not settled."""

    sites: int
    suspected: int
    listed: int
    confirmed: int
    victims: int
    not_mining: int
    closed: int
    under_construction: int
    recurred: int
    power_kw: float
    energy_week_kwh: float

    @property
    def energy_week_mwh(self) -> float:
        """Return the energy of the week in MWh."""
        return self.energy_week_kwh / 1000

    @property
    def closed_share(self) -> float | None:
        """Return the share of confirmed sites that are closed; None where none was confirmed."""
        confirmed = self.confirmed + self.closed
        return self.closed / confirmed if confirmed else None


@dataclass(frozen=True)
class RegionFigures:
    """The figures of a region; ``has_below`` where it can be opened further."""

    code: str
    name: str
    has_below: bool
    figures: Figures


@dataclass(frozen=True)
class Spot:
    """A site on the map, its place rounded."""

    code: str
    name: str
    state: str
    state_text: str
    region: str
    power_kw: float | None
    lon: float
    lat: float


def _of_state(*states: str) -> Count:
    return Count("pk", filter=Q(state__in=states))


def _sums() -> Mapping[str, Any]:
    is_open = Q(state__in=_OPEN)
    return {
        "sites": Count("pk"),
        "suspected": _of_state(Site.State.SUSPECTED),
        "listed": _of_state(Site.State.LISTED),
        "confirmed": _of_state(Site.State.CONFIRMED),
        "victims": _of_state(Site.State.VICTIM),
        "not_mining": _of_state(Site.State.NOT_MINING),
        "closed": _of_state(Site.State.CLOSED),
        "under_construction": Count("pk", filter=Q(phase=Site.Phase.CONSTRUCTION)),
        "recurred": Count("pk", filter=Q(recurrences__gt=0)),
        "power_kw": Sum("power_kw", filter=is_open, default=0.0),
        "energy_week_kwh": Sum("energy_week_kwh", filter=is_open, default=0.0),
    }


def figures() -> Figures:
    """Return the figures of all sites in scope."""
    return Figures(**Site.objects.filter(merged_into=None).aggregate(**_sums()))


def by_region(above: Region) -> list[RegionFigures]:
    """Return the figures of each region right below one, in the order of the tree, those without too."""
    length = len(above.path) + Region.steplen
    rows = Site.objects.filter(merged_into=None, region__path__startswith=above.path)
    found = {
        row.pop("step"): Figures(**row)
        for row in rows.annotate(step=Substr("region__path", 1, length)).values("step").annotate(**_sums())
    }
    below = Region.objects.filter(path__startswith=above.path, depth=above.depth + 1, successor=None)
    shown = [
        RegionFigures(region.code, region.name_zh, region.numchild > 0, found.get(region.path, _NOTHING))
        for region in below.order_by("path")
    ]
    own = found.get(above.path)
    return [*shown, RegionFigures(above.code, above.name_zh, False, own)] if own else shown


_NOTHING = Figures(0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0, 0.0)


def region_above(code: str) -> Region | None:
    """Return the region of a code inside the active scope; without a code the scope's own. None outside."""
    path = active().region_path
    region = region_by_code(code) if code else Region.objects.filter(path=path).first()
    return region if region is not None and region.path.startswith(path) else None


def by_week(now: datetime, weeks: int = 26) -> list[tuple[date, int, int]]:
    """Return for each of the last weeks (its Monday) how many sites were first seen, and how many closed."""
    since = now - timedelta(weeks=weeks)
    rows = Site.objects.filter(merged_into=None)
    seen = _weekly(rows.filter(first_seen_at__gte=since).annotate(week=TruncWeek("first_seen_at")))
    shut = _weekly(rows.filter(closed_on__gte=since.date()).annotate(week=TruncWeek("closed_on")))
    known = seen.keys() | shut.keys()
    if not known:
        return []
    first, last = min(known), max(known)
    between = [first + timedelta(weeks=step) for step in range((last - first).days // 7 + 1)]
    return [(week, seen.get(week, 0), shut.get(week, 0)) for week in between]


def _weekly(rows: Any) -> dict[Any, int]:
    counted: Iterable[tuple[Any, int]] = rows.order_by().values_list("week").annotate(number=Count("pk"))
    return {week.date() if isinstance(week, datetime) else week: number for week, number in counted}


def spots(box: Sequence[float], states: Sequence[str], most: int) -> tuple[list[Spot], bool]:
    """Return the largest sites inside ``box`` (west, south, east, north), and whether there are more."""
    west, south, east, north = box
    rows = Site.objects.filter(
        merged_into=None, premises__lon__range=(west, east), premises__lat__range=(south, north)
    )
    if states:
        rows = rows.filter(state__in=states)
    largest = rows.order_by(F("power_kw").desc(nulls_last=True), "pk")
    fields = ("code", "name", "state", "region__name_zh", "power_kw", "premises__lon", "premises__lat")
    found = [
        Spot(
            code,
            name,
            state,
            str(Site.State(state).label),
            region,
            power,
            round(lon, _PLACES),
            round(lat, _PLACES),
        )
        for code, name, state, region, power, lon, lat in largest.values_list(*fields)[: most + 1]
    ]
    return found[:most], len(found) > most
