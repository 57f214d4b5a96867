"""What concerns each department: figures with the article of the notice, each leading to the list behind it.

A figure is counted by the very filters of the list that it leads to, so the two cannot differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.models import Agency
from minewatch.office.register.lists import site_rows
from minewatch.office.register.models import Site
from minewatch.office.verify.models import Case, Obligation
from minewatch.office.verify.selectors import case_rows

_COUNTED = {"sites": site_rows, "cases": case_rows}
_MOST = 10_000


class Concern(NamedTuple):
    """A figure: words, article of the notice, list (its route) and the filters of that list."""

    title: str | Promise
    article: str
    route: str
    filters: Mapping[str, str]


@dataclass(frozen=True)
class Figure:
    """A concern counted; ``is_more`` where the count stopped at ``number``."""

    title: str | Promise
    article: str
    number: int
    is_more: bool
    address: str


_S, _C, _O = Site.State, Case.State, Obligation.Kind
_ON_THE_LIST = {"state": _S.LISTED.value}
_IN_CONSTRUCTION = {"phase": Site.Phase.CONSTRUCTION.value}
_BY_A_PLANT = {"kind": Site.Kind.DIVERSION.value}
_TO_HAND_DOWN = Concern(_("Cases not yet assigned"), "(十八)", "cases", {"state": _C.SUSPECTED.value})
_LISTED = Concern(_("Sites on the list: differential price"), "(十三)", "sites", _ON_THE_LIST)
_CONFIRMED = Concern(_("Sites confirmed as mining"), "(三)", "sites", {"state": _S.CONFIRMED.value})
_BUILT = Concern(_("Sites under construction: no supply"), "(十)", "sites", _IN_CONSTRUCTION)
_UNMETERED = Concern(_("Supply past the meter"), "(十二)", "sites", {"kind": Site.Kind.UNMETERED.value})
_DIVERTED = Concern(_("Plants supplying mines directly"), "(五)", "sites", _BY_A_PLANT)
_BILLS = Concern(_("Surcharge not billed yet"), "(十三)", "cases", {"owed": _O.SURCHARGE.value})
_VISITS = Concern(_("Sites to be visited again"), "(二十)", "cases", {"owed": _O.REVISIT.value})
_VICTIMS = Concern(_("Intrusions to be cleaned up"), "(十九)", "cases", {"owed": _O.CLEANUP.value})
_TO_JUDGE = Concern(_("Inspected, not judged yet"), "(三)", "cases", {"state": _C.INSPECTED.value})
_TO_INSPECT = Concern(_("Inspections under way"), "(五)", "cases", {"state": _C.ASSIGNED.value})
_EXITS = Concern(_("Exit plans running"), "(十七)", "cases", {"state": _C.EXIT_PLAN.value})
_LEAVING = Concern(_("Cases in measures"), "(十七)", "cases", {"state": _C.MEASURES.value})
_MARKET = Concern(_("Sites on the list: out of the electricity market"), "(十四)", "sites", _ON_THE_LIST)
_FISCAL = Concern(_("Sites on the list: no fiscal or tax support"), "(十五)", "sites", _ON_THE_LIST)
_CREDIT = Concern(_("Sites on the list: no financial services"), "(十六)", "sites", _ON_THE_LIST)
_VICTIM_SITES = Concern(_("Sites that are victims"), "(十九)", "sites", {"state": _S.VICTIM.value})
_ACTIVE = Concern(_("Sites suspected from traffic or load"), "(十九)", "sites", {"state": _S.SUSPECTED.value})

_K = Agency.Kind
CONCERNS: Mapping[str, tuple[Concern, ...]] = {
    _K.REFORM: (_TO_HAND_DOWN, _TO_JUDGE, _CONFIRMED, _LEAVING, _EXITS, _BILLS),
    _K.GOVERNMENT: (_TO_HAND_DOWN, _TO_INSPECT, _CONFIRMED, _LEAVING, _EXITS, _VISITS),
    _K.ENERGY: (_TO_HAND_DOWN, _CONFIRMED, _UNMETERED, _DIVERTED, _MARKET, _EXITS),
    _K.INSPECTORATE: (_DIVERTED, _UNMETERED, _MARKET, _BILLS),
    _K.GRID: (_LISTED, _BILLS, _BUILT, _UNMETERED, _MARKET),
    _K.COMMUNICATIONS: (_ACTIVE, _VICTIM_SITES, _VICTIMS),
    _K.CYBERSPACE: (_ACTIVE, _VICTIM_SITES, _VICTIMS),
    _K.CARRIER: (_ACTIVE, _VICTIM_SITES, _VICTIMS),
    _K.INDUSTRY: (_TO_INSPECT, _BUILT, _CONFIRMED, _EXITS),
    _K.MARKET: (_TO_INSPECT, _CONFIRMED, _VISITS, _EXITS),
    _K.FINANCE: (_CREDIT, _CONFIRMED),
    _K.TREASURY: (_FISCAL, _CONFIRMED),
    _K.TAX: (_FISCAL, _CONFIRMED),
    _K.PARK: (_CONFIRMED, _BUILT, _FISCAL, _EXITS),
}
"""By kind of agency, what concerns it; an agency of no such kind sees what concerns the leading one."""


def figures_for(agency: Agency | None) -> list[Figure]:
    """Return what concerns an agency, counted in scope; one query a figure, six at most."""
    kind = agency.kind if agency else _K.REFORM
    return [_counted(concern) for concern in CONCERNS.get(kind, CONCERNS[_K.REFORM])]


def _counted(concern: Concern) -> Figure:
    rows: Any = _COUNTED[concern.route](concern.filters)
    number = rows.order_by()[: _MOST + 1].count()
    address = f"{reverse(concern.route)}?{urlencode(concern.filters)}"
    return Figure(concern.title, concern.article, min(number, _MOST), number > _MOST, address)
