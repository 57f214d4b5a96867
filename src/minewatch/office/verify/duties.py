"""What agencies owe, counted: how much is open, how much is overdue, what is due within a week."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Min, Q

from minewatch.office.platform.models import Agency
from minewatch.office.platform.scope import active
from minewatch.office.verify.models import Approval, Obligation, Order, Owed, Plea

_MODELS: tuple[type[Owed], ...] = (Order, Approval, Plea, Obligation)
_SOON = timedelta(days=7)


@dataclass(frozen=True)
class Duties:
    """What an agency owes in the cases in scope; ``first_due_at`` is None where nothing is open."""

    code: str
    name: str
    open: int
    late: int
    soon: int
    first_due_at: datetime | None


def due_within(span: str, now: datetime) -> Q:
    """Return the condition of what is overdue (``late``), due within a week (``soon``), or of all."""
    spans = {"late": Q(due_at__lte=now), "soon": Q(due_at__lte=now + _SOON)}
    return spans.get(span, Q())


def duties_of(agency: Agency, now: datetime) -> Duties:
    """Return what one agency owes; one query."""
    found = _by_agency(Q(agency=agency), now)
    return found[0] if found else Duties(agency.code, agency.name_zh, 0, 0, 0, None)


def duties(now: datetime) -> list[Duties]:
    """Return what each agency owes that owes something, those with most overdue first; one query."""
    found = _by_agency(Q(), now)
    return sorted(found, key=lambda one: (-one.late, one.first_due_at or now, one.code))


def agency_in_scope(code: str) -> Agency | None:
    """Return an agency of the region in scope, or None."""
    top = active().region_path
    return Agency.objects.select_related("region").filter(code=code, region__path__startswith=top).first()


def _by_agency(where: Q, now: datetime) -> list[Duties]:
    first, *others = (_part(model, where, now) for model in _MODELS)
    summed: dict[str, Duties] = {}
    for row in first.union(*others, all=True):
        one = Duties(**row)
        summed[one.code] = _both(summed[one.code], one) if one.code in summed else one
    return list(summed.values())


def _part(model: type[Owed], where: Q, now: datetime) -> Any:
    counted: Mapping[str, Any] = {
        "open": Count("pk"),
        "late": Count("pk", filter=due_within("late", now)),
        "soon": Count("pk", filter=due_within("soon", now)),
        "first_due_at": Min("due_at"),
    }
    rows = model.objects.filter(where, ended_at=None).order_by()
    named = rows.values(code=F("agency__code"), name=F("agency__name_zh"))
    return named.annotate(**counted)


def _both(one: Duties, other: Duties) -> Duties:
    first = min(at for at in (one.first_due_at, other.first_due_at) if at is not None)
    numbers = (one.open + other.open, one.late + other.late, one.soon + other.soon)
    return Duties(one.code, one.name, *numbers, first)
